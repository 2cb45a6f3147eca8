//! The helper programs of `tests/programs`, compiled when they are first needed.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

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
    // One that can't be compiled is no reason for others not to be.
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
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
    let output = gcc(&source, machine, &fresh);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "gcc {name}.c, {machine:?}:\n{errors}"
    );
    fs::rename(&fresh, &program).unwrap();
    program
}

fn gcc(source: &Path, machine: Machine, program: &Path) -> Output {
    let bits = match machine {
        Machine::Native => "-m64",
        Machine::I386 => "-m32",
    };
    Command::new("gcc")
        .args([bits, "-static", "-O1", "-Wall", "-Werror", "-pthread", "-o"])
        .args([program, source])
        .output()
        .expect("the tests need gcc")
}

/// Whether programs for the 32-bit mode can be compiled, as they are here.
pub(crate) fn compiles_for_i386() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("nothing.c");
    fs::write(
        &source,
        "#include <stdio.h>\nint main(void) { return 0; }\n",
    )
    .unwrap();
    let output = gcc(&source, Machine::I386, &folder.path().join("nothing"));
    output.status.success()
}
