//! The JSON form of an explanation; [`super::explain`] documents it.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use crate::evaluate::{Basis, Placement, RuleMatch, Unexcepted, heuristic, obeyed_files, readings};
use crate::request::Program;
use crate::request::argv::{self, WordForm};
use crate::rules::model::{Diagnostic, Run, Span};
use crate::rules::{Decision, Layer, RuleSet};

use super::assumed::{AssumedOption, assumed};
use super::explain::{Explanation, trust_name, trust_reason};
use super::profile::{self, ProfileForm};
use super::reading::{self, ReadingStep};
use super::{diagnostics, source_form};

pub(super) const SCHEMA: u32 = 1;

#[derive(Serialize)]
pub(super) struct Document<'a> {
    schema: u32,
    decision: Decision,
    placement: Option<Placement>,
    why_inside: Option<String>,
    why_asked: Option<String>,
    run: Option<&'a Run>,
    profile: Option<ProfileForm<'a>>,
    without: Vec<WithoutForm>,
    basis: BasisForm<'a>,
    command: CommandForm<'a>,
    program: ProgramForm<'a>,
    variables: Option<&'static str>,
    obeys: Vec<String>,
    reading: Vec<ReadingStep>,
    matches: Vec<MatchForm<'a>>,
    on_trial: Vec<MatchForm<'a>>,
    discounted: Vec<DiscountedForm<'a>>,
    near_misses: Vec<NearMissForm<'a>>,
    other_rules: usize,
    heuristic: Option<HeuristicForm<'a>>,
    set_aside: Option<SetAsideForm<'a>>,
    errors: Vec<ErrorForm<'a>>,
}

impl Document<'_> {
    /// For a part of a larger document, which says them once.
    pub(super) fn without_errors(mut self) -> Self {
        self.errors.clear();
        self.set_aside = None;
        self
    }
}

/// Rules of a project that don't count.
#[derive(Serialize)]
pub(super) struct SetAsideForm<'a> {
    project: &'a str,
    why: &'static str,
    text: String,
}

pub(super) fn set_aside(rules: &RuleSet) -> Option<SetAsideForm<'_>> {
    rules.set_aside.as_ref().map(|aside| SetAsideForm {
        project: &aside.project,
        why: aside.reason.as_str(),
        text: aside.to_string(),
    })
}

#[derive(Serialize)]
struct BasisForm<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<RuleForm<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<RuleForm<'a>>,
}

#[derive(Serialize)]
struct CommandForm<'a> {
    text: String,
    argv: Vec<WordForm<'a>>,
}

#[derive(Serialize)]
struct ProgramForm<'a> {
    asked: WordForm<'a>,
    path: Option<WordForm<'a>>,
    real: Option<WordForm<'a>>,
    trust: &'static str,
    trust_reason: String,
}

#[derive(Serialize)]
struct MatchForm<'a> {
    rule: RuleForm<'a>,
    matched: Vec<WordForm<'a>>,
    resolved_program: Option<WordForm<'a>>,
    inner: Option<Vec<WordForm<'a>>>,
    unless: Vec<UnlessForm<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    assumed: Vec<AssumedForm<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    presumed: bool,
}

#[derive(Serialize)]
struct AssumedForm<'a> {
    option: &'a str,
    value: Option<String>,
}

#[derive(Serialize)]
struct UnlessForm<'a> {
    case: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct DiscountedForm<'a> {
    rule: RuleForm<'a>,
    reason: &'a str,
}

#[derive(Serialize)]
struct WithoutForm {
    name: String,
    part: Option<String>,
    reason: String,
}

#[derive(Serialize)]
struct NearMissForm<'a> {
    rule: RuleForm<'a>,
    token: usize,
    wanted: &'a [String],
    had: Option<WordForm<'a>>,
    condition: Option<&'static str>,
}

#[derive(Serialize)]
struct HeuristicForm<'a> {
    code: &'static str,
    name: &'static str,
    reason: &'a str,
}

#[derive(Serialize)]
pub(super) struct ErrorForm<'a> {
    file: &'a str,
    line: Option<u32>,
    column: Option<u32>,
    code: &'a str,
    message: &'a str,
    help: Option<&'a str>,
}

#[derive(Serialize)]
struct RuleForm<'a> {
    file: &'a str,
    layer: Layer,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
    decision: Decision,
    justification: Option<&'a str>,
    source: String,
}

impl Explanation<'_> {
    /// For programs: the document that [`super::explain`] describes, with a final newline.
    ///
    /// Fails only if the document can't be written as JSON.
    pub fn json(&self) -> serde_json::Result<String> {
        line(&document(self))
    }
}

/// `document` on one line, safe on a terminal.
pub(super) fn line<T: Serialize>(document: &T) -> serde_json::Result<String> {
    let mut json = serde_json::to_string(document)?;
    if !json.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        json = safe(&json);
    }
    json.push('\n');
    Ok(json)
}

pub(super) fn document<'a>(explanation: &Explanation<'a>) -> Document<'a> {
    let rules = explanation.rules.rules();
    let verdict = &explanation.judgement.verdict;
    let request = explanation.request;
    let disposition = explanation.disposition();
    let placed = disposition.placed();
    let readings = readings(explanation.rules, request);
    Document {
        schema: SCHEMA,
        decision: disposition.decision(),
        placement: placed.map(|placed| placed.place.placement()),
        why_inside: placed.and_then(|placed| placed.why_inside.clone()),
        why_asked: explanation.why_asked(),
        run: (verdict.decision != Decision::Forbidden).then_some(&verdict.run),
        profile: profile::form(explanation),
        without: without(explanation),
        basis: basis(rules, &verdict.basis),
        command: CommandForm {
            text: argv::text(&request.argv),
            argv: WordForm::all(&request.argv),
        },
        program: program(&request.program),
        variables: variables(explanation),
        obeys: obeyed_files(
            explanation.rules,
            request,
            explanation.tree,
            explanation.node,
        ),
        reading: reading::account(explanation, readings.first()),
        matches: matches(explanation, &explanation.judgement.trace.matches),
        on_trial: matches(explanation, &explanation.judgement.trace.on_trial),
        discounted: discounted(explanation),
        near_misses: near_misses(explanation),
        other_rules: explanation.near_misses.others.len(),
        heuristic: heuristic_of(&verdict.basis),
        set_aside: set_aside(rules),
        errors: errors(rules),
    }
}

/// The same document with everything that a terminal might act on written as an escape. Outside
/// strings, JSON has no such characters.
pub(super) fn safe(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        if argv::is_visible(c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a String can't fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

fn basis<'a>(rules: &'a RuleSet, basis: &Basis) -> BasisForm<'a> {
    let kind = match basis {
        Basis::Rule(_) => "rule",
        Basis::Withheld { .. } => "withheld",
        Basis::Default(_) => "default",
        Basis::Heuristic { .. } => "heuristic",
        Basis::BrokenRules => "broken_rules",
        Basis::Unmatched => "unmatched",
    };
    let rule = match basis {
        Basis::Rule(index) | Basis::Withheld { rule: index, .. } => rule(rules, *index),
        _ => None,
    };
    let default = match basis {
        Basis::Default(index) => default(rules, *index),
        _ => None,
    };
    BasisForm {
        kind,
        rule,
        default,
    }
}

fn program(program: &Program) -> ProgramForm<'_> {
    ProgramForm {
        asked: WordForm::of(&program.asked),
        path: path_form(program.path.as_deref()),
        real: path_form(program.real.as_deref()),
        trust: trust_name(&program.trust),
        trust_reason: trust_reason(program),
    }
}

fn variables(explanation: &Explanation<'_>) -> Option<&'static str> {
    let Explanation { rules, request, .. } = explanation;
    let known = request.environment.is_some();
    let said = if known { "known" } else { "unknown" };
    rules
        .have_conditions_on_variables_of(request)
        .then_some(said)
}

fn path_form(path: Option<&Path>) -> Option<WordForm<'_>> {
    path.map(|path| WordForm::of(path.as_os_str()))
}

fn matches<'a>(explanation: &Explanation<'a>, found: &'a [RuleMatch]) -> Vec<MatchForm<'a>> {
    found
        .iter()
        .filter_map(|found| {
            Some(MatchForm {
                rule: rule(explanation.rules.rules(), found.rule)?,
                matched: WordForm::all(&found.matched),
                resolved_program: found.resolved_program.as_deref().map(WordForm::of),
                inner: found.inner.as_deref().map(WordForm::all),
                unless: unless(explanation, found.rule),
                assumed: assumed(explanation, found)
                    .into_iter()
                    .map(|AssumedOption { name, value }| AssumedForm {
                        option: name,
                        value,
                    })
                    .collect(),
                presumed: found.presumed,
            })
        })
        .collect()
}

fn unless<'a>(explanation: &Explanation<'a>, rule: usize) -> Vec<UnlessForm<'a>> {
    let all = explanation.near_misses.unexcepted.iter();
    let here = all.filter(|it| it.rule == rule);
    let form = |it: &'a Unexcepted| UnlessForm {
        case: &it.case,
        reason: &it.why,
    };
    here.map(form).collect()
}

fn discounted<'a>(explanation: &Explanation<'a>) -> Vec<DiscountedForm<'a>> {
    let found = explanation.judgement.trace.discounted.iter();
    found
        .filter_map(|(index, reason)| {
            Some(DiscountedForm {
                rule: rule(explanation.rules.rules(), *index)?,
                reason,
            })
        })
        .collect()
}

fn without(explanation: &Explanation<'_>) -> Vec<WithoutForm> {
    let forms = explanation.lacking().into_iter().flat_map(|lacking| {
        let variables = lacking.variables.into_iter();
        let why = lacking.why;
        variables.map(move |(name, part)| WithoutForm {
            name: argv::word(&name),
            part: part.as_deref().map(argv::word),
            reason: why.clone(),
        })
    });
    forms.collect()
}

fn near_misses<'a>(explanation: &Explanation<'a>) -> Vec<NearMissForm<'a>> {
    let found = explanation.near_misses.nearest.iter();
    found
        .filter_map(|miss| {
            Some(NearMissForm {
                rule: rule(explanation.rules.rules(), miss.rule)?,
                token: miss.token,
                wanted: &miss.wanted,
                had: miss.had.as_deref().map(WordForm::of),
                condition: miss.condition,
            })
        })
        .collect()
}

fn heuristic_of(basis: &Basis) -> Option<HeuristicForm<'_>> {
    let Basis::Heuristic { code, reason } = basis else {
        return None;
    };
    Some(HeuristicForm {
        code,
        name: heuristic::name_of(code),
        reason,
    })
}

/// What is wrong with the rules' files.
pub(super) fn errors(rules: &RuleSet) -> Vec<ErrorForm<'_>> {
    diagnostics::errors(rules)
        .map(|error| error_form(rules, error))
        .collect()
}

fn error_form<'a>(rules: &'a RuleSet, error: &'a Diagnostic) -> ErrorForm<'a> {
    ErrorForm {
        file: source_form::file_name(rules, error.file),
        line: error.span.map(|span| span.line),
        column: error.span.map(|span| span.column),
        code: &error.code,
        message: &error.message,
        help: error.help.as_deref(),
    }
}

fn rule(rules: &RuleSet, index: usize) -> Option<RuleForm<'_>> {
    let rule = rules.rule(index)?;
    Some(RuleForm {
        justification: rule.justification,
        source: source_form::of(rules, index),
        ..call(rules, rule.span, rule.decision)
    })
}

fn default(rules: &RuleSet, index: usize) -> Option<RuleForm<'_>> {
    let rule = rules.defaults.get(index)?;
    Some(RuleForm {
        justification: rule.justification.as_deref(),
        ..call(rules, rule.span, rule.decision)
    })
}

fn call(rules: &RuleSet, span: Span, decision: Decision) -> RuleForm<'_> {
    RuleForm {
        file: source_form::file_name(rules, span.file),
        layer: rules.layer(span.file),
        line: span.line,
        column: span.column,
        end_line: span.end_line,
        end_column: span.end_column,
        decision,
        justification: None,
        source: source_form::written(rules, span).unwrap_or_default(),
    }
}
