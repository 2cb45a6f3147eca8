//! Commands of scripts of which nobody can say before what they run, or what a rule would say of them.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use crate::models;
use crate::models::reading::Doubt;
use crate::request::Request;
use crate::rules::Decision;
use crate::rules::meaning::Pattern;
use crate::rules::model::{CommandRule, PrefixRule};
use crate::script::{Part, Word};

use super::command_tree::{Node, models_of, spelled};
use super::index::IndexedRules;
use super::judge::restrictions;
use super::names::{Names, presumed};

/// So many words are tried in the place of one; of more, it is not asked which.
const TRIALS: usize = 64;

/// Variables that name a file which a shell runs when it starts.
const STARTUP: [&str; 2] = ["BASH_ENV", "ENV"];

/// Looks at the commands of one script.
#[derive(Debug, Default)]
pub(super) struct Foresight {
    /// The words that rules which restrict ask for, by the name of the program.
    wanted: HashMap<OsString, Vec<Vec<String>>>,
}

impl Foresight {
    /// Whether the command, which asks for `request`, may run what nobody can know before, or may be what a rule
    /// restricts.
    pub(super) fn fails(&mut self, index: &IndexedRules, node: &Node, request: &Request) -> bool {
        is_missing(request)
            || reads_commands(index, node, request)
            || self.may_be_restricted(index, node, request)
    }

    fn may_be_restricted(&mut self, index: &IndexedRules, node: &Node, request: &Request) -> bool {
        let words = node.written.as_deref().map_or(&[][..], |it| &it.words);
        // The words, each with whether it is unknown and may be several.
        let mut argv: Vec<(OsString, Option<bool>)> = Vec::new();
        for word in words {
            let unknown = unknown(word);
            let all = spelled(word).into_iter();
            argv.extend(all.map(|it| (OsStr::from_bytes(&it).to_owned(), unknown)));
        }
        if node.appends {
            argv.push((OsString::new(), Some(true)));
        }
        let places = argv.iter().enumerate().skip(1);
        let places: Vec<(usize, bool)> = places
            .filter_map(|(at, (_, unknown))| Some((at, (*unknown)?)))
            .collect();
        if places.is_empty() {
            return false;
        }
        let wanted = self.wanted(index, request);
        if wanted.len() > TRIALS {
            return true;
        }
        let count = |argv: Vec<OsString>| {
            let tried = Request {
                argv,
                ..request.clone()
            };
            restrictions(index, &tried, node.around.directories.is_some()).len()
        };
        let own = count(request.argv.clone());
        let trials = wanted
            .iter()
            .flat_map(|words| places.iter().map(move |place| (words, place)));
        let mut trials = trials
            .filter(|(words, (_, splits))| *splits || words.len() == 1)
            .take(TRIALS * 4);
        trials.any(|(wanted, (at, _))| {
            let before = argv.iter().take(*at).map(|(word, _)| word.clone());
            let behind = argv.iter().skip(at + 1).map(|(word, _)| word.clone());
            let wanted = wanted.iter().map(OsString::from);
            count(before.chain(wanted).chain(behind).collect()) > own
        })
    }

    /// What may stand in the place of unknown words for a rule to restrict the program.
    fn wanted(&mut self, index: &IndexedRules, request: &Request) -> &[Vec<String>] {
        let key = request.argv.first().cloned().unwrap_or_default();
        self.wanted.entry(key).or_insert_with(|| {
            let presumed = presumed(request);
            let names = Names::of(request.words(), presumed.as_deref());
            let mut wanted = Vec::new();
            for name in names.iter() {
                index.on_program(name.name, &mut |number| {
                    let rule = index.rules().prefix_rules.get(number);
                    let rule = rule.filter(|rule| rule.decision > Decision::Allow);
                    wanted.extend(rule.into_iter().flat_map(of_prefix));
                });
                let rules = index.rules().command_rules.iter();
                let restricts = |rule: &&CommandRule| {
                    rule.decision > Decision::Allow && rule.enforce && rule.could_be_on(name.name)
                };
                wanted.extend(rules.filter(restricts).flat_map(of_command));
            }
            wanted.sort();
            wanted.dedup();
            wanted
        })
    }
}

/// Whether the program, asked for by a path, is not there yet.
fn is_missing(request: &Request) -> bool {
    let program = &request.program;
    program.path.is_none() && program.asked.as_bytes().contains(&b'/')
}

/// Whether the word is unknown, and if so, whether it may be several.
fn unknown(word: &Word) -> Option<bool> {
    let mut found = None;
    for part in &word.parts {
        if let Part::Unknown { splits, .. } = part {
            found = Some(*splits || found == Some(true));
        }
    }
    found
}

/// Each alternative for a place, and all that a pattern asks for from one place on.
fn of_prefix(rule: &PrefixRule) -> Vec<Vec<String>> {
    let single = rule.rest.iter().flatten().map(|word| vec![word.clone()]);
    let rest = (0..rule.rest.len()).map(|from| {
        let places = rule.rest.iter().skip(from);
        places.filter_map(|place| place.first().cloned()).collect()
    });
    single.chain(rest).collect()
}

fn of_command(rule: &CommandRule) -> Vec<Vec<String>> {
    let meaning = &rule.meaning;
    let groups = || meaning.subcommand.iter().chain(&meaning.flags);
    let literal = meaning.patterns().filter_map(|pattern| match pattern {
        Pattern::Literal(word) | Pattern::Under(word) => Some(word.clone()),
        Pattern::Glob(_) | Pattern::Regex(_) => None,
    });
    let literal: Vec<String> = literal.collect();
    let single = groups()
        .flatten()
        .chain(&literal)
        .map(|word| vec![word.clone()]);
    let first = groups().filter_map(|group| group.first().cloned());
    let all: Vec<String> = first.chain(literal.iter().cloned()).collect();
    single.chain([all]).collect()
}

/// Whether the command is a shell, or starts one, that runs what nobody has read: its input, a file.
fn reads_commands(index: &IndexedRules, node: &Node, request: &Request) -> bool {
    let set = |name: &&OsStr| STARTUP.iter().any(|known| **name == **known);
    let has_startup = node.around.variables.changed().any(|name| set(&name));
    models_of(index, request.words()).into_iter().any(|model| {
        let reading = models::read(model, request.arguments());
        let Some(read) = reading.model.filter(|it| it.hands_input_to_shell()) else {
            return false;
        };
        let is_open = |doubt: &Doubt<'_>| match doubt {
            Doubt::Input | Doubt::File(_) => !node.is_read(),
            Doubt::Runs(_) => read.is_shell(),
            _ => false,
        };
        reading.doubts.iter().any(is_open) || (has_startup && read.is_shell())
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::evaluate::{IndexedRules, Resolver, judge_script};
    use crate::request::{Followed, Program, Request, WorkingDirectory};
    use crate::rules::{Decision, from_own_text};

    const RULES: &str = r#"
prefix_rule(["git", "push"], decision = "forbidden")
prefix_rule(["docker", ["rm", "run"], "-f"], decision = "prompt")
command_rule(program = "ls", args = [under("/srv"), rest()], decision = "forbidden")
"#;

    /// What is said of a script, where `./file` holds `git push`.
    fn decision(text: &str) -> Decision {
        let index = IndexedRules::new(from_own_text("t.rules", RULES));
        let find = |argv: &[std::ffi::OsString], directory: &Path| {
            let cwd = WorkingDirectory::new(Path::new("/work").join(directory)).unwrap();
            Request::new(Program::named(&argv[0]), argv.to_vec(), cwd)
        };
        let read = |file: &Path| (file == Path::new("/work/file")).then(|| b"git push".to_vec());
        let resolver = Resolver {
            find: &find,
            read: &read,
            variables: None,
            follow: &|_| Followed::default(),
        };
        judge_script(&index, text.as_bytes(), &resolver).decision
    }

    #[test]
    fn what_cannot_be_known_counts_where_a_rule_restricts() {
        let asked = "git $x|git \"$x\"|git pu*|$x push|docker $x|docker rm $x|docker $x -f|echo push | xargs git\
                     |bash -s|cat x | sh|sh other|BASH_ENV=other bash -c :|bash --rcfile other -ic :\
                     |cd x; sh file|hash -p /x foo; foo|. other|shopt -s expand_aliases; alias p=x; p";
        let forbidden = "bash file|sh ./file|bash <(echo git push)|bash < <(echo git push)\
                         |sh -c 'git $1' _ push|sh -c 'git \"$@\"' _ push|bash -c '\"$0\" push' git\
                         |echo git push | sh|x='a[$(git push)]'; : ${!x}";
        let allowed = "git commit -m \"$x\"|docker ps $x|tool $x|sh -c 'git $1' _ pull|xargs git commit\
                       |alias p=x; p|sh -c 'set -- pull; git status'";
        for (scripts, expected) in [
            (asked, Decision::Prompt),
            (forbidden, Decision::Forbidden),
            (allowed, Decision::Allow),
        ] {
            let whole = scripts.replace(" | ", "\u{1}");
            for script in whole.split('|') {
                let script = script.trim().replace('\u{1}', " | ");
                assert_eq!(decision(&script), expected, "{script}");
            }
        }
    }
}
