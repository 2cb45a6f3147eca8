//! What is said on standard error when a command has ended.

use crate::audit::RefusedPath;
use crate::confine::{Replaced, Unmade};
use crate::exit::Exit;
use crate::intercept::complaints::Denial;
use crate::intercept::refused::{RefusedKind, SandboxRefusals};
use crate::report;

/// As many kinds of refused calls, and as many paths, are told of at the end without `--verbose`.
const EXPLAINED: usize = 3;

/// After a failure, a few lines on what the sandbox refused: the paths, and the calls that a program
/// failed of; with `--verbose` also those that programs could do without, and after a success.
pub(super) fn explain_refusal(is_verbose: bool, exit: Exit, refused: &SandboxRefusals) {
    if exit.code() == 0 && !is_verbose {
        return;
    }
    let calls = refused.calls.iter();
    let calls = calls.filter(|call| is_verbose || call.failed);
    let most = if is_verbose { usize::MAX } else { EXPLAINED };
    calls.take(most).for_each(explain_call);
    refused.paths.iter().take(most).for_each(explain_path);
    let more = refused.paths.len().saturating_sub(most);
    if more > 0 {
        report::note(&format!("and {more} more paths; `--verbose` names each"));
    }
}

/// Lines on what came to be, or went away, under names that other programs obey, and on what is held and was
/// replaced.
pub(super) fn tell_made(unmade: &Unmade, replaced: &[Replaced]) {
    let made = unmade.made();
    let made = made.iter().map(|one| (&*one.path, one.reason, one.is_gone));
    let replaced = report::refusals::replaced(replaced);
    for line in report::refusals::made(made).into_iter().chain(replaced) {
        report::note(&line);
    }
}

fn explain_call(kind: &RefusedKind) {
    let what = report::refusals::what(&kind.refused);
    let first = kind
        .record()
        .program
        .map_or_else(String::new, |program| format!(", first by {program}"));
    let (times, remedy) = (kind.times, kind.refused.remedy);
    report::note(&format!(
        "the sandbox refused {what} ({times} in all{first}); {remedy}"
    ));
}

fn explain_path(denial: &Denial) {
    let RefusedPath { path, times, .. } = denial.record();
    let times = report::refusals::times(times);
    let way = report::refusals::way(&denial.denied);
    report::note(&format!(
        "the sandbox refused writing {path} ({times}); {way}"
    ));
    if let Some(why) = &denial.why_inside {
        report::note(why);
    }
}
