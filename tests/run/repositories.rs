//! git, let out by a rule: it obeys nothing that the command could have written.

use std::process::Command;

use crate::support::needs::skip;
use crate::support::world::User;
use crate::support::{World, everyone, everyone_with};

const RULES: &str = "\
prefix_rule(pattern = [\"git\", [\"status\", \"diff\", \"add\", \"commit\", \"rebase\", \"fetch\", \"log\",
    \"cherry-pick\", \"clean\", \"checkout\", \"rev-parse\", \"ls-files\", \"push\", \"clone\", \"init\",
    \"mktree\", \"commit-tree\", \"grep\", \"receive-pack\"]])
prefix_rule(pattern = [\"git\", \"push\", \"WORLD/ws/evil/b\"])
prefix_rule(pattern = [\"git\", [\"fetch\", \"push\"], \"-q\", \"WORLD/out/other\"])
prefix_rule(pattern = [\"git\", \"submodule\", \"update\"])
prefix_rule(pattern = [\"git\", \"-C\", [\"W\", \"sub\", \"inner\", \"../old\", \"WORLD/scratch\"], \"status\"])
prefix_rule(pattern = [\"git\", \"--version\"])
";

/// What each script begins with: what a hostile repository starts, such a one in `$E`, a repository here
/// if there is none, and a monitor that tells that git ran outside.
const BEGIN: &str = "\
P='echo x >>WORLD/out/pwned; false'
E=WORLD/ws/evil
own() { git init -q; echo a >a; git add a; git commit -qm a; }
evil() { git init -q $E; (cd $E; echo a >a; git add a; git commit -qm a; git config core.fsmonitor \"$P\"); }
hook() { echo \"#!/bin/sh
$P\" >$1; chmod +x $1; }
monitor() { printf '#!/bin/sh\necho x >>WORLD/out/outside; false\n' >WORLD/out/monitor; chmod +x WORLD/out/monitor;
    git config core.fsmonitor WORLD/out/monitor; }
with_submodule() { git -c protocol.file.allow=always submodule --quiet add $E S; git commit -qm S; }
todo() { echo \"exec $P\" >>.git/rebase-merge/git-rebase-todo; }
link() { printf '160000 commit %s\\tS\\n' $(git -C S rev-parse $1) | git mktree --missing; }
linked() { mv $E S; git -C S config diff.external \"$P\"; echo b >S/a; git -C S commit -qam b; A=$(link HEAD^);
    L=$(git commit-tree -m l -p $(git commit-tree -m k $A) $(link HEAD)); }
exec 2>/dev/null >/dev/null
";

/// One way to make an ordinary git command run something else.
struct Plant {
    script: &'static str,
    /// Whether it does so where there is no sandbox.
    works: bool,
}

const fn plant(script: &'static str) -> Plant {
    Plant {
        script,
        works: true,
    }
}

/// As git has it, nothing comes of these.
const fn in_vain(script: &'static str) -> Plant {
    Plant {
        script,
        works: false,
    }
}

const PLANTS: [Plant; 34] = [
    plant("git config core.fsmonitor \"$P\"; git status"),
    plant("git config core.fsmonitor \"$P\"; git diff"),
    plant("git config core.fsmonitor \"$P\"; git add a"),
    plant("git config core.fsmonitor \"$P\"; git commit -am x"),
    plant("evil; echo $E/.git >.git/commondir; git status"),
    plant(
        "evil; rm -rf .git; mkdir .git; echo ref: refs/heads/x >.git/HEAD; echo $E/.git >.git/commondir; git status",
    ),
    plant("evil; git worktree add -q W; echo $E/.git >.git/worktrees/W/commondir; git -C W status"),
    plant(
        "git config extensions.worktreeConfig true; git worktree add -q W; \
         git -C W config --worktree core.fsmonitor \"$P\"; git -C W status",
    ),
    in_vain(
        "git worktree add -q W; git config -f .git/worktrees/W/config.worktree core.fsmonitor \"$P\"; git -C W status",
    ),
    plant("evil; with_submodule; git -C S config core.fsmonitor \"$P\"; git status"),
    plant(
        "evil; with_submodule; hook .git/modules/S/hooks/post-checkout; git -C S commit -qm x --allow-empty; \
         git submodule update --force",
    ),
    plant("evil; with_submodule; echo gitdir: $E/.git >S/.git; git status"),
    plant("evil; with_submodule; echo gitdir: $E/.git >S/.git; git diff"),
    plant("evil; with_submodule; echo gitdir: $E/.git >S/.git; git add -A"),
    plant(
        "evil; with_submodule; echo gitdir: $E/.git >S/.git; git config -f .gitmodules submodule.S.ignore none; \
         git config diff.ignoreSubmodules all; git status",
    ),
    plant("evil; with_submodule; echo gitdir: $E/.git >S/.git; git ls-files --recurse-submodules"),
    in_vain(
        "evil; with_submodule; echo gitdir: $E/.git >S/.git; git status --ignore-submodules=all",
    ),
    plant("GIT_SEQUENCE_EDITOR='sed -i 1ibreak' git rebase -i --root; todo; git rebase --continue"),
    plant(
        "mkdir .git/rebase-merge; cd .git/rebase-merge; git rev-parse HEAD >onto; cp onto orig-head; \
         echo refs/heads/x >head-name; : >interactive; : >done; : >git-rebase-todo; cd ../..; todo; \
         git rebase --continue",
    ),
    in_vain(
        "mkdir .git/sequencer; echo \"exec $P\" >.git/sequencer/todo; git cherry-pick --continue",
    ),
    in_vain("mkdir -p .git/remotes; echo \"URL: ext::sh -c '$P'\" >.git/remotes/N; git fetch N"),
    in_vain("mkdir -p .git/branches; echo \"ext::sh -c '$P'\" >.git/branches/N; git fetch N"),
    in_vain("evil; echo $E/.git/objects >.git/objects/info/alternates; git status"),
    in_vain("echo 'a filter=x' >.git/info/attributes; git add a"),
    in_vain("evil; cp -r $E nested; git status; git add nested; git clean -nfdx"),
    plant(
        "export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.fsmonitor \"GIT_CONFIG_VALUE_0=$P\"; git status",
    ),
    plant("evil; git init -q --bare $E/b; hook $E/b/hooks/update; git push $E/b HEAD:x"),
    plant(
        "evil; mkdir sub; cd sub; git() { command git \"$@\"; }; echo gitdir: $E/.git >.git; git status",
    ),
    plant("evil; linked; git log -p --submodule=diff $L"),
    plant(
        "evil; mkfifo F; git log --stdin -p --submodule=diff <F & exec 9>F; linked; echo $L >&9; exec 9>&-; wait",
    ),
    plant("evil; linked; git diff --submodule=diff $L~ $L"),
    plant(
        "evil; linked; git -C S config core.fsmonitor true; git -C S update-index --fsmonitor; \
         git -C S config core.fsmonitor \"$P\"; git grep --recurse-submodules b $L",
    ),
    plant(
        "evil; hook $E/.git/hooks/update; H=$(git -C $E rev-parse HEAD); git -C $E branch z; \
         Z=0000000000000000000000000000000000000000; \
         printf '007c%s %s refs/heads/z\\0report-status delete-refs0000' $H $Z | git receive-pack $E",
    ),
    plant(
        "mkdir b; cd b; git init -q --bare; git config core.bare false; git config core.worktree ..; \
           git config core.fsmonitor \"$P\"; git status",
    ),
];

/// A world with git and who commits, in which this was done beforehand, outside.
fn prepared(world: World, script: &str) -> World {
    let world = world
        .rules(RULES)
        .file("home/.gitconfig", "[user]\nname = n\nemail = e\n")
        .env("PATH", "WORLD/bin:/usr/local/bin:/usr/bin:/bin")
        // Heuristics ask about some of what git starts; none of it leaves the sandbox for that.
        .ask("allow")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z")
        .env("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z")
        .file("scratch/x", "")
        .env("TMPDIR", "WORLD/scratch");
    let script = world.spelled(format!("{BEGIN}{script}"));
    let done = world
        .command(&["sh".into(), "-c".into(), script])
        .status()
        .unwrap();
    assert!(done.success(), "{done}");
    world
}

#[test]
fn without_a_sandbox_each_does_what_it_is_said_to() {
    everyone_with(&PLANTS, |world, plant| {
        let ran = prepared(world, "own")
            .options(["--sandbox", "danger-full-access"])
            .sh(format!("{BEGIN}{}", plant.script));
        let pwned = ran.world.path("out/pwned").exists();
        assert_eq!(pwned, plant.works, "{}", plant.script);
    });
}

#[test]
fn nothing_planted_in_a_repository_runs_outside() {
    // In the workspace's own repository, in one further down, and in scratch space.
    everyone_with(&PLANTS, |world, Plant { script, .. }| {
        let elsewhere = match world.user() {
            User::Caller => format!("mkdir n; (cd n; own; {script}); cd $TMPDIR; own; {script}"),
            User::Nobody => String::new(),
        };
        prepared(world, "own")
            .sh(format!("{BEGIN}git --version; ({script}); {elsewhere}"))
            .no_file("out/pwned");
    });
}

/// What was there before, and is the sandbox's to write all the same.
#[test]
fn submodules_of_a_repository_that_is_held_run_nothing_outside() {
    let commands = [
        "status",
        "diff",
        "add -A",
        "commit -am x",
        "ls-files --recurse-submodules",
        "checkout -b y",
    ];
    everyone_with(&commands, |world, command| {
        prepared(world, "evil; own; with_submodule; rm -rf $E")
            .sh(format!(
                "{BEGIN}evil; echo gitdir: $E/.git >S/.git; git {command}"
            ))
            .no_file("out/pwned");
    });
}

/// Where git is let out it does what it does without us.
#[test]
fn let_out_it_answers_as_ever() {
    let script = "git status --short; git diff --stat; git log --format=%s; \
        git rev-parse --git-dir --show-toplevel --show-prefix --show-cdup --is-inside-work-tree \
        --absolute-git-dir --is-bare-repository; git ls-files; git status --porcelain=v2 --branch -z | od -c; \
        git add b; git commit -m b | sed 's/ [0-9a-f]*\\]/]/'; git log --format=%s -- .; git status -s; \
        git push -q WORLD/out/other HEAD:y; git ls-files";
    let begin = "own; mkdir -p sub/deep; echo b >b; echo b >sub/b; echo b >sub/deep/b; echo c >>a; \
        git add sub; git init -q --bare ../out/other; \
        echo 'env | grep -c ^GIT_DIR >../out/hooked; pwd >>../out/hooked; git rev-parse --show-toplevel >>../out/hooked' \
        >.git/hooks/pre-commit; chmod +x .git/hooks/pre-commit; sed -i 1i#!/bin/sh .git/hooks/pre-commit; \
        monitor";
    for place in [".", "sub", "sub/deep"] {
        everyone(|world| {
            let user = world.user();
            let plain = prepared(world, begin);
            let base = plain.base().display().to_string();
            let argv =
                ["sh", "-c", &format!("cd {place}; {script}")].map(|word| plain.spelled(word));
            let expected = plain.command(&argv).output().unwrap();
            let expected = String::from_utf8(expected.stdout).unwrap();
            assert!(expected.contains("sub/"), "{expected}");
            let ran = prepared(World::of(user), begin)
                .sh(format!("cd {place}; rm -f WORLD/out/outside; {script}"));
            let toplevel = ran.left("out/hooked");
            let own = toplevel
                .lines()
                .nth(1)
                .unwrap()
                .trim_end_matches("/ws")
                .to_owned();
            let told = ran.text().replace(&own, &base);
            assert_eq!(told.trim_end(), expected.trim_end(), "{place}");
            let ways = toplevel.lines().skip(1).all(|line| line.ends_with("/ws"));
            assert!(ways, "{toplevel}");
            // Each ran outside.
            assert!(ran.left("out/outside").lines().count() > 5);
        });
    }
}

/// A repository that comes between is not found.
#[test]
fn what_is_made_between_judgement_and_start_does_not_count() {
    everyone(|world| {
        prepared(world, "own; mkdir sub")
            .sh(format!(
                "{BEGIN}evil; cd sub; (while :; do cp -r $E/.git .git; rm -rf .git; done) & \
                 for i in $(seq 100); do git status; done; kill $!"
            ))
            .no_file("out/pwned");
    });
}

/// What `rules explain` says of a place is where it runs, and why.
#[test]
fn where_it_is_explained_it_runs() {
    let written = "a repository that the command could have written: WORLD";
    let cases = [
        ("git status", None),
        ("git -C sub status", None),
        (
            "git -C inner status",
            Some(format!("{written}/ws/inner/.git")),
        ),
        (
            "git -C WORLD/scratch status",
            Some(format!("{written}/scratch/.git")),
        ),
        (
            "git push inner x",
            Some(format!(
                "another {}/ws/inner",
                written.trim_start_matches("a ")
            )),
        ),
        (
            "git clone inner new",
            Some(
                "a new repository, which the command could write while it is made: WORLD/ws".into(),
            ),
        ),
        ("git init", None),
        ("git --version", None),
    ];
    everyone_with(&cases, |world, (command, why)| {
        let begin = "own; mkdir sub inner; (cd inner; own); cd WORLD/scratch; own";
        let world = prepared(world, begin);
        let explain = format!(
            "WORLD/codex-shell rules explain --rules WORLD/team.rules --format json -- {command}"
        );
        let explain = world
            .command(&["sh".into(), "-c".into(), world.spelled(explain)])
            .output()
            .unwrap();
        let said: serde_json::Value = serde_json::from_slice(&explain.stdout).unwrap();
        let placement = if why.is_some() { "inside" } else { "outside" };
        assert_eq!(said["placement"], placement, "{command}");
        let reason = why
            .as_ref()
            .map(|why| world.spelled(why).into_string().unwrap());
        assert_eq!(
            said["discounted"][0]["reason"].as_str(),
            reason.as_deref(),
            "{command}"
        );
        let ran = world.options(["--audit", "WORLD/out/audit"]).sh(*command);
        let audit = ran.left("out/audit");
        let records = audit
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        let judged: Vec<serde_json::Value> = records
            .filter(|record: &serde_json::Value| record["event"] == "judged")
            .collect();
        let of_git = judged
            .iter()
            .rfind(|record| record["command"].to_string().contains("git"))
            .unwrap();
        assert_eq!(of_git["placement"], placement, "{command}: {audit}");
    });
}

/// What a command can make of a repository below its workspace, for a later run that starts there; and the
/// git by which that would come to run it.
const MADE: [(&str, &str, &str); 5] = [
    (
        "x",
        "git init -q x; git -C x config core.fsmonitor \"$P\"",
        "git status",
    ),
    (
        "x/sub",
        "git init -q x; mkdir x/sub; git -C x config core.fsmonitor \"$P\"",
        "git status",
    ),
    (
        "old",
        "git -C old config core.fsmonitor \"$P\"",
        "git status",
    ),
    (
        "old",
        "hook old/.git/hooks/pre-commit",
        "git commit -qm x --allow-empty",
    ),
    (
        "inner",
        "git -C old config core.fsmonitor \"$P\"",
        "git -C ../old status",
    ),
];

fn next_run(world: World, place: &str, script: &str) -> crate::support::ran::Ran {
    let script = format!("{BEGIN}{script}");
    world.run(["--cwd", &format!("WORLD/ws/{place}"), "-c", &script])
}

#[test]
fn what_an_earlier_command_made_of_a_repository_is_not_the_users() {
    everyone_with(&MADE, |world, (place, script, command)| {
        let begin = "mkdir old inner; cd old; own; cd ../inner; own";
        let ran = prepared(world, begin).sh(format!("{BEGIN}{script}"));
        next_run(ran.world, place, command).no_file("out/pwned");
    });
}

#[test]
fn it_is_once_the_user_has_said_so() {
    everyone(|world| {
        let begin = "git config --global --add safe.directory '*'; mkdir x; cd x; own; \
             monitor";
        let first = next_run(prepared(world, begin), "x", "git status");
        let before = |ran: crate::support::ran::Ran| {
            std::fs::remove_file(ran.world.path("out/outside")).unwrap();
            ran.world
        };
        let ran = before(first).sh("true");
        let ran = next_run(ran.world, "x", "git status").no_file("out/outside");
        let world = ran.world;
        let trust = |world: &World, words: &str| {
            let trust = world.spelled(format!("cd x; WORLD/codex-shell trust {words}"));
            world
                .command(&["sh".into(), "-c".into(), trust])
                .output()
                .unwrap()
        };
        let said = trust(&world, "--yes");
        let said = String::from_utf8(said.stdout).unwrap();
        assert!(said.contains("/ws/x/.git: trusted"), "{said}");
        let listed = String::from_utf8(trust(&world, "--list").stdout).unwrap();
        assert!(listed.ends_with("/ws/x/.git\n"), "{listed}");
        let world = before(next_run(world, "x", "git status"));
        assert!(trust(&world, "--remove .").status.success());
        let ran = next_run(world, "x", "git status").no_file("out/outside");
        assert!(trust(&ran.world, "--yes").status.success());
        let ran = ran.world.sh("true");
        next_run(ran.world, "x", "git status").no_file("out/outside");
    });
}

/// What somebody has in a configuration that nobody inside can write, and the command whose words lead
/// into the workspace by it.
const CONFIGURED: [(&str, &str); 14] = [
    (
        "git config core.hooksPath 1; mkdir hooks",
        "git commit --allow-empty -m x",
    ),
    (
        "git config core.fsmonitor 'make -s'; mkdir hooks",
        "git status",
    ),
    (
        "git config core.editor sh; mkdir hooks",
        "git commit --allow-empty -e -m 'sh mon.sh'",
    ),
    (
        "git config filter.x.clean sh; echo 'a filter=x' >.git/info/attributes; mkdir hooks",
        "cp mon.sh a; git add a",
    ),
    (
        "git config diff.x.textconv bash; echo 'a diff=x' >.git/info/attributes; mkdir hooks",
        "cp mon.sh a; git diff",
    ),
    ("git config core.fsmonitor 'sh mon.sh'", "git status"),
    (
        "git config --global core.fsmonitor 'sh mon.sh'",
        "git status",
    ),
    ("git config diff.external 'sh mon.sh'", "git diff"),
    (
        "git config diff.x.textconv 'sh mon.sh'; echo 'a diff=x' >.git/info/attributes",
        "git diff",
    ),
    (
        "git config filter.x.clean 'sh mon.sh'; echo 'a filter=x' >.git/info/attributes",
        "git add a",
    ),
    (
        "git config core.sshCommand 'sh mon.sh'; git remote add o ssh://h/x",
        "git fetch o",
    ),
    (
        "git config core.editor 'sh mon.sh'",
        "git commit --allow-empty",
    ),
    (
        "git config core.hooksPath hooks; mkdir hooks",
        "git commit --allow-empty -m x",
    ),
    (
        "git config protocol.ext.allow always",
        "git fetch 'ext::sh mon.sh'",
    ),
];

const MONITOR: &str = "echo 'echo x >>WORLD/out/pwned; false' >mon.sh; \
    echo '#!/bin/sh' | cat - mon.sh >hooks/pre-commit; chmod +x hooks/pre-commit; cp -r hooks 1; \
    printf 'all:\n\t@sh mon.sh\n' >Makefile; echo b >a";

#[test]
fn what_the_users_configuration_names_by_a_bare_word_does_not_run_outside() {
    everyone_with(&CONFIGURED, |world, (configured, command)| {
        prepared(world, &format!("own; {configured}"))
            .sh(format!("{BEGIN}{MONITOR}; {command}"))
            .no_file("out/pwned");
    });
}

/// With a configuration as people have it, git is let out.
#[test]
fn an_ordinary_configuration_keeps_nothing_inside() {
    let config = "git config --global core.editor vim; git config --global core.pager 'less -FRX'; \
        git config --global credential.helper 'cache --timeout=3600'; git config --global gpg.program gpg; \
        git config --global alias.st 'status -s'; git config --global alias.x '!sh mon.sh'; \
        git config --global merge.tool code; git config --global mergetool.code.cmd 'code --wait $MERGED'; \
        git config --global difftool.code.cmd 'code --wait --diff $LOCAL $REMOTE'; \
        git config --global filter.lfs.clean 'git-lfs clean -- %f'; \
        git config --global filter.lfs.process 'git-lfs filter-process'; \
        monitor";
    let commands = [
        "git status",
        "git diff",
        "git log -1",
        "git add a",
        "git commit -qm x",
        "git fetch -q WORLD/out/other",
        "git st",
    ];
    everyone_with(&commands, |world, command| {
        let world = prepared(
            world,
            &format!("own; git init -q --bare ../out/other; {config}"),
        );
        let ran = world
            .rules_at("more.rules", "prefix_rule([\"git\", \"st\"])\n")
            .options(["--audit", "WORLD/out/audit"])
            .sh(format!("echo b >a; {command}"));
        let audit = ran.left("out/audit");
        let mut records = audit
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        let judged = records.find(|record: &serde_json::Value| {
            record["event"] == "judged" && record["command"].to_string().contains("git")
        });
        assert_eq!(
            judged.unwrap()["placement"],
            "outside",
            "{command}: {audit}"
        );
        assert!(
            !audit.contains("not permitted outside"),
            "{command}: {audit}"
        );
    });
}

/// A setting of which nothing is known keeps inside only what obeys it, and nothing that this starts is
/// refused: neither upkeep nor what a hook asks of the repository.
#[test]
fn what_does_not_obey_a_setting_goes_outside_with_it() {
    let config = "git config --global diff.x.textconv frob; git config --global alias.p push; \
        git config --global filter.x.smudge 'frob %f'; git config --global merge.x.driver 'frob %O'; \
        git remote add o ../out/other; git branch -q x";
    let commands = [
        (config, "git push -q o HEAD:x"),
        (config, "git push -q o x && git fetch -q o"),
        (config, "git p -q o HEAD:x"),
        (
            "git config --global diff.x.textconv frob; git remote add o ./inner",
            "git commit -qm x",
        ),
        (
            "git config --global credential.helper '!f() { sh m; }; f'",
            "git commit -qm x",
        ),
    ];
    everyone_with(&commands, |world, (config, command)| {
        let begin = format!("own; git init -q --bare ../out/other; {config}");
        let hook = "git rev-list --objects HEAD >/dev/null && git rev-parse HEAD >WORLD/out/hook";
        let hook = format!(
            "for H in pre-push pre-commit; do printf '#!/bin/sh\n{hook}\n' >.git/hooks/$H; chmod +x \
             .git/hooks/$H; done; echo b >a; git add a"
        );
        let ran = prepared(world, &format!("{begin}; {hook}"))
            .rules_at("more.rules", "prefix_rule([\"git\", \"p\"])\n")
            .sh(command)
            .status(0)
            .stderr("");
        assert!(!ran.left("out/hook").is_empty(), "{command}");
    });
}

/// Commands that a rule lets out, and whose own words are those of another git.
#[test]
fn a_git_that_another_program_starts_by_its_words_obeys_nothing_that_can_be_written() {
    let rules = "prefix_rule([\"git\", [\"bisect\", \"request-pull\", \"ls-remote\"]])
prefix_rule([\"timeout\", \"9\", \"git\", \"status\"])
prefix_rule([\"env\", \"X=y\", \"git\", \"status\"])
prefix_rule([\"sh\", \"-c\", \"cd evil; git status; :\"])
prefix_rule([\"git\", \"bisect\", \"visualize\", \"git\"])
";
    let bisecting =
        "for i in 1 2 3; do git commit -qm $i --allow-empty; done; git bisect start HEAD HEAD~3";
    let commands = [
        "git bisect visualize git -c \"alias.x=!f() { $P; }; f\" x",
        "git bisect visualize git --config-env=alias.x=P x",
        "git bisect view ls-remote \"--upload-pack=$P;\" o",
        "git request-pull -- HEAD~1 \"--upload-pack=$P;\" HEAD",
        "git request-pull HEAD~1 -- \"--upload-pack=$P;\"",
        "evil; cd $E; timeout 9 git status",
        "evil; cd $E; env X=y git status",
        "evil; sh -c 'cd evil; git status; :'",
    ];
    everyone_with(&commands, |world, command| {
        let begin = format!(
            "own; git init -q --bare ../out/other; git remote add o ../out/other; {bisecting}"
        );
        prepared(world, &begin)
            .rules_at("more.rules", rules)
            .sh(format!("{BEGIN}export P; {command}"))
            .no_file("out/pwned");
    });
}

/// Whatever program is let out: a git that it starts obeys no repository of the command's.
#[test]
fn a_git_that_any_program_starts_obeys_no_repository_that_can_be_written() {
    let rules = "prefix_rule([[\"starter\", \"WORLD/bin/build\"]])\n";
    let commands = [
        "evil; cd $E; starter git status",
        "evil; cd $E; WORLD/bin/build status",
        "evil; starter git -C $E status",
        "evil; starter env GIT_DIR=$E/.git git status",
        "evil; starter env GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.fsmonitor \"GIT_CONFIG_VALUE_0=$P\" git status",
        "evil; cd $E; git config alias.z \"!$P\"; WORLD/bin/build z",
        "evil; cd $E; hook .git/hooks/pre-commit; starter git commit -q --allow-empty -m x",
        "evil; cd $E; git config filter.x.clean \"$P\"; echo '* filter=x' >.gitattributes; starter git add .",
        "evil; cd $E; starter timeout 9 starter env git status",
        "evil; cd $E; starter perl -e 'system(\"git status\")'",
        "evil; cd $E; starter git-status; starter $(git --exec-path)/git status",
        "evil; cd $E; ln -s $(command -v git) other; starter ./other status",
        "evil; mkdir $E/sub; cd $E/sub; starter git status",
        "evil; cp -r $E $TMPDIR/e; cd $TMPDIR/e; starter git status",
        "evil; starter git clone -q $E cloned; cd cloned; hook .git/hooks/pre-commit; starter git commit --allow-empty -m x",
        "evil; cd $E; starter /lib64/ld-linux-x86-64.so.2 $(command -v git) status",
        "evil; cd $E; starter WORLD/out/other status",
        "evil; cd $E; starter /lib64/ld-linux-x86-64.so.2 WORLD/out/other status",
    ];
    everyone_with(&commands, |world, command| {
        prepared(world, "own; cp $(command -v git) WORLD/out/other")
            .rules_at("more.rules", rules)
            .script("bin/starter", "#!/bin/sh\n\"$@\"\n")
            .script("bin/build", "#!/bin/sh\ngit \"$1\"\n")
            .sh(format!("{BEGIN}{command}"))
            .no_file("out/pwned");
    });
}

/// Where a program has mounts of its own nobody can tell what lies where.
#[test]
fn a_git_with_mounts_of_its_own_does_not_run() {
    let mut unshare = Command::new("unshare");
    if !unshare
        .args(["-rm", "true"])
        .status()
        .is_ok_and(|it| it.success())
    {
        return skip("user namespaces");
    }
    everyone(|world| {
        let mount = "mount --bind \"$1\" /mnt && cd /mnt && git status";
        prepared(world, "own; evil")
            .rules_at("more.rules", "prefix_rule([\"mounted\"])\n")
            .script(
                "bin/mounted",
                &format!("#!/bin/sh\nexec unshare -rm sh -c '{mount}' sh \"$1\"\n"),
            )
            .sh("mounted \"$PWD/evil\"")
            .stderr_has("has separate mounts or a separate root directory")
            .no_file("out/pwned");
    });
}

/// What builds start of git goes on: in the project's own repository, and in those that lie elsewhere.
#[test]
fn a_build_that_is_let_out_has_its_git() {
    let elsewhere = "WORLD/home/cache/db";
    let commands = [
        "git describe --tags --always --dirty && git status --porcelain && git rev-parse --short HEAD",
        "git log -1 --format=%H && git ls-files && git rev-list --count HEAD && git diff --quiet",
        &format!(
            "git clone -q --mirror WORLD/out/other {elsewhere} && git -C {elsewhere} rev-parse HEAD"
        ),
        &format!(
            "git init -q --bare {elsewhere} && cd {elsewhere} && git fetch -q --no-tags --force --update-head-ok \
             file://WORLD/out/other '+refs/heads/*:refs/remotes/origin/*' && git -c log.showsignature=false log \
             -n1 --format=format:%H --all"
        ),
        "git ls-remote -h -t WORLD/out/other && git --version && git config --get user.name",
        "git commit -q --allow-empty -m b && git tag v2 && git push -q WORLD/out/other HEAD:refs/heads/z",
    ];
    everyone_with(&commands, |world, command| {
        prepared(
            world,
            "own; git clone -q --bare . ../out/other; mkdir WORLD/home/cache",
        )
        .rules_at("more.rules", "prefix_rule([\"build\"])\n")
        .script("bin/build", "#!/bin/sh\neval \"$1\"\n")
        .sh(format!("build \"{command}\""))
        .stderr("")
        .status(0);
    });
}

/// Where git stays inside and fails of it, it is said why the rule that would let it out does not count.
#[test]
fn why_the_rule_that_allows_it_does_not_count_is_told() {
    everyone(|world| {
        prepared(world, "own")
            .rules_at("more.rules", "prefix_rule([\"git\", \"config\"])\n")
            .sh("git config a.b c")
            .stderr_has("`git config a.b c` stayed inside, though WORLD/")
            .stderr_has("allows it: `c` is a file that it writes, and the rule doesn't name it");
    });
}

/// Where nobody judges what it starts, each setting counts.
#[test]
fn a_git_that_nobody_watches_obeys_every_setting() {
    everyone_with(
        &[("outside", "0"), ("unconfined", "1")],
        |world, (run, status)| {
            let rule = format!(
                "command_rule(program = \"git\", args = [\"tag\", \"v1\"], run = \"{run}\")\n"
            );
            prepared(world, "own; git config --global diff.x.textconv frob")
                .rules_at("more.rules", &rule)
                .sh("git tag v1 2>/dev/null; test -e .git/refs/tags/v1; echo $?")
                .stdout(&format!("{status}\n"));
        },
    );
}

/// The same where a person was asked, and said yes.
#[test]
fn why_a_git_that_was_asked_about_ran_inside_is_told() {
    everyone(|world| {
        let rule = "prefix_rule([\"git\", \"commit\"], decision = \"prompt\")\n";
        prepared(world, "own; git config --global filter.x.clean 'frob %f'")
            .rules_at("more.rules", rule)
            .ask("allow")
            .sh("git commit -qm x --allow-empty")
            .stderr_has("`git commit -qm x --allow-empty` was permitted inside only, though WORLD/")
            .stderr_has("asks for outside: filter.x.clean hands files to frob");
    });
}

/// What git difftool tells git diff by a variable does not reach one outside: that one stays inside.
#[test]
fn a_difftool_shows_by_its_tool() {
    everyone(|world| {
        let begin = "own; git config difftool.x.cmd 'echo shown by $MERGED'";
        prepared(world, begin)
            .sh("echo b >a; git difftool -y -t x")
            .status(0)
            .stdout("shown by a\n")
            .stderr("");
    });
}
