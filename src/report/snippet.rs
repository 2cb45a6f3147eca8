//! A source excerpt with the place marked, as the compiler draws it. The only import of
//! annotate-snippets.

use std::ops::Range;

use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level as Title, Origin, Renderer, Snippet,
};

use crate::lint::{Finding, Level};
use crate::rules::RuleSet;
use crate::rules::model::Span;

/// Draws one finding. Control characters in names, messages and sources are made visible.
pub fn draw(rules: &RuleSet, finding: &Finding, colour: bool) -> String {
    let title = match finding.level {
        Level::Warning => Title::WARNING,
        Level::Error => Title::ERROR,
    };
    let title = title
        .primary_title(finding.message.as_str())
        .id(finding.code.as_str());
    let mut group = Group::with_title(title);
    let place = finding.span.and_then(|span| SpanLines::of(rules, span));
    if let Some(place) = &place {
        group = group.element(place.snippet(place.mark(AnnotationKind::Primary)));
    } else {
        group = group.elements(origin(rules, finding));
    }
    if let Some(related) = &finding.related
        && let Some(other) = SpanLines::of(rules, related.span)
    {
        let mark = other.mark(AnnotationKind::Context).label(related.label);
        group = group.element(other.snippet(mark));
    }
    let help = finding.help.as_deref();
    group = group.elements(help.map(|help| Title::HELP.message(help)));
    renderer(colour).render(&[group])
}

/// The lines of `text`, called `name`, that `span` touches, with the place marked. Control
/// characters are made visible.
pub fn excerpt(name: &str, text: &str, span: Span, colour: bool) -> Option<String> {
    let place = SpanLines::within(name, text, span)?;
    let mark = place.mark(AnnotationKind::Primary);
    let group = Group::with_level(Title::ERROR).element(place.snippet(mark));
    Some(renderer(colour).render(&[group]))
}

fn renderer(colour: bool) -> Renderer {
    if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    }
}

/// The file's name alone, for what has no place in it or a text that can't be shown.
fn origin<'a>(rules: &'a RuleSet, finding: &Finding) -> Option<Origin<'a>> {
    let file = rules.files.get(finding.file as usize)?;
    let origin = Origin::path(file.name.as_str());
    Some(match finding.span {
        Some(span) => origin
            .line(span.line as usize)
            .char_column(span.column as usize),
        None => origin,
    })
}

/// The lines that a span touches, and the bytes of them that it stands for. Only these lines are
/// handed on, as the renderer's work grows with the text.
struct SpanLines<'a> {
    name: &'a str,
    lines: &'a str,
    first_line: usize,
    marked: Range<usize>,
}

impl<'a> SpanLines<'a> {
    /// `None` when the text isn't there.
    fn of(rules: &'a RuleSet, span: Span) -> Option<Self> {
        let file = rules.files.get(span.file as usize)?;
        Self::within(&file.name, &file.text, span)
    }

    fn within(name: &'a str, text: &'a str, span: Span) -> Option<Self> {
        let text = text.trim_end();
        let start = offset(text, span.line, span.column)?;
        let end = offset(text, span.end_line, span.end_column)?;
        let from = text
            .get(..start)?
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        let to = text
            .get(end..)?
            .find('\n')
            .map_or(text.len(), |newline| end + newline);
        let before = text.get(..from)?;
        Some(Self {
            name,
            lines: text.get(from..to)?,
            first_line: before.matches('\n').count() + 1,
            marked: start.checked_sub(from)?..end.checked_sub(from)?,
        })
    }

    fn mark(&self, kind: AnnotationKind) -> Annotation<'a> {
        kind.span(self.marked.clone())
    }

    fn snippet(&self, mark: Annotation<'a>) -> Snippet<'a, Annotation<'a>> {
        Snippet::source(self.lines)
            .path(self.name)
            .line_start(self.first_line)
            .annotation(mark)
    }
}

/// The byte at which a line and a column (both from 1, the column in characters) begin. A column
/// past the end of its line means the end, and so does a line past the last.
fn offset(text: &str, line: u32, column: u32) -> Option<usize> {
    let line = usize::try_from(line).ok()?.checked_sub(1)?;
    let column = usize::try_from(column).ok()?.checked_sub(1)?;
    let start = match line.checked_sub(1) {
        None => 0,
        Some(before) => match text.match_indices('\n').nth(before) {
            Some((newline, _)) => newline + 1,
            None => return Some(text.len()),
        },
    };
    let content = text.get(start..)?.lines().next().unwrap_or_default();
    let within = content.char_indices().nth(column);
    Some(start + within.map_or(content.len(), |(byte, _)| byte))
}

#[cfg(test)]
mod tests {
    use super::offset;

    #[test]
    fn columns_are_characters_and_offsets_bytes() {
        let text = "é = 1\nfoo\n";
        assert_eq!(offset(text, 1, 1), Some(0));
        assert_eq!(offset(text, 1, 2), Some(2));
        assert_eq!(offset(text, 2, 1), Some(7));
    }

    #[test]
    fn a_place_outside_the_text_is_no_panic() {
        assert_eq!(offset("a\n", 1, 99), Some(1));
        assert_eq!(offset("a\nb", 9, 1), Some(3));
        assert_eq!(offset("", 1, 1), Some(0));
        assert_eq!(offset("a\n", 0, 0), None);
    }
}
