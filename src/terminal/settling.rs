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

/// Nobody can have asked for the same answers beforehand: one guess in two to the power of so many is
/// right.
const SECRET_BITS: f64 = 40.0;
/// So often is a terminal asked at most. A smaller screen than these need holds no secret.
const MOST_PLACES: usize = 16;

/// How long a terminal may take at first. Those on this machine need a millisecond, one by a slow line
/// half a second; one that never answers costs as much each time.
const PATIENCE: Duration = Duration::from_secs(1);
/// And at most.
const LONGEST_PATIENCE: Duration = Duration::from_secs(8);
/// How long one that can't be asked has to say nothing.
const SILENCE: Duration = Duration::from_millis(200);

/// Ends whatever was begun: a control sequence, a string, VT52 mode, output to a printer. Then controls
/// of seven bits, the main screen instead of a line of status, no margins.
const BEGIN: &str = "\x18\x1b\\\x1b<\x1b F\x1b[4i\x1b[0$}\x1b[?6l\x1b[?69l\x1b[r";
/// Characters as such: no colours, no other set, none inserted, lines that go on in the next, a cursor to
/// be seen; a screen that shows them at once, and not reversed. Then the last row: each line of the question comes
/// on a new one below it, which nobody can have written on before.
const END: &str = "\x0f\x1b(B\x1b[m\x1b[4l\x1b[?2026l\x1b[?5l\x1b[?7h\x1b[?25h\x1b[9999;1H";
/// The colours as they are by themselves: all that have a number, the special ones, text, background, cursor and
/// what is marked. Text in the colour of its background is not seen.
const COLOURS: &str = "\x1b]R\x1b\\\x1b]104\x1b\\\x1b]105\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\
                       \x1b]112\x1b\\\x1b]117\x1b\\\x1b]119\x1b\\";

/// A terminal that is being waited for.
#[derive(Debug)]
pub(super) struct Settling {
    asked: ExpectedAnswer,
    seen: Vec<u8>,
    until: Instant,
}

/// What a terminal was asked for.
#[derive(Debug)]
enum ExpectedAnswer {
    /// This answer.
    Expected(Vec<u8>),
    /// Nothing: its screen is too small for a secret.
    Small,
    /// Nothing: its user says that it has no control sequences, so it answers none.
    Mute,
}

impl Settling {
    /// Has the terminal made ready by what is written to `out`. It was in vain `before` times.
    pub(super) fn begin(size: Option<Size>, before: u32, out: &mut Vec<u8>) -> Self {
        let speaks =
            std::env::var_os("TERM").is_some_and(|name| !name.is_empty() && name != "dumb");
        let begun = |asked, patience| Self {
            asked,
            seen: Vec::new(),
            until: Instant::now() + patience,
        };
        if !speaks {
            return begun(ExpectedAnswer::Mute, SILENCE);
        }
        let patience = PATIENCE.saturating_mul(1 << before.min(3));
        let (sequences, place) = match places(size) {
            Some((sequences, answer)) => (sequences, ExpectedAnswer::Expected(answer.into_bytes())),
            None => (String::new(), ExpectedAnswer::Small),
        };
        out.extend([BEGIN, COLOURS, &sequences, END].concat().bytes());
        begun(place, patience.min(LONGEST_PATIENCE))
    }

    /// Takes a byte, which answers nothing; whether the terminal has said all.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let expected = match &self.asked {
            ExpectedAnswer::Expected(expected) => expected,
            ExpectedAnswer::Small => return false,
            ExpectedAnswer::Mute => {
                self.until = Instant::now() + SILENCE;
                return false;
            }
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

    /// Whether what was not waited for any more may still come.
    pub(super) fn may_answer_late(&self) -> bool {
        !matches!(self.asked, ExpectedAnswer::Mute)
    }
}

/// What asks for the cursor at places made at random, and the answer; `None` where the screen has too few.
fn places(size: Option<Size>) -> Option<(String, String)> {
    let length = |length: Option<u16>, usual: u16| match length {
        None | Some(0) => usual,
        Some(length) => length,
    };
    let rows = length(size.map(|size| size.ws_row), 24);
    let columns = length(size.map(|size| size.ws_col), 80);
    let bits = (f64::from(rows) * f64::from(columns)).log2();
    let (mut asked, mut expected, mut secret) = (String::new(), String::new(), 0.0);
    for _ in 0..MOST_PLACES {
        let random = random();
        let row = 1 + random % u64::from(rows);
        let column = 1 + (random >> 32) % u64::from(columns);
        // Writing to a String can't fail.
        let _ = write!(asked, "\x1b[{row};{column}H\x1b[6n");
        let _ = write!(expected, "\x1b[{row};{column}R");
        secret += bits;
        if secret >= SECRET_BITS {
            return Some((asked, expected));
        }
    }
    None
}

/// A number that nobody else knows.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A word that nobody else knows, one of some 400 thousand, which can be said and typed.
pub(super) fn word() -> String {
    const SOUNDS: [&[u8]; 2] = [b"bdfgklmnprstvz", b"aeiou"];
    let mut random = random();
    let letters = SOUNDS.iter().cycle().take(6).filter_map(|sounds| {
        let count = sounds.len() as u64;
        let letter = usize::try_from(random % count).ok()?;
        random /= count;
        sounds.get(letter).map(|&letter| char::from(letter))
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::device::screen as size;

    #[test]
    fn only_the_whole_answer_counts() {
        let mut settling = Settling {
            asked: ExpectedAnswer::Expected(b"\x1b[1;2R\x1b[3;4R".to_vec()),
            seen: Vec::new(),
            until: Instant::now(),
        };
        let others = b"yes\r\x1b[3;4R\x1b[1;2Rx\x1b[3;4R\x1b[1;2R\x9b3;4";
        assert!(!others.iter().any(|&byte| settling.take(byte)));
        assert!(settling.take(b'R'));
    }

    #[test]
    fn places_are_on_the_screen_and_never_the_same() {
        let made = || places(Some(size(2, 1000))).unwrap();
        let (asked, expected) = made();
        assert_ne!(expected, made().1);
        for answer in expected.split_terminator('R') {
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

    /// A smaller screen is asked more often, and one with nothing to guess never.
    #[test]
    fn every_screen_that_is_asked_holds_a_secret() {
        for (rows, columns, count) in [(24, 80, 4), (2, 5, 13), (500, 1000, 3)] {
            let (_, expected) = places(Some(size(rows, columns))).unwrap();
            assert_eq!(expected.matches('R').count(), count, "{rows}x{columns}");
        }
        assert!(places(None).is_some());
        for (rows, columns) in [(1, 1), (2, 2), (1, 5)] {
            assert!(
                places(Some(size(rows, columns))).is_none(),
                "{rows}x{columns}"
            );
        }
    }

    #[test]
    fn words_can_be_typed_and_differ() {
        let words: Vec<String> = (0..20).map(|_| word()).collect();
        assert!(words.iter().all(|word| word.len() == 6));
        assert!(words.iter().any(|word| *word != words[0]));
    }
}
