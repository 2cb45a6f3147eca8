//! Where the commands of a script run that nobody has started: what is started outside stays there, as it does in
//! a run, and has the variables that are passed there.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::ops::Deref;
use std::rc::Rc;

use nix::errno::Errno;

use super::inheritance::{Heritage, Starter, name_of};
use super::inquiry::{Inquiry, NamedVariables};
use super::place::{Setting, place};
use crate::approve::place::{Caller, Inheritance, Place};
use crate::evaluate::{
    Basis, Callers, CommandKind, CommandTree, JudgedCommand, Judgement, ScriptJudgement,
    near_misses,
};
use crate::request::{Request, entry};
use crate::rules::Decision;

/// What comes of a script, and where each command of it runs.
#[derive(Debug)]
pub struct PlacedScript<'a> {
    judgement: ScriptJudgement,
    setting: &'a Setting<'a>,
    /// Of those that something outside starts, by number.
    outside: HashMap<usize, SettingOutside<'a>>,
}

/// What counts for a command that something outside starts.
#[derive(Debug)]
struct SettingOutside<'a> {
    setting: Setting<'a>,
    let_out: Rc<LetOut>,
}

impl PlacedScript<'_> {
    /// What else counts for where a command runs.
    pub fn setting(&self, command: &JudgedCommand) -> &Setting<'_> {
        let outside = self.outside.get(&command.node);
        outside.map_or(self.setting, |outside| &outside.setting)
    }

    /// The rules, by number, that let out what starts a command outside.
    pub fn let_out_by(&self, command: &JudgedCommand) -> &[usize] {
        let outside = self.outside.get(&command.node);
        outside.map_or(&[], |outside| &outside.let_out.rules)
    }
}

impl Deref for PlacedScript<'_> {
    type Target = ScriptJudgement;

    fn deref(&self) -> &ScriptJudgement {
        &self.judgement
    }
}

impl Inquiry<'_> {
    /// The same where it is known what else counts: each command where it runs, if what starts it may.
    pub fn judge_script_in<'b>(
        &'b self,
        text: &[u8],
        setting: &'b Setting<'b>,
    ) -> PlacedScript<'b> {
        let whereabouts = PlacesOfCommands::new(self, setting);
        let judged = self.judged_by(text, &whereabouts);
        whereabouts.placed(judged)
    }

    /// Whether more is to be said of those that a command starts, whose script `judged` is, than of it `alone`.
    pub fn says_more(
        &self,
        judged: &PlacedScript<'_>,
        alone: &Judgement,
        setting: &Setting<'_>,
    ) -> bool {
        let own = place(alone, setting).decision();
        let mut within = judged.commands.iter().filter(|it| it.depth > 0);
        within.any(|it| {
            it.kind == CommandKind::Program && (it.decision > own || self.says_beside(alone, it))
        })
    }

    /// Whether rules say of a command within one, or nearly, what is not told with that `alone`.
    fn says_beside(&self, alone: &Judgement, within: &JudgedCommand) -> bool {
        let (Some(judgement), Some(request)) = (&within.judgement, &within.request) else {
            return false;
        };
        let is_missed = || {
            let missed = near_misses(self.rules(), request, &judgement.trace);
            !missed.nearest.is_empty() || !missed.others.is_empty()
        };
        judgement
            .trace
            .rules()
            .any(|rule| !alone.trace.tells_of(rule))
            || !matches!(alone.verdict.basis, Basis::Rule(_)) && is_missed()
    }
}

/// Follows what goes outside while the commands of a script are judged.
pub(super) struct PlacesOfCommands<'a> {
    inquiry: &'a Inquiry<'a>,
    setting: &'a Setting<'a>,
    heritage: Heritage<'a>,
    known: RefCell<PlacesSoFar<'a>>,
}

#[derive(Default)]
struct PlacesSoFar<'a> {
    /// Of what is outside or starts something there, by number.
    starters: HashMap<usize, Rc<StartedOutside>>,
    outside: HashMap<usize, SettingOutside<'a>>,
    /// Variables by those of the command and of the one that was let out.
    variables: HashMap<[*const (OsString, OsString); 2], OutsideVariables>,
}

/// What a command has of variables outside.
struct OutsideVariables {
    all: NamedVariables,
    /// Those that they are looked up by, kept so that no others come to lie in their place.
    _by: [NamedVariables; 2],
}

/// What starts something outside.
struct StartedOutside {
    caller: Caller,
    let_out: Rc<LetOut>,
    /// It does what files say that the sandboxed side can write, or what started it does.
    is_led: bool,
}

/// A program that was let out.
#[derive(Debug)]
struct LetOut {
    node: usize,
    /// The rules that say so, by number.
    rules: Vec<usize>,
    name: String,
    /// The variables that it was asked with.
    had: Option<NamedVariables>,
    /// What is passed of them, by name.
    passed: HashMap<OsString, OsString>,
}

impl<'a> PlacesOfCommands<'a> {
    pub(super) fn new(inquiry: &'a Inquiry<'a>, setting: &'a Setting<'a>) -> Self {
        Self {
            inquiry,
            setting,
            heritage: inquiry.heritage(),
            known: RefCell::default(),
        }
    }

    /// The `judgement` with what has nowhere to run refused, and what nobody judges let be.
    pub(super) fn placed(self, mut judgement: ScriptJudgement) -> PlacedScript<'a> {
        let outside = self.known.into_inner().outside;
        for command in &mut judgement.commands {
            let starts = matches!(command.kind, CommandKind::Program | CommandKind::Unknown);
            let Some(judged) = command.judgement.as_ref().filter(|_| starts) else {
                continue;
            };
            let setting = outside.get(&command.node);
            let setting = setting.map_or(self.setting, |outside| &outside.setting);
            let decision = place(judged, setting).decision();
            let is_judged = setting.caller != Caller::Unjudged;
            command.decision = if is_judged || command.kind == CommandKind::Unknown {
                command.decision.max(decision)
            } else {
                Decision::Allow
            };
        }
        judgement.decide();
        PlacedScript {
            judgement,
            setting: self.setting,
            outside,
        }
    }

    fn origin(&self, starter: Option<usize>) -> Option<Rc<StartedOutside>> {
        self.known.borrow().starters.get(&starter?).cloned()
    }

    /// The variables of a command that has these where nothing goes outside, if what started it was `let_out`.
    fn outside(&self, variables: &NamedVariables, let_out: &LetOut) -> NamedVariables {
        let had = let_out.had.as_ref().unwrap_or(variables);
        let both = [variables.as_ptr(), had.as_ptr()];
        let mut known = self.known.borrow_mut();
        let found = known.variables.entry(both).or_insert_with(|| {
            let had_before: HashMap<_, _> = had.iter().map(|(n, v)| (n, v)).collect();
            let kept = variables.iter().filter_map(|(name, value)| {
                let is_inherited = had_before.get(name).is_some_and(|before| *before == value);
                let passed = let_out.passed.get(name);
                let value = if is_inherited { passed? } else { value };
                Some((name.clone(), value.clone()))
            });
            let added = let_out.passed.iter();
            let added = added.filter(|(name, _)| !had_before.contains_key(name));
            let added = added.map(|(name, value)| (name.clone(), value.clone()));
            OutsideVariables {
                all: kept.chain(added).collect(),
                _by: [variables.clone(), had.clone()],
            }
        });
        found.all.clone()
    }

    /// What comes of it for the command numbered `node` that `origin` is outside.
    fn inheritance(
        &self,
        tree: &CommandTree,
        node: usize,
        request: &Request,
        origin: &StartedOutside,
    ) -> Inheritance {
        if self.setting.caller != Caller::Sandbox || origin.caller == Caller::Unjudged {
            return Inheritance::Free;
        }
        let starter = Foretold {
            inquiry: self.inquiry,
            variables: match request.environment.as_deref() {
                Some(all) => all.iter().map(|(name, value)| entry(name, value)).collect(),
                None => tree
                    .variables_set(node)
                    .map(|(name, value)| entry(name, value))
                    .collect(),
            },
            origin,
            has_own_input: tree.has_own_input(node, origin.let_out.node),
        };
        let found = self.heritage.inheritance(&mut request.clone(), &starter);
        found.unwrap_or_default()
    }

    /// What the command numbered `node` is, which runs in this place, for those that it starts; `None` inside.
    fn started(
        &self,
        node: usize,
        request: &Request,
        judgement: &Judgement,
        place: &Place,
        origin: Option<&StartedOutside>,
    ) -> Option<StartedOutside> {
        let caller = place.caller();
        let let_out = match (place, origin) {
            (Place::Stay(_), origin) => origin?.let_out.clone(),
            (Place::Out(_), _) => {
                let pass = &judgement.verdict.pass_env;
                let file = request.chain().last();
                let file = file.and_then(|it| it.program.real.as_deref());
                Rc::new(LetOut {
                    node,
                    rules: judgement.placed_by(self.inquiry.rules().rules()),
                    name: name_of(file),
                    had: request.environment.clone(),
                    passed: self.inquiry.passed(request, pass),
                })
            }
        };
        let is_led = origin.is_some_and(|it| it.is_led) || self.heritage.is_led(request);
        Some(StartedOutside {
            caller,
            let_out,
            is_led,
        })
    }
}

impl Callers for PlacesOfCommands<'_> {
    fn asked(&self, starter: usize, request: &Request) -> Option<Request> {
        let origin = self.origin(Some(starter))?;
        let variables = request.environment.as_ref();
        let variables = variables.map(|it| self.outside(it, &origin.let_out));
        Some(self.inquiry.found_outside(request, variables))
    }

    fn judged(
        &self,
        tree: &CommandTree,
        node: usize,
        starter: Option<usize>,
        said: Option<(&Request, &Judgement)>,
    ) {
        let origin = self.origin(starter);
        let mut setting = self.setting.clone();
        if let Some(origin) = &origin {
            setting.caller = origin.caller.clone();
        }
        let mut after = origin.clone();
        if let Some((request, judgement)) = said {
            if let Some(origin) = &origin {
                setting.inheritance = self.inheritance(tree, node, request, origin);
            }
            let disposition = place(judgement, &setting);
            if let Some(placed) = disposition.placed().filter(|_| tree.runs_any(node)) {
                let started =
                    self.started(node, request, judgement, &placed.place, origin.as_deref());
                after = started.map(Rc::new);
            }
        }
        let mut known = self.known.borrow_mut();
        if let Some(after) = after {
            known.starters.insert(node, after);
        }
        if let Some(origin) = origin {
            let let_out = origin.let_out.clone();
            known
                .outside
                .insert(node, SettingOutside { setting, let_out });
        }
    }
}

/// What will have started a command outside.
struct Foretold<'a> {
    inquiry: &'a Inquiry<'a>,
    /// Those of its variables that are known, `NAME=value` each.
    variables: Vec<OsString>,
    origin: &'a StartedOutside,
    has_own_input: bool,
}

impl Starter for Foretold<'_> {
    fn variables(&self) -> Result<Vec<OsString>, Errno> {
        Ok(self.variables.clone())
    }

    fn misleading_repository(&self, git: &Request) -> Option<String> {
        git.misleading_repository(self.inquiry.ground())
    }

    fn is_hidden(&self) -> bool {
        false
    }

    fn reads_from_inside(&self, number: i32) -> bool {
        number != 0 || !self.has_own_input
    }

    fn is_led_by_files(&self) -> bool {
        self.origin.is_led
    }

    fn name(&self) -> String {
        self.origin.let_out.name.clone()
    }
}
