//! The flags that files can set as well, and what comes out of both.

use std::fmt::Display;
use std::fs;
use std::iter::successors;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::audit::Audit;
use crate::config::values::{Ask, Interceptor, duration};
use crate::config::{self, Flags, Loaded, Places, Settings, deciding};
use crate::confine::{Mode, PROTECTED, Policy, Protection, Role};
use crate::intercept::broker::Patched;
use crate::intercept::run::RunError;
use crate::report;
use crate::request::{INTERPRETERS, Interpreter, SearchPath, argv, places_loaded};
use crate::rules::{self, RuleSet};

/// What of the settings can be said on the command line.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct SettingsArgs {
    /// What the sandbox permits [default: workspace-write]
    #[arg(long, value_name = "MODE", value_enum)]
    sandbox: Option<SandboxMode>,

    /// Whether the sandbox has a network [default: false]
    #[arg(long, value_name = "BOOL")]
    network: Option<bool>,

    /// Another directory that workspace-write may write to; may be given again
    #[arg(long, value_name = "DIR")]
    writable: Vec<PathBuf>,

    /// Who is asked: terminal, deny, allow, or command:PROGRAM [default: terminal]
    ///
    /// deny and allow answer every question that way. PROGRAM reads the question as a line of JSON,
    /// which codex-shell-rules(5) describes, and answers by its exit status: 0 is yes.
    #[arg(long, value_name = "WHO", value_parser = Ask::from_text)]
    ask: Option<Ask>,

    /// Kill the command and all that it started after this time (30s, 5m, 1h); questions don't count
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    timeout: Option<Duration>,

    /// How execs are intercepted [default: auto]
    #[arg(long, value_name = "WHICH", value_enum)]
    interceptor: Option<InterceptorArg>,

    /// The shell for -c [default: /bin/bash]
    #[arg(long, value_name = "PATH")]
    shell: Option<PathBuf>,
}

impl SettingsArgs {
    /// Makes what `--writable`, seen from `directory`, names and is missing, where the sandbox would keep
    /// it from being made: what makes a repository is told to name `.git` so. In vain, the policy says why.
    pub(super) fn make_writable(&self, directory: &Path) {
        for path in self.writable.iter().map(|path| directory.join(path)) {
            let is_kept = PROTECTED.iter().any(|name| path.ends_with(name));
            if is_kept && path.symlink_metadata().is_err() {
                let _ = fs::create_dir(&path);
            }
        }
    }

    /// Whether `--writable` names anything.
    pub(super) fn name_writable(&self) -> bool {
        !self.writable.is_empty()
    }
}

/// The patched shell, where it is to bring the execs; `wrapper` is what it starts in place of a program.
///
/// # Errors
/// It can't.
pub(super) fn patched(
    settings: &Settings,
    wrapper: Option<&Path>,
) -> Result<Option<Patched>, String> {
    let wanted = settings.interceptor.value == Interceptor::Shell;
    let patched = wanted.then(|| Patched::new(&settings.shell.value, wrapper));
    patched.transpose().map_err(|error| error.to_string())
}

/// The patched shell that takes the kernel's place, if it may, can, and the `error` is that the kernel can't.
pub(super) fn instead(
    settings: &Settings,
    error: &RunError,
    wrapper: Option<&Path>,
) -> Option<Patched> {
    let may = settings.interceptor.value == Interceptor::Auto && error.is_of_the_kernel();
    let shell = may.then_some(&settings.shell.value)?;
    let patched = Patched::new(shell, wrapper).ok()?;
    report::note(&format!("{error}; the patched shell brings execs instead"));
    Some(patched)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum InterceptorArg {
    /// By the kernel, or by a patched shell where the kernel can't
    Auto,
    /// By the kernel: every program is judged
    Kernel,
    /// By a patched shell (scripts/build-patched-shell): what it starts is judged, what those
    /// programs start is not
    Shell,
}

impl From<InterceptorArg> for Interceptor {
    fn from(which: InterceptorArg) -> Self {
        match which {
            InterceptorArg::Auto => Self::Auto,
            InterceptorArg::Kernel => Self::Kernel,
            InterceptorArg::Shell => Self::Shell,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum SandboxMode {
    /// Nothing can be written
    ReadOnly,
    /// The working directory and temporary files can be written
    WorkspaceWrite,
    /// No sandbox: programs are judged, but nothing confines them
    DangerFullAccess,
}

impl From<SandboxMode> for Mode {
    fn from(mode: SandboxMode) -> Self {
        match mode {
            SandboxMode::ReadOnly => Self::ReadOnly,
            SandboxMode::WorkspaceWrite => Self::WorkspaceWrite,
            SandboxMode::DangerFullAccess => Self::DangerFullAccess,
        }
    }
}

impl SettingsArgs {
    /// Whether there is a `--shell`.
    pub(super) fn names_shell(&self) -> bool {
        self.shell.is_some()
    }

    /// With `--sandbox` alone.
    pub(super) fn with_sandbox(sandbox: Option<SandboxMode>) -> Self {
        Self {
            sandbox,
            ..Self::default()
        }
    }

    fn flags(&self) -> Flags {
        Flags {
            sandbox: self.sandbox.map(Mode::from),
            network: self.network,
            writable: self.writable.clone(),
            interceptor: self.interceptor.map(Interceptor::from),
            shell: self.shell.clone(),
            ask: self.ask.clone(),
            timeout: self.timeout,
        }
    }
}

/// A file with settings, or one with rules that was named, is wrong, and that has been said.
#[derive(Debug)]
pub(super) struct AlreadyReported;

/// What counts for a command that starts in `directory`. What of a project does not count is said
/// on standard error, but for its rules where others are `given`.
pub(super) fn load(
    directory: PathBuf,
    args: &SettingsArgs,
    given: &[PathBuf],
) -> Result<Loaded, AlreadyReported> {
    load_flags(directory, &args.flags(), given)
}

/// The same with what the command line says already put together.
pub(super) fn load_flags(
    directory: PathBuf,
    flags: &Flags,
    given: &[PathBuf],
) -> Result<Loaded, AlreadyReported> {
    let places = Places::of_process(directory);
    match config::load(&places, flags) {
        Ok(loaded) => {
            for note in loaded.notes(!given.is_empty()) {
                report::note(&note);
            }
            Ok(loaded)
        }
        Err(problems) => {
            report::config::print_problems(&problems);
            Err(AlreadyReported)
        }
    }
}

/// The rules in `given`; those of all layers when there are none. What is wrong with them is said.
///
/// # Errors
/// A file in `given` is missing or broken, or there is none: somebody counts on what it says, so nothing starts without
/// it. While a file of the usual places is broken, what no rule matches is asked about.
pub(super) fn rules_in_force(
    loaded: &Loaded,
    given: &[PathBuf],
) -> Result<RuleSet, AlreadyReported> {
    let rules = rules(loaded, given);
    report::diagnostics::print_errors(&rules);
    if given.is_empty() {
        return Ok(rules);
    }
    let is_empty = |path: &&PathBuf| {
        path.is_dir()
            && !rules
                .files
                .iter()
                .any(|file| Path::new(&file.name).starts_with(path))
    };
    if let Some(place) = given.iter().find(is_empty) {
        let shown = argv::word(place.as_os_str());
        report::error(&format!("{shown}: no *.rules files there"));
        return Err(AlreadyReported);
    }
    if rules.is_broken() {
        return Err(AlreadyReported);
    }
    Ok(rules)
}

/// The rules in `given`; those of all layers when there are none.
pub(super) fn rules(loaded: &Loaded, given: &[PathBuf]) -> RuleSet {
    if given.is_empty() {
        loaded.load_rules()
    } else {
        rules::load(given, &loaded.cache)
    }
}

/// The records that go to `path`, if they go anywhere; and what answers, `asker`, is no other program. Neither is
/// named by a link that a command could have made.
///
/// # Errors
/// One of them is, or the file can't be opened.
pub(super) fn audit(
    path: Option<&Path>,
    asker: Option<&Path>,
    protection: &Protection,
) -> Result<Audit, String> {
    let scratch = std::env::var_os("TMPDIR").map(PathBuf::from);
    let mut roots = vec![PathBuf::from("/tmp")];
    roots.extend(std::env::current_dir());
    roots.extend(scratch);
    for path in path.iter().chain(&asker) {
        let message = |reason: &dyn Display| format!("{}: {reason}", path.display());
        let whole = std::path::absolute(path).map_err(|error| message(&error))?;
        let link = Policy::link_by_commands(&whole, &roots, &protection.earlier);
        if let Some(link) = link.map_err(|error| message(&error))? {
            let link = link.display();
            return Err(message(&format!(
                "{link} is a symbolic link that a command could have made; name the file itself"
            )));
        }
    }
    let open = |path: &Path| Audit::to(path).map_err(|e| format!("{}: {e}", path.display()));
    path.map_or_else(|| Ok(Audit::default()), open)
}

/// Keeps what answers from being written: `asker`, what the kernel starts for a script, and what each loads.
///
/// # Errors
/// It is not known what is loaded.
pub(super) fn protect_asker(protection: &mut Protection, asker: &Path) -> Result<(), String> {
    let next = |file: &PathBuf| Some(Interpreter::of(file).ok()??.path);
    for file in successors(Some(asker.to_owned()), next).take(INTERPRETERS + 1) {
        deciding::add(protection, &file, Role::Asker);
        // What is not there asks nobody, and says so then.
        let Ok(real) = file.canonicalize() else {
            continue;
        };
        let places = places_loaded(&real);
        let places = places.map_err(|why| format!("--ask command:{}: {why}", asker.display()))?;
        for place in places {
            deciding::add(protection, &place, Role::Asker);
        }
    }
    Ok(())
}

/// The program that is to be asked, found once for all: a name that is looked for at each question could
/// come to be another's.
///
/// # Errors
/// There is no such program in `PATH`.
pub(super) fn asker(named: &Path) -> Result<PathBuf, String> {
    let message = |reason: &dyn Display| format!("--ask command:{}: {reason}", named.display());
    let directory = std::env::current_dir().map_err(|error| message(&error))?;
    if named.components().count() > 1 {
        return Ok(directory.join(named));
    }
    let path = std::env::var_os("PATH");
    let found = SearchPath::of(&directory, path.as_deref(), &[]).find(named.as_os_str(), None);
    found
        .path
        .map(|path| directory.join(path))
        .ok_or_else(|| message(&"no such program is in PATH"))
}
