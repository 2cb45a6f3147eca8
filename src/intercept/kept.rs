//! Programs that stay inside though a rule would let them out, if it counted: why, for whoever wonders why
//! one failed.

use std::collections::VecDeque;
use std::path::PathBuf;

use nix::unistd::Pid;

use super::caller;

/// As many processes are remembered; the sandboxed side decides how many it starts.
const PROCESSES: usize = 64;

/// A program that stayed inside.
#[derive(Debug)]
struct Kept {
    process: Pid,
    program: Option<PathBuf>,
    /// What is told of it.
    why: String,
}

/// The last ones.
#[derive(Debug, Default)]
pub(super) struct KeptInside {
    last: VecDeque<Kept>,
}

impl KeptInside {
    /// `program` is about to run in the process of a thread, inside.
    pub(super) fn note(&mut self, tid: Pid, program: Option<PathBuf>, why: String) {
        let process = caller::process_of(tid);
        self.last.retain(|one| one.process != process);
        if self.last.len() >= PROCESSES {
            self.last.pop_front();
        }
        self.last.push_back(Kept {
            process,
            program,
            why,
        });
    }

    /// Why the program that a thread belongs to is inside, or one that started it.
    pub(super) fn why(&self, tid: Pid) -> Option<&str> {
        if self.last.is_empty() {
            return None;
        }
        let process = caller::process_of(tid);
        let line = std::iter::once(process).chain(caller::lineage(process));
        line.into_iter().find_map(|process| {
            let kept = self.last.iter().find(|one| one.process == process)?;
            // A number can be given to another process, which runs something else.
            let runs = caller::file(process).ok();
            (kept.program.is_some() && kept.program == runs).then_some(kept.why.as_str())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_of_the_program_that_runs() {
        let own = nix::unistd::getpid();
        let runs = caller::file(Pid::this()).ok();
        let mut kept = KeptInside::default();
        assert_eq!(kept.why(own), None);
        kept.note(own, Some("/bin/true".into()), "a".to_owned());
        assert_eq!(kept.why(own), None);
        kept.note(own, runs.clone(), "b".to_owned());
        assert_eq!(kept.why(own), Some("b"));
        let mut child = std::process::Command::new("sleep")
            .arg("600")
            .spawn()
            .unwrap();
        let child_pid = Pid::from_raw(child.id().cast_signed());
        assert_eq!(kept.why(child_pid), Some("b"));
        for number in 0..PROCESSES {
            let number = i32::try_from(number).unwrap();
            kept.note(
                Pid::from_raw(i32::MAX - number),
                runs.clone(),
                "c".to_owned(),
            );
        }
        assert_eq!(kept.why(own), None);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
