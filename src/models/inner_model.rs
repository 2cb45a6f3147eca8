//! Where commands stand within a command, as plain data.

use serde::{Deserialize, Serialize};

use super::default_value::is_default;

/// Where a command of its own begins among a command's words, and what form it has.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a word of the language"
)]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InnerModel {
    /// What stands there.
    pub form: Form,
    /// How many operands come before it.
    #[serde(skip_serializing_if = "is_default")]
    pub after: usize,
    /// The operand there must be one of these, and the command is behind it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<String>,
    /// Only with one of these options.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<String>,
    /// Only without each of these options.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unless: Vec<String>,
    /// Each operand of one of these forms, see `form.rs`, behind the first `after` is one. With `follows`, the
    /// next word must be of one of them; with the form `script`, what the first `*` of a form stands for, in any case
    /// of letters, is the script; with `appends`, the words that are added come from the files that these
    /// options and marks name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<String>,
    /// The value of one of these options is the program, and its arguments begin here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub program: Vec<String>,
    /// With `appends`: what the words that are added take the place of, where it stands in others; of `-o`, its value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<String>,
    /// The value of one of these options is a name by which the program is called.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub called: Vec<String>,
    /// With `of`: values of options count as well, and those of subcommands.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub anywhere: bool,
    /// It follows each of these words, and nothing else here applies but `until`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub follows: Vec<String>,
    /// It ends before one of these words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub until: Vec<String>,
    /// `NAME=value` words may come before it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub assignments: bool,
    /// Words that can't be known are put behind it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub appends: bool,
    /// If there is a `--`, the command begins behind that.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dashes: bool,
}

/// The form of an inner command.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// A program and its arguments, as words.
    #[default]
    Words,
    /// Words that are joined with spaces and given to a shell.
    Line,
    /// One word, given to a shell.
    Script,
    /// One word that names a file of commands.
    File,
    /// One word that is a program in a language of its own.
    Code,
    /// No word: where there is none, commands come from standard input.
    Input,
    /// No word: commands come as keys, from standard input or the terminal, whatever the words are.
    Keys,
}
