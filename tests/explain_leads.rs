//! Who gets another answer than they wanted is led by `rules explain` to the rule, and to what is to be changed.

use crate::explain::{World, text};

/// A rule, a command that it does not do to what its author wanted, and what the page says of that.
const LEADS: &[(&str, &str, &[&str])] = &[
    (
        "command_rule(program = \"git\", subcommand = [\"push\"], args = [rest()], decision = \"prompt\",
            unless = [case(args = [\"origin\", rest()])])",
        "git push origin x",
        &["  prompt     t.rules:1  leaves it alone by its `unless`: case(args = [\"origin\", rest()]), which is met by origin\n"],
    ),
    (
        "command_rule(program = \"git\", subcommand = [\"push\"], args = [rest()], decision = \"prompt\",
            unless = [case(args = [\"origin\", rest()], without = \"-f\")])",
        "git push --force origin x",
        &["      unless  case(without = \"-f\", args = [\"origin\", rest()]) doesn't hold: option `--force`, which it excludes, is there\n"],
    ),
    (
        "command_rule(program = \"frob\", args = [rest()], unless = [case(args = [\"evil\"])])",
        "frob evil",
        &["  allow      t.rules:1  it may be a case of its `unless`: case(args = [\"evil\"])\n"],
    ),
    (
        "command_rule(program = \"cat\", args = [rest(under(\"/srv\"))])",
        "cat /srv/x /etc/y",
        &["  allow      t.rules:1  operand `/etc/y` is another one than rest(under(\"/srv\"))\n"],
    ),
    (
        "command_rule(program = \"cat\", args = [rest(under(\"/srv\"))])",
        "cat /etc/y",
        &["  allow      t.rules:1  wants rest(under(\"/srv\")) among the operands, not /etc/y\n"],
    ),
    (
        "command_rule(program = \"kubectl\", subcommand = [\"get\"], args = [rest()])",
        "kubectl get pods --nonsense",
        &["  allow      t.rules:1  option `--nonsense` is unknown, and the rule doesn't name it; a command_rule does by `flags = \"--nonsense\"`\n"],
    ),
    (
        "command_rule(program = \"frob\", exact = True)",
        "frob x",
        &["  allow      t.rules:1  wants nothing else to follow, as does x\n"],
    ),
    (
        "command_rule(program = \"cat\", args = [rest()])\ncommand_rule(program = \"cat\", args = [rest()], run = \"inside\")",
        "cat /etc/y",
        &["  runs      inside the sandbox, by the rule at t.rules:2\n"],
    ),
    (
        "command_rule(program = \"kubectl\", subcommand = [\"delete\"], args = [rest()], options = {\"--namespace\": \"prod\"}, decision = \"forbidden\")",
        "kubectl delete pod x",
        &["      assumes  --namespace is not given: it is not known\n"],
    ),
    (
        "command_rule(program = \"curl\", args = [rest()], options = {\"--request\": \"POST\"}, decision = \"forbidden\")",
        "curl -d x http://y",
        &["      assumes  --request is not given: it is POST here\n"],
    ),
    (
        "prefix_rule([\"git\", \"push\"], decision = \"forbidden\")",
        "env git push x",
        &["  because   the rule at t.rules:1 says so of git push x, which it runs\n"],
    ),
    (
        "prefix_rule([\"npm\", \"run\", \"check\"])",
        "npm update check",
        &["  allow      t.rules:1  wants run as word 1, which is update\n"],
    ),
    (
        "command_rule(program = \"npm\", subcommand = [\"install\"], flags = \"-g\")",
        "npm update check",
        &["  allow      t.rules:1  wants install as word 1, which is update\n"],
    ),
    (
        "prefix_rule([\"git\", \"status\"])",
        "git -C /srv status",
        &["  allow      t.rules:1  wants status as word 1, which is -C; a command_rule may name such an option, by `flags` or `options`\n"],
    ),
    (
        "prefix_rule([\"psql\", \"-c\", \"DROP*\"], decision = \"forbidden\")",
        "psql -c DROPx",
        &["  forbidden  t.rules:1  wants 'DROP*' as word 2, which is DROPx; a prefix_rule takes a `*` as it stands\n"],
    ),
    (
        "prefix_rule([\"git status\"])",
        "git status",
        &["  allow      t.rules:1  is about 'git status', not git; each word is a separate string\n"],
    ),
    (
        "command_rule(program = \"git push\", decision = \"forbidden\")",
        "git push x",
        &["  forbidden  t.rules:1  is about 'git push', not git; each word is a separate string\n"],
    ),
    (
        "prefix_rule([\"/opt/bin/cat\"])",
        "cat x",
        &["  allow      t.rules:1  is about /opt/bin/cat, not /usr/bin/cat\n"],
    ),
    (
        "command_rule(program = \"/opt/bin/cat\", decision = \"prompt\")",
        "cat x",
        &["  prompt     t.rules:1  is about /opt/bin/cat, not /usr/bin/cat\n"],
    ),
    (
        "prefix_rule([\"cat\", \"*\"])",
        "cat x",
        &["  allow      t.rules:1  wants '*' as word 1, which is x; a prefix_rule takes a `*` as it stands\n"],
    ),
    (
        "command_rule(program = \"cat\", args = [\"/a/*\"])",
        "cat /a/b",
        &["  allow      t.rules:1  wants /a/* among the operands, not /a/b; `glob(...)` takes a `*` for anything\n"],
    ),
    (
        "command_rule(program = \"frob\", args = [glob(\"https://x/*\")])",
        "frob https://x/a/b",
        &["  allow      t.rules:1  operand `https://x/a/b` is not glob(\"https://x/*\"), where `*` does not go past a slash"],
    ),
    (
        "command_rule(program = \"rm\", flags = \"-rf\", decision = \"forbidden\")",
        "rm -rf x",
        &["  forbidden  t.rules:1  wants -rf among the options; all_of(...) names each of several letters\n"],
    ),
    (
        "command_rule(program = \"find\", flags = \"-delete\", decision = \"forbidden\")",
        "find . -ls",
        &["  forbidden  t.rules:1  wants -delete among the options\n"],
    ),
    (
        "command_rule(program = \"docker\", subcommand = [\"run\"], options = {\"-v\": \"/:/host\"}, decision = \"forbidden\")",
        "docker run -v /:/mnt i",
        &["  forbidden  t.rules:1  wants /:/host for -v, which is /:/mnt\n"],
    ),
    (
        "command_rule(program = \"git\", subcommand = [\"push\"], args = [\"main\"], decision = \"forbidden\")",
        "git push origin HEAD:main",
        &["  forbidden  t.rules:1  wants main among the operands, not origin\n"],
    ),
    (
        "command_rule(program = \"git\", subcommand = [\"push\"], cwd = \"/nowhere\", decision = \"forbidden\")",
        "git push",
        &["  forbidden  t.rules:1  wants the directory /nowhere, not "],
    ),
    (
        "command_rule(program = \"npm\", subcommand = [\"run\", \"deploy\"], decision = \"forbidden\")",
        "npm run deploy:prod",
        &["  forbidden  t.rules:1  wants deploy as word 2, which is deploy:prod\n"],
    ),
    (
        "command_rule(program = \"rm\", flags = \"-r\", args = [under(\"/srv\")], decision = \"forbidden\")",
        "rm -r work",
        &["  forbidden  t.rules:1  wants under(\"/srv\") among the operands, not work, which is /"],
    ),
    (
        "command_rule(program = \"npm\", subcommand = [\"i\"], args = [rest()])",
        "npm install x",
        &["  allow      t.rules:1  it takes `i` by that name alone; it would have to name `install`\n"],
    ),
    (
        "command_rule(program = \"docker\", subcommand = [\"ps\"], args = [rest()])",
        "docker container ls -a x",
        &["  allow      t.rules:1  it takes `ps` by that name alone; it would have to name `container ls`\n"],
    ),
    (
        "command_rule(program = \"docker\", subcommand = [\"container\"])",
        "docker container ls",
        &["  allow      t.rules:1  `ls` is a separate subcommand, which it doesn't name\n"],
    ),
    (
        "command_rule(program = \"docker\", subcommand = [\"image\", \"rm\"], args = [rest()])",
        "docker rmi x",
        &["  allow      t.rules:1  it takes `image` by that name alone; it would have to name `rmi`\n"],
    ),
    (
        "command_rule(program = \"frob\", args = [rest()])",
        "frob -v --env=prod deploy",
        &[
            "  allow      t.rules:1  option `-v` is unknown, and the rule doesn't name it; a command_rule does by `flags = \"-v\"`\n",
            "  options   nothing is known of them; a rules file can say what they are: \
             program(\"frob\", flags = [\"-v\"], options_with_value = [\"--env\"]), with those",
        ],
    ),
    (
        "prefix_rule([\"docker\", \"compose\", \"up\"])",
        "docker-compose up",
        &["  allow      t.rules:1  is about docker, not docker-compose\n"],
    ),
    (
        "prefix_rule([\"docker\", \"push\"], decision = \"prompt\")",
        "docker push x",
        &["  runs      outside the sandbox, if a person says yes\n"],
    ),
    (
        "prefix_rule([\"docker\", \"push\"], decision = \"prompt\")",
        "docker --debug push x",
        &["inside the sandbox, if a person says yes; not outside because the command has options between"],
    ),
    (
        "prefix_rule([\"docker-compose\", \"up\"])",
        "docker compose up",
        &["  allow      t.rules:1  is about docker-compose, not docker\n"],
    ),
    (
        "prefix_rule([\"./ci.sh\"])",
        "bash ci.sh",
        &["  allow      t.rules:1  is about ./ci.sh, not bash; a relative path is that spelling alone: name the file without \
           its directory, or with all of them\n"],
    ),
    (
        "prefix_rule([\"cargo\", \"publish\"], decision = \"forbidden\")",
        "cargo +nightly publish",
        &["  +nightly  global option that the model doesn't know\n"],
    ),
    (
        "prefix_rule([\"git\", \"push\"], decision = \"forbidden\")",
        "make deploy",
        &["  starts    what GNUmakefile, makefile or Makefile says once it is there: each program is judged when that starts it\n"],
    ),
    (
        "command_rule(program = \"npm\", args = [rest()], decision = \"prompt\",
            unless = [case(subcommand = [\"test\"], args = [rest()])])",
        "npm t",
        &["      unless  case(subcommand = [\"test\"], args = [rest()]) doesn't hold: it takes `test` by that name alone; it would have to name `t`\n"],
    ),
    (
        "command_rule(program = \"docker\", args = [rest()], decision = \"prompt\",
            unless = [case(subcommand = [\"pull\"], args = [rest()])])",
        "docker image pull x",
        &["doesn't hold: it takes `pull` by that name alone; it would have to name `image pull`\n"],
    ),
    (
        "prefix_rule([\"Terraform\", \"apply\"], decision = \"forbidden\")",
        "terraform apply",
        &["  forbidden  t.rules:1  is about Terraform, not terraform\n"],
    ),
    (
        "command_rule(program = \"Terraform\", decision = \"forbidden\")",
        "terraform apply",
        &["  forbidden  t.rules:1  is about Terraform, not terraform\n"],
    ),
    (
        "prefix_rule([\"cat\", \"/etc/shadow\"], decision = \"forbidden\")",
        "cat x /etc/shadow",
        &["  forbidden  t.rules:1  wants /etc/shadow as word 1, which is x; a command_rule with `args` finds it among others\n"],
    ),
    (
        "prefix_rule([\"cat\", \"/etc/shadow\"], decision = \"forbidden\")",
        "cat /etc/./shadow",
        &["as word 1, which is /etc/./shadow; a command_rule with `args` goes by where a path leads\n"],
    ),
    (
        "prefix_rule([\"./work/x\"], decision = \"forbidden\")",
        "work/x",
        &["  forbidden  t.rules:1  is about ./work/x, not work/x; a relative path is that spelling alone: name"],
    ),
    (
        "host_executable(name = \"cat\", paths = [\"/opt/bin/cat\"])\nprefix_rule([\"cat\"])",
        "cat x",
        &["  allow      t.rules:2  host_executable for cat, at t.rules:1, does not list /usr/bin/cat\n"],
    ),
    (
        "network_rule(host = \"x.org\", protocol = \"https\", decision = \"forbidden\")",
        "curl https://x.org/y",
        &["  network   the network_rule at t.rules:1 is Codex's alone; here there is a whole network, or none (--network)\n"],
    ),
    (
        "prefix_rule([\"cat\"])",
        "rm -rf x",
        &["  instead   a rule that allows it decides in place of that; with `run = \"inside\"` it stays in the sandbox\n"],
    ),
    (
        "command_rule(program = \"cat\", args = [rest()], run = profile(\"workspace-write\"))\n\
         command_rule(program = \"cat\", args = [rest()], run = profile(\"read-only\", network = True))",
        "cat x",
        &[": no network, writes nothing, by the rules at t.rules:1 and t.rules:2\n"],
    ),
];

#[test]
fn the_page_leads_to_what_is_to_be_changed() {
    for (rules, command, lines) in LEADS {
        let world = World::new();
        world.file("t.rules", &format!("{rules}\n"));
        let words: Vec<&str> = command.split(' ').collect();
        let page = world.explain(&[&["--rules", "t.rules", "--"], words.as_slice()].concat());
        let page = text(&page.stdout);
        for line in *lines {
            assert!(page.contains(line), "{command}: {page}");
        }
    }
}

#[test]
fn what_is_read_is_not_said_to_be_unread() {
    let world = World::new();
    world.file(
        "t.rules",
        "prefix_rule([\"frob\"], decision = \"prompt\")\n",
    );
    world.file("x.sh", "frob a\n");
    for script in [
        "bash x.sh",
        "bash - x.sh",
        "sh - x.sh",
        "sh ./x.sh",
        "env bash x.sh",
        "echo frob a | sh",
    ] {
        let page = world.explain(&["--rules", "t.rules", "-c", script]);
        let page = text(&page.stdout);
        assert!(page.contains("which follow"), "{page}");
        assert!(page.contains("    frob a\n"), "{page}");
        assert!(!page.contains("not read here"), "{page}");
        let json = world
            .json(&["--rules", "t.rules", "-c", script])
            .to_string();
        assert!(!json.contains("not read here"), "{json}");
    }
    for script in ["bash none.sh", "sh \"$x\""] {
        let page = world.explain(&["--rules", "t.rules", "-c", script]);
        let page = text(&page.stdout);
        assert!(!page.contains("which follow"), "{page}");
    }
}

#[test]
fn what_keeps_a_variable_from_going_outside_has_a_way_out() {
    let world = World::new();
    let rule = "command_rule(program = \"kubectl\", args = [rest()], pass_env = [\"KUBECONFIG\"])";
    world.file("t.rules", &format!("{rule}\n"));
    world.file("u.rules", "prefix_rule([\"kubectl\"])\n");
    for (rules, says, instead) in [
        (
            "t.rules",
            "outside it would go by KUBECONFIG, which leads to what the sandbox can write\n",
            "name there what the sandbox can't write, have the rule ask by decision = \"prompt\", or keep",
        ),
        (
            "u.rules",
            "outside it would be without KUBECONFIG, which says what it acts on\n",
            "write the rule at u.rules:1 as command_rule(program = \"kubectl\", args = [rest()], pass_env = \
             [\"KUBECONFIG\"]), which takes no value that",
        ),
    ] {
        let mut command = world.command(&["--rules", rules, "--", "kubectl", "get", "pods"]);
        let page = text(&command.env("KUBECONFIG", "./k").output().unwrap().stdout);
        let because = format!("  because   the rule at {rules}:1 allows it, but {says}");
        assert!(page.contains(&because), "{page}");
        assert!(page.contains(&format!("  instead   {instead}")), "{page}");
    }
    // What it says works.
    for (more, status) in [
        ("decision = \"prompt\", pass_env = [\"KUBECONFIG\"]", 10),
        ("run = \"inside\"", 0),
    ] {
        world.file(
            "v.rules",
            &format!("command_rule(program = \"kubectl\", args = [rest()], {more})\n"),
        );
        let mut command = world.command(&["--rules", "v.rules", "--exit-code", "kubectl", "get"]);
        let output = command.env("KUBECONFIG", "./k").output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{more}");
    }
}

#[test]
fn what_would_be_lost_outside_is_led_to_the_parameter_of_its_rule() {
    let world = World::new();
    for (rule, command, instead) in [
        (
            "command_rule(program = \"aws\", args = [rest()])",
            "AWS_PROFILE=x aws s3 ls",
            "instead: add pass_env = [\"AWS_PROFILE\"] to the rule at t.rules:1, which takes no value that",
        ),
        (
            "prefix_rule([\"docker\", [\"ps\", \"images\"]])",
            "DOCKER_HOST=tcp://x docker ps",
            "instead: write the rule at t.rules:1 as command_rule(program = \"docker\", subcommand = [[\"ps\", \
             \"images\"]], args = [rest()], pass_env = [\"DOCKER_HOST\"]), which",
        ),
        (
            "prefix_rule([\"kubectl\", \"get\", \"-A\"])",
            "KUBECONFIG=/etc/k kubectl get -A",
            "instead: write the rule at t.rules:1 as command_rule(program = \"kubectl\", ..., pass_env = \
             [\"KUBECONFIG\"]), which",
        ),
    ] {
        world.file("t.rules", &format!("{rule}\n"));
        let page = world.explain(&["--rules", "t.rules", "-c", command]);
        let page = text(&page.stdout);
        assert!(page.contains(instead), "{page}");
    }
}

#[test]
fn what_lies_where_the_sandbox_writes_is_said_not_to_count_with_a_way_out() {
    let world = World::new();
    let file = std::fs::canonicalize(world.file("f", "x\n")).unwrap();
    let here = file.parent().unwrap().display();
    world.file(
        "t.rules",
        &format!("command_rule(program = \"cat\", args = [under(\"{here}\")])\n"),
    );
    let page = text(
        &world
            .explain(&["--rules", "t.rules", "--", "cat", "f"])
            .stdout,
    );
    let why = "the sandbox can write there, and could have it lead elsewhere; `glob(...)` goes by the name alone\n";
    assert!(page.contains(why), "{page}");
    world.file(
        "u.rules",
        &format!("command_rule(program = \"cat\", args = [glob(\"{here}/*\")])\n"),
    );
    let there = format!("{here}/f");
    let page = text(
        &world
            .explain(&["--rules", "u.rules", "--", "cat", &there])
            .stdout,
    );
    assert!(page.contains("  runs      outside the sandbox\n"), "{page}");

    let tool = world.file("tool", "#!/bin/sh\necho hi\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&tool, mode).unwrap();
    let tool = std::fs::canonicalize(tool).unwrap();
    world.file(
        "v.rules",
        &format!("prefix_rule([\"{}\"])\n", tool.display()),
    );
    let page = text(
        &world
            .explain(&["--rules", "v.rules", "--", "./tool"])
            .stdout,
    );
    let way = "inside it needs no rule; to let it out, have it where the sandbox can't write, and name that path";
    assert!(page.contains(way), "{page}");
}

/// Rules, a script, and what the page says of it.
const SCRIPTS: &[(&str, &str, &[&str])] = &[
    (
        "prefix_rule([\"git\", \"push\", \"--force\"], decision = \"forbidden\")",
        "git push \"$@\"",
        &["the rule at t.rules:1 may be about it: not each word is known before a run\n"],
    ),
    (
        "prefix_rule([\"git\", \"push\"], decision = \"forbidden\")",
        "g() { git \"$@\"; }; g push",
        &[
            "the rule at t.rules:1 may be about it: not each word is known before a run\n",
            "a function of this script: its commands are judged where they stand\n",
        ],
    ),
    (
        "prefix_rule([\"git\", \"push\"], decision = \"forbidden\")",
        "git commit \"$x\"",
        &[
            "no rule matches",
            "no match: the rule at t.rules:1 wants push as word 1, which is commit\n",
        ],
    ),
    (
        "prefix_rule([\"git\", \"push\"])",
        "git push $x",
        &["the rule at t.rules:1 doesn't count: "],
    ),
    (
        "prefix_rule([\"rm\", \"-rf\", \"/srv\"], decision = \"forbidden\")",
        "rm -rf \"$x\"",
        &[
            "(H001 forced-rm)\n",
            "besides: the rule at t.rules:1 may be about it: not each word is known before a run\n",
        ],
    ),
    (
        "prefix_rule([\"frob\"])",
        "./none; cd \"$x\"; cat x | sh; echo x > f; sh f; exec \"$y\"",
        &[
            "\nwhat is asked here only can't be known yet; a run judges each program when it starts\n",
            "the file is not there yet, so nobody knows what it does; a run judges it then\n",
            "it runs commands that nobody has read, of a file or its input; a run judges each then\n",
            "what runs can't be known before it does; a run judges each program then\n",
        ],
    ),
    (
        "command_rule(program = \"docker\", subcommand = [\"push\"], decision = \"prompt\", \
         run = profile(\"workspace-write\"))\nprefix_rule([\"docker\", \"push\"])",
        "docker push x",
        &[
            "by the rule at t.rules:2, if a person says yes; not by the rule at t.rules:1, because operand `x`",
        ],
    ),
    (
        "prefix_rule([\"CI=1\", \"cat\"], decision = \"forbidden\")",
        "CI=1 cat x",
        &[
            "the rule at t.rules:1 is about CI=1, not cat; a variable is for `env` of a command_rule\n",
        ],
    ),
    (
        "command_rule(program = \"sh\", flags = \"-c\", args = [rest()], run = \"unconfined\")",
        "sh -c 'frob x'",
        &[
            "the rule at t.rules:1, by `run = \"unconfined\"`, lets out what starts it and all that comes of that\n",
        ],
    ),
    (
        "command_rule(program = \"sh\", flags = \"-c\", args = [rest()])",
        "sh -c 'rm -rf x'",
        &[
            "runs outside the sandbox, as the program that starts it, which the rule at t.rules:1 lets out, if a person",
        ],
    ),
];

#[test]
fn a_script_leads_to_what_is_to_be_changed() {
    let world = World::new();
    for (rules, script, said) in SCRIPTS {
        world.file("t.rules", &format!("{rules}\n"));
        let page = text(&world.explain(&["--rules", "t.rules", "-c", script]).stdout);
        for part in *said {
            assert!(page.contains(part), "{script}: {page}");
        }
    }
}

#[test]
fn files_that_count_are_named_where_no_rule_decides() {
    let world = World::new();
    let said = |words: &[&str]| text(&world.explain(words).stdout);
    assert!(said(&["true"]).contains("  rules     no rules files\n"));
    let [a, b] = ["home/rules/a.rules", "home/rules/b.rules"]
        .map(|name| world.file(name, "prefix_rule([\"frob\"], decision = \"forbidden\")\n"));
    let files = format!("{}, {}\n", a.display(), b.display());
    let toml = world.file(
        "home/codex-shell.toml",
        "writable = [\"/srv\"]\n[profiles.ci]\nmode = \"read-only\"\n",
    );
    let toml = toml.display();
    let settings = format!("writable at {toml}:1, profiles.ci at {toml}:2\n");
    for (words, labels, is_told) in [
        (&["true"][..], ["  rules     ", "  settings  "], true),
        (&["-c", "frob; true"], ["\nrules: ", "\nsettings: "], true),
        (&["frob"], ["  rules     ", "  settings  "], false),
        (&["-c", "frob"], ["\nrules: ", "\nsettings: "], false),
    ] {
        let page = said(words);
        let [rules, set] = labels;
        assert_eq!(page.contains(&format!("{rules}{files}")), is_told, "{page}");
        assert!(page.contains(&format!("{set}{settings}")), "{page}");
    }
}

/// What is said of a command is said however it is given.
const ALIKE: &[(&str, &str, &[&str])] = &[
    (
        "prefix_rule([\"frob\", \"x\"], decision = \"prompt\", justification = \"Asks the team.\")",
        "frob x",
        &["the rule at t.rules:1 says so", "Asks the team."],
    ),
    (
        "prefix_rule([\"git\", \"push\"], decision = \"forbidden\")",
        "nice git pus",
        &["t.rules:1", "wants push as word 1, which is pus"],
    ),
    (
        "prefix_rule([\"frob\"], justification = \"Harmless.\")",
        "nice frob",
        &[
            "the rule at t.rules:1 says so",
            "Harmless.",
            "runs outside the sandbox",
        ],
    ),
    (
        "prefix_rule([\"gti\", \"push\"], decision = \"forbidden\")",
        "git push",
        &["t.rules:1", "is about gti, not git"],
    ),
    (
        "command_rule(program = \"gti\", subcommand = [\"push\"], decision = \"forbidden\")",
        "git push",
        &["t.rules:1", "is about gti, not git"],
    ),
    (
        "command_rule(program = \"frob\", decision = \"forbidden\", enforce = False)",
        "frob x",
        &["t.rules:1", "on trial"],
    ),
    (
        "prefix_rule([\"frob\"])\n\
         command_rule(program = \"frob\", args = [rest()], run = profile(\"workspace-write\", writable = [\"/no/dir\"]))",
        "frob x",
        &[
            "there is no such sandbox as the rule at t.rules:2 wants",
            "nowhere: the rule wants a separate sandbox (workspace-write), but /no/dir can't be a writable root",
        ],
    ),
    (
        "prefix_rule([\"git\", \"push\"], decision = \"forbidden\", justification = \"Publishes.\")",
        "git -c alias.p=push p x",
        &[
            "the rule at t.rules:1 says so of git push x, which it runs",
            "Publishes.",
        ],
    ),
];

#[test]
fn a_command_is_led_to_the_rule_however_it_is_given() {
    let world = World::new();
    for (rules, command, said) in ALIKE {
        world.file("t.rules", &format!("{rules}\n"));
        let words: Vec<&str> = command.split(' ').collect();
        let apart = [&["--rules", "t.rules", "--"], words.as_slice()].concat();
        for given in [apart.as_slice(), &["--rules", "t.rules", "-c", command]] {
            let page = text(&world.explain(given).stdout);
            for part in *said {
                let part = part.replace(' ', "");
                assert!(page.replace(' ', "").contains(&part), "{given:?}: {page}");
            }
        }
    }
}

#[test]
fn of_many_near_misses_those_on_files_of_that_name_come_first() {
    let world = World::new();
    let others = ["/etc", "/srv", "/opt", "/usr", "/var", "/home"];
    let others = others
        .map(|place| format!("command_rule(program = \"cat\", args = [under(\"{place}\")])\n"));
    for rule in [
        "command_rule(program = \"cat\", args = [glob(\"**/.env\")], decision = \"forbidden\")",
        "prefix_rule([\"cat\", \".env\"], decision = \"forbidden\")",
    ] {
        world.file("t.rules", &format!("{}{rule}\n", others.concat()));
        for file in [".env.local", "prod.env"] {
            let page = world.explain(&["--rules", "t.rules", "--", "cat", file]);
            let page = text(&page.stdout);
            let first = "Near misses\n  forbidden  t.rules:7  wants ";
            assert!(page.contains(first), "{page}");
            let rest =
                "\n  and 2 more rules on this program that don't match, the nearest at t.rules:5\n";
            assert!(page.ends_with(rest), "{page}");
        }
    }
}

#[test]
fn an_alias_is_told_as_one() {
    let world = World::new();
    let said = |words: &[&str]| text(&world.explain(words).stdout);
    let counts = "the script makes g stand for something else, as by an alias\n";
    let idle = "the script's alias g does not count in bash; in another shell, it does\n";
    for (script, told) in [
        ("alias g=git\ng push", idle),
        ("shopt -s expand_aliases\nalias g=git\ng push", counts),
        ("sh -c \"alias g=git\ng push\"", counts),
        (
            "git -c alias.p=push p",
            "what an alias of git's stands for\n",
        ),
    ] {
        let page = said(&["--rules", "team.rules", "-c", script]);
        assert!(page.contains(told), "{script}: {page}");
    }
    let page = said(&[
        "--rules",
        "team.rules",
        "--",
        "git",
        "-c",
        "alias.p=push",
        "p",
    ]);
    assert!(
        page.contains("  git push         what the alias stands for\n"),
        "{page}"
    );
}

#[test]
fn what_reads_a_file_by_its_first_line_is_no_command_that_the_file_starts() {
    let world = World::new();
    let tool = world.file("tool", "#!/usr/bin/env perl\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&tool, mode).unwrap();
    let page = text(&world.explain(&["--rules", "team.rules", "./tool"]).stdout);
    assert!(!page.contains("perl"), "{page}");
}

/// A value of several others is four times as long with each step.
#[test]
fn values_that_grow_end_as_unknown() {
    let script = format!("a=x{}; $a", "; a=$a$a$a$a".repeat(40));
    let page = World::new().explain(&["-c", &script]);
    assert!(page.status.success(), "{:?}", page.status);
    let page = text(&page.stdout);
    assert!(page.contains("$a\n"), "{page}");
}
