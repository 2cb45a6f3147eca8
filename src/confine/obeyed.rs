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
    /// In which directories it is read-only. What is new under the name there is told, where it could be made.
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
    /// The same; what is new under the name in another workspace is told when the command ends.
    HomeOrTold,
    /// The same, and in a home directory it can't be made either.
    LoginOrTold,
    /// In every writable root where it exists; in a home directory it can't be made either, as the
    /// next login would obey it, or a program that is let out.
    RootsAndLogin,
    /// In a home directory, where it can't be made either.
    Login,
}

impl Scope {
    /// All, from the widest.
    pub const ALL: [Self; 6] = [
        Self::RootsAndLogin,
        Self::Roots,
        Self::Login,
        Self::LoginOrTold,
        Self::HomeOrTold,
        Self::Home,
    ];

    /// As `doctor` writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RootsAndLogin => {
                "at the top of each writable directory; in a home directory also if missing"
            }
            Self::Roots => "at the top of each writable directory",
            Self::Login => "in a home directory, also if missing",
            Self::LoginOrTold => {
                "in a home directory, also if missing; at the top of another workspace, what is new is told"
            }
            Self::HomeOrTold => {
                "in a home directory; at the top of another workspace, what is new is told"
            }
            Self::Home => "in a home directory",
        }
    }

    /// Whether it is read-only in roots that are no home directory.
    pub fn is_of_roots(self) -> bool {
        matches!(self, Self::Roots | Self::RootsAndLogin)
    }

    /// Whether what is new under the name at the top of a workspace is told, whatever that is.
    pub fn is_told_in_roots(self) -> bool {
        self.is_of_roots() || matches!(self, Self::HomeOrTold | Self::LoginOrTold)
    }

    /// Whether a login would obey it, or a program that is let out, so that it can't be made in a home directory.
    pub fn is_of_login(self) -> bool {
        matches!(self, Self::RootsAndLogin | Self::Login | Self::LoginOrTold)
    }
}

/// Directories in a home directory that many programs make, for more than what is obeyed in them.
pub(super) const PASSAGES: [&str; 4] = [".config", ".local", ".local/share", ".local/share/fish"];

/// A reason, a scope, and the names of which both are true, with blanks between.
type ObeyedGroup = (&'static str, Scope, &'static str);

/// All of them, those of one reason together.
const GROUPS: &[ObeyedGroup] = &[
    (
        "a shell runs it when it starts or ends",
        Scope::RootsAndLogin,
        ".bashrc .bash_profile .bash_login .bash_logout .bash_aliases .profile .zshenv \
         .zprofile .zshrc .zlogin .zlogout .cshrc .tcshrc .login .logout .kshrc .mkshrc",
    ),
    (
        "a shell runs it when it starts",
        Scope::Login,
        ".config/fish .local/share/fish/vendor_conf.d .local/share/fish/vendor_functions.d \
         .local/share/fish/vendor_completions.d .alias .bash_completion .config/bash_completion .bashrc.d .config/bash .zshrc.d .config/zsh \
         .config/nushell .config/elvish .elvish .config/xonsh .xonshrc .rcrc .yashrc \
         .yash_profile .config/powershell",
    ),
    (
        "start-up files of shells usually run it",
        Scope::Home,
        ".oh-my-zsh .oh-my-bash .bash_it .zsh .zfunc .zplug .zinit .antigen .fzf.bash .fzf.zsh \
         .p10k.zsh .local/share/bash-completion .config/starship.toml .dircolors .cargo/env \
         .nvm/nvm.sh .nvm/bash_completion .sdkman/bin .pyenv/bin .pyenv/libexec .rbenv/bin \
         .rbenv/libexec .asdf/asdf.sh .rvm/scripts .nix-profile .ghcup/env .opam/opam-init \
         .local/share/zinit .bash-git-prompt .git-prompt.sh .git-completion.bash .bash_functions .bash_exports \
         .bash_local .bashrc.local .bashrc_local .profile.local .zshrc.local .zshenv.local .localrc .aliases .exports \
         .functions .extra .path .shell_prompt.sh .iterm2_shell_integration.bash .fzf/shell .cargo/env.fish .deno/env \
         .elan/env .atuin/bin .rye/env .volta/load.sh .wasmer/wasmer.sh .swiftly .perlbrew/etc \
         .config/broot/launcher",
    ),
    (
        "ssh and sshd obey it: who may log in, and what is run then",
        Scope::RootsAndLogin,
        ".ssh",
    ),
    (
        "it says who may log in from elsewhere",
        Scope::Login,
        ".rhosts .shosts .k5login .k5users .google_authenticator .config/Yubico .yubico",
    ),
    (
        "it is run when mail comes",
        Scope::Login,
        ".forward .procmailrc .mailfilter .maildroprc .qmail .qmail-default",
    ),
    (
        "the session runs it at login",
        Scope::Login,
        ".pam_environment .xprofile .xsession .xsessionrc .xinitrc .xinputrc .xserverrc .Xclients \
         .gnomerc .login_conf .config/autostart .config/autostart-scripts .config/environment.d \
         .config/systemd .config/containers .config/pipewire .config/wireplumber .config/xfce4 \
         .config/plasma-workspace .config/lxsession .config/uwsm .kde/env \
         .kde/Autostart .kde4/env .kde4/Autostart .local/share/systemd .local/share/dbus-1 \
         .local/share/gnome-shell/extensions",
    ),
    (
        "the window manager runs it when it starts",
        Scope::Login,
        ".config/openbox .config/i3 .i3 .config/i3status .config/i3blocks .config/sway \
         .config/hypr .config/awesome .config/bspwm .config/sxhkd .config/herbstluftwm \
         .config/qtile .config/xmonad .xmonad .config/labwc .config/niri .config/river \
         .config/wayfire.ini .config/weston.ini .config/waybar .config/polybar .fluxbox .icewm \
         .fvwm .fvwm2rc .twmrc .xbindkeysrc .config/autorandr .conkyrc .config/conky",
    ),
    (
        "desktops start what it names",
        Scope::Home,
        ".local/share/applications .config/mimeapps.list .config/khotkeysrc \
         .config/kglobalshortcutsrc .local/share/kservices5 .local/share/kio \
         .local/share/nautilus .local/share/nautilus-python .local/share/nemo .config/Thunar \
         .config/pulse .config/user-dirs.dirs .Xresources \
         .Xdefaults .xscreensaver .config/rofi .config/dunst",
    ),
    (
        "git obeys it: it names programs that git runs",
        Scope::Roots,
        ".gitconfig .gitmodules",
    ),
    (
        "git obeys it: it names programs that git runs",
        Scope::Home,
        ".config/git .git-templates .config/tig .tigrc .config/lazygit",
    ),
    (
        "a login finds programs in it by their names, before others",
        Scope::Login,
        "bin .local/bin",
    ),
    (
        "programs in it are found by their names",
        Scope::Home,
        ".local/sbin .cargo/bin go/bin .pyenv/shims .rbenv/shims .asdf/shims \
         .asdf/bin .nodenv/shims .jenv/shims .local/share/mise/shims .npm-global/bin .yarn/bin \
         .config/yarn/global .local/share/pnpm .volta/bin .bun/bin .deno/bin .dotnet/tools \
         .composer/vendor/bin .config/composer/vendor/bin .krew/bin .poetry/bin .rye/shims \
         .ghcup/bin .cabal/bin .nimble/bin .pub-cache/bin .luarocks/bin .pixi/bin .rvm/bin \
         .linuxbrew/bin .pyenv/versions .pyenv/plugins .rbenv/versions .rbenv/plugins .nvm/versions \
         .rustup/toolchains .rustup/settings.toml .sdkman/candidates .local/share/pipx .local/share/uv \
         .npm/_npx .elan/bin .mix/escripts .mix/archives .fzf/bin .juliaup/bin .foundry/bin .pulumi/bin .goenv/shims \
         .phpenv/shims .plenv/shims .rakubrew/shims .fnm .local/share/fnm .local/share/rtx/shims .npm-packages/bin \
         .linkerd2/bin .modular/bin .wasmtime/bin .proto/bin .moon/bin .dprint/bin .guix-profile \
         .local/state/nix/profiles perl5/bin perl5/lib .platformio/penv .local/share/solana",
    ),
    (
        "Python, Ruby and node find modules in it, and run some when they start",
        Scope::Login,
        ".local/lib .local/share/gem .gem .node_modules .node_libraries",
    ),
    (
        "direnv runs it on entering the directory",
        Scope::Roots,
        ".envrc",
    ),
    (
        "direnv and mise run it on entering a directory",
        Scope::Login,
        ".direnvrc .config/direnv .config/mise",
    ),
    (
        "mise obeys it on entering the directory",
        Scope::HomeOrTold,
        ".mise.toml mise.toml",
    ),
    (
        "an interpreter runs it when it starts in the directory",
        Scope::LoginOrTold,
        ".Rprofile .Renviron .irbrc .pryrc .ghci .ocamlinit .octaverc .pdbrc .iex.exs .perldb",
    ),
    (
        "a package manager obeys it, whatever it is started for: programs that it runs in its place",
        Scope::LoginOrTold,
        ".yarnrc.yml .pnpmfile.cjs .pnpmfile.mjs bunfig.toml",
    ),
    (
        "a package manager obeys it, whatever it is started for: programs that it runs in its place",
        Scope::HomeOrTold,
        ".cargo/config .cargo/config.toml .bundle/config",
    ),
    (
        "a hook of git's may run what it says at the next commit",
        Scope::HomeOrTold,
        ".pre-commit-config.yaml .husky lefthook.yml .lefthook.yml lefthook.yaml .lefthook.yaml",
    ),
    (
        "hg and jj obey it, as git does `.git`",
        Scope::HomeOrTold,
        ".hg .jj",
    ),
    (
        "editors obey it on opening the directory: tasks, interpreters, extensions",
        Scope::Roots,
        ".vscode .idea .zed .devcontainer",
    ),
    (
        "the editor obeys it where it is started",
        Scope::RootsAndLogin,
        ".exrc .nvimrc .dir-locals.el",
    ),
    (
        "the editor runs it when it starts",
        Scope::Login,
        ".vimrc .gvimrc .vim .config/vim .emacs .emacs.el .emacs.d .config/emacs .config/doom \
         .doom.d .spacemacs .config/nvim .nanorc .config/nano \
         .config/helix .config/kak .config/micro .ideavimrc",
    ),
    (
        "the editor runs it when it starts",
        Scope::Home,
        ".local/share/nvim/site .config/zed .config/Code/User \
         .config/VSCodium/User .config/Cursor/User .config/Windsurf/User .vscode-server \
         .vscode-oss .cursor-server .config/sublime-text .config/JetBrains",
    ),
    (
        "the terminal runs or obeys it when it starts",
        Scope::Login,
        ".tmux.conf .tmux .config/tmux .screenrc .byobu .config/byobu .config/zellij \
         .config/kitty .config/alacritty .alacritty.toml .alacritty.yml .config/wezterm \
         .wezterm.lua .config/ghostty .config/foot .config/terminator .local/share/konsole \
         .terminfo .hyper.js",
    ),
    (
        "coding agents obey it: servers and hooks that they start, and what they may do",
        Scope::Roots,
        ".mcp.json .claude .claude.json .gemini .cursor .windsurf .opencode .aider.conf.yml",
    ),
    (
        "coding agents obey it: servers and hooks that they start, and what they may do",
        Scope::Home,
        ".config/opencode .config/goose .config/amp .config/crush .config/Claude \
         .config/github-copilot .copilot .continue .continuerc.json .codeium .qwen .kiro .cline .roo .amp .factory \
         .augment .junie .lmstudio .amazonq .crush.json .warp",
    ),
    (
        "package managers obey it: where packages come from, and what runs them",
        Scope::RootsAndLogin,
        ".npmrc .yarnrc .pypirc",
    ),
    (
        "package managers obey it: where packages come from, and what runs them",
        Scope::Login,
        ".bunfig.toml .config/pnpm .config/pip .pip .pydistutils.cfg .config/uv \
         .config/pypoetry .condarc .mambarc .gemrc .mavenrc .antrc .ant .config/NuGet .config/nix \
         .config/nixpkgs .nixpkgs .rpmmacros .makepkg.conf .config/makepkg .devscripts .quiltrc \
         .terraformrc .terraform.d",
    ),
    (
        "package managers obey it: where packages come from, and what runs them",
        Scope::Home,
        ".cargo/credentials.toml .gradle/init.d \
         .gradle/init.gradle .gradle/gradle.properties .m2/settings.xml .m2/extensions.xml \
         .nuget/NuGet .cpan/CPAN .config/go/env .opam/config .stack/config.yaml .cabal/config \
         .lein/profiles.clj",
    ),
    (
        "it holds credentials, or names the program that is run to get them",
        Scope::RootsAndLogin,
        ".netrc .aws .kube .docker .gnupg .azure",
    ),
    (
        "it holds credentials, or names the program that is run to get them",
        Scope::Login,
        ".config/gcloud .config/gh .config/glab-cli .config/hub .git-credentials .config/rclone \
         .password-store .local/share/keyrings .vault-token .oci .config/doctl .boto .s3cfg \
         .pgpass .my.cnf .authinfo .databrickscfg .config/op .config/helm \
         .config/k9s .subversion .msmtprc .config/msmtp .fetchmailrc .mbsyncrc",
    ),
    (
        "the program runs or obeys it when it starts",
        Scope::Login,
        ".inputrc .editrc .gdbinit .gdbearlyinit .config/gdb .lldbinit .psqlrc .sqliterc \
         .config/sqlite3 .duckdbrc .duckdb .odbc.ini .mongorc.js .mongoshrc.js .config/irb \
         .pythonrc .pythonrc.py .pythonstartup \
         .jupyter .config/ghc .sbclrc .config/utop .tclshrc .lesskey \
         .lessfilter .less .config/lesskey .mailcap .muttrc .mutt .config/mutt .neomuttrc \
         .config/neomutt .mailrc .config/aerc .wgetrc .curlrc .config/curlrc .lftprc \
         .config/lftp .aria2 .config/aria2 .lynxrc .hgrc .config/hg .bazelrc .ackrc .ripgreprc .ctags.d .latexmkrc \
         .config/latexmk .asoundrc .config/mpv .config/ranger .config/lf .config/nnn \
         .config/yazi .config/vifm .config/mc .taskrc .ansible.cfg .ansible \
         .config/libvirt .irssi .weechat .config/yt-dlp .config/just .config/bat .toprc .config/procps \
         .perfconfig .valgrindrc .magick .config/ImageMagick .config/pkcs11 .local/share/helm .local/share/gh \
         .manpath .expect.rc .gnuplot .erlang .swiplrc .config/swi-prolog .gitk .pylintrc .config/ptpython \
         .config/bpython .pdbrc.py .radare2rc .config/neofetch .todo.cfg .calcurse .offlineimaprc .sbuildrc \
         .pbuilderrc .gbp.conf .dpkg.cfg .wireshark .config/wireshark .msf4 .clisprc .eclrc .maxima .sage \
         .config/alsa .odbcinst.ini .ladspa .openmpi .gtk-3.0 .config/gtk-3.0 .gtkrc-2.0 .pki .config/openxr \
         .config/borgmatic .config/chezmoi .config/topgrade.toml .config/yadm .config/qutebrowser \
         .config/newsboat .local/share/jupyter .local/share/vulkan .local/share/gstreamer-1.0 \
         .local/share/thumbnailers .config/jj .jjconfig.toml .parallel .tofurc .kuberc .proverc .config/ccache \
         .config/breezy",
    ),
    (
        "the program runs or obeys it when it starts",
        Scope::Home,
        ".task/hooks .mozilla/native-messaging-hosts .config/chromium/NativeMessagingHosts \
         .config/inkscape/extensions .config/libreoffice .config/geany .local/share/kwin .local/share/plasma \
         .R/Makevars .ipython/profile_default .julia/config .ghc/ghci.conf .vagrant.d/Vagrantfile",
    ),
];

/// Every name, those of one reason together.
pub fn all() -> impl Iterator<Item = Obeyed> {
    GROUPS.iter().flat_map(|&(reason, scope, names)| {
        names.split_ascii_whitespace().map(move |name| Obeyed {
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

    use super::super::access::PROTECTED;
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
        // What a program that is let out would obey, too.
        for name in [
            ".gdbinit",
            ".curlrc",
            ".npmrc",
            ".vimrc",
            ".local/lib",
            ".aws",
        ] {
            assert!(login(name), "{name}");
        }
        assert!(!login(".vscode") && !login(".cargo/config.toml"));
    }
}
