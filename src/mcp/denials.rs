//! The paths that the sandbox kept from being written, as a result tells them.

use rmcp::schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::intercept::complaints;
use crate::report::refusals;

/// As many are told, and as many bytes of them.
const LIMIT: usize = 20;
const ROOM: usize = 16 << 10;

/// Something that the sandbox refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct Denial {
    /// The path that was to be written.
    path: String,
    /// The smallest setting that would permit it; empty where none does.
    permitted_by: String,
    /// Why it is kept from being written though it lies in a directory that may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    protected: Option<String>,
    /// The same for a reader.
    note: String,
}

impl Denial {
    /// In words.
    pub(super) fn note(&self) -> String {
        self.note.clone()
    }
}

impl From<&complaints::Denial> for Denial {
    fn from(denial: &complaints::Denial) -> Self {
        let denied = &denial.denied;
        let path = denied.path.display().to_string();
        let why = denial.why_inside.as_ref();
        let why = why.map_or_else(String::new, |why| format!("; {why}"));
        Self {
            permitted_by: denied.remedy.text(),
            protected: refusals::protection(denied),
            note: format!(
                "the sandbox refused writing {path}; {}{why}",
                refusals::way(denied)
            ),
            path,
        }
    }
}

/// Those that are told.
pub(super) fn told(denials: &[complaints::Denial]) -> Vec<Denial> {
    let mut room = ROOM;
    let denials = denials.iter().take(LIMIT).map(Denial::from);
    let fits = |denial: &Denial| {
        let length = denial.path.len() + denial.permitted_by.len() + denial.note.len();
        let left = room.checked_sub(length);
        room = left.unwrap_or(room);
        left.is_some()
    };
    denials.filter(fits).collect()
}
