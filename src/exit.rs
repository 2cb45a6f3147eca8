//! Every exit status that codex-shell itself returns.

use std::process::ExitCode;

/// An exit status, and what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done; with `--exit-code`, the command is allowed.
    Success,
    /// 1: findings (`rules check`), refused (an intercepted program), or rules that don't load
    /// (`execpolicy check`).
    Failure,
    /// 2: the command line is wrong.
    Usage,
    /// 10: `rules explain --exit-code`, and a person would be asked.
    Prompt,
    /// 11: `rules explain --exit-code`, and the command is forbidden.
    Forbidden,
    /// 124: `run --timeout` ended the command.
    TimedOut,
    /// 125: codex-shell itself failed; nothing was started, served or explained.
    Internal,
    /// 126: the command was found but can't be executed.
    NotExecutable,
    /// 127: the command was not found.
    NotFound,
    /// The status of the command that was run; 128+n if signal n ended it.
    Command(u8),
    /// 128+n: signal n told codex-shell itself to end the command.
    ToldToEnd(u8),
}

impl Exit {
    /// The number the caller sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::Prompt => 10,
            Self::Forbidden => 11,
            Self::TimedOut => 124,
            Self::Internal => 125,
            Self::NotExecutable => 126,
            Self::NotFound => 127,
            Self::Command(status) => status,
            Self::ToldToEnd(signal) => signal.saturating_add(128),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
