//! Functions whose result is an argument of another call: `glob("…")`, `any_of(…)`, `case(…)`.

use serde_json::Value as Json;

use super::arguments::{ArgumentProblem, Arguments, RuleCall, Signature};
use super::codes;
use super::command_rule;
use super::conditions::Tilde;
use super::model::Profile;

static WORDS: [Signature; 3] = [
    Signature {
        name: "glob",
        parameters: &["pattern"],
        required: 1,
    },
    Signature {
        name: "under",
        parameters: &["path"],
        required: 1,
    },
    Signature {
        name: "regex",
        parameters: &["expression"],
        required: 1,
    },
];

static PROFILE: Signature = Signature {
    name: "profile",
    parameters: &["name", "network", "writable"],
    required: 1,
};

/// What the function called `name` says, and what is wrong with the call.
pub(super) fn said(
    name: &'static str,
    call: RuleCall<'_>,
    home: Tilde<'_>,
) -> (Option<Json>, Vec<ArgumentProblem>) {
    if matches!(name, "any_of" | "all_of" | "rest") {
        return list(name, &call);
    }
    let signature = match name {
        "case" => &command_rule::CASE,
        "profile" => &PROFILE,
        name => match WORDS.iter().find(|signature| signature.name == name) {
            Some(signature) => signature,
            None => return (None, Vec::new()),
        },
    };
    let (mut arguments, _) = call.bind(signature);
    let said = match name {
        "case" => serde_json::to_value(command_rule::meaning(&mut arguments, home)).ok(),
        "profile" => serde_json::to_value(profile(&mut arguments)).ok(),
        _ => signature
            .parameters
            .first()
            .and_then(|parameter| arguments.string(parameter))
            .map(Json::from),
    };
    let said = said.filter(|_| arguments.problems.is_empty());
    (said, arguments.problems)
}

fn profile(arguments: &mut Arguments<'_>) -> Profile {
    Profile {
        name: arguments.string("name").unwrap_or_default().to_owned(),
        network: arguments.bool("network"),
        writable: arguments.strings("writable"),
    }
}

/// The arguments themselves.
fn list(name: &str, call: &RuleCall<'_>) -> (Option<Json>, Vec<ArgumentProblem>) {
    if let Some((unknown, _)) = call.named.iter().next() {
        let message = format!("{name}: there is no parameter `{unknown}`");
        return (None, vec![ArgumentProblem::new(codes::ARGUMENT, message)]);
    }
    let items = call.positional.iter();
    let items: Result<Vec<Json>, _> = items.map(|item| item.to_json_value()).collect();
    let Ok(items) = items else {
        let message = format!("{name}: takes words and patterns");
        return (None, vec![ArgumentProblem::new(codes::ARGUMENT, message)]);
    };
    (Some(Json::Array(items)), Vec::new())
}
