//! `command_rule(...)`: from arguments to a rule.

use serde_json::Value as Json;
use starlark::values::Value;

use super::arguments::{ArgumentProblem, Arguments, Signature};
use super::codes;
use super::conditions::{self, Tilde};
use super::examples::Example;
use super::meaning::Meaning;
use super::model::{CommandRule, Decision, ProgramName, Run, Span};
use super::prefix_rule::{decision_named, examples, said};

pub(super) static SIGNATURE: Signature = Signature {
    name: "command_rule",
    parameters: &[
        "program",
        "subcommand",
        "flags",
        "without",
        "args",
        "exact",
        "cwd",
        "env",
        "unless",
        "decision",
        "justification",
        "match",
        "not_match",
        "run",
        "pass_env",
        "enforce",
        "options",
    ],
    required: 1,
};

/// The conditions of an exception.
pub(super) static CASE: Signature = Signature {
    name: "case",
    parameters: &[
        "subcommand",
        "flags",
        "without",
        "args",
        "exact",
        "cwd",
        "env",
        "options",
    ],
    required: 0,
};

/// How each condition may be written.
const FORMS: [(&str, &str); 11] = [
    ("program", r#""git""#),
    ("subcommand", r#"["remote", ["add", "set-url"]]"#),
    ("flags", r#"any_of("-f", "--force")"#),
    ("without", r#"["-n", "--dry-run"]"#),
    ("options", r#"{"--namespace": any_of("dev", "test")}"#),
    ("args", r#"["origin", rest(glob("v*"))]"#),
    ("cwd", r#"under("/srv")"#),
    ("env", r#"{"CI": True}"#),
    ("unless", r#"case(flags = "--dry-run")"#),
    ("run", r#"profile("workspace-write", network = True)"#),
    ("pass_env", r#"["SSH_AUTH_SOCK"]"#),
];

/// What one call says.
#[derive(Debug)]
pub(super) struct ParsedCommandRule {
    pub(super) rule: CommandRule,
    pub(super) matching: Vec<Example>,
    pub(super) not_matching: Vec<Example>,
}

/// The call's rule; `None` when it has problems, which then are in `arguments`.
pub(super) fn parse(
    arguments: &mut Arguments<'_>,
    span: Span,
    home: Tilde<'_>,
) -> Option<ParsedCommandRule> {
    let decision = arguments.string("decision");
    let decision = decision.map(|text| arguments.keep(decision_named(text)));
    let justification = arguments.string("justification");
    let justification = justification.map(|text| arguments.keep(said(text)));
    let programs = condition(arguments, "program", |json| programs(json, home));
    let meaning = meaning(arguments, home);
    let unless = condition(arguments, "unless", conditions::cases);
    let run = condition(arguments, "run", |json| conditions::run(json, home));
    let pass_env = condition(arguments, "pass_env", conditions::pass_env);
    if pass_env.is_some()
        && (run == Some(Run::Inside) || decision == Some(Some(Decision::Forbidden)))
    {
        let message = "parameter `pass_env` says nothing of a command that never runs outside";
        arguments.keep(Err::<(), _>(ArgumentProblem::new(
            codes::CONDITION,
            message.to_owned(),
        )));
    }
    let enforce = arguments.bool("enforce");
    let matching = examples(arguments, "match");
    let not_matching = examples(arguments, "not_match");
    if !arguments.problems.is_empty() {
        return None;
    }
    let mut unless = unless.unwrap_or_default();
    for case in &mut unless {
        if case.subcommand.is_empty() {
            case.subcommand.clone_from(&meaning.subcommand);
        }
    }
    let rule = CommandRule {
        programs: programs?,
        meaning,
        unless,
        decision: decision.flatten().unwrap_or(Decision::Allow),
        justification: justification.flatten(),
        run,
        pass_env: pass_env.unwrap_or_default(),
        enforce: enforce.unwrap_or(true),
        span,
        examples: u32::try_from(matching.len() + not_matching.len()).unwrap_or(u32::MAX),
    };
    Some(ParsedCommandRule {
        rule,
        matching,
        not_matching,
    })
}

/// What the conditions of `command_rule` or `case` say.
pub(super) fn meaning(arguments: &mut Arguments<'_>, home: Tilde<'_>) -> Meaning {
    let directories = |json: &Json| conditions::directories(json, home);
    Meaning {
        subcommand: condition(arguments, "subcommand", conditions::subcommand).unwrap_or_default(),
        flags: condition(arguments, "flags", conditions::flags).unwrap_or_default(),
        without: condition(arguments, "without", conditions::options).unwrap_or_default(),
        options: condition(arguments, "options", |json| conditions::values(json, home))
            .unwrap_or_default(),
        operands: condition(arguments, "args", |json| conditions::operands(json, home)),
        exact: arguments.bool("exact").unwrap_or(false),
        cwd: condition(arguments, "cwd", directories).unwrap_or_default(),
        environment: condition(arguments, "env", |json| conditions::environment(json, home))
            .unwrap_or_default(),
    }
}

/// One argument, as `read` has it.
fn condition<T>(
    arguments: &mut Arguments<'_>,
    name: &'static str,
    read: impl Fn(&Json) -> Result<T, String>,
) -> Option<T> {
    let value = arguments.any(name)?;
    let json = as_data(value);
    let own = json.as_ref().ok().and_then(|json| own_form(name, json));
    let problem = |why| {
        let problem = ArgumentProblem::new(codes::CONDITION, format!("parameter `{name}` {why}"));
        let mut forms = FORMS.iter();
        let form = forms.find(|(parameter, _)| *parameter == name);
        match own.or_else(|| form.map(|(_, form)| (*form).to_owned())) {
            Some(form) => problem.with_help(format!("as in `{name} = {form}`")),
            None => problem,
        }
    };
    arguments.keep(json.and_then(|json| read(&json)).map_err(problem))
}

/// What was written in the form that another parameter takes, in that of this one.
fn own_form(name: &str, json: &Json) -> Option<String> {
    let words = || {
        let words = json.as_array().filter(|words| !words.is_empty())?;
        words.iter().map(Json::as_str).collect::<Option<Vec<_>>>()
    };
    match name {
        "subcommand" | "args" => json.as_str().map(|word| format!("[{word:?}]")),
        "flags" => {
            let is_option = |word: &&str| conditions::is_option(word) && !word.contains('=');
            let words = words().filter(|words| words.iter().all(is_option))?;
            let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
            Some(format!("any_of({})", words.join(", ")))
        }
        "env" => {
            let words: Vec<String> = words()?
                .iter()
                .map(|word| format!("{word:?}: True"))
                .collect();
            Some(format!("{{{}}}", words.join(", ")))
        }
        _ => None,
    }
}

fn as_data(value: Value<'_>) -> Result<Json, String> {
    let kind = value.get_type();
    value
        .to_json_value()
        .map_err(|_| format!("can't be read (got {kind})"))
}

fn programs(json: &Json, home: Tilde<'_>) -> Result<Vec<ProgramName>, String> {
    let one = |json: &Json| match json {
        Json::String(text) if text.is_empty() => Err("names no program".to_owned()),
        Json::String(text) => Ok(ProgramName::Literal(home.replaced(text))),
        json => match conditions::glob(json, home)? {
            Some(glob) => Ok(ProgramName::Glob(glob)),
            None => Err("takes a name, a path, glob(...), or a list of them".to_owned()),
        },
    };
    match json {
        Json::Array(items) if items.is_empty() => Err("names no program".to_owned()),
        Json::Array(items) => items.iter().map(one).collect(),
        json => one(json).map(|name| vec![name]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::from_own_text;

    #[test]
    fn each_form_that_is_shown_is_one() {
        for (parameter, form) in FORMS {
            let program = ["program = \"git\", ", ""][usize::from(parameter == "program")];
            let text = format!("command_rule({program}{parameter} = {form})\n");
            let rules = from_own_text("t.rules", &text);
            assert!(!rules.is_broken(), "{text}");
        }
    }
}
