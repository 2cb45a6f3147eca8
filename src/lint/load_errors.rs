//! The pages of the loader's codes: what keeps a rules file from loading.

use super::define::page_text;
use super::finding::Level;

/// What is to be known of one code of the loader.
#[derive(Debug)]
pub struct LoadError {
    /// The stable code, such as `E0101`.
    pub code: &'static str,
    /// The name.
    pub name: &'static str,
    page: &'static str,
}

impl LoadError {
    /// How bad it is, in a word.
    pub fn level_name(&self) -> &'static str {
        if self.code.starts_with('W') {
            Level::Warning.name()
        } else {
            Level::Error.name()
        }
    }

    /// The page in the manual, as Markdown.
    pub fn page(&self) -> String {
        page_text(self.code, self.name, self.level_name(), self.page)
    }
}

macro_rules! load_errors {
    ($($(#[doc = $line:literal])+ $code:literal, $name:literal;)+) => {
        /// Every code of the loader.
        pub const LOAD_ERRORS: &[LoadError] = &[
            $(LoadError { code: $code, name: $name, page: concat!($($line, "\n",)+) },)+
        ];
    };
}

load_errors! {
    /// The file can't be opened or read, or a directory can't be listed. Check the path and its
    /// permissions.
    "E0001", "unreadable";

    /// The file, or all files together, are larger than rules files may be. Split the file, or
    /// load fewer files.
    "E0002", "too-large";

    /// The file is not UTF-8 text. The message gives the offset of the first bad byte. Save the
    /// file as UTF-8.
    "E0003", "not-utf8";

    /// Something in a rules directory is named `*.rules` but is not a file, and was skipped.
    /// Rename it, or move it elsewhere.
    "W0004", "not-a-file";

    /// The text is not Starlark. The position is where the parser gave up; the mistake, such as
    /// an unclosed bracket or a missing comma, may be on the line before.
    ///
    /// ## Example
    ///
    /// ```python
    /// prefix_rule(pattern = ["git", "push"]
    ///     decision = "prompt")
    /// ```
    ///
    /// ```python
    /// prefix_rule(pattern = ["git", "push"],
    ///     decision = "prompt")
    /// ```
    "E0101", "syntax";

    /// Nothing in this file defines this name. Files don't share names, and `load()` can't
    /// import any.
    "E0102", "unknown-name";

    /// Evaluating the file failed: an operation on values that don't fit, a call of `fail()`,
    /// an index out of range.
    "E0103", "evaluation";

    /// The file takes more steps, memory, time or nesting than rules ever need, usually because
    /// of a loop that runs too long.
    "E0104", "limit";

    /// The process that evaluates rules files could not be started, or ended without an answer.
    /// That is not the file's fault unless it happens again with this file alone.
    "E0105", "loader";

    /// An argument is missing, unknown, given twice, or of the wrong type. The arguments of
    /// `prefix_rule` are `pattern`, `decision`, `match`, `not_match` and `justification`.
    ///
    /// ## Example
    ///
    /// ```python
    /// prefix_rule(pattern = "git push")
    /// ```
    ///
    /// ```python
    /// prefix_rule(pattern = ["git", "push"])
    /// ```
    "E0201", "argument";

    /// There is no such decision. It is `"allow"`, `"prompt"` or `"forbidden"`, in lower case. A
    /// `network_rule` takes `"deny"` for `"forbidden"` as well.
    "E0202", "decision";

    /// The justification is blank. Say why, or leave the argument out.
    "E0203", "justification";

    /// The pattern can't match anything: it is empty, a list of alternatives in it is empty, or
    /// an element is neither a string nor a list of strings.
    ///
    /// ## Example
    ///
    /// ```python
    /// prefix_rule(pattern = ["git", []])
    /// ```
    ///
    /// ```python
    /// prefix_rule(pattern = ["git", ["push", "fetch"]])
    /// ```
    "E0204", "pattern";

    /// An example is not a command: it is empty, or a quote in it is never closed. Write it as a
    /// string that a shell would split into words, or as a list of words.
    "E0205", "example";

    /// A `host_executable` has an invalid name or path. The name is bare, without a slash; the
    /// paths are absolute, and each ends in the name.
    ///
    /// ## Example
    ///
    /// ```python
    /// host_executable(name = "git", paths = ["/usr/bin/git-2.50"])
    /// ```
    ///
    /// ```python
    /// host_executable(name = "git", paths = ["/usr/bin/git"])
    /// ```
    "E0206", "host-executable";

    /// A `network_rule` has an invalid host or protocol. The host is one name or address,
    /// without a scheme, a path or a wildcard; the protocol is `"http"`, `"https"`,
    /// `"socks5_tcp"` or `"socks5_udp"`.
    "E0207", "network-rule";

    /// A condition of a `command_rule` is invalid: a pattern, a flag, a place to run, or what
    /// `unless` and `env` take. The message says which one, and what it takes.
    ///
    /// ## Example
    ///
    /// ```python
    /// command_rule(program = "git", subcommand = ["push"], flags = ["--force", "-f"])
    /// ```
    ///
    /// Say whether one of them is enough:
    ///
    /// ```python
    /// command_rule(program = "git", subcommand = ["push"], flags = any_of("--force", "-f"))
    /// ```
    "E0208", "condition";

    /// A `match` example is not matched by its own rule. Patterns are positional: each word of
    /// the pattern must stand in its place, counted from the program.
    ///
    /// ## Example
    ///
    /// ```python
    /// prefix_rule(pattern = ["git", "push", "--force"], match = ["git push origin --force"])
    /// ```
    ///
    /// ```python
    /// prefix_rule(pattern = ["git", "push", "--force"], match = ["git push --force origin"])
    /// ```
    "E0301", "match-fails";

    /// A `not_match` example is matched by its own rule, which is wider than its author meant.
    ///
    /// ## Example
    ///
    /// ```python
    /// prefix_rule(pattern = ["git"], not_match = ["git push"])
    /// ```
    ///
    /// ```python
    /// prefix_rule(pattern = ["git", "status"], not_match = ["git push"])
    /// ```
    "E0302", "not-match-fails";
}
