//! The paths that the sandbox kept from being written, as a result tells them.

use rmcp::schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::intercept::complaints;
use crate::report::refusals;

/// As many are told, and as many bytes of them.
const LIMIT: usize = 20;
const ROOM: usize = 16 << 10;

const REFUSED: &str = "the sandbox refused writing ";

/// Something that the sandbox refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct SandboxDenial {
    /// The path that was to be written.
    path: String,
    /// The smallest setting that would permit it; empty where none does.
    permitted_by: String,
    /// Why it is kept from being written though it lies in a directory that may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    protected: Option<String>,
    /// The same for a reader.
    note: String,
    /// A program failed of it, and what it said of that was not thrown away, as far as that shows.
    pub(super) failed: bool,
}

/// All in words, those together that the same would permit.
pub(super) fn notes(denials: &[SandboxDenial]) -> Vec<String> {
    let by_way = denials.iter().map(|denial| {
        let way = denial.note.strip_prefix(REFUSED).unwrap_or(&denial.note);
        let way = way.strip_prefix(&*denial.path).unwrap_or(way);
        (way, &*denial.path)
    });
    let groups = refusals::grouped(by_way);
    let note = |(way, paths): &(&str, Vec<&str>)| {
        let (first, more) = (paths.first().copied().unwrap_or_default(), paths.len() - 1);
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{REFUSED}{first}{more}{way}")
    };
    groups.iter().map(note).collect()
}

impl From<&complaints::Denial> for SandboxDenial {
    fn from(denial: &complaints::Denial) -> Self {
        let denied = &denial.denied;
        let path = denied.path.display().to_string();
        let why = denial.why_inside.as_ref();
        let why = why.map_or_else(String::new, |why| format!("; {why}"));
        Self {
            permitted_by: denied.remedy.text(),
            protected: refusals::protection(denied),
            note: format!("{REFUSED}{path}; {}{why}", refusals::way(denied)),
            path,
            failed: denial.failed,
        }
    }
}

/// Those that are told.
pub(super) fn told(denials: &[complaints::Denial]) -> Vec<SandboxDenial> {
    let mut room = ROOM;
    let denials = denials.iter().take(LIMIT).map(SandboxDenial::from);
    let fits = |denial: &SandboxDenial| {
        let length = denial.path.len() + denial.permitted_by.len() + denial.note.len();
        let left = room.checked_sub(length);
        room = left.unwrap_or(room);
        left.is_some()
    };
    denials.filter(fits).collect()
}
