//! The heuristics over the tree of a command. H008.

use std::os::unix::ffi::OsStrExt as _;

use super::command::ExaminedCommand;
use super::define::heuristic;
use super::network::{self, Pipelines};
use super::{ALL, Descendants, Heuristic, unseen};
use crate::evaluate::command_tree::{CommandTree, Lack, Node, SaidBy, Shown};
use crate::evaluate::index::IndexedRules;
use crate::request::Words;
use crate::script::is_builtin;

heuristic! {
    /// More than eight programs that start programs, or scripts, one inside the other, or more
    /// text than is worth reading.
    ///
    /// ## Why it is dangerous
    ///
    /// Nothing honest looks like that, and what is inside isn't looked at any further.
    ///
    /// ## Example
    ///
    /// ```sh
    /// env env env env env env env env env ls
    /// ```
    ///
    /// ## Instead
    ///
    /// Write it directly, or put it in a separate file:
    ///
    /// ```sh
    /// env ls
    /// ```
    TOO_DEEP, "H008", "too-deep",
    "commands are nested too deep here to see what would run",
    None
}

/// A command, and those within it.
#[derive(Clone, Copy)]
pub(super) struct TreeWalk<'a> {
    pub(super) rules: &'a IndexedRules,
    /// The words of the whole, if it is one command.
    pub(super) words: Option<Words<'a>>,
    pub(super) tree: &'a CommandTree,
    pub(super) descendants: Descendants,
}

impl<'a> TreeWalk<'a> {
    /// The first heuristic that applies to the whole or to one within it.
    pub(super) fn examine(self) -> Option<&'static Heuristic> {
        let too_deep = (self.tree.lacks() == Lack::Limited).then_some(&TOO_DEEP);
        let (_, whole) = self.all();
        whole.or(too_deep)
    }

    /// The first that applies to each command or to one within it, and to the whole.
    pub(super) fn all(self) -> (Vec<Option<&'static Heuristic>>, Option<&'static Heuristic>) {
        let nodes = self.tree.nodes();
        let mut found = vec![None; nodes.len()];
        // Those within a command come behind it.
        for (nth, node) in nodes.iter().enumerate().rev() {
            let danger = self.danger(Some(node), &mut found);
            if let Some(place) = found.get_mut(nth) {
                *place = danger;
            }
        }
        let whole = self.danger(None, &mut found);
        (found, whole)
    }

    /// What the network sends to be run, in the whole or in one within it.
    pub(super) fn flow(self) -> Option<&'static Heuristic> {
        let (commands, whole) = self.all();
        let mut found = commands.into_iter().chain([whole]).flatten();
        found.find(|danger| danger.code == network::NETWORK_TO_SHELL.code)
    }

    /// The first that applies to `node`, `None` for the whole, or to one within it, of which each is `known`
    /// but for what flows into it.
    fn danger(
        self,
        node: Option<&'a Node>,
        known: &mut [Option<&'static Heuristic>],
    ) -> Option<&'static Heuristic> {
        let mut pipelines = Pipelines::default();
        let known = known.get_mut(self.tree.range(node)).unwrap_or_default();
        for (child, known) in self.tree.children(node).iter().zip(known.iter_mut()) {
            if child.place.is_some() && pipelines.flow_into(child, |is| self.any(child, is)) {
                *known = Some(&network::NETWORK_TO_SHELL);
            }
        }
        let own = self.own_danger(node);
        own.or_else(|| known.iter().find_map(|danger| *danger))
    }

    /// The first that applies to `node` itself, and counts.
    fn own_danger(self, node: Option<&'a Node>) -> Option<&'static Heuristic> {
        let words = node.map(Node::words).or(self.words)?;
        let mut command = node.map_or_else(
            || ExaminedCommand::of(self.rules, words),
            |node| self.command(node),
        );
        let fed = self
            .tree
            .children(node)
            .iter()
            .filter(|child| child.appends);
        command.feeds = fed.map(|child| self.command(child)).collect();
        let is_unseen = node.is_none_or(|node| {
            self.descendants == Descendants::Unjudged
                || node.shown != Shown::Words
                || is_builtin(node.argv.first().map_or(&[], |word| word.as_bytes()))
        });
        let found = ALL.into_iter().find(|known| {
            let applies = known.applies.is_some_and(|applies| applies(&command));
            // Of a download, a program's arguments show nothing once it runs.
            applies && (is_unseen || known.code == network::NETWORK_TO_SHELL.code)
        });
        let unknown = || unseen::applies(&command, self.tree, node);
        found.or_else(|| unknown().then_some(&unseen::UNSEEN_COMMANDS))
    }

    /// `node` as heuristics see it.
    fn command(self, node: &'a Node) -> ExaminedCommand<'a> {
        let mut command = ExaminedCommand::of(self.rules, node.words());
        command.is_interpreter = node.said_by == SaidBy::Interpreter;
        command
    }

    /// Whether `node` or one within it is as asked. The depth of the recursion is bounded by that of the
    /// tree.
    fn any(self, node: &'a Node, is: fn(&ExaminedCommand<'_>) -> bool) -> bool {
        let mut children = self.tree.children(Some(node)).iter();
        is(&self.command(node)) || children.any(|child| self.any(child, is))
    }
}
