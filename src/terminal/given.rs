//! The supervisor's side: the terminal that the command gets.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, killpg};
use nix::sys::socket::MsgFlags;
use nix::unistd::{Pid, getpgid, getpgrp, setpgid, setsid, tcgetpgrp, tcsetpgrp, write};

use super::link::{Done, QuestionMessage, TerminalAnswer, TerminalOrder};
use crate::sys::{fds, lock, messages, pty};

/// What the supervisor gets of a terminal, before it is forked.
#[derive(Debug)]
pub struct Theirs {
    pub(super) inner: OwnedFd,
    pub(super) orders: OwnedFd,
    pub(super) questions: OwnedFd,
    pub(super) stops: OwnedFd,
    /// The descriptors that are the user's terminal.
    pub(super) numbers: Vec<RawFd>,
    /// The command starts in the foreground.
    pub(super) foreground: bool,
}

/// The command's terminal, that of the supervisor's session.
#[derive(Debug)]
pub struct Given {
    inner: OwnedFd,
    orders: OwnedFd,
    /// One question at a time.
    questions: Mutex<OwnedFd>,
    stops: OwnedFd,
    foreground: bool,
    /// The process group of the sandbox's first process, 0 before it is known.
    group: AtomicI32,
}

impl Theirs {
    /// Leaves the user's session for one of this process's own, with this terminal: nothing of the
    /// user's is open any more where the command could have it from.
    ///
    /// # Errors
    /// There can be no such session.
    pub fn enter(self) -> io::Result<Given> {
        setsid()?;
        pty::control(&self.inner)?;
        for number in self.numbers {
            fds::replace(number, &self.inner)?;
            if number > 2 {
                fds::close_on_exec(number);
            }
        }
        Ok(Given {
            inner: self.inner,
            orders: self.orders,
            questions: Mutex::new(self.questions),
            stops: self.stops,
            foreground: self.foreground,
            group: AtomicI32::new(0),
        })
    }
}

impl Given {
    /// The descriptors that the sandbox's first process needs.
    pub fn numbers(&self) -> [RawFd; 2] {
        [self.inner.as_raw_fd(), self.stops.as_raw_fd()]
    }

    /// Makes this process, the sandbox's first, lead the group that the command starts in. It is not
    /// stopped with it: somebody has to tell.
    pub fn lead(&self) {
        let mut stops = SigSet::empty();
        for signal in [Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU] {
            stops.add(signal);
        }
        // None of it can fail where the session is the supervisor's; in one of its own, this process
        // has no terminal, and leads a group already.
        let _ = stops.thread_block();
        let this = Pid::from_raw(0);
        if setpgid(this, this).is_ok() && self.foreground {
            let _ = tcsetpgrp(&self.inner, getpgrp());
        }
    }

    /// Tells the keeper that the command was stopped by `signal`.
    pub fn stopped(&self, signal: u8) {
        // A keeper that is gone takes the command with it.
        let _ = write(&self.stops, &[signal]);
    }

    /// Obeys the keeper from now on, in a thread: in the sandbox whose first process is `init`.
    ///
    /// # Errors
    /// There can be no thread.
    pub fn attend(self: &Arc<Self>, init: Pid) -> io::Result<()> {
        let group = getpgid(Some(init))?;
        // One with a session of its own has no terminal.
        let group = if group == init { group } else { getpgrp() };
        self.group.store(group.as_raw(), Ordering::Relaxed);
        let given = Arc::clone(self);
        std::thread::Builder::new()
            .name("terminal".into())
            .spawn(move || given.obey(group))?;
        Ok(())
    }

    fn obey(&self, group: Pid) {
        let mut quiet = SigSet::empty();
        quiet.add(Signal::SIGTTOU);
        // A group in the background may give the foreground away only while it does not hear of it.
        let _ = quiet.thread_swap_mask(SigmaskHow::SIG_BLOCK);
        // Who had the foreground when it was taken away.
        let mut last = group;
        while let Ok(Some((order, _))) =
            messages::receive::<TerminalOrder>(&self.orders, MsgFlags::empty())
        {
            let now = tcgetpgrp(&self.inner).unwrap_or(group);
            if now != getpgrp() {
                last = now;
            }
            if order.foreground == (now == getpgrp()) {
                let next = if order.foreground { last } else { getpgrp() };
                // A group that has ended needs no turn.
                let given = tcsetpgrp(&self.inner, next);
                if given.is_err() && order.foreground {
                    let _ = tcsetpgrp(&self.inner, group);
                }
            }
            if order.go_on {
                let _ = killpg(group, Signal::SIGCONT);
                if last != group {
                    let _ = killpg(last, Signal::SIGCONT);
                }
            }
            if messages::send(&self.orders, &Done, None).is_err() {
                return;
            }
        }
    }

    /// Whether the process `pid` may have something asked: a shell with job control gives each job its
    /// turn at the terminal.
    pub fn is_turn_of(&self, pid: Pid) -> bool {
        let Ok(now) = tcgetpgrp(&self.inner) else {
            return false;
        };
        let base = self.group.load(Ordering::Relaxed);
        now == getpgrp() || now.as_raw() == base || getpgid(Some(pid)) == Ok(now)
    }

    /// Has the keeper put a question, and waits for the answer, or until `withdrawn` becomes readable.
    /// `for_session`: whether a yes may be for the session.
    ///
    /// # Errors
    /// The keeper is gone.
    pub fn ask(
        &self,
        text: String,
        for_session: bool,
        withdrawn: BorrowedFd<'_>,
    ) -> io::Result<TerminalAnswer> {
        let questions = lock(&self.questions);
        messages::send(
            &*questions,
            &QuestionMessage::Put { text, for_session },
            None,
        )?;
        if !has_answer(questions.as_fd(), withdrawn)? {
            messages::send(&*questions, &QuestionMessage::Withdrawn, None)?;
        }
        let answer = messages::receive(&*questions, MsgFlags::empty())?;
        let (answer, _) = answer.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(answer)
    }
}

/// Waits for an answer; false when the question is withdrawn first.
fn has_answer(questions: BorrowedFd<'_>, withdrawn: BorrowedFd<'_>) -> io::Result<bool> {
    loop {
        let mut ready = [
            PollFd::new(questions, PollFlags::POLLIN),
            PollFd::new(withdrawn, PollFlags::POLLIN),
        ];
        match poll(&mut ready, PollTimeout::NONE) {
            Err(Errno::EINTR) => continue,
            result => result?,
        };
        let [answer, _] = ready;
        return Ok(answer.any().unwrap_or(true));
    }
}
