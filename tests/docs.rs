//! What users read is true: manual pages, README, help, links, changelog.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use codex_shell::config::Profiles;
use codex_shell::lint::{self, Level, Levels};
use codex_shell::report::findings::{self, Findings};

use crate::examples::load;
use crate::snapshot;
use crate::support::needs::skip;

const PROGRAM: &str = env!("CARGO_BIN_EXE_codex-shell");

/// Every subcommand that does something, as it is typed.
const COMMANDS: [&str; 17] = [
    "run",
    "serve",
    "approve list",
    "approve show",
    "approve yes",
    "approve no",
    "rules explain",
    "rules check",
    "rules heuristics",
    "rules lints",
    "rules models",
    "execpolicy check",
    "execve-wrapper",
    "config",
    "trust",
    "doctor",
    "completions",
];

const MARKDOWN: [&str; 4] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text_of(name: &str) -> String {
    io::read_to_string(fs::File::open(root().join(name)).unwrap()).unwrap()
}

/// What `codex-shell WORDS` prints, on a terminal of 100 columns.
fn printed(words: &str) -> String {
    let output = Command::new(PROGRAM)
        .args(words.split_whitespace())
        .env("COLUMNS", "100")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{words}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A fenced block of a Markdown file.
struct Block {
    language: String,
    text: String,
}

fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in markdown.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(language), None) => {
                let (language, text) = (language.to_owned(), String::new());
                open = Some(Block { language, text });
            }
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

fn blocks_in(markdown: &str, language: &str) -> Vec<String> {
    let blocks = blocks(markdown).into_iter();
    let found: Vec<String> = blocks
        .filter(|block| block.language == language)
        .map(|block| block.text)
        .collect();
    assert!(!found.is_empty(), "no {language} block");
    found
}

#[test]
fn the_manual_page_is_current() {
    assert!(
        printed("man") == text_of("man/codex-shell.1"),
        "renew it: cargo man > man/codex-shell.1"
    );
}

#[test]
fn every_command_has_its_help() {
    snapshot::within("help", || {
        insta::assert_snapshot!("codex-shell", printed("--help"));
        for command in COMMANDS {
            let name = command.replace(' ', "-");
            insta::assert_snapshot!(name, printed(&format!("{command} --help")));
        }
    });
}

#[test]
fn no_command_is_forgotten() {
    let page = text_of("man/codex-shell.1");
    let sections = page.lines().filter_map(|line| line.strip_prefix(".SS "));
    let listed: BTreeSet<String> = sections.map(|name| name.replace('"', "")).collect();
    let mut known = BTreeSet::from(COMMANDS.map(|command| format!("codex-shell {command}")));
    // It has an option of its own beside its subcommands.
    known.insert("codex-shell approve".into());
    assert_eq!(listed, known);
}

/// The numbers at the head of the doc comments in `src/exit.rs`.
fn documented_exits() -> Vec<String> {
    let source = text_of("src/exit.rs");
    let comments = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("/// "));
    comments
        .filter_map(|comment| comment.split_once(':'))
        .map(|(number, _)| number.to_owned())
        .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        .collect()
}

#[test]
fn every_exit_status_is_in_the_manual_page_and_in_the_readme() {
    let numbers = documented_exits();
    assert!(numbers.len() >= 9, "{numbers:?}");
    let page = text_of("man/codex-shell.1");
    let section = page.split(".SH \"EXIT STATUS\"").nth(1).unwrap();
    let section = section.split(".SH ").next().unwrap();
    let readme = text_of("README.md");
    let table = readme.split("## Exit status").nth(1).unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| "));
    let firsts: Vec<&str> = rows.filter_map(|row| row.split(" |").next()).collect();
    for number in &numbers {
        assert!(
            section.contains(&format!(".TP\n\\fB{number}\\fR\n")),
            "{number} is not in the manual page"
        );
        let listed = firsts
            .iter()
            .any(|first| first.split(", ").any(|n| n == number));
        assert!(listed, "{number} is not in the README");
    }
}

/// The command lines of codex-shell that the Markdown files show, from the subcommand on.
fn shown_commands() -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for name in MARKDOWN {
        let shown = blocks(&text_of(name));
        for line in shown.iter().flat_map(|block| block.text.lines()) {
            let line = line.trim_start_matches("$ ").trim_start_matches("- run: ");
            let ours = ["codex-shell ", "cargo run -- "];
            if let Some(rest) = ours.iter().find_map(|start| line.strip_prefix(start)) {
                found.push(shlex::split(rest).unwrap());
            }
        }
    }
    found
}

#[test]
fn the_commands_and_options_that_are_shown_exist() {
    let shown = shown_commands();
    assert!(shown.len() >= 4, "{shown:?}");
    for words in shown {
        let command = COMMANDS
            .iter()
            .find(|command| words.join(" ").starts_with(*command));
        let command = command.unwrap_or_else(|| panic!("no such command: {words:?}"));
        let help = printed(&format!("{command} --help"));
        let ours = words
            .iter()
            .take_while(|word| *word != "--" && *word != "-c");
        let known: BTreeSet<&str> = help.split([' ', ',', '\n']).collect();
        for option in ours.filter(|word| word.starts_with('-')) {
            assert!(known.contains(option.as_str()), "{option}: {words:?}");
        }
    }
}

/// The functions of rules files that have parameters.
const FUNCTIONS: [&str; 13] = [
    "prefix_rule",
    "command_rule",
    "glob",
    "regex",
    "under",
    "case",
    "profile",
    "host_executable",
    "network_rule",
    "default",
    "program",
    "command",
    "inner",
];

/// Those that take any number of words.
const LISTS: [&str; 3] = ["any_of", "all_of", "rest"];

/// What a manual page shows to be typed, as a reader sees it.
fn verbatim(page: &str) -> Vec<String> {
    let page = text_of(page);
    let blocks = page.split("\n.RS 4\n").skip(1);
    let blocks = blocks.filter_map(|text| text.split("\n.RE\n").next());
    blocks.map(typeset).collect()
}

/// `text` without the escapes of roff. Where a character is not escaped that roff prints as
/// another one, what a reader copies would not be what is meant.
fn typeset(text: &str) -> String {
    let escapes = [
        ("\\-", '-'),
        ("\\(ti", '~'),
        ("\\(aq", '\''),
        ("\\(ha", '^'),
        ("\\(ga", '`'),
        ("\\e", '\\'),
    ];
    let plain = escapes.iter().fold(text.to_owned(), |rest, (escape, _)| {
        rest.replace(escape, "")
    });
    let bare = plain.find(['-', '~', '\'', '^', '`', '\\']);
    assert!(bare.is_none(), "not escaped: {text}");
    let is_request = |line: &str| line.starts_with('.');
    assert!(!text.lines().any(is_request), "a request: {text}");
    let mut seen = text.to_owned();
    for (escape, character) in escapes {
        seen = seen.replace(escape, &character.to_string());
    }
    seen.push('\n');
    seen
}

/// Asserts that `text` loads, and that no check finds anything but a lack of examples.
fn assert_clean(name: &str, text: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    fs::write(&file, text).unwrap();
    let rules = load(&[file]);
    let mut levels = Levels::default();
    for lint in lint::LINTS.iter().filter(|lint| lint.code != "W106") {
        levels.set(lint.code, Some(Level::Warning)).unwrap();
    }
    let found = lint::check(&rules, &levels, &Profiles::default());
    let rules = &rules;
    let findings = &found;
    let text = findings::text(Findings { rules, findings }, false);
    assert!(found.is_empty(), "{text}");
}

#[test]
fn the_rules_that_are_shown_are_clean() {
    for text in blocks_in(&text_of("README.md"), "python") {
        assert_clean("readme.rules", &text);
    }
    let shown = verbatim("man/codex-shell-rules.5");
    assert!(shown.len() >= FUNCTIONS.len(), "{shown:?}");
    for text in shown {
        assert_clean("page.rules", &text);
    }
}

#[test]
fn every_function_has_an_example_in_the_manual_page() {
    let shown = verbatim("man/codex-shell-rules.5").concat();
    for function in FUNCTIONS.into_iter().chain(LISTS) {
        let called = |before| shown.contains(&format!("{before}{function}("));
        assert!(["\n", " ", "[", "("].iter().any(called), "{function}");
    }
}

#[test]
fn the_settings_that_are_shown_are_right() {
    for text in verbatim("man/codex-shell.toml.5") {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("codex-shell.toml"), &text).unwrap();
        let output = Command::new(PROGRAM)
            .arg("config")
            .env("CODEX_HOME", home.path())
            .current_dir(home.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{text}: {output:?}");
    }
}

#[test]
fn the_manual_page_has_the_parameters_of_every_function() {
    let page = text_of("man/codex-shell-rules.5");
    let headings = page.lines().filter(|line| line.starts_with(".SS "));
    let headings = headings.collect::<Vec<_>>().concat();
    for list in LISTS {
        assert!(headings.contains(&format!("{list}(")), "{list}");
    }
    for function in FUNCTIONS {
        // The loader's help for a wrong parameter lists the right ones.
        let call = format!("{function}(no_such_parameter = 1)\n");
        let rules = codex_shell::rules::from_own_text("t.rules", &call);
        let help = rules.diagnostics[0].help.as_deref().unwrap();
        let parameters = help.strip_prefix("the parameters are ").unwrap();
        let heading = format!(".SS \"{function}({parameters})\"");
        assert!(page.lines().any(|line| line == heading), "{heading}");
    }
}

/// A folder with what the README says to save, and with `rules-examples`.
fn reader() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for text in blocks_in(&text_of("README.md"), "python") {
        let name = text
            .lines()
            .next()
            .and_then(|l| l.strip_prefix("# "))
            .unwrap();
        fs::write(folder.path().join(name), &text).unwrap();
    }
    let examples = folder.path().join("rules-examples");
    std::os::unix::fs::symlink(root().join("rules-examples"), examples).unwrap();
    folder
}

/// `PATH` with the program under test in front.
fn search_path() -> OsString {
    let own = Path::new(PROGRAM).parent().unwrap().to_owned();
    let others = ["/usr/bin", "/bin"].map(PathBuf::from);
    std::env::join_paths(std::iter::once(own).chain(others)).unwrap()
}

/// Runs one line as a reader would, and returns all that appears.
fn pasted(line: &str, directory: &Path) -> String {
    let line = line.replacen("cargo run --", "codex-shell", 1);
    let output = Command::new("/bin/sh")
        .args(["-c", &format!("exec 2>&1; {line}")])
        .current_dir(directory)
        .env("PATH", search_path())
        .env("LC_ALL", "C.UTF-8")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The lines without those that differ between machines: where git is, and who may write there.
fn comparable(text: &str) -> Vec<&str> {
    let differs = |line: &str| line.starts_with("  program ") || line.starts_with("  trust ");
    text.lines().filter(|line| !differs(line)).collect()
}

#[test]
fn the_readme_shows_what_appears() {
    let sandbox = Command::new(PROGRAM).arg("doctor").output().unwrap();
    for block in blocks_in(&text_of("README.md"), "console") {
        let (line, expected) = block.split_once('\n').unwrap();
        let line = line.strip_prefix("$ ").unwrap();
        if line.contains(" run ") && !sandbox.status.success() {
            skip("every layer of the sandbox");
            continue;
        }
        let folder = reader();
        let appeared = pasted(line, folder.path());
        assert_eq!(comparable(&appeared), comparable(expected), "{line}");
    }
}

/// Rules that are put where the README says count, with no word of where they are.
#[test]
fn rules_are_found_where_the_readme_puts_them() {
    let readme = text_of("README.md");
    let blocks = blocks_in(&readme, "sh");
    let lines = blocks
        .iter()
        .filter(|block| block.contains("cp team.rules"));
    let folder = reader();
    let home = tempfile::tempdir().unwrap();
    let mut appeared = String::new();
    for line in lines.flat_map(|block| block.lines()) {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", line]).current_dir(folder.path());
        command
            .env("PATH", search_path())
            .env("HOME", home.path())
            .env_remove("CODEX_HOME");
        let output = command.stdin(std::process::Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
        appeared = String::from_utf8(output.stdout).unwrap();
    }
    for place in [
        "/.codex/rules/team.rules:2 (user)\n",
        "/.codex/rules/team.rules:2 (project)\n",
    ] {
        assert!(appeared.contains(place), "{appeared}");
    }
}

/// The targets of the links in `markdown`.
fn links(markdown: &str) -> Vec<&str> {
    let starts = markdown.split("](").skip(1);
    starts.filter_map(|rest| rest.split(')').next()).collect()
}

/// The anchors that GitHub gives the headings of `markdown`.
fn anchors(markdown: &str) -> BTreeSet<String> {
    let headings = markdown.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|heading| {
            let words = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
            words
                .chars()
                .filter(kept)
                .collect::<String>()
                .replace(' ', "-")
        })
        .collect()
}

#[test]
fn relative_links_lead_somewhere() {
    let mut relative = 0;
    for name in MARKDOWN {
        let markdown = text_of(name);
        for link in links(&markdown) {
            if link.starts_with("https://") {
                continue;
            }
            relative += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let file = if file.is_empty() { name } else { file };
            assert!(root().join(file).exists(), "{name}: {link}");
            let found = anchor.is_empty() || anchors(&text_of(file)).contains(anchor);
            assert!(found, "{name}: {link}");
        }
    }
    assert!(relative >= 5);
}

#[test]
fn the_changelog_is_in_its_form() {
    let changelog = text_of("CHANGELOG.md");
    let versions: Vec<&str> = changelog
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    assert_eq!(versions.first(), Some(&"[Unreleased]"));
    let kinds = [
        "Added",
        "Changed",
        "Deprecated",
        "Removed",
        "Fixed",
        "Security",
    ];
    for kind in changelog.lines().filter_map(|l| l.strip_prefix("### ")) {
        assert!(kinds.contains(&kind), "{kind}");
    }
    assert!(changelog.contains("**[rules]**"), "the marker is explained");
}
