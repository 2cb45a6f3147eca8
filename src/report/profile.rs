//! The sandbox of its own that a program would have outside.

use std::path::Path;

use serde::Serialize;

use crate::confine::{Mode, Policy};
use crate::request::argv::{self, WordForm};
use crate::rules::model::Profile;

use super::explain::Explanation;

/// See [`super::explain`].
#[derive(Serialize)]
pub(super) struct ProfileForm<'a> {
    asked: &'a [Profile],
    #[serde(flatten)]
    outcome: ProfileOutcome,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ProfileOutcome {
    Had {
        mode: &'static str,
        network: bool,
        writable: Vec<serde_json::Value>,
    },
    Error {
        error: String,
    },
}

/// `None` where no rule asks for one.
pub(super) fn form<'a>(explanation: &Explanation<'a>) -> Option<ProfileForm<'a>> {
    let asked = explanation.judgement.verdict.profiles.as_slice();
    let outcome = match explanation.setting.profiles.policy(asked) {
        Ok(None) => return None,
        Ok(Some(policy)) => ProfileOutcome::Had {
            mode: policy.mode.as_str(),
            network: policy.network,
            writable: policy
                .writable
                .iter()
                .filter_map(|root| path(root))
                .collect(),
        },
        Err(error) => ProfileOutcome::Error {
            error: error.to_string(),
        },
    };
    Some(ProfileForm { asked, outcome })
}

fn path(path: &Path) -> Option<serde_json::Value> {
    serde_json::to_value(WordForm::of(path.as_os_str())).ok()
}

/// Where it runs, and in what.
pub(super) fn text(explanation: &Explanation<'_>) -> String {
    let asked = &explanation.judgement.verdict.profiles;
    let names: Vec<String> = asked.iter().map(|one| argv::visible(&one.name)).collect();
    let names = names.join(" and ");
    match explanation.setting.profiles.policy(asked) {
        Ok(Some(policy)) if policy.mode == Mode::DangerFullAccess => {
            format!("outside the sandbox ({names} is none)")
        }
        Ok(Some(policy)) => format!(
            "outside the sandbox, in a separate one ({names}): {}",
            permits(&policy)
        ),
        Ok(None) => "outside the sandbox".to_owned(),
        Err(error) => format!(
            "nowhere: the rule wants a separate sandbox ({names}), but {}",
            argv::visible(&error.to_string())
        ),
    }
}

fn permits(policy: &Policy) -> String {
    let network = if policy.network {
        "a network"
    } else {
        "no network"
    };
    let roots = policy
        .writable
        .iter()
        .map(|root| argv::word(root.as_os_str()));
    let roots: Vec<String> = roots.collect();
    if roots.is_empty() {
        format!("{network}, writes nothing")
    } else {
        format!("{network}, writes {}", roots.join(", "))
    }
}
