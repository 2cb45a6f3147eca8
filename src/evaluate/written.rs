//! Files that commands of a script write, as far as their words say: what others of its commands read of them or
//! start nobody can know before.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use crate::models::model::Effect;
use crate::models::reading::Doubt;
use crate::models::{self, Reading};
use crate::request::program::normalised;
use crate::request::{Request, WorkingDirectory};

use super::command_tree::{CommandTree, models_of};
use super::index::IndexedRules;

/// The files, and the directories in which any may be one.
#[derive(Debug, Default)]
pub(super) struct Written {
    paths: HashSet<PathBuf>,
    /// Their last components.
    names: HashSet<OsString>,
    /// Whether one of the places lies within one where the last command looked for its program.
    last: RefCell<Option<(SearchPlaces, bool)>>,
}

/// `PATH`, and the directory in which it counts.
type SearchPlaces = (OsString, PathBuf);

impl Written {
    /// Those that the commands of `tree` write, whose order counts for nothing: there are loops.
    pub(super) fn by(index: &IndexedRules, tree: &CommandTree) -> Self {
        let mut places: HashMap<_, Vec<&WorkingDirectory>> = HashMap::new();
        for node in tree.nodes() {
            let each = places.entry(&node.around.directories).or_default();
            // Assignments alone ask for nothing.
            if each.is_empty() {
                each.extend(node.asked.iter().map(|asked| &asked.cwd));
            }
        }
        let mut written = Self::default();
        for node in tree.nodes() {
            let directories = places.get(&node.around.directories).into_iter().flatten();
            let targets = node.written.iter().flat_map(|it| &it.redirections);
            let targets = targets
                .filter(|it| it.writes)
                .filter_map(|it| it.target.known());
            for target in targets {
                let target = PathBuf::from(OsString::from_vec(target));
                let each = directories
                    .clone()
                    .map(|directory| normalised(&directory.join(&target)));
                written.paths.extend(each);
            }
            for request in &node.asked {
                written.add_by(index, request);
            }
        }
        written.paths.retain(|path| !path.starts_with("/dev"));
        let names = written.paths.iter().filter_map(|path| path.file_name());
        written.names = names.map(OsStr::to_owned).collect();
        written
    }

    fn add_by(&mut self, index: &IndexedRules, request: &Request) {
        for model in models_of(index, request.words()) {
            let reading = models::read(model, request.arguments());
            let operands = reading.writes.iter().map(|operand| operand.word);
            let values = reading.values_with(Effect::Writes).flatten();
            let each = operands
                .chain(values)
                .map(|file| normalised(&request.cwd.join(file)));
            self.paths.extend(each);
        }
    }

    /// Whether the program that `request` asks for, or a file from which it reads commands, is one of them.
    pub(super) fn decide_on(&self, index: &IndexedRules, request: &Request) -> bool {
        if self.paths.is_empty() {
            return false;
        }
        let program = &request.program;
        let names = [program.path.as_deref(), program.real.as_deref()];
        let is_started = names.into_iter().flatten().any(|path| self.has(path));
        let is_found = || self.could_hold(request);
        let files = |reading: &Reading<'_>| {
            reading.doubts.iter().any(|doubt| match doubt {
                Doubt::File(file) => self.has(&request.cwd.join(file.word)),
                _ => false,
            })
        };
        let models = || models_of(index, request.words()).into_iter();
        let is_read = || models().any(|model| files(&models::read(model, request.arguments())));
        is_started || is_found() || is_read()
    }

    /// Whether one may come to be found for the name of a program that `request` asks for.
    fn could_hold(&self, request: &Request) -> bool {
        let asked = &request.program.asked;
        let is_searched = !asked.as_bytes().contains(&b'/');
        let variables = request.environment.iter().flat_map(|all| all.iter());
        let paths = variables.filter(|(name, _)| is_searched && name == "PATH");
        let mut paths = paths.map(|(_, value)| value);
        if self.names.contains(asked) || asked.as_bytes().starts_with(b".") {
            let mut entries = paths.flat_map(std::env::split_paths);
            return entries.any(|entry| self.has(&request.cwd.join(entry).join(asked)));
        }
        paths.any(|path| self.leads_into(path, &request.cwd))
    }

    /// Whether an entry of `path`, which counts in `cwd`, is one or lies within one.
    fn leads_into(&self, path: &OsString, cwd: &Path) -> bool {
        let mut last = self.last.borrow_mut();
        if let Some(((known, place), leads)) = &*last
            && known == path
            && place == cwd
        {
            return *leads;
        }
        let mut entries = std::env::split_paths(path);
        let leads = entries.any(|entry| self.has(&cwd.join(entry)));
        *last = Some(((path.clone(), cwd.to_owned()), leads));
        leads
    }

    /// Whether this is one, or lies within one.
    fn has(&self, path: &Path) -> bool {
        let path = normalised(path);
        path.ancestors().any(|above| self.paths.contains(above))
    }
}
