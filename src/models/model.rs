//! What is known of a program's command line, as plain data.
//!
//! Written in Starlark by `program(...)`; see `src/models/builtin/` for the language by example.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

pub use super::default_value::DefaultValue;
use super::default_value::is_default;
pub use super::inner_model::{Form, InnerModel};

/// A program, or one of its subcommands: `git`, `remote` in it, `add` in that.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a word of the language"
)]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandModel {
    /// Every name that it goes by; the first is shown.
    pub names: Vec<String>,
    /// The options it knows, before its subcommand if it has those.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<OptionModel>,
    /// How its words are told apart; what it doesn't say is as in the command around it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub syntax: Syntax,
    /// Its options are options of its subcommands too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub options_anywhere: bool,
    /// What the first operand may be. Where there are none, it has no subcommands at all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subcommands: Vec<CommandModel>,
    /// Where commands of their own begin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inner: Vec<InnerModel>,
    /// Words that make an option say something else than its value, or nothing, by a name of the option; `*`:
    /// any. Options, and forms of subcommands, operands and values as in `form.rs`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub overrides: BTreeMap<String, Vec<String>>,
    /// Options behind which those before them count no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resets: Vec<String>,
    /// Operands may stand where a subcommand may, so a word that is none is not unknown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub takes_operands: bool,
    /// Operands that name files it writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writes_operands: Option<Which>,
    /// Files of the directory that it is started in, or of one above, that say which programs it starts or
    /// where it sends what; `None`: those of the command around it. `.git`: the repository there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obeys: Option<Vec<String>>,
    /// With one of these options it obeys none of them; `None`: those that ask for help or the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obeys_unless: Option<Vec<String>>,
    /// If it is given a file of commands, they lie beside that one instead.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub obeys_beside: bool,
    /// Forms of options' values (`-S=*`), and of statements in a language of its own among its words
    /// (`source *`), in which the star stands for a file whose commands it does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<String>,
    /// Operands say what to do, as make's targets do, and are its subcommands in all but that nobody can
    /// list them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tasks: bool,
    /// Words behind it that say the same without it, each perhaps by another name behind a space.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub short: Vec<String>,
    /// Its subcommands may be cut short as long as they are unique.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut_short: bool,
    /// Operands are written only with one of these options.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes_when: Vec<String>,
    /// With one of these options, no operand is written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes_unless: Vec<String>,
    /// Subcommands and operands of these forms set the system's state; see `form.rs`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// Subcommands and operands of these forms choose another server, account or configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<String>,
    /// Of the operands these alone do; `None`: each that is of such a form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elsewhere_operands: Option<Which>,
    /// A word that ends with one of these ends the command; another of the same program follows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chains: Vec<String>,
    /// Variables that say what it acts on: which repository, cluster, account, database. A `*` at the end
    /// of a name stands for any more of it. Those of a program go for its subcommands too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<String>,
    /// Variables with which it takes no command from its input or the terminal: `NAME=value` each, and
    /// `!NAME` for one that must not be set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secured_by: Vec<String>,
    /// Called by another name, as by a link, it does what the program of that name does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub acts_as_called: bool,
    /// What it starts has the variables that it has itself, but for what its words say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keeps_variables: bool,
    /// No exec shows here what it starts, or a subcommand does: that is on another machine, in a container,
    /// left to a service, in its own process, or takes rights that a sandbox has not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unseen: bool,
    /// What it starts, or a subcommand does, is in a directory of its own, which isn't its caller's unless the
    /// words say so: on another machine, in a container, in the home of another user.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub away: bool,
    /// What follows from the rest.
    #[serde(skip)]
    pub derived: Derived,
}

impl CommandModel {
    /// Whether some words would have it, or a subcommand, start another program or interpret a text.
    pub fn may_start_another(&self) -> bool {
        let starts = |effect: &Effect| Effect::STARTING.contains(effect);
        let mut effects = self.options.iter().flat_map(|option| &option.effects);
        let mut inner = self.inner.iter();
        effects.any(starts)
            || !self.chains.is_empty()
            || inner.any(|inner| inner.form != Form::Keys)
            || self.subcommands.iter().any(Self::may_start_another)
    }

    /// Whether its subcommands lie within one another more than `levels` deep.
    pub fn is_deeper_than(&self, levels: usize) -> bool {
        let mut within = self.subcommands.iter();
        within.any(|one| match levels.checked_sub(1) {
            Some(levels) => one.is_deeper_than(levels),
            None => true,
        })
    }

    /// Whether it reads scripts as a shell does: from a word, a file or its input.
    pub fn is_shell(&self) -> bool {
        let of = |form: Form| {
            let inner = self.inner.iter();
            inner.filter(move |it| it.form == form && it.after == 0 && it.behind.is_empty())
        };
        let has_script = |name: &String| {
            let scripts = |option: &&OptionModel| option.effects.contains(&Effect::Script);
            let mut options = self.options.iter().filter(scripts);
            options.any(|option| option.names.contains(name))
        };
        // The option has a script in the place of the file.
        let by_option = |inner: &InnerModel| inner.unless.iter().any(has_script);
        of(Form::Input).next().is_some()
            && of(Form::File).any(|file| by_option(file) || of(Form::Script).next().is_some())
    }

    /// Whether its first operand is a file that it runs, as those of interpreters are.
    pub fn runs_files(&self) -> bool {
        let mut inner = self.inner.iter();
        inner.any(|inner| inner.form == Form::File && inner.after == 0 && inner.follows.is_empty())
    }

    /// Whether what it takes from its input, if it takes commands from there, is a shell's script.
    pub fn hands_input_to_shell(&self) -> bool {
        self.is_shell() || (self.runs_commands() && !self.runs_files())
    }

    /// Whether the variable `name` says what the program acts on.
    pub fn acts_by(&self, name: &OsStr) -> bool {
        let name = name.as_bytes();
        self.variables
            .iter()
            .any(|listed| match listed.strip_suffix('*') {
                Some(start) => name.starts_with(start.as_bytes()),
                None => name == listed.as_bytes(),
            })
    }
}

/// One option, under every spelling.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptionModel {
    /// With their dashes; `of=` for an operand that is an option by its first letters.
    pub names: Vec<String>,
    /// Whether a value follows.
    #[serde(default, skip_serializing_if = "is_default")]
    pub takes: Takes,
    /// What it does that a rule which permits must name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effect>,
    /// Its value may be said as `KEY=value` among others, between commas: this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_key: Option<String>,
    /// Flags that say the same as it does with a value: each with all its spellings, of which any without its
    /// dash may be the value. `-9 -KILL` for `-s 9` and `-s KILL`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_flags: Vec<String>,
    /// The values that it has where it isn't there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defaults: Vec<DefaultValue>,
}

impl OptionModel {
    /// The spellings of the flag that says the same as this option does with `value`, if there is one.
    pub fn flag_of(&self, value: &OsStr) -> Option<&str> {
        let value = value.as_bytes();
        let is_it = |name: &str| {
            let name = name.strip_prefix('-').unwrap_or(name);
            name.as_bytes().eq_ignore_ascii_case(value)
        };
        let mut flags = self.by_flags.iter();
        let found = flags.find(|flag| flag.split(' ').any(is_it));
        found.map(String::as_str)
    }
}

/// Whether an option has a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Takes {
    /// It has none.
    #[default]
    Nothing,
    /// One, attached or as the next word.
    Value,
    /// One, if attached.
    Attached,
    /// One, if attached or if the next word is a number.
    Number,
}

/// What is special about an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It makes the program start another, which can't be told from the words.
    Runs,
    /// Its value is a command line for a shell, or is split as one.
    Script,
    /// Its value is split into words, to which the operands are added: a command.
    Splits,
    /// Its value is a command, its words separated by commas.
    Commas,
    /// Its value names a file that is written.
    Writes,
    /// It discards or overwrites what may exist nowhere else.
    Destroys,
    /// It sets the system's state.
    Changes,
    /// It chooses another server, account or configuration than the program has by itself.
    Elsewhere,
    /// Its value is the directory of what it starts.
    Directory,
    /// Its value names a variable that what it starts has not.
    Unsets,
    /// What it starts has no variable but those that the words set.
    Clears,
}

impl Effect {
    /// Those by which an option makes the program start another, or load something.
    pub const STARTING: [Self; 4] = [Self::Runs, Self::Script, Self::Splits, Self::Commas];
    /// The same, or write a file.
    pub const STARTING_OR_WRITING: [Self; 5] = [
        Self::Runs,
        Self::Script,
        Self::Splits,
        Self::Commas,
        Self::Writes,
    ];
}

/// How a command's words are told apart. `None`: as in the command around it; at the top, no.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Syntax {
    /// What a single dash begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<Style>,
    /// Long options may be cut short as long as they are unique.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abbreviations: Option<bool>,
    /// `--no-NAME` is an option for each `--NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub negations: Option<bool>,
    /// The first operand ends the options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub posix: Option<bool>,
    /// With `posix`: so many operands don't end the options yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leading: Option<usize>,
    /// `-20` is an option.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digits: Option<bool>,
    /// Words with a plus sign, such as `+e`, are options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plus: Option<bool>,
    /// `-n=x` has the value `x`, as `--name=x` has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short_equals: Option<bool>,
    /// `@FILE` stands for what the file holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<bool>,
    /// The first word is a cluster of options without a dash, as in `tar xzf`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<bool>,
}

impl Syntax {
    /// This, with what it leaves open taken from `around`.
    #[must_use]
    pub fn within(self, around: Self) -> Self {
        Self {
            style: self.style.or(around.style),
            abbreviations: self.abbreviations.or(around.abbreviations),
            negations: self.negations.or(around.negations),
            posix: self.posix.or(around.posix),
            digits: self.digits.or(around.digits),
            plus: self.plus.or(around.plus),
            response: self.response.or(around.response),
            short_equals: self.short_equals.or(around.short_equals),
            leading: self.leading,
            bundle: self.bundle,
        }
    }
}

/// What words with dashes are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// `-rf` is two options, `-ofile` may be one with its value, `--name` is one.
    #[default]
    Gnu,
    /// `-name` is one option; so is `--name`, another one.
    Words,
    /// `-name` is one option, `--name` the same one, and both may have `=value`.
    Go,
}

/// Some of the operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Which {
    /// Each.
    All,
    /// The first.
    First,
    /// Each but the first: `git config NAME VALUE`.
    Rest,
    /// The last, if it is not the only one.
    Last,
    /// Each that begins with no dash: the others are options of a program that they are handed to.
    Files,
}

/// What follows from the rest of a model, once somebody has asked. It makes no difference between two.
#[derive(Debug, Clone, Default)]
pub struct Derived {
    /// See [`CommandModel::runs_commands`].
    pub(super) runs_commands: OnceLock<bool>,
    /// See [`CommandModel::reads_commands`].
    pub(super) reads_commands: OnceLock<bool>,
    /// See [`CommandModel::has_short_forms`].
    pub(super) short_forms: OnceLock<bool>,
    /// The options by their names.
    pub(super) options: OnceLock<HashMap<String, usize>>,
    /// The subcommands by theirs.
    pub(super) subcommands: OnceLock<HashMap<String, usize>>,
    /// See [`CommandModel::dashed`].
    pub(super) dashed: OnceLock<Vec<String>>,
}

impl PartialEq for Derived {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Derived {}
