//! The tool `explain`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use rmcp::model::{CallToolResult, ContentBlock};
use rmcp::schemars::JsonSchema;
use serde::Deserialize;

use super::session::{Options, check_workdir};
use super::shell::failure;
use crate::confine::Policy;
use crate::evaluate::{IndexedRules, judge, near_misses};
use crate::intercept::shell::{self, Mark};
use crate::report::explain::Explanation;
use crate::request::{Originals, Program, Request};

/// What the tool takes: a shell command, or the words of one program's argument vector.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct ExplainParams {
    /// A command as for the tool `shell`; a plain program with arguments is explained as that
    /// program.
    #[serde(default)]
    command: Option<String>,
    /// In place of `command`: the program and its arguments, as separate words.
    #[serde(default)]
    argv: Option<Vec<String>>,
    /// The working directory. Must be an absolute path.
    workdir: PathBuf,
}

impl ExplainParams {
    fn argv(&self, shell: &Path) -> Result<Vec<OsString>, String> {
        match (&self.command, &self.argv) {
            (None, Some(argv)) if !argv.is_empty() => Ok(argv.iter().map(OsString::from).collect()),
            (Some(command), None) => Ok(plain_words(command).unwrap_or_else(|| {
                shell::argv(shell, false, OsStr::new(command), Mark::Exec).into()
            })),
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

/// The result for the client.
pub(super) fn result(
    params: &ExplainParams,
    rules: &IndexedRules,
    policy: Result<&Policy, &String>,
    options: &Options,
) -> CallToolResult {
    let checked = check_workdir(&params.workdir).and_then(|()| {
        let argv = params.argv(&options.shell)?;
        let policy = policy.map_err(Clone::clone)?;
        Ok((argv, policy))
    });
    let (argv, policy) = match checked {
        Ok(checked) => checked,
        Err(why) => return failure(&why),
    };
    let asked = argv.first().cloned().unwrap_or_default();
    let path = std::env::var_os("PATH");
    let (cwd, writable) = (&params.workdir, policy.writable_roots());
    let program = Program::search(&asked, cwd, path.as_deref(), Some(&asked), writable);
    let request = Request::new(program, argv, cwd.clone())
        .with_interpreters(writable)
        .with_repository(writable)
        .with_original(&Originals::default(), &|name| rules.has_rules_on(name));
    let judgement = judge(rules, &request);
    let near_misses = near_misses(rules, &request);
    let explanation = Explanation {
        rules,
        request: &request,
        judgement: &judgement,
        near_misses: &near_misses,
        profiles: &options.profiles.clone().within(policy.workspaces.clone()),
    };
    let text = ContentBlock::text(explanation.text(false));
    let mut result = CallToolResult::success(vec![text]);
    let document = explanation.json().ok();
    result.structured_content = document.and_then(|text| serde_json::from_str(&text).ok());
    result
}
