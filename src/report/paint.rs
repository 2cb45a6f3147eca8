//! Colour on a terminal, and nothing anywhere else.

use crate::rules::Decision;

/// How a piece of text stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// A heading.
    Bold,
    /// What is there to look up.
    Dim,
    /// A decision, in its colour.
    Said(Decision),
}

/// Whether there is colour.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    /// Whether escape sequences are written.
    pub(super) colour: bool,
}

impl Paint {
    /// `text` in `ink`.
    pub(super) fn ink(self, ink: Ink, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Said(Decision::Allow) => "1;32",
            Ink::Said(Decision::Prompt) => "1;33",
            Ink::Said(Decision::Forbidden) => "1;31",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// The word for a decision.
pub(super) fn decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "allow",
        Decision::Prompt => "prompt",
        Decision::Forbidden => "forbidden",
    }
}
