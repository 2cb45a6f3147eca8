//! Commands as people write them, judged by the text of rules.

use codex_shell::evaluate::{IndexedRules, Judgement, Placement, judge};
use codex_shell::request::{Program, Request, WorkingDirectory};
use codex_shell::rules::{Decision, from_own_text};

/// A command in some directory, of whose program no file is known.
pub(crate) fn request(command: &str) -> Request {
    request_in("/home/me/work", command)
}

/// The same in that directory.
pub(crate) fn request_in(directory: &str, command: &str) -> Request {
    let words = shlex::split(command).unwrap_or_else(|| panic!("not one command: {command}"));
    let program = Program::named(&words[0]);
    let argv = words.iter().map(Into::into).collect();
    Request::new(program, argv, WorkingDirectory::new(directory).unwrap())
}

pub(crate) fn judged(rules: &str, request: &Request) -> Judgement {
    let rules = from_own_text("t.rules", rules);
    assert_eq!(rules.diagnostics, []);
    judged_by(&IndexedRules::new(rules), request)
}

/// As everything that judges does it: the paths that matter are followed first.
pub(crate) fn judged_by(rules: &IndexedRules, request: &Request) -> Judgement {
    let paths = rules.paths_of(request);
    judge(rules, &request.clone().following(paths, &[]))
}

/// Whether the rules let the command run outside, unasked.
pub(crate) fn permitted(rules: &str, command: &str) -> bool {
    let verdict = judged(rules, &request(command)).verdict;
    verdict.placement == Placement::Outside && verdict.decision == Decision::Allow
}
