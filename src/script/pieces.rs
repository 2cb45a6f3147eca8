//! A word while it is being read: what was quoted is still told apart from what was not.

use super::model::{Dialect, Unknown, Word, WordPart};

/// How much of an expansion's text is kept.
const SOURCE: usize = 1024;

#[derive(Debug)]
enum WordPiece {
    Bare(Vec<u8>),
    Quoted(Vec<u8>),
    Unknown {
        why: Unknown,
        source: Vec<u8>,
        splits: bool,
    },
}

#[derive(Debug, Default)]
pub(super) struct Pieces {
    pieces: Vec<WordPiece>,
    /// Whether a subscript has been read after the name.
    subscript: bool,
}

impl Pieces {
    pub(super) fn clear(&mut self) {
        self.pieces.clear();
    }

    pub(super) fn bare(&mut self, byte: u8) {
        if let Some(WordPiece::Bare(bytes)) = self.pieces.last_mut() {
            bytes.push(byte);
        } else {
            self.pieces.push(WordPiece::Bare(vec![byte]));
        }
    }

    pub(super) fn quoted(&mut self, more: &[u8]) {
        if let Some(WordPiece::Quoted(bytes)) = self.pieces.last_mut() {
            bytes.extend_from_slice(more);
        } else {
            self.pieces.push(WordPiece::Quoted(more.to_vec()));
        }
    }

    pub(super) fn unknown(&mut self, why: Unknown, source: &[u8], splits: bool) {
        let source = source.get(..SOURCE).unwrap_or(source).to_vec();
        self.pieces.push(WordPiece::Unknown {
            why,
            source,
            splits,
        });
    }

    pub(super) fn set_subscript(&mut self) {
        self.subscript = true;
    }

    /// Whether all so far is a variable's name, unquoted.
    pub(super) fn is_name(&self) -> bool {
        matches!(self.pieces.as_slice(), [WordPiece::Bare(bytes)] if is_name(bytes))
            && !self.subscript
    }

    /// Whether all so far is what can stand before the `=` of an assignment.
    pub(super) fn is_target(&self) -> bool {
        let [WordPiece::Bare(bytes)] = self.pieces.as_slice() else {
            return false;
        };
        is_name(bytes.strip_suffix(b"+").unwrap_or(bytes))
    }

    /// Whether what is assigned is put to what the variable had before, or is one part of it.
    pub(super) fn adds(&self) -> bool {
        let appends =
            |piece: &WordPiece| matches!(piece, WordPiece::Bare(bytes) if bytes.ends_with(b"+"));
        self.subscript || self.pieces.iter().any(appends)
    }

    /// The variable's name, taken out.
    pub(super) fn take_target(&mut self) -> Option<Vec<u8>> {
        match self.pieces.pop() {
            Some(WordPiece::Bare(mut bytes)) => {
                if bytes.ends_with(b"+") {
                    bytes.pop();
                }
                Some(bytes)
            }
            _ => None,
        }
    }

    /// The finished word.
    pub(super) fn finish(self, assigned: bool, dialect: Dialect) -> Word {
        let expands = Expands::of(&self.pieces, assigned);
        let mut word = Word::default();
        word.parts.reserve_exact(self.pieces.len());
        for (index, piece) in self.pieces.into_iter().enumerate() {
            match piece {
                WordPiece::Bare(bytes) => match expands.why(index, &bytes, assigned) {
                    Some(why) => word.parts.push(WordPart::Unknown {
                        why,
                        source: bytes,
                        splits: why != Unknown::Tilde && !assigned,
                    }),
                    None => known(&mut word, bytes),
                },
                WordPiece::Quoted(bytes) => known(&mut word, bytes),
                WordPiece::Unknown {
                    why,
                    source,
                    splits,
                } => word.parts.push(WordPart::Unknown {
                    why,
                    source,
                    splits: splits && !(assigned && dialect == Dialect::Bash),
                }),
            }
        }
        word
    }
}

fn known(word: &mut Word, bytes: Vec<u8>) {
    match word.parts.last_mut() {
        Some(WordPart::Known(so_far)) => so_far.extend_from_slice(&bytes),
        _ if bytes.is_empty() => {}
        _ => word.parts.push(WordPart::Known(bytes)),
    }
}

/// What the unquoted characters of a word make the shell do.
struct Expands {
    brackets: bool,
    braces: bool,
}

impl Expands {
    fn of(pieces: &[WordPiece], assigned: bool) -> Self {
        let bare = || {
            pieces.iter().flat_map(|piece| match piece {
                WordPiece::Bare(bytes) => bytes.as_slice(),
                _ => &[],
            })
        };
        let has = |byte: u8| bare().any(|&found| found == byte);
        let dots = || {
            pieces.iter().any(|piece| match piece {
                WordPiece::Bare(bytes) => bytes.windows(2).any(|pair| pair == b".."),
                _ => false,
            })
        };
        Self {
            brackets: !assigned && has(b'[') && has(b']'),
            braces: !assigned && has(b'{') && has(b'}') && (has(b',') || dots()),
        }
    }

    fn why(&self, index: usize, bytes: &[u8], assigned: bool) -> Option<Unknown> {
        if self.braces && bytes.iter().any(|byte| b"{},".contains(byte)) {
            return Some(Unknown::Brace);
        }
        let tilde = index == 0 && bytes.starts_with(b"~");
        let later = bytes.windows(2).any(|pair| matches!(pair, b":~" | b"=~"));
        if tilde || later || (assigned && bytes.contains(&b'~')) {
            return Some(Unknown::Tilde);
        }
        let glob = !assigned && bytes.iter().any(|byte| b"*?".contains(byte));
        let bracket = self.brackets && bytes.iter().any(|byte| b"[]".contains(byte));
        (glob || bracket).then_some(Unknown::Glob)
    }
}

/// Whether `bytes` is a variable's name.
pub(super) fn is_name(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|byte| !byte.is_ascii_digit())
        && bytes
            .iter()
            .all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
