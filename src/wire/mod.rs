//! What the execve wrapper and the broker say to each other.
//!
//! ```text
//!  wrapper                                    broker
//!     │ [ASK] + one end of a stream pair ──────▶ │   by the socket that all wrappers inherit
//!     │ Request: file, argv, environment         │   by the pair, from here on
//!     │   + working directory, file ───────────▶ │
//!     │ ◀─── Note                                │   or not
//!     │ ◀─── Run │ Deny │ Escalate               │
//!     │ Descriptors + the descriptors ─────────▶ │   after Escalate alone
//!     │ Signal ────────────────────────────────▶ │
//!     │ ◀─── Exited │ Killed │ Deny            │
//! ```
//! Anybody in the sandbox may speak here and claim anything: a claim is what is judged and what is
//! run, and nothing that is believed about whoever makes it.

#![forbid(unsafe_code)]

pub mod frame;
pub mod message;

/// The variable that names the inherited socket by its number.
pub const SOCKET: &str = "CODEX_ESCALATE_SOCKET";
/// The variables that name the wrapper, the one that counts first.
pub const WRAPPER: [&str; 2] = ["EXEC_WRAPPER", "BASH_EXEC_WRAPPER"];

/// A packet on the inherited socket: with it comes one end of a stream pair, for one exec.
pub const ASK: u8 = b'R';
/// A packet on the inherited socket: the login shell's start-up files are through.
pub const STARTED: u8 = b'S';
