use std::collections::BTreeSet;

use super::*;
use crate::evaluate::{Basis, judge, judge_exec, judge_script};
use crate::models::model::{Form, InnerModel, OptionModel, Takes};
use crate::request::WorkingDirectory;
use crate::rules::{Decision, from_own_text};

/// How many words there are in all that is looked at of a command.
fn work(words: &[&str], repeated: usize) -> usize {
    let index = IndexedRules::new(from_own_text("t.rules", "prefix_rule([\"x\"])\n"));
    let argv = words.repeat(repeated);
    let argv: Vec<OsString> = argv.into_iter().map(OsString::from).collect();
    let cwd = WorkingDirectory::new("/work").unwrap();
    let request = Request::new(Program::named(&argv[0]), argv, cwd);
    let tree = CommandTree::of(&index, &request);
    let all: usize = tree.nodes().iter().map(|node| node.argv.len()).sum();
    let readings = readings(&index, &request);
    let scripts = readings.iter().flat_map(|reading| &reading.inner);
    let scripts = scripts.map(|inner| match &inner.what {
        models::reading::What::Script(text) => text.len(),
        models::reading::What::Words(words) => words.len(),
    });
    all + scripts.sum::<usize>()
}

/// Command lines that start `inner`, one for each place where the model has a command, behind `path`.
fn wrapped(model: &CommandModel, path: &[String], inner: &[&str]) -> Vec<Vec<String>> {
    let forms = [Form::Words, Form::Line, Form::Script];
    let shown = model
        .inner
        .iter()
        .filter(|place| forms.contains(&place.form));
    let of_place = |place: &InnerModel| {
        let words = |words: &[&str]| words.iter().map(|&w| w.to_owned()).collect::<Vec<_>>();
        let option = |name: &String| {
            let named = |option: &&OptionModel| option.names.contains(name);
            let takes = model.options.iter().find(named).map(|option| option.takes);
            let value = (takes == Some(Takes::Value)).then(|| "v".to_owned());
            std::iter::once(name.clone())
                .chain(value)
                .collect::<Vec<_>>()
        };
        let command = if place.form == Form::Script {
            vec![inner.join(" ")]
        } else {
            words(inner)
        };
        [
            path.to_vec(),
            place.when.first().map(option).unwrap_or_default(),
            words(&vec!["w"; place.after]),
            words(if place.dashes { &["--"] } else { &[] }),
            place
                .follows
                .first()
                .or(place.behind.first())
                .cloned()
                .into_iter()
                .collect(),
            command,
        ]
        .concat()
    };
    let own = shown.map(of_place);
    let deeper = model.subcommands.iter().flat_map(|sub| {
        let name = sub.names.first().cloned().unwrap_or_default();
        wrapped(sub, &[path, &[name]].concat(), inner)
    });
    own.chain(deeper).collect()
}

/// What a rule sees within a command, a heuristic sees too, whatever starts it.
#[test]
fn rules_and_heuristics_see_the_same_commands() {
    let rule = "prefix_rule([\"rm\", \"-rf\"], decision = \"forbidden\")\n";
    let (with, without) = (from_own_text("t.rules", rule), from_own_text("t.rules", ""));
    let (with, without) = (IndexedRules::new(with), IndexedRules::new(without));
    let names = models::programs().map(|(names, _)| names.split(' ').next().unwrap());
    let mut seen = 0;
    for name in names {
        let model = models::builtin(name).unwrap();
        for words in wrapped(model, &[name.to_owned()], &["rm", "-rf", "x"]) {
            let argv: Vec<OsString> = words.iter().map(OsString::from).collect();
            let cwd = WorkingDirectory::new("/work").unwrap();
            let request = Request::new(Program::named(&argv[0]), argv, cwd);
            let by_rule = judge(&with, &request).verdict.decision == Decision::Forbidden;
            let basis = judge(&without, &request).verdict.basis;
            let by_heuristic = matches!(basis, Basis::Heuristic { code: "H001", .. });
            assert_eq!(by_rule, by_heuristic, "{words:?}: {basis:?}");
            seen += usize::from(by_rule);
        }
    }
    assert!(seen > 200, "{seen}");
}

/// What a program starts where no exec of it is seen counts when the program starts, for rules and for heuristics;
/// what is seen counts then, and not before.
#[test]
fn what_is_never_seen_counts_when_its_wrapper_starts() {
    let rule = "prefix_rule([\"git\", \"push\"], decision = \"forbidden\")\n";
    let index = IndexedRules::new(from_own_text("t.rules", rule));
    let names = models::programs().map(|(names, _)| names.split(' ').next().unwrap());
    let (mut seen, mut unseen) = (BTreeSet::new(), BTreeSet::new());
    for name in names {
        let model = models::builtin(name).unwrap();
        for inner in [
            &["git", "push"][..],
            &["rm", "-rf", "x"],
            &["sh", "-c", "cd x && git push"],
        ] {
            for words in wrapped(model, &[name.to_owned()], inner) {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let request = placed(&words);
                let whole = judge(&index, &request).verdict;
                if whole.decision == Decision::Allow {
                    continue;
                }
                let started = judge_exec(&index, &request).verdict;
                let is_unseen = readings(&index, &request).iter().any(Reading::is_unseen);
                if is_unseen {
                    assert_eq!(started, whole, "{words:?}");
                    unseen.insert(name);
                } else if started.decision == Decision::Allow {
                    seen.insert(name);
                }
            }
        }
    }
    for name in [
        "adb",
        "docker",
        "kubectl",
        "ssh",
        "sudo",
        "systemd-run",
        "tmux",
    ] {
        assert!(unseen.contains(name) && !seen.contains(name), "{name}");
    }
    for name in ["env", "find", "nice", "npx", "sh", "timeout", "xargs"] {
        assert!(seen.contains(name) && !unseen.contains(name), "{name}");
    }
}

/// A command that starts itself again and again is looked at to some depth, once at each.
#[test]
fn the_work_is_linear_in_the_words() {
    for words in [
        &["env"][..],
        &["xargs"],
        &["sudo"],
        &["busybox"],
        &["valgrind"],
        &["busybox", "env"],
        &["xargs", "-Q"],
        &["env", "-S"],
        &["ssh", "h"],
        &["find", "-exec"],
        &["timeout", "1", "busybox"],
        &["git", "bisect", "run"],
        &["sh", "-c", "env env"],
    ] {
        let (few, many) = (work(words, 500), work(words, 5000));
        assert!(many <= 11 * few + 1000, "{words:?}: {few}, {many}");
        assert!(many <= 300 * 5000 * words.len(), "{words:?}: {many}");
    }
}

/// The request for the words, in `/work` with `HOME=/home/me` and `KEEP=1`.
fn placed(words: &[&str]) -> Request {
    let argv: Vec<OsString> = words.iter().map(OsString::from).collect();
    let cwd = WorkingDirectory::new("/work").unwrap();
    let own = [("HOME", "/home/me"), ("KEEP", "1")];
    let own = own.map(|(name, value)| (name.into(), value.into()));
    Request::new(Program::named(&argv[0]), argv, cwd).with_environment(own.to_vec())
}

/// The directories of each `here` within, `?` where nobody knows.
fn directories(words: &[&str]) -> String {
    let request = placed(words);
    let tree = CommandTree::of(&IndexedRules::default(), &request);
    let heres = tree.nodes().iter().filter(|node| node.argv[0] == "here");
    let found = heres.map(|node| match node.directories(&request) {
        None => "?".to_owned(),
        Some(all) => all
            .iter()
            .map(|it| it.display().to_string())
            .collect::<Vec<_>>()
            .join("|"),
    });
    found.collect::<Vec<_>>().join(" ")
}

#[test]
fn it_is_known_where_a_command_runs() {
    for (script, expected) in [
        ("here", "/work"),
        ("cd /a; here", "/a"),
        ("cd a && here", "/work/a"),
        ("cd a; cd b; cd ..; here", "/work/a"),
        ("cd ..; here", "/"),
        ("cd -P -- a; here", "/work/a"),
        ("CDPATH=/b; cd a; here", "?"),
        ("CDPATH=/b; cd ./a; cd ../c; here", "/work/c"),
        ("CDPATH=/b cd a; here", "?"),
        ("CDPATH=/b; unset CDPATH; cd a; here", "/work/a"),
        ("builtin cd a; command cd b; here", "/work/a/b"),
        ("pushd a; here; popd; here", "/work/a ?"),
        ("(cd a; here); here", "/work/a /work"),
        ("(cd a); (here)", "/work"),
        (
            "(cd a; (cd b; here); here); here",
            "/work/a/b /work/a /work",
        ),
        ("cd a | here; here", "/work /work"),
        ("cd a && here | here; here", "/work/a /work/a /work/a"),
        ("x | cd a; here", "/work"),
        ("cd a & here", "/work"),
        ("cd a && here & here", "/work/a /work"),
        ("x; cd a && here & cd b && here", "/work/a /work/b"),
        ("cd a || here; here", "/work/a|/work /work/a|/work"),
        ("cd a || x; (here); here", "/work/a|/work /work/a|/work"),
        (
            "cd a || (cd b; here); here",
            "/work/a/b|/work/b /work/a|/work",
        ),
        ("cd a || exit; here", "/work/a"),
        ("cd a || { x; exit 1; }; here", "/work/a"),
        ("cd a || { x && exit 1; }; here", "/work/a|/work"),
        ("cd a || (exit 1); here", "/work/a|/work"),
        ("cd a && x || exit 1; here", "/work/a"),
        ("cd a && x || y; here", "/work/a|/work"),
        ("cd a; x || y; here", "/work/a"),
        ("cd a; cd b || exit; x || y; here", "/work/a/b"),
        ("{ cd a; x; } || y; here", "?"),
        ("x && cd a && here; here", "/work/a /work/a|/work"),
        ("x || cd a && here", "/work/a|/work"),
        ("! cd a && here", "/work/a|/work"),
        ("cd \"$x\"; here", "?"),
        ("cd; here", "?"),
        ("cd -; here", "?"),
        ("cd ~; here", "?"),
        ("cd a b; here", "?"),
        ("eval cd a; here", "?"),
        (". x; here", "?"),
        ("if x; then cd a; fi; here", "?"),
        ("for x in a b; do (cd a; here); done; here", "/work/a /work"),
        ("while x; do here; cd a; done", "?"),
        ("f() { here; }; cd a; f", "?"),
        ("f() { cd a; }; here; f; here", "? ?"),
        ("f() { x; }; f; here", "/work"),
        ("echo $(cd a; here); here", "? /work"),
        ("cat <(cd a; here); here", "? /work"),
        ("env -C a here; here", "/work /work/a"),
        ("cd a; env --chdir=b here", "/work/a/b"),
        ("env -C /a sh -c 'cd b; here'", "/a/b"),
        ("sudo -D /a here", "/a"),
        ("env -C a -C b here", "?"),
        ("timeout 5 xargs here", "/work"),
        ("sudo here", "/work"),
    ] {
        assert_eq!(directories(&["sh", "-c", script]), expected, "{script}");
    }
    assert_eq!(
        directories(&["env", "-C", "a", "timeout", "5", "here"]),
        "/work/a"
    );
    for option in ["-w", "--workdir"] {
        let words = ["docker", "exec", option, "/srv", "c", "here"];
        assert_eq!(directories(&words), "/srv");
        let words = ["docker", "run", option, "/srv", "--entrypoint", "here", "c"];
        assert_eq!(directories(&words), "/srv");
    }
}

/// What runs on another machine or in a container is not where its caller is.
#[test]
fn what_runs_away_has_a_directory_of_its_own() {
    for (script, expected) in [
        ("ssh h here", "?"),
        ("ssh h 'cd a; here'", "?"),
        ("cd a; ssh h here", "?"),
        ("docker run i here", "?"),
        ("docker run -w a i here", "?"),
        ("docker run -w /a i here", "/a"),
        ("docker exec c sh -c here", "?"),
        ("docker compose exec s here", "?"),
        ("podman run i here", "?"),
        ("kubectl exec p -- here", "?"),
        ("env -C a kubectl exec p -- here", "?"),
        ("chroot d here", "?"),
        ("tmux new here", "?"),
        ("systemd-run here", "?"),
        ("systemd-run --working-directory=/a here", "/a"),
        ("vagrant ssh -c here", "?"),
        ("nsenter -t 1 here", "?"),
        ("pkexec here", "?"),
        ("timeout 5 ssh h env here", "?"),
    ] {
        assert_eq!(directories(&["sh", "-c", script]), expected, "{script}");
    }
}

/// The variable `X` of each `here` within: `-` if it is not set, `?` if nobody knows.
fn variables(words: &[&str], name: &str) -> String {
    let request = placed(words);
    let tree = CommandTree::of(&IndexedRules::default(), &request);
    let own = request.environment.as_ref();
    let heres = tree.nodes().iter().filter(|node| node.argv[0] == "here");
    let found = heres.map(|node| {
        let Some(all) = node.around.variables.of(own) else {
            return "?".to_owned();
        };
        let values: Vec<_> = all.iter().filter(|(known, _)| known == name).collect();
        match values.as_slice() {
            [] => "-".to_owned(),
            [(_, value)] => value.to_str().unwrap().to_owned(),
            _ => "?".to_owned(),
        }
    });
    found.collect::<Vec<_>>().join(" ")
}

#[test]
fn it_is_known_with_which_variables_a_command_runs() {
    for (script, name, expected) in [
        ("here", "KEEP", "1"),
        ("here", "X", "-"),
        ("here", "PWD", "?"),
        ("X=1 here; here", "X", "1 -"),
        ("X=1; here", "X", "-"),
        ("KEEP=2; here", "KEEP", "2"),
        ("KEEP+=2; here", "KEEP", "?"),
        ("X=1; export X; here", "X", "1"),
        ("export X=1; here; X=2; here", "X", "1 2"),
        ("export X=$y; here", "X", "?"),
        ("export -n KEEP; here", "KEEP", "?"),
        ("declare -x X=1; here", "X", "?"),
        ("unset KEEP; here", "KEEP", "-"),
        ("(export X=1; here); here", "X", "1 -"),
        ("export X=1 | x; here", "X", "-"),
        ("x && export X=1; here", "X", "?"),
        ("if x; then export X=1; fi; here", "X", "?"),
        ("here; while x; do here; export X=1; done", "X", "? ?"),
        ("read KEEP; here", "KEEP", "?"),
        ("echo $(export X; X=1; here)", "X", "?"),
        ("cat <(export X=1; here)", "X", "?"),
        ("export X; X=1; here", "X", "1"),
        ("set -a; X=1; here", "X", "?"),
        ("eval x; here", "X", "?"),
        ("env X=1 here", "X", "1"),
        ("env X=1 here", "KEEP", "1"),
        ("env -i X=1 here", "KEEP", "-"),
        ("env - X=1 here", "KEEP", "-"),
        ("env -i X=1 here", "X", "1"),
        ("env -u KEEP here", "KEEP", "-"),
        ("X=1 env -u X sh -c 'timeout 5 here'", "X", "-"),
        ("X=1 sh -c here", "X", "1"),
        ("exec -c here", "KEEP", "-"),
        ("sudo X=1 here", "X", "?"),
        ("ssh host here", "KEEP", "?"),
        ("npx here", "KEEP", "?"),
    ] {
        assert_eq!(variables(&["sh", "-c", script], name), expected, "{script}");
    }
}

/// However many directories and variables a script has, the work is linear in it.
#[test]
fn what_is_kept_in_mind_is_limited() {
    for unit in [
        "cd a && here; ",
        "x && cd $y/a; ",
        "export A$N=1; ",
        "(cd a; export X=1; here); ",
        "{ cd a; }; ",
        "cd a & ",
    ] {
        let text: String = (0..9_000)
            .map(|n| unit.replace("$N", &n.to_string()))
            .collect();
        let tree = CommandTree::of(&IndexedRules::default(), &placed(&["sh", "-c", &text]));
        let longest = tree.nodes().iter().filter_map(|node| {
            let ways = node.around.directories.as_ref()?.iter();
            Some(ways.map(|way| way.as_os_str().len()).sum::<usize>())
        });
        assert!(longest.max().unwrap_or_default() <= 4 * 1024, "{unit}");
    }
}

/// Whether `here` is found within.
#[test]
fn what_a_shell_is_given_to_read_is_a_script() {
    for (script, found) in [
        ("sh <<E\nhere\nE", true),
        ("sh <<< here", true),
        ("bash -s <<< 'here; x'", true),
        ("sudo sh <<< here", true),
        ("env -i bash -s -- a <<E\nhere\nE", true),
        ("echo here | sh", true),
        ("echo -n here | sudo bash", true),
        ("printf 'here\\n' | sh", true),
        ("printf '%s\\n' here | sh", true),
        ("echo here | (cd x; sh)", true),
        ("cat <<E | sh\nhere\nE", true),
        ("echo here | cat | sh", true),
        ("echo here | x | sh", false),
        ("echo here; sh", false),
        ("echo here | cat", false),
        ("cat <<< here", false),
        ("python3 <<< here", false),
        ("sh -c x <<< here", false),
        ("sh file <<< here", false),
        ("mapfile -C 'here #' -c 1 x", true),
        ("compgen -C here x", true),
    ] {
        let tree = CommandTree::of(&IndexedRules::default(), &placed(&["sh", "-c", script]));
        let mut nodes = tree.nodes().iter();
        assert_eq!(nodes.any(|node| node.argv[0] == "here"), found, "{script}");
    }
}

/// Each command of a script is looked up once, whatever it stands in, and the words that are looked at are in
/// proportion to the script.
#[test]
fn a_script_is_looked_at_once() {
    use std::cell::Cell;

    let index = IndexedRules::new(from_own_text(
        "t.rules",
        "prefix_rule([\"git\", \"push\"], decision = \"forbidden\")\n",
    ));
    let look = |text: &str| {
        let (looks, words) = (Cell::new(0), Cell::new(0));
        let find = |start: &UnstartedCommand<'_>| {
            looks.set(looks.get() + 1);
            words.set(words.get() + start.words.len());
            let cwd = WorkingDirectory::new(Path::new("/work").join(start.directory)).unwrap();
            let program = Program::named(&start.words[0]);
            Request::new(program, start.words.to_vec(), cwd)
        };
        let follow = |_| crate::request::Followed::default();
        let resolver = Resolver {
            find: &find,
            read: &|_| None,
            variables: None,
            directory: None,
            follow: &follow,
        };
        let judged = judge_script(&index, text.as_bytes(), &resolver, &());
        let asked = judged.commands.iter().filter(|it| it.request.is_some());
        assert_eq!(looks.get(), asked.count(), "{text:.40}");
        (words.get(), judged)
    };
    for (part, end) in [
        ("env ", "ls"),
        ("xargs ", "ls"),
        ("sudo ls a\n", ""),
        ("nice nice nice ls a; ", "true"),
        ("a ", "b"),
        ("eval ", "ls"),
        ("echo $(env ls)\n", ""),
    ] {
        let script = |count: usize| format!("true; {}{end}\n", part.repeat(count));
        let ((few, _), (many, _)) = (look(&script(200)), look(&script(2000)));
        assert!(many <= 11 * few + 100, "{part}: {few}, {many}");
    }
    let (_, judged) = look("sudo git push; sudo git push; cd x && env git status; f() { ls; }; f");
    let said: Vec<_> = judged
        .commands
        .iter()
        .map(|it| (it.depth, it.decision))
        .collect();
    let (no, yes) = (Decision::Forbidden, Decision::Allow);
    let twice = [(0, no), (1, no), (0, no), (1, no)];
    let rest = [(0, yes), (0, yes), (1, yes), (0, yes), (0, yes)];
    assert_eq!(said, [&twice[..], &rest].concat());
}
