//! The settings that count, each with where it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::confine::Mode;
use crate::request::argv;

use super::values::{Ask, Interceptor, LintLevel};

/// The shell for scripts, unless another is set.
pub const SHELL: &str = "/bin/bash";

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nobody said anything.
    Default,
    /// A file's line, from 1.
    File(PathBuf, u32),
    /// A flag, as it is typed.
    Flag(&'static str),
}

impl Source {
    /// The file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path, _) => Some(path),
            Self::Default | Self::Flag(_) => None,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str("default"),
            Self::File(path, line) => {
                write!(out, "{}:{line}", argv::visible(&path.display().to_string()))
            }
            Self::Flag(flag) => out.write_str(flag),
        }
    }
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub source: Source,
}

impl<T> Sourced<T> {
    pub(super) fn default(value: T) -> Self {
        Self {
            value,
            source: Source::Default,
        }
    }

    pub(super) fn flag(value: T, flag: &'static str) -> Self {
        Self {
            value,
            source: Source::Flag(flag),
        }
    }
}

/// A sandbox that rules name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileSettings {
    /// What it permits.
    pub mode: Sourced<Mode>,
    /// Whether it has a network.
    pub network: Sourced<bool>,
    /// More directories that may be written: absolute.
    pub writable: Sourced<Vec<PathBuf>>,
}

impl Default for ProfileSettings {
    fn default() -> Self {
        Self {
            mode: Sourced::default(Mode::WorkspaceWrite),
            network: Sourced::default(false),
            writable: Sourced::default(Vec::new()),
        }
    }
}

/// Everything that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What the sandbox permits.
    pub sandbox: Sourced<Mode>,
    /// Whether the sandbox has a network.
    pub network: Sourced<bool>,
    /// More directories that workspace-write may write to. From a file, absolute.
    pub writable: Sourced<Vec<PathBuf>>,
    /// Names that may be written though other programs obey them.
    pub unprotected: Sourced<Vec<String>>,
    /// What brings exec requests to the supervisor.
    pub interceptor: Sourced<Interceptor>,
    /// The shell for scripts.
    pub shell: Sourced<PathBuf>,
    /// Who is asked.
    pub ask: Sourced<Ask>,
    /// When a command is ended.
    pub timeout: Sourced<Option<Duration>>,
    /// More rules files, or directories of them: absolute.
    pub rules: Sourced<Vec<PathBuf>>,
    /// The lints whose level is set, by code.
    pub lints: BTreeMap<String, Sourced<LintLevel>>,
    /// Sandboxes by name.
    pub profiles: BTreeMap<String, Sourced<ProfileSettings>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sandbox: Sourced::default(Mode::WorkspaceWrite),
            network: Sourced::default(false),
            writable: Sourced::default(Vec::new()),
            unprotected: Sourced::default(Vec::new()),
            interceptor: Sourced::default(Interceptor::Auto),
            shell: Sourced::default(PathBuf::from(SHELL)),
            ask: Sourced::default(Ask::Terminal),
            timeout: Sourced::default(None),
            rules: Sourced::default(Vec::new()),
            lints: BTreeMap::new(),
            profiles: BTreeMap::new(),
        }
    }
}
