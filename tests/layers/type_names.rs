//! A type's name means one thing.

use std::collections::{BTreeMap, BTreeSet};

use super::sources;
use super::tokens::shipped;

/// The one name that means several: each command has its arguments.
const STANDING: &str = "Args";

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
