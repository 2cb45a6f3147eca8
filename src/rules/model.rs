//! The rules as plain data, after loading: no Starlark types, and the form in which the loader
//! child hands them to its parent.

use serde::{Deserialize, Serialize};

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

/// One rules file that was asked for, whether or not it loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesFile {
    /// As it is named in messages: as spelled on the command line, or found in a directory.
    pub name: String,
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
    /// How many `match` and `not_match` examples the call carries.
    #[serde(default)]
    pub examples: u32,
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
    /// What is wrong with the files. While an error is among these, a command that no rule
    /// matches is asked about.
    pub diagnostics: Vec<Diagnostic>,
}

impl RuleSet {
    /// Whether a file failed to load, in whole or in part.
    pub fn is_broken(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|d| d.severity == Severity::Error)
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
