//! A type's name means one thing.

use std::collections::{BTreeMap, BTreeSet};

use super::sources;
use super::tokens::shipped;

/// The names that still mean several.
const STANDING: &str = "\
    Access Answer Args Ask Asked Asking Base Broker Call Change Command CommandForm Counted \
    Decision Denial Directories Directory Document Does End Ended Ending Entry Event Exec Fill \
    Fixed Form Format Found Given Ground Group Guard Handed Held Identity Inner Job Kept Key \
    Kind Known Layer Left Level Levels Limit Limits Line Listener Look Lost Meaning Name Named \
    Names News Noted Open Operands Order Origin Outcome Output Parsed Part Paths Pattern Pending \
    Piece Place Places Plan Problem Profile Program Project Reach Read Reader Reading Refusal \
    RefusedCall Report Request Role Row Run Running Said Scope Search Seen Session Settings \
    Shelf Sight Source Stage StandIn Standing Start State Status Step Stop Stretch Text Told \
    Trace Variables Verdict Waiting Walk Wanted Watch What Which Wish Withdrawal Words Written";

#[test]
fn a_type_has_a_name_of_its_own() {
    let files = sources();
    let mut found: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    // Each processor has the same types.
    for file in files
        .iter()
        .filter(|file| !file.path.starts_with(super::MACHINES) && !file.path.contains("tests"))
    {
        for name in types(&shipped(&file.text)) {
            found.entry(name).or_default().insert(&file.path);
        }
    }
    found.retain(|_, files| files.len() > 1);
    let standing: Vec<&str> = STANDING.split_whitespace().collect();
    for (name, files) in found
        .iter()
        .filter(|(name, _)| !standing.contains(&name.as_str()))
    {
        println!("{name}: {files:?}");
    }
    assert_eq!(found.into_keys().collect::<Vec<_>>(), standing);
}

/// The types that are defined outside of others.
fn types(tokens: &[String]) -> Vec<String> {
    let (mut types, mut depth) = (Vec::new(), 0);
    for two in tokens.windows(2) {
        match two[0].as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            "struct" | "enum" | "union" | "trait" | "type" if depth == 0 => {
                types.push(two[1].clone());
            }
            _ => {}
        }
    }
    types
}

#[test]
fn types_are_found() {
    let text =
        "pub struct A; enum B { C } trait D { type E; } impl D for A { type E = B; } type F = A;";
    assert_eq!(types(&shipped(text)), ["A", "B", "D", "F"]);
}
