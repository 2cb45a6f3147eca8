//! Programs to which what they are handed is data: the contents of files and of standard input, whoever
//! wrote them, say nothing of what these start, write or load; and nothing that lies where they are started
//! does. A program that isn't listed may do anything with them.

use super::builtin::unversioned;

/// Some of them, and why they are listed.
struct DataRow {
    names: &'static [&'static str],
    /// Only with one of these as the first word; without any, whatever follows.
    subcommands: &'static [&'static str],
    /// A single word that they are handed may be any option: none starts or writes anything. Where there is
    /// a model, it says that.
    bears_options: bool,
    /// So may any of several words, and the next one its value; nor does one that is no option have it write.
    bears_words: bool,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for who reads or adds to the list")
    )]
    reason: &'static str,
}

const fn row(names: &'static [&'static str], reason: &'static str) -> DataRow {
    DataRow {
        names,
        subcommands: &[],
        bears_options: true,
        bears_words: false,
        reason,
    }
}

impl DataRow {
    const fn only(mut self, subcommands: &'static [&'static str]) -> Self {
        self.subcommands = subcommands;
        self
    }

    const fn with_options(mut self) -> Self {
        self.bears_options = false;
        self
    }

    const fn with_words(mut self) -> Self {
        self.bears_words = true;
        self
    }
}

const ROWS: &[DataRow] = &[
    row(&["true", "false", ":", "echo"], "they read nothing").with_words(),
    row(
        &[
            "[", "arch", "basename", "clear", "dirname", "expr", "factor", "groups", "hostid", "id", "logname",
            "mountpoint", "namei", "nproc", "numfmt", "pathchk", "pidof", "printenv", "printf", "pwd", "readlink",
            "realpath", "sleep", "stty", "sync", "test", "tty", "uname", "uptime", "users", "w", "whereis", "which",
            "who", "whoami", "yes",
        ],
        "they print words that they are given, or what the system is like",
    )
    .with_words(),
    row(
        &[
            "cat", "cut", "expand", "fmt", "fold", "head", "nl", "paste", "pr", "rev", "sort", "tac", "tail", "tr",
            "tsort", "unexpand", "uniq", "wc",
        ],
        "they print the bytes or lines that they read, changed by rules of their own",
    ),
    row(&["column"], "it sets what it reads in columns"),
    row(
        &["base32", "base64", "hd", "hexdump", "od", "strings", "xxd"],
        "they print bytes in another form",
    ),
    row(
        &[
            "b2sum", "cksum", "file", "ls", "md5sum", "sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum",
            "shasum", "stat", "sum",
        ],
        "they print what a file is like",
    ),
    row(&["egrep", "fgrep", "grep"], "they print the lines that match"),
    row(
        &["cmp", "colordiff", "comm", "diff", "dwdiff", "icdiff", "join", "wdiff"],
        "they compare, and print what differs",
    ),
    row(
        &["diff-highlight", "diff-so-fancy", "difft", "difftastic"],
        "they print differences in color; their settings are variables and git's",
    )
    .with_words(),
    row(
        &["bat", "batcat", "delta"],
        "they print files or differences in color; an option names the pager",
    )
    .with_options(),
    row(
        &["bzcat", "bzip2", "gzip", "lz4", "xz", "xzcat", "zcat", "zstd", "zstdcat"],
        "they pack bytes, or unpack them, which then are one stream",
    ),
    row(
        &["antiword", "catdoc", "catppt", "exiftool", "pdfinfo", "xls2csv"],
        "they print what is in a document or said in it; what names another file takes a word of its own",
    ),
    row(
        &["exif", "mediainfo"],
        "they print what is said in a document; an option names a file to write",
    )
    .with_options(),
    row(
        &["odt2txt", "pandoc"],
        "they print the text of a document; options name programs, or files to write",
    )
    .with_options(),
    row(
        &["clang-format", "dos2unix", "gofmt", "tidy", "unix2dos", "xmllint"],
        "they print or write what they read in another layout; the settings that lie beside it are for the layout",
    )
    .with_options(),
    row(
        &["nbstripout"],
        "it leaves out of a notebook what was computed; options change git's configuration",
    )
    .with_options(),
    row(
        &["git-lfs"],
        "files are replaced by pointers to them, and back; which programs carry them is in git's configuration",
    )
    .only(&["clean", "smudge", "filter-process"]),
    row(&["git-crypt"], "files are encrypted and decrypted with keys of the repository's own")
        .only(&["clean", "smudge", "diff"]),
    row(&["git"], "it merges the files that it is given, and writes the first").only(&["merge-file"]),
    row(&["git"], "it leaves out blanks and comments").only(&["stripspace"]),
    row(
        &[
            "elvis", "ex", "gvim", "nvi", "nvim", "vi", "view", "vim", "vim.basic", "vim.gtk3", "vim.nox",
            "vim.tiny", "vimdiff", "rview", "rvim",
        ],
        "editors: the text says at most how it is to be shown",
    ),
    row(
        &["emacs", "emacs-gtk", "emacs-lucid", "emacs-nox", "emacsclient"],
        "editors: settings in the text or beside it that could do anything are asked about",
    ),
    row(
        &[
            "aee", "amp", "dte", "ee", "jed", "jmacs", "joe", "jpico", "jstar", "kak", "mcedit",
            "mcview", "mcdiff", "mg", "micro", "nano", "pico", "rjoe", "tilde", "vis", "xjed", "zile",
        ],
        "editors: what is edited is text",
    ),
    row(
        &["code", "code-insiders", "codium", "cursor", "vscodium", "windsurf"],
        "editors: of a folder that isn't trusted nothing is run",
    ),
    row(
        &[
            "bbedit", "gedit", "gnome-text-editor", "kate", "kwrite", "mate", "mousepad", "notepad", "notepad++",
            "pluma", "subl", "xed", "zed", "zeditor",
        ],
        "editors with windows of their own: what is edited is text",
    ),
    row(
        &[
            "bcomp", "bcompare", "diffmerge", "diffuse", "kdiff3", "kompare", "meld", "opendiff", "p4merge", "smerge",
            "tkdiff", "xxdiff",
        ],
        "they show and merge differences in windows of their own",
    ),
    row(
        &["less", "lv", "moar", "moor", "more", "most", "ov", "pg", "slit"],
        "pagers: what is shown is text",
    ),
];

/// What is known of a program to which what it is handed is data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakesData {
    /// How many words behind its name say so.
    pub words: usize,
    /// A single word that it is handed may be any option, as far as its model, if it has one, says no other.
    pub bears_options: bool,
    /// So may several words, each the other's value.
    pub bears_words: bool,
}

/// Whether to the program called `name`, a last component, with `first` for its first word, what it is
/// handed is data; `None` where nobody knows.
pub fn takes_data(name: &str, first: Option<&[u8]>) -> Option<TakesData> {
    let name = if is_listed(name) {
        name
    } else {
        unversioned(name)?
    };
    let is_it = |row: &&DataRow| {
        let is_first = |word: &&str| first == Some(word.as_bytes());
        row.names.contains(&name)
            && (row.subcommands.is_empty() || row.subcommands.iter().any(is_first))
    };
    let row = ROWS.iter().find(is_it)?;
    Some(TakesData {
        words: usize::from(!row.subcommands.is_empty()),
        bears_options: row.bears_options,
        bears_words: row.bears_words,
    })
}

fn is_listed(name: &str) -> bool {
    ROWS.iter().any(|row| row.names.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::builtin;
    use crate::models::model::{CommandModel, Form};

    /// What a model says a program does with what it is handed must not speak against the list.
    #[test]
    fn no_model_contradicts_the_list() {
        let commands = |model: &CommandModel| {
            let mut inner = model.inner.iter();
            inner.any(|inner| {
                matches!(
                    inner.form,
                    Form::File | Form::Input | Form::Script | Form::Line | Form::Words
                )
            })
        };
        for row in ROWS {
            assert!(!row.reason.is_empty());
            for name in row.names.iter().filter(|_| row.subcommands.is_empty()) {
                let Some(model) = builtin(name) else { continue };
                assert!(!commands(model), "{name}");
                assert_eq!(
                    model.obeys.as_deref().unwrap_or_default(),
                    [""; 0],
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn what_is_listed_is_found_by_its_subcommand_and_release() {
        let found = |name, first: Option<&str>| takes_data(name, first.map(str::as_bytes));
        assert!(found("cat", None).is_some_and(|it| it.words == 0 && it.bears_options));
        assert!(found("clang-format-15", None).is_some_and(|it| !it.bears_options));
        assert!(found("git-lfs", Some("clean")).is_some_and(|it| it.words == 1));
        for (name, first) in [
            ("git-lfs", None),
            ("git-lfs", Some("install")),
            ("git", Some("status")),
            ("sh", None),
            ("frob", None),
        ] {
            assert_eq!(found(name, first), None, "{name} {first:?}");
        }
    }
}
