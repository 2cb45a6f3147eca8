//! Text files as they are written by hand: UTF-8, without a byte order mark.

/// Why bytes are not text, in words that say what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotText {
    /// They begin with the mark that some editors put there.
    #[error("it begins with a byte order mark; save it as UTF-8 without one")]
    Mark,
    /// They begin with that of UTF-16.
    #[error("not UTF-8 text: it begins with the byte order mark of UTF-16; save it as UTF-8")]
    Utf16,
    /// The first byte that can't be there, as an offset.
    #[error("not UTF-8 text: the byte at offset {0} is out of place")]
    Byte(usize),
}

/// The text that `bytes` are.
///
/// # Errors
/// They are not UTF-8, or begin with a byte order mark.
pub fn text(bytes: Vec<u8>) -> Result<String, NotText> {
    match bytes.as_slice() {
        [0xef, 0xbb, 0xbf, ..] => Err(NotText::Mark),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Err(NotText::Utf16),
        _ => String::from_utf8(bytes)
            .map_err(|error| NotText::Byte(error.utf8_error().valid_up_to())),
    }
}

#[cfg(test)]
mod tests {
    use super::{NotText, text};

    #[test]
    fn what_is_wrong_is_named() {
        for (bytes, expected) in [
            (&b"\xef\xbb\xbfx"[..], NotText::Mark),
            (b"\xff\xfex\0", NotText::Utf16),
            (b"\xfe\xff\0x", NotText::Utf16),
            (b"ab\xff", NotText::Byte(2)),
        ] {
            assert_eq!(text(bytes.to_vec()), Err(expected));
        }
        assert_eq!(text(b"\xc3\xa4".to_vec()).unwrap(), "\u{e4}");
    }
}
