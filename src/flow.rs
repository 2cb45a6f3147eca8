//! The whole path of one request, on one screen. Who brings it, `intercept`, reads what is asked here, carries out
//! what is answered, and decides nothing about it.

mod inheritance;
mod inquiry;
mod place;
mod unasked;
mod whereabouts;

use std::path::PathBuf;

use nix::unistd::Pid;

pub use inheritance::{Heritage, Starter, name_of};
pub use inquiry::{Inquiry, judge_shell};
pub use place::{Setting, place};
pub use unasked::{could_be_executed, is_plain, may_go_on, starts_are_judged};
pub use whereabouts::PlacedScript;

use crate::approve::place::{Disposition, Place, Placed};
use crate::approve::{self, Answer, Permit, Question, Refusal, Settled, Standing};
use crate::audit::{Audit, ExecRecord};
use crate::evaluate::{CommandTree, IndexedRules, Judgement, Placement, judge_exec_in, judge_in};
use crate::request::Request;

/// Something that was stopped on its way to an exec, and can be sent one of four ways.
pub trait Exec {
    /// Whether what it starts in the sandbox comes here as well.
    fn is_followed(&self) -> bool;
    /// What counts for where it may run.
    fn setting(&self) -> Setting<'_>;
    /// The process that executes, if it is still there.
    fn process(&self) -> Option<Pid>;
    /// Where its sandbox can write; `None` where there is none.
    fn writable(&self) -> Option<&[PathBuf]>;
    /// Where its caller stands, for which an answer was given; or why it can't run in that place, in words.
    fn standing(&self, place: &Place) -> Result<Standing, String>;
    /// It will go on where its caller is, though a rule would let it out. `told` says so, in words that
    /// follow the command, and why.
    fn keep(&mut self, request: &Request, told: &str) {
        let _ = (request, told);
    }
    /// Goes on where its caller is; the record is told what comes of it, as below.
    fn stay(self, permit: Permit, record: ExecRecord);
    /// Is run by the supervisor, outside the sandbox, where the permit says.
    fn escalate(self, permit: Permit, record: ExecRecord);
    /// Does not run.
    fn refuse(self, refusal: &Refusal);
    /// Waits for an answer; then [`answered`] is called with it.
    fn wait(self, question: Box<Question>, record: ExecRecord);
}

/// Sends `exec` the way that the rules say for `request`.
pub fn consider(rules: &IndexedRules, request: Request, exec: impl Exec, audit: &Audit) {
    let tree = CommandTree::of(rules, &request);
    let judgement = if exec.is_followed() {
        judge_exec_in(rules, &request, &tree)
    } else {
        judge_in(rules, &request, &tree)
    };
    follow(rules, request, &tree, &judgement, exec, audit);
}

/// Sends `exec` the way of a `judgement` on `request`, whose `tree` it is.
pub fn follow(
    rules: &IndexedRules,
    request: Request,
    tree: &CommandTree,
    judgement: &Judgement,
    mut exec: impl Exec,
    audit: &Audit,
) {
    let disposition = place(judgement, &exec.setting());
    let caller = audit.keeps_records().then(|| exec.process()).flatten();
    let record = audit.judged(rules, &request, judgement, &disposition, caller);
    if let Some((rule, why)) = judgement.why_uncounted()
        && let Disposition::Run(Placed { place, .. }) = &disposition
        && place.placement() == Placement::Inside
    {
        let span = rules.rules().rule(rule).map(|rule| rule.span);
        let place = span.map_or_else(String::new, |span| rules.rules().place(span));
        exec.keep(
            &request,
            &format!("stayed inside, though {place} allows it: {why}"),
        );
    }
    let writable = exec.writable();
    let settled = approve::settle(rules, judgement, disposition, request, tree, writable);
    act(settled, record, exec);
}

/// Sends `exec` the way that the answer to its question says.
pub fn answered(question: Question, answer: Answer, mut record: ExecRecord, mut exec: impl Exec) {
    let answered = approve::answered(question, answer, |place| exec.standing(place));
    record.answered(answered.question(), answered.answer());
    let text = answered.question().text();
    let kept = text.why_inside.as_ref().map(|why| {
        let rule = &text.because;
        format!("was permitted inside only, though {rule} asks for outside: {why}")
    });
    let settled = answered.settled();
    if let (Settled::Permitted(permit), Some(told)) = (&settled, kept) {
        exec.keep(permit.request(), &told);
    }
    act(settled, record, exec);
}

fn act(settled: Settled, record: ExecRecord, exec: impl Exec) {
    match settled {
        Settled::Permitted(permit) => match permit.place() {
            Place::Stay(_) => exec.stay(*permit, record),
            Place::Out(_) => exec.escalate(*permit, record),
        },
        Settled::Asking(question) => exec.wait(question, record),
        Settled::Refused(refusal) => {
            record.refused(&refusal);
            exec.refuse(&refusal);
        }
    }
}
