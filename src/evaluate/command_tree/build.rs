//! From a request to the tree.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::request::{Followed, Request, Words};
use crate::script::{Problem, ScriptCommand};

use super::reading::ScriptReader;
use super::runs::{Found, InPlace, Run, in_place_of, runs};
use super::spelling::{as_in, unknown_words};
use super::surroundings::Surroundings;
use super::{CommandTree, DEPTH, Lack, Node, SaidBy, ScriptPlace, Shown, same_process};
use crate::evaluate::index::IndexedRules;

/// How many commands there may be in one.
const COMMANDS: usize = 10_000;
/// What may be spent on one request: for each script its bytes, for each word its bytes and [`WORD`].
const BUDGET: usize = 4 << 20;
/// What a word costs beside its bytes.
const WORD: usize = 8;

/// Who looks at files for a script that nobody has started.
#[derive(Clone, Copy)]
pub struct Resolver<'a> {
    /// What the words of a command ask for, in a directory, by the way there from the first.
    pub find: &'a dyn Fn(&[OsString], &Path) -> Request,
    /// What a file holds that a shell would read as a script; `None` where that can't be known.
    pub read: &'a dyn Fn(&Path) -> Option<Vec<u8>>,
    /// Where paths, absolute, lead.
    pub follow: &'a dyn Fn(Vec<PathBuf>) -> Followed,
}

/// The tree of a command of these words, which has others in its place besides.
pub(super) fn tree(index: &IndexedRules, words: Words<'_>, in_place: Vec<InPlace>) -> CommandTree {
    let mut builder = Builder::new(index, None);
    if !in_place.is_empty() || same_process::runs_another(words) {
        builder.shown = Shown::Otherwise;
    }
    builder.look_into(None, words, &Node::default(), in_place);
    builder.grow()
}

/// The tree of a script.
pub(super) fn script_tree(
    index: &IndexedRules,
    text: &[u8],
    resolver: &Resolver<'_>,
) -> CommandTree {
    let mut builder = Builder::new(index, Some(resolver));
    builder.script(None, text, &Node::default());
    let mut tree = builder.grow();
    index.follow(&mut tree, resolver.follow);
    tree
}

pub(super) struct Builder<'a> {
    pub(super) index: &'a IndexedRules,
    /// The whole is a script: this finds what each command in it asks for.
    pub(super) resolver: Option<&'a Resolver<'a>>,
    pub(super) tree: CommandTree,
    /// What the command that is looked into runs so far.
    known: HashSet<Known>,
    left: usize,
    /// Less than words where the request runs others in its place, as BusyBox does, which may have a shell that
    /// does too.
    shown: Shown,
}

/// What makes two commands the same, so that one of them need not be looked at.
#[derive(PartialEq, Eq, Hash)]
struct Known {
    argv: Vec<OsString>,
    shown: Shown,
    appends: bool,
    same_process: bool,
    place: Option<ScriptPlace>,
    around: Surroundings,
}

impl<'a> Builder<'a> {
    fn new(index: &'a IndexedRules, resolver: Option<&'a Resolver<'a>>) -> Self {
        Self {
            index,
            resolver,
            tree: CommandTree::default(),
            known: HashSet::new(),
            left: BUDGET,
            shown: Shown::Words,
        }
    }

    /// Looks into each command, from those that the whole runs on.
    fn grow(mut self) -> CommandTree {
        self.tree.top = 0..self.tree.nodes.len();
        let mut next = 0;
        while let Some(node) = self.tree.nodes.get_mut(next) {
            // It is lent out while others are added; what decides for those within stays.
            let lent = Node {
                parent: node.parent,
                same_process: node.same_process,
                depth: node.depth,
                shown: node.shown,
                ..Node::default()
            };
            let mut node = std::mem::replace(node, lent);
            self.known.clear();
            let first = self.tree.nodes.len();
            let in_place = self.resolved(&mut node);
            if !node.argv.is_empty() {
                self.look_into(Some(next), node.words(), &node, in_place);
            }
            node.children = first..self.tree.nodes.len();
            if let Some(place) = self.tree.nodes.get_mut(next) {
                node.lacks = place.lacks;
                *place = node;
            }
            next += 1;
        }
        self.tree
    }

    /// Finds what the command asks for, in each directory that it may be in, if somebody is to look; and what
    /// runs in its place.
    fn resolved(&self, node: &mut Node) -> Vec<InPlace> {
        let Some(resolver) = self.resolver.filter(|_| !node.argv.is_empty()) else {
            return Vec::new();
        };
        if !node.asked.is_empty() {
            return Vec::new();
        }
        let here = [PathBuf::new()];
        let directories = node.around.directories.as_deref().unwrap_or(&here);
        let asked = directories.iter().map(|directory| {
            let mut request = (resolver.find)(&node.argv, directory);
            request.environment = node.around.variables.of(request.environment.as_deref());
            let changed = node.around.variables.changed().map(OsStr::to_owned);
            request.withheld.extend(changed);
            request
        });
        node.asked = asked.collect();
        node.program = node.asked.first().map(|it| Box::new(it.program.clone()));
        let mut in_place: Vec<_> = node.asked.iter().flat_map(in_place_of).collect();
        in_place.dedup();
        in_place
    }

    /// Adds what a command of these words runs, which is `node`, `None` for the whole.
    fn look_into(
        &mut self,
        parent: Option<usize>,
        words: Words<'_>,
        node: &Node,
        in_place: Vec<InPlace>,
    ) {
        let child = Node {
            parent,
            depth: node.depth + 1,
            shown: parent.map_or(self.shown, |_| node.shown),
            around: node.around.clone(),
            ..Node::default()
        };
        let unknown = node.written.as_deref().map(unknown_words);
        let unknown = unknown.unwrap_or_default();
        let written = |argv: &[OsString]| {
            let around = node.written.as_deref()?;
            Some(Box::new(ScriptCommand {
                line: around.line,
                words: argv.iter().map(|word| as_in(&unknown, word)).collect(),
                ..ScriptCommand::default()
            }))
        };
        let in_process = Node {
            same_process: parent.is_none() || node.same_process,
            shown: child.shown.max(Shown::Otherwise),
            ..child.clone()
        };
        let by_name = same_process::named_in(words);
        if let Some(argv) = by_name.clone() {
            self.keep(Node {
                written: written(&argv),
                argv,
                ..in_process.clone()
            });
        }
        self.keep_in_place(node, &in_process, in_place);
        if let Some(asked) = node.asked.first()
            && node.said_by == SaidBy::Words
            && asked.interpreter.is_none()
        {
            // What has no `#!` is read by the shell that can't start it.
            let file = asked.program.real.as_deref();
            let file = file.filter(|_| asked.program.asked.as_bytes().contains(&b'/'));
            self.file(node, file, &node.argv, words, &child);
        }
        let input = node.input.as_deref();
        let (found, incomplete) = runs(self.index, words, input, &node.around);
        if incomplete {
            self.lacks(parent, Lack::Some);
        }
        for Found {
            run,
            around,
            is_unseen,
        } in found
        {
            let shown = if is_unseen { Shown::Never } else { child.shown };
            let child = Node {
                shown,
                around,
                ..child.clone()
            };
            match run {
                Run::Words { argv, .. } if Some(&argv) == by_name.as_ref() => {}
                Run::Words { argv, appends } => self.keep(Node {
                    // An interpreter that starts the other one, as env does, is told so by the file.
                    said_by: node.said_by,
                    written: written(&argv),
                    argv,
                    appends,
                    input: input.map(<[u8]>::to_vec),
                    ..child
                }),
                Run::Script { text, given } => {
                    let line = node.written.as_deref().map_or(1, |it| it.line);
                    let given =
                        given.map(|given| given.iter().map(|it| as_in(&unknown, it)).collect());
                    let reader = ScriptReader { words, line, given };
                    self.script(Some(reader), &text, &child);
                }
                Run::File { file, given } => {
                    let asked = node.asked.first();
                    let file = asked.map(|asked| asked.cwd.join(&file));
                    self.file(node, file.as_deref(), &given, words, &child);
                }
            }
        }
    }

    /// Adds what runs in the place of `node`, as its file says.
    fn keep_in_place(&mut self, node: &Node, in_process: &Node, in_place: Vec<InPlace>) {
        for InPlace {
            program,
            argv,
            said_by,
        } in in_place
        {
            let placed = |it: &Request| Request {
                environment: it.environment.clone(),
                ..it.for_inner(program.clone(), argv.clone())
            };
            self.keep(Node {
                asked: node.asked.iter().map(placed).collect(),
                said_by,
                argv: argv.clone(),
                program: Some(Box::new(program.clone())),
                ..in_process.clone()
            });
        }
    }

    pub(super) fn keep(&mut self, node: Node) {
        if node.argv.is_empty() && self.resolver.is_none() {
            return;
        }
        let words = node.argv.iter().map(|word| word.len() + WORD);
        let size = words.sum::<usize>() + node.input.as_ref().map_or(0, Vec::len);
        let many = self.tree.nodes.len() >= COMMANDS;
        if node.depth > DEPTH || many || !self.spend(size) {
            let line = node.written.as_deref().map_or(1, |it| it.line);
            return self.limited(node.parent, line, node.depth);
        }
        let is_new = self.known.insert(Known {
            argv: node.argv.clone(),
            shown: node.shown,
            appends: node.appends,
            same_process: node.same_process,
            place: node.place.clone(),
            around: node.around.clone(),
        });
        if is_new {
            self.tree.nodes.push(node);
        }
    }

    /// What the command runs, `None` for the whole, is not all looked at.
    pub(super) fn limited(&mut self, parent: Option<usize>, line: u32, depth: usize) {
        self.lacks(parent, Lack::Limited);
        let message = if depth > DEPTH {
            "commands are nested too deep here"
        } else {
            "too many commands"
        };
        let last = self.tree.problems.last();
        if self.resolver.is_some() && last.is_none_or(|last| last.message != message) {
            let column = 1;
            self.tree.problems.push(Problem {
                line,
                column,
                message,
            });
        }
    }

    pub(super) fn lacks(&mut self, parent: Option<usize>, lack: Lack) {
        let of = match parent {
            None => Some(&mut self.tree.lacks),
            Some(parent) => self.tree.nodes.get_mut(parent).map(|node| &mut node.lacks),
        };
        if let Some(known) = of {
            *known = lack.max(*known);
        }
    }

    /// Takes `cost` from the budget; whether it had that.
    pub(super) fn spend(&mut self, cost: usize) -> bool {
        match self.left.checked_sub(cost) {
            Some(left) => self.left = left,
            None => return false,
        }
        true
    }
}
