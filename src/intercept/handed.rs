//! What one process hands another over a socket: a short text with descriptors, and a command.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::MsgFlags;
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout};

use super::command::Command;
use crate::sys::messages;

/// The longest text, in bytes.
pub const LONGEST: usize = 16 << 10;
/// As many descriptors come with a command.
const MOST: usize = 4;

/// Waits for what [`messages::send_bytes`] sends; `None` when the other side is gone.
///
/// # Errors
/// What recvmsg(2) answered.
pub fn receive(socket: impl AsFd) -> io::Result<Option<(Vec<u8>, Vec<OwnedFd>)>> {
    let mut text = vec![0; LONGEST];
    let mut descriptors = Vec::new();
    let length = loop {
        let flags = MsgFlags::empty();
        match messages::receive_bytes(&socket, &mut text, flags, &mut descriptors) {
            Err(Errno::EINTR) => {}
            result => break result?,
        }
    };
    text.truncate(length);
    Ok((length > 0).then_some((text, descriptors)))
}

/// Sends `text` with the streams 0, 1 and 2 of a command, and with `last`.
///
/// # Errors
/// Nobody is there to take it, or it is too long.
pub fn send_streams(
    socket: impl AsFd,
    text: &[u8],
    streams: [BorrowedFd<'_>; 3],
    last: BorrowedFd<'_>,
) -> io::Result<()> {
    let [input, output, errors] = streams;
    messages::send_bytes(socket, text, &[input, output, errors, last])
}

/// Takes the streams that came with a text for this process's own 0, 1 and 2, standard error first:
/// what fails is told there. The last descriptor is something else.
///
/// # Errors
/// There are not as many, or the kernel does not let them be taken.
pub fn take_streams(descriptors: Vec<OwnedFd>) -> io::Result<OwnedFd> {
    let descriptors = <[OwnedFd; MOST]>::try_from(descriptors);
    let [input, output, errors, last] = descriptors.map_err(|_| io::ErrorKind::InvalidData)?;
    dup2_stderr(errors)?;
    dup2_stdin(input)?;
    dup2_stdout(output)?;
    Ok(last)
}

/// Makes `directory` the working directory.
///
/// # Errors
/// It can't be; the error names it.
pub fn enter(directory: &Path) -> io::Result<()> {
    std::env::set_current_dir(directory)
        .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", directory.display())))
}

/// A file that holds `command`.
///
/// # Errors
/// There is no memory for it.
pub fn pack(command: &Command) -> io::Result<OwnedFd> {
    let numbers = [
        command.ignored.to_string(),
        command.blocked.to_string(),
        command.argv.len().to_string(),
    ];
    let strings = [&command.program]
        .into_iter()
        .chain(&command.argv)
        .chain(&command.environment);
    let mut bytes = Vec::new();
    for number in numbers {
        bytes.extend_from_slice(number.as_bytes());
        bytes.push(0);
    }
    strings.for_each(|string| bytes.extend_from_slice(string.as_bytes_with_nul()));
    let mut file = File::from(memfd_create("codex-shell-command", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(&bytes)?;
    file.rewind()?;
    Ok(file.into())
}

/// The command that a file of [`pack`] holds.
///
/// # Errors
/// The file holds something else.
pub fn unpack(file: OwnedFd) -> io::Result<Command> {
    let mut bytes = Vec::new();
    File::from(file).read_to_end(&mut bytes)?;
    parse(&bytes).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn parse(bytes: &[u8]) -> Option<Command> {
    let mut strings = bytes
        .split_inclusive(|&byte| byte == 0)
        .map(|string| CString::from_vec_with_nul(string.to_vec()).ok());
    let mut next = || strings.next().flatten();
    let mut number = || next()?.to_str().ok()?.parse::<u64>().ok();
    let (ignored, blocked, count) = (number()?, number()?, number()?);
    let program = next()?;
    let argv = (0..count).map(|_| next()).collect::<Option<_>>()?;
    Some(Command {
        program,
        argv,
        environment: strings.collect::<Option<_>>()?,
        ignored,
        blocked,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::messages;

    fn text(word: &[u8]) -> CString {
        CString::new(word).unwrap()
    }

    #[test]
    fn a_command_comes_out_as_it_went_in() {
        let command = Command {
            program: text(b"/bin/\xffsh"),
            argv: vec![text(b"sh"), text(b""), text(b"-c\n")],
            environment: vec![text(b"A=1"), text(b"B=")],
            ignored: u64::MAX,
            blocked: 3,
        };
        let file = pack(&command).unwrap();
        assert_eq!(unpack(file).unwrap(), command);
    }

    #[test]
    fn what_is_no_command_is_refused() {
        for bytes in [&b""[..], b"1\0", b"1\x002\x009\0sh\0", b"x\0y\0z\0sh\0"] {
            assert_eq!(parse(bytes), None);
        }
    }

    #[test]
    fn descriptors_come_with_the_text() {
        let (ours, theirs) = messages::pair().unwrap();
        let file = memfd_create("probe", MFdFlags::MFD_CLOEXEC).unwrap();
        messages::send_bytes(&ours, b"two", &[file.as_fd(), file.as_fd()]).unwrap();
        let (text, descriptors) = receive(&theirs).unwrap().unwrap();
        assert_eq!((&*text, descriptors.len()), (&b"two"[..], 2));
        drop(ours);
        assert!(receive(&theirs).unwrap().is_none());
    }
}
