//! Which variables make programs run or load what they name: no rule passes those.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::form::is_of;
use super::variable::{Form, form};

/// Whether a rule may pass the variable `name` to a program outside.
pub fn is_passable(name: &OsStr) -> bool {
    runs(name.as_bytes()).is_none()
}

/// Why whoever sets the variable `name` can have programs run or load other code, or write where it
/// says, whatever they were started for; `None` if it isn't known to be so.
pub fn runs(name: &[u8]) -> Option<&'static str> {
    let upper = name.to_ascii_uppercase();
    let is_one = |(_, forms): &&(&str, &[&str])| {
        let forms: Vec<String> = forms.iter().map(|&form| form.to_owned()).collect();
        is_of(&forms, &upper)
    };
    let listed = RUNNING.iter().find(is_one).map(|(reason, _)| *reason);
    listed.or(match form(name) {
        Form::Command(_) => Some("names a program that is started"),
        Form::Options(..) => Some("holds options, some of which start other programs"),
        Form::Files => Some("names files that say what is run"),
        Form::Harmless | Form::Places | Form::Any => None,
    })
}

/// Whether the variable `name` changes which programs a shell starts: where it looks for them, and how it
/// reads scripts.
pub fn misleads_shells(name: &OsStr) -> bool {
    let upper = name.as_bytes().to_ascii_uppercase();
    let shells = RUNNING.iter().filter(|(reason, _)| *reason == SHELLS);
    let mut forms = shells.flat_map(|(_, forms)| *forms);
    upper == b"PATH" || forms.any(|&form| is_of(&[form.to_owned()], &upper))
}

const SHELLS: &str = "has shells run other code, or read scripts in another way";

/// Why, and names: `*` stands for any letters, and `!` takes a name out. Beside these, whatever holds a
/// command, options or files of commands, by its form.
const RUNNING: &[(&str, &[&str])] = &[
    (
        "says where programs and their settings are looked for",
        &[
            "PATH",
            "HOME",
            "XDG_CONFIG_*",
            "XDG_DATA_*",
            "XDG_RUNTIME_DIR",
            "*_HOME",
            "CONDA_*",
            "UV_PROJECT*",
            "UV_PYTHON*",
            "VIRTUAL_ENV",
            "YARN_*PATH",
            "COMPILER_PATH",
            "GCC_EXEC_PREFIX",
        ],
    ),
    (
        "has the C library load or write other files, in any program",
        &[
            "DYLD_*",
            "GCONV_PATH",
            "GETCONF_DIR",
            "GLIBC_TUNABLES",
            "HOSTALIASES",
            "LD_*",
            "LOCPATH",
            "MALLOC_*",
            "NIS_PATH",
            "NLSPATH",
            "RESOLV_HOST_CONF",
        ],
    ),
    (
        SHELLS,
        &[
            "BASHOPTS",
            "BASH_*",
            "ENV",
            "FPATH",
            "IFS",
            "PROMPT_COMMAND",
            "PS0",
            "PS1",
            "PS2",
            "PS3",
            "PS4",
            "SHELLOPTS",
            "ZDOTDIR",
        ],
    ),
    (
        "has interpreters load other code",
        &[
            "AWKLIBPATH",
            "AWKPATH",
            "BUNDLE_*",
            "CAML_LD_LIBRARY_PATH",
            "CLASSPATH",
            "CORECLR_*",
            "COVERAGE_PROCESS_START",
            "DOTNET_ADDITIONAL_DEPS",
            "DOTNET_STARTUP_HOOKS",
            "ELIXIR_ERL_OPTIONS",
            "EMACSLOADPATH",
            "ERL_*",
            "GEM_*",
            "GUILE_LOAD_*",
            "JAVA_HOME",
            "JULIA_DEPOT_PATH",
            "JULIA_LOAD_PATH",
            "LUA_*",
            "MONO_*",
            "MSBUILD*",
            "NODE_PATH",
            "NODE_REPL_*",
            "PERL*",
            "PHPRC",
            "PHP_INI_SCAN_DIR",
            "PSMODULEPATH",
            "PYTHON*",
            "!PYTHONDONTWRITEBYTECODE",
            "!PYTHONHASHSEED",
            "!PYTHONIOENCODING",
            "!PYTHONUNBUFFERED",
            "!PYTHONUTF8",
            "RUBY*",
            "R_ENVIRON*",
            "R_LIBS*",
            "R_PROFILE*",
            "TCLLIBPATH",
            "TCL_LIBRARY",
            "VIM",
            "VIMRUNTIME",
        ],
    ),
    (
        "names modules that programs load",
        &[
            "FI_PROVIDER_PATH",
            "GBM_BACKENDS_PATH",
            "GDK_PIXBUF_MODULE*",
            "GIO_EXTRA_MODULES",
            "GIO_MODULE_DIR",
            "GST_PLUGIN_*",
            "GTK3_MODULES",
            "GTK_MODULES",
            "GTK_PATH",
            "KRB5_CONFIG",
            "LADSPA_PATH",
            "LIBGL_DRIVERS_PATH",
            "LIBMYSQL_*",
            "LIBVA_DRIVERS_PATH",
            "LV2_PATH",
            "NCCL_NET_PLUGIN",
            "OCL_ICD_*",
            "OMP_TOOL_LIBRARIES",
            "OPENSSL_CONF",
            "OPENSSL_ENGINES",
            "OPENSSL_MODULES",
            "QT_*PLUGIN*",
            "SASL_PATH",
            "VDPAU_DRIVER_PATH",
            "VK_*",
            "__EGL_VENDOR_LIBRARY_*",
        ],
    ),
    (
        "has git start programs, obey another repository or other settings, or write files",
        &[
            "GIT_ALLOW_PROTOCOL",
            "GIT_ALTERNATE_OBJECT_DIRECTORIES",
            "GIT_CEILING_DIRECTORIES",
            "GIT_COMMON_DIR",
            "GIT_CONFIG*",
            "GIT_DIR",
            "GIT_DISCOVERY_ACROSS_FILESYSTEM",
            "GIT_EXEC_PATH",
            "GIT_GRAFT_FILE",
            "GIT_IMPLICIT_WORK_TREE",
            "GIT_INDEX_FILE",
            "GIT_INTERNAL_*",
            "GIT_LFS_*",
            "GIT_OBJECT_DIRECTORY",
            "GIT_PROTOCOL_FROM_USER",
            "GIT_REDIRECT_*",
            "GIT_SHALLOW_FILE",
            "GIT_TEMPLATE_DIR",
            "GIT_TRACE*",
            "GIT_WORK_TREE",
        ],
    ),
    (
        "has compilers and what builds with them start or load other programs",
        &[
            "*SAN_OPTIONS",
            "BAZEL_SH",
            "CARGO_BUILD_RUST*",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_TARGET_*",
            "!CARGO_TARGET_DIR",
            "CFLAGS",
            "CGO_*",
            "CMAKE_*",
            "CPPFLAGS",
            "CXXFLAGS",
            "LDFLAGS",
            "LLVM_SYMBOLIZER_PATH",
            "RUSTDOCFLAGS",
            "RUSTFLAGS",
        ],
    ),
    (
        "names settings by which a program starts others, or writes where they say",
        &[
            "ALSA_CONFIG_PATH",
            "ANSIBLE_*",
            "APT_CONFIG",
            "BZR_*",
            "CARGO_HOME",
            "CURL_HOME",
            "FZF_DEFAULT_*",
            "GNUPGHOME",
            "GOENV",
            "GOTOOLCHAIN",
            "GROFF_*PATH",
            "HARNESS_PERL*",
            "HELM_PLUGINS",
            "HG",
            "HGEDITOR",
            "HGMERGE",
            "HGRCPATH",
            "INPUTRC",
            "KUBECTL_EXTERNAL_DIFF",
            "MAGICK_*",
            "MAILRC",
            "NPM_CONFIG_GLOBALCONFIG",
            "NPM_CONFIG_USERCONFIG",
            "P4CONFIG",
            "P4DIFF",
            "P4EDITOR",
            "P4ENVIRO",
            "P4MERGE*",
            "P4PAGER",
            "PSQLRC",
            "PYTEST_*",
            "RUSTUP_*",
            "SCREENRC",
            "SSH_SK_PROVIDER",
            "SYSSCREENRC",
            "WGETRC",
        ],
    ),
    (
        "lets pagers start programs",
        &[
            "LESSKEY*",
            "LESSSECURE*",
            "SYSTEMD_LESS",
            "SYSTEMD_PAGERSECURE",
        ],
    ),
    (
        "holds options or settings, of which some may start or load other programs",
        &[
            "*_ARGS",
            "*_ARGS_*",
            "*_CFG",
            "*_CONF",
            "*_CONFIG",
            "*_CONFIG_*",
            "!NPM_CONFIG_LOGLEVEL",
            "!NPM_CONFIG_REGISTRY",
            "*FLAGS",
            "*FLAGS_*",
            "*_OPTIONS",
            "*_OPTS",
            "*_OPTS_*",
            "*_RC",
            "*_RCFILE",
            "*_SETTINGS",
        ],
    ),
    (
        "names code that may be loaded or run",
        &[
            "*_BIN",
            "*_BINARY",
            "*_CMD",
            "*_DRIVER",
            "*_EXE",
            "*_EXECUTABLE",
            "*_EXTENSIONS",
            "*_HOOK",
            "*_HOOKS",
            "*_INTERPRETER",
            "*_LIBRARY_PATH",
            "*_LOADER",
            "*_MODULES",
            "*_MODULE_PATH",
            "*PLUGIN*",
            "*PRELOAD*",
            "*_PROGRAM",
            "*_SCRIPT",
            "*PKCS11*",
            "M4",
            "M4PATH",
            "MIX_*",
            "!MIX_ENV",
            "TF_DATA_DIR",
        ],
    ),
    (
        "says where secrets or records are written, or who is spoken to in the user's name",
        &[
            "*_BUS_ADDRESS",
            "DBUS_*",
            "*KEYLOG*",
            "*_LOGFILE",
            "*_LOG_FILE",
            "*_LOG_PATH",
            "*_TRACE_FILE",
        ],
    ),
];

#[cfg(test)]
mod tests;
