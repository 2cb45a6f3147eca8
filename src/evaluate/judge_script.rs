//! A whole script: each command in it, judged as it would be alone.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use crate::request::Request;
use crate::rules::Decision;
use crate::script::{self, Assignment, Dialect, Problem, Script, ScriptCommand, Word};

use super::command_tree::{DEPTH, Run, Shell, Surroundings, runs, spelled};
use super::index::IndexedRules;
use super::judge::{Doubt, judge_doubting};
use super::verdict::{Basis, Judgement, Placement};

/// How many commands are judged in one script.
const COMMANDS: usize = 10_000;

/// Variables that change which program a name means or what it does.
const TREACHEROUS: [&[u8]; 9] = [
    b"PATH",
    b"LD_PRELOAD",
    b"LD_LIBRARY_PATH",
    b"LD_AUDIT",
    b"BASH_ENV",
    b"ENV",
    b"IFS",
    b"SHELLOPTS",
    b"PYTHONPATH",
];

/// What comes of a script.
#[derive(Debug)]
pub struct ScriptJudgement {
    /// The strictest of all.
    pub decision: Decision,
    /// Every command, each before those that it starts.
    pub commands: Vec<JudgedCommand>,
    /// What could not be read. Such a script is never allowed.
    pub problems: Vec<Problem>,
}

/// One command of a script.
#[derive(Debug)]
pub struct JudgedCommand {
    /// The line of its script on which it begins, from 1.
    pub line: u32,
    /// How many wrappers and scripts it is within.
    pub depth: usize,
    /// What it is.
    pub kind: Kind,
    /// As the script has it, expansions and all.
    pub command: ScriptCommand,
    /// What would be asked, with what is unknown as the script has it; `None` when nothing starts.
    pub request: Option<Request>,
    /// What rules and heuristics say of the request.
    pub judgement: Option<Judgement>,
    /// What holds in the end.
    pub decision: Decision,
}

/// What a command of a script is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A program that starts.
    Program,
    /// Something that the shell does itself.
    Builtin,
    /// A function that the script defines.
    Function,
    /// Assignments or redirections without a command.
    Bare,
    /// What runs can't be known before.
    Unknown,
}

impl JudgedCommand {
    /// Where it would run.
    pub fn placement(&self) -> Placement {
        let judged = self
            .judgement
            .as_ref()
            .filter(|_| self.kind == Kind::Program);
        judged.map_or(Placement::Inside, |judged| judged.verdict.placement)
    }
}

/// Judges every command in `script`, and what those start in turn. `resolve` makes a request of
/// a command's words, as they would be started in a directory, by the way there from the first.
pub fn judge_script(
    index: &IndexedRules,
    script: &Script,
    resolve: &dyn Fn(&[OsString], &Path) -> Request,
) -> ScriptJudgement {
    let mut judge = Judge {
        index,
        resolve,
        functions: script.functions.clone(),
        out: ScriptJudgement {
            decision: Decision::Allow,
            commands: Vec::new(),
            problems: Vec::new(),
        },
    };
    judge.script(script, 0, Surroundings::default());
    let mut out = judge.out;
    let strictest = out.commands.iter().map(|command| command.decision).max();
    out.decision = strictest.unwrap_or(Decision::Allow);
    if !out.problems.is_empty() {
        out.decision = out.decision.max(Decision::Prompt);
    }
    out
}

/// What earlier commands did to the shell that runs a later one.
#[derive(Debug, Clone, Default)]
struct Earlier {
    /// The variables that were set for what comes later, by name.
    variables: Vec<OsString>,
    /// A variable was set that changes what programs do.
    treacherous: bool,
}

impl Earlier {
    fn run(&mut self, command: &ScriptCommand) {
        let mut assigned = command.assignments.iter();
        self.treacherous |= assigned.any(|assignment| is_treacherous(&assignment.name));
        self.treacherous |= exported(command).any(|name| is_treacherous(&name));
        let assigned = command.assignments.iter().map(|set| set.name.clone());
        let assigned = assigned.filter(|_| command.words.is_empty());
        let exported = exported(command).chain(assigned);
        self.variables.extend(exported.map(OsString::from_vec));
    }
}

struct Judge<'a> {
    index: &'a IndexedRules,
    resolve: &'a dyn Fn(&[OsString], &Path) -> Request,
    functions: Vec<Vec<u8>>,
    out: ScriptJudgement,
}

impl Judge<'_> {
    fn script(&mut self, script: &Script, depth: usize, around: Surroundings) {
        self.out.problems.extend_from_slice(&script.problems);
        let mut earlier = Earlier::default();
        let mut shell = Shell::new(script, around);
        for command in &script.commands {
            earlier.run(command);
            let around = shell.enter(command);
            let command = ScriptCommand {
                input: shell.input(command),
                ..command.clone()
            };
            self.command(&command, depth, &around, &earlier);
        }
    }

    fn command(
        &mut self,
        command: &ScriptCommand,
        depth: usize,
        around: &Surroundings,
        earlier: &Earlier,
    ) {
        if self.out.commands.len() >= COMMANDS {
            self.problem(command.line, "too many commands");
            return;
        }
        let words: Vec<OsString> = command
            .words
            .iter()
            .flat_map(spelled)
            .map(OsString::from_vec)
            .collect();
        let kind = self.kind(command);
        let mut judged = JudgedCommand {
            line: command.line,
            depth,
            kind,
            command: command.clone(),
            request: None,
            judgement: None,
            decision: Decision::Allow,
        };
        if words.is_empty() {
            self.out.commands.push(judged);
            return;
        }
        let doubt = doubt(command, kind, around, earlier);
        let Some((request, judgement)) =
            self.judged(&words, command, doubt.as_ref(), (around, earlier))
        else {
            return;
        };
        judged.decision = decision(kind, &judgement);
        let input = command.input.as_deref();
        let (started, _) = runs(self.index, request.words(), input, around);
        judged.request = Some(request);
        judged.judgement = Some(judgement);
        self.out.commands.push(judged);
        self.inner(command, started, depth, earlier);
    }

    /// What is asked, and what of it. Of the directories that the command may be in, the one counts where it
    /// may do least.
    fn judged(
        &self,
        words: &[OsString],
        command: &ScriptCommand,
        doubt: Option<&Doubt>,
        (around, earlier): (&Surroundings, &Earlier),
    ) -> Option<(Request, Judgement)> {
        let here = [PathBuf::new()];
        let directories = around.directories.as_deref().unwrap_or(&here);
        let each = directories.iter().map(|directory| {
            let mut request = (self.resolve)(words, directory);
            request.environment = around.variables.of(request.environment.as_deref());
            let assigned = command.assignments.iter().map(|set| set.name.clone());
            request.withheld.extend(assigned.map(OsString::from_vec));
            request.withheld.extend_from_slice(&earlier.variables);
            let is_placed = around.directories.is_some();
            let judgement = judge_doubting(self.index, &request, doubt, is_placed);
            (request, judgement)
        });
        let strictness = |(_, judged): &(Request, Judgement)| {
            let is_inside = judged.verdict.placement == Placement::Inside;
            (judged.verdict.decision, is_inside)
        };
        each.reduce(|one, other| {
            if strictness(&other) > strictness(&one) {
                other
            } else {
                one
            }
        })
    }

    /// Judges what `command` starts.
    fn inner(
        &mut self,
        command: &ScriptCommand,
        started: Vec<(Run, Surroundings)>,
        depth: usize,
        earlier: &Earlier,
    ) {
        if started.is_empty() {
            return;
        }
        if depth >= DEPTH {
            self.problem(command.line, "commands are nested too deep here");
            return;
        }
        let unknown = unknown_words(command);
        for (run, around) in started {
            let text = match run {
                Run::Script(text) => text,
                Run::Words { argv, .. } => {
                    let words = argv.into_iter().map(|word| as_in(&unknown, word));
                    let inner = ScriptCommand {
                        assignments: assigned(command),
                        line: command.line,
                        words: words.collect(),
                        input: command.input.clone(),
                        ..ScriptCommand::default()
                    };
                    self.command(&inner, depth + 1, &around, earlier);
                    continue;
                }
            };
            let mut script = script::parse(&text, Dialect::Bash);
            for problem in &mut script.problems {
                problem.line = command.line;
            }
            for inner in &mut script.commands {
                inner.line = inner.line.saturating_add(command.line - 1);
            }
            self.functions.extend(script.functions.iter().cloned());
            self.script(&script, depth + 1, around);
        }
    }

    fn kind(&self, command: &ScriptCommand) -> Kind {
        let Some(first) = command.words.first() else {
            return Kind::Bare;
        };
        let Some(name) = first.known() else {
            return Kind::Unknown;
        };
        if self.functions.contains(&name) {
            Kind::Function
        } else if script::is_builtin(&name) {
            Kind::Builtin
        } else if script::reads_script(&name) {
            Kind::Unknown
        } else {
            Kind::Program
        }
    }

    fn problem(&mut self, line: u32, message: &'static str) {
        let last = self.out.problems.last();
        if last.is_none_or(|last| last.message != message) {
            self.out.problems.push(Problem {
                line,
                column: 1,
                message,
            });
        }
    }
}

/// The words of `command` that are not known before it runs, each by what it is spelled as.
fn unknown_words(command: &ScriptCommand) -> HashMap<Vec<u8>, &Word> {
    let mut found = HashMap::new();
    let words = command.words.iter();
    for word in words.filter(|word| word.unknown().is_some()) {
        for spelling in spelled(word) {
            found.entry(spelling).or_insert(word);
        }
    }
    found
}

/// The word as one of `unknown` has it: what is unknown in it is then still known to be.
fn as_in(unknown: &HashMap<Vec<u8>, &Word>, word: OsString) -> Word {
    let bytes = word.into_vec();
    let known = unknown.get(&bytes).map(|&word| word.clone());
    known.unwrap_or_else(|| Word {
        parts: vec![script::Part::Known(bytes)],
    })
}

/// Whether the variable `name` changes what names or programs mean.
fn is_treacherous(name: &[u8]) -> bool {
    TREACHEROUS.contains(&name)
}

/// What is set for what `command` starts: its own assignments and, if it is env(1), those among its words.
fn assigned(command: &ScriptCommand) -> Vec<Assignment> {
    let is_env = command
        .words
        .first()
        .is_some_and(|word| word.recognised().rsplit(|&b| b == b'/').next() == Some(b"env"));
    let words = command.words.iter().skip(1).filter(|_| is_env);
    let given = words.map_while(|word| {
        let text = word.recognised();
        let name = text.split(|&byte| byte == b'=').next().unwrap_or_default();
        (name.len() < text.len()).then(|| Assignment {
            name: name.to_vec(),
            value: Word::default(),
        })
    });
    command.assignments.iter().cloned().chain(given).collect()
}

/// The variables that `command`, a builtin, sets for what comes later, by name.
fn exported(command: &ScriptCommand) -> impl Iterator<Item = Vec<u8>> {
    let declares = command.words.first().and_then(Word::known);
    let declares = declares.is_some_and(|name| {
        matches!(
            name.as_slice(),
            b"export" | b"declare" | b"typeset" | b"local" | b"readonly"
        )
    });
    let words = command.words.iter().skip(1).filter(move |_| declares);
    words.map(|word| {
        let text = word.recognised();
        let name = text.split(|&byte| byte == b'=').next();
        name.unwrap_or_default().to_vec()
    })
}

/// Why rules that permit may not believe all of the command's words.
fn doubt(
    command: &ScriptCommand,
    kind: Kind,
    around: &Surroundings,
    earlier: &Earlier,
) -> Option<Doubt> {
    let all = |reason: &str| {
        Some(Doubt {
            from: 0,
            reason: reason.to_owned(),
        })
    };
    if kind == Kind::Function {
        return all("the script has a function of this name");
    }
    if earlier.treacherous {
        return all("the script changes a variable that says what programs do");
    }
    let program = command
        .words
        .first()
        .map(Word::recognised)
        .unwrap_or_default();
    if around.directories.is_none() && program.contains(&b'/') && !program.starts_with(b"/") {
        return all("the script changes the working directory before");
    }
    let mut words = command.words.iter().enumerate();
    words.find_map(|(from, word)| {
        let why = word.unknown()?;
        let reason = format!("word {from} is {}, known only when it runs", why.name());
        Some(Doubt { from, reason })
    })
}

fn decision(kind: Kind, judgement: &Judgement) -> Decision {
    let judged = judgement.verdict.decision;
    let by_rule = matches!(judgement.verdict.basis, Basis::Rule(_));
    match kind {
        Kind::Unknown => judged.max(Decision::Prompt),
        // No program starts, so defaults don't apply.
        Kind::Builtin | Kind::Function | Kind::Bare if by_rule => judged,
        Kind::Builtin | Kind::Function | Kind::Bare => match judgement.verdict.basis {
            Basis::Heuristic { .. } => judged,
            _ => Decision::Allow,
        },
        Kind::Program => judged,
    }
}
