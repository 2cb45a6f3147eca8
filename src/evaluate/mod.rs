//! What applies: [`judge()`] takes rules and a request to a verdict and the way it came about.
//!
//! Pure: no clock, no file, no environment, no process. Everything that judges calls this.

#![forbid(unsafe_code)]

mod added;
mod command_tree;
mod commanded;
pub mod compat;
mod concern;
pub mod heuristic;
mod index;
mod judge;
mod judge_script;
mod matches;
mod meanings;
mod means;
mod names;
pub mod near_miss;
mod path_conditions;
mod paths;
mod repository;
mod restrictions;
mod see_through;
mod sight;
mod unaccounted;
mod unforeseen;
mod unmatched;
mod unnamed;
pub mod verdict;
mod withheld;
mod words;
mod written;

pub use command_tree::{CommandTree, Node, Resolver, UnstartedCommand, readings, started_in_place};
pub use commanded::{CommandSource, all_command_sources, command_sources, obeyed_files};
pub use index::IndexedRules;
pub use judge::{judge, judge_exec, judge_exec_in, judge_flows, judge_in};
pub use judge_script::{Callers, CommandKind, JudgedCommand, ScriptJudgement, judge_script};
pub use near_miss::{NearMiss, NearMisses, Unexcepted, near_misses};
pub use repository::{depends_on_repository, with_repository};
pub use unaccounted::unaccounted_files;
pub use unforeseen::Unforeseen;
pub use verdict::{Basis, Judgement, Placement, RuleMatch, Trace, Verdict};

#[cfg(test)]
mod tests;
