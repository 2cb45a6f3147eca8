//! What stands for contents: the same in every process, and nothing else can be made that has it.

use std::fmt;
use std::hash::Hasher;

/// What stands for some contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(blake3::Hash);

impl fmt::Display for Digest {
    /// In hexadecimal.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.to_hex())
    }
}

/// Makes one of contents that come in parts. Parts that could also be told apart otherwise go in by `Hash`.
#[derive(Debug, Default)]
pub struct Digester(blake3::Hasher);

impl Digester {
    /// That of all that was written.
    pub fn digest(&self) -> Digest {
        Digest(self.0.finalize())
    }
}

impl Hasher for Digester {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let mut first = [0; 8];
        self.0.finalize_xof().fill(&mut first);
        u64::from_ne_bytes(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_of_the_bytes_in_their_order() {
        let digest = |parts: &[&str]| {
            let mut digester = Digester::default();
            for part in parts {
                digester.write(part.as_bytes());
            }
            digester.digest()
        };
        assert_eq!(digest(&["ab", "c"]), digest(&["abc"]));
        assert_ne!(digest(&["acb"]), digest(&["abc"]));
        let nothing = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(digest(&[]).to_string(), nothing);
    }
}
