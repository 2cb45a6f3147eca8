//! What the command line sets.

use std::path::PathBuf;
use std::time::Duration;

use crate::confine::Mode;

use super::settings::{Settings, Sourced};
use super::values::{Ask, Interceptor};

/// The settings among the flags; what is `None` or empty was not given.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--sandbox`.
    pub sandbox: Option<Mode>,
    /// `--network`.
    pub network: Option<bool>,
    /// `--writable`, beside the directories that files name. From the working directory on.
    pub writable: Vec<PathBuf>,
    /// `--interceptor`.
    pub interceptor: Option<Interceptor>,
    /// `--shell`.
    pub shell: Option<PathBuf>,
    /// `--ask`.
    pub ask: Option<Ask>,
    /// `--timeout`.
    pub timeout: Option<Duration>,
}

impl Settings {
    /// Whoever types the command has the last word.
    pub(super) fn apply(&mut self, flags: &Flags) {
        if let Some(mode) = flags.sandbox {
            self.sandbox = Sourced::flag(mode, "--sandbox");
        }
        if let Some(on) = flags.network {
            self.network = Sourced::flag(on, "--network");
        }
        if !flags.writable.is_empty() {
            let mut paths = std::mem::take(&mut self.writable.value);
            paths.extend_from_slice(&flags.writable);
            self.writable = Sourced::flag(paths, "--writable");
        }
        if let Some(interceptor) = flags.interceptor {
            self.interceptor = Sourced::flag(interceptor, "--interceptor");
        }
        if let Some(shell) = &flags.shell {
            self.shell = Sourced::flag(shell.clone(), "--shell");
        }
        if let Some(ask) = &flags.ask {
            self.ask = Sourced::flag(ask.clone(), "--ask");
        }
        if let Some(time) = flags.timeout {
            self.timeout = Sourced::flag(Some(time), "--timeout");
        }
    }
}
