//! Prefix rules that restrict, read as what their words mean: options count wherever they stand
//! and however they are spelled.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::models::Reading;
use crate::models::reading::Flag;
use crate::rules::model::PrefixRule;

/// The words by which `rule` matches a command that is read so; `None` if it doesn't.
///
/// Each place of the pattern must be met: an option by one of the command's, any other word by its
/// subcommands and operands, in their order. What could be the value of an unknown option may be
/// passed over.
pub(super) fn seen_through<'a>(rule: &PrefixRule, reading: &Reading<'a>) -> Option<Vec<&'a OsStr>> {
    let plain: Vec<(&'a OsStr, bool)> = reading.plain().collect();
    let mut rest = plain.as_slice();
    let mut met = Vec::new();
    for place in &rule.rest {
        let is_wanted = |word: &OsStr| place.iter().any(|p| p.as_bytes() == word.as_bytes());
        let passed = rest
            .iter()
            .take_while(|(word, doubtful)| *doubtful && !is_wanted(word));
        let after = rest.get(passed.count()..).unwrap_or_default();
        match after.split_first() {
            Some(((word, _), behind)) if is_wanted(word) => {
                met.push(*word);
                rest = behind;
            }
            _ if place.iter().any(|option| is_met(option, reading)) => {}
            _ => return None,
        }
    }
    Some(met)
}

/// Whether the command has what a pattern's `option` asks for: `-f`, `-rf`, `--force`,
/// `--opt=value`.
fn is_met(option: &str, reading: &Reading<'_>) -> bool {
    let has = |name: &str| reading.flags().any(|flag| flag.is(name));
    if !option.starts_with('-') || option.len() < 2 {
        return false;
    }
    if has(option) {
        return true;
    }
    if let Some((name, value)) = option.split_once('=') {
        let given = |flag: &Flag<'_>| {
            flag.is(name) && flag.value.is_some_and(|v| v.as_bytes() == value.as_bytes())
        };
        return reading.flags().any(given);
    }
    let cluster = option.strip_prefix('-').filter(|c| !c.starts_with('-'));
    cluster.is_some_and(|letters| {
        letters.is_ascii() && letters.chars().all(|letter| has(&format!("-{letter}")))
    })
}
