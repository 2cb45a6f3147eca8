mod commands;
mod obeyed_by;

use std::collections::HashMap;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use super::*;
use crate::request::{Program, WorkingDirectory};

/// A workspace with a repository, in a directory with another one, and a home.
struct World {
    _directory: tempfile::TempDir,
    root: PathBuf,
    variables: HashMap<String, OsString>,
    held: bool,
    is_judged_outside: bool,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        let mut world = Self {
            _directory: directory,
            variables: HashMap::from([("HOME".into(), root.join("home").into())]),
            root,
            held: true,
            is_judged_outside: false,
        };
        for place in ["out", "ws", "ws/inner"] {
            world.repository(place);
        }
        for place in ["home", "ws/sub/deep", "scratch", "free/deep"] {
            fs::create_dir_all(world.root.join(place)).unwrap();
        }
        world.git("out", &["init", "-q", "--bare", "../ws/bare"]);
        world
            .variables
            .insert("GIT_CONFIG_SYSTEM".into(), "/dev/null".into());
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// One with a commit.
    fn repository(&self, place: &str) {
        fs::create_dir_all(self.path(place)).unwrap();
        self.git(place, &["init", "-q"]);
        fs::write(self.path(place).join("a"), "a\n").unwrap();
        self.git(place, &["add", "a"]);
        self.git(place, &["commit", "-qm", "a"]);
    }

    fn git(&self, place: &str, words: &[&str]) {
        let status = Command::new("git")
            .args([
                "-c",
                "user.name=n",
                "-c",
                "user.email=e",
                "-c",
                "protocol.file.allow=always",
            ])
            .args(words)
            .current_dir(self.path(place))
            .env("HOME", self.path("home"))
            .env_remove("XDG_CONFIG_HOME")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .status();
        assert!(status.unwrap().success(), "{words:?}");
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        let bytes = files::read(&self.path(name), 1 << 16).unwrap().unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn request(&self, cwd: &str, words: &[&str]) -> Request {
        let argv: Vec<OsString> = words.iter().map(Into::into).collect();
        let mut program = Program::named(words[0]);
        program.real = (words[0] == "git").then(|| "/usr/bin/git".into());
        Request::new(
            program,
            argv,
            WorkingDirectory::new(self.path(cwd)).unwrap(),
        )
    }

    fn writable(&self) -> Writable {
        let held = [self.path("ws/.git")];
        Writable {
            roots: vec![self.path("ws"), self.path("scratch")],
            held: held.into_iter().filter(|_| self.held).collect(),
            earlier: Earlier::default(),
            is_judged_outside: self.is_judged_outside,
        }
    }

    fn examine(&self, cwd: &str, words: &[&str]) -> Result<Vec<(OsString, OsString)>, Objection> {
        let (request, writable) = (self.request(cwd, words), self.writable());
        examine(&request, &writable, GitStarter::Inside, &|name| {
            self.variables.get(name).cloned()
        })
    }

    /// Whether git may be let out, and to what it is bound.
    fn lifted(&self, cwd: &str, words: &[&str]) -> Option<Vec<String>> {
        let pins = self.examine(cwd, words).ok()?;
        let text = |(name, value): (OsString, OsString)| {
            let value = value.into_string().unwrap();
            let root = self.root.to_str().unwrap();
            format!("{}={}", name.display(), value.replace(root, "."))
        };
        Some(pins.into_iter().map(text).collect())
    }

    #[track_caller]
    fn stays(&self, cwd: &str, words: &[&str], why: &str) {
        let Objection(said) = self
            .examine(cwd, words)
            .expect_err(&format!("{cwd} {words:?}"));
        assert!(said.starts_with(why), "{cwd} {words:?}: {said}");
    }

    #[track_caller]
    fn goes(&self, cwd: &str, words: &[&str]) {
        if let Err(Objection(why)) = self.examine(cwd, words) {
            panic!("{cwd} {words:?}: {why}");
        }
    }
}

const WRITTEN: &str = "a repository that the command could have written: ";
const STATUS: [&str; 2] = ["git", "status"];

#[test]
fn the_repository_that_the_sandbox_holds_may_be_used() {
    let world = World::new();
    assert_eq!(world.lifted("ws", &STATUS), Some(vec![]));
    let bound = ["GIT_DIR=./ws/.git", "GIT_WORK_TREE=./ws"].map(String::from);
    for cwd in ["ws/sub", "ws/sub/deep"] {
        assert_eq!(world.lifted(cwd, &STATUS), Some(bound.to_vec()), "{cwd}");
    }
    assert_eq!(
        world.lifted("ws", &["git", "-C", "sub", "log"]),
        Some(bound.to_vec())
    );
    assert_eq!(
        world.lifted("out", &["git", "-C", "../ws/sub", "log"]),
        Some(bound.to_vec())
    );
    for place in ["out", "ws/.git", "ws/.git/hooks", "free", "free/deep"] {
        assert_eq!(world.lifted(place, &STATUS), Some(vec![]), "{place}");
    }
    world.goes("ws", &["git", "--git-dir=.git", "log"]);
    world.goes("out", &["git", "--git-dir", "../ws/.git", "log"]);
}

#[test]
fn nothing_holds_it_in_scratch_space_or_without_mounts() {
    let mut world = World::new();
    world.repository("scratch");
    world.stays("scratch", &STATUS, WRITTEN);
    world.held = false;
    world.stays("ws", &STATUS, WRITTEN);
    world.goes("out", &STATUS);
}

#[test]
fn one_further_down_is_hostile_whatever_it_looks_like() {
    let world = World::new();
    for (place, words) in [
        ("ws/inner", &STATUS[..]),
        ("ws/bare", &STATUS),
        ("ws", &["git", "-C", "inner", "status"]),
        (
            "ws",
            &["git", "--no-pager", "-c", "a.b=c", "-C", "inner", "status"],
        ),
        ("ws", &["git", "--git-dir=inner/.git", "status"]),
        ("ws", &["git", "--git-dir", "bare", "status"]),
        ("ws/inner", &["/usr/bin/git-status"]),
        ("ws/inner", &["git", "help", "log"]),
        ("ws/inner", &["git", "log", "--help"]),
        ("ws/inner", &["git", "--help", "log"]),
        ("ws/inner", &["gh", "pr", "checkout", "1"]),
        ("ws/inner", &["lazygit"]),
    ] {
        if words.contains(&"--help") && words[1] == "log" {
            world.stays(place, words, WRITTEN);
            continue;
        }
        world.stays(
            place,
            words,
            "a repository that the command could have written",
        );
    }
    world.stays(
        "ws",
        &["git", "--exec-path=/x", "status"],
        "an option that isn't known",
    );
    world.stays(
        "ws",
        &["git", "--odd", "status"],
        "an option that isn't known",
    );
    for words in [
        &["git", "--version"][..],
        &["git", "version"],
        &["git"],
        &["ls"],
    ] {
        assert_eq!(world.lifted("ws/inner", words), Some(vec![]), "{words:?}");
    }
}

#[test]
fn a_git_that_is_no_directory_is_hostile_however_it_is_written() {
    let world = World::new();
    let inner = world.path("ws/inner/.git");
    for (number, text) in [
        format!("gitdir: {}\n", inner.display()),
        format!("gitdir: {}\0x\n", world.path("ws/.git").display()),
        "gitdir:  ../.git".into(),
        "gitdir: ../.git \n".into(),
        "gitdir: ../.git\t\n".into(),
        "gitdir: ../.git\r\n".into(),
        "gitdir: ../.git\n".into(),
        String::new(),
    ]
    .iter()
    .enumerate()
    {
        let place = format!("ws/p{number}");
        world.write(&format!("{place}/.git"), text);
        fs::create_dir(world.path(&format!("{place}/sub"))).unwrap();
        world.stays(&place, &STATUS, WRITTEN);
        world.stays(&format!("{place}/sub"), &STATUS, WRITTEN);
        // The same where nobody inside can write, but it leads to where somebody can.
        let place = format!("p{number}");
        world.write(&format!("{place}/.git"), text);
        world.stays(&place, &STATUS, "a repository ");
    }
    symlink(world.path("ws/.git"), world.path("ws/sub/.git")).unwrap();
    world.stays("ws/sub", &STATUS, WRITTEN);
}

#[test]
fn head_and_commondir_alone_are_a_repository_too() {
    let world = World::new();
    for place in ["ws/x/.git", "ws/y", "x/.git", "ws/.git/z/.git"] {
        world.write(&format!("{place}/HEAD"), "ref: refs/heads/x\n");
        world.write(&format!("{place}/commondir"), "../../inner/.git\n");
    }
    for place in ["ws/x", "ws/y", "x", "ws/.git/z"] {
        world.stays(place, &STATUS, "a repository that ");
    }
    world.write("ws/.git/commondir", "../inner/.git\n");
    world.stays("ws", &STATUS, "a repository that leads to another");
}

#[test]
fn a_linked_working_tree_is_followed_to_where_nobody_inside_writes() {
    let world = World::new();
    world.git("out", &["worktree", "add", "-q", "../tree"]);
    world.goes("tree", &STATUS);
    world.git("ws/inner", &["worktree", "add", "-q", "../../other"]);
    world.stays("other", &STATUS, WRITTEN);
    world.git("ws", &["worktree", "add", "-q", "../third"]);
    world.goes("third", &STATUS);
    world.git("ws", &["worktree", "add", "-q", "../ws/fourth"]);
    world.stays("ws/fourth", &STATUS, WRITTEN);
    world.stays("ws", &["git", "-C", "fourth", "status"], WRITTEN);
    fs::write(
        world.path("out/.git/worktrees/tree/commondir"),
        "../../../../ws/inner/.git\n",
    )
    .unwrap();
    world.stays("tree", &STATUS, WRITTEN);
}

#[test]
fn a_workspace_that_is_a_linked_working_tree_is_held_by_its_file() {
    let world = World::new();
    fs::rename(world.path("ws/.git"), world.path("ws/sub/old")).unwrap();
    fs::remove_dir_all(world.path("ws")).unwrap();
    world.git("out", &["worktree", "add", "-q", "../ws"]);
    fs::create_dir(world.path("ws/sub")).unwrap();
    assert_eq!(world.lifted("ws", &STATUS), Some(vec![]));
    let bound = ["GIT_DIR=./out/.git/worktrees/ws", "GIT_WORK_TREE=./ws"].map(String::from);
    assert_eq!(world.lifted("ws/sub", &STATUS), Some(bound.to_vec()));
}

#[test]
fn a_workspace_within_a_repository_is_bound_to_it() {
    let world = World::new();
    fs::remove_dir_all(world.path("ws")).unwrap();
    fs::create_dir_all(world.path("ws/sub")).unwrap();
    world.stays(
        "ws",
        &STATUS,
        "there is no repository, and the command could make one",
    );
    world.repository("");
    let bound = ["GIT_DIR=./.git", "GIT_WORK_TREE=."].map(String::from);
    assert_eq!(world.lifted("ws/sub", &STATUS), Some(bound.to_vec()));
    world.write("ws/HEAD", "");
    world.write("ws/objects/x", "");
    assert_eq!(world.lifted("ws/sub", &STATUS), Some(bound.to_vec()));
    world.write("ws/refs/x", "");
    world.stays("ws/sub", &STATUS, WRITTEN);
}

#[test]
fn submodules_keep_it_inside() {
    let world = World::new();
    let why = "a submodule, in whose place the command could put another repository: S";
    world.git("ws", &["submodule", "--quiet", "add", "../out", "S"]);
    for version in ["2", "4"] {
        world.git("ws", &["update-index", "--index-version", version]);
        world.stays("ws", &STATUS, why);
    }
    world.git("ws", &["update-index", "--split-index"]);
    world.stays("ws", &STATUS, why);
    world.git("ws", &["rm", "-qf", "S"]);
    world.git("ws", &["update-index", "--no-split-index"]);
    world.goes("ws", &STATUS);
    fs::write(world.path("ws/.git/index"), "DIRC\0\0\0\x02\0\0\0\x09").unwrap();
    world.stays("ws", &STATUS, "an index that can't be read");
}

#[test]
fn an_index_of_any_kind_is_read() {
    let world = World::new();
    for number in 0..40 {
        world.write(&format!("ws/d/{}", "x".repeat(number + 1)), "");
    }
    for version in ["4", "2", "3"] {
        world.git("ws", &["add", "d"]);
        world.git("ws", &["update-index", "--index-version", version]);
        world.git("ws", &["update-index", "--skip-worktree", "a"]);
        world.goes("ws", &STATUS);
    }
    world.git("ws", &["init", "-q", "--object-format=sha256", "../new"]);
    world.write("new/a", "");
    world.git("new", &["add", "a"]);
    world.goes("new", &STATUS);
}

#[test]
fn what_leads_out_of_the_repository_keeps_it_inside() {
    let world = World::new();
    let part = "a part of the repository that the command could have written";
    for name in [
        "hooks/pre-commit",
        "info/attributes",
        "rebase-merge",
        "config.worktree",
    ] {
        let link = world.path("ws/.git").join(name);
        symlink(world.path("ws/a"), &link).unwrap();
        world.stays("ws", &STATUS, part);
        fs::remove_file(link).unwrap();
    }
    world.write(
        "ws/.git/objects/info/alternates",
        "../../inner/.git/objects\n",
    );
    world.stays("ws", &STATUS, "objects that the command could have written");
    world.write(
        "ws/.git/objects/info/alternates",
        "../../../out/.git/objects\n",
    );
    world.goes("ws", &STATUS);
}

#[test]
fn configuration_may_name_nothing_that_can_be_written() {
    let world = World::new();
    let own = world.read("ws/.git/config");
    for (text, lifted) in [
        ("[core] hooksPath = .githooks", false),
        ("[core] hooksPath = /opt/hooks", true),
        ("[core] fsmonitor = \"sh -c 'x; ./scripts/watch'\"", false),
        ("[core] fsmonitor = true", true),
        ("[core] pager = less -R", true),
        ("[include] path = ../.gitconfig", false),
        ("[includeIf \"gitdir:/x\"] path = ../other", false),
        ("[include] path = /opt/none", true),
        ("[include] path = ~other/x", false),
        ("[filter \"x\"] clean = node_modules/.bin/x %f", false),
        ("[filter \"lfs\"] process = git-lfs filter-process", true),
        ("[alias] st = !./x", true),
        ("[alias] status = !./x", false),
        ("[safe] directory = /tmp", true),
        ("[made-up] thing = ./x", false),
        ("[made-up] thing = x/y", true),
        ("[remote \"o\"] url = ../inner", true),
        ("[core] worktree = ../sub", true),
        ("[broken", false),
    ] {
        world.write("ws/.git/config", &format!("{own}{text}\n"));
        let found = world.lifted("ws", &STATUS).is_some();
        assert_eq!(found, lifted, "{text}");
    }
}

#[test]
fn settings_of_the_command_line_and_of_variables_count_as_well() {
    let mut world = World::new();
    let why = "core.fsmonitor may start";
    for words in [
        &["git", "-c", "core.fsmonitor=sh m", "status"][..],
        &["git", "--config-env=core.fsmonitor=MON", "status"],
        &["git", "--config-env", "core.fsmonitor=MON", "status"],
    ] {
        world.variables.insert("MON".into(), "sh m".into());
        world.stays("ws", words, why);
        world.variables.insert("MON".into(), "true".into());
    }
    world.goes("ws", &["git", "--config-env=core.fsmonitor=MON", "status"]);
    world.goes(
        "ws",
        &["git", "-c", "core.fsmonitor", "-c", "x.y=z", "status"],
    );
    world.stays(
        "ws",
        &["git", "--config-env=core.fsmonitor=NONE", "status"],
        "a setting from a variable that isn't known",
    );
    for (count, value, goes) in [
        ("1", "sh m", false),
        ("x", "true", false),
        ("65", "true", false),
        ("1", "true", true),
    ] {
        let variables = [
            ("GIT_CONFIG_COUNT", count),
            ("GIT_CONFIG_KEY_0", "Core.FSMonitor"),
            ("GIT_CONFIG_VALUE_0", value),
        ];
        world
            .variables
            .extend(variables.map(|(name, value)| (name.to_owned(), value.into())));
        assert_eq!(
            world.lifted("ws", &STATUS).is_some(),
            goes,
            "{count} {value}"
        );
    }
}

#[test]
fn an_alias_is_what_it_stands_for() {
    let world = World::new();
    for (name, value) in [
        ("st", "status -s"),
        ("s", "st"),
        ("sub", "-C inner status"),
        ("up", "push ./bare"),
        ("a", "b"),
        ("b", "a"),
        ("x", "!sh m"),
        ("y", "x"),
        ("cfg", "-c core.fsmonitor='sh m' status"),
    ] {
        world.git("ws", &["config", &format!("alias.{name}"), value]);
    }
    for (name, goes) in [
        ("st", true),
        ("s", true),
        ("ST", true),
        ("sub", false),
        ("up", false),
        ("a", false),
        ("x", false),
        ("y", false),
        ("cfg", false),
    ] {
        assert_eq!(world.lifted("ws", &["git", name]).is_some(), goes, "{name}");
    }
}

/// No rule names the words of a git that another program outside starts.
#[test]
fn a_git_that_is_started_outside_starts_nothing_by_its_words() {
    let world = World::new();
    let refused = |words: &[&str]| {
        let request = world.request("ws", words).with_environment(Vec::new());
        request.misleading_repository(&world.writable())
    };
    for words in [
        &["git", "-c", "alias.x=!touch m", "x"][..],
        &["git", "--config-env=alias.x=X", "x"],
        &["git", "--exec-path=.", "status"],
        &["git", "ls-remote", "--upload-pack=touch m", "."],
        &["git", "ls-remote", "--upl", "m", "."],
        &["git", "fetch-pack", "--exec=m", "."],
        &["git", "push", "--receive-pack=m", "../out"],
        &["git", "rebase", "-x", "sh m", "HEAD"],
        &["git", "rebase", "--exec=./m"],
        &["git", "bisect", "run", "sh", "m"],
        &["git", "bisect", "visualize", "git", "-c", "alias.x=!m", "x"],
        &["git", "submodule", "foreach", "sh m"],
        &["git", "filter-branch", "--tree-filter", "sh m"],
        &["git", "difftool", "-x", "m"],
        &["git", "grep", "-Om", "x"],
        &["git", "init", "--template=t"],
        &["git", "for-each-repo", "--config=x", "status"],
        &["git", "fetch", "ext::sh m"],
        &["git", "remote-ext", "o", "sh m"],
        &["git", "archive", "--remote=.", "--exec=m", "HEAD"],
        &["git", "log", "--no-such-option"],
        &["git-upload-pack", "inner"],
        &["hub", "-c", "alias.x=!m", "x"],
    ] {
        assert!(refused(words).is_some(), "{words:?}");
    }
    for words in [
        &["git", "status"][..],
        &["git", "diff", "--ext-diff", "--textconv"],
        &["git", "-c", "core.autocrlf=false", "status"],
        &[
            "git",
            "-c",
            "credential.helper=",
            "-c",
            "credential.helper=!/usr/bin/gh auth git-credential",
            "fetch",
        ],
        &[
            "git",
            "rev-list",
            "--objects",
            "--stdin",
            "--not",
            "--all",
            "--quiet",
            "--alternate-refs",
        ],
        &["git", "hook", "run", "--ignore-missing", "pre-commit"],
        &["git", "unpack-objects", "--pack_header=2,3"],
        &[
            "git",
            "--shallow-file",
            "",
            "pack-objects",
            "--revs",
            "--thin",
            "--stdout",
            "--shallow",
        ],
        &["git", "maintenance", "run", "--auto", "--quiet", "--detach"],
        &["git", "upload-pack", "/srv/none"],
    ] {
        assert_eq!(refused(words), None, "{words:?}");
    }
}

#[test]
fn so_may_the_users_own() {
    let mut world = World::new();
    world.write("ws/gitconfig", "");
    for place in [".gitconfig", ".config/git/config"] {
        let link = world.path("home").join(place);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink("../ws/gitconfig", &link).unwrap_or_default();
        fs::remove_file(&link).unwrap();
        symlink(world.path("ws/gitconfig"), &link).unwrap();
        for words in [&STATUS[..], &["git", "--version"]] {
            world.stays(
                "out",
                words,
                "configuration that the command could have written",
            );
        }
        fs::remove_file(link).unwrap();
    }
    world.goes("out", &STATUS);
    for (name, value) in [
        ("XDG_CONFIG_HOME", "ws/xdg"),
        ("GIT_CONFIG_GLOBAL", "ws/gitconfig"),
        ("GIT_CONFIG_SYSTEM", "scratch/none"),
        ("HOME", "ws"),
        ("GIT_DIR", "out/.git"),
        ("GIT_INDEX_FILE", "out/.git/index"),
        ("GIT_CONFIG_PARAMETERS", "x"),
    ] {
        let value = world.path(value).into();
        let before = world.variables.insert(name.into(), value);
        assert_eq!(world.lifted("out", &STATUS), None, "{name}");
        world.variables.remove(name);
        world
            .variables
            .extend(before.map(|before| (name.into(), before)));
    }
    world.goes("out", &STATUS);
}

#[test]
fn hooks_of_other_repositories_count() {
    let world = World::new();
    let why = "another repository that the command could have written";
    for words in [
        &["git", "push", "./bare", "main"][..],
        &["git", "push", "-o", "origin", "bare"],
        &["git", "push", "--repo=bare"],
        &["git", "fetch", "--multiple", "https://h/x", "bare"],
        &["git", "pull", "inner"],
    ] {
        world.stays("ws", words, why);
    }
    for (words, why) in [
        (
            &["git", "push", "nowhere"][..],
            "no remote is called nowhere, so git takes it for a path",
        ),
        (
            &["git", "push", "./nowhere"],
            "a path where the command could put a repository: ./nowhere",
        ),
    ] {
        world.stays("ws", words, why);
    }
    for words in [
        &["git", "push", "https://h/x", "main"][..],
        &["git", "push", "git@h:x", "main"],
        &["git", "pull", ".", "main"],
        &["git", "push"],
        &["git", "push", "../out", "main"],
    ] {
        world.goes("ws", words);
    }
    world.git("ws", &["remote", "add", "origin", "./bare"]);
    world.stays("ws", &["git", "push"], why);
    world.stays("ws", &["git", "push", "origin", "main"], why);
    world.goes("ws", &STATUS);
    world.git("ws", &["remote", "set-url", "origin", "https://h/x"]);
    world.goes("ws", &["git", "push", "origin", "main"]);
}

#[test]
fn a_new_repository_must_not_be_written_meanwhile() {
    let world = World::new();
    let why = "a new repository, which the command could write while it is made";
    for (place, words) in [
        ("ws", &["git", "clone", "https://h/x"][..]),
        ("ws/sub", &["git", "init"]),
        ("ws", &["git", "init", "new"]),
        ("out", &["git", "clone", "https://h/x", "../ws/new"]),
        ("scratch", &["git", "init", "-q"]),
    ] {
        world.stays(place, words, why);
    }
    world.goes("out", &["git", "clone", "https://h/x", "new"]);
    world.goes("out", &["git", "init", "new"]);
    let [elsewhere, here] = ["out/new", "ws/new"].map(|path| world.path(path));
    let (elsewhere, here) = (elsewhere.to_str().unwrap(), here.to_str().unwrap());
    for words in [
        &["git", "clone", "-q", "https://h/x", elsewhere][..],
        &[
            "git", "clone", "--depth", "1", "-b", "main", "h:x", elsewhere,
        ],
        &["git", "clone", "--mirror", elsewhere, elsewhere],
        &["git", "init", "-q", "--bare", elsewhere],
    ] {
        world.goes("ws", words);
    }
    for words in [
        &["git", "clone", elsewhere][..],
        &["git", "clone", "-b", elsewhere, "https://h/x"],
        &["git", "clone", "https://h/x", here],
        &["git", "clone", "./new", elsewhere],
        &["git", "clone", "ext::x", elsewhere],
        &["git", "clone", "--unknown", "https://h/x", elsewhere],
        &["git", "clone", "--template=t", "https://h/x", elsewhere],
        &[
            "git",
            "clone",
            "--reference",
            "./r",
            "https://h/x",
            elsewhere,
        ],
        &["git", "init", "--separate-git-dir", elsewhere, elsewhere],
    ] {
        world.stays("ws", words, why);
    }
    world.goes("ws", &["git", "init", "-q"]);
    fs::remove_dir_all(world.path("ws/.git")).unwrap();
    world.goes("ws", &["git", "init"]);
}

#[test]
fn nothing_is_hostile_where_nothing_can_be_written() {
    let world = World::new();
    let argv = vec!["git".into(), "status".into()];
    let request = Request::new(
        Program::named("git"),
        argv,
        WorkingDirectory::new(world.path("ws/inner")).unwrap(),
    );
    assert_eq!(
        examine(&request, &Writable::default(), GitStarter::Inside, &|_| {
            None
        }),
        Ok(vec![])
    );
}

/// What a git that is started outside obeys is looked at too, with the variables that it has there.
#[test]
fn a_git_that_is_started_outside_must_not_obey_what_can_be_written() {
    let world = World::new();
    let git_dir = |path: &str| vec![("GIT_DIR", path.to_owned())];
    let absolute = |path: &str| world.path(path).into_os_string().into_string().unwrap();
    let first = "the command could make a repository that git would find first";
    for (cwd, variables, why) in [
        ("ws", vec![], None),
        ("ws", git_dir(".git"), None),
        ("ws", git_dir(&absolute("ws/.git")), None),
        ("ws/sub", git_dir(&absolute("ws/.git")), None),
        ("ws/sub", vec![], Some(first)),
        ("ws/sub", git_dir("../.git"), Some(WRITTEN)),
        ("ws/inner", vec![], Some(WRITTEN)),
        ("ws/inner", git_dir(".git"), Some(WRITTEN)),
        ("out", git_dir(&absolute("ws/inner/.git")), Some(WRITTEN)),
        (
            "out",
            git_dir(&absolute("ws/none")),
            Some("a repository that can't be looked at"),
        ),
        (
            "ws",
            vec![("GIT_COMMON_DIR", absolute("ws/inner/.git"))],
            Some(WRITTEN),
        ),
        (
            "ws",
            vec![("GIT_OBJECT_DIRECTORY", absolute("scratch"))],
            Some(WRITTEN),
        ),
        (
            "ws",
            vec![("GIT_INDEX_FILE", ".git/next-index-1.lock".to_owned())],
            None,
        ),
    ] {
        let variables = variables.into_iter();
        let variables: Vec<_> = variables
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        let found = world
            .request(cwd, &STATUS)
            .with_environment(variables.clone());
        let found = found.misleading_repository(&world.writable());
        let is_right = match (&found, why) {
            (None, None) => true,
            (Some(found), Some(why)) => found.starts_with(why),
            _ => false,
        };
        assert!(is_right, "{cwd} {variables:?}: {found:?}");
    }
}

/// As git has them for what it starts.
#[test]
fn variables_that_name_the_repository_that_is_here_bind_to_it() {
    let world = World::new();
    let text = |path: &str| world.path(path).into_os_string();
    for (cwd, git_dir, tree, bound) in [
        (
            "ws",
            "ws/.git",
            Some("ws"),
            &["GIT_DIR", "GIT_WORK_TREE"][..],
        ),
        ("ws", "ws/.git", None, &["GIT_DIR"]),
        ("ws", "ws/.git", Some("ws/sub"), &[]),
        ("ws", "ws/inner/.git", Some("ws"), &[]),
        ("ws", "out/.git", Some("ws"), &[]),
        (
            "ws/sub",
            "ws/.git",
            Some("ws"),
            &["GIT_DIR", "GIT_WORK_TREE"],
        ),
        ("ws/sub", "ws/inner/.git", Some("ws"), &["GIT_WORK_TREE"]),
    ] {
        let mut variables = vec![("GIT_DIR".into(), text(git_dir))];
        variables.extend(tree.map(|tree| ("GIT_WORK_TREE".into(), text(tree))));
        let mut request = world.request(cwd, &STATUS).with_environment(variables);
        request.pins = examine(&request, &world.writable(), GitStarter::Inside, &|name| {
            world.variables.get(name).cloned()
        })
        .unwrap();
        let names = ["GIT_DIR", "GIT_WORK_TREE"];
        let found: Vec<&str> = names
            .into_iter()
            .filter(|name| request.is_bound_by(OsStr::new(name)))
            .collect();
        assert_eq!(found, bound, "{cwd} {git_dir} {tree:?}");
    }
}

/// Its own gits are looked at when it starts them.
#[test]
fn a_hook_is_no_framework_of_its_name() {
    let world = World::new();
    world.git("ws", &["remote", "add", "origin", "./bare"]);
    for (program, refused) in [
        (".git/hooks/pre-commit", false),
        ("/opt/hooks/pre-commit", false),
        ("lefthook", true),
        ("gh", true),
    ] {
        let request = world.request("ws", &[program]).with_environment(Vec::new());
        let found = request.misleading_repository(&world.writable());
        assert_eq!(found.is_some(), refused, "{program}: {found:?}");
        // Let out by a rule it is looked at.
        assert!(world.examine("ws", &[program]).is_err(), "{program}");
    }
}

#[test]
fn who_goes_into_submodules_by_himself_stays_inside() {
    let world = World::new();
    let why = "it goes into submodules, in whose place";
    for words in [
        &["git", "grep", "--recurse-submodules", "x"][..],
        &["git", "ls-files", "--recurse-sub"],
        &["git", "archive", "--rec", "HEAD"],
    ] {
        world.stays("ws", words, why);
    }
    world.goes("ws", &["git", "grep", "--recursive", "x"]);
    world.goes("ws", &["git", "fetch", "--recurse-submodules=no"]);
    world.git("ws", &["config", "submodule.recurse", "true"]);
    world.stays("ws", &["git", "grep", "x"], why);
    world.goes("ws", &["git", "fetch"]);
}

/// Of the repository that it is given, whatever the directory has.
#[test]
fn who_serves_a_repository_obeys_that() {
    let world = World::new();
    for program in [
        &["git", "receive-pack"][..],
        &["git-upload-pack", "--strict"],
    ] {
        for (operand, goes) in [("inner", false), ("../scratch", false), ("/srv/none", true)] {
            let words = [program, &[operand]].concat();
            assert_eq!(world.examine("ws", &words).is_ok(), goes, "{words:?}");
        }
    }
}
