//! Runs the very program over (architecture, number, arguments).

use nix::libc;

use super::*;
use crate::sys::bpf;
use crate::sys::seccomp::{ALLOW, KILL, NOTIFY, fail as errno};

const ARCHITECTURE_AARCH64: u32 = 0xc000_00b7;
const ARCHITECTURE_ARM: u32 = 0x4000_0028;
const SCOPES: [Scope; 5] = [
    Scope::Unconfined,
    sandbox(false, false),
    sandbox(false, true),
    sandbox(true, false),
    sandbox(true, true),
];

/// SIGCHLD, the exit signal of a plain fork.
const CHILD: u64 = 0x11;

const fn sandbox(network: bool, namespaces: bool) -> Scope {
    Scope::Sandbox {
        network,
        namespaces,
    }
}

/// What the kernel's interpreter would answer.
fn interpret(program: &[Instruction], architecture: u32, number: u32, arguments: &[u64]) -> u32 {
    let call = bpf::Call {
        architecture,
        number,
        arguments,
    };
    bpf::action(program, &call).unwrap()
}

fn native(scope: Scope, number: i64, arguments: &[u64]) -> u32 {
    let number = u32::try_from(number).unwrap();
    interpret(&program(scope), ARCHITECTURE_X86_64, number, arguments)
}

fn compat(scope: Scope, number: u32, arguments: &[u64]) -> u32 {
    interpret(&program(scope), ARCHITECTURE_I386, number, arguments)
}

/// Every way to an exec that Linux has on machines of these two families, by the convention, its
/// number, and what must become of it.
const EXEC_ENTRIES: [(&str, u32, u32, u32); 10] = [
    ("x86_64 execve", ARCHITECTURE_X86_64, 59, NOTIFY),
    ("x86_64 execveat", ARCHITECTURE_X86_64, 322, NOTIFY),
    ("i386 execve", ARCHITECTURE_I386, 11, NOTIFY),
    ("i386 execveat", ARCHITECTURE_I386, 358, NOTIFY),
    ("x32 execve", ARCHITECTURE_X86_64, X32 + 520, errno(ENOSYS)),
    (
        "x32 execveat",
        ARCHITECTURE_X86_64,
        X32 + 545,
        errno(ENOSYS),
    ),
    ("aarch64 execve", ARCHITECTURE_AARCH64, 221, KILL),
    ("aarch64 execveat", ARCHITECTURE_AARCH64, 281, KILL),
    ("arm execve", ARCHITECTURE_ARM, 11, KILL),
    ("arm execveat", ARCHITECTURE_ARM, 387, KILL),
];

#[test]
fn every_exec_entry_notifies_or_is_refused() {
    for scope in SCOPES {
        for program in [program(scope), told(scope)] {
            for (name, architecture, number, expected) in EXEC_ENTRIES {
                for arguments in [[0; 6], [u64::MAX; 6]] {
                    let answer = interpret(&program, architecture, number, &arguments);
                    assert_eq!(answer, expected, "{name} {scope:?}");
                }
            }
            // What the proxy asks by.
            assert_eq!(interpret(&program, ARCHITECTURE_X86_64, 183, &[]), NOTIFY);
        }
        // i386 183 is getcwd, x86_64 11 is munmap.
        assert_eq!(compat(scope, 183, &[]), ALLOW);
        assert_eq!(native(scope, 11, &[]), ALLOW);
    }
}

/// Kernels before 5.4 took x32's own numbers without the bit that tells them apart. The oldest that
/// has a listener is newer, and no sandbox lets them through anyway.
#[test]
fn the_numbers_of_x32_pass_in_no_sandbox_without_its_bit_either() {
    for scope in SCOPES.into_iter().filter(|s| *s != Scope::Unconfined) {
        for number in 512..548 {
            assert_eq!(native(scope, number, &[]), errno(ENOSYS), "{number}");
        }
    }
}

/// The filter that tells asks exactly where the other refuses, absences excepted.
#[test]
fn refusals_are_told_and_nothing_else_is() {
    let interesting = [0, 1, 2, 10, 16, 17, 0x5412, 0x0002_0000, 0x4008_6602];
    for scope in SCOPES {
        let (plain, told) = (program(scope), told(scope));
        for architecture in [ARCHITECTURE_X86_64, ARCHITECTURE_I386, ARCHITECTURE_ARM] {
            for number in (0..480).chain([X32 + 59, u32::MAX]) {
                for first in interesting {
                    for second in interesting {
                        let arguments = [first, second, 0];
                        let silent = interpret(&plain, architecture, number, &arguments);
                        let answer = interpret(&told, architecture, number, &arguments);
                        let refused = [errno(EPERM), errno(OTHER_FAMILY)].contains(&silent);
                        let complains = scope != Scope::Unconfined
                            && is_complaint(architecture, number)
                            && architecture != ARCHITECTURE_ARM
                            && first == 2;
                        let unconfined =
                            scope == Scope::Unconfined && architecture != ARCHITECTURE_ARM;
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
fn alone(verdict: Verdict) -> Vec<Instruction> {
    body(verdict)
}

#[test]
fn only_short_messages_on_standard_error_are_looked_at() {
    let told = told(sandbox(false, true));
    for (architecture, write, writev) in [(ARCHITECTURE_X86_64, 1, 20), (ARCHITECTURE_I386, 4, 146)]
    {
        let answer = |number, descriptor, length| {
            interpret(&told, architecture, number, &[descriptor, 0, length])
        };
        for number in [write, writev] {
            assert_eq!(answer(number, 2, 0), NOTIFY);
            assert_eq!(answer(number, 2, 4096), NOTIFY);
            assert_eq!(answer(number, 2, 4097), ALLOW);
            assert_eq!(answer(number, 1, 10), ALLOW);
        }
    }
}

#[test]
fn x32_and_foreign_architectures_never_pass() {
    for scope in SCOPES {
        let program = program(scope);
        for number in 0..600 {
            let x32 = interpret(&program, ARCHITECTURE_X86_64, X32 | number, &[]);
            assert_eq!(x32, errno(ENOSYS), "x32 {number}");
            for architecture in [ARCHITECTURE_AARCH64, ARCHITECTURE_ARM, 0, u32::MAX] {
                assert_eq!(interpret(&program, architecture, number, &[]), KILL);
            }
        }
    }
}

#[test]
fn unconfined_looks_at_exec_alone() {
    let mut noticed = Vec::new();
    for number in 0..600 {
        if native(Scope::Unconfined, number, &[u64::MAX; 6]) != ALLOW {
            noticed.push(number);
        }
    }
    assert_eq!(noticed, [libc::SYS_execve, 183, libc::SYS_execveat]);
}

#[test]
fn calls_that_nobody_has_looked_at_are_absent() {
    for scope in SCOPES {
        let confined = scope != Scope::Unconfined;
        let expected = if confined { errno(ENOSYS) } else { ALLOW };
        for number in [NEWEST + 1, NEWEST + 1000] {
            assert_eq!(native(scope, i64::from(number), &[]), expected);
            assert_eq!(compat(scope, number, &[]), expected);
        }
        assert_eq!(native(scope, 0xffff_ffff, &[]), errno(ENOSYS));
    }
}

#[test]
fn ordinary_calls_pass() {
    for scope in SCOPES {
        for number in [
            libc::SYS_read,
            libc::SYS_openat,
            libc::SYS_mmap,
            libc::SYS_fork,
            libc::SYS_vfork,
            libc::SYS_kill,
            libc::SYS_renameat2,
            libc::SYS_personality,
            libc::SYS_landlock_restrict_self,
        ] {
            assert_eq!(native(scope, number, &[0; 6]), ALLOW, "{number}");
        }
    }
}

#[test]
fn every_refused_call_is_refused_by_its_numbers() {
    for scope in SCOPES {
        for (call, verdict) in groups(scope).into_iter().flatten() {
            let Verdict::Refuse(error) = *verdict else {
                continue;
            };
            if let Some(number) = call.x86_64 {
                let answer = native(scope, i64::from(number), &[]);
                assert_eq!(answer, errno(error), "{}", call.name);
            }
            if let Some(number) = call.i386 {
                assert_eq!(compat(scope, number, &[]), errno(error), "{}", call.name);
            }
        }
    }
}

#[test]
fn numbers_are_those_of_libc() {
    let known = [
        ("clone3", libc::SYS_clone3),
        ("mount_setattr", libc::SYS_mount_setattr),
        ("kexec_file_load", libc::SYS_kexec_file_load),
        ("pidfd_getfd", libc::SYS_pidfd_getfd),
        ("fchmodat2", libc::SYS_fchmodat2),
        ("prlimit64", libc::SYS_prlimit64),
        ("semtimedop", libc::SYS_semtimedop),
        ("keyctl", libc::SYS_keyctl),
        ("fremovexattr", libc::SYS_fremovexattr),
        ("io_uring_register", libc::SYS_io_uring_register),
    ];
    let table: Vec<Call> = SCOPES
        .into_iter()
        .flat_map(groups)
        .flatten()
        .map(|(call, _)| *call)
        .collect();
    for (name, number) in known {
        let call = table.iter().find(|call| call.name == name).unwrap();
        assert_eq!(call.x86_64.map(i64::from), Some(number), "{name}");
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
                assert!(
                    call.x86_64.is_none() || call.x86_64 != other.x86_64,
                    "{call:?}"
                );
                assert!(call.i386.is_none() || call.i386 != other.i386, "{call:?}");
            }
        }
    }
}

#[test]
fn new_namespaces_are_refused_and_children_are_not() {
    let scope = sandbox(false, true);
    let thread = 0x003d_0f00;
    assert_eq!(native(scope, libc::SYS_clone, &[thread]), ALLOW);
    assert_eq!(native(scope, libc::SYS_clone, &[CHILD]), ALLOW);
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
        assert_eq!(
            native(scope, libc::SYS_clone, &[flag | CHILD]),
            errno(EPERM)
        );
        assert_eq!(compat(scope, 120, &[flag | CHILD]), errno(EPERM));
        assert_eq!(native(scope, libc::SYS_unshare, &[flag]), errno(EPERM));
        // The kernel drops the high half; so does the filter.
        let high = flag | 0xffff_ffff_0000_0000;
        assert_eq!(native(scope, libc::SYS_unshare, &[high]), errno(EPERM));
    }
    assert_eq!(native(scope, libc::SYS_unshare, &[0x80]), errno(EPERM));
    assert_eq!(native(scope, libc::SYS_unshare, &[0x200]), ALLOW);
}

#[test]
fn sockets_by_family() {
    let socket = |scope, arguments: &[u64]| {
        let native = native(scope, libc::SYS_socket, arguments);
        assert_eq!(native, compat(scope, 359, arguments));
        native
    };
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
        assert_eq!(compat(sandbox(true, namespaces), 102, &[1]), errno(EPERM));
    }
}

#[test]
fn pairs_by_type() {
    let scope = sandbox(false, true);
    let pair = |family: u64, kind: u64| native(scope, libc::SYS_socketpair, &[family, kind, 0]);
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
            assert_eq!(native(scope, libc::SYS_ioctl, &[0, command]), errno(EPERM));
        }
        assert_eq!(compat(scope, 54, &[0, 0x5412]), errno(EPERM));
        assert_eq!(native(scope, libc::SYS_ioctl, &[0, libc::TCGETS]), ALLOW);
    }
}

#[test]
fn ways_into_other_memory_are_the_supervisors_to_know() {
    const VM: u64 = 0x100;
    const VFORK: u64 = 0x4000;
    const PARENT: u64 = 0x8000;
    const THREAD: u64 = 0x1_0000;
    let scope = sandbox(false, true);
    for number in [libc::SYS_ptrace, libc::SYS_process_vm_writev] {
        assert_eq!(native(scope, number, &[0, 0]), NOTIFY);
        assert_eq!(native(sandbox(false, false), number, &[0, 0]), errno(EPERM));
    }
    for (flags, answer) in [
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
            native(scope, libc::SYS_clone, &[flags]),
            answer,
            "{flags:#x}"
        );
        assert_eq!(compat(scope, 120, &[flags]), answer, "{flags:#x}");
    }
}

#[test]
fn a_group_of_processes_may_reach_outside() {
    const PROCESS: u64 = 0;
    const GROUP: u64 = 1;
    // ioprio_set counts from one.
    for (number, first) in [(libc::SYS_setpriority, 0), (libc::SYS_ioprio_set, 1)] {
        for namespaces in [true, false] {
            let scope = sandbox(false, namespaces);
            let answer = |kind, target| native(scope, number, &[first + kind, target]);
            assert_eq!(answer(PROCESS, 0), ALLOW);
            assert_eq!(answer(GROUP, 0), errno(EPERM));
            // Held by the namespaces: nobody outside has a number inside.
            let other = if namespaces { ALLOW } else { errno(EPERM) };
            assert_eq!(answer(PROCESS, 77), other);
        }
        let user = native(sandbox(false, false), number, &[first + 2, 0]);
        assert_eq!(user, errno(EPERM));
    }
}

#[test]
fn leases_are_refused_and_locks_are_not() {
    let scope = sandbox(false, true);
    for command in [libc::F_SETLEASE, 1040] {
        let command = u64::from(command.unsigned_abs());
        assert_eq!(native(scope, libc::SYS_fcntl, &[3, command]), errno(EPERM));
        assert_eq!(compat(scope, 55, &[3, command]), errno(EPERM));
        assert_eq!(compat(scope, 221, &[3, command]), errno(EPERM));
    }
    let lock = u64::from(libc::F_SETLK.unsigned_abs());
    assert_eq!(native(scope, libc::SYS_fcntl, &[3, lock]), ALLOW);
}

#[test]
fn attributes_and_other_processes_are_refused_only_without_namespaces() {
    for (number, arguments) in [
        (libc::SYS_chmod, [0, 0]),
        (libc::SYS_utimensat, [0, 0]),
        (libc::SYS_setxattr, [0, 0]),
        (libc::SYS_prlimit64, [77, 0]),
        (libc::SYS_setpriority, [0, 77]),
        (libc::SYS_ioctl, [0, 0x4008_6602]),
    ] {
        assert_eq!(
            native(sandbox(true, false), number, &arguments),
            errno(EPERM)
        );
        assert_eq!(native(sandbox(true, true), number, &arguments), ALLOW);
    }
    assert_eq!(
        native(sandbox(true, false), libc::SYS_prlimit64, &[0, 7]),
        ALLOW
    );
}

/// Numbers are looked for in a tree; from the first rule to the last, one finds the same.
#[test]
fn each_number_gets_what_the_first_rule_that_knows_it_says() {
    for scope in SCOPES {
        let program = program(scope);
        let newest = if scope == Scope::Unconfined {
            X32 - 1
        } else {
            NEWEST
        };
        for architecture in [ARCHITECTURE_X86_64, ARCHITECTURE_I386] {
            for number in (0..1_024).chain([X32 - 1, X32, X32 + 59, u32::MAX]) {
                let groups = groups(scope);
                let mut rules = groups.iter().copied().flatten();
                let rule = rules.find(|(call, _)| is(call, architecture, number));
                let alone = match rule {
                    _ if number > newest => vec![refuse(ENOSYS)],
                    Some((_, verdict)) => body(*verdict),
                    None => vec![allow()],
                };
                for arguments in [[0; 6], [1; 6], [2; 6], [CHILD; 6], [u64::MAX; 6]] {
                    let found = interpret(&program, architecture, number, &arguments);
                    let expected = interpret(&alone, architecture, number, &arguments);
                    assert_eq!(found, expected, "{number} {architecture:x} {scope:?}");
                }
            }
        }
    }
}
