//! From a request to the tree.

use std::collections::HashSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use crate::models::reading::{Doubt, What};
use crate::models::{self, CommandModel};
use crate::request::{Program, Request, Words};

use super::script::{self, Simple};
use super::surroundings::Surroundings;
use super::{CommandTree, DEPTH, Node, ScriptPlace, called, models_of, same_process};
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

/// One thing that a command runs.
#[derive(Debug)]
pub(in crate::evaluate) enum Run {
    /// A command, by its words.
    Words {
        /// The program and its arguments.
        argv: Vec<OsString>,
        /// Words that can't be known are put behind it.
        appends: bool,
    },
    /// The text of a script for a shell.
    Script(Vec<u8>),
}

/// What a command of these words runs, in the order of the words, and whether there is more; `input` is
/// what a here-document gives it.
pub(in crate::evaluate) fn runs(
    index: &IndexedRules,
    words: Words<'_>,
    input: Option<&[u8]>,
    around: &Surroundings,
) -> (Vec<(Run, Surroundings)>, bool) {
    let (mut found, mut incomplete) = (Vec::new(), false);
    let models = models_of(index, words).into_iter();
    for model in models.filter(|model| model.runs_commands()) {
        let reading = models::read(model, words.arguments());
        incomplete |= reading.doubts.contains(&Doubt::TooMany);
        let to_shell = reading
            .model
            .is_some_and(CommandModel::hands_input_to_shell);
        let input = input.filter(|_| to_shell && reading.doubts.contains(&Doubt::Input));
        if reading.inner.is_empty() && input.is_none() {
            continue;
        }
        let around = around.behind(&reading);
        let inner = reading.inner.iter().map(|inner| match &inner.what {
            What::Words(words) => Run::Words {
                argv: words.iter().map(|&word| word.to_owned()).collect(),
                appends: inner.appends,
            },
            What::Script(script) => Run::Script(script.to_vec()),
        });
        let inner = inner.chain(input.map(|text| Run::Script(text.to_vec())));
        found.extend(inner.map(|run| (run, around.clone())));
    }
    (found, incomplete)
}

/// What is known to run in the place of `request`, beside what its words say: the interpreters of a script,
/// and what each file was copied from.
pub(super) fn in_place_of(request: &Request) -> Vec<(Program, Vec<OsString>)> {
    let copied = |it: &Request| {
        let original = it.copy_of.as_ref()?;
        let words = std::iter::once(original.into()).chain(it.arguments().iter().cloned());
        Some((Program::named(original), words.collect()))
    };
    let interpreters = std::iter::successors(request.interpreter.as_deref(), |it| {
        it.interpreter.as_deref()
    });
    let interpreters = interpreters.flat_map(|it| {
        let itself = (it.program.clone(), it.argv.clone());
        std::iter::once(itself).chain(copied(it))
    });
    copied(request).into_iter().chain(interpreters).collect()
}

/// The tree of a command of these words, which has others in its place besides.
pub(super) fn tree(
    index: &IndexedRules,
    words: Words<'_>,
    in_place: Vec<(Program, Vec<OsString>)>,
) -> CommandTree {
    let mut builder = Builder {
        index,
        tree: CommandTree::default(),
        known: HashSet::new(),
        left: BUDGET,
        scripts: 0,
        unseen: !in_place.is_empty() || same_process::runs_another(words),
    };
    builder.look_into(None, words, None, &Surroundings::default(), in_place);
    builder.tree.top = 0..builder.tree.nodes.len();
    let mut next = 0;
    while let Some(node) = builder.tree.nodes.get_mut(next) {
        // Its words are lent out while others are added.
        let argv = std::mem::take(&mut node.argv);
        let program = node.program.take();
        let (input, around) = (node.input.take(), std::mem::take(&mut node.around));
        let words = Node::words_of(program.as_deref(), &argv);
        let first = builder.tree.nodes.len();
        builder.look_into(Some(next), words, input.as_deref(), &around, Vec::new());
        let end = builder.tree.nodes.len();
        if let Some(node) = builder.tree.nodes.get_mut(next) {
            *node = Node {
                argv,
                program,
                around,
                children: first..end,
                ..std::mem::take(node)
            };
        }
        next += 1;
    }
    builder.tree
}

struct Builder<'a> {
    index: &'a IndexedRules,
    tree: CommandTree,
    /// Each that was found.
    known: HashSet<Known>,
    left: usize,
    scripts: usize,
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

impl Builder<'_> {
    /// Adds what a command of these words runs.
    fn look_into(
        &mut self,
        parent: Option<usize>,
        words: Words<'_>,
        input: Option<&[u8]>,
        around: &Surroundings,
        in_place: Vec<(Program, Vec<OsString>)>,
    ) {
        let runner = parent.and_then(|parent| self.tree.nodes.get(parent));
        let child = Node {
            parent,
            depth: runner.map_or(0, |node| node.depth) + 1,
            unseen: runner.map_or(self.unseen, |node| node.unseen),
            around: around.clone(),
            ..Node::default()
        };
        let in_process = runner.is_none_or(|node| node.same_process);
        let named = same_process::named_in(words);
        let by_name = named.clone();
        let named = named.map(|argv| (None, argv));
        let others = in_place
            .into_iter()
            .map(|(program, argv)| (Some(Box::new(program)), argv));
        for (program, argv) in named.into_iter().chain(others) {
            self.keep(Node {
                argv,
                program,
                same_process: in_process,
                unseen: true,
                ..child.clone()
            });
        }
        let (found, incomplete) = runs(self.index, words, input, around);
        self.tree.incomplete |= incomplete;
        for (run, around) in found {
            let child = Node {
                around,
                ..child.clone()
            };
            match run {
                Run::Words { argv, .. } if Some(&argv) == by_name.as_ref() => {}
                Run::Words { argv, appends } => self.keep(Node {
                    argv,
                    appends,
                    input: input.map(<[u8]>::to_vec),
                    ..child
                }),
                Run::Script(text) => self.script(words, &text, &child),
            }
        }
    }

    /// Adds the commands of a script that the command of these words has a shell read, or reads itself.
    fn script(&mut self, words: Words<'_>, text: &[u8], child: &Node) {
        if child.depth > DEPTH || !self.spend(text.len()) {
            return self.limited();
        }
        let script = script::commands(text, &child.around);
        if script.limited {
            self.limited();
        }
        self.scripts += 1;
        // A shell within is judged by its own names when it starts.
        let hides = child.parent.is_none() && self.hides(words, &script.commands);
        for simple in script.commands {
            self.keep(Node {
                argv: simple.words.into_iter().map(OsString::from_vec).collect(),
                // By what the shell makes of a word, the program may not look dangerous any more.
                unseen: child.unseen || hides || !simple.is_literal,
                place: Some(ScriptPlace {
                    script: self.scripts,
                    stages: simple.stages,
                }),
                input: simple.input,
                around: simple.around,
                ..child.clone()
            });
        }
    }

    /// Whether the command is a shell that may do some of these itself which others start.
    fn hides(&self, words: Words<'_>, commands: &[Simple]) -> bool {
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
        let teaches = |simple: &Simple| {
            let mut words = simple.words.iter();
            words.any(|word| TEACHING.iter().any(|name| contains(word, name)))
        };
        (is_shell && !starts) || commands.iter().any(teaches)
    }

    fn keep(&mut self, node: Node) {
        if node.argv.is_empty() {
            return;
        }
        let words = node.argv.iter().map(|word| word.len() + WORD);
        let size = words.sum::<usize>() + node.input.as_ref().map_or(0, Vec::len);
        let many = self.tree.nodes.len() >= COMMANDS;
        if node.depth > DEPTH || many || !self.spend(size) {
            return self.limited();
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

    fn limited(&mut self) {
        self.tree.incomplete = true;
        self.tree.too_deep = true;
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
