//! A request with what is known of the repository that a git in it would obey.

use super::{IndexedRules, Placement, judge_exec};
use crate::request::{Request, Writable};
use crate::rules::model::Run;

/// The request with git's aliases, trusted less or bound as the repository says, where the sandboxed side can write
/// `ground`.
/// Where a rule lets it out so that nobody judges what it starts, that counts as well.
pub fn with_repository(rules: &IndexedRules, request: Request, ground: &Writable) -> Request {
    let request = request.with_aliases();
    if !ground.is_judged_outside || !request.words().start_git() {
        return request.with_repository(ground);
    }
    let is_judged_outside = judge_exec(rules, &request).verdict.run != Run::Unconfined;
    request.with_repository(&Writable {
        is_judged_outside,
        ..ground.clone()
    })
}

/// Whether it matters which repository or configuration the program goes by: only where it would leave
/// the sandbox, a rule that permits decides, or a setting says what runs in place of the words. To look takes longer
/// than to judge.
pub fn depends_on_repository(rules: &IndexedRules, request: &Request) -> bool {
    rules.go_by_settings_of(request)
        || request.misled().is_some_and(|misled| {
            let verdict = judge_exec(rules, request).verdict;
            verdict.placement == Placement::Outside || verdict != judge_exec(rules, &misled).verdict
        })
}
