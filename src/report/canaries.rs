//! What became of doctor's canaries.

use comfy_table::presets::ASCII_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

/// What became of one canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was permitted, and ran as it should.
    Ran,
    /// A rule forbade it, and it did not run.
    Judged,
    /// The sandbox refused it.
    Contained,
    /// Nothing held it.
    Neither,
    /// It never came to try.
    Untried,
    /// What it needs is not here.
    Skipped,
}

impl Outcome {
    /// Whether a guarantee is broken, or at least not shown.
    pub fn is_alarming(self) -> bool {
        matches!(self, Self::Neither | Self::Untried)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Ran => "ran",
            Self::Judged => "judged",
            Self::Contained => "contained",
            Self::Neither => "NEITHER",
            Self::Untried => "UNTRIED",
            Self::Skipped => "skipped",
        }
    }
}

/// One canary.
#[derive(Debug, Serialize)]
pub struct Canary {
    /// What it tries.
    pub name: &'static str,
    /// How that went.
    pub outcome: Outcome,
    /// What it was told, or why it was not tried.
    pub detail: String,
}

/// All of them as a table.
pub fn table(canaries: &[Canary], width: u16) -> String {
    let mut table = Table::new();
    table
        .load_style(ASCII_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width)
        .set_header(["canary", "outcome", "what it was told"]);
    for canary in canaries {
        table.add_row([canary.name, canary.outcome.as_str(), &canary.detail]);
    }
    table.trim_fmt()
}
