//! Whether any rule could speak of a program: most execs are of programs that none does, and then
//! nobody needs to know whether their names are to be believed.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::command_tree::{loads, runs_another};
use super::index::IndexedRules;
use super::names::Names;
use super::unmatched::nothing_is_said_of;
use crate::request::program::last_component;
use crate::request::{HalfRead, Request, Words};

impl IndexedRules {
    /// Whether a rule has one of the program's names. If not, its trust changes nothing.
    pub fn concern(&self, words: Words<'_>) -> bool {
        Names::of(words, None)
            .iter()
            .any(|name| self.has_rules_on(name.name))
    }

    /// Whether it matters that a file is a copy of the program `name`: a rule is on that, or it is one that is
    /// looked at whatever the rules are.
    pub fn ask_for_copies_of(&self, name: &OsStr) -> bool {
        name == "git" || loads(last_component(name).as_bytes()) || self.has_rules_on(name)
    }

    /// Whether knowing the variables of the request could change anything.
    pub fn ask_for_variables(&self, request: &Request) -> bool {
        self.have_conditions_on_variables_of(request)
            || self.may_withhold(request)
            || self.go_by_settings_of(request)
    }

    /// Whether a rule could be on what git's settings say that the request runs.
    pub(super) fn go_by_settings_of(&self, request: &Request) -> bool {
        self.has_rules_on("git".as_ref()) && request.is_set_by_git()
    }

    /// Whether a rule could ask for the variables of the request.
    pub fn have_conditions_on_variables_of(&self, request: &Request) -> bool {
        self.has_conditions_on_variables() && request.chain().any(|one| self.concern(one.words()))
    }

    /// Whether a variable that the request's program does not get outside could keep it from running.
    fn may_withhold(&self, request: &Request) -> bool {
        let names = Names::of(request.words(), None);
        let mut names = names.iter();
        names.any(|name| self.acts_outside_by_variables(name.name))
    }

    /// Whether neither a rule nor a heuristic speaks of it: then it is allowed inside, whatever the
    /// rest of it is.
    pub fn are_silent_on(&self, exec: &HalfRead) -> bool {
        let words = exec.words();
        exec.copy_of.is_none()
            && !runs_another(words)
            && !self.concern(words)
            && nothing_is_said_of(self, words)
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;

    use super::*;
    use crate::evaluate::{Basis, Placement, judge_exec};
    use crate::request::{Program, Trust, WorkingDirectory};
    use crate::rules::{Decision, from_own_text};

    const RULES: &str = r#"
prefix_rule(["git", "push"], decision = "forbidden")
prefix_rule(["/work/tool"], decision = "forbidden")
prefix_rule(["probe"])
"#;

    fn index(rules: &str) -> IndexedRules {
        IndexedRules::new(from_own_text("t.rules", rules))
    }

    /// An exec of `command`, a file in `/usr/bin`, of which the words alone were read.
    fn half(command: &str) -> HalfRead {
        let argv: Vec<OsString> = command.split(' ').map(OsString::from).collect();
        let path = Path::new("/usr/bin").join(&argv[0]);
        HalfRead {
            asked: path.clone().into(),
            path: path.clone(),
            real: path,
            argv,
            copy_of: None,
        }
    }

    /// The same once everything was.
    fn whole(half: HalfRead, cwd: &str) -> Request {
        let program = Program {
            asked: half.asked,
            path: Some(half.path),
            real: Some(half.real),
            trust: Trust::Trusted,
        };
        Request::new(program, half.argv, WorkingDirectory::new(cwd).unwrap())
    }

    #[test]
    fn where_nobody_speaks_the_rest_says_nothing() {
        let index = index(RULES);
        for (command, silent) in [
            ("timeout 5 git push", true),
            ("ssh h git push", false),
            ("python3 -m git push", false),
            ("ssh -V", true),
            ("ssh h", false),
            ("true", true),
            ("cargo build", true),
            ("sh -c tool", true),
            ("git status", false),
            ("probe", false),
            ("busybox ./tool", false),
            ("rm -rf /", false),
        ] {
            assert_eq!(index.are_silent_on(&half(command)), silent, "{command}");
            for cwd in ["/", "/work"] {
                let verdict = judge_exec(&index, &whole(half(command), cwd)).verdict;
                let plain = (verdict.decision, verdict.placement, &verdict.basis);
                let expected = (Decision::Allow, Placement::Inside, &Basis::Unmatched);
                assert!(
                    !silent || plain == expected,
                    "{command} in {cwd}: {plain:?}"
                );
            }
        }
    }

    /// No exec shows the module or the file that an interpreter runs.
    #[test]
    fn what_an_interpreter_runs_is_judged_with_it() {
        let index = index(RULES);
        for (command, decision) in [
            ("python3 -m git push", Decision::Forbidden),
            ("python3 -Im git push", Decision::Forbidden),
            ("python3 -m git", Decision::Allow),
            ("python3 git push", Decision::Forbidden),
            ("python3 git pull", Decision::Allow),
            ("timeout 5 git push", Decision::Allow),
        ] {
            let verdict = judge_exec(&index, &whole(half(command), "/work")).verdict;
            assert_eq!(verdict.decision, decision, "{command}");
        }
    }

    #[test]
    fn a_copy_is_never_plain_and_nothing_is_under_a_default() {
        let mut copy = half("x");
        assert!(index(RULES).are_silent_on(&copy));
        assert!(!index("default(\"allow\")\n").are_silent_on(&copy));
        assert!(!index("prefix_rule([])\n").are_silent_on(&copy));
        copy.copy_of = Some("/usr/bin/git".into());
        assert!(!index(RULES).are_silent_on(&copy));
    }
}
