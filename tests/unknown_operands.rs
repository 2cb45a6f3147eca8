//! Operands that are programs, that say what to do or that are changed never permit unnamed, for every model
//! that has any.

use codex_shell::models;
use codex_shell::models::model::{CommandModel, Takes};

use crate::unknown_words::permits;

/// Calls `look` with every command there is, by its names, and its model.
fn every_command(look: &mut dyn FnMut(&[String], &CommandModel)) {
    fn below(
        path: &[String],
        model: &CommandModel,
        look: &mut dyn FnMut(&[String], &CommandModel),
    ) {
        look(path, model);
        for subcommand in &model.subcommands {
            below(&[path, &subcommand.names[..1]].concat(), subcommand, look);
        }
    }
    for (names, _) in models::programs() {
        let name = names.split(' ').next().unwrap();
        below(&[name.to_owned()], models::builtin(name).unwrap(), look);
    }
}

/// A word that is of the form `form`.
fn of_form(form: &str) -> String {
    form.replace('*', "a")
}

/// One operand of such a program says nothing of the next one.
#[test]
fn an_operand_more_that_is_a_program_is_never_permitted() {
    let mut wrong = Vec::new();
    let mut count = 0;
    every_command(&mut |path, model| {
        for inner in model.inner.iter().filter(|inner| !inner.of.is_empty()) {
            let forms = inner.of.iter().filter(|form| !form.starts_with('!'));
            for operand in forms.map(|form| of_form(form)) {
                let when: Vec<String> = inner.when.iter().take(1).cloned().collect();
                let before = vec!["a".to_owned(); inner.after];
                let named = [path, &when, &before].concat();
                for named in [named.clone(), [named, vec![operand.clone()]].concat()] {
                    let words = [named.as_slice(), std::slice::from_ref(&operand)].concat();
                    count += 1;
                    if permits(&named, &words) {
                        wrong.push(format!("{named:?}: {words:?}"));
                    }
                }
            }
        }
    });
    assert!(count > 100, "{count}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Wherever it stands: also as the value of an option, attached or not, and behind subcommands.
#[test]
fn a_word_with_a_command_in_it_is_never_permitted() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (names, _) in models::programs() {
        let name = names.split(' ').next().unwrap();
        let program = models::builtin(name).unwrap();
        let inner = program.inner.iter().filter(|inner| inner.anywhere);
        let forms: Vec<String> = inner
            .flat_map(|inner| &inner.of)
            .map(|it| of_form(it))
            .collect();
        if forms.is_empty() {
            continue;
        }
        every_command(&mut |path, model| {
            if path[0] != name {
                return;
            }
            let values = model.options.iter().filter(|it| it.takes == Takes::Value);
            let options = values.map(|option| option.names[0].clone());
            for form in &forms {
                let mut more = vec![vec![form.clone()]];
                for option in options.clone() {
                    more.push(vec![format!("{option}{form}")]);
                    more.push(vec![option, form.clone()]);
                }
                for more in more {
                    let words = [path, &more].concat();
                    count += 1;
                    if permits(path, &words) {
                        wrong.push(format!("{words:?}"));
                    }
                }
            }
        });
    }
    assert!(count > 100, "{count}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A rule that ends in an option of such a program is on that option, and not on what is done with it.
#[test]
fn a_task_behind_a_named_option_is_never_permitted() {
    let mut wrong = Vec::new();
    let mut count = 0;
    every_command(&mut |path, model| {
        let flags = model.options.iter().filter(|option| {
            model.tasks && option.takes == Takes::Nothing && option.names[0].starts_with('-')
        });
        for flag in flags.flat_map(|option| &option.names) {
            let named = [path, std::slice::from_ref(flag)].concat();
            for more in [&["a"][..], &["--zq", "a"], &["--", "a"]] {
                let more: Vec<String> = more.iter().map(|&word| word.to_owned()).collect();
                let words = [named.as_slice(), &more].concat();
                count += 1;
                if permits(&named, &words) {
                    wrong.push(format!("{named:?}: {words:?}"));
                }
            }
        }
    });
    assert!(count > 100, "{count}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Who names the option names none of the files that are changed with it.
#[test]
fn a_file_that_is_changed_in_place_is_never_permitted() {
    let mut count = 0;
    every_command(&mut |path, model| {
        for option in &model.writes_when {
            let named = [path, std::slice::from_ref(option)].concat();
            let words = [named.as_slice(), &["a".to_owned()]].concat();
            count += 1;
            assert!(!permits(&named, &words), "{words:?}");
        }
    });
    assert!(count > 0);
}
