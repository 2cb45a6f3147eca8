//! `codex-shell run`, as root and as an ordinary user, on a kernel with every feature it needs: one
//! that is missing fails these tests.

mod again;
mod askers;
mod denied;
mod explained;
mod faithful;
mod foretold;
mod git_words;
mod held;
mod input;
mod lifecycle;
mod operands;
mod options;
mod outcomes;
mod profiles;
mod prompts;
mod protected;
mod races;
mod relayed;
mod repositories;
mod started;
mod terminal;
mod twin;
mod variables;
