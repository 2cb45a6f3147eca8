//! `program(...)`, and `command(...)` and `inner(...)` within it: from arguments to a model.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use starlark::values::Value;

use crate::models::CommandModel;
use crate::models::model::{
    DefaultValue, Derived, Effect, InnerModel, OptionModel, Style, Syntax, Takes, Which,
};

use super::arguments::{ArgumentProblem, Arguments, Signature};
use super::codes;
use super::conditions::is_option;

/// For each option, by another one, its value; `""`: without another one.
type Defaults = BTreeMap<String, BTreeMap<String, Option<String>>>;

/// As deep may commands lie within one another.
const NESTED: usize = 16;

const PARAMETERS: &[&str] = &[
    "name",
    "flags",
    "options_with_value",
    "options_with_attached_value",
    "runs",
    "scripts",
    "splits",
    "commas",
    "writes",
    "destroys",
    "wraps",
    "writes_operands",
    "obeys",
    "obeys_unless",
    "obeys_beside",
    "subcommands",
    "options_anywhere",
    "style",
    "abbreviations",
    "negations",
    "posix",
    "leading",
    "digits",
    "plus",
    "response",
    "bundle",
    "takes_operands",
    "options_with_number",
    "writes_unless",
    "changes",
    "chains",
    "variables",
    "secured_by",
    "tasks",
    "writes_when",
    "elsewhere",
    "elsewhere_operands",
    "directories",
    "unsets",
    "clears",
    "keeps_variables",
    "unseen",
    "away",
    "reads",
    "short",
    "cut_short",
    "defaults",
    "acts_as_called",
    "overrides",
    "resets",
    "by_key",
    "by_flags",
    "short_equals",
];

pub(super) static PROGRAM: Signature = Signature {
    name: "program",
    parameters: PARAMETERS,
    required: 1,
};

pub(super) static COMMAND: Signature = Signature {
    name: "command",
    parameters: PARAMETERS,
    required: 1,
};

pub(super) static INNER: Signature = Signature {
    name: "inner",
    parameters: &[
        "form",
        "after",
        "behind",
        "when",
        "unless",
        "follows",
        "until",
        "assignments",
        "appends",
        "dashes",
        "of",
        "anywhere",
        "program",
        "called",
        "marks",
    ],
    required: 0,
};

/// What `program` or `command` says; `None` when it has problems, which then are in `arguments`.
pub(super) fn parse(arguments: &mut Arguments<'_>) -> Option<CommandModel> {
    let name = arguments.string("name");
    if name.is_some_and(|name| name.trim().is_empty()) {
        arguments.problem("the name says nothing");
    }
    let names = words(name.unwrap_or_default());
    let options = options(arguments);
    let syntax = Syntax {
        style: word_of::<Style>(arguments, "style"),
        abbreviations: arguments.bool("abbreviations"),
        negations: arguments.bool("negations"),
        posix: arguments.bool("posix"),
        leading: arguments.count("leading"),
        digits: arguments.bool("digits"),
        plus: arguments.bool("plus"),
        response: arguments.bool("response"),
        short_equals: arguments.bool("short_equals"),
        bundle: arguments.bool("bundle"),
    };
    let model = CommandModel {
        names,
        options,
        syntax,
        options_anywhere: arguments.bool("options_anywhere").unwrap_or(false),
        subcommands: made_by(arguments, "subcommands", "command(...)"),
        inner: made_by(arguments, "wraps", "inner(...)"),
        overrides: table(arguments, "overrides", "{OPTION: [WORDS]}"),
        resets: arguments.strings("resets"),
        takes_operands: arguments.bool("takes_operands").unwrap_or(false),
        writes_operands: word_of::<Which>(arguments, "writes_operands"),
        obeys: arguments.any("obeys").map(|_| arguments.strings("obeys")),
        obeys_unless: arguments
            .any("obeys_unless")
            .map(|_| arguments.strings("obeys_unless")),
        obeys_beside: arguments.bool("obeys_beside").unwrap_or(false),
        tasks: arguments.bool("tasks").unwrap_or(false),
        short: arguments.strings("short"),
        acts_as_called: arguments.bool("acts_as_called").unwrap_or(false),
        cut_short: arguments.bool("cut_short").unwrap_or(false),
        writes_when: arguments.strings("writes_when"),
        writes_unless: arguments.strings("writes_unless"),
        changes: forms(arguments.strings("changes")),
        elsewhere: forms(arguments.strings("elsewhere")),
        elsewhere_operands: word_of::<Which>(arguments, "elsewhere_operands"),
        chains: arguments.strings("chains"),
        variables: arguments.strings("variables"),
        secured_by: arguments.strings("secured_by"),
        keeps_variables: arguments.bool("keeps_variables").unwrap_or(false),
        unseen: arguments.bool("unseen").unwrap_or(false),
        away: arguments.bool("away").unwrap_or(false),
        reads: arguments.strings("reads"),
        derived: Derived::default(),
    };
    if model.is_deeper_than(NESTED) {
        arguments.problem(&format!("commands are nested more than {NESTED} deep"));
    }
    arguments.problems.is_empty().then_some(model)
}

/// What `inner` says.
pub(super) fn parse_inner(arguments: &mut Arguments<'_>) -> Option<InnerModel> {
    let model = InnerModel {
        form: word_of(arguments, "form").unwrap_or_default(),
        after: arguments.count("after").unwrap_or(0),
        behind: arguments.strings("behind"),
        when: arguments.strings("when"),
        unless: arguments.strings("unless"),
        follows: arguments.strings("follows"),
        until: arguments.strings("until"),
        assignments: arguments.bool("assignments").unwrap_or(false),
        appends: arguments.bool("appends").unwrap_or(false),
        dashes: arguments.bool("dashes").unwrap_or(false),
        of: arguments.strings("of"),
        anywhere: arguments.bool("anywhere").unwrap_or(false),
        program: arguments.strings("program"),
        called: arguments.strings("called"),
        marks: arguments.strings("marks"),
    };
    arguments.problems.is_empty().then_some(model)
}

fn options(arguments: &mut Arguments<'_>) -> Vec<OptionModel> {
    let lists = [
        ("flags", Takes::Nothing),
        ("options_with_value", Takes::Value),
        ("options_with_attached_value", Takes::Attached),
        ("options_with_number", Takes::Number),
    ];
    let mut options: Vec<OptionModel> = Vec::new();
    for (list, takes) in lists {
        for spelling in arguments.strings(list) {
            let names = words(&spelling);
            let known = |name: &String| options.iter().any(|option| option.names.contains(name));
            if let Some(twice) = names.iter().find(|name| known(name)) {
                arguments.problem(&format!("option `{twice}` is listed twice"));
            } else if names.is_empty() || !names.iter().all(|name| is_name(name)) {
                arguments.problem(&format!("`{spelling}` in `{list}` is not an option"));
            } else {
                options.push(OptionModel {
                    names,
                    takes,
                    ..OptionModel::default()
                });
            }
        }
    }
    let effects = [
        ("runs", Effect::Runs),
        ("scripts", Effect::Script),
        ("splits", Effect::Splits),
        ("commas", Effect::Commas),
        ("writes", Effect::Writes),
        ("destroys", Effect::Destroys),
        ("changes", Effect::Changes),
        ("elsewhere", Effect::Elsewhere),
        ("directories", Effect::Directory),
        ("unsets", Effect::Unsets),
        ("clears", Effect::Clears),
    ];
    for (list, effect) in effects {
        let mut names = arguments.strings(list);
        if matches!(effect, Effect::Changes | Effect::Elsewhere) {
            names.retain(|name| is_name(name));
        }
        for name in names {
            let option = options.iter_mut().find(|o| o.names.contains(&name));
            match option {
                Some(option) => option.effects.push(effect),
                None => not_listed(arguments, list, &name),
            }
        }
    }
    defaults(arguments, &mut options);
    for (name, key) in table::<BTreeMap<_, _>>(arguments, "by_key", "{OPTION: KEY}") {
        let is_it = |option: &&mut OptionModel| option.names.contains(&name);
        match options.iter_mut().find(is_it) {
            Some(option) => option.by_key = Some(key),
            None => not_listed(arguments, "by_key", &name),
        }
    }
    for (name, flags) in table::<BTreeMap<_, Vec<_>>>(arguments, "by_flags", "{OPTION: [FLAGS]}") {
        by_flags(arguments, &mut options, &name, &flags);
    }
    options
}

/// Adds to the option of this name the flags that say the same as it does with a value.
fn by_flags(
    arguments: &mut Arguments<'_>,
    options: &mut [OptionModel],
    name: &String,
    flags: &[String],
) {
    let spelled: Vec<String> = flags.iter().map(|flag| words(flag).join(" ")).collect();
    let known = |name: &str| {
        options
            .iter()
            .any(|option| option.names.iter().any(|it| it == name))
    };
    let mut each = spelled.iter().flat_map(|flag| flag.split(' '));
    if let Some(unknown) = each.find(|flag| !known(flag)) {
        return not_listed(arguments, "by_flags", unknown);
    }
    match options
        .iter_mut()
        .find(|option| option.names.contains(name))
    {
        Some(option) => option.by_flags = spelled,
        None => not_listed(arguments, "by_flags", name),
    }
}

/// What a parameter that is a dictionary says; nothing where it isn't there.
fn table<T: DeserializeOwned + Default>(
    arguments: &mut Arguments<'_>,
    name: &'static str,
    form: &str,
) -> T {
    let Some(said) = arguments.any(name) else {
        return T::default();
    };
    made(said).unwrap_or_else(|| {
        arguments.problem(&format!("`{name}` takes `{form}`"));
        T::default()
    })
}

fn not_listed(arguments: &mut Arguments<'_>, list: &str, name: &str) {
    arguments.problem(&format!(
        "`{name}` in `{list}` is not among the options listed"
    ));
}

/// Adds to the options the values that they have where they aren't there: `{"-X": {"": "GET", "-d": "POST"}}`.
fn defaults(arguments: &mut Arguments<'_>, options: &mut [OptionModel]) {
    let form = "{OPTION: {OTHER_OPTION: VALUE}}";
    let said: Defaults = table(arguments, "defaults", form);
    for (name, values) in said {
        let mut known = options.iter().map(|option| &option.names);
        let others = values.keys().filter(|when| !when.is_empty());
        let unknown = others
            .chain([&name])
            .find(|it| !known.clone().any(|names| names.contains(it)));
        if let Some(unknown) = unknown {
            not_listed(arguments, "defaults", &unknown.clone());
        } else if let Some(at) = known.position(|names| names.contains(&name))
            && let Some(option) = options.get_mut(at)
        {
            let value = |(when, value): (String, Option<String>)| DefaultValue {
                when: Some(when).filter(|when| !when.is_empty()),
                value,
            };
            option.defaults = values.into_iter().map(value).collect();
        }
    }
}

/// Those words that are no options, but forms of words or of an option's value.
fn forms(words: Vec<String>) -> Vec<String> {
    words.into_iter().filter(|it| !is_name(it)).collect()
}

/// `-x`, `--long`, `+x`, or `of=`; not `-x=a*`.
fn is_name(name: &str) -> bool {
    let form = name.split_once('=').filter(|_| name.starts_with('-'));
    let is_form = form.is_some_and(|(_, form)| form.contains('*'));
    is_option(name) && !is_form
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// One of the words that `T` has for values.
fn word_of<T: DeserializeOwned>(arguments: &mut Arguments<'_>, name: &str) -> Option<T> {
    let word = arguments.string(name)?;
    match serde_json::from_value(word.into()) {
        Ok(value) => Some(value),
        Err(error) => {
            arguments.problem(&format!("parameter `{name}`: {error}"));
            None
        }
    }
}

/// What one of our own functions returned, once or in a list.
fn made_by<T: DeserializeOwned>(
    arguments: &mut Arguments<'_>,
    name: &'static str,
    maker: &str,
) -> Vec<T> {
    let items = arguments.one_or_list(name);
    // `None` is what a call with problems of its own returned.
    let items = items.into_iter().filter(|item| !item.is_none());
    let made = items.map(|item| made(item).ok_or_else(|| wrong(name, maker, item)));
    let made: Result<Vec<T>, ArgumentProblem> = made.collect();
    arguments.keep(made).unwrap_or_default()
}

fn made<T: DeserializeOwned>(item: Value<'_>) -> Option<T> {
    serde_json::from_value(item.to_json_value().ok()?).ok()
}

fn wrong(name: &str, maker: &str, item: Value<'_>) -> ArgumentProblem {
    let got = item.get_type();
    ArgumentProblem::new(
        codes::ARGUMENT,
        format!("parameter `{name}` takes what {maker} returns (got {got})"),
    )
}
