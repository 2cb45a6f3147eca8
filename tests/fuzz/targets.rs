//! What is fuzzed, in a form that both the fuzzer and the test suite can feed.
//!
//! Each takes any bytes, and panics when something is wrong.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Once;
use std::sync::atomic::{AtomicU8, Ordering};

use codex_shell::intercept::memory::Memory;
use codex_shell::request::{Interpreter, argv};
use codex_shell::rules;
use codex_shell::script::{self, Dialect};
use codex_shell::sys::arch::Arch;
use codex_shell::wire::frame::Reader;
use codex_shell::wire::message::FromWrapper;

use crate::read_back::read;

/// Arguments and environment are never larger, in bytes.
const TOTAL: usize = 6 << 20;
const PAGES: usize = 4;
const AREA: usize = PAGES * 4096;
static MEMORY: [AtomicU8; AREA] = [const { AtomicU8::new(0) }; AREA];
static CHANGER: Once = Once::new();

/// The reader of foreign memory, on our own: words of the input become pointers into the area, or
/// nowhere, while another thread goes on changing it.
pub(crate) fn memory(data: &[u8]) {
    let start = MEMORY.as_ptr().addr() as u64;
    CHANGER.call_once(|| {
        std::thread::spawn(|| {
            for index in (0..AREA).step_by(61).cycle() {
                MEMORY[index].fetch_xor(1, Ordering::Relaxed);
                std::thread::yield_now();
            }
        });
    });
    let (head, rest) = data.split_at(data.len().min(4));
    let mut at = 0;
    for word in rest.chunks(3) {
        let bytes = match word {
            // A pointer: into the area or a little beyond it.
            [kind, low, high] if kind % 2 == 0 => {
                let offset = u64::from(u16::from_le_bytes([*low, *high])) % (AREA as u64 + 4096);
                (start + offset).to_le_bytes().to_vec()
            }
            // Nowhere, or nothing.
            [kind, low, _] if kind % 16 == 1 => u64::from(*low).to_le_bytes().to_vec(),
            [kind, low, high] if kind % 16 == 3 => {
                vec![*high, *low, *kind, 0xff, 0xff, 0xff, 0xff, 0xff]
            }
            bytes => bytes.to_vec(),
        };
        for byte in bytes {
            if at < AREA {
                MEMORY[at].store(byte, Ordering::Relaxed);
                at += 1;
            }
        }
    }
    let tid = nix::unistd::gettid();
    for (arch, byte) in [(Arch::Native, 0), (Arch::Compat, 1)] {
        let memory = Memory::of(tid, arch);
        let offset = head.get(byte).copied().map_or(0, u64::from) * 67;
        if let Ok(strings) = memory.strings(start + offset) {
            let bytes: usize = strings.iter().map(|string| string.len() + 1).sum();
            assert!(bytes <= TOTAL, "{bytes} bytes");
            assert!(strings.iter().all(|string| !string.as_bytes().contains(&0)));
        }
        if let Ok(path) = memory.path(start + offset) {
            assert!(path.len() < 4096 && !path.contains(&0));
        }
        let (path, vector) = (start + offset, start + offset / 2);
        if let Ok((path, vector)) = memory.path_and_vector(path, vector) {
            assert!(path.len() < 4096 && !path.contains(&0));
            let bytes: usize = vector.strings.iter().map(|string| string.len() + 1).sum();
            assert!(bytes <= TOTAL, "{bytes} bytes");
        }
    }
}

/// The text form of an argument list says what it says, and nothing that a terminal would act on.
pub(crate) fn text(data: &[u8]) {
    let words = data.split(|&byte| byte == 0);
    let words: Vec<_> = words
        .map(|word| OsString::from_vec(word.to_vec()))
        .collect();
    let text = argv::text(&words);
    assert!(!text.chars().any(char::is_control), "{text:?}");
    assert_eq!(read(&text), words);
    for max in [200, 400] {
        let bounded = argv::bounded(&words, max);
        assert!(bounded.len() <= max, "{bounded:?}");
        assert!(!bounded.chars().any(char::is_control), "{bounded:?}");
    }
}

/// The first line of a script: what is named is in the file's first line.
pub(crate) fn interpreter(data: &[u8], scratch: &Path) {
    let script = scratch.join("script");
    fs::write(&script, data).unwrap();
    let Some(found) = Interpreter::of(&script).unwrap() else {
        return;
    };
    let line = data[..data.len().min(256)]
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap();
    let path = found.path.as_os_str().as_bytes();
    assert!(line.starts_with(b"#!") && !path.is_empty());
    for part in [Some(path), found.argument.as_deref().map(OsStr::as_bytes)]
        .into_iter()
        .flatten()
    {
        assert!(
            line.windows(part.len()).any(|window| window == part),
            "{found:?}"
        );
    }
    let argv = found.argv(OsStr::new("script"), &["zero".into(), "one".into()]);
    assert_eq!(
        argv.first().map(OsString::as_os_str),
        Some(found.path.as_os_str())
    );
    assert_eq!(
        argv.last().map(OsString::as_os_str),
        Some(OsStr::new("one"))
    );
}

/// Frames between wrapper and broker: any bytes are messages or an error, and a message says what
/// it said when it is written again.
pub(crate) fn frames(data: &[u8]) {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    // What a socket holds at once.
    let sent = &data[..data.len().min(64 << 10)];
    theirs.write_all(sent).unwrap();
    drop(theirs);
    let mut reader = Reader::new(4096);
    while let Ok(Some(frame)) = reader.wait(&ours) {
        assert!(frame.payload.len() < sent.len());
        let _ = FromWrapper::read(&frame);
    }
}

/// A script: it is taken apart whatever it is, and into no more than it holds.
pub(crate) fn script(data: &[u8]) {
    for dialect in [Dialect::Bash, Dialect::Sh] {
        let script = script::parse(data, dialect);
        assert!(script.commands.len() <= data.len());
    }
}

/// Rules: any file ends in rules or in errors, and never in the end of whoever loads it.
/// `program` is `codex-shell`.
pub(crate) fn rules(data: &[u8], program: &Path, scratch: &Path) {
    let file = scratch.join("fuzz.rules");
    fs::write(&file, data).unwrap();
    let set = rules::load_with(program, &[file], &rules::RulesCache::default());
    if std::str::from_utf8(data).is_err() {
        assert!(set.is_broken());
    }
}
