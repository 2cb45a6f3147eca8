//! Whether a program failed of a call that the sandbox refused, or did without it.
//!
//! Libraries try calls by habit: the C library looks for a daemon that knows the users, others for the
//! networks that there are. What such a call is answered with says nothing about a later failure. So a
//! refusal counts where a program says so: the one that was refused, or one that started it, complains on
//! standard error in words that belong to what it was refused. One that is told to be quiet, as `curl -s`,
//! says nothing: an internet socket also counts for a program that wrote nothing there afterwards and exited
//! with another status than 0, where the kernel tells that.

use std::fs;
use std::path::PathBuf;

use nix::unistd::Pid;

use super::caller;
use crate::confine::Refused;
use crate::sys::pidfd::PidFd;

/// As many processes are remembered; the sandboxed side decides how many are refused something.
const PROCESSES: usize = 64;
/// What is said of sockets.
const SOCKETS: [&str; 4] = ["socket", "connect", "netlink", "address family"];
/// What is said of a network, besides.
const NETWORK: [&str; 8] = [
    "network",
    "resolv",
    "resolution",
    "lookup",
    "getaddrinfo",
    "eai_again",
    "enotfound",
    "unknown host",
];

/// A process that was refused something.
#[derive(Debug)]
struct Refusee {
    process: Pid,
    /// Its parent, that one's, and so on.
    lineage: Vec<Pid>,
    program: Option<PathBuf>,
    /// What it was refused last.
    last: Refused,
    /// The internet socket that it was refused last.
    internet: Option<Refused>,
    /// When, by the count of all refusals.
    at: u64,
    /// It wrote to standard error afterwards.
    spoke: bool,
    handle: Option<PidFd>,
}

/// A refusal that a program failed of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// What was refused.
    pub(super) refused: Refused,
    /// The file of the program.
    pub(super) program: Option<PathBuf>,
}

/// The processes that were refused something, and what became of that.
#[derive(Debug, Default)]
pub(super) struct Failing {
    refusees: Vec<Refusee>,
    count: u64,
    failures: Vec<Failure>,
}

impl Failing {
    /// A thread was refused something.
    pub(super) fn refuse(&mut self, refused: Refused, tid: Pid) {
        self.count += 1;
        let process = caller::process_of(tid);
        let program = fs::read_link(format!("/proc/{process}/exe")).ok();
        // A number can be given to another process, which runs something else.
        self.refusees
            .retain(|one| one.process != process || one.program == program);
        if self.refusees.iter().all(|one| one.process != process) && self.refusees.len() < PROCESSES
        {
            self.refusees.push(Refusee::new(process, program, refused));
        }
        let mut known = self.refusees.iter_mut();
        let Some(refusee) = known.find(|one| one.process == process) else {
            return;
        };
        refusee.last = refused;
        refusee.at = self.count;
        if refused.is_internet() {
            refusee.internet = Some(refused);
            refusee.spoke = false;
            refusee.handle = refusee.handle.take().or_else(|| PidFd::open(process).ok());
        }
    }

    /// A thread writes `lines` to standard error.
    pub(super) fn hear(&mut self, lines: &[String], tid: Pid) {
        if lines.is_empty() || self.refusees.is_empty() {
            return;
        }
        let process = caller::process_of(tid);
        for refusee in &mut self.refusees {
            refusee.spoke |= refusee.process == process;
        }
        let concerned = self.refusees.iter();
        let concerned =
            concerned.filter(|one| one.process == process || one.lineage.contains(&process));
        let Some(refusee) = concerned.max_by_key(|one| one.at) else {
            return;
        };
        let own = refusee.process == process;
        let failures = lines.iter().filter_map(|line| refusee.blamed(line, own));
        for refused in failures {
            let program = refusee.program.clone();
            add(&mut self.failures, Failure { refused, program });
        }
    }

    /// Everything that a program failed of. The processes have ended.
    pub(super) fn into_failures(mut self) -> Vec<Failure> {
        for refusee in self.refusees {
            let status = refusee.handle.as_ref().and_then(PidFd::exit_status);
            if let Some(refused) = refusee.internet
                && !refusee.spoke
                && status.is_some_and(|status| status != 0)
            {
                let program = refusee.program;
                add(&mut self.failures, Failure { refused, program });
            }
        }
        self.failures
    }
}

/// The first program that failed of something is the one that is told.
fn add(failures: &mut Vec<Failure>, failure: Failure) {
    if failures.iter().all(|one| one.refused != failure.refused) {
        failures.push(failure);
    }
}

impl Refusee {
    fn new(process: Pid, program: Option<PathBuf>, last: Refused) -> Self {
        Self {
            process,
            lineage: caller::lineage(process),
            program,
            last,
            internet: None,
            at: 0,
            spoke: false,
            handle: None,
        }
    }

    /// What a line is about that was refused; the line may be its `own`.
    fn blamed(&self, line: &str, own: bool) -> Option<Refused> {
        let line = line.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| line.contains(word));
        if let Some(socket) = self.internet {
            let failed = says(&SOCKETS) || says(&NETWORK) || own && names_error(&line, socket);
            return failed.then_some(socket);
        }
        // The C library is refused a local socket beside nearly everything: the error alone is not about that.
        let failed = match self.last.family {
            Some(_) => says(&SOCKETS),
            None => own && names_error(&line, self.last),
        };
        failed.then_some(self.last)
    }
}

/// Whether a line, in small letters, names the error that `refused` was answered with.
fn names_error(line: &str, refused: Refused) -> bool {
    let name = format!("{:?}", refused.errno).to_ascii_lowercase();
    let text = refused.errno.desc().to_ascii_lowercase();
    // As mount(8) says it.
    [&*name, &*text, "permission denied"]
        .iter()
        .any(|word| line.contains(word))
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::*;

    fn refused(call: &'static str, family: Option<u32>, errno: Errno) -> Refused {
        Refused {
            call,
            family,
            errno,
            remedy: "",
        }
    }

    /// What a process that was refused `calls` is taken to have failed of when it says `line`.
    fn blamed(calls: &[Refused], line: &str) -> Option<Refused> {
        let own = nix::unistd::getpid();
        let mut failing = Failing::default();
        for call in calls {
            failing.refuse(*call, own);
        }
        failing.hear(&[line.to_owned()], own);
        assert!(failing.failures.len() < 2);
        failing.failures.pop().map(|failure| failure.refused)
    }

    #[test]
    fn a_complaint_is_about_what_was_refused() {
        let users = refused("socket", Some(1), Errno::EPERM);
        let links = refused("socket", Some(16), Errno::EAFNOSUPPORT);
        let internet = refused("socket", Some(2), Errno::EPERM);
        let mount = refused("mount", None, Errno::EPERM);
        for (calls, line, expected) in [
            (&[users][..], "chown: x: Operation not permitted", None),
            (&[users], "id: 'nobody': no such user", None),
            (
                &[users],
                "dial unix /run/d.sock: socket: operation not permitted",
                Some(users),
            ),
            (
                &[users, internet, users],
                "connect: refused",
                Some(internet),
            ),
            (
                &[internet],
                "Could not resolve host: a.example",
                Some(internet),
            ),
            (
                &[internet],
                "PermissionError: [Errno 1] Operation not permitted",
                Some(internet),
            ),
            (&[internet], "AssertionError: 2 != 3", None),
            (&[links], "Cannot open netlink socket", Some(links)),
            (&[links], "TypeError: x is not a function", None),
            (&[mount], "mount: /mnt: permission denied.", Some(mount)),
            (&[mount], "mount: /mnt: unknown filesystem type", None),
            (&[], "connect: refused", None),
        ] {
            assert_eq!(blamed(calls, line), expected, "{line}");
        }
    }

    #[test]
    fn who_started_a_program_may_say_it_too() {
        let internet = refused("socket", Some(2), Errno::EPERM);
        let mut child = std::process::Command::new("sleep")
            .arg("600")
            .spawn()
            .unwrap();
        let mut failing = Failing::default();
        failing.refuse(internet, Pid::from_raw(child.id().cast_signed()));
        let own = nix::unistd::getpid();
        failing.hear(&["x: Operation not permitted".to_owned()], own);
        assert_eq!(failing.failures, []);
        failing.hear(&["E: could not resolve 'a.example'".to_owned()], own);
        assert_eq!(failing.failures.len(), 1);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
