//! Files that other programs execute or obey because a variable of the session's says where they are.
//!
//! A variable that moves what a home directory has moves what is held there as well, see [`super::obeyed`].

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::access::Cause;
use super::layout::Layout;
use super::obeyed::{self, Obeyed, Scope};
use super::placeholder::PlaceholderForm;
use super::policy::Policy;
use super::protection::Protection;
use super::trail::{Trail, TrailEnd};

/// What a variable names.
#[derive(Debug, Clone, Copy)]
enum NamedPlace {
    /// Files, with colons between them.
    Files,
    /// A directory that stands for this one in the home directory.
    Instead(&'static str),
    /// A directory that stands for the home directory, for these files.
    Home(&'static [&'static str]),
}

/// A variable, what it names, and of files who obeys them, and how.
type HomeVariableRow = (&'static str, NamedPlace, Scope, &'static str);

const ZSH: &[&str] = &[".zshenv", ".zprofile", ".zshrc", ".zlogin", ".zlogout"];

const ROWS: &[HomeVariableRow] = &[
    (
        "BASH_ENV",
        NamedPlace::Files,
        Scope::Login,
        "bash runs it when it starts for a script",
    ),
    (
        "ENV",
        NamedPlace::Files,
        Scope::Login,
        "sh runs it when it starts",
    ),
    (
        "ZDOTDIR",
        NamedPlace::Home(ZSH),
        Scope::Login,
        "zsh runs it when it starts or ends",
    ),
    (
        "INPUTRC",
        NamedPlace::Files,
        Scope::Login,
        "shells obey it when they start: keys that run commands",
    ),
    (
        "PYTHONSTARTUP",
        NamedPlace::Files,
        Scope::Login,
        "Python runs it when it starts",
    ),
    (
        "XDG_CONFIG_HOME",
        NamedPlace::Instead(".config"),
        Scope::Home,
        "programs look there for what they obey",
    ),
    (
        "XDG_DATA_HOME",
        NamedPlace::Instead(".local/share"),
        Scope::Home,
        "programs look there for what they obey",
    ),
    (
        "CARGO_HOME",
        NamedPlace::Instead(".cargo"),
        Scope::Home,
        "cargo looks there for what it obeys",
    ),
    (
        "CURL_HOME",
        NamedPlace::Home(&[".curlrc"]),
        Scope::Home,
        "curl obeys it when it starts",
    ),
    (
        "IPYTHONDIR",
        NamedPlace::Instead(".ipython"),
        Scope::Home,
        "IPython looks there for what it runs",
    ),
    (
        "GIT_CONFIG_GLOBAL",
        NamedPlace::Files,
        Scope::Home,
        "git obeys it: it names programs that git runs",
    ),
    (
        "GIT_CONFIG_SYSTEM",
        NamedPlace::Files,
        Scope::Home,
        "git obeys it: it names programs that git runs",
    ),
    (
        "AWS_CONFIG_FILE",
        NamedPlace::Files,
        Scope::Home,
        "it names the program that is run to get credentials",
    ),
    (
        "AWS_SHARED_CREDENTIALS_FILE",
        NamedPlace::Files,
        Scope::Home,
        "it holds credentials, or names the program that is run to get them",
    ),
    (
        "DOCKER_CONFIG",
        NamedPlace::Files,
        Scope::Home,
        "it holds credentials, or names the program that is run to get them",
    ),
    (
        "GNUPGHOME",
        NamedPlace::Files,
        Scope::Home,
        "it holds keys, and names programs that gpg runs",
    ),
    (
        "KUBECONFIG",
        NamedPlace::Files,
        Scope::Home,
        "it holds credentials, or names the program that is run to get them",
    ),
    (
        "NETRC",
        NamedPlace::Files,
        Scope::Home,
        "it holds credentials",
    ),
    (
        "PGSERVICEFILE",
        NamedPlace::Files,
        Scope::Home,
        "it says which database is spoken to",
    ),
    (
        "PGPASSFILE",
        NamedPlace::Files,
        Scope::Home,
        "it holds credentials",
    ),
    (
        "NPM_CONFIG_GLOBALCONFIG",
        NamedPlace::Files,
        Scope::Home,
        "npm obeys it: where packages come from, and what runs them",
    ),
    (
        "NPM_CONFIG_USERCONFIG",
        NamedPlace::Files,
        Scope::Home,
        "npm obeys it: where packages come from, and what runs them",
    ),
    (
        "PIP_CONFIG_FILE",
        NamedPlace::Files,
        Scope::Home,
        "pip obeys it: where packages come from",
    ),
    (
        "GOENV",
        NamedPlace::Files,
        Scope::Home,
        "go obeys it: programs that it runs",
    ),
    (
        "ANSIBLE_CONFIG",
        NamedPlace::Files,
        Scope::Home,
        "ansible obeys it: what it loads and runs",
    ),
    (
        "HGRCPATH",
        NamedPlace::Files,
        Scope::Home,
        "hg obeys it: it names programs that hg runs",
    ),
    (
        "LESSKEY",
        NamedPlace::Files,
        Scope::Home,
        "less obeys it when it starts",
    ),
    (
        "LESSKEYIN",
        NamedPlace::Files,
        Scope::Home,
        "less obeys it when it starts",
    ),
    (
        "MAILCAPS",
        NamedPlace::Files,
        Scope::Home,
        "it names the programs that show files",
    ),
    (
        "MAILRC",
        NamedPlace::Files,
        Scope::Home,
        "mail runs it when it starts",
    ),
    (
        "PSQLRC",
        NamedPlace::Files,
        Scope::Home,
        "psql runs it when it starts",
    ),
    (
        "R_ENVIRON_USER",
        NamedPlace::Files,
        Scope::Home,
        "R obeys it when it starts",
    ),
    (
        "R_PROFILE_USER",
        NamedPlace::Files,
        Scope::Home,
        "R runs it when it starts",
    ),
    (
        "IRBRC",
        NamedPlace::Files,
        Scope::Home,
        "irb runs it when it starts",
    ),
    (
        "SCREENRC",
        NamedPlace::Files,
        Scope::Home,
        "screen runs it when it starts",
    ),
    (
        "STARSHIP_CONFIG",
        NamedPlace::Files,
        Scope::Home,
        "the shell's prompt runs what it says",
    ),
    (
        "RIPGREP_CONFIG_PATH",
        NamedPlace::Files,
        Scope::Home,
        "ripgrep obeys it: programs that it runs",
    ),
    (
        "WGETRC",
        NamedPlace::Files,
        Scope::Home,
        "wget obeys it when it starts",
    ),
];

/// All variables, each as what it names is obeyed.
pub fn all() -> impl Iterator<Item = Obeyed> {
    ROWS.iter().map(|&(name, _, scope, reason)| Obeyed {
        name,
        scope,
        reason,
    })
}

/// Whatever the settings can take out, by its name: a name that is obeyed, or a variable.
pub fn unprotectable() -> impl Iterator<Item = &'static str> {
    obeyed::all().chain(all()).map(|one| one.name)
}

/// Those of `variables` that name such files.
pub fn naming(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Vec<(OsString, OsString)> {
    let is_one = |name: &OsStr| ROWS.iter().any(|(known, ..)| name == *known);
    let mut found: Vec<_> = variables
        .into_iter()
        .filter(|(name, value)| is_one(name) && !value.is_empty())
        .collect();
    found.sort();
    found
}

/// The files, each with who obeys it. What is relative may lie in each of the directories `here`.
pub(super) fn files(protection: &Protection, here: &[PathBuf]) -> Vec<(PathBuf, Obeyed)> {
    let mut found = Vec::new();
    let is_taken_out = |name: &str| protection.unprotected.iter().any(|it| it == name);
    for (variable, value) in &protection.naming {
        let row = ROWS.iter().find(|(known, ..)| variable == *known);
        let Some(&(variable, names, scope, reason)) = row.filter(|(name, ..)| !is_taken_out(name))
        else {
            continue;
        };
        let one = |name| Obeyed {
            name,
            scope,
            reason,
        };
        match names {
            NamedPlace::Files => {
                let entries = value.as_bytes().split(|&byte| byte == b':');
                let entries = entries.filter(|entry| !entry.is_empty());
                let each = entries.flat_map(|entry| places(OsStr::from_bytes(entry), here));
                found.extend(each.map(|path| (path, one(variable))));
            }
            NamedPlace::Home(names) => {
                for directory in places(value, here) {
                    found.extend(
                        names
                            .iter()
                            .map(|name| (directory.join(name), one(variable))),
                    );
                }
            }
            NamedPlace::Instead(usual) => {
                let obeyed = obeyed::all().filter(|one| !is_taken_out(one.name));
                for it in obeyed {
                    let below = Path::new(it.name).strip_prefix(usual);
                    let Ok(below) = below else { continue };
                    let it = Obeyed { scope, ..it };
                    found.extend(places(value, here).map(|directory| (directory.join(below), it)));
                }
            }
        }
    }
    found
}

fn places<'a>(value: &'a OsStr, here: &'a [PathBuf]) -> impl Iterator<Item = PathBuf> + 'a {
    let is_whole = Path::new(value).is_absolute();
    let whole = is_whole.then(|| PathBuf::from(value));
    let relative = here.iter().filter(move |_| !is_whole);
    whole
        .into_iter()
        .chain(relative.map(move |directory| directory.join(value)))
}

impl Layout {
    /// What the session's variables name. What a shell would run when it starts is held before it exists.
    pub(super) fn add_named(&mut self, policy: &Policy) {
        let roots = policy.writable_roots();
        for (path, one) in files(&policy.protection, &policy.workspaces) {
            let cause = Cause::Obeyed {
                name: one.name,
                reason: one.reason,
            };
            let trail = Trail::to(&path);
            match &trail.end {
                // All of it may be written, and so may be where it lies.
                TrailEnd::There(end) if roots.contains(end) => {}
                TrailEnd::Missing { .. } if !one.scope.is_of_login() => {
                    self.add_links(&trail, cause, roots);
                }
                TrailEnd::Missing {
                    path: first,
                    goes_on,
                } if *goes_on => {
                    self.add_unmade(&path, first, cause, roots);
                    self.add_links(&trail, cause, roots);
                }
                _ => self.add_trail(&trail, PlaceholderForm::Unseen, cause, roots),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_variable_is_there_once_and_names_something() {
        let mut seen = HashSet::new();
        for Obeyed { name, reason, .. } in all() {
            assert!(seen.insert(name), "{name}");
            assert!(!reason.is_empty() && !reason.ends_with('.'), "{name}");
            assert!(obeyed::all().all(|one| one.name != name));
            let protection = Protection {
                naming: vec![(name.into(), "/w/x".into())],
                ..Protection::default()
            };
            let files = files(&protection, &[]);
            assert!(!files.is_empty(), "{name}");
            assert!(files.iter().all(|(path, _)| path.starts_with("/w/x")));
        }
    }

    #[test]
    fn what_is_named_is_found() {
        let named = |name: &str, value: &str, unprotected: &[&str]| {
            let variables = [(name.into(), value.into()), ("OTHER".into(), "/o".into())];
            let protection = Protection {
                naming: naming(variables),
                unprotected: unprotected.iter().map(|&name| name.to_owned()).collect(),
                ..Protection::default()
            };
            let files = files(&protection, &["/here".into()]);
            let paths = files
                .into_iter()
                .map(|(path, _)| path.display().to_string());
            paths.collect::<Vec<_>>()
        };
        assert_eq!(named("ENV", "/w/rc", &[]), ["/w/rc"]);
        assert_eq!(named("ENV", "rc", &[]), ["/here/rc"]);
        assert!(named("ENV", "", &[]).is_empty());
        assert!(named("ENV", "/w/rc", &["ENV"]).is_empty());
        assert_eq!(named("KUBECONFIG", "/a::b", &[]), ["/a", "/here/b"]);
        assert_eq!(named("ZDOTDIR", "/z", &[]).len(), ZSH.len());
        let config = named("XDG_CONFIG_HOME", "/c", &[]);
        assert!(config.contains(&"/c/git".to_owned()) && config.len() > 50);
        let config = named("XDG_CONFIG_HOME", "/c", &[".config/git"]);
        assert!(!config.contains(&"/c/git".to_owned()));
    }
}
