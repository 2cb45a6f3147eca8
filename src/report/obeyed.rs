//! Names that other programs obey, as `doctor` shows them.

use std::fmt::Write as _;

use serde::Serialize;

use crate::confine::named;
use crate::confine::obeyed::{self, Scope};

/// The widest line, in columns.
const WIDTH: usize = 96;

/// Where that is read-only which a variable names.
const NAMED: &str = "where a variable of this name leads, as it is when codex-shell starts";

/// One name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProtectedName {
    name: &'static str,
    /// Where it is read-only.
    within: &'static str,
    reason: &'static str,
    /// The settings take it out.
    unprotected: bool,
}

/// All of them; `unprotected` are those that the settings take out.
pub fn names(unprotected: &[String]) -> Vec<ProtectedName> {
    let by_name = obeyed::all().map(|one| (one, one.scope.as_str()));
    let all = by_name.chain(named::all().map(|one| (one, NAMED)));
    let name = |(one, within): (obeyed::Obeyed, &'static str)| ProtectedName {
        name: one.name,
        within,
        reason: one.reason,
        unprotected: unprotected.iter().any(|name| name == one.name),
    };
    all.map(name).collect()
}

/// How many there are, in a few words.
pub fn count(names: &[ProtectedName]) -> String {
    let taken_out = names.iter().filter(|one| one.unprotected).count();
    let held = names.len() - taken_out;
    let mut text = format!("{held} that other programs obey are read-only in writable directories");
    if taken_out > 0 {
        // Writing to a String can't fail.
        let _ = write!(text, "; `unprotected` takes {taken_out} out");
    }
    text
}

/// For people: those of one place and reason together.
pub fn text(names: &[ProtectedName]) -> String {
    let mut text = String::from(
        "names that other programs obey: read-only, though what is beside them can be written\n",
    );
    let places = Scope::ALL.into_iter().map(Scope::as_str);
    for place in places.chain([NAMED]) {
        let held = names.iter().filter(|one| !one.unprotected);
        let held: Vec<_> = held.filter(|one| one.within == place).collect();
        // Writing to a String can't fail.
        let _ = writeln!(text, "{place}:");
        for group in held.chunk_by(|one, other| one.reason == other.reason) {
            let alike: Vec<&str> = group.iter().map(|one| one.name).collect();
            let reason = group.first().map_or("", |first| first.reason);
            let _ = writeln!(text, "{}      {reason}", wrapped(&alike));
        }
    }
    let taken_out = names.iter().filter(|one| one.unprotected);
    let taken_out: Vec<&str> = taken_out.map(|one| one.name).collect();
    if !taken_out.is_empty() {
        let _ = write!(text, "taken out by `unprotected`:\n{}", wrapped(&taken_out));
    }
    text
}

/// Names in lines.
fn wrapped(names: &[&str]) -> String {
    let mut lines = vec![String::from(" ")];
    for name in names {
        match lines.last_mut() {
            Some(line) if line.len() + name.len() < WIDTH => {
                line.push(' ');
                line.push_str(name);
            }
            _ => lines.push(format!("  {name}")),
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_told_once_with_its_reason() {
        let names = names(&[".vscode".to_owned()]);
        let text = text(&names);
        assert!(text.lines().all(|line| line.len() <= 100), "{text}");
        for one in &names {
            let words = text.split_whitespace();
            assert_eq!(
                words.filter(|word| *word == one.name).count(),
                1,
                "{}",
                one.name
            );
            assert!(text.contains(one.reason), "{text}");
        }
        assert!(
            text.ends_with("taken out by `unprotected`:\n  .vscode\n"),
            "{text}"
        );
        let count = count(&names);
        let held = format!("{} that", names.len() - 1);
        assert!(
            count.starts_with(&held) && count.ends_with("takes 1 out"),
            "{count}"
        );
    }
}
