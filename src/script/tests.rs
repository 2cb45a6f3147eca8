use std::time::Duration;

use nix::time::ClockId;
use proptest::prelude::*;

use super::*;

mod bash;

/// The words of each command, unknown ones marked.
fn commands(script: &[u8]) -> Vec<Vec<String>> {
    let script = parse(script, Dialect::Bash);
    let mut all = Vec::new();
    for command in &script.commands {
        let mut words = Vec::new();
        for word in &command.words {
            let text = String::from_utf8_lossy(&word.recognised()).into_owned();
            words.push(if word.known().is_some() {
                text
            } else {
                format!("?{text}")
            });
        }
        all.push(words);
    }
    all
}

fn found(script: &str) -> String {
    let commands: Vec<String> = commands(script.as_bytes())
        .iter()
        .map(|words| words.join(" "))
        .collect();
    commands.join(" / ")
}

#[test]
fn every_command_counts_wherever_it_stands() {
    for (script, expected) in [
        (
            "a; b & c && d || e | f |& g\nh",
            "a / b / c / d / e / f / g / h",
        ),
        ("(a; b) | { c; }", "a / b / c"),
        (
            "if a; then b; elif c; then d; else e; fi",
            "a / b / c / d / e",
        ),
        ("while a; do b; done; until c; do d; done", "a / b / c / d"),
        ("for x in 1 $(a); do b; done", "a / b"),
        ("for ((i=$(a); i<3; i++)); do b; done", "a / b"),
        ("for x do b; done; select y in 1; do c; done", "b / c"),
        (
            "case $(a) in x|y) b;; (z) c;& *) d;;& esac",
            "a / b / c / d",
        ),
        ("case x in esac; a", "a"),
        (
            "f() { a; }; function g { b; }; function h () ( c ); f",
            "a / b / c / f",
        ),
        (
            "echo $(a) \"$(b)\" `c` \"`d`\"",
            "echo ?$(a) ?$(b) ?`c` ?`d` / a / b / c / d",
        ),
        ("echo `a \\`b\\``", "echo ?`a \\`b\\`` / a ?`b` / b"),
        ("a <(b) >(c) < <(d)", "a ?<(b) ?>(c) / b / c / d"),
        (
            "echo $((1 + $(a))) $[ $(b) ]",
            "echo ?$((1 + $(a))) ?$[ $(b) ] / a / b",
        ),
        ("echo $((a); b)", "echo ?$((a); b) / a / b"),
        ("((x = $(a))) && b; ((a); (b))", "a / b / a / b"),
        ("x=$(a) y=`b` c", "c / a / b"),
        (
            "x=(1 $(a) `b`) ; declare -a y=($(c))",
            " / a / b / declare -a ?y=($(c)) / c",
        ),
        ("x[$(a)]=1 b", "b / a"),
        (
            "echo ${x:-$(a)} ${y:+`b`} \"${z/$(c)/\"$(d)\"}\"",
            "echo ?${x:-$(a)} ?${y:+`b`} ?${z/$(c)/\"$(d)\"} / a / b / c / d",
        ),
        ("[[ -f $(a) && x =~ (b|c) ]] && d", "a / d"),
        (
            "! a; time -p b; time; coproc c; coproc N { d; }",
            "a / b / c / d",
        ),
        ("a > $(b) 2>&1 <<< $(c)", "a / b / c"),
        (
            "a\\\n b; i\\\nf c; then d; fi; e &\\\n& f",
            "a b / c / d / e / f",
        ),
        ("{ a; } > x; >y", "a /  / "),
        ("a # b\nc; d#e", "a / c / d#e"),
        ("${ a; }", "?${ a; } / a"),
        ("2>&-a; >& -b <&-", "a / b"),
        ("a\rb\u{a0}c", "a\rb\u{a0}c"),
    ] {
        assert_eq!(found(script), expected, "{script}");
        assert_eq!(
            parse(script.as_bytes(), Dialect::Bash).problems,
            [],
            "{script}"
        );
    }
}

#[test]
fn here_documents_are_text_with_commands_in_substitutions() {
    for (script, expected) in [
        (
            "cat <<E; a\nrm $(b) `c` \\$(d)\nE\ne",
            "cat / a / b / c / e",
        ),
        ("cat <<'E' | a\n$(b)\nE\nc", "cat / a / c"),
        ("cat <<\"E F\"\n$(b)\nE F\nc", "cat / c"),
        ("cat <<\\E\n$(b)\nE\nc", "cat / c"),
        ("cat <<-E\n\tx\n\tE\nc", "cat / c"),
        ("cat <<A <<B\n1\nA\nb\nB\nc", "cat / c"),
        ("x=$(cat <<E\na)b\nE\n) c", "c / cat"),
        ("<<E cat\nb\nE\nc", "cat / c"),
        ("cat <<E\nb", "cat"),
        ("cat <<E\nb\\\nE\nE\nc", "cat / c"),
        ("if a <<E; then b; fi\nx\nE\nc", "a / b / c"),
    ] {
        assert_eq!(found(script), expected, "{script}");
        assert_eq!(
            parse(script.as_bytes(), Dialect::Bash).problems,
            [],
            "{script}"
        );
    }
}

#[test]
fn what_is_no_grammar_is_told_and_the_rest_is_read() {
    for (script, line, column, expected) in [
        ("a\nb )\nrm", 2, 3, "a / b / rm"),
        ("if a; fi; rm", 1, 7, "a / rm"),
        ("rm &&", 1, 6, "rm"),
        ("a; ; rm", 1, 4, "a / rm"),
        ("rm 'x", 1, 5, "rm"),
        ("rm $(a; b", 1, 10, "rm / a / b"),
        ("a >; rm", 1, 4, "a / rm"),
        ("f() rm", 1, 5, "rm"),
        ("echo @(a|rm); b", 1, 7, "echo @ / a / rm / b"),
    ] {
        let parsed = parse(script.as_bytes(), Dialect::Bash);
        let first = parsed
            .problems
            .first()
            .map(|problem| (problem.line, problem.column));
        assert_eq!(
            first,
            Some((line, column)),
            "{script}: {:?}",
            parsed.problems
        );
        assert_eq!(found(script), expected, "{script}");
    }
}

#[test]
fn words_that_only_running_tells_are_unknown() {
    for (word, why) in [
        ("$x", Unknown::Variable),
        ("a${x}b", Unknown::Variable),
        ("\"$1\"", Unknown::Variable),
        ("*.rs", Unknown::Glob),
        ("/bin/r?", Unknown::Glob),
        ("[ab]x", Unknown::Glob),
        ("~/x", Unknown::Tilde),
        ("a=~", Unknown::Tilde),
        ("{a,b}", Unknown::Brace),
        ("{1..3}", Unknown::Brace),
        ("{'a',b}", Unknown::Brace),
        ("$(a)", Unknown::Substitution),
        ("<(a)", Unknown::ProcessSubstitution),
        ("$((1))", Unknown::Arithmetic),
        ("$'\\u00e9'", Unknown::Dialect),
        ("$\"a\"", Unknown::Dialect),
    ] {
        let script = parse(format!("x {word}").as_bytes(), Dialect::Bash);
        assert_eq!(script.commands[0].words[1].unknown(), Some(why), "{word}");
    }
    let script = parse(b"a=$x b=c d >e 2>>f <g 2>&1 &>h >&i", Dialect::Bash);
    let command = &script.commands[0];
    assert_eq!(command.assignments[0].name, b"a");
    assert_eq!(command.assignments[1].value.known(), Some(b"c".to_vec()));
    let files: Vec<(bool, Vec<u8>)> = command
        .redirections
        .iter()
        .map(|redirection| (redirection.writes, redirection.target.recognised()))
        .collect();
    let expected = [
        (true, "e"),
        (true, "f"),
        (false, "g"),
        (true, "h"),
        (true, "i"),
    ];
    assert_eq!(
        files,
        expected.map(|(writes, file)| (writes, file.as_bytes().to_vec()))
    );
}

#[test]
fn what_is_nested_deep_is_read() {
    for (open, close) in [
        ("( ", " )"),
        ("{ ", "; }"),
        ("x=$( ", " )"),
        ("echo \"$( ", " )\""),
        ("if true; then ", "; fi"),
        ("case a in a) ", ";; esac"),
        ("while false; do ", "; done"),
        ("cat <( ", " )"),
        ("f() { ", "; }"),
        ("echo ${x:-$( ", " )}"),
    ] {
        let levels = 100;
        let script = format!("{}ls -a{}", open.repeat(levels), close.repeat(levels));
        let parsed = parse(script.as_bytes(), Dialect::Bash);
        assert!(parsed.problems.is_empty(), "{open}: {:?}", parsed.problems);
        let is_there = commands(script.as_bytes()).contains(&vec!["ls".into(), "-a".into()]);
        assert!(is_there, "{open}");
    }
}

#[test]
fn any_text_is_read_in_no_time() {
    for unit in [
        "$(",
        "(",
        "`",
        "\"$(",
        "${x:-",
        "{ ",
        "if ",
        "$((",
        "((",
        "<(",
        "a=(",
        "case x in a) ",
        "f(){ ",
        "[[ ( ",
        "! ",
        "$(<<E\n",
        "a|",
        "a&&",
        "a;",
        "'a'",
        "{a,",
        "<<E ",
        "\\\n",
        "<\\\n(",
        "while ",
        "time ",
        ")",
        "'",
        "$'\\",
        "a[",
        "\"${x:-\"",
        "then ",
        "$[",
        "\0",
        "\u{ff}",
        "`\\",
        "<<-E\n$(",
        "coproc ",
        "function f ",
        ";;",
        "a <<'",
        "$((`",
        "((a) ",
        "$((a) ",
    ] {
        let script = unit.repeat(MAX_FOUND / unit.len() + 1);
        // What else the machine does doesn't count.
        let clock = || Duration::from(ClockId::CLOCK_THREAD_CPUTIME_ID.now().unwrap());
        let started = clock();
        let parsed = parse(script.as_bytes(), Dialect::Bash);
        let took = clock().saturating_sub(started);
        assert!(took < Duration::from_secs(1), "{unit:?} took {took:?}");
        assert!(parsed.commands.len() <= max_commands(script.len()));
    }
}

proptest! {
    #[test]
    fn bytes_never_panic(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&text, Dialect::Bash);
    }

    #[test]
    fn shell_like_text_never_panics(text in fragments(60)) {
        let _ = parse(text.as_bytes(), Dialect::Bash);
        let _ = parse(text.as_bytes(), Dialect::Sh);
    }
}

fn fragments(most: usize) -> impl Strategy<Value = String> {
    let fragment = prop::sample::select(vec![
        "a",
        "b c",
        " ",
        "\n",
        ";",
        "&",
        "&&",
        "||",
        "|",
        "(",
        ")",
        "{ ",
        "; }",
        "$(",
        "${x",
        "}",
        "`",
        "'",
        "\"",
        "\\",
        "$'",
        "$",
        "<",
        ">",
        "<<E",
        "E\n",
        "\nE\n",
        "#",
        "if ",
        "then ",
        "fi",
        "for x in ",
        "do ",
        "done",
        "case ",
        "in ",
        "esac",
        ";;",
        "=",
        "x=",
        "[",
        "]",
        "[[ ",
        "]] ",
        "*",
        "~",
        "!",
        "2>",
        "((",
        "))",
        "f()",
        "-",
        "\\\n",
        "é",
    ]);
    proptest::collection::vec(fragment, 0..most).prop_map(|parts| parts.concat())
}
