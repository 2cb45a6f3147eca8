//! Prefix rules that restrict, read as what their words mean: options count wherever they stand
//! and however they are spelled.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::models::Reading;
use crate::models::reading::{Flag, Kind, Part};
use crate::rules::model::PrefixRule;

/// The words by which `rule` matches a command that is read so; `None` if it doesn't.
///
/// Each place of the pattern must be met: an option by one of the command's, any other word by its
/// subcommands, by any of their names, and operands, in their order. What could be the value of an
/// unknown option may be passed over.
pub(super) fn seen_through<'a>(rule: &PrefixRule, reading: &Reading<'a>) -> Option<Vec<&'a OsStr>> {
    let plain: Vec<Plain<'a>> = reading.parts.iter().filter_map(plain).collect();
    let mut rest = plain.as_slice();
    let mut met = Vec::new();
    for place in &rule.rest {
        let passed = rest
            .iter()
            .take_while(|word| word.doubtful && !word.is_one(place));
        let after = rest.get(passed.count()..).unwrap_or_default();
        match after.split_first() {
            Some((first, behind)) if first.is_one(place) => {
                met.push(first.word);
                rest = behind;
            }
            _ if place.iter().any(|option| is_met(option, reading)) => {}
            _ => return None,
        }
    }
    Some(met)
}

/// A subcommand or an operand.
struct Plain<'a> {
    word: &'a OsStr,
    /// It could be the value of an unknown option.
    doubtful: bool,
    /// The other names of the subcommand: `npm i` is `npm install`.
    names: &'a [String],
}

impl Plain<'_> {
    /// Whether it is one of the alternatives of a `place`.
    fn is_one(&self, place: &[String]) -> bool {
        let is = |wanted: &String| wanted.as_bytes() == self.word.as_bytes();
        place
            .iter()
            .any(|wanted| is(wanted) || self.names.contains(wanted))
    }
}

fn plain<'a>(part: &Part<'a>) -> Option<Plain<'a>> {
    let (word, doubtful, names) = match part.kind {
        Kind::Subcommand { word, model } => {
            (word, false, model.map_or(&[][..], |model| &model.names))
        }
        Kind::Operand { word, doubtful } => (word, doubtful, &[][..]),
        _ => return None,
    };
    Some(Plain {
        word,
        doubtful,
        names,
    })
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

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use crate::evaluate::{IndexedRules, judge};
    use crate::request::{Program, Request, WorkingDirectory};
    use crate::rules::{Decision, from_own_text};

    #[test]
    fn a_subcommand_goes_by_all_its_names() {
        let rules = "prefix_rule([\"npm\", \"install\", \"x\"], decision = \"forbidden\")\n\
                     prefix_rule([\"helm\", \"uninstall\"], decision = \"forbidden\")\n\
                     prefix_rule([\"git\", \"remote\", [\"rm\", \"add\"]], decision = \"forbidden\")\n\
                     prefix_rule([\"npm\", \"ls\"])\n";
        let index = IndexedRules::new(from_own_text("t.rules", rules));
        for (command, forbidden) in [
            ("npm install x", true),
            ("npm i x", true),
            ("npm --silent add x", true),
            ("sudo npm i x", true),
            ("npm i y", false),
            ("npm view install x", false),
            ("helm delete x", true),
            ("helm list uninstall", false),
            ("git remote remove x", true),
            ("git remote show rm", false),
        ] {
            let argv: Vec<OsString> = command.split(' ').map(OsString::from).collect();
            let cwd = WorkingDirectory::new("/work").unwrap();
            let request = Request::new(Program::named(&argv[0]), argv, cwd);
            let verdict = judge(&index, &request).verdict;
            assert_eq!(
                verdict.decision == Decision::Forbidden,
                forbidden,
                "{command}"
            );
        }
    }
}
