//! The tool `explain`.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

use rmcp::model::{CallToolResult, ContentBlock};
use rmcp::schemars::JsonSchema;
use serde::Deserialize;

use super::result::failure;
use super::session::Options;
use super::wanted::Wanted;
use super::workdir;
use crate::act::environment::SessionEnvironment;
use crate::approve::place::{Caller, Inheritance};
use crate::evaluate::{CommandTree, IndexedRules, judge_in, near_misses};
use crate::flow::{Inquiry, PlacedScript, Setting};
use crate::report::explain::Explanation;
use crate::report::explain_script::ScriptExplanation;
use crate::request::WorkingDirectory;

/// What the tool takes: a shell command, or the words of one program's argument vector.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct ExplainParams {
    /// A command as for the tool `shell`: each program that it starts is explained.
    #[serde(default)]
    command: Option<String>,
    /// In place of `command`: the program and its arguments, as separate words.
    #[serde(default)]
    argv: Option<Vec<String>>,
    /// The working directory. Must be an absolute path.
    workdir: PathBuf,
}

/// As many commands of a script are told of.
const COMMANDS: usize = 100;
/// Fewer, where that would be too much for a client.
const FEWER: [usize; 2] = [10, 1];
/// The longest text that a client gets, in bytes.
const TEXT: usize = 256 << 10;
/// The largest document, likewise.
const DOCUMENT: usize = 1 << 20;

/// What is explained.
enum Explained {
    /// One program's argument vector.
    Words(Vec<OsString>),
    /// Each command of a script.
    Script(String),
}

impl ExplainParams {
    fn explained(&self) -> Result<Explained, String> {
        match (&self.command, &self.argv) {
            (None, Some(argv)) if !argv.is_empty() => {
                Ok(Explained::Words(argv.iter().map(OsString::from).collect()))
            }
            (Some(command), None) => Ok(plain_words(command)
                .map_or_else(|| Explained::Script(command.clone()), Explained::Words)),
            _ => Err("either `command` or `argv` is needed".into()),
        }
    }
}

/// The words of a command that has nothing for a shell to do.
fn plain_words(command: &str) -> Option<Vec<OsString>> {
    let plain = |c: char| c.is_alphanumeric() || " _-./:=@%+,'\"".contains(c);
    if !command.chars().all(plain) {
        return None;
    }
    let words = shlex::split(command)?;
    let first = words.first()?;
    let is_name = !first.contains('=');
    is_name.then(|| words.iter().map(OsString::from).collect())
}

/// The result for the client. Looks at files that a client names.
pub(super) fn result(
    params: &ExplainParams,
    rules: &IndexedRules,
    wanted: Result<Wanted, String>,
    options: &Options,
) -> CallToolResult {
    let checked = workdir::check(&params.workdir).and_then(|()| {
        let explained = params.explained()?;
        let cwd =
            WorkingDirectory::new(&params.workdir).ok_or("workdir must be an absolute path")?;
        let policy = wanted?.policy()?;
        Ok((explained, policy, cwd))
    });
    let (explained, policy, cwd) = match checked {
        Ok(checked) => checked,
        Err(why) => return failure(&why),
    };
    let ground = policy.ground();
    let session = SessionEnvironment::new(std::env::vars_os(), policy.writable_roots());
    let inquiry = Inquiry::here(rules, &session, cwd, &ground).without_variables();
    let profiles = options.profiles.clone().within(policy.workspaces.clone());
    let profiles = profiles.under(rules.rules());
    let setting = Setting {
        caller: Caller::not_let_out(policy.mode),
        startup: false,
        profiles: &profiles,
        inheritance: Inheritance::Free,
    };
    let listed = |judgement: &PlacedScript<'_>| {
        let written = |most| {
            let explanation = ScriptExplanation {
                rules,
                judgement,
                settings: &options.settings,
                session: &session,
                most,
            };
            (explanation.text(false), explanation.json())
        };
        let mut fewer = FEWER.into_iter();
        let mut all = written(COMMANDS);
        while let Some(most) = fewer.next().filter(|_| !fits(&all)) {
            all = written(most);
        }
        all
    };
    let (text, document) = bounded(match &explained {
        Explained::Words(argv) => {
            let request = inquiry.request(argv);
            let tree = CommandTree::of(rules, &request);
            let judgement = judge_in(rules, &request, &tree);
            if let Some(judgement) = inquiry.judge_within(argv, &judgement, &setting) {
                listed(&judgement)
            } else {
                let explanation = Explanation {
                    rules,
                    request: &request,
                    judgement: &judgement,
                    tree: &tree,
                    node: None,
                    near_misses: &near_misses(rules, &request, &judgement.trace),
                    setting: &setting,
                    let_out_by: &[],
                    settings: &options.settings,
                    session: &session,
                };
                (explanation.text(false), explanation.json())
            }
        }
        Explained::Script(text) => listed(&inquiry.judge_script_in(text.as_bytes(), &setting)),
    });
    let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
    result.structured_content = document.and_then(|text| serde_json::from_str(&text).ok());
    result
}

/// An explanation for people, and as a document.
type ExplainOutput = (String, serde_json::Result<String>);

fn fits((text, document): &ExplainOutput) -> bool {
    text.len() <= TEXT && document.as_ref().map_or(0, String::len) <= DOCUMENT
}

/// The explanation with as much of it as goes to a client, and where that is not all, a sentence that says so.
fn bounded((mut text, document): ExplainOutput) -> (String, Option<String>) {
    let document = document.ok();
    let (all, size) = (text.len(), document.as_ref().map_or(0, String::len));
    if all > TEXT {
        text.truncate(text.floor_char_boundary(TEXT));
        let left_out = all - text.len();
        let _ = writeln!(text, "\n[{left_out} bytes are left out here]");
    }
    if size > DOCUMENT {
        let _ = writeln!(
            text,
            "[The structured form is left out: it would have {size} bytes]"
        );
    }
    (text, document.filter(|_| size <= DOCUMENT))
}
