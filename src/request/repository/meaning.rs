//! What the values of git's configuration are.

use crate::command_text::Handed;

/// What a value is to git, or to a program that reads git's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GitValueUse {
    /// Nothing is started or obeyed by it.
    Harmless,
    /// A path: what lies there is obeyed.
    Place,
    /// A command for a shell, or a program, to which this is handed.
    Command(Handed),
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
/// The last parts of variables that hold commands, by section, and what those are handed; without any part,
/// each.
const COMMANDS: [(&str, &[&str], Handed); 29] = [
    (
        "core",
        &[
            "fsmonitor",
            "sshcommand",
            "gitproxy",
            "pager",
            "askpass",
            "alternaterefscommand",
        ],
        Handed::Words,
    ),
    ("core", &["editor"], Handed::Contents),
    ("sequence", &["editor"], Handed::Contents),
    ("pager", &[], Handed::Words),
    ("diff", &["external", "command"], Handed::Several),
    ("diff", &["textconv"], Handed::Names),
    ("difftool", &["cmd", "path"], Handed::Names),
    ("merge", &["driver"], Handed::Names),
    ("mergetool", &["cmd", "path"], Handed::Names),
    ("filter", &["clean", "smudge", "process"], Handed::Names),
    ("gpg", &["program", "defaultkeycommand"], Handed::Words),
    ("interactive", &["difffilter"], Handed::Words),
    ("browser", &["cmd", "path"], Handed::Words),
    ("man", &["cmd", "path"], Handed::Words),
    ("remote", &["uploadpack", "receivepack"], Handed::Words),
    ("uploadpack", &["packobjectshook"], Handed::Words),
    ("gc", &["recentobjectshook"], Handed::Words),
    ("trailer", &["cmd", "command"], Handed::Names),
    ("hook", &["command"], Handed::Words),
    ("tar", &["command"], Handed::Words),
    ("imap", &["tunnel"], Handed::Words),
    ("sendemail", &["sendmailcmd", "smtpserver"], Handed::Words),
    ("sendemail", &["tocmd", "cccmd", "headercmd"], Handed::Names),
    ("guitool", &["cmd"], Handed::Words),
    ("lfs", &["path", "args"], Handed::Words),
    ("lfs", &["clean", "smudge"], Handed::Names),
    ("instaweb", &["httpd", "browser"], Handed::Words),
    ("svn", &["authorsprog"], Handed::Words),
    ("git-p4", &["port"], Handed::Words),
];
/// How the last part of a variable that holds a command ends, whatever the section, and what that is handed:
/// other programs keep their settings there too.
const COMMAND_ENDS: [(&str, Handed); 11] = [
    ("pager", Handed::Words),
    ("editor", Handed::Contents),
    ("cmd", Handed::Names),
    ("command", Handed::Words),
    ("program", Handed::Words),
    ("askpass", Handed::Words),
    ("hook", Handed::Words),
    ("shell", Handed::Words),
    ("textconv", Handed::Names),
    ("driver", Handed::Names),
    ("helper", Handed::Words),
];
/// Variables that hold a command, or say whether there is one; and sections of such.
const SWITCHED: [&str; 1] = ["core.fsmonitor"];
const SWITCHED_SECTIONS: [&str; 1] = ["pager"];
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
/// Values that switch something.
const SWITCHES: [&str; 6] = ["true", "false", "yes", "no", "on", "off"];
/// The same where it isn't said what a variable is.
const MORE_SWITCHES: [&str; 2] = ["auto", "always"];
/// What `value` is in the variable `name`, `section.subsection.key`.
pub(super) fn meaning(name: &str, value: &[u8]) -> GitValueUse {
    let (section, _) = name.split_once('.').unwrap_or((name, ""));
    // Without a value there is no command, and no place that anybody inside can write.
    if value.is_empty() {
        return GitValueUse::Harmless;
    }
    let switched = SWITCHED.contains(&name) || SWITCHED_SECTIONS.contains(&section);
    match known(name, section) {
        Some(GitValueUse::Command(_)) if switched && is_switch(value, &[]) => GitValueUse::Harmless,
        Some(meaning) => meaning,
        None if is_switch(value, &MORE_SWITCHES) => GitValueUse::Harmless,
        None => guessed(name),
    }
}

/// Whether `value` is a number or says yes or no, or is one of these `words`.
fn is_switch(value: &[u8], words: &[&str]) -> bool {
    let is = |word: &&str| value.eq_ignore_ascii_case(word.as_bytes());
    value.iter().all(u8::is_ascii_digit) || SWITCHES.iter().chain(words).any(is)
}

/// What the values of a variable are of which that is known.
fn known(name: &str, section: &str) -> Option<GitValueUse> {
    let (_, last) = name.rsplit_once('.').unwrap_or(("", name));
    let commands = |(known, keys, _): &&(&str, &[&str], Handed)| {
        *known == section && (keys.is_empty() || keys.contains(&last))
    };
    // With a section for one address, it is as without.
    let plain = format!("{section}.{last}");
    if HARMLESS.contains(&name) || section == "http" && HARMLESS.contains(&plain.as_str()) {
        Some(GitValueUse::Harmless)
    } else if PLACES.contains(&plain.as_str()) {
        Some(GitValueUse::Place)
    } else if NAMES.contains(&name) || section == "remote" && last == "vcs" {
        Some(GitValueUse::Name)
    } else if section == "credential" && last == "helper" {
        Some(GitValueUse::Helper)
    } else if section == "submodule" && last == "update" {
        Some(GitValueUse::CommandIfMarked)
    } else if let Some((_, _, handed)) = COMMANDS.iter().find(commands) {
        Some(GitValueUse::Command(*handed))
    } else if HARMLESS_SECTIONS.contains(&section) {
        Some(GitValueUse::Harmless)
    } else {
        None
    }
}

/// What the values of another one are, by how its name ends.
fn guessed(name: &str) -> GitValueUse {
    let ends = |(end, _): &&(&str, Handed)| name.ends_with(end);
    let found = COMMAND_ENDS.iter().find(ends);
    found.map_or(GitValueUse::Unknown, |(_, handed)| {
        GitValueUse::Command(*handed)
    })
}
