//! The names that a request's program goes by.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::models;
use crate::request::argv;
use crate::request::program::{last_component, normalised};
use crate::request::{Program, Request, Trust, Words};
use crate::rules::model::PrefixRule;

use super::index::{IndexedRules, lists};
use super::words::same_word;

/// One name of a program, and what it was derived from.
pub(super) struct Name<'a> {
    /// The name as a rule may spell it.
    pub(super) name: &'a OsStr,
    /// For a last component: the path that it is taken from.
    pub(super) of: Option<&'a OsStr>,
}

/// Where a program would be that was asked for by a path and not found.
pub(super) fn presumed(request: &Request) -> Option<PathBuf> {
    let program = &request.program;
    let by_path = program.asked.as_bytes().contains(&b'/');
    (program.path.is_none() && by_path).then(|| normalised(&request.cwd.join(&program.asked)))
}

/// Every name of a program, for rules that restrict: the word asked, the path, the
/// file itself, the last component of each and of `argv[0]`, and what that is a release of; none twice.
pub(super) struct Names<'a>(Vec<Name<'a>>);

impl<'a> Names<'a> {
    /// The names, with [`presumed`]'s answer for a program that was not found.
    pub(super) fn of(words: Words<'a>, presumed: Option<&'a Path>) -> Self {
        let path = words.path.or(presumed).map(Path::as_os_str);
        let real = words.real.map(Path::as_os_str);
        let argv0 = words.argv.first().map(OsString::as_os_str);
        let mut names = Self(Vec::with_capacity(7));
        for whole in [Some(words.asked), path, real].into_iter().flatten() {
            names.add(whole, None);
        }
        for whole in [path, Some(words.asked), real, argv0].into_iter().flatten() {
            let name = last_component(whole);
            for name in std::iter::once(name).chain(models::released(name)) {
                names.add(name, Some(path.unwrap_or(whole)));
            }
        }
        // What acts as it is called looks at no extension: rustup called `cargo.x` is cargo.
        for whole in [path, Some(words.asked), argv0].into_iter().flatten() {
            let whole_path = Path::new(whole);
            let stem = whole_path
                .file_stem()
                .filter(|_| whole_path.extension().is_some());
            if let Some(stem) = stem.filter(|_| real.is_some_and(acts_as_called)) {
                names.add(stem, Some(path.unwrap_or(whole)));
            }
        }
        names
    }

    fn add(&mut self, name: &'a OsStr, of: Option<&'a OsStr>) {
        if !self.0.iter().any(|known| known.name == name) {
            self.0.push(Name { name, of });
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Name<'a>> {
        self.0.iter()
    }
}

/// Whether the file `real`, by its name, does what the program of the name does by which it is called.
fn acts_as_called(real: &OsStr) -> bool {
    let name = last_component(real).to_str();
    let model = name.and_then(models::builtin);
    model.is_some_and(|model| model.acts_as_called)
}

impl IndexedRules {
    /// Whether a rule could be on a program of which no more is known than these words.
    pub(super) fn may_restrict(&self, words: Words<'_>) -> bool {
        // Where one would be that is asked for by a path is another name.
        let by_path = words.path.is_none() && words.asked.as_bytes().contains(&b'/');
        let is_sought = by_path && self.has_rules_on_paths();
        let names = Names::of(words, None);
        is_sought || names.iter().any(|name| self.has_rules_on(name.name))
    }
}

/// Why a rule that permits, and whose words match, doesn't count for this program; `None` when
/// it does.
pub(super) fn objection(
    index: &IndexedRules,
    wanted: PermittedProgram<'_>,
    program: &Program,
) -> Option<String> {
    distrust(program).or_else(|| {
        if wanted.name.contains('/') {
            path_objection(wanted, program)
        } else {
            name_objection(index, wanted, program)
        }
    })
}

/// A program as a rule that permits names it.
#[derive(Clone, Copy)]
pub(super) struct PermittedProgram<'a> {
    pub(super) name: &'a str,
    /// Equal under Unicode caseless matching is equal.
    pub(super) canonical: bool,
}

impl<'a> From<&'a PrefixRule> for PermittedProgram<'a> {
    fn from(rule: &'a PrefixRule) -> Self {
        Self {
            name: &rule.program,
            canonical: rule.canonical,
        }
    }
}

/// Why no rule that permits counts for this program.
pub(super) fn distrust(program: &Program) -> Option<String> {
    match &program.trust {
        Trust::Trusted if program.path.is_none() || program.real.is_none() => {
            return Some("its file was not looked up".to_owned());
        }
        Trust::Trusted | Trust::Unresolved => {}
        Trust::Unexamined => {
            return Some("it was not looked up whether the sandbox can write it".to_owned());
        }
        Trust::Writable { path } => {
            return Some(format!(
                "the sandbox can write {}",
                argv::word(path.as_os_str())
            ));
        }
        Trust::Misled { why } => return Some(why.clone()),
        Trust::Anonymous => {
            return Some("the file can't be examined outside the sandbox".to_owned());
        }
        Trust::Disguised { argv0 } => {
            return Some(format!(
                "the program goes by several names and is called {}",
                argv::word(argv0)
            ));
        }
    }
    None
}

/// For a rule on a path: it must be the path that runs.
fn path_objection(wanted: PermittedProgram<'_>, program: &Program) -> Option<String> {
    let is = |path: &OsStr| same_word(wanted.name, path, wanted.canonical);
    let Some(path) = program.path.as_deref() else {
        return (!is(&program.asked)).then(|| "the program was not found".to_owned());
    };
    let relative = !wanted.name.starts_with('/');
    if is(path.as_os_str()) || (relative && is(&program.asked)) {
        return None;
    }
    let real = program.real.as_deref().filter(|real| is(real.as_os_str()));
    // A program may act by the name it is called: only a directory's alias changes nothing.
    if real.is_some_and(|real| real.file_name() == path.file_name()) {
        return None;
    }
    Some(format!(
        "the path that runs is {}",
        argv::word(path.as_os_str())
    ))
}

/// For a rule on a bare name: the path must end in it, and be listed where a list is.
fn name_objection(
    index: &IndexedRules,
    wanted: PermittedProgram<'_>,
    program: &Program,
) -> Option<String> {
    let runs = program
        .path
        .as_deref()
        .map_or(program.asked.as_os_str(), Path::as_os_str);
    if !same_word(wanted.name, last_component(runs), wanted.canonical) {
        return Some(format!(
            "the path that runs is {}; to permit it, name that",
            argv::word(runs)
        ));
    }
    if !runs.as_bytes().contains(&b'/') {
        return None;
    }
    let path = normalised(Path::new(runs));
    let names = [Some(wanted.name), last_component(runs).to_str()];
    let mut listings = names.into_iter().flatten();
    let listing = listings.find_map(|name| {
        let listing = index.host_executable(name)?;
        let mut own = [Some(path.as_path()), program.real.as_deref()].into_iter();
        let is_listed = own.any(|path| path.is_some_and(|path| lists(&listing.paths, path)));
        (!is_listed).then_some(listing)
    })?;
    Some(format!(
        "host_executable for {}, at {}, does not list {}",
        listing.name,
        index.rules().place(listing.span),
        argv::word(path.as_os_str())
    ))
}
