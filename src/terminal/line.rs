//! What a person types, as a line.

/// The longest line, in characters: longer than any answer.
const LONGEST: usize = 40;

const CTRL_C: u8 = 0x03;
const CTRL_D: u8 = 0x04;
const BACKSPACE: u8 = 0x08;
const CTRL_U: u8 = 0x15;
const CTRL_W: u8 = 0x17;
const DELETE: u8 = 0x7f;
const CTRL_Z: u8 = 0x1a;

/// A line that is being typed.
#[derive(Debug, Default)]
pub(super) struct TypedLine(String);

/// What became of a byte.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// The line goes on.
    Part,
    /// The line was ended.
    Entered(String),
    /// Ctrl-C or Ctrl-D.
    Declined,
    /// Ctrl-Z.
    Stop,
    /// Nothing that a line is made of. Terminals answer in such bytes.
    Foreign,
}

impl TypedLine {
    /// Takes a byte, and writes to `out` what shows it.
    pub(super) fn take(&mut self, byte: u8, out: &mut Vec<u8>) -> Typed {
        match byte {
            b'\r' | b'\n' => return Typed::Entered(std::mem::take(&mut self.0)),
            CTRL_C | CTRL_D => return Typed::Declined,
            CTRL_Z => return Typed::Stop,
            BACKSPACE | DELETE => self.rub_out(1, out),
            CTRL_U | CTRL_W => self.rub_out(LONGEST, out),
            b' '..=b'~' if self.0.len() < LONGEST => {
                self.0.push(char::from(byte));
                out.push(byte);
            }
            _ => return Typed::Foreign,
        }
        Typed::Part
    }

    fn rub_out(&mut self, count: usize, out: &mut Vec<u8>) {
        for _ in 0..count {
            if self.0.pop().is_some() {
                out.extend(b"\x08 \x08");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(bytes: &[u8]) -> (Typed, String) {
        let (mut line, mut out) = (TypedLine::default(), Vec::new());
        let last = bytes.iter().map(|&byte| line.take(byte, &mut out)).last();
        (last.unwrap(), String::from_utf8(out).unwrap())
    }

    #[test]
    fn it_can_be_edited() {
        let yes = Typed::Entered("yes".to_owned());
        assert_eq!(typed(b"yes\r"), (yes, "yes".to_owned()));
        let (entered, shown) = typed(b"x\x7fnay\x15yez\x08s\n");
        assert_eq!(entered, Typed::Entered("yes".to_owned()));
        assert_eq!(shown.matches("\x08 \x08").count(), 5);
        assert_eq!(typed(b"\x7f\x7f").1, "");
    }

    #[test]
    fn what_terminals_answer_in_is_foreign() {
        for bytes in [
            &b"\x1b"[..],
            b"\x9b",
            b"\0",
            b"\t",
            b"\xc3",
            b"\x05",
            &[b'y'; LONGEST + 1],
        ] {
            assert_eq!(typed(bytes).0, Typed::Foreign, "{bytes:?}");
        }
        assert_eq!(typed(b"yes\x03").0, Typed::Declined);
    }
}
