//! Commands of scripts of which nobody can say before what they run, or what a rule would say of them.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use crate::models;
use crate::models::reading::Doubt;
use crate::request::Request;
use crate::rules::Decision;
use crate::rules::meaning::{ANY_WORD, Pattern};
use crate::rules::model::{CommandRule, PrefixRule};
use crate::script::{Word, WordPart};

use super::command_tree::{Node, models_of, spelled};
use super::index::IndexedRules;
use super::names::{Names, presumed};
use super::restrictions::restrictions;
use super::verdict::RuleMatch;

/// So many words are tried in the place of one; of more, it is not asked which.
const TRIALS: usize = 64;

/// Variables that name a file which a shell runs when it starts.
const STARTUP: [&str; 2] = ["BASH_ENV", "ENV"];

/// So many trials are made for all commands; then each is presumed to be what a rule restricts.
const ALL_TRIALS: usize = 4096;

/// Looks at commands of which not all words can be known before they run.
#[derive(Debug)]
pub(super) struct Foresight {
    /// The words that rules which restrict ask for, by the name of the program.
    wanted: HashMap<OsString, Vec<WantedWords>>,
    /// So many trials are left.
    left: usize,
}

impl Default for Foresight {
    fn default() -> Self {
        Self {
            wanted: HashMap::new(),
            left: ALL_TRIALS,
        }
    }
}

/// Words that a rule which restricts asks for.
type WantedWords = (Vec<String>, usize);

impl Foresight {
    /// A rule that would restrict the command, which asks for `request`, if its unknown words were those that the
    /// rule asks for.
    pub(super) fn presumed(
        &mut self,
        index: &IndexedRules,
        node: &Node,
        request: &Request,
    ) -> Option<RuleMatch> {
        let argv = words_of(node);
        let places = argv.iter().enumerate().skip(1);
        let places: Vec<(usize, bool)> = places
            .filter_map(|(at, (_, unknown))| Some((at, (*unknown)?)))
            .collect();
        if places.is_empty() {
            return None;
        }
        let mut left = self.left;
        let wanted = self.wanted(index, request);
        let presumed = |rule| RuleMatch {
            rule,
            matched: request.argv.first().cloned().into_iter().collect(),
            resolved_program: None,
            inner: Some(request.argv.clone()),
            presumed: true,
        };
        if wanted.len() > TRIALS || left == 0 {
            return wanted.first().map(|&(_, rule)| presumed(rule));
        }
        let restricting = |argv: Vec<OsString>| {
            let tried = Request {
                argv,
                ..request.clone()
            };
            restrictions(index, &tried, node.around.directories.is_some())
        };
        let own = restricting(request.argv.clone());
        let is_more = |found: &RuleMatch| {
            let is_known = own.iter().any(|known| known.rule == found.rule);
            !is_known && !index.rules().is_on_trial(found.rule)
        };
        let trials = wanted.iter().flat_map(|(words, _)| {
            let one = places
                .iter()
                .filter(|(_, splits)| *splits || words.len() == 1);
            let one = one.map(|(at, _)| in_one_place(&argv, *at, words));
            one.chain((places.len() > 1 && words.len() > 1).then(|| in_each_place(&argv, words)))
        });
        let found = trials.take(TRIALS * 4).find_map(|tried| {
            left = left.saturating_sub(1);
            let found = restricting(tried);
            let found = found.iter().find(|found| is_more(found));
            found.map(|found| presumed(found.rule))
        });
        self.left = left;
        found
    }

    /// What may stand in the place of unknown words for a rule to restrict the program.
    fn wanted(&mut self, index: &IndexedRules, request: &Request) -> &[WantedWords] {
        let key = request.argv.first().cloned().unwrap_or_default();
        self.wanted.entry(key).or_insert_with(|| {
            let presumed = presumed(request);
            let names = Names::of(request.words(), presumed.as_deref());
            let mut wanted = Vec::new();
            for name in names.iter() {
                index.on_program(name.name, &mut |number| {
                    let rule = index.rules().prefix_rules.get(number);
                    let rule = rule.filter(|rule| rule.decision > Decision::Allow);
                    let all = rule.into_iter().flat_map(of_prefix);
                    wanted.extend(all.map(|words| (words, number)));
                });
                let rules = index.rules();
                let restricts = |rule: &&CommandRule| {
                    rule.decision > Decision::Allow && rule.enforce && rule.could_be_on(name.name)
                };
                for (nth, rule) in rules.command_rules.iter().enumerate() {
                    let all = Some(rule)
                        .filter(restricts)
                        .into_iter()
                        .flat_map(of_command);
                    wanted.extend(all.map(|words| (words, rules.prefix_rules.len() + nth)));
                }
            }
            wanted.sort();
            wanted.dedup_by(|one, other| one.0 == other.0);
            wanted
        })
    }
}

/// A word of a command; if it is unknown, whether it may be several.
type KnownWord = (OsString, Option<bool>);

/// The words of `argv` with these for that at `at`.
fn in_one_place(argv: &[KnownWord], at: usize, words: &[String]) -> Vec<OsString> {
    let before = argv.iter().take(at).map(|(word, _)| word.clone());
    let behind = argv.iter().skip(at + 1).map(|(word, _)| word.clone());
    let words = words.iter().map(OsString::from);
    before.chain(words).chain(behind).collect()
}

/// The same with one of `words`, less those that are there, for each that is unknown, and the rest for the last
/// that may be several.
fn in_each_place(argv: &[KnownWord], words: &[String]) -> Vec<OsString> {
    let is_there = |word: &&String| {
        let mut known = argv.iter().skip(1).filter(|(_, unknown)| unknown.is_none());
        known.any(|(known, _)| known == word.as_str())
    };
    let mut left = words.iter().filter(|word| !is_there(word)).peekable();
    let last = argv.iter().rposition(|(_, unknown)| *unknown == Some(true));
    let mut filled = Vec::new();
    for (at, (word, unknown)) in argv.iter().enumerate() {
        if unknown.is_none() || at == 0 || left.peek().is_none() {
            filled.push(word.clone());
        } else if Some(at) == last {
            filled.extend(left.by_ref().map(OsString::from));
        } else {
            filled.extend(left.next().map(OsString::from));
        }
    }
    filled
}

/// The words of a command, each with whether it is unknown, and if so whether it may be several.
fn words_of(node: &Node) -> Vec<KnownWord> {
    let words = node.written.as_deref().map_or(&[][..], |it| &it.words);
    let mut argv: Vec<KnownWord> = Vec::new();
    for word in words {
        let unknown = unknown(word);
        for spelling in spelled(word) {
            let unknown = unknown.or_else(|| marked(node, &spelling));
            argv.push((OsString::from_vec(spelling), unknown));
        }
    }
    if node.written.is_none() && node.appends {
        let words = node.argv.iter();
        argv.extend(words.map(|word| (word.clone(), marked(node, word.as_bytes()))));
    }
    if node.appends {
        argv.push((OsString::new(), Some(true)));
    }
    argv
}

/// That a word, for one, is not known where another program puts something in it.
fn marked(node: &Node, word: &[u8]) -> Option<bool> {
    let mut marks = node.marks.iter().map(|mark| mark.as_bytes());
    let is_marked = marks.any(|mark| word.windows(mark.len()).any(|part| part == mark));
    is_marked.then_some(false)
}

/// Why nobody can know before what a command runs, or what a rule says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unforeseen {
    /// The rule of this number would restrict it if its unknown words were as that asks.
    Rule(usize),
    /// The program, asked for by a path, is not there yet.
    Missing,
    /// No program of its name is there, and it may be a function of what nobody has read.
    Function,
    /// Nobody knows where the program is looked for.
    Anywhere,
    /// It runs commands that nobody has read.
    Unread,
    /// The script writes what it runs.
    Written,
}

/// Why nobody can know before what the command, which asks for `request`, runs.
pub(super) fn unforeseen(
    index: &IndexedRules,
    node: &Node,
    request: &Request,
) -> Option<Unforeseen> {
    if is_missing(request) {
        Some(Unforeseen::Missing)
    } else if is_anywhere(node, request) {
        Some(Unforeseen::Anywhere)
    } else {
        reads_commands(index, node, request).then_some(Unforeseen::Unread)
    }
}

/// Whether nobody knows where the program is looked for.
fn is_anywhere(node: &Node, request: &Request) -> bool {
    let asked = request.program.asked.as_bytes();
    if asked.contains(&b'/') {
        !asked.starts_with(b"/") && node.around.directories.is_none()
    } else {
        node.around.variables.is_unknown("PATH")
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
        if let WordPart::Unknown { splits, .. } = part {
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
    let literal = meaning.patterns().map(|pattern| match pattern {
        Pattern::Literal(word) | Pattern::Under(word) => word.clone(),
        Pattern::Glob(_) | Pattern::Regex(_) => ANY_WORD.to_owned(),
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

    use crate::evaluate::{IndexedRules, Resolver, judge_exec, judge_script};
    use crate::request::{Followed, Program, Request, WorkingDirectory};
    use crate::rules::{Decision, from_own_text};

    const RULES: &str = r#"
prefix_rule(["git", "push"], decision = "forbidden")
prefix_rule(["docker", ["rm", "run"], "-f"], decision = "prompt")
command_rule(program = "ls", args = [under("/srv"), rest()], decision = "forbidden")
command_rule(program = "touch", args = [rest(glob("secret*"))], decision = "forbidden")
command_rule(program = "cat", args = [rest(regex(".*key"))], decision = "forbidden")
command_rule(program = "kubectl", subcommand = ["delete"], options = {"-n": glob("prod*")}, decision = "forbidden")
"#;

    fn index() -> IndexedRules {
        IndexedRules::new(from_own_text("t.rules", RULES))
    }

    fn request(argv: &[std::ffi::OsString], directory: &Path) -> Request {
        let cwd = WorkingDirectory::new(Path::new("/work").join(directory)).unwrap();
        Request::new(Program::named(&argv[0]), argv.to_vec(), cwd)
    }

    /// What is said of a script, where `./file` holds `git push`.
    fn decision(text: &str) -> Decision {
        let read = |file: &Path| (file == Path::new("/work/file")).then(|| b"git push".to_vec());
        let resolver = Resolver {
            find: &|start| request(start.words, start.directory),
            read: &read,
            variables: None,
            directory: None,
            follow: &|_| Followed::default(),
        };
        judge_script(&index(), text.as_bytes(), &resolver, &()).decision
    }

    #[test]
    fn what_cannot_be_known_counts_where_a_rule_restricts() {
        let asked = "git -C $a $b|docker \"$a\" \"$b\"|docker \"$a\" x \"$b\"|kubectl \"$a\" pod -n \"$b\"|touch $x|cat *|kubectl delete pod x -n $x|touch \"$(echo secret)\"|git $x|git \"$x\"|git pu*|$x push|docker $x|docker rm $x|docker $x -f|echo push | xargs git|xargs -I% git %|xargs -Ix kubectl delete pod -n x|find . -exec touch {} ';'|xargs -I{} cat a{}\
                     |bash -s|cat x | sh|sh other|BASH_ENV=other bash -c :|bash --rcfile other -ic :\
                     |cd x; sh file|hash -p /x foo; foo|. other|shopt -s expand_aliases; alias p=x; p";
        let forbidden = "bash file|sh ./file|bash <(echo git push)|bash < <(echo git push)\
                         |sh -c 'git $1' _ push|sh -c 'git \"$@\"' _ push|bash -c '\"$0\" push' git\
                         |echo git push | sh|x='a[$(git push)]'; : ${!x}\
                         |for x in status push; do git $x; done|select x in push; do git \"$x\"; done\
                         |x=push; git $x|x=p; git ${x}ush|p='git push'; $p|declare x=push; git $x\
                         |read x <<< push; git $x|while read x; do git $x; done <<< push\
                         |echo status push | while read x y; do git $y; done|a=(status push); git ${a[@]}\
                         |a=(push); git \"${a[0]}\"|for x in status push; do sh -c \"git $x\"; done\
                         |git -c alias.p=push p|git -c alias.p='push -f' p|git -c alias.p='!git push' p a\
                         |env git -c alias.p=q -c alias.q=push p|sh -c 'git -c alias.p=push p'";
        let allowed = "git commit -m \"$x\"|docker ps $x|tool $x|sh -c 'git $1' _ pull|xargs git commit|xargs -I% git commit -m %|find . -exec git commit {} +\
                       |alias p=x; p|sh -c 'set -- pull; git status'\
                       |for x in a b; do tool $x; done|git -c alias.p=pull p|git -c alias.pull=push pull\
                       |for x in a b; do git commit -m \"$x\"; done";
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

    /// No exec shows what these start, so it counts when they start themselves.
    #[test]
    fn what_nobody_sees_start_is_judged_alike_before_and_when_it_starts() {
        let asked = "ssh h 'git $x'|ssh h 'git $(echo push)'|ssh h '$x push'|ssh h '. ./x'|ssh h|ssh -t h|ssh h sh\
                     |ssh h 'cat x \u{1} sh'|ssh h 'echo push \u{1} xargs git'\
                     |docker exec -it c sh|docker run img sh x.sh|kubectl exec -it p -- bash\
                     |ssh h 'docker \"$a\" \"$b\"'|ssh h 'docker \"$a\" \"$b\" c'|ssh h 'kubectl \"$a\" p -n \"$b\"'|ssh h '$a $b'\
                     |sudo -s|sudo sh|sudo -u me sh x|su|su - me|newgrp g|at now|batch|machinectl shell m\
                     |ssh h 'touch $x'|ssh h 'touch \"$(printf secret)\"'|ssh h 'cat a$x'|ssh h 'ls \u{1} xargs touch'\
                     |docker exec c sh -c 'kubectl delete pod x -n $x'|docker exec c sh -c 'docker rm $x'|ssh h 'docker rm $x'|vagrant ssh|gcloud compute ssh vm";
        let forbidden = "ssh h git push|ssh h -- git push|ssh -o RemoteCommand='git push' h\
                         |ssh -oremotecommand=' git push' h|ssh -o 'RemoteCommand git push' h\
                         |ssh -o 'RemoteCommand = git push' h|kubectl create job x --image i -- git push\
                         |kubectl create cronjob x --image i --schedule s -- git push\
                         |docker run --entrypoint git img push|docker run --entrypoint=git img push\
                         |docker container create --entrypoint sh --entrypoint git img push\
                         |sudo -h host git push|sudo --host=host git push|podman machine ssh git push\
                         |podman machine ssh m git push|podman machine ssh m 'git push'|vagrant ssh -c 'git push'\
                         |vagrant ssh m --command 'git push'|vagrant ssh m -- git push|mosh h -- git push\
                         |gcloud compute ssh --command 'git push' vm|gcloud compute ssh vm --command='git push'\
                         |gcloud beta compute ssh vm --command='git push'|gcloud compute ssh vm -- git push\
                         |ssh h 'ls; git push'|ssh h 'for x in push; do git $x; done'";
        let allowed = "ssh h ls|ssh h 'touch a'|ssh h 'kubectl get pod -n $x'|ssh h 'tool $x'|ssh h 'git log'|ssh -N -L 1:a:2 h|ssh -V|sudo ls|docker exec c ls\
                       |docker run img|docker ps|kubectl exec p -- tool $x|docker run --entrypoint tool img push|sudo -l\
                       |kubectl create job x --image i|ssh h 'git commit -m \"$x\"'|vagrant up|atq|atrm 3|at -c 1";
        let mut wrong = Vec::new();
        for (commands, expected) in [
            (asked, Decision::Prompt),
            (forbidden, Decision::Forbidden),
            (allowed, Decision::Allow),
        ] {
            for command in commands.split('|') {
                let command = command.trim().replace('\u{1}', "|");
                let argv: Vec<_> = shlex::split(&command).unwrap();
                let argv: Vec<_> = argv.into_iter().map(Into::into).collect();
                let started = judge_exec(&index(), &request(&argv, Path::new("")));
                // What the shell would put in the place of a word is not what these are about.
                let said = decision(&crate::request::argv::text(&argv));
                if (started.verdict.decision, said) != (expected, expected) {
                    wrong.push((command, started.verdict.decision, said));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        for fed in [
            "ssh h <<< 'ls'",
            "echo ls | ssh h",
            "echo reboot | sudo sh",
            "cat x | docker exec -i c sh",
        ] {
            assert_eq!(decision(fed), Decision::Prompt, "{fed}");
        }
        for fed in [
            "ssh h <<< 'git push'",
            "echo 'git push' | ssh h",
            "at now <<< 'git push'",
        ] {
            assert_eq!(decision(fed), Decision::Forbidden, "{fed}");
        }
    }

    /// More commands than are tried are asked about, and the work stays the same.
    #[test]
    fn trials_are_bounded_whatever_the_script() {
        let many = "docker \"$x\" ps\n".repeat(20_000);
        let argv = ["ssh", "h", &many].map(std::ffi::OsString::from);
        let started = judge_exec(&index(), &request(&argv, Path::new("")));
        assert_eq!(started.verdict.decision, Decision::Prompt);
        let few = "docker ps \"$x\"\n".repeat(20);
        assert_eq!(decision(&few), Decision::Allow);
    }
}
