//! Names that somebody misspelt.

use super::builtin::{knows, programs};

/// Shorter names are too often one letter apart, but for two letters that are swapped.
const SHORTEST: usize = 5;
/// Still shorter ones are too often that, too.
const SHORTEST_SWAPPED: usize = 3;
/// In longer words two slips are still likelier than another word.
const LONG: usize = 8;

/// Whether `written` is `meant` but for one letter, missing, added, wrong or swapped with the next.
/// Programs that belong together often differ at either end, as docker and dockerd do, or exec and pkexec;
/// short ones at the beginning, as cat and act.
pub fn is_slip(written: &str, meant: &str) -> bool {
    let shorter = written.len().min(meant.len());
    let same = |end: fn(&[u8]) -> Option<&u8>| end(written.as_bytes()) == end(meant.as_bytes());
    let begins = same(<[u8]>::first);
    let is_likely = if is_swapped(written, meant) {
        shorter >= SHORTEST || shorter >= SHORTEST_SWAPPED && begins
    } else {
        shorter >= SHORTEST && begins && same(<[u8]>::last)
    };
    is_likely && strsim::osa_distance(written, meant) == 1
}

/// The same of a word that is none where only some few can stand, as subcommands: then a letter too many or too
/// few is likely a slip in shorter words as well, and in all of them one that was written twice.
/// Of another letter that can't be said: people have names of their own, as `lol` for a log.
pub fn is_slip_among_few(written: &str, meant: &str) -> bool {
    let (short, long) = if written.len() < meant.len() {
        (written, meant)
    } else {
        (meant, written)
    };
    let begins = short.as_bytes().first() == long.as_bytes().first();
    let is_longer = long.len() == short.len() + 1 && begins;
    let is_one_letter = || is_longer && strsim::osa_distance(written, meant) == 1;
    let is_likely =
        || short.len() >= SHORTEST_SWAPPED || written == long && is_doubled(short, long);
    is_slip(written, meant) || is_one_letter() && is_likely()
}

/// Whether `long` is `short` with one letter written twice.
fn is_doubled(short: &str, long: &str) -> bool {
    let letters: Vec<char> = long.chars().collect();
    let mut pairs = letters.windows(2).enumerate();
    pairs.any(|(at, pair)| {
        let mut once = letters.clone();
        once.remove(at);
        pair.first() == pair.last() && once.into_iter().eq(short.chars())
    })
}

/// Whether both have the same letters.
fn is_swapped(written: &str, meant: &str) -> bool {
    let sorted = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    written.len() == meant.len() && sorted(written) == sorted(meant)
}

/// Whether it is worth asking if by `written`, which is nothing, `meant` was meant.
pub fn is_near(written: &str, meant: &str) -> bool {
    if written == meant {
        return false;
    }
    let (written, meant) = (written.to_lowercase(), meant.to_lowercase());
    let slips = match written.chars().count() {
        0..SHORTEST_SWAPPED => 0,
        SHORTEST_SWAPPED..LONG => 1,
        LONG.. => 2,
    };
    strsim::osa_distance(&written, &meant) <= slips
}

/// The program with a built-in model that was probably meant by a name that has none.
pub fn meant(name: &str) -> Option<&'static str> {
    if knows(name) {
        return None;
    }
    let mut known = programs().flat_map(|(names, _)| names.split_ascii_whitespace());
    known.find(|known| is_slip(name, known))
}

#[cfg(test)]
mod tests {
    use super::{is_near, is_slip_among_few, meant};

    #[test]
    fn among_few_names_shorter_slips_are_seen() {
        for (written, meant, is_one) in [
            ("pus", "push", true),
            ("statu", "status", true),
            ("logs", "log", true),
            ("pss", "ps", true),
            ("rrm", "rm", true),
            ("ad", "add", false),
            ("tst", "test", true),
            ("psuh", "push", true),
            ("psx", "ps", false),
            ("lol", "log", false),
            ("co", "mv", false),
            ("imerge", "merge", false),
            ("binstall", "install", false),
            ("push", "push", false),
            ("", "a", false),
            ("\u{e9}\u{e9}", "\u{e9}", false),
        ] {
            assert_eq!(
                is_slip_among_few(written, meant),
                is_one,
                "{written} {meant}"
            );
        }
    }

    #[test]
    fn one_slip_is_seen_and_a_relative_is_not() {
        for (name, expected) in [
            ("kubctl", Some("kubectl")),
            ("kuebctl", Some("kubectl")),
            ("dokcer", Some("docker")),
            ("kubectl", None),
            ("kubectx", None),
            ("dockerd", None),
            ("kexec", None),
            ("gti", Some("git")),
            ("mkae", Some("make")),
            ("crul", Some("curl")),
            ("suod", Some("sudo")),
            ("dockre", Some("docker")),
            ("odcker", Some("docker")),
            ("kubeclt", Some("kubectl")),
            ("act", None),
            ("sl", None),
            ("gits", None),
            ("gut", None),
            ("deploy", None),
        ] {
            assert_eq!(meant(name), expected, "{name}");
        }
    }

    #[test]
    fn only_what_is_near_is_guessed() {
        for (written, meant) in [
            ("prefx_rule", "prefix_rule"),
            ("Prefix_Rule", "prefix_rule"),
            ("nuder", "under"),
            ("true", "True"),
            ("dct", "dict"),
            ("progarmm", "program"),
        ] {
            assert!(is_near(written, meant), "{written}");
        }
        for (written, meant) in [
            ("rule", "True"),
            ("allow", "all"),
            ("open", "len"),
            ("Foo", "bool"),
            ("x", "any"),
        ] {
            assert!(!is_near(written, meant), "{written}");
        }
    }
}
