//! Names that somebody misspelt.

use super::builtin::{knows, programs};

/// Shorter names are too often one letter apart.
const SHORTEST: usize = 5;

/// Whether `written` is `meant` but for one letter, missing, added, wrong or swapped with the next.
/// Programs that belong together often differ at either end, as docker and dockerd do, or exec and pkexec.
pub fn is_slip(written: &str, meant: &str) -> bool {
    written.len() >= SHORTEST
        && meant.len() >= SHORTEST
        && written.as_bytes().first() == meant.as_bytes().first()
        && written.as_bytes().last() == meant.as_bytes().last()
        && strsim::osa_distance(written, meant) == 1
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
    use super::meant;

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
            ("gti", None),
            ("deploy", None),
        ] {
            assert_eq!(meant(name), expected, "{name}");
        }
    }
}
