//! Holds the layers: which folder may use which, that no files use each other, which crate is imported
//! where, where `unsafe` is, and where what differs from one processor to another; and that a type's name
//! means one thing.

mod circles;
mod machine;
mod tokens;
mod type_names;

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use tokens::{is_word, tokens};

use Uses::{Below, Only};

/// What a folder may use.
enum Uses {
    /// Every folder of a lower layer.
    Below,
    /// These alone, all of lower layers.
    Only(&'static [&'static str]),
}

/// One folder, or one file at the top, of `src/`.
struct Row {
    layer: u8,
    name: &'static str,
    uses: Uses,
    /// Crates that are imported nowhere else.
    owns: &'static [&'static str],
}

/// Arrows point down only.
const LAYERS: &[Row] = &[
    row(0, "sys", Only(&[]), &["libc", "rustix"]),
    row(1, "exit", Only(&[]), &[]),
    row(0, "digest", Only(&[]), &["blake3"]),
    row(0, "models", Only(&[]), &[]),
    row(1, "command_text", Only(&["models"]), &[]),
    row(2, "request", Only(&["sys", "models", "command_text"]), &[]),
    row(1, "script", Only(&[]), &[]),
    row(1, "terminal", Only(&["sys"]), &[]),
    row(1, "wire", Only(&["sys"]), &[]),
    row(3, "wrapper", Only(&["sys", "exit", "request"]), &[]),
    row(
        3,
        "rules",
        Only(&["sys", "exit", "digest", "models", "request"]),
        &["starlark"],
    ),
    row(
        4,
        "evaluate",
        Only(&["models", "request", "script", "rules"]),
        &[],
    ),
    row(5, "approve", Below, &[]),
    row(4, "confine", Below, &["landlock"]),
    row(6, "act", Below, &[]),
    row(6, "audit", Below, &[]),
    row(
        6,
        "lint",
        Only(&["models", "request", "rules", "evaluate"]),
        &[],
    ),
    row(8, "flow", Below, &[]),
    row(
        7,
        "config",
        Only(&["sys", "digest", "request", "rules", "confine", "lint"]),
        &["toml"],
    ),
    row(
        9,
        "report",
        Only(&[
            "sys", "models", "request", "script", "rules", "evaluate", "confine", "approve",
            "lint", "config", "act", "flow",
        ]),
        &["annotate_snippets", "comfy_table", "similar"],
    ),
    row(10, "intercept", Below, &[]),
    row(11, "mcp", Below, &["rmcp", "tokio"]),
    row(12, "cli", Below, &["clap", "clap_complete", "clap_mangen"]),
    row(13, "applet", Below, &[]),
];

/// The crate's root and the program: they name every folder.
const ROOTS: &[&str] = &["lib", "main"];

/// The wrapper's image is a crate of its own, of these two: there, `crate` is not the library.
const IMAGE: &[&str] = &["wrapper/image", "sys/bare"];

/// The folder that says what differs from one processor to another.
const MACHINES: &str = "sys/arch/";

const fn row(layer: u8, name: &'static str, uses: Uses, owns: &'static [&'static str]) -> Row {
    Row {
        layer,
        name,
        uses,
        owns,
    }
}

fn row_of(folder: &str) -> Option<&'static Row> {
    LAYERS.iter().find(|row| row.name == folder)
}

#[test]
fn arrows_point_down() {
    let problems: Vec<String> = sources().iter().flat_map(problems).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_folder_has_a_row_and_every_row_a_folder() {
    let found: BTreeSet<String> = sources()
        .iter()
        .map(|source| source.folder.clone())
        .collect();
    let expected: BTreeSet<String> = LAYERS
        .iter()
        .map(|row| row.name)
        .chain(ROOTS.iter().copied())
        .map(str::to_owned)
        .collect();
    assert_eq!(found, expected);
}

/// The table of ARCHITECTURE.md has them all, in this order.
#[test]
fn the_architecture_names_every_folder_in_the_order_of_layers() {
    let text = include_str!("../ARCHITECTURE.md");
    let (_, folders) = text.split_once("| folder | holds |").unwrap();
    let (folders, _) = folders.split_once("\n\n").unwrap();
    let names: Vec<&str> = folders
        .lines()
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .filter(|name| !ROOTS.contains(name))
        .collect();
    let layers: Vec<u8> = names
        .iter()
        .map(|name| row_of(name).unwrap().layer)
        .collect();
    assert!(layers.is_sorted(), "{names:?} {layers:?}");
    assert_eq!(names.len(), LAYERS.len(), "{names:?}");
}

/// Who brings requests hands facts to `flow`, and does as it says.
#[test]
fn who_brings_a_request_judges_nothing() {
    const JUDGES: [&str; 5] = [
        "judge_exec",
        "judge_exec_in",
        "judge_in",
        "judge_flows",
        "Decision",
    ];
    for source in sources().iter().filter(|it| it.folder == "intercept") {
        let found = tokens(&source.text);
        let found = found.iter().find(|it| JUDGES.contains(&it.as_str()));
        assert_eq!(found, None, "{}", source.path);
    }
}

#[test]
fn rows_name_only_lower_rows() {
    for row in LAYERS {
        if let Only(names) = row.uses {
            for name in names {
                let used = row_of(name).unwrap_or_else(|| panic!("{name} has no row"));
                assert!(used.layer < row.layer, "{} uses {name}", row.name);
            }
        }
    }
}

/// One file of `src/`.
struct Source {
    /// `rules`, or `flow` for `src/flow.rs`.
    folder: String,
    /// From `src/` on, for messages.
    path: String,
    /// Its module: one name for `rules/mod.rs` and `flow.rs`, two for `rules/model.rs`.
    module: Vec<String>,
    text: String,
}

impl Source {
    fn new(path: &Path, text: String) -> Self {
        let mut names: Vec<String> = path
            .with_extension("")
            .iter()
            .map(|name| name.to_str().unwrap().to_owned())
            .collect();
        let folder = names[0].clone();
        if names.last().unwrap() == "mod" {
            names.pop();
        }
        Self {
            folder,
            path: path.display().to_string(),
            module: names,
            text,
        }
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let mut text = String::new();
            fs::File::open(path)
                .unwrap()
                .read_to_string(&mut text)
                .unwrap();
            Source::new(path.strip_prefix(&root).unwrap(), text)
        })
        .collect()
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

fn problems(source: &Source) -> Vec<String> {
    let mut problems = Vec::new();
    if ROOTS.contains(&source.folder.as_str()) {
        return problems;
    }
    let tokens = tokens(&source.text);
    let Some(row) = row_of(&source.folder) else {
        return vec![format!("{}: no row for this folder", source.path)];
    };
    if !IMAGE.iter().any(|part| source.path.starts_with(part)) {
        for used in folders_used(&tokens, source.module.len()) {
            if used != row.name && !may_use(row, &used) {
                problems.push(format!("{}: {} must not use {used}", source.path, row.name));
            }
        }
    }
    for owner in LAYERS {
        for name in owner.owns {
            if owner.name != row.name && imports(&tokens, name) {
                problems.push(format!("{}: {name} belongs to {}", source.path, owner.name));
            }
        }
    }
    if !source.path.starts_with(MACHINES)
        && let Some(found) = machine::only_of_one(&tokens)
    {
        problems.push(format!("{}: {found} outside src/{MACHINES}", source.path));
    }
    if row.name != "sys" && tokens.iter().any(|token| token == "unsafe") {
        problems.push(format!("{}: unsafe outside src/sys", source.path));
    }
    problems
}

fn may_use(row: &Row, used: &str) -> bool {
    match row.uses {
        Below => row_of(used).is_some_and(|used| used.layer < row.layer),
        Only(names) => names.contains(&used),
    }
}

/// The folders named by paths that begin at the crate's root, by `crate` or by climbing there.
fn folders_used(tokens: &[String], depth: usize) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    // Modules written inside the file lie deeper: one entry per open brace, true for a module's.
    let mut braces: Vec<bool> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" => braces.push(index >= 2 && tokens[index - 2] == "mod"),
            "}" => {
                braces.pop();
            }
            "crate" => used.extend(after_root(&tokens[index + 1..])),
            "super" if !follows_super(tokens, index) => {
                let inner = braces.iter().filter(|is_module| **is_module).count();
                let (climbed, rest) = climb(&tokens[index..]);
                if climbed >= depth + inner {
                    used.extend(after_root(rest));
                }
            }
            _ => {}
        }
    }
    used
}

fn follows_super(tokens: &[String], index: usize) -> bool {
    index >= 2 && tokens[index - 1] == "::" && tokens[index - 2] == "super"
}

/// How many `super`s stand in a row, and what follows the last.
fn climb(tokens: &[String]) -> (usize, &[String]) {
    let mut climbed = 1;
    let mut rest = &tokens[1..];
    while let [colons, word, after @ ..] = rest
        && colons == "::"
        && word == "super"
    {
        climbed += 1;
        rest = after;
    }
    (climbed, rest)
}

/// The first names of `::name…` or `::{name…, name…}`.
fn after_root(tokens: &[String]) -> Vec<String> {
    let [colons, next, ..] = tokens else {
        return Vec::new();
    };
    if colons != "::" {
        return Vec::new();
    }
    if next != "{" {
        return vec![next.clone()];
    }
    let mut names = Vec::new();
    let mut depth = 0;
    let mut first = false;
    for token in &tokens[1..] {
        match token.as_str() {
            "{" => {
                depth += 1;
                first = depth == 1;
                continue;
            }
            "}" => depth -= 1,
            "," => {
                first = depth == 1;
                continue;
            }
            name if first => names.push(name.to_owned()),
            _ => {}
        }
        if depth == 0 {
            break;
        }
        first = false;
    }
    names
}

/// Whether a path begins with the crate's name, or a `use` names it alone. Where the name is that
/// of another crate's module, as after `use nix::libc;`, it isn't the crate.
fn imports(tokens: &[String], name: &str) -> bool {
    let is_module = tokens
        .windows(3)
        .any(|three| three[0] == "::" && three[1] == name && three[2] == ";");
    tokens.iter().enumerate().any(|(index, token)| {
        let inside_path = index >= 2
            && tokens[index - 1] == "::"
            && is_word(&tokens[index - 2])
            && tokens[index - 2] != "use";
        let before_path = tokens.get(index + 1).is_some_and(|next| next == "::");
        let used_alone = index >= 1 && tokens[index - 1] == "use";
        token == name && !inside_path && ((before_path && !is_module) || used_alone)
    })
}

/// The test can fail: each kind of mistake is found in a made-up file.
mod itself {
    use std::path::Path;

    use super::tokens::tokens;
    use super::{Source, folders_used, imports, problems};

    fn found(path: &str, text: &str) -> Vec<String> {
        problems(&Source::new(Path::new(path), text.to_owned()))
    }

    #[test]
    fn an_upward_arrow_is_found_in_every_spelling() {
        for text in [
            "use crate::cli::Args;",
            "use crate::{request::Request, cli};",
            "use crate::{exit::{Exit}, cli::{self, Args}};",
            "fn f() { crate::cli::main(); }",
            "use super::super::cli;",
            "mod tests { use super::super::super::cli; }",
            "pub(crate) use crate::cli as c;",
        ] {
            let problems = found("evaluate/judge.rs", text);
            assert!(
                problems.iter().any(|p| p.contains("must not use cli")),
                "{text}: {problems:?}"
            );
        }
    }

    #[test]
    fn what_is_allowed_is_not_found() {
        for text in [
            "use crate::rules::{Decision, RuleSet};",
            "use crate::{request::Request, rules};",
            "use super::verdict::Verdict;",
            "mod tests { use super::super::verdict; }",
            "// use crate::cli;",
            "/* crate::cli */",
            "const A: &str = \"crate::cli\";",
            "const A: &str = r#\"a \" crate::cli\"#;",
            "const A: char = '\"'; use crate::rules; const B: char = '\"';",
            "pub(crate) fn cli<'a>(a: &'a str) {}",
        ] {
            assert_eq!(found("evaluate/judge.rs", text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_stray_import_is_found() {
        for text in [
            "use clap::Parser;",
            "use ::clap::Parser;",
            "use clap;",
            "#[derive(clap::Args)] struct A;",
        ] {
            assert_eq!(found("lint/mod.rs", text).len(), 1, "{text}");
        }
        assert!(!imports(&tokens("use nix::libc::c_int;"), "libc"));
        assert!(!imports(&tokens("use nix::libc; libc::f();"), "libc"));
        assert_eq!(found("cli/mod.rs", "use clap::Parser;"), [""; 0]);
    }

    #[test]
    fn unsafe_is_found_outside_sys_alone() {
        let text = "fn f() { unsafe { g() } }";
        assert_eq!(found("rules/loader.rs", text).len(), 1);
        assert_eq!(found("sys/fork.rs", text), [""; 0]);
        assert_eq!(found("rules/mod.rs", "#![forbid(unsafe_code)]"), [""; 0]);
    }

    #[test]
    fn what_differs_between_processors_is_found_in_one_folder_alone() {
        for text in [
            "#[cfg(target_arch = \"x86_64\")] fn f() {}",
            "const A: u32 = 0xC000_003E;",
            "fn f(r: &mut libc::user_regs_struct) {}",
            "fn f() { registers.orig_rax = 1; }",
            "core::arch::global_asm!(\"\");",
            "fn f() { libc::syscall(59, 0) }",
            "fn f() { call.number == 59 }",
            "fn f() { if call.nr != 59 {} }",
            "match x { (Arch::Native, 59) => {} }",
            "match x { (Arch::X86_64, n) => {} }",
        ] {
            assert_eq!(found("sys/fork.rs", text).len(), 1, "{text}");
            assert_eq!(found("sys/arch/x86_64/mod.rs", text), [""; 0], "{text}");
        }
        for text in [
            "fn f() { libc::syscall(libc::SYS_execve, 0) }",
            "const A: &str = \"/usr/lib/x86_64-linux-gnu\"; // rax",
            "fn f() { call.is(calls::execve) && call.number == number }",
        ] {
            assert_eq!(found("sys/fork.rs", text), [""; 0], "{text}");
        }
    }

    #[test]
    fn an_unknown_folder_is_found() {
        assert_eq!(found("extra/mod.rs", "").len(), 1);
        let used = folders_used(&tokens("use crate::extra::A;"), 2);
        assert_eq!(used.into_iter().collect::<Vec<_>>(), ["extra"]);
        assert_eq!(found("cli/mod.rs", "use crate::extra::A;").len(), 1);
    }
}
