//! From words and a model to a [`Reading`]. Linear in the words, and total: whatever the words
//! are, there is a reading.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use super::find::{CommandLevels, Lookup};
use super::inner::{self, Collected};
use super::model::{CommandModel, Style, Takes};
use super::reading::{Flag, Kind, Known, Part, Reading};

/// Reads the words after a program by its model.
pub fn read<'a>(model: &'a CommandModel, words: &'a [OsString]) -> Reading<'a> {
    let end = words.iter().position(|word| is_end(model, word));
    let (own, behind) = words.split_at(end.map_or(words.len(), |end| end + 1));
    let mut reader = WordReader {
        words: own,
        at: 0,
        levels: CommandLevels::new(model),
        reading: Reading::default(),
        ended: false,
        unsure: false,
        operands: 0,
        collected: Vec::new(),
    };
    reader.all();
    let mut reading = reader.reading;
    reading.program = Some(model);
    reading.model = reader.levels.last();
    reading.obeying = reader.levels.obeying();
    let collected = reader.collected;
    inner::complete(&mut reading, model, collected);
    if !behind.is_empty() {
        reading.inner.push(inner::again(model, own.len(), behind));
    }
    reading
}

/// Whether another command of the same program follows `word`.
fn is_end(model: &CommandModel, word: &OsStr) -> bool {
    let ends = |end: &String| word.as_bytes().ends_with(end.as_bytes());
    model.chains.iter().any(ends)
}

struct WordReader<'a> {
    words: &'a [OsString],
    /// The next word.
    at: usize,
    levels: CommandLevels<'a>,
    reading: Reading<'a>,
    /// No more options.
    ended: bool,
    /// The word before was an unknown option that may take this one.
    unsure: bool,
    operands: usize,
    /// Commands between words that begin and end them: their words.
    collected: Vec<Collected<'a>>,
}

impl<'a> WordReader<'a> {
    fn all(&mut self) {
        while let Some(word) = self.next() {
            let index = self.at - 1;
            let unsure = std::mem::take(&mut self.unsure);
            let bytes = word.as_bytes();
            let is_dash = bytes == b"-" && self.operands == 0 && self.levels.take_a_dash();
            if let Some(lookup) = self.levels.keyword(bytes) {
                // `dd -- of=x`: only what begins with a dash is none behind two.
                self.flag(index, lookup.name, lookup.known, lookup.attached);
            } else if self.ended && !is_dash {
                self.operand(index, word, false);
            } else if bytes == b"--" {
                // find and its like know options of some letters by it, and go on with the others.
                self.ended = self.levels.syntax().style != Some(Style::Words);
                self.push(index, Kind::Dashes);
            } else if self.levels.follows(bytes) {
                self.flag(index, bytes, Known::Runs(self.levels.named(bytes)), None);
                self.collect(None);
            } else if index == 0 && self.levels.syntax().bundle == Some(true) && is_word(bytes) {
                self.bundle(index, bytes);
            } else if is_dash || (bytes.len() > 1 && bytes.starts_with(b"-")) {
                self.dashed(index, word);
            } else if bytes.len() > 1 && self.levels.plus() && bytes.starts_with(b"+") {
                self.cluster(index, b'+', bytes.get(1..).unwrap_or_default());
            } else {
                self.plain(index, word, unsure);
            }
        }
    }

    fn next(&mut self) -> Option<&'a OsStr> {
        let word = self.words.get(self.at)?;
        self.at += 1;
        Some(word)
    }

    fn push(&mut self, index: usize, kind: Kind<'a>) {
        self.reading.parts.push(Part { index, kind });
    }

    fn flag(
        &mut self,
        index: usize,
        written: impl Into<Cow<'a, [u8]>>,
        known: Known<'a>,
        value: Option<&'a OsStr>,
    ) {
        let also = match (known, value) {
            (Known::As(option), Some(value)) => option.flag_of(value),
            _ => None,
        };
        let flag = Flag {
            written: written.into(),
            known,
            also,
            value,
            global: self.levels.is_top() && self.levels.has_subcommands(),
        };
        self.push(index, Kind::Flag(Box::new(flag)));
    }

    /// The words up to the one that ends the command which begins here, behind `first`.
    fn collect(&mut self, first: Option<&'a OsStr>) {
        // The word that it follows, if the command begins in that.
        let from = self.at - usize::from(first.is_some());
        let mut words: Vec<&OsStr> = first.into_iter().collect();
        while let Some(word) = self.next() {
            if self.levels.ends(word.as_bytes()) {
                break;
            }
            words.push(word);
        }
        let option = self.reading.parts.len().saturating_sub(1);
        self.collected.push(Collected {
            from,
            option,
            words,
        });
    }

    /// A word that begins with a dash.
    fn dashed(&mut self, index: usize, word: &'a OsStr) {
        let bytes = word.as_bytes();
        let style = self.levels.syntax().style.unwrap_or_default();
        if style == Style::Gnu && !bytes.starts_with(b"--") {
            let lookup = self.levels.word(bytes);
            return match lookup.known {
                Known::Unknown => self.cluster(index, b'-', bytes.get(1..).unwrap_or_default()),
                _ => self.long(index, lookup),
            };
        }
        let lookup = self.levels.word(bytes);
        self.long(index, lookup);
    }

    /// An option that has its word to itself.
    fn long(&mut self, index: usize, lookup: Lookup<'a>) {
        let takes_next = match lookup.known {
            Known::As(option) => lookup.attached.is_none() && self.takes_next(option.takes),
            Known::Unknown => {
                self.unsure = lookup.attached.is_none();
                false
            }
            _ => false,
        };
        if takes_next {
            self.with_next(index, lookup.name, lookup.known);
        } else {
            self.flag(index, lookup.name, lookup.known, lookup.attached);
        }
    }

    /// Whether an option without anything attached has the next word for a value.
    fn takes_next(&self, takes: Takes) -> bool {
        let is_number = |word: &OsString| word.as_bytes().first().is_some_and(u8::is_ascii_digit);
        match takes {
            Takes::Nothing | Takes::Attached => false,
            Takes::Value => true,
            Takes::Number => self.words.get(self.at).is_some_and(is_number),
        }
    }

    /// An option whose value is the next word, if there is one.
    fn with_next(&mut self, index: usize, written: impl Into<Cow<'a, [u8]>>, known: Known<'a>) {
        let value = self.next();
        self.flag(index, written, known, value);
        if let Some(value) = value {
            self.push(self.at - 1, Kind::Value(value));
        }
    }

    /// Options of one letter each.
    fn cluster(&mut self, index: usize, sign: u8, letters: &'a [u8]) {
        let digits = self.levels.syntax().digits == Some(true);
        if digits && letters.iter().all(u8::is_ascii_digit) {
            let written: Vec<u8> = std::iter::once(sign)
                .chain(letters.iter().copied())
                .collect();
            return self.flag(index, written, Known::Number, None);
        }
        if sign == b'+' && !self.levels.has_letters(sign) {
            let written = [&[sign], letters].concat();
            return self.flag(index, written, Known::Unknown, None);
        }
        for (nth, &letter) in letters.iter().enumerate() {
            let written = vec![sign, letter];
            let known = self.levels.letter(sign, letter);
            let rest = letters.get(nth + 1..).unwrap_or_default();
            if self.levels.follows(&written) {
                let first = (!rest.is_empty()).then(|| OsStr::from_bytes(rest));
                let known = Known::Runs(self.levels.named(&written));
                self.flag(index, written, known, None);
                return self.collect(first);
            }
            let takes = match known {
                Known::As(option) => option.takes,
                _ => Takes::Nothing,
            };
            let behind_equals = match rest {
                [b'=', value @ ..] if !value.is_empty() && self.levels.short_equals() => {
                    Some(value)
                }
                _ => None,
            };
            if known != Known::Unknown && behind_equals.is_some() {
                let value = behind_equals.map(OsStr::from_bytes);
                return self.flag(index, written, known, value);
            }
            if takes != Takes::Nothing && !rest.is_empty() {
                let value = Some(OsStr::from_bytes(rest));
                return self.flag(index, written, known, value);
            }
            if self.takes_next(takes) {
                return self.with_next(index, written, known);
            }
            self.flag(index, written, known, None);
            self.unsure = known == Known::Unknown && rest.is_empty();
        }
    }

    /// A first word of letters that are options, whose values are the next words.
    fn bundle(&mut self, index: usize, letters: &'a [u8]) {
        for &letter in letters {
            let written = vec![b'-', letter];
            let known = self.levels.letter(b'-', letter);
            match known {
                Known::As(option) if self.takes_next(option.takes) => {
                    self.with_next(index, written, known);
                }
                _ => self.flag(index, written, known, None),
            }
        }
    }

    /// A word that is no option.
    fn plain(&mut self, index: usize, word: &'a OsStr, unsure: bool) {
        if self.operands == 0 && self.levels.has_subcommands() {
            let model = self.levels.subcommand(word);
            if let Some(subcommand) = model {
                self.levels.enter(subcommand);
                return self.push(index, Kind::Subcommand { word, model });
            }
            if unsure {
                return self.push(
                    index,
                    Kind::Operand {
                        word,
                        doubtful: true,
                    },
                );
            }
            if self.levels.is_top() && !self.levels.take_operands() {
                self.levels.enter_unknown();
                return self.push(index, Kind::Subcommand { word, model });
            }
        }
        if self.operands == 0 && self.levels.take_assignments() && word.as_bytes().contains(&b'=') {
            // Some, as sudo, take options behind it.
            return self.push(
                index,
                Kind::Operand {
                    word,
                    doubtful: unsure,
                },
            );
        }
        self.operand(index, word, unsure);
        let syntax = self.levels.syntax();
        let leading = syntax.leading.unwrap_or(0);
        self.ended = syntax.posix == Some(true) && self.operands > leading;
    }

    fn operand(&mut self, index: usize, word: &'a OsStr, doubtful: bool) {
        self.operands += 1;
        self.push(index, Kind::Operand { word, doubtful });
    }
}

fn is_word(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(u8::is_ascii_alphanumeric)
}
