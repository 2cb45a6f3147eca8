//! W104 broad-allow.

mod programs;

use crate::rules::model::PrefixRule;
use crate::rules::{Decision, RuleSet};

use super::coverage::pattern_text;
use super::finding::Level;
use super::{Report, lint};
use programs::RunsBy;

lint! {
    /// A rule allows everything that a shell, an interpreter, a wrapper or a program that starts
    /// others can do.
    ///
    /// ## Why it matters
    ///
    /// Allowed commands run outside the sandbox, unasked, and anything may follow a prefix. To
    /// allow `python`, `bash -c`, `env`, `xargs`, `find` or `git` is to allow every program there
    /// is, with any arguments: the sandbox no longer holds anything. That is how Codex reads such a
    /// rule. codex-shell runs what the rule does not name inside, so there the rule does little.
    ///
    /// ## Example
    ///
    /// ```python
    /// prefix_rule(pattern = ["python3"], decision = "allow")
    /// prefix_rule(pattern = ["docker"], decision = "allow")
    /// ```
    ///
    /// Leave the interpreter without a rule, so that it runs inside, and allow the few
    /// subcommands that are harmless whatever follows them:
    ///
    /// ```python
    /// prefix_rule(pattern = ["docker", ["ps", "images"]], decision = "allow")
    /// ```
    "W104", "broad-allow", Some(Level::Warning), check
}

fn check(rules: &RuleSet, report: &mut Report) {
    for rule in &rules.prefix_rules {
        if rule.decision == Decision::Allow
            && let Some(reach) = reach(rule)
        {
            let message = format!(
                "allows `{}` with anything after it: {}",
                pattern_text(rule),
                reach.consequence()
            );
            let help = "delete the rule, so that it runs inside; or allow the few harmless uses";
            report.add(rule.span, message, Some(help.to_owned()));
        }
    }
}

/// What the pattern lets through, when that is everything.
fn reach(rule: &PrefixRule) -> Option<RunsBy> {
    let name = rule.program.rsplit('/').next()?;
    let reach = programs::reach(&name.to_lowercase())?;
    let open = match rule.rest.as_slice() {
        [] => true,
        [first] => first.iter().any(|word| reach.is_opened_by(word)),
        _ => false,
    };
    open.then_some(reach)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows_all(pattern: &[&str]) -> bool {
        let mut words = pattern.iter().map(|word| (*word).to_owned());
        let rule = PrefixRule {
            program: words.next().unwrap(),
            rest: words.map(|word| vec![word]).collect(),
            decision: Decision::Allow,
            justification: None,
            canonical: false,
            span: crate::rules::model::Span {
                file: 0,
                line: 1,
                column: 1,
                end_line: 1,
                end_column: 2,
            },
            examples: Vec::new(),
        };
        reach(&rule).is_some()
    }

    #[test]
    fn a_program_that_runs_anything_is_too_broad_alone() {
        for name in [
            "bash",
            "/bin/sh",
            "python3.13",
            "env",
            "xargs",
            "find",
            "git",
            "npx",
        ] {
            assert!(allows_all(&[name]), "{name}");
        }
        for name in ["ls", "cat", "date", "pythonic"] {
            assert!(!allows_all(&[name]), "{name}");
        }
    }

    #[test]
    fn what_starts_others_is_known_from_its_model() {
        let names = "bwrap cgexec chpst chroot chrt chronic command daemonize dbus-run-session doas eatmydata entr \
                     env eval exec faketime firejail flock gosu ionice lckdo ltrace nice nohup nsenter numactl \
                     parallel pkexec prlimit proot run0 setarch setpriv setsid stdbuf strace sudo systemd-run \
                     taskset time timeout tini unbuffer unshare valgrind watch xargs xvfb-run";
        for name in names.split_whitespace() {
            assert!(allows_all(&[name]), "{name}");
            assert!(allows_all(&[name, "-x"]), "{name} -x");
        }
        assert!(!allows_all(&["timeout", "5", "make"]));
    }

    #[test]
    fn the_option_that_takes_code_does_not_narrow_it() {
        assert!(allows_all(&["bash", "-lc"]));
        assert!(allows_all(&["python3", "-c"]));
        assert!(allows_all(&["node", "-e"]));
        assert!(allows_all(&["npm", "run"]));
        assert!(allows_all(&["env", "-i"]));
    }

    #[test]
    fn a_subcommand_or_a_whole_script_does() {
        assert!(!allows_all(&["git", "--version"]));
        assert!(!allows_all(&["bash", "-c", "make test"]));
        assert!(!allows_all(&["python3", "/opt/tool.py"]));
        assert!(!allows_all(&["docker", "ps"]));
    }
}
