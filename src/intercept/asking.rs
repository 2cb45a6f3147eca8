//! Questions that wait for a person, each in a thread of its own: everybody else goes on.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use nix::sys::eventfd::{EfdFlags, EventFd};

use super::limits::{self, Load};
use super::material::EscalationMaterial;
use crate::approve::{Answer, Approver, Question};
use crate::audit::ExecRecord;

/// As many questions may be open at once; the sandboxed side decides how many it raises.
const OPEN_LIMIT: usize = 64;

/// An exec that waits for an answer.
#[derive(Debug)]
pub struct Pending<C> {
    /// What is asked.
    pub question: Question,
    /// Who waits.
    pub caller: C,
    /// What runs if the answer is yes and the placement outside.
    pub material: EscalationMaterial,
    /// What is told what becomes of it.
    pub record: ExecRecord,
}

impl<C> Pending<C> {
    /// The memory of its strings, in bytes; the question is there twice.
    fn weight(&self) -> usize {
        2 * limits::weigh_request(self.question.request())
            + 2 * limits::weigh(self.question.kept())
            + self.material.weight()
    }
}

/// The open questions.
#[derive(Debug)]
pub struct Asking<C> {
    open: HashMap<u64, Pending<C>>,
    next: u64,
    sender: Sender<(u64, Answer)>,
    receiver: Receiver<(u64, Answer)>,
    bell: Arc<EventFd>,
}

impl<C> Asking<C> {
    /// No questions yet.
    ///
    /// # Errors
    /// The kernel has no descriptor left.
    pub fn new() -> io::Result<Self> {
        let (sender, receiver) = channel();
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let bell = Arc::new(EventFd::from_value_and_flags(0, flags)?);
        Ok(Self {
            open: HashMap::new(),
            next: 0,
            sender,
            receiver,
            bell,
        })
    }

    /// Readable when an answer has come.
    pub fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// Whether a question is open: that time is the person's, not the command's.
    pub fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Puts a question, which is withdrawn once `gone` is readable; gives it back when it can't be put.
    pub fn ask(
        &mut self,
        approver: &Arc<dyn Approver>,
        pending: Pending<C>,
        gone: io::Result<OwnedFd>,
    ) -> Result<(), Box<Pending<C>>> {
        let id = self.next;
        self.next += 1;
        let load: Load = self.open.values().map(Pending::weight).collect();
        let room = load.count < OPEN_LIMIT && load.has_room_for(pending.weight());
        let (Ok(gone), true) = (gone, room) else {
            return Err(Box::new(pending));
        };
        let (approver, question) = (Arc::clone(approver), pending.question.clone());
        let (sender, bell) = (self.sender.clone(), Arc::clone(&self.bell));
        let thread = std::thread::Builder::new()
            .name("asking".into())
            .spawn(move || {
                let answer = approver.ask(&question, gone.as_fd());
                // Nobody listens any more once the sandbox has ended.
                let _ = sender.send((id, answer));
                let _ = bell.write(1);
            });
        if thread.is_err() {
            return Err(Box::new(pending));
        }
        self.open.insert(id, pending);
        Ok(())
    }

    /// The answers that have come since the last call.
    pub fn answers(&mut self) -> Vec<(Pending<C>, Answer)> {
        let _ = self.bell.read();
        let answers: Vec<_> = self.receiver.try_iter().collect();
        answers
            .into_iter()
            .filter_map(|(id, a)| Some((self.open.remove(&id)?, a)))
            .collect()
    }
}

/// The answer to a question that can't be put: nobody says yes.
pub(super) fn refused() -> Answer {
    Answer::No("too many questions are open".into())
}
