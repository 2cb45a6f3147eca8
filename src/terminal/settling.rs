//! Waiting until a terminal has said all that it has to say of what it was shown before.
//!
//! A terminal answers in the order in which it is asked. So the last question is put where the cursor
//! is, at places that nobody else knows: what comes before that answer is an answer to somebody else,
//! or was typed before.

use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::{Duration, Instant};

use crate::sys::pty::Size;

/// Nobody can have asked for the same answers beforehand: with 24 rows of 80 columns, one in seven
/// thousand million guesses is right.
const PLACES: usize = 3;

/// How long a terminal may take at first. Those on this machine need a millisecond, one by a slow line
/// half a second; one that never answers costs as much each time.
const PATIENCE: Duration = Duration::from_secs(1);
/// And at most.
const LONGEST_PATIENCE: Duration = Duration::from_secs(8);
/// How long one that can't be asked has to say nothing.
const SILENCE: Duration = Duration::from_millis(200);

/// Ends whatever was begun: a control sequence, a string, VT52 mode, output to a printer. Then controls
/// of seven bits, no margins.
const BEGIN: &str = "\x18\x1b\\\x1b<\x1b F\x1b[4i\x1b7\x1b[?6l\x1b[?69l\x1b[r";
/// The cursor where it was. Then characters as such: no colours, no other set, none inserted, lines that
/// go on in the next, a cursor to be seen.
const END: &str = "\x1b8\x0f\x1b(B\x1b[m\x1b[4l\x1b[?7h\x1b[?25h";

/// A terminal that is being waited for.
#[derive(Debug)]
pub(super) struct Settling {
    /// `None` where it can't be asked.
    expected: Option<Vec<u8>>,
    seen: Vec<u8>,
    until: Instant,
}

impl Settling {
    /// Has the terminal made ready by what is written to `out`. It was in vain `before` times.
    pub(super) fn begin(size: Option<Size>, before: u32, out: &mut Vec<u8>) -> Self {
        let speaks =
            std::env::var_os("TERM").is_some_and(|name| !name.is_empty() && name != "dumb");
        if !speaks {
            return Self {
                expected: None,
                seen: Vec::new(),
                until: Instant::now() + SILENCE,
            };
        }
        let patience = PATIENCE.saturating_mul(1 << before.min(3));
        let (asked, expected) = places(size);
        out.extend([BEGIN, &asked, END].concat().bytes());
        Self {
            expected: Some(expected.into_bytes()),
            seen: Vec::new(),
            until: Instant::now() + patience.min(LONGEST_PATIENCE),
        }
    }

    /// Takes a byte, which answers nothing; whether the terminal has said all.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let Some(expected) = &self.expected else {
            self.until = Instant::now() + SILENCE;
            return false;
        };
        match byte {
            0x9b => self.seen.extend(b"\x1b["),
            _ => self.seen.push(byte),
        }
        let longer = self.seen.len().saturating_sub(expected.len());
        self.seen.drain(..longer);
        self.seen == *expected
    }

    /// When it is not waited for any more.
    pub(super) fn until(&self) -> Instant {
        self.until
    }
}

/// What asks for the cursor at places made at random, and the answer.
fn places(size: Option<Size>) -> (String, String) {
    let (mut asked, mut expected) = (String::new(), String::new());
    for _ in 0..PLACES {
        let random = RandomState::new().build_hasher().finish();
        let within = |limit: Option<u16>, usual: u64| match limit.map_or(0, u64::from) {
            0 => usual,
            limit => limit,
        };
        let row = 1 + random % within(size.map(|size| size.ws_row), 24);
        let column = 1 + (random >> 32) % within(size.map(|size| size.ws_col), 80);
        // Writing to a String can't fail.
        let _ = write!(asked, "\x1b[{row};{column}H\x1b[6n");
        let _ = write!(expected, "\x1b[{row};{column}R");
    }
    (asked, expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_answer_counts() {
        let mut settling = Settling {
            expected: Some(b"\x1b[1;2R\x1b[3;4R".to_vec()),
            seen: Vec::new(),
            until: Instant::now(),
        };
        let others = b"yes\r\x1b[3;4R\x1b[1;2Rx\x1b[3;4R\x1b[1;2R\x9b3;4";
        assert!(!others.iter().any(|&byte| settling.take(byte)));
        assert!(settling.take(b'R'));
    }

    #[test]
    fn places_are_on_the_screen_and_never_the_same() {
        let size = Size {
            ws_row: 2,
            ws_col: 1000,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let (asked, expected) = places(Some(size));
        assert_ne!(expected, places(Some(size)).1);
        let answers: Vec<&str> = expected.split_terminator('R').collect();
        assert_eq!(answers.len(), PLACES);
        for answer in answers {
            assert!(asked.contains(&format!("{answer}H")));
            let (row, column) = answer
                .strip_prefix("\x1b[")
                .unwrap()
                .split_once(';')
                .unwrap();
            assert!((1..=2).contains(&row.parse::<u16>().unwrap()));
            assert!((1..=1000).contains(&column.parse::<u16>().unwrap()));
        }
    }
}
