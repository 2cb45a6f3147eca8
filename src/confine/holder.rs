//! The process that mounts again what is to be held in a sandbox that stands.
//!
//! It is this binary again, since a process with several threads, such as the supervisor, can't fork and go
//! on, and can't enter a user namespace.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd, RawFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, setns};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::Signal;
use nix::sys::socket::MsgFlags;
use nix::sys::stat::Mode;
use nix::sys::wait::waitpid;

use super::error::{ConfineError, During};
use super::mounts::{self, Planned};
use crate::exit::Exit;
use crate::sys::child::{Group, Inherited, Launch};
use crate::sys::{fork, messages};

/// The first word by which this binary knows that it is this process.
pub const WORD: &str = "__hold";

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Its descriptors: the way to who started it, what is to be mounted, the namespaces.
const CHANNEL: RawFd = 3;
const ORDER: RawFd = 4;
const MOUNTS: RawFd = 5;
const USER: RawFd = 6;

/// A sandbox's namespaces, as who made it can reach them.
#[derive(Debug)]
pub(super) struct Namespaces {
    pub(super) mounts: OwnedFd,
    /// Where the sandbox has one of its own.
    user: Option<OwnedFd>,
    /// The root directory, from which paths lead to what is mounted there.
    pub(super) root: OwnedFd,
    /// The table of mounts, which tells of changes.
    pub(super) table: OwnedFd,
}

impl Namespaces {
    /// Sends those of this process by `channel`, one by one.
    pub(super) fn send(channel: &OwnedFd, user_namespace: bool) -> Result<(), ConfineError> {
        let step = "handing the namespaces over";
        let user = user_namespace.then_some("/proc/self/ns/user");
        let files = ["/proc/self/ns/mnt", "/proc/self/mountinfo"];
        for path in files.into_iter().chain(user) {
            let file = File::open(path).during(step)?;
            messages::send(channel, &(), Some(file.as_fd())).during(step)?;
        }
        let root = open("/", OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()).during(step)?;
        messages::send(channel, &(), Some(root.as_fd())).during(step)
    }

    /// Takes what [`Self::send`] has sent.
    pub(super) fn receive(channel: &OwnedFd, user_namespace: bool) -> Result<Self, ConfineError> {
        let next = || {
            let message = messages::receive::<()>(channel, MsgFlags::MSG_DONTWAIT)?;
            let descriptor = message.and_then(|((), descriptor)| descriptor);
            descriptor.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))
        };
        let step = "taking the namespaces";
        Ok(Self {
            mounts: next().during(step)?,
            table: next().during(step)?,
            user: user_namespace.then(next).transpose().during(step)?,
            root: next().during(step)?,
        })
    }
}

/// Mounts in the sandbox of these namespaces what of `plan` is not there.
pub(super) fn mend(namespaces: &Namespaces, plan: &[Planned]) -> Result<(), ConfineError> {
    let step = "starting what mounts it again";
    let (ours, theirs) = messages::pair().during(step)?;
    let helper = launch(namespaces, plan, theirs).during(step)?;
    let helper = helper.start().during(step)?;
    let mut told = [PollFd::new(ours.as_fd(), PollFlags::POLLIN)];
    let patience = PollTimeout::try_from(PATIENCE).unwrap_or(PollTimeout::MAX);
    while poll(&mut told, patience) == Err(Errno::EINTR) {}
    let answer = messages::receive(&ours, MsgFlags::MSG_DONTWAIT);
    let _ = helper.handle.signal(Signal::SIGKILL as i32);
    let _ = waitpid(helper.pid, None);
    match answer.during("mounting it again")? {
        Some((answer, _)) => answer,
        None => Err(io::Error::from(io::ErrorKind::UnexpectedEof)).during("mounting it again"),
    }
}

fn launch(namespaces: &Namespaces, plan: &[Planned], theirs: OwnedFd) -> io::Result<Launch> {
    let mut order = File::from(memfd_create("codex-shell-held", MFdFlags::MFD_CLOEXEC)?);
    order.write_all(&serde_json::to_vec(plan)?)?;
    order.rewind()?;
    let mut descriptors = vec![
        (theirs, CHANNEL),
        (order.into(), ORDER),
        (namespaces.mounts.try_clone()?, MOUNTS),
    ];
    if let Some(user) = &namespaces.user {
        descriptors.push((user.try_clone()?, USER));
    }
    let path = |path| open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty());
    Ok(Launch {
        executable: path("/proc/self/exe")?,
        argv: ["codex-shell", WORD]
            .into_iter()
            .map(CString::new)
            .collect::<Result<_, _>>()?,
        environment: Vec::new(),
        directory: path("/")?,
        inherited: Inherited {
            descriptors,
            umask: 0o22,
            limits: Vec::new(),
            nice: 0,
            ignored: 0,
            blocked: u64::MAX,
            group: Group::Same,
        },
    })
}

/// Does what it is there for.
pub fn main() -> Exit {
    let Ok(channel) = fork::received(CHANNEL) else {
        return Exit::Usage;
    };
    match messages::send(&channel, &work(), None) {
        Ok(()) => Exit::Success,
        Err(_) => Exit::Internal,
    }
}

fn work() -> Result<(), ConfineError> {
    let step = "entering the sandbox";
    let mut order = Vec::new();
    let file = fork::received(ORDER).during(step)?;
    File::from(file).read_to_end(&mut order).during(step)?;
    let plan: Vec<Planned> = serde_json::from_slice(&order)
        .map_err(io::Error::from)
        .during(step)?;
    let mounts = fork::received(MOUNTS).during(step)?;
    if let Ok(user) = fork::received(USER) {
        setns(user, CloneFlags::CLONE_NEWUSER).during(step)?;
    }
    setns(&mounts, CloneFlags::CLONE_NEWNS).during(step)?;
    mounts::mend(&plan, &mounts)
}
