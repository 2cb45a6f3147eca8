//! What the loading process tells the process that evaluates, and what comes back.

use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::model::{
    CommandRule, DefaultRule, Diagnostic, HostExecutable, NetworkRule, PrefixRule, ProgramModel,
};

/// The one message to the child: a line of JSON, then the texts of the files, one behind the other.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct LoadJob {
    /// The working directory, for examples with relative paths.
    pub(super) cwd: Option<String>,
    /// The home directory, for examples with `~`.
    pub(super) home: Option<String>,
    /// Only the released language's functions are there.
    pub(super) released: bool,
    /// Processor time for all files together.
    pub(super) time: Duration,
    /// What files before these have declared.
    pub(super) known: KnownNames,
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    job: LoadJob,
    /// The files, in order.
    files: Vec<TextHeader>,
}

/// What the first line says of a file.
#[derive(Debug, Serialize, Deserialize)]
struct TextHeader {
    file: u32,
    name: String,
    /// Bytes of its text.
    length: usize,
}

impl LoadJob {
    /// The message for this and `sources`.
    pub(super) fn with(self, sources: &[SourceText]) -> io::Result<Vec<u8>> {
        let file = |source: &SourceText| TextHeader {
            file: source.file,
            name: source.name.clone(),
            length: source.text.len(),
        };
        let files = sources.iter().map(file).collect();
        let mut message = serde_json::to_vec(&Head { job: self, files })?;
        message.push(b'\n');
        for source in sources {
            message.extend_from_slice(source.text.as_bytes());
        }
        Ok(message)
    }

    /// The job that a message is, and its sources.
    pub(super) fn of(message: &[u8]) -> io::Result<(Self, Vec<SourceText>)> {
        let nonsense = || io::Error::from(io::ErrorKind::InvalidData);
        let end = message.iter().position(|byte| *byte == b'\n');
        let (head, mut texts) = message
            .split_at_checked(end.ok_or_else(nonsense)? + 1)
            .ok_or_else(nonsense)?;
        let Head { job, files } = serde_json::from_slice(head)?;
        let mut sources = Vec::with_capacity(files.len());
        for TextHeader { file, name, length } in files {
            let (text, rest) = texts.split_at_checked(length).ok_or_else(nonsense)?;
            texts = rest;
            let text = std::str::from_utf8(text)
                .map_err(|_| nonsense())?
                .to_owned();
            sources.push(SourceText { file, name, text });
        }
        Ok((job, sources))
    }
}

/// What files have declared that those after them see.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct KnownNames {
    pub(super) host_executables: Vec<HostExecutable>,
    pub(super) programs: Vec<ProgramModel>,
}

impl KnownNames {
    /// Adds what one more file says.
    pub(super) fn add(&mut self, said: &Contribution) {
        self.host_executables
            .extend_from_slice(&said.host_executables);
        self.programs.extend_from_slice(&said.programs);
    }
}

/// One file that could be read.
#[derive(Debug, Clone)]
pub(super) struct SourceText {
    /// Index into [`super::RuleSet::files`].
    pub(super) file: u32,
    /// As in messages.
    pub(super) name: String,
    /// What it says.
    pub(super) text: String,
}

impl SourceText {
    /// What `line`, an answer of the child, says of it.
    pub(super) fn answer(&self, line: &[u8]) -> Option<Contribution> {
        let said: Contribution = serde_json::from_slice(line).ok()?;
        (said.file == self.file).then_some(said)
    }
}

/// What one file says: one line of the child's output.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Contribution {
    /// Index into [`super::RuleSet::files`].
    pub(super) file: u32,
    pub(super) prefix_rules: Vec<PrefixRule>,
    pub(super) host_executables: Vec<HostExecutable>,
    pub(super) network_rules: Vec<NetworkRule>,
    pub(super) command_rules: Vec<CommandRule>,
    pub(super) programs: Vec<ProgramModel>,
    pub(super) defaults: Vec<DefaultRule>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_out_as_it_went_in() {
        let source = |file, text: &str| SourceText {
            file,
            name: format!("{file}.rules"),
            text: text.to_owned(),
        };
        let sources = [source(3, "a\n\"\u{e9}"), source(4, ""), source(7, "\n\n")];
        let message = LoadJob::default().with(&sources).unwrap();
        let (_, found) = LoadJob::of(&message).unwrap();
        let all = |sources: &[SourceText]| -> Vec<_> {
            let all = sources.iter();
            all.map(|s| (s.file, s.name.clone(), s.text.clone()))
                .collect()
        };
        assert_eq!(all(&found), all(&sources));
        let cut = message.get(..message.len() - 1).unwrap();
        assert!(LoadJob::of(cut).is_err());
        assert!(LoadJob::of(b"").is_err());
    }
}
