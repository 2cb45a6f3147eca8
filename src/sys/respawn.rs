//! A child of this same binary that is given a text and answers in lines, and that may die of it.

#![expect(
    unsafe_code,
    reason = "closing inherited descriptors, and wait4(2), have no safe wrappers"
)]

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::Signal;

use super::checked;
use super::read_capped::timeout_until;

/// The running child. Dropping it kills it.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    answers: ChildStdout,
    pending: Vec<u8>,
    reaped: bool,
}

/// Why there is no further line.
#[derive(Debug)]
pub enum Silence {
    /// The child is gone, or its output is unreadable.
    Ended,
    /// The deadline passed.
    Late,
    /// The line is longer than allowed.
    TooLong,
}

/// How a child ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// With a status.
    Exit,
    /// At its limit of processor time.
    ProcessorTime,
    /// Out of memory, out of stack, or by a defect.
    Crash,
    /// By another signal, of this name.
    Signal(&'static str),
}

impl Worker {
    /// Starts `program WORD` with `input` on its standard input, an empty environment, `/` as its
    /// working directory, and nothing to write errors to.
    pub fn start(program: &Path, word: &OsStr, input: &[u8]) -> io::Result<Self> {
        // A file in memory, not a pipe: both sides may write without waiting for the other.
        let mut text = File::from(memfd_create("codex-shell-input", MFdFlags::MFD_CLOEXEC)?);
        text.write_all(input)?;
        text.rewind()?;
        let mut child = Command::new(program)
            .arg(word)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(text))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let answers = child
            .stdout
            .take()
            .ok_or_else(|| io::Error::other("the child has no standard output"))?;
        Ok(Self {
            child,
            answers,
            pending: Vec::new(),
            reaped: false,
        })
    }

    /// The next line, without its end, at most `limit` bytes of it.
    pub fn line(&mut self, deadline: Instant, limit: usize) -> Result<Vec<u8>, Silence> {
        let mut searched = 0;
        let mut chunk = vec![0; 64 * 1024];
        loop {
            let unseen = self.pending.get(searched..).unwrap_or_default();
            if let Some(end) = unseen.iter().position(|byte| *byte == b'\n') {
                let rest = self.pending.split_off(searched + end + 1);
                let mut line = std::mem::replace(&mut self.pending, rest);
                line.pop();
                return Ok(line);
            }
            searched = self.pending.len();
            if searched > limit {
                return Err(Silence::TooLong);
            }
            let count = self.read_some(deadline, &mut chunk)?;
            self.pending
                .extend_from_slice(chunk.get(..count).unwrap_or_default());
        }
    }

    fn read_some(&mut self, deadline: Instant, chunk: &mut [u8]) -> Result<usize, Silence> {
        loop {
            let mut fds = [PollFd::new(self.answers.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, timeout_until(deadline)) {
                Ok(0) => return Err(Silence::Late),
                Ok(_) => {}
                Err(nix::errno::Errno::EINTR) => continue,
                Err(_) => return Err(Silence::Ended),
            }
            match self.answers.read(chunk) {
                Ok(0) => return Err(Silence::Ended),
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Silence::Ended),
            }
        }
    }

    /// Waits for a child that has ended by itself, and says how and what processor time it took.
    pub fn death(mut self) -> (Death, Duration) {
        let Some((status, time)) = self.reap() else {
            return (Death::Exit, Duration::ZERO);
        };
        let signal = status.signal();
        let death = match signal.and_then(|number| Signal::try_from(number).ok()) {
            None => Death::Exit,
            Some(Signal::SIGXCPU) => Death::ProcessorTime,
            Some(Signal::SIGABRT | Signal::SIGSEGV | Signal::SIGBUS) => Death::Crash,
            Some(other) => Death::Signal(other.as_str()),
        };
        (death, time)
    }

    /// Kills the child if it is still there; what processor time it took.
    pub fn kill(mut self) -> Duration {
        self.end_now()
    }

    fn end_now(&mut self) -> Duration {
        if self.reaped {
            return Duration::ZERO;
        }
        // Fails only when the child has ended.
        let _ = self.child.kill();
        self.reap().map_or(Duration::ZERO, |(_, time)| time)
    }

    fn reap(&mut self) -> Option<(ExitStatus, Duration)> {
        let pid = libc::pid_t::try_from(self.child.id()).ok()?;
        let mut status = 0;
        // SAFETY: all-zero is a value of this plain C structure.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        loop {
            // SAFETY: both structures live until the call returns; the child is ours, and nobody
            // else waits for it.
            match checked(unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) }) {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
        // Its number may belong to another process from now on.
        self.reaped = true;
        let time = duration(usage.ru_utime) + duration(usage.ru_stime);
        Some((ExitStatus::from_raw(status), time))
    }
}

fn duration(time: libc::timeval) -> Duration {
    let micros = time.tv_usec.unsigned_abs();
    Duration::from_secs(time.tv_sec.unsigned_abs()) + Duration::from_micros(micros)
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end_now();
    }
}
