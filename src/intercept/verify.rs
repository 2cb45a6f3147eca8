//! Checks, once a program that may run inside has started, that it is the one that was judged.
//!
//! The kernel reads path and arguments again after our answer. Another thread, or a process that
//! shares the memory or the directory, can have changed them by then: that gains nothing beyond
//! the sandbox, but it would get around what the rules forbid. So the thread is stopped before its
//! first instruction as the new program, and compared.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::stat::{FileStat, stat};
use nix::unistd::Pid;

use super::{caller, limits};
use crate::approve::{Files, Inputs};
use crate::audit::ExecRecord;
use crate::evaluate::IndexedRules;
use crate::flow;
use crate::request::{HalfRead, Originals, Request, Trust, argv, variable};
use crate::sys::read_capped::{open_file, read_capped};
use crate::sys::say;

/// The longest form of a command in a message, in bytes.
const COMMAND_LIMIT: usize = 2000;
/// The longest description of a format that only the kernel knows, in bytes.
const FORMAT_LIMIT: usize = 16 << 10;

/// What a process must be running after its exec.
#[derive(Debug)]
pub struct Expected {
    /// The file: for a script, the last interpreter.
    pub file: FileStat,
    /// Its path, as it was judged.
    real: Option<PathBuf>,
    /// What it is a copy of.
    copy_of: Option<PathBuf>,
    /// The argument vector, as the kernel makes it.
    pub argv: Vec<OsString>,
    /// The variables, if a rule could ask for them.
    environment: Option<Arc<[(OsString, OsString)]>>,
    /// The kernel runs the file by itself.
    is_program: bool,
    /// Files that say what it runs, and what it reads, as they were when a person was asked.
    files: Files,
    inputs: Inputs,
}

/// Says to whoever reads our standard error why a process was killed that was to run `argv`.
pub fn tell_of_kill(argv: &[OsString], record: ExecRecord) {
    record.killed();
    let command = argv::bounded(argv, COMMAND_LIMIT);
    let why = "changed between the judgement and the start: killed";
    say::line(&format!("codex-shell: denied: {command} ({why})"));
}

/// Whether this file runs in the process.
pub fn runs(process: Pid, file: &FileStat) -> bool {
    let running = stat(format!("/proc/{process}/exe").as_str());
    running.is_ok_and(|running| caller::same_file(&running, file))
}

impl Expected {
    /// What an exec must become of which no rule and no heuristic speaks, if `file` is what runs.
    pub fn unspoken(half: HalfRead, file: FileStat) -> Self {
        Self {
            file,
            is_program: is_program(&half.real),
            real: Some(half.real),
            copy_of: half.copy_of,
            argv: half.argv,
            environment: None,
            files: Files::default(),
            inputs: Inputs::default(),
        }
    }

    /// What an exec of `request` must become, if `file` is what runs in the end.
    pub fn new(request: Request, file: FileStat) -> Self {
        let mut last = request;
        while let Some(interpreter) = last.interpreter.take() {
            last = *interpreter;
        }
        let real = last.program.real;
        Self {
            file,
            argv: last.argv,
            environment: last.environment,
            is_program: real.as_deref().is_none_or(is_program),
            real,
            copy_of: last.copy_of,
            files: Files::default(),
            inputs: Inputs::default(),
        }
    }

    /// The same, by these files and inputs as they were when a person was asked.
    #[must_use]
    pub fn by(self, files: Files, inputs: Inputs) -> Self {
        Self {
            files,
            inputs,
            ..self
        }
    }

    /// The memory of its strings, in bytes.
    pub fn weight(&self) -> usize {
        let variables = self.environment.as_deref().into_iter().flatten();
        let variables = variables.flat_map(|(name, value)| [name, value]);
        limits::weigh(self.argv.iter().chain(variables))
    }

    fn has_its_variables(&self, process: Pid) -> io::Result<bool> {
        let Some(expected) = &self.environment else {
            return Ok(true);
        };
        let entries = strings(process, "environ")?;
        let entries = entries.split(|&b| b == 0).map(OsStr::from_bytes);
        let expected = expected.iter().map(|(name, value)| (&**name, &**value));
        Ok(entries.filter_map(variable).eq(expected))
    }

    /// Whether what runs, which nobody writes any more, is a copy of the same program as when it was judged.
    /// Times would not tell: a write changes them before the content, and who makes another name of the file
    /// does too.
    fn is_copied_as_judged(
        &self,
        process: Pid,
        rules: &IndexedRules,
        originals: &Originals,
    ) -> bool {
        let running = PathBuf::from(format!("/proc/{process}/exe"));
        let wanted = |name: &OsStr| rules.ask_for_copies_of(name);
        let of = |real: &Path| originals.of(real, &running, &wanted);
        self.real.as_deref().and_then(of) == self.copy_of.as_deref()
    }

    /// Whether the process runs what is expected.
    ///
    /// A file that is neither a program nor a script may have an interpreter that only the kernel
    /// knows of; then that is what runs, and it is judged for itself.
    pub fn runs_in(
        &self,
        process: Pid,
        rules: &IndexedRules,
        originals: &Originals,
    ) -> io::Result<bool> {
        let file = stat(format!("/proc/{process}/exe").as_str())?;
        let line = command_line(process)?;
        if caller::same_file(&file, &self.file) {
            return Ok(line == joined(&self.argv)
                && self.has_its_variables(process)?
                && self.files.changed().is_none()
                && self.inputs.are_had_by(process)
                && self.is_copied_as_judged(process, rules, originals));
        }
        if self.is_program || !is_kernels_interpreter(&file) {
            return Ok(false);
        }
        let actual = caller::running(process, &line, Trust::Anonymous)?;
        Ok(flow::may_go_on(rules, &actual))
    }
}

/// Whether the file is what the kernel was told to run others by (binfmt_misc).
fn is_kernels_interpreter(file: &FileStat) -> bool {
    let formats = fs::read_dir("/proc/sys/fs/binfmt_misc");
    let formats = formats.into_iter().flatten().flatten();
    let interpreters = formats.filter_map(|format| {
        let text = read_capped(&format.path(), FORMAT_LIMIT, Duration::ZERO).ok()?;
        let mut lines = text.split(|&byte| byte == b'\n');
        let interpreter = lines.find_map(|line| line.strip_prefix(b"interpreter "))?;
        stat(Path::new(OsStr::from_bytes(interpreter))).ok()
    });
    interpreters
        .into_iter()
        .any(|interpreter| caller::same_file(&interpreter, file))
}

/// Whether the file at `path` begins as the kernel's own programs do; so also one that can't be
/// read.
fn is_program(path: &Path) -> bool {
    let mut start = [0; 4];
    let read = open_file(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_err() || start == *b"\x7fELF"
}

/// The argument vector that the process was started with, each word with a NUL behind it.
fn command_line(process: Pid) -> io::Result<Vec<u8>> {
    strings(process, "cmdline")
}

fn strings(process: Pid, which: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(format!("/proc/{process}/{which}"))?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Words with a NUL behind each. The kernel gives a program without any word an empty one.
fn joined(argv: &[OsString]) -> Vec<u8> {
    if argv.is_empty() {
        return vec![0];
    }
    let words = argv
        .iter()
        .flat_map(|word| [word.as_bytes(), &[0]].concat());
    words.collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::request::{Program, WorkingDirectory};
    use crate::rules::from_own_text;

    #[test]
    fn what_was_asked_about_must_be_as_it_was() {
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let script = folder.path().join("s.sh");
        fs::write(&script, "echo a\n").unwrap();
        let mut child = Command::new("/usr/bin/sleep").arg("60").spawn().unwrap();
        let process = Pid::from_raw(child.id().cast_signed());
        // Who has started it goes on before the kernel has written down its words.
        while command_line(process).unwrap().is_empty() {
            std::thread::yield_now();
        }
        let rules = IndexedRules::new(from_own_text("t.rules", ""));
        let runs = |files: Files| {
            let program = Program::named("/usr/bin/sleep");
            let argv = vec!["/usr/bin/sleep".into(), "60".into()];
            let cwd = WorkingDirectory::new("/").unwrap();
            let request = Request::new(program, argv, cwd);
            let file = stat("/usr/bin/sleep").unwrap();
            let expected = Expected::new(request, file).by(files, Inputs::default());
            expected.runs_in(process, &rules, &Originals::default())
        };
        let files = Files::holding(&script);
        assert!(runs(files.clone()).unwrap());
        fs::write(&script, "echo b\n").unwrap();
        assert!(!runs(files).unwrap());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
