//! What applies: [`judge`] takes rules and a request to a verdict and the way it came about.
//!
//! Pure: no clock, no file, no environment, no process. Everything that judges calls this.

#![forbid(unsafe_code)]

pub mod verdict;

pub use verdict::{Basis, Judgement, Placement, RuleMatch, Trace, Verdict};
