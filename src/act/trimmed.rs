//! What of the session's own variables goes outside: what they name there must not be the sandbox's.
//!
//! A variable of the start can be trusted, the file that it leads to can't if the sandboxed side can
//! write it: a directory of the workspace on `PATH`, an editor in it, a library. Which variables make a
//! program load or run something nobody can list, so that any may name only what can't be written from
//! inside; a few are known to name nothing that is run.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use crate::request::Roots;

/// The search path where nothing of the session's own is left.
const PLAIN_PATH: &str = "/usr/bin:/bin";

/// Lists of directories in which programs look for what they run or load. An entry that is empty or
/// relative means the working directory, or something in it.
const LISTS: &[&str] = &[
    "CLASSPATH",
    "GEM_PATH",
    "LD_LIBRARY_PATH",
    "LIBRARY_PATH",
    "NODE_PATH",
    "PATH",
    "PERL5LIB",
    "PERLLIB",
    "PKG_CONFIG_PATH",
    "PYTHONPATH",
    "RUBYLIB",
    "XDG_CONFIG_DIRS",
    "XDG_DATA_DIRS",
];

/// Names that hold commands, or files that are run before anything else: a path with a slash anywhere
/// in it may be in the working directory.
const COMMANDS: &[&str] = &[
    "BASH_ENV",
    "BROWSER",
    "EDITOR",
    "ENV",
    "GIT_ASKPASS",
    "GIT_EDITOR",
    "GIT_EXTERNAL_DIFF",
    "GIT_PAGER",
    "GIT_PROXY_COMMAND",
    "GIT_SEQUENCE_EDITOR",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GOFLAGS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "LESSOPEN",
    "MANPAGER",
    "NODE_OPTIONS",
    "PAGER",
    "PERL5OPT",
    "PYTHONSTARTUP",
    "RSYNC_RSH",
    "RUBYOPT",
    "RUSTC_WRAPPER",
    "SHELL",
    "SSH_ASKPASS",
    "SUDO_ASKPASS",
    "VISUAL",
];

/// Names of which it is known that nothing is run or loaded from where they lead.
const HARMLESS: &[&str] = &[
    // The session's own and always passed on; what a home directory holds is protected otherwise.
    "HOME",
    // Set anew for each program.
    "PWD",
    "OLDPWD",
    // Places for files that a program makes itself.
    "TEMP",
    "TMP",
    "TMPDIR",
    "HISTFILE",
    // Texts.
    "INFOPATH",
    "MANPATH",
    // Tickets and cookies, and servers to talk to.
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "KRB5CCNAME",
    "SSH_AUTH_SOCK",
    "XAUTHORITY",
];

/// What becomes of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trimmed {
    /// It goes as it is.
    Whole,
    /// It goes without these entries.
    Less {
        /// What is left.
        value: OsString,
        /// What is not.
        without: Vec<OsString>,
    },
    /// It does not go.
    Gone,
}

/// What of `NAME=value`, as the session started with it, goes outside; `home` stands for `~`.
pub fn trimmed(name: &OsStr, value: &OsStr, roots: &Roots, home: Option<&OsStr>) -> Trimmed {
    if HARMLESS.iter().any(|harmless| name == *harmless) {
        return Trimmed::Whole;
    }
    let leads = |word: &[u8]| leads_inside(word, roots, home);
    let value = value.as_bytes();
    let is = |list: &[&str]| list.iter().any(|listed| name == *listed);
    if is(LISTS) {
        let list = without(value, |entry| !entry.starts_with(b"/") || leads(entry));
        return match list {
            Trimmed::Gone if name == "PATH" => Trimmed::Less {
                value: PLAIN_PATH.into(),
                without: entries(value),
            },
            list => list,
        };
    }
    let here = |word: &[u8]| is(COMMANDS) && word.contains(&b'/') && !word.starts_with(b"/");
    if !words(value).any(|word| leads(word) || here(word)) {
        return Trimmed::Whole;
    }
    let absolute = |entry: &OsString| entry.as_bytes().starts_with(b"/");
    if value.contains(&b':') && entries(value).iter().all(absolute) {
        without(value, leads)
    } else {
        Trimmed::Gone
    }
}

fn entries(value: &[u8]) -> Vec<OsString> {
    let entries = value.split(|&byte| byte == b':');
    entries
        .map(|entry| OsString::from_vec(entry.to_vec()))
        .collect()
}

/// A list without the entries that are `bad`.
fn without(value: &[u8], bad: impl Fn(&[u8]) -> bool) -> Trimmed {
    let is_bad = |entry: &OsString| bad(entry.as_bytes());
    let (gone, left): (Vec<_>, Vec<_>) = entries(value).into_iter().partition(is_bad);
    if gone.is_empty() {
        return Trimmed::Whole;
    }
    if left.is_empty() {
        return Trimmed::Gone;
    }
    Trimmed::Less {
        value: left.join(OsStr::new(":")),
        without: gone,
    }
}

/// What could be a path in a value, whatever stands around it.
fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|byte| b" \t\n:;,=|@\"'".contains(byte))
        .map(|word| {
            // A path may follow an option at once.
            let start = word.iter().position(|&byte| byte == b'/');
            let start = start.filter(|_| word.starts_with(b"-")).unwrap_or(0);
            word.get(start..).unwrap_or_default()
        })
}

/// Whether `word` is a path to what the sandboxed side could have put there. A socket leads to whoever
/// listens, and is no program.
fn leads_inside(word: &[u8], roots: &Roots, home: Option<&OsStr>) -> bool {
    let at_home = word.strip_prefix(b"~/").zip(home);
    let path = match at_home {
        Some((below, home)) => Path::new(home).join(OsStr::from_bytes(below)),
        None if word.starts_with(b"/") => Path::new(OsStr::from_bytes(word)).to_owned(),
        None => {
            return matches!(
                word,
                b"." | b".." | [b'.', b'/', ..] | [b'.', b'.', b'/', ..]
            );
        }
    };
    roots.entry_towards(&path).is_some()
        && !fs::metadata(&path).is_ok_and(|file| file.file_type().is_socket())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    /// `ws` can be written; `tools` can't, but for links in it that lead to `ws`.
    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir_in("/var/tmp").unwrap();
            let at = |name: &str| folder.path().join(name);
            for name in ["ws/bin", "tools/bin"] {
                fs::create_dir_all(at(name)).unwrap();
            }
            symlink(at("ws/bin"), at("tools/link")).unwrap();
            symlink(at("tools/bin"), at("ws/back")).unwrap();
            Self(folder)
        }

        fn spelled(&self, text: &str) -> OsString {
            text.replace('@', self.0.path().to_str().unwrap()).into()
        }

        fn trimmed(&self, name: &str, value: &str) -> Trimmed {
            let roots = Roots::of(&[self.0.path().join("ws")]);
            let home = self.spelled("@/ws");
            trimmed(name.as_ref(), &self.spelled(value), &roots, Some(&home))
        }
    }

    #[test]
    fn entries_that_lead_inside_are_left_out() {
        let place = Place::new();
        for (name, value, left) in [
            ("PATH", "/usr/bin:/bin", Some("/usr/bin:/bin")),
            ("PATH", "@/ws/bin:/bin", Some("/bin")),
            ("PATH", "@/ws/none:@/ws:/bin", Some("/bin")),
            ("PATH", "@/tools/link:@/tools/bin", Some("@/tools/bin")),
            ("PATH", "@/ws/back:/bin", Some("/bin")),
            ("PATH", "@/tools/../ws/bin:/bin:", Some("/bin")),
            ("PATH", "bin:.::/bin", Some("/bin")),
            ("PATH", "/proc/self/cwd:/bin", Some("/bin")),
            ("PATH", "@/ws/bin", Some("/usr/bin:/bin")),
            ("PATH", "", Some("/usr/bin:/bin")),
            ("PATH", "@/tools/none:/bin", Some("@/tools/none:/bin")),
            ("LD_LIBRARY_PATH", "@/ws/lib", None),
            ("PYTHONPATH", "@/tools/bin:src:", Some("@/tools/bin")),
            ("OTHER_PATH", "@/ws/x:/opt", Some("/opt")),
        ] {
            let found = match place.trimmed(name, value) {
                Trimmed::Whole => Some(place.spelled(value)),
                Trimmed::Less { value, .. } => Some(value),
                Trimmed::Gone => None,
            };
            assert_eq!(found, left.map(|l| place.spelled(l)), "{name}={value}");
        }
    }

    #[test]
    fn what_names_something_inside_does_not_go() {
        let place = Place::new();
        let _socket = UnixListener::bind(place.0.path().join("ws/socket")).unwrap();
        for (name, value, goes) in [
            ("EDITOR", "@/ws/bin/ed", false),
            ("EDITOR", "vim -u @/ws/vimrc", false),
            ("EDITOR", "bin/ed", false),
            ("EDITOR", "/usr/bin/vim", true),
            ("EDITOR", "~/bin/ed", false),
            ("VIRTUAL_ENV", "@/ws/.venv", false),
            ("GIT_EXEC_PATH", "@/tools/link", false),
            ("NODE_OPTIONS", "--require=./x.js", false),
            ("CFLAGS", "-O2 -I@/ws/include", false),
            ("JAVA_TOOL_OPTIONS", "-javaagent:@/ws/a.jar", false),
            ("KUBECONFIG", "@/tools/config", true),
            ("TMPDIR", "@/ws", true),
            ("SOME_SOCKET", "@/ws/socket,12,0", true),
            ("URL", "https://example.org/a/b", true),
            ("WHERE", "Europe/Rome", true),
            ("EMPTY", "", true),
        ] {
            let trimmed = place.trimmed(name, value);
            assert_eq!(trimmed == Trimmed::Whole, goes, "{name}={value}");
        }
    }
}
