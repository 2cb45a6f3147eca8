//! Whose turn it is at the terminal: the command's, or somebody else's beside us.

use std::io::Read as _;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::termios::{SetArg, tcgetattr, tcsetattr};
use nix::unistd::{Pid, getpid};

use super::device::Device;
use super::link::{TerminalAnswer, TerminalOrder};
use super::relay::{Relay, Turn};
use crate::sys::{messages, pty, signals};

/// How long it may take to show what the command said before a stop or a question.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(1);

/// The signals that have to do with terminals, which the keeper waits for.
pub fn signals() -> SigSet {
    use Signal::{SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH};
    [SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH]
        .into_iter()
        .collect()
}

impl Relay {
    /// Takes a signal that has to do with the terminal. False for one that is for the command alone.
    pub fn takes(&mut self, signal: Signal, was_sent: bool) -> bool {
        match signal {
            Signal::SIGWINCH => self.resize(),
            // To stop by them is not ours.
            Signal::SIGTTIN | Signal::SIGTTOU => {}
            // Typed where the command does not have the terminal: everybody in the foreground has it,
            // and the command is one of them.
            Signal::SIGINT | Signal::SIGQUIT if !was_sent => self.pass(signal),
            Signal::SIGTSTP => self.pass(signal),
            _ => return false,
        }
        true
    }

    fn pass(&mut self, signal: Signal) {
        self.typed = Some(signal);
        if self.is_commands() {
            self.pass_typed();
        } else {
            self.order(true, false);
        }
    }

    /// The command has the foreground of its terminal, for a moment or for longer.
    pub(super) fn pass_typed(&mut self) {
        let Some(signal) = self.typed.take() else {
            return;
        };
        if let Some(outer) = &self.outer {
            // It is one of the three that can be.
            let _ = pty::signal(outer, signal);
        }
        if !self.is_commands() {
            self.order(false, false);
        }
    }

    /// The terminal has another size.
    fn resize(&self) {
        if let (Some(device), Some(outer)) = (&self.device, &self.outer)
            && let Ok(size) = device.size()
        {
            let _ = pty::set_size(outer, size);
        }
    }

    /// The command was stopped by `signal`.
    pub(super) fn stopped(&mut self, signal: Signal) {
        let Some(device) = &self.device else {
            return;
        };
        let wants = matches!(signal, Signal::SIGTTIN | Signal::SIGTTOU);
        if wants && device.is_ours() && self.turn != Turn::Command {
            self.wanted = true;
            self.take_turn(Turn::Command);
        } else {
            self.suspend(signal);
        }
    }

    /// Stops as the command did. Somebody will have this process go on: see [`Relay::resume`].
    pub(super) fn suspend(&mut self, signal: Signal) {
        if self.dialogue.is_none() {
            self.drain(Some(LAST_WORDS), || false);
        }
        if let Some(device) = &mut self.device {
            device.restore();
            // Whoever is stopped is in nobody's way.
            device.end_turn();
        }
        self.suspended = stop(signal);
        if self.suspended {
            return;
        }
        // There is nobody who would have it go on, so nobody who will give it the terminal.
        if self.is_ours() {
            self.resume();
        } else {
            self.conclude(TerminalAnswer::Background);
            self.order(true, true);
        }
    }

    /// This process goes on.
    pub fn resume(&mut self) {
        let mut told = [0; 64];
        // What was told before is over.
        while let Some(stops) = &mut self.stops
            && matches!(stops.read(&mut told), Ok(1..))
        {}
        self.suspended = false;
        let is_ours = self.is_ours();
        if self.dialogue.is_some() && !is_ours {
            // As for all that read from a terminal while it is another's.
            self.suspend(Signal::SIGTTIN);
            return;
        }
        self.resize();
        if is_ours && self.wanted {
            self.take_turn(Turn::CommandAgain);
        } else {
            self.turn = Turn::Others;
            self.order(false, true);
        }
        self.ask_again();
    }

    /// Gives the command the terminal, which is ours, and has it go on.
    fn take_turn(&mut self, turn: Turn) {
        self.copy_modes();
        let raw = self.device.as_mut().map(Device::make_raw);
        if !matches!(raw, Some(Ok(()))) {
            self.lose();
            return;
        }
        self.turn = turn;
        self.order(true, true);
    }

    /// Makes the command's terminal what ours is by now, unless the command has set it up: we may have
    /// been started while a shell read a line.
    fn copy_modes(&mut self) {
        let (Some(device), Some(outer)) = (&self.device, &self.outer) else {
            return;
        };
        // By the outer side, they are those of the inner.
        if let (Ok(modes), Ok(now)) = (device.modes(), tcgetattr(outer))
            && now == self.copied
            && tcsetattr(outer, SetArg::TCSANOW, &modes).is_ok()
            && let Ok(copied) = tcgetattr(outer)
        {
            self.copied = copied;
        }
    }

    /// The terminal is another's.
    pub(super) fn yield_terminal(&mut self) {
        if self.dialogue.is_some() {
            self.suspend(Signal::SIGTTIN);
            return;
        }
        self.turn = Turn::Others;
        self.order(false, false);
    }

    /// The terminal is gone. The command goes on, and nobody sees or answers it any more.
    pub(super) fn lose(&mut self) {
        self.device = None;
        self.turn = Turn::Others;
        self.to_device.clear();
        self.conclude(TerminalAnswer::Gone);
    }

    fn is_ours(&self) -> bool {
        self.device.as_ref().is_some_and(Device::is_ours)
    }

    fn order(&self, foreground: bool, go_on: bool) {
        if let Some(orders) = &self.orders {
            let order = TerminalOrder { foreground, go_on };
            // Who is gone obeys no more.
            let _ = messages::send(orders, &order, None);
        }
    }
}

/// Stops this process and, unless it is by `SIGSTOP`, its group; whether it was stopped. It is not where
/// nobody is there who would have it go on.
fn stop(signal: Signal) -> bool {
    let mut set = SigSet::empty();
    set.add(signal);
    let whom = if signal == Signal::SIGSTOP {
        getpid()
    } else {
        Pid::from_raw(0)
    };
    // This process waits for it instead of being stopped by it.
    let _ = kill(whom, signal);
    let _ = set.thread_unblock();
    let _ = set.thread_block();
    signals::is_pending(Signal::SIGCONT as i32)
}
