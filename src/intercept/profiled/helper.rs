//! The process beside a sandbox of a program's own: builds it, and stays while anything runs in it.
//!
//! It is this binary again, started with everything that the program takes over, since a process
//! with several threads, such as the supervisor, can't fork and go on.

use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{FileStat, Mode, fstat, stat};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, getpid, getsid};

use super::super::caller::same_file;
use super::job::{Job, Said};
use crate::confine::{self, Holding, Inside, Sandbox, Setup};
use crate::exit::Exit;
use crate::request::entry;
use crate::sys::change::{self, Change};
use crate::sys::child::{self, Child, Group, Inherited, Launch};
use crate::sys::{clone, fds, fork, messages, say};

/// The first word by which this binary knows that it is this helper.
pub const WORD: &str = "__own-sandbox";

/// Does what the words behind [`WORD`] ask for: a `Job`, then the program's argument vector.
pub fn main(mut words: impl Iterator<Item = OsString>) -> Exit {
    let job = words.next().and_then(|text| text.into_string().ok());
    let job: Option<Job> = job.and_then(|text| serde_json::from_str(&text).ok());
    let Some(job) = job else {
        return Exit::Usage;
    };
    let Ok(channel) = fork::received(job.channel) else {
        return Exit::Usage;
    };
    match build(&job, words.collect(), &channel) {
        Ok(sandbox) => {
            stay(sandbox, &channel);
            Exit::Success
        }
        Err(reason) => {
            fail(&channel, &reason);
            Exit::Internal
        }
    }
}

/// Who is gone needs no reason.
fn fail(channel: &OwnedFd, reason: &str) {
    let _ = messages::send(channel, &Said::Failed(reason.to_owned()), None);
}

fn build(job: &Job, argv: Vec<OsString>, channel: &OwnedFd) -> Result<Sandbox, String> {
    let plain = |error: io::Error| error.to_string();
    let policy = job.policy().ok_or("there is no such sandbox mode")?;
    let program = JudgedProgram::prepare(job, argv).map_err(plain)?;
    let mut keep = job.numbers.clone();
    keep.extend([job.channel, job.executable]);
    let setup = Setup {
        policy: &policy,
        require: &job.require,
        keep: &keep,
        terminal: true,
        number: None,
        listen: job.listen,
        tell: job.listen,
    };
    let first = |inside: Inside| first_process(job, program, inside, channel);
    confine::start(&setup, first).map_err(|error| error.to_string())
}

/// Stays until the sandbox has ended, or ends it once the supervisor has lost interest.
fn stay(sandbox: Sandbox, channel: &OwnedFd) {
    loop {
        let mut ends = vec![
            PollFd::new(sandbox.init.as_fd(), PollFlags::POLLIN),
            PollFd::new(channel.as_fd(), PollFlags::empty()),
        ];
        let holding = sandbox.holding.as_ref();
        ends.extend(holding.map(|it| PollFd::new(it.bell(), PollFlags::POLLIN)));
        while poll(&mut ends, PollTimeout::NONE) == Err(Errno::EINTR) {}
        if ends.iter().take(2).any(|fd| fd.any() != Some(false)) {
            break;
        }
        holding.map(Holding::attend);
        if let Some(error) = holding.and_then(Holding::failure) {
            say::line(&format!("codex-shell: error: {error}"));
            break;
        }
    }
    // One that has ended is not an error.
    let _ = clone::kill(&sandbox.init);
    let _ = waitpid(sandbox.init_pid, None);
    drop(sandbox);
}

/// A program as it was judged, before it is seen from within the sandbox.
struct JudgedProgram {
    file: OwnedFd,
    path: PathBuf,
    directory: FileStat,
    argv: Vec<CString>,
    environment: Vec<CString>,
    descriptors: Vec<(OwnedFd, RawFd)>,
}

impl JudgedProgram {
    fn prepare(job: &Job, argv: Vec<OsString>) -> io::Result<Self> {
        let file = fork::received(job.executable)?;
        let path = fds::path(&file)?;
        let c_string = |bytes: OsString| CString::new(bytes.into_vec()).map_err(io::Error::from);
        let variables = std::env::vars_os().map(|(name, value)| c_string(entry(&name, &value)));
        let descriptors = job.numbers.iter().map(|&n| Ok((fork::received(n)?, n)));
        Ok(Self {
            file,
            path,
            directory: stat(".")?,
            argv: argv.into_iter().map(c_string).collect::<io::Result<_>>()?,
            environment: variables.collect::<io::Result<_>>()?,
            descriptors: descriptors.collect::<io::Result<_>>()?,
        })
    }

    /// File and directory as the sandbox sees them: by the descriptors from outside, what it may
    /// not write could be written. They must be the very same.
    fn launch(self, job: &Job) -> io::Result<Launch> {
        let executable = handle(&self.path, &fstat(&self.file)?)?;
        let directory = handle(Path::new("."), &self.directory)?;
        Ok(Launch {
            executable,
            argv: self.argv,
            environment: self.environment,
            directory,
            inherited: Inherited {
                descriptors: self.descriptors,
                umask: job.umask,
                limits: job.limits(),
                nice: child::nice(Pid::from_raw(0)),
                ignored: job.ignored,
                blocked: job.blocked,
                group: Group::Same,
            },
        })
    }
}

fn handle(path: &Path, expected: &FileStat) -> io::Result<OwnedFd> {
    let fd = open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())?;
    if same_file(&fstat(&fd)?, expected) {
        Ok(fd)
    } else {
        Err(Errno::ESTALE.into())
    }
}

/// What the sandbox's first process does; the result is its exit status.
fn first_process(job: &Job, program: JudgedProgram, inside: Inside, channel: &OwnedFd) -> u8 {
    match start(job, program, inside, channel) {
        Ok(child) => reap(&child, channel),
        Err(error) => {
            fail(channel, &error.to_string());
            Exit::Internal.code()
        }
    }
}

/// Starts the program, whose exec the supervisor lets through. Keeps nothing of what the program
/// has: who waits for the end of a pipe waits for the program alone.
fn start(
    job: &Job,
    program: JudgedProgram,
    inside: Inside,
    channel: &OwnedFd,
) -> io::Result<Child> {
    let launch = program.launch(job)?;
    if let Some(listener) = inside.listener {
        messages::send(channel, &Said::Listening, Some(listener.as_fd()))?;
    }
    let child = launch.start()?;
    let own_session = getsid(None)? == getpid();
    let started = Said::Started { own_session };
    messages::send(channel, &started, Some(child.handle.as_fd()))?;
    Ok(child)
}

/// Tells what happens to the program, and stays until nothing is left of what it started.
fn reap(program: &Child, channel: &OwnedFd) -> u8 {
    while let Ok((pid, change)) = change::next_change() {
        let told =
            pid != program.pid || messages::send(channel, &Said::Changed(change), None).is_ok();
        if !told {
            break;
        }
        if pid == program.pid && matches!(change, Change::Exited(_) | Change::Killed(_)) {
            // Its number may come again, for an orphan.
            return outlive();
        }
    }
    Exit::Success.code()
}

fn outlive() -> u8 {
    while change::next_end().is_ok() {}
    Exit::Success.code()
}
