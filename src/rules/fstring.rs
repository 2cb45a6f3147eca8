//! Conversions in f-strings, `{x!r}`: our interpreter has them, the language of rules files does
//! not, and a file that loads here should load wherever rules files are read.

use starlark::codemap::{Pos, Span};
use starlark::syntax::AstModule;
use starlark::syntax::ast::{AstExpr, Expr};

/// The place of the first conversion in `module`, whose text is `text`.
pub(super) fn first_conversion(module: &AstModule, text: &str) -> Option<Span> {
    let mut found = None;
    if text.contains('!') {
        module
            .statement()
            .visit_expr(|expr| visit(expr, text, &mut found));
    }
    found
}

fn visit(expr: &AstExpr, text: &str, found: &mut Option<Span>) {
    if let Expr::FString(string) = &expr.node {
        let conversions = string.expressions.iter();
        let mut places = conversions.filter_map(|inner| conversion_after(inner, text));
        *found = found.or_else(|| places.next());
    }
    expr.node.visit_expr(|inner| visit(inner, text, found));
}

/// After an expression in an f-string come closing brackets, then a conversion or the end.
fn conversion_after(inner: &AstExpr, text: &str) -> Option<Span> {
    let end = inner.span.end().get();
    let rest = text.get(end as usize..)?;
    let after = rest.trim_start_matches([' ', '\t', '\r', '\n', ')']);
    let start = end + u32::try_from(rest.len() - after.len()).ok()?;
    let at = after.starts_with('!').then_some(start)?;
    Some(Span::new(Pos::new(at), Pos::new(at + 1)))
}
