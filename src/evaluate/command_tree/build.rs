//! From a request to the tree.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use crate::models::CommandModel;
use crate::request::{Followed, Program, Request, Words};
use crate::script::{self, Dialect, Problem, ScriptCommand};

use super::runs::{Run, in_place_of, runs};
use super::shell::Shell;
use super::spelling::{as_in, spelled, unknown_words};
use super::surroundings::Surroundings;
use super::{CommandTree, DEPTH, Lack, Node, SaidBy, ScriptPlace, called, models_of, same_process};
use crate::evaluate::index::IndexedRules;

/// How many commands there may be in one.
const COMMANDS: usize = 10_000;
/// What may be spent on one request: for each script its bytes, for each word its bytes and [`WORD`].
const BUDGET: usize = 4 << 20;
/// What a word costs beside its bytes.
const WORD: usize = 8;

/// Shells that start what they have no builtin for. What calls itself `sh` can be BusyBox.
const STARTING: [&str; 3] = ["bash", "dash", "zsh"];
/// Builtins that make builtins of other programs' names.
const TEACHING: [&str; 3] = ["enable", "zmodload", "builtin"];

/// Who looks at files for a script that nobody has started.
#[derive(Clone, Copy)]
pub struct Resolver<'a> {
    /// What the words of a command ask for, in a directory, by the way there from the first.
    pub find: &'a dyn Fn(&[OsString], &Path) -> Request,
    /// Where paths, absolute, lead.
    pub follow: &'a dyn Fn(Vec<PathBuf>) -> Followed,
}

/// The tree of a command of these words, which has others in its place besides.
pub(super) fn tree(
    index: &IndexedRules,
    words: Words<'_>,
    in_place: Vec<(Program, Vec<OsString>)>,
) -> CommandTree {
    let mut builder = Builder::new(index, None);
    builder.unseen = !in_place.is_empty() || same_process::runs_another(words);
    builder.look_into(None, words, &Node::default(), in_place);
    builder.grow()
}

/// The tree of a script.
pub(super) fn script_tree(
    index: &IndexedRules,
    text: &[u8],
    resolver: &Resolver<'_>,
) -> CommandTree {
    let mut builder = Builder::new(index, Some(resolver.find));
    builder.script(None, text, &Node::default());
    let mut tree = builder.grow();
    index.follow(&mut tree, resolver.follow);
    tree
}

type Find<'a> = &'a dyn Fn(&[OsString], &Path) -> Request;

struct Builder<'a> {
    index: &'a IndexedRules,
    /// The whole is a script: this finds what each command in it asks for.
    resolve: Option<Find<'a>>,
    tree: CommandTree,
    /// What the command that is looked into runs so far.
    known: HashSet<Known>,
    left: usize,
    /// The request runs others in its place, as BusyBox does, which may have a shell that does too.
    unseen: bool,
}

/// What makes two commands the same, so that one of them need not be looked at.
#[derive(PartialEq, Eq, Hash)]
struct Known {
    argv: Vec<OsString>,
    unseen: bool,
    appends: bool,
    same_process: bool,
    place: Option<ScriptPlace>,
    around: Surroundings,
}

impl<'a> Builder<'a> {
    fn new(index: &'a IndexedRules, resolve: Option<Find<'a>>) -> Self {
        Self {
            index,
            resolve,
            tree: CommandTree::default(),
            known: HashSet::new(),
            left: BUDGET,
            unseen: false,
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
                unseen: node.unseen,
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
    fn resolved(&self, node: &mut Node) -> Vec<(Program, Vec<OsString>)> {
        let Some(resolve) = self.resolve.filter(|_| !node.argv.is_empty()) else {
            return Vec::new();
        };
        if node.said_by == SaidBy::File {
            return Vec::new();
        }
        let here = [PathBuf::new()];
        let directories = node.around.directories.as_deref().unwrap_or(&here);
        let asked = directories.iter().map(|directory| {
            let mut request = resolve(&node.argv, directory);
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
        in_place: Vec<(Program, Vec<OsString>)>,
    ) {
        let child = Node {
            parent,
            depth: node.depth + 1,
            unseen: parent.map_or(self.unseen, |_| node.unseen),
            around: node.around.clone(),
            ..Node::default()
        };
        let in_process = parent.is_none() || node.same_process;
        let named = same_process::named_in(words);
        let by_name = named.clone();
        let named = named.map(|argv| (None, argv));
        let others = in_place
            .into_iter()
            .map(|(program, argv)| (Some(Box::new(program)), argv));
        for (program, argv) in named.into_iter().chain(others) {
            let placed = |it: &Request| {
                let program = program.as_deref()?;
                let mut request = it.for_inner(program.clone(), argv.clone());
                request.environment.clone_from(&it.environment);
                Some(request)
            };
            self.keep(Node {
                asked: node.asked.iter().filter_map(placed).collect(),
                said_by: match &program {
                    Some(_) => SaidBy::File,
                    None => SaidBy::Words,
                },
                argv,
                program,
                same_process: in_process,
                unseen: true,
                ..child.clone()
            });
        }
        let input = node.input.as_deref();
        let (found, incomplete) = runs(self.index, words, input, &node.around);
        if incomplete {
            self.lacks(parent, Lack::Some);
        }
        let unknown = node.written.as_deref().map(unknown_words);
        for (run, around) in found {
            let child = Node {
                around,
                ..child.clone()
            };
            match run {
                Run::Words { argv, .. } if Some(&argv) == by_name.as_ref() => {}
                Run::Words { argv, appends } => self.keep(Node {
                    written: node.written.as_deref().zip(unknown.as_ref()).map(
                        |(around, unknown)| {
                            Box::new(ScriptCommand {
                                line: around.line,
                                words: argv.iter().map(|word| as_in(unknown, word)).collect(),
                                ..ScriptCommand::default()
                            })
                        },
                    ),
                    argv,
                    appends,
                    input: input.map(<[u8]>::to_vec),
                    ..child
                }),
                Run::Script(text) => {
                    let line = node.written.as_deref().map_or(1, |it| it.line);
                    self.script(Some((words, line)), &text, &child);
                }
            }
        }
    }

    /// Adds the commands of a script: the whole, or one that a command of these words, on this line of a
    /// script, has a shell read or reads itself.
    fn script(&mut self, reader: Option<(Words<'_>, u32)>, text: &[u8], child: &Node) {
        let line = reader.map_or(1, |(_, line)| line);
        if child.depth > DEPTH || !self.spend(text.len()) {
            return self.limited(child.parent, line, child.depth);
        }
        let dialect = self.resolve.map_or(Dialect::Sh, |_| Dialect::Bash);
        let mut script = script::parse(text, dialect);
        if script.limited {
            self.lacks(child.parent, Lack::Limited);
        }
        if self.resolve.is_some() {
            let problems = script.problems.iter().map(|problem| Problem {
                line: reader.map_or(problem.line, |_| line),
                ..*problem
            });
            self.tree.problems.extend(problems);
        }
        let mut shell = Shell::new(&script, child.around.clone());
        let found = script.commands.iter().map(|command| {
            let around = shell.enter(command);
            let argv = command.words.iter().flat_map(spelled);
            let argv: Vec<_> = argv.map(OsString::from_vec).collect();
            (argv, around, shell.input(command))
        });
        let found: Vec<_> = found.collect();
        // A shell within is judged by its own names when it starts.
        let mut all = found.iter().map(|(argv, ..)| argv.as_slice());
        let hides =
            child.parent.is_none() && reader.is_some_and(|(words, _)| self.hides(words, &mut all));
        let number = self.tree.functions.len();
        let functions = std::mem::take(&mut script.functions);
        self.tree.functions.push(functions.into_iter().collect());
        for (mut command, (argv, around, input)) in script.commands.into_iter().zip(found) {
            command.line = command.line.saturating_add(line - 1);
            self.keep(Node {
                argv,
                // By what the shell makes of a word, the program may not look dangerous any more.
                unseen: child.unseen
                    || hides
                    || command.words.iter().any(|word| word.unknown().is_some()),
                place: Some(ScriptPlace {
                    script: number,
                    stages: command.stages.clone(),
                }),
                written: Some(Box::new(command)),
                input,
                around,
                ..child.clone()
            });
        }
    }

    /// Whether the command is a shell that may do some of `all` commands itself which others start.
    fn hides(&self, words: Words<'_>, all: &mut dyn Iterator<Item = &[OsString]>) -> bool {
        let mut models = models_of(self.index, words).into_iter();
        let is_shell = models.any(CommandModel::is_shell);
        let names = [
            Some(words.asked),
            words.argv.first().map(OsString::as_os_str),
        ];
        let paths = [words.path, words.real].into_iter().flatten();
        let mut names = names
            .into_iter()
            .flatten()
            .chain(paths.map(Path::as_os_str));
        let starts = names.any(|name| STARTING.iter().any(|known| called(name) == *known));
        let teaches = |word: &OsString| TEACHING.iter().any(|it| contains(word.as_bytes(), it));
        (is_shell && !starts) || all.flatten().any(teaches)
    }

    fn keep(&mut self, node: Node) {
        if node.argv.is_empty() && self.resolve.is_none() {
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
            unseen: node.unseen,
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
    fn limited(&mut self, parent: Option<usize>, line: u32, depth: usize) {
        self.lacks(parent, Lack::Limited);
        let message = if depth > DEPTH {
            "commands are nested too deep here"
        } else {
            "too many commands"
        };
        let last = self.tree.problems.last();
        if self.resolve.is_some() && last.is_none_or(|last| last.message != message) {
            let column = 1;
            self.tree.problems.push(Problem {
                line,
                column,
                message,
            });
        }
    }

    fn lacks(&mut self, parent: Option<usize>, lack: Lack) {
        let of = match parent {
            None => Some(&mut self.tree.lacks),
            Some(parent) => self.tree.nodes.get_mut(parent).map(|node| &mut node.lacks),
        };
        if let Some(known) = of {
            *known = lack.max(*known);
        }
    }

    /// Takes `cost` from the budget; whether it had that.
    fn spend(&mut self, cost: usize) -> bool {
        match self.left.checked_sub(cost) {
            Some(left) => self.left = left,
            None => return false,
        }
        true
    }
}

fn contains(word: &[u8], name: &str) -> bool {
    word.windows(name.len()).any(|part| part == name.as_bytes())
}
