//! H007.

use std::collections::HashMap;

use super::command::Command;
use super::define::heuristic;
use super::script::Simple;
use super::shell::{self, SHELLS};
use crate::script::Stage;

heuristic! {
    /// What the network sends, run as a program: `curl … | sh` and its like, in a script
    /// that a command gives to a shell. What `run -c` and the tool `shell` are given is not looked at
    /// as a whole: there, each program is judged as it starts.
    ///
    /// ## Why it is dangerous
    ///
    /// Whoever answers decides what runs, and may answer differently the second time. A connection
    /// that breaks off runs half of it.
    ///
    /// ## Example
    ///
    /// ```sh
    /// curl -fsSL https://example.com/install.sh | sh
    /// bash <(wget -qO- https://example.com/x)
    /// ```
    ///
    /// ## Instead
    ///
    /// Fetch it, read it, then run the file:
    ///
    /// ```sh
    /// curl -fsSLo install.sh https://example.com/install.sh
    /// sh install.sh
    /// ```
    NETWORK_TO_SHELL, "H007", "network-to-shell",
    "this runs what the network sends, unseen",
    Some(substitutes_download)
}

const DOWNLOADERS: [&str; 7] = ["curl", "wget", "fetch", "aria2c", "http", "https", "xh"];

/// What runs its standard input when it is given nothing else to run.
const INTERPRETERS: [&str; 6] = ["python", "python3", "perl", "ruby", "node", "php"];

/// Whether `command` fetches something.
pub(super) fn downloads(command: &Command<'_>) -> bool {
    command.is_any(&DOWNLOADERS)
}

/// Whether `command` runs what comes on its standard input.
pub(super) fn interprets(command: &Command<'_>) -> bool {
    let bare = || command.arguments.is_empty() || command.arguments.contains(&&b"-"[..]);
    (command.is_any(&SHELLS) && shell::script(command).is_none())
        || command.is_any(&["source", "."])
        || (command.is_any(&INTERPRETERS) && bare())
}

/// Whether what an interpreter is to run is the output of a download: `sh <(curl …)`.
///
/// The script of `sh -c` is not looked at here: it has commands of its own.
fn substitutes_download(command: &Command<'_>) -> bool {
    let reads_arguments = (command.is_any(&SHELLS) && shell::script(command).is_none())
        || command.is_any(&["source", "."])
        || command.is_any(&INTERPRETERS);
    reads_arguments
        && command
            .arguments
            .iter()
            .any(|argument| (0..argument.len()).any(|at| is_download(argument.get(at..))))
}

/// Whether a substitution begins `text`, as the shell reads it, with a downloader in it. As the
/// program of a command, that is running what was downloaded.
pub(super) fn is_download(text: Option<&[u8]>) -> bool {
    let Some([b'$' | b'<', b'(', inside @ ..] | [b'`', inside @ ..]) = text else {
        return false;
    };
    let inside = inside.trim_ascii_start();
    DOWNLOADERS.iter().any(|name| {
        inside
            .strip_prefix(name.as_bytes())
            .is_some_and(|after| !after.first().is_some_and(u8::is_ascii_alphanumeric))
    })
}

/// Follows the pipelines of one script.
#[derive(Debug, Default)]
pub(super) struct Pipelines {
    /// Per pipeline, the first part of it that downloads.
    downloads: HashMap<u32, u32>,
}

impl Pipelines {
    /// Notes the next simple command and what it comes down to, and says whether a download
    /// flows into it.
    pub(super) fn flows_into(
        &mut self,
        simple: &Simple,
        downloads: bool,
        interprets: bool,
    ) -> bool {
        let earlier = |stage: &Stage| {
            let first = self.downloads.get(&stage.pipeline);
            first.is_some_and(|&first| first < stage.stage)
        };
        let danger = interprets && simple.stages.iter().any(earlier);
        if downloads {
            for stage in &simple.stages {
                self.downloads.entry(stage.pipeline).or_insert(stage.stage);
            }
        }
        danger
    }
}
