//! Whether any rule could speak of a program: most execs are of programs that none does, and then
//! nobody needs to know whether their names are to be believed.

use super::index::IndexedRules;
use super::names::Names;
use super::sight::Sight;
use super::unmatched::unmatched;
use super::verdict::Basis;
use super::within::within;
use crate::request::Request;

impl IndexedRules {
    /// Whether a rule has one of the request's program's names. If not, its trust changes nothing.
    pub fn concern(&self, request: &Request) -> bool {
        Names::of(request, None)
            .iter()
            .any(|name| self.has_rules_on(name.name))
    }

    /// Whether a rule could ask for the variables of the request. If not, knowing them changes
    /// nothing.
    pub fn ask_for_variables(&self, request: &Request) -> bool {
        self.has_conditions_on_variables()
            && std::iter::successors(Some(request), |one| one.interpreter.as_deref())
                .any(|one| self.concern(one))
    }

    /// Whether neither a rule nor a heuristic speaks of the request, a program that was found:
    /// then it is allowed inside, whatever its working directory.
    pub fn are_silent_on(&self, request: &Request) -> bool {
        request.program.path.is_some()
            && within(request).is_empty()
            && !self.concern(request)
            && unmatched(self, request, &Sight::default()).basis == Basis::Unmatched
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::evaluate::{Placement, judge_exec};
    use crate::request::{Program, Trust};
    use crate::rules::{Decision, from_own_text};

    const RULES: &str = r#"
prefix_rule(["git", "push"], decision = "forbidden")
prefix_rule(["/work/tool"], decision = "forbidden")
prefix_rule(["probe"])
"#;

    fn index(rules: &str) -> IndexedRules {
        IndexedRules::new(from_own_text("t.rules", rules))
    }

    /// As an exec of `command`, a file in `/usr/bin`, comes to be judged.
    fn request(command: &str, cwd: &str) -> Request {
        let argv: Vec<OsString> = command.split(' ').map(OsString::from).collect();
        let path = Path::new("/usr/bin").join(&argv[0]);
        let program = Program {
            asked: path.clone().into(),
            path: Some(path.clone()),
            real: Some(path),
            trust: Trust::Unresolved,
        };
        Request::new(program, argv, PathBuf::from(cwd))
    }

    #[test]
    fn where_nobody_speaks_the_directory_says_nothing() {
        let index = index(RULES);
        for (command, silent) in [
            ("true", true),
            ("cargo build", true),
            ("sh -c tool", true),
            ("git status", false),
            ("probe", false),
            ("busybox ./tool", false),
            ("rm -rf /", false),
        ] {
            let request = |cwd| request(command, cwd);
            assert_eq!(index.are_silent_on(&request("")), silent, "{command}");
            for cwd in ["", "/", "/work"] {
                let verdict = judge_exec(&index, &request(cwd)).verdict;
                let plain = (verdict.decision, verdict.placement, &verdict.basis);
                let expected = (Decision::Allow, Placement::Inside, &Basis::Unmatched);
                assert!(
                    !silent || plain == expected,
                    "{command} in {cwd}: {plain:?}"
                );
            }
        }
    }

    #[test]
    fn a_script_is_never_plain_and_nothing_is_under_a_default() {
        let mut script = request("script", "");
        assert!(index(RULES).are_silent_on(&script));
        assert!(!index("default(\"allow\")\n").are_silent_on(&script));
        assert!(!index("prefix_rule([])\n").are_silent_on(&script));
        script.interpreter = Some(Box::new(request("sh", "")));
        assert!(!index(RULES).are_silent_on(&script));
    }
}
