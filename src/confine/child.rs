//! The sandbox's first process, from the fork to `init`.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, setpgid, setsid};
use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::sys::bpf::Instruction;
use crate::sys::{caps, clone, fds, seccomp};

use super::error::{ConfineError, During};
use super::filter::{self, FilterScope};
use super::given::OpenDirectories;
use super::holder::Namespaces;
use super::layers::{LayerName, Layers, Status};
use super::policy::Mode;
use super::{InitSetup, Inside, NamespaceChoice, landlock, mounts, namespaces};

/// A report is a page at most; a longer one is not ours.
const LONGEST_REPORT: u64 = 1 << 16;

/// What the first process says before it goes on, or ends.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum InitReport {
    /// Every layer is settled; `init` runs now.
    Ready(Layers),
    /// The namespaces are of no use, and why. It ends.
    Barred(String),
    /// It ends.
    Failed(ConfineError),
}

impl InitReport {
    /// Waits for the report.
    pub(super) fn receive(pipe: OwnedFd) -> Self {
        let mut text = Vec::new();
        File::from(pipe)
            .take(LONGEST_REPORT)
            .read_to_end(&mut text)
            .and_then(|_| Ok(serde_json::from_slice(&text)?))
            .unwrap_or_else(|error| {
                Self::Failed(ConfineError::Setup {
                    step: "waiting for the first process".to_owned(),
                    reason: error.to_string(),
                })
            })
    }

    fn send(&self, pipe: OwnedFd) -> io::Result<()> {
        File::from(pipe).write_all(&serde_json::to_vec(self)?)
    }
}

/// Builds the sandbox around this process and runs `init` in it.
pub(super) fn run(
    job: &InitSetup<'_>,
    pipe: OwnedFd,
    channel: OwnedFd,
    init: impl FnOnce(Inside) -> u8,
) -> ! {
    let failed = Exit::Internal.code();
    let (report, built) = match build(job, &pipe, channel) {
        Ok((layers, listener)) => (InitReport::Ready(layers), Some(listener)),
        Err(report) => (report, None),
    };
    let told = report.send(pipe);
    let (Some(listener), Ok(())) = (built, told) else {
        clone::exit_now(failed);
    };
    let inside = Inside {
        listener,
        pid_namespace: job.in_namespaces(),
    };
    // A panic must not unwind into the copy of the caller that this process is.
    let status = catch_unwind(AssertUnwindSafe(|| init(inside)));
    clone::exit_now(status.unwrap_or(failed))
}

fn build(
    job: &InitSetup<'_>,
    pipe: &OwnedFd,
    channel: OwnedFd,
) -> Result<(Layers, Option<OwnedFd>), InitReport> {
    die_with_caller(pipe).map_err(InitReport::Failed)?;
    let mut layers = Layers::default();
    if !job.in_namespaces() {
        prctl::set_child_subreaper(true)
            .during("taking in orphans")
            .map_err(InitReport::Failed)?;
    }
    match &job.namespaces {
        NamespaceChoice::No => {
            layers.add(LayerName::Namespaces, Status::Off);
            layers.add(LayerName::Proc, Status::Off);
        }
        NamespaceChoice::Barred(reason) => {
            layers.add(LayerName::Namespaces, Status::Missing(reason.clone()));
            let reason = "there is no pid namespace".to_owned();
            layers.add(LayerName::Proc, Status::Missing(reason));
        }
        NamespaceChoice::Yes => {
            namespaces::settle(job.identity).map_err(|error| {
                InitReport::Barred(format!("the namespaces came without rights: {error}"))
            })?;
            if let Some(number) = job.setup.number {
                // While /proc is the caller's: ours can't be written. It may be read-only as well.
                let _ = namespaces::number_next(number);
            }
            let directories = OpenDirectories::among(job.setup.keep).map_err(InitReport::Failed)?;
            let proc = mounts::build(&job.plan, &job.cwd).map_err(InitReport::Failed)?;
            directories.reopen().map_err(InitReport::Failed)?;
            Namespaces::send(&channel, job.identity.user_namespace).map_err(InitReport::Failed)?;
            layers.add(LayerName::Namespaces, Status::InForce);
            layers.add(LayerName::Proc, proc);
        }
    }
    drop(channel);
    let listener = match job.setup.policy.mode {
        Mode::DangerFullAccess => unconfined(job, pipe, &mut layers),
        Mode::ReadOnly | Mode::WorkspaceWrite => confined(job, pipe, &mut layers),
    };
    listener
        .map(|listener| (layers, listener))
        .map_err(InitReport::Failed)
}

/// From here on the caller's end is this process's end.
fn die_with_caller(pipe: &OwnedFd) -> Result<(), ConfineError> {
    prctl::set_pdeathsig(Signal::SIGKILL).during("asking to die with the caller")?;
    // It may have ended before: then nobody reads the pipe.
    let mut readers = [PollFd::new(pipe.as_fd(), PollFlags::empty())];
    poll(&mut readers, PollTimeout::ZERO).during("looking for the caller")?;
    let [pipe] = readers;
    match pipe.any() {
        Some(true) => clone::exit_now(Exit::Internal.code()),
        Some(false) | None => Ok(()),
    }
}

/// The layers of a sandbox mode, behind the namespaces.
fn confined(
    job: &InitSetup<'_>,
    pipe: &OwnedFd,
    layers: &mut Layers,
) -> Result<Option<OwnedFd>, ConfineError> {
    let policy = job.setup.policy;
    prctl::set_no_new_privs().during("setting no_new_privs")?;
    caps::drop_all().during("giving up capabilities")?;
    let enforced = landlock::restrict(policy, job.in_namespaces())?;
    // A group's signals would reach the caller through a session that both are in.
    if !(job.setup.terminal && enforced.scopes_signals()) {
        setsid().during("leaving the caller's session")?;
    } else if job.setup.number.is_some() {
        setpgid(Pid::this(), Pid::this()).during("leading a group")?;
    }
    layers.landlock_abi = Some(enforced.abi);
    layers.add(LayerName::Landlock, enforced.status);
    let part = "sockets, mounts, keyrings, io_uring and the like; no exec is looked at";
    layers.add(
        LayerName::Filter,
        if job.setup.listen {
            Status::InForce
        } else {
            Status::Partly(part.to_owned())
        },
    );
    layers.add(LayerName::Privileges, Status::InForce);
    suffice(layers, job.setup.require)?;
    // The kernel forgets it when capabilities change.
    die_with_caller(pipe)?;
    prctl::set_dumpable(false).during("making the first process undumpable")?;
    listen(job, pipe)
}

/// See [`super::listen_from_here`].
pub(super) fn listen_from_here() -> Result<(OwnedFd, bool), ConfineError> {
    let privileged = promise_if_needed()?;
    Ok((
        install(&filter::program(FilterScope::Unconfined))?,
        privileged,
    ))
}

/// A filter must not be handed to a set-user-id program: without CAP_SYS_ADMIN, the kernel wants
/// the promise that there will be none. Returns whether it was not needed.
fn promise_if_needed() -> Result<bool, ConfineError> {
    let privileged = caps::has_sys_admin().during("asking for capabilities")?;
    if !privileged {
        prctl::set_no_new_privs().during("setting no_new_privs")?;
    }
    Ok(privileged)
}

/// The listener alone.
fn unconfined(
    job: &InitSetup<'_>,
    pipe: &OwnedFd,
    layers: &mut Layers,
) -> Result<Option<OwnedFd>, ConfineError> {
    promise_if_needed()?;
    layers.add(LayerName::Landlock, Status::Off);
    let part = if job.setup.listen {
        Status::Partly("exec is judged, nothing else is looked at".to_owned())
    } else {
        Status::Off
    };
    layers.add(LayerName::Filter, part);
    layers.add(LayerName::Privileges, Status::Off);
    suffice(layers, job.setup.require)?;
    listen(job, pipe)
}

/// Whether what is in force is enough to start.
fn suffice(layers: &Layers, require: &[LayerName]) -> Result<(), ConfineError> {
    // The interceptor can be looked at only once there is something to reach into.
    let settled = |layer: &&LayerName| **layer != LayerName::Interceptor;
    for &layer in require.iter().filter(settled) {
        let reason = match layers.status(layer) {
            Status::InForce | Status::Partly(_) => continue,
            Status::Missing(reason) => reason.clone(),
            Status::Off => "danger-full-access does without".to_owned(),
        };
        return Err(ConfineError::Required { layer, reason });
    }
    match (
        layers.status(LayerName::Namespaces),
        layers.status(LayerName::Landlock),
    ) {
        (Status::Missing(namespaces), Status::Missing(landlock)) => {
            Err(ConfineError::NothingHolds {
                namespaces: namespaces.clone(),
                landlock: landlock.clone(),
            })
        }
        _ => Ok(()),
    }
}

/// Closes what was inherited and installs the filter: the last step.
fn listen(job: &InitSetup<'_>, pipe: &OwnedFd) -> Result<Option<OwnedFd>, ConfineError> {
    let mut keep = job.setup.keep.to_vec();
    keep.push(pipe.as_raw_fd());
    fds::close_all_except(&keep).during("closing inherited descriptors")?;
    let program = if job.setup.tell {
        filter::told(job.scope())
    } else {
        filter::program(job.scope())
    };
    if job.setup.listen {
        return install(&program).map(Some);
    }
    seccomp::install(&filter::unheard(program)).map_err(|error| not_installed(&error))?;
    Ok(None)
}

fn install(program: &[Instruction]) -> Result<OwnedFd, ConfineError> {
    seccomp::install_with_listener(program).map_err(|error| {
        if error.raw_os_error() == Some(Errno::EBUSY as i32) {
            ConfineError::Nested
        } else {
            not_installed(&error)
        }
    })
}

fn not_installed(error: &io::Error) -> ConfineError {
    ConfineError::Setup {
        step: "installing the system call filter".to_owned(),
        reason: error.to_string(),
    }
}
