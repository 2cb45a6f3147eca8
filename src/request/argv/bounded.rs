//! The form for prompts and refusals: no longer than it may be, with both ends in sight.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;

use super::{is_visible, push_quoted, push_word, text};

/// Runs of blanks longer than this, in bytes, are counted instead of shown by [`bounded`].
const BLANK_RUN: usize = 16;

/// The least number of bytes that [`bounded`] works with.
const LEAST_BOUND: usize = 128;

/// One argument, or a path, likewise; written as the first of a list is.
pub fn bounded_word(word: impl AsRef<OsStr>, max: usize) -> String {
    bounded(&[word.as_ref().to_owned()], max)
}

/// The argument list in at most `max` bytes (but no fewer than 128 are used).
///
/// Long arguments, long runs of blanks and long lists lose their middle; what stands for it is
/// in brackets outside any quotes, where no argument can put one, and says how much is missing.
pub fn bounded(argv: &[OsString], max: usize) -> String {
    let max = max.max(LEAST_BOUND);
    let padded = argv
        .iter()
        .any(|word| longest_blank_run(word.as_bytes()) > BLANK_RUN);
    if !padded && argv.iter().map(|word| word.len()).sum::<usize>() <= max {
        let whole = text(argv);
        if whole.len() <= max {
            return whole;
        }
    }
    let mut head = Vec::new();
    let mut used = 0;
    // The ends get half each; a word may take half of its end.
    let limit = max / 4 - 8;
    // What stands for the middle has 28 bytes and two numbers.
    let half = max / 2 - 34;
    let mut rest = argv.iter().enumerate();
    let mut first_left_out = None;
    for (index, word) in rest.by_ref() {
        let shown = shortened(word.as_bytes(), index == 0, limit);
        if used + shown.len() + 1 > half {
            first_left_out = Some((index, shown));
            break;
        }
        used += shown.len() + 1;
        head.push(shown);
    }
    let Some((first, shown)) = first_left_out else {
        return head.join(" ");
    };
    let mut tail = Vec::new();
    used = 0;
    let mut missing = argv.get(first..).unwrap_or_default();
    while let Some((last, before)) = missing.split_last() {
        let shown = if before.is_empty() {
            shown.clone()
        } else {
            shortened(last.as_bytes(), false, limit)
        };
        if used + shown.len() + 1 > half {
            break;
        }
        used += shown.len() + 1;
        tail.push(shown);
        missing = before;
    }
    if !missing.is_empty() {
        let bytes: usize = missing.iter().map(|word| word.len()).sum();
        let count = missing.len();
        let plural = if count == 1 { "" } else { "s" };
        head.push(format!("[... {count} argument{plural}, {bytes} bytes ...]"));
    }
    tail.reverse();
    head.append(&mut tail);
    head.join(" ")
}

/// One word in at most about `limit` bytes, long runs of blanks counted.
fn shortened(word: &[u8], first: bool, limit: usize) -> String {
    let mut out = String::new();
    push_word(&mut out, word, first);
    if out.len() <= limit && longest_blank_run(word) <= BLANK_RUN {
        return out;
    }
    let parts = split_at_blanks(word);
    out.clear();
    for part in &parts {
        part.push(&mut out);
    }
    if out.len() <= limit {
        return out;
    }
    let half = limit.saturating_sub(32) / 2;
    let (front, shown_front) = end_of(word, half, false);
    let (back, shown_back) = end_of(word, half, true);
    let missing = word.len().saturating_sub(front + back);
    format!("{shown_front}[... {missing} bytes ...]{shown_back}")
}

/// A stretch of a word: text to quote, or a run of blanks to count.
enum WordStretch<'a> {
    Text(&'a [u8]),
    Blanks(usize),
}

impl WordStretch<'_> {
    fn push(&self, out: &mut String) {
        match self {
            Self::Text(text) => push_quoted(out, text),
            // Writing to a String can't fail.
            Self::Blanks(count) => {
                let _ = write!(out, "[... {count} blanks ...]");
            }
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn longest_blank_run(word: &[u8]) -> usize {
    word.split(|&byte| !is_blank(byte))
        .map(<[u8]>::len)
        .max()
        .unwrap_or(0)
}

fn split_at_blanks(word: &[u8]) -> Vec<WordStretch<'_>> {
    let mut parts = Vec::new();
    let mut pending = word;
    let mut scanned = 0;
    while let Some(left) = pending.get(scanned..).filter(|left| !left.is_empty()) {
        let run = left.iter().take_while(|&&byte| is_blank(byte)).count();
        if run > BLANK_RUN {
            let (before, after) = pending.split_at(scanned);
            if !before.is_empty() {
                parts.push(WordStretch::Text(before));
            }
            parts.push(WordStretch::Blanks(run));
            pending = after.get(run..).unwrap_or_default();
            scanned = 0;
        } else {
            scanned += run.max(1);
        }
    }
    if !pending.is_empty() {
        parts.push(WordStretch::Text(pending));
    }
    parts
}

/// The longest start (or end) of `word` whose form, blanks counted, takes at most `budget`
/// bytes: how many bytes of `word` it covers, and the form.
fn end_of(word: &[u8], budget: usize, from_the_end: bool) -> (usize, String) {
    let mut parts = split_at_blanks(word);
    if from_the_end {
        parts.reverse();
    }
    let mut covered = 0;
    let mut left = budget;
    let mut shown = Vec::new();
    for part in parts {
        let mut form = String::new();
        part.push(&mut form);
        if form.len() <= left {
            left -= form.len();
            covered += match part {
                WordStretch::Text(text) => text.len(),
                WordStretch::Blanks(count) => count,
            };
            shown.push(form);
            continue;
        }
        if let WordStretch::Text(text) = part {
            let cut = fitting(text, left.saturating_sub(3), from_the_end);
            if !cut.is_empty() {
                form.clear();
                push_quoted(&mut form, cut);
                covered += cut.len();
                shown.push(form);
            }
        }
        break;
    }
    if from_the_end {
        shown.reverse();
    }
    (covered, shown.concat())
}

/// The longest start (or end) of `text`, whole characters, whose escapes take `budget` bytes.
fn fitting(text: &[u8], budget: usize, from_the_end: bool) -> &[u8] {
    // No character's form is shorter than the character, but for the two-letter escapes.
    let window = budget.min(text.len());
    let region = if from_the_end {
        text.split_at(text.len() - window).1
    } else {
        text.split_at(window).0
    };
    let mut units: Vec<(usize, usize)> = Vec::new();
    for chunk in region.utf8_chunks() {
        units.extend(
            chunk
                .valid()
                .chars()
                .map(|c| (c.len_utf8(), escape_cost(c))),
        );
        units.extend(chunk.invalid().iter().map(|_| (1, 4)));
    }
    if from_the_end {
        units.reverse();
    }
    let mut bytes = 0;
    let mut cost = 0;
    for (length, price) in units {
        cost += price;
        if cost > budget {
            break;
        }
        bytes += length;
    }
    if from_the_end {
        text.split_at(text.len() - bytes).1
    } else {
        text.split_at(bytes).0
    }
}

/// The most bytes that `c` takes inside quotes.
fn escape_cost(c: char) -> usize {
    match c {
        '\'' | '\\' => 2,
        _ if is_visible(c) => c.len_utf8(),
        '\0'..='\u{7f}' => 4,
        '\0'..='\u{ffff}' => 6,
        _ => 10,
    }
}
