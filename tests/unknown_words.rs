//! What a model doesn't know never permits, for every model there is.

use std::ffi::OsString;

use codex_shell::evaluate::{IndexedRules, Placement, judge};
use codex_shell::models;
use codex_shell::models::model::{CommandModel, Effect, OptionModel, Style, Takes};
use codex_shell::models::reading::Doubt;
use codex_shell::request::{Program, Request, WorkingDirectory};
use codex_shell::rules::from_own_text;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::support::cases::at_least;

/// Words that no model has.
const OPTIONS: [&str; 4] = ["--zq-unheard", "--zq-unheard=x", "--zq", "--no-zq"];
const OPERANDS: [&str; 3] = ["zq-unheard", "zq/unheard", "zq.txt"];

/// A program, perhaps subcommands, and words that its model knows behind them.
#[derive(Debug, Clone)]
struct Known {
    /// The program and its subcommands.
    path: Vec<String>,
    options: Vec<String>,
    operands: Vec<String>,
}

impl Known {
    fn with(&self, options: &[String], operands: &[String]) -> Vec<String> {
        [self.path.as_slice(), options, operands].concat()
    }
}

fn known() -> impl Strategy<Value = Known> {
    let programs: Vec<&'static str> = models::programs().map(|(names, _)| names).collect();
    (
        select(programs),
        proptest::collection::vec(any::<Index>(), 4),
        proptest::collection::vec(any::<Index>(), 0..4),
        proptest::collection::vec(select(&["a", "b/c", "5", "x=y", "."][..]), 0..3),
    )
        .prop_map(|(names, turns, options, operands)| {
            let name = names.split(' ').next().unwrap();
            let mut model = models::builtin(name).unwrap();
            let mut style = model.syntax.style.unwrap_or_default();
            let mut path = vec![name.to_owned()];
            for turn in turns {
                let all = &model.subcommands;
                // Half of the time, the command goes on.
                let nth = turn.index(2 * all.len() + 1);
                let Some(next) = all.get(nth) else { break };
                path.push(next.names[0].clone());
                model = next;
                style = model.syntax.style.unwrap_or(style);
            }
            let options = options.iter().flat_map(|&nth| option(model, style, nth));
            Known {
                path,
                options: options.collect(),
                operands: operands.into_iter().map(str::to_owned).collect(),
            }
        })
}

/// An option of `model` with a value, as words.
fn option(model: &CommandModel, style: Style, nth: Index) -> Vec<String> {
    let is_word = |option: &&OptionModel| option.names[0].starts_with('-');
    let options: Vec<&OptionModel> = model.options.iter().filter(is_word).collect();
    if options.is_empty() {
        return Vec::new();
    }
    let option = options[nth.index(options.len())];
    let name = option.names.last().unwrap().clone();
    let short = style == Style::Gnu && name.len() == 2;
    match option.takes {
        Takes::Nothing => vec![name],
        Takes::Value => vec![name, "v".to_owned()],
        Takes::Attached | Takes::Number if short => vec![format!("{name}5")],
        Takes::Attached | Takes::Number => vec![format!("{name}=5")],
    }
}

/// An option of `model` that must be named to be permitted, with a value, as words.
fn effective(model: &CommandModel, style: Style, nth: Index) -> Option<Vec<String>> {
    use Effect::{Changes, Commas, Runs, Script, Splits, Writes};
    let named = [Runs, Script, Splits, Commas, Writes, Changes];
    let options = model.options.iter().filter(|option| {
        let plain =
            option.names[0].starts_with('-') && !option.names[0].ends_with(['-', ',', ':', '=']);
        plain && option.effects.iter().any(|effect| named.contains(effect))
    });
    let options: Vec<OptionModel> = options.cloned().collect();
    let only = CommandModel {
        options: vec![options.get(nth.index(options.len().max(1)))?.clone()],
        ..CommandModel::default()
    };
    Some(option(&only, style, nth))
}

/// The model that the subcommands of `path` lead to, and its style.
fn model_of(path: &[String]) -> (&'static CommandModel, Style) {
    let mut model = models::builtin(&path[0]).unwrap();
    let mut style = model.syntax.style.unwrap_or_default();
    for name in &path[1..] {
        let mut subcommands = model.subcommands.iter();
        model = subcommands.find(|it| it.names.contains(name)).unwrap();
        style = model.syntax.style.unwrap_or(style);
    }
    (model, style)
}

/// Every command that has subcommands and options of its own.
fn with_subcommands() -> Vec<Vec<String>> {
    fn below(path: &[String], model: &CommandModel, found: &mut Vec<Vec<String>>) {
        let has_options = model.options.iter().any(|it| it.names[0].starts_with('-'));
        if has_options && !model.subcommands.is_empty() {
            found.push(path.to_vec());
        }
        for subcommand in &model.subcommands {
            below(&[path, &subcommand.names[..1]].concat(), subcommand, found);
        }
    }
    let mut found = Vec::new();
    for (names, _) in models::programs() {
        let name = names.split(' ').next().unwrap();
        below(
            &[name.to_owned()],
            models::builtin(name).unwrap(),
            &mut found,
        );
    }
    found
}

/// Whether every option of these is only one, and starts nothing that words behind it would be.
fn are_plain(model: &CommandModel, options: &[String]) -> bool {
    let follows = model.inner.iter().flat_map(|inner| &inner.follows);
    let runs = model.options.iter().filter(|it| !it.effects.is_empty());
    let names: Vec<&String> = follows.chain(runs.flat_map(|it| &it.names)).collect();
    let begins = |word: &String| names.iter().any(|name| word.starts_with(name.as_str()));
    !options.iter().any(begins)
}

/// Rules that permit the command of `path` with these options: by its words, and by its meaning with
/// any operands.
fn rules(path: &[String], options: &[String]) -> [String; 2] {
    let words = [path, options].concat();
    let (program, subcommand) = path.split_first().unwrap();
    let dashed = options.iter().filter(|word| word.starts_with('-'));
    let flags: Vec<String> = dashed
        .map(|word| {
            let (model, style) = model_of(path);
            let name = word.split('=').next().unwrap();
            let short = style == Style::Gnu && !name.starts_with("--");
            let is =
                |known: &&String| name == *known || (short && name.starts_with(known.as_str()));
            let mut names = model.options.iter().flat_map(|option| &option.names);
            names.find(is).map_or(name.to_owned(), Clone::clone)
        })
        .collect();
    let flags = if flags.is_empty() {
        String::new()
    } else {
        format!(", flags = any_of(*{flags:?})")
    };
    let subcommand = if subcommand.is_empty() {
        String::new()
    } else {
        format!(", subcommand = {subcommand:?}")
    };
    [
        format!("prefix_rule({words:?})\n"),
        format!("command_rule(program = {program:?}{subcommand}{flags}, args = [rest()])\n"),
    ]
}

/// Whether a rule that permits the words of `prefix` lets `words` run outside.
pub(crate) fn permits(prefix: &[String], words: &[String]) -> bool {
    permit(&format!("prefix_rule({prefix:?})\n"), words)
}

fn permit(rules: &str, words: &[String]) -> bool {
    let rules = from_own_text("t.rules", rules);
    assert_eq!(rules.diagnostics, []);
    let argv = words.iter().map(Into::into).collect();
    let request = Request::new(
        Program::named(&words[0]),
        argv,
        WorkingDirectory::new("/work").unwrap(),
    );
    judge(&IndexedRules::new(rules), &request).verdict.placement == Placement::Outside
}

/// Whether the command takes commands from standard input.
fn reads_commands(words: &[String]) -> bool {
    let model = models::builtin(&words[0]).unwrap();
    let arguments: Vec<OsString> = words[1..].iter().map(Into::into).collect();
    let doubts = models::read(model, &arguments).doubts;
    doubts.contains(&Doubt::Input)
}

/// Whether the option that `word` begins is among `options` by another of its names.
fn is_there(model: &CommandModel, options: &[String], word: &str) -> bool {
    let name = |word: &str| word.split('=').next().unwrap().to_owned();
    let names = model.options.iter().map(|option| &option.names);
    let mut same = names.filter(|names| {
        names
            .iter()
            .any(|known| word.starts_with(known.as_str()) || name(word) == *known)
    });
    same.any(|names| {
        options
            .iter()
            .any(|it| names.iter().any(|known| it.starts_with(known.as_str())))
    })
}

fn insert(words: &[String], at: usize, word: &str) -> Vec<String> {
    let mut words = words.to_vec();
    words.insert(at, word.to_owned());
    words
}

proptest! {
    #![proptest_config(at_least(3000))]

    #[test]
    fn an_unknown_option_is_never_permitted(
        known in known(),
        unknown in select(&OPTIONS[..]),
        at in any::<Index>(),
    ) {
        let options = insert(&known.options, at.index(known.options.len() + 1), unknown);
        let words = known.with(&options, &known.operands);
        prop_assert!(!permits(&known.path, &words), "{words:?}");
        // The same behind a subcommand that the model lacks.
        let path = [known.path[0].clone(), "zq-unheard".to_owned()];
        let words = [&path[..], &known.options, &[unknown.to_owned()]].concat();
        let model = models::builtin(&path[0]).unwrap();
        // What else stands there may be a program of its own.
        let has_subcommands = !model.subcommands.is_empty() && !model.takes_operands;
        prop_assert!(!has_subcommands || !permits(&path, &words), "{words:?}");
    }

    #[test]
    fn an_unknown_subcommand_is_never_permitted(known in known(), operand in select(&OPERANDS[..])) {
        let (model, _) = model_of(&known.path);
        if !model.subcommands.is_empty() && !model.takes_operands {
            let unknown = vec![operand.to_owned()];
            let words = known.with(&known.options, &unknown);
            prop_assert!(!permits(&known.path, &words), "{words:?}");
            // Named itself, it still says nothing of what follows.
            let path = [known.path.as_slice(), &unknown].concat();
            let words = [path.as_slice(), &["a".to_owned()]].concat();
            prop_assert!(!permits(&path, &words), "{words:?}");
        }
    }

    #[test]
    fn a_word_more_that_nobody_knows_is_never_looser(
        known in known(),
        unknown in prop_oneof![select(&OPTIONS[..]), select(&OPERANDS[..])],
        named in any::<Index>(),
        at in any::<Index>(),
    ) {
        let words = known.with(&known.options, &known.operands);
        let named = known.path.len() + named.index(words.len() - known.path.len() + 1);
        // An operand between others makes another one first.
        let is_option = unknown.starts_with('-');
        let behind = words.len() - named;
        let at = if is_option { at.index(behind + 1) } else { behind };
        let more = insert(&words, named + at, unknown);
        let prefix = &words[..named];
        // Where there is an operand, commands may come from that and no more from standard input.
        prop_assume!(is_option || !reads_commands(&words));
        prop_assert!(
            permits(prefix, &words) || !permits(prefix, &more),
            "{prefix:?}: {words:?}, {more:?}"
        );
    }

    /// Whatever the rule's form, and whether or not it names options too.
    #[test]
    fn what_is_unknown_or_starts_or_writes_is_never_permitted_unnamed(
        known in known(),
        names_options in any::<bool>(),
        unknown in select(&OPTIONS[..]),
        effective_nth in any::<Index>(),
    ) {
        let (model, style) = model_of(&known.path);
        let names_options = names_options && are_plain(model, &known.options);
        let named: &[String] = if names_options { &known.options } else { &[] };
        for rules in rules(&known.path, named) {
            let words = known.with(&known.options, &[unknown.to_owned()]);
            prop_assert!(!permit(&rules, &words), "{rules}: {words:?}");
            let Some(effective) = effective(model, style, effective_nth) else { continue };
            prop_assume!(!known.options.contains(&effective[0]) && !is_there(model, &known.options, &effective[0]));
            let words = known.with(&known.options, &effective);
            prop_assert!(!permit(&rules, &words), "{rules}: {words:?}");
        }
    }

    /// At every level.
    #[test]
    fn a_subcommand_behind_named_options_is_never_permitted(
        path in select(with_subcommands()),
        options in proptest::collection::vec(any::<Index>(), 1..4),
        nth in any::<Index>(),
        more in any::<bool>(),
    ) {
        let (model, style) = model_of(&path);
        let options = options.iter().flat_map(|&nth| option(model, style, nth)).collect();
        let known = Known { path, options, operands: Vec::new() };
        let subcommand = &model.subcommands[nth.index(model.subcommands.len())];
        let mut behind = vec![subcommand.names[0].clone()];
        behind.extend(more.then(|| "a".to_owned()));
        for rules in rules(&known.path, &known.options) {
            let words = known.with(&known.options, &behind);
            prop_assert!(!permit(&rules, &words), "{rules}: {words:?}");
            // Nor where options that the rule doesn't name stand between.
            let words = known.with(&known.options, &[&["--zq".to_owned()][..], &behind].concat());
            prop_assert!(!permit(&rules, &words), "{rules}: {words:?}");
        }
    }
}
