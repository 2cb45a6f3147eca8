//! What a rule that permits a prefix stretches to: more of the same, but nothing that makes another
//! command of it.

use std::fs;

use codex_shell::evaluate::Placement;
use codex_shell::rules::Decision;

use crate::support::judging::{judged, permitted, request};

/// A rule that permits the words of `prefix`.
fn rule(prefix: &str) -> String {
    let words = shlex::split(prefix).unwrap();
    format!("prefix_rule({words:?})\n")
}

fn permits(prefix: &str, command: &str) -> bool {
    permitted(&rule(prefix), command)
}

/// A prefix, and what it permits.
const MORE_OF_THE_SAME: &[(&str, &[&str])] = &[
    (
        "cargo build",
        &[
            "cargo build",
            "cargo build --release -p x --features a,b",
            "cargo build -j4 --locked",
        ],
    ),
    (
        "cargo test",
        &[
            "cargo test",
            "cargo test --workspace -- --nocapture",
            "cargo test -p x name",
        ],
    ),
    ("cargo fetch", &["cargo fetch --locked"]),
    (
        "cargo",
        &[
            "cargo check --all-targets",
            "cargo fmt --check",
            "cargo clippy -- -D warnings",
        ],
    ),
    (
        "git",
        &[
            "git status",
            "git diff --stat",
            "git log --oneline -5",
            "git push origin main",
            "git commit -m x",
        ],
    ),
    ("git status", &["git status", "git status -sb --porcelain"]),
    (
        "git push",
        &["git push", "git push -u origin main", "git push --tags"],
    ),
    (
        "git fetch",
        &["git fetch --all --prune", "git fetch origin main"],
    ),
    (
        "gh pr",
        &[
            "gh pr view 5 --json title",
            "gh pr list --state open",
            "gh pr create --title x --body y",
        ],
    ),
    ("make", &["make", "make -j4 test", "make -s all V=1"]),
    (
        "npm",
        &["npm install", "npm run build", "npm test", "npm ci"],
    ),
    ("npm install", &["npm install", "npm install --save-dev x"]),
    ("pip install", &["pip install x", "pip install --upgrade x"]),
    ("uv sync", &["uv sync --frozen"]),
    ("go build", &["go build ./...", "go build -v ./cmd/x"]),
    ("go test", &["go test ./...", "go test -run X -v ./x"]),
    (
        "docker ps",
        &["docker ps -a", "docker ps --format '{{.Names}}'"],
    ),
    (
        "kubectl get",
        &["kubectl get pods -A", "kubectl get pod x -o yaml"],
    ),
    (
        "terraform plan",
        &["terraform plan", "terraform plan -var a=b"],
    ),
    (
        "curl",
        &[
            "curl -sSL https://x",
            "curl -H a:b -d x https://x",
            "curl -s -o /dev/null https://x",
        ],
    ),
    ("tar tf", &["tar tf a.tar"]),
    ("ls", &["ls -la /x"]),
    ("grep", &["grep -rn x ."]),
    ("rg", &["rg -n x src"]),
    ("find", &["find . -name '*.rs' -type f"]),
    ("sort", &["sort -u x", "sort -k2,2n x"]),
    ("ps", &["ps aux"]),
    ("systemctl status", &["systemctl status x"]),
    ("brew install", &["brew install x"]),
    (
        "sudo apt-get update",
        &["sudo apt-get update", "sudo apt-get update -qq"],
    ),
    ("env FOO=1 cargo test", &["env FOO=1 cargo test --release"]),
    ("timeout 60 make", &["timeout 60 make test"]),
    ("pip install -r", &["pip install -r requirements.txt"]),
    // Who names the option decides on what it does.
    (
        "git -c core.pager=cat log",
        &["git -c core.pager=cat log -5"],
    ),
    ("git -c", &["git -c core.pager=cat"]),
    ("sort -o out.txt", &["sort -o out.txt in.txt"]),
    ("find . -exec", &["find . -exec grep -l x {} +"]),
    (
        "python3 -m pytest",
        &["python3 -m pytest", "python3 -m pytest -q tests"],
    ),
    ("python3 manage.py", &["python3 manage.py migrate"]),
    ("bash build.sh", &["bash build.sh", "bash build.sh --fast"]),
    ("bash -c", &["bash -c 'make all'"]),
    ("cp a b", &["cp a b"]),
    ("tee log.txt", &["tee log.txt"]),
    ("busybox ls", &["busybox ls -la"]),
    ("git frob x", &["git frob x"]),
    ("make", &["make -j 4 -k all", "make -l 2.5 A=b"]),
    ("cpp", &["cpp x.c", "cpp -DA=1 x.c"]),
    (
        "gcc -c",
        &["gcc -c x.c -O2 -g3 -Wall -fPIC -fstack-protector-strong -std=c11 -Iinclude"],
    ),
    (
        "dpkg",
        &["dpkg -l", "dpkg -L x", "dpkg -S /x", "dpkg -c x.deb"],
    ),
    (
        "dpkg-deb",
        &["dpkg-deb -c x.deb", "dpkg-deb -I x.deb control"],
    ),
    ("zstd", &["zstd -dc x", "zstd --stdout x"]),
    ("zcat", &["zcat x"]),
    ("gzip", &["gzip -dc x", "gzip -l x"]),
    ("xzcat", &["xzcat x"]),
    (
        "wget",
        &["wget -qO- https://x", "wget -O /dev/null https://x"],
    ),
    ("split x", &["split x"]),
    ("tmux ls", &["tmux ls", "tmux ls ';'"]),
    ("tmux ls ';' ls", &["tmux ls ';' ls"]),
    (
        "journalctl",
        &[
            "journalctl -r -u x",
            "journalctl -xe",
            "journalctl -fqa -n 5",
        ],
    ),
    ("useradd", &["useradd -l -o x"]),
    ("systemctl", &["systemctl --legend no status x"]),
    ("sysctl", &["sysctl -a", "sysctl -n a.b"]),
    ("hostname", &["hostname", "hostname -I"]),
    ("timedatectl", &["timedatectl", "timedatectl show -p NTP"]),
    ("timedatectl set-ntp", &["timedatectl set-ntp false"]),
    (
        "ip",
        &[
            "ip a",
            "ip addr show dev eth0",
            "ip -br link",
            "ip route get 1.1.1.1",
        ],
    ),
    ("git remote frob x", &["git remote frob x"]),
    ("git frob --out=x", &["git frob --out=x"]),
    ("grep -m", &["grep -m 1 x y"]),
    ("grep", &["grep -m 1 x y", "grep -e - y"]),
    ("head", &["head -n -5 x"]),
    ("date", &["date", "date +%F", "date -u -d yesterday +%s"]),
    ("date -s", &["date -s x"]),
    ("date 01020304", &["date 01020304"]),
    (
        "git reflog",
        &["git reflog", "git reflog HEAD", "git reflog show HEAD"],
    ),
    // Nothing is known of these.
    ("frobnicate", &["frobnicate --exec x", "frobnicate y"]),
];

/// A prefix, a command that it does not permit, and what explain says.
const ANOTHER_COMMAND: &[(&str, &str, &str)] = &[
    (
        "openssl",
        "openssl pkey -in org.openssl.engine:/tmp/x.so:k",
        "option `-in` can run another program",
    ),
    (
        "curl",
        "curl --unix-socket /run/docker.sock http://x/",
        "option `--unix-socket` can run another program",
    ),
    (
        "tar",
        "tar xf a --to-command=sh",
        "option `--to-command` runs a command line",
    ),
    (
        "tar",
        "tar cf a --checkpoint-action=exec=x b",
        "option `--checkpoint-action` can run another program",
    ),
    (
        "git",
        "git -c alias.x=!y x",
        "option `-c` can run another program",
    ),
    (
        "git",
        "git frob",
        "nothing is known of the subcommand `frob`",
    ),
    (
        "git push",
        "git push --receive-pack=x",
        "option `--receive-pack` can run another program",
    ),
    (
        "git status",
        "git status --frob",
        "option `--frob` is unknown",
    ),
    (
        "cargo build",
        "cargo build --config build.rustc=x",
        "option `--config` can run another program",
    ),
    (
        "make",
        "make SHELL=x",
        "option `SHELL=` can run another program",
    ),
    // What is written as NAME=VALUE, or as find's words are, is no operand behind two dashes.
    (
        "make",
        "make all -- SHELL=x",
        "option `SHELL=` can run another program",
    ),
    (
        "make",
        "make ' SHELL=x'",
        "option `SHELL=` can run another program",
    ),
    (
        "make",
        "make 'DESTDIR=`x`'",
        "`'DESTDIR=`x`'` is a program that it runs",
    ),
    (
        "just",
        "just deploy ';x'",
        "`';x'` is a program that it runs",
    ),
    ("dd", "dd -- of=x", "option `of=` writes a file"),
    ("dd", "dd if=a -- of=x", "option `of=` writes a file"),
    (
        "find",
        "find -- a -exec x ';'",
        "option `-exec` can run another program",
    ),
    (
        "find",
        "find -L -- a -fprint x",
        "option `-fprint` writes a file",
    ),
    (
        "sudo -k",
        "sudo -k -s",
        "it runs what its standard input says",
    ),
    ("sudo", "sudo -e x", "option `-e` can run another program"),
    (
        "ip",
        "ip -all netns exec x",
        "it runs `x`, which the rule doesn't name",
    ),
    ("make", "make -f x", "option `-f` can run another program"),
    (
        "timeout 60 make",
        "timeout 60 make -f x",
        "option `-f` can run another program",
    ),
    ("sort", "sort -o x y", "option `-o` writes a file"),
    ("curl", "curl -o x https://y", "option `-o` writes a file"),
    (
        "find",
        "find . -exec x {} +",
        "option `-exec` can run another program",
    ),
    ("awk", "awk 'BEGIN{system(1)}'", "is a program that it runs"),
    (
        "bash",
        "bash x.sh",
        "`x.sh` is a file of commands that it runs",
    ),
    (
        "bash",
        "bash -c x",
        "it runs a script that the rule doesn't name",
    ),
    ("bash", "bash", "it runs what its standard input says"),
    ("python3", "python3 -", "is a file of commands that it runs"),
    ("python3", "python3", "it runs what its standard input says"),
    (
        "timeout",
        "timeout 5 x",
        "it runs `x`, which the rule doesn't name",
    ),
    (
        "env FOO=1",
        "env FOO=1 x",
        "it runs `x`, which the rule doesn't name",
    ),
    (
        "busybox",
        "busybox sh -c x",
        "it runs `sh`, which the rule doesn't name",
    ),
    ("cp", "cp a b", "`b` is a file that it writes"),
    ("tee", "tee x", "`x` is a file that it writes"),
    (
        "watch ls",
        "watch ls ';x'",
        "it runs a script that the rule doesn't name",
    ),
    ("gcc", "gcc @x", "`@x` is a file of commands that it runs"),
    (
        "gcc",
        "gcc -Wl,-plugin,x y.c",
        "option `-Wl,` can run another program",
    ),
    (
        "gcc",
        "gcc -wrapper x,y z.c",
        "option `-wrapper` runs a command line",
    ),
    ("make", "make a!=x", "`'a!=x'` is a program that it runs"),
    ("make", "make 'a=$(shell x)'", "is a program that it runs"),
    (
        "make",
        "make SHELL:=x",
        "`SHELL:=x` is a program that it runs",
    ),
    ("make", "make 'SHELL =x'", "is a program that it runs"),
    ("cpp", "cpp x.c y", "`y` is a file that it writes"),
    (
        "gcc -c",
        "gcc -c x.c -fdump-tree-original=y",
        "option `-fdump-` writes a file",
    ),
    (
        "gcc -c",
        "gcc -c x.c '-fmodule-mapper=|x'",
        "option `-fmodule-mapper` can run another program",
    ),
    ("dpkg", "dpkg -x x.deb y", "option `-x` writes a file"),
    (
        "dpkg",
        "dpkg --control x.deb",
        "option `--control` writes a file",
    ),
    ("dpkg", "dpkg -b x", "option `-b` writes a file"),
    ("dpkg-deb", "dpkg-deb -b x", "option `-b` writes a file"),
    ("dpkg", "dpkg -i x", "option `-i` can run another program"),
    ("zstd", "zstd x", "`x` is a file that it writes"),
    ("unzstd", "unzstd x", "`x` is a file that it writes"),
    ("zstd", "zstd -c --rm x", "option `--rm` writes a file"),
    ("wget", "wget -i x", "option `-i` writes a file"),
    (
        "rsync",
        "rsync --read-batch=x y",
        "option `--read-batch` writes a file",
    ),
    ("split", "split x", "`x` is a file that it writes"),
    ("csplit", "csplit x 1", "`x` is a file that it writes"),
    (
        "meson",
        "meson subprojects foreach x",
        "`foreach` is a program that it runs",
    ),
    (
        "rpmspec",
        "rpmspec -q x.spec",
        "`x.spec` is a file of commands that it runs",
    ),
    ("yq", "yq -s .a x", "option `-s` writes a file"),
    (
        "xsltproc",
        "xsltproc a.xsl b.xml",
        "`a.xsl` is a file of commands that it runs",
    ),
    (
        "tmux ls",
        "tmux ls ';' run-shell x",
        "it runs `tmux`, which the rule doesn't name",
    ),
    (
        "tmux ls",
        "tmux ls -F '#{x};' run-shell x",
        "option `-F` can run another program",
    ),
    (
        "tmux has",
        "tmux has -t 'x;' run-shell x",
        "it runs `tmux`, which the rule doesn't name",
    ),
    (
        "parallel",
        "parallel",
        "it runs what its standard input says",
    ),
    (
        "parallel",
        "parallel -a x",
        "option `-a` can run another program",
    ),
    (
        "parallel",
        "parallel :::: x",
        "`x` is a file of commands that it runs",
    ),
    (
        "journalctl",
        "journalctl -r --cursor-file=x",
        "option `--cursor-file` writes a file",
    ),
    ("sysctl", "sysctl a=b", "`a=b` changes the system's state"),
    (
        "sysctl",
        "sysctl -p",
        "option `-p` changes the system's state",
    ),
    ("hostname", "hostname x", "`x` changes the system's state"),
    (
        "timedatectl",
        "timedatectl set-ntp false",
        "`set-ntp` changes the system's state",
    ),
    (
        "ip",
        "ip link set lo down",
        "`set` changes the system's state",
    ),
    // Behind a subcommand that the model lacks, nothing is known.
    ("git frob", "git frob --out=x", "option `--out` is unknown"),
    (
        "git frob",
        "git frob x",
        "nothing is known of the subcommand `frob`, so neither of `x`",
    ),
    (
        "git remote",
        "git remote frob x",
        "nothing is known of the subcommand `frob`, which",
    ),
    (
        "git remote frob",
        "git remote frob x",
        "nothing is known of the subcommand `frob`, so neither of `x`",
    ),
    (
        "git remote frob",
        "git remote frob -v",
        "nothing is known of the subcommand `frob`, so neither of `-v`",
    ),
    (
        "git log",
        "git log --onelin",
        "option `--onelin` is cut short",
    ),
    ("ls", "ls --almo", "option `--almo` is cut short"),
    ("ls", "ls --al", "option `--al` is unknown"),
    (
        "date",
        "date 01020304",
        "`01020304` changes the system's state",
    ),
    (
        "date",
        "date -s x",
        "option `-s` changes the system's state",
    ),
    (
        "git log",
        "git log --grep --ext-diff",
        "`--ext-diff` stands for a value but could be an option",
    ),
    (
        "grep",
        "grep -m -f x",
        "`-f` stands for a value but could be an option",
    ),
];

#[test]
fn a_prefix_permits_more_of_the_same() {
    let mut wrong = Vec::new();
    for (prefix, commands) in MORE_OF_THE_SAME {
        for command in *commands {
            if !permits(prefix, command) {
                let trace = judged(&rule(prefix), &request(command)).trace;
                wrong.push(format!("{prefix}: {command}: {:?}", trace.discounted));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_prefix_does_not_permit_another_command_and_says_why() {
    let mut wrong = Vec::new();
    for (prefix, command, why) in ANOTHER_COMMAND {
        let judgement = judged(&rule(prefix), &request(command));
        let mut reasons = judgement.trace.discounted.iter();
        let said = reasons.any(|(_, reason)| reason.contains(why));
        if judgement.verdict.placement == Placement::Outside || !said {
            wrong.push(format!("{prefix}: {command}: {:?}", judgement.trace));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// One file of `tests/permits/`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    prefix: Vec<Row>,
}

/// A prefix, commands that it permits, and others that begin with it and that it doesn't permit.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    words: String,
    #[serde(default)]
    permits: Vec<String>,
    #[serde(default)]
    refuses: Vec<String>,
}

#[test]
fn the_tables_of_prefixes_hold() {
    let mut wrong = Vec::new();
    for entry in fs::read_dir("tests/permits").unwrap() {
        let text = fs::File::open(entry.unwrap().path()).and_then(std::io::read_to_string);
        let table: Table = toml::from_str(&text.unwrap()).unwrap();
        for Row {
            words,
            permits: usual,
            refuses,
        } in &table.prefix
        {
            for command in usual.iter().filter(|it| !permits(words, it)) {
                let trace = judged(&rule(words), &request(command)).trace;
                wrong.push(format!("{words}: {command}: {:?}", trace.discounted));
            }
            let permitted = refuses.iter().filter(|it| permits(words, it));
            wrong.extend(permitted.map(|command| format!("{words}: permitted: {command}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A person who is asked sees all the words.
#[test]
fn a_prompt_still_leads_outside() {
    let rules = "prefix_rule([\"tar\"], decision = \"prompt\")\n";
    let verdict = judged(rules, &request("tar xf a --to-command=sh")).verdict;
    assert_eq!(verdict.decision, Decision::Prompt);
    assert_eq!(verdict.placement, Placement::Outside);
}
