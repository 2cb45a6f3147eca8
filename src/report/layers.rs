//! The sandbox's layers, as `doctor` shows them.

use std::fmt::Write as _;

use comfy_table::presets::ASCII_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

use super::canaries::{self, Canary};
use super::obeyed::{self, ProtectedName};
use crate::confine::{LayerName, Layers, Status};

/// Columns of text; the width of the terminal is not asked for.
const WIDTH: u16 = 100;

/// The status of a layer that is wholly there.
const IN_FORCE: &str = "in-force";

/// What a machine offers.
#[derive(Debug, Serialize)]
pub struct Machine {
    /// The kernel's name, release and architecture.
    pub kernel: String,
    /// The kernel's Landlock version, 0 for none.
    pub landlock_abi: i32,
    /// One line per layer, from the outermost.
    pub layers: Vec<Line>,
    /// What became of each canary; none where nothing could be started.
    pub canaries: Vec<Canary>,
    /// Names that are read-only because other programs obey them.
    pub protected: Vec<ProtectedName>,
}

/// One layer.
#[derive(Debug, Serialize)]
pub struct Line {
    name: LayerName,
    status: &'static str,
    holds: &'static str,
    /// The kernel's reason, where it is not wholly in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What is lost where it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<&'static str>,
    /// How to get it.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'static str>,
}

impl Machine {
    /// The machine on which `layers` were put in force.
    pub fn new(
        kernel: String,
        layers: &Layers,
        canaries: Vec<Canary>,
        protected: Vec<ProtectedName>,
    ) -> Self {
        Self {
            kernel,
            landlock_abi: layers.landlock_abi.unwrap_or(0),
            layers: layers
                .list
                .iter()
                .map(|layer| Line::new(layer.name, &layer.status))
                .collect(),
            canaries,
            protected,
        }
    }

    /// Whether every layer is there, and every canary was held as it should be.
    pub fn is_sound(&self) -> bool {
        self.layers.iter().all(|line| line.lost.is_none())
            && !self.canaries.is_empty()
            && !self
                .canaries
                .iter()
                .any(|canary| canary.outcome.is_alarming())
    }

    /// As one JSON object with a line feed.
    pub fn json(&self) -> serde_json::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// What matters, in a few lines: what is not as it should be, and how much is.
    pub fn summary(&self) -> String {
        let in_force = self.layers.iter().filter(|line| line.status == IN_FORCE);
        let in_force: Vec<&str> = in_force.map(|line| line.name.as_str()).collect();
        let layers = format!(
            "{} of {} in force: {}",
            in_force.len(),
            self.layers.len(),
            in_force.join(", ")
        );
        let rows = [
            ("layers", layers),
            ("canaries", canaries::count(&self.canaries)),
            ("names", obeyed::count(&self.protected)),
        ];
        let mut text = format!("{}\n\n", self.heading());
        for (label, said) in rows {
            let _ = writeln!(text, "{label:<8}  {said}");
        }
        for line in &self.layers {
            text.push_str(&line.paragraph());
        }
        text.push_str(&canaries::unusual(&self.canaries));
        text.push_str("\nWith --verbose: what each of these is.\n");
        text
    }

    fn heading(&self) -> String {
        match self.landlock_abi {
            0 => format!("{}, no Landlock", self.kernel),
            version => format!("{}, Landlock {version}", self.kernel),
        }
    }

    /// All of it as tables, with a paragraph for each layer that is not wholly in force.
    pub fn text(&self) -> String {
        let mut table = Table::new();
        table
            .load_style(ASCII_HORIZONTAL_ONLY)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(WIDTH)
            .set_header(["layer", "status", "what it holds"]);
        for line in &self.layers {
            table.add_row([line.name.as_str(), line.status, line.holds]);
        }
        let mut text = format!("{}\n{}\n", self.heading(), table.trim_fmt());
        for line in &self.layers {
            text.push_str(&line.paragraph());
        }
        if !self.canaries.is_empty() {
            text.push('\n');
            text.push_str(&canaries::table(&self.canaries, WIDTH));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&obeyed::text(&self.protected));
        text
    }
}

impl Line {
    fn new(name: LayerName, status: &Status) -> Self {
        let (word, reason) = match status {
            Status::InForce => (IN_FORCE, None),
            Status::Partly(reason) => ("partly", Some(reason.clone())),
            Status::Missing(reason) => ("missing", Some(reason.clone())),
            Status::Off => ("off", None),
        };
        let missing = matches!(status, Status::Missing(_));
        Self {
            name,
            status: word,
            holds: name.holds(),
            lost: missing.then(|| name.lost()),
            remedy: reason.is_some().then(|| name.remedy()),
            reason,
        }
    }

    /// What there is to say about a layer that is not wholly in force.
    fn paragraph(&self) -> String {
        let Some(reason) = &self.reason else {
            return String::new();
        };
        let line = |word: &str, text: Option<&str>| {
            text.map_or_else(String::new, |text| format!("  {word}: {text}\n"))
        };
        format!(
            "\n{} is {}: {reason}\n{}{}",
            self.name,
            self.status,
            line("lost", self.lost),
            line("remedy", self.remedy),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::confine::LayerState;
    use crate::report::canaries::CanaryOutcome;

    fn machine() -> Machine {
        let layers = Layers {
            list: vec![
                LayerState {
                    name: LayerName::Namespaces,
                    status: Status::Missing("clone: No space left on device".to_owned()),
                },
                LayerState {
                    name: LayerName::Landlock,
                    status: Status::InForce,
                },
            ],
            landlock_abi: Some(7),
        };
        Machine::new("Linux 6.12 x86_64".to_owned(), &layers, vec![], vec![])
    }

    #[test]
    fn a_missing_layer_says_what_is_lost_and_what_helps() {
        let text = machine().text();
        assert!(text.starts_with("Linux 6.12 x86_64, Landlock 7\n"));
        assert!(text.contains("namespaces is missing: clone: No space left on device\n  lost: "));
        assert!(text.contains("user.max_user_namespaces"));
        assert!(!text.contains("landlock is"));
        let summary = machine().summary();
        assert!(summary.contains("layers    1 of 2 in force: landlock\n"));
        assert!(summary.contains("canaries  none could be started\n"));
        let paragraph = text.split_once("namespaces is missing").unwrap().1;
        let paragraph = paragraph.split("\n\n").next().unwrap();
        assert!(summary.contains(paragraph), "{summary}");
    }

    #[test]
    fn a_summary_names_what_is_not_as_it_should_be() {
        let canary = |name, outcome| Canary {
            name,
            outcome,
            detail: "so it was".to_owned(),
        };
        let canaries = vec![
            canary("a permitted program", CanaryOutcome::Ran),
            canary("a write outside", CanaryOutcome::Contained),
            canary("a TCP connection", CanaryOutcome::Neither),
            canary("io_uring", CanaryOutcome::Skipped),
        ];
        let summary = Machine {
            canaries,
            ..machine()
        }
        .summary();
        let count = "canaries  1 of 4 not held; 1 skipped\n";
        assert!(summary.contains(count), "{summary}");
        let told = "NEITHER: a TCP connection: so it was\nskipped: io_uring: so it was\n";
        assert!(summary.contains(told), "{summary}");
        assert!(!summary.contains("a write outside"), "{summary}");
    }

    #[test]
    fn json_has_the_same() {
        let json: serde_json::Value = serde_json::from_slice(&machine().json().unwrap()).unwrap();
        assert_eq!(json["landlock_abi"], 7);
        assert_eq!(json["layers"][0]["status"], "missing");
        assert_eq!(json["layers"][0]["lost"], LayerName::Namespaces.lost());
        assert_eq!(json["layers"][1]["status"], "in-force");
        assert!(json["layers"][1].get("lost").is_none());
    }
}
