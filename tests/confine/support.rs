//! A world to try things in, and a sandbox around a function.

use std::fmt::Debug;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use codex_shell::confine::{self, Inside, LayerName, Layers, Mode, Policy, Setup};
use nix::sys::wait::{WaitStatus, waitpid};
use tempfile::TempDir;

/// Why a check failed.
pub(crate) type Outcome = Result<(), String>;

/// `ws`, where the sandbox works, and `out`, where it has no business. Not under /tmp, which is
/// writable in most sandboxes.
pub(crate) struct World {
    pub(crate) workspace: PathBuf,
    pub(crate) outside: PathBuf,
    _directory: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::under("/var/tmp")
    }

    pub(crate) fn under(parent: &str) -> Self {
        let directory = tempfile::tempdir_in(parent).unwrap();
        let base = fs::canonicalize(directory.path()).unwrap();
        let workspace = base.join("deep/ws");
        let outside = base.join("out");
        fs::create_dir_all(&workspace).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("canary"), "canary").unwrap();
        std::env::set_current_dir(&workspace).unwrap();
        Self {
            workspace,
            outside,
            _directory: directory,
        }
    }

    pub(crate) fn policy(&self, mode: Mode) -> Policy {
        Policy::new(mode, false, &self.workspace, &[], None).unwrap()
    }

    /// Runs `test` under workspace-write with every layer required.
    pub(crate) fn write(&self, test: impl FnOnce(&Inside) -> Outcome) -> Outcome {
        within(&self.policy(Mode::WorkspaceWrite), &LayerName::ALL, test).map(drop)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The working directory is about to go.
        std::env::set_current_dir("/").unwrap();
    }
}

/// The tested program, at a path that whoever runs this can execute.
pub(crate) fn codex_shell() -> PathBuf {
    let copy = std::env::current_exe().unwrap().with_file_name(crate::COPY);
    if copy.exists() {
        copy
    } else {
        PathBuf::from(env!("CARGO_BIN_EXE_codex-shell"))
    }
}

/// What `codex-shell doctor` exits with, and the status of each layer.
pub(crate) fn doctor() -> (Option<i32>, Vec<String>) {
    let output = Command::new(codex_shell())
        .args(["doctor", "--format", "json"])
        .output()
        .unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let layers = json["layers"].as_array().unwrap().iter();
    let words = layers.map(|layer| layer["status"].as_str().unwrap().to_owned());
    (output.status.code(), words.collect())
}

/// Runs `test` as the first process of a sandbox.
pub(crate) fn within(
    policy: &Policy,
    require: &[LayerName],
    test: impl FnOnce(&Inside) -> Outcome,
) -> Result<Layers, String> {
    let setup = Setup {
        policy,
        require,
        keep: &[],
        terminal: false,
        number: None,
        listen: true,
        tell: false,
    };
    let sandbox = confine::start(&setup, |inside| match test(&inside) {
        Ok(()) => 0,
        Err(reason) => {
            eprintln!("inside: {reason}");
            1
        }
    })
    .map_err(|error| error.to_string())?;
    match waitpid(sandbox.init_pid, None) {
        Ok(WaitStatus::Exited(_, 0)) => Ok(sandbox.layers),
        status => Err(format!("the first process: {status:?}")),
    }
}

/// `result` must be an error with one of `errors`.
pub(crate) fn refused<T: Debug, E: Into<io::Error>>(
    what: &str,
    result: Result<T, E>,
    errors: &[i32],
) -> Outcome {
    match result.map_err(Into::<io::Error>::into) {
        Err(error) if error.raw_os_error().is_some_and(|n| errors.contains(&n)) => Ok(()),
        result => Err(format!("{what}: {result:?}, wanted one of {errors:?}")),
    }
}

/// `result` must be a success.
pub(crate) fn works<T, E: Debug>(what: &str, result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| format!("{what}: {error:?}"))
}

pub(crate) fn ensure(holds: bool, what: &str) -> Outcome {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

/// The contents of a small file.
pub(crate) fn text(path: impl AsRef<Path>) -> String {
    let bytes: Vec<u8> = io::Read::bytes(fs::File::open(path).unwrap())
        .map(Result::unwrap)
        .collect();
    String::from_utf8(bytes).unwrap()
}
