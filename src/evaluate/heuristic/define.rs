//! What a heuristic is, and the one way to define it.

use super::command::ExaminedCommand;

/// One family of dangerous commands.
#[derive(Debug, Clone, Copy)]
pub struct Heuristic {
    /// The stable code.
    pub code: &'static str,
    /// A short name for lists.
    pub name: &'static str,
    /// What is dangerous about it, in one sentence.
    pub reason: &'static str,
    /// Its page in the manual: each line of the doc comment with its leading space.
    pub(super) page: &'static str,
    /// Whether a command is of this family; `None` for what only shows across commands.
    pub(super) applies: Option<fn(&ExaminedCommand<'_>) -> bool>,
}

impl Heuristic {
    /// The page in the manual, as Markdown.
    pub fn page(&self) -> String {
        let mut page = format!("# {} {}\n\n", self.code, self.name);
        for line in self.page.lines() {
            page.push_str(line.strip_prefix(' ').unwrap_or(line));
            page.push('\n');
        }
        page
    }
}

/// Defines a heuristic. The doc comment is both the documentation of the item and the page.
macro_rules! heuristic {
    ($(#[doc = $line:literal])+
    $item:ident, $code:literal, $name:literal, $reason:literal, $applies:expr) => {
        $(#[doc = $line])+
        pub(super) const $item: $crate::evaluate::heuristic::Heuristic =
            $crate::evaluate::heuristic::Heuristic {
                code: $code,
                name: $name,
                reason: $reason,
                page: concat!($($line, "\n",)+),
                applies: $applies,
            };
    };
}
pub(super) use heuristic;
