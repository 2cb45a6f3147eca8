//! What counts for a verdict beside the request itself: the commands within it.

use crate::request::Request;

use super::command_tree::{CommandTree, Inner};
use super::heuristic::Descendants;
use super::index::IndexedRules;
use super::judge::Doubt;

/// The commands beside the one that was asked about.
#[derive(Debug)]
pub(super) struct Sight {
    /// All of them.
    pub(super) tree: CommandTree,
    /// Those that rules which restrict are asked about.
    pub(super) inner: Vec<Inner>,
    /// The directory of the request itself is known.
    pub(super) is_placed: bool,
    /// What becomes of the programs that the command starts.
    pub(super) descendants: Descendants,
    /// Why the command's own words can't be relied on.
    pub(super) doubt: Option<Doubt>,
}

impl Sight {
    /// Everything that the words say.
    pub(super) fn of(index: &IndexedRules, request: &Request) -> Self {
        let tree = CommandTree::of(index, request);
        let has_rules =
            !index.rules().prefix_rules.is_empty() || !index.rules().command_rules.is_empty();
        Self {
            inner: if has_rules {
                tree.requests(request)
            } else {
                Vec::new()
            },
            tree,
            is_placed: true,
            descendants: Descendants::Unjudged,
            doubt: None,
        }
    }

    /// The same where what it starts is judged when it starts: rules are asked about what the request runs
    /// without another exec, and nothing else.
    pub(super) fn followed(index: &IndexedRules, request: &Request) -> Self {
        let tree = CommandTree::of(index, request);
        Self {
            inner: tree.same_process(request),
            tree,
            is_placed: true,
            descendants: Descendants::Judged,
            doubt: None,
        }
    }

    /// Why no rule that permits by the first `words` of the command counts.
    pub(super) fn objection(&self, words: usize) -> Option<String> {
        if self.tree.is_incomplete() && self.descendants == Descendants::Unjudged {
            return Some("there is more in it than can be looked at".to_owned());
        }
        let doubt = self.doubt.as_ref().filter(|doubt| doubt.from < words);
        doubt.map(|doubt| doubt.reason.clone())
    }
}
