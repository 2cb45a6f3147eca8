//! Words that are the same but for case and composition.

use caseless::Caseless as _;
use unicode_normalization::UnicodeNormalization as _;

/// `text` in the form that all words equal to it share: [`equal`] words, and only those, have
/// the same.
pub fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfd().default_case_fold().nfd().collect()
}

/// Whether `a` and `b` are equal under Unicode's canonical caseless matching: `GIT` and `git`,
/// `straße` and `STRASSE`, composed and decomposed accents. Compatibility forms, such as
/// full-width letters, stay different.
pub fn equal(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() {
        a.eq_ignore_ascii_case(b)
    } else {
        caseless::canonical_caseless_match_str(a, b)
    }
}

#[cfg(test)]
mod tests {
    use super::{equal, folded};

    #[test]
    fn case_and_composition_do_not_count() {
        for (a, b) in [
            ("git", "GIT"),
            ("straße", "STRASSE"),
            ("STRAẞE", "strasse"),
            ("caf\u{e9}", "CAFE\u{301}"),
            ("\u{212a}el", "kel"),
        ] {
            assert!(equal(a, b), "{a} {b}");
            assert_eq!(folded(a), folded(b));
        }
    }

    #[test]
    fn accents_and_width_count() {
        for (a, b) in [
            ("caf\u{e9}", "cafe"),
            ("ｋel", "kel"),
            ("git", "gi"),
            ("", "a"),
        ] {
            assert!(!equal(a, b), "{a} {b}");
            assert_ne!(folded(a), folded(b));
        }
    }
}
