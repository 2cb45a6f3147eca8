//! Everything that a request comes down to: the command itself, what it runs without another exec,
//! and what the words say it will start.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};

use crate::models::{self, CommandModel, Reading, Unwrap, Unwrapped};
use crate::request::program::last_component;
use crate::request::{Program, Request};

use super::heuristic::{self, Descendants};
use super::index::IndexedRules;
use super::judge::Doubt;
use super::within::{next, within};

/// The commands beside the one that was asked about.
#[derive(Debug, Default)]
pub(super) struct Sight {
    /// What it runs without another exec, outermost first.
    pub(super) within: Vec<Request>,
    /// What it and those start.
    pub(super) inner: Vec<Request>,
    /// There is more that nobody can see.
    pub(super) incomplete: bool,
    /// What it starts by exec comes to be judged when it does.
    is_followed: bool,
    /// Why the command's own words can't be relied on.
    pub(super) doubt: Option<Doubt>,
}

impl Sight {
    pub(super) fn of(index: &IndexedRules, request: &Request) -> Self {
        let within = within(request);
        let mut sight = Self::default();
        let roots: Vec<&Request> = std::iter::once(request).chain(&within).collect();
        let unwrapped = unwrapped_all(index, &roots);
        sight.incomplete = unwrapped.incomplete;
        let mut known: HashSet<Vec<OsString>> = HashSet::new();
        known.extend(roots.iter().map(|root| root.argv.clone()));
        for command in unwrapped.commands {
            known.insert(command.words.clone());
            let asked = command.words.first().cloned().unwrap_or_default();
            let program = Program::named(asked);
            sight.inner.push(request.for_inner(program, command.words));
        }
        sight.add_told(index, request, &within, known);
        sight.within = within;
        sight
    }

    /// What the request runs without another exec, and nothing else: the rest is judged when it
    /// starts.
    pub(super) fn within(request: &Request) -> Self {
        Self {
            within: within(request),
            is_followed: true,
            ..Self::default()
        }
    }

    /// What becomes of the programs that the command starts.
    pub(super) fn descendants(&self) -> Descendants {
        // What runs others without an exec, as BusyBox does, may have a shell that does too.
        if self.is_followed && self.within.is_empty() {
            Descendants::Judged
        } else {
            Descendants::Unjudged
        }
    }

    /// What the heuristics find besides those that are `known`, as in here-documents.
    fn add_told(
        &mut self,
        index: &IndexedRules,
        request: &Request,
        within: &[Request],
        mut known: HashSet<Vec<OsString>>,
    ) {
        if index.rules().prefix_rules.is_empty() && index.rules().command_rules.is_empty() {
            return;
        }
        for outer in std::iter::once(request).chain(within) {
            for words in heuristic::inner(outer) {
                if !known.insert(words.clone()) {
                    continue;
                }
                if let Some(asked) = words.first() {
                    let program = Program::named(asked);
                    self.inner.push(request.for_inner(program, words));
                }
            }
        }
    }

    /// Why no rule that permits by the first `words` of the command counts.
    pub(super) fn objection(&self, words: usize) -> Option<String> {
        if self.incomplete {
            return Some("there is more in it than can be looked at".to_owned());
        }
        let doubt = self.doubt.as_ref().filter(|doubt| doubt.from < words);
        doubt.map(|doubt| doubt.reason.clone())
    }

    /// All of them, for rules that restrict.
    pub(super) fn all(&self) -> impl Iterator<Item = &Request> {
        self.within.iter().chain(&self.inner)
    }
}

/// The commands that the request's words say it will start.
pub fn unwrapped(index: &IndexedRules, request: &Request) -> Unwrapped {
    unwrapped_all(index, &[request])
}

/// The same for several, all in one directory.
fn unwrapped_all(index: &IndexedRules, roots: &[&Request]) -> Unwrapped {
    let readings = roots.iter().flat_map(|root| readings(index, root));
    let readings: Vec<Reading<'_>> = readings.collect();
    if readings.iter().all(|reading| reading.inner.is_empty()) {
        return Unwrapped::default();
    }
    let unwrap = Unwrap {
        model: &|name| index.model(name),
        script: &|script| heuristic::commands_of(script),
        within: &|words| {
            let asked = words.first().cloned().unwrap_or_default();
            let cwd = roots.first()?.cwd.clone();
            let request = Request::new(Program::named(asked), words.to_vec(), cwd);
            next(&request).map(|inner| inner.argv)
        },
    };
    let words: Vec<&[OsString]> = roots.iter().map(|root| root.argv.as_slice()).collect();
    unwrap.all(&words, &readings)
}

/// The models that the request's program's names have.
pub(super) fn models_of<'a>(index: &'a IndexedRules, request: &Request) -> Vec<&'a CommandModel> {
    let program = &request.program;
    let paths = [&program.path, &program.real].into_iter().flatten();
    let names = std::iter::once(program.asked.as_os_str())
        .chain(request.argv.first().map(OsString::as_os_str))
        .chain(paths.map(|path| path.as_os_str()));
    let mut models: Vec<&CommandModel> = Vec::new();
    for name in names {
        let name: &OsStr = last_component(name);
        let known = index.model(name);
        models.extend(known.filter(|known| !models.iter().any(|m| std::ptr::eq(*m, *known))));
    }
    models
}

/// The request's arguments as each model reads them that one of the program's names has.
pub fn readings<'a>(index: &'a IndexedRules, request: &'a Request) -> Vec<Reading<'a>> {
    let read = |model| models::read(model, request.arguments());
    models_of(index, request).into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::WorkingDirectory;
    use crate::rules::from_own_text;

    /// How many words there are in all that is looked at of a command.
    fn work(words: &[&str], repeated: usize) -> usize {
        let index = IndexedRules::new(from_own_text("t.rules", "prefix_rule([\"x\"])\n"));
        let argv = words.repeat(repeated);
        let argv: Vec<OsString> = argv.into_iter().map(OsString::from).collect();
        let cwd = WorkingDirectory::new("/work").unwrap();
        let request = Request::new(Program::named(&argv[0]), argv, cwd);
        let sight = Sight::of(&index, &request);
        let all: usize = sight.all().map(|inner| inner.argv.len()).sum();
        let readings = readings(&index, &request);
        let scripts = readings.iter().flat_map(|reading| &reading.inner);
        let scripts = scripts.map(|inner| match &inner.what {
            models::reading::What::Script(text) => text.len(),
            models::reading::What::Words(words) => words.len(),
        });
        all + scripts.sum::<usize>()
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
}
