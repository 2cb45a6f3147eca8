//! The functions that a rules file can call, beside Starlark's own.

use std::cell::OnceCell;

use starlark::collections::SmallMap;
use starlark::environment::{Globals, GlobalsBuilder};
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::syntax::Dialect;
use starlark::values::Value;
use starlark::values::tuple::UnpackTuple;

use super::arguments::RuleCall;
use super::recorder;

/// Top-level statements, `def`, `lambda`, type annotations and f-strings.
pub(super) const DIALECT: Dialect = Dialect {
    enable_f_strings: true,
    ..Dialect::Extended
};

/// Our functions, which differ in their names only: each hands its call to the recorder, under
/// its name. A call registers what it says, or its problems, and a bad one doesn't end the
/// evaluation, so that all of them are found.
macro_rules! functions {
    ($module:ident, $names:ident, $about:literal: $($name:ident),+ $(,)?) => {
        #[doc = $about]
        const $names: &[&str] = &[$(stringify!($name)),+];

        #[starlark_module]
        fn $module(builder: &mut GlobalsBuilder) {
            $(
                fn $name<'v>(
                    #[starlark(args)] positional: UnpackTuple<Value<'v>>,
                    #[starlark(kwargs)] named: SmallMap<String, Value<'v>>,
                    eval: &mut Evaluator<'v, '_, '_>,
                ) -> starlark::Result<Value<'v>> {
                    Ok(call(stringify!($name), positional, named, eval))
                }
            )+
        }
    };
}

functions!(released, RELEASED, "Those of the released language.":
    prefix_rule, host_executable, network_rule,
);

functions!(further, FURTHER, "Those that the released language lacks.":
    program, command, inner, command_rule, default, case, profile, glob, under, regex, rest, any_of,
    all_of,
);

fn call<'v>(
    name: &'static str,
    positional: UnpackTuple<Value<'v>>,
    named: SmallMap<String, Value<'v>>,
    eval: &Evaluator<'v, '_, '_>,
) -> Value<'v> {
    let call = RuleCall {
        at: eval.call_stack_top_location(),
        positional: positional.items,
        named,
    };
    let said = recorder::current().and_then(|recorder| recorder.called(name, call));
    eval.heap().alloc(said.unwrap_or_default())
}

/// What files are written in.
#[derive(Debug)]
pub(super) struct Language {
    released: bool,
    globals: OnceCell<Globals>,
}

impl Language {
    /// The language; only what is `released` of it if that is wanted.
    pub(super) fn new(released: bool) -> Self {
        Self {
            released,
            globals: OnceCell::new(),
        }
    }

    /// Starlark's standard functions and ours. Building them takes longer than most files.
    pub(super) fn globals(&self) -> &Globals {
        self.globals.get_or_init(|| {
            let functions = GlobalsBuilder::standard().with(released);
            if self.released {
                functions.build()
            } else {
                functions.with(further).build()
            }
        })
    }

    /// The function of ours that is called `name`.
    pub(super) fn function(&self, name: &str) -> Option<&'static str> {
        let further = if self.released { &[] } else { FURTHER };
        let mut names = RELEASED.iter().chain(further);
        names.find(|known| **known == name).copied()
    }
}

#[cfg(test)]
mod tests;
