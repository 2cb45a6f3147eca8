use super::*;
use crate::evaluate::{Basis, judge};
use crate::models::model::{Form, InnerModel, OptionModel, Takes};
use crate::request::WorkingDirectory;
use crate::rules::{Decision, from_own_text};

/// How many words there are in all that is looked at of a command.
fn work(words: &[&str], repeated: usize) -> usize {
    let index = IndexedRules::new(from_own_text("t.rules", "prefix_rule([\"x\"])\n"));
    let argv = words.repeat(repeated);
    let argv: Vec<OsString> = argv.into_iter().map(OsString::from).collect();
    let cwd = WorkingDirectory::new("/work").unwrap();
    let request = Request::new(Program::named(&argv[0]), argv, cwd);
    let tree = CommandTree::of(&index, &request);
    let all: usize = tree.nodes().iter().map(|node| node.argv.len()).sum();
    let readings = readings(&index, &request);
    let scripts = readings.iter().flat_map(|reading| &reading.inner);
    let scripts = scripts.map(|inner| match &inner.what {
        models::reading::What::Script(text) => text.len(),
        models::reading::What::Words(words) => words.len(),
    });
    all + scripts.sum::<usize>()
}

/// Command lines that start `inner`, one for each place where the model has a command, behind `path`.
fn wrapped(model: &CommandModel, path: &[String], inner: &[&str]) -> Vec<Vec<String>> {
    let forms = [Form::Words, Form::Line, Form::Script];
    let shown = model
        .inner
        .iter()
        .filter(|place| forms.contains(&place.form));
    let of_place = |place: &InnerModel| {
        let words = |words: &[&str]| words.iter().map(|&w| w.to_owned()).collect::<Vec<_>>();
        let option = |name: &String| {
            let named = |option: &&OptionModel| option.names.contains(name);
            let takes = model.options.iter().find(named).map(|option| option.takes);
            let value = (takes == Some(Takes::Value)).then(|| "v".to_owned());
            std::iter::once(name.clone())
                .chain(value)
                .collect::<Vec<_>>()
        };
        let command = if place.form == Form::Script {
            vec![inner.join(" ")]
        } else {
            words(inner)
        };
        [
            path.to_vec(),
            place.when.first().map(option).unwrap_or_default(),
            words(&vec!["w"; place.after]),
            words(if place.dashes { &["--"] } else { &[] }),
            place
                .follows
                .first()
                .or(place.behind.first())
                .cloned()
                .into_iter()
                .collect(),
            command,
        ]
        .concat()
    };
    let own = shown.map(of_place);
    let deeper = model.subcommands.iter().flat_map(|sub| {
        let name = sub.names.first().cloned().unwrap_or_default();
        wrapped(sub, &[path, &[name]].concat(), inner)
    });
    own.chain(deeper).collect()
}

/// What a rule sees within a command, a heuristic sees too, whatever starts it.
#[test]
fn rules_and_heuristics_see_the_same_commands() {
    let rule = "prefix_rule([\"rm\", \"-rf\"], decision = \"forbidden\")\n";
    let (with, without) = (from_own_text("t.rules", rule), from_own_text("t.rules", ""));
    let (with, without) = (IndexedRules::new(with), IndexedRules::new(without));
    let names = models::programs().map(|(names, _)| names.split(' ').next().unwrap());
    let mut seen = 0;
    for name in names {
        let model = models::builtin(name).unwrap();
        for words in wrapped(model, &[name.to_owned()], &["rm", "-rf", "x"]) {
            let argv: Vec<OsString> = words.iter().map(OsString::from).collect();
            let cwd = WorkingDirectory::new("/work").unwrap();
            let request = Request::new(Program::named(&argv[0]), argv, cwd);
            let by_rule = judge(&with, &request).verdict.decision == Decision::Forbidden;
            let basis = judge(&without, &request).verdict.basis;
            let by_heuristic = matches!(basis, Basis::Heuristic { code: "H001", .. });
            assert_eq!(by_rule, by_heuristic, "{words:?}: {basis:?}");
            seen += usize::from(by_rule);
        }
    }
    assert!(seen > 200, "{seen}");
}

/// A command that starts itself again and again is looked at to some depth, once at each.
#[test]
fn the_work_is_linear_in_the_words() {
    for words in [
        &["env"][..],
        &["xargs"],
        &["sudo"],
        &["busybox"],
        &["valgrind"],
        &["busybox", "env"],
        &["xargs", "-Q"],
        &["env", "-S"],
        &["ssh", "h"],
        &["find", "-exec"],
        &["timeout", "1", "busybox"],
        &["git", "bisect", "run"],
        &["sh", "-c", "env env"],
    ] {
        let (few, many) = (work(words, 500), work(words, 5000));
        assert!(many <= 11 * few + 1000, "{words:?}: {few}, {many}");
        assert!(many <= 300 * 5000 * words.len(), "{words:?}: {many}");
    }
}
