//! Commands and places that the configuration names.

use super::*;
use crate::models;
use crate::models::model::{CommandModel, Form, InnerModel};

/// Settings that git runs.
const COMMANDS: &[&str] = &[
    "core.fsmonitor",
    "core.sshCommand",
    "core.pager",
    "core.editor",
    "core.askPass",
    "core.gitProxy",
    "core.alternateRefsCommand",
    "sequence.editor",
    "pager.log",
    "diff.external",
    "diff.x.command",
    "diff.x.textconv",
    "merge.x.driver",
    "filter.x.clean",
    "filter.x.smudge",
    "filter.x.process",
    "gpg.program",
    "gpg.ssh.program",
    "gpg.ssh.defaultKeyCommand",
    "interactive.diffFilter",
    "remote.o.uploadpack",
    "remote.o.receivepack",
    "uploadpack.packObjectsHook",
    "trailer.x.cmd",
    "trailer.x.command",
    "hook.x.command",
    "tar.tar.xz.command",
    "gc.recentObjectsHook",
    "delta.pager",
    "annex.x-command",
];
/// What leads into the workspace as one of them.
const HOSTILE: &[&str] = &[
    "sh mon.sh",
    "sh -c m",
    "swapped",
    "x/y",
    "env sh m",
    "cat | sh m",
    "python3 -mx",
    "sh m;",
    "sh $X",
    "frob m",
    "SH=m sh",
    "./m",
    "bash m",
    "git -c alias.x=!m x",
    "less -o m",
    "less -om",
    // Interpreters, to which git hands something, under any name.
    "sh",
    "/bin/bash",
    "rbash",
    "dash",
    "tcsh",
    "python3",
    "python3.99",
    "perl5.36.0",
    "perl5.36.0 -I. -MMon",
    "perl5.36-x86_64-linux-gnu",
    "ruby3.1 -r./mon",
    "nodejs",
    "expect",
    "tclsh8.6",
    "gnuplot",
    "sqlite3",
    "gdb",
    "m4",
    "octave",
    "guile",
    "pwsh",
    ".",
    "source",
    "env",
    "nice",
    "xargs",
    "sudo",
    "busybox",
    "nice -n 5 sh",
    "vim -S mon.vim",
    "vim -Smon.vim",
    "frob -I.",
    "frob -r./m",
    "frob -rx/m",
    // What does what a file beside it says.
    "make",
    "make -s",
    "npm test",
    "just",
    "cargo run",
    "terraform plan",
    "rake",
];
/// Settings, and whether git goes outside with them.
const SETTINGS: &[(&str, &str, bool)] = &[
    ("credential.helper", "!sh m", false),
    ("credential.https://h.helper", "store --file creds", false),
    ("credential.helper", "../../x", false),
    ("credential.helper", "store", true),
    ("credential.helper", "cache --timeout=3600", true),
    ("credential.helper", "osxkeychain", true),
    ("credential.helper", "manager", true),
    (
        "credential.helper",
        "!/usr/bin/gh auth git-credential",
        true,
    ),
    ("submodule.S.update", "!sh m", false),
    ("submodule.S.update", "rebase", true),
    ("remote.o.vcs", "../x", false),
    ("merge.tool", "../../ws/x", false),
    ("merge.tool", "vimdiff", true),
    ("core.attributesFile", "attributes", false),
    ("core.hooksPath", "hooks", false),
    ("core.hooksPath", "~/hooks", true),
    ("http.sslCAInfo", "ca.pem", false),
    ("http.https://h.sslCert", "ca.pem", false),
    ("init.templateDir", "t", false),
    ("alias.st", "status -s", true),
    ("alias.x", "!sh m", true),
    ("core.editor", "vim", true),
    ("core.editor", "code --wait", true),
    ("core.editor", "emacsclient -nw", true),
    ("core.pager", "delta", true),
    ("core.pager", "diff-so-fancy | less --tabs=4 -RFX", true),
    (
        "core.sshCommand",
        "ssh -i ~/.ssh/id -o IdentitiesOnly=yes",
        true,
    ),
    ("core.sshCommand", "ssh -F config", false),
    ("gpg.program", "gpg2", true),
    ("gpg.ssh.program", "/opt/1Password/op-ssh-sign", true),
    ("filter.lfs.clean", "git-lfs clean -- %f", true),
    ("filter.lfs.smudge", "git-lfs smudge -- %f", true),
    ("filter.lfs.process", "git-lfs filter-process", true),
    ("merge.x.driver", "git merge-file %A %O %B", true),
    ("merge.ours.driver", "true", true),
    ("merge.x.driver", "frob %O %A %B", false),
    ("merge.x.driver", "/opt/frob/merge %O %A %B", false),
    ("mergetool.x.cmd", "sh m", true),
    ("sendemail.from", "A B <a@b>", true),
    ("user.name", "A B", true),
    ("delta.features", "line-numbers", true),
    // What is a switch elsewhere is a directory here.
    ("core.hooksPath", "1", false),
    ("core.hooksPath", "on", false),
    ("core.hooksPath", "true", false),
    ("core.hooksPath", "", true),
    ("core.hooksPath", "/dev/null", true),
    ("core.attributesFile", "1", false),
    ("init.templateDir", "auto", false),
    ("core.fsmonitor", "true", true),
    ("core.fsmonitor", "1", true),
    ("core.fsmonitor", "Off", true),
    ("pager.x", "false", true),
    ("pager.x", "1", true),
    ("core.pager", "", true),
    ("diff.external", "", true),
    ("filter.lfs.smudge", "", true),
    ("credential.helper", "", true),
    ("frob.thing", "1", true),
    ("frob.editor", "false", true),
    ("frob.thing", "auto", true),
    // What users have.
    ("core.editor", "nvim", true),
    ("core.editor", "subl -n -w", true),
    ("core.editor", "true", true),
    ("core.editor", ":", true),
    ("core.editor", "nano -w", true),
    ("core.editor", "frob", false),
    ("sequence.editor", "code --wait", true),
    ("core.pager", "delta --dark --side-by-side", true),
    ("core.pager", "less -FRX", true),
    ("core.pager", "cat", true),
    ("core.pager", "frob", true),
    ("interactive.diffFilter", "delta --color-only", true),
    ("interactive.diffFilter", "diff-so-fancy --patch", true),
    ("diff.external", "difft", true),
    ("diff.external", "frob", false),
    // Any word of a file's name may be an option, and the next its value.
    ("diff.external", "exiftool", false),
    ("diff.external", "uniq", false),
    ("diff.x.command", "exiftool -a -u", false),
    ("diff.x.command", "mediainfo", false),
    ("diff.x.textconv", "mediainfo", false),
    ("merge.x.driver", "exiftool %A %P", false),
    // Helix, vile and ne do what files of the directory say.
    ("core.editor", "hx", false),
    ("core.editor", "vile", false),
    ("diff.x.textconv", "exiftool", true),
    ("diff.x.textconv", "hexdump -C", true),
    ("diff.x.textconv", "cat", true),
    ("diff.x.textconv", "git-crypt diff", true),
    ("diff.x.textconv", "frob", false),
    ("diff.x.textconv", "/opt/frob", false),
    // One writes over what a file's name says, with the other it names a program.
    ("diff.x.textconv", "sort", false),
    ("diff.x.textconv", "sort --", true),
    ("diff.x.textconv", "pandoc --to=plain", false),
    ("filter.x.clean", "nbstripout", true),
    ("filter.x.clean", "git-crypt clean", true),
    ("filter.x.clean", "gofmt", true),
    ("filter.x.clean", "sort", true),
    ("filter.x.clean", "sort %f", false),
    ("filter.x.clean", "git-lfs install", false),
    ("credential.helper", "!gh auth git-credential", true),
    (
        "credential.helper",
        "!aws codecommit credential-helper",
        false,
    ),
    ("credential.helper", "store --file=creds", false),
    ("gpg.program", "gpg", true),
    ("gpg.ssh.defaultKeyCommand", "ssh-add -L", true),
    ("core.gitProxy", "/opt/frob for example.org", true),
    ("core.gitProxy", "none", true),
    ("diff.tool", "vimdiff", true),
    ("trailer.x.cmd", "frob", false),
    ("tar.tar.xz.command", "xz -c", true),
    (
        "remote.o.uploadpack",
        "/usr/lib/git-core/git-upload-pack",
        true,
    ),
];

/// The words of a command lie in the working tree if nothing else is known of them.
#[test]
fn commands_in_the_configuration_start_nothing_that_can_be_written() {
    let mut world = World::new();
    fs::create_dir_all(world.path("bin")).unwrap();
    symlink(world.path("ws/a"), world.path("bin/swapped")).unwrap();
    let path = format!("{}:/usr/bin:/bin", world.path("bin").display());
    world.variables.insert("PATH".into(), path.into());
    let own = world.read("ws/.git/config");
    let set = |name: &str, value: &str| {
        world.write("ws/.git/config", &own);
        world.git("ws", &["config", name, value]);
        world.examine("ws", &STATUS).err()
    };
    for name in COMMANDS {
        for value in HOSTILE {
            assert!(set(name, value).is_some(), "{name}={value}");
        }
        assert_eq!(set(name, "diff-so-fancy --patch"), None, "{name}");
    }
    for &(name, value, goes) in SETTINGS {
        assert_eq!(
            set(name, value).is_none(),
            goes,
            "{name}={value}: {:?}",
            set(name, value)
        );
    }
    // Where nobody inside can write, a bare word leads nowhere else.
    world.write("ws/.git/config", &own);
    world.git("out", &["config", "core.fsmonitor", "sh mon.sh"]);
    world.goes("out", &STATUS);
    world.git("out", &["config", "core.fsmonitor", "sh ../ws/mon.sh"]);
    assert_eq!(world.lifted("out", &STATUS), None);
}

/// Only who starts a tool obeys what is said of it.
#[test]
fn tools_are_looked_at_where_they_are_started() {
    let world = World::new();
    let own = world.read("ws/.git/config");
    for (value, goes) in [
        (
            "meld \"$LOCAL\" \"$MERGED\" \"$REMOTE\" --output \"$MERGED\"",
            true,
        ),
        ("code --wait -- $MERGED", true),
        // A file of that name would install what lies in the working tree.
        ("code --wait $MERGED", false),
        ("frob $LOCAL $REMOTE", false),
        ("sh m $LOCAL", false),
        ("$LOCAL", false),
    ] {
        world.write("ws/.git/config", &own);
        world.git("ws", &["config", "mergetool.x.cmd", value]);
        assert_eq!(
            world.lifted("ws", &["git", "mergetool"]).is_some(),
            goes,
            "{value}"
        );
        world.goes("ws", &STATUS);
    }
}

/// Every program of which a model says that it takes a file, its input or words for commands, or obeys a file
/// that lies where it is started.
#[test]
fn no_program_that_obeys_or_interprets_is_a_harmless_command() {
    let world = World::new();
    let interprets = |model: &CommandModel| {
        // ssh, to which a machine and a command for it are handed.
        let is_elsewhere = |inner: &InnerModel| inner.form == Form::Line && inner.after == 1;
        let leads_elsewhere = model.inner.iter().any(is_elsewhere);
        let mut inner = model.inner.iter();
        inner.any(|inner| match inner.form {
            Form::File | Form::Code => true,
            Form::Input => !leads_elsewhere,
            Form::Script => inner.of.is_empty(),
            Form::Line => !is_elsewhere(inner),
            Form::Words => inner.follows.is_empty(),
            Form::Keys => false,
        })
    };
    let obeys = |model: &CommandModel| {
        let mut files = model.obeys.iter().flatten();
        files.any(|file| file != ".git")
    };
    let mut commands = Vec::new();
    for name in models::programs().flat_map(|(names, _)| names.split(' ')) {
        let model = models::builtin(name).unwrap();
        if interprets(model) || obeys(model) {
            commands.push(name.to_owned());
        }
        let dangerous = |model: &&CommandModel| interprets(model) || obeys(model);
        for command in model.subcommands.iter().filter(dangerous) {
            commands.push(format!("{name} {}", command.names[0]));
        }
    }
    assert!(commands.len() > 300, "{}", commands.len());
    let kinds = [
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "core.askPass",
        "diff.external",
        "diff.x.textconv",
        "filter.x.clean",
        "merge.x.driver",
        "gpg.program",
        "trailer.x.cmd",
        "hook.x.command",
        "frob.command",
    ];
    let asked = command::GitCommandLine::default();
    let (roots, top) = (Roots::of(&[world.path("ws")]), world.path("ws"));
    let standing = RepositoryStanding {
        directories: [&top, &top],
        asked: &asked,
        is_judged: true,
    };
    let none = |_: &str| None;
    for command in commands {
        for kind in kinds {
            let mut config = Config::of_user(&roots, GitStarter::Inside, &none, None).unwrap();
            config.entries.clear();
            config
                .entries
                .push((kind.to_lowercase(), command.clone().into_bytes()));
            assert!(config.look(&standing).is_err(), "{kind}={command}");
        }
    }
}

/// What no rule of a model says is said with the reason.
#[test]
fn why_a_command_keeps_git_inside_is_said() {
    let world = World::new();
    let own = world.read("ws/.git/config");
    for (name, value, why) in [
        (
            "core.pager",
            "npm test",
            "core.pager starts npm, which does what package.json says: 'npm test'",
        ),
        (
            "diff.x.textconv",
            "bash",
            "diff.x.textconv has bash run what the command could have written: bash",
        ),
        (
            "diff.external",
            "frob",
            "diff.external hands files to frob, which isn't known to take them for mere data: frob",
        ),
        (
            "diff.external",
            "bat",
            "diff.external hands names of files to bat, which may take one for an option",
        ),
        (
            "core.pager",
            "./x",
            "core.pager may start what the command could have written: ./x",
        ),
        (
            "core.hooksPath",
            "on",
            "core.hookspath names what the command could have written",
        ),
    ] {
        world.write("ws/.git/config", &own);
        world.git("ws", &["config", name, value]);
        world.stays("ws", &STATUS, why);
    }
}
