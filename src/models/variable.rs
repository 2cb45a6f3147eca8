//! What a variable's value is, by the variable's name.

/// What who starts a command hands to it, beside the words of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handed {
    /// Nothing here: who starts it, as a compiler or a shell, says all that it is to do.
    Nothing,
    /// Words, or input, that it has no other use for than to show, to ask for or to send them.
    Words,
    /// Files by whole paths, or contents as input, which the sandboxed side may have written.
    Contents,
    /// A file by the name that it has where the sandboxed side can write, which may look like an option.
    Names,
    /// Several words with such names among them: where one looks like an option, the next may be its value.
    Several,
}

/// The form of a value, and what leads somewhere in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VariableForm {
    /// It is known that nothing is run or loaded from where it leads.
    Harmless,
    /// Files or directories, with colons between them. What is relative means something in the working
    /// directory.
    Places,
    /// Files with blanks or colons between them, or commands that name some. What is not a whole path may
    /// be a file in the working directory.
    Files,
    /// A command, to which this is handed: its first word is a program.
    Command(Handed),
    /// Options of this program, behind these words.
    Options(&'static str, &'static [&'static str]),
    /// Nobody knows: what looks like a path may be one.
    Any,
}

/// Whether a program that has the variable `name` only writes where it leads: what it builds there it would
/// build there anyway.
pub fn is_target(name: &[u8]) -> bool {
    TARGETS.iter().any(|target| name == target.as_bytes())
}

const TARGETS: &[&str] = &["CARGO_BUILD_TARGET_DIR", "CARGO_TARGET_DIR"];

/// The form of the value of `name`.
pub fn form(name: &[u8]) -> VariableForm {
    let upper = name.to_ascii_uppercase();
    let is = |list: &[&str]| list.iter().any(|listed| upper == listed.as_bytes());
    let ends = |list: &[&str]| list.iter().any(|end| upper.ends_with(end.as_bytes()));
    let options = OPTIONS.iter().find(|(names, _, _)| is(names));
    if is(HARMLESS) {
        VariableForm::Harmless
    } else if let Some((_, program, before)) = options {
        VariableForm::Options(program, before)
    } else if is(EDITORS) || ends(EDITOR_ENDS) {
        VariableForm::Command(Handed::Contents)
    } else if is(DIFFERS) {
        VariableForm::Command(Handed::Several)
    } else if is(VIEWERS) || ends(VIEWER_ENDS) {
        VariableForm::Command(Handed::Words)
    } else if is(TOOLS) || ends(TOOL_ENDS) {
        VariableForm::Command(Handed::Nothing)
    } else if is(FILES) {
        VariableForm::Files
    } else if is(PLACES) || (ends(PLACE_ENDS) && !ends(NAME_ENDS)) {
        VariableForm::Places
    } else {
        VariableForm::Any
    }
}

const HARMLESS: &[&str] = &[
    // Set anew for each program.
    "PWD",
    "OLDPWD",
    // Places for files that a program makes itself.
    "TEMP",
    "TMP",
    "TMPDIR",
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

const FILES: &[&str] = &[
    "COMPOSER",
    "CONFIG_SITE",
    "EXINIT",
    "GVIMINIT",
    "LD_AUDIT",
    "LD_PRELOAD",
    "LUA_INIT",
    "LUA_INIT_5_2",
    "LUA_INIT_5_3",
    "LUA_INIT_5_4",
    "MAKEFILES",
    "PERL5DB",
    "PIP_CONSTRAINT",
    "PIP_EDITABLE",
    "PIP_FIND_LINKS",
    "PIP_REQUIREMENT",
    "UV_CONSTRAINT",
    "UV_FIND_LINKS",
    "UV_OVERRIDE",
    "VIMINIT",
];

const PLACES: &[&str] = &[
    "ANSIBLE_INVENTORY",
    "ANSIBLE_LIBRARY",
    "BASH_ENV",
    "COVERAGE_PROCESS_START",
    "DYLD_INSERT_LIBRARIES",
    "ENV",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "FLASK_APP",
    "GDBINIT",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_SSL_KEY",
    "GIT_WORK_TREE",
    "GOBIN",
    "GOCACHE",
    "GOENV",
    "GOMODCACHE",
    "GOROOT",
    "GOWORK",
    "GS_LIB",
    "HOSTALIASES",
    "LESSKEY",
    "LESSKEYIN",
    "MAGIC",
    "MAILCAPS",
    "NERDCTL_TOML",
    "NETRC",
    "NODE_EXTRA_CA_CERTS",
    "NPM_CONFIG_CACHE",
    "NPM_CONFIG_GLOBALCONFIG",
    "NPM_CONFIG_PREFIX",
    "NPM_CONFIG_USERCONFIG",
    "OPENSSL_CONF",
    "OPENSSL_ENGINES",
    "OPENSSL_MODULES",
    "PERL5LIB",
    "PERLLIB",
    "P4ENVIRO",
    "P4TICKETS",
    "P4TRUST",
    "PGSSLCRL",
    "PGSSLKEY",
    "PYTHONPYCACHEPREFIX",
    "PYTHONSTARTUP",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_TARGET",
    "PYTHONUSERBASE",
    "R_ENVIRON",
    "R_ENVIRON_USER",
    "R_PROFILE",
    "R_PROFILE_USER",
    "RUBYLIB",
    "TERMCAP",
    "TERMINFO",
    "TEXMFCNF",
    "TS_NODE_PROJECT",
    "UV_PROJECT",
    "UV_PROJECT_ENVIRONMENT",
    "VIRTUAL_ENV",
    "YARN_RC_FILENAME",
    "VAGRANT_CWD",
];

const PLACE_ENDS: &[&str] = &[
    "_BUNDLE",
    "CACERT",
    "CAINFO",
    "_CFG",
    "_CONF",
    "_CERT",
    "CONFIG",
    "_CREDENTIALS",
    "DIR",
    "_DIRECTORIES",
    "_DIRECTORY",
    "DIRS",
    "FILE",
    "FILES",
    "_FOLDER",
    "_HISTORY",
    "HOME",
    "INPUTS",
    "_MODULE",
    "PATH",
    "PLUGINS",
    "RC",
    "ROOTCERT",
    "_ROOT",
    "SSLCERT",
];

/// Ends of names that end as those of places do, and whose values are names.
const NAME_ENDS: &[&str] = &["PROFILE", "PROFILES"];

/// Commands that are handed a file to edit.
const EDITORS: &[&str] = &["EDITOR", "FCEDIT", "VISUAL"];

const EDITOR_ENDS: &[&str] = &["_EDITOR"];

/// Commands that are handed the names of files.
const DIFFERS: &[&str] = &["GIT_EXTERNAL_DIFF"];

/// Commands that are handed something to show, to ask for or to reach.
const VIEWERS: &[&str] = &[
    "BROWSER",
    "GIT_SSH",
    "LESSCLOSE",
    "LESSOPEN",
    "MANPAGER",
    "PAGER",
    "SVN_SSH",
];

const VIEWER_ENDS: &[&str] = &[
    "_ASKPASS", "_BROWSER", "_COMMAND", "_HELPER", "_PAGER", "_PROG", "_RSH",
];

/// Programs that are told what to do by what starts them.
const TOOLS: &[&str] = &[
    "AR",
    "AS",
    "CARGO",
    "CC",
    "CPP",
    "CXX",
    "FC",
    "LD",
    "MAKE",
    "NINJA",
    "NM",
    "NPM_CONFIG_GIT",
    "OBJCOPY",
    "PERL5SHELL",
    "PKG_CONFIG",
    "PYTHON",
    "RANLIB",
    "RUBYSHELL",
    "RUSTC",
    "RUSTDOC",
    "SHELL",
    "STRIP",
    "TERMINAL",
];

const TOOL_ENDS: &[&str] = &[
    "_COMPILER",
    "_LAUNCHER",
    "_LINKER",
    "_PYTHON",
    "_RUNNER",
    "_SHELL",
    "_WRAPPER",
];

/// Names, the program and the words before its options.
type VariableRow = (
    &'static [&'static str],
    &'static str,
    &'static [&'static str],
);

const OPTIONS: &[VariableRow] = &[
    (&["NODE_OPTIONS", "NPM_CONFIG_NODE_OPTIONS"], "node", &[]),
    (
        &[
            "GRADLE_OPTS",
            "JAVA_OPTS",
            "JAVA_TOOL_OPTIONS",
            "JDK_JAVA_OPTIONS",
            "MAVEN_OPTS",
            "SBT_OPTS",
            "_JAVA_OPTIONS",
        ],
        "java",
        &[],
    ),
    (&["PERL5OPT"], "perl", &[]),
    (&["RUBYOPT"], "ruby", &[]),
    (&["GOFLAGS"], "go", &["build"]),
    (&["GREP_OPTIONS"], "grep", &[]),
    (&["LESS"], "less", &[]),
    (&["GNUMAKEFLAGS", "MAKEFLAGS", "MFLAGS"], "make", &[]),
    (&["MANOPT"], "man", &[]),
    (&["MAVEN_ARGS"], "mvn", &[]),
    (&["TF_CLI_ARGS"], "terraform", &[]),
    (&["ZIPOPT"], "zip", &[]),
    (&["TAR_OPTIONS"], "tar", &[]),
    (&["XZ_DEFAULTS", "XZ_OPT"], "xz", &[]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{self, CommandModel};

    /// What the variables of models hold that no file is read for: names, addresses, switches and secrets.
    const NAMES: &[&str] = &[
        "ADB_SERVER_SOCKET",
        "ANDROID_ADB_SERVER_ADDRESS",
        "ANDROID_ADB_SERVER_PORT",
        "ANDROID_SERIAL",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_PROFILE",
        "AWS_DEFAULT_REGION",
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_ROLE_ARN",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "BUILDX_BUILDER",
        "CARGO_BUILD_TARGET",
        "CARGO_REGISTRY_DEFAULT",
        "COMPOSE_PROFILES",
        "COMPOSE_PROJECT_NAME",
        "COMPOSER_AUTH",
        "CONTAINERD_ADDRESS",
        "CONTAINERD_NAMESPACE",
        "CONTAINER_CONNECTION",
        "CONTAINER_HOST",
        "DOCKER_CONTEXT",
        "DOCKER_DEFAULT_PLATFORM",
        "DOCKER_HOST",
        "GH_HOST",
        "GH_REPO",
        "GIT_GLOB_PATHSPECS",
        "GIT_ICASE_PATHSPECS",
        "GIT_LITERAL_PATHSPECS",
        "GIT_NAMESPACE",
        "GIT_NOGLOB_PATHSPECS",
        "GOARCH",
        "GOOGLE_CLOUD_PROJECT",
        "GOOS",
        "HELM_NAMESPACE",
        "KUBERNETES_MASTER",
        "KUBERNETES_SERVICE_HOST",
        "KUBERNETES_SERVICE_PORT",
        "MYSQL_HOST",
        "MYSQL_TCP_PORT",
        "MYSQL_UNIX_PORT",
        "NPM_CONFIG_GLOBAL",
        "NPM_CONFIG_REGISTRY",
        "P4CLIENT",
        "P4HOST",
        "P4PASSWD",
        "P4PORT",
        "P4USER",
        "PGDATABASE",
        "PGHOST",
        "PGHOSTADDR",
        "PGPORT",
        "PGSERVICE",
        "PGUSER",
        "PIP_USER",
        "RUSTUP_TOOLCHAIN",
        "TF_WORKSPACE",
        "TMUX",
        "UV_PUBLISH_URL",
        "UV_SYSTEM_PYTHON",
        "VAGRANT_DEFAULT_PROVIDER",
        "npm_config_registry",
    ];

    fn variables(model: &CommandModel, found: &mut Vec<String>) {
        found.extend(model.variables.iter().cloned());
        for subcommand in &model.subcommands {
            variables(subcommand, found);
        }
    }

    /// Else a bare name in one would count as harmless without anybody having looked.
    #[test]
    fn of_each_variable_of_a_model_it_is_known_what_it_holds() {
        let mut found = Vec::new();
        for (names, _) in models::programs() {
            let name = names.split(' ').next().unwrap();
            variables(models::builtin(name).unwrap(), &mut found);
        }
        assert!(found.len() > NAMES.len());
        found.retain(|name| {
            let is_name = name.ends_with('*') || NAMES.contains(&name.as_str());
            !is_name && form(name.as_bytes()) == VariableForm::Any
        });
        assert_eq!(found, [""; 0]);
    }
}
