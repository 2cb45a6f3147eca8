//! Starts a program with every attribute given: descriptors, directory, limits, signals.
//!
//! The child shares our memory until it execs, and we stand still meanwhile: a plain fork would
//! copy page tables for each escalated program.

#![expect(
    unsafe_code,
    reason = "clone(2) as vfork, and the calls between it and the exec"
)]

use std::ffi::{CString, c_char, c_void};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use nix::sys::resource::Resource;
use nix::unistd::{Pid, getpgid};
use rustix::fs::getxattr_query;
use rustix::process::getpriority_process;

use super::pidfd::PidFd;
use super::{checked, fds, identity, process, signals};

/// A soft and a hard resource limit.
pub type Limit = libc::rlimit64;

/// Everything a program starts with.
#[derive(Debug)]
pub struct Launch {
    /// The file, run by this descriptor.
    pub executable: OwnedFd,
    /// The argument vector.
    pub argv: Vec<CString>,
    /// The environment, as `NAME=value`.
    pub environment: Vec<CString>,
    /// The working directory.
    pub directory: OwnedFd,
    /// What it takes over from whoever asked for it.
    pub inherited: Inherited,
}

/// What the kernel limits a process by, and what its files may be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// The file mode creation mask.
    pub umask: u32,
    /// Soft and hard limits, by resource number; all others are ours.
    pub limits: Vec<(u32, Limit)>,
}

/// What a program takes over when it starts.
#[derive(Debug)]
pub struct Inherited {
    /// Descriptors of ours, and the number that each has in the program. All others are closed.
    pub descriptors: Vec<(OwnedFd, RawFd)>,
    /// The file mode creation mask.
    pub umask: u32,
    /// Soft and hard limits, by resource number.
    pub limits: Vec<(u32, Limit)>,
    /// The nice value, -20 to 19.
    pub nice: i32,
    /// Ignored signals, bit n-1 for signal n.
    pub ignored: u64,
    /// Blocked signals, likewise.
    pub blocked: u64,
    /// The process group.
    pub group: Group,
}

/// Which process group and session a program starts in.
#[derive(Debug, Clone)]
pub enum Group {
    /// Ours.
    Same,
    /// An existing one of our session.
    Join(Pid),
    /// One of our session, which the first of its programs begins.
    Shared(Arc<SharedGroup>),
    /// A session of its own.
    NewSession,
}

/// A group for several programs; 0 until one is in it. Who starts two at once may get two groups.
#[derive(Debug, Default)]
pub struct SharedGroup(AtomicI32);

impl SharedGroup {
    fn begun(&self) -> i32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Our child `pid` is in it.
    fn begin(&self, pid: Pid) {
        if let Ok(group) = getpgid(Some(pid)) {
            self.0.store(group.as_raw(), Ordering::Relaxed);
        }
    }
}

/// A program that runs.
#[derive(Debug)]
pub struct Child {
    /// Its number.
    pub pid: Pid,
    /// Itself.
    pub handle: PidFd,
}

/// A resource limit of a process.
///
/// # Errors
/// The process is gone, or is not ours.
pub fn limit(pid: Pid, resource: Resource) -> io::Result<Limit> {
    let mut limit = Limit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    let nothing = std::ptr::null::<Limit>();
    // SAFETY: asks only; `limit` lives until the call returns.
    checked(unsafe {
        libc::syscall(
            libc::SYS_prlimit64,
            pid.as_raw(),
            resource as u32,
            nothing,
            &raw mut limit,
        )
    })?;
    Ok(limit)
}

/// The nice value of a process; 0 stands for the caller.
pub fn nice(pid: Pid) -> i32 {
    getpriority_process(process(pid).ok()).unwrap_or(0)
}

/// What the child needs between clone and exec: plain pointers, nothing to allocate.
struct ChildPlan<'a> {
    launch: &'a Launch,
    argv: Vec<*const c_char>,
    environment: Vec<*const c_char>,
    /// Where the sources of `descriptors` are put first, so that none is overwritten.
    scratch: Vec<RawFd>,
    executable: RawFd,
    /// The group that [`Group::Shared`] stands for; 0 before it has begun.
    shared_group: i32,
    errno: i32,
}

const STACK: usize = 64 * 1024;

impl Launch {
    /// Whether the file gives its program rights that its starter does not have.
    pub fn gains_privileges(&self) -> bool {
        let set_id = nix::sys::stat::fstat(&self.executable)
            .is_ok_and(|file| file.st_mode & (libc::S_ISUID | libc::S_ISGID) != 0);
        let path = fds::link(&self.executable);
        let capabilities = getxattr_query(&path, c"security.capability");
        set_id || capabilities.is_ok_and(|size| size > 0)
    }

    /// Whether the file is the program that we are ourselves.
    pub fn is_ourselves(&self) -> bool {
        let own = nix::sys::stat::stat("/proc/self/exe");
        let file = nix::sys::stat::fstat(&self.executable);
        matches!((own, file), (Ok(own), Ok(file)) if identity::of(&own) == identity::of(&file))
    }

    /// Starts the program; it is killed when the calling thread ends.
    ///
    /// # Errors
    /// What the clone, the set-up or the exec answered; nothing runs then.
    pub fn start(&self) -> io::Result<Child> {
        let shared = match &self.inherited.group {
            Group::Shared(shared) => Some(shared),
            Group::Same | Group::Join(_) | Group::NewSession => None,
        };
        let mut plan = ChildPlan {
            launch: self,
            argv: pointers(&self.argv),
            environment: pointers(&self.environment),
            scratch: vec![-1; self.inherited.descriptors.len()],
            executable: self.executable.as_raw_fd(),
            shared_group: shared.map_or(0, |group| group.begun()),
            errno: 0,
        };
        let mut stack = vec![0u128; STACK / 16];
        let mut handle: RawFd = -1;
        let mask = signals::blocked();
        signals::block_exactly(u64::MAX); // no handler may run in the child on our memory
        // SAFETY: the child runs `child_main` on a stack of its own and shares our memory, with
        // this thread suspended until it execs or exits (CLONE_VFORK); `plan` and `stack` outlive
        // that. The kernel writes the pidfd to `handle`.
        let pid = unsafe {
            let top = stack.as_mut_ptr_range().end.cast::<c_void>();
            let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
            let argument = (&raw mut plan).cast::<c_void>();
            checked(libc::clone(
                child_main,
                top,
                flags,
                argument,
                &raw mut handle,
            ))
        };
        signals::block_exactly(mask);
        let pid = Pid::from_raw(pid?);
        // SAFETY: the kernel has just made this descriptor for us.
        let handle = PidFd::from(unsafe { OwnedFd::from_raw_fd(handle) });
        if plan.errno != 0 {
            // It has exited already; the status says nothing more.
            let _ = nix::sys::wait::waitpid(pid, None);
            return Err(io::Error::from_raw_os_error(plan.errno));
        }
        if let Some(group) = shared {
            group.begin(pid);
        }
        Ok(Child { pid, handle })
    }
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings
        .iter()
        .map(|s| s.as_ptr())
        .chain([std::ptr::null()])
        .collect()
}

extern "C" fn child_main(plan: *mut c_void) -> i32 {
    // SAFETY: `start` passes a live Plan that nobody else touches while we run.
    let plan = unsafe { &mut *plan.cast::<ChildPlan<'_>>() };
    let Err(error) = prepare(plan).and_then(|()| exec(plan));
    plan.errno = error.raw_os_error().unwrap_or(libc::EIO);
    127
}

/// Sets everything up, in an order in which no step spoils the next.
fn prepare(plan: &mut ChildPlan<'_>) -> io::Result<()> {
    let launch = plan.launch;
    let inherited = &launch.inherited;
    // SAFETY: system calls on integers and on structures that live in `plan`.
    unsafe {
        checked(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL))?;
        match &inherited.group {
            Group::Same => {}
            // It may have ended meanwhile; then it begins anew.
            Group::Shared(_) => {
                if checked(libc::setpgid(0, plan.shared_group)).is_err() {
                    checked(libc::setpgid(0, 0))?;
                }
            }
            // The group may have ended meanwhile; then ours is as good.
            Group::Join(group) => drop(checked(libc::setpgid(0, group.as_raw()))),
            Group::NewSession => drop(checked(libc::setsid())),
        }
        checked(libc::fchdir(launch.directory.as_raw_fd()))?;
        libc::umask(inherited.umask);
        place_descriptors(plan)?;
        for (resource, limit) in &inherited.limits {
            let nothing = std::ptr::null_mut::<libc::rlimit64>();
            checked(libc::syscall(
                libc::SYS_prlimit64,
                0,
                *resource,
                &raw const *limit,
                nothing,
            ))?;
        }
        checked(libc::setpriority(libc::PRIO_PROCESS, 0, inherited.nice))?;
    }
    signals::ignore_exactly(inherited.ignored);
    signals::block_exactly(inherited.blocked);
    Ok(())
}

/// Moves the sources above every target, then each to its number, so that none is overwritten.
fn place_descriptors(plan: &mut ChildPlan<'_>) -> io::Result<()> {
    let descriptors = &plan.launch.inherited.descriptors;
    let above = descriptors
        .iter()
        .map(|(_, number)| number + 1)
        .max()
        .unwrap_or(0)
        .max(3);
    // SAFETY: system calls on integers.
    unsafe {
        plan.executable = checked(libc::fcntl(plan.executable, libc::F_DUPFD_CLOEXEC, above))?;
        for (scratch, (source, _)) in plan.scratch.iter_mut().zip(descriptors) {
            *scratch = checked(libc::fcntl(
                source.as_raw_fd(),
                libc::F_DUPFD_CLOEXEC,
                above,
            ))?;
        }
        let on_exec = libc::CLOSE_RANGE_CLOEXEC;
        checked(libc::syscall(
            libc::SYS_close_range,
            0,
            libc::c_uint::MAX,
            on_exec,
        ))?;
        for (scratch, (_, number)) in plan.scratch.iter().zip(descriptors) {
            checked(libc::dup2(*scratch, *number))?;
        }
    }
    Ok(())
}

fn exec(plan: &ChildPlan<'_>) -> io::Result<std::convert::Infallible> {
    // SAFETY: both vectors end with a null pointer and point to C strings that outlive the call.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            plan.executable,
            c"".as_ptr(),
            plan.argv.as_ptr(),
            plan.environment.as_ptr(),
            libc::AT_EMPTY_PATH,
        );
    }
    Err(io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsFd, OwnedFd};

    use super::*;

    fn launch(argv: &[&str], descriptors: Vec<(OwnedFd, RawFd)>) -> Launch {
        let open = |path: &str| OwnedFd::from(std::fs::File::open(path).unwrap());
        Launch {
            executable: open("/bin/sh"),
            argv: argv.iter().map(|a| CString::new(*a).unwrap()).collect(),
            environment: vec![],
            directory: open("/usr"),
            inherited: Inherited {
                descriptors,
                umask: 0o27,
                limits: vec![],
                nice: 5,
                ignored: 1 << (libc::SIGUSR1 - 1),
                blocked: 0,
                group: Group::Same,
            },
        }
    }

    #[test]
    fn a_program_gets_what_it_was_given_and_nothing_else() {
        let (read, write) = nix::unistd::pipe().unwrap();
        let script = "echo $0 $PWD $(umask) $(nice); ls /proc/$$/fd; grep SigIgn /proc/$$/status";
        let duplicate = write.as_fd().try_clone_to_owned().unwrap();
        let child = launch(&["name", "-c", script], vec![(write, 1), (duplicate, 9)]);
        let running = child.start().unwrap();
        drop(child);
        let mut output = String::new();
        io::Read::read_to_string(&mut std::fs::File::from(read), &mut output).unwrap();
        nix::sys::wait::waitpid(running.pid, None).unwrap();
        let ignored = format!("{:016x}", 1 << (libc::SIGUSR1 - 1));
        assert_eq!(
            output,
            format!("name /usr 0027 5\n1\n9\nSigIgn:\t{ignored}\n")
        );
    }

    #[test]
    fn a_file_that_cannot_run_is_an_error() {
        let mut child = launch(&["x"], vec![]);
        child.executable = std::fs::File::open("/etc/passwd").unwrap().into();
        let error = child.start().unwrap_err();
        assert!(
            matches!(error.raw_os_error(), Some(libc::EACCES | libc::ENOEXEC)),
            "{error}"
        );
    }
}
