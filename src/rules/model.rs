//! The rules as plain data, after loading: no Starlark types, and the form in which the loader
//! child hands them to its parent.

use std::ffi::OsStr;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::models::CommandModel;

use super::layer::Layer;
use super::meaning::Meaning;
use super::meaning::glob::Glob;
use super::set_aside::SetAside;

/// What a rule says of a command that it matches. Ordered: the strictest is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Runs.
    Allow,
    /// A person is asked.
    Prompt,
    /// Nothing runs.
    Forbidden,
}

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Warning,
    /// The file, or the rule, does not count.
    Error,
}

/// A place in a rules file. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// Index into [`RuleSet::files`].
    pub file: u32,
    /// First line.
    pub line: u32,
    /// First column.
    pub column: u32,
    /// Last line.
    pub end_line: u32,
    /// Column after the last character.
    pub end_column: u32,
}

impl Span {
    /// The first place in `file`.
    pub fn start_of(file: u32) -> Self {
        Self {
            file,
            line: 1,
            column: 1,
            end_line: 1,
            end_column: 1,
        }
    }
}

/// One rules file that was asked for, whether or not it loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesFile {
    /// As it is named in messages: as spelled on the command line, or found in a directory.
    pub name: String,
    /// Who put it there.
    #[serde(default)]
    pub layer: Layer,
    /// The text, when it could be read as UTF-8; for source lines in messages.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// `prefix_rule(...)`. A first element with alternatives makes one of these for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixRule {
    /// The program: a name or an absolute path, exactly as written.
    pub program: String,
    /// The words after it, each a list of alternatives (one or more).
    pub rest: Vec<Vec<String>>,
    /// What the rule says.
    pub decision: Decision,
    /// Why, in the author's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
    /// Tokens compare equal under Unicode caseless canonical matching.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub canonical: bool,
    /// The call that made the rule.
    pub span: Span,
    /// The `match` and `not_match` examples that the call carries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<RuleExample>,
}

/// A command that a rule's author says it matches, or does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleExample {
    /// The command; never empty.
    pub words: Vec<String>,
    /// Where it stands.
    pub span: Span,
    /// Whether it is to match.
    pub matches: bool,
}

/// `host_executable(...)`: the paths that a rule on the bare name may mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostExecutable {
    /// The bare name.
    pub name: String,
    /// Absolute, lexically normalised paths; may be empty.
    pub paths: Vec<String>,
    /// The call.
    pub span: Span,
}

/// `network_rule(...)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkRule {
    /// The host, normalised: lower case, no port, no trailing dot.
    pub host: String,
    /// `http`, `https`, `socks5_tcp` or `socks5_udp`.
    pub protocol: String,
    /// What the rule says.
    pub decision: Decision,
    /// Why, in the author's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
    /// The call.
    pub span: Span,
}

/// `program(...)`: what a rules file says of a program's command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramModel {
    /// The model.
    pub model: CommandModel,
    /// The call.
    pub span: Span,
}

/// `command_rule(...)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRule {
    /// The program; any of these.
    pub programs: Vec<ProgramName>,
    /// What the command must mean.
    pub meaning: Meaning,
    /// What it must not mean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unless: Vec<Meaning>,
    /// What the rule says.
    pub decision: Decision,
    /// Why, in the author's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
    /// Where the command runs, if the rule says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// Variables that go outside with the command as it has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pass_env: Vec<String>,
    /// Whether the rule acts, or is on trial.
    pub enforce: bool,
    /// The call.
    pub span: Span,
    /// How many `match` and `not_match` examples the call carries.
    #[serde(default)]
    pub examples: u32,
}

impl CommandRule {
    /// Whether it could be on the program `name`.
    pub fn could_be_on(&self, name: &OsStr) -> bool {
        self.programs.iter().any(|program| program.could_be(name))
    }

    /// What it is about, and its exceptions.
    pub fn meanings(&self) -> impl Iterator<Item = &Meaning> {
        std::iter::once(&self.meaning).chain(&self.unless)
    }

    /// The programs that it names one by one.
    pub fn literal_programs(&self) -> impl Iterator<Item = &str> {
        self.programs.iter().filter_map(ProgramName::literal)
    }

    /// Whether it has a condition on variables, or an exception has.
    pub fn asks_for_variables(&self) -> bool {
        self.meanings()
            .any(|meaning| !meaning.environment.is_empty())
    }
}

/// A program as a `command_rule` names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProgramName {
    /// A name, or a path.
    Literal(String),
    /// Paths of this form.
    Glob(Glob),
}

impl ProgramName {
    /// The name or the path, if it is no form of paths.
    pub fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(name) => Some(name),
            Self::Glob(_) => None,
        }
    }
}

/// Where a command runs if it may. Ordered: the most confined is the least.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Run {
    /// Where it was asked for: in the sandbox.
    Inside,
    /// In a sandbox of its own.
    Profile(Profile),
    /// Outside, its own descendants still judged.
    Outside,
    /// Outside, and nobody looks at what it starts.
    Unconfined,
}

/// A sandbox that a rule asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Hash)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// A sandbox mode, or the name of a profile in the configuration.
    pub name: String,
    /// Whether it has the network, if the rule says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<bool>,
    /// Directories that it can write, besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writable: Vec<String>,
}

impl fmt::Display for Profile {
    /// As people read it, on one line: the name, then what the rule says besides.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)?;
        match self.network {
            Some(true) => out.write_str(", with a network")?,
            Some(false) => out.write_str(", without a network")?,
            None => {}
        }
        if !self.writable.is_empty() {
            write!(out, ", writing {}", self.writable.join(", "))?;
        }
        Ok(())
    }
}

/// `default(...)`: what is said of a command that no rule matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultRule {
    /// What it says.
    pub decision: Decision,
    /// Why, in the author's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
    /// The call.
    pub span: Span,
}

/// Something wrong with a rules file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// A stable code, such as `E0101`; `rules check` documents each.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// Where; `None` when the file could not be read at all.
    pub span: Option<Span>,
    /// The file, as an index into [`RuleSet::files`].
    pub file: u32,
    /// What is wrong, in one sentence or a few words.
    pub message: String,
    /// What to do about it, when there is something to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// Everything that the rules files say, in the order in which it was registered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSet {
    /// The files, in the order in which they were loaded.
    pub files: Vec<RulesFile>,
    /// Every `prefix_rule`, in order.
    pub prefix_rules: Vec<PrefixRule>,
    /// Every `host_executable`, in order; for one name the last counts.
    pub host_executables: Vec<HostExecutable>,
    /// Every `network_rule`, in order.
    pub network_rules: Vec<NetworkRule>,
    /// Every `command_rule`, in order. They are numbered on from the prefix rules, see
    /// [`RuleSet::rule`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command_rules: Vec<CommandRule>,
    /// Every `program`, in order; for one name the last counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<ProgramModel>,
    /// Every `default`, in order; the strictest counts.
    #[serde(default)]
    pub defaults: Vec<DefaultRule>,
    /// What is wrong with the files. While an error is among these, a command that no rule
    /// matches is asked about.
    pub diagnostics: Vec<Diagnostic>,
    /// What of a project was not loaded, or counts only as far as it restricts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_aside: Option<SetAside>,
}

/// What a rule of either kind says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleSummary<'a> {
    /// What the rule says.
    pub decision: Decision,
    /// Why, in the author's words.
    pub justification: Option<&'a str>,
    /// The call.
    pub span: Span,
}

impl RuleSet {
    /// Whether the files say nothing at all.
    pub fn is_empty(&self) -> bool {
        self.prefix_rules.is_empty()
            && self.host_executables.is_empty()
            && self.network_rules.is_empty()
            && self.command_rules.is_empty()
            && self.programs.is_empty()
            && self.defaults.is_empty()
    }

    /// The rule of this number: first come the prefix rules, then the command rules.
    pub fn rule(&self, number: usize) -> Option<RuleSummary<'_>> {
        if let Some(rule) = self.prefix_rules.get(number) {
            return Some(RuleSummary {
                decision: rule.decision,
                justification: rule.justification.as_deref(),
                span: rule.span,
            });
        }
        let rule = self.command_rule(number)?;
        Some(RuleSummary {
            decision: rule.decision,
            justification: rule.justification.as_deref(),
            span: rule.span,
        })
    }

    /// The command rule of this number, which counts on from the prefix rules.
    pub fn command_rule(&self, number: usize) -> Option<&CommandRule> {
        let index = number.checked_sub(self.prefix_rules.len())?;
        self.command_rules.get(index)
    }

    /// Where the rule of this number lets programs run.
    pub fn run_of(&self, number: usize) -> &Run {
        let rule = self.command_rule(number);
        rule.and_then(|rule| rule.run.as_ref())
            .unwrap_or(&Run::Outside)
    }

    /// Whether the rule of this number is on trial, and acts on nothing.
    pub fn is_on_trial(&self, number: usize) -> bool {
        let rule = self.command_rule(number);
        rule.is_some_and(|rule| !rule.enforce)
    }

    /// Whether anything here says no, or not unasked; so also when it may be in what did not load.
    pub fn restricts(&self) -> bool {
        let restricts = |decision: Decision| decision != Decision::Allow;
        self.is_broken()
            || self
                .prefix_rules
                .iter()
                .any(|rule| restricts(rule.decision))
            || self
                .command_rules
                .iter()
                .any(|rule| restricts(rule.decision))
            || self
                .defaults
                .iter()
                .any(|default| restricts(default.decision))
    }

    /// Whether a file failed to load, in whole or in part.
    pub fn is_broken(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|d| d.severity == Severity::Error)
    }

    /// Who put the file of this index where it is.
    pub fn layer(&self, file: u32) -> Layer {
        let file = self.files.get(file as usize);
        file.map_or_else(Layer::default, |file| file.layer)
    }

    /// `FILE:LINE`, as refusals and traces name a rule.
    pub fn place(&self, span: Span) -> String {
        let name = self
            .files
            .get(span.file as usize)
            .map_or("?", |f| f.name.as_str());
        format!("{name}:{}", span.line)
    }
}
