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
        let path = self.spelled("@/ws/bin:@/tools/bin:/usr/bin:/bin");
        let session = SessionPaths {
            roots: &roots,
            home: Some(&home),
            path: Some(&path),
        };
        trimmed(name.as_ref(), &self.spelled(value), &session)
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
        // What some programs part lists at beside the colon.
        ("LD_LIBRARY_PATH", "/x;@/ws", None),
        ("LD_LIBRARY_PATH", "/x;", None),
        ("LD_LIBRARY_PATH", "/x;.;/y:/z", Some("/z")),
        ("LD_PRELOAD", "/lib/x.so ./y.so", None),
        ("LD_PRELOAD", "/lib/x.so @/ws/y.so", None),
        (
            "LD_PRELOAD",
            "/lib/x.so ./y.so:/lib/z.so",
            Some("/lib/z.so"),
        ),
        (
            "LD_PRELOAD",
            "/lib/x.so /lib/y.so",
            Some("/lib/x.so /lib/y.so"),
        ),
        ("LD_AUDIT", "/a @/ws", None),
        ("LUA_PATH", "/usr/share/lua/?.lua;@/ws/?.lua", None),
        ("LUA_CPATH", "/usr/lib/?.so;;", None),
        ("GCONV_PATH", "/a;./x", None),
    ] {
        let found = match place.trimmed(name, value) {
            Trimmed::Whole => Some(place.spelled(value)),
            Trimmed::Less { value, .. } => Some(value),
            Trimmed::Gone(_) => None,
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

/// Of what is read without being on a path.
#[test]
fn files_with_bare_names_do_not_go() {
    let place = Place::new();
    for (name, value, goes) in [
        ("MAKEFILES", "common.mk", false),
        ("MAKEFILES", "/etc/make.mk common.mk", false),
        ("MAKEFILES", "/etc/make.mk @/ws/x.mk", false),
        ("MAKEFILES", "/etc/make.mk /etc/more.mk", true),
        ("MAKEFILES", "", true),
        ("PSQLRC", "x", false),
        ("PSQLRC", "/etc/psqlrc", true),
        ("VIMINIT", "source x", false),
        ("VIMINIT", "so vimrc|set exrc", false),
        ("VIMINIT", "source /etc/vimrc", true),
        ("EXINIT", "x", false),
        ("GDBINIT", "x", false),
        ("HISTFILE", "x", false),
        ("HISTFILE", "@/tools/history", true),
        ("BUNDLE_GEMFILE", "Gemfile", false),
        ("ANSIBLE_INVENTORY", "hosts", false),
        ("FROB_CONFIG", "x", false),
        ("FROB_PLUGINS", "x", false),
        ("AWS_PROFILE", "dev", true),
        ("COMPOSE_PROFILES", "a,b", true),
        ("GOWORK", "off", true),
        ("GOWORK", "go.work", false),
        ("UV_PYTHON", "3.12", true),
        ("UV_PYTHON", "./python", false),
        ("RSYNC_CONNECT_PROG", "sh m", false),
        ("BROWSER", "sh x %s", false),
        ("BROWSER", "firefox:./x %s", false),
        ("ZIPOPT", "-q", true),
        ("ZIPOPT", "-TT x", false),
    ] {
        let trimmed = place.trimmed(name, value);
        assert_eq!(trimmed == Trimmed::Whole, goes, "{name}={value}");
    }
}

/// What is relative lies in the working directory.
#[test]
fn bare_words_that_lead_inside_do_not_go() {
    let place = Place::new();
    symlink(
        place.0.path().join("ws/bin/ed"),
        place.0.path().join("tools/bin/edit"),
    )
    .unwrap();
    for (name, value, goes) in [
        ("XDG_CONFIG_HOME", "xdg", false),
        ("XDG_CONFIG_HOME", "~/.config", false),
        ("XDG_CONFIG_HOME", "@/tools/config", true),
        ("XDG_CONFIG_HOME", "", true),
        ("XDG_SESSION_TYPE", "tty", true),
        ("KUBECONFIG", "config", false),
        ("HOSTALIASES", "aliases", false),
        ("CURL_CA_BUNDLE", "ca.pem", false),
        ("GIT_SSL_CAINFO", "ca.pem", false),
        ("PGSSLROOTCERT", "ca.pem", false),
        ("MAGIC", "magic", false),
        ("FROB_ROOT", "https://example.org/x", true),
        ("FROB_ROOT", "://x", false),
        ("FROB_ROOT", "file://x", false),
        ("GIT_DIR", ".git", false),
        ("FROB_FILE", "x.conf", false),
        ("FROB_ROOT", "/opt/frob", true),
        ("BASH_ENV", "env", false),
        ("EDITOR", "vi", true),
        ("EDITOR", "edit", false),
        ("EDITOR", "sh m", false),
        ("EDITOR", "sh -c m", false),
        ("EDITOR", "env vi", false),
        ("EDITOR", "python3 -mx", false),
        ("EDITOR", "vi -S x", false),
        ("EDITOR", "vi -u /etc/vimrc +5", true),
        ("EDITOR", "vi $HOME/x", false),
        ("EDITOR", "vi; m", false),
        ("VISUAL", "emacs -nw", true),
        ("PAGER", "sh m", false),
        ("PAGER", "less -FRX", true),
        ("PAGER", "less -o x", false),
        ("GIT_PAGER", "sh m", false),
        ("GIT_PAGER", "", true),
        ("GIT_EXTERNAL_DIFF", "./x", false),
        ("GIT_EXTERNAL_DIFF", "x/y", false),
        ("GIT_EXTERNAL_DIFF", "A=b x", false),
        ("FROB_EDITOR", "./x", false),
        (
            "GIT_SSH_COMMAND",
            "ssh -i @/tools/key -o StrictHostKeyChecking=no -p 22",
            true,
        ),
        ("GIT_SSH_COMMAND", "ssh -F cfg", false),
        ("GIT_SSH_COMMAND", "ssh -o ProxyCommand=./x", false),
        ("GIT_SSH_COMMAND", "ssh -o 'ProxyCommand=sh m'", false),
        ("LESSOPEN", "|/usr/bin/lesspipe %s", true),
        ("LESSOPEN", "|sh m %s", false),
        ("NODE_OPTIONS", "--max-old-space-size=4096", true),
        ("NODE_OPTIONS", "--require x", false),
        ("NODE_OPTIONS", "--import=x", false),
        ("PERL5OPT", "-Mx", false),
        ("RUBYOPT", "-W0", true),
        ("RUBYOPT", "-rx", false),
        ("JAVA_TOOL_OPTIONS", "-Xmx2g -Dfile.encoding=UTF-8", true),
        ("JAVA_TOOL_OPTIONS", "-javaagent:x.jar", false),
        ("GOFLAGS", "-mod=mod", true),
        ("GOFLAGS", "-toolexec=x", false),
        ("TAR_OPTIONS", "--to-command=x", false),
        ("CC", "gcc", true),
        ("CC", "sh x", false),
        ("npm_config_shell", "x/y", false),
        ("LESS", "-R", true),
        ("LANG", "C", true),
        ("USER", "me", true),
        ("CI", "true", true),
        ("DOCKER_HOST", "tcp://x", true),
    ] {
        let trimmed = place.trimmed(name, value);
        assert_eq!(trimmed == Trimmed::Whole, goes, "{name}={value}");
    }
}

/// What a command makes of the file, the words or the input that it is handed.
#[test]
fn commands_go_by_what_they_make_of_what_they_are_handed() {
    let place = Place::new();
    for (name, value, goes) in [
        ("EDITOR", "code --wait", true),
        ("EDITOR", "true", true),
        ("GIT_SEQUENCE_EDITOR", ":", true),
        // Nobody knows what it makes of the file that it is to edit.
        ("EDITOR", "no-such-editor --wait", false),
        ("EDITOR", "sh", false),
        ("EDITOR", "npm test", false),
        ("VISUAL", "perl5.36.0", false),
        ("GIT_SSH_COMMAND", "npm test", false),
        ("GIT_SSH_COMMAND", "frob-ssh", true),
        ("GIT_ASKPASS", "frob", true),
        ("GIT_ASKPASS", "python3", false),
        ("GIT_PROXY_COMMAND", "sh", false),
        ("GIT_EXTERNAL_DIFF", "npm test", false),
        ("GIT_EXTERNAL_DIFF", "frob", false),
        ("GIT_EXTERNAL_DIFF", "sh", false),
        ("GIT_EXTERNAL_DIFF", "difft", true),
        ("SHELL", "/bin/bash", true),
        ("MAKE", "make", true),
        ("PYTHON", "python3", true),
        ("RUSTC_WRAPPER", "sccache", true),
    ] {
        let trimmed = place.trimmed(name, value);
        assert_eq!(trimmed == Trimmed::Whole, goes, "{name}={value}");
    }
}
