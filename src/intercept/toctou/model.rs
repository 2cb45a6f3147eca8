//! A model of processes that share memory, beside the supervisor's own code: every order of what they
//! can do, within bounds, and what becomes of an exec that was judged.
//!
//! Wrong is one thing: an exec takes the kernel's second look at memory that was written since it was
//! judged, and nobody watches it.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use nix::unistd::Pid;

use super::ExecRace;
use crate::intercept::caller::Kin;
use crate::intercept::kinship::{GUARDS, Guard, Left, Processes};

/// The sandbox's first process; and the shell, whose memory is its own.
const INIT: usize = 0;
const SHELL: usize = 1;
/// The most processes there are.
const PROCESSES: usize = 6;
/// No look of the supervisor comes after so many.
const LOOKS: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Life {
    Runs,
    /// It runs another program, in memory of its own: nothing more comes of it.
    Left,
    /// It has no memory any more; its children are its own still.
    Ends,
    Ended,
}

/// An exec under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct ModelExec {
    watched: bool,
    /// Its memory was written since it was judged.
    changed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Process {
    life: Life,
    parent: usize,
    memory: usize,
    /// Threads that run, and those that wait for a vfork child each.
    running: u8,
    waiting: Vec<usize>,
    exec: Option<ModelExec>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a state, which each is part of"
)]
struct State {
    processes: Vec<Process>,
    memories: usize,
    /// Every exec is watched, as the supervisor knows.
    every: bool,
    /// Somebody waits for a means to write any memory, or has it.
    asked: bool,
    given: bool,
    /// This memory will be written when a disk has read; its owner may ask for that.
    may_read: bool,
    reads: Option<usize>,
    /// Somebody has started a thread; one is enough.
    threaded: bool,
    /// The process that was started last, if no thread was since.
    newest: Option<usize>,
    play: Play,
}

/// What is tried together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Play {
    /// Processes that share memory.
    Kin,
    /// Means to write memory, and what is refused.
    Means,
}

impl Play {
    /// How many steps are taken.
    fn steps(self) -> usize {
        match self {
            Self::Kin => 12,
            Self::Means => 9,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    Vfork(usize),
    Thread(usize),
    Write(usize),
    End(usize),
    Orphan(usize),
    /// Executes what is permitted, or what is not and becomes the proxy.
    Execute(usize, bool),
    Look(usize),
    Ask,
    WriteAny(usize),
    AskToRead,
    Read(usize),
    Arrive,
}

/// What the supervisor does besides the guards, each of which can be left out.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is left out by itself")]
struct Protocol {
    guards: &'static [Guard],
    /// A means to write is given once every exec has left.
    waits: bool,
    /// From the question on, every exec is watched.
    begins: bool,
    /// What was replaced is compared.
    compares: bool,
    /// After an exec that leaves others in its memory, every exec is watched.
    minds_those_left: bool,
    /// Memory of one that ends is not taken for another.
    minds_ends: bool,
    /// Nobody is taken for the newest who was followed by another, or by a thread.
    minds_newer: bool,
}

const WHOLE: Protocol = Protocol {
    guards: &GUARDS,
    waits: true,
    begins: true,
    compares: true,
    minds_those_left: true,
    minds_ends: true,
    minds_newer: true,
};

impl State {
    fn new(play: Play) -> Self {
        let process = |memory| Process {
            life: Life::Runs,
            parent: INIT,
            memory,
            running: 1,
            waiting: Vec::new(),
            exec: None,
        };
        let mut state = Self {
            processes: vec![process(0), process(1)],
            memories: 2,
            every: false,
            asked: false,
            given: false,
            may_read: false,
            reads: None,
            threaded: false,
            newest: Some(SHELL + 1),
            play,
        };
        // What the shell has started, by a fork of its own.
        state.processes.push(Process {
            parent: SHELL,
            ..process(2)
        });
        state.memories = 3;
        state
    }

    fn acts(&self, pid: usize) -> bool {
        let process = &self.processes[pid];
        let blocked = usize::from(process.exec.is_some());
        process.life == Life::Runs && usize::from(process.running) > blocked
    }

    fn steps(&self) -> Vec<Step> {
        // The shell itself does nothing: all is done by what it started.
        let mut steps: Vec<Step> = (SHELL + 1..self.processes.len())
            .flat_map(|pid| match self.play {
                Play::Kin => self.steps_of_kin(pid),
                Play::Means => self.steps_by_means(pid),
            })
            .collect();
        if self.play == Play::Means && !self.asked {
            steps.extend([Step::Ask, Step::AskToRead]);
        }
        if self.reads.is_some() {
            steps.push(Step::Arrive);
        }
        steps
    }

    fn steps_of_kin(&self, pid: usize) -> Vec<Step> {
        let mut steps = Vec::new();
        let process = &self.processes[pid];
        if self.acts(pid) {
            if self.processes.len() < PROCESSES {
                steps.push(Step::Vfork(pid));
            }
            if !self.threaded {
                steps.push(Step::Thread(pid));
            }
            steps.extend(self.writes(pid));
            if process.exec.is_none() {
                steps.push(Step::Execute(pid, true));
            }
        }
        if process.exec.is_some() {
            steps.push(Step::Look(pid));
        }
        match process.life {
            Life::Runs if process.exec.is_none() => steps.push(Step::End(pid)),
            Life::Ends => steps.push(Step::Orphan(pid)),
            Life::Runs | Life::Left | Life::Ended => {}
        }
        steps
    }

    fn steps_by_means(&self, pid: usize) -> Vec<Step> {
        let mut steps = Vec::new();
        let process = &self.processes[pid];
        if self.acts(pid) {
            if !self.threaded {
                steps.push(Step::Thread(pid));
            }
            steps.extend(self.writes(pid));
            if process.exec.is_none() {
                steps.extend([true, false].map(|permitted| Step::Execute(pid, permitted)));
            }
            if self.may_read && self.reads.is_none() {
                steps.push(Step::Read(pid));
            }
        }
        if process.exec.is_some() {
            steps.push(Step::Look(pid));
            if self.given {
                steps.push(Step::WriteAny(pid));
            }
        }
        steps
    }

    /// A write that matters: an exec that has not been changed is under way in the same memory.
    fn writes(&self, pid: usize) -> Option<Step> {
        let memory = self.processes[pid].memory;
        let matters = |process: &Process| {
            process.memory == memory && process.exec.is_some_and(|exec| !exec.changed)
        };
        let some = self.processes.iter().any(matters);
        some.then_some(Step::Write(pid))
    }

    fn write(&mut self, memory: usize) {
        for process in &mut self.processes {
            if process.memory == memory
                && let Some(exec) = &mut process.exec
            {
                exec.changed = true;
            }
        }
    }

    /// The process has left the memory that it had: whoever waits for that goes on.
    fn release(&mut self, pid: usize) {
        for process in &mut self.processes {
            if let Some(at) = process.waiting.iter().position(|child| *child == pid) {
                process.waiting.remove(at);
                process.running += 1;
            }
        }
    }

    /// Takes a step other than [`Step::Execute`]; whether it was the wrong one.
    fn take(&mut self, step: Step, protocol: &Protocol) -> bool {
        match step {
            Step::Vfork(pid) => {
                let child = self.processes.len();
                self.newest = Some(child);
                let parent = &mut self.processes[pid];
                parent.running -= 1;
                parent.waiting.push(child);
                let memory = parent.memory;
                self.processes.push(Process {
                    life: Life::Runs,
                    parent: pid,
                    memory,
                    running: 1,
                    waiting: Vec::new(),
                    exec: None,
                });
            }
            Step::Thread(pid) => {
                self.threaded = true;
                self.newest = None;
                self.processes[pid].running += 1;
            }
            Step::Write(pid) | Step::WriteAny(pid) => self.write(self.processes[pid].memory),
            Step::End(pid) => {
                let process = &mut self.processes[pid];
                process.life = Life::Ends;
                process.exec = None;
                process.running = 0;
                process.waiting.clear();
                self.release(pid);
            }
            Step::Orphan(pid) => {
                self.processes[pid].life = Life::Ended;
                for process in &mut self.processes {
                    if process.parent == pid {
                        process.parent = INIT;
                    }
                }
            }
            Step::Look(pid) => {
                let exec = self.processes[pid].exec.take().unwrap();
                if exec.changed && !exec.watched {
                    return true;
                }
                let memory = self.memories;
                self.memories += 1;
                let process = &mut self.processes[pid];
                process.life = Life::Left;
                process.memory = memory;
                process.running = 1;
                process.waiting.clear();
                self.release(pid);
            }
            Step::Ask | Step::AskToRead => {
                self.asked = true;
                self.every |= protocol.begins;
                self.may_read = step == Step::AskToRead;
            }
            Step::Read(pid) => self.reads = Some(self.processes[pid].memory),
            Step::Arrive => {
                let memory = self.reads.take();
                if let Some(memory) = memory {
                    self.write(memory);
                }
            }
            // The supervisor is asked.
            Step::Execute(..) => {}
        }
        let under_way = |process: &Process| process.exec.is_some_and(|exec| !exec.watched);
        let waits = protocol.waits && self.processes.iter().any(under_way);
        if self.asked && !self.may_read && !waits {
            self.given = true;
        }
        false
    }
}

/// The processes as the supervisor sees them, who go on while it looks.
struct Beside<'a> {
    state: RefCell<State>,
    protocol: &'a Protocol,
    /// Before which look a step is taken, and which one of those that there are then.
    plan: Option<(usize, usize)>,
    looks: Cell<usize>,
    /// A step of the plan that could not be taken, as there are no more.
    idle: Cell<bool>,
}

impl Beside<'_> {
    fn go_on(&self) {
        let look = self.looks.replace(self.looks.get() + 1);
        if let Some((_, choice)) = self.plan.filter(|(at, _)| *at == look) {
            let mut state = self.state.borrow_mut();
            let steps = state.steps();
            match steps.get(choice) {
                // One exec is judged at a time.
                Some(Step::Execute(..) | Step::Look(_)) => {}
                Some(step) => {
                    state.take(*step, self.protocol);
                }
                None => self.idle.set(true),
            }
        }
    }

    fn process<T>(&self, pid: Pid, look: impl Fn(&Process) -> T) -> Option<T> {
        let at = usize::try_from(pid.as_raw()).ok()?;
        let state = self.state.borrow();
        let process = state.processes.get(at)?;
        (process.life != Life::Ended).then(|| look(process))
    }
}

fn pid(at: usize) -> Pid {
    Pid::from_raw(i32::try_from(at).unwrap())
}

impl Processes for Beside<'_> {
    fn kin(&self, of: Pid) -> Option<Kin> {
        self.go_on();
        self.process(of, |process| Kin {
            parent: pid(process.parent),
            threads: u32::from(process.running) + u32::try_from(process.waiting.len()).unwrap(),
        })
    }

    fn parent_of_newest(&self, of: Pid) -> Option<Pid> {
        self.go_on();
        let newest = self.state.borrow().newest.map(pid);
        let counts = newest == Some(of) || !self.protocol.minds_newer;
        self.process(of, |process| counts.then(|| pid(process.parent)))?
    }

    fn share_memory(&self, a: Pid, b: Pid) -> Option<bool> {
        self.go_on();
        let memory = |process: &Process| {
            matches!(process.life, Life::Runs | Life::Left).then_some(process.memory)
        };
        let (a, b) = (self.process(a, memory)?, self.process(b, memory)?);
        Some(a.is_some() && a == b)
    }

    fn left(&self, of: Pid) -> Option<Left> {
        self.go_on();
        let at = usize::try_from(of.as_raw()).ok()?;
        let life = self.state.borrow().processes.get(at)?.life;
        Some(match life {
            Life::Ends if self.protocol.minds_ends => Left::Children,
            Life::Runs | Life::Left | Life::Ends => Left::Memory,
            Life::Ended => Left::Nothing,
        })
    }

    fn children(&self, of: Pid) -> Option<Vec<Pid>> {
        self.go_on();
        let state = self.state.borrow();
        let all = state.processes.iter().enumerate();
        let children = all.filter(|(at, process)| {
            *at != INIT && pid(process.parent) == of && process.life != Life::Ended
        });
        Some(children.map(|(at, _)| pid(at)).collect())
    }

    fn init(&self) -> Pid {
        pid(INIT)
    }

    fn is_root(&self, of: Pid) -> bool {
        of == pid(SHELL)
    }
}

/// Has an exec judged; `None` when the plan has a step that there is not.
fn judge(
    state: &State,
    caller: usize,
    permitted: bool,
    plan: Option<(usize, usize)>,
    protocol: &Protocol,
) -> Option<State> {
    let mut start = state.clone();
    start.processes[caller].exec = Some(ModelExec {
        watched: false,
        changed: false,
    });
    let beside = Beside {
        state: RefCell::new(start),
        protocol,
        plan,
        looks: Cell::new(0),
        idle: Cell::new(false),
    };
    let mut race = ExecRace::new(true);
    (race.guards, race.every) = (protocol.guards, state.every);
    let alone = race.can_be_alone(&beside, pid(caller));
    let looks = beside.looks.get();
    if beside.idle.get() || plan.is_some_and(|(at, _)| at >= looks) {
        return None;
    }
    let mut state = beside.state.into_inner();
    if protocol.minds_those_left {
        state.every |= race.every;
    }
    if let Some(exec) = &mut state.processes[caller].exec {
        exec.watched = if permitted { !alone } else { protocol.compares };
    }
    Some(state)
}

/// Every state that one step leads to; an error when it is wrong.
fn next(state: &State, step: Step, protocol: &Protocol) -> Result<Vec<State>, ()> {
    let Step::Execute(caller, permitted) = step else {
        let mut state = state.clone();
        let is_wrong = state.take(step, protocol);
        return if is_wrong { Err(()) } else { Ok(vec![state]) };
    };
    let mut found: Vec<State> = judge(state, caller, permitted, None, protocol)
        .into_iter()
        .collect();
    for at in 0..LOOKS {
        let plans = (0..).map(|choice| Some((at, choice)));
        found.extend(plans.map_while(|plan| judge(state, caller, permitted, plan, protocol)));
    }
    Ok(found)
}

/// Whether something wrong can be reached.
fn wrong(play: Play, protocol: &Protocol) -> bool {
    let mut seen = HashSet::new();
    let mut states = vec![State::new(play)];
    for _ in 0..play.steps() {
        let mut after = Vec::new();
        for state in states {
            for step in state.steps() {
                let Ok(found) = next(&state, step, protocol) else {
                    return true;
                };
                let digest =
                    |state: &State| BuildHasherDefault::<DefaultHasher>::default().hash_one(state);
                after.extend(found.into_iter().filter(|state| seen.insert(digest(state))));
            }
        }
        states = after;
    }
    false
}

fn is_wrong(protocol: &Protocol) -> bool {
    [Play::Means, Play::Kin]
        .into_iter()
        .any(|play| wrong(play, protocol))
}

#[test]
fn nothing_unwatched_is_changed() {
    assert!(!is_wrong(&WHOLE));
}

#[test]
fn each_guard_is_needed() {
    let without = |at: usize| -> &'static [Guard] {
        let mut guards = GUARDS.to_vec();
        guards.remove(at);
        guards.leak()
    };
    for at in 0..GUARDS.len() {
        let guards = without(at);
        assert!(is_wrong(&Protocol { guards, ..WHOLE }), "guard {at}");
    }
}

#[test]
fn each_rule_is_needed() {
    let lacking = [
        (
            "waiting",
            Protocol {
                waits: false,
                ..WHOLE
            },
        ),
        (
            "watching from then on",
            Protocol {
                begins: false,
                ..WHOLE
            },
        ),
        (
            "comparing with the proxy",
            Protocol {
                compares: false,
                ..WHOLE
            },
        ),
        (
            "minding those left",
            Protocol {
                minds_those_left: false,
                ..WHOLE
            },
        ),
        (
            "minding who is newer",
            Protocol {
                minds_newer: false,
                ..WHOLE
            },
        ),
        (
            "minding ends",
            Protocol {
                minds_ends: false,
                ..WHOLE
            },
        ),
    ];
    for (what, protocol) in lacking {
        assert!(is_wrong(&protocol), "{what}");
    }
}
