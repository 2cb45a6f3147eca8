//! What is set: defaults, the user's `codex-shell.toml`, that of a trusted project, flags.
//!
//! ```text
//!  $CODEX_HOME/codex-shell.toml ─▶ parse ─┐
//!  .codex/codex-shell.toml ─▶ trust ─▶ parse ─▶ tighten ─▶ flags ─▶ Settings
//! ```
//!
//! [`keys::KEYS`] is the one table of keys: the reader, the schema, the listing and the rule about
//! what a project may set all follow it. The only folder that imports toml.

#![forbid(unsafe_code)]

pub mod deciding;
pub mod flags;
mod fold;
pub mod keys;
mod line_index;
pub mod load;
mod parse;
pub mod places;
mod problem;
pub mod profiles;
pub mod project;
pub mod rows;
pub mod schema;
pub mod settings;
pub mod trust;
pub mod values;

pub use flags::Flags;
pub use load::{Loaded, load};
pub use places::Places;
pub use problem::SettingsProblem;
pub use profiles::{Profiles, Unavailable};
pub use settings::{ProfileSettings, Settings, Source, Sourced};
