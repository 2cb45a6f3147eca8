//! What the tests of `run` share: a world to run in, and what came of a run.

pub(crate) mod cases;
pub(crate) mod judging;
pub(crate) mod needs;
pub(crate) mod programs;
pub(crate) mod ran;
pub(crate) mod running;
pub(crate) mod terminal;
pub(crate) mod world;

pub(crate) use world::{World, every_way, every_way_with, everyone, everyone_with};
