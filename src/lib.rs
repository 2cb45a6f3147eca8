//! `codex-shell` decides, by rules people can read, what happens to every program that a shell
//! command starts.
//!
//! ```text
//!  exec request ── kernel listener │ rules explain │ MCP │ execpolicy check
//!       │
//!    request    resolved file, argv, cwd (bytes, not str)
//!       │
//!    evaluate   judge: rules + heuristics  ->  Verdict + Trace     pure, no I/O
//!       │
//!    approve    only for prompt: terminal │ command │ fixed answer
//!       │
//!    act        continue inside │ run outside │ refuse
//!       │
//!    audit      one record per exec
//! ```
//!
//! The folders are the stages, in this order; [`flow`] shows the whole path on one screen.
//! Imports point down this list only, which `tests/layers.rs` holds.

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
