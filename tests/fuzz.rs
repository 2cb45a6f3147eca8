//! Feeds the fuzzed functions for a moment each: their seeds, changed at random.
//!
//! `CODEX_SHELL_FUZZ_SECONDS` says for how long.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

#[path = "fuzz/targets.rs"]
mod targets;

const SEEDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz/corpus");

fn seconds() -> u64 {
    std::env::var("CODEX_SHELL_FUZZ_SECONDS").map_or(1, |text| text.parse().unwrap())
}

/// The seeds of one target.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = fs::read_dir(Path::new(SEEDS).join(name)).unwrap();
    let mut paths: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let mut bytes = Vec::new();
        fs::File::open(path)
            .unwrap()
            .read_to_end(&mut bytes)
            .unwrap();
        bytes
    };
    paths.iter().map(read).collect()
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (end.max(1) as u64)).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.below(256).to_le_bytes()[0]
    }

    /// Bytes changed, cut, repeated, or taken from another seed.
    fn change(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut data = seeds[self.below(seeds.len())].clone();
        for _ in 0..self.below(8) {
            let (at, end) = (self.below(data.len()), data.len());
            match self.below(5) {
                0 => data.truncate(at),
                1 => data.insert(at, self.byte()),
                2 => data.extend_from_within(at..end),
                3 => {
                    let other = &seeds[self.below(seeds.len())];
                    data.splice(at..at, other[self.below(other.len())..].iter().copied());
                }
                _ => {
                    if let Some(byte) = data.get_mut(at) {
                        *byte = self.byte();
                    }
                }
            }
            data.truncate(1 << 16);
        }
        data
    }
}

/// Feeds `target` until the time is over; on a panic, the input is in the message.
fn feed(name: &str, mut target: impl FnMut(&[u8])) {
    let seeds = seeds(name);
    assert!(!seeds.is_empty());
    for seed in &seeds {
        target(seed);
    }
    let start = Instant::now();
    let clock = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let mut random = Random(u64::from(clock.subsec_nanos()) | 1);
    while start.elapsed() < Duration::from_secs(seconds()) {
        let data = random.change(&seeds);
        let fed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| target(&data)));
        assert!(fed.is_ok(), "{name}: {}", data.escape_ascii());
    }
}

#[test]
fn foreign_memory() {
    feed("memory", targets::memory);
}

#[test]
fn text_form_of_arguments() {
    feed("argv", targets::text);
}

#[test]
fn first_lines_of_scripts() {
    let scratch = tempfile::tempdir().unwrap();
    feed("interpreter", |data| {
        targets::interpreter(data, scratch.path());
    });
}

#[test]
fn frames_of_wrapper_and_broker() {
    feed("frames", targets::frames);
}

#[test]
fn scripts() {
    feed("script", targets::script);
}

#[test]
fn rules_files() {
    let scratch = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_codex-shell"));
    feed("rules", |data| {
        targets::rules(data, program, scratch.path());
    });
}
