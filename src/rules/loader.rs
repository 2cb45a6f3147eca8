//! The parent's side: reads the files, has a child evaluate them, and puts together what they say.
//!
//! Rules may come from a checked-out project, so their text is hostile input. The interpreter's
//! own limits are checked now and then only; a child can be killed and can die alone. The file
//! that it was evaluating is blamed, and a fresh child goes on with the rest.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::sys::respawn::{Death, Silence, Worker};

use super::child;
use super::codes;
use super::layer::{Layer, Origin};
use super::model::RuleSet;
use super::sources::read_all;
use super::wire::{Contribution, Job, Known, Source};

/// This process's own program.
const OURSELVES: &str = "/proc/self/exe";
/// Bytes of all rules as the child writes them.
const MAX_ANSWERS: usize = 64 << 20;
/// Wall clock for one file; processor time runs out long before.
const FILE_TIME: Duration = Duration::from_secs(10);
/// Wall clock for all files together.
const ALL_TIME: Duration = Duration::from_secs(10);

/// Loads rules files, and directories of them, in order. Never fails: what is wrong is among
/// [`RuleSet::diagnostics`], and of a file with an error, rules that permit don't count.
///
/// For the process of `codex-shell` itself, as the child is this process's own program.
pub fn load(paths: &[PathBuf]) -> RuleSet {
    load_with(Path::new(OURSELVES), paths)
}

/// As [`load`], each file with its layer.
pub fn load_layers(origins: &[Origin]) -> RuleSet {
    load_from(Path::new(OURSELVES), origins, false)
}

/// As [`load`], with the functions of the released language alone.
pub fn load_released(paths: &[PathBuf]) -> RuleSet {
    load_from(Path::new(OURSELVES), &given(paths), true)
}

/// As [`load`], where this process is not `codex-shell`, which `program` then is.
pub fn load_with(program: &Path, paths: &[PathBuf]) -> RuleSet {
    load_from(program, &given(paths), false)
}

fn given(paths: &[PathBuf]) -> Vec<Origin> {
    paths
        .iter()
        .map(|path| Origin::new(Layer::Given, path))
        .collect()
}

fn load_from(program: &Path, origins: &[Origin], released: bool) -> RuleSet {
    let (rules, sources) = read_all(origins);
    let session = Session {
        program,
        released,
        deadline: Instant::now() + ALL_TIME,
        room: MAX_ANSWERS,
        rules,
    };
    let mut rules = session.evaluate(&sources);
    rules.diagnostics.sort_by_key(|found| found.file);
    rules
}

/// One load: as many children as it takes.
struct Session<'a> {
    program: &'a Path,
    released: bool,
    deadline: Instant,
    room: usize,
    rules: RuleSet,
}

impl Session<'_> {
    fn evaluate(mut self, mut sources: &[Source]) -> RuleSet {
        while !sources.is_empty() {
            let done = self.one_child(sources);
            sources = sources.get(done..).unwrap_or_default();
        }
        self.rules
    }

    /// Has a child evaluate `sources` until it is through or dies; says for how many files
    /// something is known now, at least one, the one that it died of among them.
    fn one_child(&mut self, sources: &[Source]) -> usize {
        let started = serde_json::to_vec(&self.job(sources))
            .map_err(std::io::Error::from)
            .and_then(|job| Worker::start(self.program, OsStr::new(child::WORD), &job));
        let mut worker = match started {
            Ok(worker) => worker,
            Err(error) => {
                let message = format!("the rules loader can't be started: {error}");
                return self.blame_all(sources, codes::LOADER, &message);
            }
        };
        for (index, source) in sources.iter().enumerate() {
            let deadline = self.deadline.min(Instant::now() + FILE_TIME);
            let answer = worker.line(deadline, self.room).map(|line| {
                self.room = self.room.saturating_sub(line.len());
                serde_json::from_slice::<Contribution>(&line)
                    .ok()
                    .filter(|said| said.file == source.file)
            });
            match answer {
                Ok(Some(said)) => self.rules.add(said),
                Ok(None) => {
                    self.blame(
                        source.file,
                        codes::LOADER,
                        "the rules loader's answer makes no sense",
                    );
                    return index + 1;
                }
                Err(_) if Instant::now() > self.deadline => {
                    let left = sources.get(index..).unwrap_or_default();
                    let limit = ALL_TIME.as_secs();
                    let message =
                        format!("not loaded: all rules together took more than {limit} s");
                    return index + self.blame_all(left, codes::LIMIT, &message);
                }
                Err(silence) => {
                    let (code, message) = explain(&silence, worker);
                    self.blame(source.file, code, &message);
                    return index + 1;
                }
            }
        }
        sources.len()
    }

    fn job(&self, sources: &[Source]) -> Job {
        let text = |path: PathBuf| path.into_os_string().into_string().ok();
        Job {
            released: self.released,
            cwd: std::env::current_dir().ok().and_then(text),
            home: std::env::var_os("HOME").and_then(|home| home.into_string().ok()),
            known: Known {
                host_executables: self.rules.host_executables.clone(),
                programs: self.rules.programs.clone(),
            },
            sources: sources.to_vec(),
        }
    }

    fn blame(&mut self, file: u32, code: &str, message: &str) {
        self.rules
            .diagnostics
            .push(codes::about_file(file, code, message));
    }

    fn blame_all(&mut self, sources: &[Source], code: &str, message: &str) -> usize {
        for source in sources {
            self.blame(source.file, code, message);
        }
        sources.len()
    }
}

/// Why the child has nothing more to say.
fn explain(silence: &Silence, worker: Worker) -> (&'static str, String) {
    match silence {
        Silence::Late => {
            worker.kill();
            let limit = FILE_TIME.as_secs();
            let message = format!("the file takes longer than {limit} s to evaluate");
            (codes::LIMIT, message)
        }
        Silence::TooLong => {
            worker.kill();
            (codes::LIMIT, "the files make too many rules".to_owned())
        }
        Silence::Ended => explain_death(worker.death()),
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
