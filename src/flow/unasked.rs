//! What is decided beside the path, as nobody is asked there.

use std::ffi::OsString;

use nix::errno::Errno;

use super::inheritance;
use crate::act::environment::SessionEnvironment;
use crate::approve::place::Confinement;
use crate::audit::Audit;
use crate::evaluate::{IndexedRules, judge_exec};
use crate::request::{HalfRead, Request};
use crate::rules::Decision;

/// Whether nothing can come of an exec but that it goes on where it is, and nobody wants to know: then
/// the rest of it need not be read, and nothing is judged. If its caller is outside, `variables` reads those of the
/// call, which counts where what they were at the start is known.
pub fn is_plain(
    rules: &IndexedRules,
    exec: &HalfRead,
    audit: &Audit,
    outside: Option<(
        &SessionEnvironment,
        impl FnOnce() -> Result<Vec<OsString>, Errno>,
    )>,
) -> bool {
    !audit.keeps_records()
        && rules.are_silent_on(exec)
        && outside.is_none_or(|(environment, variables)| {
            inheritance::is_surely_free(rules, environment, exec.words(), variables)
        })
}

/// Whether a file could be executed, of which that is only asked: what is forbidden could not. Nothing is started,
/// so that this is by the rules alone: what else may refuse the exec itself, as the place of its caller, is left out.
pub fn could_be_executed(rules: &IndexedRules, request: &Request) -> bool {
    judge_exec(rules, request).verdict.decision != Decision::Forbidden
}

/// Whether a program that runs already, and that only the kernel knew to be started, may go on: it is too late to
/// ask, so that a prompt is a no.
pub fn may_go_on(rules: &IndexedRules, running: &Request) -> bool {
    judge_exec(rules, running).verdict.decision == Decision::Allow
}

/// Whether what a program starts outside is judged, and so it is started under the filter. Not where the rules say
/// so; nor where it would lose the rights that it gains when it starts (set-user-id), or is `codex-shell`, which
/// judges for itself.
pub fn starts_are_judged(place: &Confinement, loses_rights: bool, is_ourselves: bool) -> bool {
    *place != Confinement::Unjudged && !loses_rights && !is_ourselves
}
