//! One file's word added to what was set before it.

use std::path::PathBuf;

use crate::confine::Mode;
use crate::lint::{self, Level, Lint};

use super::keys::{KEYS, KeyName, ProjectUse};
use super::parse::{FileSettings, SaidProfile};
use super::settings::{ProfileSettings, Settings, Source, Sourced};
use super::values::LintLevel;

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
            let mut profile = ProfileSettings::default();
            replace(&mut profile.mode, value.mode);
            replace(&mut profile.network, value.network);
            replace(&mut profile.writable, value.writable);
            let value = profile;
            self.profiles.insert(name, Sourced { value, source });
        }
    }

    /// A project's file: it only makes things stricter. Returns what it asked for in vain, each
    /// with its place.
    pub(super) fn tighten(&mut self, said: FileSettings) -> Vec<(Source, String)> {
        let mut vain = Vain::default();
        vain.tighten_mode(KeyName::Sandbox, &mut self.sandbox, said.sandbox);
        vain.switch_off(KeyName::Network, &mut self.network, said.network);
        vain.keep_listed(KeyName::Writable, &mut self.writable, said.writable);
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
                Some(profile) => vain.tighten_profile(&mut profile.value, said.value),
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

    fn tighten_mode(
        &mut self,
        name: KeyName,
        now: &mut Sourced<Mode>,
        said: Option<Sourced<Mode>>,
    ) {
        if let Some(said) = said {
            let stricter = said.value.strictness() > now.value.strictness();
            let same = said.value == now.value;
            self.take(name, now, said, stricter, same);
        }
    }

    fn switch_off(&mut self, name: KeyName, now: &mut Sourced<bool>, said: Option<Sourced<bool>>) {
        if let Some(said) = said {
            let stricter = now.value && !said.value;
            let same = now.value == said.value;
            self.take(name, now, said, stricter, same);
        }
    }

    /// Of the directories that are writable `now`, those remain that are `said`: by their very
    /// name, as one below might lead anywhere.
    fn keep_listed(
        &mut self,
        name: KeyName,
        now: &mut Sourced<Vec<PathBuf>>,
        said: Option<Sourced<Vec<PathBuf>>>,
    ) {
        let Some(said) = said else {
            return;
        };
        if said.value.iter().any(|path| !now.value.contains(path)) {
            self.add(name, said.source.clone());
        }
        let before = now.value.len();
        now.value.retain(|path| said.value.contains(path));
        if now.value.len() < before {
            now.source = said.source;
        }
    }

    fn tighten_profile(&mut self, now: &mut ProfileSettings, said: SaidProfile) {
        let key = KeyName::Profiles;
        self.tighten_mode(key, &mut now.mode, said.mode);
        self.switch_off(key, &mut now.network, said.network);
        self.keep_listed(key, &mut now.writable, said.writable);
    }
}
