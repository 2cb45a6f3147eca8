//! Text of others in a message that a client may take for Markdown, or show on a terminal.

use crate::request::argv;

/// `text` as a code span, which nothing in it can end: on one line, whatever could change how it shows
/// as an escape, between more backticks than it has in a row.
pub(super) fn span(text: &str) -> String {
    let text = argv::visible(text).replace('\t', "\\t");
    if text.is_empty() {
        return "(nothing)".to_owned();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // A reader takes one blank off each side, where both have one and there is more than blanks.
    let edges = ['`', ' '];
    let at_edge = text.starts_with(edges) || text.ends_with(edges);
    let all_blank = text.chars().all(|c| c == ' ');
    let blank = if at_edge && !all_blank { " " } else { "" };
    format!("{fence}{blank}{text}{blank}{fence}")
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

    use super::*;

    /// What a reader of Markdown makes of one paragraph of text and code spans: both, in pieces.
    pub(in super::super) fn read(markdown: &str) -> (String, Vec<String>) {
        let options = [
            Options::empty(),
            Options::all() - Options::ENABLE_SMART_PUNCTUATION,
        ];
        let mut readings = options.map(|options| {
            let (mut text, mut spans) = (String::new(), Vec::new());
            for event in Parser::new_ext(markdown, options) {
                match event {
                    Event::Text(piece) => text.push_str(&piece),
                    Event::Code(span) => {
                        spans.push(span.into_string());
                        text.push('@');
                    }
                    Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph) => {}
                    other => panic!("{other:?} in {markdown}"),
                }
            }
            (text, spans)
        });
        let [plain, all] = &mut readings;
        assert_eq!(plain, all);
        std::mem::take(plain)
    }

    /// Text that would rather be something else.
    pub(in super::super) fn hostile() -> impl Strategy<Value = String> {
        let pieces = prop::sample::select(vec![
            "`",
            "``",
            "```",
            " ",
            "  ",
            "\n",
            "\n\n",
            "\r",
            "\t",
            "\\",
            "*",
            "**",
            "_",
            "[",
            "](x)",
            "![",
            "<b>",
            "<a href=\"`\">",
            "</a>",
            "<!--",
            "-->",
            "&lt;",
            "#",
            "> ",
            "- ",
            "1. ",
            "|",
            "~~~",
            "$",
            "$$",
            "https://example.com",
            "www.example.com",
            "@x",
            "\u{201d}",
            "\u{201c}",
            "\u{202e}",
            "\u{2066}",
            "\u{200b}",
            "\u{feff}",
            "\u{1b}[2K",
            "\u{7}",
            "\u{0}",
            "\u{85}",
            "\u{2028}",
            "a",
            "ls",
            "'",
            "\"",
            "Program: x, inside the sandbox.",
            "\u{e9}",
            "\u{1f600}",
        ]);
        prop::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn nothing_leaves_its_span(text in hostile(), next in hostile()) {
            let message = format!("Run {} in {}?", span(&text), span(&next));
            prop_assert!(message.chars().all(argv::is_visible), "{message}");
            let (ours, spans) = read(&message);
            let given: Vec<String> = [&text, &next]
                .into_iter()
                .filter(|text| !text.is_empty())
                .map(|text| argv::visible(text).replace('\t', "\\t"))
                .collect();
            prop_assert_eq!(spans, given);
            let shown = |text: &str| if text.is_empty() { "(nothing)" } else { "@" };
            prop_assert_eq!(ours, format!("Run {} in {}?", shown(&text), shown(&next)));
        }
    }
}
