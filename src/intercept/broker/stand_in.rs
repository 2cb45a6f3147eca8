//! A program outside, while a wrapper stands in for it: signals go there, and what becomes of it
//! comes back.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use nix::errno::Errno;
use nix::libc::SIGKILL;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::MsgFlags;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use super::children::Registered;
use super::exec::Connection;
use super::server::Shared;
use crate::approve::place::SeparateSandbox;
use crate::audit::ExecRecord;
use crate::confine::Holding;
use crate::intercept::job::StandInProcess;
use crate::intercept::profiled::News;
use crate::sys::change::{self, Change};
use crate::sys::child::{Child, Group, Launch};
use crate::sys::pidfd::PidFd;
use crate::wire::frame::{Fill, malformed};
use crate::wire::message::{FromBroker, FromWrapper};

/// What a wrapper stands in for.
pub(super) enum StandIn {
    /// A child of ours.
    Plain {
        child: Child,
        registered: Registered,
        /// Others may join it while the program runs.
        _group: Group,
    },
    /// In a sandbox of its own.
    Profiled {
        shared: Arc<Shared>,
        id: Pid,
        channel: OwnedFd,
        /// The process beside the sandbox: it ends with the thread that has started it.
        helper: OwnedFd,
        /// The program, once it runs.
        program: Option<PidFd>,
    },
}

impl StandIn {
    /// Starts the program outside.
    ///
    /// # Errors
    /// The program did not start.
    pub(super) fn plain(shared: &Shared, launch: &Launch) -> io::Result<Self> {
        let child = launch.start()?;
        let registered = shared.children.add(child.pid)?;
        Ok(Self::Plain {
            child,
            registered,
            _group: launch.inherited.group.clone(),
        })
    }

    /// Has the program started in a sandbox of its own, for the wrapper in the process `wrapper`.
    ///
    /// # Errors
    /// The sandbox can't be begun.
    pub(super) fn profiled(
        shared: &Arc<Shared>,
        wrapper: Pid,
        launch: Launch,
        sandbox: &SeparateSandbox,
    ) -> io::Result<Self> {
        let mut profiled = shared.profiled();
        let id = profiled.start(wrapper, launch, sandbox, &shared.session.require)?;
        let (channel, helper) = profiled.apart(id).ok_or(Errno::ESRCH)??;
        drop(profiled);
        Ok(Self::Profiled {
            shared: Arc::clone(shared),
            id,
            channel,
            helper,
            program: None,
        })
    }

    /// Passes signals to the program and its end to the wrapper. The one's end is the other's. The record is
    /// told when the program runs.
    ///
    /// # Errors
    /// The wrapper is gone or makes no sense, or the program did not start: with words for it.
    pub(super) fn attend(
        &mut self,
        shared: &Shared,
        connection: &mut Connection,
        wrapper: &mut StandInProcess,
        mut same_group: bool,
        record: &mut ExecRecord,
    ) -> Result<(), Option<String>> {
        let mut heard = 0;
        loop {
            let mut change = self.change(&mut same_group)?;
            if self.program().is_some() {
                std::mem::take(record).ran();
            }
            while let Some(changed) = change {
                let ended = match changed {
                    Change::Exited(status) => Some(FromBroker::Exited(status)),
                    Change::Killed(signal) => Some(FromBroker::Killed(signal)),
                    Change::Stopped(_) | Change::Continued => None,
                };
                if changed != Change::Continued && !shared.holds(Holding::look) {
                    return Err(None);
                }
                if let Some(end) = &ended {
                    // A wrapper that is gone needs no answer.
                    let _ = connection.tell(end);
                }
                wrapper.follow(self.program(), changed);
                if ended.is_some() {
                    return Ok(());
                }
                if matches!(changed, Change::Stopped(_)) {
                    stop(connection, wrapper, heard);
                }
                change = self.change(&mut same_group)?;
            }
            // A signal for a program that does not run yet waits.
            let wanted = match self.program() {
                Some(_) => PollFlags::POLLIN,
                None => PollFlags::empty(),
            };
            let mut watched = [
                PollFd::new(connection.stream.as_fd(), wanted),
                PollFd::new(self.bell(), PollFlags::POLLIN),
            ];
            while poll(&mut watched, PollTimeout::NONE) == Err(Errno::EINTR) {}
            let [spoken, _] = watched.map(|fd| fd.any().unwrap_or(true));
            if let Self::Plain { registered, .. } = self {
                registered.heard();
            }
            if spoken {
                self.forward(connection, wrapper, same_group, &mut heard)
                    .map_err(|_| None)?;
            }
        }
    }

    fn program(&self) -> Option<&PidFd> {
        match self {
            Self::Plain { child, .. } => Some(&child.handle),
            Self::Profiled { program, .. } => program.as_ref(),
        }
    }

    /// Readable when there may be a change.
    fn bell(&self) -> BorrowedFd<'_> {
        match self {
            Self::Plain { registered, .. } => registered.bell(),
            Self::Profiled { channel, .. } => channel.as_fd(),
        }
    }

    /// What has happened to the program, if anything has.
    fn change(&mut self, same_group: &mut bool) -> Result<Option<Change>, Option<String>> {
        let (shared, id, program) = match self {
            Self::Plain { child, .. } => return Ok(change::change(child.pid)),
            Self::Profiled {
                shared,
                id,
                program,
                ..
            } => (shared, *id, program),
        };
        let mut profiled = shared.profiled();
        match profiled.news(id) {
            Some((
                _,
                News::Started {
                    program: started,
                    own_session,
                },
            )) => {
                *program = Some(started);
                *same_group &= !own_session;
                Ok(None)
            }
            Some((_, News::Changed(_))) if program.is_none() => {
                Err(Some("its sandbox has ended".to_owned()))
            }
            Some((_, News::Changed(change))) => Ok(Some(change)),
            Some((_, News::Failed(reason))) => Err(Some(reason)),
            None if profiled.is_running(id) => Ok(None),
            None => Ok(Some(Change::Killed(9))),
        }
    }

    fn forward(
        &self,
        connection: &mut Connection,
        wrapper: &mut StandInProcess,
        same_group: bool,
        heard: &mut u8,
    ) -> io::Result<()> {
        let Connection { stream, reader } = &mut *connection;
        if reader.fill(&*stream, MsgFlags::MSG_DONTWAIT)? == Fill::End {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        while let Some(frame) = connection.reader.frame()? {
            let FromWrapper::Signal { number, code } = FromWrapper::read(&frame)? else {
                return Err(malformed("no signal comes"));
            };
            *heard = heard.wrapping_add(1);
            if let Some(program) = self.program() {
                wrapper.pass_on(program, number, code, same_group);
            }
            stop(connection, wrapper, *heard);
        }
        Ok(())
    }

    /// Kills the program: nobody waits for it any more.
    pub(super) fn kill(&self) {
        if let Some(program) = self.program() {
            // It may have ended this moment.
            let _ = program.signal(SIGKILL);
        }
        if let Self::Plain { child, .. } = self {
            let _ = waitpid(child.pid, None);
        }
    }

    /// Returns when nothing is left of a sandbox of the program's own.
    pub(super) fn outlive(self) {
        let Self::Profiled {
            shared,
            id,
            channel,
            helper,
            ..
        } = self
        else {
            return;
        };
        shared.profiled().forget_sandbox(id);
        loop {
            let mut watched = vec![PollFd::new(helper.as_fd(), PollFlags::POLLIN)];
            if shared.profiled().is_running(id) {
                watched.push(PollFd::new(channel.as_fd(), PollFlags::POLLIN));
            }
            while poll(&mut watched, PollTimeout::NONE) == Err(Errno::EINTR) {}
            if watched.first().and_then(PollFd::any) == Some(true) {
                return;
            }
            // There is nobody to tell.
            let _ = shared.profiled().news(id);
        }
    }
}

/// Tells the wrapper to stop, if it is to; so many signals of its were heard of.
fn stop(connection: &mut Connection, wrapper: &mut StandInProcess, heard: u8) {
    if wrapper.stops() {
        // One that is gone needs no answer.
        let _ = connection.tell(&FromBroker::Stop(heard));
    }
}
