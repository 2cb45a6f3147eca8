//! Which process waits for an answer.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::PathBuf;
use std::time::Duration;

use nix::unistd::Pid;

use crate::sys::read_capped::read_capped;

/// What the kernel says of a descriptor is shorter, in bytes.
const LONGEST: usize = 4096;

/// The process that a descriptor is of, if it is one of a process.
pub(super) fn process(fd: BorrowedFd<'_>) -> Option<Pid> {
    let path = PathBuf::from(format!("/proc/self/fdinfo/{}", fd.as_fd().as_raw_fd()));
    let text = read_capped(&path, LONGEST, Duration::ZERO).ok()?;
    let text = String::from_utf8(text).ok()?;
    let number = text.lines().find_map(|line| line.strip_prefix("Pid:"))?;
    let number = number
        .trim()
        .parse()
        .ok()
        .filter(|&number: &i32| number > 0)?;
    Some(Pid::from_raw(number))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::sys::pidfd::PidFd;

    #[test]
    fn a_descriptor_tells_its_process() {
        let own = nix::unistd::getpid();
        let handle = PidFd::open(own).unwrap();
        assert_eq!(process(handle.as_fd()), Some(own));
        let file = File::open("/").unwrap();
        assert_eq!(process(file.as_fd()), None);
    }
}
