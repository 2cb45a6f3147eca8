use super::*;

fn list(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

#[test]
fn boundaries_and_escapes_show() {
    for (word_in, form) in [
        ("plain-1.0", "plain-1.0"),
        ("", "''"),
        ("a b", "'a b'"),
        ("it's", r"$'it\'s'"),
        ("a\\b", r"'a\b'"),
        ("$HOME", "'$HOME'"),
        ("rm\rls", r"$'rm\rls'"),
        ("\u{8}\u{1b}]0;x\u{7}", r"$'\b\e]0;x\a'"),
        ("\u{9b}31m", r"$'\u009b31m'"),
        ("\u{202e}gnp", r"$'\u202egnp'"),
        ("a\u{200b}b", r"$'a\u200bb'"),
        ("\u{a0}", r"$'\u00a0'"),
        ("\u{e0041}", r"$'\U000e0041'"),
        ("\u{e000}", r"$'\ue000'"),
        ("\u{3164}", r"$'\u3164'"),
        ("e\u{301}", r"$'e\u0301'"),
        ("straße", "'straße'"),
        ("=ls", "'=ls'"),
        ("a=b", "a=b"),
        ("\x7f", r"$'\x7f'"),
    ] {
        assert_eq!(word(OsStr::new(word_in)), form);
    }
    assert_eq!(
        word(OsStr::from_bytes(b"a\xff\xe2\x82")),
        r"$'a\xff\xe2\x82'"
    );
}

#[test]
fn the_first_word_is_no_assignment_and_no_keyword() {
    assert_eq!(text(&list(&["A=b", "A=b"])), "'A=b' A=b");
    assert_eq!(text(&list(&["if", "if"])), "'if' if");
    assert_eq!(text(&[]), "");
}

#[test]
fn short_lists_are_whole_when_bounded() {
    let argv = list(&["git", "commit", "-m", "two words"]);
    assert_eq!(bounded(&argv, 400), text(&argv));
}

#[test]
fn padding_pushes_nothing_out_of_sight() {
    let blanks = " ".repeat(3000);
    let argv = list(&["markit", &format!("{blanks}TAIL")]);
    assert_eq!(bounded(&argv, 400), "markit [... 3000 blanks ...]'TAIL'");

    let argv = list(&["x", &format!("a{}z'", "-".repeat(5000))]);
    let shown = bounded(&argv, 400);
    assert!(shown.starts_with("x 'a---"), "{shown}");
    assert!(shown.ends_with(r"---z\''"), "{shown}");
    assert!(shown.contains(" bytes ...]"), "{shown}");

    let mut argv = vec![OsString::from("pad"); 5000];
    argv.push("TAIL".into());
    let shown = bounded(&argv, 400);
    assert!(
        shown.ends_with(" TAIL") && shown.contains(" arguments, "),
        "{shown}"
    );
}

#[test]
fn the_bound_holds() {
    for unit in ["a", "'", "\u{202e}", "\u{e0041}", "\t", "ß", " "] {
        for count in [0, 1, 10, 100, 1000] {
            for words in [1, 2, 50] {
                let argv = vec![OsString::from(unit.repeat(count)); words];
                let shown = bounded(&argv, 300);
                assert!(shown.len() <= 300, "{} {shown}", shown.len());
            }
        }
    }
}

#[test]
fn text_of_others_stays_text() {
    assert_eq!(visible("it's\ta \\ \u{1b}[2J\n"), "it's\ta \\ \\e[2J\\n");
}

#[test]
fn no_argument_forges_a_mark() {
    let argv = list(&["x", "[... 9 blanks ...]"]);
    assert_eq!(bounded(&argv, 300), "x '[... 9 blanks ...]'");
}
