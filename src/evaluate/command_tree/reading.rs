//! The scripts in a tree: those that words hold, and those that files do.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use crate::models::CommandModel;
use crate::request::Words;
use crate::script::{self, Dialect, Problem};

use super::build::{Builder, ScriptReader};
use super::effects::renamed;
use super::shell::Shell;
use super::spelling::{as_in, fill, spelled};
use super::surroundings::Surroundings;
use super::values::Values;
use super::{
    DEPTH, Instead, KnownFunctions, Lack, Node, ScriptPlace, Shown, called, models_of, whole_names,
};

/// Shells that start what they have no builtin for. What calls itself `sh` can be BusyBox.
const STARTING: [&str; 3] = ["bash", "dash", "zsh"];
/// Builtins that make builtins of other programs' names.
const TEACHING: [&str; 3] = ["enable", "zmodload", "builtin"];

impl Builder<'_> {
    /// Adds the commands of a `file` that a shell reads as a script, if that is known.
    pub(super) fn file(
        &mut self,
        node: &Node,
        file: Option<&Path>,
        given: &[OsString],
        words: Words<'_>,
        child: &Node,
    ) {
        // In another directory, it is another file.
        let is_one = node
            .around
            .directories
            .as_ref()
            .is_some_and(|all| all.len() == 1);
        let file = file.filter(|file| is_one || file.is_absolute());
        let Some(text) = file.and_then(|file| self.text(file)) else {
            return;
        };
        self.tree.reads_files = true;
        let given = given.iter().map(|word| as_in(&HashMap::new(), word));
        // `source` leaves those of the script.
        let has_own = !script::reads_script(words.asked.as_bytes());
        let reader = self.reader(node, words, has_own.then(|| given.collect()));
        self.script(Some(reader), &text, child);
    }

    /// What a `file` holds that a shell would read.
    pub(super) fn text(&self, file: &Path) -> Option<Vec<u8>> {
        (self.resolver?.read)(file)
    }

    /// Adds the commands of a script: the whole, or one that a command has a shell read or reads itself.
    pub(super) fn script(&mut self, reader: Option<ScriptReader<'_>>, text: &[u8], child: &Node) {
        let line = reader.as_ref().map_or(1, |reader| reader.line);
        if child.depth > DEPTH || !self.spend(text.len()) {
            return self.limited(child.parent, line, child.depth);
        }
        let dialect = self.resolver.map_or(Dialect::Sh, |_| Dialect::Bash);
        let mut script = script::parse(text, dialect);
        if script.limited {
            self.lacks(child.parent, Lack::Limited);
        }
        if self.resolver.is_some() {
            let problems = script.problems.iter().map(|problem| Problem {
                line: reader.as_ref().map_or(problem.line, |_| line),
                ..*problem
            });
            self.tree.problems.extend(problems);
        }
        if let Some(given) = reader.as_ref().and_then(|reader| reader.given.as_deref()) {
            fill(&mut script.commands, given);
        }
        // bash knows aliases in scripts only where it is told to.
        let is_bash = |reader: &ScriptReader<'_>| called(reader.words.asked) == "bash";
        let aliases = reader.as_ref().is_some_and(|reader| !is_bash(reader))
            || contains(text, "expand_aliases");
        let named = |aliases| {
            let commands = script.commands.iter();
            commands.flat_map(move |it| renamed(it, aliases))
        };
        self.tree.renamed.extend(named(aliases));
        if !aliases {
            self.tree.idle_aliases.extend(named(true));
        }
        let values = Values::of(&script);
        let mut commands = std::mem::take(&mut script.commands);
        let functions = std::mem::take(&mut script.functions);
        let around = self.settled(reader.as_ref(), child);
        let mut shell = Shell::new(&script, &commands, around, self.resolver);
        let mut found = Vec::with_capacity(commands.len());
        let mut rest = commands.as_mut_slice();
        while let [command, behind @ ..] = rest {
            let around = shell.enter(command);
            let argv = command.words.iter().flat_map(spelled);
            let argv: Vec<_> = argv.map(OsString::from_vec).collect();
            found.push((argv, around, shell.input(command, behind)));
            rest = behind;
        }
        // A shell within is judged by its own names when it starts.
        let mut all = found.iter().map(|(argv, ..)| argv.as_slice());
        let hides = child.parent.is_none()
            && reader
                .as_ref()
                .is_some_and(|reader| self.hides(reader.words, &mut all));
        let number = self.numbered(functions, reader);
        let seen = if hides {
            child.shown.max(Shown::Otherwise)
        } else {
            child.shown
        };
        for (mut command, (argv, around, input)) in commands.into_iter().zip(found) {
            command.line = command.line.saturating_add(line - 1);
            self.keep(Node {
                argv,
                // By what the shell makes of a word, the program may not look dangerous any more.
                shown: if command.words.iter().any(|word| word.unknown().is_some()) {
                    seen.max(Shown::Otherwise)
                } else {
                    seen
                },
                instead: Instead {
                    words: values.in_place_of(&command),
                    shown: seen,
                },
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

    /// The number of a script that has these `functions`.
    fn numbered(&mut self, functions: Vec<Vec<u8>>, reader: Option<ScriptReader<'_>>) -> usize {
        let number = self.tree.functions.len();
        self.tree.functions.push(KnownFunctions {
            names: functions.into_iter().collect(),
            are_all: true,
        });
        let around = reader.filter(ScriptReader::is_same_shell);
        let joined = around.and_then(|it| Some([number, it.within?]));
        self.joined.extend(joined);
        number
    }

    /// Where the script runs: what was not exported its own shell does not have.
    fn settled(&self, reader: Option<&ScriptReader<'_>>, child: &Node) -> Surroundings {
        let mut around = child.around.clone();
        let own = self.resolver.and_then(|resolver| resolver.variables);
        let is_started = |reader: &ScriptReader<'_>| !reader.is_same_shell();
        if let Some(own) = own.filter(|_| reader.is_some_and(is_started)) {
            around.variables.settle(own);
        }
        around
    }

    /// Whether the command is a shell that may do some of `all` commands itself which others start.
    fn hides(&self, words: Words<'_>, all: &mut dyn Iterator<Item = &[OsString]>) -> bool {
        let mut models = models_of(self.index, words).into_iter();
        let is_shell = models.any(CommandModel::is_shell);
        let starts =
            whole_names(words).any(|name| STARTING.iter().any(|known| called(name) == *known));
        let teaches = |word: &OsString| TEACHING.iter().any(|it| contains(word.as_bytes(), it));
        (is_shell && !starts) || all.flatten().any(teaches)
    }
}

fn contains(word: &[u8], name: &str) -> bool {
    word.windows(name.len()).any(|part| part == name.as_bytes())
}
