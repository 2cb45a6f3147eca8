//! Names whose files other programs execute or obey, without anybody's asking them to.
//!
//! Whoever writes one of them in a directory that is worked in has the next shell, editor or login run
//! what he likes, outside. What a project's own commands run (a Makefile, the scripts of a package, hooks
//! that are kept with the sources) is not among them: to write that is an ordinary day's work.

/// One name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Obeyed {
    /// From the directory on.
    pub name: &'static str,
    /// In which directories it is read-only.
    pub scope: Scope,
    /// Who obeys it, and how.
    pub reason: &'static str,
}

/// In which directories a name is read-only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In every writable root where it exists.
    Roots,
    /// In a home directory where it exists.
    Home,
    /// In every writable root where it exists; in a home directory it can't be made either, as the
    /// next login would obey it.
    RootsAndLogin,
    /// In a home directory, where it can't be made either.
    Login,
}

impl Scope {
    /// All, from the widest.
    pub const ALL: [Self; 4] = [Self::RootsAndLogin, Self::Roots, Self::Login, Self::Home];

    /// As `doctor` writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RootsAndLogin => {
                "at the top of each writable directory; in a home directory also if missing"
            }
            Self::Roots => "at the top of each writable directory",
            Self::Login => "in a home directory, also if missing",
            Self::Home => "in a home directory",
        }
    }

    /// Whether it is read-only in roots that are no home directory.
    pub fn is_of_roots(self) -> bool {
        matches!(self, Self::Roots | Self::RootsAndLogin)
    }

    /// Whether a login would obey it.
    pub fn is_of_login(self) -> bool {
        matches!(self, Self::RootsAndLogin | Self::Login)
    }
}

/// A reason, a scope, and the names of which both are true.
type Group = (&'static str, Scope, &'static [&'static str]);

/// All of them, those of one reason together.
const GROUPS: &[Group] = &[
    (
        "a shell runs it when it starts or ends",
        Scope::RootsAndLogin,
        &[
            ".bashrc",
            ".bash_profile",
            ".bash_login",
            ".bash_logout",
            ".bash_aliases",
            ".profile",
            ".zshenv",
            ".zprofile",
            ".zshrc",
            ".zlogin",
            ".zlogout",
            ".cshrc",
            ".tcshrc",
            ".login",
            ".logout",
            ".kshrc",
            ".mkshrc",
        ],
    ),
    (
        "a shell runs it when it starts",
        Scope::Login,
        &[".config/fish"],
    ),
    (
        "ssh and sshd obey it: who may log in, and what is run then",
        Scope::RootsAndLogin,
        &[".ssh"],
    ),
    (
        "the session runs it at login",
        Scope::Login,
        &[
            ".pam_environment",
            ".xprofile",
            ".xsession",
            ".xsessionrc",
            ".xinitrc",
            ".config/autostart",
            ".config/environment.d",
            ".config/systemd",
            ".local/share/systemd",
        ],
    ),
    (
        "git obeys it: it names programs that git runs",
        Scope::Roots,
        &[".gitconfig", ".gitmodules"],
    ),
    (
        "git obeys it: it names programs that git runs",
        Scope::Home,
        &[".config/git"],
    ),
    (
        "programs in it are found by their names",
        Scope::Home,
        &["bin", ".local/bin", ".cargo/bin"],
    ),
    (
        "direnv runs it on entering the directory",
        Scope::Roots,
        &[".envrc"],
    ),
    (
        "editors obey it on opening the directory: tasks, interpreters, extensions",
        Scope::Roots,
        &[
            ".vscode",
            ".idea",
            ".zed",
            ".devcontainer",
            ".exrc",
            ".nvimrc",
            ".dir-locals.el",
        ],
    ),
    (
        "the editor runs it when it starts",
        Scope::Home,
        &[
            ".vimrc",
            ".vim",
            ".emacs",
            ".emacs.d",
            ".config/nvim",
            ".config/emacs",
        ],
    ),
    (
        "coding agents obey it: servers and hooks that they start, and what they may do",
        Scope::Roots,
        &[
            ".mcp.json",
            ".claude",
            ".claude.json",
            ".gemini",
            ".cursor",
            ".windsurf",
            ".opencode",
            ".aider.conf.yml",
        ],
    ),
    (
        "package managers obey it: where packages come from, and what runs them",
        Scope::Roots,
        &[".npmrc", ".yarnrc", ".pypirc"],
    ),
    (
        "package managers obey it: where packages come from, and what runs them",
        Scope::Home,
        &[
            ".config/pip",
            ".pip",
            ".gemrc",
            ".gradle/init.d",
            ".m2/settings.xml",
        ],
    ),
    (
        "it holds credentials, or names the program that is run to get them",
        Scope::Roots,
        &[".netrc", ".aws", ".kube", ".docker", ".gnupg", ".azure"],
    ),
    (
        "it holds credentials, or names the program that is run to get them",
        Scope::Home,
        &[".config/gcloud", ".config/gh"],
    ),
    (
        "the program runs it when it starts",
        Scope::Home,
        &[
            ".inputrc",
            ".tmux.conf",
            ".screenrc",
            ".gdbinit",
            ".lldbinit",
            ".psqlrc",
            ".sqliterc",
            ".irbrc",
            ".Rprofile",
            ".hgrc",
            ".mailcap",
        ],
    ),
];

/// Every name, those of one reason together.
pub fn all() -> impl Iterator<Item = Obeyed> {
    GROUPS.iter().flat_map(|&(reason, scope, names)| {
        names.iter().map(move |&name| Obeyed {
            name,
            scope,
            reason,
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::path::{Component, Path};

    use super::super::protect::PROTECTED;
    use super::*;

    #[test]
    fn each_name_is_there_once_and_leads_down() {
        let mut seen = HashSet::new();
        for Obeyed { name, reason, .. } in all() {
            assert!(seen.insert(name), "{name}");
            let mut parts = Path::new(name).components();
            assert!(parts.all(|part| matches!(part, Component::Normal(_))));
            assert!(
                !PROTECTED
                    .iter()
                    .any(|known| Path::new(name).starts_with(known))
            );
            assert!(!reason.is_empty() && !reason.ends_with('.'), "{name}");
        }
    }

    /// A mount holds a whole directory, so no name may be beneath another.
    #[test]
    fn no_name_is_beneath_another() {
        for one in all() {
            for other in all().filter(|other| other.name != one.name) {
                assert!(!Path::new(one.name).starts_with(other.name), "{}", one.name);
            }
        }
    }

    /// What people and their agents edit in projects every day.
    #[test]
    fn a_day_in_a_project_is_not_hindered() {
        let edited = [
            ".github",
            ".gitignore",
            ".gitattributes",
            ".gitlab-ci.yml",
            ".circleci",
            ".editorconfig",
            ".eslintrc",
            ".prettierrc",
            ".pre-commit-config.yaml",
            ".husky",
            ".cargo",
            ".config",
            ".dockerignore",
            ".env",
            ".venv",
            ".python-version",
            ".tool-versions",
            ".pytest_cache",
            ".next",
            ".yarn",
            "bin",
            "scripts",
            "Makefile",
            "package.json",
            "AGENTS.md",
            "CLAUDE.md",
        ];
        let held: HashSet<_> = all()
            .filter(|one| one.scope.is_of_roots())
            .map(|one| one.name)
            .collect();
        assert!(edited.iter().all(|name| !held.contains(name)));
        // Each is one component: it is looked for at the top of a root.
        assert!(held.iter().all(|name| !name.contains('/')), "{held:?}");
    }

    #[test]
    fn what_a_login_runs_is_held_before_it_exists() {
        let login = |name: &str| all().any(|one| one.name == name && one.scope.is_of_login());
        for name in [
            ".bash_profile",
            ".profile",
            ".zshenv",
            ".ssh",
            ".config/systemd",
        ] {
            assert!(login(name), "{name}");
        }
        assert!(!login(".vscode") && !login(".aws"));
    }
}
