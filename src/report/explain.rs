//! What `codex-shell rules explain` says of one command, as text and as JSON.
//!
//! # The JSON document
//!
//! One object on one line, with these keys in this order. `schema` changes when a key is
//! removed or changes its meaning; new keys may be added at any time.
//!
//! | key | value |
//! | --- | --- |
//! | `schema` | the number 1 |
//! | `decision` | `"allow"`, `"prompt"` or `"forbidden"` |
//! | `placement` | `"inside"` or `"outside"` the sandbox; null where it does not run |
//! | `why_inside` | why it runs inside, where a rule that asks first would have it outside, in words; or null |
//! | `why_asked` | why a person is asked, or it does not run, though no rule says so: it would be outside because what starts it is; in words, or null |
//! | `run` | the most confined place that a rule names: `"inside"`, `"outside"`, `"unconfined"`, or `{"profile": {"name", "network", "writable"}}`; null where it does not run |
//! | `profile` | the sandbox of its own that it would have outside, or null: `asked`, each profile that a rule names (`name`, `network`, `writable`, as the rule has it), and what comes of them: `mode`, `network` and `writable`, or `error`, why there is no such sandbox, so that nothing would run |
//! | `without` | the variables that it would not get outside, or not all of: `name` and `part`, the part of its value that it would not get, as a shell reads them, or null where the command sets it; `reason`, in words |
//! | `basis` | what decided: `{"kind": "rule", "rule": RULE}`, `{"kind": "default", "default": RULE}`, `{"kind": "withheld", "rule": RULE}` where a rule allows it and a variable that it would lose says what it acts on, or of kind `"heuristic"`, `"broken_rules"` or `"unmatched"` |
//! | `command` | `text`, as a shell reads it, and `argv`, a list of WORDs |
//! | `program` | `asked`, a WORD; `path` and `real`, a WORD or null; `trust`; `trust_reason`, in words |
//! | `variables` | `"known"` or `"unknown"` where a rule on the program has a condition on variables; else null |
//! | `obeys` | the files of the directory where it is started, or of one above, that tell it what to do, as far as is known: it looks for them there (`*` for any part of a name), or its words name them; `".git"` for the repository |
//! | `reading` | how the command was read: `words`, `meaning`, both for people |
//! | `matches` | the rules that match and count: `rule`, `matched` (WORDs), `resolved_program` (a WORD or null), `inner` (the WORDs of the command it runs that matches, or null), `unless` (the cases of the rule's `unless` that don't hold, where the subcommand agrees: `case`, as the rule has it, and `reason`), `assumed` (options that the rule asks for and that are not given, each `option` and the `value` that it has then, or null where nobody knows; else not there), `presumed` (true where not each of those words is known, so that it may match; else not there) |
//! | `on_trial` | the rules that would match but are on trial, in the same form |
//! | `discounted` | the rules that permit and don't count: `rule`, `reason` |
//! | `near_misses` | rules on this program that would match if one word were another or one condition held, the nearest of them: `rule`, `token` (the index in `argv` where they part), `wanted` (strings), `had` (a WORD, or null at the end), `condition` (the parameter of `command_rule`, or null) |
//! | `other_rules` | how many more rules on this program don't match |
//! | `heuristic` | `code`, `name`, `reason` of the heuristic that decided, or null |
//! | `set_aside` | the project whose rules don't count, or only as far as they restrict, or null: `project`, in its text form; `why`: `"untrusted"`, `"changed"` or `"unreadable"`; `text`, in words |
//! | `errors` | what is wrong with rules files: `file`, `line`, `column` (null when unknown), `code`, `message`, `help` (a string or null) |
//!
//! A RULE is `file`, `layer` (`"admin"`, `"user"`, `"project"`, `"changed"`, `"config"`, or `"given"` on the
//! command line), `line`, `column`, `end_line`, `end_column` (from 1, columns in characters,
//! the end excluded), `decision`, `justification` (a string or null) and `source`, the call as
//! it stands in the file.
//!
//! A WORD is a string. What is not UTF-8 is an object instead: `escaped`, readable and as bash
//! takes it, and `bytes`, a list of numbers. `trust` is `"trusted"`, `"unresolved"`,
//! `"writable"`, `"misled"`, `"anonymous"` or `"disguised"`.

use crate::act::environment::SessionEnvironment;
use crate::act::lacking::Lacking;
use crate::approve::place::{Disposition, Place};
use crate::config::Settings;
use crate::evaluate::{CommandTree, IndexedRules, Judgement, NearMisses};
use crate::flow::{self, Setting};
use crate::request::program::last_component;
use crate::request::{Program, Request, Trust, argv};
use crate::rules::Decision;

/// Everything that is said of one command.
#[derive(Debug, Clone, Copy)]
pub struct Explanation<'a> {
    /// The rules it was judged by.
    pub rules: &'a IndexedRules,
    /// The command.
    pub request: &'a Request,
    /// The answer.
    pub judgement: &'a Judgement,
    /// What it comes to.
    pub tree: &'a CommandTree,
    /// Its number in the tree, if that is of a whole script.
    pub node: Option<usize>,
    /// What nearly matched.
    pub near_misses: &'a NearMisses,
    /// What else counts for where it runs.
    pub setting: &'a Setting<'a>,
    /// The rules, by number, that let out what starts it, if that is outside.
    pub let_out_by: &'a [usize],
    /// What is set, and where.
    pub settings: &'a Settings,
    /// The variables that the program would get some of outside.
    pub session: &'a SessionEnvironment,
}

impl Explanation<'_> {
    /// What becomes of the command.
    pub(super) fn disposition(&self) -> Disposition {
        flow::place(self.judgement, self.setting)
    }

    /// What holds in the end: what has nowhere to run is refused.
    pub fn decision(&self) -> Decision {
        self.disposition().decision()
    }

    /// Why a person is asked, or it is refused, though no rule says so: it would be outside as what starts it is.
    pub(super) fn why_asked(&self) -> Option<String> {
        match self.disposition() {
            Disposition::Ask(placed) => placed.why_asked,
            Disposition::Uninherited(why) => Some(why),
            _ => None,
        }
    }

    /// What it would not get of its variables, should it run outside.
    pub(super) fn lacking(&self) -> Vec<Lacking> {
        let disposition = self.disposition();
        let place = disposition.placed().map(|placed| &placed.place);
        if !matches!(place, Some(Place::Out(_))) {
            return Vec::new();
        }
        let (request, verdict) = (self.request, &self.judgement.verdict);
        self.session
            .lacking_at_start(&request.withheld, &request.cwd, &verdict.pass_env)
    }
}

/// The one-word name of a trust.
pub(super) fn trust_name(trust: &Trust) -> &'static str {
    match trust {
        Trust::Trusted => "trusted",
        Trust::Unresolved => "unresolved",
        Trust::Unexamined => "unexamined",
        Trust::Writable { .. } => "writable",
        Trust::Misled { .. } => "misled",
        Trust::Anonymous => "anonymous",
        Trust::Disguised { .. } => "disguised",
    }
}

/// What a trust means for this program, in words.
pub(super) fn trust_reason(program: &Program) -> String {
    match &program.trust {
        Trust::Trusted => "trusted: the sandbox can't write it".to_owned(),
        Trust::Unresolved => "not found here: judged by its name".to_owned(),
        Trust::Unexamined => "it was not looked up whether the sandbox can write it".to_owned(),
        Trust::Writable { path } if program.path.is_none() => format!(
            "not trusted: not found here, and the sandbox can write {}",
            argv::word(path.as_os_str())
        ),
        Trust::Writable { path } => format!(
            "not trusted: the sandbox can write {}",
            argv::word(path.as_os_str())
        ),
        Trust::Misled { why } => format!("not trusted: {why}"),
        Trust::Anonymous => {
            "not trusted: the file can't be examined outside the sandbox".to_owned()
        }
        Trust::Disguised { argv0 } => format!(
            "not trusted: it is called {}, which is not {}",
            argv::word(argv0),
            argv::word(last_component(&program.asked))
        ),
    }
}
