//! Each exec that a run shows was foretold by `rules explain`, with the same answer, or it was said there that
//! this can't be known.
//!
//! Rules, scripts, directories and variables are put together at random from parts. `CODEX_SHELL_PAIRS` says how
//! many are tried, and `CODEX_SHELL_SEED` where the first begins.

use std::ffi::OsString;

use serde_json::Value;

use crate::support::World;

/// Without being asked for more.
const PAIRS: u64 = 40;

const RULES: &[&str] = &[
    "prefix_rule([\"ls\", \"-l\"], decision = \"forbidden\")",
    "prefix_rule([\"ls\"], decision = \"prompt\")",
    "prefix_rule([\"id\"])",
    "prefix_rule([\"id\", \"-u\"], decision = \"forbidden\")",
    "prefix_rule([\"uname\", \"-s\"])",
    "prefix_rule([\"sh\"], decision = \"prompt\")",
    "prefix_rule([\"env\"], decision = \"forbidden\")",
    "prefix_rule([\"nice\", \"ls\"], decision = \"forbidden\")",
    "command_rule(program = \"ls\", cwd = under(\"WORLD/out\"), decision = \"forbidden\")",
    "command_rule(program = \"id\", env = {\"X\": \"1\"}, decision = \"forbidden\")",
    "command_rule(program = \"id\", env = {\"X\": False}, decision = \"prompt\")",
    "command_rule(program = \"uname\", flags = \"-s\", decision = \"prompt\")",
    "command_rule(program = \"ls\", args = [under(\"WORLD/out\"), rest()], decision = \"forbidden\")",
    "command_rule(program = \"uname\", cwd = \"WORLD/ws\")",
    "command_rule(program = glob(\"WORLD/ws/*\"), decision = \"forbidden\")",
    "default(\"prompt\")",
    "prefix_rule([\"git\", \"log\"], decision = \"prompt\")",
    "prefix_rule([\"git\", \"ls-files\"], decision = \"forbidden\")",
    "prefix_rule([\"git\", \"version\"])",
    "prefix_rule([\"git\", \"status\"])",
    "prefix_rule([\"kubectl\", \"get\"])",
    "command_rule(program = \"kubectl\", subcommand = [\"get\"], args = [rest()], pass_env = [\"KUBECONFIG\"])",
    "prefix_rule([\"ssh\"], decision = \"prompt\")",
    "command_rule(program = \"ls\", args = [under(\"~\"), rest()], decision = \"forbidden\")",
    "command_rule(program = \"ls\", args = [under(\"WORLD/out\")])",
    "prefix_rule([\"nice\", \"ls\"])",
    "prefix_rule([\"env\", \"ls\"])",
];

/// Rules that let out what starts others.
const STARTERS: &[&str] = &[
    "prefix_rule([\"WORLD/out/starter\"])",
    "command_rule(program = \"WORLD/out/starter\", args = [rest()], decision = \"prompt\")",
    "command_rule(program = \"WORLD/out/starter\", run = profile(\"read-only\"))",
    "command_rule(program = \"WORLD/out/starter\", run = \"unconfined\")",
    "prefix_rule([\"sh\", \"-c\"])",
    "prefix_rule([\"bash\", \"-c\"])",
    "prefix_rule([\"env\"])",
    "prefix_rule([\"nice\", [\"sh\", \"bash\"], \"-c\"])",
    "prefix_rule([\"timeout\", \"9\", [\"sh\", \"bash\", \"env\"]])",
    "prefix_rule([\"find\"])",
];

const ALIASES: &str =
    "[alias]\n\tl = log -1\n\ttwice = l --all\n\tfiles = ls-files\n\ts = !id -u\n";

/// A program that does what it is to do where nobody sees it.
const NOTHING: &str = "#!/bin/sh\n:\n";

/// Commands; what stands in `{}` is another.
const COMMANDS: &[&str] = &[
    "ls",
    "ls -l",
    "ls -a -l",
    "ls ../out",
    "id",
    "id -u",
    "uname -s",
    "uname -a",
    "/usr/bin/id -u",
    "./script",
    "./plain",
    "../out/starter",
    "WORLD/out/starter",
    "sh ../out/starter",
    "sh there",
    "ls $v",
    "ls \"$v\"",
    "$p -l",
    "env {w}",
    "env X=1 {w}",
    "env -u X {w}",
    "env -C ../out {w}",
    "nice {w}",
    "timeout 9 {w}",
    "command {w}",
    "exec {w}",
    "X=1 {w}",
    "sh -c '{q}'",
    "bash -c '{q}'",
    "bash -c '\"$@\"' _ {w}",
    "bash -c '$0 -l' ls",
    "find . -maxdepth 0 -exec {w} \\;",
    "echo x | xargs {w}",
    "echo '{q}' | sh",
    ". ./plain",
    "source there",
    ". ./none",
    "source <(echo '{q}')",
    "bash <<< '{q}'",
    "bash <(echo '{q}')",
    "eval '{q}'",
    "trap '{q}' EXIT",
    "ssh h {w}",
    "ssh h '{q}'",
    "ssh h",
    "ssh h <<< '{q}'",
    "echo '{q}' | ssh h",
    "ssh -o RemoteCommand='{q}' h",
    "sudo -n {w}",
    "docker run --entrypoint id img -u",
    "git version",
    "git files",
    "git l",
    "git s",
    "git twice",
    "git -c alias.z='ls-files -z' z",
    "git -c alias.z='!ls -l' z",
    "git -C ../out l",
    "kubectl get pods",
    "KUBECONFIG=./k kubectl get pods",
    "KUBECONFIG=$v kubectl get pods",
    "env KUBECONFIG=/etc/k kubectl get pods",
    "GIT_DIR=.git git version",
    "GIT_DIR=.git git status",
    "ls ~",
    "ls ~/x \"$HOME/y\"",
    "ls $HOME/../out",
    "ls ${PWD}/../out",
    "ls ~nobody $UNSET",
    "env echo a",
    "command echo a",
    "find . -maxdepth 0 -execdir ./script \\;",
];

/// Scripts, of commands and scripts.
const SCRIPTS: &[&str] = &[
    "{s}",
    "{s}; {s}",
    "{s} && {s}",
    "{s} || {s}",
    "{c} | {c}",
    "({s})",
    "{ {s}; }",
    "if {s}; then {s}; fi",
    "for i in a b; do {s}; done",
    "while {c}; do {s}; break; done",
    "f() { {s}; }; f",
    "echo \"$({s})\"",
    "cat <({s})",
    "cd ../out; {s}",
    "cd ../out && {s}",
    "(cd ../out; {s}); {s}",
    "cd nowhere || {s}",
    "pushd ../out; {s}; popd; {s}",
    "export X=1; {s}",
    "X=1; {s}",
    "unset X; {s}",
    "export X; X=1; {s}",
    "v=-l; {s}",
    "p=ls; {s}",
    "for p in ls id; do {s}; done",
    "set -- -l; ls \"$@\"; {s}",
    "PATH=/usr/bin; {s}",
    "cp /usr/bin/id copy; ./copy -u; {s}",
    "hash -p /usr/bin/id foo; foo -u; {s}",
    "shopt -s expand_aliases\nalias a='ls -l'\na\n{s}",
    "{s} &\nwait",
    "! {s}",
    "for x in -l -a; do ls $x; done; {s}",
    "for x in log version; do git $x; done; {s}",
    "for x in id ls; do ssh h $x -u; done",
    "read x <<< '-l'; ls $x; {s}",
    "while read x; do ls $x; done <<< '-l'; {s}",
    "a=(-l -a); ls \"${a[@]}\"; {s}",
    "export KUBECONFIG=./k; {s}",
    "export KUBECONFIG=/etc/k; {s}",
    "GIT_DIR=.git; {s}",
    "export GIT_DIR=.git; {s}",
    "cd; {s}",
    "cd ~ && {s}; cd \"$OLDPWD\"; {s}",
    "HOME=WORLD/out; ls ~; {s}",
    "v='-l -a'; ls $v \"$v\"; {s}",
    "v=$PWD; cd ../out; ls $v/there $PWD; {s}",
    "d=../out; cd $d; {s}",
    "f() { ls $v; }; v=-l; f; v=; f; {s}",
    "for v in ~ -l; do ls $v; done; ls $v; {s}",
    ": ${v:=-l}; ls $v; {s}",
    "git config alias.x ls-files; git x; {s}",
    "echo 'ls -l' > there; sh there; {s}",
    "cp plain script; ./script; {s}",
    "ln -s /usr/bin/ls x; ./x -l; {s}",
    "mv plain x; ./x; {s}",
    "cd $(pwd); ./script; {s}",
    "mkdir -p d; cp plain d/ls; PATH=$PWD/d:$PATH ls; {s}",
    ". ./lib; g; {s}",
    ". ./lib; h",
    "echo 'g() { id -u; }' > lib; . ./lib; g; {s}",
    "eval 'e() { {q}; }'; e",
    ". $PWD/lib; ls $w; {s}",
    "mkdir -p d; cp plain d/ls; PATH=$PWD/d:$PATH; ls; {s}",
];

/// A source of choices.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    /// A script; within quotes, one without them.
    fn script(&mut self, depth: usize, quoted: bool) -> String {
        let form = if depth == 0 {
            "{c}"
        } else {
            self.one_of(SCRIPTS)
        };
        self.filled(form, depth, quoted)
    }

    fn command(&mut self, depth: usize, quoted: bool, word: bool) -> String {
        let form = loop {
            let form = self.one_of(COMMANDS);
            let is_builtin = [
                "eval",
                "trap",
                ". ",
                "source",
                "X=1",
                "exec",
                "command",
                "echo",
                "$p",
                "KUBECONFIG",
                "GIT_DIR",
            ];
            let fits = !word || !is_builtin.iter().any(|start| form.starts_with(start));
            if fits && !(quoted && form.contains('\'')) && (depth > 0 || !form.contains('{')) {
                break form;
            }
        };
        self.filled(form, depth, quoted)
    }

    fn filled(&mut self, form: &str, depth: usize, quoted: bool) -> String {
        let mut text = String::new();
        let mut rest = form;
        let less = depth.saturating_sub(1);
        while let Some((before, behind)) = rest.split_once('{') {
            text.push_str(before);
            let part = match behind.get(..2) {
                Some("s}") => self.script(less, quoted),
                Some("c}") => self.command(depth, quoted, false),
                Some("w}") => self.command(less, quoted, true),
                Some("q}") => self.script(less.min(1), true),
                _ => {
                    text.push('{');
                    rest = behind;
                    continue;
                }
            };
            text.push_str(&part);
            rest = behind.get(2..).unwrap_or_default();
        }
        text.push_str(rest);
        text
    }
}

/// What differs between what is said of the script and what a run of it shows; and what is decided on it all.
fn told(rules: &str, script: &str) -> (Option<String>, String) {
    told_with("id\n", rules, script)
}

/// The same where a script that the sandbox can't write has this text.
fn told_with(starter: &str, rules: &str, script: &str) -> (Option<String>, String) {
    let (missed, said) = compared(starter, rules, script);
    (missed, said["decision"].as_str().unwrap().to_owned())
}

/// The same, and all that is said.
fn compared(starter: &str, rules: &str, script: &str) -> (Option<String>, Value) {
    let world = World::new()
        .file("out/there", "")
        .file("ws/there", "id -u\n")
        .file("ws/lib", "w=-l\ncd ../out\ng() { ls -l \"$@\"; }\nid\n")
        .script("ws/script", "#!/bin/sh\nls -l\n")
        .script("ws/plain", "uname -s\n")
        .script("out/starter", &format!("#!/bin/bash\n{starter}\n"))
        .file("ws/.git/HEAD", "ref: refs/heads/main\n")
        .file("ws/.git/refs/heads/.keep", "")
        .file("ws/.git/objects/info/.keep", "")
        .file("ws/.git/config", ALIASES)
        .script("bin/ssh", NOTHING)
        .script("bin/sudo", NOTHING)
        .script("bin/docker", NOTHING)
        .script("bin/kubectl", NOTHING)
        .ask("allow");
    let rules = world.spelled(rules).into_string().unwrap();
    let world = world.rules(&rules);
    let output = world.explained("--format=json", script);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let ran = world.options(["--audit", "WORLD/out/audit"]).sh(script);
    let audit = ran.left("out/audit");
    let listed = Listed::all(&said);
    let is_incomplete = said["problems"] != serde_json::json!([]);
    let missed = judged(&audit)
        .into_iter()
        .find(|event| !is_incomplete && !is_foretold(event, &listed));
    let Some(missed) = missed else {
        return (None, said);
    };
    let of = |it: &Listed| {
        format!(
            "  {:>2} {} {} {} {}",
            it.depth, it.kind, it.decision, it.placement, it.text
        )
    };
    let listed: Vec<String> = listed.iter().map(of).collect();
    let listed = listed.join("\n");
    let found = format!("{rules}\n{script}\n(starter: {starter})\n{missed}\n{listed}\n");
    (Some(found), said)
}

/// Each exec that was judged, with what was decided of it in the end.
fn judged(audit: &str) -> Vec<Value> {
    let events = audit
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut judged: Vec<Value> = Vec::new();
    for event in events {
        let is_same = |one: &&mut Value| ["pid", "command"].iter().all(|it| one[it] == event[it]);
        if event["event"] == "judged" {
            judged.push(event);
        } else if event["event"] == "answered"
            && let Some(asked) = judged.iter_mut().rev().find(is_same)
        {
            asked["decision"] = "prompt".into();
        }
    }
    for event in &mut judged {
        if event["outcome"] == "refused" {
            event["decision"] = "forbidden".into();
        }
    }
    judged
}

/// A command as explain has it.
struct Listed {
    depth: u64,
    kind: String,
    decision: String,
    placement: String,
    /// The words as they are asked for.
    text: String,
    has_unknown_words: bool,
    /// All of it.
    whole: Value,
}

impl Listed {
    fn all(said: &Value) -> Vec<Self> {
        let commands = said["commands"].as_array().unwrap();
        commands.iter().map(Self::of).collect()
    }

    fn of(command: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let explanation = &command["explanation"];
        Self {
            depth: command["depth"].as_u64().unwrap(),
            kind: text(&command["kind"]),
            decision: text(&command["decision"]),
            placement: text(&explanation["placement"]),
            text: text(&explanation["command"]["text"]),
            has_unknown_words: command["unknown"] != serde_json::json!([]),
            whole: command.clone(),
        }
    }

    fn is_discounted(&self) -> bool {
        let discounted = self.whole["explanation"]["discounted"].as_array();
        discounted.is_some_and(|all| !all.is_empty())
    }

    fn is_unsure(&self) -> bool {
        self.whole["unsure"] != serde_json::json!([])
    }

    /// A heuristic decides, or it is said that its directory or its variables are not known, or why a rule that
    /// permits does not count.
    fn may_be_stricter(&self) -> bool {
        let is_heuristic = self.whole["explanation"]["basis"]["kind"] == "heuristic";
        self.is_discounted()
            || is_heuristic
            || self.is_unsure()
            || self.takes_commands()
            || self.is_by_inner()
    }

    /// A rule on a command within it restricts it.
    fn is_by_inner(&self) -> bool {
        let matches = self.whole["explanation"]["matches"].as_array();
        let mut matches = matches.into_iter().flatten();
        matches.any(|it| !it["inner"].is_null() && it["rule"]["decision"] == *self.decision)
    }

    /// It is said that it takes commands from what the sandbox controls: that can be closed or empty.
    fn takes_commands(&self) -> bool {
        let why = self.whole["explanation"]["why_asked"].as_str();
        why.is_some_and(|why| why.contains("takes commands from"))
    }

    /// It is said why a rule does not let it out.
    fn is_kept(&self) -> bool {
        self.is_discounted() || !self.whole["explanation"]["why_inside"].is_null()
    }

    /// It is said that a rule does not count for what nobody knows of it: what comes then is not said.
    fn is_unsaid(&self) -> bool {
        self.is_discounted() && self.is_unsure()
    }
}

fn strictness(decision: &str) -> usize {
    let all = ["allow", "prompt", "forbidden"];
    all.iter().position(|known| *known == decision).unwrap()
}

/// Whether the exec is among those that are `listed`, or is what can't be known of one of them.
fn is_foretold(event: &Value, listed: &[Listed]) -> bool {
    let field = |name: &str| event[name].as_str().unwrap_or_default();
    let (text, decision, placement) = (field("command"), field("decision"), field("placement"));
    // What git starts of its own it asks for by the place where that is.
    let text = match text.split_once("/git-core/git ") {
        Some((place, rest)) if !place.contains(' ') => format!("git {rest}"),
        _ => text.to_owned(),
    };
    let text = text.as_str();
    let program = |text: &str| text.split(' ').next().map(str::to_owned);
    listed.iter().enumerate().any(|(nth, command)| {
        let is_same = command.text == text;
        // What its words say that it starts counts for it here, and there when that starts.
        let mut within = listed
            .iter()
            .skip(nth + 1)
            .take_while(|it| it.depth > command.depth);
        let by_inner = command.may_be_stricter()
            || within.any(|it| strictness(&it.decision) >= strictness(&command.decision));
        let around = |nth: usize| {
            let mut depth = command.depth;
            listed.iter().take(nth).rev().filter(move |it| {
                let is_around = it.depth < depth;
                depth = depth.min(it.depth);
                is_around
            })
        };
        // What is started outside stays there.
        let is_kept = command.is_kept() || around(nth).any(Listed::is_kept);
        let same_place = decision == "forbidden"
            || command.placement == placement
            || is_kept && placement == "outside";
        let as_said = command.decision == decision && same_place;
        let stricter = strictness(&command.decision) > strictness(decision) && by_inner;
        let adds = around(nth).any(|it| it.text.starts_with("xargs"));
        let begins = text
            .strip_prefix(&command.text)
            .is_some_and(|rest| rest.starts_with(' '));
        let fills = command.has_unknown_words && program(text) == program(&command.text);
        match command.kind.as_str() {
            // Its own words may be known, and then they are not everything.
            "unknown" => !is_same || as_said || stricter || command.decision == "prompt",
            _ if is_same => as_said || stricter || command.is_unsaid(),
            // A rule may be met by what nobody knows of it.
            _ if fills => strictness(&command.decision) >= strictness(decision),
            _ if adds && begins => command.decision == decision || stricter,
            _ => false,
        }
    })
}

/// Whether all are foretold.
fn is_told(rules: &str, script: &str) {
    let (missed, _) = told(rules, script);
    assert!(missed.is_none(), "{}", missed.unwrap_or_default());
}

/// What thousands of pairs brought up.
#[test]
fn what_was_once_missed_is_foretold() {
    for script in [
        "X=1; echo 'ls -l' > there; sh there; id",
        "HOME=WORLD/out; ls ~; echo 'ls -l' > there; sh there; echo a",
        "cd nowhere || (cd ../out; git -c alias.z='!ls -l' z); git s",
        "cd nowhere || export X; X=1; git l",
        "cd nowhere || exit 0; git l",
        "bash -c '\"$@\"' _ bash -c '$0 -l' ls | uname -a",
        "echo x | xargs git s; xargs git s </dev/null",
        "while trap 'uname -a' EXIT; do KUBECONFIG=./k kubectl get pods; break; done",
    ] {
        is_told("prefix_rule([\"kubectl\", \"get\"])\n", script);
        is_told("default(\"prompt\")\n", script);
    }
}

/// The same, started by a script that a rule lets out.
#[test]
fn what_was_once_missed_outside_is_foretold() {
    for starter in [
        "export KUBECONFIG=./k; git -c alias.z='ls-files -z' z",
        "bash <(echo 'sh there')",
        "while bash <(echo 'sh there'); do git files; break; done",
    ] {
        let (missed, _) = told_with(
            starter,
            "prefix_rule([\"WORLD/out/starter\"])",
            "../out/starter",
        );
        assert!(missed.is_none(), "{}", missed.unwrap_or_default());
    }
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

#[test]
fn each_exec_was_foretold_or_said_to_be_unknown() {
    let pairs = setting("CODEX_SHELL_PAIRS").unwrap_or(PAIRS);
    let seed = setting("CODEX_SHELL_SEED").unwrap_or(1);
    let mut found = Vec::new();
    for pair in seed..seed + pairs {
        let mut dice = Dice(pair.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let count = 1 + dice.below(3);
        let mut rules: Vec<&str> = (0..count).map(|_| dice.one_of(RULES)).collect();
        rules.extend((0..dice.below(4)).map(|_| dice.one_of(STARTERS)));
        let rules = format!("{}\n", rules.join("\n"));
        let started = dice.one_of(&["", "../out/starter; ", "nice ../out/starter; "]);
        let script = format!("{started}{}", dice.script(2, false));
        let starter = std::iter::repeat_with(|| dice.script(1, false));
        let starter = { starter }.find(|it| !it.contains("starter")).unwrap();
        found.extend(
            told_with(&starter, &rules, &script)
                .0
                .map(|it| format!("pair {pair}:\n{it}")),
        );
    }
    assert!(
        found.is_empty(),
        "{} of {pairs}:\n{}",
        found.len(),
        found.join("\n")
    );
}

/// What is started outside stays there, and is asked about or refused there as in a run.
#[test]
fn what_is_started_outside_is_said_to_be_there() {
    let out =
        "prefix_rule([\"WORLD/out/starter\"])\nprefix_rule([\"uname\"], decision = \"prompt\")\n";
    let free =
        format!("{out}command_rule(program = \"WORLD/out/starter\", run = \"unconfined\")\n");
    let free = free.replacen("prefix_rule([\"WORLD/out/starter\"])\n", "", 1);
    let shell = "prefix_rule([\"sh\", \"-c\"])\n";
    for (rules, starter, script, expected) in [
        (
            out,
            "id",
            "../out/starter; id",
            "allow outside, allow outside, allow inside",
        ),
        (
            out,
            "env id",
            "../out/starter",
            "allow outside, allow outside, allow outside",
        ),
        (
            out,
            "uname",
            "../out/starter",
            "prompt outside, prompt outside",
        ),
        (
            out,
            "sh there",
            "../out/starter",
            "allow outside, prompt outside, allow outside",
        ),
        (
            out,
            "GIT_DIR=there git status",
            "../out/starter",
            "allow outside, forbidden",
        ),
        (
            out,
            "echo id | sh",
            "../out/starter",
            "allow outside, allow, allow outside, allow outside",
        ),
        (
            out,
            "id; ls | cat",
            "sh ../out/starter",
            "allow inside, allow inside, allow inside, allow inside",
        ),
        (
            shell,
            "",
            "sh -c 'id; cd /; ls'",
            "allow outside, allow outside, allow, allow outside",
        ),
        (
            shell,
            "",
            "nice sh -c id; id",
            "allow inside, allow outside, allow outside, allow inside",
        ),
        (
            &free,
            "id; ls",
            "../out/starter",
            "allow outside, allow outside, allow outside",
        ),
    ] {
        let (missed, said) = compared(starter, rules, script);
        assert_eq!(missed, None, "{rules}{script}");
        let of = |it: &Listed| match (it.kind.as_str(), it.placement.as_str()) {
            ("program", place) => format!("{} {place}", it.decision).trim().to_owned(),
            _ => it.decision.clone(),
        };
        let said: Vec<String> = Listed::all(&said).iter().map(of).collect();
        assert_eq!(said.join(", "), expected, "{rules}{starter}: {script}");
    }
}

/// What was said otherwise once, and what is said now.
#[test]
fn variables_and_aliases_count_before_as_they_do_then() {
    let passes = "command_rule(program = \"kubectl\", subcommand = [\"get\"], args = [rest()], \
                  pass_env = [\"KUBECONFIG\"])\n";
    let get = "prefix_rule([\"kubectl\", \"get\"])\n";
    let status = "prefix_rule([\"git\", \"status\"])\n";
    let log = "prefix_rule([\"git\", \"log\"], decision = \"forbidden\")\n";
    let id = "prefix_rule([\"id\"], decision = \"prompt\")\n";
    for (rules, script, expected) in [
        (passes, "kubectl get pods", "allow"),
        (passes, "KUBECONFIG=/etc/k kubectl get pods", "allow"),
        (passes, "KUBECONFIG=./k kubectl get pods", "forbidden"),
        (
            passes,
            "export KUBECONFIG=./k; kubectl get pods",
            "forbidden",
        ),
        (passes, "env KUBECONFIG=./k kubectl get pods", "forbidden"),
        (
            passes,
            "KUBECONFIG=$(echo ./k) kubectl get pods",
            "forbidden",
        ),
        (passes, "PWD=/x kubectl get pods", "allow"),
        (get, "KUBECONFIG=/etc/k kubectl get pods", "forbidden"),
        (get, "X=1 kubectl get pods", "allow"),
        (status, "GIT_DIR=.git git status", "allow"),
        (
            status,
            "PATH=/usr/bin; GIT_DIR=../out git status",
            "forbidden",
        ),
        (status, "PATH=/usr/bin; git status", "allow"),
        (status, "PATH=/usr/bin git status", "allow"),
        (status, "GIT_DIR=../out git status", "forbidden"),
        (log, "git l", "forbidden"),
        (log, "git twice", "forbidden"),
        (log, "git -C ../out l", "allow"),
        (log, "git --git-dir ../ws/.git l", "forbidden"),
        (log, "env git l", "forbidden"),
        (log, "git -c alias.l=version l", "allow"),
        (log, "git -c alias.z='log -1' z", "forbidden"),
        (id, "git s", "prompt"),
    ] {
        let (found, said) = told(rules, script);
        assert_eq!(said, expected, "{rules}{script}");
        assert_eq!(found, None, "{script}");
    }
}

/// What is said of each script by the rules, and that a run shows nothing else.
fn assert_said(rules: &str, scripts: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (script, expected) in scripts {
        let (found, said) = told(rules, script);
        if said != *expected {
            wrong.push(format!("{script}\n  is said to be {said}, not {expected}"));
        }
        wrong.extend(found);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A variable that is known, and the home directory, stand for what they are: rules that permit count, and rules
/// on other words don't.
#[test]
fn variables_that_are_known_are_what_they_hold() {
    let rules = "command_rule(program = \"ls\", args = [rest(under(\"WORLD/out\"))], decision = \"forbidden\")\n\
                 command_rule(program = \"ls\", args = [rest(under(\"~\"))])\n";
    assert_said(
        rules,
        &[
            ("ls ~/x", "allow"),
            ("ls \"$HOME\" ${HOME}/x", "allow"),
            ("ls ~/../out/x", "forbidden"),
            ("ls $PWD/../out", "forbidden"),
            ("ls $PWD/..", "allow"),
            ("cd; ls $PWD/x", "allow"),
            ("cd ~/../out && ls x", "forbidden"),
            ("v=~; ls $v/x", "allow"),
            ("v=~/../out; ls $v/x", "forbidden"),
            ("v=~/../out; sh -c 'ls $v/x'", "prompt"),
            ("export v; v=~/../out; sh -c 'ls $v/x'", "forbidden"),
            ("export v; v=~/x; sh -c 'ls $v/x'", "allow"),
            ("HOME=WORLD/out; ls ~", "forbidden"),
            ("IFS=/; ls \"$HOME\"", "allow"),
            ("v=-l; ls $v ~", "allow"),
            ("v='x ../out'; ls $v", "forbidden"),
            ("v='x ../out'; ls \"$v\"", "allow"),
            ("ls $UNSET", "prompt"),
            ("for v in a b; do ls ~/$v; done", "prompt"),
            ("for v in a ../out; do ls ~/$v; done", "forbidden"),
            ("ssh h 'ls ~/x'", "forbidden"),
        ],
    );
}

/// What the script itself makes, and what a place that nobody knows holds, can't be known.
#[test]
fn what_the_script_makes_is_not_known() {
    let rules = "prefix_rule([\"git\", \"log\"], decision = \"forbidden\")\n\
                 prefix_rule([\"id\", \"-u\"], decision = \"forbidden\")\n";
    assert_said(
        rules,
        &[
            ("git config alias.x 'log -1'; git x", "forbidden"),
            (
                "git config --local set alias.x '!id -u' && git x",
                "forbidden",
            ),
            ("env git config alias.x log; git x -1", "forbidden"),
            ("git config alias.x version; git x", "allow"),
            ("git config user.name log; git x", "allow"),
            ("printf 'uname\\n' > plain; sh plain", "prompt"),
            ("{ echo uname; } > plain; env sh ./plain", "prompt"),
            ("echo uname | tee plain; ./plain", "prompt"),
            ("cp script plain; ./plain", "prompt"),
            ("cp script .; ./plain", "prompt"),
            ("mv script plain; sh plain", "prompt"),
            ("ln -sf /usr/bin/uname plain; ./plain", "prompt"),
            ("while ./plain; do cp script plain; break; done", "prompt"),
            ("sh plain > log", "allow"),
            ("cp script copy; ./plain", "allow"),
            ("mkdir d; cp plain d/ls; PATH=d:$PATH ls", "prompt"),
            ("cp plain ls; export PATH=$PWD:$PATH; env ls", "prompt"),
            ("cp plain ls; PATH=/usr/bin:$PATH env ls", "allow"),
            ("PATH=$(pwd):$PATH; ls", "prompt"),
            ("PATH=/nowhere; /usr/bin/uname", "allow"),
            ("cd $(pwd) && ./plain", "prompt"),
            ("cd $(pwd) && uname", "allow"),
            ("find . -maxdepth 0 -execdir ./plain \\;", "prompt"),
        ],
    );
}

/// A command that is given by its words comes to what it does as a script.
#[test]
fn words_come_to_what_a_script_of_them_does() {
    let rules = "prefix_rule([\"git\", \"status\"])\n\
                 prefix_rule([\"kubectl\", \"get\"])\n\
                 command_rule(program = \"uname\", run = profile(\"nowhere\"))\n";
    for (command, expected) in [
        ("env GIT_DIR=../out git status", 11),
        ("timeout 5 env GIT_DIR=../out git status", 11),
        ("env GIT_DIR=.git git status", 0),
        ("env KUBECONFIG=/etc/k kubectl get pods", 11),
        ("env X=1 kubectl get pods", 0),
        ("uname", 11),
        ("nice uname", 11),
    ] {
        let world = World::new()
            .file("ws/.git/HEAD", "ref: refs/heads/main\n")
            .file("ws/.git/refs/heads/.keep", "")
            .file("ws/.git/objects/info/.keep", "")
            .script("bin/kubectl", NOTHING)
            .rules(rules);
        let as_script = world.explained("--exit-code", command).status.code();
        assert_eq!(as_script, Some(expected), "-c: {command}");
        let file = world.path("team.rules");
        let mut words: Vec<OsString> = vec![world.codex_shell().into()];
        words.extend(["rules", "explain", "--exit-code", "--rules"].map(OsString::from));
        words.extend([file.into(), "--".into()]);
        words.extend(command.split(' ').map(OsString::from));
        let as_words = world.command(&words).output().unwrap().status.code();
        assert_eq!(as_words, Some(expected), "--: {command}");
        let ran = world.sh(command);
        let stderr = String::from_utf8_lossy(&ran.stderr).into_owned();
        let is_refused = stderr.contains("denied") || stderr.contains("can't be run");
        assert_eq!(is_refused, expected == 11, "{command}: {stderr}");
    }
}
