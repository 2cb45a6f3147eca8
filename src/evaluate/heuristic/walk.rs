//! The heuristics over the tree of a command. H008.

use std::os::unix::ffi::OsStrExt as _;

use super::command::Command;
use super::define::heuristic;
use super::network::{self, Pipelines};
use super::{ALL, Descendants, Heuristic};
use crate::evaluate::command_tree::{CommandTree, Node};
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
    /// Say it directly, or put it in a file of its own:
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
pub(super) struct Walk<'a> {
    pub(super) rules: &'a IndexedRules,
    pub(super) words: Words<'a>,
    pub(super) tree: &'a CommandTree,
    pub(super) descendants: Descendants,
}

impl<'a> Walk<'a> {
    /// The first heuristic that applies to the command or to one within it.
    pub(super) fn examine(self) -> Option<&'static Heuristic> {
        let too_deep = self.tree.is_too_deep().then_some(&TOO_DEEP);
        self.danger(None).or(too_deep)
    }

    /// The first that applies to `node`, `None` for the whole, or to one within it. The depth of the
    /// recursion is bounded by that of the tree.
    fn danger(self, node: Option<&'a Node>) -> Option<&'static Heuristic> {
        let own = self.own_danger(node);
        if own.is_some() {
            return own;
        }
        let mut pipelines = Pipelines::default();
        self.tree.children(node).iter().find_map(|child| {
            let found = self.danger(Some(child));
            if child.place.is_some() && pipelines.flow_into(self, child) {
                return Some(&network::NETWORK_TO_SHELL);
            }
            found
        })
    }

    /// The first that applies to `node` itself, and counts.
    fn own_danger(self, node: Option<&'a Node>) -> Option<&'static Heuristic> {
        let mut command = self.command(node);
        let fed = self
            .tree
            .children(node)
            .iter()
            .filter(|child| child.appends);
        command.feeds = fed.map(|child| self.command(Some(child))).collect();
        let is_unseen = node.is_none_or(|node| {
            self.descendants == Descendants::Unjudged
                || node.unseen
                || is_builtin(node.argv.first().map_or(&[], |word| word.as_bytes()))
        });
        ALL.into_iter().find(|known| {
            let applies = known.applies.is_some_and(|applies| applies(&command));
            // Of a download, a program's arguments show nothing once it runs.
            applies && (is_unseen || known.code == network::NETWORK_TO_SHELL.code)
        })
    }

    /// `node` as heuristics see it.
    fn command(self, node: Option<&'a Node>) -> Command<'a> {
        Command::of(self.rules, node.map_or(self.words, Node::words))
    }

    /// Whether `node` or one within it is as asked. The depth of the recursion is bounded by that of the
    /// tree.
    pub(super) fn any(self, node: &'a Node, is: fn(&Command<'_>) -> bool) -> bool {
        is(&self.command(Some(node)))
            || self
                .tree
                .children(Some(node))
                .iter()
                .any(|child| self.any(child, is))
    }
}
