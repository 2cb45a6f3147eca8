//! What a rule that matches takes for granted: values of options that the command doesn't have.

use super::explain::Explanation;
use crate::evaluate::{RuleMatch, readings};
use crate::request::argv;

/// An option that isn't there.
pub(super) struct AssumedOption<'a> {
    pub(super) name: &'a str,
    /// What the program takes it for then; `None`: nobody knows.
    pub(super) value: Option<String>,
}

/// Those of the rule that `found` is a match of.
pub(super) fn assumed<'a>(
    explanation: &Explanation<'a>,
    found: &RuleMatch,
) -> Vec<AssumedOption<'a>> {
    let rule = explanation.rules.rules().command_rule(found.rule);
    let Some(rule) = rule.filter(|_| found.inner.is_none()) else {
        return Vec::new();
    };
    let readings = readings(explanation.rules, explanation.request);
    let options = rule.meaning.options.iter();
    let assumed = options.filter_map(|option| {
        let name = option.name.as_str();
        let reading = readings.first()?;
        if reading.flags().any(|flag| flag.could_be(name)) {
            return None;
        }
        let values = reading.values(name);
        let value = *values.first()?;
        let is_known = values.iter().all(|it| *it == value);
        Some(AssumedOption {
            name,
            value: value.filter(|_| is_known).map(argv::brief_word),
        })
    });
    assumed.collect()
}
