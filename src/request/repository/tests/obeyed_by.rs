//! Settings that a subcommand is said not to obey, tried with git itself.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use super::super::obeyed_by::UNUSED;
use super::*;

/// Settings that git runs, each set to what leaves a mark.
const SETTINGS: [&str; 21] = [
    "diff.external",
    "diff.x.command",
    "diff.x.textconv",
    "filter.x.clean",
    "filter.x.smudge",
    "filter.x.process",
    "merge.x.driver",
    "interactive.diffFilter",
    "core.editor",
    "sequence.editor",
    "trailer.x.cmd",
    "trailer.x.command",
    "credential.helper",
    "core.sshCommand",
    "core.gitProxy",
    "core.askPass",
    "remote.origin.uploadpack",
    "remote.origin.receivepack",
    "remote.origin.vcs",
    "gpg.program",
    "core.fsmonitor",
];
/// Command lines, and what stands in their standard input. `?`: it may fail.
const COMMANDS: &[(&str, &str)] = &[
    ("add -A", ""),
    ("am patch", ""),
    ("apply -3 patch", ""),
    ("blame a", ""),
    ("branch b", ""),
    ("branch -vv -a --sort=-committerdate", ""),
    ("branch -m other renamed", ""),
    ("cat-file --batch", "HEAD:a\n"),
    ("checkout -f -b c", ""),
    ("checkout -f other", ""),
    ("cherry-pick clean", ""),
    ("clean -fd", ""),
    ("clone . ../cloned", ""),
    ("commit -am c", ""),
    ("commit -q --amend -m c", ""),
    ("commit -a --dry-run", ""),
    ("commit-graph write --reachable", ""),
    ("commit-tree HEAD^{tree} -m x", ""),
    ("config user.x y", ""),
    ("config --list", ""),
    ("describe --all --dirty", ""),
    ("diff --stat HEAD~1", ""),
    ("diff HEAD", ""),
    ("diff-files -p", ""),
    ("diff-index -p HEAD", ""),
    ("diff-tree -p HEAD", ""),
    ("fetch -q --all --prune", ""),
    ("fetch ../remote.git main", ""),
    ("fetch-pack ../remote.git refs/heads/main", ""),
    ("for-each-ref --format=%(refname)%(contents)", ""),
    ("format-patch -1 --stdout", ""),
    ("fsck --full", ""),
    ("gc -q", ""),
    ("gc -q --no-detach ?", ""),
    ("grep d", ""),
    ("hash-object --no-filters a", ""),
    ("index-pack --fix-thin --stdin ?", ""),
    ("init ../new", ""),
    ("init-db ../new", ""),
    ("log -p --all", ""),
    ("ls-files -s", ""),
    ("ls-remote origin", ""),
    ("ls-remote ../remote.git", ""),
    ("ls-tree -r HEAD", ""),
    ("maintenance run --quiet", ""),
    ("maintenance run --auto --quiet --no-detach ?", ""),
    ("maintenance run --task=gc --task=incremental-repack", ""),
    ("merge -m m clean", ""),
    ("merge -q --no-edit --no-ff clean", ""),
    ("merge-base HEAD other", ""),
    ("mktree", ""),
    ("multi-pack-index write", ""),
    ("mv a moved", ""),
    ("name-rev HEAD", ""),
    ("notes copy HEAD clean", ""),
    ("pack-objects --all --stdout", ""),
    ("pack-refs --all", ""),
    ("prune --expire=now", ""),
    ("prune-packed", ""),
    ("pull -q --no-rebase ../remote.git main ?", ""),
    ("pull -q --rebase --autostash ../remote.git main ?", ""),
    ("push -q origin HEAD:new", ""),
    ("push -q ../remote.git --all", ""),
    ("read-tree -m -u HEAD ?", ""),
    ("read-tree HEAD", ""),
    ("rebase --autostash clean ?", ""),
    ("receive-pack ../remote.git", "0000"),
    ("reflog expire --all --expire=now", ""),
    ("reflog", ""),
    ("remote -v", ""),
    ("remote add n ../remote.git", ""),
    ("remote get-url origin", ""),
    ("remote rename origin o ?", ""),
    ("remote remove origin", ""),
    ("remote rm origin", ""),
    ("remote set-url origin ../remote.git", ""),
    ("remote update", ""),
    ("remote show origin ?", ""),
    ("remote-http origin http://127.0.0.1:9/x ?", "list\n"),
    ("remote-https origin https://127.0.0.1:9/x ?", "list\n"),
    ("repack -q -a -d", ""),
    ("rerere gc", ""),
    ("rerere", ""),
    ("reset --hard HEAD~1", ""),
    ("reset -q", ""),
    ("restore a", ""),
    ("rev-list --all --objects", ""),
    ("rev-parse --show-toplevel", ""),
    ("revert -n HEAD ?", ""),
    ("rm -f a", ""),
    ("send-pack --all ../remote.git", ""),
    ("shortlog -s HEAD", ""),
    ("show HEAD", ""),
    ("show-ref", ""),
    ("stash", ""),
    ("stash show -p", ""),
    ("stash push -q", ""),
    ("stash pop ?", ""),
    ("status", ""),
    ("status --porcelain=v2 --branch", ""),
    ("switch -f other ?", ""),
    ("switch -c n", ""),
    ("symbolic-ref HEAD", ""),
    ("tag t", ""),
    ("tag -l -n", ""),
    ("tag -a t -m x", ""),
    ("unpack-objects -n ?", ""),
    ("update-index --refresh ?", ""),
    ("update-ref refs/heads/u HEAD", ""),
    ("update-server-info", ""),
    ("upload-pack ../remote.git", "0000"),
    ("var GIT_AUTHOR_IDENT", ""),
    ("worktree list", ""),
    ("worktree prune", ""),
    ("worktree add ../tree", ""),
    ("write-tree", ""),
];
/// What does obey a setting, so that the marks are known to be left.
const OBEYING: [(&str, &str); 15] = [
    ("diff.external", "diff HEAD"),
    ("diff.x.command", "diff HEAD"),
    ("diff.x.textconv", "diff HEAD"),
    ("diff.x.textconv", "log -p"),
    ("diff.x.textconv", "commit -a -v --dry-run"),
    ("filter.x.clean", "add -A"),
    ("filter.x.clean", "status"),
    ("filter.x.smudge", "reset --hard HEAD~1"),
    ("merge.x.driver", "merge -m m other"),
    ("core.editor", "tag -a t"),
    ("core.editor", "branch --edit-description"),
    ("core.editor", "commit -a"),
    ("trailer.x.cmd", "interpret-trailers --trailer x:y a"),
    ("core.sshCommand", "ls-remote ssh://h/x"),
    ("remote.origin.uploadpack", "fetch origin"),
];

/// A repository with one beside it, and whether a program that left a mark there was run.
struct Trial {
    directory: tempfile::TempDir,
}

impl Trial {
    /// One whose files all have drivers and filters, whose working tree is changed, and which has branches
    /// that merge.
    fn template() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let it = Self { directory };
        fs::create_dir_all(it.path("r")).unwrap();
        fs::write(it.path("run"), "#!/bin/sh\n: >\"$MARK\"\n").unwrap();
        fs::set_permissions(it.path("run"), fs::Permissions::from_mode(0o755)).unwrap();
        it.expect("init -q -b main --template=");
        let commit = |name: &str, text: &str| {
            fs::write(it.path("r").join(name), text).unwrap();
            it.expect("add -A");
            it.expect("commit -q -m x");
        };
        commit(".gitattributes", "* diff=x filter=x merge=x\n");
        commit("d", "d\n");
        commit("a", "1\n2\n3\n4\n5\n6\n7\n8\n");
        it.expect("branch clean");
        it.expect("switch -q -c other");
        commit("a", "1\n2\n3\n4\n5\n6\n7\n8x\n");
        it.expect("switch -q main");
        commit("a", "1x\n2\n3\n4\n5\n6\n7\n8\n");
        it.expect("clone -q --bare . ../remote.git");
        it.expect("remote add origin ../remote.git");
        it.expect("switch -q clean");
        commit("b", "b\n");
        let (_, patch) = it.git("format-patch -1 --stdout", "");
        it.expect("switch -q main");
        it.expect("notes add -m n");
        it.expect("repack -q -a -d");
        // git stash show, pop
        fs::write(it.path("r/c"), "c\n").unwrap();
        it.expect("add c");
        it.expect("stash -q");
        fs::write(it.path("r/patch"), patch).unwrap();
        fs::write(it.path("r/d"), "dirty\n").unwrap();
        it
    }

    fn copy(&self) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let copied = Command::new("cp")
            .args(["-a", "--"])
            .args(["r", "remote.git", "run"].map(|name| self.path(name)))
            .arg(directory.path())
            .status();
        assert!(copied.unwrap().success());
        let it = Self { directory };
        // It is to be looked at again.
        let later = std::time::SystemTime::now() + std::time::Duration::from_mins(1);
        let file = fs::File::options()
            .write(true)
            .open(it.path("r/a"))
            .unwrap();
        file.set_modified(later).unwrap();
        it
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, words: &str) -> Command {
        let mut command = Command::new("git");
        command
            .args(words.split_ascii_whitespace().filter(|word| *word != "?"))
            .current_dir(self.path("r"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.directory.path())
            .env("MARK", self.path("mark"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "n")))
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "e")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn git(&self, words: &str, input: &str) -> (bool, Vec<u8>) {
        let mut child = self.command(words).spawn().unwrap();
        // One that doesn't read has ended.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let mut said = output.stdout;
        if !output.status.success() {
            said.extend(output.stderr);
        }
        (output.status.success(), said)
    }

    #[track_caller]
    fn expect(&self, words: &str) {
        let (succeeds, said) = self.git(words, "");
        assert!(succeeds, "{words}: {}", String::from_utf8_lossy(&said));
    }

    fn set(&self, names: &[&str]) {
        let mut text = String::new();
        let run = self.path("run");
        for name in names {
            let (section, key) = name.rsplit_once('.').unwrap();
            let (section, own) = section.split_once('.').unwrap_or((section, ""));
            let mark = if *name == "credential.helper" {
                "!"
            } else {
                ""
            };
            // Writing to a String can't fail.
            let _ = match own {
                "" => writeln!(text, "[{section}]"),
                own => writeln!(text, "[{section} \"{own}\"]"),
            };
            let _ = writeln!(text, "\t{key} = \"{mark}{}\"", run.display());
        }
        let file = self.path("r/.git/config");
        let mut file = fs::File::options().append(true).open(file).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn is_marked(&self) -> bool {
        self.path("mark").exists()
    }
}

fn words_of(line: &str) -> Vec<OsString> {
    let words = line.split_ascii_whitespace().filter(|word| *word != "?");
    words.map(OsString::from).collect()
}

/// Whether `line` may obey `name`.
fn obeys(line: &str, name: &str, is_judged: bool) -> bool {
    let words = words_of(line);
    let GitReading::Git(asked) = command::globals(&words) else {
        panic!("{line}");
    };
    let asked = GitCommandLine {
        is_plain: true,
        ..asked
    };
    let roots = Roots::of(&[]);
    let mut config = Config::of_user(&roots, GitStarter::Inside, &|_| None, None).unwrap();
    config.entries.clear();
    asked.obeys(&name.to_lowercase(), &config, is_judged)
}

#[test]
fn no_setting_runs_anything_that_is_said_not_to_be_obeyed() {
    let template = Trial::template();
    let mut wrong = Vec::new();
    for (line, input) in COMMANDS {
        let unused: Vec<_> = SETTINGS
            .into_iter()
            .filter(|name| !obeys(line, name, true))
            .collect();
        assert!(!unused.is_empty(), "{line}");
        let trial = template.copy();
        trial.set(&unused);
        let (succeeds, said) = trial.git(line, input);
        let said = String::from_utf8_lossy(&said);
        if !succeeds && !line.ends_with('?') {
            wrong.push(format!("{line} fails: {said}"));
        }
        if trial.is_marked() {
            let alone = |name: &&&str| {
                let trial = template.copy();
                trial.set(&[name]);
                trial.git(line, input);
                trial.is_marked()
            };
            let ran: Vec<_> = unused.iter().filter(alone).collect();
            wrong.push(format!("{line} runs {ran:?}: {said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_obeys_a_setting_leaves_a_mark_and_is_not_freed_of_it() {
    let template = Trial::template();
    for (name, line) in OBEYING {
        assert!(obeys(line, name, true), "{name} {line}");
        let trial = template.copy();
        trial.set(&[name]);
        let (_, said) = trial.git(line, "");
        assert!(
            trial.is_marked(),
            "{name} {line}: {}",
            String::from_utf8_lossy(&said)
        );
    }
}

#[test]
fn each_subcommand_that_is_said_not_to_obey_is_tried() {
    for unused in UNUSED {
        assert!(!unused.reason.is_empty());
        for phrase in unused.by.split_ascii_whitespace() {
            let phrase = phrase.replace('.', " ");
            let mut lines = COMMANDS.iter().map(|(line, _)| format!("{line} "));
            assert!(
                lines.any(|line| line.starts_with(&format!("{phrase} "))),
                "{phrase}"
            );
        }
    }
}

/// Settings, who goes outside with one, and who doesn't.
const SETTING_BY_SETTING: [(&str, &[&str], &[&str]); 6] = [
    (
        "[diff \"x\"]\n\ttextconv = frob\n",
        &[
            "push",
            "p",
            "fetch",
            "pull --rebase",
            "commit -m x",
            "tag v1",
            "rev-list --objects --all",
            "maintenance run --auto",
        ],
        &[
            "diff",
            "log",
            "d",
            "lfs",
            "show",
            "push --odd",
            "push --help",
            "push -h",
            "diff-tree -p --textconv HEAD",
            "diff-tree -p --ext HEAD",
            "cherry-pick --textc x",
            "commit -v",
            "commit -avm x",
            "commit --verb -m x",
            "reflog",
            "rerere-x",
        ],
    ),
    (
        "[filter \"x\"]\n\tclean = frob %f\n",
        &[
            "push",
            "fetch --all",
            "tag v1",
            "branch -d x",
            "reflog expire --all",
            "p",
        ],
        &[
            "status",
            "add a",
            "commit -m x",
            "pull",
            "d",
            "reflog",
            "rerere",
        ],
    ),
    (
        "[merge \"x\"]\n\tdriver = frob %O\n",
        &["push", "fetch"],
        &["merge x", "pull", "rerere", "commit -m x", "stash pop"],
    ),
    (
        "[core]\n\teditor = frob\n",
        &["push", "fetch", "tag v1", "branch x"],
        &[
            "commit",
            "tag -a v1",
            "tag -m x v1",
            "branch --edit-desc",
            "rebase -i x",
        ],
    ),
    (
        "[credential]\n\thelper = \"!f() { echo password=x; }; f\"\n",
        &[
            "commit -m x",
            "status",
            "add -A",
            "rebase x",
            "remote add n https://h/x",
            "d",
        ],
        &[
            "push",
            "fetch",
            "p",
            "remote update",
            "clone https://h/x",
            "remote",
            "submodule",
        ],
    ),
    (
        "[core]\n\tsshCommand = ssh -F config\n",
        &["commit -m x", "status"],
        &["push", "fetch", "ls-remote"],
    ),
];

/// A setting that is unknown to us keeps in only who obeys it, and an alias of such.
#[test]
fn who_does_not_obey_a_setting_goes_outside_with_it() {
    let mut world = World::new();
    world.is_judged_outside = true;
    world.write("bin/git-lfs", "");
    let path = world.path("bin").into_os_string();
    world.variables.insert("PATH".into(), path);
    let own = world.read("ws/.git/config");
    let aliases = "[alias]\n\tp = push\n\td = diff HEAD\n\tlfs = push\n";
    for (setting, goes, stays) in SETTING_BY_SETTING {
        world.write("ws/.git/config", &format!("{own}{setting}{aliases}"));
        let whether = |world: &World, line: &str| {
            let words: Vec<&str> = ["git"].into_iter().chain(line.split(' ')).collect();
            world.lifted("ws", &words).is_some()
        };
        for line in goes {
            assert!(whether(&world, line), "{setting}{line}");
        }
        for line in stays {
            assert!(!whether(&world, line), "{setting}{line}");
        }
        // Where what they start is not looked at, each may obey it.
        world.is_judged_outside = false;
        for line in goes.iter().chain(stays) {
            assert!(!whether(&world, line), "{setting}{line}");
        }
        world.is_judged_outside = true;
        // What starts git is no git, and which of two names counts is not known here.
        assert_eq!(
            world.lifted("ws", &["gh", "pr", "create"]),
            None,
            "{setting}"
        );
        assert_eq!(world.lifted("ws", &["hub", "push"]), None, "{setting}");
        let mut request = world.request("ws", &["git", "push"]);
        request.argv[0] = "git-diff".into();
        let examined = examine(&request, &world.writable(), GitStarter::Inside, &|name| {
            world.variables.get(name).cloned()
        });
        assert!(examined.is_err(), "{setting}");
    }
}

/// What git does by itself after a commit reaches no other repository, as long as it is not told to.
#[test]
fn automatic_upkeep_is_not_kept_inside_by_a_remote_of_the_workspace() {
    let world = World::new();
    world.git("ws", &["remote", "add", "origin", "./bare"]);
    for (line, goes) in [
        ("maintenance run --auto", true),
        ("maintenance run --auto --quiet --detach", true),
        ("maintenance run --auto --no-auto", false),
        ("maintenance run --auto --task=prefetch", false),
        ("maintenance run", false),
        ("maintenance start --auto", false),
        ("commit -m x", true),
        ("fetch", false),
    ] {
        let words: Vec<&str> = ["git"].into_iter().chain(line.split(' ')).collect();
        assert_eq!(world.lifted("ws", &words).is_some(), goes, "{line}");
    }
}
