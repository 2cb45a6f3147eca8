//! What a command's words mean by its model.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt as _;

use super::model::{CommandModel, DefaultValue, Effect, OptionModel};

/// What stands for the repository among the files that a program obeys.
pub const REPOSITORY: &str = ".git";

/// Options with which a program, as far as nothing else is known, says how it is used and does nothing.
const HELP: [&str; 3] = ["--help", "-help", "--version"];

/// A command's arguments, told apart.
#[derive(Debug, Clone, Default)]
pub struct Reading<'a> {
    /// How each word was read, in the order of the words.
    pub parts: Vec<Part<'a>>,
    /// The program's model.
    pub program: Option<&'a CommandModel>,
    /// The model of the command in the end: the program's, or its deepest subcommand's.
    pub model: Option<&'a CommandModel>,
    /// The model that says what it obeys; see [`Reading::obeyed`].
    pub obeying: Option<&'a CommandModel>,
    /// The commands that it runs, as far as the words say which.
    pub inner: Vec<Inner<'a>>,
    /// Operands that name files it writes.
    pub writes: Vec<Operand<'a>>,
    /// Subcommands and operands that set the system's state.
    pub changes: Vec<Operand<'a>>,
    /// Subcommands, operands and values that choose another server, account or configuration.
    pub elsewhere: Vec<Operand<'a>>,
    /// Options that other words make say something else.
    pub overridden: Vec<Overridden<'a>>,
    /// What could not be known.
    pub doubts: Vec<Doubt<'a>>,
}

/// An option that another word makes say something else than its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overridden<'a> {
    /// A name of the option; `*`: any.
    pub option: &'a str,
    /// The other word.
    pub by: Cow<'a, [u8]>,
    /// What the model calls it, if it is an option.
    pub by_option: Option<&'a str>,
}

/// How a word, or a part of a word, was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<'a> {
    /// The word: 0 is the first after the program.
    pub index: usize,
    /// What it is.
    pub kind: Kind<'a>,
}

impl<'a> Part<'a> {
    /// The word, if it is a subcommand or an operand.
    pub fn plain(&self) -> Option<&'a OsStr> {
        match self.kind {
            Kind::Subcommand { word, .. } | Kind::Operand { word, .. } => Some(word),
            _ => None,
        }
    }

    /// Whether it is a subcommand.
    pub fn is_subcommand(&self) -> bool {
        matches!(self.kind, Kind::Subcommand { .. })
    }

    /// Whether it is an operand.
    pub fn is_operand(&self) -> bool {
        matches!(self.kind, Kind::Operand { .. })
    }
}

/// What a word is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind<'a> {
    /// A subcommand.
    Subcommand {
        /// The word.
        word: &'a OsStr,
        /// Its model, if there is one.
        model: Option<&'a CommandModel>,
    },
    /// An option.
    Flag(Box<Flag<'a>>),
    /// The value of the option before it.
    Value(&'a OsStr),
    /// Anything else. `doubtful`: it could be the value of an unknown option before it.
    Operand {
        /// The word.
        word: &'a OsStr,
        /// Whether it could be a value.
        doubtful: bool,
    },
    /// `--`, behind which there are no options.
    Dashes,
}

/// An option as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag<'a> {
    /// The option without its value, as it was written; one of a cluster with a dash of its own.
    pub written: Cow<'a, [u8]>,
    /// What the model says of it.
    pub known: Known<'a>,
    /// Its value, attached or from the next word.
    pub value: Option<&'a OsStr>,
    /// Whether it stands before any subcommand of a program that has some.
    pub global: bool,
    /// The spellings of a flag that says the same as it does with its value: see [`OptionModel::by_flags`].
    pub also: Option<&'a str>,
}

/// What the model says of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known<'a> {
    /// It is this one.
    As(&'a OptionModel),
    /// It is `--no-…` of this one.
    Not(&'a OptionModel),
    /// It is a number.
    Number,
    /// A command of its own follows it; what else is known of it.
    Runs(Option<&'a OptionModel>),
    /// Nothing.
    Unknown,
}

/// A command that another one runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inner<'a> {
    /// What is run.
    pub what: What<'a>,
    /// Words that can't be known are put behind it.
    pub appends: bool,
    /// The words that say it: 0 is the first after the program.
    pub words: Range<usize>,
    /// The option without which it would not be run: an index into [`Reading::parts`].
    pub option: Option<usize>,
}

/// An operand and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operand<'a> {
    /// Its place: 0 is the first word after the program.
    pub index: usize,
    /// The word.
    pub word: &'a OsStr,
}

/// The form of what another command runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What<'a> {
    /// A program and its arguments.
    Words(Vec<&'a OsStr>),
    /// The text of a script for a shell.
    Script(Cow<'a, [u8]>),
}

/// Something about a command that its words don't say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt<'a> {
    /// The model doesn't have this option.
    UnknownOption(Vec<u8>),
    /// This option makes the program start another.
    Runs(Vec<u8>),
    /// What it does stands in this file.
    File(Operand<'a>),
    /// This word is a program in a language that nobody reads here.
    Code(Operand<'a>),
    /// It takes commands from its standard input.
    Input,
    /// It takes commands as keys, from its standard input or the terminal.
    Keys,
    /// There are more commands in it than are looked at.
    TooMany,
    /// This word, an operand, stands where the model has subcommands, and is none of them.
    Subcommand(Operand<'a>),
}

impl<'a> Reading<'a> {
    /// The options, in order.
    pub fn flags(&self) -> impl Iterator<Item = &Flag<'a>> {
        self.parts.iter().filter_map(|part| match &part.kind {
            Kind::Flag(flag) => Some(&**flag),
            _ => None,
        })
    }

    /// The values of the options that have this effect; `None` for one that has none.
    pub fn values_with(&self, effect: Effect) -> impl Iterator<Item = Option<&'a OsStr>> {
        let flags = self.flags().filter(move |flag| flag.has_effect(effect));
        flags.map(|flag| flag.value)
    }

    /// Subcommands and operands, in order, each with whether it could be an option's value.
    pub fn plain(&self) -> impl Iterator<Item = (&'a OsStr, bool)> {
        self.parts.iter().filter_map(|part| {
            let doubtful = matches!(part.kind, Kind::Operand { doubtful: true, .. });
            Some((part.plain()?, doubtful))
        })
    }

    /// Whether its operands mean the same in any order, as make's targets do.
    pub fn is_in_any_order(&self) -> bool {
        self.model.is_some_and(|model| model.tasks)
    }

    /// How many subcommands there are.
    pub fn depth(&self) -> usize {
        let kinds = self.parts.iter().map(|part| &part.kind);
        kinds
            .filter(|kind| matches!(kind, Kind::Subcommand { .. }))
            .count()
    }

    /// The files of the directory where it is started, or of one above, that tell it what to do.
    pub fn obeyed(&self) -> impl Iterator<Item = &'a str> {
        let model = self.obeying.filter(|model| match &model.obeys_unless {
            None => !HELP.iter().any(|name| self.has(name)),
            Some(unless) => !self.has_before_what_runs(unless),
        });
        let files = model.into_iter().flat_map(|model| &model.obeys);
        files.flatten().map(String::as_str)
    }

    /// Whether one of these options is there. Behind one that says what runs, and behind an operand, words
    /// may be those of what runs: `python3 -c CODE -I`.
    fn has_before_what_runs(&self, names: &[String]) -> bool {
        let is_operand = |part: &&Part<'_>| matches!(part.kind, Kind::Operand { .. });
        let own = self.parts.iter().take_while(|part| !is_operand(part));
        let mut flags = own.filter_map(|part| match &part.kind {
            Kind::Flag(flag) => Some(flag),
            _ => None,
        });
        let mut is_behind = false;
        flags.any(|flag| {
            let before = std::mem::replace(&mut is_behind, flag.has_effect(Effect::Runs));
            is_behind |= before;
            let mut names = names.iter();
            !before && names.any(|name| flag.is(name) && self.has_surely(name))
        })
    }

    /// The file of commands beside which they lie, if they do.
    pub fn obeys_beside(&self) -> Option<&'a OsStr> {
        self.obeying.filter(|model| model.obeys_beside)?;
        self.doubts.iter().find_map(|doubt| match doubt {
            Doubt::File(file) if file.word != "-" => Some(file.word),
            _ => None,
        })
    }

    /// One of them, but for the repository, which is looked at whenever git is to run.
    pub fn obeyed_file(&self) -> Option<&'a str> {
        self.obeyed().find(|file| *file != REPOSITORY)
    }

    /// Whether no exec shows what it starts, by the model of the program or of one of its subcommands.
    pub fn is_unseen(&self) -> bool {
        let mut models = self.program.into_iter().chain(self.subcommands());
        models.any(|model| model.unseen)
    }

    /// Whether what it starts is in a directory of its own, by the model of the program or of one of its
    /// subcommands.
    pub fn is_away(&self) -> bool {
        let mut models = self.program.into_iter().chain(self.subcommands());
        models.any(|model| model.away)
    }

    /// What in the words of the commands that it runs stands for words that are put there.
    pub fn marks(&self) -> impl Iterator<Item = &'a OsStr> {
        let models = self.model.into_iter().flat_map(|model| &model.inner);
        let marks = models.flat_map(|inner| &inner.marks).flat_map(|mark| {
            let flags = self.flags().filter(move |flag| flag.is(mark));
            let itself = Some(OsStr::new(mark)).filter(|_| !mark.starts_with('-'));
            flags.filter_map(|flag| flag.value).chain(itself)
        });
        marks.filter(|mark| !mark.is_empty())
    }

    /// The models of its subcommands, outermost first.
    pub fn subcommands(&self) -> impl DoubleEndedIterator<Item = &'a CommandModel> {
        self.parts.iter().filter_map(|part| match part.kind {
            Kind::Subcommand { model, .. } => model,
            _ => None,
        })
    }

    /// Whether an option is there under this name, and nowhere taken back: which of both counts is the
    /// program's to say.
    pub fn has_surely(&self, name: &str) -> bool {
        self.has(name) && !self.flags().any(|flag| flag.takes_back(name))
    }

    /// The option of this name, by its nearest model.
    fn option(&self, name: &str) -> Option<&'a OptionModel> {
        let within = self.subcommands().rev();
        let mut options = within.chain(self.program).flat_map(|it| &it.options);
        options.find(|it| it.names.iter().any(|known| known == name))
    }

    /// Whether `name` is no option, but letters behind one dash that are one each.
    pub fn is_cluster(&self, name: &str) -> bool {
        let letters = name.strip_prefix('-').unwrap_or_default();
        let mut each = letters.chars();
        let is_long = each.clone().nth(1).is_some() && self.option(name).is_none();
        is_long && each.all(|letter| self.option(&format!("-{letter}")).is_some())
    }

    /// The word that makes the option of this name say something else than its value, or nothing.
    pub fn overriding(&self, name: &str) -> Option<&[u8]> {
        let option = self.option(name);
        let is_it = |other: &str| {
            let mut names = option.into_iter().flat_map(|option| &option.names);
            other == name || names.any(|known| known == other)
        };
        let mut overridden = self.overridden.iter();
        let found = overridden.find(|it| match it.option {
            "*" => !it.by_option.is_some_and(is_it),
            other => is_it(other),
        });
        found.map(|it| &*it.by)
    }

    /// All that `value` could say as one of the option of this name: itself, what is behind a `=`, what its key
    /// has for a value, and the other spellings of the flag that says the same.
    pub fn could_say<'v>(
        &self,
        name: &str,
        value: &'v OsStr,
    ) -> impl Iterator<Item = &'v OsStr> + use<'v, 'a>
    where
        'a: 'v,
    {
        let bytes = value.as_bytes();
        let option = self.option(name);
        let key = option.and_then(|option| option.by_key.as_deref());
        let by_key = key.and_then(|key| {
            let mut fields = bytes.split(|&byte| byte == b',');
            fields.find_map(|field| field.strip_prefix(key.as_bytes())?.strip_prefix(b"="))
        });
        let others = bytes.strip_prefix(b"=").into_iter().chain(by_key);
        let flag = option.and_then(|option| option.flag_of(value));
        std::iter::once(value)
            .chain(others.map(OsStr::from_bytes))
            .chain(flag.into_iter().flat_map(values_in))
    }

    /// What the option of this name may be set to: by each time that it could be there or, if it isn't, as its
    /// default; `None` for what nobody knows. Empty: it is not there, and has no value then.
    pub fn values(&self, name: &str) -> Vec<Option<&OsStr>> {
        let parts = self.parts.iter().enumerate();
        let written = parts.filter_map(|(nth, part)| match &part.kind {
            Kind::Flag(flag) if flag.could_be(name) || flag.takes_back(name) => {
                let value = flag.value.filter(|_| !flag.takes_back(name));
                Some(value.or_else(|| self.doubtful_at(nth + 1)))
            }
            _ => None,
        });
        let overridden = self.overriding(name).map(|_| None);
        let by_flags = self.by_flags(name).map(Some);
        let mut values: Vec<_> = written.chain(overridden).chain(by_flags).collect();
        if values.is_empty() || self.resets() {
            values.extend(self.default_values(name));
        }
        values
    }

    /// What flags say that the option of this name would say with a value.
    fn by_flags(&self, name: &str) -> impl Iterator<Item = &'a OsStr> {
        let spelled = self.option(name).into_iter().flat_map(|it| &it.by_flags);
        let is_there =
            |flag: &&String| flag.split(' ').next().is_some_and(|it| self.has_itself(it));
        spelled.filter(is_there).flat_map(|flag| values_in(flag))
    }

    /// Whether this very option is there, and no other one that says the same.
    fn has_itself(&self, name: &str) -> bool {
        self.flags()
            .any(|flag| flag.also.is_none() && flag.is(name))
    }

    /// Whether options stand in it behind which others count no more.
    pub fn resets(&self) -> bool {
        let models = self.program.into_iter().chain(self.model);
        let mut resets = models.flat_map(|model| &model.resets);
        resets.any(|name| self.flags().any(|flag| flag.could_be(name)))
    }

    /// What the option of this name has for a value where it isn't there; as for [`Reading::values`].
    pub fn default_values(&self, name: &str) -> Vec<Option<&OsStr>> {
        let Some(option) = self.option(name) else {
            return Vec::new();
        };
        let given = |it: &&DefaultValue| it.when.as_ref().is_some_and(|when| self.has(when));
        let mut defaults: Vec<&DefaultValue> = option.defaults.iter().filter(given).collect();
        if defaults.is_empty() {
            defaults.extend(option.defaults.iter().find(|it| it.when.is_none()));
        }
        if defaults.is_empty() && option.effects.contains(&Effect::Elsewhere) {
            // Then it is as the program is configured.
            return vec![None];
        }
        let values = defaults.into_iter().map(|it| it.value.as_deref());
        values.map(|value| value.map(OsStr::new)).collect()
    }

    /// The operand at this place of `parts`, if it could be the value of what is before it.
    pub fn doubtful_at(&self, nth: usize) -> Option<&'a OsStr> {
        match self.parts.get(nth)?.kind {
            Kind::Operand {
                word,
                doubtful: true,
            } => Some(word),
            _ => None,
        }
    }

    /// Whether an option is there under this name, by whatever spelling.
    pub fn has(&self, name: &str) -> bool {
        self.flags().any(|flag| flag.is(name))
    }
}

impl Flag<'_> {
    /// Whether it is the option of this name, by whatever spelling.
    pub fn is(&self, name: &str) -> bool {
        let says_same = self
            .also
            .is_some_and(|flag| flag.split(' ').any(|known| known == name));
        says_same
            || match self.known {
                Known::As(option) => option.names.iter().any(|known| known == name),
                _ => &*self.written == name.as_bytes(),
            }
    }

    /// Whether it is `--no-NAME` of the option of this name.
    fn takes_back(&self, name: &str) -> bool {
        match self.known {
            Known::Not(option) => option.names.iter().any(|known| known == name),
            _ => false,
        }
    }

    /// Whether it could be the option of this name: it is, or it is not known.
    pub fn could_be(&self, name: &str) -> bool {
        // Cut short, perhaps, or with letters that nobody has told apart.
        let is_unknown = self.known == Known::Unknown && self.written.len() > 2;
        self.is(name) || is_unknown && name.as_bytes().starts_with(&self.written)
    }

    /// Whether it has this effect.
    pub fn has_effect(&self, effect: Effect) -> bool {
        match self.known {
            Known::As(option) => option.effects.contains(&effect),
            Known::Runs(option) => {
                let has = |option: &OptionModel| option.effects.contains(&effect);
                effect == Effect::Runs || option.is_some_and(has)
            }
            _ => false,
        }
    }
}

/// The values for an option that say the same as a flag, which has these spellings.
fn values_in(flag: &str) -> impl Iterator<Item = &OsStr> {
    let names = flag.split(' ');
    names.map(|name| OsStr::new(name.strip_prefix('-').unwrap_or(name)))
}
