//! Limits that a process puts on itself before it touches what it can't trust.

#![forbid(unsafe_code)]

use std::io;
use std::time::Duration;

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};

/// Bounds the address space to `memory` bytes, and forbids core files, files and descriptors
/// beyond the standard three. None of it can be taken back.
pub fn confine_self(memory: u64) -> io::Result<()> {
    for (resource, limit) in [
        (Resource::RLIMIT_AS, memory),
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_FSIZE, 0),
        (Resource::RLIMIT_NOFILE, 3),
    ] {
        let (_, hard) = getrlimit(resource)?;
        let limit = limit.min(hard);
        setrlimit(resource, limit, limit)?;
    }
    Ok(())
}

/// The processor time that this process has taken, all threads together.
pub fn processor_time() -> io::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let (user, system) = (usage.user_time(), usage.system_time());
    let used_us = (user.tv_sec() + system.tv_sec()) * 1_000_000 + user.tv_usec() + system.tv_usec();
    Ok(Duration::from_micros(used_us.unsigned_abs()))
}

/// Gives this process between one and two more seconds of processor time, then `SIGXCPU`; the
/// kernel counts whole seconds only.
pub fn allow_another_second() -> io::Result<()> {
    let whole = processor_time()?.as_secs() + 2;
    // The hard limit stays where it is, so that a later call can allow more.
    let (_, hard) = getrlimit(Resource::RLIMIT_CPU)?;
    setrlimit(Resource::RLIMIT_CPU, whole.min(hard), hard)?;
    Ok(())
}
