//! Lines and columns of a text.

use std::ops::Range;

use crate::rules::model::Span;

/// Where the lines of a text begin.
pub(super) struct LineIndex<'a> {
    text: &'a str,
}

impl<'a> LineIndex<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// The line, from 1, of the byte at `offset`.
    pub(super) fn line(&self, offset: usize) -> u32 {
        self.place(offset).0
    }

    /// The place of `bytes`, as people count.
    pub(super) fn span(&self, bytes: Range<usize>) -> Span {
        let (line, column) = self.place(bytes.start);
        let (end_line, end_column) = self.place(bytes.end.max(bytes.start));
        Span {
            file: 0,
            line,
            column,
            end_line,
            end_column,
        }
    }

    fn place(&self, offset: usize) -> (u32, u32) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = self.text.get(..offset).unwrap_or_default();
        let lines = before.matches('\n').count();
        let column = before.chars().rev().take_while(|&c| c != '\n').count();
        let from_one = |number: usize| u32::try_from(number + 1).unwrap_or(u32::MAX);
        (from_one(lines), from_one(column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_from_one() {
        let index = LineIndex::new("é = 1\nab\n");
        let span = index.span(3..8);
        assert_eq!((span.line, span.column), (1, 3));
        assert_eq!((span.end_line, span.end_column), (2, 2));
        assert_eq!(index.line(99), 3);
        assert_eq!(index.span(1..1).column, 1);
    }
}
