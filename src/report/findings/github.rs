//! For GitHub Actions: a workflow command for each finding, which shows it beside the line.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use crate::lint::Finding;
use crate::rules::model::Span;

use super::{Findings, summary};

/// One line for each finding, and one that counts. Files in the `repository` are named from there, others
/// as they are.
pub fn github(findings: Findings<'_>, repository: Option<&Path>) -> String {
    let mut text = String::new();
    for finding in findings.findings {
        let file = findings.file_name(finding);
        let within = repository.and_then(|repository| within(repository, file));
        text.push_str(&command(within.as_deref().unwrap_or(file), finding));
    }
    text.push_str(&summary(findings));
    text.push('\n');
    text
}

/// The path of `file`, which counts from the working directory, from the top of the `repository`.
fn within(repository: &Path, file: &str) -> Option<String> {
    let mut path = PathBuf::new();
    for component in std::path::absolute(file).ok()?.components() {
        if component == Component::ParentDir {
            path.pop();
        } else {
            path.push(component);
        }
    }
    let path = path.strip_prefix(repository).ok()?;
    let path = Some(path.as_os_str()).filter(|path| !path.is_empty());
    path.and_then(OsStr::to_str).map(str::to_owned)
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
    use std::path::Path;

    use super::{data, property, within};

    #[test]
    fn files_are_named_from_the_top_of_the_repository() {
        let top = std::env::current_dir().unwrap();
        for (file, expected) in [
            ("./a/b.rules", Some("a/b.rules")),
            ("a/../b.rules", Some("b.rules")),
            ("../elsewhere.rules", None),
            ("-", Some("-")),
        ] {
            assert_eq!(within(&top, file).as_deref(), expected, "{file}");
        }
        let below = top.join("b.rules");
        assert_eq!(
            within(&top, below.to_str().unwrap()).as_deref(),
            Some("b.rules")
        );
        assert_eq!(within(Path::new("/nowhere"), "b.rules"), None);
    }

    #[test]
    fn a_value_cannot_end_its_property_or_its_line() {
        assert_eq!(property("a,b:c%d\r\n"), "a%2Cb%3Ac%25d%0D%0A");
        assert_eq!(data("100%: a,\nb"), "100%25: a,%0Ab");
    }
}
