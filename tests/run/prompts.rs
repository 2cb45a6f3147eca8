//! Questions: who is asked, what the asker reads, what an answer does.

use std::time::{Duration, Instant};

use crate::support::needs::lacks;
use crate::support::ran::Ran;
use crate::support::{World, everyone, everyone_with};

const RULES: &str = "\
prefix_rule(pattern = [\"probe\"], decision = \"prompt\", justification = \"it leaves the sandbox\")
prefix_rule(pattern = [\"/bin/true\"], decision = \"prompt\")
";

/// Words that JSON, a shell and a terminal each would take for something else.
const WORDS: &str = "probe|exit|0|a\tb|\u{1b}[31m|'|\"|x\ny||$HOME|*|\u{fc}|";

fn asking(world: World, who: &str) -> World {
    world.rules(RULES).program("probe").ask(who)
}

#[test]
fn deny_and_allow() {
    everyone(|world| {
        asking(world, "deny")
            .sh("probe write WORLD/out/a; echo $?")
            .status(0)
            .stdout("1")
            .stderr(
                "codex-shell: denied: probe write WORLD/out/a (WORLD/team.rules:1: \
                 declined by --ask deny): it leaves the sandbox",
            )
            .no_file("out/a");
    });
    everyone(|world| {
        asking(world, "allow")
            .sh("probe write WORLD/out/a; echo $?")
            .stdout("0")
            .stderr("")
            .file("out/a", "written\n");
    });
}

/// Without a rule the heuristics ask, and a yes is for inside.
#[test]
fn the_heuristics_ask_too() {
    everyone(|world| {
        world
            .file("ws/x", "")
            .sh("rm -rf x; echo $?")
            .stdout("1")
            .stderr_has("codex-shell: denied: rm -rf x (")
            .stderr_has(": declined by --ask deny)")
            .file("ws/x", "");
    });
    everyone(|world| {
        world
            .ask("allow")
            .file("ws/x", "")
            .file("out/x", "")
            .sh("rm -rf x; rm -rf WORLD/out/x; echo $?")
            .stdout("1")
            .stderr_has("Read-only file system")
            .no_file("ws/x")
            .file("out/x", "");
    });
}

/// What starts a program is not asked about for it as well; and where a rule says no to the program,
/// nobody is asked at all.
#[test]
fn one_question_for_one_action() {
    let asking = |world: World| {
        world
            .rules(
                "prefix_rule([\"git\", \"push\", \"-f\"], decision=\"forbidden\", justification=\"not by force\")\n",
            )
            .script("bin/asker", "#!/bin/sh\ncat >>WORLD/out/asked\n")
            .ask("command:WORLD/bin/asker")
    };
    everyone(|world| {
        let ran = asking(world)
            .file("ws/x", "")
            .sh("timeout 20 env sh -c 'sh -c \"rm -rf x\"; echo $?'")
            .stdout("0")
            .no_file("ws/x");
        assert_eq!(ran.left("out/asked").lines().count(), 1);
    });
    everyone(|world| {
        asking(world)
            .sh("sh -c 'git push -f' || echo $?")
            .stdout("1")
            .stderr_has("(WORLD/team.rules:1: forbidden): not by force\n")
            .no_file("out/asked");
    });
}

#[test]
fn an_asker_reads_json_and_answers_by_its_status() {
    everyone(|world| {
        let ran = asking(world, "command:WORLD/bin/asker")
            .script(
                "bin/asker",
                "#!/bin/sh\ncat >>WORLD/out/asked\n! grep -q 'no: ' WORLD/out/asked\n",
            )
            .sh("probe exit 3 yes; echo $?; probe exit 3 \"no: \
             $(printf 'a\\tb\\033[31m\\377\\n\"')\"; echo $?")
            .stdout("3\n1")
            .stderr_has("(WORLD/team.rules:1: declined): it leaves the sandbox\n");
        let asked = ran.left("out/asked");
        let questions: Vec<serde_json::Value> = asked
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let [yes, no] = questions.as_slice() else {
            panic!("{asked}")
        };
        let path = |name: &str| ran.world.path(name).into_os_string().into_string().unwrap();
        assert_eq!(yes["schema"], 1);
        assert_eq!(
            yes["argv"],
            serde_json::json!(["probe", "exit", "3", "yes"])
        );
        assert_eq!(yes["command"], "probe exit 3 yes");
        assert_eq!(yes["program"], path("bin/probe"));
        assert_eq!(yes["directory"], path("ws"));
        assert_eq!(yes["placement"], "outside");
        assert_eq!(yes["because"], path("team.rules") + ":1");
        assert_eq!(yes["justification"], "it leaves the sandbox");
        let word = &no["argv"][3];
        assert_eq!(
            word["bytes"],
            serde_json::json!(b"no: a\tb\x1b[31m\xff\n\"".as_slice())
        );
        assert_eq!(word["escaped"], r#"$'no: a\tb\e[31m\xff\n"'"#);
        let line = asked.lines().nth(1).unwrap();
        assert!(
            line.is_ascii() && !line.contains(char::is_control),
            "{line:?}"
        );
        let shown = String::from_utf8(ran.stderr.clone()).unwrap();
        assert!(!shown.trim_end().contains(char::is_control), "{shown:?}");
    });
}

/// What the asker reads are the words themselves, and the line that shows them gives them back when a
/// shell evaluates it.
#[test]
fn an_askers_words_are_the_programs() {
    if lacks("python3") {
        return;
    }
    everyone(|world| {
        asking(world, "command:WORLD/bin/asker")
            .script(
                "bin/asker",
                "#!/usr/bin/python3\nimport json, subprocess, sys\nasked = json.load(sys.stdin)\n\
                 line = 'printf %s\\\\|  ' + asked['command']\n\
                 out = subprocess.run(['bash', '-c', line], stdout=subprocess.PIPE).stdout\n\
                 open('WORLD/out/command', 'wb').write(out)\n\
                 words = ''.join(word + '|' for word in asked['argv'])\n\
                 open('WORLD/out/words', 'w').write(words)\n",
            )
            .sh("probe exit 0 $'a\\tb' $'\\e[31m' \"'\" '\"' $'x\\ny' '' '$HOME' '*' '\u{fc}'")
            .status(0)
            .file("out/command", WORDS)
            .file("out/words", WORDS);
    });
}

/// What an asker read, a question each.
fn questions(ran: &Ran) -> Vec<serde_json::Value> {
    let asked = ran.left("out/asked");
    let questions = asked
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    questions.collect()
}

fn noting(world: World) -> World {
    world
        .script("bin/asker", "#!/bin/sh\ncat >>WORLD/out/asked\n")
        .ask("command:WORLD/bin/asker")
}

/// Who starts a program chooses what it is called.
#[test]
fn a_question_shows_what_was_judged() {
    everyone(|world| {
        let ran = noting(world)
            .rules("prefix_rule(pattern = [\"probe\"], decision = \"prompt\")\n")
            .program("probe")
            .sh(
                "for name in probe WORLD/bin/probe /else/probe harmless /usr/bin/ls ''; do \
                 (exec -a \"$name\" WORLD/bin/probe exit 0); done; ../bin/probe exit 0",
            )
            .status(0);
        let path = ran.world.path("bin/probe");
        let path = path.to_str().unwrap();
        let asked: Vec<_> = questions(&ran)
            .iter()
            .map(|it| {
                let called = it.get("called").and_then(|it| it.as_str());
                let command = it["command"].as_str().unwrap().replace(path, "PATH");
                (command, called.unwrap_or("-").to_owned())
            })
            .collect();
        let expected = [
            ("probe exit 0", "-"),
            ("PATH exit 0", "-"),
            ("PATH exit 0", "-"),
            ("PATH exit 0", "harmless"),
            ("PATH exit 0", "/usr/bin/ls"),
            ("PATH exit 0", "''"),
            ("../bin/probe exit 0", "-"),
        ];
        let expected = expected.map(|(command, called)| (command.to_owned(), called.to_owned()));
        assert_eq!(asked, expected);
    });
}

/// What a program outside starts runs outside as well, whatever a rule or a heuristic says of it.
#[test]
fn what_a_program_outside_starts_is_asked_about_as_outside() {
    const RULES: &str = "\
prefix_rule(pattern = [\"build\"])
prefix_rule(pattern = [\"probe\"], decision = \"prompt\")
";
    everyone(|world| {
        let ran = noting(world)
            .rules(RULES)
            .program("probe")
            .script(
                "bin/build",
                "#!/bin/sh\nrm -rf WORLD/out/x\nprobe exit 0\nA=b probe exit 0\n",
            )
            .file("out/x", "")
            .options(["--audit", "WORLD/out/audit"])
            .sh("build")
            .status(0)
            .no_file("out/x");
        let asked = questions(&ran);
        assert_eq!(asked.len(), 3, "{asked:?}");
        for question in &asked {
            assert_eq!(question["placement"], "outside", "{question}");
            let runs = "outside the sandbox, as the program that starts it";
            assert_eq!(question["runs"], runs, "{question}");
            // It keeps what its caller gave it.
            assert_eq!(question.get("dropped_variables"), None);
        }
        let records = ran.left("out/audit");
        for line in records.lines().filter(|line| line.contains("\"rm -rf")) {
            assert!(line.contains("\"placement\":\"outside\""), "{line}");
        }
    });
}

/// What nobody was shown can be something else the next time.
#[test]
fn a_question_says_what_is_read_and_what_may_be_another_the_next_time() {
    const UNKNOWN: &str = "it is not known what it reads from its standard input the next time";
    for (script, input, why) in [
        ("probe exit 0 </dev/null", None, None),
        ("probe exit 0 <&-", None, None),
        ("probe exit 0 <x", Some("WORLD/ws/x"), None),
        (
            "(read y; probe exit 0) <x",
            Some("WORLD/ws/x from byte 2 on"),
            None,
        ),
        // Here it is a pipe.
        ("probe exit 0", None, Some(UNKNOWN)),
        ("echo | probe exit 0", None, Some(UNKNOWN)),
        ("probe exit 0 <<<a", None, Some(UNKNOWN)),
        ("mkfifo p; probe exit 0 0<>p", None, Some(UNKNOWN)),
        ("probe exit 0 </dev/zero", None, Some(UNKNOWN)),
        ("exec 7<x; rm x; probe exit 0 <&7", None, Some(UNKNOWN)),
        ("echo | touch y", None, None),
        (
            "mkfifo p; probe exit 0 with:p </dev/null",
            None,
            Some("WORLD/ws/p is not a file"),
        ),
        (
            "probe exit 0 with:/dev/fd/7 7<x </dev/null",
            None,
            Some("it is not known where /dev/fd/7 leads"),
        ),
        (
            "ln -s /dev/fd l; probe exit 0 with:l/7 7<x </dev/null",
            None,
            Some("it is not known where WORLD/ws/l/7 leads"),
        ),
    ] {
        everyone(|world| {
            let rules = format!("{RULES}prefix_rule([\"touch\"], \"prompt\")\n");
            let world = noting(asking(world, "")).rules(&rules).file("ws/x", "x\n");
            let ran = world.sh(script).status(0);
            let asked = questions(&ran);
            let [asked] = asked.as_slice() else {
                panic!("{script}: {asked:?}")
            };
            for (field, wanted) in [("input", input), ("no_session", why)] {
                let wanted = wanted.map(|text| ran.world.spelled(text).into_string().unwrap());
                let said = asked.get(field).map(|text| text.as_str().unwrap());
                assert_eq!(said, wanted.as_deref(), "{script}: {field}");
            }
        });
    }
}

/// A question about a program inside says why, where the rule would have it outside.
#[test]
fn a_question_says_why_inside() {
    everyone(|world| {
        let ran = noting(world)
            .rules("prefix_rule(pattern = [\"probe\"], decision = \"prompt\")\n")
            .program("probe")
            .sh("mkdir b; ln -s WORLD/bin/probe b/probe; b/probe exit 0; probe exit 0; rm -rf b")
            .status(0);
        let asked = questions(&ran);
        let [linked, plain, dangerous] = asked.as_slice() else {
            panic!("{asked:?}")
        };
        assert_eq!(linked["placement"], "inside");
        let why = linked["why_inside"].as_str().unwrap();
        assert!(
            why.starts_with("the sandbox can write ") && why.ends_with("/b/probe"),
            "{why}"
        );
        assert_eq!(plain["placement"], "outside");
        assert_eq!(plain.get("why_inside"), None);
        assert_eq!(dangerous["placement"], "inside");
        assert_eq!(
            dangerous.get("why_inside"),
            None,
            "no rule would have it outside"
        );
    });
}

/// Without a sandbox nothing is inside.
#[test]
fn a_question_without_a_sandbox_says_so() {
    everyone(|world| {
        let ran = noting(world)
            .rules(RULES)
            .program("probe")
            .options(["--sandbox", "danger-full-access"])
            .file("ws/x", "")
            .sh("X=1 probe exit 0; rm -rf x")
            .status(0);
        for question in questions(&ran) {
            assert_eq!(question["placement"], "outside", "{question}");
            let runs = question["runs"].as_str().unwrap();
            assert!(runs.starts_with("without a sandbox"), "{question}");
            assert_eq!(question.get("dropped_variables"), None);
        }
    });
}

#[test]
fn an_asker_that_fails_is_a_no() {
    let askers = [
        (
            "command:/nowhere/asker",
            "nobody could be asked: No such file or directory",
        ),
        (
            "command:/etc/passwd",
            "nobody could be asked: Permission denied",
        ),
        ("command:/bin/false", "declined"),
        ("command:WORLD/bin/killed", "declined"),
    ];
    everyone_with(&askers, |world, (asker, why)| {
        asking(world, asker)
            .script("bin/killed", "#!/bin/sh\nkill -9 $$\n")
            .sh("probe write WORLD/out/a; echo $?")
            .stdout("1")
            .stderr_has(&format!("(WORLD/team.rules:1: {why}"))
            .no_file("out/a");
    });
}

/// An asker gets none of the command's input, and its output stays out of the command's.
#[test]
fn an_asker_is_apart_from_the_command() {
    everyone(|world| {
        asking(world, "command:WORLD/bin/asker")
            .script("bin/asker", "#!/bin/sh\ncat >/dev/null\necho asked\n")
            .stdin("input\n")
            .sh("probe cat")
            .status(0)
            .stdout("input");
    });
}

#[test]
fn thinking_does_not_count_as_time() {
    everyone(|world| {
        let since = Instant::now();
        asking(world, "command:WORLD/bin/asker")
            .script("bin/asker", "#!/bin/sh\nsleep 1.5\n")
            .options(["--timeout", "1"])
            .sh("probe exit 5")
            .status(5);
        assert!(since.elapsed() > Duration::from_millis(1500));
    });
}

/// While one question is open, others go on, and their time counts again afterwards.
#[test]
fn a_question_holds_only_who_asked() {
    everyone(|world| {
        asking(world, "command:WORLD/bin/asker")
            .script(
                "bin/asker",
                "#!/bin/sh\nuntil [ -e WORLD/ws/go ]; do sleep 0.01; done\n",
            )
            .options(["--timeout", "20"])
            .sh("probe exit 4 & ls >/dev/null; echo on; touch go; wait $!; echo $?")
            .status(0)
            .stdout("on\n4");
    });
    everyone(|world| {
        asking(world, "command:/bin/true")
            .options(["--timeout", "0.5"])
            .sh("probe exit 0; sleep 30")
            .status(124);
    });
}

#[test]
fn many_questions_at_once() {
    everyone(|world| {
        asking(world, "command:WORLD/bin/asker")
            .script("bin/asker", "#!/bin/sh\nsleep 0.2\n")
            .sh(
                "for i in {1..20}; do probe exit $i & all+=\" $!\"; done; for i in $all; \
             do wait $i; s=$((s + $?)); done; echo $s",
            )
            .status(0)
            .stderr("")
            .stdout("210");
    });
}

/// Who says yes once the command has made `ws/go`.
const WAITS: &str =
    "#!/bin/sh\ntouch WORLD/out/asked\nuntil [ -e WORLD/ws/go ]; do sleep 0.01; done\n";

/// Runs `asked` in the background, and `meanwhile` while it is asked about.
fn while_asked(world: World, asked: &str, meanwhile: &str) -> Ran {
    world
        .script("bin/asker", WAITS)
        .ask("command:WORLD/bin/asker")
        .sh(format!(
            "({asked}) & until [ -e WORLD/out/asked ]; do sleep 0.01; done; {meanwhile}; : >go; wait"
        ))
        .status(0)
}

/// A yes was said of the directories that the words led by; where another one is in their place, or theirs
/// was moved, it means nothing.
#[test]
fn a_yes_is_for_the_directories_that_were_there() {
    let files = ["ws/a/b/c/x", "ws/a/o/x", "ws/a2/b/c/x", "ws/d/x", "ws/d2/x"];
    let moved = "since the question, its directory was moved)";
    let leads = |path: &str| format!("since the question, where {path} leads has changed)");
    let to = leads("WORLD/ws/a/b/c/../../o/f");
    let into = leads("WORLD/ws/d/f");
    for (asked, meanwhile, why) in [
        ("cd a/b/c; touch ../../o/f", "mv a/b/c c", moved),
        ("cd a/b/c; touch ../../o/f", "mv a/b b; mkdir a/b", moved),
        ("cd a/b/c; touch ../../o/f", "mv a a1; mv a2 a", moved),
        (
            "cd a/b/c; touch f",
            "mv a/b/c c; ln -s ../../c a/b/c",
            moved,
        ),
        ("cd a/b/c; touch ../../o/f", "mv a/o o; mkdir a/o", &to),
        ("touch d/f", "mv d e; mv d2 d", &into),
        ("touch d/f", "mv d e; ln -s ../out d", &into),
        ("umask 77; exec touch d/f", ":", ""),
    ] {
        for run in ["outside", "inside"] {
            let rules = format!(
                "command_rule(program=\"touch\", args=[rest()], decision=\"prompt\", run=\"{run}\")\n"
            );
            everyone(|world| {
                let world = files.iter().fold(world, |world, file| world.file(file, ""));
                let ran = while_asked(world.rules(&rules), asked, meanwhile);
                let made = [
                    "a/b/c/f", "a/o/f", "c/f", "o/f", "d/f", "e/f", "b/c/f", "a1/o/f",
                ];
                let made = made
                    .iter()
                    .any(|file| ran.world.path("ws").join(file).exists());
                assert_eq!(made, why.is_empty(), "{asked}; {meanwhile}");
                let why = ran.world.spelled(why).into_string().unwrap();
                ran.stderr_has(&why).no_file("out/f");
            });
        }
    }
}

/// Stands for the file that is given to read.
const INPUT: &str = "its input";
/// Changes the script by a mapping, which leaves its times alone.
const MAP: &str = "python3 -c 'import mmap; f = open(\"x.sh\", \"r+b\"); m = mmap.mmap(f.fileno(), 0); \
                   m[5:10] = b\"other\"'";

/// What is asked about, what happens meanwhile, and the file that this changes, if it does.
fn asked_and_changed() -> Vec<(&'static str, String, &'static str)> {
    let other = "#!/bin/sh\\necho other\\n";
    vec![
        ("./tool", format!("printf '{other}' >tool"), "tool"),
        (
            "./tool",
            format!("printf '{other}' >t; chmod +x t; mv t tool"),
            "tool",
        ),
        ("./elf", "cp /bin/false t; cat t >elf".to_owned(), "elf"),
        ("bash ./x.sh", format!("printf '{other}' >x.sh"), "x.sh"),
        ("bash ./x.sh", MAP.to_owned(), "x.sh"),
        (
            "env -C . bash ./x.sh",
            format!("printf '{other}' >t; mv t x.sh"),
            "x.sh",
        ),
        (
            "bash d/s.sh",
            "mv d e; mkdir d; echo echo other >d/s.sh".to_owned(),
            "d/s.sh",
        ),
        // Named by an option.
        (
            "sed -nf ./p.sed x.sh",
            "echo s/.*/other/p >p.sed".to_owned(),
            "p.sed",
        ),
        // In the directory of what env starts.
        (
            "env -C d sed -nf p.sed ../x.sh",
            "echo s/.*/other/p >d/p.sed".to_owned(),
            "d/p.sed",
        ),
        // Given to read.
        ("bash <x.sh", format!("printf '{other}' >x.sh"), INPUT),
        ("bash -s <x.sh", MAP.to_owned(), INPUT),
        ("env bash <x.sh", "echo echo other >>x.sh".to_owned(), INPUT),
        ("bash <x.sh", ":".to_owned(), ""),
        ("echo echo first | bash", ":".to_owned(), ""),
        // Looked for by name.
        (
            "python3 -m m",
            "echo 'print(\"other\")' >m.py".to_owned(),
            "m.py",
        ),
        (
            "python3 -m m",
            "echo 'print(\"other\")' >json.py".to_owned(),
            "json.py",
        ),
        // Not there at the question.
        (
            "sed -nf new.sed x.sh",
            "echo s/.*/other/p >new.sed".to_owned(),
            "new.sed",
        ),
        // Handed on.
        (
            "bash -c '. <(cat x.sh)'",
            format!("printf '{other}' >x.sh"),
            "x.sh",
        ),
        (
            "bash -c '. \"$PWD/x.sh\"'",
            format!("printf '{other}' >x.sh"),
            "x.sh",
        ),
        // Where it runs.
        ("bash -c 'cat ./*' .", "echo other >new".to_owned(), "."),
        // By another descriptor.
        (
            "bash -c '. /dev/fd/3' 3<x.sh",
            format!("printf '{other}' >x.sh"),
            INPUT,
        ),
        ("bash -c '. /dev/fd/3' 3<x.sh", ":".to_owned(), ""),
        ("python3 -m m", ":".to_owned(), ""),
        ("bash ./x.sh", ":".to_owned(), ""),
        ("./tool", ":".to_owned(), ""),
        ("sed -nf ./p.sed x.sh", ":".to_owned(), ""),
    ]
}

/// Nor of anything else than what the files say that were there: the program, and what it is known to read.
#[test]
fn a_yes_is_for_the_files_as_they_were() {
    for (asked, meanwhile, file) in asked_and_changed() {
        let needs_python = meanwhile == MAP || asked.starts_with("python3");
        if needs_python && lacks("python3") {
            continue;
        }
        everyone(|world| {
            // What changes the files meanwhile is not asked about.
            let rules = ["tool", "elf", "bash", "env", "sed", "python3\", \"-m"];
            let rules = rules.map(|name| format!("prefix_rule([\"{name}\"], \"prompt\")\n"));
            let world = world
                .rules(&rules.concat())
                .script("ws/tool", "#!/bin/sh\necho first\n")
                .file("ws/x.sh", "echo first\n")
                .file("ws/d/s.sh", "echo first\n")
                .file("ws/d/p.sed", "s/.*/first/p\n")
                .file("ws/m.py", "print('first')\n")
                .file("ws/p.sed", "s/.*/first/p\n");
            let setup = format!("cp /bin/true elf; {asked}");
            let ran = while_asked(world, &setup, &meanwhile);
            if file.is_empty() {
                ran.stdout("first");
            } else {
                let ran = ran.stdout("").stderr_has("since the question, ");
                ran.stderr_has(match file {
                    "d/s.sh" => "d/s.sh leads has changed)",
                    INPUT => "what it is given to read has changed)",
                    _ => "has changed)",
                });
            }
        });
    }
}

/// Nor of another standard input, which a thread of the caller puts there.
#[test]
fn a_yes_is_for_the_standard_input_that_was_there() {
    if lacks("python3") {
        return;
    }
    let asked = "exec </dev/null python3 -c '
import ctypes, os, threading, time
def swap():
    while not os.path.exists(\"swap\"): time.sleep(0.01)
    os.dup2(os.open(\"x\", 0), 0)
    open(\"swapped\", \"w\")
threading.Thread(target=swap, daemon=True).start()
ctypes.CDLL(None).execlp(b\"probe\", b\"probe\", b\"cat\", None)'";
    let meanwhile = ": >swap; until [ -e swapped ]; do sleep 0.01; done";
    everyone(|world| {
        let world = world.rules(RULES).program("probe").file("ws/x", "x\n");
        while_asked(world, asked, meanwhile)
            .stdout("")
            .stderr_has("since the question, what it is given to read has changed)");
    });
}

/// Whoever wanted the program is gone before the answer: nothing runs.
#[test]
fn a_question_is_withdrawn_with_its_process() {
    everyone(|world| {
        asking(world, "command:WORLD/bin/asker")
            .script(
                "bin/asker",
                "#!/bin/sh\ntouch WORLD/out/asked\nuntil [ -e WORLD/ws/go ]; \
             do sleep 0.01; done\ntouch WORLD/out/answered\n",
            )
            .sh(
                "probe write WORLD/out/a & until [ -e WORLD/out/asked ]; do sleep 0.01; done; \
                 kill -9 $!; touch go; sleep 0.3; ls >/dev/null; echo on",
            )
            .status(0)
            .stdout("on")
            .no_file("out/a");
    });
}

/// The run ends while a question is open: neither it nor its asker stays.
#[test]
fn a_question_does_not_outlive_the_run() {
    everyone(|world| {
        asking(world, "command:WORLD/bin/asker")
            .script("bin/asker", "#!/bin/sh\ntouch WORLD/out/asked\nsleep 60\n")
            .sh("probe write WORLD/out/a & until [ -e WORLD/out/asked ]; do sleep 0.01; done")
            .status(0)
            .no_file("out/a");
    });
}

#[test]
fn without_a_terminal_nobody_can_be_asked() {
    everyone(|world| {
        let world = asking(world, "terminal");
        let mut argv = vec!["setsid".into(), "-w".into()];
        argv.extend(world.arguments(["-c", "probe exit 0; echo $?"]));
        world
            .start_program(&argv)
            .end()
            .stdout("1")
            .stderr_has("(WORLD/team.rules:1: nobody could be asked: no terminal)");
    });
}
