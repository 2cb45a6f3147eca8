//! Asks on the controlling terminal: never on standard input, which the command may be reading.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Mutex, PoisonError};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{FlushArg, LocalFlags, SetArg, Termios, tcflush, tcgetattr, tcsetattr};

use super::foreground::Foreground;
use super::remembered::Remembered;
use super::{Answer, Approver, Question};

/// `--ask terminal`.
#[derive(Debug)]
pub struct Terminal {
    /// One question at a time.
    device: Mutex<File>,
    remembered: Remembered,
}

const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;

/// The last line of a question.
const CHOICES: &[u8] = b"[y] yes, once   [s] yes, for this session   [n] no: ";

impl Terminal {
    /// Opens `/dev/tty`.
    ///
    /// # Errors
    /// There is no controlling terminal.
    pub fn open() -> io::Result<Self> {
        let device = File::options().read(true).write(true).open("/dev/tty")?;
        Ok(Self {
            device: Mutex::new(device),
            remembered: Remembered::default(),
        })
    }
}

/// What was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Once,
    Session,
    No,
    Withdrawn,
}

impl Approver for Terminal {
    fn ask(&self, question: &Question, withdrawn: BorrowedFd<'_>) -> Answer {
        let device = self.device.lock().unwrap_or_else(PoisonError::into_inner);
        if self.remembered.contains(question) {
            return Answer::Yes;
        }
        let Some(foreground) = Foreground::of(&device, withdrawn) else {
            return Answer::No("nobody could be asked: in the background".into());
        };
        let conversed = converse(&device, question, withdrawn, foreground.is_borrowed());
        drop(foreground);
        match conversed {
            Ok(Key::Once) => Answer::Yes,
            Ok(Key::Session) => {
                self.remembered.insert(question);
                Answer::Yes
            }
            Ok(Key::No) => Answer::No("declined".into()),
            Ok(Key::Withdrawn) => Answer::No("no longer wanted".into()),
            Err(error) => Answer::No(format!("nobody could be asked: {error}")),
        }
    }
}

/// Ctrl-C is a no where the terminal's signals would not reach whoever is asked about.
fn converse(
    device: &File,
    question: &Question,
    withdrawn: BorrowedFd<'_>,
    signals_are_keys: bool,
) -> io::Result<Key> {
    let _restore = KeyByKey::set(device, signals_are_keys)?;
    let mut out = device;
    out.write_all(wording(question).as_bytes())?;
    // What was typed before the question was to be seen is no answer to it. Whoever waits for the
    // choices may answer at once.
    tcflush(device, FlushArg::TCIFLUSH)?;
    out.write_all(CHOICES)?;
    let key = read_key(device, withdrawn)?;
    out.write_all(match key {
        Key::Once => b"yes\r\n".as_slice(),
        Key::Session => b"yes, for this session\r\n",
        Key::No => b"no\r\n",
        Key::Withdrawn => b"withdrawn\r\n",
    })?;
    Ok(key)
}

fn read_key(device: &File, withdrawn: BorrowedFd<'_>) -> io::Result<Key> {
    loop {
        let mut ready = [
            PollFd::new(device.as_fd(), PollFlags::POLLIN),
            PollFd::new(withdrawn, PollFlags::POLLIN),
        ];
        match poll(&mut ready, PollTimeout::NONE) {
            Err(nix::errno::Errno::EINTR) => continue,
            result => result?,
        };
        let [typed, gone] = ready.map(|fd| fd.any().unwrap_or(true));
        if gone {
            return Ok(Key::Withdrawn);
        }
        let mut byte = [0];
        if typed && { device }.read(&mut byte)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match byte {
            [b'y' | b'Y'] => return Ok(Key::Once),
            [b's' | b'S'] => return Ok(Key::Session),
            [b'n' | b'N' | b'q' | 0x1b | CTRL_C | CTRL_D] => return Ok(Key::No),
            _ => {}
        }
    }
}

/// Where a program would run, so that nobody overlooks that it is not inside.
fn loud(runs: &str) -> String {
    match runs.split_once(' ') {
        Some((first, rest)) if first != "inside" => format!("{} {rest}", first.to_uppercase()),
        _ => runs.to_owned(),
    }
}

/// The question as the terminal shows it; every part was escaped when it was made.
fn wording(question: &Question) -> String {
    let text = question.text();
    let mut lines = vec![
        format!("codex-shell: run this {}?", loud(&text.runs)),
        format!("  {}", text.command),
    ];
    let facts = text.facts().into_iter();
    lines.extend(facts.map(|(label, text)| format!("  {label:<11}{text}")));
    format!("\r\n{}\r\n", lines.join("\r\n"))
}

/// The terminal hands over single keys, unechoed, until this is dropped.
struct KeyByKey<'a> {
    device: &'a File,
    before: Termios,
}

impl<'a> KeyByKey<'a> {
    fn set(device: &'a File, signals_too: bool) -> io::Result<Self> {
        let before = tcgetattr(device)?;
        let mut now = before.clone();
        now.local_flags
            .remove(LocalFlags::ICANON | LocalFlags::ECHO);
        now.local_flags.set(LocalFlags::ISIG, !signals_too);
        tcsetattr(device, SetArg::TCSADRAIN, &now)?;
        Ok(Self { device, before })
    }
}

impl Drop for KeyByKey<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs no restoring.
        let _ = tcsetattr(self.device, SetArg::TCSADRAIN, &self.before);
    }
}
