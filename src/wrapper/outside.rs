//! Stands in for a program that runs outside the sandbox: passes its descriptors and signals on,
//! and ends or stops as the program does.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, RawFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::{Broker, refused, unjudged};
use crate::exit::Exit;
use crate::sys::{closed, fds, signals};
use crate::wire::frame::{self, DESCRIPTORS};
use crate::wire::message::{FromBroker, FromWrapper};

/// Passes on what the program needs of this process, and waits for its end. `socket` stays here.
pub(super) fn stand_in(mut broker: Broker, socket: RawFd) -> Exit {
    match wait(&mut broker, socket) {
        Ok(FromBroker::Exited(status)) => Exit::Command(status),
        Ok(FromBroker::Killed(signal)) => {
            signals::die_of(i32::from(signal));
            Exit::Command(signal.saturating_add(128))
        }
        Ok(FromBroker::Deny(words)) => refused(&words),
        Ok(_) => unjudged("an answer out of order"),
        Err(error) => unjudged(&format!("the broker is gone: {error}")),
    }
}

fn wait(broker: &mut Broker, socket: RawFd) -> io::Result<FromBroker> {
    signals::give_back_pipe();
    signals::block_exactly(u64::MAX);
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    let signals = SignalFd::with_flags(&SigSet::all(), flags)?;
    closed::close_again();
    let numbers: Vec<RawFd> = fds::inheritable()?
        .into_iter()
        .filter(|&number| number != socket)
        .collect();
    pass(broker, &numbers)?;
    loop {
        let (answered, signalled) = ready(broker.stream.as_fd(), signals.as_fd())?;
        if answered {
            match broker.answer()? {
                FromBroker::Stopped => raise(Signal::SIGSTOP)?,
                answer => return Ok(answer),
            }
        }
        if signalled {
            forward(broker, &signals)?;
        }
    }
}

fn pass(broker: &Broker, numbers: &[RawFd]) -> io::Result<()> {
    let mut batches = numbers.chunks(DESCRIPTORS).peekable();
    if batches.peek().is_none() {
        return send_descriptors(broker, &[], false);
    }
    while let Some(batch) = batches.next() {
        send_descriptors(broker, batch, batches.peek().is_some())?;
    }
    Ok(())
}

fn send_descriptors(broker: &Broker, numbers: &[RawFd], more: bool) -> io::Result<()> {
    let message = FromWrapper::Descriptors {
        numbers: numbers.to_vec(),
        more,
    };
    frame::send_numbers(&broker.stream, &message.frame(), numbers)
}

fn ready(stream: BorrowedFd<'_>, signals: BorrowedFd<'_>) -> io::Result<(bool, bool)> {
    let mut watched = [
        PollFd::new(stream, PollFlags::POLLIN),
        PollFd::new(signals, PollFlags::POLLIN),
    ];
    while let Err(errno) = poll(&mut watched, PollTimeout::NONE) {
        if errno != Errno::EINTR {
            return Err(errno.into());
        }
    }
    let [stream, signals] = watched.map(|fd| fd.any().unwrap_or(true));
    Ok((stream, signals))
}

fn forward(broker: &Broker, signals: &SignalFd) -> io::Result<()> {
    while let Some(signal) = signals.read_signal()? {
        let message = FromWrapper::Signal {
            number: signal.ssi_signo.cast_signed(),
            code: signal.ssi_code,
        };
        frame::send(&broker.stream, &message.frame(), &[])?;
    }
    Ok(())
}
