//! What is written: `.rules` files become a [`RuleSet`].
//!
//! ```text
//!  places ─▶ sources ─▶ loader ══ child: nesting ─▶ literal │ interpret ─▶ recorder ══▶ combine ─▶ RuleSet
//! ```
//!
//! The only folder that imports Starlark. Files are loaded in a child of this binary under limits, or
//! what it said of them before is read again ([`RulesCache`]).

#![forbid(unsafe_code)]

mod arguments;
mod cache;
pub mod canonical;
pub mod child;
pub mod codes;
mod combine;
mod command_examples;
mod command_rule;
mod conditions;
mod default_rule;
mod example_places;
mod examples;
mod fstring;
mod host_executable;
mod interpret;
mod language;
mod layer;
pub mod lexical;
mod literal;
mod loader;
pub mod matching;
pub mod meaning;
pub mod mismatch;
pub mod model;
mod nesting;
mod network_rule;
mod own_text;
mod places;
mod prefix_rule;
mod program_model;
mod recorder;
mod set_aside;
mod sources;
mod values;
mod wire;

pub use cache::RulesCache;
pub use layer::{Layer, Origin};
pub use loader::{load, load_layers, load_released, load_with};
pub use model::{Decision, RuleSet, Severity};
pub use own_text::from_own_text;
pub use set_aside::{SetAside, SetAsideReason};
pub use sources::LONGEST_FILE;
