//! One integration binary; each module covers one part of the product.

// Clippy takes a module for a test only when it says so.
#[cfg(test)]
mod bypasses;
#[cfg(test)]
mod catalogues;
#[cfg(test)]
mod check;
#[cfg(test)]
mod command_rules;
#[cfg(test)]
mod compat;
#[cfg(test)]
mod compat_cli;
#[cfg(test)]
mod completions;
#[cfg(test)]
mod config;
#[cfg(test)]
mod decisions;
#[cfg(test)]
mod defaults;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod environment;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod explain;
mod explain_leads;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod mcp;
#[cfg(test)]
mod meaning;
#[cfg(test)]
mod models;
#[cfg(test)]
mod option_values;
#[cfg(test)]
mod patched;
#[cfg(test)]
mod permits;
mod places;
#[cfg(test)]
mod properties;
#[cfg(test)]
#[path = "fuzz/read_back.rs"]
mod read_back;
#[cfg(test)]
mod rules_cache;
#[cfg(test)]
mod rules_hostile;
#[cfg(test)]
mod rules_load;
#[cfg(test)]
mod run;
#[cfg(test)]
mod snapshot;
#[cfg(test)]
mod support;
#[cfg(test)]
mod unknown_operands;
#[cfg(test)]
mod unknown_words;
#[cfg(test)]
mod wrapper;
