//! Frames: a header with version, kind and length, then as many bytes. Bounded.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::MsgFlags;

use crate::sys::messages;

/// The version of this protocol. Both sides are one binary, so a difference is a mistake.
const VERSION: u8 = 1;
/// The longest frame, in bytes. The kernel takes six million bytes of arguments and environment.
pub const LONGEST: usize = 16 << 20;
/// As many descriptors go with one frame; the kernel takes 253.
pub const DESCRIPTORS: usize = 250;
/// As many descriptors may wait for the frame that claims them.
const WAITING: usize = 2 * DESCRIPTORS;
/// Version, kind, two bytes of zero, length.
const HEADER: usize = 8;

/// One frame.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    /// Which message it holds.
    pub kind: u8,
    /// The message.
    pub payload: Vec<u8>,
}

/// Sends a frame. Does not wait: who reads what it asked for has room for the answer.
///
/// # Errors
/// The other side is gone or has no room, or the frame is too long.
pub fn send(to: impl AsFd, frame: &Frame) -> io::Result<()> {
    let bytes = frame.bytes()?;
    let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
    let mut left = bytes.as_slice();
    while !left.is_empty() {
        match nix::sys::socket::send(to.as_fd().as_raw_fd(), left, flags) {
            Ok(count) => left = left.get(count..).unwrap_or_default(),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

impl Frame {
    /// As it is sent.
    fn bytes(&self) -> io::Result<Vec<u8>> {
        let length = u32::try_from(self.payload.len())
            .ok()
            .filter(|_| self.payload.len() <= LONGEST)
            .ok_or_else(|| io::Error::from(Errno::E2BIG))?;
        let mut bytes = Vec::with_capacity(HEADER + self.payload.len());
        bytes.extend([VERSION, self.kind, 0, 0]);
        bytes.extend(length.to_le_bytes());
        bytes.extend(&self.payload);
        Ok(bytes)
    }
}

/// What reading once gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// Something.
    Some,
    /// Nothing for now.
    Empty,
    /// The other side is gone.
    End,
}

/// Takes frames from a stream, and the descriptors that come with them.
#[derive(Debug)]
pub struct Reader {
    bytes: Vec<u8>,
    fds: VecDeque<OwnedFd>,
    chunk: usize,
    longest: usize,
}

impl Reader {
    /// Reads at most `chunk` bytes at once.
    pub fn new(chunk: usize) -> Self {
        Self {
            bytes: Vec::new(),
            fds: VecDeque::new(),
            chunk,
            longest: LONGEST,
        }
    }

    /// Reads at most `length` bytes at once from now on, and takes no frame that is longer.
    pub fn take_at_most(&mut self, length: usize) {
        self.chunk = length;
        self.longest = length;
    }

    /// Reads once. With `MSG_DONTWAIT`, does not wait for anything to come.
    ///
    /// # Errors
    /// The stream fails, or more descriptors come than anybody claims.
    pub fn fill(&mut self, from: impl AsFd, flags: MsgFlags) -> io::Result<Fill> {
        let start = self.bytes.len();
        self.bytes.resize(start + self.chunk, 0);
        let room = self.bytes.get_mut(start..).unwrap_or_default();
        let result = messages::receive_bytes(from, room, flags, &mut self.fds);
        self.bytes
            .truncate(start + result.as_ref().copied().unwrap_or(0));
        if self.fds.len() > WAITING {
            return Err(malformed("too many descriptors"));
        }
        match result {
            Ok(0) => Ok(Fill::End),
            Ok(_) => Ok(Fill::Some),
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(Fill::Empty),
            Err(errno) => Err(errno.into()),
        }
    }

    /// How long the frame that is being read is, in bytes; `None` when that is not known yet.
    ///
    /// # Errors
    /// As for [`Reader::frame`].
    pub fn expected(&self) -> io::Result<Option<usize>> {
        Ok(self.header()?.map(|(_, length)| length))
    }

    /// The next frame, if all of it was read.
    ///
    /// # Errors
    /// What was read is no frame of this version.
    pub fn frame(&mut self) -> io::Result<Option<Frame>> {
        let Some((kind, length)) = self.header()? else {
            return Ok(None);
        };
        if self.bytes.len() < HEADER + length {
            return Ok(None);
        }
        let rest = self.bytes.split_off(HEADER + length);
        let payload = std::mem::replace(&mut self.bytes, rest).split_off(HEADER);
        Ok(Some(Frame { kind, payload }))
    }

    /// Waits for the next frame; `None` when the other side has ended the stream.
    ///
    /// # Errors
    /// The stream fails, ends within a frame, or holds no frame of this version.
    pub fn wait(&mut self, from: impl AsFd) -> io::Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.frame()? {
                return Ok(Some(frame));
            }
            match self.fill(from.as_fd(), MsgFlags::empty())? {
                Fill::End if self.bytes.is_empty() => return Ok(None),
                Fill::End => return Err(io::ErrorKind::UnexpectedEof.into()),
                Fill::Some | Fill::Empty => {}
            }
        }
    }

    /// The next `count` descriptors that came.
    ///
    /// # Errors
    /// There are not so many.
    pub fn descriptors(&mut self, count: usize) -> io::Result<Vec<OwnedFd>> {
        if self.fds.len() < count {
            return Err(malformed("descriptors are missing"));
        }
        Ok(self.fds.drain(..count).collect())
    }

    /// Kind and length.
    fn header(&self) -> io::Result<Option<(u8, usize)>> {
        let Some(&[version, kind, zero, zero_too, a, b, c, d]) = self.bytes.first_chunk() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if version != VERSION || (zero, zero_too) != (0, 0) {
            return Err(malformed("another version of the protocol"));
        }
        if length > self.longest {
            return Err(malformed("a frame is too long"));
        }
        Ok(Some((kind, length)))
    }
}

/// What was sent can't be read.
pub fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use std::io::{IoSlice, Write as _};
    use std::os::fd::RawFd;
    use std::os::unix::net::UnixStream;

    use nix::sys::socket::{ControlMessage, sendmsg};
    use proptest::prelude::*;

    use super::*;

    /// As the wrapper does: with descriptors on the first byte, and waiting for room.
    fn send_with(mut to: &UnixStream, frame: &Frame, numbers: &[RawFd]) {
        let bytes = frame.bytes().unwrap();
        let rights = [ControlMessage::ScmRights(numbers)];
        let data = [IoSlice::new(&bytes)];
        let flags = MsgFlags::empty();
        let sent = sendmsg::<()>(to.as_raw_fd(), &data, &rights, flags, None).unwrap();
        to.write_all(&bytes[sent..]).unwrap();
    }

    #[test]
    fn frames_and_descriptors_arrive_as_they_were_sent() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let long = Frame {
            kind: 7,
            payload: (0..300_000_u32).flat_map(u32::to_le_bytes).collect(),
        };
        let short = Frame {
            kind: 1,
            payload: vec![],
        };
        let file = std::fs::File::open("/dev/null").unwrap();
        let sender = std::thread::spawn(move || {
            send_with(&ours, &short, &[file.as_raw_fd(), file.as_raw_fd()]);
            send_with(&ours, &long, &[file.as_raw_fd()]);
            (short, long)
        });
        let mut reader = Reader::new(4096);
        let frames = [
            reader.wait(&theirs).unwrap().unwrap(),
            reader.wait(&theirs).unwrap().unwrap(),
        ];
        let (short, long) = sender.join().unwrap();
        assert_eq!(frames, [short, long]);
        let fds = reader.descriptors(3).unwrap();
        assert!(reader.descriptors(1).is_err());
        for fd in fds {
            let flags = nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_GETFD).unwrap();
            assert_eq!(flags, nix::libc::FD_CLOEXEC);
        }
        assert_eq!(reader.wait(&theirs).unwrap(), None);
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        for bytes in [
            &b"\x02\x01\0\0\0\0\0\0"[..],
            b"\x01\x01\x01\0\0\0\0\0",
            b"\x01\x01\0\0\xff\xff\xff\xff",
            b"\x01\x01\0\0\x05\0\0\0abc",
            b"\x01",
        ] {
            let (mut ours, theirs) = UnixStream::pair().unwrap();
            ours.write_all(bytes).unwrap();
            drop(ours);
            Reader::new(16).wait(&theirs).unwrap_err();
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_frames_or_an_error(bytes: Vec<u8>, chunk in 1..40_usize) {
            let (mut ours, theirs) = UnixStream::pair().unwrap();
            ours.write_all(&bytes).unwrap();
            drop(ours);
            let mut reader = Reader::new(chunk);
            let mut total = 0;
            while let Ok(Some(frame)) = reader.wait(&theirs) {
                total += HEADER + frame.payload.len();
            }
            prop_assert!(total <= bytes.len());
        }
    }

    /// Whoever asks, and fills the way back before: the answer must not wait for it.
    #[test]
    fn an_answer_without_room_is_an_error() {
        let (near, far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        while (&near).write(&[0; 4096]).is_ok() {}
        while (&near).write(&[0]).is_ok() {}
        near.set_nonblocking(false).unwrap();
        let frame = Frame {
            kind: 1,
            payload: vec![],
        };
        let error = send(&near, &frame).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        drop(far);
    }

    #[test]
    fn what_is_no_header_and_what_is_too_long_is_found_at_once() {
        let (near, far) = UnixStream::pair().unwrap();
        let mut reader = Reader::new(64);
        (&near).write_all(&[VERSION, 1]).unwrap();
        reader.fill(&far, MsgFlags::MSG_DONTWAIT).unwrap();
        assert_eq!(reader.expected().unwrap(), None);
        (&near).write_all(&[0, 0, 100, 0, 0, 0]).unwrap();
        reader.fill(&far, MsgFlags::MSG_DONTWAIT).unwrap();
        assert_eq!(reader.expected().unwrap(), Some(100));
        reader.take_at_most(99);
        reader.expected().unwrap_err();
        let mut reader = Reader::new(64);
        (&near).write_all(&[VERSION + 1; 8]).unwrap();
        reader.fill(&far, MsgFlags::MSG_DONTWAIT).unwrap();
        reader.expected().unwrap_err();
    }
}
