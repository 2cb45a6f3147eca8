//! How much the sandboxed side can make the supervisor hold.
//!
//! Beyond the calls themselves, which wait in the kernel, something is held for each exec that was
//! let through and is watched, that was replaced, that waits for an answer, and for each program
//! that runs outside. Where there is no room, an exec fails with `EAGAIN`, as it does when the kernel
//! has no room for processes; dead callers are cleared away first.

use std::ffi::OsString;

use crate::act::escalate::Escalation;
use crate::request::Request;

/// As many execs are held at once.
const COUNT: usize = 512;
/// As many programs run outside at once, or are about to; each takes descriptors of ours.
pub const OUTSIDE: usize = 128;
/// As many bytes the arguments of a script may take with those of its interpreters, while it is
/// judged. With the kernel's default limits on arguments, only very many very short ones take more.
pub const SCRIPT: usize = 24 << 20;
/// As many bytes of arguments and environments are held.
const BYTES: usize = 8 << 20;
/// With no more than this held, one exec of any size has room.
const LITTLE: usize = 1 << 20;
/// What a string costs beside its bytes.
const PER_STRING: usize = 48;

/// What is held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// How many execs.
    pub count: usize,
    /// The memory of their strings, in bytes.
    pub bytes: usize,
}

impl Load {
    /// Whether there is room for one more exec of this many bytes.
    pub fn has_room_for(self, bytes: usize) -> bool {
        let size = self.bytes <= LITTLE || self.bytes.saturating_add(bytes) <= BYTES;
        size && self.count < COUNT
    }
}

impl FromIterator<usize> for Load {
    fn from_iter<I: IntoIterator<Item = usize>>(weights: I) -> Self {
        weights
            .into_iter()
            .fold(Self::default(), |load, bytes| Self {
                count: load.count + 1,
                bytes: load.bytes.saturating_add(bytes),
            })
    }
}

/// The memory that strings take, in bytes.
pub fn weigh<'a>(strings: impl IntoIterator<Item = &'a OsString>) -> usize {
    strings
        .into_iter()
        .map(|string| string.len().saturating_add(PER_STRING))
        .fold(0, usize::saturating_add)
}

/// The memory that the strings of a request take, in bytes.
pub fn weigh_request(request: &Request) -> usize {
    let variables = request.variables();
    let variables = weigh(variables.flat_map(|(name, value)| [name, value]));
    weigh(&request.argv).saturating_add(variables)
}

/// The same of what is ready to be started.
pub fn weigh_escalation(escalation: &Escalation) -> usize {
    weigh_request(escalation.permit.request())
        .saturating_add(weigh(&escalation.program.argv))
        .saturating_add(weigh(&escalation.environment))
        .saturating_add(escalation.note.as_ref().map_or(0, String::len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_one_has_room_alone() {
        let none = Load::default();
        assert!(none.has_room_for(BYTES * 4));
        let held: Load = [BYTES * 4].into_iter().collect();
        assert!(!held.has_room_for(1));
        let small: Load = [LITTLE / 2, LITTLE / 2].into_iter().collect();
        assert_eq!((small.count, small.bytes), (2, LITTLE));
        assert!(small.has_room_for(BYTES * 4));
    }

    #[test]
    fn there_is_an_end_to_small_ones_too() {
        let many: Load = std::iter::repeat_n(0, COUNT - 1).collect();
        assert!(many.has_room_for(0));
        let too_many: Load = std::iter::repeat_n(0, COUNT).collect();
        assert!(!too_many.has_room_for(0));
    }

    #[test]
    fn empty_strings_are_not_free() {
        assert_eq!(weigh([]), 0);
        assert!(weigh(&vec![OsString::new(); 1000]) >= 24_000);
    }
}
