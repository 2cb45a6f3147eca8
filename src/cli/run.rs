//! `codex-shell run`.

use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::act::environment::SessionEnvironment;
use crate::approve::{Answer, Approver, fixed, terminal};
use crate::audit::Audit;
use crate::config::settings::Sourced;
use crate::config::values::{Ask, Interceptor};
use crate::config::{Loaded, Places, Profiles, Settings, deciding};
use crate::confine::{LayerName, Layers, Mode, Policy, Protection, Role, Status, Unmade};
use crate::evaluate::IndexedRules;
use crate::exit::Exit;
use crate::intercept::broker::Patched;
use crate::intercept::keeper;
use crate::intercept::launcher::Command;
use crate::intercept::run::{Ended, RunError, RunPlan, run};
use crate::intercept::session::{Phase, Session};
use crate::intercept::shell::{self, Mark};
use crate::intercept::unattended::Unattended;
use crate::report;
use crate::request::entry;
use crate::sys::timer::Timer;
use crate::sys::{fds, signals};
use crate::terminal::Given;

use super::aftermath;
use super::here;
use super::settings::{self, SettingsArgs};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  codex-shell run
  codex-shell run -c 'make test'
  codex-shell run --rules team.rules --network true -- cargo fetch
  codex-shell run --sandbox read-only --ask deny --timeout 30s -c './check.sh | tail'

The exit status is the command's own: 128+n when signal n ended it, 124 for the
timeout, 125 when codex-shell itself failed, 126 and 127 when the command can't
be executed or is not found.")]
pub(super) struct Args {
    /// Read rules from this file, or from the *.rules files in this directory, and from nowhere
    /// else; may be given again
    #[arg(long, value_name = "FILE|DIR")]
    rules: Vec<PathBuf>,

    /// Run in this directory, which workspace-write may write to
    #[arg(short = 'C', long = "cwd", value_name = "DIR")]
    directory: Option<PathBuf>,

    #[command(flatten)]
    settings: SettingsArgs,

    /// Start the shell as a login shell
    #[arg(long, requires = "script")]
    login: bool,

    /// Pass this open descriptor to the command, besides 0, 1 and 2; may be given again
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(3..=1023))]
    pass_fd: Vec<RawFd>,

    /// Refuse to start without this layer of the sandbox; may be given again
    ///
    /// The layers are those that codex-shell doctor lists.
    #[arg(long, value_name = "LAYER", value_parser = layer)]
    require: Vec<LayerName>,

    /// Append a JSON record of each exec to this file
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,

    /// Report on standard error which layers of the sandbox are in force and, at the end, which calls
    /// it refused and which paths it kept programs from writing, as far as they complained
    #[arg(short, long)]
    verbose: bool,

    /// Run this script with the shell; words after it are its $0, $1 and so on
    #[arg(short = 'c', value_name = "SCRIPT", allow_hyphen_values = true)]
    script: Option<OsString>,

    /// The command, or the script's arguments; if there is neither, the shell is started
    #[arg(value_name = "CMD", trailing_var_arg = true)]
    command: Vec<OsString>,
}

pub(super) fn layer(text: &str) -> Result<LayerName, String> {
    LayerName::from_name(text).ok_or_else(|| "no such layer; see codex-shell doctor".into())
}

pub(super) fn main(args: &Args) -> Exit {
    if args.script.is_none() && !args.command.is_empty() && args.settings.names_shell() {
        report::error("--shell needs a script (-c SCRIPT), or no command");
        return Exit::Usage;
    }
    let directory = match start(args) {
        Ok(directory) => directory,
        Err(message) => return fail(&message),
    };
    let Ok(loaded) = settings::load(directory, &args.settings, &args.rules) else {
        return Exit::Internal;
    };
    match prepare(args, &loaded) {
        Ok(prepared) => {
            let overdue = prepared.overdue.clone();
            keeper::keep_on_terminal(
                &args.pass_fd,
                overdue.as_deref(),
                |given| supervise(args, &loaded.settings, prepared, given),
                |error| fail(&error.to_string()),
            )
        }
        Err(message) => fail(&message),
    }
}

/// Where the command is to start, as it is named.
fn start(args: &Args) -> Result<PathBuf, String> {
    match &args.directory {
        Some(directory) if directory.is_absolute() => Ok(directory.clone()),
        Some(directory) => Ok(here()?.join(directory)),
        None => here(),
    }
}

fn fail(message: &str) -> Exit {
    report::error(message);
    Exit::Internal
}

/// Everything that is settled before a second process exists.
struct Prepared {
    policy: Policy,
    profiles: Profiles,
    ask: Ask,
    rules: IndexedRules,
    audit: Audit,
    command: Command,
    patched: Option<Patched>,
    /// Runs out some time after the command's own time, if that is limited.
    overdue: Option<Arc<Timer>>,
}

fn prepare(args: &Args, loaded: &Loaded) -> Result<Prepared, String> {
    // Before we open any: one of ours must not be taken for the caller's.
    for &fd in &args.pass_fd {
        fds::flags(fd).map_err(|e| format!("descriptor {fd}: {e}"))?;
    }
    let settings = &loaded.settings;
    let Sourced { value, source } = &settings.interceptor;
    if *value == Interceptor::Shell && args.script.is_none() {
        return Err(format!(
            "{source}: the shell interceptor needs a script: -c SCRIPT"
        ));
    }
    let patched = settings::patched(settings, None)?;
    let ask = match &settings.ask.value {
        Ask::Program(program) => Ask::Program(settings::asker(program)?),
        other => other.clone(),
    };
    let protection = protected(args, loaded, &ask, patched.as_ref())?;
    let rules = settings::rules_in_force(loaded, &args.rules)
        .map_err(|_| "nothing is started without the rules that --rules names")?;
    let audit = settings::audit(args.audit.as_deref(), ask.program(), &protection)?;
    let named = start(args)?;
    // From here on relative paths of the command line lead elsewhere: all are resolved by now.
    if let Some(directory) = &args.directory {
        std::env::set_current_dir(directory)
            .map_err(|e| format!("{}: {e}", directory.display()))?;
    }
    let directory = here()?;
    let temporary = std::env::var_os("TMPDIR");
    match settings.sandbox.value {
        Mode::WorkspaceWrite => args.settings.make_writable(&directory),
        mode if args.settings.name_writable() => report::note(&format!(
            "--writable counts with --sandbox workspace-write alone, and not with {}",
            mode.as_str()
        )),
        _ => {}
    }
    let policy = Policy::new(
        settings.sandbox.value,
        settings.network.value,
        &named,
        &settings.writable.value,
        temporary.as_deref(),
    )
    .map_err(|e| e.to_string())?
    .protecting(protection.clone());
    policy.roots_lead_straight().map_err(|e| e.to_string())?;
    let mark = patched.as_ref().map_or(Mark::Exec, |_| Mark::Packet);
    let command =
        command(args, &settings.shell.value, &directory, mark).map_err(|e| e.to_string())?;
    fds::close_others_on_exec().map_err(|e| e.to_string())?;
    let overdue = settings.timeout.value.map(keeper::overdue).transpose();
    let overdue = overdue.map_err(|e| e.to_string())?.map(Arc::new);
    Ok(Prepared {
        policy,
        profiles: Profiles::new(settings, directory, temporary)
            .under(&rules)
            .protecting(protection),
        ask,
        rules: IndexedRules::new(rules),
        audit,
        command,
        patched,
        overdue,
    })
}

/// What the command must not write. Paths count from where this process was started.
fn protected(
    args: &Args,
    loaded: &Loaded,
    ask: &Ask,
    patched: Option<&Patched>,
) -> Result<Protection, String> {
    let places = Places::of_process(start(args)?);
    let mut protection = deciding::protected(&places, &loaded.settings, &args.rules);
    let files = [
        (args.audit.as_deref(), Role::Audit),
        (patched.map(Patched::wrapper), Role::Shell),
    ];
    for (path, role) in files {
        if let Some(path) = path {
            deciding::add(&mut protection, path, role);
        }
    }
    if let Some(asker) = ask.program() {
        settings::protect_asker(&mut protection, asker)?;
    }
    Ok(protection)
}

fn command(args: &Args, shell: &Path, directory: &Path, mark: Mark) -> io::Result<Command> {
    let mut argv = args.command.clone();
    if args.script.is_none() && argv.is_empty() {
        argv.push(shell.as_os_str().to_owned());
    }
    let program = match &args.script {
        Some(script) => {
            // Of its messages, the name is part.
            let name = match mark {
                Mark::Exec => shell.file_name().unwrap_or(shell.as_os_str()),
                Mark::Packet => shell.as_os_str(),
            };
            argv.splice(0..0, shell::argv(name, args.login, script, mark));
            shell.as_os_str().to_owned()
        }
        None => argv.first().cloned().unwrap_or_default(),
    };
    let c_string = |bytes: OsString| CString::new(bytes.into_vec()).map_err(io::Error::from);
    let mut environment = Vec::new();
    for (name, value) in std::env::vars_os() {
        let value = if args.directory.is_some() && name == "PWD" {
            directory.as_os_str()
        } else {
            &value
        };
        environment.push(c_string(entry(&name, value))?);
    }
    Ok(Command {
        program: c_string(program)?,
        argv: argv.into_iter().map(c_string).collect::<io::Result<_>>()?,
        environment,
        ignored: signals::ignored_by_caller(),
        blocked: signals::blocked(),
    })
}

fn approver(who: &Ask, given: Option<&Arc<Given>>, policy: &Policy) -> Arc<dyn Approver> {
    let unattended = Unattended {
        ask: who.clone(),
        declined: "--ask deny".into(),
        patience: None,
    };
    let approver = unattended.approver(&environment(policy));
    approver.unwrap_or_else(|| match given {
        Some(given) => Arc::new(terminal::Terminal::new(Arc::clone(given))),
        None => Arc::new(fixed::FixedAnswer(Answer::No(
            "nobody could be asked: no terminal".into(),
        ))),
    })
}

fn phase(args: &Args) -> Phase {
    match args.script {
        Some(_) => Phase::Shell { login: args.login },
        None => Phase::Command,
    }
}

/// The variables of our own start.
fn environment(policy: &Policy) -> SessionEnvironment {
    SessionEnvironment::new(std::env::vars_os(), policy.writable_roots())
}

/// Says that it can't be remembered what commands could write; who has no place for it knows.
fn tell_not_noted(args: &Args, error: &io::Error) {
    if args.verbose || error.kind() != io::ErrorKind::Unsupported {
        report::note(&format!(
            "nothing remembers that commands can write here: repositories that they make here will \
             count as yours ({error})"
        ));
    }
}

fn supervise(args: &Args, settings: &Settings, prepared: Prepared, given: Option<Given>) -> Exit {
    let given = given.map(Arc::new);
    let Prepared {
        overdue,
        policy,
        profiles,
        ask,
        rules,
        audit,
        command,
        patched,
    } = prepared;
    let confined = policy.mode != Mode::DangerFullAccess;
    let earlier = policy.ground().earlier.beginning(&policy.workspaces);
    // Locked as long as this process is there, and so as a command may write.
    let noted = earlier.note(&policy.workspaces);
    let earlier = match &noted {
        Ok(noted) => earlier.owning(noted),
        Err(_) => earlier,
    };
    let (rules, audit) = (Arc::new(rules), Arc::new(audit));
    let approver = approver(&ask, given.as_ref(), &policy);
    let attempt = |command: &Command, patched: Option<&Patched>| {
        let session = Session {
            rules: Arc::clone(&rules),
            approver: Arc::clone(&approver),
            audit: Arc::clone(&audit),
            environment: environment(&policy),
            writable: confined.then(|| policy.writable_roots().to_vec()),
            held: policy.ground().held,
            earlier: earlier.clone(),
            profiles: profiles.clone(),
            require: args.require.clone(),
            witness: None,
        };
        let plan = RunPlan {
            lead: None,
            policy: &policy,
            require: &args.require,
            phase: phase(args),
            pass: &args.pass_fd,
            terminal: given.as_ref(),
            timeout: settings.timeout.value,
            overdue: overdue.as_ref(),
            patched,
        };
        run(&plan, command, session, |layers| {
            if let Err(error) = &noted {
                tell_not_noted(args, error);
            }
            describe(args, layers);
        })
    };
    let unmade = Unmade::of(&policy);
    let mut ended = attempt(&command, patched.as_ref());
    if let Err(error) = &ended
        && let Some((patched, command)) = instead(args, settings, error, &command)
    {
        ended = attempt(&command, Some(&patched));
    }
    match ended {
        Ok(Ended {
            exit,
            refused,
            replaced,
            remains: _remains,
        }) => {
            for call in &refused.calls {
                audit.refused(&call.record());
            }
            for path in &refused.paths {
                audit.denied(&path.record());
            }
            tell_of_time(exit, settings.timeout.value);
            aftermath::explain_refusal(args.verbose, exit, &refused);
            aftermath::tell_made(&unmade, &replaced);
            exit
        }
        Err(error) => fail(&error.to_string()),
    }
}

fn tell_of_time(exit: Exit, timeout: Option<Duration>) {
    if let (Exit::TimedOut, Some(timeout)) = (exit, timeout) {
        report::note(&format!(
            "time was up after {timeout:?}: the command was ended"
        ));
    }
}

/// The patched shell that takes the kernel's place, if one does, and the command for it.
fn instead(
    args: &Args,
    settings: &Settings,
    error: &RunError,
    first: &Command,
) -> Option<(Patched, Command)> {
    args.script.as_ref()?;
    let directory = std::env::current_dir().ok()?;
    let mut command = command(args, &settings.shell.value, &directory, Mark::Packet).ok()?;
    // By now this process waits for signals that are no concern of the command.
    (command.ignored, command.blocked) = (first.ignored, first.blocked);
    Some((settings::instead(settings, error, None)?, command))
}

/// What is lost is always said, what holds with `--verbose`.
fn describe(args: &Args, layers: &Layers) {
    for (name, reason) in layers.missing() {
        let lost = name.lost();
        report::note(&format!("no {}: {lost} ({reason})", name.as_str()));
    }
    for layer in layers.list.iter().filter(|_| args.verbose) {
        let what = match &layer.status {
            Status::InForce => layer.name.holds(),
            Status::Partly(what) => what,
            Status::Missing(_) | Status::Off => continue,
        };
        report::note(&format!("{}: {what}", layer.name.as_str()));
    }
}
