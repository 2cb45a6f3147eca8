//! Where programs take commands from that their words don't have: their input or the terminal, as editors,
//! pagers and shells without a script do, or files that the words name or that lie where they are started.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::models::model::Effect;
use crate::models::reading::{Doubt, Flag, Inner, Known, REPOSITORY, What};
use crate::models::{self, CommandModel, Reading};
use crate::request::program::normalised;
use crate::request::{Request, Words};
use crate::script;

use super::command_tree::{
    CommandTree, DEPTH, InnerRequest, Node, called, models_of, runs_another,
};
use super::index::IndexedRules;
use super::names::Names;

/// Where commands come from that the words don't have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum CommandSource {
    /// Keys: standard input, or the terminal whatever that is.
    Keys,
    /// The descriptor of this number: 0 is standard input.
    Descriptor(i32),
    /// The file at this path, absolute; there or not, as it may come to be there.
    File(PathBuf),
    /// The same if it is there: else the word is none that names a file.
    FileIfThere(PathBuf),
}

impl CommandSource {
    const INPUT: Self = Self::Descriptor(0);

    /// What `word` stands for where a file is named, in the directory `cwd`.
    fn named(word: &OsStr, cwd: &Path) -> Self {
        if word == "-" {
            return Self::INPUT;
        }
        let path = normalised(&cwd.join(word));
        match descriptor(&path) {
            Some(number) => Self::Descriptor(number),
            None => Self::File(path),
        }
    }

    fn if_there(self) -> Self {
        match self {
            Self::File(path) => Self::FileIfThere(path),
            other => other,
        }
    }
}

/// The open file that a path of the kernel's stands for, by its number.
fn descriptor(path: &Path) -> Option<i32> {
    let path = path.as_os_str().to_str()?;
    let number = ["/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/"]
        .iter()
        .find_map(|folder| path.strip_prefix(folder));
    match path {
        "/dev/stdin" => Some(0),
        "/dev/stdout" => Some(1),
        "/dev/stderr" => Some(2),
        _ => number?.parse().ok(),
    }
}

impl IndexedRules {
    /// Whether a program of these names can take commands that its words don't have. Cheap.
    pub fn may_be_commanded(&self, words: Words<'_>) -> bool {
        let names = Names::of(words, None);
        let mut models = names.iter().filter_map(|name| self.model(name.name));
        runs_another(words) || models.any(CommandModel::reads_commands)
    }
}

/// Where `request` takes commands from beside its words, as far as models know: it, or what it runs
/// without another exec; and the files of programs that it starts where no exec shows it. Its variables must be
/// known to show that it takes none.
pub fn command_sources(index: &IndexedRules, request: &Request) -> Vec<CommandSource> {
    let tree = CommandTree::of(index, request);
    let within = in_process(&tree, request);
    let mut sources = sources_of(index, std::iter::once(request).chain(&within));
    sources.extend(unseen_files(&tree, request));
    sources
}

/// The files of programs that `request` starts where no exec shows it, as tmux does in its server.
fn unseen_files(tree: &CommandTree, request: &Request) -> Vec<CommandSource> {
    let unseen = tree.requests(request, |node| {
        node.is_unjudged() && !node.is_same_process()
    });
    let file = |inner: InnerRequest| {
        let name = &inner.request.program.asked;
        let path = normalised(&inner.request.cwd.join(name));
        // In a container it is another one, if it is there.
        let file = CommandSource::File(path);
        let file = if inner.is_placed {
            file
        } else {
            file.if_there()
        };
        name.as_bytes().contains(&b'/').then_some(file)
    };
    unseen.filter_map(file).collect()
}

/// The same for each command within `request`, whose `tree` it is, as well, wherever it runs and whoever starts
/// it; where nobody knows its directory, as if it were that of the request.
pub fn all_command_sources(
    index: &IndexedRules,
    request: &Request,
    tree: &CommandTree,
) -> Vec<CommandSource> {
    let within = tree.requests(request, |_| true);
    let within: Vec<_> = within.map(|inner| inner.request).collect();
    sources_of(index, std::iter::once(request).chain(&within))
}

/// The files that tell `request` what to do, by names from the directory where it starts: that it looks for
/// there, or that its words name, as far as models know them. It, or what it runs without another exec; `node` is
/// its number in the `tree`, `None` where that is its own.
pub fn obeyed_files(
    index: &IndexedRules,
    request: &Request,
    tree: &CommandTree,
    node: Option<usize>,
) -> Vec<String> {
    let in_place = tree.in_place(node).into_iter();
    let sourced = tree.within(node).filter(|node| is_sourced(node));
    let within = in_place.chain(sourced).map(Node::words);
    let mut files = Vec::new();
    for words in std::iter::once(request.words()).chain(within) {
        for model in models_of(index, words) {
            for file in obeyed_in(&models::read(model, words.arguments())) {
                if !files.contains(&file) {
                    files.push(file);
                }
            }
        }
    }
    files
}

fn obeyed_in(reading: &Reading<'_>) -> Vec<String> {
    let named = reading.doubts.iter().filter_map(|doubt| match doubt {
        Doubt::File(file) => file.word.to_str().filter(|word| is_relative(word)),
        _ => None,
    });
    let read = reading.read_files().into_iter();
    let read = read.filter_map(|file| file.to_str().filter(|file| is_relative(file)));
    let named = named.chain(read).map(str::to_owned);
    let beside = reading.obeys_beside().map(Path::new);
    let found = reading.obeyed().filter_map(|file| match beside {
        None => Some(file.to_owned()),
        Some(script) => {
            let file = script.parent()?.join(file).into_os_string().into_string();
            file.ok().filter(|file| is_relative(file))
        }
    });
    named.chain(found).collect()
}

/// Whether a word that stands for a file can be one of the directory: no absolute path, address or input.
fn is_relative(word: &str) -> bool {
    let is_other = ["/", "~", "<(", "-"]
        .iter()
        .any(|start| word.starts_with(start));
    !word.is_empty() && !is_other && !word.contains("://")
}

/// What `request` runs without another exec; what a shell reads itself is none either.
fn in_process(tree: &CommandTree, request: &Request) -> Vec<Request> {
    let mut within = tree.in_process(request);
    let others = tree.requests(request, |node| !node.is_same_process() && is_sourced(node));
    within.extend(others.map(|inner| inner.request));
    within
}

fn is_sourced(node: &Node) -> bool {
    script::reads_file(node.words().asked.as_bytes())
}

fn sources_of<'a>(
    index: &IndexedRules,
    requests: impl Iterator<Item = &'a Request>,
) -> Vec<CommandSource> {
    let mut sources = Vec::new();
    for one in requests {
        let models = models_of(index, one.words()).into_iter();
        for model in models.filter(|model| !is_secured(model, one)) {
            let reading = models::read(model, one.arguments());
            sources_in(index, &reading, &one.cwd, &mut sources);
        }
    }
    sources.sort();
    sources.dedup();
    sources
}

fn sources_in(
    index: &IndexedRules,
    reading: &Reading<'_>,
    cwd: &Path,
    sources: &mut Vec<CommandSource>,
) {
    for doubt in &reading.doubts {
        match doubt {
            Doubt::Input => sources.push(CommandSource::INPUT),
            Doubt::Keys => sources.push(CommandSource::Keys),
            Doubt::File(file) => {
                sources.push(CommandSource::named(file.word, cwd));
                let bytes = file.word.as_bytes();
                let response = bytes.strip_prefix(b"@").map(OsStr::from_bytes);
                sources.extend(response.map(|file| CommandSource::named(file, cwd)));
            }
            _ => {}
        }
    }
    let read = reading.read_files().into_iter();
    sources.extend(read.map(|file| CommandSource::named(file, cwd)));
    // What it loads or runs, or a text in a language of its own.
    let names_file =
        |flag: &&Flag<'_>| flag.has_effect(Effect::Runs) || flag.known == Known::Unknown;
    let values = reading.flags().filter(names_file);
    let values = values.filter_map(|flag| flag.value);
    sources.extend(values.map(|value| CommandSource::named(value, cwd).if_there()));
    // Those of an option, as of `find -exec`, are no words of the input.
    let mut inner = reading.inner.iter();
    let is_commanded =
        |inner: &Inner<'_>| inner.appends && inner.option.is_none() && !takes_data(index, inner, 0);
    if inner.any(is_commanded) {
        sources.push(CommandSource::INPUT);
        let files = reading.words_from();
        sources.extend(files.map(|file| CommandSource::named(file, cwd)));
    }
    let elsewhere = reading.values_with(Effect::Directory).flatten();
    let elsewhere = elsewhere.map(|value| cwd.join(value));
    let mut folders: Vec<PathBuf> = elsewhere.chain([cwd.to_owned()]).collect();
    if let Some(script) = reading.obeys_beside() {
        let beside = normalised(&cwd.join(script));
        folders = beside.parent().map(Path::to_owned).into_iter().collect();
    }
    for file in reading.obeyed().filter(|file| *file != REPOSITORY) {
        let each = folders.iter().flat_map(|folder| folder.ancestors());
        sources.extend(each.map(|folder| CommandSource::File(folder.join(file))));
    }
}

/// The longest command of which it is looked whether it takes words for data, in words.
const LONGEST: usize = 1000;

/// Whether words that come from elsewhere, wherever they stand behind the program's name, are data to this
/// command: none is, or has it start, another one. What isn't known may do so.
fn takes_data(index: &IndexedRules, inner: &Inner<'_>, depth: usize) -> bool {
    let What::Words(words) = &inner.what else {
        return false;
    };
    if words.len() > LONGEST {
        return false;
    }
    let argv: Vec<OsString> = words.iter().map(|&word| word.to_owned()).collect();
    let Some((program, arguments)) = argv.split_first() else {
        // xargs itself prints them, others run them.
        return false;
    };
    let words = Words {
        asked: program,
        path: None,
        real: None,
        argv: &argv,
    };
    let models = models_of(index, words);
    if models.is_empty() {
        let first = arguments.first().map(|word| word.as_bytes());
        let name = called(program).to_str().unwrap_or_default();
        return models::takes_data(name, first).is_some_and(|takes| takes.bears_options);
    }
    let read = models
        .into_iter()
        .map(|model| (model, models::read(model, arguments)));
    depth < DEPTH
        && read.into_iter().all(|(model, reading)| {
            let mut inner = reading.inner.iter();
            if reading.inner.is_empty() {
                let obeys = reading.obeyed_file().is_some();
                !obeys && !reading.model.unwrap_or(model).may_start_another()
            } else {
                inner.all(|inner| takes_data(index, inner, depth + 1))
            }
        })
}

/// Whether the variables keep the program from taking commands. Of two of one name both count.
fn is_secured(model: &CommandModel, request: &Request) -> bool {
    let Some(variables) = &request.environment else {
        return false;
    };
    let values = |wanted: &str| {
        let wanted = OsStr::from_bytes(wanted.as_bytes()).to_owned();
        let found = variables.iter().filter(move |(name, _)| *name == wanted);
        found.map(|(_, value)| value.as_os_str())
    };
    let holds = |condition: &String| match condition.split_once('=') {
        Some((name, value)) => values(name).next().is_some() && values(name).all(|it| it == value),
        None => condition
            .strip_prefix('!')
            .is_some_and(|name| values(name).next().is_none()),
    };
    !model.secured_by.is_empty() && model.secured_by.iter().all(holds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Program, WorkingDirectory};
    use crate::rules::from_own_text;

    fn request(command: &str) -> Request {
        let argv: Vec<_> = command.split(' ').map(Into::into).collect();
        let cwd = WorkingDirectory::new("/work").unwrap();
        Request::new(Program::named(&argv[0]), argv, cwd)
    }

    fn sources(command: &str, variables: &[(&str, &str)]) -> Vec<CommandSource> {
        let index = IndexedRules::new(from_own_text("t.rules", ""));
        let own = |&(name, value): &(&str, &str)| (name.into(), value.into());
        let variables = variables.iter().map(own).collect();
        let request = request(command).with_environment(variables);
        let sources = command_sources(&index, &request);
        assert!(
            sources.is_empty() || index.may_be_commanded(request.words()),
            "{command}"
        );
        sources
    }

    /// The first that is no file.
    fn source(command: &str, variables: &[(&str, &str)]) -> Option<CommandSource> {
        let mut sources = sources(command, variables).into_iter();
        let is_open =
            |it: &CommandSource| matches!(it, CommandSource::Keys | CommandSource::Descriptor(_));
        sources.find(is_open)
    }

    #[test]
    fn editors_pagers_and_shells_without_a_script_are_commanded() {
        use CommandSource::Keys;
        let keys = "vi FILE|vim FILE|view FILE|ex FILE|nvim FILE|nano FILE|pico FILE|emacs -nw FILE|mg FILE\
                    |joe FILE|jed FILE|micro FILE|ne FILE|hx FILE|helix FILE|kak FILE|vis FILE|mcedit FILE\
                    |less|less FILE|more|most|lv|w3m FILE|moar|man ls|top|mutt|tig|busybox vi FILE";
        let input = "ed FILE|red FILE|sh|bash -i|bash -s FILE|dash|python3|python3 -i FILE|node|gdb a.out|sftp h\
                     |irb|busybox sh";
        let named = "python3 -|perl -|node -|lua -|ruby -|sh /dev/stdin|bash /dev/fd/0|bash //proc/self/fd/0\
                     |tclsh /dev/stdin|expect -|awk -f -|awk -f/dev/stdin|sed -f /dev/stdin|sed -nf -|make -f -\
                     |make --file=- all|m4 -";
        let words = "xargs sh|xargs -I{} sh -c {}|xargs -n 1 sh -c true sh|xargs env|xargs -0 nice -n 5\
                    |xargs timeout 5 sh|xargs xargs sh|xargs tar cf a|xargs make|xargs git\
                    |xargs python3 FILE|xargs find|xargs ./unknown|xargs docker run x|entr sh FILE|parallel rm";
        let none = "cat|cat -|tar xf -|sort /dev/stdin|grep -f - FILE|python3 FILE -|sh -c true -|wc -l|sh -c true|sh FILE|bash FILE|python3 -c 1|git commit|ssh h git-upload-pack x\
                    |xargs|xargs rm -f|xargs -0 grep x|xargs -I{} cp {} d|xargs env A=b wc -l|xargs base64|xargs docker rm\
                    |find d -exec sh {} ;|gpg --sign|vim --version|less --help|git-remote-https o|top -b|awk 1 FILE|unknown FILE";
        for (commands, expected) in [
            (keys, Some(Keys)),
            (input, Some(CommandSource::INPUT)),
            (named, Some(CommandSource::INPUT)),
            (words, Some(CommandSource::INPUT)),
            (none, None),
        ] {
            for command in commands.split('|') {
                assert_eq!(source(command, &[]), expected, "{command}");
            }
        }
    }

    #[test]
    fn files_of_commands_are_known_by_the_words() {
        for (command, expected) in [
            ("sh f", "/work/f"),
            ("bash ../x/f a", "/x/f"),
            ("python3 f", "/work/f"),
            ("gdb -batch -x f", "/work/f"),
            ("gdb -batch -ix f", "/work/f"),
            ("gdb --init-command=../x/f", "/x/f"),
            ("sqlite3 -init f d", "/work/f"),
            ("node -r ./m -e 1", "/work/m?"),
            ("enable -f ./f x", "/work/f"),
            ("ruby -I lib -e 1", ""),
            ("psql -f f", "/work/f"),
            ("xargs -a f sh", "/work/f"),
            ("xargs -a f rm", ""),
            ("parallel --arg-file=f sh", "/work/f"),
            ("parallel echo :::: f", "/work/f"),
            ("bash /dev/fd/7", "fd 7"),
            ("bash /proc/self/../self/fd/7", "fd 7"),
            ("sh /dev/stdin", "fd 0"),
            ("python3 -m code", "fd 0"),
            ("python3 -m json.tool f", "/work/*.py"),
            ("python3 -I -m json.tool f", ""),
            ("python3 ../x/f", "/x/*.py"),
            ("lua ../x/f", "/work/*.lua"),
            ("debugfs -f f disk", "/work/f?"),
            ("make", "/work/Makefile"),
            ("make -C sub", "/work/sub?"),
            ("cat f", ""),
            ("git status", ""),
        ] {
            let found: Vec<String> = sources(command, &[])
                .iter()
                .map(|source| match source {
                    CommandSource::Keys => "keys".to_owned(),
                    CommandSource::Descriptor(number) => format!("fd {number}"),
                    CommandSource::File(path) => path.display().to_string(),
                    CommandSource::FileIfThere(path) => format!("{}?", path.display()),
                })
                .collect();
            let is_there = found.iter().any(|it| it == expected);
            let is_so = if expected.is_empty() {
                found.iter().all(|it| it.ends_with('?'))
            } else {
                is_there
            };
            assert!(is_so, "{command}: {found:?}");
        }
    }

    fn obeyed_by(index: &IndexedRules, request: &Request) -> Vec<String> {
        obeyed_files(index, request, &CommandTree::of(index, request), None)
    }

    #[test]
    fn what_the_directory_says_is_known_by_names_from_there() {
        let index = IndexedRules::new(from_own_text("t.rules", ""));
        for (command, expected) in [
            ("python3 -m json.tool", Some("*.py")),
            ("python3 -c 1", Some("*.py")),
            ("python3 -", Some("*.py")),
            ("python3 -Em json.tool", Some("*.py")),
            ("python3 -c 1 -I", Some("*.py")),
            ("python3 -Im json.tool", None),
            ("python3 -P -c 1", None),
            ("python3 x.py", Some("x.py")),
            ("python3 d/x.py", Some("d/*.py")),
            ("python3 -I d/x.py", Some("d/x.py")),
            ("python3 /opt/x.py", None),
            ("node -p 1", Some("node_modules")),
            ("node d/x.js", Some("d/node_modules")),
            ("node /opt/x.js", None),
            ("lua /opt/x.lua", Some("*.lua")),
            ("php /opt/x.php", Some("*.php")),
            ("R -e 1 --vanilla", Some(".Rprofile")),
            ("R --vanilla -e 1", None),
            ("irb -f", None),
            ("make", Some("Makefile")),
            ("make --version", None),
            ("rustc --version", Some("rust-toolchain.toml")),
            ("sh ./f", Some("./f")),
            ("sh -", None),
            ("sh /opt/f", None),
            ("busybox sh f", Some("f")),
            ("gh pr list", Some(REPOSITORY)),
            ("gh --version", None),
            ("psql -f f", Some("f")),
            ("psql -f /opt/f", None),
            ("psql -c 1", None),
            ("sftp -b f h", Some("f")),
            ("vim -S f", Some("f")),
            ("gdb -x f a.out", Some("f")),
            ("sqlite3 -init f db", Some("f")),
            ("R --vanilla --file=f", Some("f")),
            ("lftp -f f", Some("f")),
            ("cat f", None),
        ] {
            let files = obeyed_by(&index, &request(command));
            let is_so = match expected {
                Some(expected) => files.iter().any(|file| file == expected),
                None => files.is_empty(),
            };
            assert!(is_so, "{command}: {files:?}");
        }
    }

    /// Statements in a program's own language name files as well.
    #[test]
    fn what_statements_read_is_known_by_name() {
        let index = IndexedRules::new(from_own_text("t.rules", ""));
        for words in [
            &["sqlite3", "db", ".read f"][..],
            &["sqlite3", "db", "select 1;.read 'f'"],
            &["sqlite3", "-cmd", ".read f", "db"],
            &["duckdb", "-c", ".read f"],
            &["vim", "-c", "source f"],
            &["vim", "-es", "--cmd", "so f", "x"],
            &["gdb", "-batch", "-ex", "source f"],
            &["psql", "-c", "\\i f"],
            &["psql", "--command=\\include f"],
            &["mysql", "-e", "source f"],
            &["mysql", "-e", "\\. f"],
            &["gnuplot", "-e", "load \"f\""],
            &["R", "--vanilla", "-e", "source('f')"],
            &["lftp", "-c", "open h; source f"],
            &["env", "psql", "-c", "\\i f"],
        ] {
            let argv: Vec<_> = words.iter().map(Into::into).collect();
            let cwd = WorkingDirectory::new("/work").unwrap();
            let request = Request::new(Program::named(&argv[0]), argv, cwd);
            let files = obeyed_by(&index, &request);
            let is_known = files.iter().any(|file| file == "f");
            // What another program runs is told of that one.
            assert_eq!(is_known, words[0] != "env", "{words:?}: {files:?}");
        }
    }

    /// What runs in a command's place is the program that obeys.
    #[test]
    fn the_interpreter_of_a_script_obeys_too() {
        let index = IndexedRules::new(from_own_text("t.rules", ""));
        for (interpreter, expected) in
            [("/usr/bin/lua", "*.lua"), ("/usr/bin/Rscript", ".Rprofile")]
        {
            let script = request("/opt/tool a");
            let with = Request {
                interpreter: Some(Box::new(request(&format!("{interpreter} /opt/tool a")))),
                ..script.clone()
            };
            assert_eq!(obeyed_by(&index, &script), [""; 0]);
            assert!(obeyed_by(&index, &with).iter().any(|file| file == expected));
        }
    }

    #[test]
    fn a_pager_that_is_secured_takes_no_commands() {
        for (variables, secured) in [
            (&[("LESSSECURE", "1")][..], true),
            (&[("LESSSECURE", "0")], false),
            (&[("LESSSECURE", "1"), ("LESSSECURE", "")], false),
            (&[("LESSSECURE", "1"), ("LESSSECURE_ALLOW", "shell")], false),
            (&[("LESS", "-R")], false),
        ] {
            assert_eq!(
                source("less FILE", variables).is_none(),
                secured,
                "{variables:?}"
            );
            assert_eq!(source("vim FILE", variables), Some(CommandSource::Keys));
        }
        let index = IndexedRules::new(from_own_text("t.rules", ""));
        assert!(!command_sources(&index, &request("less FILE")).is_empty());
    }
}
