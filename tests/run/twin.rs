//! Each script does under `run` what it does under a plain bash: the same output, errors and
//! status, both when everything runs inside and when a rule lifts what it can.
//!
//! Where a sandbox must differ, the case says why; one that says so and agrees fails.

use std::ffi::OsString;
use std::sync::Mutex;

use crate::support::running::number;
use crate::support::{World, everyone_with};

/// A script, and why it differs: inside, outside.
type Case = (&'static str, Option<&'static str>, Option<&'static str>);

const fn same(script: &'static str) -> Case {
    (script, None, None)
}

/// Lifts the common programs that the scripts use, by prompts that are all answered with yes: a rule
/// that allows would not count for what some of these run.
const ALLOW_ALL: &str = "\
prefix_rule(pattern = [[
    \"awk\", \"basename\", \"cat\", \"chmod\", \"cp\", \"cut\", \"date\", \"dd\", \"dirname\", \"env\", \"expr\", \"false\",
    \"find\", \"grep\", \"head\", \"id\", \"ln\", \"ls\", \"make\", \"mkdir\", \"mktemp\", \"mv\", \"nice\", \"nohup\", \"od\",
    \"perl\", \"printenv\", \"ps\", \"python3\", \"readlink\", \"realpath\", \"rmdir\", \"sed\", \"seq\", \"sh\", \"sleep\",
    \"sort\", \"stat\", \"stty\", \"tail\", \"tar\", \"tee\", \"test\", \"timeout\", \"touch\", \"tr\", \"true\", \"tty\", \"uname\",
    \"uniq\", \"wc\", \"xargs\", \"yes\", \"gzip\", \"diff\", \"cmp\", \"comm\", \"paste\", \"split\", \"sha256sum\",
]], decision = \"prompt\")
";

const CASES: &[Case] = &[
    same("true; echo $?; false; echo $?"),
    same("ls -d .; ls nonsense; echo $?"),
    same("echo a b | tr a-z A-Z | sed s/B/C/ | cat -n"),
    same("seq 1000 | grep -c 7; seq 100000 | tail -1; seq 100000 | head -1"),
    same("yes | head -3; echo \"${PIPESTATUS[@]}\""),
    same("set -o pipefail; cat nonsense | wc -l; echo $?"),
    same("set -e; false; echo never"),
    same("for i in $(seq 20); do /bin/true || echo bad; done; echo done"),
    same("for i in 1 2 3; do sleep 0.0$i & done; wait; echo all"),
    same("sh -c 'exit 7'; echo $?; sh -c 'kill -9 $$'; echo $?; sh -c 'kill -TERM $$'; echo $?"),
    same("nonsense-program; echo $?; ./nonsense; echo $?; /; echo $?"),
    same("echo 'exit 3' >s; ./s; echo $?; chmod +x s; ./s; echo $?; sh s; echo $?"),
    same("printf '#!/bin/sh\\necho \"$0 $*\"\\n' >s; chmod 755 s; ./s a 'b c'; PATH=.:$PATH s"),
    same("printf '#!/nowhere/x\\n' >s; chmod 755 s; ./s; echo $?"),
    same(
        "mkdir d; echo x >d/f; cp -r d e; mv e g; find . -type f | sort; cmp d/f g/f && echo same",
    ),
    same("ln -s a b; readlink b; ls b; echo $?; touch a; ls b; ln a c; stat -c %h c"),
    same("umask 027; touch f; mkdir d; stat -c '%a %n' f d; chmod 4755 f; stat -c %a f"),
    same("tar cf - /etc/hostname 2>/dev/null | tar tf -; echo hello | gzip | gzip -d"),
    same("cat <<E\nhere $HOME\nE\ncat <<<word; cat < <(echo process)"),
    same("exec 3>f; echo three >&3; exec 3>&-; cat f; { echo out; echo err >&2; } 2>&1 | sort"),
    same("echo in | { read x; echo $x; cat; }; read y <<<line; echo $y"),
    same("(cd /usr && pwd); pwd; cd /nonsense; echo $?"),
    same(
        "env -i A=1 env; printenv y; echo $?; LC_ALL=C sh -c 'echo $LC_ALL'; \
         TZ=UTC-3 date -d @0 +%H",
    ),
    (
        "x=1 sh -c 'echo $x'; export y=2; sh -c 'echo $y'",
        None,
        Some("variables that the sandboxed side set do not reach a program outside"),
    ),
    same("trap 'echo bye' EXIT; trap 'echo usr' USR1; kill -USR1 $$; sleep 0.01; exit 5"),
    same(
        "sleep 10 & kill $!; wait $!; echo $?; timeout 0.1 sleep 10; echo $?; \
         timeout -s KILL 0.1 sleep 9; echo $?",
    ),
    same("awk 'BEGIN { \"echo sub\" | getline x; print x; exit system(\"exit 3\") }'; echo $?"),
    same(
        "python3 -c 'import subprocess as s; print(s.run([\"sh\", \"-c\", \"echo out; \
         exit 4\"], stdout=s.PIPE))'",
    ),
    same(
        "python3 -c 'import sys; sys.exit(\"bad\")'; echo $?; \
         python3 -c 'print(1/0)' 2>&1 | tail -1",
    ),
    same(
        "python3 -c 'import multiprocessing as m; print(sum(m.get_context(\"fork\").Pool(2).map(abs, range(9))))'",
    ),
    same(
        "perl -e 'print `echo tick`; system(\"exit 2\"); print $? >> 8, \"\\n\"; \
         exec \"echo\", \"last\"'",
    ),
    same(
        "printf 'all: a b\\n\\t@echo $^\\n%%:\\n\\t@touch $@; echo made $@\\n' >Makefile; \
         make -s; make -s fail; echo $?",
    ),
    same(
        "printf 'a\\nb\\nc\\n' | xargs -n1 -P1 echo item; \
         printf 'x y' | xargs -I{} sh -c 'echo \"<{}>\"'; echo z | xargs false; echo $?",
    ),
    same(
        "find . -name nonsense -o -name '*.x' -exec echo {} +; touch 1.x 2.x; \
         find . -name '*.x' | sort | xargs -n1 basename",
    ),
    same("nice -n 5 nice; nohup true 2>&1; env nice -n 3 sh -c nice"),
    (
        "ulimit -n 50; sh -c 'ulimit -n'; ulimit -c 0; ulimit -f 10; \
         dd if=/dev/zero of=f bs=1k count=100 2>/dev/null; echo $?",
        None,
        Some("outside, limits are the session's"),
    ),
    same(
        "sort <<<$'b\\na' | uniq | tee t | wc -l; cat t; diff <(echo a) <(echo b); \
         comm -12 <(echo a) <(echo a)",
    ),
    same(
        "[ -w . ] && echo w; [ -w /etc/passwd.nonsense ]; echo $?; test -t 0; echo $?; tty; \
         stty; echo $?",
    ),
    same(
        "echo $$ $BASHPID | awk '{ print ($1 == $2) }'; [ $PPID -ge 0 ] && echo parent; jobs; \
         echo $-",
    ),
    same("f() { local x=$1; [ $x -gt 0 ] && { echo $x; f $((x - 1)); }; }; f 3; echo $(f 2)"),
    same(
        "set -m; sleep 0.05 & fg %1; sleep 5 & kill -STOP %1; sleep 0.2; kill -9 %1; sleep 0.2; wait %1; echo $?",
    ),
    same(
        "id -u; id -g; date -u -d @0; uname -s; realpath .. | wc -c; mktemp -u | wc -c; \
         printf '%s\\n' {a..c}{1,2}",
    ),
    same(
        "coproc cat; echo to >&${COPROC[1]}; read -u ${COPROC[0]} x; echo $x; \
         eval \"exec ${COPROC[1]}>&-\"; wait",
    ),
    same(
        "printf '\\377\\0\\1' | od -An -tx1; echo -n $'\\xff' | wc -c; touch $'\\xff\\n'; \
         ls | od -c | head -3",
    ),
    same("x=$(printf '%0100000d' 1); /bin/echo $x | wc -c; sh -c 'echo ${#1}' sh $x"),
    same("exec sh -c 'echo replaced; exit 9'"),
    same("exec nonsense-program; echo never"),
    same("kill -SEGV $$"),
    same(
        "sh -c 'trap \"\" TERM; kill -TERM $$; echo alive'; (trap '' INT; sh -c 'kill -INT $$; \
         echo alive')",
    ),
    same("mkfifo p; echo through >p & cat p; cat p & echo again >p; wait"),
    (
        "echo x >../out/f; cat ../out/f",
        Some("../out is outside the writable roots"),
        Some("the shell itself, which redirects, is inside"),
    ),
    (
        "touch ../out/f; ls ../out",
        Some("../out is outside the writable roots"),
        None,
    ),
    (
        "echo $$ | awk '{ print ($1 > 2) }'",
        Some("processes are numbered from 1 inside"),
        Some("the shell's own number is from inside"),
    ),
    (
        "mkdir .git && ls -A",
        Some("protected names can't be made"),
        Some("the place holder is there, and mkdir is refused by it"),
    ),
];

/// Output, errors, status. The world's name and the numbers of processes are taken out.
fn outcome(world: World, argv: &[OsString]) -> (String, String, i32) {
    let base = world.base().to_str().unwrap().to_owned();
    let ran = world.start_program(argv).end();
    let text = |bytes: &[u8]| {
        bytes
            .escape_ascii()
            .to_string()
            .replace(&base, "WORLD")
            .replace("\\n", "\n")
    };
    let errors: Vec<String> = text(&ran.stderr).lines().map(without_process).collect();
    (text(&ran.stdout), errors.join("\n"), number(ran.status))
}

/// `bash: line 1:   123 Killed  …` without the number.
fn without_process(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_number = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit());
    match words.as_slice() {
        [bash @ "bash:", line, one, process, rest @ ..] if is_number(process) => {
            [&[*bash, *line, *one], rest].concat().join(" ")
        }
        _ => line.to_owned(),
    }
}

fn compare(cases: &[Case], rules: &str, reason: impl Fn(&Case) -> Option<&'static str> + Sync) {
    let failures = Mutex::new(Vec::new());
    everyone_with(cases, |world, case| {
        let (user, script) = (world.user(), case.0);
        let plain = outcome(world, &["bash".into(), "-c".into(), script.into()]);
        let world = World::of(user).rules(rules).ask("allow");
        let argv = world.arguments(["-c", script]);
        let ours = outcome(world, &argv);
        let failure = match reason(case) {
            None if ours != plain => {
                format!("{user:?}: {script}\n run   {ours:?}\n plain {plain:?}")
            }
            Some(why) if ours == plain => {
                format!("{user:?}: {script}\n agrees, in spite of: {why}")
            }
            _ => return,
        };
        failures.lock().unwrap().push(failure);
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn inside_first_half() {
    compare(&CASES[..CASES.len() / 2], "", |case| case.1);
}

#[test]
fn inside_second_half() {
    compare(&CASES[CASES.len() / 2..], "", |case| case.1);
}

#[test]
fn outside_first_half() {
    compare(&CASES[..CASES.len() / 2], ALLOW_ALL, |case| case.2);
}

#[test]
fn outside_second_half() {
    compare(&CASES[CASES.len() / 2..], ALLOW_ALL, |case| case.2);
}
