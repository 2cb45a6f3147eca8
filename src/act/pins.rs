//! Variables by which a program is bound to what it was judged by.

use std::ffi::{OsStr, OsString};

use crate::request::{entry, variable};

/// Puts `pins` in the place of what `environment`, `NAME=value` each, has under their names.
pub fn bind(environment: &mut Vec<OsString>, pins: &[(OsString, OsString)]) {
    let bound = |name: &OsStr| pins.iter().any(|(pinned, _)| pinned == name);
    environment.retain(|entry| !variable(entry).is_some_and(|(name, _)| bound(&name)));
    environment.extend(pins.iter().map(|(name, value)| entry(name, value)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_bound_is_there_once() {
        let mut environment = ["A=1", "GIT_DIR=/evil", "GIT_DIR=x", "B="]
            .map(OsString::from)
            .to_vec();
        bind(&mut environment, &[("GIT_DIR".into(), "/w/.git".into())]);
        assert_eq!(environment, ["A=1", "B=", "GIT_DIR=/w/.git"]);
    }
}
