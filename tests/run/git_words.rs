//! git, let out by a rule: its words start nothing of the command's, and write nothing elsewhere.

use std::fs;

use crate::support::{World, everyone_with};

const RULES: &str = "\
prefix_rule(pattern = [\"git\", [\"cherry-pick\", \"rebase\", \"pull\", \"mv\", \"rm\", \"commit\",
    \"bugreport\", \"format-patch\"]])
";

/// Run in a repository with `e`, which writes outside, and `d/kept`; `side` is a branch beside it.
const SCRIPTS: [&str; 11] = [
    "mkdir git-merge-x; cp e git-merge-x/evil; git cherry-pick --strategy=x/evil side",
    "mkdir git-merge-x; cp e git-merge-x/evil; git cherry-pick --strategy x/evil side",
    "mkdir git-merge-x; cp e git-merge-x/evil; git rebase -s x/evil side",
    "mkdir git-merge-x; cp e git-merge-x/evil; git rebase -qsx/evil side",
    "mkdir git-merge-x; cp e git-merge-x/evil; git pull -q --rebase -s x/evil . side",
    "git mv e .git/hooks/pre-commit; git commit -qm x --allow-empty",
    "ln -s ../out l; git mv e l/pwned",
    "rm -r d; ln -s ../out d; git mv d/kept x",
    "rm -r d; ln -s ../out d; git rm -qf d/kept",
    "mkdir git-bugreport-x; git bugreport -s x/../../out/pwned",
    "mkdir 0001-z; git format-patch -1 --suffix=/../../out/pwned",
];

fn prepared(world: World) -> World {
    let world = world
        .rules(RULES)
        .file("home/.gitconfig", "[user]\nname = n\nemail = e\n")
        .file("out/kept", "k\n")
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        // Heuristics ask about some; none of it leaves the sandbox for that.
        .ask("allow")
        .env("GIT_EDITOR", "true");
    let script = world.spelled(
        "git init -qb main; mkdir d; cp ../out/kept d; echo a >a; \
         printf '#!/bin/sh\necho x >>WORLD/out/pwned\n' >e; chmod +x e; git add .; git commit -qm a; \
         git branch side; echo b >>a; git commit -qam b; git checkout -q side; echo z >z; git add z; \
         git commit -qm z; git checkout -q main; echo y >y; git add y; git commit -qm z",
    );
    let done = world
        .command(&["sh".into(), "-ec".into(), script])
        .status()
        .unwrap();
    assert!(done.success(), "{done}");
    world
}

/// What is there outside.
fn outside(world: &World) -> Vec<String> {
    let entries = fs::read_dir(world.path("out")).unwrap();
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    entries.map(|entry| name(entry.unwrap())).collect()
}

#[test]
fn without_a_sandbox_each_has_an_effect_elsewhere() {
    everyone_with(&SCRIPTS, |world, script| {
        let ran = prepared(world)
            .options(["--sandbox", "danger-full-access"])
            .sh(script);
        assert_ne!(outside(&ran.world), ["kept"], "{script}");
    });
}

#[test]
fn let_out_it_has_none() {
    everyone_with(&SCRIPTS, |world, script| {
        let ran = prepared(world).sh(script);
        assert_eq!(outside(&ran.world), ["kept"], "{script}");
        ran.no_file("ws/.git/hooks/pre-commit");
    });
}

/// What comes before it, the command, and whether git may push by that: without another exec it goes on with what
/// it takes a subcommand for.
const CORRECTED: [(&str, &str, bool); 13] = [
    (
        "export V=-1",
        "git --config-env=help.autocorrect=V pusj ../b x",
        true,
    ),
    (
        "git config -f g help.autocorrect 1",
        "git -c include.path=$PWD/g pusj ../b x",
        true,
    ),
    (
        "git config -f g help.autocorrect 1",
        "GIT_CONFIG_GLOBAL=./g git pusj ../b x",
        true,
    ),
    (
        "git config -f g help.autocorrect 1",
        "GIT_CONFIG_SYSTEM=g git pusj ../b x",
        true,
    ),
    (
        "git config -f .gitconfig help.autocorrect 1",
        "HOME=. git pusj ../b x",
        true,
    ),
    (
        "mkdir git; git config -f git/config help.autocorrect 1",
        "XDG_CONFIG_HOME=. git pusj ../b x",
        true,
    ),
    ("", "git -c help.autocorrect=immediate pusj ../b x", true),
    ("git config help.autocorrect 1", "git psuh ../b x", true),
    (
        "export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=help.autocorrect GIT_CONFIG_VALUE_0=-1",
        "git pus ../b x",
        true,
    ),
    (
        "git config --file \"$HOME/.gitconfig\" help.autocorrect 1",
        "git puhs ../b x",
        true,
    ),
    (
        "git config help.autocorrect never",
        "git psuh ../b x",
        false,
    ),
    ("git config help.autocorrect 1", "git lgo", false),
    ("", "git pusj ../b x", false),
];

#[test]
fn what_git_corrects_is_refused() {
    everyone_with(&CORRECTED, |world, (before, command, is_refused)| {
        let ran = world
            .rules("prefix_rule(pattern = [\"git\", \"push\"], decision = \"forbidden\")\n")
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .options(["--sandbox", "danger-full-access"])
            .sh(format!("git init -q; {before}\n{command}"));
        let is_told = ran
            .stderr
            .windows(25)
            .any(|part| part == b"codex-shell: denied: git ");
        ran.check(is_told == *is_refused, command);
    });
}
