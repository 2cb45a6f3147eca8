//! What counts for a verdict beside the request itself: the commands within it.

use crate::request::Request;

use super::command_tree::{CommandTree, Lack};
use super::heuristic::{self, Danger, Descendants, Heuristic};
use super::index::IndexedRules;
use super::judge::{Doubt, restrictions};
use super::verdict::RuleMatch;

/// The commands beside the one that was asked about.
#[derive(Debug)]
pub(super) struct Sight<'a> {
    /// All of them.
    tree: &'a CommandTree,
    /// The rules that restrict one of them.
    pub(super) within: Vec<RuleMatch>,
    /// What is left out of them.
    lacks: Lack,
    /// What looks dangerous about it all, where that is known.
    danger: Option<Option<&'static Heuristic>>,
    /// The directory of the request itself is known.
    pub(super) is_placed: bool,
    /// What becomes of the programs that the command starts.
    descendants: Descendants,
    /// Why the command's own words can't be relied on.
    doubt: Option<Doubt>,
}

impl<'a> Sight<'a> {
    /// Everything that the words say.
    pub(super) fn of(index: &IndexedRules, request: &Request, tree: &'a CommandTree) -> Self {
        let rules = index.rules();
        let has_rules = !rules.prefix_rules.is_empty() || !rules.command_rules.is_empty();
        let inner = has_rules.then(|| tree.requests(request));
        let inner = inner.iter().flatten();
        let within = inner.flat_map(|it| restrictions(index, &it.request, it.is_placed));
        Self {
            within: within.collect(),
            lacks: tree.lacks(),
            tree,
            danger: None,
            is_placed: true,
            descendants: Descendants::Unjudged,
            doubt: None,
        }
    }

    /// The same where what it starts is judged when it starts: rules are asked about what the request runs
    /// without another exec, and nothing else.
    pub(super) fn followed(index: &IndexedRules, request: &Request, tree: &'a CommandTree) -> Self {
        let inner = tree.same_process(request).into_iter();
        let within = inner.flat_map(|it| restrictions(index, &it.request, it.is_placed));
        Self {
            within: within.collect(),
            lacks: Lack::Nothing,
            tree,
            danger: None,
            is_placed: true,
            descendants: Descendants::Judged,
            doubt: None,
        }
    }

    /// The same of a command in a script whose `tree` this is: of those within it, it is known what is
    /// `within`, what is left out, and what looks dangerous.
    pub(super) fn in_script(
        tree: &'a CommandTree,
        within: Vec<RuleMatch>,
        lacks: Lack,
        danger: Option<&'static Heuristic>,
        doubt: Option<Doubt>,
        is_placed: bool,
    ) -> Self {
        Self {
            tree,
            within,
            lacks,
            danger: Some(danger),
            is_placed,
            descendants: Descendants::Unjudged,
            doubt,
        }
    }

    /// What looks dangerous about `request`, whose sight this is.
    pub(super) fn danger(&self, index: &IndexedRules, request: &Request) -> Option<Danger> {
        match self.danger {
            Some(known) => known.map(Danger::from),
            None => heuristic::danger_in(index, request.words(), self.tree, self.descendants),
        }
    }

    /// Why no rule that permits by the first `words` of the command counts.
    pub(super) fn objection(&self, words: usize) -> Option<String> {
        if self.lacks != Lack::Nothing {
            return Some("there is more in it than can be looked at".to_owned());
        }
        let doubt = self.doubt.as_ref().filter(|doubt| doubt.from < words);
        doubt.map(|doubt| doubt.reason.clone())
    }
}
