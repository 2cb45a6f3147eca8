//! What a person is asked: the command, where it would run, and why it needs a yes.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::covered::{Covered, Named};
use super::files::Files;
use super::grounds::Grounds;
use super::input::Inputs;
use super::leads::{Destinations, Leads};
use super::place::{Place, Placed};
use super::stamp::Stamp;
use super::standing::Standing;
use super::text::{NAME_LIMIT, NAMES, TEXT_LIMIT, Text, printable};
use super::{Permit, Refusal};
use crate::request::program::last_component;
use crate::request::{Program, Request, argv, variable};
use crate::sys::child::Bounds;

/// The longest form of a command in a question or a refusal, in bytes.
const COMMAND_LIMIT: usize = 2000;
/// The largest argument vector that a person is asked about, in bytes and words; nobody reads a longer one.
const LONGEST: (usize, usize) = (1 << 20, 20_000);

/// By these a shell counts the shells around it, and says what it started last: bash sets another number for the
/// last command of all, which it becomes.
const COUNTED: [&str; 2] = ["SHLVL", "_"];
/// A request that waits for a person's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    request: Request,
    place: Place,
    text: Text,
    by_rule: bool,
    /// Everything that it would not get outside; the text has the first of it.
    dropped: Vec<OsString>,
    /// The variables that rules pass.
    pass_env: Vec<String>,
    /// The `NAME=value` entries of those that were set inside.
    passed: Vec<OsString>,
    /// The files that say what it does, as they were when it was asked; `None` where it depends on
    /// something else as well.
    stamps: Option<Vec<Stamp>>,
    /// What else is named to it that can change, as it was then.
    named: Vec<Named>,
    /// The files that say what it runs, as far as they are known.
    files: Files,
    leads: Leads,
    /// Where its caller stands.
    standing: Option<Standing>,
    /// The descriptors that it may read, and what there was to read.
    descriptors: Vec<i32>,
    inputs: Inputs,
    /// The variables that it would have, `NAME=value` each.
    kept: Vec<OsString>,
}

/// What a question is about, whole: what was shown, what was too long to be shown, and what the files are
/// that it runs or reads and that may change. A yes to one is a yes to every question with the same key, and to no
/// other.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Key {
    program: Program,
    argv: Vec<OsString>,
    directory: PathBuf,
    place: Place,
    text: Text,
    dropped: Vec<OsString>,
    passed: Vec<OsString>,
    stamps: Vec<Stamp>,
    named: Vec<Named>,
    leads: Destinations,
    bounds: Bounds,
    inputs: Inputs,
    kept: Vec<OsString>,
}

impl Question {
    pub(super) fn new(
        grounds: Grounds,
        placed: Placed,
        request: Request,
        covered: Covered,
        leads: Leads,
    ) -> Self {
        let Placed {
            place,
            why_inside,
            why_asked,
        } = placed;
        let Grounds {
            because,
            justification,
            by_rule,
            ..
        } = grounds;
        // No rule would keep from asking that does not know where the commands come from.
        let by_rule = by_rule || why_asked.is_some();
        let reasons = [justification, why_asked.map(|why| printable(&why))];
        let justification = reasons
            .into_iter()
            .flatten()
            .reduce(|one, two| one + "; " + &two);
        let file = request
            .program
            .real
            .as_deref()
            .or(request.program.path.as_deref());
        let destinations = leads.destinations();
        let (words, called) = shown_words(&request);
        let is_shown = argv::bounded(&words, usize::MAX).len() <= COMMAND_LIMIT;
        let Covered {
            files,
            stamps,
            descriptors,
            named,
            ..
        } = covered;
        let covered = stamps.and_then(|stamps| {
            if !is_shown {
                return Err("not all of it is shown".to_owned());
            }
            destinations.are_known().map(|()| stamps)
        });
        let text = Text {
            command: argv::bounded(&words, COMMAND_LIMIT),
            program: printable_path(file.unwrap_or(Path::new(&request.program.asked))),
            called: called.map(|name| argv::bounded_word(name, TEXT_LIMIT)),
            directory: printable_path(&request.cwd),
            placement: place.placement(),
            runs: printable(&place.to_string()),
            why_inside: why_inside.map(|why| printable(&why)),
            profile: place.profile().map(|profile| printable(&profile)),
            because,
            justification,
            dropped_variables: Vec::new(),
            passed_variables: Vec::new(),
            input: None,
            leads: first(destinations.texts()),
            no_session: covered.as_ref().err().map(|why| printable(why)),
        };
        Self {
            stamps: covered.ok(),
            named,
            files,
            leads,
            request,
            place,
            text,
            by_rule,
            dropped: Vec::new(),
            pass_env: Vec::new(),
            passed: Vec::new(),
            standing: None,
            descriptors,
            inputs: Inputs::default(),
            kept: Vec::new(),
        }
    }

    /// The same, asked for a caller that stands there, of a program that would have these `NAME=value` variables.
    #[must_use]
    pub fn asked_from(mut self, standing: Standing, variables: &[OsString]) -> Self {
        self.kept = variables.to_vec();
        // A shell lists the same ones in another order after its first program. Of two of one name, the
        // first stays the first.
        let name = |entry: &OsString| variable(entry).map(|(name, _)| name.to_owned());
        self.kept.sort_by_cached_key(name);
        self.inputs = standing.inputs(&self.descriptors);
        self.text.input = self.inputs.file();
        if let Some(why) = self.inputs.unknown() {
            self.stamps = None;
            self.text.no_session.get_or_insert_with(|| printable(&why));
        }
        self.standing = Some(standing);
        self
    }

    /// The variables that it holds.
    pub fn kept(&self) -> &[OsString] {
        &self.kept
    }

    /// The same where rules pass these variables.
    #[must_use]
    pub(super) fn with_rules_passing(self, pass_env: Vec<String>) -> Self {
        Self { pass_env, ..self }
    }

    /// The same with the `NAME=value` entries that were set inside, and that it would get by a rule, if it
    /// is let out. A rule names few; each is shown.
    #[must_use]
    pub fn passing(mut self, entries: &[OsString]) -> Self {
        if let Place::Out(_) = self.place {
            let shown = entries.iter().filter_map(|entry| variable(entry));
            let shown = shown.map(|(name, value)| {
                let name = argv::bounded_word(name, NAME_LIMIT);
                format!("{name}={}", argv::bounded_word(value, TEXT_LIMIT))
            });
            self.text.passed_variables = shown.collect();
            self.passed = entries.to_vec();
        }
        self
    }

    /// The variables that go outside with it as its caller has them.
    pub fn pass_env(&self) -> &[String] {
        &self.pass_env
    }

    /// The same with the variables that the program would not get, if it is let out.
    #[must_use]
    pub fn without(mut self, names: &[OsString]) -> Self {
        if let Place::Out(_) = self.place {
            let shown = names.iter();
            let shown = shown.map(|name| argv::bounded_word(name, NAME_LIMIT));
            self.text.dropped_variables = first(shown);
            self.dropped = names.to_vec();
        }
        self
    }

    /// Whether it would run outside, or in a sandbox of its own.
    pub fn is_let_out(&self) -> bool {
        matches!(self.place, Place::Out(_))
    }

    /// Where it would run.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// What is asked to run.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Whether a rule says that somebody is to be asked; otherwise no rule says anything.
    pub fn is_by_rule(&self) -> bool {
        self.by_rule
    }

    /// The question in words.
    pub fn text(&self) -> &Text {
        &self.text
    }

    /// What it is about: see there. `None` where that can change unseen.
    pub fn key(&self) -> Option<Key> {
        let stamps = self.stamps.clone()?;
        let bounds = self.standing.as_ref()?.bounds().clone();
        let Request {
            program, argv, cwd, ..
        } = &self.request;
        Some(Key {
            program: program.clone(),
            argv: argv.clone(),
            directory: cwd.to_path_buf(),
            place: self.place.clone(),
            text: self.text.clone(),
            dropped: self.dropped.clone(),
            passed: self.passed.clone(),
            stamps,
            named: self.named.clone(),
            leads: self.leads.destinations(),
            bounds,
            inputs: self.inputs.clone(),
            kept: self
                .kept
                .iter()
                .filter(|it| !is_counted(it))
                .cloned()
                .collect(),
        })
    }

    /// What its words stand for is something else than it was when it was asked, where the caller stands
    /// `now`: what, in words for people.
    pub(super) fn changed(&self, now: &Standing) -> Option<String> {
        let before = self.standing.as_ref();
        let before = before.filter(|before| before.path() == &*self.request.cwd);
        let Some(before) = before else {
            return Some("its directory was moved".to_owned());
        };
        let changed = before.changed(now).or_else(|| self.leads.changed());
        let read = || {
            let is_other = now.inputs(&self.descriptors) != self.inputs;
            is_other.then(|| "what it is given to read has changed".to_owned())
        };
        changed.or_else(|| self.files.changed()).or_else(read)
    }

    pub(super) fn permitted(self) -> Permit {
        Permit {
            request: self.request,
            place: self.place,
            pass_env: self.pass_env,
            files: self.files,
            inputs: self.inputs,
        }
    }

    pub(super) fn refused(&self, how: &str) -> Refusal {
        let Text {
            command,
            because,
            justification,
            ..
        } = &self.text;
        denied(command, because, how, justification.as_deref())
    }

    /// `codex-shell: denied: no valid answer for PROGRAM (BECAUSE): WHAT`: the fault is neither the
    /// command's nor the rule's.
    pub(super) fn undecided(&self, what: &str) -> Refusal {
        let Text {
            program, because, ..
        } = &self.text;
        let what = printable(what);
        Refusal {
            message: format!(
                "codex-shell: denied: no valid answer for {program} ({because}): {what}"
            ),
            reason: what,
        }
    }
}

/// The refusal of a request that rules forbid.
pub(super) fn forbidden(grounds: &Grounds, request: &Request) -> Refusal {
    let command = argv::bounded(&request.argv, COMMAND_LIMIT);
    let justification = grounds.justification.as_deref();
    denied(&command, &grounds.because, &grounds.how, justification)
}

/// Whether a person can be asked about it: see [`LONGEST`].
pub(super) fn can_be_put(request: &Request) -> bool {
    let bytes: usize = request.argv.iter().map(|word| word.len()).sum();
    let (most_bytes, most_words) = LONGEST;
    bytes <= most_bytes && request.argv.len() <= most_words
}

/// The refusal of a request that nobody can be asked about, and why.
pub(super) fn unasked(grounds: &Grounds, request: &Request, why: &str) -> Refusal {
    let command = argv::bounded(&request.argv, COMMAND_LIMIT);
    denied(&command, &grounds.because, why, None)
}

/// The refusal of a request for which there is no such place as the rule at `rule` wants it in, and why.
pub(super) fn nowhere(rule: &str, why: &str, request: &Request) -> Refusal {
    let command = argv::bounded(&request.argv, COMMAND_LIMIT);
    let reason = printable(why);
    Refusal {
        message: format!(
            "codex-shell: error: {command}: can't be run in the profile of {rule}: {reason}"
        ),
        reason,
    }
}

/// The refusal of a request that may not be outside because what starts it is.
pub(super) fn uninherited(reason: &str, request: &Request) -> Refusal {
    let command = argv::bounded(&request.argv, COMMAND_LIMIT);
    let reason = printable(reason);
    denied(&command, "no rule", "not permitted outside", Some(&reason))
}

/// `codex-shell: denied: COMMAND (BECAUSE: HOW): JUSTIFICATION`.
fn denied(command: &str, because: &str, how: &str, justification: Option<&str>) -> Refusal {
    let how = printable(how);
    let justification = justification.map_or_else(String::new, |j| format!(": {j}"));
    Refusal {
        message: format!("codex-shell: denied: {command} ({because}: {how}){justification}"),
        reason: how,
    }
}

/// The words as a person is to see them: who starts a program chooses what it is called, so that stands for it only where
/// it is its path or the last part of that. And what it is called, if that is the name of another one.
fn shown_words(request: &Request) -> (Cow<'_, [OsString]>, Option<&OsStr>) {
    let Program {
        asked, path, real, ..
    } = &request.program;
    let called = request.argv.first().map_or(OsStr::new(""), |it| it);
    let path = path.as_ref().or(real.as_ref());
    let path = path.map_or(asked.as_os_str(), |path| path.as_os_str());
    let names = [asked.as_os_str(), path];
    let last = last_component(called);
    let has_its_name = names.iter().any(|name| last_component(name) == last);
    let is_bare = !called.as_bytes().contains(&b'/');
    if names.contains(&called) || is_bare && has_its_name {
        return (Cow::Borrowed(&request.argv), None);
    }
    let words = std::iter::once(path.to_owned());
    let words = words.chain(request.arguments().iter().cloned());
    (words.collect(), (!has_its_name).then_some(called))
}

/// The first of them, and how many there are beside.
fn first(all: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = all.len().saturating_sub(NAMES);
    let more = (more > 0).then(|| format!("and {more} more"));
    all.take(NAMES).chain(more).collect()
}

fn printable_path(path: &Path) -> String {
    argv::bounded_word(path, TEXT_LIMIT)
}

fn is_counted(entry: &OsString) -> bool {
    let name = variable(entry).map(|(name, _)| name);
    name.is_some_and(|name| COUNTED.iter().any(|counted| name == *counted))
}
