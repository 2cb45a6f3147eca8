//! Signal dispositions as sets of 64 bits, bit n-1 for signal n, as /proc shows them.

#![expect(
    unsafe_code,
    reason = "sigaction(2) without handlers, one look before main, and calls between fork and exec"
)]

use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether our caller ignored `SIGPIPE`: the standard library ignores it before `main` runs.
static PIPE_WAS_IGNORED: AtomicBool = AtomicBool::new(false);

extern "C" fn look() {
    PIPE_WAS_IGNORED.store(is_ignored(libc::SIGPIPE), Ordering::Relaxed);
}

// SAFETY: a function of the type that the C library calls from this section before `main`; it
// uses nothing that is set up later.
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

fn is_ignored(signal: i32) -> bool {
    disposition(signal, None) == Some(libc::SIG_IGN)
}

/// What becomes of `signal`, and from now on `new`, which is no handler. `None` for those that can't be
/// changed. The raw call, because the C library refuses to touch its own two signals. Async-signal-safe.
fn disposition(signal: i32, new: Option<usize>) -> Option<usize> {
    // All-zero but for the handler is a value of the kernel's structure.
    let (new, mut old) = (new.map(|handler| [handler, 0, 0, 0]), [0_usize; 4]);
    let new = new.as_ref().map_or(std::ptr::null(), |new| new.as_ptr());
    // SAFETY: both structures live until the call returns; nothing that is set has a handler.
    let result = unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, new, old.as_mut_ptr(), 8) };
    (result == 0).then_some(old[0])
}

/// The signals that our caller left ignored.
pub fn ignored_by_caller() -> u64 {
    (1..=64)
        .filter(|&signal| match signal {
            libc::SIGPIPE => PIPE_WAS_IGNORED.load(Ordering::Relaxed),
            _ => is_ignored(signal),
        })
        .fold(0, |set, signal| set | 1 << (signal - 1))
}

/// The signals that are blocked in this thread.
pub fn blocked() -> u64 {
    mask(std::ptr::null())
}

/// Blocks exactly the signals of `set` in this thread. Async-signal-safe.
pub fn block_exactly(set: u64) {
    mask(&raw const set);
}

/// The mask of this thread, and from now on what `new` points to, if it does.
fn mask(new: *const u64) -> u64 {
    let mut old = 0u64;
    let (call, how) = (libc::SYS_rt_sigprocmask, libc::SIG_SETMASK);
    // SAFETY: the kernel's sets have 8 bytes, and both live until the call returns.
    unsafe { libc::syscall(call, how, new, &raw mut old, 8) };
    old
}

/// Whether `signal` waits until it is not blocked any more.
pub fn is_pending(signal: i32) -> bool {
    let mut set = 0u64;
    // SAFETY: the kernel writes 8 bytes, which live until the call returns.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigpending,
            (&raw mut set).cast::<libc::c_void>(),
            8,
        )
    };
    set & 1 << (signal - 1) != 0
}

/// Ignores exactly the signals of `set` and gives all others their default. For a process about
/// to exec; async-signal-safe.
pub fn ignore_exactly(set: u64) {
    for signal in 1..=64 {
        let ignored = set & (1 << (signal - 1)) != 0;
        let handler = if ignored {
            libc::SIG_IGN
        } else {
            libc::SIG_DFL
        };
        // Those that can't be changed fail, which is right.
        disposition(signal, Some(handler));
    }
}

/// Has a command start with every signal as it is by default, whatever we and our caller make of some.
pub fn leave_none_to(command: &mut Command) -> &mut Command {
    let set_up = || {
        ignore_exactly(0);
        block_exactly(0);
        Ok(())
    };
    // SAFETY: what is called there is async-signal-safe.
    unsafe { command.pre_exec(set_up) }
}

/// Gives `SIGPIPE` back the disposition that our caller left it.
pub fn give_back_pipe() {
    if !PIPE_WAS_IGNORED.load(Ordering::Relaxed) {
        disposition(libc::SIGPIPE, Some(libc::SIG_DFL));
    }
}

/// Ends this process by `signal`, without a core file: that is another's to leave. Returns when the
/// signal does not end processes.
pub fn die_of(signal: i32) {
    block_exactly(u64::MAX);
    ignore_exactly(0);
    let _ = nix::sys::prctl::set_dumpable(false);
    // SAFETY: takes integers only.
    unsafe { libc::kill(libc::getpid(), signal) };
    block_exactly(0);
}
