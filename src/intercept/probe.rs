//! Whether the supervisor can do its work here: looked at once, on the launcher, before anything
//! else runs in the sandbox.
//!
//! Containers may refuse the calls by which one process looks into another. Without the reading
//! ones nothing can be judged and nothing starts; without the others judging goes on, and the layer
//! `interceptor` is missing.

use std::fmt::Display;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::caller;
use super::memory::Memory;
use crate::confine::Status;
use crate::sys::arch::{Arch, PROXY, calls};
use crate::sys::listener::{Listener, Notification, Waiting};
use crate::sys::pidfd::PidFd;
use crate::sys::probe_call;
use crate::sys::proxy_image::{self, PROBE};
use crate::sys::trace::Traced;

/// Why nothing can be judged.
#[derive(Debug, thiserror::Error)]
pub enum Blind {
    /// The first process ended, or made another call.
    #[error("the sandbox's first process does not answer")]
    Silent,
    /// The memory or the /proc entries of its processes can't be read.
    #[error(
        "programs can't be judged here: {what}: {reason}; in a container, give the program the \
         right to trace its own processes"
    )]
    Unreadable {
        /// What was tried.
        what: &'static str,
        /// The kernel's answer.
        reason: String,
    },
    /// What refused programs are replaced by can't be made.
    #[error("an anonymous file can't be made: {0}")]
    NoImage(io::Error),
    /// The listener itself fails.
    #[error("the listener failed: {0}")]
    Listener(#[from] io::Error),
}

/// Looks at the launcher, which waits in [`probe_call::make`]; `init` is readable once the sandbox's
/// first process has ended. The status is that of the layer `interceptor`.
///
/// # Errors
/// Nothing can be judged: nothing must start.
pub fn look(listener: &Arc<Listener>, init: BorrowedFd<'_>) -> Result<Status, Blind> {
    let waiting = first_call(listener, init)?;
    let call = waiting.notification;
    if !call.is(PROXY) || call.args.first() != Some(&PROBE) {
        waiting.fail(Errno::EPERM);
        return Err(Blind::Silent);
    }
    let image = proxy_image::create().map_err(Blind::NoImage);
    if let Err(blind) = read(&call).and(image) {
        waiting.fail(Errno::EPERM);
        return Err(blind);
    }
    let descriptors = descriptors(&call);
    let traced = trace(&waiting);
    let lacking: Vec<String> = [lack("ptrace", traced), lack("pidfd_getfd", descriptors)]
        .into_iter()
        .flatten()
        .collect();
    if lacking.is_empty() {
        Ok(Status::InForce)
    } else {
        Ok(Status::Missing(lacking.join("; ")))
    }
}

fn lack(call: &str, result: io::Result<()>) -> Option<String> {
    result.err().map(|error| format!("{call}: {error}"))
}

fn first_call(listener: &Arc<Listener>, init: BorrowedFd<'_>) -> Result<Waiting, Blind> {
    loop {
        let mut fds = [
            PollFd::new(listener.as_fd(), PollFlags::POLLIN),
            PollFd::new(init, PollFlags::POLLIN),
        ];
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(io::Error::from(errno).into()),
        }
        let [calls, ended] = fds.map(|fd| fd.revents().unwrap_or(PollFlags::empty()));
        if calls.contains(PollFlags::POLLIN) {
            match Waiting::next(listener)? {
                // The launcher itself, which may start the command beside the first process: nothing
                // else runs there yet.
                Some(call) if is_clone(&call.notification) => call.resume(),
                Some(call) => return Ok(call),
                None => {}
            }
        } else if !(calls | ended).is_empty() {
            // A listener that nobody is left to call is ready for ever, and has no call.
            return Err(Blind::Silent);
        }
    }
}

fn is_clone(call: &Notification) -> bool {
    call.arch == Arch::Native && call.is(calls::clone)
}

/// What judging takes.
fn read(call: &Notification) -> Result<(), Blind> {
    let unreadable = |what, reason: &dyn Display| Blind::Unreadable {
        what,
        reason: reason.to_string(),
    };
    let [_, address, ..] = call.args;
    let word = Memory::of(call.tid, call.arch)
        .path(address)
        .map_err(|errno| unreadable("reading memory", &errno.desc()))?;
    if word != probe_call::WORD.to_bytes() {
        return Err(unreadable("reading memory", &"it holds something else"));
    }
    caller::working_directory(call.tid)
        .map(drop)
        .map_err(|error| unreadable("reading /proc", &error))
}

/// What starting a program outside takes.
fn descriptors(call: &Notification) -> io::Result<()> {
    match PidFd::open(call.tid)?.descriptor(0) {
        // It is closed, which could be told.
        Err(error) if error.raw_os_error() == Some(Errno::EBADF as i32) => Ok(()),
        result => result.map(drop),
    }
}

/// What replacing an exec takes. Lets the launcher go on.
fn trace(call: &Waiting) -> io::Result<()> {
    let traced = Traced::seize(call.notification.tid).and_then(|traced| {
        traced.interrupt()?;
        Ok(traced)
    });
    call.answer(0);
    traced?.wait_for_stop().map(drop)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use nix::unistd::Pid;

    use super::*;

    /// Whether `program`, which is the first process, is seen not to answer, and nobody else is there.
    fn is_silent(program: &mut Command) -> bool {
        let listener = std::thread::spawn(crate::confine::listen_from_here).join();
        let (listener, _) = listener.unwrap().unwrap();
        let mut first = program.spawn().unwrap();
        let init = PidFd::open(Pid::from_raw(first.id().cast_signed())).unwrap();
        let found = look(&Arc::new(Listener::new(listener)), init.as_fd());
        first.kill().unwrap();
        first.wait().unwrap();
        matches!(found, Err(Blind::Silent))
    }

    #[test]
    fn nobody_is_waited_for_who_cannot_call_any_more() {
        assert!(is_silent(&mut Command::new("true")));
        assert!(is_silent(Command::new("sleep").arg("100")));
    }
}
