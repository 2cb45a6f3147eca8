//! Input that is wrong, huge or odd: an error or the right behaviour, never a panic.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::symlink;
use std::process::Stdio;

use crate::support::ran::Ran;
use crate::support::running::number;
use crate::support::{World, everyone, everyone_with};

#[test]
fn wrong_options_are_2() {
    let cases: &[&[&str]] = &[
        &["--nonsense", "--", "true"],
        &["--sandbox", "none", "--", "true"],
        &["--network", "perhaps", "--", "true"],
        &["--ask", "nobody", "--", "true"],
        &["--ask", "command:", "--", "true"],
        &["--require", "magic", "--", "true"],
        &["--pass-fd", "2", "--", "true"],
        &["--pass-fd", "x", "--", "true"],
        &["--pass-fd", "99999", "--", "true"],
        &["--login", "--", "true"],
        &["--shell", "/bin/sh", "--", "true"],
        &["--timeout", "--", "true"],
    ];
    for arguments in cases {
        let world = World::new();
        let mut argv: Vec<OsString> = vec![world.codex_shell().into(), "run".into()];
        argv.extend(arguments.iter().map(OsString::from));
        let ran = world.start_program(&argv).end();
        assert!(!ran.stderr.is_empty());
        ran.status(2).stdout("");
    }
}

/// It is our failure, not the command's: 125, one line, and nothing runs.
#[test]
fn what_is_not_there_is_125() {
    let cases: &[&[&str]] = &[
        &["-C", "WORLD/nowhere"],
        &["-C", "WORLD/ws/file"],
        &["--writable", "WORLD/nowhere"],
        &["--writable", "WORLD/ws/file"],
        &["--writable", "/"],
        &["--audit", "WORLD/nowhere/log"],
        &["--audit", "WORLD/ws"],
        &["--pass-fd", "77"],
    ];
    everyone_with(cases, |world, options| {
        let ran = world
            .file("ws/file", "")
            .options(*options)
            .sh("touch made")
            .status(125)
            .stdout("");
        let text = String::from_utf8(ran.stderr.clone()).unwrap();
        assert!(
            text.starts_with("codex-shell: error: ") && text.lines().count() == 1,
            "{text}"
        );
        ran.no_file("ws/made");
    });
}

/// Rules files with something wrong.
const BROKEN: [&str; 6] = [
    "prefix_rule(pattern = [\"git\"],\n",
    "prefix_rule(pattern = [])\n",
    "def f():\n    f()\nf()\n",
    "def f():\n    for i in range(1000000000):\n        pass\nf()\n",
    "x = [0] * 100000000\ny = [x] * 100000000\n",
    "\u{0}\u{1}\u{2}",
];

/// While any rules of the usual places are broken, what no rule matches is asked about; the good ones
/// hold.
#[test]
fn broken_rules_are_told_and_make_the_rest_ask() {
    everyone_with(&BROKEN, |world, text| {
        world
            .file("home/.codex/rules/broken.rules", text)
            .file(
                "home/.codex/rules/good.rules",
                "prefix_rule(pattern = [\"probe\"])\nprefix_rule(pattern = [\"git\"], \
             decision = \"forbidden\")\n",
            )
            .fake_git()
            .program("probe")
            .sh("probe exit 3; echo $?; git x; echo $?; ls; echo $?")
            .status(0)
            .stdout("3\n1\n1")
            .stderr_has("WORLD/home/.codex/rules/broken.rules")
            .stderr_has(
                "codex-shell: denied: git x (WORLD/home/.codex/rules/good.rules:2: forbidden)\n",
            )
            .stderr_has(
                "codex-shell: denied: ls (no rule: declined by --ask deny): \
             a rules file is broken",
            );
    });
}

/// What was named is counted on: without it nothing starts, whoever would answer.
#[test]
fn named_rules_that_are_broken_or_missing_start_nothing() {
    let start = |world: World| {
        world
            .rules("prefix_rule(pattern = [\"ls\"])\n")
            .ask("allow")
            .options(["--rules", "WORLD/named.rules"])
    };
    let ended = |ran: Ran| {
        ran.status(125)
            .stdout("")
            .stderr_has("codex-shell: error: WORLD/named.rules")
            .stderr_has(
                "\ncodex-shell: error: nothing is started without the rules that --rules names\n",
            )
            .no_file("ws/made");
    };
    everyone_with(&BROKEN, |world, text| {
        ended(start(world.file("named.rules", text)).sh("touch made; ls"));
    });
    // Not there, a link that leads nowhere, a folder with a broken file, one that can't be loaded at all.
    everyone(|world| ended(start(world).sh("touch made; ls")));
    everyone(|world| {
        symlink("/nowhere", world.path("named.rules")).unwrap();
        ended(start(world).sh("touch made; ls"));
    });
    everyone(|world| {
        ended(start(world.file("named.rules/x.rules", "prefix_rule(")).sh("touch made"));
    });
    everyone(|world| ended(start(world).run(["touch", "made"])));
    // A folder without rules.
    everyone(|world| ended(start(world.file("named.rules/x.txt", "")).sh("touch made")));
}

/// Without `--rules`, the usual places; none of them has to be there.
#[test]
fn no_rules_at_all() {
    everyone(|world| {
        world.sh("ls; echo $?").status(0).stdout("0").stderr("");
    });
    everyone(|world| {
        world
            .file(
                "home/.codex/rules/a.rules",
                "prefix_rule(pattern = [\"ls\"], decision = \"forbidden\")\n",
            )
            .sh("ls; echo $?")
            .stdout("1")
            .stderr("codex-shell: denied: ls (WORLD/home/.codex/rules/a.rules:1: forbidden)");
    });
}

fn bytes(text: &[u8]) -> OsString {
    OsString::from_vec(text.to_vec())
}

#[test]
fn bytes_stay_bytes() {
    everyone(|world| {
        let odd = bytes(b"\xff\xfe'\n\x01\x80");
        let ran = world
            .rules("prefix_rule(pattern = [\"probe\"])\n")
            .program("probe")
            .env(bytes(b"ODD\xff"), &odd)
            .run([
                OsStr::new("--"),
                OsStr::new("probe"),
                OsStr::new("tell"),
                &odd,
            ])
            .status(0)
            .stderr("");
        let has = |part: &[u8]| ran.stdout.windows(part.len()).any(|window| window == part);
        let argument = [b"argv[2] ", odd.as_bytes(), b"\n"].concat();
        let variable = [b"env ODD\xff=", odd.as_bytes(), b"\n"].concat();
        assert!(
            has(&argument) && has(&variable),
            "{}",
            ran.stdout.escape_ascii()
        );
    });
}

#[test]
fn odd_names_are_refused_in_printable_words() {
    everyone(|world| {
        let script = bytes(
            b"git push \xff $'\\e[2Jx\\r' '\xc2\x9b'; echo $?; mkdir $'a\\nb'; \
         cd $'a\\nb'; ../../bin/git push; echo $?",
        );
        let ran = world
            .rules(
                "prefix_rule(pattern = [\"git\", \"push\"], decision = \"forbidden\", \
             justification = \"a\\nb\\x1bc\")\n",
            )
            .fake_git()
            .sh(script)
            .status(0)
            .stdout("1\n1");
        let text = String::from_utf8(ran.stderr.clone()).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(
            !text.contains(|c: char| c.is_control() && c != '\n'),
            "{text:?}"
        );
    });
}

/// 1 MB, the most that one argument and many arguments can have.
#[test]
fn long_arguments() {
    everyone(|world| {
        let script = "x=$(printf '%0131000d' 0); probe tell $x $x $x $x $x $x $x $x | wc -c; \
         ./probe tell $x $x $x $x $x $x $x $x | wc -c";
        let ran = world
            .rules("prefix_rule(pattern = [\"probe\"])\n")
            .program("probe")
            .program_at(
                "ws/probe",
                "probe",
                crate::support::programs::Machine::Native,
            )
            .sh(script)
            .status(0)
            .stderr("");
        let counts: Vec<u32> = ran
            .text()
            .lines()
            .map(|line| line.parse().unwrap())
            .collect();
        assert!(
            counts
                .iter()
                .all(|count| (1_048_000..1_055_000).contains(count)),
            "{counts:?}"
        );
    });
    everyone(|world| {
        let ran = world
            .rules("prefix_rule(pattern = [\"git\"], decision = \"forbidden\")\n")
            .fake_git()
            .sh(
                "x=$(printf '%0131000d' 0); git push $x $x $x $x $x $x $x $x; echo $?; \
             git $(seq 100000) >/dev/null; echo $?",
            )
            .stdout("1\n1");
        ran.stderr_has("codex-shell: denied: git push '000")
            .stderr_has("bytes ...]");
    });
}

/// What the kernel finds too long, we find too long.
#[test]
fn too_long_arguments() {
    everyone(|world| {
        world
            .rules("prefix_rule(pattern = [\"probe\"])\n")
            .program("probe")
            .sh(
                "x=$(printf '%0131072d' 0); probe $x; echo $?; probe $(seq 1000000) >/dev/null; \
             echo $?; /bin/true $x; echo $?",
            )
            .status(0)
            .stdout("126\n126\n126")
            .stderr_has("Argument list too long");
    });
}

#[test]
fn a_large_environment() {
    everyone(|mut world| {
        for n in 0..500 {
            world = world.env(format!("VARIABLE_{n}"), "y".repeat(1000));
        }
        world
            .env("LONG", "z".repeat(100_000))
            .rules("prefix_rule(pattern = [\"probe\"])\n")
            .program("probe")
            .sh(
                "probe | grep -c '^env VARIABLE'; probe | grep ^env.LONG | wc -c; \
             env | grep -c ^VARIABLE",
            )
            .status(0)
            .stdout("500\n100010\n500");
    });
}

/// Each set of closed streams: the command runs as it would without us.
#[test]
fn closed_streams() {
    let closings = ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-", ">&- 2>&-"];
    everyone_with(&closings, |world, closing| {
        let world = world
            .rules("prefix_rule(pattern = [\"probe\"])\n")
            .program("probe");
        let script = "probe write WORLD/out/a; ls -d . >f; exit 3";
        let words = world.arguments(["-c", script]);
        let mut argv: Vec<OsString> = vec![
            "sh".into(),
            "-c".into(),
            format!("\"$@\" {closing}").into(),
            "sh".into(),
        ];
        argv.extend(words);
        world
            .start_program(&argv)
            .end()
            .status(3)
            .file("out/a", "written\n")
            .file("ws/f", ".\n");
    });
}

/// In their place is /dev/null, so that no file can slip into it.
#[test]
fn closed_streams_are_empty() {
    everyone(|world| {
        let world = world
            .rules("prefix_rule(pattern = [\"probe\"])\n")
            .program("probe");
        let words = world.arguments([
            "-c",
            "probe 3>f | grep ^desc; readlink /proc/self/fd/0; probe cat",
        ]);
        let mut argv: Vec<OsString> =
            vec!["sh".into(), "-c".into(), "\"$@\" <&-".into(), "sh".into()];
        argv.extend(words);
        world
            .start_program(&argv)
            .end()
            .status(0)
            .stdout("descriptors 0 1 2 3\n/dev/null");
    });
}

#[test]
fn a_closed_pipe_for_output() {
    everyone(|world| {
        let world = world
            .rules("prefix_rule(pattern = [\"probe\"])\n")
            .program("probe");
        for (script, status) in [
            ("exec probe yes", 141),
            ("exec yes", 141),
            ("yes; exit 3", 3),
            ("nonsense-program", 127),
        ] {
            let argv = world.arguments(["-c", script]);
            let mut child = world
                .command(&argv)
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            drop(child.stdout.take());
            assert_eq!(number(child.wait().unwrap()), status, "{script}");
        }
    });
}

/// Nobody reads the refusal: the command goes on all the same.
#[test]
fn a_closed_pipe_for_errors() {
    everyone(|world| {
        let world = world
            .rules("prefix_rule(pattern = [\"git\"], decision = \"forbidden\")\n")
            .fake_git();
        let argv = world.arguments(["-c", "trap '' PIPE; git push; exit $?"]);
        let mut child = world.command(&argv).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stderr.take());
        assert_eq!(number(child.wait().unwrap()), 1);
    });
}

#[test]
fn no_environment_at_all() {
    everyone(|world| {
        let mut argv: Vec<OsString> = vec!["env".into(), "-i".into()];
        argv.extend(world.arguments(["-c", "/bin/ls -d .; exit 3"]));
        world
            .start_program(&argv)
            .end()
            .status(3)
            .stdout(".")
            .stderr("");
    });
}
