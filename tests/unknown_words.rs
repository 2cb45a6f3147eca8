//! What a model doesn't know never permits, for every model there is.

use std::ffi::OsString;

use codex_shell::evaluate::{IndexedRules, Placement, judge};
use codex_shell::models;
use codex_shell::models::model::{CommandModel, OptionModel, Style, Takes};
use codex_shell::models::reading::Doubt;
use codex_shell::request::{Program, Request, WorkingDirectory};
use codex_shell::rules::from_own_text;
use proptest::prelude::*;
use proptest::sample::{Index, select};

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

/// Whether a rule that permits the words of `prefix` lets `words` run outside.
fn permits(prefix: &[String], words: &[String]) -> bool {
    let rules = from_own_text("t.rules", &format!("prefix_rule({prefix:?})\n"));
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

fn insert(words: &[String], at: usize, word: &str) -> Vec<String> {
    let mut words = words.to_vec();
    words.insert(at, word.to_owned());
    words
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

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
        let has_subcommands = !models::builtin(&path[0]).unwrap().subcommands.is_empty();
        prop_assert!(!has_subcommands || !permits(&path, &words), "{words:?}");
    }

    #[test]
    fn an_unknown_subcommand_is_never_permitted(known in known(), operand in select(&OPERANDS[..])) {
        let mut model = models::builtin(&known.path[0]).unwrap();
        for name in &known.path[1..] {
            model = model.subcommands.iter().find(|it| it.names.contains(name)).unwrap();
        }
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
}
