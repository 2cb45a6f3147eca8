//! The system call filter: the table of [`super::calls`] as one BPF program.
//!
//! Per calling convention the program is a search tree over the numbers; each body ends in a return, so
//! that the accumulator still holds the number where the next test begins. The kernel remembers
//! which numbers always pass and does not run the program for them. To know which, it tries each
//! number when the filter is installed, and a sandbox waits for that.

use std::collections::BTreeMap;

use nix::errno::Errno::{self, ENOSYS, EPERM};

use crate::sys::arch::{Arch, Call, LAST_NUMBER};
use crate::sys::bpf::{
    ARCHITECTURE, Instruction, NUMBER, and, argument, if_any_bit_skip, if_equal_skip, jump, load,
    ret, unless_above_skip, unless_equal_skip,
};
use crate::sys::seccomp;

use super::calls::{
    COMPLAINTS, CallGroup, CallVerdict, EXEC, LONGEST_COMPLAINT, MOVES, NETWORK_OFF, NETWORK_ON,
    NEW_NAMESPACE, NEWEST, OTHER_FAMILY, SANDBOX, WITH_NAMESPACES, WITHOUT_NAMESPACES, WRITERS,
};

const CLONE_VM: u32 = 0x100;
const CLONE_VFORK: u32 = 0x4000;
const CLONE_PARENT: u32 = 0x8000;
const CLONE_THREAD: u32 = 0x1_0000;

pub(super) const AF_UNIX: u32 = 1;
const AF_INET: u32 = 2;
const AF_INET6: u32 = 10;
const AF_NETLINK: u32 = 16;
const NETLINK_ROUTE: u32 = 0;
const SOCK_STREAM: u32 = 1;
const SOCK_SEQPACKET: u32 = 5;
/// `SOCK_CLOEXEC | SOCK_NONBLOCK`.
const SOCKET_FLAGS: u32 = 0o2_004_000;

/// What decides which rules are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FilterScope {
    /// `danger-full-access`: exec alone is looked at.
    Unconfined,
    /// Any other mode.
    Sandbox {
        /// Internet sockets may be made.
        network: bool,
        /// Mount, pid and ipc namespaces do their part.
        namespaces: bool,
    },
}

/// The filter for `scope`.
pub(super) fn program(scope: FilterScope) -> Vec<Instruction> {
    assemble(scope, &groups(scope))
}

fn assemble(scope: FilterScope, groups: &[CallGroup]) -> Vec<Instruction> {
    let mut program = vec![load(ARCHITECTURE)];
    for &arch in Arch::JUDGED {
        let newest = match scope {
            FilterScope::Unconfined => LAST_NUMBER,
            FilterScope::Sandbox { .. } => NEWEST.number(arch).unwrap_or_default(),
        };
        let bodies = bodies(groups, arch, newest);
        program.extend(when(arch.audit_value(), bodies));
    }
    program.push(ret(seccomp::KILL));
    program
}

/// The same filter, but the listener is asked for each refusal, so that it knows of it, and about
/// what is written to standard error, where programs say what failed; without a sandbox, about what
/// changes where paths lead, or has memory written unseen. What is answered as absent goes on being answered by the filter: programs
/// try such calls as a matter of course.
///
/// Nothing is lost by it: a listener that is gone answers as absent, too.
pub(super) fn told(scope: FilterScope) -> Vec<Instruction> {
    let mut all = match scope {
        FilterScope::Unconfined => vec![MOVES, WRITERS],
        FilterScope::Sandbox { .. } => vec![COMPLAINTS],
    };
    all.extend(groups(scope));
    let mut program = assemble(scope, &all);
    let refusals = [EPERM, OTHER_FAMILY].map(refuse);
    for instruction in &mut program {
        if refusals.contains(instruction) {
            *instruction = ret(seccomp::NOTIFY);
        }
    }
    program
}

/// The same filter for when there is no listener: what it would be asked about passes, and is held
/// by the other layers alone.
pub(super) fn unheard(mut program: Vec<Instruction>) -> Vec<Instruction> {
    for instruction in &mut program {
        if *instruction == ret(seccomp::NOTIFY) {
            *instruction = allow();
        }
    }
    program
}

/// The name of a call that this scope looks at.
pub(super) fn name_of(scope: FilterScope, architecture: u32, number: u32) -> Option<&'static str> {
    let rules = groups(scope).into_iter().flatten();
    let mut calls = rules.map(|(call, _)| call);
    let found = calls.find(|call| is(call, architecture, number));
    found.map(|call| call.name)
}

/// Whether the call is one by which programs complain.
pub(super) fn is_complaint(architecture: u32, number: u32) -> bool {
    COMPLAINTS
        .iter()
        .any(|(call, _)| is(call, architecture, number))
}

/// Whether the call may change where paths lead.
pub(super) fn is_move(architecture: u32, number: u32) -> bool {
    MOVES.iter().any(|(call, _)| is(call, architecture, number))
}

fn is(call: &Call, architecture: u32, number: u32) -> bool {
    Arch::of(architecture).is_some_and(|arch| call.is(arch, number))
}

/// Whether the call is refused in a sandbox without namespaces alone.
pub(super) fn is_held_by_namespaces(name: &str) -> bool {
    let holds = |group: CallGroup| group.iter().any(|(call, _)| call.name == name);
    holds(WITHOUT_NAMESPACES) && !holds(WITH_NAMESPACES)
}

fn groups(scope: FilterScope) -> Vec<CallGroup> {
    match scope {
        FilterScope::Unconfined => vec![EXEC],
        FilterScope::Sandbox {
            network,
            namespaces,
        } => vec![
            EXEC,
            SANDBOX,
            if network { NETWORK_ON } else { NETWORK_OFF },
            if namespaces {
                WITH_NAMESPACES
            } else {
                WITHOUT_NAMESPACES
            },
        ],
    }
}

/// Absence above `newest`, then the rules for calls that `arch` has, then a pass. Where groups know the
/// same call, the first counts.
fn bodies(groups: &[CallGroup], arch: Arch, newest: u32) -> Vec<Instruction> {
    let mut rules = BTreeMap::new();
    for (call, verdict) in groups.iter().copied().flatten() {
        if let Some(number) = call.number(arch) {
            rules.entry(number).or_insert(*verdict);
        }
    }
    let mut all = vec![load(NUMBER), unless_above_skip(newest, 1), refuse(ENOSYS)];
    all.extend(search(&stretches(rules)));
    all
}

/// Numbers in a row that are treated alike: the first, and what they get; `None` is a pass.
type CallRange = (u32, Option<CallVerdict>);

/// All numbers from 0 on.
fn stretches(rules: BTreeMap<u32, CallVerdict>) -> Vec<CallRange> {
    let mut all: Vec<CallRange> = Vec::new();
    let mut next = 0;
    for (number, verdict) in rules {
        if number > next {
            all.push((next, None));
        }
        all.push((number, Some(verdict)));
        next = number + 1;
    }
    all.push((next, None));
    all.dedup_by(|later, before| later.1 == before.1);
    all
}

/// What the number in the accumulator gets, which is in one of `stretches`.
fn search(stretches: &[CallRange]) -> Vec<Instruction> {
    match stretches.split_at(stretches.len() / 2) {
        ([], [(_, Some(verdict)), ..]) => body(*verdict),
        ([], _) => vec![allow()],
        (lower, upper) => {
            let above = upper.first().map_or(0, |(first, _)| first - 1);
            let mut all = if_above(above, search(upper));
            all.extend(search(lower));
            all
        }
    }
}

/// `body`, which must end in a return, for when the accumulator is `value`.
fn when(value: u32, body: Vec<Instruction>) -> Vec<Instruction> {
    or_skip(|skip| unless_equal_skip(value, skip), body)
}

/// `body`, which must end in a return, for when the accumulator is above `value`.
fn if_above(value: u32, body: Vec<Instruction>) -> Vec<Instruction> {
    or_skip(|skip| unless_above_skip(value, skip), body)
}

/// `body`, and before it a test that skips it. A conditional jump reaches 255 instructions only: in
/// front of more, there is a jump that the test skips or does not.
fn or_skip(test: impl Fn(u8) -> Instruction, body: Vec<Instruction>) -> Vec<Instruction> {
    let skip = match u8::try_from(body.len()) {
        Ok(skip) => vec![test(skip)],
        Err(_) => vec![test(1), jump(1), jump(body.len())],
    };
    skip.into_iter().chain(body).collect()
}

fn body(verdict: CallVerdict) -> Vec<Instruction> {
    match verdict {
        CallVerdict::Notify => vec![ret(seccomp::NOTIFY)],
        CallVerdict::Refuse(errno) => vec![refuse(errno)],
        CallVerdict::RefuseNonZero(index) => {
            vec![
                load(argument(index)),
                if_equal_skip(0, 1),
                refuse(EPERM),
                allow(),
            ]
        }
        CallVerdict::OwnProcess(kind) => vec![
            load(argument(0)),
            if_equal_skip(kind, 1),
            refuse(EPERM),
            load(argument(1)),
            if_equal_skip(0, 1),
            refuse(EPERM),
            allow(),
        ],
        CallVerdict::RefuseBits(index, mask) => {
            vec![
                load(argument(index)),
                if_any_bit_skip(mask, 1),
                allow(),
                refuse(EPERM),
            ]
        }
        CallVerdict::Clone => {
            let mut body = vec![
                load(argument(0)),
                if_any_bit_skip(NEW_NAMESPACE, 1),
                jump(1),
                refuse(EPERM),
            ];
            body.extend(share());
            body
        }
        CallVerdict::Share => {
            let mut body = vec![load(argument(0))];
            body.extend(share());
            body
        }
        CallVerdict::NotifyValue(index, value) => vec![
            load(argument(index)),
            if_equal_skip(value, 1),
            allow(),
            ret(seccomp::NOTIFY),
        ],
        CallVerdict::RefuseValues(index, values) => {
            let mut body = vec![load(argument(index))];
            for &value in values {
                body.extend(when(value, vec![refuse(EPERM)]));
            }
            body.push(allow());
            body
        }
        CallVerdict::Complaint => vec![
            load(argument(0)),
            if_equal_skip(2, 1),
            allow(),
            load(argument(2)),
            unless_above_skip(LONGEST_COMPLAINT, 1),
            allow(),
            ret(seccomp::NOTIFY),
        ],
        CallVerdict::LocalPair => local_pair(),
        CallVerdict::Internet => internet(),
    }
}

/// For the flags of `clone` in the accumulator.
fn share() -> Vec<Instruction> {
    let mut body = vec![
        if_any_bit_skip(CLONE_VM, 1),
        allow(),
        if_any_bit_skip(CLONE_THREAD, 1),
        jump(1),
        allow(),
        and(CLONE_VFORK | CLONE_PARENT),
    ];
    body.extend(when(CLONE_VFORK, vec![allow()]));
    body.push(ret(seccomp::NOTIFY));
    body
}

fn local_pair() -> Vec<Instruction> {
    let mut types = vec![load(argument(1)), and(!SOCKET_FLAGS)];
    types.extend(when(SOCK_STREAM, vec![allow()]));
    types.extend(when(SOCK_SEQPACKET, vec![allow()]));
    types.push(refuse(EPERM));
    let mut body = vec![load(argument(0))];
    body.extend(when(AF_UNIX, types));
    body.push(refuse(EPERM));
    body
}

fn internet() -> Vec<Instruction> {
    let mut routes = vec![load(argument(2))];
    routes.extend(when(NETLINK_ROUTE, vec![allow()]));
    routes.push(refuse(OTHER_FAMILY));
    let mut body = vec![load(argument(0))];
    body.extend(when(AF_INET, vec![allow()]));
    body.extend(when(AF_INET6, vec![allow()]));
    body.extend(when(AF_UNIX, vec![refuse(EPERM)]));
    body.extend(when(AF_NETLINK, routes));
    body.push(refuse(OTHER_FAMILY));
    body
}

fn allow() -> Instruction {
    ret(seccomp::ALLOW)
}

fn refuse(errno: Errno) -> Instruction {
    ret(seccomp::fail(errno))
}

#[cfg(test)]
mod tests;
