//! Command rules that a command came close to: all but one of their conditions hold.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use crate::models::{self, Phrased, Reading};
use crate::request::Request;
use crate::rules::meaning::wide::Condition;
use crate::rules::meaning::{Meaning, Pattern, Subject, Variable, Wanted};
use crate::rules::model::CommandRule;

use super::{NearMiss, Parameter};
use crate::evaluate::index::IndexedRules;
use crate::evaluate::means::Look;
use crate::evaluate::names::{Names, presumed};
use crate::evaluate::verdict::Trace;

/// The rules on the program of `request` that it all but matches, and how many others don't match.
pub(super) fn near_misses(
    index: &IndexedRules,
    request: &Request,
    judged: &Trace,
) -> (Vec<NearMiss>, Vec<usize>) {
    let is_told = |number: usize| {
        let matched = judged.matches.iter().chain(&judged.on_trial);
        let discounted = judged.discounted.iter().map(|(rule, _)| *rule);
        matched
            .map(|found| found.rule)
            .chain(discounted)
            .any(|rule| rule == number)
    };
    let presumed = presumed(request);
    let names = Names::of(request.words(), presumed.as_deref());
    let is_on_it = |rule: &CommandRule| names.iter().any(|name| rule.could_be_on(name.name));
    let first = index.rules().prefix_rules.len();
    let rules = (first..).zip(&index.rules().command_rules);
    let look = Look::at(index, request, true);
    let readings = look.readings();
    let (mut found, mut far) = (Vec::new(), Vec::new());
    for (number, rule) in rules.filter(|(number, rule)| !is_told(*number) && is_on_it(rule)) {
        let miss = readings.iter().find_map(|reading| {
            let phrased = Phrased::of(reading);
            let subject = look.subject(&phrased);
            slip(&rule.meaning, reading).or_else(|| unmet(rule, &subject))
        });
        match miss {
            Some(miss) => found.push(NearMiss {
                rule: number,
                token: place(request, miss.had.as_deref()),
                wanted: miss.wanted,
                had: miss.had,
                condition: miss.condition,
            }),
            None => far.push(number),
        }
    }
    (found, far)
}

/// What of a rule doesn't hold; without a condition, a word of the subcommand.
#[derive(Default)]
struct Miss {
    condition: Option<Parameter>,
    wanted: Vec<String>,
    had: Option<OsString>,
}

/// Another subcommand, but for one letter.
fn slip(meaning: &Meaning, reading: &Reading<'_>) -> Option<Miss> {
    let mut words = reading.plain().map(|(word, _)| word);
    let mut found = None;
    for wanted in &meaning.subcommand {
        let word = words.next()?;
        if wanted.iter().any(|wanted| word == wanted.as_str()) {
            continue;
        }
        let text = word.to_str()?;
        let is_slip = |wanted: &String| models::is_near(text, wanted);
        if found.is_some() || !wanted.iter().any(is_slip) {
            return None;
        }
        found = Some(Miss {
            condition: None,
            wanted: wanted.clone(),
            had: Some(word.to_owned()),
        });
    }
    found
}

/// The only condition that the command can't meet or, if it meets each, that a case excepts it.
fn unmet(rule: &CommandRule, command: &Subject<'_>) -> Option<Miss> {
    match rule.meaning.unmet(command)?.as_slice() {
        [] => Some(Miss {
            condition: Some(Parameter::Unless),
            ..Miss::default()
        }),
        [condition] => Some(told(*condition, command)),
        _ => None,
    }
}

fn told(condition: Condition<'_>, command: &Subject<'_>) -> Miss {
    let reading = command.reading;
    let (parameter, wanted, had) = match condition {
        Condition::Flags(names) => (Parameter::Flags, names.to_vec(), None),
        Condition::Without(name) => {
            let written = reading.flags().find(|flag| flag.is(name));
            let had = written.map(|flag| OsStr::from_bytes(&flag.written).to_owned());
            (Parameter::Without, vec![name.to_owned()], had)
        }
        Condition::Value(option) => {
            let values = reading.values(&option.name);
            let had = values.into_iter().flatten().next().map(OsStr::to_owned);
            let parameter = Parameter::Options(option.name.clone());
            (parameter, texts(&option.values), had)
        }
        Condition::Operand(patterns) => (Parameter::Args, texts(patterns), None),
        Condition::Exact => (Parameter::Exact, Vec::new(), None),
        Condition::Directory(patterns) => {
            let had = command.cwd.map(|cwd| cwd.as_os_str().to_owned());
            (Parameter::Cwd, texts(patterns), had)
        }
        Condition::Variable(Variable { name, value }) => {
            let wanted = match value {
                Wanted::Set => Vec::new(),
                Wanted::Unset => vec![String::new()],
                Wanted::Value(pattern) => texts(std::slice::from_ref(pattern)),
            };
            let set = command.environment.into_iter().flatten();
            let mut set = set.filter(|(known, _)| *known == **name);
            let had = set.next().map(|(_, value)| value.clone());
            (Parameter::Env(name.clone()), wanted, had)
        }
    };
    Miss {
        condition: Some(parameter),
        wanted,
        had,
    }
}

/// Patterns as rules have them.
fn texts(patterns: &[Pattern]) -> Vec<String> {
    let text = |pattern: &Pattern| match pattern {
        Pattern::Literal(text) => text.clone(),
        Pattern::Glob(glob) => format!("glob({:?})", String::from(glob.clone())),
        Pattern::Under(path) => format!("under({path:?})"),
        Pattern::Regex(expression) => format!("regex({:?})", String::from(expression.clone())),
    };
    patterns.iter().map(text).collect()
}

/// Where a command has a word, or an option with it; the end, where it has not.
fn place(request: &Request, had: Option<&OsStr>) -> usize {
    let words = request.argv.iter().enumerate().skip(1);
    let had = had.map(OsStr::as_bytes).unwrap_or_default();
    let is = |exactly: bool| {
        let mut words = words.clone();
        let is_it = |word: &OsString| {
            let word = word.as_bytes();
            !had.is_empty() && (word == had || !exactly && word.ends_with(had))
        };
        words.find(|(_, word)| is_it(word)).map(|(at, _)| at)
    };
    is(true).or_else(|| is(false)).unwrap_or(request.argv.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::{judge, near_misses};
    use crate::request::{Program, WorkingDirectory};
    use crate::rules::from_own_text;

    /// What the only near miss of a rule with these conditions is: the parameter, what that wants, what the
    /// command has, and where.
    fn missed(
        conditions: &str,
        command: &str,
    ) -> Option<(Option<&'static str>, String, String, usize)> {
        let text = format!("command_rule({conditions})\n");
        let rules = from_own_text("t.rules", &text);
        assert_eq!(rules.diagnostics, [], "{conditions}");
        let argv: Vec<OsString> = command.split(' ').map(OsString::from).collect();
        let cwd = WorkingDirectory::new("/work").unwrap();
        let request = Request::new(Program::named(&argv[0]), argv, cwd);
        let variables = vec![("A".into(), "1".into())];
        let request = request.with_environment(variables);
        let index = IndexedRules::new(rules);
        let misses = near_misses(&index, &request, &judge(&index, &request).trace).nearest;
        let miss = misses.first()?;
        let had = miss
            .had
            .as_ref()
            .map_or_else(String::new, |it| it.display().to_string());
        let condition = miss.condition.as_ref().map(Parameter::name);
        Some((condition, miss.wanted.join(" "), had, miss.token))
    }

    #[test]
    fn they_name_the_condition_that_fails_and_the_word() {
        let delete =
            "\"kubectl\", subcommand = [\"delete\"], args = [rest()], decision = \"prompt\"";
        let git = "\"git\", subcommand = [\"push\"], args = [rest()], decision = \"prompt\"";
        for (conditions, command, condition, wanted, had, token) in [
            (
                format!("{delete}, options = {{\"-n\": \"dev\"}}"),
                "kubectl delete x --namespace=prod",
                Some("options"),
                "dev",
                "prod",
                3,
            ),
            (
                format!("{git}, flags = any_of(\"-f\", \"--force\")"),
                "git push x",
                Some("flags"),
                "-f --force",
                "",
                3,
            ),
            (
                format!("{git}, without = \"-n\""),
                "git push --dry-run x",
                Some("without"),
                "-n",
                "--dry-run",
                2,
            ),
            (
                format!("{git}, cwd = under(\"/srv\")"),
                "git push x",
                Some("cwd"),
                "under(\"/srv\")",
                "/work",
                3,
            ),
            (
                format!("{git}, env = {{\"A\": \"2\"}}"),
                "git push x",
                Some("env"),
                "2",
                "1",
                3,
            ),
            (
                format!("{git}, unless = [case(flags = \"-n\", args = [rest()])]"),
                "git push -n x",
                Some("unless"),
                "",
                "",
                4,
            ),
            (
                "\"git\", subcommand = [\"push\"], args = [\"origin\"], decision = \"prompt\""
                    .to_owned(),
                "git push x",
                Some("args"),
                "origin",
                "",
                3,
            ),
            (git.to_owned(), "git psuh x", None, "push", "psuh", 1),
        ] {
            let expected = (condition, wanted.to_owned(), had.to_owned(), token);
            assert_eq!(
                missed(&conditions, command),
                Some(expected),
                "{conditions}: {command}"
            );
        }
        for (conditions, command) in [
            (git, "git pull x"),
            (git, "git push x"),
            (
                "\"git\", subcommand = [\"push\"], flags = \"-f\", args = [\"origin\"], decision = \"prompt\"",
                "git push x",
            ),
        ] {
            assert_eq!(missed(conditions, command), None, "{conditions}: {command}");
        }
    }
}
