//! Where a judged request may run, given where its caller is. Pure: known before anybody is asked,
//! so that a question, a permit and the records say the same.

use crate::approve::place::{Caller, SeparateSandbox, Disposition, Confinement, Place, Placed};
use crate::config::Profiles;
use crate::confine::Mode;
use crate::evaluate::{Judgement, Placement, Verdict};
use crate::rules::Decision;
use crate::rules::model::Run;

/// What counts for the place beside the judgement.
#[derive(Debug, Clone)]
pub struct Setting<'a> {
    /// Where the caller is.
    pub caller: Caller,
    /// The caller is one of a login shell's start-up files, or was started by one.
    pub startup: bool,
    /// The separate sandboxes that rules may ask for.
    pub profiles: &'a Profiles,
}

/// What becomes of a request that was judged so.
///
/// A login shell's start-up files stay where they are, and nobody is asked. Whoever is out already
/// stays there: there is nowhere further out. Without a sandbox only a profile leads anywhere else.
pub fn place(judgement: &Judgement, setting: &Setting<'_>) -> Disposition {
    let verdict = &judgement.verdict;
    if verdict.decision == Decision::Forbidden {
        return Disposition::Forbid;
    }
    let caller = setting.caller.clone();
    let is_out = matches!(caller, Caller::Outside | Caller::Profile(_));
    if setting.startup && !is_out {
        return Disposition::Run(Placed {
            place: Place::Stay(caller),
            why_inside: (verdict.placement == Placement::Outside)
                .then(|| "a login shell's start-up files run inside".to_owned()),
        });
    }
    // Also where nothing comes of it: a rule that can't be followed permits nothing.
    let outside = match outside(verdict, setting.profiles) {
        Ok(outside) => outside,
        Err(reason) => return Disposition::Nowhere(reason),
    };
    let place = match (caller, outside) {
        (Caller::Sandbox, Some(outside))
        | (Caller::NoSandbox, Some(outside @ Confinement::Profile(_))) => Place::Out(outside),
        (caller, _) => Place::Stay(caller),
    };
    let placed = Placed {
        why_inside: (place.placement() == Placement::Inside)
            .then(|| judgement.why_inside())
            .flatten(),
        place,
    };
    match verdict.decision {
        Decision::Allow => Disposition::Run(placed),
        Decision::Prompt | Decision::Forbidden => Disposition::Ask(placed),
    }
}

/// Where outside the verdict wants it; `None` for inside. Why there is no such place.
fn outside(verdict: &Verdict, profiles: &Profiles) -> Result<Option<Confinement>, String> {
    let policy = profiles.policy(&verdict.profiles);
    let policy = policy.map_err(|error| error.to_string())?;
    Ok(match (&verdict.run, policy) {
        (Run::Inside, _) => None,
        (Run::Profile(_), Some(policy)) if policy.mode != Mode::DangerFullAccess => {
            Some(Confinement::Profile(Box::new(SeparateSandbox {
                profiles: verdict.profiles.clone(),
                policy,
            })))
        }
        (Run::Profile(_) | Run::Outside, _) => Some(Confinement::Judged),
        (Run::Unconfined, _) => Some(Confinement::Unjudged),
    })
}
