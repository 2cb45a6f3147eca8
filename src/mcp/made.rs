//! What came to be, or went away, under names that other programs obey, as a result tells it.

use std::path::Path;

use rmcp::schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::confine::Made;
use crate::report::refusals;

/// As many are told, and as many bytes of them.
const LIMIT: usize = 100;
const ROOM: usize = 16 << 10;

/// A file or directory that other programs obey, and that was not there before, or is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[schemars(rename = "Made")]
pub(super) struct MadeFile {
    /// Where it is.
    path: String,
    /// Who obeys it, and how.
    reason: String,
    /// It was there before, and nothing is there any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    gone: bool,
}

/// Those that are told.
pub(super) fn told(made: Vec<Made>) -> Vec<MadeFile> {
    let mut room = ROOM;
    let files = made.into_iter().take(LIMIT).map(|one| MadeFile {
        path: one.path.display().to_string(),
        reason: one.reason.to_owned(),
        gone: one.is_gone,
    });
    let fits = |file: &MadeFile| {
        let left = room.checked_sub(file.path.len() + file.reason.len());
        room = left.unwrap_or(room);
        left.is_some()
    };
    files.filter(fits).collect()
}

/// All of them in words.
pub(super) fn notes(made: &[MadeFile]) -> Vec<String> {
    let made = made.iter();
    refusals::made(made.map(|one| (Path::new(&one.path), &*one.reason, one.gone)))
}
