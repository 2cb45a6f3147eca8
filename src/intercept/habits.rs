//! Who in a program made a call that the sandbox refused, where that says how much the program needs it.
//!
//! The C library looks for a daemon that knows users and hosts, and for the system's log, and does without:
//! no function of its fails where it can't have a local socket. Java tries which networks there are when it
//! loads the library for them. Which library makes a call is seen from where the function that makes it
//! returns to. What nobody recognizes counts as the program's own.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;

use nix::unistd::Pid;

use super::memory::Memory;
use crate::confine::Refused;
use crate::sys::arch::{Arch, RETURNS_BY_STACK};
use crate::sys::listener::Notification;

/// As much of a list of mappings is looked at, in bytes.
const LONGEST: u64 = 1 << 20;
/// As many places are remembered; the sandboxed side decides how many there are.
const PLACES: usize = 256;

/// What is known of the need for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Habit {
    /// The program's own affair.
    No,
    /// Made to see whether it succeeds: who fails of it says so.
    Probe,
    /// Nothing fails of it.
    Always,
}

/// Recognizes habits, and remembers from where they came.
#[derive(Debug, Default)]
pub(super) struct Habits(HashMap<(Pid, u64), Habit>);

impl Habits {
    /// Whether a call that was refused, and whose thread stands still, was made by habit.
    pub(super) fn of(&mut self, refused: Refused, call: &Notification) -> Habit {
        if !RETURNS_BY_STACK || call.arch != Arch::Native || refused.family.is_none() {
            return Habit::No;
        }
        let Some((makes, returns)) = addresses(call.tid) else {
            return Habit::No;
        };
        let place = (call.tid, returns);
        if let Some(habit) = self.0.get(&place) {
            return *habit;
        }
        let files = files(call.tid, [makes, returns]);
        let habit = files.map_or(Habit::No, |[makes, returns]| {
            habit(refused, &makes, &returns)
        });
        if self.0.len() >= PLACES {
            self.0.clear();
        }
        self.0.insert(place, habit);
        habit
    }
}

/// The habit of a library that calls a function in the file `makes` and has the name `returns`.
fn habit(refused: Refused, makes: &str, returns: &str) -> Habit {
    let name = returns.rsplit('/').next().unwrap_or_default();
    let is_c_library = name.starts_with("libc.so") || name.starts_with("libc-");
    let looks_up = is_c_library && makes == returns || name.starts_with("libnss_");
    if refused.is_local() && looks_up {
        Habit::Always
    } else if refused.is_internet() && name == "libnet.so" {
        Habit::Probe
    } else {
        Habit::No
    }
}

/// Where a thread makes a call, and where the function that does returns to: the C library's are so short
/// that this is the first word on the stack.
fn addresses(tid: Pid) -> Option<(u64, u64)> {
    let mut text = String::new();
    let file = File::open(format!("/proc/{tid}/syscall")).ok()?;
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    let mut words = text.split_ascii_whitespace().rev();
    let mut number = || u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok();
    let (makes, stack) = (number()?, number()?);
    let mut word = [0; 8];
    let read = Memory::of(tid, Arch::Native).read(stack, &mut word);
    (read == Ok(word.len())).then(|| (makes, u64::from_ne_bytes(word)))
}

/// The files that are mapped at these addresses of a thread's memory.
fn files(tid: Pid, addresses: [u64; 2]) -> Option<[String; 2]> {
    let mut maps = Vec::new();
    let file = File::open(format!("/proc/{tid}/maps")).ok()?;
    file.take(LONGEST).read_to_end(&mut maps).ok()?;
    let maps = String::from_utf8_lossy(&maps);
    let [makes, returns] = addresses.map(|address| {
        let mut lines = maps.lines();
        lines
            .find_map(|line| holds(line, address))
            .map(str::to_owned)
    });
    Some([makes?, returns?])
}

/// The file of a line of `/proc/PID/maps` about an address.
fn holds(line: &str, address: u64) -> Option<&str> {
    let (start, rest) = line.split_once('-')?;
    let (end, rest) = rest.split_once(' ')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    let path = rest.get(rest.find('/')?..)?;
    (number(start)? <= address && address < number(end)?).then_some(path)
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::*;

    fn socket(family: u32) -> Refused {
        Refused {
            call: "socket",
            family: Some(family),
            errno: Errno::EPERM,
            remedy: "",
        }
    }

    #[test]
    fn libraries_have_habits_and_programs_needs() {
        let c_library = "/usr/lib/x86_64-linux-gnu/libc.so.6";
        for (family, makes, returns, expected) in [
            (1, c_library, c_library, Habit::Always),
            (1, "/lib/libc-2.31.so", "/lib/libc-2.31.so", Habit::Always),
            (1, c_library, "/lib/libnss_systemd.so.2", Habit::Always),
            (1, c_library, "/usr/bin/curl", Habit::No),
            (1, c_library, "/usr/lib/libcurl.so.4", Habit::No),
            // Who lists the networks fails of it.
            (16, c_library, c_library, Habit::No),
            (2, c_library, c_library, Habit::No),
            (2, c_library, "/opt/jdk/lib/libnet.so", Habit::Probe),
            (2, c_library, "/opt/jdk/lib/libnio.so", Habit::No),
            (1, c_library, "/opt/jdk/lib/libnet.so", Habit::No),
        ] {
            assert_eq!(habit(socket(family), makes, returns), expected, "{returns}");
        }
    }

    #[test]
    fn a_mapping_is_found_by_an_address_in_it() {
        let line = "7f00-7f10 r-xp 00000000 fe:00 12    /lib/a b.so";
        assert_eq!(holds(line, 0x7f00), Some("/lib/a b.so"));
        assert_eq!(holds(line, 0x7f10), None);
        assert_eq!(
            holds("7f00-7f10 rw-p 00000000 00:00 0 [stack]", 0x7f00),
            None
        );
        assert_eq!(holds("", 0), None);
    }
}
