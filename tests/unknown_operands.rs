//! Operands that are programs, that say what to do or that are changed never permit unnamed, for every model
//! that has any.

use codex_shell::models;
use codex_shell::models::model::{CommandModel, Effect, InnerModel, Takes};

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

/// Whether its forms are those of words that are programs: they may be those of files that more words come from,
/// or of the word behind another one.
fn names_programs(inner: &InnerModel) -> bool {
    !inner.of.is_empty() && !inner.appends && inner.follows.is_empty()
}

/// A word that is of the form `form`.
fn of_form(form: &str) -> String {
    form.replace('*', "a")
}

/// What was tried, and what of it was permitted.
#[derive(Default)]
struct Tried {
    count: usize,
    wrong: Vec<String>,
}

impl Tried {
    /// Tries `more` behind the words `named`, which a rule names.
    fn behind(&mut self, named: &[String], more: &[&str]) {
        let more: Vec<String> = more.iter().map(|&word| word.to_owned()).collect();
        let words = [named, &more].concat();
        self.count += 1;
        if permits(named, &words) {
            self.wrong.push(format!("{named:?}: {words:?}"));
        }
    }

    /// Fails unless at least so many were tried, and none was permitted.
    fn none_of(self, least: usize) {
        assert!(self.count >= least, "{}", self.count);
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
    }
}

/// One operand of such a program says nothing of the next one.
#[test]
fn an_operand_more_that_is_a_program_is_never_permitted() {
    let mut tried = Tried::default();
    every_command(&mut |path, model| {
        for inner in model.inner.iter().filter(|inner| names_programs(inner)) {
            let is_operand = |form: &&String| !form.starts_with('!') && !form.contains("=*:");
            let forms = inner.of.iter().filter(is_operand);
            for operand in forms.map(|form| of_form(form)) {
                let when: Vec<String> = inner.when.iter().take(1).cloned().collect();
                let before = vec!["a".to_owned(); inner.after];
                let named = [path, &when, &before].concat();
                tried.behind(&named, &[&operand]);
                let named = [named, vec![operand.clone()]].concat();
                tried.behind(&named, &[&operand]);
            }
        }
    });
    tried.none_of(100);
}

/// Wherever it stands: also as the value of an option, attached or not, and behind subcommands.
#[test]
fn a_word_with_a_command_in_it_is_never_permitted() {
    let mut tried = Tried::default();
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
            let options = values.map(|option| &option.names[0]);
            for form in &forms {
                tried.behind(path, &[form]);
                for option in options.clone() {
                    tried.behind(path, &[&format!("{option}{form}")]);
                    tried.behind(path, &[option, form]);
                }
            }
        });
    }
    tried.none_of(100);
}

/// A value of such a form is a program, whichever of the option's spellings a rule names.
#[test]
fn a_value_that_is_a_program_is_never_permitted() {
    let mut tried = Tried::default();
    every_command(&mut |path, model| {
        let inner = model.inner.iter().filter(|inner| names_programs(inner));
        let forms = inner.flat_map(|inner| &inner.of);
        for form in forms.filter(|form| form.starts_with('-') && form.contains("=*")) {
            let (option, form) = form.split_once('=').unwrap();
            let mut options = model.options.iter();
            let option = options.find(|it| it.names.iter().any(|name| name == option));
            for name in &option.unwrap().names {
                let named = [path, std::slice::from_ref(name)].concat();
                tried.behind(&named, &[&of_form(form)]);
                tried.behind(path, &[name, &of_form(form)]);
            }
        }
    });
    tried.none_of(6);
}

/// Of options and operands alike, at every level.
#[test]
fn what_chooses_another_server_is_never_permitted_unnamed() {
    let mut tried = Tried::default();
    every_command(&mut |path, model| {
        for option in &model.options {
            if !option.effects.contains(&Effect::Elsewhere) {
                continue;
            }
            for name in &option.names {
                match option.takes {
                    Takes::Nothing => tried.behind(path, &[name]),
                    Takes::Value => tried.behind(path, &[name, "a"]),
                    Takes::Attached | Takes::Number => tried.behind(path, &[&format!("{name}=a")]),
                }
            }
        }
        let operands = model
            .elsewhere
            .iter()
            .filter(|it| !it.starts_with(['-', '!']));
        operands.for_each(|form| tried.behind(path, &[&of_form(form)]));
    });
    tried.none_of(200);
}

/// A rule that ends in an option of such a program is on that option, and not on what is done with it.
#[test]
fn a_task_behind_a_named_option_is_never_permitted() {
    let mut tried = Tried::default();
    every_command(&mut |path, model| {
        let flags = model.options.iter().filter(|option| {
            model.tasks && option.takes == Takes::Nothing && option.names[0].starts_with('-')
        });
        for flag in flags.flat_map(|option| &option.names) {
            let named = [path, std::slice::from_ref(flag)].concat();
            for more in [&["a"][..], &["--zq", "a"], &["--", "a"]] {
                tried.behind(&named, more);
            }
        }
    });
    tried.none_of(100);
}

/// Who names the option names none of the files that are changed with it.
#[test]
fn a_file_that_is_changed_in_place_is_never_permitted() {
    let mut tried = Tried::default();
    every_command(&mut |path, model| {
        for option in &model.writes_when {
            let named = [path, std::slice::from_ref(option)].concat();
            tried.behind(&named, &["a"]);
        }
    });
    tried.none_of(5);
}
