//! The values that keys and flags take.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What brings exec requests to the supervisor. Ordered: the strictest is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interceptor {
    /// A patched shell: it sees what that shell starts.
    Shell,
    /// The kernel where that is possible.
    Auto,
    /// The kernel: it sees every descendant.
    Kernel,
}

impl Interceptor {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::Auto => "auto",
            Self::Kernel => "kernel",
        }
    }

    /// The one that is written `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Shell, Self::Auto, Self::Kernel]
            .into_iter()
            .find(|known| known.as_str() == name)
    }
}

/// Who is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// A person, on the terminal.
    Terminal,
    /// Nobody: the answer is no.
    Deny,
    /// Nobody: the answer is yes.
    Allow,
    /// This program.
    Program(PathBuf),
}

impl Ask {
    /// Those that are written as one word.
    const PLAIN: [Self; 3] = [Self::Terminal, Self::Deny, Self::Allow];

    /// The one that is written `text`; says what is expected instead.
    pub fn from_text(text: &str) -> Result<Self, String> {
        let program = text.strip_prefix("command:").filter(|it| !it.is_empty());
        let mut plain = Self::PLAIN.into_iter();
        plain
            .find(|ask| ask.to_string() == text)
            .or_else(|| program.map(|path| Self::Program(path.into())))
            .ok_or_else(|| format!("expected {} or command:PROGRAM", Self::words(", ")))
    }

    /// A regular expression for what is written.
    pub(super) fn pattern() -> String {
        format!("^({}|command:.+)$", Self::words("|"))
    }

    fn words(between: &str) -> String {
        Self::PLAIN.map(|ask| ask.to_string()).join(between)
    }

    /// Whether a project's settings may choose this in place of `other`.
    pub(super) fn tightens(&self, other: &Self) -> bool {
        match self {
            Self::Deny => *other != Self::Deny,
            Self::Terminal => *other == Self::Allow,
            Self::Allow | Self::Program(_) => false,
        }
    }

    /// The program, if one is asked.
    pub fn program(&self) -> Option<&Path> {
        match self {
            Self::Program(path) => Some(path),
            Self::Terminal | Self::Deny | Self::Allow => None,
        }
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Terminal => out.write_str("terminal"),
            Self::Deny => out.write_str("deny"),
            Self::Allow => out.write_str("allow"),
            Self::Program(path) => write!(out, "command:{}", path.display()),
        }
    }
}

/// The level of a lint. Ordered: the strictest is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LintLevel {
    /// Off.
    Allow,
    /// A warning.
    Warn,
    /// An error.
    Deny,
}

impl LintLevel {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }

    /// The one that is written `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Allow, Self::Warn, Self::Deny]
            .into_iter()
            .find(|known| known.as_str() == name)
    }
}

/// `90`, `1.5s`, `500ms`, `5m`, `1h`; says what is expected instead.
pub fn duration(text: &str) -> Result<Duration, String> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number = text.strip_suffix(unit).unwrap_or(text);
    let seconds = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err("expected a number with ms, s, m or h".into()),
    };
    let number: f64 = number
        .parse()
        .map_err(|_| "expected a number with ms, s, m or h")?;
    Duration::try_from_secs_f64(number * seconds)
        .ok()
        .filter(|d| !d.is_zero())
        .ok_or_else(|| "out of range".into())
}

/// A time as [`duration`] reads it: whole seconds if it can be said so.
pub(super) fn duration_text(time: Duration) -> String {
    if time.subsec_nanos() == 0 {
        format!("{}s", time.as_secs())
    } else {
        format!("{}s", time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_mins(2)));
        assert_eq!(duration("1h"), Ok(Duration::from_hours(1)));
        for wrong in ["", "s", "0", "-1s", "1d", "1e30h", "nan", "inf"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        for text in ["90s", "1.5s", "0.001s"] {
            assert_eq!(duration_text(duration(text).unwrap()), text);
        }
    }

    #[test]
    fn who_is_asked() {
        assert_eq!(
            Ask::from_text("command:/bin/x"),
            Ok(Ask::Program("/bin/x".into()))
        );
        assert!(Ask::from_text("command:").is_err() && Ask::from_text("nobody").is_err());
        for text in ["terminal", "deny", "allow", "command:/bin/x"] {
            assert_eq!(Ask::from_text(text).unwrap().to_string(), text);
        }
    }
}
