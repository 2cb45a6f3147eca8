//! The child's side: evaluates the files that its standard input holds, one line of output each.

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use crate::exit::Exit;
use crate::sys::{allocator, fds, rlimit};

use super::codes;
use super::interpret::interpret;
use super::language::Language;
use super::lexical::Whereabouts;
use super::wire::{Contribution, KnownNames, LoadJob, SourceText};

/// The first word by which this binary knows that it is this child.
pub const WORD: &str = "__load-rules";

/// For the interpreter's recursion, which the nesting check bounds.
const STACK: usize = 256 << 20;
/// Everything: program, stack, values, the text of the rules and the answer.
const ADDRESS_SPACE: u64 = 768 << 20;
/// What the text of a few dozen files fits in.
const USUAL_INPUT: usize = 256 << 10;

/// Reads the job from standard input and answers on standard output.
pub fn main() -> Exit {
    fds::close_inherited();
    allocator::keep_memory();
    match rlimit::confine_self(ADDRESS_SPACE).and_then(|()| on_large_stack(serve)) {
        Ok(()) => Exit::Success,
        // Nobody reads our standard error; the parent sees that answers are missing.
        Err(_) => Exit::Failure,
    }
}

/// One thread for all files: a stack for each would be mapped and touched anew.
fn on_large_stack(work: impl FnOnce() -> io::Result<()> + Send) -> io::Result<()> {
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, work)?;
        thread
            .join()
            .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
    })
}

fn serve() -> io::Result<()> {
    let mut input = Vec::with_capacity(USUAL_INPUT);
    io::stdin().read_to_end(&mut input)?;
    let (job, sources) = LoadJob::of(&input)?;
    drop(input);
    let language = Language::new(job.released);
    let places = Whereabouts {
        cwd: job.cwd.as_deref(),
        home: job.home.as_deref(),
    };
    let mut known = job.known;
    let mut out = io::BufWriter::new(io::stdout().lock());
    for source in &sources {
        if rlimit::processor_time()? >= job.time {
            // The parent, which counts as well, says so.
            return Ok(());
        }
        rlimit::allow_another_second()?;
        let said = evaluate(&language, source, &known, places);
        known.add(&said);
        serde_json::to_writer(&mut out, &said)?;
        out.write_all(b"\n")?;
        out.flush()?;
    }
    Ok(())
}

/// Evaluates one file; what it makes panic is an error of that file.
fn evaluate(
    language: &Language,
    source: &SourceText,
    known: &KnownNames,
    places: Whereabouts<'_>,
) -> Contribution {
    let interpreted = catch_unwind(AssertUnwindSafe(|| {
        interpret(language, source, known, places)
    }));
    interpreted.unwrap_or_else(|_| Contribution {
        file: source.file,
        diagnostics: vec![codes::about_file(
            source.file,
            codes::LOADER,
            "the interpreter failed on this file; a value may have become too large",
        )],
        ..Contribution::default()
    })
}
