//! Which of git's subcommands obey a setting.
//!
//! A subcommand counts as one that does unless it is known not to, in the process that it is itself: what it
//! starts (other gits, hooks, what an alias stands for) is looked at when it starts. Where nobody would look,
//! every subcommand counts.

use std::ffi::OsString;

use super::command::GitCommandLine;
use super::config::Config;
use crate::models::reading::Known;
use crate::models::{self, Reading};

/// Settings by their section and the last parts of their names.
type GitSettings = (&'static str, &'static [&'static str]);

/// Settings that some subcommands don't obey.
pub(super) struct Unused {
    settings: &'static [GitSettings],
    /// The subcommands, with blanks between; with a first argument behind a dot.
    pub(super) by: &'static str,
    /// They do, with one of these options, or where one of these settings is set.
    unless: &'static [&'static str],
    unless_set: &'static [&'static str],
    /// How that is known, from git's source.
    #[cfg_attr(not(test), expect(dead_code, reason = "it is for who reads"))]
    pub(super) reason: &'static str,
}

const DIFF_DRIVERS: [GitSettings; 1] = [("diff", &["external", "command", "textconv"])];
const OF_FILES: [GitSettings; 3] = [
    ("filter", &["clean", "smudge", "process"]),
    ("merge", &["driver"]),
    ("interactive", &["difffilter"]),
];
const EDITORS: [GitSettings; 2] = [("core", &["editor"]), ("sequence", &["editor"])];
const TRAILERS: [GitSettings; 1] = [("trailer", &["cmd", "command"])];
const CONNECTIONS: [GitSettings; 4] = [
    ("credential", &["helper"]),
    ("core", &["sshcommand", "gitproxy", "askpass"]),
    ("remote", &["uploadpack", "receivepack", "vcs"]),
    (
        "http",
        &[
            "sslcainfo",
            "sslcapath",
            "sslcert",
            "sslkey",
            "proxysslcainfo",
            "proxysslcert",
            "proxysslkey",
        ],
    ),
];

/// They have references, objects and connections: no working tree, and no contents of files.
const OF_OBJECTS: &str = "commit-graph fetch fetch-pack for-each-ref gc index-pack ls-remote maintenance \
    merge-base multi-pack-index pack-objects pack-refs prune prune-packed push receive-pack reflog.expire \
    remote remote-http remote-https repack rerere.gc rev-list rev-parse send-pack show-ref symbolic-ref \
    unpack-objects update-ref update-server-info upload-pack worktree.list worktree.prune";
const NO_CONTENTS: &str =
    "neither convert.c nor merge-ll.c nor add-patch.c nor line-log.c is entered";

pub(super) const UNUSED: [Unused; 9] = [
    Unused {
        settings: &DIFF_DRIVERS,
        by: OF_OBJECTS,
        unless: &["--ext-diff", "--textconv"],
        unless_set: &[],
        reason: "diff.c starts drivers where `allow_external` or `allow_textconv` is set, which these don't",
    },
    Unused {
        settings: &DIFF_DRIVERS,
        by: "add am apply branch checkout cherry-pick clean clone commit-tree config describe diff-files \
             diff-index diff-tree format-patch fsck hash-object init init-db ls-files ls-tree merge mktree mv \
             name-rev notes.copy pull read-tree rebase rerere reset restore revert rm stash switch tag \
             update-index var worktree write-tree",
        unless: &["--ext-diff", "--textconv"],
        unless_set: &[],
        reason: "as above: what they show of changes are counts of lines",
    },
    Unused {
        settings: &DIFF_DRIVERS,
        by: "commit status",
        unless: &["-v", "--verbose"],
        unless_set: &["commit.verbose"],
        reason: "wt-status.c sets `allow_textconv` for verbose output only",
    },
    Unused {
        settings: &OF_FILES,
        by: OF_OBJECTS,
        unless: &[],
        unless_set: &[],
        reason: NO_CONTENTS,
    },
    Unused {
        settings: &OF_FILES,
        by: "branch config tag",
        unless: &[],
        unless_set: &[],
        reason: NO_CONTENTS,
    },
    Unused {
        settings: &EDITORS,
        by: OF_OBJECTS,
        unless: &[],
        unless_set: &[],
        reason: "`launch_editor` and `launch_sequence_editor` aren't called",
    },
    Unused {
        settings: &EDITORS,
        by: "branch tag",
        unless: &[
            "--edit-description",
            "-a",
            "--annotate",
            "-s",
            "--sign",
            "-u",
            "--local-user",
            "-e",
            "--edit",
            "-m",
            "--message",
            "-F",
            "--file",
            "--trailer",
        ],
        unless_set: &["tag.gpgsign", "tag.forcesignannotated"],
        reason: "`launch_editor` is called for descriptions, and for tags that are objects",
    },
    Unused {
        settings: &TRAILERS,
        by: OF_OBJECTS,
        unless: &[],
        unless_set: &[],
        reason: "trailer.c runs commands for interpret-trailers, commit and tag",
    },
    Unused {
        settings: &CONNECTIONS,
        by: "add am apply blame branch cat-file checkout cherry-pick clean commit commit-graph commit-tree \
             config describe diff diff-files diff-index diff-tree for-each-ref format-patch gc grep \
             hash-object init init-db log ls-files ls-tree maintenance merge merge-base mktree \
             multi-pack-index mv name-rev notes pack-objects pack-refs prune prune-packed read-tree rebase \
             reflog remote.add remote.get-url remote.remove remote.rename remote.rm remote.set-url repack \
             rerere reset restore rev-list rev-parse revert rm shortlog show show-ref stash status switch \
             symbolic-ref tag unpack-objects update-index update-ref update-server-info worktree write-tree",
        unless: &[],
        unless_set: &[],
        reason: "http.c, connect.c, transport.c and prompt.c aren't entered; what is missing of a partial \
                 clone another git fetches",
    },
];

/// Sections that none but these subcommands obey. Each starts by an exec of its own, also from within git.
const ONLY: [(&str, &[&str]); 12] = [
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

impl GitCommandLine<'_> {
    /// Whether it may obey the setting `name`, `section.subsection.key`. `is_judged` says whether what it
    /// starts is looked at as well.
    pub(super) fn obeys(&self, name: &str, config: &Config<'_>, is_judged: bool) -> bool {
        let section = name.split('.').next().unwrap_or(name);
        let only = ONLY.iter().find(|(known, _)| *known == section);
        if only.is_some_and(|(_, names)| !self.is(names)) {
            return false;
        }
        let mut rows = UNUSED.iter().filter(|unused| unused.has(name));
        !(is_judged && self.is_plain && rows.any(|unused| unused.is_unused_by(self, config)))
    }
}

impl Unused {
    fn has(&self, name: &str) -> bool {
        let section = name.split('.').next().unwrap_or(name);
        let last = name.rsplit('.').next().unwrap_or(name);
        let mut settings = self.settings.iter();
        settings.any(|(known, keys)| *known == section && keys.contains(&last))
    }

    fn is_unused_by(&self, asked: &GitCommandLine<'_>, config: &Config<'_>) -> bool {
        let mut by = self.by.split_ascii_whitespace();
        by.any(|phrase| asked.begins_with(phrase))
            && !self
                .unless_set
                .iter()
                .any(|name| config.get(name).is_some())
            && has_none_of(asked, self.unless)
    }
}

impl GitCommandLine<'_> {
    /// Whether it is this subcommand, with this first argument behind a dot.
    fn begins_with(&self, phrase: &str) -> bool {
        let (subcommand, argument) = match phrase.split_once('.') {
            Some((subcommand, argument)) => (subcommand, Some(argument)),
            None => (phrase, None),
        };
        let first = || self.arguments.first();
        self.is(&[subcommand])
            && argument.is_none_or(|argument| first().is_some_and(|it| it == argument))
    }
}

/// Whether each option of `asked` is known, and none is one of these.
fn has_none_of(asked: &GitCommandLine<'_>, names: &[&str]) -> bool {
    let (Some(subcommand), Some(model)) = (asked.subcommand, models::builtin("git")) else {
        return false;
    };
    let words = std::iter::once(subcommand.to_owned()).chain(asked.arguments.iter().cloned());
    let words: Vec<OsString> = words.collect();
    let reading: Reading<'_> = models::read(model, &words);
    reading.flags().all(|flag| {
        // It shows a manual instead.
        let is_help = flag.is("--help") || flag.is("-h");
        flag.known != Known::Unknown && !is_help && !names.iter().any(|name| flag.is(name))
    })
}
