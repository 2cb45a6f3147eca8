//! Published ways around lists of commands, each explained and run: see `bypasses.toml`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Deserialize;

use crate::support::World;

#[derive(Deserialize)]
struct Book {
    class: Vec<Class>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Class {
    name: String,
    about: String,
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    published: String,
    cover: String,
    run: String,
    stops: Stops,
    /// The cover does what a file of the directory says, so that a rule on it is one on that.
    #[serde(default)]
    obeys: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Stops {
    Static,
    Interception,
    Sandbox,
}

const FORBID: &str = "prefix_rule([\"payload\"], decision = \"forbidden\")\n";

/// What `check` says of each case that it finds wrong.
fn each(check: impl Fn(&str, &Case) -> Option<String> + Sync) {
    let book: Book = toml::from_str(include_str!("bypasses.toml")).unwrap();
    let cases: Vec<(String, Case)> = book
        .class
        .into_iter()
        .flat_map(|class| {
            let name = class.name;
            class
                .cases
                .into_iter()
                .map(move |case| (format!("{name}/{}", case.name), case))
        })
        .collect();
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((name, case)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(what) = check(name, case) {
                        wrong
                            .lock()
                            .unwrap()
                            .push(format!("{name}: {what}\n    {:?}", case.run));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn the_file_is_what_it_says() {
    let book: Book = toml::from_str(include_str!("bypasses.toml")).unwrap();
    let mut names = BTreeSet::new();
    let mut count = 0;
    for class in &book.class {
        assert!(!class.about.is_empty());
        for case in &class.cases {
            assert!(names.insert(format!("{}/{}", class.name, case.name)));
            assert!(!case.published.is_empty(), "{}", case.name);
            count += 1;
        }
    }
    assert!(count >= 300, "{count} cases");
}

fn allow(cover: &str) -> String {
    format!("prefix_rule([\"{cover}\"])\n")
}

/// A world with a payload that leaves a mark outside, if it runs there, and one inside, if it
/// runs at all.
fn world(rules: &str) -> World {
    World::new()
        .rules(rules)
        .script(
            "bin/payload",
            "#!/bin/sh\necho x 2>/dev/null >WORLD/ws/ran\n(echo x >WORLD/out/mark) 2>/dev/null\ntrue\n",
        )
        .file("out/there", "a\n")
        .file("ws/f.txt", "a\n")
}

/// Whether everything that the case starts is on this machine.
fn is_installed(case: &Case) -> bool {
    ["/usr/bin", "/bin", "/usr/sbin", "/sbin"]
        .iter()
        .any(|directory| Path::new(directory).join(&case.cover).exists())
        || matches!(case.cover.as_str(), "echo" | "eval")
}

/// What the case does when it is run under `rules`: whether the payload ran at all, and whether
/// something was written outside.
fn run(case: &Case, rules: &str) -> (bool, bool) {
    let world = world(rules);
    let script = world.spelled(&case.run);
    let mut words = vec!["timeout".into(), "-k1".into(), "20".into()];
    words.extend(world.arguments(["-c".into(), script]));
    let _ = world
        .command(&words)
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let exists = |name: &str| world.path(name).symlink_metadata().is_ok();
    (exists("ws/ran"), exists("out/mark"))
}

/// The decision of each command that `rules explain` finds, and of the whole.
fn explain(case: &Case, rules: &str) -> serde_json::Value {
    let world = world(rules);
    let output = world.explained("--format=json", &case.run);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn explained_the_payload_is_never_allowed_outside() {
    each(|_, case| {
        let said = explain(case, &allow(&case.cover));
        let commands = said["commands"].as_array()?;
        let lifted = commands.iter().find(|command| {
            let explained = &command["explanation"];
            let program = explained["program"]["asked"].as_str().unwrap_or_default();
            program.ends_with("payload")
                && case.cover != program
                && explained["decision"] == "allow"
                && explained["placement"] == "outside"
        });
        lifted.map(|command| format!("allowed outside: {command}"))
    });
}

/// Whether a word hands a command the payload or the file, other than by what the shell does first.
fn carries(word: &serde_json::Value) -> bool {
    let word = word.as_str().unwrap_or_default();
    let by_shell = ["<(", "$(", "`"].iter().any(|sign| word.contains(sign));
    !by_shell && (word.contains("payload") || word.ends_with("out/mark"))
}

#[test]
fn explained_no_rule_on_the_cover_permits_what_carries_the_payload() {
    each(|_, case| {
        let said = explain(case, &allow(&case.cover));
        let commands = said["commands"].as_array()?;
        let lifted = commands.iter().find(|command| {
            let explained = &command["explanation"];
            let words = explained["argv"].as_array();
            let carries = words.is_some_and(|words| words.iter().any(carries));
            explained["decision"] == "allow" && explained["placement"] == "outside" && carries
        });
        lifted.map(|command| format!("allowed outside: {}", command["explanation"]["argv"]))
    });
}

#[test]
fn explained_a_rule_on_the_payload_is_seen_where_the_file_says_so() {
    each(|_, case| {
        let said = explain(case, FORBID);
        let seen = said["decision"] == "forbidden";
        let expected = case.stops == Stops::Static;
        (seen != expected).then(|| format!("explain says {}", said["decision"]))
    });
}

#[test]
fn run_with_a_rule_on_the_payload_it_never_runs_outside() {
    each(|_, case| {
        if !is_installed(case) {
            return None;
        }
        let (ran, marked) = run(case, FORBID);
        if marked {
            return Some("it wrote outside".to_owned());
        }
        // A copy under another name is another program to rules; the sandbox still holds it.
        (ran && case.stops == Stops::Static).then(|| "the payload ran".to_owned())
    });
}

#[test]
fn run_with_the_cover_allowed_none_gets_out() {
    each(|_, case| {
        if !is_installed(case) {
            return None;
        }
        let rules = allow(&case.cover);
        if case.obeys {
            let said = explain(case, &rules);
            let commands = said["commands"].as_array()?;
            let told = commands.iter().any(|command| {
                let explained = &command["explanation"];
                let files = explained["obeys"].as_array();
                explained["program"]["asked"] == case.cover.as_str()
                    && files.is_some_and(|files| !files.is_empty())
            });
            return (!told).then(|| "explain doesn't say what it obeys".to_owned());
        }
        let (_, marked) = run(case, &rules);
        marked.then(|| "it wrote outside".to_owned())
    });
}
