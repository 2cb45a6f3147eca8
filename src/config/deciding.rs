//! Everything that decides what is permitted, to be kept from being written by what it decides about.

use std::path::{Path, PathBuf};

use super::places::Places;
use super::settings::Settings;
use crate::confine::{Deciding, Protection, Role, named, protection};
use crate::request::Earlier;

/// What a command must not write, by its `settings`: the places that are looked at, the rules files
/// that are `given`, and the shell.
pub fn protected(places: &Places, settings: &Settings, given: &[PathBuf]) -> Protection {
    let mut protection = Protection {
        deciding: places.deciding(),
        homes: protection::homes(),
        naming: named::naming(std::env::vars_os()),
        unprotected: settings.unprotected.value.clone(),
        earlier: Earlier::of(places.codex_home.as_deref()),
    };
    add_rules(&mut protection, given);
    add_rules(&mut protection, &settings.rules.value);
    let shell = &settings.shell.value;
    // One without a slash is looked for by whoever starts it, inside.
    if shell.components().count() > 1 {
        add(&mut protection, &places.directory.join(shell), Role::Shell);
    }
    protection
}

/// Rules files, or directories of them, as they were named from this process's working directory.
pub fn add_rules(protection: &mut Protection, paths: &[PathBuf]) {
    for path in paths {
        add(protection, path, Role::Rules);
    }
}

/// A file of this `role`, as it was named from this process's working directory.
pub fn add(protection: &mut Protection, path: &Path, role: Role) {
    // Only an empty path has no absolute form.
    if let Ok(path) = std::path::absolute(path) {
        protection.deciding.push(Deciding {
            is_directory: path.is_dir(),
            path,
            role,
        });
    }
}
