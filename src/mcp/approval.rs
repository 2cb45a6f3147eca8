//! Asks a person by elicitation: the form, what the answer means, and a rule for "always".

use serde_json::{Value, json};

use super::channel::ClientQuestion;
use super::markdown::span;
use crate::approve::Answer;
use crate::approve::text::Text;
use crate::request::argv;

/// The longest text of a client or an agent that is shown or passed on, in characters.
const TEXT_LIMIT: usize = 500;

/// What a person decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ApprovalDecision {
    /// Yes, this once.
    Once,
    /// Yes, and the same request again until the server ends.
    Session,
    /// Yes, and a rule is to say so from now on.
    Always,
    /// No, and why.
    No(String),
    /// Nothing that could be understood, and what it was instead.
    Senseless(String),
}

/// A decision and the reason that came with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApprovalReply {
    /// The decision.
    pub(super) decision: ApprovalDecision,
    /// The person's words.
    pub(super) reason: Option<String>,
}

impl ApprovalReply {
    /// No, for `why`.
    pub(super) fn no(why: impl Into<String>) -> Self {
        Self {
            decision: ApprovalDecision::No(why.into()),
            reason: None,
        }
    }

    /// The same, unless it is an answer that was not offered.
    pub(super) fn among(mut self, asked: &ClientQuestion) -> Self {
        if self.decision == ApprovalDecision::Session && asked.text.no_session.is_some() {
            self.decision = ApprovalDecision::Senseless(
                "the client answered what the form does not offer".into(),
            );
        }
        self
    }

    /// The answer to the supervisor.
    pub(super) fn reply(&self) -> Answer {
        match &self.decision {
            ApprovalDecision::Once | ApprovalDecision::Session | ApprovalDecision::Always => {
                Answer::Yes
            }
            ApprovalDecision::No(why) => Answer::No(match &self.reason {
                Some(reason) => format!("{why}: {reason}"),
                None => why.clone(),
            }),
            ApprovalDecision::Senseless(what) => Answer::Senseless(what.clone()),
        }
    }
}

/// How forms have to look for a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// As the protocol has it.
    Plain,
    /// One choice and nothing else. In Codex's terminal a form with a field for text is not sent by
    /// Enter; one without fields is a question of its own there, which it may answer by itself.
    Choice,
}

impl Manner {
    /// That for the client that calls itself so.
    pub(super) fn of(client: Option<&str>) -> Self {
        if client == Some("codex-mcp-client") {
            Self::Choice
        } else {
            Self::Plain
        }
    }
}

/// The question as the parameters of `elicitation/create`. `purpose` is what the agent says it is
/// for; `always` adds the choice to write a rule.
pub(super) fn form(
    asked: &ClientQuestion,
    purpose: Option<&str>,
    always: bool,
    manner: Manner,
) -> Value {
    let mut choices = vec![("once", "Yes, once")];
    if asked.text.no_session.is_none() {
        choices.push(("session", "Yes, for this session"));
    }
    if always {
        choices.push(("always", "Yes, always (shows the rule first)"));
    }
    choices.push(("no", "No"));
    let mut form = choice_form(&question(&asked.text, purpose), &choices);
    let fields = form.pointer_mut("/requestedSchema/properties");
    if let (Some(fields), Manner::Plain) = (fields.and_then(Value::as_object_mut), manner) {
        let reason = json!({
            "type": "string",
            "title": "Reason",
            "description": "Optional; the agent reads it",
            // Clients that fill in what is left out would put null here, which is no text.
            "default": "",
        });
        fields.insert("reason".into(), reason);
    }
    form
}

/// The first choice is what counts where none is made.
fn choice_form(message: &str, choices: &[(&str, &str)]) -> Value {
    let first = choices.first().map(|(name, _)| name);
    let choices = choices.iter();
    let choices = choices.map(|(name, title)| json!({ "const": name, "title": title }));
    let choices: Vec<Value> = choices.collect();
    json!({
        "mode": "form",
        "message": message,
        "requestedSchema": {
            "type": "object",
            "properties": {
                "decision": {
                    "type": "string",
                    "title": "Decision",
                    "oneOf": choices,
                    "default": first,
                },
            },
        },
    })
}

/// The question in prose. Everything in it that is not ours stands in code spans: neither who asks nor
/// what the command is made of can say anything in our name.
fn question(text: &Text, purpose: Option<&str>) -> String {
    let Text {
        command,
        program,
        called,
        directory,
        runs,
        why_inside,
        profile,
        because,
        justification,
        dropped_variables,
        passed_variables,
        leads,
        input,
        no_session,
        ..
    } = text;
    let place = match profile {
        // Its name is in the words.
        Some(_) => span(runs),
        None => runs.clone(),
    };
    let kept = why_inside.as_ref();
    let kept = kept.map_or_else(String::new, |why| format!(" because {}", span(why)));
    let mut sentences = vec![
        format!(
            "Allow agent to run {} in {}?",
            span(command),
            span(directory)
        ),
        format!("Program: {}, {place}{kept}.", span(program)),
    ];
    let called = called.iter();
    sentences.extend(called.map(|name| format!("It is called {}.", span(name))));
    let leads = leads.iter().map(|lead| format!("A link: {}.", span(lead)));
    sentences.extend(leads);
    let input = input.iter();
    sentences.extend(input.map(|file| format!("Its input: {}.", span(file))));
    if !passed_variables.is_empty() {
        let passed = span(&passed_variables.join(", "));
        sentences.push(format!("It would get, as it is inside: {passed}."));
    }
    if !dropped_variables.is_empty() {
        let names = span(&dropped_variables.join(", "));
        let dropped = format!("It would not get these variables, as they are inside: {names}.");
        sentences.push(dropped);
    }
    let because = match justification {
        Some(why) => format!("{because}: {}", why.trim_end_matches('.')),
        None => because.clone(),
    };
    sentences.push(format!("Asked by {}.", span(&because)));
    let only_once = no_session.as_ref();
    sentences.extend(only_once.map(|why| format!("A yes is for once: {}.", span(why))));
    let said = purpose.map(|text| format!("The agent says: {}.", span(&printable(text))));
    sentences.extend(said);
    sentences.join(" ")
}

/// Asks whether `rule` is to be appended to `file`.
pub(super) fn rule_form(rule: &str, file: &str, manner: Manner) -> Value {
    let message = format!(
        "Append this rule to {}? {} It allows exactly this command and whatever follows it, \
         anywhere, outside the sandbox and without asking.",
        span(file),
        span(rule)
    );
    match manner {
        Manner::Choice => choice_form(&message, &[("once", "Yes"), ("no", "No")]),
        Manner::Plain => json!({
            "mode": "form",
            "message": message,
            "requestedSchema": { "type": "object", "properties": {} },
        }),
    }
}

/// Whether the answer to a [`rule_form`] is a yes.
pub(super) fn confirms(answer: &Value, manner: Manner) -> bool {
    match manner {
        Manner::Choice => understand(answer, manner).reply() == Answer::Yes,
        Manner::Plain => answer.get("action").and_then(Value::as_str) == Some("accept"),
    }
}

/// What the client's answer says. By the protocol, who accepts agrees, and what is left out is the form's
/// default: yes, once. Codex may accept by itself what has nothing to fill in, so there a yes has the
/// decision. What nobody decided is neither a yes nor a person's no.
pub(super) fn understand(answer: &Value, manner: Manner) -> ApprovalReply {
    let content = answer.get("content");
    let field = |name| content.and_then(|c| c.get(name)).and_then(Value::as_str);
    let action = answer.get("action").and_then(Value::as_str);
    // What is left out may come as null.
    let is_text = |value: &Value| value.is_string() || value.is_null();
    let reason = content.and_then(|content| content.get("reason"));
    let decision = match (action, field("decision")) {
        (Some("accept"), _) if !reason.is_none_or(is_text) => ApprovalDecision::Senseless(format!(
            "the reason in the client's answer is not text: {}",
            printable(&answer.to_string())
        )),
        (Some("accept"), Some("once")) => ApprovalDecision::Once,
        (Some("accept"), Some("session")) => ApprovalDecision::Session,
        (Some("accept"), Some("always")) => ApprovalDecision::Always,
        // Who says no there chooses it, and who leaves the form cancels it.
        (Some("decline"), _) if manner == Manner::Choice => ApprovalDecision::Senseless(
            "the client declined by itself, without asking anybody; Codex does so under the \
             approval policy `never`"
                .into(),
        ),
        (Some("accept"), Some("no")) | (Some("decline"), _) => {
            ApprovalDecision::No("declined".into())
        }
        (Some("cancel"), _) => ApprovalDecision::No("cancelled".into()),
        (Some("accept"), None) if content.is_none_or(has_no_decision) => match manner {
            Manner::Plain => ApprovalDecision::Once,
            Manner::Choice => ApprovalDecision::Senseless(
                "the client accepted the form without the decision that it asks for".into(),
            ),
        },
        _ => ApprovalDecision::Senseless(format!(
            "the client's answer is invalid: {}",
            printable(&answer.to_string())
        )),
    };
    let reason = field("reason")
        .map(str::trim)
        .filter(|text| !text.is_empty());
    ApprovalReply {
        decision,
        reason: reason.map(printable),
    }
}

fn has_no_decision(content: &Value) -> bool {
    let content = content.as_object();
    content.is_some_and(|fields| !fields.contains_key("decision"))
}

/// On one line, with nothing to upset a terminal, and bounded.
pub(super) fn printable(text: &str) -> String {
    argv::line(text, TEXT_LIMIT)
}

/// The rule that allows exactly these words, as a line of a rules file.
pub(super) fn rule(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| argv::quoted(word)).collect();
    format!(
        "prefix_rule(pattern=[{}], decision=\"allow\")",
        words.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::markdown::tests::{hostile, read};
    use super::*;
    use crate::evaluate::Placement;

    #[test]
    fn only_a_clear_yes_is_one() {
        let decision = |answer: Value| understand(&answer, Manner::Plain).decision;
        let choose = |d: &str| json!({"action": "accept", "content": {"decision": d}});
        assert_eq!(decision(choose("once")), ApprovalDecision::Once);
        assert_eq!(decision(choose("session")), ApprovalDecision::Session);
        assert_eq!(decision(choose("always")), ApprovalDecision::Always);
        for answer in [
            choose("no"),
            json!({"action": "decline"}),
            json!({"action": "cancel", "content": {"decision": "once"}}),
        ] {
            let decision = decision(answer.clone());
            assert!(matches!(decision, ApprovalDecision::No(_)), "{answer}");
        }
        for answer in [
            json!({"action": "accept"}),
            json!({"action": "accept", "content": {}}),
            json!({"action": "accept", "content": {"reason": "no"}}),
            json!({"action": "accept", "content": {"reason": null}}),
        ] {
            assert_eq!(decision(answer.clone()), ApprovalDecision::Once, "{answer}");
            let codex = understand(&answer, Manner::Choice).decision;
            assert!(matches!(codex, ApprovalDecision::Senseless(_)), "{answer}");
        }
        for answer in [
            choose("yes"),
            json!({"action": "accept", "content": null}),
            json!({"action": "accept", "content": {"decision": null, "reason": "once"}}),
            json!({"content": {"decision": "once"}}),
            json!({"action": "maybe"}),
            json!({"action": "ACCEPT"}),
            json!({"action": ["accept"]}),
            json!({"action": "accept", "content": {"decision": true}}),
            json!({"action": "accept", "content": "once"}),
            json!({"action": "accept", "content": {"decision": "once", "reason": true}}),
            json!({"action": "accept", "content": {"decision": "session", "reason": 1}}),
            json!({"action": "accept", "content": {"decision": "once", "reason": ["x"]}}),
            json!({"action": "accept", "content": {"reason": {}}}),
            json!({}),
            json!([]),
            Value::Null,
        ] {
            let decision = decision(answer.clone());
            assert!(
                matches!(decision, ApprovalDecision::Senseless(_)),
                "{answer}"
            );
        }
    }

    #[test]
    fn codex_says_no_by_a_choice() {
        let said = |answer: Value| understand(&answer, Manner::Choice).decision;
        let no = json!({"action": "accept", "content": {"decision": "no"}});
        assert_eq!(said(no), ApprovalDecision::No("declined".into()));
        assert!(matches!(
            said(json!({"action": "decline"})),
            ApprovalDecision::Senseless(_)
        ));
        assert!(matches!(
            said(json!({"action": "accept"})),
            ApprovalDecision::Senseless(_)
        ));
        assert!(!confirms(&json!({"action": "accept"}), Manner::Choice));
        assert!(confirms(&json!({"action": "accept"}), Manner::Plain));
        assert_eq!(Manner::of(Some("codex-mcp-client")), Manner::Choice);
        assert_eq!(Manner::of(Some("codex")), Manner::Plain);
    }

    #[test]
    fn a_reason_is_tamed() {
        let answer = json!({"action": "decline", "content": {"reason": " not\nnow\u{1b}[2K "}});
        let said = understand(&answer, Manner::Plain);
        assert_eq!(said.reply(), Answer::No(r"declined: not now\e[2K".into()));
        assert!(printable(&"x".repeat(10_000)).len() < 600);
    }

    #[test]
    fn a_rule_quotes_its_words() {
        let words = ["rm", "-r", "a \"b\" \\ \u{202e}é\n"].map(String::from);
        assert_eq!(
            rule(&words),
            r#"prefix_rule(pattern=["rm", "-r", "a \"b\" \\ \U0000202eé\U0000000a"], decision="allow")"#
        );
    }

    proptest! {
        /// In our own name only we speak.
        #[test]
        fn a_question_keeps_others_words_in_code_spans(
            words in prop::collection::vec(hostile(), 11),
            purpose in prop::option::of(hostile()),
        ) {
            let plain = |text: &String| argv::visible(text);
            let [command, program, called, directory, why, profile, because, reason, name, input, once] =
                <[String; 11]>::try_from(words).unwrap();
            let text = Text {
                passed_variables: Vec::new(),
                leads: Vec::new(),
                input: Some(input),
                command: plain(&command),
                program: plain(&program),
                called: Some(called),
                directory: plain(&directory),
                placement: Placement::Outside,
                runs: format!("outside the sandbox, in a separate one ({profile})"),
                why_inside: Some(why),
                profile: Some(profile),
                because,
                justification: Some(reason),
                dropped_variables: vec![name],
                no_session: Some(once),
            };
            let (ours, _) = read(&question(&text, purpose.as_deref()));
            let ours = ours.replace("(nothing)", "@");
            let says = if purpose.is_some() { " The agent says: @." } else { "" };
            prop_assert_eq!(
                ours,
                format!(
                    "Allow agent to run @ in @? Program: @, @ because @. It is called @. Its input: @. It would not get \
                     these variables, as they are inside: @. Asked by @. A yes is for once: @.{says}"
                )
            );
            let form = rule_form(&command, &directory, Manner::Plain);
            let (ours, _) = read(form["message"].as_str().unwrap());
            prop_assert!(ours.replace("(nothing)", "@").starts_with("Append this rule to @? @ It"));
        }
    }
}
