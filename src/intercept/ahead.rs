//! A sandbox that is made before its command is known.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use super::broker::Patched;
use super::launcher::{self, Command};
use super::run::{self, Ended, RunError, RunPlan, SupervisedSandbox, Wrappers};
use super::session::Session;
use crate::confine::{LayerName, Layers, Mode, Policy};
use crate::sys::messages;

/// A sandbox that stands before its command is known.
pub struct Ahead {
    standing: SupervisedSandbox,
    gate: OwnedFd,
}

/// Who starts the command.
#[derive(Debug)]
pub enum Start<'a> {
    /// This process: this command, in this directory, with this process's own 0, 1 and 2.
    Here(&'a Command, &'a Path),
    /// Whoever had the [`Ahead::gate`], already.
    Elsewhere,
}

impl Ahead {
    /// Whether nothing that the sandbox depends on can change before the command comes: its mounts
    /// and what is protected are as they were when it was made.
    pub fn serves(policy: &Policy) -> bool {
        policy.mode == Mode::DangerFullAccess
    }

    /// Makes the sandbox, as [`super::run::run`] would.
    ///
    /// # Errors
    /// No command could start in it.
    pub fn new(
        policy: &Policy,
        require: &[LayerName],
        patched: Option<&Patched>,
    ) -> Result<Self, RunError> {
        let (gate, theirs) = messages::pair()?;
        let kept = [theirs.as_raw_fd()];
        let launcher = |wrappers: Option<Wrappers<'_>>, ways| {
            launcher::main_ahead(&theirs, wrappers.map(|it| it.1).as_slice(), ways)
        };
        let standing = SupervisedSandbox::new(policy, require, &kept, None, patched, launcher)?;
        Ok(Self { standing, gate })
    }

    /// Readable once the sandbox has ended.
    pub fn end(&self) -> BorrowedFd<'_> {
        self.standing.sandbox.init.as_fd()
    }

    /// Takes the command, by [`launcher::send_packed`], from whoever knows it before this process does;
    /// `None` if the command needs something of this process.
    pub fn gate(&self) -> Option<BorrowedFd<'_>> {
        self.standing.is_of_the_kernel().then(|| self.gate.as_fd())
    }

    /// [`super::run::run`] in this sandbox. Of `run`, the policy, what is required and who brings the
    /// execs must be the same as for [`Ahead::new`].
    ///
    /// # Errors
    /// The command did not start.
    pub fn run(
        self,
        run: &RunPlan<'_>,
        start: &Start<'_>,
        session: Session,
        report: impl FnOnce(&Layers),
    ) -> Result<Ended, RunError> {
        let Self { standing, gate } = self;
        standing.run(run, session, report, |wrappers| match start {
            Start::Here(command, directory) => {
                let command = run::equipped(command, wrappers);
                launcher::send_command(&gate, &command, directory)
            }
            Start::Elsewhere if wrappers.is_some() => Err(io::ErrorKind::InvalidInput.into()),
            Start::Elsewhere => Ok(()),
        })
    }
}
