//! No circles between files.
//!
//! An arrow goes from the file that names something to the one that defines it, through whatever passes the
//! name on. None is counted from a module to one that it lies in: it is a part of that.

use std::collections::{BTreeMap, BTreeSet};

use super::sources;
use super::tokens::{is_word, shipped};

type Arrows = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_files_lie_in_a_circle() {
    let files = sources().into_iter();
    let files = files.map(|file| (file.module.join("/"), file.text));
    let found = circles(&arrows(files));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_circle_is_found_in_every_spelling() {
    for b in [
        "use super::a::A;",
        "use crate::{b, x::a::{self, A as B}};",
        "fn f() { super::A::f() }",
        "fn f(_: crate::x::A) {}",
    ] {
        let files = [
            ("x", "pub use a::A;"),
            ("x/a", "use super::b; fn f() { b::f() }"),
            ("x/b", b),
            ("y", "use crate::x::a;"),
        ];
        let found = circles(&arrows(
            files
                .map(|(module, text)| (module.to_owned(), text.to_owned()))
                .into_iter(),
        ));
        assert_eq!(found.into_keys().collect::<Vec<_>>(), ["x/a x/b"], "{b}");
    }
}

/// What each module names something of.
fn arrows(files: impl Iterator<Item = (String, String)>) -> Arrows {
    let names = files.map(|(module, text)| (module.clone(), Names::of(module, &text)));
    let names: BTreeMap<String, Names> = names.collect();
    let arrow = |(from, own): (&String, &Names)| {
        let to = own
            .paths
            .iter()
            .filter_map(|path| definer(&names, path.clone()));
        (
            from.clone(),
            to.filter(|to| upwards(from).all(|up| up != to)).collect(),
        )
    };
    names.iter().map(arrow).collect()
}

/// A path, and what it lies in.
fn upwards(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| Some(path.rsplit_once('/')?.0))
}

/// The module that defines what a path from the root names.
fn definer(names: &BTreeMap<String, Names>, mut path: String) -> Option<String> {
    for _ in 0..8 {
        let module = upwards(&path).find(|module| names.contains_key(*module))?;
        let mut rest = path.strip_prefix(module)?.split('/').skip(1);
        let passed_on = rest.next().and_then(|name| names[module].imports.get(name));
        let Some(passed_on) = passed_on else {
            return Some(module.to_owned());
        };
        path = std::iter::once(&**passed_on)
            .chain(rest)
            .collect::<Vec<_>>()
            .join("/");
    }
    None
}

/// The modules that lead to each other, and the arrows between them.
fn circles(arrows: &Arrows) -> BTreeMap<String, String> {
    let reached = |from: &String| {
        let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(next) = open.pop() {
            open.extend(arrows[next].iter().filter(|&to| reached.insert(to.clone())));
        }
        (from.clone(), reached)
    };
    let reach: Arrows = arrows.keys().map(reached).collect();
    let circle = |from: &String| {
        let circle: Vec<&str> = reach[from]
            .iter()
            .filter(|&to| reach[to].contains(from))
            .map(|to| &**to)
            .collect();
        let within = circle
            .iter()
            .map(|&from| format!("{from}: {:?}", arrows[from]));
        (circle.join(" "), within.collect::<Vec<_>>().join("\n"))
    };
    reach
        .keys()
        .map(circle)
        .filter(|(circle, _)| circle.contains(' '))
        .collect()
}

/// The paths in a file, from the root on, and what names that it imports stand for.
#[derive(Default)]
struct Names {
    module: String,
    paths: Vec<String>,
    imports: BTreeMap<String, String>,
}

impl Names {
    fn of(module: String, text: &str) -> Self {
        let tokens = [vec![String::new()], shipped(text), vec![String::new(); 2]].concat();
        let mut names = Self {
            module,
            ..Self::default()
        };
        let (mut path, mut trees, mut imports) = (Vec::new(), Vec::new(), false);
        for four in tokens.windows(4) {
            let [before, token, next, other] = [0, 1, 2, 3].map(|at| four[at].as_str());
            match token {
                "use" => imports = true,
                ";" => imports = false,
                "{" if before == "::" => trees.push(path.len()),
                "}" if imports => drop(trees.pop()),
                _ if is_word(token) && before != "as" => {
                    if before != "::" {
                        path.truncate(trees.last().copied().unwrap_or(0));
                    }
                    path.extend((token != "self" || path.is_empty()).then_some(token));
                    if next != "::" && (imports || path.len() > 1) {
                        let name = if next == "as" {
                            other
                        } else {
                            path.last().unwrap()
                        };
                        names.add(&path, imports.then_some(name));
                    }
                }
                _ => {}
            }
        }
        names
    }

    fn add(&mut self, path: &[&str], name: Option<&str>) {
        let climbed = path.iter().take_while(|word| **word == "super").count();
        let (base, rest) = match (path[0], self.imports.get(path[0])) {
            ("crate", _) => ("", 1),
            ("self", _) => (&*self.module, 1),
            ("super", _) => (upwards(&self.module).nth(climbed).unwrap_or(""), climbed),
            (_, Some(known)) => (&**known, 1),
            (_, None) => (&*self.module, 0),
        };
        let path = [&[base], &path[rest..]].concat().join("/");
        let path = path.trim_matches('/').to_owned();
        self.imports
            .extend(name.map(|name| (name.to_owned(), path.clone())));
        self.paths.push(path);
    }
}
