//! Rules that a command missed, and exceptions that it is none of, for people.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::rc::Rc;

use crate::evaluate::{
    IndexedRules, NearMiss, NearMisses, Parameter, Trace, Unexcepted, near_misses,
};
use crate::request::program::normalised;
use crate::request::{Program, Request, argv};
use crate::rules::{Decision, RuleSet};

use super::explain::Explanation;
use super::facts::one;

/// What is told of the rules on a program that don't match.
pub(super) struct Missed<'a> {
    /// Those that are shown are near.
    pub(super) is_near: bool,
    /// Those that are shown.
    pub(super) shown: &'a [NearMiss],
    /// The others, which are counted.
    rest: &'a [NearMiss],
}

impl<'a> Missed<'a> {
    /// The near ones; where none is and none matches, `most` of the others.
    pub(super) fn of(explanation: &Explanation<'a>, most: usize) -> Option<Self> {
        let misses = explanation.near_misses;
        let (near, others) = (misses.nearest.as_slice(), misses.others.as_slice());
        if !near.is_empty() {
            return Some(Self {
                is_near: true,
                shown: near,
                rest: others,
            });
        }
        let is_unmatched = explanation.judgement.trace.matches.is_empty();
        let (shown, rest) = others.split_at(others.len().min(most));
        (is_unmatched && !others.is_empty()).then_some(Self {
            is_near: false,
            shown,
            rest,
        })
    }

    /// How many there are beside, and where the nearest of them is.
    pub(super) fn more(&self, rules: &RuleSet) -> Option<String> {
        let first = rules.rule(self.rest.first()?.rule)?;
        let place = rules.place(first.span);
        let (and, more) = if self.shown.is_empty() {
            ("", "")
        } else {
            ("and ", " more")
        };
        Some(match self.rest.len() {
            1 => format!("{and}1{more} rule on this program that doesn't match, at {place}"),
            count => format!(
                "{and}{count}{more} rules on this program that don't match, the nearest at {place}"
            ),
        })
    }
}

/// As many commands are remembered.
const REMEMBERED: usize = 4096;

/// What commands nearly matched, for the same command once.
#[derive(Default)]
pub(super) struct MissesOfAll<'a>(HashMap<Missing<'a>, Rc<NearMisses>>);

/// What rules that a command missed depend on.
#[derive(PartialEq, Eq, Hash)]
struct Missing<'a> {
    argv: &'a [OsString],
    program: &'a Program,
    directory: &'a Path,
    variables: Option<*const (OsString, OsString)>,
    /// The rules that are told of, and what they match within.
    told: Vec<(usize, Option<&'a [OsString]>)>,
}

impl<'a> MissesOfAll<'a> {
    pub(super) fn of(
        &mut self,
        rules: &IndexedRules,
        request: &'a Request,
        trace: &'a Trace,
    ) -> Rc<NearMisses> {
        let matched = trace.matches.iter();
        let matched = matched.map(|it| (it.rule, it.inner.as_deref()));
        let others = trace.rules().skip(trace.matches.len());
        let key = Missing {
            argv: &request.argv,
            program: &request.program,
            directory: &request.cwd,
            variables: request.environment.as_ref().map(|all| all.as_ptr()),
            told: matched.chain(others.map(|rule| (rule, None))).collect(),
        };
        if let Some(known) = self.0.get(&key) {
            return known.clone();
        }
        let found = Rc::new(near_misses(rules, request, trace));
        if self.0.len() < REMEMBERED {
            self.0.insert(key, found.clone());
        }
        found
    }
}

/// What keeps a rule from matching a command, in words; of some, no single thing does.
pub(super) fn note(miss: &NearMiss, explanation: &Explanation<'_>) -> Option<String> {
    let is_known = miss.condition.is_some() || !miss.wanted.is_empty();
    is_known.then(|| parted(miss, explanation))
}

/// Why an exception doesn't hold, in words.
pub(super) fn not_excepted(it: &Unexcepted) -> String {
    format!(
        "{} doesn't hold: {}",
        argv::visible(&it.case),
        argv::visible(&it.why)
    )
}

fn parted(miss: &NearMiss, explanation: &Explanation<'_>) -> String {
    let mut wanted: Vec<String> = miss
        .wanted
        .iter()
        .map(|word| one(OsStr::new(word)))
        .collect();
    let more = wanted.len().saturating_sub(4);
    wanted.truncate(4);
    let mut wanted = wanted.join(" or ");
    if more > 0 {
        let _ = write!(wanted, " or {more} more");
    }
    let token = miss.token;
    if let Some(condition) = &miss.condition {
        return unmet(miss, condition, &wanted, &explanation.request.cwd);
    }
    match &miss.had {
        Some(had) if token == 0 => {
            let hint = program_hint(miss);
            format!("is about {wanted}, not {}{hint}", one(had))
        }
        Some(had) => {
            let hint = stars_hint(miss, "; a prefix_rule takes a `*` as it stands");
            let option = option_hint(miss, had);
            let operand = operand_hint(miss, had, explanation);
            format!(
                "wants {wanted} as word {token}, which is {}{hint}{option}{operand}",
                one(had)
            )
        }
        None => format!("wants {wanted} as word {token}, where the command ends"),
    }
}

/// What is to be done where an option stands before the word that a rule wants.
fn option_hint(miss: &NearMiss, had: &OsStr) -> &'static str {
    let is_option = |word: &[u8]| word.len() > 1 && word.starts_with(b"-");
    let wants_one = miss.wanted.iter().any(|word| is_option(word.as_bytes()));
    if is_option(had.as_bytes()) && !wants_one {
        "; a command_rule may name such an option, by `flags` or `options`"
    } else {
        ""
    }
}

/// What is to be done where a rule that restricts wants a word which stands elsewhere, or a path that is spelled
/// otherwise.
fn operand_hint(miss: &NearMiss, had: &OsStr, explanation: &Explanation<'_>) -> &'static str {
    let request = explanation.request;
    let rule = explanation.rules.rules().rule(miss.rule);
    let restricts = rule.is_some_and(|rule| rule.decision > Decision::Allow);
    let path = |word: &OsStr| normalised(&request.cwd.join(word));
    let is_path = had.as_bytes().contains(&b'/');
    let mut behind = request.argv.iter().skip(miss.token + 1);
    let mut wanted = miss.wanted.iter().map(OsStr::new);
    let is_operand = |word: &&OsStr| !word.as_bytes().starts_with(b"-");
    if !restricts {
        ""
    } else if is_path && wanted.clone().any(|word| path(word) == path(had)) {
        "; a command_rule with `args` goes by where a path leads"
    } else if behind.any(|word| wanted.any(|wanted| is_operand(&wanted) && wanted == word)) {
        "; a command_rule with `args` finds it among others"
    } else {
        ""
    }
}

/// What is to be done where a rule has more than a program for one, or one in no form that counts.
fn program_hint(miss: &NearMiss) -> &'static str {
    let any = |is: fn(&String) -> bool| miss.wanted.iter().any(is);
    if any(|program| program.contains(char::is_whitespace)) {
        "; each word is a string of its own"
    } else if any(|program| program.contains('=')) {
        "; a variable is for `env` of a command_rule"
    } else if any(|program| program.contains('/') && !program.starts_with('/')) {
        "; a relative path is that spelling alone: name the file without its directory, or with all of them"
    } else {
        ""
    }
}

/// `hint`, where a word is wanted that looks like a pattern.
fn stars_hint(miss: &NearMiss, hint: &'static str) -> &'static str {
    let is_pattern = |word: &String| word.contains('*') && !word.ends_with(')');
    if miss.wanted.iter().any(is_pattern) {
        hint
    } else {
        ""
    }
}

/// What takes a `*` for a pattern.
const GLOB: &str = "; `glob(...)` takes a `*` for anything";

/// Which path a relative operand is, where a place is wanted.
fn place_hint(miss: &NearMiss, cwd: &Path) -> String {
    let is_place = |wanted: &String| wanted.contains("under(");
    let relative = miss
        .had
        .as_deref()
        .map(Path::new)
        .filter(|path| path.is_relative());
    match relative.filter(|_| miss.wanted.iter().any(is_place)) {
        Some(path) => {
            let whole = normalised(&cwd.join(path));
            format!(", which is {}", one(whole.as_os_str()))
        }
        None => String::new(),
    }
}

fn unmet(miss: &NearMiss, condition: &Parameter, wanted: &str, cwd: &Path) -> String {
    let had = miss.had.as_deref();
    let instead = |is: &str, missing: &str| match had {
        Some(had) => format!("{is}{}", one(had)),
        None => missing.to_owned(),
    };
    match condition {
        Parameter::Flags => format!("wants {wanted} among the options"),
        Parameter::Letters => {
            format!("wants {wanted} among the options; all_of(...) names each of several letters")
        }
        Parameter::Without => format!("wants no {wanted}{}", instead(", which is here ", "")),
        Parameter::Options(name) => {
            let instead = instead(", which is ", ", which is not there");
            let hint = stars_hint(miss, GLOB);
            format!(
                "wants {wanted} for {}{instead}{hint}",
                one(OsStr::new(name))
            )
        }
        Parameter::Args => {
            let instead = instead(", not ", ", which end before that");
            let hint = stars_hint(miss, GLOB);
            let place = place_hint(miss, cwd);
            format!(
                "wants {} among the operands{instead}{place}{hint}",
                argv::visible(&miss.wanted.join(" or "))
            )
        }
        Parameter::Exact => format!("wants nothing else to follow{}", instead(", as does ", "")),
        Parameter::Cwd => {
            let is_below =
                |wanted: &String| had.is_some_and(|had| Path::new(had).starts_with(wanted));
            let hint = if miss.wanted.iter().any(is_below) {
                "; `under(...)` takes what is below it as well"
            } else {
                ""
            };
            format!(
                "wants the directory {wanted}{}{hint}",
                instead(", not ", "")
            )
        }
        Parameter::Env(name) => {
            let wanted = match wanted {
                "" => "to be set".to_owned(),
                "''" => "not to be set".to_owned(),
                value => format!("to be {value}"),
            };
            let instead = instead(", which is ", ", which is not set");
            let hint = stars_hint(miss, GLOB);
            format!(
                "wants the variable {} {wanted}{instead}{hint}",
                one(OsStr::new(name))
            )
        }
        Parameter::Unless => {
            let case = argv::visible(&miss.wanted.join(" "));
            let by = instead(", which is met by ", "");
            format!("leaves it alone by its `unless`: {case}{by}")
        }
    }
}
