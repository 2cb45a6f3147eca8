//! `codex-shell rules explain`.
//!
//! The document that `--format json` writes is described in [`crate::report::explain`].

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs::Metadata;
use std::io::{self, IsTerminal as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::act::environment::SessionEnvironment;
use crate::config::{Places, Profiles};
use crate::confine::{Mode, Policy};
use crate::evaluate::IndexedRules;
use crate::exit::Exit;
use crate::flow::{Inquiry, Setting};
use crate::models::CommandModel;
use crate::report;
use crate::report::explained::{self, Explained};
use crate::request::program::last_component;
use crate::request::{Earlier, Interpreter, Request, WorkingDirectory, Writable, argv};
use crate::rules::Decision;
use crate::script::MAX_BYTES;
use crate::sys::read_capped::read_capped;

use super::settings::{self, SandboxMode, SettingsArgs};
use super::{Format, finish, here};

/// How long a script may take to come out of a pipe.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  codex-shell rules explain -- git push --force
  codex-shell rules explain -c 'cd /x && timeout 5 git push --force | tee log'
  codex-shell rules explain build.sh

Exit status with --exit-code: 0 allow, 10 prompt, 11 forbidden.")]
pub(super) struct Args {
    /// Read rules from this file, or from the *.rules files in this directory, and from nowhere
    /// else; may be given again
    #[arg(short, long, value_name = "FILE|DIR")]
    rules: Vec<PathBuf>,
    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Where the command would be started
    #[arg(short = 'C', long, value_name = "DIR")]
    cwd: Option<PathBuf>,
    /// Report the decision in the exit status
    #[arg(long)]
    exit_code: bool,
    /// What the sandbox could write, and so could have put in a program's place
    /// [default: workspace-write]
    #[arg(long, value_enum, value_name = "MODE")]
    sandbox: Option<SandboxMode>,
    /// Judge each command of this shell script
    #[arg(
        short = 'c',
        value_name = "SCRIPT",
        allow_hyphen_values = true,
        conflicts_with = "script"
    )]
    text: Option<OsString>,
    /// Judge each command of the shell script in this file
    #[arg(long, value_name = "FILE", conflicts_with = "command")]
    script: Option<PathBuf>,
    /// The command, as separate words; one word that names a file ending in .sh or .bash that
    /// isn't executable is taken for --script
    #[arg(value_name = "CMD", trailing_var_arg = true)]
    command: Vec<OsString>,
}

impl Args {
    fn written(
        &self,
        text: impl Fn(bool) -> String,
        json: impl Fn() -> serde_json::Result<String>,
    ) -> serde_json::Result<String> {
        match self.format {
            Format::Text => Ok(text(wants_colour())),
            Format::Json => json(),
        }
    }
}

pub(super) fn main(args: &Args) -> Exit {
    if let Some(message) = wrongly_named(args) {
        report::error(&message);
        return Exit::Usage;
    }
    let cwd = match working_directory(args.cwd.as_deref()) {
        Ok(cwd) => cwd,
        Err(message) => {
            report::error(&message);
            return args.cwd.as_ref().map_or(Exit::Internal, |_| Exit::Usage);
        }
    };
    let flags = SettingsArgs::with_sandbox(args.sandbox);
    let Ok(loaded) = settings::load(cwd.to_path_buf(), &flags, &args.rules) else {
        return Exit::Internal;
    };
    let Ok(rules) = settings::rules_in_force(&loaded, &args.rules) else {
        report::error("nothing is explained without the rules that --rules names");
        return Exit::Internal;
    };
    let index = IndexedRules::new(rules);
    let set = &loaded.settings;
    let profiles = Profiles::new(set, cwd.to_path_buf(), std::env::var_os("TMPDIR"));
    let profiles = profiles.under(index.rules());
    let setting = Setting::of_first(set.sandbox.value, &profiles);
    let ground = ground(&cwd, set.sandbox.value, &set.writable.value);
    let session = SessionEnvironment::new(std::env::vars_os(), ground.roots.as_slice());
    let inquiry = Inquiry::here(&index, &session, cwd.clone(), &ground);
    let found = |words: &[OsString]| inquiry.request(words).program.path.is_some();
    let told = |explained: Explained<'_>| {
        let written = args.written(|colour| explained.text(colour), || explained.json());
        answer(args, written, explained.decision())
    };
    let is_shell = |name: &OsStr| index.model(name).is_some_and(CommandModel::is_shell);
    let words = match given(args, &cwd, &found, &is_shell) {
        Ok(Explainable::Script(text)) => {
            return explained::script(&inquiry, &setting, set, &text, told);
        }
        Ok(Explainable::Command(words)) => words,
        Err(message) => {
            report::error(&message);
            return Exit::Usage;
        }
    };
    let request = inquiry.request(&words);
    if let Some(line) = command_line(&request) {
        let word = argv::word(line);
        report::error(&format!(
            "there is no program {word}: for a command line, say -c {word}"
        ));
        return Exit::Usage;
    }
    explained::command(&inquiry, &setting, set, (&request, &words), told)
}

/// What is wrong with how the command is given.
fn wrongly_named(args: &Args) -> Option<String> {
    if let Some(text) = &args.text
        && !args.command.is_empty()
    {
        let mut whole = text.clone();
        whole.push(" ");
        whole.push(argv::text(&args.command));
        let mut told = format!("-c takes the script as one word: -c {}", argv::word(&whole));
        if !text.as_bytes().contains(&b' ') {
            let line = argv::text(&[std::slice::from_ref(text), &args.command].concat());
            let _ = write!(told, ", or leave -c out: -- {line}");
        }
        return Some(told);
    }
    let is_named = !args.command.is_empty() || args.text.is_some() || args.script.is_some();
    let told = "there is nothing to explain; name a command (`codex-shell rules explain -- git push`), a \
                script's text with -c, or its file with --script";
    (!is_named).then(|| told.to_owned())
}

/// What was meant for a whole command line: one word with blanks, which is no program.
fn command_line(request: &Request) -> Option<&OsString> {
    let [only] = request.argv.as_slice() else {
        return None;
    };
    let is_line = request.program.path.is_none() && only.as_bytes().contains(&b' ');
    is_line.then_some(only)
}

/// What is to be explained.
enum Explainable {
    /// The text of a shell's script.
    Script(Vec<u8>),
    /// A command, by its words.
    Command(Vec<OsString>),
}

/// What `args` name. The file of another interpreter than a shell is the command that it is.
fn given(
    args: &Args,
    cwd: &Path,
    is_found: &dyn Fn(&[OsString]) -> bool,
    is_shell: &dyn Fn(&OsStr) -> bool,
) -> Result<Explainable, String> {
    if let Some(text) = &args.text {
        return Ok(Explainable::Script(text.as_bytes().to_vec()));
    }
    let named = match args.command.as_slice() {
        [only] => Some(Path::new(only)).filter(|path| {
            is_script(&cwd.join(path))
                && !(is_found(&args.command) && is_executable(&cwd.join(path)))
        }),
        _ => None,
    };
    let Some(path) = args.script.as_deref().or(named) else {
        return Ok(Explainable::Command(args.command.clone()));
    };
    let place = if args.script.is_some() {
        path.to_owned()
    } else {
        cwd.join(path)
    };
    let shown = path.display();
    if named.is_some() && path.as_os_str().as_bytes().contains(&b'/') && !is_executable(&place) {
        report::note(&format!(
            "{shown} is not executable, so nothing can start it by this name; it is read as by --script"
        ));
    }
    if let Some(words) = of_interpreter(&place, is_shell) {
        return Ok(Explainable::Command(words));
    }
    let read = read_capped(&place, MAX_BYTES, PATIENCE);
    read.map(Explainable::Script)
        .map_err(|error| format!("{shown}: {error}"))
}

/// The command that has the file at `path` read by the interpreter that its first line names, unless that is a shell.
fn of_interpreter(path: &Path, is_shell: &dyn Fn(&OsStr) -> bool) -> Option<Vec<OsString>> {
    if !path.is_file() {
        return None;
    }
    let interpreter = Interpreter::of(path).ok()??;
    let mut names = std::iter::once(interpreter.path.as_os_str()).chain(interpreter.given_to_env());
    let is_read_by_shell = names.any(|name| is_shell(last_component(name)));
    (!is_read_by_shell).then(|| interpreter.argv(path.as_os_str(), &[]))
}

fn is_script(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    matches!(extension, Some("sh" | "bash")) && path.is_file()
}

fn is_executable(path: &Path) -> bool {
    let executable = |metadata: Metadata| metadata.permissions().mode() & 0o111 != 0;
    path.metadata().is_ok_and(executable)
}

fn answer(args: &Args, written: serde_json::Result<String>, decision: Decision) -> Exit {
    let exit = if args.exit_code {
        status(decision)
    } else {
        Exit::Success
    };
    finish(written.map_err(Into::into), exit)
}

/// `asked`, absolute, if it is a directory; without it, where we are.
pub(super) fn working_directory(asked: Option<&Path>) -> Result<WorkingDirectory, String> {
    let path = match asked {
        Some(asked) if asked.is_absolute() => asked.to_owned(),
        Some(asked) => here()?.join(asked),
        None => here()?,
    };
    if let Some(asked) = asked
        && !path.is_dir()
    {
        return Err(format!("--cwd {}: not a directory", asked.display()));
    }
    let found = WorkingDirectory::new(path);
    found.ok_or_else(|| "the working directory has no absolute path".to_owned())
}

/// What a sandbox that starts in `cwd` lets be written, under workspace-write `extra` too; where there can be none, what would be.
pub(super) fn ground(cwd: &Path, mode: Mode, extra: &[PathBuf]) -> Writable {
    let temporary = std::env::var_os("TMPDIR");
    let policy = Policy::new(mode, false, cwd, extra, temporary.as_deref());
    let places = Places::of_process(cwd.to_owned());
    let earlier = Earlier::of(places.codex_home.as_deref());
    policy.map_or_else(
        |_| Writable {
            roots: [cwd.to_owned(), "/tmp".into()]
                .into_iter()
                .chain(extra.iter().cloned())
                .collect(),
            held: Vec::new(),
            earlier: earlier.clone(),
            is_judged_outside: true,
        },
        |policy| Writable {
            earlier: earlier.clone(),
            ..policy.ground()
        },
    )
}

fn wants_colour() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    io::stdout().is_terminal() && !set("NO_COLOR") && !dumb
}

fn status(decision: Decision) -> Exit {
    match decision {
        Decision::Allow => Exit::Success,
        Decision::Prompt => Exit::Prompt,
        Decision::Forbidden => Exit::Forbidden,
    }
}
