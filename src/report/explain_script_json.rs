//! The JSON form of what is said of a script; [`super::explain_script`] documents it.

use serde::ser::SerializeSeq as _;
use serde::{Serialize, Serializer};

use crate::evaluate::{CommandKind, JudgedCommand, NearMisses};
use crate::rules::Decision;
use crate::script::{Enclosure, Problem, ScriptCommand};

use super::explain_json::{self, Document, SCHEMA};
use super::explain_script::{ScriptExplanation, shown, written};
use super::misses::MissesOfAll;

impl ScriptExplanation<'_> {
    /// For programs: the document above, with a final newline.
    ///
    /// Fails only if the document can't be written as JSON.
    pub fn json(&self) -> serde_json::Result<String> {
        let told = self.told();
        let left_out = self.judgement.commands.len() - told.len();
        let document = ScriptDocument {
            schema: SCHEMA,
            decision: self.judgement.decision,
            commands: EachCommand {
                explanation: self,
                told: &told,
            },
            left_out,
            problems: self
                .judgement
                .problems()
                .iter()
                .map(ProblemForm::of)
                .collect(),
            set_aside: explain_json::set_aside(self.rules.rules()),
            errors: explain_json::errors(self.rules.rules()),
        };
        explain_json::line(&document)
    }

    fn command_form<'b>(
        &'b self,
        command: &'b JudgedCommand,
        misses: &'b NearMisses,
    ) -> ScriptCommandForm<'b> {
        let judged = command.judgement.as_ref().zip(command.request.as_ref());
        let files = |writes: bool| {
            let all = command.command.redirections.iter();
            all.filter(|redirection| redirection.writes == writes)
                .map(|redirection| shown(&redirection.target.recognised()))
                .collect()
        };
        ScriptCommandForm {
            line: command.line,
            depth: command.depth,
            kind: kind_name(command.kind),
            decision: command.decision,
            text: written(&command.command),
            inside: command
                .command
                .inside
                .iter()
                .map(|place| enclosure_name(*place))
                .collect(),
            assignments: command
                .command
                .assignments
                .iter()
                .map(|assignment| shown(&assignment.name))
                .collect(),
            reads: files(false),
            writes: files(true),
            unknown: unknown_words(&command.command),
            unsure: self.unsure(command),
            explanation: judged.map(|(judgement, request)| {
                explain_json::document(&self.explanation(command, judgement, request, misses))
                    .without_errors()
            }),
        }
    }
}

/// The commands, each of which is put into form when it is written: all at once are many times what is written.
struct EachCommand<'a> {
    explanation: &'a ScriptExplanation<'a>,
    told: &'a [&'a JudgedCommand],
}

impl Serialize for EachCommand<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut known = MissesOfAll::default();
        let mut all = serializer.serialize_seq(Some(self.told.len()))?;
        for command in self.told {
            let judged = command.request.as_ref().zip(command.judgement.as_ref());
            let misses = judged.map(|(request, judgement)| {
                known.of(self.explanation.rules, request, &judgement.trace)
            });
            let misses = misses.as_deref().unwrap_or(NearMisses::none());
            all.serialize_element(&self.explanation.command_form(command, misses))?;
        }
        all.end()
    }
}

#[derive(Serialize)]
struct ScriptDocument<'a> {
    schema: u32,
    decision: Decision,
    commands: EachCommand<'a>,
    #[serde(skip_serializing_if = "is_none")]
    left_out: usize,
    problems: Vec<ProblemForm>,
    set_aside: Option<explain_json::SetAsideForm<'a>>,
    errors: Vec<explain_json::ErrorForm<'a>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_none(count: &usize) -> bool {
    *count == 0
}

#[derive(Serialize)]
struct ScriptCommandForm<'a> {
    line: u32,
    depth: usize,
    kind: &'static str,
    decision: Decision,
    text: String,
    inside: Vec<&'static str>,
    assignments: Vec<String>,
    reads: Vec<String>,
    writes: Vec<String>,
    unknown: Vec<UnknownForm>,
    unsure: Vec<&'static str>,
    explanation: Option<Document<'a>>,
}

#[derive(Serialize)]
struct UnknownForm {
    word: usize,
    source: String,
    reason: &'static str,
}

#[derive(Serialize)]
struct ProblemForm {
    line: u32,
    column: u32,
    message: &'static str,
}

impl ProblemForm {
    fn of(problem: &Problem) -> Self {
        Self {
            line: problem.line,
            column: problem.column,
            message: problem.message,
        }
    }
}

fn unknown_words(command: &ScriptCommand) -> Vec<UnknownForm> {
    let words = command.words.iter().enumerate();
    words
        .filter_map(|(word, read)| {
            Some(UnknownForm {
                word,
                source: shown(&read.recognised()),
                reason: read.unknown()?.name(),
            })
        })
        .collect()
}

fn kind_name(kind: CommandKind) -> &'static str {
    match kind {
        CommandKind::Program => "program",
        CommandKind::Builtin => "builtin",
        CommandKind::Function => "function",
        CommandKind::Bare => "bare",
        CommandKind::Unknown => "unknown",
    }
}

fn enclosure_name(place: Enclosure) -> &'static str {
    match place {
        Enclosure::Subshell => "subshell",
        Enclosure::Group => "group",
        Enclosure::Function => "function",
        Enclosure::Substitution => "substitution",
        Enclosure::ProcessSubstitution => "process substitution",
    }
}
