//! Where a judged request may run, given where its caller is. Pure: known before anybody is asked,
//! so that a question, a permit and the records say the same.

use crate::approve::place::{
    Caller, Confinement, Disposition, Inheritance, Place, Placed, SeparateSandbox,
};
use crate::config::{Profiles, Unavailable};
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
    /// What comes of its caller being out, if that is so.
    pub inheritance: Inheritance,
}

impl<'a> Setting<'a> {
    /// For what a session of this mode starts first.
    pub fn of_first(mode: Mode, profiles: &'a Profiles) -> Self {
        Self {
            caller: Caller::not_let_out(mode),
            startup: false,
            profiles,
            inheritance: Inheritance::Free,
        }
    }
}

/// What becomes of a request that was judged so.
///
/// A login shell's start-up files stay where they are, and nobody is asked. Whoever is out already
/// stays there: there is nowhere further out; what it may inherit is less. Without a sandbox only a profile leads anywhere else.
pub fn place(judgement: &Judgement, setting: &Setting<'_>) -> Disposition {
    let verdict = &judgement.verdict;
    if setting.caller == Caller::Unjudged {
        return Disposition::Run(Placed {
            place: Place::Stay(Caller::Unjudged),
            why_inside: None,
            why_asked: None,
        });
    }
    if verdict.decision == Decision::Forbidden {
        return Disposition::Forbid;
    }
    let caller = setting.caller.clone();
    let is_out = matches!(caller, Caller::Outside | Caller::Profile(_));
    if setting.startup && !is_out {
        let explained = caller == Caller::Sandbox && verdict.placement == Placement::Outside;
        return Disposition::Run(Placed {
            place: Place::Stay(caller),
            why_inside: explained.then(|| "a login shell's start-up files run inside".to_owned()),
            why_asked: None,
        });
    }
    // Also where nothing comes of it: a rule that can't be followed permits nothing.
    let outside = match outside(verdict, setting.profiles) {
        Ok(outside) => outside,
        Err(Unavailable { asked, error }) => {
            let why = error.to_string();
            return Disposition::Nowhere { asked, why };
        }
    };
    let (asked, lifted) = match (&setting.inheritance, is_out) {
        (Inheritance::Refused(why), true) => return Disposition::Uninherited(why.clone()),
        (Inheritance::Asked(why), true) => (Some(why.clone()), outside.is_some()),
        _ => (None, true),
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
        why_asked: asked,
    };
    match verdict.decision {
        Decision::Allow if lifted => Disposition::Run(placed),
        _ => Disposition::Ask(placed),
    }
}

/// Where outside the verdict wants it; `None` for inside. Why there is no such place.
fn outside(verdict: &Verdict, profiles: &Profiles) -> Result<Option<Confinement>, Unavailable> {
    let policy = profiles.policy(&verdict.profiles)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::{Basis, Trace};
    use crate::rules::model::Profile;

    fn profile(name: &str) -> Run {
        Run::Profile(Profile {
            name: name.to_owned(),
            ..Profile::default()
        })
    }

    fn judgement(decision: Decision, run: Run) -> Judgement {
        let profiles = match &run {
            Run::Profile(profile) => vec![profile.clone()],
            _ => Vec::new(),
        };
        Judgement {
            verdict: Verdict {
                pass_env: Vec::new(),
                decision,
                placement: match run {
                    Run::Inside => Placement::Inside,
                    _ => Placement::Outside,
                },
                run,
                profiles,
                basis: Basis::Rule(0),
            },
            trace: Trace {
                kept_inside: vec![(0, "reasons".to_owned())],
                ..Trace::default()
            },
        }
    }

    /// In one word: what becomes of it, then where.
    fn placed(decision: Decision, run: Run, caller: Caller, startup: bool) -> String {
        let profiles = Profiles::unnamed(vec!["/usr/lib".into()], None);
        let setting = Setting {
            caller,
            startup,
            profiles: &profiles,
            inheritance: Inheritance::Free,
        };
        in_words(decision, run, &setting)
    }

    fn in_words(decision: Decision, run: Run, setting: &Setting<'_>) -> String {
        let (what, placed) = match place(&judgement(decision, run), setting) {
            Disposition::Run(placed) => ("runs", placed),
            Disposition::Ask(placed) => ("asks", placed),
            Disposition::Forbid => return "forbidden".to_owned(),
            Disposition::Nowhere { .. } => return "nowhere".to_owned(),
            Disposition::Uninherited(_) => return "refused".to_owned(),
        };
        let place = match placed.place {
            Place::Stay(_) => "stays",
            Place::Out(Confinement::Judged) => "out",
            Place::Out(Confinement::Unjudged) => "unjudged",
            Place::Out(Confinement::Profile(_)) => "profile",
        };
        let why = placed.why_inside.map_or("", |_| ", and says why");
        format!("{what} {place}{why}")
    }

    /// For each place that rules may want, and each where the caller may be: a rule that allows, one
    /// that asks, and one that asks during start-up.
    const TABLE: &str = "
        inside       from a sandbox: runs stays | asks stays, and says why | runs stays
        inside       from none:      runs stays | asks stays | runs stays
        inside       from outside:   runs stays | asks stays | asks stays
        inside       from a profile: runs stays | asks stays | asks stays
        inside       from unjudged:  runs stays | runs stays | runs stays
        outside      from a sandbox: runs out | asks out | runs stays, and says why
        outside      from none:      runs stays | asks stays | runs stays
        outside      from outside:   runs stays | asks stays | asks stays
        outside      from a profile: runs stays | asks stays | asks stays
        outside      from unjudged:  runs stays | runs stays | runs stays
        unconfined   from a sandbox: runs unjudged | asks unjudged | runs stays, and says why
        unconfined   from none:      runs stays | asks stays | runs stays
        unconfined   from outside:   runs stays | asks stays | asks stays
        unconfined   from a profile: runs stays | asks stays | asks stays
        unconfined   from unjudged:  runs stays | runs stays | runs stays
        profile      from a sandbox: runs profile | asks profile | runs stays, and says why
        profile      from none:      runs profile | asks profile | runs stays
        profile      from outside:   runs stays | asks stays | asks stays
        profile      from a profile: runs stays | asks stays | asks stays
        profile      from unjudged:  runs stays | runs stays | runs stays
        no profile   from a sandbox: nowhere | nowhere | runs stays, and says why
        no profile   from none:      nowhere | nowhere | runs stays
        no profile   from outside:   nowhere | nowhere | nowhere
        no profile   from a profile: nowhere | nowhere | nowhere
        no profile   from unjudged:  runs stays | runs stays | runs stays
        full access  from a sandbox: runs out | asks out | runs stays, and says why
        full access  from none:      runs stays | asks stays | runs stays
        full access  from outside:   runs stays | asks stays | asks stays
        full access  from a profile: runs stays | asks stays | asks stays
        full access  from unjudged:  runs stays | runs stays | runs stays
        ";

    #[test]
    fn every_case() {
        let callers: [(&str, Caller); 5] = [
            ("a sandbox:", Caller::Sandbox),
            ("none:", Caller::NoSandbox),
            ("outside:", Caller::Outside),
            ("a profile:", Caller::Profile(vec![Profile::default()])),
            ("unjudged:", Caller::Unjudged),
        ];
        let runs: [(&str, Run); 6] = [
            ("inside", Run::Inside),
            ("outside", Run::Outside),
            ("unconfined", Run::Unconfined),
            ("profile", profile("read-only")),
            ("no profile", profile("nosuch")),
            ("full access", profile("danger-full-access")),
        ];
        let mut table = Vec::new();
        for (run, wanted) in &runs {
            for (name, caller) in &callers {
                let case =
                    |decision, startup| placed(decision, wanted.clone(), caller.clone(), startup);
                let is_judged = *caller != Caller::Unjudged;
                let refused = case(Decision::Forbidden, true) == "forbidden";
                assert_eq!(refused, is_judged);
                let cases = [
                    case(Decision::Allow, false),
                    case(Decision::Prompt, false),
                    case(Decision::Prompt, true),
                ];
                table.push(format!("{run:<12} from {name:<10} {}", cases.join(" | ")));
            }
        }
        let expected: Vec<&str> = TABLE.trim().lines().map(str::trim).collect();
        assert_eq!(table, expected);
    }

    #[test]
    fn what_is_out_may_not_keep_all_that_it_starts_there() {
        let profiles = Profiles::unnamed(vec!["/usr/lib".into()], None);
        let in_profile = || Caller::Profile(vec![Profile::default()]);
        let cases = |caller: &dyn Fn() -> Caller, inheritance: &dyn Fn(String) -> Inheritance| {
            [
                (Decision::Allow, Run::Inside),
                (Decision::Allow, Run::Outside),
                (Decision::Prompt, Run::Outside),
            ]
            .map(|(decision, run)| {
                let setting = Setting {
                    caller: caller(),
                    startup: false,
                    profiles: &profiles,
                    inheritance: inheritance("reasons".to_owned()),
                };
                in_words(decision, run, &setting)
            })
        };
        for caller in [&|| Caller::Outside, &in_profile as &dyn Fn() -> Caller] {
            let asked = cases(caller, &Inheritance::Asked);
            assert_eq!(asked, ["asks stays", "runs stays", "asks stays"]);
            assert_eq!(cases(caller, &Inheritance::Refused), ["refused"; 3]);
        }
        let inside = cases(&|| Caller::Sandbox, &Inheritance::Refused);
        assert_eq!(inside, ["runs stays", "runs out", "asks out"]);
    }
}
