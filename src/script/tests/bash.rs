//! What bash itself makes of the same text.

use std::process::Command;

use super::*;

/// What bash makes of each script's words: the arguments of the function `x`.
fn bash_words(script: &str) -> Option<Vec<Vec<u8>>> {
    let text = format!("x() {{ for a; do printf '%s\\0' \"$a\"; done; }}\n{script}");
    let output = Command::new("/bin/bash")
        .args(["--norc", "-c", &text])
        .env_clear()
        .env("LC_ALL", "C.UTF-8")
        .current_dir("/")
        .output()
        .ok()?;
    if !output.status.success() || !output.stderr.is_empty() {
        return None;
    }
    let words = output
        .stdout
        .strip_suffix(b"\0")
        .map_or_else(Vec::new, |words| {
            words.split(|&byte| byte == 0).map(<[u8]>::to_vec).collect()
        });
    Some(words)
}

/// A word of literal text with every kind of quoting in it.
fn quoted_word() -> impl Strategy<Value = String> {
    let fragment = prop::sample::select(vec![
        "a",
        "rm",
        "-",
        "=",
        ":",
        ",",
        "/",
        "%",
        "@",
        "+",
        ".",
        "^",
        "é",
        "{",
        "}",
        "]",
        "#",
        "!",
        "\\a",
        "\\ ",
        "\\'",
        "\\\"",
        "\\\\",
        "\\$",
        "\\*",
        "\\~",
        "\\{",
        "\\\n",
        "\\;",
        "'b c'",
        "'*'",
        "'\\'",
        "'\"'",
        "'$x'",
        "'\n'",
        "''",
        "'~'",
        "\"b c\"",
        "\"\\$x\"",
        "\"\\`\"",
        "\"\\\"\"",
        "\"\\\\\"",
        "\"\\n\"",
        "\"'\"",
        "\"\\\nz\"",
        "\"\"",
        "$'\\n'",
        "$'\\x72'",
        "$'\\162m'",
        "$'\\t\\e\\''",
        "$'\\x'",
        "$'\\xg1'",
        "$'\\q'",
        "$'\\cA'",
        "$'a\\0b'",
        "$'\\x00z'",
        "$'\\u41'",
        "$'\\U00000042'",
        "$'\\400'",
        "$'\\\"\\?'",
        "$'\\c\\\\'",
        "$'\\1234'",
        "$",
        "$%",
        "$,",
    ]);
    proptest::collection::vec(fragment, 1..7).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// Whatever is said to be known is what bash makes of it.
    #[test]
    fn known_words_are_what_bash_makes_of_them(
        words in proptest::collection::vec(quoted_word(), 1..6)
    ) {
        let script = format!("x {}", words.join(" "));
        let parsed = parse(script.as_bytes(), Dialect::Bash);
        let Some(expected) = bash_words(&script) else {
            return Ok(());
        };
        prop_assert_eq!(&parsed.problems, &[]);
        prop_assert_eq!(parsed.commands.len(), 1);
        let known: Vec<Option<Vec<u8>>> =
            parsed.commands[0].words.iter().skip(1).map(Word::known).collect();
        if known.iter().all(Option::is_some) {
            let known: Vec<Vec<u8>> = known.into_iter().flatten().collect();
            prop_assert_eq!(known, expected);
        }
    }

    #[test]
    fn what_bash_reads_has_no_problem(text in fragments(12)) {
        let parsed = parse(text.as_bytes(), Dialect::Bash);
        let output = Command::new("/bin/bash")
            .args(["--norc", "-n", "-c", &text])
            .env_clear()
            .output()
            .unwrap();
        let differs = parsed.problems.iter().all(|problem| problem.message.starts_with("shells differ"));
        // Bash looks into backquotes and here-documents only when it runs them, and accepts a condition that is cut short.
        let later = ["`", "<<", "[["].iter().any(|part| text.contains(part));
        if output.status.success() && output.stderr.is_empty() && !later {
            prop_assert!(differs, "{:?}", parsed.problems);
        }
    }

    /// Whatever bash starts was found, or its program is unknown, or there is a problem.
    #[test]
    fn what_bash_runs_was_found(text in fragments(16)) {
        let parsed = parse(text.as_bytes(), Dialect::Bash);
        if !parsed.problems.is_empty() {
            return Ok(());
        }
        for ran in bash_runs(&text) {
            let found = parsed.commands.iter().any(|command| could_be(command, &ran));
            prop_assert!(found, "{ran:?} is not in {:?}", commands(text.as_bytes()));
        }
    }
}

/// Whether `command` may have been what ran, which is its words each with a NUL.
fn could_be(command: &ScriptCommand, ran: &[u8]) -> bool {
    let mut expected = Vec::new();
    for word in &command.words {
        match word.known() {
            Some(bytes) => expected.extend([&bytes[..], b"\0"].concat()),
            None => return ran.starts_with(&expected),
        }
    }
    expected == ran
}

/// The commands that bash could not find when it ran `script`, each ended by a line of its own.
fn bash_runs(script: &str) -> Vec<Vec<u8>> {
    let place = tempfile::tempdir().unwrap();
    let text = format!(
        "command_not_found_handle() {{ printf '%s\\0' \"$@\" $'\\x01' >>/proc/self/fd/9; }}\n{script}"
    );
    let log = place.path().join("log");
    let status = Command::new("/bin/bash")
        .args([
            "--norc",
            "-c",
            "exec 9>>log; exec -a bash /bin/bash --norc -c \"$0\"",
            &text,
        ])
        .env_clear()
        .env("PATH", "/nowhere")
        .current_dir(place.path())
        .stdin(std::process::Stdio::null())
        .output();
    assert!(status.is_ok());
    let log = std::fs::File::open(log).map_or_else(
        |_| Vec::new(),
        |mut file| {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
            bytes
        },
    );
    let mut all = Vec::new();
    let mut one = Vec::new();
    for word in log.split_inclusive(|&byte| byte == 0) {
        if word == b"\x01\0" {
            all.push(std::mem::take(&mut one));
        } else {
            one.extend_from_slice(word);
        }
    }
    all
}

#[test]
fn bash_says_what_it_runs() {
    let ran = bash_runs("a; (b 'c d' | e) && f; x=$(g)");
    let ran: std::collections::BTreeSet<String> = ran
        .iter()
        .map(|words| String::from_utf8_lossy(words).into_owned())
        .collect();
    let expected = ["a\0", "b\0c d\0", "e\0", "f\0", "g\0"].map(str::to_owned);
    assert_eq!(ran, expected.into());
}
