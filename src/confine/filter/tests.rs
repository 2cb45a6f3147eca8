//! Runs the very program over (architecture, number, arguments).

use nix::libc;

use super::*;
use crate::sys::arch::{FOREIGN, PROXY, calls};
use crate::sys::bpf;
use crate::sys::seccomp::{ALLOW, KILL, NOTIFY, fail as errno};

const SCOPES: [FilterScope; 5] = [
    FilterScope::Unconfined,
    sandbox(false, false),
    sandbox(false, true),
    sandbox(true, false),
    sandbox(true, true),
];

/// SIGCHLD, the exit signal of a plain fork.
const CHILD: u64 = 0x11;

const fn sandbox(network: bool, namespaces: bool) -> FilterScope {
    FilterScope::Sandbox {
        network,
        namespaces,
    }
}

/// What the kernel's interpreter would answer.
fn interpret(program: &[Instruction], architecture: u32, number: u32, arguments: &[u64]) -> u32 {
    let call = bpf::FilteredCall {
        architecture,
        number,
        arguments,
    };
    bpf::action(program, &call).unwrap()
}

/// What a number gets by one convention.
fn numbered(scope: FilterScope, arch: Arch, number: u32, arguments: &[u64]) -> u32 {
    interpret(&program(scope), arch.audit_value(), number, arguments)
}

/// The kernel's numbers for the conventions that are judged.
fn judged() -> impl Iterator<Item = u32> {
    Arch::JUDGED.iter().map(|arch| arch.audit_value())
}

/// What a call gets: the same by each convention that has it.
fn answer(scope: FilterScope, call: Call, arguments: &[u64]) -> u32 {
    let mut answers = numbers(call).map(|(arch, number)| numbered(scope, arch, number, arguments));
    let first = answers.next().unwrap();
    assert!(answers.all(|answer| answer == first), "{call:?}");
    first
}

fn numbers(call: Call) -> impl Iterator<Item = (Arch, u32)> {
    let judged = Arch::JUDGED.iter();
    judged.filter_map(move |&arch| Some((arch, call.number(arch)?)))
}

#[test]
fn every_exec_entry_notifies() {
    for scope in SCOPES {
        for program in [program(scope), told(scope)] {
            for call in [calls::execve, calls::execveat] {
                assert_eq!(numbers(call).count(), Arch::JUDGED.len());
                for (arch, number) in numbers(call) {
                    for arguments in [[0; 6], [u64::MAX; 6]] {
                        let answer = interpret(&program, arch.audit_value(), number, &arguments);
                        assert_eq!(answer, NOTIFY, "{call:?} {scope:?}");
                    }
                }
            }
            // What the proxy asks by.
            for (arch, number) in numbers(PROXY) {
                assert_eq!(interpret(&program, arch.audit_value(), number, &[]), NOTIFY);
            }
        }
        assert_eq!(numbers(PROXY).count(), 1);
    }
}

/// Kernels before 5.4 took x32's own numbers without the bit that tells them apart. The oldest that
/// has a listener is newer, and no sandbox lets them through anyway.
#[test]
fn the_numbers_of_x32_pass_in_no_sandbox_without_its_bit_either() {
    for scope in SCOPES.into_iter().filter(|s| *s != FilterScope::Unconfined) {
        for number in 512..548 {
            let answer = numbered(scope, Arch::Native, number, &[]);
            assert_eq!(answer, errno(ENOSYS), "{number}");
        }
    }
}

/// The filter that tells asks exactly where the other refuses, absences excepted.
#[test]
fn refusals_are_told_and_nothing_else_is() {
    let interesting = [0, 1, 2, 10, 16, 17, 0x5412, 0x0002_0000, 0x4008_6602];
    for scope in SCOPES {
        let (plain, told) = (program(scope), told(scope));
        for architecture in judged().chain(FOREIGN) {
            for number in (0..480).chain([LAST_NUMBER + 60, u32::MAX]) {
                for first in interesting {
                    for second in interesting {
                        let arguments = [first, second, 0];
                        let silent = interpret(&plain, architecture, number, &arguments);
                        let answer = interpret(&told, architecture, number, &arguments);
                        let refused = [errno(EPERM), errno(OTHER_FAMILY)].contains(&silent);
                        let complains = scope != FilterScope::Unconfined
                            && is_complaint(architecture, number)
                            && !FOREIGN.contains(&architecture)
                            && first == 2;
                        let unconfined =
                            scope == FilterScope::Unconfined && !FOREIGN.contains(&architecture);
                        let moves = unconfined && is_move(architecture, number);
                        let writer = WRITERS
                            .iter()
                            .find(|(call, _)| unconfined && is(call, architecture, number));
                        let asks = refused || complains || moves;
                        let expected = match writer {
                            Some((_, verdict)) => {
                                interpret(&alone(*verdict), architecture, number, &arguments)
                            }
                            None if asks => NOTIFY,
                            None => silent,
                        };
                        assert_eq!(answer, expected, "{architecture:#x} {number} {arguments:?}");
                    }
                }
            }
        }
    }
}

/// A filter of this verdict alone.
fn alone(verdict: CallVerdict) -> Vec<Instruction> {
    body(verdict)
}

#[test]
fn only_short_messages_on_standard_error_are_looked_at() {
    let told = told(sandbox(false, true));
    for call in [calls::write, calls::writev] {
        for (arch, number) in numbers(call) {
            let answer = |descriptor, length| {
                interpret(&told, arch.audit_value(), number, &[descriptor, 0, length])
            };
            assert_eq!(answer(2, 0), NOTIFY);
            assert_eq!(answer(2, 4096), NOTIFY);
            assert_eq!(answer(2, 4097), ALLOW);
            assert_eq!(answer(1, 10), ALLOW);
        }
    }
}

#[test]
fn x32_and_foreign_architectures_never_pass() {
    for scope in SCOPES {
        for program in [program(scope), told(scope)] {
            for number in 0..600 {
                for arguments in [[0; 6], [u64::MAX; 6]] {
                    let answer = |architecture, number| {
                        interpret(&program, architecture, number, &arguments)
                    };
                    for architecture in judged() {
                        let above = answer(architecture, LAST_NUMBER + 1 + number);
                        assert_eq!(above, errno(ENOSYS), "x32 {number}");
                    }
                    for architecture in FOREIGN {
                        assert_eq!(answer(architecture, number), KILL);
                    }
                }
            }
        }
    }
}

#[test]
fn unconfined_looks_at_exec_alone() {
    for &arch in Arch::JUDGED {
        for number in 0..600 {
            let is_exec = [calls::execve, calls::execveat, PROXY]
                .iter()
                .any(|call| call.is(arch, number));
            let answer = numbered(FilterScope::Unconfined, arch, number, &[u64::MAX; 6]);
            assert_eq!(answer, if is_exec { NOTIFY } else { ALLOW }, "{number}");
        }
    }
}

#[test]
fn calls_that_nobody_has_looked_at_are_absent() {
    for scope in SCOPES {
        let confined = scope != FilterScope::Unconfined;
        let expected = if confined { errno(ENOSYS) } else { ALLOW };
        for (arch, newest) in numbers(NEWEST) {
            for number in [newest + 1, newest + 1000] {
                assert_eq!(numbered(scope, arch, number, &[]), expected);
            }
            assert_eq!(numbered(scope, arch, u32::MAX, &[]), errno(ENOSYS));
        }
    }
}

#[test]
fn ordinary_calls_pass() {
    for scope in SCOPES {
        for call in [calls::read, calls::openat, calls::mmap, calls::kill] {
            assert_eq!(answer(scope, call, &[0; 6]), ALLOW, "{call:?}");
        }
        for number in [
            libc::SYS_fork,
            libc::SYS_vfork,
            libc::SYS_renameat2,
            libc::SYS_personality,
            libc::SYS_landlock_restrict_self,
        ] {
            let number = u32::try_from(number).unwrap();
            let answer = numbered(scope, Arch::Native, number, &[0; 6]);
            assert_eq!(answer, ALLOW, "{number}");
        }
    }
}

#[test]
fn every_refused_call_is_refused_by_its_numbers() {
    for scope in SCOPES {
        for (call, verdict) in groups(scope).into_iter().flatten() {
            if let CallVerdict::Refuse(error) = *verdict {
                assert_eq!(answer(scope, *call, &[]), errno(error), "{}", call.name);
            }
        }
    }
}

#[test]
fn no_number_is_listed_twice() {
    for scope in SCOPES {
        let calls: Vec<Call> = groups(scope)
            .into_iter()
            .flatten()
            .map(|(c, _)| *c)
            .collect();
        for (index, call) in calls.iter().enumerate() {
            for other in &calls[index + 1..] {
                for (arch, number) in numbers(*call) {
                    assert!(!other.is(arch, number), "{call:?}");
                }
            }
        }
    }
}

#[test]
fn new_namespaces_are_refused_and_children_are_not() {
    let scope = sandbox(false, true);
    let thread = 0x003d_0f00;
    assert_eq!(answer(scope, calls::clone, &[thread]), ALLOW);
    assert_eq!(answer(scope, calls::clone, &[CHILD]), ALLOW);
    for flag in [
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWNS,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWCGROUP,
    ] {
        let flag = u64::from(flag.unsigned_abs());
        assert_eq!(answer(scope, calls::clone, &[flag | CHILD]), errno(EPERM));
        assert_eq!(answer(scope, calls::unshare, &[flag]), errno(EPERM));
        // The kernel drops the high half; so does the filter.
        let high = flag | 0xffff_ffff_0000_0000;
        assert_eq!(answer(scope, calls::unshare, &[high]), errno(EPERM));
    }
    assert_eq!(answer(scope, calls::unshare, &[0x80]), errno(EPERM));
    assert_eq!(answer(scope, calls::unshare, &[0x200]), ALLOW);
}

#[test]
fn sockets_by_family() {
    let socket = |scope, arguments: &[u64]| answer(scope, calls::socket, arguments);
    for namespaces in [false, true] {
        for family in 0..64 {
            let off = socket(sandbox(false, namespaces), &[family, 1, 0]);
            assert_eq!(off, errno(EPERM));
            let expected = match u32::try_from(family).unwrap() {
                AF_INET | AF_INET6 | AF_NETLINK => ALLOW,
                AF_UNIX => errno(EPERM),
                _ => errno(OTHER_FAMILY),
            };
            assert_eq!(socket(sandbox(true, namespaces), &[family, 1, 0]), expected);
        }
        let audit = [u64::from(AF_NETLINK), 3, 9];
        assert_eq!(
            socket(sandbox(true, namespaces), &audit),
            errno(OTHER_FAMILY)
        );
        assert_eq!(
            answer(sandbox(true, namespaces), calls::socketcall, &[1]),
            errno(EPERM)
        );
    }
}

#[test]
fn pairs_by_type() {
    let scope = sandbox(false, true);
    let pair = |family: u64, kind: u64| answer(scope, calls::socketpair, &[family, kind, 0]);
    let (cloexec, nonblock) = (0o2_000_000, 0o4_000);
    for flags in [0, cloexec, nonblock, cloexec | nonblock] {
        assert_eq!(pair(1, 1 | flags), ALLOW);
        assert_eq!(pair(1, 5 | flags), ALLOW);
        // Datagram, and raw, which the kernel turns into datagram.
        assert_eq!(pair(1, 2 | flags), errno(EPERM));
        assert_eq!(pair(1, 3 | flags), errno(EPERM));
    }
    assert_eq!(pair(30, 1), errno(EPERM));
}

#[test]
fn typing_into_a_terminal_is_refused_whatever_the_high_half() {
    for namespaces in [false, true] {
        let scope = sandbox(true, namespaces);
        for command in [0x5412_u64, 0x541c, 0xdead_beef_0000_5412] {
            assert_eq!(answer(scope, calls::ioctl, &[0, command]), errno(EPERM));
        }
        assert_eq!(answer(scope, calls::ioctl, &[0, libc::TCGETS]), ALLOW);
    }
}

#[test]
fn ways_into_other_memory_are_the_supervisors_to_know() {
    const VM: u64 = 0x100;
    const VFORK: u64 = 0x4000;
    const PARENT: u64 = 0x8000;
    const THREAD: u64 = 0x1_0000;
    let scope = sandbox(false, true);
    for number in [calls::ptrace, calls::process_vm_writev] {
        assert_eq!(answer(scope, number, &[0, 0]), NOTIFY);
        assert_eq!(answer(sandbox(false, false), number, &[0, 0]), errno(EPERM));
    }
    for (flags, expected) in [
        (17, ALLOW),
        (VM | VFORK | 0x11, ALLOW),
        (VM | THREAD, ALLOW),
        (VM | THREAD | VFORK | PARENT, ALLOW),
        (VM | 0x11, NOTIFY),
        (VM | VFORK | PARENT, NOTIFY),
        (VM | VFORK | 0x1000_0000, errno(EPERM)),
        (0x0002_0000, errno(EPERM)),
    ] {
        assert_eq!(
            answer(scope, calls::clone, &[flags]),
            expected,
            "{flags:#x}"
        );
    }
}

#[test]
fn a_group_of_processes_may_reach_outside() {
    const PROCESS: u64 = 0;
    const GROUP: u64 = 1;
    // ioprio_set counts from one.
    for (call, first) in [(calls::setpriority, 0), (calls::ioprio_set, 1)] {
        for namespaces in [true, false] {
            let scope = sandbox(false, namespaces);
            let answer = |kind, target| answer(scope, call, &[first + kind, target]);
            assert_eq!(answer(PROCESS, 0), ALLOW);
            assert_eq!(answer(GROUP, 0), errno(EPERM));
            // Held by the namespaces: nobody outside has a number inside.
            let other = if namespaces { ALLOW } else { errno(EPERM) };
            assert_eq!(answer(PROCESS, 77), other);
        }
        let user = answer(sandbox(false, false), call, &[first + 2, 0]);
        assert_eq!(user, errno(EPERM));
    }
}

#[test]
fn leases_are_refused_and_locks_are_not() {
    let scope = sandbox(false, true);
    for command in [libc::F_SETLEASE, 1040] {
        let command = u64::from(command.unsigned_abs());
        assert_eq!(answer(scope, calls::fcntl, &[3, command]), errno(EPERM));
        assert_eq!(answer(scope, calls::fcntl64, &[3, command]), errno(EPERM));
    }
    let lock = u64::from(libc::F_SETLK.unsigned_abs());
    assert_eq!(answer(scope, calls::fcntl, &[3, lock]), ALLOW);
}

#[test]
fn attributes_and_other_processes_are_refused_only_without_namespaces() {
    for (number, arguments) in [
        (calls::chmod, [0, 0]),
        (calls::utimensat, [0, 0]),
        (calls::setxattr, [0, 0]),
        (calls::prlimit64, [77, 0]),
        (calls::setpriority, [0, 77]),
        (calls::ioctl, [0, 0x4008_6602]),
    ] {
        assert_eq!(
            answer(sandbox(true, false), number, &arguments),
            errno(EPERM)
        );
        assert_eq!(answer(sandbox(true, true), number, &arguments), ALLOW);
    }
    assert_eq!(
        answer(sandbox(true, false), calls::prlimit64, &[0, 7]),
        ALLOW
    );
}

/// Numbers are looked for in a tree; from the first rule to the last, one finds the same.
#[test]
fn each_number_gets_what_the_first_rule_that_knows_it_says() {
    for scope in SCOPES {
        let program = program(scope);
        for (arch, newest) in numbers(NEWEST) {
            let newest = match scope {
                FilterScope::Unconfined => LAST_NUMBER,
                FilterScope::Sandbox { .. } => newest,
            };
            let beyond = [LAST_NUMBER, LAST_NUMBER + 1, LAST_NUMBER + 60, u32::MAX];
            for number in (0..1_024).chain(beyond) {
                let groups = groups(scope);
                let mut rules = groups.iter().copied().flatten();
                let rule = rules.find(|(call, _)| call.is(arch, number));
                let alone = match rule {
                    _ if number > newest => vec![refuse(ENOSYS)],
                    Some((_, verdict)) => body(*verdict),
                    None => vec![allow()],
                };
                for arguments in [[0; 6], [1; 6], [2; 6], [CHILD; 6], [u64::MAX; 6]] {
                    let found = interpret(&program, arch.audit_value(), number, &arguments);
                    let expected = interpret(&alone, arch.audit_value(), number, &arguments);
                    assert_eq!(found, expected, "{number} {arch:?} {scope:?}");
                }
            }
        }
    }
}
