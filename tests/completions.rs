//! `completions`: what bash offers with the script sourced.

use std::process::Command;

/// What bash offers in place of the last word.
fn offered(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let [.., before, last] = words.as_slice() else {
        panic!("two words at least");
    };
    let script = format!(
        "eval \"$({} completions bash)\"; COMP_WORDS=({}); COMP_CWORD={}; \
         $(complete -p codex-shell | sed 's/.*-F \\([^ ]*\\).*/\\1/') codex-shell {last} {before}; \
         echo \"${{COMPREPLY[*]}}\"",
        env!("CARGO_BIN_EXE_codex-shell"),
        words.join(" "),
        words.len() - 1,
    );
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn of_commands_options_and_values() {
    let cases: [(&[&str], &[&str]); 5] = [
        (&["codex-shell", ""], &["run", "rules"]),
        (&["codex-shell", "run", "--"], &["--sandbox", "--timeout"]),
        (
            &["codex-shell", "run", "--sandbox", ""],
            &["read-only", "workspace-write"],
        ),
        (&["codex-shell", "rules", ""], &["check", "explain"]),
        (&["codex-shell", "rules", "check", "--f"], &["--format"]),
    ];
    for (words, expected) in cases {
        let offered = offered(words);
        for word in expected {
            assert!(offered.contains(word), "{words:?}: {offered}");
        }
    }
}
