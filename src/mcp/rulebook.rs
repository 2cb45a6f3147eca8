//! The rules of a session: loaded at its beginning, and again when a file has changed.
//!
//! Some of the files are a project's, which may come to lie on a file system that never answers. So after
//! the start a process of its own looks at them and reads them; see [`super::refreshed`].

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};

use nix::fcntl::OFlag;
use serde::{Deserialize, Serialize};

use crate::config::{self, Flags, Places, deciding};
use crate::confine::{Deciding, Protection, Role};
use crate::evaluate::IndexedRules;
use crate::report::{self, diagnostics};
use crate::request::argv;
use crate::rules::{self, RuleSet, RulesCache};
use crate::sys::lease;

/// The rules in force, and how the files looked when they were loaded.
#[derive(Debug)]
pub(super) struct Rulebook {
    sources: Sources,
    view: View,
    rules: Arc<IndexedRules>,
    /// What was replaced first while a command could write beside it.
    doubtful: Option<PathBuf>,
}

/// Where rules come from.
#[derive(Debug, Clone)]
pub(super) struct Sources {
    /// What the command line names; empty for the rules of all layers.
    given: Vec<PathBuf>,
    places: Places,
    /// What the settings name beside the usual places.
    named: Vec<PathBuf>,
}

/// How the files look.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct View {
    /// Every file that has a say.
    seen: Vec<SeenFile>,
    /// What decides, and would if it existed: path, role, and whether it is a directory.
    deciding: Vec<(OsString, Role, bool)>,
}

/// A file or directory, and what changes when it is written or replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SeenFile {
    path: OsString,
    state: Option<(u64, u64, u64, i64, i64)>,
}

/// A file is open for writing, or has changed a moment ago: whoever writes it may not be through.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StillWritten;

/// What there is to say of rules that are never left alone.
const BEING_WRITTEN: &str = "a file of the rules is being written all the time";
/// How long somebody who writes rules is waited for; the old ones stay in force then.
pub(super) const WRITING: Duration = Duration::from_secs(2);
/// How often it is looked whether somebody is still at it.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Who opens a file again and again to write it is through if it has not changed for so long.
const SETTLED: Duration = Duration::from_millis(100);

impl SeenFile {
    fn of(path: PathBuf) -> Self {
        let state = fs::metadata(&path).ok();
        let state = state.map(|s| (s.dev(), s.ino(), s.size(), s.ctime(), s.ctime_nsec()));
        let path = path.into_os_string();
        Self { path, state }
    }

    /// Whether somebody has it open for writing.
    fn is_being_written(&self) -> bool {
        let open = |path: &OsString| {
            let mut options = fs::File::options();
            let options = options.custom_flags(OFlag::O_NONBLOCK.bits());
            options.read(true).open(path)
        };
        let regular = fs::metadata(&self.path).is_ok_and(|found| found.is_file());
        regular && open(&self.path).is_ok_and(|file| lease::is_being_written(file) == Some(true))
    }

    /// Whether it has changed within the last moment. Clocks that were set make no difference for long.
    fn is_young(&self) -> bool {
        let Some((_, _, _, seconds, nanoseconds)) = self.state else {
            return false;
        };
        let (Ok(seconds), Ok(nanoseconds)) = (seconds.try_into(), nanoseconds.try_into()) else {
            return false;
        };
        let changed = UNIX_EPOCH + Duration::new(seconds, nanoseconds);
        changed.elapsed().is_ok_and(|age| age < SETTLED)
    }
}

/// What was read: the rules, and what of a project does not count.
#[derive(Debug, Serialize, Deserialize)]
struct LoadedRules {
    set: RuleSet,
    notes: Vec<String>,
    named: Vec<OsString>,
}

/// What was read, or what is wrong with the files, and how they looked meanwhile.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Fresh {
    view: View,
    read: Result<LoadedRules, Vec<String>>,
}

impl Sources {
    /// How the files look now.
    pub(super) fn view(&self) -> View {
        let mut protection = Protection {
            deciding: self.places.deciding(),
            ..Protection::default()
        };
        deciding::add_rules(&mut protection, &self.named);
        let deciding = protection.deciding.into_iter();
        let deciding = deciding.map(|it| (it.path.into_os_string(), it.role, it.is_directory));
        View {
            seen: self.look(),
            deciding: deciding.collect(),
        }
    }

    /// Every file that has a say, whether it exists or not.
    fn look(&self) -> Vec<SeenFile> {
        let paths = if self.given.is_empty() {
            [self.places.watched(), self.named.clone()].concat()
        } else {
            self.given.clone()
        };
        let paths = paths.iter().flat_map(|path| with_entries(path));
        paths.map(SeenFile::of).collect()
    }

    /// Reads the rules that are in the files now; they were `known` to look so.
    ///
    /// # Errors
    /// A file is being written, or was while it was read.
    pub(super) fn read(&self, known: &View) -> Result<Fresh, StillWritten> {
        let view = self.view();
        let is_new = |file: &&SeenFile| !known.seen.contains(file);
        let new: Vec<&SeenFile> = view.seen.iter().filter(is_new).collect();
        let written = || new.iter().any(|file| file.is_being_written());
        if new.iter().any(|file| file.is_young()) || written() {
            return Err(StillWritten);
        }
        let read = self.read_files();
        if written() || self.look() != view.seen {
            return Err(StillWritten);
        }
        let named = read.as_ref().map(|read| paths(&read.named));
        match named {
            Ok(named) if named != self.named => {
                let sources = Self {
                    named,
                    ..self.clone()
                };
                let view = sources.view();
                Ok(Fresh { view, read })
            }
            _ => Ok(Fresh { view, read }),
        }
    }

    fn read_files(&self) -> Result<LoadedRules, Vec<String>> {
        if !self.given.is_empty() {
            return Ok(LoadedRules {
                set: rules::load(
                    &self.given,
                    &RulesCache::of(self.places.codex_home.as_deref()),
                ),
                notes: Vec::new(),
                named: Vec::new(),
            });
        }
        let loaded = config::load(&self.places, &Flags::default());
        let loaded = loaded.map_err(|problems| report::config::texts(&problems))?;
        let (set, notes) = (loaded.load_rules(), loaded.notes(false));
        let named = loaded.settings.rules.value.into_iter();
        Ok(LoadedRules {
            set,
            notes,
            named: named.map(PathBuf::into_os_string).collect(),
        })
    }
}

fn paths(names: &[OsString]) -> Vec<PathBuf> {
    names.iter().map(PathBuf::from).collect()
}

impl Rulebook {
    /// Loads the rules. A file that is being written is waited for, for `patience`.
    ///
    /// # Errors
    /// What is wrong with the files, a text for each.
    pub(super) fn load(
        given: Vec<PathBuf>,
        places: Places,
        patience: Duration,
    ) -> Result<Self, Vec<String>> {
        let mut rulebook = Self {
            sources: Sources {
                given,
                places,
                named: Vec::new(),
            },
            view: View::default(),
            rules: Arc::new(IndexedRules::new(RuleSet::default())),
            doubtful: None,
        };
        let since = Instant::now();
        loop {
            match rulebook.sources.read(&rulebook.view) {
                Ok(fresh) => return rulebook.put(fresh).map(|_| rulebook),
                Err(StillWritten) if since.elapsed() < patience => thread::sleep(LOOK_AGAIN),
                Err(StillWritten) => return Err(vec![BEING_WRITTEN.to_owned()]),
            }
        }
    }

    /// The rules in force.
    pub(super) fn rules(&self) -> Arc<IndexedRules> {
        Arc::clone(&self.rules)
    }

    /// Where they come from.
    pub(super) fn sources(&self) -> &Sources {
        &self.sources
    }

    /// How the files looked when they were read.
    pub(super) fn view(&self) -> &View {
        &self.view
    }

    /// What decides, as it was when it was looked at last.
    pub(super) fn deciding(&self) -> impl Iterator<Item = Deciding> {
        let all = self.view.deciding.iter();
        all.map(|(path, role, is_directory)| Deciding {
            path: path.into(),
            role: *role,
            is_directory: *is_directory,
        })
    }

    /// How many rules there are, and in which files or directories; where there are none, where they would
    /// be looked for.
    pub(super) fn in_force(&self) -> String {
        let set = self.rules.rules();
        let spans = (0..)
            .map_while(|number| set.rule(number))
            .map(|rule| rule.span);
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for span in spans {
            let file = usize::try_from(span.file)
                .ok()
                .and_then(|file| set.files.get(file));
            let name = file.map_or("?", |file| file.name.as_str());
            let place = match Path::new(name).parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder.display().to_string(),
                _ => name.to_owned(),
            };
            *places.entry(place).or_default() += 1;
        }
        if places.is_empty() {
            let looked_in = if self.sources.given.is_empty() {
                let read = self.sources.places.rules_directories();
                read.map(|path| argv::word(path.as_os_str()))
                    .collect::<Vec<_>>()
                    .join(", ")
            } else {
                "what --rules names".to_owned()
            };
            return format!("no rules are in force: there are none in {looked_in}");
        }
        let places = places
            .iter()
            .map(|(place, count)| format!("{count} in {place}"));
        let places: Vec<String> = places.collect();
        format!("rules in force: {}", places.join(", "))
    }

    /// Takes what decides from `view`. False where the files look another way than when they were read.
    pub(super) fn follow(&mut self, view: View) -> bool {
        let is_same = view.seen == self.view.seen;
        if is_same {
            self.view = view;
        }
        is_same
    }

    /// Follows what was found of files that look another way than before. Says so, or what is wrong with
    /// them: then the old rules stay in force.
    pub(super) fn renew(&mut self, found: Result<Fresh, StillWritten>) -> Result<String, String> {
        let put = match found {
            Err(StillWritten) => Err(vec![BEING_WRITTEN.to_owned()]),
            Ok(fresh) if self.doubtful.is_some() => {
                self.view = fresh.view;
                Err(vec![self.why_doubtful()])
            }
            Ok(fresh) => self.put(fresh),
        };
        match put {
            Ok(notes) => {
                let said = ["the rules have changed and are in force".to_owned()];
                Ok([&said[..], &notes].concat().join("\n"))
            }
            Err(errors) => Err(format!(
                "the rules have changed, but can't be loaded; the old ones stay in force:\n{}",
                errors.join("\n")
            )),
        }
    }

    /// What decides was replaced at `path` while a command ran, which may have written it: what the files say
    /// from now on counts in the next session.
    pub(super) fn doubt(&mut self, path: PathBuf) {
        self.doubtful.get_or_insert(path);
    }

    fn why_doubtful(&self) -> String {
        let path = self.doubtful.as_deref().unwrap_or(Path::new(""));
        format!(
            "{} was replaced while a command ran that could have written it then; look at it, and start the \
             server again",
            argv::word(path.as_os_str())
        )
    }

    /// Puts the rules in force that were read, if they are right: notes, or what is wrong.
    fn put(&mut self, fresh: Fresh) -> Result<Vec<String>, Vec<String>> {
        self.view = fresh.view;
        let LoadedRules { set, notes, named } = fresh.read?;
        self.sources.named = paths(&named);
        if set.is_broken() {
            return Err(diagnostics::error_texts(&set).collect());
        }
        self.rules = Arc::new(IndexedRules::new(set));
        Ok(notes)
    }
}

/// A directory's entries too: one may be written without a change of the directory.
fn with_entries(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "rules"))
        .collect();
    paths.push(path.to_owned());
    paths.sort();
    paths
}
