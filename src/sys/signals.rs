//! Signal dispositions as sets of 64 bits, bit n-1 for signal n, as /proc shows them.

#![expect(
    unsafe_code,
    reason = "sigaction(2) without handlers, and one look before main"
)]

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
    // SAFETY: all-zero is a value of this plain C structure.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: asks for the disposition only; the structure lives until the call returns.
    let result = unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut action) };
    result == 0 && action.sa_sigaction == libc::SIG_IGN
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
    let mut set = 0u64;
    // SAFETY: asks for the mask only; the kernel's sets have 8 bytes.
    unsafe {
        let out = (&raw mut set).cast::<libc::c_void>();
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            std::ptr::null::<u64>(),
            out,
            8,
        );
    }
    set
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

/// Blocks exactly the signals of `set` in this thread. Async-signal-safe.
pub fn block_exactly(set: u64) {
    let nothing = std::ptr::null_mut::<u64>();
    // SAFETY: reads 8 bytes that live until the call returns.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const set,
            nothing,
            8,
        );
    }
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
        // SAFETY: all-zero but for the handler is a value of the kernel's structure; the raw call
        // because the C library refuses to touch its own two signals. Those that can't be changed
        // fail, which is right.
        unsafe {
            let action = [handler as u64, 0, 0, 0];
            let nothing = std::ptr::null_mut::<u64>();
            libc::syscall(libc::SYS_rt_sigaction, signal, action.as_ptr(), nothing, 8);
        }
    }
}

/// Gives `SIGPIPE` back the disposition that our caller left it.
pub fn give_back_pipe() {
    if !PIPE_WAS_IGNORED.load(Ordering::Relaxed) {
        // SAFETY: sets a disposition that has no handler.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    }
}

/// Ends this process by `signal`, without a core file: that is another's to leave. Returns when the
/// signal does not end processes.
pub fn die_of(signal: i32) {
    block_exactly(u64::MAX);
    ignore_exactly(0);
    // SAFETY: takes integers only.
    unsafe {
        libc::prctl(libc::PR_SET_DUMPABLE, 0);
        libc::kill(libc::getpid(), signal);
    }
    block_exactly(0);
}
