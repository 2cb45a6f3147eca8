//! `codex-shell` decides, by rules people can read, what happens to every program that a shell
//! command starts.
//!
//! ```text
//!  exec request ── kernel listener │ patched shell's wrapper │ rules explain
//!       │
//!    request    the file, argv, working directory: bytes, copied, resolved
//!       │
//!    evaluate   judge: rules + heuristics  ->  Verdict + Trace     pure, no I/O
//!       │
//!    approve    only for prompt: terminal │ program │ fixed answer
//!       │
//!    act        go on inside │ run outside │ refuse
//!       │
//!    audit      a record of each step, and of what became of it
//! ```
//!
//! [`flow`] shows the whole path on one screen; `tests/layers.rs` holds which folder may use which.

pub mod digest;
pub mod exit;
pub mod sys;

pub mod models;

pub mod command_text;

pub mod request;
pub mod terminal;
pub mod wire;

pub mod script;

pub mod rules;

pub mod evaluate;

pub mod confine;

pub mod approve;

pub mod act;

pub mod audit;

pub mod lint;

pub mod config;

pub mod flow;

pub mod report;

pub mod intercept;

pub mod wrapper;

pub mod mcp;

pub mod applet;
pub mod cli;
