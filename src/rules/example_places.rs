//! Where the examples of a call stand in the text, so that one that fails can be pointed at.

use std::collections::HashMap;

use starlark::codemap::Span;
use starlark::syntax::AstModule;
use starlark::syntax::ast::{Argument, AstArgument, AstExpr, Expr};

/// The elements of the `match` and `not_match` lists, by the span of their call. Only lists
/// written out in the call itself are known.
#[derive(Debug, Default)]
pub(super) struct ExamplePlaces {
    calls: HashMap<Span, CallPlaces>,
}

/// The examples of one call, in order.
#[derive(Debug, Default)]
pub(super) struct CallPlaces {
    pub(super) matching: Vec<Span>,
    pub(super) not_matching: Vec<Span>,
}

impl ExamplePlaces {
    pub(super) fn of(module: &AstModule) -> Self {
        let mut places = Self::default();
        module.statement().visit_expr(|expr| places.visit(expr));
        places
    }

    pub(super) fn of_call(&self, call: Span) -> Option<&CallPlaces> {
        self.calls.get(&call)
    }

    fn visit(&mut self, expr: &AstExpr) {
        if let Expr::Call(_, arguments) = &expr.node {
            let mut places = CallPlaces::default();
            for (index, argument) in arguments.args.iter().enumerate() {
                places.note(index, argument);
            }
            if !places.matching.is_empty() || !places.not_matching.is_empty() {
                self.calls.insert(expr.span, places);
            }
        }
        expr.node.visit_expr(|inner| self.visit(inner));
    }
}

impl CallPlaces {
    fn note(&mut self, index: usize, argument: &AstArgument) {
        let (parameter, value) = match &argument.node {
            Argument::Named(name, value) => (name.node.as_str(), value),
            Argument::Positional(value) if index == 2 => ("match", value),
            Argument::Positional(value) if index == 3 => ("not_match", value),
            _ => return,
        };
        let Expr::List(items) = &value.node else {
            return;
        };
        let spans = items.iter().map(|item| item.span).collect();
        match parameter {
            "match" => self.matching = spans,
            "not_match" => self.not_matching = spans,
            _ => {}
        }
    }
}
