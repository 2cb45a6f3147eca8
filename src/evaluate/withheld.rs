//! Variables that say what a command acts on, and that it would not have outside: there it would act on
//! something else than it was told to, so it does not run.

use std::ffi::OsStr;

use crate::request::Request;
use crate::rules::Decision;
use crate::rules::model::Run;

use super::command_tree::models_of;
use super::index::IndexedRules;
use super::verdict::{Basis, Placement, Verdict};

/// `verdict`, unless the command is allowed outside and would lose a variable that says what it acts on, or
/// have one that leads to what the sandbox can write.
/// A person who is asked sees which it would lose.
pub(super) fn unless_withheld(
    index: &IndexedRules,
    request: &Request,
    verdict: Verdict,
) -> Verdict {
    let Basis::Rule(rule) = verdict.basis else {
        return verdict;
    };
    let is_outside = verdict.placement == Placement::Outside;
    let has_none = request.withheld.is_empty() && request.leading.is_empty();
    if !is_outside || verdict.decision != Decision::Allow || has_none {
        return verdict;
    }
    let is_passed = |name: &OsStr| {
        verdict
            .pass_env
            .iter()
            .any(|passed| name == passed.as_str())
    };
    let models = models_of(index, request.words());
    let acts_by = |name: &OsStr| models.iter().any(|model| model.acts_by(name));
    let is_bound = |name: &OsStr| request.is_bound_by(name);
    let mut leading = request.leading.clone();
    // What the program starts has it as well.
    leading.retain(|name| is_passed(name) && index.says_what_is_acted_on(name));
    leading.sort();
    let mut variables = request.withheld.clone();
    variables.retain(|name| !is_passed(name) && !is_bound(name) && acts_by(name));
    variables.sort();
    variables.dedup();
    if variables.is_empty() && leading.is_empty() {
        return verdict;
    }
    Verdict {
        decision: Decision::Forbidden,
        placement: Placement::Inside,
        run: Run::Inside,
        profiles: Vec::new(),
        pass_env: Vec::new(),
        basis: Basis::Withheld {
            rule,
            variables,
            leading,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;

    use super::*;
    use crate::evaluate::judge;
    use crate::request::{Program, Trust, WorkingDirectory};
    use crate::rules::from_own_text;

    const RULES: &str = r#"
prefix_rule(["kubectl", "get"])
command_rule(program = "kubectl", subcommand = ["get"], args = ["secrets"], pass_env = "KUBECONFIG")
command_rule(program = "deploy", args = [rest()], pass_env = ["KUBECONFIG", "OWN"])
command_rule(program = "kubectl", subcommand = ["apply"], args = [rest()], run = "inside")
command_rule(program = "kubectl", subcommand = ["delete"], args = [rest()], decision = "prompt")
"#;

    #[test]
    fn what_leads_to_what_can_be_written_does_not_go_along() {
        let index = IndexedRules::new(from_own_text("t.rules", RULES));
        for (command, leading, refused) in [
            ("kubectl get secrets", "KUBECONFIG", true),
            ("deploy x", "KUBECONFIG", true),
            ("deploy x", "OWN", false),
            ("kubectl get pods", "OWN", false),
            ("kubectl apply x", "KUBECONFIG", false),
            ("kubectl delete x", "KUBECONFIG", false),
        ] {
            let request = request(command, "", leading);
            assert!(index.ask_for_variables(&request), "{command}");
            let verdict = judge(&index, &request).verdict;
            let is_refused = matches!(verdict.basis, Basis::Withheld { .. });
            assert_eq!(is_refused, refused, "{command} with {leading}");
        }
    }

    fn request(command: &str, withheld: &str, leading: &str) -> Request {
        let argv: Vec<OsString> = command.split(' ').map(OsString::from).collect();
        let path = Path::new("/usr/bin").join(&argv[0]);
        let program = Program {
            asked: argv[0].clone(),
            path: Some(path.clone()),
            real: Some(path),
            trust: Trust::Trusted,
        };
        let names = |text: &str| text.split_whitespace().map(OsString::from).collect();
        let mut request = Request::new(program, argv, WorkingDirectory::new("/work").unwrap());
        request.withheld = names(withheld);
        request.leading = names(leading);
        request
    }

    #[test]
    fn what_says_what_is_acted_on_must_go_along() {
        let index = IndexedRules::new(from_own_text("t.rules", RULES));
        for (command, withheld, refused) in [
            ("kubectl get pods", "", false),
            ("kubectl get pods", "EDITOR", false),
            ("kubectl get pods", "KUBECONFIG", true),
            ("kubectl get secrets", "KUBECONFIG", false),
            ("kubectl get secrets", "KUBECONFIG KUBERNETES_MASTER", true),
            ("kubectl apply x", "KUBECONFIG", false),
            ("kubectl delete x", "KUBECONFIG", false),
            ("kubectl version", "KUBECONFIG", false),
        ] {
            let plain = judge(&index, &request(command, "", "")).verdict;
            let request = request(command, withheld, "");
            let verdict = judge(&index, &request).verdict;
            let is_refused = matches!(verdict.basis, Basis::Withheld { .. });
            assert_eq!(is_refused, refused, "{command} without {withheld}");
            assert!(if refused {
                verdict.decision == Decision::Forbidden
            } else {
                verdict == plain
            });
            assert!(withheld.is_empty() || refused || index.ask_for_variables(&request));
        }
    }
}
