//! The arguments of one call, with every problem found in them.

use starlark::codemap::FileSpan;
use starlark::collections::SmallMap;
use starlark::values::Value;
use starlark::values::list::ListRef;

use super::codes;

/// What is wrong with one argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ArgumentProblem {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl ArgumentProblem {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            help: None,
        }
    }

    pub(super) fn with_help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }
}

/// A function that rules files call: its name and its parameters in positional order.
#[derive(Debug)]
pub(super) struct Signature {
    pub(super) name: &'static str,
    pub(super) parameters: &'static [&'static str],
    /// How many of them, from the first, must be given.
    pub(super) required: usize,
}

/// A call's arguments by parameter.
pub(super) struct Arguments<'v> {
    signature: &'static Signature,
    values: Vec<Option<Value<'v>>>,
    pub(super) problems: Vec<ArgumentProblem>,
}

impl<'v> Arguments<'v> {
    pub(super) fn bind(
        signature: &'static Signature,
        positional: Vec<Value<'v>>,
        named: SmallMap<String, Value<'v>>,
    ) -> Self {
        let mut this = Self {
            signature,
            values: vec![None; signature.parameters.len()],
            problems: Vec::new(),
        };
        let extra = positional.len().saturating_sub(this.values.len());
        if extra > 0 {
            this.complain(&format!("{extra} positional argument(s) too many"));
        }
        for (slot, value) in this.values.iter_mut().zip(positional) {
            *slot = Some(value);
        }
        for (name, value) in named {
            this.bind_named(&name, value);
        }
        for index in 0..signature.required {
            if let (Some(None), Some(name)) =
                (this.values.get(index), signature.parameters.get(index))
            {
                this.complain(&format!("parameter `{name}` is missing"));
            }
        }
        this
    }

    fn bind_named(&mut self, name: &str, value: Value<'v>) {
        let index = self.signature.parameters.iter().position(|p| *p == name);
        match index.and_then(|index| self.values.get_mut(index)) {
            None => self.complain(&format!("there is no parameter `{name}`")),
            Some(slot) => {
                if slot.replace(value).is_some() {
                    self.complain(&format!("parameter `{name}` is given twice"));
                }
            }
        }
    }

    fn complain(&mut self, what: &str) {
        let function = self.signature.name;
        let parameters = self.signature.parameters.join(", ");
        self.problems.push(
            ArgumentProblem::new(codes::ARGUMENT, format!("{function}: {what}"))
                .with_help(format!("the parameters are {parameters}")),
        );
    }

    /// Notes the problem if there is one.
    pub(super) fn keep<T>(&mut self, result: Result<T, ArgumentProblem>) -> Option<T> {
        result.map_err(|problem| self.problems.push(problem)).ok()
    }

    fn get<T>(
        &mut self,
        name: &str,
        wanted: &str,
        unpack: impl Fn(Value<'v>) -> Option<T>,
    ) -> Option<T> {
        let index = self.signature.parameters.iter().position(|p| *p == name)?;
        let value = (*self.values.get(index)?)?;
        let unpacked = unpack(value);
        if unpacked.is_none() {
            self.problems.push(ArgumentProblem::new(
                codes::ARGUMENT,
                format!(
                    "parameter `{name}` must be a {wanted} (got {})",
                    value.get_type()
                ),
            ));
        }
        unpacked
    }

    pub(super) fn string(&mut self, name: &str) -> Option<&'v str> {
        self.get(name, "string", Value::unpack_str)
    }

    pub(super) fn list(&mut self, name: &str) -> Option<&'v [Value<'v>]> {
        self.get(name, "list", |value| {
            ListRef::from_value(value).map(ListRef::content)
        })
    }

    pub(super) fn bool(&mut self, name: &str) -> Option<bool> {
        self.get(name, "bool", Value::unpack_bool)
    }

    /// A value of any kind.
    pub(super) fn any(&mut self, name: &str) -> Option<Value<'v>> {
        self.get(name, "value", Some)
    }

    /// A number of things.
    pub(super) fn count(&mut self, name: &str) -> Option<usize> {
        self.get(name, "number from 0 on", |value| {
            value.unpack_i32().and_then(|count| count.try_into().ok())
        })
    }

    /// A list of strings; empty when it is not given.
    pub(super) fn strings(&mut self, name: &str) -> Vec<String> {
        let strings = self.get(name, "list of strings", |value| {
            let items = ListRef::from_value(value)?.iter();
            items
                .map(|item| item.unpack_str().map(str::to_owned))
                .collect()
        });
        strings.unwrap_or_default()
    }

    /// The values of a list, or the one value that is none.
    pub(super) fn one_or_list(&mut self, name: &str) -> Vec<Value<'v>> {
        let values = self.get(name, "value or list", |value| {
            Some(ListRef::from_value(value).map_or_else(|| vec![value], |list| list.to_vec()))
        });
        values.unwrap_or_default()
    }

    /// Notes that the call's own arguments don't go together.
    pub(super) fn problem(&mut self, what: &str) {
        let function = self.signature.name;
        self.problems.push(ArgumentProblem::new(
            codes::ARGUMENT,
            format!("{function}: {what}"),
        ));
    }
}

/// One call of a function of ours.
pub(super) struct RuleCall<'v> {
    pub(super) at: Option<FileSpan>,
    pub(super) positional: Vec<Value<'v>>,
    pub(super) named: SmallMap<String, Value<'v>>,
}

impl<'v> RuleCall<'v> {
    pub(super) fn bind(self, signature: &'static Signature) -> (Arguments<'v>, Option<FileSpan>) {
        let arguments = Arguments::bind(signature, self.positional, self.named);
        (arguments, self.at)
    }
}
