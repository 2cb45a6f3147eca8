//! What the values of git's configuration are.

/// What a value is to git, or to a program that reads git's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Nothing is started or obeyed by it.
    Harmless,
    /// A path: what lies there is obeyed.
    Place,
    /// A command for a shell, or a program.
    Command,
    /// The same, if it begins with `!`; else a word that git knows.
    CommandIfMarked,
    /// A credential helper: a command behind `!`, a whole path, or what follows `git credential-`.
    Helper,
    /// The name of something that is part of a path.
    Name,
    /// Nobody knows here: what looks like a path may be one.
    Unknown,
}

/// Variables that hold paths of which it obeys what lies there.
const PLACES: [&str; 16] = [
    "core.hookspath",
    "core.attributesfile",
    "init.templatedir",
    "include.path",
    "lfs.storage",
    "http.sslcainfo",
    "http.sslcapath",
    "http.sslcert",
    "http.sslkey",
    "http.proxysslcainfo",
    "http.proxysslcert",
    "http.proxysslkey",
    "instaweb.modulepath",
    "sendemail.smtpsslcertpath",
    "svn.authorsfile",
    "mailmap.file",
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
    ("gpg", &["program", "defaultkeycommand"]),
    ("interactive", &["difffilter"]),
    ("browser", &["cmd", "path"]),
    ("man", &["cmd", "path"]),
    ("remote", &["uploadpack", "receivepack"]),
    ("uploadpack", &["packobjectshook"]),
    ("trailer", &["cmd", "command"]),
    ("hook", &["command"]),
    ("tar", &["command"]),
    ("imap", &["tunnel"]),
    ("sendemail", &["sendmailcmd", "smtpserver"]),
    ("guitool", &["cmd"]),
    ("lfs", &["path", "args", "clean", "smudge"]),
    ("instaweb", &["httpd", "browser"]),
    ("svn", &["authorsprog"]),
    ("git-p4", &["port"]),
];
/// How the last part of a variable that holds a command ends, whatever the section: other programs keep
/// their settings there too.
const COMMAND_ENDS: [&str; 10] = [
    "pager", "editor", "cmd", "command", "program", "askpass", "hook", "shell", "textconv",
    "driver",
];
/// Names of tools, which are files in a directory of git's own, or parts of a program's name.
const NAMES: [&str; 5] = [
    "diff.tool",
    "diff.guitool",
    "merge.tool",
    "merge.guitool",
    "web.browser",
];
/// Variables that hold paths, or what looks like one, and run nothing there.
const HARMLESS: [&str; 14] = [
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
    "format.signaturefile",
    "gui.editor.font",
    "diff.orderfile",
];
/// Sections likewise; addresses of remotes, and aliases that are used, are looked at elsewhere.
const HARMLESS_SECTIONS: [&str; 5] = ["alias", "remote", "url", "branch", "submodule"];
/// Values that switch something, in every section.
const SWITCHES: [&[u8]; 9] = [
    b"true", b"false", b"yes", b"no", b"on", b"off", b"auto", b"always", b"",
];
/// Sections that none but these subcommands obey. Each starts by an exec of its own, also from within git.
const OF_SUBCOMMANDS: [(&str, &[&str]); 12] = [
    ("difftool", &TOOLS),
    ("mergetool", &TOOLS),
    ("guitool", &["gui"]),
    ("sendemail", &["send-email"]),
    ("imap", &["imap-send"]),
    ("browser", &BROWSING),
    ("web", &BROWSING),
    ("instaweb", &BROWSING),
    ("man", &BROWSING),
    ("svn", &["svn"]),
    ("git-p4", &["p4"]),
    ("gitcvs", &["cvsserver"]),
];
const TOOLS: [&str; 4] = ["difftool", "difftool--helper", "mergetool", "gui"];
const BROWSING: [&str; 3] = ["help", "instaweb", "web--browse"];

/// What `value` is in the variable `name`, `section.subsection.key`; `asks` says whether git is asked for
/// one of some subcommands.
pub(super) fn meaning(name: &str, value: &[u8], asks: &dyn Fn(&[&str]) -> bool) -> Meaning {
    let (section, _) = name.split_once('.').unwrap_or((name, ""));
    let (_, last) = name.rsplit_once('.').unwrap_or(("", name));
    let obeyed_by = OF_SUBCOMMANDS.iter().find(|(known, _)| *known == section);
    let is_number = value.iter().all(u8::is_ascii_digit);
    if is_number || SWITCHES.contains(&value) || obeyed_by.is_some_and(|(_, names)| !asks(names)) {
        return Meaning::Harmless;
    }
    let is_command = |(known, keys): &(&str, &[&str])| {
        *known == section && (keys.is_empty() || keys.contains(&last))
    };
    // With a section for one address, it is as without.
    let plain = format!("{section}.{last}");
    if HARMLESS.contains(&name) || section == "http" && HARMLESS.contains(&plain.as_str()) {
        Meaning::Harmless
    } else if PLACES.contains(&plain.as_str()) {
        Meaning::Place
    } else if NAMES.contains(&name) || section == "remote" && last == "vcs" {
        Meaning::Name
    } else if section == "credential" && last == "helper" {
        Meaning::Helper
    } else if section == "submodule" && last == "update" {
        Meaning::CommandIfMarked
    } else if COMMANDS.iter().any(is_command) {
        Meaning::Command
    } else if HARMLESS_SECTIONS.contains(&section) {
        Meaning::Harmless
    } else if COMMAND_ENDS.iter().any(|end| last.ends_with(end)) {
        Meaning::Command
    } else {
        Meaning::Unknown
    }
}
