//! A world: a workspace, a place outside it, programs, rules; then a run in it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{PermissionsExt, chown, fchown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{LazyLock, Once};
use std::thread;

use codex_shell::sys::signals;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::needs::has_i386;
use super::programs::{Machine, program};
use super::ran::{Ran, read};
use super::running::Running;

/// The ordinary user that root's tests become.
const NOBODY: u32 = 65534;

/// What nohup(1) or a shell's `&` had this process ignore would be ignored by all that it starts, and
/// not by what is tested only. A pipe without a reader is the test library's to ignore.
static HEARD: Once = Once::new();

/// Who runs the tested program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum User {
    /// Whoever runs the tests.
    Caller,
    /// An ordinary user, when root runs the tests.
    Nobody,
}

/// Runs `check` in a world of each user: the caller's, and when that is root, an ordinary user's.
pub(crate) fn everyone(check: impl Fn(World) + Sync) {
    // Those are run without that shell as well.
    if patched_bash().is_some() && is_kernel_only() {
        return;
    }
    let root = nix::unistd::geteuid().is_root();
    let check = &check;
    let users = if root {
        &[User::Caller, User::Nobody][..]
    } else {
        &[User::Caller]
    };
    thread::scope(|scope| {
        for &user in users {
            let name = thread::current()
                .name()
                .map(|name| format!("{name} as {user:?}"));
            let thread = thread::Builder::new().name(name.unwrap_or_default());
            thread
                .spawn_scoped(scope, move || check(World::of(user)))
                .unwrap();
        }
    });
}

/// The same for each of `cases`, which all start anew.
pub(crate) fn everyone_with<T: Sync>(cases: &[T], check: impl Fn(World, &T) + Sync) {
    everyone(|first| {
        for case in cases {
            check(World::of(first.user), case);
        }
    });
}

/// Rules that let `probe` write to `WORLD/out`: outside, and in a sandbox of its own.
const WAYS: [&str; 2] = [
    "prefix_rule(pattern = [\"probe\"])\n",
    "command_rule(program = \"probe\", args = [rest()],\n    \
     run = profile(\"workspace-write\", writable = [\"WORLD/out\"]))\n",
];

/// Those there are: a sandbox of its own needs the kernel's interceptor.
fn ways() -> &'static [&'static str] {
    let count = if patched_bash().is_some() {
        1
    } else {
        WAYS.len()
    };
    &WAYS[..count]
}

/// The same under each of the rules by which `probe` leaves the sandbox.
pub(crate) fn every_way(check: impl Fn(World) + Sync) {
    for rules in ways() {
        everyone(|world| check(world.rules(rules)));
    }
}

/// The same for each of `cases`, which all start anew.
pub(crate) fn every_way_with<T: Sync>(cases: &[T], check: impl Fn(World, &T) + Sync) {
    for rules in ways() {
        everyone_with(cases, |world, case| check(world.rules(rules), case));
    }
}

/// The state of things before a run, stated step by step; [`World::run`] consumes it.
///
/// `WORLD` in texts, arguments and variables stands for its directory, which holds `ws` (the
/// working directory), `out` (writable for the user, but not from the sandbox), `home`, and `bin`
/// (first in `PATH`, not writable from the sandbox).
#[derive(Debug)]
pub(crate) struct World {
    user: User,
    base: PathBuf,
    _folder: TempDir,
    options: Vec<OsString>,
    ask: OsString,
    environment: Vec<(OsString, OsString)>,
    stdin: Vec<u8>,
    /// Whatever the tests' shell is, the kernel brings the execs.
    is_by_kernel: bool,
}

/// Tests that the kernel's interceptor alone can pass, by the reason for it.
static KERNEL_ONLY: LazyLock<BTreeMap<String, Vec<String>>> =
    LazyLock::new(|| toml::from_str(include_str!("../kernel_only.toml")).unwrap());

/// Whether the test that runs in this thread is one of them.
fn is_kernel_only() -> bool {
    let name = thread::current().name().unwrap_or_default().to_owned();
    let test = name.split(" as ").next().unwrap_or_default();
    KERNEL_ONLY.values().flatten().any(|known| known == test)
}

#[test]
fn what_the_kernel_alone_can_pass_is_a_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for test in KERNEL_ONLY.values().flatten() {
        let (file, name) = test.rsplit_once("::").unwrap();
        let file = folder.join(file.replace("::", "/")).with_extension("rs");
        let text = String::from_utf8(read(&file).unwrap()).unwrap();
        assert!(text.contains(&format!("\nfn {name}()")), "{test}");
    }
}

impl World {
    /// A world of the tests' own user.
    pub(crate) fn new() -> Self {
        Self::of(User::Caller)
    }

    /// An empty world. It is not under `/tmp`, which every sandbox may write to.
    pub(crate) fn of(user: User) -> Self {
        HEARD.call_once(|| signals::ignore_exactly(1 << (Signal::SIGPIPE as u32 - 1)));
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let base = fs::canonicalize(folder.path()).unwrap();
        fs::set_permissions(&base, fs::Permissions::from_mode(0o755)).unwrap();
        let world = Self {
            user,
            base,
            _folder: folder,
            options: Vec::new(),
            ask: "deny".into(),
            environment: Vec::new(),
            stdin: Vec::new(),
            is_by_kernel: is_kernel_only(),
        };
        for name in ["ws", "out", "home", "bin"] {
            fs::create_dir(world.path(name)).unwrap();
        }
        for name in ["ws", "out", "home"] {
            world.give(name);
        }
        copy(
            Path::new(env!("CARGO_BIN_EXE_codex-shell")),
            &world.codex_shell(),
        );
        world
    }

    /// Who runs the tested program.
    pub(crate) fn user(&self) -> User {
        self.user
    }

    /// The world's directory.
    pub(crate) fn base(&self) -> &Path {
        &self.base
    }

    /// A path below the world's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.base.join(name)
    }

    /// The tested program.
    pub(crate) fn codex_shell(&self) -> PathBuf {
        self.path("codex-shell")
    }

    /// `text` with `WORLD` replaced.
    pub(crate) fn spelled(&self, text: impl AsRef<OsStr>) -> OsString {
        let (text, base) = (text.as_ref().as_bytes(), self.base.as_os_str().as_bytes());
        let mut out = Vec::new();
        let mut left = text;
        while let Some(at) = left.windows(5).position(|word| word == b"WORLD") {
            out.extend([&left[..at], base].concat());
            left = &left[at + 5..];
        }
        out.extend(left);
        OsString::from_vec(out)
    }

    /// Makes `name`, and what leads there, belong to the user.
    fn give(&self, name: &str) {
        if self.user == User::Nobody {
            for path in Path::new(name).ancestors().filter(|path| *path != "") {
                chown(self.base.join(path), Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
    }

    /// Makes an open file belong to the user.
    pub(crate) fn give_open(&self, file: &OwnedFd) {
        if self.user == User::Nobody {
            fchown(file, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }

    fn put(&self, name: &str, text: impl AsRef<OsStr>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // It may be one more name of a file that others use.
        let _ = fs::remove_file(&path);
        fs::write(path, self.spelled(text).as_bytes()).unwrap();
    }

    /// A rules file, `WORLD/team.rules`; more with [`World::rules_at`].
    pub(crate) fn rules(self, text: &str) -> Self {
        self.rules_at("team.rules", text)
    }

    /// A rules file of that name.
    pub(crate) fn rules_at(self, name: &str, text: &str) -> Self {
        self.put(name, text);
        let path = self.path(name).into_os_string();
        self.options(["--rules".into(), path])
    }

    /// A file of the user's: `ws/name`, `out/name`.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        self.put(name, text);
        self.give(name);
        self
    }

    /// An executable file: `bin/name` is a program that can be trusted, `ws/name` one that can't.
    pub(crate) fn script(self, name: &str, text: &str) -> Self {
        self.put(name, text);
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
        if !name.starts_with("bin/") {
            self.give(name);
        }
        self
    }

    /// A `git` that leaves `ws/mark` behind if it runs.
    pub(crate) fn fake_git(self) -> Self {
        self.script("bin/git", "#!/bin/sh\necho \"$0 $*\" >>WORLD/ws/mark\n")
    }

    /// A compiled helper as `bin/NAME`.
    pub(crate) fn program(self, name: &'static str) -> Self {
        copy(
            &program(name, Machine::Native),
            &self.path("bin").join(name),
        );
        self
    }

    /// A compiled helper at any path, for either machine.
    ///
    /// Where nothing can be compiled for `machine`, it is left out: ask [`super::needs::lacks`].
    pub(crate) fn program_at(self, path: &str, name: &'static str, machine: Machine) -> Self {
        if machine == Machine::Native || has_i386() {
            copy(&program(name, machine), &self.path(path));
        }
        self
    }

    /// A variable of the environment.
    pub(crate) fn env(mut self, name: impl Into<OsString>, value: impl AsRef<OsStr>) -> Self {
        let value = self.spelled(value);
        self.environment.push((name.into(), value));
        self
    }

    /// The kernel brings the execs, also where the tests have a patched shell.
    pub(crate) fn by_kernel(mut self) -> Self {
        self.is_by_kernel = true;
        self
    }

    /// The same, unless it was set.
    pub(crate) fn env_unless_set(self, name: &str, value: &str) -> Self {
        if self.environment.iter().any(|(set, _)| *set == *name) {
            return self;
        }
        self.env(name, value)
    }

    /// What standard input holds; nothing unless said.
    pub(crate) fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = text.into();
        self
    }

    /// Who is asked; `deny` unless said.
    pub(crate) fn ask(mut self, who: &str) -> Self {
        self.ask = self.spelled(who);
        self
    }

    /// More options of `run`.
    pub(crate) fn options<T: AsRef<OsStr>>(mut self, options: impl IntoIterator<Item = T>) -> Self {
        let spelled: Vec<_> = options
            .into_iter()
            .map(|option| self.spelled(option))
            .collect();
        self.options.extend(spelled);
        self
    }

    /// The whole command line of `codex-shell run`.
    pub(crate) fn arguments<T: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = T>,
    ) -> Vec<OsString> {
        let mut all = vec![
            self.codex_shell().into(),
            "run".into(),
            "--ask".into(),
            self.ask.clone(),
        ];
        all.extend(self.options.iter().cloned());
        let arguments: Vec<T> = arguments.into_iter().collect();
        if let (Some(shell), Some("-c")) = (patched_bash(), first(&arguments))
            && !self.is_by_kernel
        {
            let name = self.path("patched-bash");
            if !name.exists() {
                copy(&shell, &name);
            }
            all.extend(["--interceptor", "shell", "--shell"].map(OsString::from));
            all.push(name.into());
        }
        all.extend(arguments.into_iter().map(|word| self.spelled(word)));
        all
    }

    /// A program as the world's user starts it, with the world's environment and nothing else.
    pub(crate) fn command(&self, argv: &[OsString]) -> Command {
        let mut command = match self.user {
            User::Caller => Command::new(&argv[0]),
            User::Nobody => {
                let id = NOBODY.to_string();
                let mut command = Command::new("setpriv");
                command
                    .args(["--reuid", &id, "--regid", &id, "--clear-groups"])
                    .arg(&argv[0]);
                command
            }
        };
        command
            .args(&argv[1..])
            .current_dir(self.path("ws"))
            .env_clear();
        command.env("PATH", self.spelled("WORLD/bin:/usr/bin:/bin"));
        command
            .env("HOME", self.path("home"))
            .env("LANG", "C.UTF-8");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// What `rules explain` says of a script by `WORLD/team.rules`, if there is one; `form` is an option of it.
    pub(crate) fn explained(&self, form: &str, script: impl AsRef<OsStr>) -> Output {
        let mut words: Vec<OsString> = vec![self.codex_shell().into()];
        words.extend(["rules", "explain", form].map(OsString::from));
        let rules = self.path("team.rules");
        if rules.exists() {
            words.extend(["--rules".into(), rules.into()]);
        }
        words.extend(["-c".into(), self.spelled(script)]);
        self.command(&words).output().unwrap()
    }

    /// Starts `codex-shell run` with these arguments.
    pub(crate) fn start<T: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = T>) -> Running {
        let argv = self.arguments(arguments);
        self.start_program(&argv)
    }

    /// Starts any program.
    pub(crate) fn start_program(mut self, argv: &[OsString]) -> Running {
        let stdin = std::mem::take(&mut self.stdin);
        let command = self.command(argv);
        Running::start(self, command, stdin)
    }

    /// Runs `codex-shell run` with these arguments to its end.
    pub(crate) fn run<T: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = T>) -> Ran {
        self.start(arguments).end()
    }

    /// Runs `codex-shell run -c SCRIPT` to its end.
    pub(crate) fn sh(self, script: impl AsRef<OsStr>) -> Ran {
        self.run([OsStr::new("-c"), script.as_ref()])
    }
}

/// A bash that starts a wrapper in place of each program: where this variable names one, scripts run
/// by it, and their programs are brought by the wrapper.
pub(crate) fn patched_bash() -> Option<PathBuf> {
    std::env::var_os("CODEX_SHELL_PATCHED_BASH").map(PathBuf::from)
}

fn first<T: AsRef<OsStr>>(arguments: &[T]) -> Option<&str> {
    arguments.first()?.as_ref().to_str()
}

/// A file of its own: another name of one could be written in a workspace, and then nothing trusts it. Made by
/// another process: while we have it open to be written, others of our threads start programs that inherit that.
fn copy(file: &Path, name: &Path) {
    let copied = Command::new("cp").arg(file).arg(name).status().unwrap();
    assert!(copied.success());
}
