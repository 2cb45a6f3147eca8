//! For GitHub Actions: a workflow command for each finding, which shows it beside the line.

use crate::lint::Finding;
use crate::rules::model::Span;

use super::Findings;

/// One line for each finding.
pub fn github(findings: Findings<'_>) -> String {
    findings
        .findings
        .iter()
        .map(|finding| command(findings.file_name(finding), finding))
        .collect()
}

fn command(file: &str, finding: &Finding) -> String {
    let message = match &finding.help {
        Some(help) => format!("{}\nhelp: {help}", finding.message),
        None => finding.message.clone(),
    };
    format!(
        "::{} file={}{},title={}::{}\n",
        finding.level.name(),
        property(file),
        finding.span.map(place).unwrap_or_default(),
        property(&finding.code),
        data(&message)
    )
}

/// GitHub takes columns only within one line, and counts the end column as part of the place.
fn place(span: Span) -> String {
    let Span {
        line,
        column,
        end_line,
        end_column,
        ..
    } = span;
    if line == end_line {
        let last = end_column.saturating_sub(1).max(column);
        format!(",line={line},col={column},endColumn={last}")
    } else {
        format!(",line={line},endLine={end_line},col={column}")
    }
}

/// Escapes the text after the second `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes the value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{data, property};

    #[test]
    fn a_value_cannot_end_its_property_or_its_line() {
        assert_eq!(property("a,b:c%d\r\n"), "a%2Cb%3Ac%25d%0D%0A");
        assert_eq!(data("100%: a,\nb"), "100%25: a,%0Ab");
    }
}
