//! Where a program runs, as it is asked and as it is permitted; and which questions are the same.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::File;
use std::os::fd::AsFd as _;

use codex_shell::approve::place::{Caller, Disposition, Inheritance, Place};
use codex_shell::approve::{Answer, Permit, Question, Settled, Standing, answered, settle};
use codex_shell::config::Profiles;
use codex_shell::evaluate::{
    Basis, CommandTree, IndexedRules, Judgement, Placement, RuleMatch, Trace, Verdict,
};
use codex_shell::flow::{Setting, place};
use codex_shell::request::{Program, Request, Trust, WorkingDirectory};
use codex_shell::rules::model::{Profile, Run};
use codex_shell::rules::{Decision, from_own_text};
use codex_shell::sys::child::Bounds;
use nix::unistd::Pid;
use proptest::prelude::*;

fn profile() -> impl Strategy<Value = Profile> {
    let name = prop::sample::select(vec![
        "read-only",
        "workspace-write",
        "danger-full-access",
        "nosuch",
    ]);
    let network = prop::option::of(any::<bool>());
    (name, network).prop_map(|(name, network)| Profile {
        name: name.to_owned(),
        network,
        writable: Vec::new(),
    })
}

fn run() -> impl Strategy<Value = Run> {
    prop_oneof![
        Just(Run::Inside),
        Just(Run::Outside),
        Just(Run::Unconfined),
        profile().prop_map(Run::Profile),
    ]
}

fn caller() -> impl Strategy<Value = Caller> {
    prop_oneof![
        Just(Caller::Sandbox),
        Just(Caller::NoSandbox),
        Just(Caller::Outside),
        prop::collection::vec(profile(), 1..3).prop_map(Caller::Profile),
    ]
}

fn judgement() -> impl Strategy<Value = Judgement> {
    let decision = prop::sample::select(vec![Decision::Allow, Decision::Prompt]);
    let basis = prop::sample::select(vec![Basis::Rule(0), Basis::Rule(1), Basis::Unmatched]);
    let kept = prop::option::of("[a-c]{1,3}");
    (decision, run(), basis, kept).prop_map(|(decision, run, basis, kept)| {
        let profiles = match &run {
            Run::Profile(profile) => vec![profile.clone()],
            _ => Vec::new(),
        };
        let placement = if run == Run::Inside {
            Placement::Inside
        } else {
            Placement::Outside
        };
        Judgement {
            verdict: Verdict {
                pass_env: Vec::new(),
                decision,
                placement,
                run,
                profiles,
                basis,
            },
            trace: Trace {
                kept_inside: kept.map(|reason| (0, reason)).into_iter().collect(),
                matches: vec![RuleMatch {
                    rule: 0,
                    matched: Vec::new(),
                    resolved_program: None,
                    inner: None,
                    presumed: false,
                }],
                ..Trace::default()
            },
        }
    })
}

fn request() -> impl Strategy<Value = Request> {
    let words = prop::collection::vec("[ab]{1,2}", 1..4);
    let path = prop::option::of("/[ab]/[ab]");
    let whole = |(words, path, cwd, trusted): (Vec<String>, Option<String>, String, bool)| {
        let mut program = Program::named("a");
        program.path = path.as_ref().map(Into::into);
        program.real = path.map(Into::into);
        if trusted {
            program.trust = Trust::Trusted;
        }
        let argv = words.into_iter().map(OsString::from).collect();
        Some(Request::new(program, argv, WorkingDirectory::new(cwd)?))
    };
    (words, path, "/(usr|etc)", any::<bool>()).prop_filter_map("it is absolute", whole)
}

fn rules() -> IndexedRules {
    let text = "prefix_rule([\"a\"], decision=\"prompt\", justification=\"first\")\n\
                prefix_rule([\"b\"], decision=\"prompt\", justification=\"second\")\n";
    IndexedRules::new(from_own_text("x.rules", text))
}

fn disposition(judgement: &Judgement, caller: Caller, startup: bool) -> Disposition {
    let profiles = Profiles::unnamed(vec!["/usr/lib".into()], None);
    let setting = Setting {
        caller,
        startup,
        profiles: &profiles,
        inheritance: Inheritance::Free,
    };
    place(judgement, &setting)
}

/// A process that isn't there has nothing to read.
const NOBODY: Pid = Pid::from_raw(i32::MAX);

fn bounds(umask: u32) -> Bounds {
    let limits = Vec::new();
    Bounds { umask, limits }
}

fn standing(question: &Question) -> Option<Standing> {
    let directory = File::open(&*question.request().cwd).ok()?;
    Standing::of(NOBODY, directory.as_fd(), bounds(0o22)).ok()
}

/// The question that comes of it, if one does.
fn question(judgement: &Judgement, caller: Caller, request: Request) -> Option<Question> {
    let disposition = disposition(judgement, caller, false);
    let (rules, writable) = (rules(), Some(&[][..]));
    let tree = CommandTree::of(&rules, &request);
    match settle(&rules, judgement, disposition, request, &tree, writable) {
        Settled::Asking(question) => {
            let standing = standing(&question)?;
            Some(question.asked_from(standing, &[]))
        }
        Settled::Permitted(_) | Settled::Refused(_) => None,
    }
}

fn permitted(question: Question) -> Option<Permit> {
    let standing = standing(&question)?;
    match answered(question, Answer::Yes, |_| Ok(standing)).settled() {
        Settled::Permitted(permit) => Some(*permit),
        Settled::Asking(_) | Settled::Refused(_) => None,
    }
}

proptest! {
    /// A yes is for the place that was shown.
    #[test]
    fn a_permit_is_for_the_place_that_the_question_named(
        judgement in judgement(),
        caller in caller(),
        request in request(),
        names in prop::collection::vec("[A-C]", 0..3),
    ) {
        let Some(question) = question(&judgement, caller.clone(), request) else {
            return Ok(());
        };
        let names: Vec<OsString> = names.into_iter().map(Into::into).collect();
        let text = question.text().clone();
        let question = question.without(&names);
        let dropped = question.text().dropped_variables.clone();
        let permit = permitted(question).unwrap();
        let place = permit.place();
        prop_assert_eq!(&place.to_string(), &text.runs);
        prop_assert_eq!(place.placement(), text.placement);
        let is_inside = *place == Place::Stay(Caller::Sandbox);
        prop_assert_eq!(text.runs.starts_with("inside"), is_inside);
        prop_assert_eq!(text.placement == Placement::Inside, is_inside);
        prop_assert!(is_inside || text.why_inside.is_none());
        // Only what is let out has another environment than its caller gave it.
        let is_let_out = permit.confinement().is_some();
        prop_assert_eq!(dropped.is_empty(), names.is_empty() || !is_let_out);
        // Nobody is let out of where nothing leads further out.
        let was_out = matches!(caller, Caller::Outside | Caller::Profile(_));
        prop_assert!(!(was_out && is_let_out));
    }

    /// What differs in anything that was shown is another question.
    #[test]
    fn different_texts_have_different_keys(
        cases in prop::collection::vec(
            (judgement(), caller(), request(), prop::collection::vec("[A-B]", 0..3)),
            2..20,
        ),
    ) {
        let mut keys = HashSet::new();
        let mut shown = HashSet::new();
        let mut questions = 0;
        for (judgement, caller, request, names) in cases {
            let Some(question) = question(&judgement, caller, request) else {
                continue;
            };
            let names: Vec<OsString> = names.into_iter().map(Into::into).collect();
            let question = question.without(&names);
            let Some(key) = question.key() else {
                continue;
            };
            questions += 1;
            shown.insert((question.text().clone(), question.request().argv.clone()));
            keys.insert(key);
        }
        prop_assert!(shown.len() <= keys.len() && keys.len() <= questions);
    }

    /// What it has of its caller is part of what a yes is for: the umask, and its variables.
    #[test]
    fn what_a_caller_gives_on_counts(judgement in judgement(), caller in caller(), request in request()) {
        let Some(question) = question(&judgement, caller, request) else {
            return Ok(());
        };
        let asked = |umask, variables: &str| {
            let directory = File::open(&*question.request().cwd).unwrap();
            let standing = Standing::of(NOBODY, directory.as_fd(), bounds(umask)).unwrap();
            let variables: Vec<OsString> = variables.split(' ').map(Into::into).collect();
            question.clone().asked_from(standing, &variables)
        };
        let key = asked(0o22, "A=1").key();
        prop_assert_eq!(&key, &asked(0o22, "A=1").key());
        if key.is_some() {
            prop_assert_ne!(&key, &asked(0, "A=1").key());
            prop_assert_ne!(&key, &asked(0o22, "A=2").key());
            // A shell lists the same ones in another order at times; of two of one name the first counts.
            let several = asked(0o22, "A=1 B=2 _=x").key();
            prop_assert_eq!(&several, &asked(0o22, "_=x A=1 B=2").key());
            let twice = asked(0o22, "A=1 A=2").key();
            prop_assert_ne!(twice, asked(0o22, "A=2 A=1").key());
        }
    }

    /// The same request from the same place is the same question. No yes holds for a program that may be
    /// another by now: here, where none of these files exists, any that is not trusted.
    #[test]
    fn the_same_again_has_the_same_key(judgement in judgement(), caller in caller(), request in request()) {
        let ask = || question(&judgement, caller.clone(), request.clone());
        let (Some(one), Some(other)) = (ask(), ask()) else {
            return Ok(());
        };
        let is_trusted = request.program.trust == Trust::Trusted;
        prop_assert_eq!(one.key(), other.key());
        prop_assert_eq!(one.key().is_some(), is_trusted);
        prop_assert_eq!(one.text().no_session.is_none(), is_trusted);
    }
}

fn trusted() -> Program {
    Program {
        trust: Trust::Trusted,
        ..Program::named("a")
    }
}

/// Where words are cut, a yes is for once; names that are cut still count.
#[test]
fn what_is_too_long_to_be_shown_counts_too() {
    let ask = |middle: &str| {
        let judgement = Judgement {
            verdict: Verdict {
                pass_env: Vec::new(),
                decision: Decision::Prompt,
                placement: Placement::Inside,
                run: Run::Inside,
                profiles: Vec::new(),
                basis: Basis::Rule(0),
            },
            trace: Trace::default(),
        };
        let long = ["x".repeat(5000).as_str(), middle, &"x".repeat(5000)].concat();
        let argv = ["a", &long].iter().map(OsString::from).collect();
        let request = Request::new(trusted(), argv, WorkingDirectory::new("/").unwrap());
        question(&judgement, Caller::Sandbox, request).unwrap()
    };
    let (one, other) = (ask("one"), ask("two"));
    assert_eq!(one.text(), other.text());
    assert_eq!((one.key(), other.key()), (None, None));
    assert!(one.text().no_session.is_some());
    let named =
        |count: usize| -> Vec<OsString> { (0..count).map(|n| format!("V{n}").into()).collect() };
    let mut names = named(12);
    let outside = |names: &[OsString]| {
        let judgement = Judgement {
            verdict: Verdict {
                pass_env: Vec::new(),
                decision: Decision::Prompt,
                placement: Placement::Outside,
                run: Run::Outside,
                profiles: Vec::new(),
                basis: Basis::Rule(0),
            },
            trace: Trace::default(),
        };
        let request = Request::new(
            trusted(),
            vec!["a".into()],
            WorkingDirectory::new("/").unwrap(),
        );
        let asked = question(&judgement, Caller::Sandbox, request).unwrap();
        asked.without(names)
    };
    let first = outside(&names);
    names[11] = "OTHER".into();
    let second = outside(&names);
    assert_eq!(first.text(), second.text());
    assert_ne!(first.key(), second.key());
}
