//! From files and flags to the settings and rules that count.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::request::argv;
use crate::rules::{self, Layer, Origin, RuleSet, RulesCache, SetAside, SetAsideReason};
use crate::sys::encoding;
use crate::sys::read_capped::read_capped;

use super::flags::Flags;
use super::parse::{FileSettings, parse};
use super::places::{Places, is_absent};
use super::problem::SettingsProblem;
use super::project::Project;
use super::settings::Settings;
use super::trust::{TrustState, TrustStore};

/// Bytes of one `codex-shell.toml`.
const MAX_FILE: usize = 256 << 10;

/// What counts.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The rules of all layers, to be loaded unless the command line names others.
    pub rules: Vec<Origin>,
    /// What of a project does not count.
    pub set_aside: Option<SetAside>,
    /// What else of it does not, and why, a line each.
    remarks: Vec<String>,
    /// The files with settings that were read, in the order in which they count.
    pub files: Vec<PathBuf>,
    /// Where what rules say is kept.
    pub cache: RulesCache,
}

/// Reads the user's file and that of the project, if it is trusted, and applies `flags`.
///
/// # Errors
/// A file that counts is wrong: every mistake in it.
pub fn load(places: &Places, flags: &Flags) -> Result<Loaded, Vec<SettingsProblem>> {
    let mut loaded = Loaded {
        settings: Settings::default(),
        rules: places.rules(),
        set_aside: None,
        remarks: Vec::new(),
        files: Vec::new(),
        cache: RulesCache::of(places.codex_home.as_deref()),
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
    match project(places, &mut loaded) {
        Some(CountedProject::All(project)) => loaded.add_project(&project, places)?,
        Some(CountedProject::Restrictions { now, trusted }) => {
            loaded.restrict_by(&now, trusted.as_ref(), places);
        }
        None => {}
    }
    loaded.rules.extend(configured);
    loaded.settings.apply(flags);
    Ok(loaded)
}

impl Loaded {
    /// What is worth knowing, a line each: what of a project does not count, and why. Where other rules
    /// `are_given`, a project's make no difference.
    pub fn notes(&self, are_given: bool) -> Vec<String> {
        let aside = match &self.set_aside {
            Some(aside) if are_given => aside.without_rules(),
            aside => aside.clone(),
        };
        let aside = aside.map(|aside| aside.to_string()).into_iter();
        aside.chain(self.remarks.iter().cloned()).collect()
    }

    /// The rules of all layers.
    pub fn load_rules(&self) -> RuleSet {
        let mut rules = rules::load_layers(&self.rules, &self.cache);
        rules.set_aside = self.set_aside.clone().filter(|aside| aside.rules);
        rules
    }

    fn add_project(
        &mut self,
        project: &Project,
        places: &Places,
    ) -> Result<(), Vec<SettingsProblem>> {
        if let Some(file) = &project.settings {
            let said = parse_bytes(&file.path, &file.content, places)?;
            for (source, reason) in self.settings.tighten(said) {
                self.remarks.push(format!("{source}: {reason}"));
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
            self.remarks.extend(notes.into_iter().filter(|_| is_now));
            self.files.extend(is_now.then(|| file.path.clone()));
        }
    }
}

/// What counts of the project that the command starts in.
enum CountedProject {
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
fn user_file(path: &Path, places: &Places) -> Result<Option<FileSettings>, Vec<SettingsProblem>> {
    if is_absent(path) {
        return Ok(None);
    }
    match read_capped(path, MAX_FILE, Duration::ZERO) {
        Ok(bytes) => parse_bytes(path, &bytes, places).map(Some),
        Err(error) => {
            let message = format!("can't be read: {error}");
            Err(vec![SettingsProblem::of_file(path, message)])
        }
    }
}

fn parse_bytes(
    path: &Path,
    bytes: &[u8],
    places: &Places,
) -> Result<FileSettings, Vec<SettingsProblem>> {
    let whole = |message: String| vec![SettingsProblem::of_file(path, message)];
    if bytes.len() > MAX_FILE {
        return Err(whole(format!("it is larger than {MAX_FILE} bytes")));
    }
    let text = encoding::text(bytes.to_vec()).map_err(|error| whole(error.to_string()))?;
    parse(path, &text, places.home.as_deref())
}

/// Every mistake in a project's settings.
pub fn check_project(project: &Project, places: &Places) -> Vec<SettingsProblem> {
    let checked = project
        .settings
        .as_ref()
        .map(|file| parse_bytes(&file.path, &file.content, places));
    checked.and_then(Result::err).unwrap_or_default()
}

/// The project that the command starts in, as far as it counts; what does not is noted.
fn project(places: &Places, loaded: &mut Loaded) -> Option<CountedProject> {
    let root = places.project()?;
    let aside = |reason, [rules, settings]: [bool; 2]| SetAside {
        project: argv::word(root.as_os_str()),
        reason,
        rules,
        settings,
    };
    let project = match Project::read(&root) {
        Ok(project) => project?,
        Err(error) => {
            let reason = SetAsideReason::Unreadable(error.to_string());
            loaded.set_aside = Some(aside(reason, [true, true]));
            return None;
        }
    };
    let has = [!project.rules.is_empty(), project.settings.is_some()];
    let store = match places.codex_home.as_deref().map(TrustStore::open) {
        Some(Ok(store)) => Some(store),
        Some(Err(error)) => {
            loaded.remarks.push(error.to_string());
            None
        }
        None => None,
    };
    let standing = store.as_ref().map(|store| store.standing(&project));
    match (standing, store) {
        (Some(TrustState::Trusted), _) => Some(CountedProject::All(project)),
        (Some(TrustState::Changed), Some(store)) => {
            let trusted = store.trusted(&project.root);
            let had = trusted.as_ref().map_or([true; 2], |trusted| {
                [!trusted.rules.is_empty(), trusted.settings.is_some()]
            });
            let [rules, settings] = has;
            let either = [rules || had[0], settings || had[1]];
            loaded.set_aside = Some(aside(SetAsideReason::Changed, either));
            Some(CountedProject::Restrictions {
                now: project,
                trusted,
            })
        }
        _ => {
            loaded.set_aside = Some(aside(SetAsideReason::Untrusted, has));
            None
        }
    }
}
