//! The values that conditions take, from the data that Starlark made of them.

use serde_json::Value as Json;

use crate::models;

use super::meaning::Expression;
use super::meaning::glob::Glob;
use super::meaning::{Meaning, OperandCondition, OptionValue, Pattern, Variable, WantedValue};
use super::model::{Profile, Run};

/// What `~` stands for in a rules file, where that is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tilde<'a>(pub(super) Option<&'a str>);

impl Tilde<'_> {
    /// `text` with a `~` at its start replaced.
    pub(super) fn replaced(self, text: &str) -> String {
        match (text.strip_prefix('~'), self.0) {
            (Some(below), Some(home)) if below.is_empty() || below.starts_with('/') => {
                format!("{home}{below}")
            }
            _ => text.to_owned(),
        }
    }
}

type ConditionResult<T> = Result<T, String>;

/// `["push"]`, `["remote", ["add", "set-url"]]`.
pub(super) fn subcommand(json: &Json) -> ConditionResult<Vec<Vec<String>>> {
    const TAKES: &str = "takes a list of words, or of lists of alternatives";
    let words = json.as_array().ok_or(TAKES)?;
    words
        .iter()
        .map(|place| match place {
            Json::String(word) => Ok(vec![word.clone()]),
            place => strings(place).ok_or_else(|| TAKES.to_owned()),
        })
        .collect()
}

/// `"--force"`, `any_of(…)`, `all_of(…)`, or a list of these two that all must hold.
pub(super) fn flags(json: &Json) -> ConditionResult<Vec<Vec<String>>> {
    let groups = match json {
        Json::String(name) => vec![vec![name.clone()]],
        Json::Array(items) if items.iter().all(Json::is_object) => {
            let groups: ConditionResult<Vec<_>> = items.iter().map(flags).collect();
            groups?.concat()
        }
        json => match (tagged(json, "any_of"), tagged(json, "all_of")) {
            (Some(names), _) => vec![strings(names).ok_or("takes names of options")?],
            (_, Some(names)) => {
                let names = strings(names).ok_or("takes names of options")?;
                names.into_iter().map(|name| vec![name]).collect()
            }
            _ => return Err("takes an option, any_of(...) or all_of(...)".to_owned()),
        },
    };
    for name in groups.iter().flatten() {
        check_option(name)?;
    }
    if groups.iter().any(Vec::is_empty) {
        return Err("lists no option".to_owned());
    }
    Ok(groups)
}

/// `"--force"` or a list of options.
pub(super) fn options(json: &Json) -> ConditionResult<Vec<String>> {
    let names = match json {
        Json::String(name) => vec![name.clone()],
        json => strings(json).ok_or("takes an option, or a list of them")?,
    };
    names.iter().try_for_each(|name| check_option(name))?;
    Ok(names)
}

/// Whether `name` can be an option's: `-f`, `+o`, `of=`, or a lone dash (`env -`).
pub(super) fn is_option(name: &str) -> bool {
    match name {
        "--" | "+" | "=" => false,
        name => name.starts_with(['-', '+']) || name.ends_with('='),
    }
}

fn check_option(name: &str) -> ConditionResult<()> {
    let with_value = name.split_once('=').filter(|_| name.starts_with('-'));
    if !is_option(name) {
        Err(format!("has `{name}`, which is not an option"))
    } else if let Some((option, value)) = with_value {
        Err(format!(
            "has `{name}`; name the option without its value, and ask for that by options = \
             {{\"{option}\": \"{value}\"}}"
        ))
    } else {
        Ok(())
    }
}

/// `{"--namespace": "dev", "-X": any_of("POST", "PUT")}`.
pub(super) fn values(json: &Json, home: Tilde<'_>) -> ConditionResult<Vec<OptionValue>> {
    let options = json.as_object().ok_or("takes a dictionary")?;
    options
        .iter()
        .map(|(name, value)| {
            check_option(name)?;
            let values = tagged(value, "any_of").unwrap_or(value);
            let values = alternatives(values, home)?;
            let name = name.clone();
            Ok(OptionValue { name, values })
        })
        .collect()
}

/// A list of words and patterns; the last may be `rest(...)`.
pub(super) fn operands(json: &Json, home: Tilde<'_>) -> ConditionResult<OperandCondition> {
    let items = json.as_array().ok_or("takes a list")?;
    let mut operands = OperandCondition::default();
    for (nth, item) in items.iter().enumerate() {
        match tagged(item, "rest") {
            None => operands.places.push(alternatives(item, home)?),
            Some(_) if nth + 1 < items.len() => {
                return Err("has rest(...) before its end".to_owned());
            }
            Some(patterns) => operands.rest = Some(patterns_of(patterns, home)?),
        }
    }
    Ok(operands)
}

/// One pattern, or a list of alternatives.
pub(super) fn alternatives(json: &Json, home: Tilde<'_>) -> ConditionResult<Vec<Pattern>> {
    match json {
        Json::Array(items) if items.is_empty() => Err("has an empty list".to_owned()),
        Json::Array(_) => patterns_of(json, home),
        json => pattern(json, home).map(|pattern| vec![pattern]),
    }
}

/// The same for directories: a plain one may start with `~` too.
pub(super) fn directories(json: &Json, home: Tilde<'_>) -> ConditionResult<Vec<Pattern>> {
    let mut patterns = alternatives(json, home)?;
    for pattern in &mut patterns {
        if let Pattern::Literal(path) = pattern {
            *path = home.replaced(path);
        }
    }
    Ok(patterns)
}

fn patterns_of(json: &Json, home: Tilde<'_>) -> ConditionResult<Vec<Pattern>> {
    let items = json.as_array().ok_or("takes a list of patterns")?;
    items.iter().map(|item| pattern(item, home)).collect()
}

fn pattern(json: &Json, home: Tilde<'_>) -> ConditionResult<Pattern> {
    if let Json::String(text) = json {
        return Ok(Pattern::Literal(text.clone()));
    }
    if let Some(glob) = glob(json, home)? {
        return Ok(Pattern::Glob(glob));
    }
    if let Some(root) = tagged(json, "under").and_then(Json::as_str) {
        let root = home.replaced(root);
        if !root.starts_with('/') {
            return Err(format!(
                "has under(\"{root}\"), which is not an absolute path"
            ));
        }
        let normalised = super::lexical::normalise(&root).unwrap_or(root);
        return Ok(Pattern::Under(normalised));
    }
    if let Some(text) = tagged(json, "regex").and_then(Json::as_str) {
        let expression = Expression::from(text.to_owned());
        return match expression.problem() {
            Some(problem) => Err(format!("has an expression that can't be used: {problem}")),
            None => Ok(Pattern::Regex(expression)),
        };
    }
    Err("takes words, glob(...), under(...) and regex(...)".to_owned())
}

/// `glob("…")`; `None` for anything else.
pub(super) fn glob(json: &Json, home: Tilde<'_>) -> ConditionResult<Option<Glob>> {
    let Some(text) = tagged(json, "glob").and_then(Json::as_str) else {
        return Ok(None);
    };
    let glob = Glob::from(home.replaced(text));
    match glob.problem() {
        Some(problem) => Err(format!("has a pattern that can't be used: {problem}")),
        None => Ok(Some(glob)),
    }
}

/// `{"NAME": True, "OTHER": False, "THIRD": pattern}`.
pub(super) fn environment(json: &Json, home: Tilde<'_>) -> ConditionResult<Vec<Variable>> {
    let variables = json.as_object().ok_or("takes a dictionary")?;
    variables
        .iter()
        .map(|(name, value)| {
            let value = match value {
                Json::Bool(true) => WantedValue::Set,
                Json::Bool(false) => WantedValue::Unset,
                value => WantedValue::Value(pattern(value, home)?),
            };
            let name = name.clone();
            Ok(Variable { name, value })
        })
        .collect()
}

/// `case(…)`, or a list of them.
pub(super) fn cases(json: &Json) -> ConditionResult<Vec<Meaning>> {
    const TAKES: &str = "takes a list of case(...)";
    match json {
        Json::Array(items) => {
            let cases: ConditionResult<Vec<Vec<Meaning>>> = items.iter().map(cases).collect();
            Ok(cases?.concat())
        }
        // What a `case` with problems of its own returned.
        Json::Null => Ok(Vec::new()),
        json => {
            let case = tagged(json, "case").ok_or(TAKES)?;
            let case = serde_json::from_value(case.clone()).map_err(|_| TAKES)?;
            Ok(vec![case])
        }
    }
}

/// `"inside"`, `"outside"`, `"unconfined"` or `profile(…)`.
pub(super) fn run(json: &Json, home: Tilde<'_>) -> ConditionResult<Run> {
    const TAKES: &str = "takes \"inside\", \"outside\", \"unconfined\" or profile(...)";
    match json {
        Json::String(text) => match text.as_str() {
            "inside" => Ok(Run::Inside),
            "outside" => Ok(Run::Outside),
            "unconfined" => Ok(Run::Unconfined),
            _ => Err(TAKES.to_owned()),
        },
        json => {
            let profile = tagged(json, "profile").ok_or(TAKES)?;
            let mut profile: Profile =
                serde_json::from_value(profile.clone()).map_err(|_| TAKES)?;
            for path in &mut profile.writable {
                *path = home.replaced(path);
                if !path.starts_with('/') {
                    return Err(format!("has `{path}`, which is not an absolute path"));
                }
            }
            Ok(Run::Profile(profile))
        }
    }
}

/// Names of variables. What makes programs run or load other code can't go outside.
pub(super) fn pass_env(json: &Json) -> ConditionResult<Vec<String>> {
    let names = match json {
        Json::String(name) => vec![name.clone()],
        json => strings(json).ok_or("takes names of variables")?,
    };
    for name in &names {
        if name.is_empty() || name.contains(['=', '\0', '*']) {
            return Err(format!("has `{name}`, which is not a variable name"));
        }
        if let Some(reason) = models::runs(name.as_bytes()) {
            return Err(format!("has `{name}`, which {reason}"));
        }
    }
    Ok(names)
}

/// What one of our own functions returned under its name.
fn tagged<'a>(json: &'a Json, tag: &str) -> Option<&'a Json> {
    json.as_object()
        .filter(|object| object.len() == 1)?
        .get(tag)
}

fn strings(json: &Json) -> Option<Vec<String>> {
    let items = json.as_array()?.iter();
    items.map(|item| item.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_directory_is_meant_where_a_path_is() {
        let home = Tilde(Some("/home/me"));
        let literal = |patterns: ConditionResult<Vec<Pattern>>| match patterns.unwrap().as_slice() {
            [Pattern::Literal(path)] => path.clone(),
            other => panic!("{other:?}"),
        };
        for (written, directory) in [("~/x", "/home/me/x"), ("~", "/home/me"), ("~x", "~x")] {
            let json = Json::from(written);
            assert_eq!(literal(directories(&json, home)), directory);
            assert_eq!(literal(alternatives(&json, home)), written);
        }
    }
}
