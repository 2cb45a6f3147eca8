//! From files and flags to the settings and rules that count.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::request::argv;
use crate::rules::{Layer, Origin};
use crate::sys::encoding;
use crate::sys::read_capped::read_capped;

use super::flags::Flags;
use super::parse::{Said, parse};
use super::places::{Places, is_absent};
use super::problem::Problem;
use super::project::Project;
use super::settings::Settings;
use super::trust::{Standing, TrustStore};

/// Bytes of one `codex-shell.toml`.
const MAX_FILE: usize = 256 << 10;

/// What counts.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The rules of all layers, to be loaded unless the command line names others.
    pub rules: Vec<Origin>,
    /// What is worth knowing, a line each: what of a project does not count, and why.
    pub notes: Vec<String>,
    /// The files with settings that were read, in the order in which they count.
    pub files: Vec<PathBuf>,
}

/// Reads the user's file and that of the project, if it is trusted, and applies `flags`.
///
/// # Errors
/// A file that counts is wrong: every mistake in it.
pub fn load(places: &Places, flags: &Flags) -> Result<Loaded, Vec<Problem>> {
    let mut loaded = Loaded {
        settings: Settings::default(),
        rules: places.rules(),
        notes: Vec::new(),
        files: Vec::new(),
    };
    if let Some(path) = places.user_file()
        && let Some(said) = user_file(&path, places)?
    {
        loaded.settings.set(said);
        loaded.files.push(path);
    }
    let configured = loaded.settings.rules.value.iter();
    let configured = configured.map(|path| Origin::new(Layer::Config, path));
    let configured: Vec<_> = configured.collect();
    match project(places, &mut loaded.notes) {
        Some(Counted::All(project)) => loaded.add_project(&project, places)?,
        Some(Counted::Restrictions { now, trusted }) => {
            loaded.restrict_by(&now, trusted.as_ref(), places);
        }
        None => {}
    }
    loaded.rules.extend(configured);
    loaded.settings.apply(flags);
    Ok(loaded)
}

impl Loaded {
    fn add_project(&mut self, project: &Project, places: &Places) -> Result<(), Vec<Problem>> {
        if let Some(file) = &project.settings {
            let said = parse_bytes(&file.path, &file.content, places)?;
            for (source, reason) in self.settings.tighten(said) {
                self.notes.push(format!("{source}: {reason}"));
            }
            self.files.push(file.path.clone());
        }
        self.rules.extend(project.origins());
        Ok(())
    }

    /// As far as a project that has changed since it was `trusted` restricts, it counts: as it is, and
    /// as it was.
    fn restrict_by(&mut self, now: &Project, trusted: Option<&Project>, places: &Places) {
        self.rules.extend(now.changed_origins(trusted));
        for (project, is_now) in [(Some(now), true), (trusted, false)] {
            let Some(file) = project.and_then(|project| project.settings.as_ref()) else {
                continue;
            };
            let notes = match parse_bytes(&file.path, &file.content, places) {
                // Settings of a project do nothing but tighten.
                Ok(said) => {
                    let refused = self.settings.tighten(said).into_iter();
                    refused
                        .map(|(source, why)| format!("{source}: {why}"))
                        .collect()
                }
                Err(problems) => {
                    let count = problems.len();
                    let path = argv::word(file.path.as_os_str());
                    vec![format!("{path} does not count: it has {count} mistakes")]
                }
            };
            self.notes.extend(notes.into_iter().filter(|_| is_now));
            self.files.extend(is_now.then(|| file.path.clone()));
        }
    }
}

/// What counts of the project that the command starts in.
enum Counted {
    /// Its files are those that were trusted.
    All(Project),
    /// They have changed since.
    Restrictions {
        /// As they are.
        now: Project,
        /// As they were trusted, if that is known.
        trusted: Option<Project>,
    },
}

/// What the user's file says; `None` when there is none.
fn user_file(path: &Path, places: &Places) -> Result<Option<Said>, Vec<Problem>> {
    if is_absent(path) {
        return Ok(None);
    }
    match read_capped(path, MAX_FILE, Duration::ZERO) {
        Ok(bytes) => parse_bytes(path, &bytes, places).map(Some),
        Err(error) => {
            let message = format!("can't be read: {error}");
            Err(vec![Problem::of_file(path, message)])
        }
    }
}

fn parse_bytes(path: &Path, bytes: &[u8], places: &Places) -> Result<Said, Vec<Problem>> {
    let whole = |message: String| vec![Problem::of_file(path, message)];
    if bytes.len() > MAX_FILE {
        return Err(whole(format!("it is larger than {MAX_FILE} bytes")));
    }
    let text = encoding::text(bytes.to_vec()).map_err(|error| whole(error.to_string()))?;
    parse(path, &text, places.home.as_deref())
}

/// Every mistake in a project's settings.
pub fn check_project(project: &Project, places: &Places) -> Vec<Problem> {
    let checked = project
        .settings
        .as_ref()
        .map(|file| parse_bytes(&file.path, &file.content, places));
    checked.and_then(Result::err).unwrap_or_default()
}

/// The project that the command starts in, as far as it counts; a note where that is not all of it.
fn project(places: &Places, notes: &mut Vec<String>) -> Option<Counted> {
    let root = places.project()?;
    let shown = argv::word(root.as_os_str());
    let project = match Project::read(&root) {
        Ok(project) => project?,
        Err(error) => {
            notes.push(format!("what {shown}/.codex says does not count: {error}"));
            return None;
        }
    };
    let store = match places.codex_home.as_deref().map(TrustStore::open) {
        Some(Ok(store)) => Some(store),
        Some(Err(error)) => {
            notes.push(error.to_string());
            None
        }
        None => None,
    };
    let standing = store.as_ref().map(|store| store.standing(&project));
    match (standing, store) {
        (Some(Standing::Trusted), _) => Some(Counted::All(project)),
        (Some(Standing::Changed), Some(store)) => {
            notes.push(format!(
                "{shown}/.codex has changed since it was trusted, so what it restricts counts, and \
                 what it permits doesn't; `codex-shell trust {shown}` shows the difference and asks"
            ));
            let trusted = store.trusted(&project.root);
            Some(Counted::Restrictions {
                now: project,
                trusted,
            })
        }
        _ => {
            notes.push(format!(
                "{shown}/.codex is not trusted, so its rules and settings don't count; \
                 `codex-shell trust {shown}` shows them and asks"
            ));
            None
        }
    }
}
