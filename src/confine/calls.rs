//! The table of system calls that the filter looks at, and what happens to each. A call that is not
//! listed passes.

use nix::errno::Errno;

use crate::sys::arch::{Call, PROXY, calls};

/// What happens to a call. Arguments are compared in their low 32 bits, all that the kernel looks
/// at in the calls listed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallVerdict {
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
    /// Fails with EPERM for new namespaces; for the rest as [`CallVerdict::Share`].
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
pub(super) type CallGroup = &'static [(Call, CallVerdict)];

/// The last call that was looked at when this table was made. Later ones are answered as an older
/// kernel would, so that a new way around the sandbox is not open before somebody has thought of it.
pub(super) const NEWEST: Call = calls::file_setattr;

const NO: CallVerdict = CallVerdict::Refuse(Errno::EPERM);
/// libc takes it as "too old a kernel" and falls back.
const ABSENT: CallVerdict = CallVerdict::Refuse(Errno::ENOSYS);

/// `F_SETLEASE`, `F_SETDELEG`.
const LEASES: CallVerdict = CallVerdict::RefuseValues(1, &[1024, 1040]);

/// Every `CLONE_NEW*` flag that `clone` and `unshare` know, time namespaces (0x80) excepted:
/// in `clone` that bit is part of the exit signal.
pub(super) const NEW_NAMESPACE: u32 = 0x7e02_0000;
const NEW_TIME_NAMESPACE: u32 = 0x80;

/// In force always.
pub(super) const EXEC: CallGroup = &[
    (calls::execve, CallVerdict::Notify),
    (calls::execveat, CallVerdict::Notify),
    (PROXY, CallVerdict::Notify),
];

/// As long may a message on standard error be that the supervisor looks at, in bytes; in buffers, for
/// `writev`.
pub(super) const LONGEST_COMPLAINT: u32 = 4096;

/// In force in a sandbox that tells, before all others: these are made often.
pub(super) const COMPLAINTS: CallGroup = &[
    (calls::write, CallVerdict::Complaint),
    (calls::writev, CallVerdict::Complaint),
];

/// In force without a sandbox, if it tells: after these a path may lead elsewhere for a process than for
/// the supervisor.
pub(super) const MOVES: CallGroup = &[
    (calls::chroot, CallVerdict::Notify),
    (calls::pivot_root, CallVerdict::Notify),
    (calls::setns, CallVerdict::Notify),
    (calls::mount, CallVerdict::Notify),
    (calls::move_mount, CallVerdict::Notify),
    (calls::umount2, CallVerdict::Notify),
    (calls::umount, CallVerdict::Notify),
];

/// `PR_SET_CHILD_SUBREAPER`: afterwards, orphans are no longer all in one place.
const TAKE_IN_ORPHANS: CallVerdict = CallVerdict::NotifyValue(0, 36);

/// In force without a sandbox, if it tells: after these, memory may be written that nobody is seen to
/// run in.
pub(super) const WRITERS: CallGroup = &[
    // Its flags are behind a pointer; `clone` says the same where the filter can see it.
    (calls::clone3, ABSENT),
    (calls::clone, CallVerdict::Share),
    (calls::prctl, TAKE_IN_ORPHANS),
    (calls::io_setup, CallVerdict::Notify),
    (calls::io_uring_setup, CallVerdict::Notify),
];

/// In force in every sandbox.
pub(super) const SANDBOX: CallGroup = &[
    // Who leases a file can hold up those who open it.
    (calls::fcntl, LEASES),
    (calls::fcntl64, LEASES),
    // Its flags are behind a pointer; `clone` says the same where the filter can see it.
    (calls::clone3, ABSENT),
    (calls::clone, CallVerdict::Clone),
    (calls::prctl, TAKE_IN_ORPHANS),
    // Writes the caller's memory when a disk has read, not when it is asked for.
    (calls::io_setup, CallVerdict::Notify),
    (
        calls::unshare,
        CallVerdict::RefuseBits(0, NEW_NAMESPACE | NEW_TIME_NAMESPACE),
    ),
    (calls::setns, NO),
    // Does what other calls do without making them.
    (calls::io_uring_setup, ABSENT),
    (calls::io_uring_enter, ABSENT),
    (calls::io_uring_register, ABSENT),
    // Mounts, three generations.
    (calls::mount, NO),
    (calls::umount, NO),
    (calls::umount2, NO),
    (calls::pivot_root, NO),
    (calls::chroot, NO),
    (calls::open_tree, NO),
    (calls::move_mount, NO),
    (calls::fsopen, NO),
    (calls::fsconfig, NO),
    (calls::fsmount, NO),
    (calls::fspick, NO),
    (calls::mount_setattr, NO),
    (calls::open_tree_attr, NO),
    // Shared by uid, whatever the namespace.
    (calls::add_key, NO),
    (calls::request_key, NO),
    (calls::keyctl, NO),
    // Reaches around descriptors and paths.
    (calls::pidfd_getfd, NO),
    (calls::name_to_handle_at, NO),
    (calls::open_by_handle_at, NO),
    // The kernel itself.
    (calls::bpf, NO),
    (calls::perf_event_open, NO),
    (calls::userfaultfd, NO),
    (calls::kexec_load, NO),
    (calls::kexec_file_load, NO),
    (calls::init_module, NO),
    (calls::finit_module, NO),
    (calls::delete_module, NO),
    (calls::create_module, NO),
    (calls::query_module, NO),
    (calls::get_kernel_syms, NO),
    (calls::reboot, NO),
    (calls::swapon, NO),
    (calls::swapoff, NO),
    (calls::acct, NO),
    (calls::quotactl, NO),
    (calls::quotactl_fd, NO),
    (calls::settimeofday, NO),
    (calls::stime, NO),
    (calls::clock_settime, NO),
    (calls::clock_settime64, NO),
    (calls::lookup_dcookie, NO),
    (calls::nfsservctl, NO),
    (calls::vhangup, NO),
    (calls::iopl, NO),
    (calls::ioperm, NO),
    (calls::uselib, NO),
    // Sockets.
    (calls::socketpair, CallVerdict::LocalPair),
    (calls::socketcall, NO),
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
pub(super) const WITH_NAMESPACES: CallGroup = &[
    // Ways into another process's memory: the supervisor has to know that they are in use.
    (calls::ptrace, CallVerdict::Notify),
    (calls::process_vm_writev, CallVerdict::Notify),
    (
        calls::ioctl,
        CallVerdict::RefuseValues(1, &[TIOCSTI, TIOCLINUX, TIOCSETD]),
    ),
    // The group may be the caller's, with members outside.
    (
        calls::setpriority,
        CallVerdict::RefuseValues(0, &[PRIO_PGRP]),
    ),
    (
        calls::ioprio_set,
        CallVerdict::RefuseValues(0, &[IOPRIO_WHO_PGRP]),
    ),
];

/// In force in a sandbox without: file attributes, the processes and the shared memory of others.
pub(super) const WITHOUT_NAMESPACES: CallGroup = &[
    (
        calls::ioctl,
        CallVerdict::RefuseValues(
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
    (calls::chmod, NO),
    (calls::fchmod, NO),
    (calls::fchmodat, NO),
    (calls::fchmodat2, NO),
    (calls::chown, NO),
    (calls::fchown, NO),
    (calls::lchown, NO),
    (calls::fchownat, NO),
    (calls::chown32, NO),
    (calls::fchown32, NO),
    (calls::lchown32, NO),
    (calls::utime, NO),
    (calls::utimes, NO),
    (calls::futimesat, NO),
    (calls::utimensat, NO),
    (calls::utimensat_time64, NO),
    (calls::setxattr, NO),
    (calls::lsetxattr, NO),
    (calls::fsetxattr, NO),
    (calls::setxattrat, NO),
    (calls::removexattr, NO),
    (calls::lremovexattr, NO),
    (calls::fremovexattr, NO),
    (calls::removexattrat, NO),
    (calls::file_setattr, NO),
    (calls::ptrace, NO),
    (calls::process_vm_readv, NO),
    (calls::process_vm_writev, NO),
    (calls::process_madvise, NO),
    (calls::process_mrelease, NO),
    (calls::kcmp, NO),
    // Zero is the caller itself.
    (calls::move_pages, CallVerdict::RefuseNonZero(0)),
    (calls::migrate_pages, CallVerdict::RefuseNonZero(0)),
    (calls::prlimit64, CallVerdict::RefuseNonZero(0)),
    (calls::sched_setaffinity, CallVerdict::RefuseNonZero(0)),
    (calls::sched_setparam, CallVerdict::RefuseNonZero(0)),
    (calls::sched_setscheduler, CallVerdict::RefuseNonZero(0)),
    (calls::sched_setattr, CallVerdict::RefuseNonZero(0)),
    (calls::setpriority, CallVerdict::OwnProcess(PRIO_PROCESS)),
    (
        calls::ioprio_set,
        CallVerdict::OwnProcess(IOPRIO_WHO_PROCESS),
    ),
    (calls::ipc, NO),
    (calls::shmget, NO),
    (calls::shmat, NO),
    (calls::shmctl, NO),
    (calls::semget, NO),
    (calls::semop, NO),
    (calls::semtimedop, NO),
    (calls::semtimedop_time64, NO),
    (calls::semctl, NO),
    (calls::msgget, NO),
    (calls::msgsnd, NO),
    (calls::msgrcv, NO),
    (calls::msgctl, NO),
    (calls::mq_open, NO),
    (calls::mq_unlink, NO),
];

/// In force with the network on.
pub(super) const NETWORK_ON: CallGroup = &[(calls::socket, CallVerdict::Internet)];

/// In force with the network off.
pub(super) const NETWORK_OFF: CallGroup = &[(calls::socket, NO)];

/// What [`CallVerdict::Internet`] answers for a family that is neither local nor internet.
pub(super) const OTHER_FAMILY: Errno = Errno::EAFNOSUPPORT;
