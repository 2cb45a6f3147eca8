//! Asks a program: the question as JSON on its standard input, its exit status the answer.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;
use serde::Serialize;

use super::text::Text;
use super::{Answer, Approver, Question};
use crate::request::argv::WordForm;
use crate::sys::pidfd::PidFd;
use crate::sys::read_capped::timeout_until;
use crate::sys::signals;

/// `--ask command:PROGRAM`.
#[derive(Debug, Clone)]
pub struct AskingProgram {
    /// The program; it gets no arguments.
    pub path: PathBuf,
    /// All the variables that it gets.
    pub environment: Vec<(OsString, OsString)>,
    /// How long it may take; as long as it likes if there is no limit.
    pub patience: Option<Duration>,
}

/// What the program reads, on one line; codex-shell-rules(5) describes it.
#[derive(Debug, Serialize)]
struct QuestionLine<'a> {
    schema: u32,
    argv: Vec<WordForm<'a>>,
    #[serde(flatten)]
    text: &'a Text,
}

impl Approver for AskingProgram {
    fn ask(&self, question: &Question, withdrawn: BorrowedFd<'_>) -> Answer {
        let asked = QuestionLine {
            schema: 1,
            argv: WordForm::all(&question.request().argv),
            text: question.text(),
        };
        match self.run(&asked, withdrawn) {
            Ok(Some(true)) => Answer::Yes,
            Ok(Some(false)) => Answer::No("declined".into()),
            Ok(None) => Answer::No("nobody answered in time".into()),
            Err(error) => Answer::No(format!("nobody could be asked: {error}")),
        }
    }
}

impl AskingProgram {
    /// Whether it said yes; `None` when it did not answer in time, or was no longer wanted.
    fn run(&self, asked: &QuestionLine<'_>, withdrawn: BorrowedFd<'_>) -> io::Result<Option<bool>> {
        let mut line = serde_json::to_vec(asked)?;
        line.push(b'\n');
        let mut child = signals::leave_none_to(&mut Command::new(&self.path))
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            // Not where the command was started: interpreters look for their parts there.
            .current_dir("/")
            .env("PWD", "/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        if let Some(mut input) = child.stdin.take() {
            // A program may decide without reading; only its status counts.
            let _ = input.write_all(&line);
        }
        if self.ends(&child, withdrawn)? {
            return Ok(Some(child.wait()?.success()));
        }
        child.kill()?;
        child.wait()?;
        Ok(None)
    }

    /// Waits for the program's end, for its time to be up, or for the question to be withdrawn.
    fn ends(&self, child: &Child, withdrawn: BorrowedFd<'_>) -> io::Result<bool> {
        let end = PidFd::open(Pid::from_raw(child.id().cast_signed()))?;
        let deadline = self.patience.map(|patience| Instant::now() + patience);
        loop {
            let mut ready = [
                PollFd::new(end.as_fd(), PollFlags::POLLIN),
                PollFd::new(withdrawn, PollFlags::POLLIN),
            ];
            let timeout = deadline.map_or(PollTimeout::NONE, timeout_until);
            match poll(&mut ready, timeout) {
                Err(Errno::EINTR) => continue,
                result => result?,
            };
            let [ended, _] = ready;
            return Ok(ended.any() == Some(true));
        }
    }
}
