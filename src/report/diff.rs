//! What has changed in a text, line by line.

use std::time::Duration;

use similar::TextDiff;

use crate::request::argv;

/// How long the shortest account may be looked for; any that is right is good enough.
const PATIENCE: Duration = Duration::from_secs(2);

/// The lines that differ, with three around them, as `diff -u` has them; printable.
pub fn lines(before: &[u8], after: &[u8]) -> Vec<String> {
    let before = String::from_utf8_lossy(before);
    let after = String::from_utf8_lossy(after);
    let diff = TextDiff::configure()
        .timeout(PATIENCE)
        .diff_lines(&*before, &*after);
    let unified = diff.unified_diff().context_radius(3).to_string();
    unified.lines().map(argv::visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_and_nothing_that_a_terminal_obeys() {
        let before = b"a\nb\nc\nd\ne\nf\ng\n";
        let after = b"a\nb\nc\nd\ne\nF\x1b[2K\xff\ng";
        let expected = [
            "@@ -3,5 +3,5 @@",
            " c",
            " d",
            " e",
            "-f",
            "-g",
            "+F\\e[2K\u{fffd}",
            "+g",
            "\\ No newline at end of file",
        ];
        assert_eq!(lines(before, after), expected);
        assert_eq!(lines(before, before), [] as [&str; 0]);
    }
}
