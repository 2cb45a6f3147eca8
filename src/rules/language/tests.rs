//! What the language has and what it lacks.

use crate::rules::{RuleSet, from_own_text};

fn error_of(text: &str) -> Option<String> {
    let rules = from_own_text("t.rules", text);
    let place = |found: &crate::rules::model::Diagnostic| {
        let span = found.span.unwrap();
        format!("{} {}:{}", found.code, span.line, span.column)
    };
    rules.diagnostics.first().map(place)
}

/// The words of the patterns that `text` registers, without alternatives.
fn patterns(text: &str) -> Vec<Vec<String>> {
    let rules: RuleSet = from_own_text("t.rules", text);
    assert_eq!(rules.diagnostics, []);
    let words = |rule: crate::rules::model::PrefixRule| {
        let rest = rule.rest.into_iter().flatten();
        std::iter::once(rule.program).chain(rest).collect()
    };
    rules.prefix_rules.into_iter().map(words).collect()
}

#[test]
fn control_flow_functions_and_comprehensions_work() {
    let text = r#"
for i in range(4):
    if i == 1:
        continue
    elif i == 3:
        break
    else:
        pass
    prefix_rule(pattern = ["for", str(i)])
def outer(tool: str, *rest, **named) -> None:
    def inner(sub):
        prefix_rule(pattern = [tool, sub])
    inner("sub" if rest else named["sub"])
outer("d", 1)
outer("d", sub = "named")
pick = lambda x, y = "default": x or y
prefix_rule(pattern = [pick(""), pick("x")])
[prefix_rule(pattern = [a, b]) for a in ["x"] for b in ["1", "2"] if b != "1"]
(a, [b, c]) = ("1", ["2", "3"])
a += "!"
prefix_rule(*[[a, b, c]], **{"decision": "prompt"})
"#;
    let expected = [
        &["for", "0"][..],
        &["for", "2"],
        &["d", "sub"],
        &["d", "named"],
        &["default", "x"],
        &["x", "2"],
        &["1!", "2", "3"],
    ];
    assert_eq!(patterns(text), expected);
}

#[test]
fn strings_have_every_form() {
    let text = r#"
x = "v"
prefix_rule(pattern = ['s', """t "q" ""","#
        .to_owned()
        + r#" r"\n", "\x41\101\u00e9\U0001F600", "\q", "a\
b", f"{x}-{x.upper()}{{}}", "%s" % 1, "{}".format(2)])
"#;
    let expected = [
        "s",
        "t \"q\" ",
        "\\n",
        "AA\u{e9}\u{1f600}",
        "\\q",
        "ab",
        "v-V{}",
        "1",
        "2",
    ];
    assert_eq!(patterns(&text), [expected]);
}

#[test]
fn the_standard_functions_are_there_and_no_others() {
    for name in [
        "abs",
        "all",
        "any",
        "bool",
        "bytes",
        "chr",
        "dict",
        "dir",
        "enumerate",
        "fail",
        "float",
        "getattr",
        "hasattr",
        "hash",
        "int",
        "len",
        "list",
        "max",
        "min",
        "ord",
        "range",
        "repr",
        "reversed",
        "sorted",
        "str",
        "tuple",
        "type",
        "zip",
        "None",
        "True",
        "False",
        "prefix_rule",
        "host_executable",
        "network_rule",
        "default",
    ] {
        assert_eq!(error_of(&format!("x = {name}\n")), None, "{name}");
    }
    for name in [
        "print",
        "set",
        "struct",
        "json",
        "map",
        "filter",
        "sum",
        "partial",
        "debug",
        "isinstance",
        "typing",
        "record",
        "enum",
        "open",
        "breakpoint",
        "call_stack",
        "pprint",
    ] {
        let found = error_of(&format!("x = {name}\n"));
        assert_eq!(found.as_deref(), Some("E0102 1:5"), "{name}");
    }
}

#[test]
fn what_starlark_lacks_is_a_syntax_error() {
    for text in [
        "while True:\n    pass\n",
        "import os\n",
        "class A:\n    pass\n",
        "try:\n    pass\nexcept:\n    pass\n",
        "with x as y:\n    pass\n",
        "assert True\n",
        "del x\n",
        "def f():\n    global x\n",
        "def f():\n    yield 1\n",
        "x = 1 is 1\n",
        "x = (y := 1)\n",
        "x = {1, 2}\n",
        "for i in []:\n    pass\nelse:\n    pass\n",
        "x = f\"{1:02d}\"\n",
        "x = f\"{1!r}\"\n",
        "x = \"a\" \"b\"\n",
        "a, *b = [1]\n",
        "def f():\n\tpass\n",
        "\u{feff}x = 1\n",
        "x = 1\u{a0}\n",
        "x = \"open\n",
    ] {
        let found = error_of(text).unwrap();
        assert!(found.starts_with("E0101 "), "{text}: {found}");
    }
}

#[test]
fn conversions_in_strings_are_found_where_they_stand() {
    let text = "y = 1 != 2\nx = [f\"{y}!\", f\"a {(y) !r}\"]\n";
    assert_eq!(error_of(text).as_deref(), Some("E0101 2:24"));
    let fine = "y = f\"{1}!r {1 != 2} {{!r}}\"\n";
    assert_eq!(error_of(fine), None);
}

#[test]
fn line_ends_and_a_missing_last_one_do_not_matter() {
    assert_eq!(
        patterns("# c\r\nprefix_rule(pattern = [\"a\"])\r\n"),
        [["a"]]
    );
    assert_eq!(patterns("prefix_rule(pattern = [\"a\"])"), [["a"]]);
}

#[test]
fn nothing_can_be_loaded() {
    assert_eq!(
        error_of("load(\"a.rules\", \"x\")\n").as_deref(),
        Some("E0103 1:1")
    );
}

#[test]
fn names_and_types_are_checked() {
    let unused = "def f():\n    return missing\n";
    assert_eq!(error_of(unused).as_deref(), Some("E0102 2:12"));
    for text in [
        "def f(x: int):\n    pass\nf(\"a\")\n",
        "def f() -> int:\n    return \"a\"\nf()\n",
        "x: int = \"a\"\n",
    ] {
        let found = error_of(text).unwrap();
        assert!(found.starts_with("E0103 "), "{text}: {found}");
    }
}

#[test]
fn forty_nine_frames_are_allowed() {
    let text = |depth| format!("def f(n):\n    return n and f(n - 1)\nf({depth})\n");
    assert_eq!(error_of(&text(48)), None);
    assert_eq!(error_of(&text(49)).as_deref(), Some("E0104 2:18"));
}

#[test]
fn a_redefined_function_registers_nothing() {
    let text = "def prefix_rule(**k):\n    pass\nprefix_rule(pattern = [\"a\"])\n";
    assert_eq!(patterns(text), Vec::<Vec<String>>::new());
    let early = format!("prefix_rule(pattern = [\"a\"])\n{text}");
    assert_eq!(error_of(&early).as_deref(), Some("E0103 1:1"));
}
