//! What the commands of a script do to the shell that runs the later ones: its directory and its variables.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::script::{Enclosure, Script, ScriptCommand, Stage};

use super::effects::{
    changes, destination, goes_home, is_loose, is_vague, known, leaves, moves, runs_anything,
    shows, substituted,
};
use super::expansion::Expansion;
use super::resolver::Resolver;
use super::surroundings::{
    Directories, Surroundings, VARIABLES, VariableChange, Variables, either,
};

/// A shell on its way through a script.
pub(super) struct Shell<'a> {
    script: &'a Script,
    expansion: Expansion<'a>,
    /// What the next command finds.
    here: ShellState,
    /// What the last one stood in, outermost first.
    around: Vec<Entered>,
    /// What the last command that shows something writes, and where it stands.
    written: Option<(Stage, Vec<u8>)>,
    /// How many commands came before.
    count: usize,
    /// The first command that changes the directory where nobody knows whether and when it does.
    vague: Option<usize>,
    /// Any does.
    moves: bool,
    /// The variables that are set where nobody knows whether and when.
    vaguely_set: BTreeSet<Vec<u8>>,
    /// Those that are set anywhere.
    set: BTreeSet<Vec<u8>>,
}

/// A pipeline, or a list in the background, that the last command stood in.
#[derive(Debug)]
struct Entered {
    stage: Stage,
    /// It has a process of its own.
    is_apart: bool,
    /// What held before it.
    before: ShellState,
}

#[derive(Debug, Clone)]
struct ShellState {
    around: Surroundings,
    /// The directories as long as each command since has succeeded.
    chain: Option<Chain>,
    /// The directories if the last command of the list that changed them has failed.
    failed: Directories,
    /// Where a command stands that runs because another one failed: the directories if it leaves the script.
    otherwise: Option<(u32, Directories)>,
}

/// Commands that follow one that changed the directory, if it ran: `a && cd x && y`.
#[derive(Debug, Clone)]
struct Chain {
    /// How deep it is, in pipelines, and the one that is allowed to go on.
    level: usize,
    pipeline: u32,
    directories: Directories,
}

impl ShellState {
    /// What a command finds that stands in the chain if there is one.
    fn now(&self) -> Surroundings {
        let mut around = self.around.clone();
        if let Some(chain) = &self.chain {
            around.directories.clone_from(&chain.directories);
        }
        around
    }
}

impl<'a> Shell<'a> {
    /// A shell that starts with `script`, of which these are the `commands`.
    pub(super) fn new(
        script: &'a Script,
        commands: &[ScriptCommand],
        mut around: Surroundings,
        given: Option<&'a Resolver<'a>>,
    ) -> Self {
        around.variables = around.variables.in_shell();
        let mut shell = Self {
            script,
            expansion: Expansion::of(script, commands, given),
            here: ShellState {
                failed: around.directories.clone(),
                around,
                chain: None,
                otherwise: None,
            },
            around: Vec::new(),
            written: None,
            count: 0,
            vague: None,
            moves: false,
            vaguely_set: BTreeSet::new(),
            set: BTreeSet::new(),
        };
        for (nth, command) in commands.iter().enumerate() {
            let is_vague = is_vague(command);
            if moves(command) {
                shell.moves = true;
                if is_vague {
                    shell.vague.get_or_insert(nth);
                }
            }
            for (name, _) in changes(command) {
                shell.set.insert(name.clone());
                if is_vague {
                    shell.vaguely_set.insert(name);
                }
            }
        }
        shell
    }

    /// What the next command finds, which is this one; what is known by then is put into its words.
    pub(super) fn enter(&mut self, command: &mut ScriptCommand) -> Surroundings {
        let nth = self.count;
        self.count += 1;
        let path = self.path(command);
        self.leave(&path);
        let level = command.stages.len().saturating_sub(1);
        self.go_on(command, level);
        self.begin(&path);
        for (stage, is_apart) in path.into_iter().skip(self.around.len()) {
            self.join_failure(stage.pipeline);
            self.around.push(Entered {
                stage,
                is_apart,
                before: self.here.clone(),
            });
        }
        let is_in = |one: Enclosure| command.inside.contains(&one);
        let in_function = is_in(Enclosure::Function);
        let mut found = self.here.now();
        let is_lost = self
            .vague
            .is_some_and(|first| first <= nth || is_loose(command));
        // One in a substitution runs before what it is a word of.
        let substituted = is_in(Enclosure::Substitution) || is_in(Enclosure::ProcessSubstitution);
        let elsewhere = in_function || substituted;
        if is_lost || (self.moves && elsewhere) {
            found.directories = None;
        }
        let unknown = if elsewhere {
            &self.set
        } else {
            &self.vaguely_set
        };
        if unknown.len() > VARIABLES {
            found.variables = Variables::unknown();
        }
        for name in unknown.iter().take(VARIABLES) {
            found
                .variables
                .change(OsStr::from_bytes(name), VariableChange::Unknown);
        }
        self.expansion.fill(command, &found);
        if !elsewhere {
            self.run(command, level, &found);
        }
        for assignment in command
            .assignments
            .iter()
            .filter(|_| !command.words.is_empty())
        {
            let change =
                known(&assignment.value).map_or(VariableChange::Unknown, VariableChange::Set);
            found
                .variables
                .change(OsStr::from_bytes(&assignment.name), change);
        }
        found
    }

    /// What the command, which was entered last, is given to read, where that can be known: a here-document, or
    /// what another one shows, which may be one of those `behind` it.
    pub(super) fn input(
        &mut self,
        command: &ScriptCommand,
        behind: &[ScriptCommand],
    ) -> Option<Vec<u8>> {
        let shown = self.written.as_ref().filter(|(from, _)| {
            let mut stages = command.stages.iter();
            stages.any(|it| it.pipeline == from.pipeline && it.stage == from.stage + 1)
        });
        let shown = shown.map(|(_, text)| text.clone());
        let input = command.input.clone().or(shown);
        let input = input.or_else(|| substituted(command, behind));
        if let (Some(text), Some(stage)) = (shows(command, input.as_deref()), command.stages.last())
        {
            self.written = Some((*stage, text));
        }
        input
    }

    /// What the command stands in, outermost first, and whether each has a process of its own.
    fn path(&self, command: &ScriptCommand) -> Vec<(Stage, bool)> {
        let mut path = Vec::with_capacity(command.stages.len());
        for (nth, stage) in command.stages.iter().enumerate() {
            if let Some(list) = self.script.background.get(&stage.pipeline) {
                // No pipeline has as many parts.
                let stage = Stage {
                    pipeline: *list,
                    stage: u32::MAX,
                };
                path.push((stage, true));
            }
            let is_subshell = command.inside.get(nth) == Some(&Enclosure::Subshell);
            path.push((*stage, is_subshell || stage.stage > 0));
        }
        path
    }

    /// Leaves what the command on this `path` does not stand in. What had a process of its own has changed
    /// nothing.
    fn leave(&mut self, path: &[(Stage, bool)]) {
        let both = self.around.iter().zip(path);
        let kept = both
            .take_while(|(one, (other, _))| one.stage == *other)
            .count();
        while self.around.len() > kept {
            let depth = self.around.len() - 1;
            let Some(left) = self.around.pop() else {
                break;
            };
            let next = path.get(depth).filter(|_| depth == kept);
            let is_piped = next.is_some_and(|(it, _)| it.pipeline == left.stage.pipeline);
            if is_piped || left.is_apart {
                self.here = left.before;
            }
        }
    }

    /// Whether the pipeline goes on with a list: `a && b`, `a || b`.
    fn follows(&self, pipeline: u32) -> bool {
        self.script.after_failure.contains(&pipeline)
            || self.script.after_success.contains(&pipeline)
    }

    /// Forgets what may have failed before the command on this `path`, if it begins a list of its own.
    fn begin(&mut self, path: &[(Stage, bool)]) {
        let new = path.get(self.around.len()).map(|(stage, _)| *stage);
        let mut all = self.around.iter().map(|it| it.stage).chain(new);
        if new.is_some() && !all.any(|it| self.follows(it.pipeline)) {
            self.here.failed.clone_from(&self.here.around.directories);
        }
    }

    /// What holds in and behind a pipeline that runs if what is before it has failed.
    fn join_failure(&mut self, pipeline: u32) {
        if self.script.after_failure.contains(&pipeline) {
            let before = self.here.around.directories.clone();
            let failed = self.here.failed.clone();
            self.here.around.directories = either(before.clone(), failed);
            self.here.otherwise = Some((pipeline, before));
        }
    }

    /// Behind a command that surely leaves the script, as in `cd x || exit`, nothing has failed.
    fn leave_script(&mut self, command: &ScriptCommand) {
        let Some((from, before)) = &self.here.otherwise else {
            return;
        };
        let mut own = self.around.iter();
        let is_in = own.any(|it| it.stage.pipeline == *from && !it.is_apart);
        let is_certain = own.all(|it| !it.is_apart && !self.follows(it.stage.pipeline));
        if is_in && is_certain && leaves(command) {
            self.here.around.directories.clone_from(before);
            self.here.otherwise = None;
        }
    }

    /// Ends the chain unless the command goes on with it.
    fn go_on(&mut self, command: &ScriptCommand, level: usize) {
        let Some(chain) = &mut self.here.chain else {
            return;
        };
        let pipeline = command.stages.get(chain.level).map(|stage| stage.pipeline);
        match pipeline.filter(|_| chain.level <= level) {
            Some(next) if next == chain.pipeline => {}
            Some(next) if self.script.after_success.contains(&next) => chain.pipeline = next,
            _ => self.here.chain = None,
        }
    }

    /// What the command does to the shell.
    fn run(&mut self, command: &ScriptCommand, level: usize, found: &Surroundings) {
        self.leave_script(command);
        let pipeline = command.stages.last().map_or(0, |stage| stage.pipeline);
        let is_certain = !self.script.after_failure.contains(&pipeline);
        if runs_anything(command) {
            self.here.around = Surroundings::unknown();
            self.here.chain = None;
        } else if moves(command) {
            let mut own = command.assignments.iter();
            let is_searched =
                found.variables.may_have("CDPATH") || own.any(|set| set.name == b"CDPATH");
            let home = || self.expansion.value(b"HOME", found);
            let to = if goes_home(command) {
                home()
            } else {
                destination(command, is_searched)
            };
            let moved = to.and_then(|to| found.moved(OsStr::from_bytes(&to)));
            let here = &mut self.here;
            here.failed.clone_from(&found.directories);
            if is_certain && !self.script.after_success.contains(&pipeline) {
                // That it succeeds is taken for granted, as of every command.
                here.chain = None;
                here.around.directories = moved;
            } else {
                let before = here.around.directories.take();
                here.around.directories =
                    either(moved.clone(), either(before, here.failed.clone()));
                here.chain = is_certain.then_some(Chain {
                    level,
                    pipeline,
                    directories: moved,
                });
            }
        }
        let is_certain = is_certain && !self.script.after_success.contains(&pipeline);
        for (name, change) in changes(command) {
            let variables = &mut self.here.around.variables;
            match change {
                _ if !is_certain => {
                    variables.change(OsStr::from_bytes(&name), VariableChange::Unknown);
                }
                Some(change) => variables.change(OsStr::from_bytes(&name), change),
                None => variables.export(&name),
            }
        }
    }
}
