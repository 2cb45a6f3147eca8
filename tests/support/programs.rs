//! The helper programs of `tests/programs`, compiled when they are first needed.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// What a helper is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Machine {
    /// The 64-bit machine that the tests run on.
    Native,
    /// Its 32-bit mode, whose system calls have other numbers.
    I386,
}

type Built = HashMap<(&'static str, Machine), PathBuf>;

static BUILT: Mutex<Option<Built>> = Mutex::new(None);

/// The static program made of `tests/programs/NAME.c`.
pub(crate) fn program(name: &'static str, machine: Machine) -> PathBuf {
    let mut built = BUILT.lock().unwrap();
    let built = built.get_or_insert_default();
    built
        .entry((name, machine))
        .or_insert_with(|| compile(name, machine))
        .clone()
}

fn compile(name: &str, machine: Machine) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/programs/{name}.c"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let program = folder.join(format!("{name}-{machine:?}"));
    let modified = |path: &Path| fs::metadata(path).and_then(|m| m.modified()).ok();
    if modified(&program) > modified(&source) {
        return program;
    }
    // Another run of the tests may be at it as well.
    let fresh = folder.join(format!("{name}-{machine:?}.{}", std::process::id()));
    let bits = match machine {
        Machine::Native => "-m64",
        Machine::I386 => "-m32",
    };
    let output = Command::new("gcc")
        .args([bits, "-static", "-O1", "-Wall", "-Werror", "-pthread", "-o"])
        .args([&fresh, &source])
        .output()
        .expect("the tests need gcc");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "gcc {bits} {name}.c (for -m32 it needs gcc-multilib):\n{errors}"
    );
    fs::rename(&fresh, &program).unwrap();
    program
}
