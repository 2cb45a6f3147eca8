//! The messages, and their form as bytes: numbers are little-endian, words end with a NUL. The
//! wrapper's side is `src/wrapper/image/broker.rs`.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use super::frame::{DESCRIPTORS, Frame, malformed};

/// What a wrapper says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromWrapper {
    /// What it was started to run. Two descriptors: the working directory, the file.
    Request(ExecMessage),
    /// Numbers for as many descriptors, which the program is to have.
    Descriptors {
        /// The numbers.
        numbers: Vec<i32>,
        /// Another such message follows.
        more: bool,
    },
    /// A signal came.
    Signal {
        /// Which.
        number: i32,
        /// Its `si_code`.
        code: i32,
    },
}

/// One exec asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecMessage {
    /// The signals that the caller blocks, bit n-1 for signal n.
    pub blocked: u64,
    /// The file, as the caller wrote it.
    pub file: OsString,
    /// The argument vector.
    pub argv: Vec<OsString>,
    /// The environment, as `NAME=value`.
    pub environment: Vec<OsString>,
}

/// What the broker says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromBroker {
    /// Run it yourself.
    Run {
        /// What reads the file if it is text that names no interpreter: the shell, as without a
        /// wrapper.
        shell: PathBuf,
    },
    /// Pass your descriptors: the program runs elsewhere.
    Escalate,
    /// Say this, and exit with 1.
    Deny(OsString),
    /// Say this; then comes what to do.
    Note(OsString),
    /// The program exited with this status.
    Exited(u8),
    /// This signal ended the program.
    Killed(u8),
    /// The program is stopped: stop, unless other signals have come than those told of, of which there
    /// were so many modulo 256.
    Stop(u8),
}

impl FromWrapper {
    /// From a frame.
    ///
    /// # Errors
    /// It holds no such message.
    pub fn read(frame: &Frame) -> io::Result<Self> {
        let mut fields = Fields(&frame.payload);
        let message = match frame.kind {
            1 => Self::Request(fields.request()?),
            2 => {
                let [more] = fields.array()?;
                let mut numbers = Vec::new();
                while !fields.0.is_empty() && numbers.len() < DESCRIPTORS {
                    numbers.push(i32::from_le_bytes(fields.array()?));
                }
                Self::Descriptors {
                    numbers,
                    more: more != 0,
                }
            }
            3 => Self::Signal {
                number: i32::from_le_bytes(fields.array()?),
                code: i32::from_le_bytes(fields.array()?),
            },
            _ => return Err(malformed("an unknown message")),
        };
        fields.end(message)
    }
}

impl FromBroker {
    /// As a frame.
    pub fn frame(&self) -> Frame {
        let (kind, payload) = match self {
            Self::Run { shell } => (16, shell.as_os_str().as_bytes().to_vec()),
            Self::Escalate => (17, vec![]),
            Self::Deny(words) => (18, words.as_bytes().to_vec()),
            Self::Note(words) => (21, words.as_bytes().to_vec()),
            Self::Exited(status) => (19, vec![*status]),
            Self::Killed(signal) => (20, vec![*signal]),
            Self::Stop(after) => (22, vec![*after]),
        };
        Frame { kind, payload }
    }
}

/// What is left of a payload.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk().ok_or_else(short)?;
        self.0 = rest;
        Ok(*array)
    }

    fn request(&mut self) -> io::Result<ExecMessage> {
        let blocked = u64::from_le_bytes(self.array()?);
        let count = u32::from_le_bytes(self.array()?) as usize;
        let mut words = std::mem::take(&mut self.0)
            .strip_suffix(b"\0")
            .ok_or_else(short)?
            .split(|&byte| byte == 0)
            .map(|word| OsString::from_vec(word.to_vec()));
        let file = words.next().ok_or_else(short)?;
        let argv = count.checked_sub(1).ok_or_else(short)?;
        let argv: Vec<_> = words.by_ref().take(argv).collect();
        if argv.len() + 1 != count {
            return Err(short());
        }
        Ok(ExecMessage {
            blocked,
            file,
            argv,
            environment: words.collect(),
        })
    }

    fn end<T>(&self, message: T) -> io::Result<T> {
        if self.0.is_empty() {
            Ok(message)
        } else {
            Err(malformed("a message is too long"))
        }
    }
}

fn short() -> io::Error {
    malformed("a message is too short")
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn word() -> impl Strategy<Value = OsString> {
        vec(1_u8.., 0..20).prop_map(OsString::from_vec)
    }

    fn request() -> impl Strategy<Value = ExecMessage> {
        (any::<u64>(), word(), vec(word(), 0..9), vec(word(), 0..9)).prop_map(
            |(blocked, file, argv, environment)| ExecMessage {
                blocked,
                file,
                argv,
                environment,
            },
        )
    }

    /// As the wrapper sends it.
    fn frame(request: &ExecMessage) -> Frame {
        let mut payload = request.blocked.to_le_bytes().to_vec();
        let count = u32::try_from(request.argv.len() + 1).unwrap();
        payload.extend(count.to_le_bytes());
        let (file, argv) = (&request.file, &request.argv);
        for word in [file].into_iter().chain(argv).chain(&request.environment) {
            payload.extend(word.as_bytes());
            payload.push(0);
        }
        Frame { kind: 1, payload }
    }

    proptest! {
        #[test]
        fn a_request_arrives_as_it_was_sent(request in request()) {
            let read = FromWrapper::read(&frame(&request)).unwrap();
            prop_assert_eq!(read, FromWrapper::Request(request));
        }

        #[test]
        fn what_is_cut_off_is_another_request_or_an_error(request in request(), at: usize) {
            let mut frame = frame(&request);
            frame.payload.truncate(at % frame.payload.len());
            if let Ok(FromWrapper::Request(read)) = FromWrapper::read(&frame) {
                prop_assert_eq!((read.file, read.argv), (request.file, request.argv));
                prop_assert!(read.environment.len() < request.environment.len());
            }
        }

        #[test]
        fn descriptors_and_signals_arrive(numbers in vec(any::<i32>(), 0..9), more: bool) {
            let mut payload = vec![u8::from(more)];
            payload.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
            let signal = Frame { kind: 3, payload: payload.get(1..9).unwrap_or(&[]).to_vec() };
            let read = FromWrapper::read(&Frame { kind: 2, payload }).unwrap();
            prop_assert_eq!(read, FromWrapper::Descriptors { numbers: numbers.clone(), more });
            match (FromWrapper::read(&signal), numbers.as_slice()) {
                (Ok(read), &[number, code, ..]) => {
                    prop_assert_eq!(read, FromWrapper::Signal { number, code });
                }
                (read, few) => prop_assert!(read.is_err() && few.len() < 2),
            }
        }

        #[test]
        fn any_payload_is_a_message_or_an_error(kind in 0..24_u8, payload: Vec<u8>) {
            let _ = FromWrapper::read(&Frame { kind, payload });
        }

        #[test]
        fn a_count_that_lies_costs_nothing(count in 2_u32..) {
            let mut payload = vec![0; 8];
            payload.extend(count.to_le_bytes());
            payload.extend(b"/bin/true\0");
            FromWrapper::read(&Frame { kind: 1, payload }).unwrap_err();
        }
    }
}
