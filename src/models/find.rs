//! Finding an option in a model, and in those around it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::model::{CommandModel, OptionModel, Style, Syntax, Takes};
use super::reading::Known;

/// The program's model, and those of the subcommands that were entered.
pub(super) struct CommandLevels<'a> {
    models: Vec<&'a CommandModel>,
    syntax: Syntax,
    /// A subcommand was entered that the model doesn't have.
    unknown: bool,
}

/// An option as it was found in a word.
#[derive(Clone, Copy)]
pub(super) struct Lookup<'a> {
    /// The word up to its value.
    pub(super) name: &'a [u8],
    pub(super) known: Known<'a>,
    pub(super) attached: Option<&'a OsStr>,
}

impl<'a> CommandLevels<'a> {
    pub(super) fn new(model: &'a CommandModel) -> Self {
        Self {
            models: vec![model],
            syntax: model.syntax,
            unknown: false,
        }
    }

    pub(super) fn syntax(&self) -> Syntax {
        self.syntax
    }

    pub(super) fn plus(&self) -> bool {
        self.syntax.plus == Some(true)
    }

    /// Whether the value of an option of one letter may be behind a `=`.
    pub(super) fn short_equals(&self) -> bool {
        self.syntax.short_equals == Some(true)
    }

    pub(super) fn is_top(&self) -> bool {
        self.models.len() == 1 && !self.unknown
    }

    /// The model in the end; `None` in a subcommand that the model doesn't have.
    pub(super) fn last(&self) -> Option<&'a CommandModel> {
        self.models.last().copied().filter(|_| !self.unknown)
    }

    /// The nearest model that says which files tell the command what to do.
    pub(super) fn obeying(&self) -> Option<&'a CommandModel> {
        let mut models = self.models.iter().rev().copied();
        models.find(|model| model.obeys.is_some())
    }

    pub(super) fn has_subcommands(&self) -> bool {
        self.last()
            .is_some_and(|model| !model.subcommands.is_empty())
    }

    /// Whether operands may stand where a subcommand may.
    pub(super) fn take_operands(&self) -> bool {
        self.last().is_some_and(|model| model.takes_operands)
    }

    /// Whether `NAME=value` words may come before a command.
    pub(super) fn take_assignments(&self) -> bool {
        let inner = self.last().into_iter().flat_map(|model| &model.inner);
        inner.into_iter().any(|inner| inner.assignments)
    }

    pub(super) fn subcommand(&self, word: &OsStr) -> Option<&'a CommandModel> {
        let model = self.last()?;
        let cut = || model.cut_short.then(|| cut_short(model, word)).flatten();
        model.subcommand(word).or_else(cut)
    }

    pub(super) fn enter(&mut self, model: &'a CommandModel) {
        self.syntax = model.syntax.within(self.syntax);
        self.models.push(model);
    }

    pub(super) fn enter_unknown(&mut self) {
        self.unknown = true;
    }

    /// Whether a command of its own follows `word`.
    pub(super) fn follows(&self, word: &[u8]) -> bool {
        let inner = self.last().into_iter().flat_map(|model| &model.inner);
        inner
            .flat_map(|inner| &inner.follows)
            .any(|known| known.as_bytes() == word)
    }

    /// Whether `word` ends a command that follows another word.
    pub(super) fn ends(&self, word: &[u8]) -> bool {
        let inner = self.last().into_iter().flat_map(|model| &model.inner);
        inner
            .flat_map(|inner| &inner.until)
            .any(|known| known.as_bytes() == word)
    }

    /// The models whose options may stand here.
    fn here(&self) -> impl Iterator<Item = &'a CommandModel> {
        let deepest = self.models.len() - usize::from(!self.unknown);
        // What a subcommand says of an option goes before what is said around it.
        let models = self.models.iter().enumerate().rev();
        models
            .filter(move |(level, model)| *level >= deepest || model.options_anywhere)
            .map(|(_, model)| *model)
    }

    /// Whether a lone dash is an option here, as it is an old spelling of `env -i`, and not a name of
    /// standard input.
    pub(super) fn take_a_dash(&self) -> bool {
        self.named(b"-").is_some()
    }

    pub(super) fn named(&self, name: &[u8]) -> Option<&'a OptionModel> {
        self.here().find_map(|model| model.option(name))
    }

    /// Whether any option of one letter has this sign. If none has, a word with it is one option, as the
    /// `+nightly` of cargo is.
    pub(super) fn has_letters(&self, sign: u8) -> bool {
        let mut names = self.models.iter().flat_map(|model| &model.options);
        names.any(|option| {
            let mut names = option.names.iter().map(String::as_bytes);
            names.any(|name| matches!(name, [first, _] if *first == sign))
        })
    }

    /// One letter of a cluster.
    pub(super) fn letter(&self, sign: u8, letter: u8) -> Known<'a> {
        self.named(&[sign, letter])
            .map_or(Known::Unknown, Known::As)
    }

    /// An operand that is an option by its first letters: `of=FILE`. make looks at none of the blanks before it.
    pub(super) fn keyword(&self, word: &'a [u8]) -> Option<Lookup<'a>> {
        let word = word.trim_ascii_start();
        let equals = word.iter().position(|&byte| byte == b'=')?;
        if word.starts_with(b"-") {
            return None;
        }
        let (name, value) = word.split_at_checked(equals + 1)?;
        Some(Lookup {
            name,
            known: Known::As(self.named(name)?),
            attached: Some(OsStr::from_bytes(value)),
        })
    }

    /// A whole word as an option, with `=value` or without.
    pub(super) fn word(&self, word: &'a [u8]) -> Lookup<'a> {
        if let Some(lookup) = self.punctuated(word) {
            return lookup;
        }
        let equals = word.iter().position(|&byte| byte == b'=');
        let (name, value) = match equals {
            Some(at) => (
                word.get(..at).unwrap_or_default(),
                word.get(at + 1..).map(OsStr::from_bytes),
            ),
            None => (word, None),
        };
        let known = match self.syntax.style.unwrap_or_default() {
            Style::Gnu => self.gnu(name),
            Style::Words => self.named(name),
            Style::Go => self.go(name),
        };
        // `-o=x` has the value `=x`, and `--flag=x` where there is no value is none of ours.
        let short = name.len() == 2 && self.syntax.style.unwrap_or_default() == Style::Gnu;
        let fits = |option: &&OptionModel| {
            value.is_none() || (!short && (option.takes != Takes::Nothing || is_truth(value)))
        };
        let known = match known.filter(fits) {
            Some(option) => Known::As(option),
            None => self.negated(name).map_or(Known::Unknown, Known::Not),
        };
        Lookup {
            name,
            known,
            attached: value,
        }
    }

    /// An option whose name ends in a comma, a colon or, if it is long enough to be no sign, a dash, and
    /// its value behind it: `-Wl,-z,now`, `-fdump-tree-all=FILE`.
    fn punctuated(&self, word: &'a [u8]) -> Option<Lookup<'a>> {
        let names = self.here().flat_map(CommandModel::dashed);
        let begins = names.filter(|name| word.starts_with(name.as_bytes()));
        let end = begins.map(String::len).max().or_else(|| {
            let end = word.iter().position(|byte| matches!(byte, b',' | b':'))?;
            Some(end + 1)
        })?;
        let (name, value) = word.split_at_checked(end)?;
        Some(Lookup {
            name,
            known: Known::As(self.named(name)?),
            attached: Some(OsStr::from_bytes(value)),
        })
    }

    fn gnu(&self, name: &[u8]) -> Option<&'a OptionModel> {
        let exact = self.named(name);
        let is_long = name.len() > 2 && name.starts_with(b"--");
        if exact.is_some() || self.syntax.abbreviations != Some(true) || !is_long {
            return exact;
        }
        let begins = |known: &String| known.as_bytes().starts_with(name);
        let options = self.here().flat_map(|model| &model.options);
        let mut found = options.filter(|option| option.names.iter().any(begins));
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    fn go(&self, name: &[u8]) -> Option<&'a OptionModel> {
        let exact = self.named(name);
        if exact.is_some() {
            return exact;
        }
        match name {
            [b'-', b'-', ..] => self.named(name.get(1..)?),
            _ => self.named(&[b"-", name].concat()),
        }
    }

    fn negated(&self, name: &[u8]) -> Option<&'a OptionModel> {
        if self.syntax.negations != Some(true) {
            return None;
        }
        let positive = [b"--", name.strip_prefix(b"--no-")?].concat();
        self.named(&positive)
    }
}

/// The only subcommand of which some name begins with `word`.
fn cut_short<'a>(model: &'a CommandModel, word: &OsStr) -> Option<&'a CommandModel> {
    let begins = |name: &String| name.as_bytes().starts_with(word.as_bytes());
    let all = model.subcommands.iter();
    let mut found = all.filter(|it| !word.is_empty() && it.names.iter().any(begins));
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// Whether a value is one that an option without a value may have: `--wait=false`.
fn is_truth(value: Option<&OsStr>) -> bool {
    value.is_some_and(|value| {
        matches!(
            value.as_bytes(),
            b"true" | b"false" | b"1" | b"0" | b"True" | b"False"
        )
    })
}
