//! Variables by which a program is bound to what it was judged by.

use std::ffi::OsStr;

use super::environment::Filtered;
use crate::request::{Request, entry, variable};

/// Puts what `request` is bound by in the place of what `environment` has under those names. What says the
/// same as it did is not left out.
pub fn bind(environment: &mut Filtered, request: &Request) {
    let bound = |name: &OsStr| request.pins.iter().any(|(pinned, _)| pinned == name);
    let Filtered {
        passed, dropped, ..
    } = environment;
    passed.retain(|entry| !variable(entry).is_some_and(|(name, _)| bound(name)));
    let pins = request.pins.iter();
    passed.extend(pins.map(|(name, value)| entry(name, value)));
    dropped.retain(|name| !request.is_bound_by(name));
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::request::{Program, WorkingDirectory};

    #[test]
    fn what_is_bound_is_there_once() {
        let variables = |list: &[(&str, &str)]| {
            list.iter()
                .map(|&(name, value)| (name.into(), value.into()))
                .collect()
        };
        let bound = |given: &str| {
            let cwd = WorkingDirectory::new("/w").unwrap();
            let mut request = Request::new(Program::named("git"), vec!["git".into()], cwd);
            request = request.with_environment(variables(&[("GIT_DIR", given)]));
            request.pins = variables(&[("GIT_DIR", "/w/.git")]);
            let mut environment = Filtered {
                passed: ["A=1", "GIT_DIR=/evil", "GIT_DIR=x", "B="]
                    .map(OsString::from)
                    .to_vec(),
                dropped: ["C", "GIT_DIR"].map(OsString::from).to_vec(),
                ..Filtered::default()
            };
            bind(&mut environment, &request);
            assert_eq!(environment.passed, ["A=1", "B=", "GIT_DIR=/w/.git"]);
            environment.dropped
        };
        assert_eq!(bound("/evil"), ["C", "GIT_DIR"]);
        assert_eq!(bound("/w/.git"), ["C"]);
        assert_eq!(bound(".git"), ["C"]);
    }
}
