//! What the calls of one file register, while it is evaluated and until its examples are run.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::Value as Json;
use starlark::codemap::{CodeMap, FileSpan, Span as Bytes};

use super::arguments::{ArgumentProblem, RuleCall};
use super::codes;
use super::command_examples::CommandExamples;
use super::command_rule;
use super::conditions::Tilde;
use super::default_rule;
use super::example_places::{CallPlaces, ExamplePlaces};
use super::examples::{CallExamples, Example, Examples};
use super::host_executable;
use super::lexical::Whereabouts;
use super::model::{Diagnostic, PrefixRule, ProgramModel, RuleExample, Span};
use super::network_rule;
use super::prefix_rule::{self, ParsedPrefixRule};
use super::program_model;
use super::values;
use super::wire::{Contribution, KnownNames};

/// A file with more errors than this has one cause too many to list.
const MAX_DIAGNOSTICS: usize = 100;

/// Collects what one file says. Interior mutability, as the interpreter hands out shared
/// references only.
#[derive(Debug)]
pub(super) struct Recorder {
    file: u32,
    places: ExamplePlaces,
    home: Option<String>,
    state: RefCell<RecorderState>,
}

thread_local! {
    /// The recorder of the evaluation that runs on this thread. Starlark has a slot for such a
    /// thing, which asks for an unsafe trait.
    static CURRENT: RefCell<Option<Rc<Recorder>>> = const { RefCell::new(None) };
}

/// The recorder of the evaluation that runs on this thread, if one does.
pub(super) fn current() -> Option<Rc<Recorder>> {
    CURRENT.with_borrow(Clone::clone)
}

#[derive(Debug, Default)]
struct RecorderState {
    said: Contribution,
    examples: Vec<CallExamples>,
    command_examples: Vec<CommandExamples>,
    /// A `host_executable` failed, so examples can't be trusted to fail rightly.
    hosts_incomplete: bool,
}

impl Recorder {
    pub(super) fn new(file: u32, places: ExamplePlaces, home: Option<&str>) -> Self {
        Self {
            file,
            places,
            home: home.map(str::to_owned),
            state: RefCell::default(),
        }
    }

    /// Runs `evaluate` with this recorder as the thread's current one.
    pub(super) fn during<T>(self: &Rc<Self>, evaluate: impl FnOnce() -> T) -> T {
        CURRENT.set(Some(Rc::clone(self)));
        let result = evaluate();
        CURRENT.set(None);
        result
    }

    /// A function of ours was called: what it says, for the call that it is an argument of.
    pub(super) fn called(&self, name: &'static str, call: RuleCall<'_>) -> Option<Json> {
        match name {
            "prefix_rule" => self.prefix_rule(call),
            "host_executable" => self.host_executable(call),
            "network_rule" => self.network_rule(call),
            "command_rule" => self.command_rule(call),
            "default" => self.default_rule(call),
            "program" => self.program(call),
            "command" => return self.command(call),
            "inner" => return self.inner(call),
            _ => return self.value(name, call),
        }
        None
    }

    /// `prefix_rule` was called.
    fn prefix_rule(&self, call: RuleCall<'_>) {
        let (mut arguments, at) = call.bind(&prefix_rule::SIGNATURE);
        let span = self.span_of(at.as_ref());
        let parsed = prefix_rule::parse(&mut arguments, span);
        self.complain(span, arguments.problems);
        if let Some(parsed) = parsed {
            self.register(at.as_ref(), span, parsed);
        }
    }

    /// `host_executable` was called.
    fn host_executable(&self, call: RuleCall<'_>) {
        let (mut arguments, at) = call.bind(&host_executable::SIGNATURE);
        let span = self.span_of(at.as_ref());
        let parsed = host_executable::parse(&mut arguments, span);
        self.complain(span, arguments.problems);
        let mut state = self.state.borrow_mut();
        state.hosts_incomplete |= parsed.is_none();
        state.said.host_executables.extend(parsed);
    }

    /// `network_rule` was called.
    fn network_rule(&self, call: RuleCall<'_>) {
        let (mut arguments, at) = call.bind(&network_rule::SIGNATURE);
        let span = self.span_of(at.as_ref());
        let parsed = network_rule::parse(&mut arguments, span);
        self.complain(span, arguments.problems);
        self.state.borrow_mut().said.network_rules.extend(parsed);
    }

    /// `command_rule` was called.
    fn command_rule(&self, call: RuleCall<'_>) {
        let (mut arguments, at) = call.bind(&command_rule::SIGNATURE);
        let span = self.span_of(at.as_ref());
        let parsed = command_rule::parse(&mut arguments, span, Tilde(self.home.as_deref()));
        self.complain(span, arguments.problems);
        let Some(parsed) = parsed else { return };
        let examples = self.pointed(at.as_ref(), span, parsed.matching, parsed.not_matching);
        let mut state = self.state.borrow_mut();
        let rule = state.said.command_rules.len();
        state.said.command_rules.push(parsed.rule);
        state
            .command_examples
            .push(CommandExamples { rule, examples });
    }

    /// A function was called whose result is an argument: what it says, under its name.
    fn value(&self, name: &'static str, call: RuleCall<'_>) -> Option<Json> {
        let at = call.at.clone();
        let (said, problems) = values::said(name, call, Tilde(self.home.as_deref()));
        self.complain(self.span_of(at.as_ref()), problems);
        Some(serde_json::json!({ name: said? }))
    }

    /// `program` was called.
    fn program(&self, call: RuleCall<'_>) {
        let (mut arguments, at) = call.bind(&program_model::PROGRAM);
        let span = self.span_of(at.as_ref());
        let parsed = program_model::parse(&mut arguments);
        self.complain(span, arguments.problems);
        let parsed = parsed.map(|model| ProgramModel { model, span });
        self.state.borrow_mut().said.programs.extend(parsed);
    }

    /// `command` was called: what it says, for the call that it is an argument of.
    fn command(&self, call: RuleCall<'_>) -> Option<Json> {
        let (mut arguments, at) = call.bind(&program_model::COMMAND);
        let parsed = program_model::parse(&mut arguments);
        self.complain(self.span_of(at.as_ref()), arguments.problems);
        serde_json::to_value(parsed?).ok()
    }

    /// `inner` was called: what it says, for the call that it is an argument of.
    fn inner(&self, call: RuleCall<'_>) -> Option<Json> {
        let (mut arguments, at) = call.bind(&program_model::INNER);
        let parsed = program_model::parse_inner(&mut arguments);
        self.complain(self.span_of(at.as_ref()), arguments.problems);
        serde_json::to_value(parsed?).ok()
    }

    /// `default` was called.
    fn default_rule(&self, call: RuleCall<'_>) {
        let (mut arguments, at) = call.bind(&default_rule::SIGNATURE);
        let span = self.span_of(at.as_ref());
        let parsed = default_rule::parse(&mut arguments, span);
        self.complain(span, arguments.problems);
        self.state.borrow_mut().said.defaults.extend(parsed);
    }

    fn register(&self, call: Option<&FileSpan>, span: Span, parsed: ParsedPrefixRule) {
        let examples = self.pointed(call, span, parsed.matching, parsed.not_matching);
        let mut state = self.state.borrow_mut();
        let first_rule = state.said.prefix_rules.len();
        let said: Vec<RuleExample> = examples.said().collect();
        let rules = parsed.rules.into_iter().map(|rule| PrefixRule {
            examples: said.clone(),
            ..rule
        });
        state.said.prefix_rules.extend(rules);
        if examples.is_empty() {
            return;
        }
        let end_rule = state.said.prefix_rules.len();
        state.examples.push(CallExamples {
            first_rule,
            end_rule,
            examples,
        });
    }

    /// The examples of a call, each with its place.
    fn pointed(
        &self,
        call: Option<&FileSpan>,
        span: Span,
        matching: Vec<Example>,
        not_matching: Vec<Example>,
    ) -> Examples {
        let known = call.and_then(|call| Some((call, self.places.of_call(call.span)?)));
        let point = |examples: Vec<Example>, list: fn(&CallPlaces) -> &[Bytes]| {
            let spans = known.map(|(call, places)| (&call.file, list(places)));
            self.point_at(examples, spans, span)
        };
        Examples {
            matching: point(matching, |places| &places.matching),
            not_matching: point(not_matching, |places| &places.not_matching),
        }
    }

    /// Each example with its own place; with its call's where the list was put together elsewhere.
    fn point_at(
        &self,
        examples: Vec<Example>,
        spans: Option<(&CodeMap, &[Bytes])>,
        call: Span,
    ) -> Vec<(Example, Span)> {
        let spans = spans.filter(|(_, spans)| spans.len() == examples.len());
        let place = |index: usize| {
            let (text, spans) = spans?;
            Some(resolve(self.file, text, *spans.get(index)?))
        };
        let examples = examples.into_iter().enumerate();
        examples
            .map(|(index, example)| (example, place(index).unwrap_or(call)))
            .collect()
    }

    fn span_of(&self, call: Option<&FileSpan>) -> Span {
        call.map_or_else(
            || start_of(self.file),
            |call| resolve(self.file, &call.file, call.span),
        )
    }

    fn complain(&self, span: Span, problems: Vec<ArgumentProblem>) {
        let found = problems.into_iter().map(|problem| Diagnostic {
            help: problem.help,
            ..codes::at(span, problem.code, &problem.message)
        });
        self.add(found);
    }

    /// Adds diagnostics up to the limit, and none that was made before: a call in a loop.
    pub(super) fn add(&self, found: impl IntoIterator<Item = Diagnostic>) {
        let known = &mut self.state.borrow_mut().said.diagnostics;
        for diagnostic in found {
            if known.len() < MAX_DIAGNOSTICS && !known.contains(&diagnostic) {
                known.push(diagnostic);
            }
        }
    }

    /// Runs every call's examples against that call's rules, with the `host_executable` entries
    /// of this file and of those before it.
    pub(super) fn run_examples(&self, known: &KnownNames, places: Whereabouts<'_>) {
        let mut failures = Vec::new();
        {
            let state = self.state.borrow();
            if state.hosts_incomplete {
                return;
            }
            let programs: Vec<_> = state.said.programs.iter().chain(&known.programs).collect();
            for call in &state.command_examples {
                call.run(&state.said.command_rules, &programs, places, &mut failures);
            }
            let hosts: Vec<_> = known
                .host_executables
                .iter()
                .chain(&state.said.host_executables)
                .cloned()
                .collect();
            for call in &state.examples {
                call.run(&state.said.prefix_rules, &hosts, places, &mut failures);
            }
        }
        self.add(failures);
    }

    pub(super) fn take(&self) -> Contribution {
        Contribution {
            file: self.file,
            ..self.state.take().said
        }
    }
}

/// The place of `bytes` in `text`, counted as people count.
pub(super) fn resolve(file: u32, text: &CodeMap, bytes: Bytes) -> Span {
    let span = text.resolve_span(bytes);
    let from_one = |number: usize| u32::try_from(number.saturating_add(1)).unwrap_or(u32::MAX);
    Span {
        file,
        line: from_one(span.begin.line),
        column: from_one(span.begin.column),
        end_line: from_one(span.end.line),
        end_column: from_one(span.end.column),
    }
}

/// The very start of a file, for what can't be placed better.
pub(super) fn start_of(file: u32) -> Span {
    Span {
        file,
        line: 1,
        column: 1,
        end_line: 1,
        end_column: 1,
    }
}
