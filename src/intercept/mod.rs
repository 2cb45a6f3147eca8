//! Who brings the request: the kernel listener, or the wrapper of a patched shell ([`broker`]).
//!
//! ```text
//!  keeper            what the user started; waits, passes signals on
//!   └ supervisor     holds the listener; judges; runs what may run outside
//!      ├ init        first process of the sandbox; reaps
//!      │  └ shell … every exec below here is a notification to the supervisor
//!      └ programs that were escalated, each beside its own sandbox if it has one
//!
//!  allow, inside:   caller ──execve──▶ listener ──judge──▶ continue
//!  refused:         caller ──execve──▶ listener ──judge──▶ replaced by the proxy ──▶ says why, exits 1
//!  allow, outside:  caller ──execve──▶ listener ──judge──▶ replaced by the proxy ┐
//!                   supervisor ── starts the program with the caller's own       │ waits, passes
//!                   descriptors, directory, limits ──▶ exit status or signal ────┘ signals on
//! ```
//!
//! Keeper and supervisor both adopt orphans: whichever is killed, the other ends all that was
//! escalated, and the sandbox dies with the supervisor.

#![forbid(unsafe_code)]

pub mod ahead;
pub mod asking;
pub mod broker;
pub mod call;
pub mod caller;
pub mod clock;
pub mod complaints;
pub mod ending;
mod execs;
mod failing;
mod groups;
mod habits;
pub mod handed;
pub mod inheritance;
pub mod job;
pub mod keeper;
mod kept;
pub mod kinship;
pub mod launcher;
pub mod leaving;
pub mod limits;
pub mod memory;
pub mod outside;
pub mod probe;
pub mod profiled;
pub mod refused;
pub mod run;
pub mod shell;
pub mod stand_in;
pub mod stopped;
pub mod supervisor;
pub mod target;
pub mod toctou;
pub mod tracees;
pub mod verify;
mod watch;
