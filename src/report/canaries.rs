//! What became of doctor's canaries.

use comfy_table::presets::ASCII_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

/// What became of one canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CanaryOutcome {
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

impl CanaryOutcome {
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
    pub outcome: CanaryOutcome,
    /// What it was told, or why it was not tried.
    pub detail: String,
}

/// How they went, in a few words.
pub fn count(canaries: &[Canary]) -> String {
    let of = |outcome: fn(CanaryOutcome) -> bool| {
        let such = canaries.iter().filter(|canary| outcome(canary.outcome));
        such.count()
    };
    let (all, alarming) = (canaries.len(), of(CanaryOutcome::is_alarming));
    let skipped = match of(|outcome| outcome == CanaryOutcome::Skipped) {
        0 => String::new(),
        count => format!("; {count} skipped"),
    };
    match (all, alarming) {
        (0, _) => "none could be started".to_owned(),
        (_, 0) => format!("all of {all} as they should be{skipped}"),
        _ => format!("{alarming} of {all} not held{skipped}"),
    }
}

/// A line for each that did not go as it should, or did not go at all.
pub fn unusual(canaries: &[Canary]) -> String {
    let is_unusual =
        |outcome: CanaryOutcome| outcome.is_alarming() || outcome == CanaryOutcome::Skipped;
    let unusual = canaries.iter().filter(|canary| is_unusual(canary.outcome));
    let line = |canary: &Canary| {
        let outcome = canary.outcome.as_str();
        format!("{outcome}: {}: {}\n", canary.name, canary.detail)
    };
    let lines: String = unusual.map(line).collect();
    if lines.is_empty() {
        lines
    } else {
        format!("\n{lines}")
    }
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
