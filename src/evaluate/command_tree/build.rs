//! From a request to the tree.

use std::collections::HashMap;
use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

use crate::request::{Entry, Request, Words, alias_set, aliased};
use crate::script::{self, MAX_BYTES, Problem, ScriptCommand, Word, max_commands};

use super::resolver::{Resolver, UnstartedCommand};
use super::runs::{InPlace, InnerFound, InnerRun, in_place_of, runs};
use super::spelling::{as_in, spelled, unknown_words};
use super::surroundings::KnownVariables;
use super::{CommandTree, DEPTH, Lack, Node, NodeProcess, SaidBy, Shown, same_process};
use crate::evaluate::index::IndexedRules;

/// What may be spent on one request, beside four times the script that it is: for each script its bytes, for
/// each word its bytes and [`WORD`]. As much as the kernel takes for a whole command, so that what a wrapper
/// starts is always looked at.
const BUDGET: usize = 2 << 20;
/// What a word costs beside its bytes.
const WORD: usize = 8;

/// The tree of a command of these words, which has others in its place besides.
pub(super) fn tree(
    index: &IndexedRules,
    words: Words<'_>,
    in_place: Vec<InPlace>,
    variables: Option<&[(OsString, OsString)]>,
    aliases: &[Entry],
) -> CommandTree {
    let mut builder = Builder::new(index, None, 0);
    if !in_place.is_empty() || same_process::runs_another(words) {
        builder.shown = Shown::Otherwise;
    }
    let node = Node::among(variables);
    builder.look_into(None, words, &node, in_place);
    builder.aliased(None, words, &node, aliases);
    builder.grow()
}

/// The tree of a script.
pub(super) fn script_tree(
    index: &IndexedRules,
    text: &[u8],
    resolver: &Resolver<'_>,
) -> CommandTree {
    let mut builder = Builder::new(index, Some(resolver), text.len());
    builder.script(None, text, &Node::among(resolver.variables.map(|it| &**it)));
    builder.grow()
}

/// The command that has a script read.
pub(super) struct ScriptReader<'a> {
    pub(super) words: Words<'a>,
    /// Its line.
    pub(super) line: u32,
    /// What `$0`, `$1` and so on are, if the script has its own.
    pub(super) given: Option<Vec<Word>>,
    /// The number of the script that the command itself stands in.
    pub(super) within: Option<usize>,
}

impl ScriptReader<'_> {
    /// Whether it is the very shell that runs what it has read, as with `eval` and `source`.
    pub(super) fn is_same_shell(&self) -> bool {
        let name = self.words.asked.as_bytes();
        script::is_builtin(name) || script::reads_script(name)
    }
}

pub(super) struct Builder<'a> {
    pub(super) index: &'a IndexedRules,
    /// The whole is a script: this finds what each command in it asks for.
    pub(super) resolver: Option<&'a Resolver<'a>>,
    pub(super) tree: CommandTree,
    /// What the command that is looked into runs so far, by what makes two commands the same.
    known: HashMap<u64, Vec<usize>>,
    /// What is left of [`BUDGET`].
    left: usize,
    /// How many commands there may be.
    max_commands: usize,
    /// What the script has made aliases of git's.
    aliases: Vec<Entry>,
    /// Less than words where the request runs others in its place, as BusyBox does, which may have a shell that
    /// does too.
    shown: Shown,
    given: KnownVariables,
    /// The scripts, by number, that run in the very shell that runs another one.
    pub(super) joined: Vec<[usize; 2]>,
}

/// Words of what `node` runs, as a script has them: what is unknown in its own words is so in these.
fn written_as(
    node: &Node,
    unknown: &HashMap<Vec<u8>, &Word>,
    argv: &[OsString],
) -> Option<Box<ScriptCommand>> {
    let around = node.written.as_deref()?;
    Some(Box::new(ScriptCommand {
        line: around.line,
        words: argv.iter().map(|word| as_in(unknown, word)).collect(),
        ..ScriptCommand::default()
    }))
}

/// What says that `node` runs what its words say.
fn said_within(node: &Node) -> SaidBy {
    if node.is_said() {
        SaidBy::Words
    } else {
        node.said_by
    }
}

/// The process of what `node`, the whole where there is no `parent`, runs without another exec.
fn process_of(parent: Option<usize>, node: &Node) -> NodeProcess {
    if parent.is_none() || node.is_same_process() {
        NodeProcess::Request
    } else {
        NodeProcess::Around
    }
}

/// What makes two commands the same, so that one of them need not be looked at.
fn sameness(node: &Node) -> impl Hash + PartialEq {
    let how = (node.shown, node.appends, node.process);
    (&node.argv, how, &node.place, &node.around)
}

impl<'a> Builder<'a> {
    /// For a script of so many bytes; a command is none.
    fn new(index: &'a IndexedRules, resolver: Option<&'a Resolver<'a>>, bytes: usize) -> Self {
        let bytes = bytes.min(MAX_BYTES);
        Self {
            index,
            resolver,
            tree: CommandTree::default(),
            known: HashMap::new(),
            left: BUDGET + 4 * bytes,
            max_commands: max_commands(bytes),
            aliases: Vec::new(),
            shown: Shown::Words,
            given: KnownVariables::default(),
            joined: Vec::new(),
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
                process: node.process,
                depth: node.depth,
                shown: node.shown,
                ..Node::default()
            };
            let mut node = std::mem::replace(node, lent);
            self.known.clear();
            let first = self.tree.nodes.len();
            let in_place = self.resolved(&mut node);
            // Whoever has it read is looked into.
            if !node.argv.is_empty() && node.said_by != SaidBy::Script {
                self.look_into(Some(next), node.words(), &node, in_place);
                let set = std::mem::take(&mut self.aliases);
                self.aliased(Some(next), node.words(), &node, &set);
                self.aliases = [set, std::mem::take(&mut self.aliases)].concat();
                for asked in node.asked.iter().filter(|it| !it.aliases.is_empty()) {
                    self.aliased(Some(next), node.words(), &node, &asked.aliases);
                }
                self.with_values(Some(next), &node);
            }
            let mut within = self.tree.nodes.iter().skip(first);
            node.is_looked_into = within.any(|it| it.said_by != SaidBy::Script);
            node.children = first..self.tree.nodes.len();
            if let Some(place) = self.tree.nodes.get_mut(next) {
                node.lacks = place.lacks;
                *place = node;
            }
            next += 1;
        }
        self.tree.join(&self.joined);
        self.tree
    }

    /// Adds what git runs by an alias: another text of a shell where arguments are added to it.
    fn aliased(&mut self, parent: Option<usize>, words: Words<'_>, node: &Node, aliases: &[Entry]) {
        let found = aliased(words, aliases, false);
        if found.is_empty() {
            return;
        }
        let more = node.appends.then(|| aliased(words, aliases, true));
        let mut more = more.unwrap_or_default();
        more.retain(|more| found.iter().all(|found| found.argv != more.argv));
        let unknown = node.written.as_deref().map(unknown_words);
        let unknown = unknown.unwrap_or_default();
        for found in found.into_iter().chain(more) {
            let mut around = node.around.clone();
            around.directories = found.directories.and_then(|to| {
                let way: PathBuf = to.iter().collect();
                around.moved(way.as_os_str())
            });
            if !found.keeps_variables {
                around.variables = around.variables.behind_git();
            }
            self.keep(Node {
                written: written_as(node, &unknown, &found.argv),
                argv: found.argv,
                appends: node.appends,
                said_by: SaidBy::Alias,
                process: if found.same_process {
                    process_of(parent, node)
                } else {
                    NodeProcess::Own
                },
                around,
                ..self.within(parent, node)
            });
        }
    }

    /// Adds the command with the values that variables among its words have in the script.
    fn with_values(&mut self, parent: Option<usize>, node: &Node) {
        let line = node.written.as_deref().map_or(1, |it| it.line);
        for words in &node.instead.words {
            let argv = words.iter().flat_map(spelled);
            self.keep(Node {
                argv: argv.map(OsString::from_vec).collect(),
                written: Some(Box::new(ScriptCommand {
                    line,
                    words: words.clone(),
                    ..ScriptCommand::default()
                })),
                shown: node.instead.shown,
                appends: node.appends,
                ..self.within(parent, node)
            });
        }
    }

    /// What `node`, `None` as a parent for the whole, runs, but for its words.
    fn within(&self, parent: Option<usize>, node: &Node) -> Node {
        Node {
            parent,
            depth: node.depth + 1,
            shown: parent.map_or(self.shown, |_| node.shown),
            around: node.around.clone(),
            ..Node::default()
        }
    }

    /// Finds what the command asks for, in each directory that it may be in, if somebody is to look; and what
    /// runs in its place.
    fn resolved(&mut self, node: &mut Node) -> Vec<InPlace> {
        let Some(resolver) = self.resolver.filter(|_| !node.argv.is_empty()) else {
            return Vec::new();
        };
        if !node.asked.is_empty() {
            return Vec::new();
        }
        let here = [PathBuf::new()];
        let directories = node.around.directories.as_deref().unwrap_or(&here);
        let variables = &node.around.variables;
        self.given.by(variables, resolver.variables);
        node.asked.reserve_exact(directories.len());
        for directory in directories {
            let mut request = (resolver.find)(&UnstartedCommand {
                words: &node.argv,
                directory,
                variables: self.given.known.clone(),
                unknown: variables.unsure(self.given.known.is_none()),
            });
            request.environment.clone_from(&self.given.all);
            node.asked.push(request);
        }
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
        let child = self.within(parent, node);
        let unknown = node.written.as_deref().map(unknown_words);
        let unknown = unknown.unwrap_or_default();
        let written = |argv: &[OsString]| written_as(node, &unknown, argv);
        let in_process = || Node {
            process: process_of(parent, node),
            shown: child.shown.max(Shown::Otherwise),
            ..child.clone()
        };
        let by_name = same_process::named_in(words);
        for argv in by_name
            .iter()
            .cloned()
            .chain(same_process::called_in(words))
        {
            self.keep(Node {
                written: written(&argv),
                argv,
                ..in_process()
            });
        }
        self.keep_in_place(node, &in_process, in_place);
        if let Some(argv) = self.read_by_shell(node, words, &child) {
            self.keep(Node {
                written: written(&argv),
                argv,
                ..child.clone()
            });
        }
        let input = node.input.as_deref();
        let (found, incomplete) = runs(self.index, words, input, &node.around);
        if incomplete {
            self.lacks(parent, Lack::Some);
        }
        for InnerFound {
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
                InnerRun::Words { argv, .. } if Some(&argv) == by_name.as_ref() => {}
                InnerRun::Words {
                    argv,
                    appends,
                    marks,
                } => self.keep(Node {
                    // An interpreter that starts the other one, as env does, is told so by the file.
                    said_by: said_within(node),
                    written: written(&argv),
                    argv,
                    appends,
                    marks,
                    input: input.map(<[u8]>::to_vec),
                    ..child
                }),
                InnerRun::Script { text, given } => {
                    let given =
                        given.map(|given| given.iter().map(|it| as_in(&unknown, it)).collect());
                    let reader = self.reader(node, words, given);
                    self.script(Some(reader), &text, &child);
                }
                InnerRun::Interpreted(argv) => self.keep(Node {
                    said_by: SaidBy::Script,
                    written: written(&argv),
                    argv,
                    ..in_process()
                }),
                InnerRun::File { file, given } => {
                    let file = self.place_of(file, node, words);
                    self.file(node, file.as_deref(), &given, words, &child);
                }
            }
        }
    }

    /// The command `node`, of these words, as one that has a script read.
    pub(super) fn reader<'b>(
        &self,
        node: &Node,
        words: Words<'b>,
        given: Option<Vec<Word>>,
    ) -> ScriptReader<'b> {
        ScriptReader {
            words,
            line: node.written.as_deref().map_or(1, |it| it.line),
            given,
            within: self.tree.script_of(node),
        }
    }

    /// Where a file of commands is that the words of `node` name.
    fn place_of(&self, file: OsString, node: &Node, words: Words<'_>) -> Option<PathBuf> {
        let (asked, resolver) = (node.asked.first()?, self.resolver?);
        let is_searched = !file.as_bytes().contains(&b'/');
        if !script::reads_script(words.asked.as_bytes()) {
            return Some(asked.cwd.join(file));
        }
        // Elsewhere it is another file.
        if node.shown == Shown::Never {
            return None;
        }
        let name = [file];
        let found = is_searched.then(|| {
            let directories = node.around.directories.as_deref().unwrap_or_default();
            (resolver.find)(&UnstartedCommand {
                words: &name,
                directory: directories.first()?,
                variables: self.given.known.clone(),
                unknown: Vec::new(),
            })
            .program
            .path
        });
        let [file] = &name;
        found.flatten().or_else(|| Some(asked.cwd.join(file)))
    }

    /// What is started to read the file that `node` asks for, if that has no `#!`: the shell that can't start it
    /// reads it itself, and then its commands are added; others start a shell.
    fn read_by_shell(
        &mut self,
        node: &Node,
        words: Words<'_>,
        child: &Node,
    ) -> Option<Vec<OsString>> {
        let asked = node.asked.first()?;
        let by_path = asked.program.asked.as_bytes().contains(&b'/');
        if !node.is_said() || asked.interpreter.is_some() || !by_path {
            return None;
        }
        let file = asked.program.real.as_deref();
        if node.place.is_some() {
            self.file(node, file, &node.argv, words, child);
            return None;
        }
        self.text(file?)?;
        Some([&["/bin/sh".into()], node.argv.as_slice()].concat())
    }

    /// Adds what runs in the place of `node`, as its file says.
    fn keep_in_place(
        &mut self,
        node: &Node,
        in_process: &dyn Fn() -> Node,
        in_place: Vec<InPlace>,
    ) {
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
                ..in_process()
            });
        }
    }

    pub(super) fn keep(&mut self, node: Node) {
        if node.argv.is_empty() && self.resolver.is_none() {
            return;
        }
        let words = node.argv.iter().map(|word| word.len() + WORD);
        let size = words.sum::<usize>() + node.input.as_ref().map_or(0, Vec::len);
        let many = self.tree.nodes.len() >= self.max_commands;
        if node.depth > DEPTH || many || !self.spend(size) {
            let line = node.written.as_deref().map_or(1, |it| it.line);
            return self.limited(node.parent, line, node.depth);
        }
        let set = self.resolver.and_then(|_| alias_set(node.words()));
        self.aliases.extend(set);
        let mut hasher = DefaultHasher::new();
        sameness(&node).hash(&mut hasher);
        let nodes = &mut self.tree.nodes;
        let alike = self.known.entry(hasher.finish()).or_default();
        let is_same = |known: &usize| nodes.get(*known).map(sameness) == Some(sameness(&node));
        if !alike.iter().any(is_same) {
            alike.push(nodes.len());
            nodes.push(node);
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
