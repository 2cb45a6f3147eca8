//! What some tests need beyond what the README lists. Where the machine lacks it, they are skipped:
//! each skip is said in one line, with how many there were so far, and in CI it is a failure.

use std::env;
use std::io::Write as _;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::programs;

/// A word by which a script shows that it needs something, what that is a part of, and whether the
/// machine has it.
type Need = (&'static str, &'static str, fn() -> bool);

const NEEDS: [Need; 6] = [
    ("python3", "python3", || is_on_path("python3")),
    ("make", "make", || is_on_path("make")),
    ("perl", "perl", || is_on_path("perl")),
    ("ps", "procps", || is_on_path("ps")),
    ("env kill", "procps", || is_on_path("kill")),
    ("starter32", "gcc-multilib", has_i386),
];

/// Where the sandboxed side looks for programs, in the tests.
const PATH: [&str; 2] = ["/usr/bin", "/bin"];

static SKIPPED: AtomicUsize = AtomicUsize::new(0);

fn is_on_path(name: &str) -> bool {
    PATH.iter()
        .any(|place| Path::new(place).join(name).exists())
}

/// Whether programs for the 32-bit mode can be compiled here.
pub(crate) fn has_i386() -> bool {
    static THERE: LazyLock<bool> = LazyLock::new(programs::compiles_for_i386);
    *THERE
}

/// Whether this machine lacks what `script` needs; then that is said, and `script` is not to be run.
pub(crate) fn lacks(script: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let names = |word: &str| {
        let pieces: Vec<&str> = script.split(word).collect();
        let mut around = pieces.windows(2);
        around.any(|pair| !pair[0].ends_with(is_word) && !pair[1].starts_with(is_word))
    };
    let missing = NEEDS
        .iter()
        .find(|(word, _, is_there)| names(word) && !is_there());
    if let Some((_, package, _)) = missing {
        skip(package);
    }
    missing.is_some()
}

/// Says that a test, or a part of one, is not run for want of `what`.
pub(crate) fn skip(what: &str) {
    let count = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    let test = thread::current().name().unwrap_or("a test").to_owned();
    assert!(env::var_os("CI").is_none(), "{test} needs {what}");
    // Past the test harness, which keeps what is printed by macros.
    let line =
        format!("skipped: {test}, or a part of it: it needs {what} ({count} skipped so far)\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// The scripts of `all` for which this machine has everything.
pub(crate) fn possible<'a>(all: &[&'a str]) -> Vec<&'a str> {
    let scripts = all.iter().copied();
    scripts.filter(|script| !lacks(script)).collect()
}

#[test]
fn a_need_is_a_word() {
    assert!(!lacks("echo remake maker python3x"));
    assert_eq!(lacks("x; make -s"), !is_on_path("make"));
}
