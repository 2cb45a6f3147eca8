//! The conversation with the broker: `src/wire` has its other side, and says what the bytes mean.

use core::ffi::CStr;

use crate::kernel::{self, DESCRIPTORS, EPROTO, Errno};
use crate::{OpenedPlaces, ProgramToRun};

const VERSION: u8 = 1;
const ASK: u8 = b'R';
const REQUEST: u8 = 1;
const PASS: u8 = 2;
const SIGNAL: u8 = 3;

/// So much surely has room in a stream that nobody reads yet, in bytes.
const SHORT: usize = 64 * 1024;
/// The longest answer, in bytes.
const LONGEST: usize = 16 << 20;

/// The connection on which the broker answers.
#[derive(Debug)]
pub struct BrokerSocket {
    stream: i32,
}

/// What the broker says.
#[derive(Debug)]
pub enum BrokerAnswer {
    Run {
        shell: &'static CStr,
    },
    Escalate,
    Deny(&'static [u8]),
    Note(&'static [u8]),
    Exited(u8),
    Killed(u8),
    /// Stop; that many signals were heard of, modulo 256.
    Stop(u8),
}

impl BrokerSocket {
    /// Connects by the inherited socket, and asks for `job`.
    pub fn ask(job: &ProgramToRun, places: &OpenedPlaces, socket: i32) -> Result<Self, Errno> {
        let (stream, theirs) = kernel::stream_pair()?;
        let broker = Self { stream };
        let blocked = kernel::blocked().to_le_bytes();
        // The words begin with the file.
        let count = u32::try_from(job.arguments.count() - 1).map_err(|_| kernel::E2BIG)?;
        let own = job.own.to_bytes_with_nul().len();
        let words = kernel::strings(&job.arguments, &job.variables)
            .get(own..)
            .unwrap_or_default();
        let send = || {
            let numbers = [places.directory, places.file];
            broker.send(REQUEST, [&blocked, &count.to_le_bytes(), words], &numbers)
        };
        // All of it there when the broker looks saves both a turn.
        let early = words.len() < SHORT;
        if early {
            send()?;
        }
        kernel::send(socket, [&[ASK]], &[theirs])?;
        kernel::close(theirs);
        if !early {
            send()?;
        }
        Ok(broker)
    }

    /// Passes descriptors by their numbers; `more` when others follow.
    pub fn pass(&self, numbers: &[i32], more: bool) -> Result<(), Errno> {
        let mut bytes = [0; 4 * DESCRIPTORS];
        for (room, number) in bytes.chunks_mut(4).zip(numbers) {
            room.copy_from_slice(&number.to_le_bytes());
        }
        let bytes = bytes.get(..4 * numbers.len()).unwrap_or_default();
        self.send(PASS, [&[u8::from(more)], bytes, &[]], numbers)
    }

    /// Tells of a signal.
    pub fn signal(&self, number: i32, code: i32) -> Result<(), Errno> {
        self.send(
            SIGNAL,
            [&number.to_le_bytes(), &code.to_le_bytes(), &[]],
            &[],
        )
    }

    /// The next answer, waited for.
    pub fn answer(&mut self) -> Result<BrokerAnswer, Errno> {
        let mut header = [0; 8];
        self.read(&mut header)?;
        let [VERSION, kind, 0, 0, length @ ..] = header else {
            return Err(EPROTO);
        };
        let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
        if length > LONGEST {
            return Err(EPROTO);
        }
        if length > 1 {
            // One more: a zero behind it.
            let memory = kernel::memory(length + 1)?;
            self.read(memory.get_mut(..length).unwrap_or_default())?;
            return said_at_length(kind, memory);
        }
        let mut room = [0; 1];
        let payload = room.get_mut(..length).unwrap_or_default();
        self.read(payload)?;
        match (kind, payload) {
            (16, []) => Ok(BrokerAnswer::Run { shell: c"" }),
            (17, []) => Ok(BrokerAnswer::Escalate),
            (19, [status]) => Ok(BrokerAnswer::Exited(*status)),
            (20, [signal]) => Ok(BrokerAnswer::Killed(*signal)),
            (22, [after]) => Ok(BrokerAnswer::Stop(*after)),
            _ => Err(EPROTO),
        }
    }

    pub fn stream(&self) -> i32 {
        self.stream
    }

    fn read(&mut self, mut room: &mut [u8]) -> Result<(), Errno> {
        while !room.is_empty() {
            match kernel::read(self.stream, room)? {
                0 => return Err(EPROTO),
                count => room = room.get_mut(count..).unwrap_or_default(),
            }
        }
        Ok(())
    }

    /// Sends a message in its parts, with descriptors on its first byte.
    fn send(&self, kind: u8, parts: [&[u8]; 3], numbers: &[i32]) -> Result<(), Errno> {
        let length = parts.iter().map(|part| part.len()).sum::<usize>();
        let length = u32::try_from(length)
            .map_err(|_| kernel::E2BIG)?
            .to_le_bytes();
        let [a, b, c, d] = length;
        let header = [VERSION, kind, 0, 0, a, b, c, d];
        let [first, second, third] = parts;
        let mut parts = [&header[..], first, second, third];
        let mut numbers = numbers;
        while parts.iter().any(|part| !part.is_empty()) {
            let mut sent = kernel::send(self.stream, parts, numbers)?;
            for part in &mut parts {
                let taken = sent.min(part.len());
                *part = part.get(taken..).unwrap_or_default();
                sent -= taken;
            }
            numbers = &[];
        }
        Ok(())
    }
}

/// An answer that holds words; behind them is a zero.
fn said_at_length(kind: u8, memory: &'static [u8]) -> Result<BrokerAnswer, Errno> {
    match (kind, memory) {
        (16, shell) => {
            let shell = CStr::from_bytes_with_nul(shell).map_err(|_| EPROTO)?;
            Ok(BrokerAnswer::Run { shell })
        }
        (18, [words @ .., _]) => Ok(BrokerAnswer::Deny(words)),
        (21, [words @ .., _]) => Ok(BrokerAnswer::Note(words)),
        _ => Err(EPROTO),
    }
}
