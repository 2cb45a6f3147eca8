//! The configuration that git would obey: whether the sandboxed side could have written it, or what it
//! names.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use super::super::argv;
use super::super::walk::{Lost, Roots, walk};
use super::config_file::{Entry, parse};
use super::files::read;
use super::{Objection, Variables};

/// A file of configuration is not larger, in bytes.
const LARGEST: usize = 1 << 20;
/// There are no more files, one including another.
const FILES: usize = 64;

/// Where git looks for the machine's, beside where it is installed.
const SYSTEM: &str = "/etc/gitconfig";

/// Variables that hold paths of which it obeys what lies there.
const PATHS: [&str; 5] = [
    "core.hookspath",
    "core.attributesfile",
    "init.templatedir",
    "include.path",
    "lfs.storage",
];
/// The last parts of variables that hold commands, by section.
const COMMANDS: [(&str, &[&str]); 24] = [
    (
        "core",
        &[
            "fsmonitor",
            "sshcommand",
            "gitproxy",
            "pager",
            "editor",
            "askpass",
            "alternaterefscommand",
        ],
    ),
    ("sequence", &["editor"]),
    ("pager", &[]),
    ("diff", &["external", "command", "textconv"]),
    ("difftool", &["cmd", "path"]),
    ("merge", &["driver"]),
    ("mergetool", &["cmd", "path"]),
    ("filter", &["clean", "smudge", "process"]),
    ("credential", &["helper"]),
    ("gpg", &["program", "defaultkeycommand"]),
    ("interactive", &["difffilter"]),
    ("browser", &["cmd", "path"]),
    ("man", &["cmd", "path"]),
    ("remote", &["uploadpack", "receivepack", "vcs"]),
    ("uploadpack", &["packobjectshook"]),
    ("trailer", &["cmd", "command"]),
    ("hook", &["command"]),
    ("submodule", &["update"]),
    ("imap", &["tunnel"]),
    ("sendemail", &[]),
    ("guitool", &["cmd"]),
    ("lfs", &["path", "args"]),
    ("receive", &["procreceiverefs"]),
    ("help", &["browser"]),
];
/// Variables that hold paths, or what looks like one, and run nothing there.
const HARMLESS: [&str; 16] = [
    "core.worktree",
    "safe.directory",
    "maintenance.repo",
    "gui.recentrepo",
    "core.excludesfile",
    "commit.template",
    "user.signingkey",
    "blame.ignorerevsfile",
    "gpg.ssh.allowedsignersfile",
    "gpg.ssh.revocationfile",
    "http.cookiefile",
    "http.sslcainfo",
    "http.sslcapath",
    "http.sslcert",
    "http.sslkey",
    "format.signaturefile",
];
/// Sections likewise; addresses of remotes are looked at elsewhere.
const HARMLESS_SECTIONS: [&str; 4] = ["remote", "url", "branch", "submodule"];

/// Files of configuration, as they are read.
pub(super) struct Config<'a> {
    roots: &'a Roots,
    home: Option<PathBuf>,
    files: usize,
    /// What they say, in order.
    pub(super) entries: Vec<Entry>,
}

impl<'a> Config<'a> {
    /// The machine's and the user's, for the program at `git`.
    pub(super) fn of_user(
        roots: &'a Roots,
        variables: Variables<'_>,
        git: Option<&Path>,
    ) -> Result<Self, Objection> {
        let home = variables("HOME").map(PathBuf::from);
        let mut config = Self {
            roots,
            home: home.clone(),
            files: 0,
            entries: Vec::new(),
        };
        let beside = git.and_then(Path::parent).and_then(Path::parent);
        let mut files = vec![PathBuf::from(SYSTEM)];
        files.extend(beside.map(|prefix| prefix.join("etc/gitconfig")));
        let named = |name| variables(name).map(PathBuf::from);
        files.extend(named("GIT_CONFIG_SYSTEM"));
        let below = |home: PathBuf| [home.join(".config/git/config"), home.join(".gitconfig")];
        files.extend(home.into_iter().flat_map(below));
        files.extend(named("XDG_CONFIG_HOME").map(|xdg| xdg.join("git/config")));
        files.extend(named("GIT_CONFIG_GLOBAL"));
        for file in files.iter().filter(|file| file.is_absolute()) {
            config.add(file)?;
        }
        config.add_variables(variables)?;
        Ok(config)
    }

    /// What variables of the environment say of the configuration.
    fn add_variables(&mut self, variables: Variables<'_>) -> Result<(), Objection> {
        let Some(count) = variables("GIT_CONFIG_COUNT") else {
            return Ok(());
        };
        let count: usize = count.to_str().and_then(|c| c.parse().ok()).unwrap_or(0);
        for number in 0..count.min(FILES) {
            let name = variables(&format!("GIT_CONFIG_KEY_{number}"));
            let value = variables(&format!("GIT_CONFIG_VALUE_{number}"));
            if let (Some(name), Some(value)) = (name, value) {
                let name = name.to_string_lossy().to_lowercase();
                self.take(name, value.into_vec(), Path::new("/"))?;
            }
        }
        Ok(())
    }

    /// Reads one more file, and what it includes.
    pub(super) fn add(&mut self, file: &Path) -> Result<(), Objection> {
        self.files += 1;
        if self.files > FILES {
            return Err(Objection::new(
                "there is more configuration of git than is looked at",
            ));
        }
        match walk(file, self.roots) {
            Ok(found) if found.writable.is_none() => {}
            Err(Lost::Missing) => return Ok(()),
            Ok(_) | Err(Lost::Writable(_)) => {
                let file = argv::word(file.as_os_str());
                return Err(Objection(format!(
                    "configuration that the command could have written: {file}"
                )));
            }
            Err(Lost::Hidden) => return Err(unreadable(file)),
        }
        let bytes = read(file, LARGEST).map_err(|_| unreadable(file))?;
        let entries = parse(&bytes.unwrap_or_default()).ok_or_else(|| unreadable(file))?;
        for (name, value) in entries {
            let folder = file.parent().unwrap_or(file);
            self.take(name, value, folder)?;
        }
        Ok(())
    }

    /// Takes one variable from a file in `folder`, or what it includes.
    fn take(&mut self, name: String, value: Vec<u8>, folder: &Path) -> Result<(), Objection> {
        let condition = name.strip_prefix("includeif.");
        let included = condition.is_some_and(|rest| rest.rsplit('.').next() == Some("path"));
        if !included && name != "include.path" {
            self.entries.push((name, value));
            return Ok(());
        }
        let path = self.resolve(&value, folder);
        self.add(&path.ok_or_else(|| unclear(&name))?)
    }

    /// The path that a value is; `None` where nobody knows here what it means.
    fn resolve(&self, value: &[u8], folder: &Path) -> Option<PathBuf> {
        let value = value.strip_prefix(b":(optional)").unwrap_or(value);
        if let Some(rest) = value.strip_prefix(b"~/") {
            return Some(self.home.as_ref()?.join(OsStr::from_bytes(rest)));
        }
        let is_special = value.starts_with(b"~") || value.starts_with(b"%(");
        (!is_special).then(|| folder.join(OsStr::from_bytes(value)))
    }

    /// The last value of a variable.
    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        let mut entries = self.entries.iter().rev();
        let (_, value) = entries.find(|(known, _)| known == name)?;
        Some(value)
    }

    /// Looks at each value that names something to start or to obey; `top` is where git starts it.
    pub(super) fn look(&self, top: &Path, subcommand: Option<&OsStr>) -> Result<(), Objection> {
        for (name, value) in &self.entries {
            self.look_at(name, value, top, subcommand)?;
        }
        Ok(())
    }

    fn look_at(
        &self,
        name: &str,
        value: &[u8],
        top: &Path,
        subcommand: Option<&OsStr>,
    ) -> Result<(), Objection> {
        let (section, _) = name.split_once('.').unwrap_or((name, ""));
        let (_, last) = name.rsplit_once('.').unwrap_or(("", name));
        if section == "alias" {
            let mut named = [name.get("alias.".len()..), Some(last)]
                .into_iter()
                .flatten();
            return if subcommand.is_some_and(|asked| named.any(|name| asked == name)) {
                Err(Objection(format!(
                    "`{last}` is an alias, which may start anything"
                )))
            } else {
                Ok(())
            };
        }
        let switch = [&b"true"[..], b"false", b"yes", b"no", b"on", b"off", b""];
        if switch.contains(&value) || HARMLESS.contains(&name) {
            return Ok(());
        }
        if PATHS.contains(&name) {
            let path = self.resolve(value, top);
            let path = path.ok_or_else(|| unclear(name))?;
            return self.look_at_path(name, &path);
        }
        let is_command = COMMANDS
            .iter()
            .any(|(known, keys)| *known == section && (keys.is_empty() || keys.contains(&last)));
        if is_command {
            return self.look_at_words(name, value, top, &|_| true);
        }
        if HARMLESS_SECTIONS.contains(&section) {
            return Ok(());
        }
        let marked = |word: &[u8]| {
            let marks = [&b"/"[..], b"./", b"../", b"~/"];
            marks.iter().any(|mark| word.starts_with(mark))
        };
        self.look_at_words(name, value, top, &marked)
    }

    /// Looks at the words of a command line that are paths.
    fn look_at_words(
        &self,
        name: &str,
        value: &[u8],
        top: &Path,
        counts: &dyn Fn(&[u8]) -> bool,
    ) -> Result<(), Objection> {
        let between =
            |byte: &u8| byte.is_ascii_whitespace() || b"'\"`;|&()<>=!$\\{}".contains(byte);
        for word in value.split(between) {
            let address = word.windows(3).any(|three| three == b"://");
            if !word.contains(&b'/') || address || !counts(word) {
                continue;
            }
            let path = self.resolve(word, top).ok_or_else(|| unclear(name))?;
            self.look_at_path(name, &path)?;
        }
        Ok(())
    }

    fn look_at_path(&self, name: &str, path: &Path) -> Result<(), Objection> {
        match self.roots.entry_towards(path) {
            None => Ok(()),
            Some(entry) => {
                let entry = argv::word(entry.as_os_str());
                let name = argv::visible(name);
                Err(Objection(format!(
                    "{name} names what the command could have written: {entry}"
                )))
            }
        }
    }
}

fn unreadable(file: &Path) -> Objection {
    let file = argv::word(file.as_os_str());
    Objection(format!("configuration that can't be read: {file}"))
}

fn unclear(name: &str) -> Objection {
    let name = argv::visible(name);
    Objection(format!("{name} names a place that isn't known here"))
}

/// Variables that choose another repository or another part of it than git would find.
pub(super) const CHOOSING: [&str; 12] = [
    "GIT_DIR",
    "GIT_COMMON_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_TEMPLATE_DIR",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_REPLACE_REF_BASE",
];

/// One of them that is set.
pub(super) fn chosen(variables: Variables<'_>) -> Option<&'static str> {
    let set = |name: &&str| variables(name).is_some_and(|value: OsString| !value.is_empty());
    CHOOSING.into_iter().find(set)
}
