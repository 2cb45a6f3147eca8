//! What counts for a verdict beside the request itself: the commands within it.

use crate::request::Request;

use super::command_tree::{CommandTree, Lack, Node};
use super::heuristic::{self, Descendants, Heuristic};
use super::index::IndexedRules;
use super::judge::{Doubt, restrictions};
use super::unforeseen::Foresight;
use super::verdict::RuleMatch;

/// The commands beside the one that was asked about.
#[derive(Debug)]
pub(super) struct Sight<'a> {
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
    doubt: Option<Doubt>,
}

/// What looks dangerous about it all.
#[derive(Debug)]
enum Hazard<'a> {
    /// The first heuristic that applies.
    Known(Option<&'static Heuristic>),
    /// What is to be looked for in this.
    In(&'a CommandTree),
}

impl<'a> Sight<'a> {
    /// Everything that the words say.
    pub(super) fn of(index: &IndexedRules, request: &Request, tree: &'a CommandTree) -> Self {
        Self {
            within: within(index, request, tree, |_| true),
            lacks: tree.lacks(),
            danger: Hazard::In(tree),
            is_placed: true,
            descendants: Descendants::Unjudged,
            doubt: None,
        }
    }

    /// The same where what it starts is judged when it starts: rules are asked about what the request runs
    /// without an exec that will be judged, and nothing else.
    pub(super) fn followed(index: &IndexedRules, request: &Request, tree: &'a CommandTree) -> Self {
        Self {
            within: within(index, request, tree, Node::is_unjudged),
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
        doubt: Option<Doubt>,
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

/// The rules that restrict one of the commands of the `tree` of `request` that are as asked, or would if what
/// nobody can know of it were so.
fn within(
    index: &IndexedRules,
    request: &Request,
    tree: &CommandTree,
    is_asked: impl Fn(&Node) -> bool,
) -> Vec<RuleMatch> {
    let mut foresight = Foresight::default();
    let mut found = Vec::new();
    let nodes = tree.nodes().iter();
    for node in nodes.filter(|node| is_asked(node) && index.may_restrict(node.words())) {
        for inner in node.requests(request) {
            found.extend(restrictions(index, &inner.request, inner.is_placed));
            found.extend(foresight.presumed(index, node, &inner.request));
        }
    }
    found
}
