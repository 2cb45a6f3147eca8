//! Messages over sockets, with descriptors.

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

/// As many descriptors go with a message; the kernel takes no more.
const MOST: usize = 253;
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

/// Sends bytes, with descriptors beside the first. Waits while there is no room.
pub fn send_bytes(to: impl AsFd, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let fds: Vec<RawFd> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&fds)];
    let rights = if fds.is_empty() {
        &[]
    } else {
        rights.as_slice()
    };
    let data = [IoSlice::new(bytes)];
    let to = to.as_fd().as_raw_fd();
    loop {
        match sendmsg::<()>(to, &data, rights, MsgFlags::MSG_NOSIGNAL, None) {
            Err(Errno::EINTR) => {}
            result => return result.map(drop).map_err(io::Error::from),
        }
    }
}

/// Receives bytes, and appends to `fds` the descriptors that came with them; how many bytes.
///
/// # Errors
/// What recvmsg(2) answered; `EMFILE` when there was no room for a descriptor.
pub fn receive_bytes(
    from: impl AsFd,
    room: &mut [u8],
    flags: MsgFlags,
    fds: &mut impl Extend<OwnedFd>,
) -> Result<usize, Errno> {
    let mut space = nix::cmsg_space!([RawFd; MOST]);
    let mut data = [IoSliceMut::new(room)];
    let flags = flags | MsgFlags::MSG_CMSG_CLOEXEC;
    let from = from.as_fd().as_raw_fd();
    let message = recvmsg::<()>(from, &mut data, Some(&mut space), flags)?;
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = control {
            fds.extend(numbers.into_iter().flat_map(fork::received));
        }
    }
    if message.flags.contains(MsgFlags::MSG_CTRUNC) {
        return Err(Errno::EMFILE);
    }
    Ok(message.bytes)
}

/// Sends `message`, with a descriptor if there is one to hand over. Waits while the channel is full.
pub fn send(
    channel: impl AsFd,
    message: &impl Serialize,
    with: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    send_bytes(channel, &serde_json::to_vec(message)?, with.as_slice())
}

/// Takes the next message; `None` once the other side has closed. Waits unless `flags` say
/// otherwise.
pub fn receive<T: DeserializeOwned>(
    channel: impl AsFd,
    flags: MsgFlags,
) -> io::Result<Option<(T, Option<OwnedFd>)>> {
    let channel = channel.as_fd();
    // No larger a buffer than the message: most are short.
    let look = flags | MsgFlags::MSG_PEEK | MsgFlags::MSG_TRUNC;
    let mut buffer = vec![0; recv(channel.as_raw_fd(), &mut [], look)?.min(LONGEST)];
    if buffer.is_empty() {
        return Ok(None);
    }
    let mut fds = Vec::new();
    let length = receive_bytes(channel, &mut buffer, flags, &mut fds)?;
    match buffer.get(..length).unwrap_or_default() {
        [] => Ok(None),
        text => Ok(Some((serde_json::from_slice(text)?, fds.pop()))),
    }
}
