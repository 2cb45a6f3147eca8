//! Files that hold calls of ours with literal arguments and nothing else.
//!
//! Most files do. The interpreter would make the same calls with the same values, but takes longer
//! to start than to read a hundred such files; so their calls are made from the syntax tree.

use starlark::codemap::Span;
use starlark::collections::SmallMap;
use starlark::syntax::AstModule;
use starlark::syntax::ast::{Argument, AstExpr, AstLiteral, AstStmt, Expr, Stmt};
use starlark::values::dict::AllocDict;
use starlark::values::{Heap, Value};

use super::arguments::RuleCall;
use super::language::Language;
use super::recorder::Recorder;

/// A call whose arguments say all there is to know.
pub(super) struct LiteralCall<'a> {
    function: &'static str,
    at: Span,
    positional: Vec<Literal<'a>>,
    named: Vec<(&'a str, Literal<'a>)>,
}

enum Literal<'a> {
    Nothing,
    Truth(bool),
    Text(&'a str),
    List(Vec<Literal<'a>>),
    /// Each key is another one.
    Dictionary(Vec<(&'a str, Literal<'a>)>),
    Call(LiteralCall<'a>),
}

/// The calls of `module`, in order; `None` if there is anything else in it.
pub(super) fn calls<'a>(
    language: &Language,
    module: &'a AstModule,
) -> Option<Vec<LiteralCall<'a>>> {
    let mut calls = Vec::new();
    add_calls(language, module.statement(), &mut calls)?;
    Some(calls)
}

fn add_calls<'a>(
    language: &Language,
    statement: &'a AstStmt,
    calls: &mut Vec<LiteralCall<'a>>,
) -> Option<()> {
    match &statement.node {
        Stmt::Statements(statements) => {
            for statement in statements {
                add_calls(language, statement, calls)?;
            }
        }
        Stmt::Expression(expression) => calls.push(call(language, expression)?),
        _ => return None,
    }
    Some(())
}

fn call<'a>(language: &Language, expression: &'a AstExpr) -> Option<LiteralCall<'a>> {
    let Expr::Call(function, arguments) = &expression.node else {
        return None;
    };
    let Expr::Identifier(name) = &function.node else {
        return None;
    };
    let mut call = LiteralCall {
        function: language.function(&name.node.ident)?,
        at: expression.span,
        positional: Vec::new(),
        named: Vec::new(),
    };
    for argument in &arguments.args {
        match &argument.node {
            Argument::Positional(value) => call.positional.push(literal(language, value)?),
            Argument::Named(name, value) => {
                let name = name.node.as_str();
                if call.named.iter().any(|(known, _)| *known == name) {
                    return None;
                }
                call.named.push((name, literal(language, value)?));
            }
            Argument::Args(_) | Argument::KwArgs(_) => return None,
        }
    }
    Some(call)
}

fn literal<'a>(language: &Language, expression: &'a AstExpr) -> Option<Literal<'a>> {
    Some(match &expression.node {
        Expr::Literal(AstLiteral::String(text)) => Literal::Text(&text.node),
        // Nothing in such a file can give these names another meaning.
        Expr::Identifier(name) => match name.node.ident.as_str() {
            "None" => Literal::Nothing,
            "True" => Literal::Truth(true),
            "False" => Literal::Truth(false),
            _ => return None,
        },
        Expr::List(items) => {
            let items = items.iter().map(|item| literal(language, item));
            Literal::List(items.collect::<Option<_>>()?)
        }
        Expr::Dict(items) => {
            let mut entries: Vec<(&str, Literal<'a>)> = Vec::new();
            for (key, value) in items {
                let Expr::Literal(AstLiteral::String(key)) = &key.node else {
                    return None;
                };
                if entries.iter().any(|(known, _)| *known == key.node) {
                    return None;
                }
                entries.push((&key.node, literal(language, value)?));
            }
            Literal::Dictionary(entries)
        }
        Expr::Call(..) => Literal::Call(call(language, expression)?),
        _ => return None,
    })
}

/// Makes the `calls` of `module`.
pub(super) fn make(calls: &[LiteralCall<'_>], module: &AstModule, recorder: &Recorder) {
    Heap::temp(|heap| {
        let maker = Maker {
            module,
            recorder,
            heap,
        };
        for call in calls {
            maker.call(call);
        }
    });
}

struct Maker<'v, 'a> {
    module: &'a AstModule,
    recorder: &'a Recorder,
    heap: Heap<'v>,
}

impl<'v> Maker<'v, '_> {
    fn call(&self, call: &LiteralCall<'_>) -> Value<'v> {
        let positional = call.positional.iter().map(|value| self.value(value));
        let positional = positional.collect();
        let named = call.named.iter();
        let named: SmallMap<String, Value<'v>> = named
            .map(|(name, value)| ((*name).to_owned(), self.value(value)))
            .collect();
        let made = RuleCall {
            at: Some(self.module.file_span(call.at)),
            positional,
            named,
        };
        let said = self.recorder.called(call.function, made);
        self.heap.alloc(said.unwrap_or_default())
    }

    fn value(&self, literal: &Literal<'_>) -> Value<'v> {
        match literal {
            Literal::Nothing => Value::new_none(),
            Literal::Truth(truth) => Value::new_bool(*truth),
            Literal::Text(text) => self.heap.alloc(*text),
            Literal::List(items) => {
                let items: Vec<Value<'v>> = items.iter().map(|item| self.value(item)).collect();
                self.heap.alloc(items)
            }
            Literal::Dictionary(entries) => {
                let entries = entries.iter();
                let entries = entries.map(|(key, value)| (*key, self.value(value)));
                self.heap.alloc(AllocDict(entries))
            }
            Literal::Call(call) => self.call(call),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rules::language::DIALECT;
    use crate::rules::{RuleSet, from_own_text};

    fn is_literal(text: &str) -> bool {
        let module = AstModule::parse("t.rules", text.to_owned(), &DIALECT).unwrap();
        calls(&Language::new(false), &module).is_some()
    }

    /// What `text` says, without the text.
    fn said(text: &str) -> RuleSet {
        let mut rules = from_own_text("t.rules", text);
        rules.files.clear();
        rules
    }

    /// What `text` says is the same with a statement behind it that only the interpreter knows.
    fn assert_same(text: &str) {
        let interpreted = format!("{text}\nx = 1\n");
        assert!(is_literal(text) && !is_literal(&interpreted), "{text}");
        assert_eq!(said(text), said(&interpreted), "{text}");
    }

    #[test]
    fn the_examples_are_literal_and_say_the_same_when_interpreted() {
        let mut count = 0;
        for entry in std::fs::read_dir("rules-examples").unwrap() {
            let file = std::fs::File::open(entry.unwrap().path()).unwrap();
            assert_same(&std::io::read_to_string(file).unwrap());
            count += 1;
        }
        assert!(count > 5);
    }

    #[test]
    fn bad_calls_are_the_same_when_interpreted() {
        for text in [
            "prefix_rule()",
            "prefix_rule(None, True, nonsense = [])",
            "prefix_rule(pattern = prefix_rule([\"a\"]))",
            "  \nprefix_rule([[], [[]], True])\n\n",
            "command_rule(\"a\", operands = rest(glob(1 == 1)))"
                .replace("1 == 1", "\"[\"")
                .as_str(),
            "command_rule(glob(), unless = [case(flags = True), case(\"-f\")])",
            "prefix_rule([\"a\"], match = [\"b\",\n \"a\"], not_match = [[\"a\"]])",
            "program(\"x\", wraps = [inner(form = \"odd\")], subcommands = [command()])",
        ] {
            assert_same(text);
        }
    }

    #[test]
    fn what_is_more_than_data_is_interpreted() {
        for text in [
            "prefix_rule([\"a\" + \"b\"])",
            "prefix_rule([x])",
            "prefix_rule(*[[\"a\"]])",
            "prefix_rule(**{})",
            "command_rule(\"a\", env = {\"A\": \"1\", \"A\": \"2\"})",
            "command_rule(\"a\", env = {1: \"1\"})",
            "prefix_rule([a for a in []])",
            "print(\"a\")",
            "prefix_rule.x()",
            "def prefix_rule(x):\n    pass\nprefix_rule([\"a\"])",
            "for x in []:\n    prefix_rule([\"a\"])",
        ] {
            assert!(!is_literal(text), "{text}");
        }
    }

    fn value() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("None".to_owned()),
            Just("True".to_owned()),
            "[-a-z/*. ]{0,6}".prop_map(|text| format!("{text:?}")),
            Just("\"\\x41\\u00e9\"".to_owned()),
            Just("'''b\n'''".to_owned()),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3)
                    .prop_map(|items| format!("[{}]", items.join(", "))),
                prop::collection::btree_map("[-a-z]{0,3}", inner.clone(), 0..3).prop_map(|items| {
                    let items = items.iter().map(|(key, value)| format!("{key:?}: {value}"));
                    format!("{{{}}}", items.collect::<Vec<String>>().join(", "))
                }),
                call_text(inner),
            ]
        })
    }

    const PARAMETERS: [&str; 9] = [
        "env",
        "options",
        "pattern",
        "decision",
        "match",
        "flags",
        "subcommand",
        "operands",
        "unless",
    ];

    fn call_text(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
        let mut functions = vec!["prefix_rule", "command_rule", "command_rule"];
        functions.extend([
            "case", "glob", "any_of", "rest", "program", "default", "inner",
        ]);
        let named = prop::collection::btree_map(prop::sample::select(&PARAMETERS[..]), value, 0..4);
        let first = prop::option::of(prop::sample::select(vec!["\"a\"", "[\"a\", \"-b\"]"]));
        (prop::sample::select(functions), first, named).prop_map(|(function, first, named)| {
            let named = named
                .iter()
                .map(|(name, value)| format!("{name} = {value}"));
            let arguments: Vec<String> =
                first.map(str::to_owned).into_iter().chain(named).collect();
            format!("{function}({})", arguments.join(", "))
        })
    }

    proptest! {
        #[test]
        fn whatever_is_written_says_the_same_when_interpreted(
            calls in prop::collection::vec(call_text(value()), 0..4)
        ) {
            assert_same(&calls.join("\n"));
        }
    }
}
