//! What is written: `.rules` files become a [`RuleSet`].
//!
//! The only folder that imports Starlark. Files are loaded in a child of this binary under limits.

#![forbid(unsafe_code)]

pub mod model;

pub use model::{Decision, RuleSet, Severity};
