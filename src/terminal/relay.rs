//! The keeper's side: carries what is typed and what is said between the two terminals.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;
use nix::sys::socket::MsgFlags;
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::pipe2;

use super::buffer::Buffer;
use super::device::{Device, PATIENCE};
use super::dialogue::{Dialogue, PutOff};
use super::given::Theirs;
use super::link::{Done, QuestionMessage};
use crate::sys::{fds, messages, pty};

/// So much is read at once, in bytes.
const CHUNK: usize = 16 << 10;

/// Who has the user's terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Others, or nobody.
    Others,
    /// The command.
    Command,
    /// The command, after others had it: a stop that was before may be told late.
    CommandAgain,
}

/// The user's terminal, and the outer side of the command's.
#[derive(Debug)]
pub struct Relay {
    /// `None` once it is gone.
    pub(super) device: Option<Device>,
    /// `None` once nobody has the inner side open.
    pub(super) outer: Option<File>,
    /// `None` once the supervisor is gone.
    pub(super) orders: Option<OwnedFd>,
    /// Likewise.
    pub(super) questions: Option<OwnedFd>,
    /// The command's stops, a byte each, which is the signal.
    /// `None` once nobody is left who could tell.
    pub(super) stops: Option<File>,
    pub(super) to_device: Buffer,
    to_command: Buffer,
    /// The command is to have the terminal whenever it is ours. Otherwise only once it wants it: we
    /// may be one of several who share it.
    pub(super) wanted: bool,
    pub(super) turn: Turn,
    /// For the command's foreground, as soon as that is the command.
    pub(super) typed: Option<Signal>,
    pub(super) dialogue: Option<Dialogue>,
    /// A question that waits for another process's on this terminal.
    pub(super) put_off: Option<PutOff>,
    /// This process was stopped, and what is to be done then is still to be done.
    pub(super) suspended: bool,
    /// What the command's terminal was last made.
    pub(super) copied: Termios,
}

impl Relay {
    /// For a command that gets descriptors of these `numbers`.
    pub(super) fn new(mut device: Device, numbers: &[RawFd]) -> io::Result<(Self, Theirs)> {
        let (outer, inner) = pty::pair()?;
        tcsetattr(&inner, SetArg::TCSANOW, &device.modes()?)?;
        let copied = tcgetattr(&inner)?;
        pty::set_size(&outer, device.size()?)?;
        let (orders, their_orders) = messages::pair()?;
        let (questions, their_questions) = messages::pair()?;
        let (stops, their_stops) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        let numbers = numbers.iter().copied();
        let numbers: Vec<RawFd> = numbers.filter(|&n| pty::is_controlling(n)).collect();
        // Where one end of a pipeline is ours, another program may have the terminal at the other.
        let wanted = [0, 1].iter().all(|number| numbers.contains(number));
        if !wanted {
            device.share();
        }
        let foreground = wanted && device.is_ours();
        let theirs = Theirs {
            inner,
            orders: their_orders,
            questions: their_questions,
            stops: their_stops,
            numbers,
            foreground,
        };
        let relay = Self {
            device: Some(device),
            outer: Some(outer),
            orders: Some(orders),
            questions: Some(questions),
            stops: Some(File::from(stops)),
            to_device: Buffer::default(),
            to_command: Buffer::default(),
            wanted,
            turn: if foreground {
                Turn::Command
            } else {
                Turn::Others
            },
            typed: None,
            dialogue: None,
            put_off: None,
            suspended: false,
            copied,
        };
        Ok((relay, theirs))
    }

    /// Begins, once the supervisor has its side.
    pub fn begin(&mut self) {
        if self.is_commands()
            && let Some(device) = &mut self.device
            && device.make_raw().is_err()
        {
            self.lose();
        }
    }

    /// What to wait for before [`Relay::attend`].
    pub fn sources(&self) -> Vec<PollFd<'_>> {
        let flag = |wanted: bool, flag| if wanted { flag } else { PollFlags::empty() };
        let mut sources = Vec::new();
        if let Some(device) = &self.device {
            let input = flag(self.reads_device(), PollFlags::POLLIN);
            let output = flag(!self.to_device.is_empty(), PollFlags::POLLOUT);
            // Its end is told in any case.
            sources.push(PollFd::new(device.as_fd(), input | output));
        }
        if let Some(outer) = &self.outer {
            let input = flag(self.reads_outer(), PollFlags::POLLIN);
            let output = flag(!self.to_command.is_empty(), PollFlags::POLLOUT);
            if !(input | output).is_empty() {
                sources.push(PollFd::new(outer.as_fd(), input | output));
            }
        }
        let input = |fd| PollFd::new(fd, PollFlags::POLLIN);
        sources.extend(self.stops.iter().map(|stops| input(stops.as_fd())));
        let links = [&self.orders, &self.questions].into_iter().flatten();
        sources.extend(links.map(|link| input(link.as_fd())));
        sources
    }

    /// For how long to wait at most.
    pub fn patience(&self) -> Option<Duration> {
        if self.put_off.is_some() || self.dialogue.is_none() && self.is_anothers_turn() {
            return Some(PATIENCE);
        }
        let until = self.dialogue.as_ref()?.until()?;
        Some(until.saturating_duration_since(Instant::now()))
    }

    /// Does what there is to do, and does not wait; but stops with the command, and goes on when
    /// somebody has this process go on.
    pub fn attend(&mut self) {
        let steps = [
            Self::take_orders_done,
            Self::take_questions,
            Self::wait_in_dialogue,
            Self::carry_in,
            Self::carry_out,
            Self::take_stops,
        ];
        for step in steps {
            if self.suspended {
                return;
            }
            step(self);
        }
    }

    pub(super) fn is_commands(&self) -> bool {
        self.turn != Turn::Others
    }

    fn reads_device(&self) -> bool {
        self.dialogue.is_some()
            || self.is_commands() && self.to_command.is_empty() && !self.is_anothers_turn()
    }

    /// Whether another run on this terminal has a question open.
    fn is_anothers_turn(&self) -> bool {
        let device = self.device.as_ref().filter(|_| self.is_commands());
        device.is_some_and(Device::is_anothers_turn)
    }

    fn reads_outer(&self) -> bool {
        self.dialogue.is_none() && self.to_device.is_empty()
    }

    /// From the terminal to the command, or to the question.
    fn carry_in(&mut self) {
        self.flush_to_command();
        let Some(device) = &self.device else {
            return;
        };
        if !self.reads_device() {
            if has_hung_up(device.as_fd()) {
                self.lose();
            }
            return;
        }
        let mut buffer = [0; 4096];
        match device.read(&mut buffer) {
            Ok(0) => self.lose(),
            Ok(count) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                if self.dialogue.is_some() {
                    self.answer_with(bytes);
                } else {
                    self.to_command.extend(bytes);
                    self.flush_to_command();
                }
            }
            Err(error) if is_later(&error) => {}
            // So it is for those in the background, too.
            Err(_) if !device.is_ours() && !has_hung_up(device.as_fd()) => self.yield_terminal(),
            Err(_) => self.lose(),
        }
    }

    fn flush_to_command(&mut self) {
        match &self.outer {
            Some(outer) => {
                // Nobody is left who could read it.
                if self
                    .to_command
                    .flush(|bytes| { outer }.write(bytes))
                    .is_err()
                {
                    self.to_command.clear();
                }
            }
            None => self.to_command.clear(),
        }
    }

    /// From the command to the terminal.
    fn carry_out(&mut self) {
        self.flush_to_device();
        if !self.reads_outer() {
            return;
        }
        let Some(outer) = &self.outer else {
            return;
        };
        let mut buffer = [0; CHUNK];
        let mut filled = 0;
        while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
            match { outer }.read(room) {
                Ok(count @ 1..) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_later(&error) => break,
                Ok(0) | Err(_) => {
                    self.outer = None;
                    break;
                }
            }
        }
        let said = buffer.get(..filled).unwrap_or_default();
        if self.device.as_ref().is_some_and(Device::ends_lines) {
            // It was done once.
            self.to_device.extend(&without_returns(said));
        } else {
            self.to_device.extend(said);
        }
        self.flush_to_device();
    }

    pub(super) fn flush_to_device(&mut self) {
        match &self.device {
            Some(device) => {
                let flushed = self.to_device.flush(|bytes| device.write(bytes));
                if flushed.is_err() {
                    self.lose();
                }
            }
            None => self.to_device.clear(),
        }
    }

    /// Everything that the command has said by now is on the terminal, unless that takes too long, or
    /// `is_over` says so.
    pub(super) fn drain(&mut self, patience: Option<Duration>, is_over: impl Fn() -> bool) {
        let deadline = patience.map(|patience| Instant::now() + patience);
        loop {
            self.carry_out();
            let waits = !self.to_device.is_empty();
            let open = self
                .outer
                .as_ref()
                .is_some_and(|outer| fds::is_readable(outer.as_fd()));
            if !waits && !open || is_over() {
                return;
            }
            if let (true, Some(device)) = (waits, &self.device) {
                let mut ready = [PollFd::new(device.as_fd(), PollFlags::POLLOUT)];
                let _ = poll(&mut ready, 100_u8);
            }
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return;
            }
        }
    }

    /// The end, once nothing of the command is left: what it said last is shown, and the terminal is
    /// what it was. A signal of `signals` that ends processes ends the wait for a terminal that
    /// takes nothing.
    pub fn finish(mut self, signals: &SignalFd) {
        self.put_off = None;
        if self.dialogue.take().is_some() {
            self.to_device.extend(b"\r\n");
        }
        self.drain(None, || {
            let came = signals.read_signal();
            let ends = [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT].map(|end| end as u32);
            matches!(came, Ok(Some(signal)) if ends.contains(&signal.ssi_signo))
        });
    }

    fn take_orders_done(&mut self) {
        let Some(orders) = &self.orders else {
            return;
        };
        match messages::receive::<Done>(orders, MsgFlags::MSG_DONTWAIT) {
            Ok(Some(_)) => self.pass_typed(),
            Err(error) if is_later(&error) => {}
            Ok(None) | Err(_) => self.orders = None,
        }
    }

    fn take_questions(&mut self) {
        let Some(questions) = &self.questions else {
            return;
        };
        match messages::receive::<QuestionMessage>(questions, MsgFlags::MSG_DONTWAIT) {
            Ok(Some((asked, _))) => self.take_question(asked),
            Err(error) if is_later(&error) => {}
            Ok(None) | Err(_) => self.questions = None,
        }
    }

    fn take_stops(&mut self) {
        let mut byte = [0];
        while !self.suspended
            && let Some(stops) = &mut self.stops
        {
            match stops.read(&mut byte) {
                Ok(1..) => {
                    if let Ok(signal) = Signal::try_from(i32::from(byte[0])) {
                        self.stopped(signal);
                    }
                }
                Err(error) if is_later(&error) => return,
                Ok(0) | Err(_) => self.stops = None,
            }
        }
    }
}

/// Each return left out that is followed by the end of the line.
fn without_returns(bytes: &[u8]) -> Vec<u8> {
    let mut left = bytes.iter().copied().peekable();
    let mut kept = Vec::with_capacity(bytes.len());
    while let Some(byte) = left.next() {
        if byte != b'\r' || left.peek() != Some(&b'\n') {
            kept.push(byte);
        }
    }
    kept
}

fn is_later(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

fn has_hung_up(device: BorrowedFd<'_>) -> bool {
    has(
        device,
        PollFlags::empty(),
        PollFlags::POLLHUP | PollFlags::POLLERR,
    )
}

fn has(fd: BorrowedFd<'_>, asked: PollFlags, wanted: PollFlags) -> bool {
    let mut ready = [PollFd::new(fd, asked)];
    let _ = poll(&mut ready, PollTimeout::ZERO);
    let [ready] = ready;
    ready
        .revents()
        .is_some_and(|events| events.intersects(wanted))
}
