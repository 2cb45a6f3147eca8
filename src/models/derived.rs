//! What follows from a model, worked out when it is first asked for.

use std::collections::HashMap;
use std::ffi::OsStr;

use super::model::{CommandModel, Effect, Form, InnerModel, OptionModel, Takes};

impl CommandModel {
    /// Whether its words, or those of a subcommand, can say commands that it runs, or it has a shell elsewhere
    /// read its input. Cheap from the second time on.
    pub fn runs_commands(&self) -> bool {
        *self.derived.runs_commands.get_or_init(|| {
            let lines = [Effect::Script, Effect::Splits, Effect::Commas];
            let is_line = |effect: &Effect| lines.contains(effect);
            let mut effects = self.options.iter().flat_map(|option| &option.effects);
            let mut inner = self.inner.iter();
            let shown = [Form::Words, Form::Line, Form::Script];
            effects.any(is_line)
                || !self.chains.is_empty()
                || inner.any(|inner| {
                    // What starts elsewhere what it reads, as at does, hands that to a shell.
                    let reads = self.unseen && inner.form == Form::Input;
                    reads || shown.contains(&inner.form) || !inner.follows.is_empty()
                })
                || self.subcommands.iter().any(Self::runs_commands)
        })
    }

    /// Whether some words would have it, or a subcommand, take commands that the words don't have: from its
    /// input, the terminal or a file; or start something that no exec shows. Cheap from the second time on.
    pub fn reads_commands(&self) -> bool {
        *self.derived.reads_commands.get_or_init(|| {
            let names_file = |option: &OptionModel| {
                option.takes != Takes::Nothing && option.effects.contains(&Effect::Runs)
            };
            let reads = |inner: &InnerModel| {
                matches!(inner.form, Form::Input | Form::Keys | Form::File)
                    || inner.appends && inner.follows.is_empty()
            };
            self.inner.iter().any(reads)
                || (self.unseen && self.runs_commands())
                || self.options.iter().any(names_file)
                || self.obeys.as_ref().is_some_and(|files| !files.is_empty())
                || self.syntax.response == Some(true)
                || !self.reads.is_empty()
                || self.subcommands.iter().any(Self::reads_commands)
        })
    }

    /// Whether words for some subcommand say the same without one around it.
    pub(super) fn has_short_forms(&self) -> bool {
        let has_one = || self.subcommands.iter().any(|it| !it.short.is_empty());
        *self.derived.short_forms.get_or_init(has_one)
    }

    /// Its first option of this name.
    pub(super) fn option(&self, name: &[u8]) -> Option<&OptionModel> {
        let all = || by_name(self.options.iter().map(|option| &option.names));
        let options = self.derived.options.get_or_init(all);
        self.options.get(*options.get(str::from_utf8(name).ok()?)?)
    }

    /// Its first subcommand of this name.
    pub fn subcommand(&self, name: &OsStr) -> Option<&Self> {
        let all = || by_name(self.subcommands.iter().map(|subcommand| &subcommand.names));
        let subcommands = self.derived.subcommands.get_or_init(all);
        self.subcommands.get(*subcommands.get(name.to_str()?)?)
    }

    /// The names of its options that end in a dash and are long enough to be no sign.
    pub(super) fn dashed(&self) -> &[String] {
        self.derived.dashed.get_or_init(|| {
            let names = self.options.iter().flat_map(|option| &option.names);
            let dashed = |name: &&String| name.len() > 2 && name.ends_with('-');
            names.filter(dashed).cloned().collect()
        })
    }
}

/// The number of the first that has each name.
fn by_name<'a>(all: impl Iterator<Item = &'a Vec<String>>) -> HashMap<String, usize> {
    let mut found = HashMap::new();
    for (number, names) in all.enumerate() {
        for name in names {
            found.entry(name.clone()).or_insert(number);
        }
    }
    found
}
