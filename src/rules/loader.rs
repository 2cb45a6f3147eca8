//! The parent's side: reads the files, has a child evaluate them, and puts together what they say.
//!
//! Rules may come from a checked-out project, so their text is hostile input. The interpreter's
//! own limits are checked now and then only; a child can be killed and can die alone. The file
//! that it was evaluating is blamed, and a fresh child goes on with the rest.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::sys::respawn::{Death, Silence, Worker};

use super::cache::{RulesCache, is_lasting};
use super::child;
use super::codes;
use super::layer::{Layer, Origin};
use super::model::RuleSet;
use super::sources::read_all;
use super::wire::{Contribution, KnownNames, LoadJob, SourceText};

/// This process's own program.
const OURSELVES: &str = "/proc/self/exe";
/// Bytes of all rules as the child writes them.
const MAX_ANSWERS: usize = 64 << 20;
/// Processor time for all files together. One file has a second or two, see [`child`].
const ALL_TIME: Duration = Duration::from_secs(10);
/// Wall clock for one answer. The child can't wait for anything: its input is in memory, its output
/// is read, and it makes no other calls. So only a machine that is very busy, or somebody who stops
/// the child, lets it come to this.
const PATIENCE: Duration = Duration::from_mins(5);

/// Loads rules files, and directories of them, in order. Never fails: what is wrong is among
/// [`RuleSet::diagnostics`], and of a file with an error, rules that permit don't count.
///
/// For the process of `codex-shell` itself, as the child is this process's own program.
pub fn load(paths: &[PathBuf], cache: &RulesCache) -> RuleSet {
    load_with(Path::new(OURSELVES), paths, cache)
}

/// As [`load`], each file with its layer.
pub fn load_layers(origins: &[Origin], cache: &RulesCache) -> RuleSet {
    load_from(Path::new(OURSELVES), origins, false, cache)
}

/// As [`load`], with the functions of the released language alone.
pub fn load_released(paths: &[PathBuf]) -> RuleSet {
    let cache = RulesCache::default();
    load_from(Path::new(OURSELVES), &given(paths), true, &cache)
}

/// As [`load`], where this process is not `codex-shell`, which `program` then is.
pub fn load_with(program: &Path, paths: &[PathBuf], cache: &RulesCache) -> RuleSet {
    load_from(program, &given(paths), false, cache)
}

fn given(paths: &[PathBuf]) -> Vec<Origin> {
    paths
        .iter()
        .map(|path| Origin::new(Layer::Given, path))
        .collect()
}

fn load_from(program: &Path, origins: &[Origin], released: bool, cache: &RulesCache) -> RuleSet {
    let (rules, sources) = read_all(origins);
    let mut session = LoadSession {
        program,
        released,
        time: ALL_TIME,
        room: MAX_ANSWERS,
        lasting: Some(Vec::new()),
        rules,
    };
    session.load(&sources, cache);
    let mut rules = session.rules;
    rules.diagnostics.sort_by_key(|found| found.file);
    rules
}

/// One load: as many children as it takes.
struct LoadSession<'a> {
    program: &'a Path,
    released: bool,
    /// The processor time that is left.
    time: Duration,
    room: usize,
    /// The answers, while the next process may take them for its own.
    lasting: Option<Vec<u8>>,
    rules: RuleSet,
}

impl LoadSession<'_> {
    /// By what is kept of the same job, or by children.
    fn load(&mut self, sources: &[SourceText], cache: &RulesCache) {
        let job = self.job(sources).ok().filter(|_| !sources.is_empty());
        let entry = job.and_then(|job| cache.entry(self.program, &job));
        if let Some(known) = entry.as_ref().and_then(|entry| entry.read(sources)) {
            for said in known {
                self.rules.add(said);
            }
            return;
        }
        self.evaluate(sources);
        if let (Some(entry), Some(answers)) = (entry, &self.lasting) {
            entry.write(answers);
        }
    }

    fn evaluate(&mut self, mut sources: &[SourceText]) {
        while !sources.is_empty() {
            let done = if self.time.is_zero() {
                let limit = ALL_TIME.as_secs();
                let message = format!(
                    "not loaded: all rules together take more than {limit} s of processor time"
                );
                self.blame_all(sources, codes::LIMIT, &message)
            } else {
                self.one_child(sources)
            };
            sources = sources.get(done..).unwrap_or_default();
        }
    }

    /// Has a child evaluate `sources` until it is through or dies; says for how many files
    /// something is known now: at least one, the one that it died of among them, unless it died of
    /// all of them together.
    fn one_child(&mut self, sources: &[SourceText]) -> usize {
        let started = self
            .job(sources)
            .and_then(|job| Worker::start(self.program, OsStr::new(child::WORD), &job));
        let mut worker = match started {
            Ok(worker) => worker,
            Err(error) => {
                let message = format!("the rules loader can't be started: {error}");
                return self.blame_all(sources, codes::LOADER, &message);
            }
        };
        for (index, source) in sources.iter().enumerate() {
            match self.answer(&mut worker, source) {
                Ok(said) => self.rules.add(said),
                Err(why) => return index + self.explain(why, worker, source),
            }
        }
        sources.len()
    }

    /// What the child says of `source`.
    fn answer(
        &mut self,
        worker: &mut Worker,
        source: &SourceText,
    ) -> Result<Contribution, NoAnswer> {
        let deadline = Instant::now() + PATIENCE;
        let line = worker
            .line(deadline, self.room)
            .map_err(NoAnswer::Silence)?;
        self.room = self.room.saturating_sub(line.len());
        let said = source.answer(&line).ok_or(NoAnswer::Nonsense)?;
        match &mut self.lasting {
            Some(answers) if is_lasting(&said) => {
                answers.extend_from_slice(&line);
                answers.push(b'\n');
            }
            other => *other = None,
        }
        Ok(said)
    }

    /// Says why the child has no answer for `source`; whether that is known, as a number of files.
    fn explain(&mut self, why: NoAnswer, worker: Worker, source: &SourceText) -> usize {
        let (code, message) = match why {
            NoAnswer::Silence(Silence::Ended) => {
                let (death, time) = worker.death();
                self.time = self.time.saturating_sub(time);
                if death == Death::Exit && self.time.is_zero() {
                    return 0;
                }
                explain_death(death)
            }
            other => {
                self.time = self.time.saturating_sub(worker.kill());
                explain_other(&other)
            }
        };
        self.blame(source.file, code, &message);
        1
    }

    fn job(&self, sources: &[SourceText]) -> std::io::Result<Vec<u8>> {
        let text = |path: PathBuf| path.into_os_string().into_string().ok();
        let job = LoadJob {
            released: self.released,
            cwd: std::env::current_dir().ok().and_then(text),
            home: std::env::var_os("HOME").and_then(|home| home.into_string().ok()),
            time: self.time,
            known: KnownNames {
                host_executables: self.rules.host_executables.clone(),
                programs: self.rules.programs.clone(),
            },
        };
        job.with(sources)
    }

    fn blame(&mut self, file: u32, code: &str, message: &str) {
        self.lasting = None;
        self.rules
            .diagnostics
            .push(codes::about_file(file, code, message));
    }

    fn blame_all(&mut self, sources: &[SourceText], code: &str, message: &str) -> usize {
        for source in sources {
            self.blame(source.file, code, message);
        }
        sources.len()
    }
}

/// Why there is no answer.
enum NoAnswer {
    Silence(Silence),
    Nonsense,
}

fn explain_other(why: &NoAnswer) -> (&'static str, String) {
    match why {
        NoAnswer::Nonsense => (
            codes::LOADER,
            "the rules loader's answer is invalid".to_owned(),
        ),
        NoAnswer::Silence(Silence::TooLong) => {
            (codes::LIMIT, "the files make too many rules".to_owned())
        }
        NoAnswer::Silence(_) => {
            let limit = PATIENCE.as_secs();
            let message = format!("the rules loader gives no answer within {limit} s");
            (codes::LOADER, message)
        }
    }
}

fn explain_death(death: Death) -> (&'static str, String) {
    match death {
        Death::ProcessorTime => (
            codes::LIMIT,
            "the file takes more than a second of processor time".to_owned(),
        ),
        Death::Crash => (
            codes::LIMIT,
            "the interpreter ran out of memory on this file, or its text nests too deep".to_owned(),
        ),
        Death::Signal(name) => (
            codes::LOADER,
            format!("the rules loader was ended by {name} on this file"),
        ),
        Death::Exit => (
            codes::LOADER,
            "the rules loader ended before this file".to_owned(),
        ),
    }
}
