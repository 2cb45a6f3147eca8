//! Every key of `codex-shell.toml`, in one table.

/// Which key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyName {
    /// `sandbox`.
    Sandbox,
    /// `network`.
    Network,
    /// `writable`.
    Writable,
    /// `unprotected`.
    Unprotected,
    /// `interceptor`.
    Interceptor,
    /// `shell`.
    Shell,
    /// `ask`.
    Ask,
    /// `timeout`.
    Timeout,
    /// `rules`.
    Rules,
    /// `lints`, a table of levels by lint.
    Lints,
    /// `profiles`, a table of tables by name.
    Profiles,
}

/// What a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Bool,
    /// An absolute path, or one below the home directory.
    Path,
    /// A list of such paths.
    Paths,
    /// A list of names among those that other programs obey.
    Names,
    /// `terminal`, `deny`, `allow` or `command:PROGRAM`.
    Ask,
    /// A time such as `30s`, `5m` or `1h`.
    Duration,
    /// A table from a lint's code or name to one of these words.
    Levels(&'static [&'static str]),
    /// A table from a profile's name to a table with some of [`PROFILE_KEYS`].
    Profiles,
}

/// What a trusted project's file may do with a key. It never loosens anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectUse {
    /// The stricter of its value and the user's counts.
    Tightens(&'static str),
    /// It may not set the key at all.
    Never(&'static str),
}

impl ProjectUse {
    /// The rule in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Tightens(words) | Self::Never(words) => words,
        }
    }
}

/// One key.
#[derive(Debug, Clone, Copy)]
pub struct SettingKey {
    /// Which.
    pub name: KeyName,
    /// As it is written.
    pub word: &'static str,
    /// What it takes.
    pub kind: KeyKind,
    /// What it means, in a sentence or two.
    pub meaning: &'static str,
    /// What a project's file may do with it.
    pub project: ProjectUse,
}

/// The words for a sandbox mode, from the strictest.
pub const MODES: &[&str] = &["read-only", "workspace-write", "danger-full-access"];
/// The words for an interceptor.
pub const INTERCEPTORS: &[&str] = &["auto", "kernel", "shell"];
/// The words for a lint's level.
pub const LEVELS: &[&str] = &["allow", "warn", "deny"];

/// Every key, in the order in which they are listed.
pub const KEYS: &[SettingKey] = &[
    SettingKey {
        name: KeyName::Sandbox,
        word: "sandbox",
        kind: KeyKind::Choice(MODES),
        meaning: "What the sandbox permits.",
        project: ProjectUse::Tightens("the stricter mode counts"),
    },
    SettingKey {
        name: KeyName::Network,
        word: "network",
        kind: KeyKind::Bool,
        meaning: "Whether the sandbox has a network.",
        project: ProjectUse::Tightens("it can only turn the network off"),
    },
    SettingKey {
        name: KeyName::Writable,
        word: "writable",
        kind: KeyKind::Paths,
        meaning: "More directories that workspace-write may write to.",
        project: ProjectUse::Tightens(
            "of the user's directories, only those that it also lists remain",
        ),
    },
    SettingKey {
        name: KeyName::Unprotected,
        word: "unprotected",
        kind: KeyKind::Names,
        meaning: "Names that may be written though other programs obey them, such as .vscode; \
                  codex-shell doctor --verbose lists those that are protected.",
        project: ProjectUse::Never("a project must not remove protection"),
    },
    SettingKey {
        name: KeyName::Interceptor,
        word: "interceptor",
        kind: KeyKind::Choice(INTERCEPTORS),
        meaning: "How execs are intercepted: by the kernel, by a patched shell, or by the \
                  kernel where that is possible.",
        project: ProjectUse::Tightens("it can only ask for the kernel"),
    },
    SettingKey {
        name: KeyName::Shell,
        word: "shell",
        kind: KeyKind::Path,
        meaning: "The shell for scripts.",
        project: ProjectUse::Never("a project must not choose the program that reads the scripts"),
    },
    SettingKey {
        name: KeyName::Ask,
        word: "ask",
        kind: KeyKind::Ask,
        meaning: "Who is asked: a person on the terminal, nobody (deny, allow), or a program.",
        project: ProjectUse::Tightens("it can only say deny, or turn allow into terminal"),
    },
    SettingKey {
        name: KeyName::Timeout,
        word: "timeout",
        kind: KeyKind::Duration,
        meaning: "When a command is ended; time spent on questions doesn't count.",
        project: ProjectUse::Tightens("the shorter time counts"),
    },
    SettingKey {
        name: KeyName::Rules,
        word: "rules",
        kind: KeyKind::Paths,
        meaning: "More rules files, or directories of them.",
        project: ProjectUse::Never("a project's rules go to its .codex/rules"),
    },
    SettingKey {
        name: KeyName::Lints,
        word: "lints",
        kind: KeyKind::Levels(LEVELS),
        meaning: "The level of each lint of rules check, by its code or name.",
        project: ProjectUse::Tightens("the stricter level counts"),
    },
    SettingKey {
        name: KeyName::Profiles,
        word: "profiles",
        kind: KeyKind::Profiles,
        meaning: "Sandboxes by name, for rules that say where a program runs.",
        project: ProjectUse::Tightens("of a profile that the user has, the stricter values count"),
    },
];

/// The keys of one profile.
pub const PROFILE_KEYS: &[SettingKey] = &[
    SettingKey {
        name: KeyName::Sandbox,
        word: "mode",
        kind: KeyKind::Choice(MODES),
        meaning: "What the sandbox permits.",
        project: ProjectUse::Tightens("the stricter mode counts"),
    },
    SettingKey {
        name: KeyName::Network,
        word: "network",
        kind: KeyKind::Bool,
        meaning: "Whether it has a network.",
        project: ProjectUse::Tightens("it can only turn the network off"),
    },
    SettingKey {
        name: KeyName::Writable,
        word: "writable",
        kind: KeyKind::Paths,
        meaning: "More directories that workspace-write may write to.",
        project: ProjectUse::Tightens(
            "of the user's directories, only those that it also lists remain",
        ),
    },
];

/// The key of `table` that is written `word`.
pub(super) fn find(table: &'static [SettingKey], word: &str) -> Option<&'static SettingKey> {
    table.iter().find(|key| key.word == word)
}
