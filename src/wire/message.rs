//! The messages, and their form as bytes: numbers are little-endian, strings have their length
//! before them.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use super::frame::{DESCRIPTORS, Frame, malformed};

/// What a wrapper says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromWrapper {
    /// What it was started to run. Two descriptors: the working directory, the file.
    Request(Request),
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
pub struct Request {
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
        /// What it starts is nobody's to judge: it gets nothing of ours.
        alone: bool,
    },
    /// Pass your descriptors: the program runs elsewhere.
    Escalate,
    /// Say this, and exit with 1.
    Deny(OsString),
    /// The program was stopped.
    Stopped,
    /// The program exited with this status.
    Exited(u8),
    /// This signal ended the program.
    Killed(u8),
}

impl FromWrapper {
    /// As a frame.
    pub fn frame(&self) -> Frame {
        let mut payload = Vec::new();
        let kind = match self {
            Self::Request(request) => {
                payload.extend(request.blocked.to_le_bytes());
                string(&mut payload, &request.file);
                strings(&mut payload, &request.argv);
                strings(&mut payload, &request.environment);
                1
            }
            Self::Descriptors { numbers, more } => {
                payload.push(u8::from(*more));
                payload.extend(numbers.iter().flat_map(|n| n.to_le_bytes()));
                2
            }
            Self::Signal { number, code } => {
                payload.extend(number.to_le_bytes());
                payload.extend(code.to_le_bytes());
                3
            }
        };
        Frame { kind, payload }
    }

    /// From a frame.
    ///
    /// # Errors
    /// It holds no such message.
    pub fn read(frame: &Frame) -> io::Result<Self> {
        let mut fields = Fields(&frame.payload);
        let message = match frame.kind {
            1 => Self::Request(Request {
                blocked: u64::from_le_bytes(fields.array()?),
                file: fields.string()?,
                argv: fields.strings()?,
                environment: fields.strings()?,
            }),
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
            Self::Run { shell, alone } => {
                let payload = [&[u8::from(*alone)], shell.as_os_str().as_bytes()];
                (16, payload.concat())
            }
            Self::Escalate => (17, vec![]),
            Self::Deny(words) => (18, words.as_bytes().to_vec()),
            Self::Stopped => (19, vec![]),
            Self::Exited(status) => (20, vec![*status]),
            Self::Killed(signal) => (21, vec![*signal]),
        };
        Frame { kind, payload }
    }

    /// From a frame.
    ///
    /// # Errors
    /// It holds no such message.
    pub fn read(frame: &Frame) -> io::Result<Self> {
        match (frame.kind, frame.payload.as_slice()) {
            (16, [alone, shell @ ..]) => Ok(Self::Run {
                shell: OsString::from_vec(shell.to_vec()).into(),
                alone: *alone != 0,
            }),
            (17, []) => Ok(Self::Escalate),
            (18, words) => Ok(Self::Deny(OsString::from_vec(words.to_vec()))),
            (19, []) => Ok(Self::Stopped),
            (20, [status]) => Ok(Self::Exited(*status)),
            (21, [signal]) => Ok(Self::Killed(*signal)),
            _ => Err(malformed("an unknown message")),
        }
    }
}

fn string(payload: &mut Vec<u8>, string: &OsString) {
    // A longer one makes the frame too long to be sent.
    let length = u32::try_from(string.len()).unwrap_or(u32::MAX);
    payload.extend(length.to_le_bytes());
    payload.extend(string.as_bytes());
}

fn strings(payload: &mut Vec<u8>, list: &[OsString]) {
    let count = u32::try_from(list.len()).unwrap_or(u32::MAX);
    payload.extend(count.to_le_bytes());
    for item in list {
        string(payload, item);
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

    /// As the kernel has strings: without a NUL.
    fn string(&mut self) -> io::Result<OsString> {
        let length = u32::from_le_bytes(self.array()?) as usize;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or_else(short)?;
        if bytes.contains(&0) {
            return Err(malformed("a string holds a NUL"));
        }
        self.0 = rest;
        Ok(OsString::from_vec(bytes.to_vec()))
    }

    fn strings(&mut self) -> io::Result<Vec<OsString>> {
        let count = u32::from_le_bytes(self.array()?) as usize;
        let mut list = Vec::with_capacity(count.min(self.0.len() / 4));
        for _ in 0..count {
            list.push(self.string()?);
        }
        Ok(list)
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

    fn from_wrapper() -> impl Strategy<Value = FromWrapper> {
        prop_oneof![
            (any::<u64>(), word(), vec(word(), 0..9), vec(word(), 0..9)).prop_map(
                |(blocked, file, argv, environment)| FromWrapper::Request(Request {
                    blocked,
                    file,
                    argv,
                    environment
                })
            ),
            (vec(any::<i32>(), 0..9), any::<bool>())
                .prop_map(|(numbers, more)| FromWrapper::Descriptors { numbers, more }),
            (any::<i32>(), any::<i32>())
                .prop_map(|(number, code)| FromWrapper::Signal { number, code }),
        ]
    }

    fn from_broker() -> impl Strategy<Value = FromBroker> {
        prop_oneof![
            (word(), any::<bool>()).prop_map(|(shell, alone)| FromBroker::Run {
                shell: shell.into(),
                alone
            }),
            Just(FromBroker::Escalate),
            word().prop_map(FromBroker::Deny),
            Just(FromBroker::Stopped),
            any::<u8>().prop_map(FromBroker::Exited),
            any::<u8>().prop_map(FromBroker::Killed),
        ]
    }

    proptest! {
        #[test]
        fn messages_arrive_as_they_were_sent(one in from_wrapper(), other in from_broker()) {
            prop_assert_eq!(FromWrapper::read(&one.frame()).unwrap(), one);
            prop_assert_eq!(FromBroker::read(&other.frame()).unwrap(), other);
        }

        #[test]
        fn what_is_cut_off_or_goes_on_is_an_error(message in from_wrapper(), at in any::<usize>()) {
            let mut frame = message.frame();
            let all = frame.payload.clone();
            if frame.kind != 2 {
                frame.payload.push(0);
                prop_assert!(FromWrapper::read(&frame).is_err());
                frame.payload.truncate(at % all.len());
                prop_assert!(FromWrapper::read(&frame).is_err());
            }
        }

        #[test]
        fn any_payload_is_a_message_or_an_error(kind in 0..24_u8, payload: Vec<u8>) {
            let frame = Frame { kind, payload };
            let _ = (FromWrapper::read(&frame), FromBroker::read(&frame));
        }

        #[test]
        fn a_count_that_lies_costs_nothing(count: u32) {
            let mut payload = vec![0; 12];
            payload.extend(count.max(1).to_le_bytes());
            let frame = Frame { kind: 1, payload };
            prop_assert!(FromWrapper::read(&frame).is_err());
        }
    }

    #[test]
    fn a_nul_is_an_error() {
        let request = Request {
            blocked: 0,
            file: "a\0b".into(),
            argv: vec![],
            environment: vec![],
        };
        FromWrapper::read(&FromWrapper::Request(request).frame()).unwrap_err();
    }
}
