//! `codex-shell serve`, spoken to over its standard input and output.

mod approvals;
mod client;
mod lifetime;
mod protocol;
mod queue;
mod session;
mod shell;
