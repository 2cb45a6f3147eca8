//! `codex-shell serve`, spoken to over its standard input and output.

mod answers;
mod approvals;
mod bounds;
mod client;
mod configured;
mod dead_mounts;
mod hostile;
mod lifetime;
mod patched;
mod profile;
mod protected;
mod protocol;
mod queue;
mod session;
mod shell;
