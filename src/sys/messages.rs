//! Messages between our own processes, each with at most one descriptor.

#![forbid(unsafe_code)]

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recv,
    recvmsg, sendmsg, socketpair,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fork;

/// The longest message, in bytes.
const LONGEST: usize = 128 << 10;

/// Two ends that keep messages apart, closed on exec.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SockFlag::SOCK_CLOEXEC;
    Ok(socketpair(
        AddressFamily::Unix,
        SockType::SeqPacket,
        None,
        flags,
    )?)
}

/// Sends `message`, with a descriptor if there is one to hand over. Waits while the channel is full.
pub fn send(
    channel: impl AsFd,
    message: &impl Serialize,
    with: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let text = serde_json::to_vec(message)?;
    let fds: Vec<RawFd> = with.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&fds)];
    let rights = if fds.is_empty() {
        &[]
    } else {
        rights.as_slice()
    };
    let data = [IoSlice::new(&text)];
    let channel = channel.as_fd().as_raw_fd();
    loop {
        match sendmsg::<()>(channel, &data, rights, MsgFlags::MSG_NOSIGNAL, None) {
            Err(Errno::EINTR) => {}
            result => return result.map(drop).map_err(io::Error::from),
        }
    }
}

/// Takes the next message; `None` once the other side has closed. Waits unless `flags` say
/// otherwise.
pub fn receive<T: DeserializeOwned>(
    channel: impl AsFd,
    flags: MsgFlags,
) -> io::Result<Option<(T, Option<OwnedFd>)>> {
    let channel = channel.as_fd().as_raw_fd();
    // No larger a buffer than the message: most are short.
    let look = flags | MsgFlags::MSG_PEEK | MsgFlags::MSG_TRUNC;
    let mut buffer = vec![0; recv(channel, &mut [], look)?.min(LONGEST)];
    if buffer.is_empty() {
        return Ok(None);
    }
    let mut space = nix::cmsg_space!(RawFd);
    let flags = flags | MsgFlags::MSG_CMSG_CLOEXEC;
    let (length, received) = {
        let mut data = [IoSliceMut::new(&mut buffer)];
        let message = recvmsg::<()>(channel, &mut data, Some(&mut space), flags)?;
        let mut received = None;
        for control in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(fds) = control {
                received = fds.first().copied().map(fork::received).transpose()?;
            }
        }
        (message.bytes, received)
    };
    match buffer.get(..length).unwrap_or_default() {
        [] => Ok(None),
        text => Ok(Some((serde_json::from_slice(text)?, received))),
    }
}
