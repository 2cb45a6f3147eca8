//! What a supervisor has its server do: ask, and remember what commands can write.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::MsgFlags;

use super::channel::{self, ClientQuestion, Event};
use super::order::Keys;
use crate::approve::{Answer, Approver, Question};
use crate::request::{Program, Request, Trust};

/// The longest rule that is offered, in bytes of its words.
const PATTERN_LIMIT: usize = 1000;

/// Has the server remember that commands can write in `roots`, but for those that it was `told` of already.
///
/// # Errors
/// It can't be told; then no command is to write there.
pub(super) fn announce(
    events: &OwnedFd,
    roots: &[PathBuf],
    told: &mut BTreeSet<PathBuf>,
) -> io::Result<()> {
    for root in roots {
        if told.contains(root) {
            continue;
        }
        let (ours, theirs) = channel::pair()?;
        let event = Event::Writes(root.clone().into());
        channel::send(events, &event, Some(theirs.as_fd()))?;
        drop(theirs);
        if channel::receive(&ours, MsgFlags::empty())?.map(|(reply, _)| reply) != Some(Answer::Yes)
        {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        told.insert(root.clone());
    }
    Ok(())
}

/// Has the server ask.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) events: Arc<OwnedFd>,
    pub(super) keys: Keys,
    pub(super) writable: Vec<PathBuf>,
}

impl Approver for Remote {
    fn ask(&self, question: &Question, withdrawn: BorrowedFd<'_>) -> Answer {
        let put = self.put(question, withdrawn);
        put.unwrap_or_else(|error| Answer::No(format!("nobody could be asked: {error}")))
    }
}

impl Remote {
    fn put(&self, question: &Question, withdrawn: BorrowedFd<'_>) -> io::Result<Answer> {
        let (ours, theirs) = channel::pair()?;
        let asked = Event::Asking(Box::new(self.asked(question)));
        channel::send(&*self.events, &asked, Some(theirs.as_fd()))?;
        drop(theirs);
        let mut ready = [
            PollFd::new(ours.as_fd(), PollFlags::POLLIN),
            PollFd::new(withdrawn, PollFlags::POLLIN),
        ];
        while poll(&mut ready, PollTimeout::NONE) == Err(Errno::EINTR) {}
        let [answered, _] = ready;
        if answered.any() != Some(true) {
            return Ok(Answer::No("no longer wanted".into()));
        }
        let answer = channel::receive(&ours, MsgFlags::empty())?;
        answer
            .map(|(reply, _)| reply)
            .ok_or_else(|| io::Error::other("the server closed the question"))
    }

    fn asked(&self, question: &Question) -> ClientQuestion {
        let pattern = pattern(question.request(), &self.writable);
        ClientQuestion {
            text: question.text().clone(),
            pattern: pattern.filter(|_| !question.is_by_rule()),
            key: self.keys.of(question),
        }
    }
}

/// The words of a rule that matches this command; a rule that permits matches trusted programs only.
fn pattern(request: &Request, writable: &[PathBuf]) -> Option<Vec<String>> {
    let Program { asked, path, .. } = &request.program;
    let argv0 = request.argv.first().map(OsString::as_os_str);
    let program = Program::at(asked, path.as_deref()?, argv0, writable);
    if program.trust != Trust::Trusted || program.real != request.program.real {
        return None;
    }
    let text = |word: &OsString| word.to_str().map(str::to_owned);
    let program = text(&request.program.base_name().to_owned())?;
    let rest = request.arguments().iter().map(text);
    let words: Vec<String> = std::iter::once(Some(program))
        .chain(rest)
        .collect::<Option<_>>()?;
    let length: usize = words.iter().map(String::len).sum();
    (length <= PATTERN_LIMIT).then_some(words)
}
