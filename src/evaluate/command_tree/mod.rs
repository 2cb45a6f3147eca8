//! What a command comes to: the commands that it runs, as far as its words say, and those that they run.
//!
//! ```text
//! sudo -u me sh -c 'cd x && timeout 5 make | tee log'
//!  └ sh -c 'cd x && timeout 5 make | tee log'     words
//!     ├ cd x                                      script
//!     ├ timeout 5 make                            script, flows into
//!     │  └ make                                   words
//!     └ tee log                                   script, … this
//! ```
//!
//! Of each command it is known, or known not to be, in which directories it may run and with which
//! variables: `cd`, `env -C`, `export` and the like are seen, and so is what nobody can foresee.
//!
//! The tree is found once for a request or a whole script, by the models of programs and the parser of
//! scripts. Rules and heuristics that restrict, `rules explain` and the checks of rules files read it. Its
//! depth and the bytes in it are limited, so the work is linear in the request.
//!
//! # What counts when
//!
//! What a command or a script comes to is found once, as a tree of commands (`evaluate/command_tree`): by the
//! models of programs, the parser of scripts, and what runs in a program's place; with the directories that
//! each may be in and its variables, or that nobody knows them: then what restricts counts, and what permits
//! doesn't. Rules that restrict, heuristics, `rules explain` and checks of rules read that tree, so what one
//! of them sees within a command all of them do. Of a script, `rules explain` judges each command once, and
//! reads the scripts that it has a shell read. What it can't know, as the words of `git $x` where a rule
//! restricts git, or what a shell is given to read, it says, and a person is asked. Where a command's
//! directory or variables can't be known it says that as well; the directory of what runs on another machine
//! or in a container is not the caller's (`away` in models). What is known, as the home directory, stands in
//! the words of the script. What the script itself writes, as far as its words say, is unknown where a later
//! command reads it or starts it, also by `PATH`. Values that the script itself gives a variable (`for x in a
//! b`) are tried in its place, and an alias of git's is what it stands for, by the words and by the
//! configuration that git would obey: both restrict, and permit nothing. It reads the very tree that was
//! judged, and finds a program, and a repository for the same words, once for all commands of a script.
//!
//! What a command's words say that it will start counts for the command where nobody would judge that
//! otherwise: when it runs outside, by a patched shell, and in `rules explain`. Where each program comes to
//! be judged when it starts, it counts then, once; except what does not show then: what flows from one
//! program into another, what a shell does itself, words that it makes others of, as `~` and `*`, and what
//! starts where no exec is seen: on another machine, in a container, by a service, or with rights that a
//! sandbox has not (`unseen` in models: `ssh`, `docker`, `kubectl`, `sudo`). Of that, a person is asked about
//! words that can't be known and that a rule may be about, and about commands that come from the input
//! (H017). The start of the shell that is given the text of `run -c` is not judged; what flows in that text
//! from the network into a program is.

mod build;
mod effects;
mod expansion;
mod reading;
mod resolver;
mod runs;
mod same_process;
mod shell;
mod spelling;
mod surroundings;
mod values;

use std::collections::{HashSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::models::{self, CommandModel, Reading};
use crate::request::program::{last_component, normalised};
use crate::request::{Program, Request, Words, WorkingDirectory};
use crate::script::{self, Problem, ScriptCommand, Stage, Word};

use super::index::IndexedRules;

pub use resolver::{Resolver, UnstartedCommand};
pub(super) use runs::interpreted_files;
pub use same_process::started_in_place;
pub(super) use same_process::{loads, runs_another};
pub(super) use spelling::spelled;
pub(super) use surroundings::{KnownVariables, Surroundings};

/// How many commands, each within the other, are seen through.
pub(super) const DEPTH: usize = 8;

/// The commands within a request or a script.
#[derive(Debug, Default)]
pub struct CommandTree {
    /// Each before those within it. What one command runs stands in a row.
    nodes: Vec<Node>,
    /// What the request or the script itself runs.
    top: Range<usize>,
    /// What is left out of what the request or the script itself runs.
    lacks: Lack,
    /// The functions that each of its scripts has, by the number of the script.
    functions: Vec<KnownFunctions>,
    /// The names that one of them makes stand for something else.
    renamed: HashSet<Vec<u8>>,
    /// The names of aliases that don't count where they are made.
    idle_aliases: HashSet<Vec<u8>>,
    /// What could not be read of a script.
    problems: Vec<Problem>,
    /// Some of it stands in files.
    pub(super) reads_files: bool,
}

/// The functions that the shell has which runs a script.
#[derive(Debug, Default)]
struct KnownFunctions {
    names: HashSet<Vec<u8>>,
    /// It runs nothing in this very shell that nobody has read, and that could define others.
    are_all: bool,
}

/// What is left out of what a command runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lack {
    #[default]
    Nothing,
    /// There is more, or some that can't be read.
    Some,
    /// A limit was reached: there is more in it than is looked at.
    Limited,
}

/// A command that another one runs.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// The program and its arguments; empty only for assignments and redirections of a script that is the
    /// whole.
    pub argv: Vec<OsString>,
    /// The command that runs it, by number; `None`: the request or the script itself.
    pub parent: Option<usize>,
    /// The program, where more is known than how it is called.
    program: Option<Box<Program>>,
    /// Where it runs.
    process: NodeProcess,
    /// How many commands it is within, 1 for what a request itself runs, 0 for what a script does.
    pub(super) depth: usize,
    /// What of it an exec will show to whoever judges that.
    pub(super) shown: Shown,
    /// Words that can't be known are put behind it.
    pub(super) appends: bool,
    /// In its words these stand for some that can't be known.
    pub(super) marks: Vec<OsString>,
    /// Where it stands in a script.
    pub(super) place: Option<ScriptPlace>,
    /// As the script has it that it comes from, expansions and all.
    pub(super) written: Option<Box<ScriptCommand>>,
    /// What is asked, one for each directory that it may be in, where somebody looked.
    pub(super) asked: Vec<Request>,
    /// What says that the command around it runs this one.
    pub(super) said_by: SaidBy,
    /// What it is given to read, where that is known.
    input: Option<Vec<u8>>,
    /// The command with each value, that the script says, of variables among its words.
    instead: Instead,
    /// Where it runs.
    pub(super) around: Surroundings,
    /// What it runs itself.
    children: Range<usize>,
    /// Some of that is more than the file that it has an interpreter read.
    is_looked_into: bool,
    /// What is left out of that.
    pub(super) lacks: Lack,
}

/// The process in which a command runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
enum NodeProcess {
    /// Its own: there is another exec.
    #[default]
    Own,
    /// That of the command around it.
    Around,
    /// That of the request, as everything around it.
    Request,
}

/// Commands that one of a script may be.
#[derive(Debug, Clone, Default)]
struct Instead {
    /// The words of each.
    words: Vec<Vec<Word>>,
    /// What an exec shows of them.
    shown: Shown,
}

/// What of a command an exec shows in the sandbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Shown {
    /// These words.
    #[default]
    Words,
    /// Perhaps others, or nothing: what runs it may do so itself, or make something else of the words.
    Otherwise,
    /// Nothing: it does not run here.
    Never,
}

/// What says that a command runs another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum SaidBy {
    /// Its words, or a script that it reads.
    #[default]
    Words,
    /// The same, where git knows it by another name.
    Alias,
    /// The first line of its file: this is its interpreter, which has it to read.
    Interpreter,
    /// Its words, which have an interpreter read this file: the kernel would start that for it.
    Script,
    /// Its file, which is a copy of this one's.
    Copy,
}

/// Where a command stands in a script.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ScriptPlace {
    /// The number of the script in the tree.
    pub(super) script: usize,
    /// The pipelines that it is part of.
    pub(super) stages: Vec<Stage>,
}

impl CommandTree {
    /// The commands within `request`.
    pub fn of(index: &IndexedRules, request: &Request) -> Self {
        let variables = request.environment.as_deref();
        build::tree(
            index,
            request.words(),
            runs::in_place_of(request),
            variables,
            &request.aliases,
        )
    }

    /// The commands within a command of which nothing but the `words` is known.
    pub(super) fn of_words(index: &IndexedRules, words: Words<'_>) -> Self {
        build::tree(index, words, Vec::new(), None, &[])
    }

    /// Each command, before those within it.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The commands of the script `text` and those within them, each with what it asks for.
    pub(super) fn of_script(index: &IndexedRules, text: &[u8], resolver: &Resolver<'_>) -> Self {
        build::script_tree(index, text, resolver)
    }

    /// Each command, with leave to say where its paths lead.
    pub(super) fn nodes_mut(&mut self) -> &mut [Node] {
        &mut self.nodes
    }

    /// What could not be read of a script, or was beyond the limits.
    pub(super) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Each command within that of this number, `None` for the whole, before those within it.
    pub fn within(&self, node: Option<usize>) -> impl Iterator<Item = &Node> {
        let mut ranges = VecDeque::from([self.range(node.and_then(|nth| self.nodes.get(nth)))]);
        std::iter::from_fn(move || {
            while ranges.front()?.is_empty() {
                ranges.pop_front();
            }
            let node = self.nodes.get(ranges.front_mut()?.next()?)?;
            ranges.push_back(node.children.clone());
            Some(node)
        })
    }

    /// Whether the whole runs more commands itself, or some that can't be read.
    pub fn is_incomplete(&self) -> bool {
        self.lacks != Lack::Nothing
    }

    /// What is left out of it, at most.
    pub(super) fn lacks(&self) -> Lack {
        let nodes = self.nodes.iter().map(|node| node.lacks);
        nodes.fold(self.lacks, Lack::max)
    }

    /// Whether a script has an alias of this `name` where bash, which has it to read, knows none.
    pub fn has_idle_alias(&self, name: &[u8]) -> bool {
        self.idle_aliases.contains(name)
    }

    /// Whether a script makes this `name` stand for something else, which nobody reads here.
    pub fn renames(&self, name: &[u8]) -> bool {
        self.renamed.contains(name)
    }

    /// Whether the script that `node` stands in, or one around that, has a function of this `name`.
    pub(super) fn defines(&self, node: &Node, name: &[u8]) -> bool {
        self.functions_at(node).any(|it| it.names.contains(name))
    }

    /// Whether it may have one of any name, by what nobody has read.
    pub(super) fn may_define(&self, node: &Node) -> bool {
        self.functions_at(node).any(|it| !it.are_all)
    }

    /// The functions of the script that `node` stands in, and of those around it.
    fn functions_at<'a>(&'a self, node: &'a Node) -> impl Iterator<Item = &'a KnownFunctions> {
        let around = |node: &&'a Node| self.nodes.get(node.parent?);
        let all = std::iter::successors(Some(node), around);
        let scripts = all.filter_map(|node| Some(node.place.as_ref()?.script));
        scripts.filter_map(|script| self.functions.get(script))
    }

    /// The number of the script that `node` stands in, or of the nearest around it.
    fn script_of(&self, node: &Node) -> Option<usize> {
        let around = |node: &&Node| self.nodes.get(node.parent?);
        let mut all = std::iter::successors(Some(node), around);
        all.find_map(|node| Some(node.place.as_ref()?.script))
    }

    /// Gives the functions of scripts to those in whose shell they run, of each pair the second, which has the
    /// lower number.
    fn join(&mut self, joined: &[[usize; 2]]) {
        let open = self.nodes.iter().filter(|node| self.is_open(node));
        let open: Vec<usize> = open.filter_map(|node| self.script_of(node)).collect();
        for script in open {
            if let Some(script) = self.functions.get_mut(script) {
                script.are_all = false;
            }
        }
        for &[within, around] in joined.iter().rev() {
            let Ok([within, around]) = self.functions.get_disjoint_mut([within, around]) else {
                continue;
            };
            around.names.extend(within.names.iter().cloned());
            around.are_all &= within.are_all;
        }
    }

    /// Whether the command has the very shell run what nobody has read.
    fn is_open(&self, node: &Node) -> bool {
        let is_eval = |it: &&Node| it.argv.first().is_some_and(|name| name == "eval");
        let written = node.written.as_deref();
        let name = written.and_then(|it| it.words.first());
        match name.map(Word::known) {
            Some(Some(name)) => script::reads_script(&name) && !node.is_looked_into,
            Some(None) => {
                let around = node.parent.and_then(|it| self.nodes.get(it));
                around.as_ref().is_some_and(is_eval)
            }
            None => false,
        }
    }

    /// Whether nobody can know which program `node`, a command of a script, is.
    pub(super) fn is_unknown(&self, node: &Node) -> bool {
        let written = node.written.as_deref();
        match written.and_then(|it| it.words.first()).map(Word::known) {
            None => false,
            Some(None) => true,
            Some(Some(name)) => {
                self.renames(&name) || self.is_open(node) && !self.defines(node, &name)
            }
        }
    }

    /// The numbers of what `node` runs, `None` for the whole.
    pub(super) fn range(&self, node: Option<&Node>) -> Range<usize> {
        node.map_or(&self.top, |node| &node.children).clone()
    }

    /// The commands that `node` runs, `None` for the request itself.
    pub(super) fn children(&self, node: Option<&Node>) -> &[Node] {
        self.nodes.get(self.range(node)).unwrap_or_default()
    }

    /// Whether the command of this number runs others, as far as is known.
    pub fn runs_any(&self, node: usize) -> bool {
        !self.range(self.nodes.get(node)).is_empty()
    }

    /// The commands that the one of this number, `None` for the whole, runs in its own process.
    pub(super) fn in_place(&self, node: Option<usize>) -> Vec<&Node> {
        let around = node.and_then(|nth| self.nodes.get(nth));
        let own = |node| {
            self.children(node)
                .iter()
                .filter(|it| it.process != NodeProcess::Own)
        };
        let mut found: Vec<&Node> = own(around).collect();
        let mut next = 0;
        while let Some(&node) = found.get(next) {
            found.extend(own(Some(node)));
            next += 1;
        }
        found
    }

    /// Whether the command numbered `node`, which `around` has started in the end, reads what that or what this
    /// starts has made: it stands behind a pipe, or its input is written there.
    pub fn has_own_input(&self, node: usize, around: usize) -> bool {
        let all = std::iter::successors(Some(node), |&nth| self.nodes.get(nth)?.parent);
        let between = all.take_while(|&nth| nth != around);
        let nodes: Vec<&Node> = between.filter_map(|nth| self.nodes.get(nth)).collect();
        let is_own = |node: &Node| {
            let is_behind = |place: &ScriptPlace| place.stages.iter().any(|it| it.stage > 0);
            let place = node.place.as_ref();
            place.is_some_and(|place| node.input.is_some() || is_behind(place))
        };
        let reads_file = |node: &Node| {
            let written = node.written.as_deref();
            written.is_some_and(|it| it.redirections.iter().any(|it| !it.writes))
        };
        nodes.iter().any(|node| is_own(node)) && !nodes.iter().any(|node| reads_file(node))
    }

    /// The variables that the command numbered `node` surely has, also where nobody knows all of them.
    pub fn variables_set(&self, node: usize) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        let node = self.nodes.get(node).into_iter();
        node.flat_map(|node| node.around.variables.set())
    }

    /// What `request`, whose tree this is, runs without another exec.
    pub fn in_process(&self, request: &Request) -> Vec<Request> {
        let within = self.requests(request, Node::is_same_process);
        within.map(|inner| inner.request).collect()
    }

    /// Those within `request`, whose tree this is, that are as asked.
    pub(super) fn requests(
        &self,
        request: &Request,
        is_asked: impl Fn(&Node) -> bool,
    ) -> impl Iterator<Item = InnerRequest> {
        let nodes = self.nodes.iter().filter(move |node| is_asked(node));
        let mut known = KnownVariables::default();
        nodes.flat_map(move |node| node.requests(request, &mut known))
    }
}

impl Node {
    /// Whether it runs more commands itself, or some that can't be read.
    pub fn is_incomplete(&self) -> bool {
        self.lacks != Lack::Nothing
    }

    /// Whether words or a script say that it runs, not the file of the command around it.
    pub fn is_said(&self) -> bool {
        matches!(self.said_by, SaidBy::Words | SaidBy::Alias)
    }

    /// Whether it is what git makes of an alias.
    pub fn is_by_alias(&self) -> bool {
        self.said_by == SaidBy::Alias
    }

    /// Whether it runs in the request's own process, without another exec.
    pub(super) fn is_same_process(&self) -> bool {
        self.process == NodeProcess::Request
    }

    /// Whether no exec of it will be judged: it runs without one, or not here.
    pub(super) fn is_unjudged(&self) -> bool {
        self.is_same_process() || self.shown == Shown::Never
    }

    /// Whether it is known what it reads, if it reads commands.
    pub fn is_read(&self) -> bool {
        self.input.is_some() || self.is_looked_into
    }

    /// What a request or a script is that has these variables.
    fn among(variables: Option<&[(OsString, OsString)]>) -> Self {
        let mut node = Self::default();
        let mut set = variables.into_iter().flatten();
        if let Some((name, value)) = set.find(|(name, _)| name == "CDPATH") {
            // It says where `cd` goes, and so is not only passed on.
            let change = surroundings::VariableChange::Set(value.clone());
            node.around.variables.change(name, change);
        }
        node
    }

    /// What nobody knows of where it runs: what restricts counts then.
    pub fn unknown(&self) -> Vec<&'static str> {
        let directories = self.around.directories.as_ref();
        let is_one = directories.is_some_and(|all| all.len() == 1);
        let unknown = [
            ("directory", !is_one),
            ("variables", self.around.variables.is_any_unknown()),
        ];
        let unknown = unknown.into_iter().filter(|(_, is_unknown)| *is_unknown);
        unknown.map(|(what, _)| what).collect()
    }

    /// Its words, as those of a request.
    pub(super) fn words(&self) -> Words<'_> {
        Self::words_of(self.program.as_deref(), &self.argv)
    }

    fn words_of<'a>(program: Option<&'a Program>, argv: &'a [OsString]) -> Words<'a> {
        let called = argv.first().map(OsString::as_os_str).unwrap_or_default();
        Words {
            asked: program.map_or(called, |it| &it.asked),
            path: program.and_then(|it| it.path.as_deref()),
            real: program.and_then(|it| it.real.as_deref()),
            argv,
        }
    }

    /// As requests of its own, within `root`: one for each directory that it may be in.
    pub(super) fn requests(&self, root: &Request, known: &mut KnownVariables) -> Vec<InnerRequest> {
        let called = || Program::named(self.argv.first().cloned().unwrap_or_default());
        let program = self.program.as_deref().cloned().unwrap_or_else(called);
        let mut request = root.for_inner(program, self.argv.clone());
        let known = known.by(&self.around.variables, root.environment.as_ref());
        request.environment.clone_from(&known.all);
        let Some(directories) = self.directories(root) else {
            return vec![InnerRequest {
                request,
                is_placed: false,
            }];
        };
        let each = directories.into_iter().map(|directory| {
            let followed = root.followed.as_ref();
            let file = directory.join(&request.program.asked);
            let directory = match followed.and_then(|followed| followed.way(&directory)) {
                Some(way) => way.real.clone(),
                None => Some(directory),
            };
            let directory = directory.and_then(WorkingDirectory::new);
            let mut request = request.clone();
            let is_placed = directory.is_some();
            request.cwd = directory.unwrap_or(request.cwd);
            if self.said_by == SaidBy::Script && request.program.real.is_none() {
                let way = followed.and_then(|followed| followed.way(&file));
                request.program.real = way.and_then(|way| way.real.clone());
            }
            InnerRequest { request, is_placed }
        });
        each.collect()
    }

    /// Where the file is that an interpreter has to read, if it is that, by the names of its directories.
    pub(super) fn scripts(&self, root: &Request) -> Vec<PathBuf> {
        let file = self.argv.first().filter(|_| self.said_by == SaidBy::Script);
        let Some((file, directories)) = file.zip(self.directories(root)) else {
            return Vec::new();
        };
        directories.into_iter().map(|it| it.join(file)).collect()
    }

    /// Each directory that it may be in, by its name; `None` if nobody knows.
    pub(super) fn directories(&self, root: &Request) -> Option<Vec<PathBuf>> {
        let directories = self.around.directories.as_ref()?.iter();
        let absolute = directories.map(|directory| {
            if directory.as_os_str().is_empty() {
                root.cwd.to_path_buf()
            } else {
                normalised(&root.cwd.join(directory))
            }
        });
        Some(absolute.collect())
    }
}

/// A command within another, as a request of its own.
#[derive(Debug)]
pub(super) struct InnerRequest {
    pub(super) request: Request,
    /// Its directory is known.
    pub(super) is_placed: bool,
}

/// The models that the program's names have; but not that of a file which does what it is called, where that
/// is known.
pub(super) fn models_of<'a>(index: &'a IndexedRules, words: Words<'_>) -> Vec<&'a CommandModel> {
    let real = words
        .real
        .filter(|real| !acts_as_called(index, words, real));
    let mut models: Vec<&CommandModel> = Vec::new();
    let mut last = None;
    for name in whole_names(Words { real, ..words }).map(called) {
        // Most programs have one name.
        if last.replace(name) == Some(name) {
            continue;
        }
        let known = index.model(name);
        models.extend(known.filter(|known| !models.iter().any(|m| std::ptr::eq(*m, *known))));
    }
    models
}

/// What a program is called by, from the word that asks for it to the file.
pub(super) fn whole_names(words: Words<'_>) -> impl Iterator<Item = &OsStr> {
    let paths = [words.path, words.real].into_iter().flatten();
    std::iter::once(words.asked)
        .chain(words.argv.first().map(OsString::as_os_str))
        .chain(paths.map(Path::as_os_str))
}

/// Whether the file is one that does what the program of the name does which it is called, by each word for
/// it, and that program is known.
fn acts_as_called(index: &IndexedRules, words: Words<'_>, real: &Path) -> bool {
    let name = called(words.asked);
    let others = [
        words.argv.first().map(OsString::as_os_str),
        words.path.map(Path::as_os_str),
    ];
    others
        .into_iter()
        .all(|other| other.is_some_and(|other| called(other) == name))
        && index
            .model(called(real.as_os_str()))
            .is_some_and(|model| model.acts_as_called)
        && index.model(name).is_some()
}

/// The last component, without the dash of a login shell.
pub(super) fn called(name: &OsStr) -> &OsStr {
    let name = last_component(name);
    let login = name.as_bytes().strip_prefix(b"-").map(OsStr::from_bytes);
    login.filter(|name| !name.is_empty()).unwrap_or(name)
}

/// The request's arguments as each model reads them that one of the program's names has.
pub fn readings<'a>(index: &'a IndexedRules, request: &'a Request) -> Vec<Reading<'a>> {
    let read = |model| models::read(model, request.arguments());
    models_of(index, request.words())
        .into_iter()
        .map(read)
        .collect()
}

#[cfg(test)]
mod tests;
