//! Programs that take commands from their input or the terminal, whatever their words say: editors,
//! pagers, shells without a script.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use crate::models::model::{Effect, Form, InnerModel};
use crate::models::reading::{Doubt, Flag, Inner, What};
use crate::models::{self, CommandModel, Reading};
use crate::request::{Request, Words};

use super::command_tree::{CommandTree, DEPTH, called, models_of, runs_another};
use super::index::IndexedRules;
use super::names::Names;

/// Where commands come from that the words don't have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CommandSource {
    /// Standard input.
    Input,
    /// Keys: standard input, or the terminal whatever that is.
    Keys,
}

impl IndexedRules {
    /// Whether a program of these names can take commands that its words don't have. Cheap.
    pub fn may_be_commanded(&self, words: Words<'_>) -> bool {
        let names = Names::of(words, None);
        // Behind the letter of an option, perhaps.
        let names_input = words.arguments().iter().any(|word| ends_as_input(word));
        runs_another(words)
            || names
                .iter()
                .filter_map(|name| self.model(name.name))
                .any(|model| names_input || takes_commands(model))
    }
}

/// Whether `word` ends as a word that stands for standard input, or for another open file.
fn ends_as_input(word: &OsStr) -> bool {
    let bytes = word.as_bytes();
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let digits = bytes.iter().rev().take_while(|byte| is_digit(byte)).count();
    let before = bytes.get(..bytes.len() - digits).unwrap_or_default();
    bytes.ends_with(b"-") || bytes.ends_with(b"/stdin") || digits > 0 && before.ends_with(b"/fd/")
}

/// Whether `word`, where a file of commands is named, stands for standard input, or for another open file.
fn is_input(word: &OsStr) -> bool {
    word == "-" || word.as_bytes().starts_with(b"/") && ends_as_input(word)
}

fn takes_commands(model: &CommandModel) -> bool {
    let mut inner = model.inner.iter();
    inner.any(|inner| matches!(inner.form, Form::Input | Form::Keys) || takes_words(inner))
        || model.subcommands.iter().any(takes_commands)
}

/// Whether what is read from the input are words of the command that is run.
fn takes_words(inner: &InnerModel) -> bool {
    inner.appends && inner.follows.is_empty()
}

/// Where `request` takes commands from beside its words, as far as models know: it, or what it runs
/// without another exec. Its variables must be known to show that it takes none.
pub fn command_source(index: &IndexedRules, request: &Request) -> Option<CommandSource> {
    let within = CommandTree::of(index, request).same_process(request);
    let within = within.iter().map(|inner| &inner.request);
    let all = std::iter::once(request).chain(within);
    all.filter_map(|one| source_of(index, one)).max()
}

fn source_of(index: &IndexedRules, request: &Request) -> Option<CommandSource> {
    let models = models_of(index, request.words()).into_iter();
    let open = models.filter(|model| !is_secured(model, request));
    let sources =
        open.filter_map(|model| source_in(index, &models::read(model, request.arguments())));
    sources.max()
}

fn source_in(index: &IndexedRules, reading: &Reading<'_>) -> Option<CommandSource> {
    let doubts = reading.doubts.iter().filter_map(|doubt| match doubt {
        Doubt::Input => Some(CommandSource::Input),
        Doubt::Keys => Some(CommandSource::Keys),
        Doubt::File(file) if is_input(file.word) => Some(CommandSource::Input),
        _ => None,
    });
    let runs_input =
        |flag: &Flag<'_>| flag.has_effect(Effect::Runs) && flag.value.is_some_and(is_input);
    let option = reading
        .flags()
        .any(runs_input)
        .then_some(CommandSource::Input);
    // Those of an option, as of `find -exec`, are no words of the input.
    let mut inner = reading.inner.iter();
    let is_commanded =
        |inner: &Inner<'_>| inner.appends && inner.option.is_none() && !takes_data(index, inner, 0);
    let words = inner.any(is_commanded).then_some(CommandSource::Input);
    doubts.chain(option).chain(words).max()
}

/// Whether words that come from elsewhere, wherever they stand behind the program's name, are data to this
/// command: none is, or has it start, another one. What isn't known may do so.
fn takes_data(index: &IndexedRules, inner: &Inner<'_>, depth: usize) -> bool {
    let What::Words(words) = &inner.what else {
        return false;
    };
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

    fn source(command: &str, variables: &[(&str, &str)]) -> Option<CommandSource> {
        let index = IndexedRules::new(from_own_text("t.rules", ""));
        let own = |&(name, value): &(&str, &str)| (name.into(), value.into());
        let variables = variables.iter().map(own).collect();
        let request = request(command).with_environment(variables);
        let source = command_source(&index, &request);
        assert!(
            source.is_none() || index.may_be_commanded(request.words()),
            "{command}"
        );
        source
    }

    #[test]
    fn editors_pagers_and_shells_without_a_script_are_commanded() {
        use CommandSource::{Input, Keys};
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
            (input, Some(Input)),
            (named, Some(Input)),
            (words, Some(Input)),
            (none, None),
        ] {
            for command in commands.split('|') {
                assert_eq!(source(command, &[]), expected, "{command}");
            }
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
        assert!(command_source(&index, &request("less FILE")).is_some());
    }
}
