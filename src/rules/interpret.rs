//! One file's text, evaluated: in the child when it comes from outside, see [`super::loader`].

use std::rc::Rc;

use starlark::codemap::{CodeMap, Pos, Span};
use starlark::environment::Module;
use starlark::eval::Evaluator;
use starlark::syntax::AstModule;
use starlark::{Error, ErrorKind};

use crate::models;

use super::codes;
use super::example_places::ExamplePlaces;
use super::fstring;
use super::language::{DIALECT, Language};
use super::lexical::Whereabouts;
use super::literal;
use super::model::Diagnostic;
use super::nesting;
use super::recorder::{Recorder, resolve, start_of};
use super::wire::{Contribution, KnownNames, SourceText};

/// Steps of the interpreter for one file: about a second's worth where it is compiled with
/// optimisation, while a thousand rules take some tens of thousands.
const MAX_TICKS: u64 = 120_000_000;
/// Bytes of Starlark values for one file.
const MAX_HEAP: usize = 128 << 20;

/// What `source` says. `known` is what files before it declare.
pub(super) fn interpret(
    language: &Language,
    source: &SourceText,
    known: &KnownNames,
    places: Whereabouts<'_>,
) -> Contribution {
    let failed = |diagnostic| Contribution {
        file: source.file,
        diagnostics: vec![diagnostic],
        ..Contribution::default()
    };
    if let Some(at) = nesting::too_deep_at(&source.text) {
        return failed(nested_too_deep(source, at));
    }
    let module = match AstModule::parse(&source.name, source.text.clone(), &DIALECT) {
        Ok(module) => module,
        Err(error) => return failed(diagnostic(source.file, &error, codes::SYNTAX)),
    };
    if let Some(place) = fstring::first_conversion(&module, &source.text) {
        let place = module.file_span(place);
        let span = resolve(source.file, &place.file, place.span);
        let message = "f-strings take no conversion such as `!r` here";
        return failed(codes::at(span, codes::SYNTAX, message));
    }
    let recorder = Rc::new(Recorder::new(
        source.file,
        ExamplePlaces::of(&module),
        places.home,
    ));
    let evaluated = match literal::calls(language, &module) {
        Some(calls) => {
            literal::make(&calls, &module, &recorder);
            Ok(())
        }
        None => recorder.during(|| evaluate(language, module)),
    };
    match evaluated {
        Ok(()) => recorder.run_examples(known, places),
        Err(error) => recorder.add([diagnostic(source.file, &error, codes::EVALUATION)]),
    }
    recorder.take()
}

fn evaluate(language: &Language, ast: AstModule) -> Result<(), Error> {
    Module::with_temp_heap(|module| {
        let mut eval = Evaluator::new(&module);
        eval.set_max_tick_count(MAX_TICKS)
            .map_err(Error::new_other)?;
        eval.set_max_heap_size(MAX_HEAP).map_err(Error::new_other)?;
        eval.eval_module(ast, language.globals()).map(|_| ())
    })
}

fn nested_too_deep(source: &SourceText, at: usize) -> Diagnostic {
    let text = CodeMap::new(source.name.clone(), source.text.clone());
    let before = source.text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count();
    let span = text.line_span_opt(line).map_or_else(
        || start_of(source.file),
        |line| resolve(source.file, &text, line),
    );
    Diagnostic {
        help: Some("is a bracket left open somewhere above?".to_owned()),
        ..codes::at(span, codes::LIMIT, "the expression nests too deep")
    }
}

/// The interpreter's error in our form; `code` unless a better one is known.
fn diagnostic(file: u32, error: &Error, code: &'static str) -> Diagnostic {
    let text = error.without_diagnostic().to_string();
    let (code, message) = in_our_words(error.kind(), text, code);
    let message = message.strip_prefix("Parse error: ").unwrap_or(&message);
    let Some(place) = error.span() else {
        return codes::at(start_of(file), code, message);
    };
    let text_end = place.file.source().trim_end().len();
    let text_end = Pos::new(u32::try_from(text_end).unwrap_or(u32::MAX));
    if place.span.begin() < text_end {
        return codes::at(resolve(file, &place.file, place.span), code, message);
    }
    // Behind the last line there is nothing to show.
    let end = resolve(file, &place.file, Span::new(text_end, text_end));
    Diagnostic {
        help: Some("is a bracket left open?".to_owned()),
        ..codes::at(end, code, message)
    }
}

fn in_our_words(kind: &ErrorKind, text: String, code: &'static str) -> (&'static str, String) {
    match kind {
        ErrorKind::Scope(_) => (codes::UNKNOWN_NAME, with_near_guess(text)),
        ErrorKind::StackOverflow(_) => (codes::LIMIT, text),
        // The interpreter has no kind of its own for these.
        _ if text.contains("ticks has been exceeded") => (
            codes::LIMIT,
            format!("the file takes more than {MAX_TICKS} steps"),
        ),
        _ if text.starts_with("Heap memory limit") => (
            codes::LIMIT,
            format!("the file takes more than {} MiB of memory", MAX_HEAP >> 20),
        ),
        _ if text.starts_with("No imports are available") => (
            code,
            "every rules file stands alone: load() can't be used".to_owned(),
        ),
        _ => (code, text),
    }
}

/// The interpreter's words on a name; what it guesses that was meant only where that is near.
fn with_near_guess(text: String) -> String {
    let guess = text.split_once(", did you mean ");
    let in_quotes = |part: &str| part.split('`').nth(1).map(str::to_owned);
    let words = guess.and_then(|(said, guess)| Some((said, in_quotes(said)?, in_quotes(guess)?)));
    match words {
        Some((said, written, meant)) if !models::is_near(&written, &meant) => said.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::from_own_text;

    #[test]
    fn a_guess_is_near() {
        for (text, message) in [
            ("rule()", "Variable `rule` not found"),
            (
                "prefx_rule()",
                "Variable `prefx_rule` not found, did you mean `prefix_rule`?",
            ),
        ] {
            let rules = from_own_text("t.rules", text);
            assert_eq!(rules.diagnostics[0].message, message);
        }
    }

    #[test]
    fn an_error_at_the_end_is_shown_on_the_last_line() {
        for (text, line, column) in [
            ("x = 1\nprefix_rule(pattern = [\"a\"\n\n", 2, 27),
            ("prefix_rule(pattern = [\"a\"]", 1, 28),
        ] {
            let rules = from_own_text("t.rules", text);
            let found = &rules.diagnostics[0];
            let span = found.span.unwrap();
            assert_eq!((span.line, span.column), (line, column), "{text}");
            assert!(found.help.is_some());
        }
    }
}
