//! The escapes of `$'…'`, as bash reads them.

/// What is between the quotes, decoded, and whether it is the same in every locale.
pub(super) fn decode(text: &[u8]) -> (Vec<u8>, bool) {
    let mut decoder = Decoder {
        text,
        at: 0,
        out: Vec::with_capacity(text.len()),
        portable: true,
    };
    // A NUL ends the string.
    while decoder.step() {}
    (decoder.out, decoder.portable)
}

struct Decoder<'a> {
    text: &'a [u8],
    at: usize,
    out: Vec<u8>,
    portable: bool,
}

impl Decoder<'_> {
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// One character or escape; whether to go on.
    fn step(&mut self) -> bool {
        let Some(byte) = self.next() else {
            return false;
        };
        if byte != b'\\' {
            self.out.push(byte);
            return true;
        }
        let Some(escape) = self.next() else {
            self.out.push(b'\\');
            return false;
        };
        let byte = match escape {
            b'a' => 0x07,
            b'b' => 0x08,
            b'e' | b'E' => 0x1b,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 0x0b,
            b'\\' | b'\'' | b'"' | b'?' => escape,
            b'0'..=b'7' => {
                self.at -= 1;
                byte_of(self.digits(8, 3).0)
            }
            b'x' => return self.hexadecimal(),
            b'u' => return self.character(b'u', 4),
            b'U' => return self.character(b'U', 8),
            b'c' => return self.control(),
            other => {
                self.out.push(b'\\');
                other
            }
        };
        self.push(byte)
    }

    fn push(&mut self, byte: u8) -> bool {
        if byte == 0 {
            return false;
        }
        self.out.push(byte);
        true
    }

    /// A number of at most `most` digits, and how many there were.
    fn digits(&mut self, radix: u32, most: usize) -> (u32, usize) {
        let mut value = 0_u32;
        let mut count = 0;
        while count < most {
            let digit = self
                .peek()
                .and_then(|byte| char::from(byte).to_digit(radix));
            let Some(digit) = digit else { break };
            value = value.wrapping_mul(radix).wrapping_add(digit);
            self.at += 1;
            count += 1;
        }
        (value, count)
    }

    fn hexadecimal(&mut self) -> bool {
        let braced = self.peek() == Some(b'{');
        self.at += usize::from(braced);
        let (value, count) = self.digits(16, if braced { usize::MAX } else { 2 });
        if braced {
            // Shells differ on what this is.
            self.portable = false;
            self.at += usize::from(self.peek() == Some(b'}'));
        } else if count == 0 {
            self.out.extend_from_slice(b"\\x");
            return true;
        }
        self.push(byte_of(value))
    }

    fn character(&mut self, letter: u8, most: usize) -> bool {
        let (value, count) = self.digits(16, most);
        if count == 0 {
            self.out.extend_from_slice(&[b'\\', letter]);
            return true;
        }
        if value < 0x80 {
            return self.push(byte_of(value));
        }
        self.portable = false;
        let character = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
        self.out
            .extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        true
    }

    fn control(&mut self) -> bool {
        let Some(byte) = self.next() else {
            self.out.extend_from_slice(b"\\c");
            return false;
        };
        if byte == b'\\' && self.peek() == Some(b'\\') {
            self.at += 1;
        }
        self.push(if byte == b'?' {
            0x7f
        } else {
            byte.to_ascii_uppercase() & 0x1f
        })
    }
}

/// The lowest eight bits.
fn byte_of(value: u32) -> u8 {
    value.to_le_bytes()[0]
}
