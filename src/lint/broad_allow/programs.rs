//! Programs that do whatever their arguments say.

use crate::models::model::Form;
use crate::models::{self, CommandModel};

/// How a program comes to run anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunsBy {
    /// Runs the script or the code that it is given.
    Interpreter,
    /// Runs the command that follows.
    Wrapper,
    /// Has subcommands or options that run other programs.
    Launcher,
}

const INTERPRETERS: &str = "
    ash awk bash bun busybox csh dash deno ed elixir emacs erl ex expect fish gawk gdb ghci
    groovy guile irb java jshell julia ksh lldb lua luajit m4 mawk mksh nawk node nodejs nvim
    octave osascript perl php powershell psql pwsh pypy python r racket rscript ruby scala sed
    sh sqlite swift tclsh toybox ts-node tsx vi view vim wish xonsh yash zsh
";

/// Beside those whose models say that a command follows.
const WRAPPERS: &str = "coproc direnv perf runuser script su tmux";

const LAUNCHERS: &str = "
    ansible aws bazel brew bundle bunx cargo cmake composer conda crontab curl docker
    docker-compose fd find gcc gem gh git go gradle gradlew helm hg jj just kubectl less make
    man meson more mvn mvnw ninja nix npm npx openssl pip pipx pnpm pnpx podman poetry
    pre-commit pytest rake rg rsync rustc rustup scp sftp sort ssh svn systemctl tar task tee
    terraform tox uv uvx vagrant wget yarn zip
";

/// First arguments, in lower case, after which an interpreter or a launcher still runs anything.
const OPENERS: &str = "
    - -c -lc -ic -e -ec -p -r -i -- --eval --print -x -m -l --login -s eval run exec x dlx /c
    /k -command -encodedcommand -file -f
";

impl RunsBy {
    /// What follows from allowing it, to end a sentence.
    pub(super) fn consequence(self) -> &'static str {
        match self {
            Self::Interpreter => "any script or code would run outside the sandbox",
            Self::Wrapper => "any program would run outside the sandbox",
            Self::Launcher => "some of its arguments run other programs or write files, outside",
        }
    }

    /// Whether any program still runs when `word` is the first argument.
    pub(super) fn is_opened_by(self, word: &str) -> bool {
        match self {
            Self::Interpreter | Self::Launcher => lists(OPENERS, &word.to_lowercase()),
            // Whatever its options are, a command follows.
            Self::Wrapper => word.starts_with('-'),
        }
    }
}

/// How the program of this name, in lower case, comes to run anything; `None` if it doesn't.
pub(super) fn reach(name: &str) -> Option<RunsBy> {
    let name = name.strip_suffix(".exe").unwrap_or(name);
    of(name).or_else(|| of(name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.')))
}

fn of(name: &str) -> Option<RunsBy> {
    let listed = [
        (INTERPRETERS, RunsBy::Interpreter),
        (WRAPPERS, RunsBy::Wrapper),
        (LAUNCHERS, RunsBy::Launcher),
    ];
    let mut listed = listed.into_iter();
    let listed = listed.find_map(|(names, reach)| lists(names, name).then_some(reach));
    let by_model = || {
        let model = models::builtin(name)?;
        runs_what_follows(model).then_some(RunsBy::Wrapper)
    };
    listed.or_else(by_model)
}

/// Whether a command follows, whatever the options are.
fn runs_what_follows(model: &CommandModel) -> bool {
    model.inner.iter().any(|inner| {
        matches!(inner.form, Form::Words | Form::Line)
            && inner.when.is_empty()
            && inner.follows.is_empty()
            && inner.behind.is_empty()
    })
}

fn lists(words: &str, word: &str) -> bool {
    words.split_whitespace().any(|listed| listed == word)
}
