//! One file's word added to what was set before it.

use std::path::PathBuf;

use crate::lint::{self, Level, Lint};

use super::keys::{KEYS, KeyName, ProjectUse};
use super::parse::{FileSettings, SaidProfile};
use super::settings::{Settings, Source, Sourced};
use super::values::{LintLevel, ProfileSettings};

impl Settings {
    /// The user's own file: it sets whatever it names.
    pub(super) fn set(&mut self, said: FileSettings) {
        replace(&mut self.sandbox, said.sandbox);
        replace(&mut self.network, said.network);
        replace(&mut self.writable, said.writable);
        replace(&mut self.unprotected, said.unprotected);
        replace(&mut self.interceptor, said.interceptor);
        replace(&mut self.shell, said.shell);
        replace(&mut self.ask, said.ask);
        if let Some(Sourced { value, source }) = said.timeout {
            let value = Some(value);
            self.timeout = Sourced { value, source };
        }
        replace(&mut self.rules, said.rules);
        self.lints.extend(said.lints);
        for (name, Sourced { value, source }) in said.profiles {
            let default = ProfileSettings::default();
            let value = ProfileSettings {
                mode: value.mode.unwrap_or(default.mode),
                network: value.network.unwrap_or(default.network),
                writable: value.writable.unwrap_or(default.writable),
            };
            self.profiles.insert(name, Sourced { value, source });
        }
    }

    /// A project's file: it only makes things stricter. Returns what it asked for in vain, each
    /// with its place.
    pub(super) fn tighten(&mut self, said: FileSettings) -> Vec<(Source, String)> {
        let mut vain = Vain::default();
        if let Some(said) = said.sandbox {
            let stricter = said.value.strictness() > self.sandbox.value.strictness();
            let same = said.value == self.sandbox.value;
            vain.take(KeyName::Sandbox, &mut self.sandbox, said, stricter, same);
        }
        if let Some(said) = said.network {
            let (now, wanted) = (self.network.value, said.value);
            let same = now == wanted;
            vain.take(
                KeyName::Network,
                &mut self.network,
                said,
                now && !wanted,
                same,
            );
        }
        if let Some(said) = said.writable {
            vain.keep_listed(&mut self.writable, said);
        }
        if let Some(said) = said.interceptor {
            let (now, wanted) = (self.interceptor.value, said.value);
            let same = now == wanted;
            vain.take(
                KeyName::Interceptor,
                &mut self.interceptor,
                said,
                wanted > now,
                same,
            );
        }
        if let Some(said) = said.ask {
            let stricter = said.value.tightens(&self.ask.value);
            let same = said.value == self.ask.value;
            vain.take(KeyName::Ask, &mut self.ask, said, stricter, same);
        }
        if let Some(said) = said.timeout {
            let now = self.timeout.value;
            let shorter = now.is_none_or(|now| said.value < now);
            let same = now == Some(said.value);
            let said = Sourced {
                value: Some(said.value),
                source: said.source,
            };
            vain.take(KeyName::Timeout, &mut self.timeout, said, shorter, same);
        }
        vain.never(
            KeyName::Unprotected,
            said.unprotected.map(|said| said.source),
        );
        vain.never(KeyName::Shell, said.shell.map(|said| said.source));
        vain.never(KeyName::Rules, said.rules.map(|said| said.source));
        for (code, said) in said.lints {
            let own = lint::find(&code).map_or(LintLevel::Allow, own_level);
            let now = self.lints.get(&code).map_or(own, |level| level.value);
            if said.value > now {
                self.lints.insert(code, said);
            } else if said.value < now {
                vain.add(KeyName::Lints, said.source);
            }
        }
        for (name, said) in said.profiles {
            match self.profiles.get_mut(&name) {
                Some(profile) => vain.tighten_profile(profile, said),
                None => vain.add(KeyName::Profiles, said.source),
            }
        }
        vain.0
    }
}

/// What a lint is before anybody sets it.
fn own_level(lint: &Lint) -> LintLevel {
    match lint.level {
        None => LintLevel::Allow,
        Some(Level::Warning) => LintLevel::Warn,
        Some(Level::Error) => LintLevel::Deny,
    }
}

fn replace<T>(now: &mut Sourced<T>, said: Option<Sourced<T>>) {
    if let Some(said) = said {
        *now = said;
    }
}

/// What a project asked for and does not get.
#[derive(Default)]
struct Vain(Vec<(Source, String)>);

impl Vain {
    fn add(&mut self, name: KeyName, source: Source) {
        let key = KEYS.iter().find(|key| key.name == name);
        let reason = key.map_or("", |key| key.project.words());
        let word = key.map_or("", |key| key.word);
        self.0
            .push((source, format!("`{word}` does not count: {reason}")));
    }

    /// `said` if it is `stricter`, or a note unless it is the `same` anyway.
    fn take<T>(
        &mut self,
        name: KeyName,
        now: &mut Sourced<T>,
        said: Sourced<T>,
        stricter: bool,
        same: bool,
    ) {
        if stricter {
            *now = said;
        } else if !same {
            self.add(name, said.source);
        }
    }

    fn never(&mut self, name: KeyName, source: Option<Source>) {
        debug_assert!(
            KEYS.iter()
                .any(|key| key.name == name && matches!(key.project, ProjectUse::Never(_)))
        );
        if let Some(source) = source {
            self.add(name, source);
        }
    }

    /// Of the directories that are writable `now`, those remain that are `said`: by their very
    /// name, as one below might lead anywhere.
    fn keep_listed(&mut self, now: &mut Sourced<Vec<PathBuf>>, said: Sourced<Vec<PathBuf>>) {
        if said.value.iter().any(|path| !now.value.contains(path)) {
            self.add(KeyName::Writable, said.source.clone());
        }
        let before = now.value.len();
        now.value.retain(|path| said.value.contains(path));
        if now.value.len() < before {
            now.source = said.source;
        }
    }

    fn tighten_profile(&mut self, now: &mut Sourced<ProfileSettings>, said: Sourced<SaidProfile>) {
        let before = now.value.clone();
        let profile = &mut now.value;
        let SaidProfile {
            mode,
            network,
            writable,
        } = said.value;
        let mut refused = false;
        if let Some(mode) = mode {
            refused |= mode.strictness() < profile.mode.strictness();
            if mode.strictness() > profile.mode.strictness() {
                profile.mode = mode;
            }
        }
        if let Some(on) = network {
            refused |= on && !profile.network;
            profile.network &= on;
        }
        if let Some(paths) = writable {
            refused |= paths.iter().any(|path| !profile.writable.contains(path));
            profile.writable.retain(|path| paths.contains(path));
        }
        if *profile != before {
            now.source = said.source.clone();
        }
        if refused {
            self.add(KeyName::Profiles, said.source);
        }
    }
}
