//! Who brings the request: the kernel listener, or the wrapper of a patched shell ([`broker`]).
//!
//! ```text
//!  keeper            what the user started; waits, passes signals on
//!   └ guard          takes in orphans when the supervisor is gone
//!      └ supervisor  holds the listener; judges; runs what may run outside
//!         ├ init        first process of the sandbox; reaps
//!         │  └ shell … every exec below here is a notification to the supervisor
//!         └ programs that were escalated, each beside a separate sandbox if it has one
//!
//!  allow, inside:   caller ──execve──▶ listener ──judge──▶ continue
//!  refused:         caller ──execve──▶ listener ──judge──▶ replaced by the proxy ──▶ says why, exits 1
//!  allow, outside:  caller ──execve──▶ listener ──judge──▶ replaced by the proxy ┐
//!                   supervisor ── starts the program with the caller's own       │ waits, passes
//!                   descriptors, directory, limits ──▶ exit status or signal ────┘ signals on
//! ```
//!
//! Keeper, guard and supervisor all adopt orphans: as long as one is left, it ends what was escalated
//! (`keeper.rs`); the sandbox dies with the supervisor.
//!
//! # What happens to an exec
//!
//! The filter stops each `execve` and `execveat`, 64-bit and 32-bit, and asks the listener. The supervisor
//! copies path, argv and, if needed, environment out of the caller's memory, opens the file as the caller
//! would, and makes sure that the caller is still the same. A file that isn't there or can't be executed gets
//! the kernel's own error and no judgement: a search along `PATH` asks nobody. Nearly every exec is of a
//! program that was met before, that nothing inside can change, and of which no rule and no heuristic speaks:
//! that costs two reads of the caller's memory and a look at the file, and the working directory, which
//! changes nothing then, is left alone.
//!
//! **Allow, inside.** The supervisor tells the kernel to go on. The kernel then reads path and arguments once
//! more, and another thread, or a process that shares the memory or the directory, could have changed them,
//! which would get around the rules that restrict, where there are any. `toctou.rs` says what must hold for
//! an exec that is let go unwatched, and a model in its tests tries every order of what can happen. Where it
//! can't be shown, the thread is stopped before its first instruction as the new program, and `verify.rs`
//! compares what runs with what was judged. What differs is killed. A call that gives a means to write memory
//! unseen (ptrace, `process_vm_writev`, `io_setup` and the like) is answered once each unwatched exec has
//! left its call; from then on, every exec is watched.
//!
//! **Forbidden**, or a person said no. The caller's exec becomes the exec of the *proxy*, which says why on
//! the caller's standard error and exits with 1.
//!
//! **Allow, outside.** The caller's exec becomes the exec of the proxy. The supervisor starts the program
//! itself, from the file and the interpreter that were opened when they were judged, with the caller's
//! descriptors, directory, umask, limits, niceness, signal masks and process group (of the umask and of limits on
//! files, `material.rs` has what is left out), and with a filtered environment. The proxy passes signals on, and ends or stops as the program does. Under `run` the sandbox
//! is in the supervisor's session, whose terminal it may have. A call of `serve` leads one of its own, which
//! has inside the number that the supervisor's has outside: both sides see the same session. Programs outside
//! share a group, that of the sandbox's first process, and those of a job one of their own while they run: a
//! signal to the group from inside reaches them by their proxies, one that they send to theirs reaches none
//! of ours.
//!
//! That the shell for `-c` starts is not judged; what flows within its text is (`start_shell`). With `--login`, what the
//! shell's start-up files run stays inside, is not asked about, and is marked in the audit log.
//!
//! An exec's environment is copied for the judgement only when a rule that has a condition on variables is
//! among those on some name of the program. Of two variables of one name nobody knows which counts: that
//! restricts, and does not permit. A watched exec is compared with what was judged in its variables too.

#![forbid(unsafe_code)]

pub mod ahead;
pub mod asking;
pub mod broker;
pub mod call;
pub mod caller;
pub mod clock;
mod command;
pub mod complaints;
pub mod ending;
mod event_loop;
mod exec;
mod failing;
pub mod fixed;
mod found;
mod groups;
mod habits;
pub mod handed;
mod incoming_exec;
pub mod inheritance;
pub mod job;
pub mod keeper;
mod kept;
mod kernel_answers;
pub mod kinship;
pub mod launcher;
pub mod leaving;
pub mod limits;
pub mod material;
pub mod memory;
pub mod outside;
pub mod passed_files;
pub mod probe;
pub mod profiled;
pub mod refused;
pub mod run;
pub mod session;
pub mod shell;
pub mod stand_in;
pub mod supervisor;
pub mod target;
pub mod toctou;
pub mod tracees;
pub mod trial;
pub mod unattended;
pub mod verify;
