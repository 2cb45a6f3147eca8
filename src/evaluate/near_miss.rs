//! Rules that a command came close to, for people who wonder why one didn't match.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::models;
use crate::request::Request;
use crate::request::program::last_component;
use crate::rules::Decision;
use crate::rules::model::PrefixRule;

use super::command_tree::interpreted_files;
use super::index::{IndexedRules, one_of};
use super::names::{Names, presumed};
use super::verdict::Trace;

mod conditions;

/// How many near misses are worth showing.
const MOST: usize = 5;

/// A rule on the same program, or on a misspelt one, that a command would match if one word were another, or
/// if it met one condition more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// Number of the rule, see [`crate::rules::RuleSet::rule`].
    pub rule: usize,
    /// Where rule and command parted, as an index into `argv`; the program is 0.
    pub token: usize,
    /// What the rule wanted there: any of these.
    pub wanted: Vec<String>,
    /// What the command had there; `None` when it had ended.
    pub had: Option<OsString>,
    /// Of a `command_rule`: the parameter that the condition stands in.
    pub condition: Option<&'static str>,
    /// What that wants and the command has, in words that follow the rule.
    pub why: Option<String>,
}

impl NearMiss {
    /// Whether the command has a file there of the name that the rule wants, or nearly.
    fn is_alike(&self) -> bool {
        let had = self.had.as_deref().unwrap_or_default();
        self.wanted.iter().any(|wanted| is_file_alike(had, wanted))
    }
}

/// The rules on a program that don't match its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMisses {
    /// The nearest, closest first, at most five; last those whose program was perhaps meant to be the
    /// request's.
    pub nearest: Vec<NearMiss>,
    /// The ones beside, closest first, each with the first that keeps it from matching.
    pub others: Vec<NearMiss>,
    /// Of rules that do match: why their exceptions don't hold.
    pub unexcepted: Vec<Unexcepted>,
}

/// A case of a rule's `unless` that a command which the rule restricts is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unexcepted {
    /// Number of the rule.
    pub rule: usize,
    /// The case, as rules spell it.
    pub case: String,
    /// What the command departs from it by, in words.
    pub why: String,
}

impl NearMisses {
    /// None, where nobody looks.
    pub fn none() -> &'static Self {
        static NONE: NearMisses = NearMisses {
            nearest: Vec::new(),
            others: Vec::new(),
            unexcepted: Vec::new(),
        };
        &NONE
    }
}

/// The rules on the request's program that don't match its arguments, and exceptions of those that do; those that
/// it was `judged` by are told with that.
pub fn near_misses(index: &IndexedRules, request: &Request, judged: &Trace) -> NearMisses {
    let presumed = presumed(request);
    let mut rules = Vec::new();
    for name in Names::of(request.words(), presumed.as_deref()).iter() {
        index.on_program(name.name, &mut |rule| rules.push(rule));
    }
    rules.sort_unstable();
    rules.dedup();
    let called = Called::of(index, request);
    let mut meant = Vec::new();
    for (program, numbers) in index.prefix_programs() {
        let is_meant = called.is_meant_by(program);
        let others = numbers
            .iter()
            .filter(|number| rules.binary_search(number).is_err());
        let rules = others.filter_map(|&number| {
            let rule = index.rules().prefix_rules.get(number)?;
            let is_it = is_meant || called.is_joined(program, rule.rest.first());
            is_it.then(|| Parted::at_program(number, rule))
        });
        meant.extend(rules);
    }
    let mut plain = PlainWords::default();
    let parted = rules
        .into_iter()
        .filter_map(|rule| Parted::of(index, rule, request, &mut plain));
    meant.sort_by_key(|it| it.number);
    let mut parted: Vec<Parted<'_>> = parted.chain(meant).collect();
    // A restriction can match by what its words mean, or a command within this one.
    parted.retain(|it| !judged.tells_of(it.number));
    let missed = |it: Parted<'_>| NearMiss {
        rule: it.number,
        token: it.token(request),
        wanted: match it.at {
            Some(place) => it.rule.rest.get(place).cloned().unwrap_or_default(),
            None => vec![it.rule.program.clone()],
        },
        had: match it.at {
            Some(place) => it.words.get(place).map(|(_, word)| (*word).to_owned()),
            None => program_had(&it.rule.program, request),
        },
        condition: None,
        why: None,
    };
    let (near, beside): (Vec<_>, Vec<_>) = parted
        .into_iter()
        .partition(|it| is_near(index, it, request));
    let (by_condition, far) = conditions::near_misses(index, &called, judged);
    let mut nearest: Vec<NearMiss> = near.into_iter().map(missed).collect();
    nearest.extend(by_condition);
    let distance = |miss: &NearMiss| (Reverse(miss.token), !miss.is_alike(), miss.rule);
    nearest.sort_by_cached_key(distance);
    let mut others = nearest.split_off(nearest.len().min(MOST));
    others.extend(beside.into_iter().map(missed));
    others.extend(far);
    others.sort_by_cached_key(distance);
    NearMisses {
        nearest,
        others,
        unexcepted: conditions::unexcepted(index, request, judged),
    }
}

/// Whether one word makes the difference: another one, one too many, or one that is missing. Another
/// subcommand is another command, unless it is the same by another name or nearly.
fn is_near(index: &IndexedRules, parted: &Parted<'_>, request: &Request) -> bool {
    let &Parted {
        rule,
        at: Some(at),
        ref words,
        ..
    } = parted
    else {
        return true;
    };
    let follows = |pattern: usize, word: usize| {
        let words = words.get(word..).unwrap_or_default();
        let mut pattern = rule.rest.get(pattern..).unwrap_or_default().iter();
        let mut words = words.iter();
        pattern.all(|wanted| {
            words
                .next()
                .is_some_and(|(_, word)| one_of(wanted, word, rule.canonical))
        })
    };
    let (Some(wanted), had) = (rule.rest.get(at), words.get(at)) else {
        return false;
    };
    let Some((_, had)) = had else {
        return at > 0 && rule.rest.len() == at + 1;
    };
    let is_another = follows(at + 1, at + 1);
    let is_added = follows(at, at + 1);
    let is_missing = rule.rest.len() > at + 1 && follows(at + 1, at);
    if at > 0 || is_missing {
        return is_another || is_added || is_missing;
    }
    let had = had.to_string_lossy();
    let is_option = |word: &str| word.starts_with(['-', '+']);
    if is_option(&had) {
        return is_added || (is_another && wanted.iter().any(|word| is_option(word)));
    }
    let program = last_component(&request.program.asked);
    let model = index.model(program);
    let alike = |word: &String| {
        let mut subcommands = model.into_iter().flat_map(|model| &model.subcommands);
        models::is_slip_among_few(&had, word)
            || is_file_alike(OsStr::new(&*had), word)
            || subcommands
                .any(|it| it.names.iter().any(|name| *name == *had) && it.names.contains(word))
    };
    is_another && wanted.iter().any(alike)
}

/// Whether a word names a file as the one that is `wanted`, a word or a pattern: elsewhere, or with more at either
/// end of its name.
fn is_file_alike(had: &OsStr, wanted: &str) -> bool {
    let quoted = wanted.find('"').zip(wanted.rfind('"'));
    let text = quoted.and_then(|(start, end)| wanted.get(start + 1..end));
    let text = text.unwrap_or(wanted).trim_matches(['*', '/']);
    let wanted = last_component(OsStr::new(text)).to_string_lossy();
    let had = last_component(had).to_string_lossy();
    let wanted = wanted.trim_matches('*');
    let is_telling = wanted.contains('.') && wanted.trim_matches('.').len() > 1;
    !wanted.is_empty() && had == wanted || is_telling && had.contains(wanted)
}

/// How a command's program is called, to be compared with those of many rules.
struct Called<'a> {
    request: &'a Request,
    /// The last component of its first word.
    name: &'a str,
    /// That of the program that was asked for.
    base: &'a OsStr,
    /// The file is not there, and no model of that name is.
    is_nothing: bool,
    /// The files that it has an interpreter read.
    files: Vec<OsString>,
}

impl<'a> Called<'a> {
    fn of(index: &IndexedRules, request: &'a Request) -> Self {
        let name = request.argv.first().map(|word| last_component(word));
        let name = name.and_then(OsStr::to_str).unwrap_or_default();
        Self {
            request,
            name,
            base: request.program.base_name(),
            is_nothing: request.program.path.is_none() && !models::knows(name),
            files: interpreted_files(index, request.words()).collect(),
        }
    }

    /// Whether a rule on `program` was perhaps meant to be on it, whatever it wants behind that.
    fn is_meant_by(&self, program: &str) -> bool {
        let is_read = |file: &OsString| is_file_alike(file, program);
        self.is_misspelt(program)
            || is_elsewhere(program, self.request)
            || is_all_words(program, self.request)
            || self.files.iter().any(is_read)
    }

    /// Whether a program is called almost as the command's, and nobody knows one of the two.
    fn is_misspelt(&self, program: &str) -> bool {
        let is_found = self.request.program.path.is_some();
        let is_slip =
            models::is_slip(program, self.name) || !is_found && models::is_near(program, self.name);
        // Letters of another case are another name, but to a rule that says otherwise.
        program.eq_ignore_ascii_case(self.name) && program != self.name
            || is_slip && (self.is_nothing || !models::knows(program))
    }

    /// Whether the rule is on `docker compose` and the command on `docker-compose`, or the other way round; or it
    /// has a variable for the program.
    fn is_joined(&self, program: &str, next: Option<&Vec<String>>) -> bool {
        let is_both = |both: &[u8], first: &[u8], second: &[u8]| {
            let rest = both.strip_prefix(first);
            let rest = rest.and_then(|rest| rest.strip_prefix(b"-"));
            rest.is_some_and(|rest| !rest.is_empty() && rest == second)
        };
        let (name, program) = (self.base.as_bytes(), program.as_bytes());
        let mut wanted = next.into_iter().flatten();
        let second = self.request.argv.get(1).map(|word| word.as_bytes());
        let has_variable = program.contains(&b'=');
        wanted.any(|word| {
            is_both(name, program, word.as_bytes()) || has_variable && word.as_bytes() == name
        }) || second.is_some_and(|second| is_both(program, name, second))
    }
}

/// Whether a rule is on the program's name at another path than it has, or one that is spelled otherwise.
fn is_elsewhere(program: &str, request: &Request) -> bool {
    if !program.contains('/') {
        return false;
    }
    let own = &request.program;
    let paths = [own.path.as_deref(), own.real.as_deref()];
    let is_own = |path: &Path| path.as_os_str() == program;
    last_component(OsStr::new(program)) == own.base_name()
        && own.asked != program
        && !paths.into_iter().flatten().any(is_own)
}

/// What a command has for the `program` of a rule: the file, where another one is named, else the word.
fn program_had(program: &str, request: &Request) -> Option<OsString> {
    let path = request.program.path.as_deref().map(Path::as_os_str);
    let path = path.filter(|_| is_elsewhere(program, request));
    let word = request.argv.first().map(OsString::as_os_str);
    path.or(word).map(OsStr::to_owned)
}

/// Whether a rule has the first words of the command for a program's name.
fn is_all_words(program: &str, request: &Request) -> bool {
    if !program.contains(char::is_whitespace) {
        return false;
    }
    let words: Vec<&str> = program.split_whitespace().collect();
    let had = request.argv.iter().take(words.len());
    words.len() > 1
        && had
            .map(OsString::as_os_str)
            .eq(words.iter().map(OsStr::new))
}

/// Which words of a command are no options and no values of theirs, as the models of programs have it.
#[derive(Default)]
struct PlainWords<'a>(Vec<(&'a str, HashSet<usize>)>);

impl<'a> PlainWords<'a> {
    /// By the model of `program`, each read once.
    fn of(
        &mut self,
        index: &'a IndexedRules,
        program: &'a str,
        request: &Request,
    ) -> Option<&HashSet<usize>> {
        let known = self.0.iter().position(|(known, _)| *known == program);
        let at = if let Some(at) = known {
            at
        } else {
            let model = index.model(OsStr::new(program))?;
            let reading = models::read(model, request.arguments());
            let plain = reading.parts.iter().filter(|part| part.plain().is_some());
            let plain = plain.map(|part| part.index + 1).collect();
            self.0.push((program, plain));
            self.0.len() - 1
        };
        self.0.get(at).map(|(_, plain)| plain)
    }
}

/// Where a prefix rule and a command parted.
struct Parted<'a> {
    number: usize,
    rule: &'a PrefixRule,
    /// The place of the rule's that doesn't match, 0 behind the program; `None`: the program.
    at: Option<usize>,
    /// The words behind the program that the rule looks at, each with its index in `argv`.
    words: Vec<(usize, &'a OsStr)>,
}

impl<'a> Parted<'a> {
    fn of(
        index: &'a IndexedRules,
        number: usize,
        request: &'a Request,
        plain: &mut PlainWords<'a>,
    ) -> Option<Self> {
        let rule = index.rules().prefix_rules.get(number)?;
        let words = looked_at(index, rule, request, plain);
        let is_met = |(wanted, word): (&Vec<String>, Option<&(usize, &OsStr)>)| {
            word.is_some_and(|(_, word)| one_of(wanted, word, rule.canonical))
        };
        let had = words.iter().map(Some).chain(std::iter::repeat(None));
        let at = rule.rest.iter().zip(had).position(|pair| !is_met(pair))?;
        Some(Self {
            number,
            rule,
            at: Some(at),
            words,
        })
    }

    fn at_program(number: usize, rule: &'a PrefixRule) -> Self {
        Self {
            number,
            rule,
            at: None,
            words: Vec::new(),
        }
    }

    /// As an index into `argv`.
    fn token(&self, request: &Request) -> usize {
        let Some(at) = self.at else { return 0 };
        self.words
            .get(at)
            .map_or(request.argv.len(), |(token, _)| *token)
    }
}

/// The words of a command that a rule looks at: one that restricts passes over options that it doesn't name, and
/// their values, where they are known. The value behind one that it names it looks at.
fn looked_at<'a>(
    index: &'a IndexedRules,
    rule: &'a PrefixRule,
    request: &'a Request,
    plain: &mut PlainWords<'a>,
) -> Vec<(usize, &'a OsStr)> {
    let words = request.arguments().iter().map(OsString::as_os_str);
    let all = (1..).zip(words);
    let passes_over = rule.decision > Decision::Allow && !rule.canonical;
    let plain = passes_over.then(|| plain.of(index, &rule.program, request));
    let Some(plain) = plain.flatten() else {
        return all.collect();
    };
    let is_named = |word: &OsStr| rule.rest.iter().any(|wanted| one_of(wanted, word, false));
    let is_option = |word: &OsStr| word.as_bytes().starts_with(b"-");
    let is_value = |token: usize, word: &OsStr| {
        let before = request.argv.get(token - 1);
        !is_option(word) && before.is_some_and(|it| is_option(it) && is_named(it))
    };
    all.filter(|&(token, word)| plain.contains(&token) || is_named(word) || is_value(token, word))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nix::time::ClockId;

    use super::*;
    use crate::evaluate::judge;
    use crate::request::{Program, WorkingDirectory};
    use crate::rules::from_own_text;

    /// What `command` misses among rules with these patterns; alternatives of a word are written `a|b`.
    fn missed(patterns: &[&str], command: &str) -> NearMisses {
        missed_by(patterns, "", command)
    }

    /// The same of rules that say this besides.
    fn missed_by(patterns: &[&str], besides: &str, command: &str) -> NearMisses {
        let place = |place: &str| {
            let words: Vec<&str> = place.split('|').collect();
            format!("{words:?}")
        };
        let rule = |pattern: &&str| {
            let places: Vec<String> = pattern.split(' ').map(place).collect();
            format!("prefix_rule([{}]{besides})\n", places.join(", "))
        };
        let text: String = patterns.iter().map(rule).collect();
        let index = IndexedRules::new(from_own_text("t.rules", &text));
        let argv: Vec<OsString> = command.split(' ').map(OsString::from).collect();
        let cwd = WorkingDirectory::new("/work").unwrap();
        let request = Request::new(Program::named(&argv[0]), argv, cwd);
        near_misses(&index, &request, &judge(&index, &request).trace)
    }

    #[test]
    fn they_say_where_they_parted() {
        let patterns = [
            "git push --force|-f",
            "git",
            "git remote add|set-url",
            "hg push",
            "git push origin main",
        ];
        let misses = missed(&patterns, "git push origin");
        let others: Vec<usize> = misses.others.iter().map(|miss| miss.rule).collect();
        assert_eq!(others, [2]);
        let misses = misses.nearest;
        let parted: Vec<(usize, usize)> = misses.iter().map(|m| (m.rule, m.token)).collect();
        assert_eq!(parted, [(4, 3), (0, 2)]);
        assert_eq!(misses[0].had, None);
        assert_eq!(misses[1].wanted, ["--force", "-f"]);
        assert_eq!(misses[1].had.as_deref(), Some("origin".as_ref()));
    }

    #[test]
    fn they_are_one_word_away() {
        for (pattern, command, near) in [
            ("git push", "git status", false),
            ("git --version", "git status", false),
            ("git push", "git", false),
            ("git push", "git --no-pager push", true),
            ("git push", "git -C d push", false),
            ("git push origin", "git push", true),
            ("git push origin main", "git push", false),
            ("git push origin main", "git push upstream main", true),
            ("git push origin main", "git push upstream x", false),
            ("git push origin main", "git push main", true),
            ("git push origin main", "git push -v origin main", true),
            ("git checkout", "git chekcout", true),
            ("npm install", "npm i", true),
            ("npm install", "npm test", false),
            ("npm run test", "npm test", true),
            ("rm -rf", "rm -r x", true),
            ("rm -rf", "rm x", false),
            ("nobody-knows-it push", "nobody-knows-it pull", false),
            ("kubctl get", "kubectl get", true),
            ("cat .env", "cat config/.env", true),
            ("cat .env", "cat .env.local", true),
            ("cat .env", "cat README", false),
            ("code .", "code a.txt", false),
        ] {
            let misses = missed(&[pattern], command);
            assert_eq!(
                misses.nearest.len(),
                usize::from(near),
                "{pattern}: {command}"
            );
            let others = !near && command.starts_with(pattern.split(' ').next().unwrap());
            let count = misses.others.len();
            assert_eq!(count, usize::from(others), "{pattern}: {command}");
        }
    }

    /// What restricts passes over options: the word that makes the difference is told, not one that makes none.
    #[test]
    fn options_that_a_rule_passes_over_are_none() {
        for (pattern, command, token, had) in [
            (
                "kubectl delete pod",
                "kubectl -n prod delete svc web",
                4,
                "svc",
            ),
            (
                "git push origin master",
                "git push -u origin main",
                4,
                "main",
            ),
            (
                "docker compose down",
                "docker compose -f p.yml up -d",
                4,
                "up",
            ),
            (
                "systemctl restart web",
                "systemctl --user restart web.service",
                3,
                "web.service",
            ),
            (
                "cargo build --debug",
                "cargo --locked build --release",
                4,
                "",
            ),
        ] {
            let misses = missed_by(&[pattern], ", decision = \"prompt\"", command);
            let miss = misses.nearest.iter().chain(&misses.others).next().unwrap();
            let found = miss.had.clone().unwrap_or_default();
            assert_eq!(
                (miss.token, found.to_str().unwrap()),
                (token, had),
                "{command}"
            );
        }
    }

    /// Commands may be long, and each rule looks at all of their words.
    #[test]
    fn a_long_command_is_looked_through_once() {
        let command = format!("git push{}", " x".repeat(200_000));
        let clock = || Duration::from(ClockId::CLOCK_THREAD_CPUTIME_ID.now().unwrap());
        let started = clock();
        let misses = missed_by(&["git push origin"], ", decision = \"prompt\"", &command);
        assert_eq!(misses.nearest.len(), 1);
        assert!(clock().saturating_sub(started) < Duration::from_secs(10));
    }

    #[test]
    fn of_many_few_are_told_and_the_rest_counted() {
        let patterns: Vec<String> = (0..12)
            .map(|number| format!("git push r{number}"))
            .collect();
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        let misses = missed(&patterns, "git push");
        assert_eq!((misses.nearest.len(), misses.others.len()), (5, 7));
    }
}
