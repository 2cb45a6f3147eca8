//! What counts for a verdict beside the request itself: the commands within it.

use crate::request::Request;

use super::command_tree::{CommandTree, Lack};
use super::heuristic::{self, Descendants, Heuristic};
use super::index::IndexedRules;
use super::matches::UncertainWord;
use super::verdict::RuleMatch;

/// The commands beside the one that was asked about.
#[derive(Debug)]
pub(super) struct CommandSight<'a> {
    /// The rules that restrict one of them.
    pub(super) within: Vec<RuleMatch>,
    /// What is left out of them.
    lacks: Lack,
    danger: Hazard<'a>,
    /// The directory of the request itself is known.
    pub(super) is_placed: bool,
    /// What becomes of the programs that the command starts.
    descendants: Descendants,
    /// Why the command's own words can't be relied on.
    doubt: Option<UncertainWord>,
}

/// What looks dangerous about it all.
#[derive(Debug)]
enum Hazard<'a> {
    /// The first heuristic that applies.
    Known(Option<&'static Heuristic>),
    /// What is to be looked for in this.
    In(&'a CommandTree),
}

impl<'a> CommandSight<'a> {
    /// Everything that the words say.
    pub(super) fn of(tree: &'a CommandTree, within: Vec<RuleMatch>) -> Self {
        Self {
            within,
            lacks: tree.lacks(),
            danger: Hazard::In(tree),
            is_placed: true,
            descendants: Descendants::Unjudged,
            doubt: None,
        }
    }

    /// The same where what it starts is judged when it starts: rules are asked about what the request runs
    /// without an exec that will be judged, and nothing else.
    pub(super) fn followed(tree: &'a CommandTree, within: Vec<RuleMatch>) -> Self {
        Self {
            within,
            lacks: Lack::Nothing,
            danger: Hazard::In(tree),
            is_placed: true,
            descendants: Descendants::Judged,
            doubt: None,
        }
    }

    /// The same of a command in a script: of those within it, it is known what is `within`, what is left out,
    /// and what looks dangerous.
    pub(super) fn in_script(
        within: Vec<RuleMatch>,
        lacks: Lack,
        danger: Option<&'static Heuristic>,
        doubt: Option<UncertainWord>,
        is_placed: bool,
    ) -> Self {
        Self {
            within,
            lacks,
            danger: Hazard::Known(danger),
            is_placed,
            descendants: Descendants::Unjudged,
            doubt,
        }
    }

    /// What looks dangerous about `request`, whose sight this is.
    pub(super) fn danger(
        &self,
        index: &IndexedRules,
        request: &Request,
    ) -> Option<heuristic::Danger> {
        match self.danger {
            Hazard::Known(known) => known.map(heuristic::Danger::from),
            Hazard::In(tree) => {
                heuristic::danger_in(index, request.words(), tree, self.descendants)
            }
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
