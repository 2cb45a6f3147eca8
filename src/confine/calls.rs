//! The table of system calls that the filter looks at: numbers for both architectures, and what
//! happens to each. A call that is not listed passes.

use nix::errno::Errno;

use crate::sys::proxy_image::CALL;

/// A system call by its numbers; `None` where the architecture does not have it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) name: &'static str,
    pub(super) x86_64: Option<u32>,
    pub(super) i386: Option<u32>,
}

/// What happens to a call. Arguments are compared in their low 32 bits, all that the kernel looks
/// at in the calls listed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The supervisor is asked.
    Notify,
    /// Fails with this error.
    Refuse(Errno),
    /// Fails with EPERM when argument `.0` is not zero.
    RefuseNonZero(u32),
    /// Fails with EPERM unless argument 0, the kind of target, is `.0`, which is one process, and
    /// argument 1, the target, is zero, which is the caller.
    OwnProcess(u32),
    /// Fails with EPERM when argument `.0` has a bit of `.1`.
    RefuseBits(u32, u32),
    /// Fails with EPERM for new namespaces; for the rest as [`Verdict::Share`].
    Clone,
    /// Asks the supervisor about a process that would share its memory with another and could run
    /// beside it: not about a thread, which can be counted, nor a child that its parent stands still
    /// for.
    Share,
    /// Asks the supervisor when argument `.0` is `.1`.
    NotifyValue(u32, u32),
    /// Fails with EPERM when argument `.0` is one of `.1`.
    RefuseValues(u32, &'static [u32]),
    /// Asks the supervisor about a message on standard error: descriptor 2, and argument 2, the length,
    /// no more than [`LONGEST_COMPLAINT`].
    Complaint,
    /// Passes for a connected pair of local sockets: one of datagrams could address others.
    LocalPair,
    /// Passes for internet sockets and for asking about routes; fails with EPERM for local ones,
    /// whose other end is a process outside, and with EAFNOSUPPORT for the rest.
    Internet,
}

/// Rules that belong together because they are in force under the same condition.
pub(super) type Group = &'static [(Call, Verdict)];

/// The last call that was looked at when this table was made. Later ones are answered as an older
/// kernel would, so that a new way around the sandbox is not open before somebody has thought of it.
pub(super) const NEWEST: u32 = 469;

/// Never implemented by the kernel; our own proxy speaks to the supervisor through it.
const PROXY_CALL: u32 = CALL.cast_unsigned();

const fn both(name: &'static str, x86_64: u32, i386: u32) -> Call {
    Call {
        name,
        x86_64: Some(x86_64),
        i386: Some(i386),
    }
}

const fn x86_64(name: &'static str, number: u32) -> Call {
    Call {
        name,
        x86_64: Some(number),
        i386: None,
    }
}

const fn i386(name: &'static str, number: u32) -> Call {
    Call {
        name,
        x86_64: None,
        i386: Some(number),
    }
}

/// Calls since Linux 5.1 have one number everywhere.
const fn unified(name: &'static str, number: u32) -> Call {
    both(name, number, number)
}

const NO: Verdict = Verdict::Refuse(Errno::EPERM);
/// libc takes it as "too old a kernel" and falls back.
const ABSENT: Verdict = Verdict::Refuse(Errno::ENOSYS);

/// `F_SETLEASE`, `F_SETDELEG`.
const LEASES: Verdict = Verdict::RefuseValues(1, &[1024, 1040]);

/// Every `CLONE_NEW*` flag that `clone` and `unshare` know, time namespaces (0x80) excepted:
/// in `clone` that bit is part of the exit signal.
pub(super) const NEW_NAMESPACE: u32 = 0x7e02_0000;
const NEW_TIME_NAMESPACE: u32 = 0x80;

/// In force always.
pub(super) const EXEC: Group = &[
    (both("execve", 59, 11), Verdict::Notify),
    (both("execveat", 322, 358), Verdict::Notify),
    (x86_64("afs_syscall", PROXY_CALL), Verdict::Notify),
];

/// As long may a message on standard error be that the supervisor looks at, in bytes; in buffers, for
/// `writev`.
pub(super) const LONGEST_COMPLAINT: u32 = 4096;

/// In force in a sandbox that tells, before all others: these are made often.
pub(super) const COMPLAINTS: Group = &[
    (both("write", 1, 4), Verdict::Complaint),
    (both("writev", 20, 146), Verdict::Complaint),
];

/// In force without a sandbox, if it tells: after these a path may lead elsewhere for a process than for
/// the supervisor.
pub(super) const MOVES: Group = &[
    (both("chroot", 161, 61), Verdict::Notify),
    (both("pivot_root", 155, 217), Verdict::Notify),
    (both("setns", 308, 346), Verdict::Notify),
    (both("mount", 165, 21), Verdict::Notify),
    (unified("move_mount", 429), Verdict::Notify),
    (both("umount2", 166, 52), Verdict::Notify),
    (i386("umount", 22), Verdict::Notify),
];

/// `PR_SET_CHILD_SUBREAPER`: afterwards, orphans are no longer all in one place.
const TAKE_IN_ORPHANS: Verdict = Verdict::NotifyValue(0, 36);

/// In force without a sandbox, if it tells: after these, memory may be written that nobody is seen to
/// run in.
pub(super) const WRITERS: Group = &[
    // Its flags are behind a pointer; `clone` says the same where the filter can see it.
    (unified("clone3", 435), ABSENT),
    (both("clone", 56, 120), Verdict::Share),
    (both("prctl", 157, 172), TAKE_IN_ORPHANS),
    (both("io_setup", 206, 245), Verdict::Notify),
    (unified("io_uring_setup", 425), Verdict::Notify),
];

/// In force in every sandbox.
pub(super) const SANDBOX: Group = &[
    // Who leases a file can hold up those who open it.
    (both("fcntl", 72, 55), LEASES),
    (i386("fcntl64", 221), LEASES),
    // Its flags are behind a pointer; `clone` says the same where the filter can see it.
    (unified("clone3", 435), ABSENT),
    (both("clone", 56, 120), Verdict::Clone),
    (both("prctl", 157, 172), TAKE_IN_ORPHANS),
    // Writes the caller's memory when a disk has read, not when it is asked for.
    (both("io_setup", 206, 245), Verdict::Notify),
    (
        both("unshare", 272, 310),
        Verdict::RefuseBits(0, NEW_NAMESPACE | NEW_TIME_NAMESPACE),
    ),
    (both("setns", 308, 346), NO),
    // Does what other calls do without making them.
    (unified("io_uring_setup", 425), ABSENT),
    (unified("io_uring_enter", 426), ABSENT),
    (unified("io_uring_register", 427), ABSENT),
    // Mounts, three generations.
    (both("mount", 165, 21), NO),
    (i386("umount", 22), NO),
    (both("umount2", 166, 52), NO),
    (both("pivot_root", 155, 217), NO),
    (both("chroot", 161, 61), NO),
    (unified("open_tree", 428), NO),
    (unified("move_mount", 429), NO),
    (unified("fsopen", 430), NO),
    (unified("fsconfig", 431), NO),
    (unified("fsmount", 432), NO),
    (unified("fspick", 433), NO),
    (unified("mount_setattr", 442), NO),
    (unified("open_tree_attr", 467), NO),
    // Shared by uid, whatever the namespace.
    (both("add_key", 248, 286), NO),
    (both("request_key", 249, 287), NO),
    (both("keyctl", 250, 288), NO),
    // Reaches around descriptors and paths.
    (unified("pidfd_getfd", 438), NO),
    (both("name_to_handle_at", 303, 341), NO),
    (both("open_by_handle_at", 304, 342), NO),
    // The kernel itself.
    (both("bpf", 321, 357), NO),
    (both("perf_event_open", 298, 336), NO),
    (both("userfaultfd", 323, 374), NO),
    (both("kexec_load", 246, 283), NO),
    (x86_64("kexec_file_load", 320), NO),
    (both("init_module", 175, 128), NO),
    (both("finit_module", 313, 350), NO),
    (both("delete_module", 176, 129), NO),
    (both("create_module", 174, 127), NO),
    (both("query_module", 178, 167), NO),
    (both("get_kernel_syms", 177, 130), NO),
    (both("reboot", 169, 88), NO),
    (both("swapon", 167, 87), NO),
    (both("swapoff", 168, 115), NO),
    (both("acct", 163, 51), NO),
    (both("quotactl", 179, 131), NO),
    (unified("quotactl_fd", 443), NO),
    (both("settimeofday", 164, 79), NO),
    (i386("stime", 25), NO),
    (both("clock_settime", 227, 264), NO),
    (i386("clock_settime64", 404), NO),
    (both("lookup_dcookie", 212, 253), NO),
    (both("nfsservctl", 180, 169), NO),
    (both("vhangup", 153, 111), NO),
    (both("iopl", 172, 110), NO),
    (both("ioperm", 173, 101), NO),
    (both("uselib", 134, 86), NO),
    // Sockets.
    (both("socketpair", 53, 360), Verdict::LocalPair),
    (i386("socketcall", 102), NO),
];

const TIOCSTI: u32 = 0x5412;
const TIOCLINUX: u32 = 0x541c;
/// How a terminal treats what comes in: nobody's to change but the caller's.
const TIOCSETD: u32 = 0x5423;
const PRIO_PROCESS: u32 = 0;
const PRIO_PGRP: u32 = 1;
const IOPRIO_WHO_PROCESS: u32 = 1;
const IOPRIO_WHO_PGRP: u32 = 2;
/// `FS_IOC_SETFLAGS` in both sizes, `FS_IOC_FSSETXATTR`, `FS_IOC_SETVERSION` in both sizes.
const SET_FLAGS: u32 = 0x4008_6602;
const SET_FLAGS_32: u32 = 0x4004_6602;
const SET_ATTRIBUTES: u32 = 0x401c_5820;
const SET_VERSION: u32 = 0x4008_7602;
const SET_VERSION_32: u32 = 0x4004_7602;

/// In force in a sandbox that has namespaces.
pub(super) const WITH_NAMESPACES: Group = &[
    // Ways into another process's memory: the supervisor has to know that they are in use.
    (both("ptrace", 101, 26), Verdict::Notify),
    (both("process_vm_writev", 311, 348), Verdict::Notify),
    (
        both("ioctl", 16, 54),
        Verdict::RefuseValues(1, &[TIOCSTI, TIOCLINUX, TIOCSETD]),
    ),
    // The group may be the caller's, with members outside.
    (
        both("setpriority", 141, 97),
        Verdict::RefuseValues(0, &[PRIO_PGRP]),
    ),
    (
        both("ioprio_set", 251, 289),
        Verdict::RefuseValues(0, &[IOPRIO_WHO_PGRP]),
    ),
];

/// In force in a sandbox without: file attributes, the processes and the shared memory of others.
pub(super) const WITHOUT_NAMESPACES: Group = &[
    (
        both("ioctl", 16, 54),
        Verdict::RefuseValues(
            1,
            &[
                TIOCSTI,
                TIOCLINUX,
                TIOCSETD,
                SET_FLAGS,
                SET_FLAGS_32,
                SET_ATTRIBUTES,
                SET_VERSION,
                SET_VERSION_32,
            ],
        ),
    ),
    (both("chmod", 90, 15), NO),
    (both("fchmod", 91, 94), NO),
    (both("fchmodat", 268, 306), NO),
    (unified("fchmodat2", 452), NO),
    (both("chown", 92, 182), NO),
    (both("fchown", 93, 95), NO),
    (both("lchown", 94, 16), NO),
    (both("fchownat", 260, 298), NO),
    (i386("chown32", 212), NO),
    (i386("fchown32", 207), NO),
    (i386("lchown32", 198), NO),
    (both("utime", 132, 30), NO),
    (both("utimes", 235, 271), NO),
    (both("futimesat", 261, 299), NO),
    (both("utimensat", 280, 320), NO),
    (i386("utimensat_time64", 412), NO),
    (both("setxattr", 188, 226), NO),
    (both("lsetxattr", 189, 227), NO),
    (both("fsetxattr", 190, 228), NO),
    (unified("setxattrat", 463), NO),
    (both("removexattr", 197, 235), NO),
    (both("lremovexattr", 198, 236), NO),
    (both("fremovexattr", 199, 237), NO),
    (unified("removexattrat", 466), NO),
    (unified("file_setattr", 469), NO),
    (both("ptrace", 101, 26), NO),
    (both("process_vm_readv", 310, 347), NO),
    (both("process_vm_writev", 311, 348), NO),
    (unified("process_madvise", 440), NO),
    (unified("process_mrelease", 448), NO),
    (both("kcmp", 312, 349), NO),
    // Zero is the caller itself.
    (both("move_pages", 279, 317), Verdict::RefuseNonZero(0)),
    (both("migrate_pages", 256, 294), Verdict::RefuseNonZero(0)),
    (both("prlimit64", 302, 340), Verdict::RefuseNonZero(0)),
    (
        both("sched_setaffinity", 203, 241),
        Verdict::RefuseNonZero(0),
    ),
    (both("sched_setparam", 142, 154), Verdict::RefuseNonZero(0)),
    (
        both("sched_setscheduler", 144, 156),
        Verdict::RefuseNonZero(0),
    ),
    (both("sched_setattr", 314, 351), Verdict::RefuseNonZero(0)),
    (
        both("setpriority", 141, 97),
        Verdict::OwnProcess(PRIO_PROCESS),
    ),
    (
        both("ioprio_set", 251, 289),
        Verdict::OwnProcess(IOPRIO_WHO_PROCESS),
    ),
    (i386("ipc", 117), NO),
    (both("shmget", 29, 395), NO),
    (both("shmat", 30, 397), NO),
    (both("shmctl", 31, 396), NO),
    (both("semget", 64, 393), NO),
    (x86_64("semop", 65), NO),
    (x86_64("semtimedop", 220), NO),
    (i386("semtimedop_time64", 420), NO),
    (both("semctl", 66, 394), NO),
    (both("msgget", 68, 399), NO),
    (both("msgsnd", 69, 400), NO),
    (both("msgrcv", 70, 401), NO),
    (both("msgctl", 71, 402), NO),
    (both("mq_open", 240, 277), NO),
    (both("mq_unlink", 241, 278), NO),
];

/// In force with the network on.
pub(super) const NETWORK_ON: Group = &[(both("socket", 41, 359), Verdict::Internet)];

/// In force with the network off.
pub(super) const NETWORK_OFF: Group = &[(both("socket", 41, 359), NO)];

/// What [`Verdict::Internet`] answers for a family that is neither local nor internet.
pub(super) const OTHER_FAMILY: Errno = Errno::EAFNOSUPPORT;
