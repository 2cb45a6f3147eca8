//! Which variables make programs run or load what they name: no rule passes those.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::LazyLock;

use serde::Deserialize;

use super::form::is_of;
use super::variable::{VariableForm, form};

/// Whether a rule may pass the variable `name` to a program outside.
pub fn is_passable(name: &OsStr) -> bool {
    runs(name.as_bytes()).is_none()
}

/// Why whoever sets the variable `name` can have programs run or load other code, or write where it
/// says, whatever they were started for; `None` if it isn't known to be so.
pub fn runs(name: &[u8]) -> Option<&'static str> {
    let upper = name.to_ascii_uppercase();
    let mut all = RUNNING.iter();
    let listed = all.find(|running| is_of(&running.names, &upper));
    let listed = listed.map(|running| running.why.as_str());
    match form(name) {
        VariableForm::Command(_) => Some("names a program that is started"),
        VariableForm::Options(..) => {
            listed.or(Some("holds options, some of which start other programs"))
        }
        VariableForm::Files => listed.or(Some("names files that say what is run")),
        VariableForm::Harmless | VariableForm::Places | VariableForm::Any => listed,
    }
}

/// Whether the variable `name` changes which programs a shell starts: where it looks for them, and how it
/// reads scripts.
pub fn misleads_shells(name: &OsStr) -> bool {
    let upper = name.as_bytes().to_ascii_uppercase();
    let mut shells = RUNNING.iter().filter(|running| running.why == SHELLS);
    upper == b"PATH" || shells.any(|running| is_of(&running.names, &upper))
}

const SHELLS: &str = "has shells run other code, or read scripts in another way";

/// Why, and names: `*` stands for any letters, and `!` takes a name out. Beside these, whatever holds a
/// command, options or files of commands, by its form.
#[derive(Debug, Deserialize)]
struct RunningVariables {
    why: String,
    names: Vec<String>,
}

static RUNNING: LazyLock<Vec<RunningVariables>> =
    LazyLock::new(|| serde_json::from_str(include_str!("running.json")).unwrap_or_default());

#[cfg(test)]
mod tests;
