//! What we do with a permit: run the program outside the sandbox, faithfully.
//!
//! (Going on inside is the interceptor's answer to the kernel, and needs nothing from here.)

#![forbid(unsafe_code)]

pub mod environment;
pub mod escalate;
pub mod lacking;
pub mod pinned;
pub mod pins;
pub mod trimmed;
