//! Rules filed by program and by the words after it, so that a command meets only those that
//! can match.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::OnceLock;

use crate::models::{self, CommandModel};
use crate::request::program::last_component;
use crate::rules::model::{CommandRule, HostExecutable, PrefixRule, ProgramName, Run};
use crate::rules::{Decision, RuleSet};

use super::meanings::Meanings;
use super::path_conditions::PathConditions;
use super::words::{caseless, same_word};

/// How many words after the program rules are filed by; later words are compared one by one.
const FILED_WORDS: usize = 8;

/// A [`RuleSet`] made ready for judging.
///
/// Looking up a command costs the same among ten rules and ten thousand: rules are filed by
/// program, then word by word. A rule whose pattern gives alternatives for one word is filed
/// under each; from a second such word on, its words are compared one by one.
#[derive(Debug, Default)]
pub struct IndexedRules {
    rules: RuleSet,
    exact: HashMap<Box<[u8]>, Shelf>,
    canonical: HashMap<Box<[u8]>, Shelf>,
    /// Per bare name, the index of the last `host_executable` entry.
    hosts: HashMap<String, usize>,
    /// Per name, the index of the last `program` entry.
    programs: HashMap<String, usize>,
    meanings: Meanings,
    broken: bool,
    /// A rule has a condition on variables.
    environment: bool,
    paths: PathConditions,
    /// The programs, as rules name them, that a rule allows outside; `None` where one names no single
    /// program.
    allowed: Option<HashSet<Box<[u8]>>>,
    /// Rules pass variables.
    passes: bool,
    /// The prefix rules by program; filed when somebody asks.
    by_program: OnceLock<Vec<(String, Vec<usize>)>>,
}

/// The rules that agree on the words so far.
#[derive(Debug, Default)]
struct Shelf {
    /// Rules to compare here, as indices into the rule set.
    rules: Vec<usize>,
    /// Rules that go on, by their next word.
    next: HashMap<Box<[u8]>, Shelf>,
}

impl IndexedRules {
    /// Files `rules`.
    pub fn new(rules: RuleSet) -> Self {
        let mut index = Self {
            broken: rules.is_broken(),
            environment: rules
                .command_rules
                .iter()
                .any(CommandRule::asks_for_variables),
            allowed: allowed(&rules),
            passes: rules
                .command_rules
                .iter()
                .any(|rule| !rule.pass_env.is_empty()),
            paths: PathConditions::of(&rules),
            ..Self::default()
        };
        for (number, rule) in rules.prefix_rules.iter().enumerate() {
            let shelves = if rule.canonical {
                &mut index.canonical
            } else {
                &mut index.exact
            };
            let program = key(rule.program.as_bytes(), rule.canonical);
            shelves
                .entry(program.into())
                .or_default()
                .file(rule, number, 0, false);
        }
        for (number, entry) in rules.host_executables.iter().enumerate() {
            index.hosts.insert(entry.name.clone(), number);
        }
        for (number, program) in rules.programs.iter().enumerate() {
            for name in &program.model.names {
                index.programs.insert(name.clone(), number);
            }
        }
        index.rules = rules;
        index.meanings = Meanings::of(&index.rules, &|program| {
            index.knows(last_component(program))
        });
        index
    }

    /// The rules themselves.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// Whether a rules file failed to load, so that what no rule matches is asked about.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// What rules ask of places.
    pub(super) fn path_conditions(&self) -> &PathConditions {
        &self.paths
    }

    /// Whether any rule has a condition on variables.
    pub(super) fn has_conditions_on_variables(&self) -> bool {
        self.environment
    }

    /// Whether a rule may allow the program `name` outside, whose model says by which variables it acts, or
    /// rules pass any.
    pub(super) fn acts_outside_by_variables(&self, name: &OsStr) -> bool {
        let allowed = self.allowed.as_ref();
        allowed.is_none_or(|allowed| allowed.contains(name.as_bytes()))
            && (self.passes
                || self
                    .model(last_component(name))
                    .is_some_and(|model| !model.variables.is_empty()))
    }

    /// Whether a rule passes the variable `name` to a program outside.
    pub fn may_pass(&self, name: &OsStr) -> bool {
        let passed = self
            .rules
            .command_rules
            .iter()
            .flat_map(|rule| &rule.pass_env);
        passed.into_iter().any(|passed| name == passed.as_str())
    }

    /// Whether some program acts by the variable `name`, as far as models know.
    pub fn says_what_is_acted_on(&self, name: &OsStr) -> bool {
        let mut own = self.rules.programs.iter();
        own.any(|program| program.model.acts_by(name)) || models::says_what_is_acted_on(name)
    }

    /// What is known of the command line of the program called `name`, a last component.
    pub fn model(&self, name: &OsStr) -> Option<&CommandModel> {
        let name = name.to_str()?;
        match self.programs.get(name) {
            Some(&number) => Some(&self.rules.programs.get(number)?.model),
            None => models::builtin(name),
        }
    }

    /// Whether anything is known of that.
    fn knows(&self, name: &OsStr) -> bool {
        name.to_str()
            .is_some_and(|name| self.programs.contains_key(name) || models::knows(name))
    }

    /// Rules about what commands mean.
    pub(super) fn meanings(&self) -> &Meanings {
        &self.meanings
    }

    /// What limits the paths that rules on the bare `name` may mean.
    pub(super) fn host_executable(&self, name: &str) -> Option<&HostExecutable> {
        self.rules.host_executables.get(*self.hosts.get(name)?)
    }

    /// Calls `found` with each rule whose program is `name` and whose words begin `arguments`.
    pub(super) fn matching(
        &self,
        name: &OsStr,
        arguments: &[OsString],
        found: &mut dyn FnMut(usize),
    ) {
        for (shelves, canonical) in [(&self.exact, false), (&self.canonical, true)] {
            if shelves.is_empty() {
                continue;
            }
            let mut place = shelves.get(key(name.as_bytes(), canonical).as_ref());
            let mut words = arguments.iter();
            while let Some(here) = place {
                for &number in &here.rules {
                    if self.words_match(number, arguments) {
                        found(number);
                    }
                }
                if here.next.is_empty() {
                    break;
                }
                place = words
                    .next()
                    .and_then(|word| here.next.get(key(word.as_bytes(), canonical).as_ref()));
            }
        }
    }

    /// Whether any rule is on the program `name`.
    pub fn has_rules_on(&self, name: &OsStr) -> bool {
        [(&self.exact, false), (&self.canonical, true)]
            .into_iter()
            .filter(|(shelves, _)| !shelves.is_empty())
            .any(|(shelves, canonical)| {
                shelves.contains_key(key(name.as_bytes(), canonical).as_ref())
            })
            || self.meanings.has_rules_on(name)
    }

    /// Whether it matters to a rule which program a path leads to.
    pub(super) fn has_rules_on_paths(&self) -> bool {
        self.paths.programs
    }

    /// Each program that prefix rules name, with the numbers of those.
    pub(super) fn prefix_programs(&self) -> impl Iterator<Item = (&str, &[usize])> {
        let all = self.by_program.get_or_init(|| {
            let mut filed: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
            for (number, rule) in self.rules.prefix_rules.iter().enumerate() {
                filed.entry(&rule.program).or_default().push(number);
            }
            let owned = filed
                .into_iter()
                .map(|(name, rules)| (name.to_owned(), rules));
            owned.collect()
        });
        all.iter()
            .map(|(name, rules)| (name.as_str(), rules.as_slice()))
    }

    /// Calls `found` with every rule on the program `name`, whatever its words.
    pub(super) fn on_program(&self, name: &OsStr, found: &mut dyn FnMut(usize)) {
        for (shelves, canonical) in [(&self.exact, false), (&self.canonical, true)] {
            if let Some(shelf) = shelves.get(key(name.as_bytes(), canonical).as_ref()) {
                shelf.visit(found);
            }
        }
    }

    fn words_match(&self, number: usize, arguments: &[OsString]) -> bool {
        self.rules.prefix_rules.get(number).is_some_and(|rule| {
            rule.rest.len() <= arguments.len()
                && rule
                    .rest
                    .iter()
                    .zip(arguments)
                    .all(|(wanted, word)| one_of(wanted, word, rule.canonical))
        })
    }
}

impl Shelf {
    fn file(&mut self, rule: &PrefixRule, number: usize, depth: usize, spread: bool) {
        let Some(wanted) = rule.rest.get(depth) else {
            self.rules.push(number);
            return;
        };
        let several = wanted.len() > 1;
        if depth == FILED_WORDS || (several && spread) {
            self.rules.push(number);
            return;
        }
        for word in wanted {
            self.next
                .entry(key(word.as_bytes(), rule.canonical).into())
                .or_default()
                .file(rule, number, depth + 1, spread || several);
        }
    }

    /// The depth of the recursion is bounded by [`FILED_WORDS`].
    fn visit(&self, found: &mut dyn FnMut(usize)) {
        for &number in &self.rules {
            found(number);
        }
        for shelf in self.next.values() {
            shelf.visit(found);
        }
    }
}

/// See [`IndexedRules::allowed`].
fn allowed(rules: &RuleSet) -> Option<HashSet<Box<[u8]>>> {
    let prefixes = rules.prefix_rules.iter();
    let prefixes = prefixes.filter(|rule| rule.decision == Decision::Allow);
    let prefixes = prefixes.map(|rule| Some(rule.program.as_str()).filter(|_| !rule.canonical));
    let commands = rules.command_rules.iter();
    let commands = commands.filter(|rule| {
        rule.decision == Decision::Allow && rule.enforce && rule.run != Some(Run::Inside)
    });
    let commands = commands.flat_map(|rule| &rule.programs);
    let commands = commands.map(ProgramName::literal);
    let names = prefixes.chain(commands);
    names.map(|name| Some(name?.as_bytes().into())).collect()
}

/// Whether `word` is one of the alternatives `wanted`.
pub(super) fn one_of(wanted: &[String], word: &OsStr, canonical: bool) -> bool {
    wanted
        .iter()
        .any(|alternative| same_word(alternative, word, canonical))
}

/// Whether `path` is among the `listed` paths of a `host_executable` entry.
pub(super) fn lists(listed: &[String], path: &Path) -> bool {
    listed
        .iter()
        .any(|entry| entry.as_bytes() == path.as_os_str().as_bytes())
}

/// What a word is filed under.
fn key(word: &[u8], canonical: bool) -> Cow<'_, [u8]> {
    if canonical {
        caseless(word)
    } else {
        Cow::Borrowed(word)
    }
}
