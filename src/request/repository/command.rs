//! What git is asked, as far as that decides which repository it works on.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::super::Words;
use super::super::program::last_component;

/// Programs that start git where they are started, and take no part of its command line.
const WRAPPERS: [&str; 11] = [
    "gh",
    "git-lfs",
    "gitk",
    "gitui",
    "glab",
    "jj",
    "lazygit",
    "lefthook",
    "pre-commit",
    "tea",
    "tig",
];
/// Options before the subcommand, and whether a value follows.
const GLOBAL: [(&str, bool); 25] = [
    ("-C", true),
    ("-c", true),
    ("--config-env", true),
    ("--git-dir", true),
    ("--work-tree", true),
    ("--namespace", true),
    ("--attr-source", true),
    // Which commits have no parents here.
    ("--shallow-file", true),
    ("-p", false),
    ("--paginate", false),
    ("-P", false),
    ("--no-pager", false),
    ("--no-replace-objects", false),
    ("--no-lazy-fetch", false),
    ("--no-optional-locks", false),
    ("--no-advice", false),
    ("--literal-pathspecs", false),
    ("--glob-pathspecs", false),
    ("--noglob-pathspecs", false),
    ("--icase-pathspecs", false),
    ("--html-path", false),
    ("--man-path", false),
    ("--info-path", false),
    ("--exec-path", false),
    ("--list-cmds", false),
];
/// Options that say something of git itself in place of a subcommand.
const ABOUT: [&str; 4] = ["-v", "--version", "-h", "--help"];

/// A command line of git's.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct GitCommandLine<'a> {
    /// The directories that it goes to first, one from another.
    pub(super) directories: Vec<&'a OsStr>,
    /// The repository, where it is named.
    pub(super) git_dir: Option<&'a OsStr>,
    /// The working tree is named.
    pub(super) names_work_tree: bool,
    /// Settings for this command: `name=value` each.
    pub(super) settings: Vec<&'a OsStr>,
    /// The same from variables: `name=VARIABLE`.
    pub(super) settings_from_variables: Vec<&'a OsStr>,
    /// What it is to do; `None` where it says something about itself.
    pub(super) subcommand: Option<&'a OsStr>,
    /// What follows that.
    pub(super) arguments: &'a [OsString],
    /// It is git itself that is started, and by no two names.
    pub(super) is_plain: bool,
}

/// What becomes of a command line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum GitReading<'a> {
    /// It starts no git.
    Other,
    /// It does.
    Git(GitCommandLine<'a>),
    /// It does, and this option isn't known.
    Unknown(&'a OsStr),
}

/// Whether `request` starts a hook, or what has the name of one. What git that starts, starts by an exec.
pub(super) fn is_named_as_hook(request: Words<'_>) -> bool {
    let names = [
        Some(last_component(request.asked)),
        request.real.and_then(Path::file_name),
    ];
    names.into_iter().flatten().any(|name| name == "pre-commit")
}

/// Reads the words of `request`.
pub(super) fn read(request: Words<'_>) -> GitReading<'_> {
    let given = [
        Some(last_component(request.asked)),
        request.real.and_then(Path::file_name),
        request
            .argv
            .first()
            .and_then(|name| Path::new(name).file_name()),
    ];
    let names = || given.into_iter().flatten();
    let dashed = names().find_map(|name| name.as_bytes().strip_prefix(b"git-"));
    let arguments = request.arguments();
    if names().any(|name| WRAPPERS.iter().any(|known| name == *known)) {
        // Whatever it makes git do, it may be this.
        let subcommand = Some(OsStr::new("push"));
        return GitReading::Git(GitCommandLine {
            subcommand,
            ..GitCommandLine::default()
        });
    }
    // Which name counts is git's to say.
    let [asked, real, argv0] = given.map(|name| name.map(OsStr::as_bytes));
    let is_git = |name: &[u8]| name == b"git" || name.starts_with(b"git-");
    let is_dashed = asked.is_some_and(|asked| asked.starts_with(b"git-"));
    let is_plain = asked == argv0
        && (is_dashed || asked == Some(b"git") && real == Some(b"git"))
        && real.is_some_and(is_git);
    if let Some(subcommand) = dashed {
        return GitReading::Git(GitCommandLine {
            subcommand: Some(subcommand_of(OsStr::from_bytes(subcommand), arguments)),
            arguments,
            is_plain,
            ..GitCommandLine::default()
        });
    }
    // hub hands on what it does not know.
    if names().any(|name| name == "git" || name == "hub") {
        return match globals(arguments) {
            GitReading::Git(asked) => GitReading::Git(GitCommandLine { is_plain, ..asked }),
            other => other,
        };
    }
    GitReading::Other
}

/// What git does that is asked for `subcommand`: with this first argument it shows a manual.
fn subcommand_of<'a>(subcommand: &'a OsStr, arguments: &[OsString]) -> &'a OsStr {
    let is_help = arguments.first().is_some_and(|word| word == "--help");
    if is_help {
        OsStr::new("help")
    } else {
        subcommand
    }
}

/// Reads what follows `git`.
pub(super) fn globals(words: &[OsString]) -> GitReading<'_> {
    let mut asked = GitCommandLine::default();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        if ABOUT.iter().any(|known| word == known) {
            // With a subcommand it shows a manual, by what the repository's configuration says.
            let more = word != "-v" && word != "--version" && at < words.len();
            asked.subcommand = more.then_some(OsStr::new("help"));
            return GitReading::Git(asked);
        }
        let bytes = word.as_bytes();
        if !bytes.starts_with(b"-") {
            asked.arguments = words.get(at..).unwrap_or_default();
            asked.subcommand = Some(subcommand_of(word, asked.arguments));
            return GitReading::Git(asked);
        }
        let equals = bytes.iter().position(|&byte| byte == b'=');
        let (name, attached) = match equals {
            Some(equals) if bytes.starts_with(b"--") => {
                let (name, value) = bytes.split_at(equals);
                (name, value.get(1..).map(OsStr::from_bytes))
            }
            _ => (bytes, None),
        };
        let known = GLOBAL.iter().find(|(known, _)| known.as_bytes() == name);
        let Some((name, takes)) = known else {
            return GitReading::Unknown(word);
        };
        // Another place of its programs.
        if *name == "--exec-path" && attached.is_some() {
            return GitReading::Unknown(word);
        }
        let value = match attached {
            None if *takes => {
                at += 1;
                words.get(at - 1).map(OsString::as_os_str)
            }
            attached => attached,
        };
        match (*name, value) {
            ("-C", Some(value)) => asked.directories.push(value),
            ("--git-dir", value) => asked.git_dir = value,
            ("-c", Some(value)) => asked.settings.push(value),
            ("--config-env", Some(value)) => asked.settings_from_variables.push(value),
            ("--work-tree", _) => asked.names_work_tree = true,
            _ => {}
        }
    }
    GitReading::Git(asked)
}

impl GitCommandLine<'_> {
    /// Where it goes first.
    pub(super) fn start(&self, cwd: &Path) -> PathBuf {
        let mut start = cwd.to_owned();
        start.extend(&self.directories);
        start
    }

    /// Whether it makes a repository, and goes on with that.
    pub(super) fn makes_repository(&self) -> bool {
        let bridged = self.is(&["svn", "p4"]) && {
            let making = ["clone", "init", "multi-init"];
            let mut words = self.arguments.iter();
            words.any(|word| making.iter().any(|name| word == name))
        };
        bridged || self.is(&["init", "init-db", "clone"])
    }

    /// Whether it is one of these.
    pub(super) fn is(&self, names: &[&str]) -> bool {
        let subcommand = self.subcommand;
        subcommand.is_some_and(|subcommand| names.iter().any(|name| subcommand == *name))
    }
}

/// Subcommands that serve the repository that they are given, whatever directory they are started in.
const SERVING: [&str; 4] = [
    "receive-pack",
    "upload-archive",
    "upload-archive--writer",
    "upload-pack",
];

/// The repository that `asked` serves.
pub(super) fn served<'a>(asked: &GitCommandLine<'a>) -> Option<&'a OsStr> {
    let operands = asked.is(&SERVING).then_some(asked.arguments)?.iter();
    let mut operands = operands.filter(|word| !word.as_bytes().starts_with(b"-"));
    operands.next().map(OsString::as_os_str)
}

/// Subcommands that go into submodules by starting another git there, or make them.
const STARTING: [&str; 11] = [
    "checkout",
    "clone",
    "fetch",
    "pull",
    "push",
    "read-tree",
    "rebase",
    "reset",
    "restore",
    "submodule",
    "switch",
];

/// Whether `asked` goes into submodules by itself, and there obeys what the command could have put in
/// their place; `always` if the configuration says so.
pub(super) fn goes_into_submodules(asked: &GitCommandLine<'_>, always: bool) -> bool {
    let is_option = |word: &OsString| cut_value(word, b"--recurse-submodules").is_some();
    !asked.is(&STARTING) && (always || asked.arguments.iter().any(is_option))
}

/// Whether `asked` may start another git in a submodule, whichever commit names that, to show differences there;
/// `configured` is how it shows them by itself.
pub(super) fn starts_git_in_submodules(
    asked: &GitCommandLine<'_>,
    configured: Option<&[u8]>,
) -> bool {
    let words = asked.arguments.iter();
    let mut forms = words.filter_map(|word| cut_value(word, b"--submodule"));
    configured == Some(b"diff") || forms.any(|form| form == b"diff")
}

/// The value attached to `word`, if that may be the long `option`, perhaps cut short.
fn cut_value<'a>(word: &'a OsStr, option: &[u8]) -> Option<&'a [u8]> {
    let mut parts = word.as_bytes().splitn(2, |&byte| byte == b'=');
    let name = parts.next()?;
    let is_it = name.len() > 2 && option.starts_with(name);
    is_it.then(|| parts.next().unwrap_or_default())
}
