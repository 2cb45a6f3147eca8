//! Whether a program failed of a call that the sandbox refused, or did without it.
//!
//! Libraries try calls by habit: the C library looks for a daemon that knows the users, others for the
//! networks that there are. What such a call is answered with says nothing about a later failure. So a
//! refusal counts where a program says so: the one that was refused, or one that started it, complains on
//! standard error in words that belong to what it was refused. Words that any trouble with a connection has
//! don't count where the program names another error. One that is told to be quiet, as `curl -s`, says
//! nothing: an internet socket also counts for a program that wrote nothing there afterwards and exited with
//! another status than 0, where the kernel tells that. What is a habit of a library's counts for nothing.

use std::path::PathBuf;

use nix::errno::Errno;
use nix::unistd::Pid;

use super::caller;
use super::habits::Habit;
use crate::confine::Refused;
use crate::sys::pidfd::PidFd;

/// As many processes are remembered; the sandboxed side decides how many are refused something.
const PROCESSES: usize = 64;
/// What is said of sockets. Each of these words begins one.
const SOCKETS: [&str; 4] = ["socket", "connect", "netlink", "address family"];
/// What is said of local ones, besides.
const LOCAL: [&str; 2] = ["open display", "unix"];
/// What is said of a network, besides.
const NETWORK: [&str; 9] = [
    "network",
    "resolv",
    "resolution",
    "lookup",
    "getaddrinfo",
    "eai_again",
    "enotfound",
    "unknown host",
    "unknownhost",
];
/// Errors that a connection has, if there can be one.
const OF_CONNECTIONS: [Errno; 8] = [
    Errno::ECONNREFUSED,
    Errno::ECONNRESET,
    Errno::ECONNABORTED,
    Errno::ENETUNREACH,
    Errno::EHOSTUNREACH,
    Errno::ETIMEDOUT,
    Errno::EADDRINUSE,
    Errno::EADDRNOTAVAIL,
];
/// Errors of files.
const OF_FILES: [Errno; 7] = [
    Errno::ENOENT,
    Errno::EEXIST,
    Errno::ENOTDIR,
    Errno::EISDIR,
    Errno::ENOSPC,
    Errno::EROFS,
    Errno::ENOTEMPTY,
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
    /// It named another error of a connection.
    is_excused: bool,
    /// What it is taken to have failed of, in words that may be about something else.
    suspected: Vec<Refused>,
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
    pub(super) fn refuse(&mut self, refused: Refused, tid: Pid, habit: Habit) {
        if habit == Habit::Always {
            return;
        }
        self.count += 1;
        let process = caller::process_of(tid);
        let program = caller::file(process).ok();
        // A number can be given to another process, which runs something else; what that one failed of stays.
        let is_other = |one: &Refusee| one.process == process && one.program != program;
        let gone: Vec<Refusee> = self.refusees.extract_if(.., |one| is_other(one)).collect();
        for refusee in gone {
            refusee.end(&mut self.failures);
        }
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
            if habit == Habit::No {
                refusee.spoke = false;
                refusee.handle = refusee.handle.take().or_else(|| PidFd::open(process).ok());
            }
        }
    }

    /// A thread writes `lines` to standard error.
    pub(super) fn hear(&mut self, lines: &[String], tid: Pid) {
        if lines.is_empty() || self.refusees.is_empty() {
            return;
        }
        let process = caller::process_of(tid);
        for refusee in &mut self.refusees {
            if refusee.process == process {
                refusee.spoke = true;
                refusee.is_excused |= lines.iter().any(|line| names(line, &OF_CONNECTIONS));
            }
        }
        let concerned = self.refusees.iter_mut();
        let concerned =
            concerned.filter(|one| one.process == process || one.lineage.contains(&process));
        let Some(refusee) = concerned.max_by_key(|one| one.at) else {
            return;
        };
        let own = refusee.process == process;
        for line in lines {
            match refusee.blamed(line, own) {
                Some(Blame::Sure(refused)) => {
                    let program = refusee.program.clone();
                    add(&mut self.failures, Failure { refused, program });
                }
                Some(Blame::Likely(refused)) if !refusee.suspected.contains(&refused) => {
                    refusee.suspected.push(refused);
                }
                Some(Blame::Likely(_)) | None => {}
            }
        }
    }

    /// Everything that a program failed of. The processes have ended.
    pub(super) fn into_failures(mut self) -> Vec<Failure> {
        for refusee in self.refusees {
            refusee.end(&mut self.failures);
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

/// What a line says of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blame {
    /// It names the error too, or is about what can't be otherwise without a network.
    Sure(Refused),
    /// It has words that other troubles have as well.
    Likely(Refused),
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
            is_excused: false,
            suspected: Vec::new(),
            handle: None,
        }
    }

    /// What a line is about that was refused; the line may be its `own`.
    fn blamed(&self, line: &str, own: bool) -> Option<Blame> {
        let says = |words: &[&str]| words.iter().any(|word| has_word(line, word));
        if names(line, &OF_FILES) {
            return None;
        }
        if let Some(socket) = self.internet {
            let failed = says(&SOCKETS) || says(&NETWORK) || own && names_error(line, socket);
            return failed.then_some(Blame::Sure(socket));
        }
        let last = self.last;
        let is_sure = names_error(line, last);
        let is_about_it = match last.family {
            // The error alone may be about a file.
            Some(_) if last.is_local() => says(&SOCKETS) || says(&LOCAL),
            Some(_) => is_sure && says(&SOCKETS),
            None => own && is_sure,
        };
        match is_about_it {
            false => None,
            true if is_sure => Some(Blame::Sure(last)),
            true => (!names(line, &OF_CONNECTIONS)).then_some(Blame::Likely(last)),
        }
    }

    /// It has ended: what it failed of.
    fn end(self, failures: &mut Vec<Failure>) {
        let status = self.handle.as_ref().and_then(PidFd::exit_status);
        let is_quiet = !self.spoke && status.is_some_and(|status| status != 0);
        let quietly = self.internet.filter(|_| is_quiet);
        let suspected = self.suspected.into_iter().filter(|_| !self.is_excused);
        for refused in suspected.chain(quietly) {
            let program = self.program.clone();
            add(failures, Failure { refused, program });
        }
    }
}

/// Whether a line has a word that begins with `word`, which is in small letters. A capital within a name
/// begins a word, too.
fn has_word(line: &str, word: &str) -> bool {
    let small = line.to_ascii_lowercase();
    let begins = |at: usize| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        let is_capital = line
            .get(at..)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
        before.is_none_or(|before| {
            !before.is_ascii_alphanumeric() || is_capital && before.is_ascii_lowercase()
        })
    };
    small.match_indices(word).any(|(at, _)| begins(at))
}

/// Whether a line names one of these errors.
fn names(line: &str, errors: &[Errno]) -> bool {
    errors
        .iter()
        .any(|error| has_word(line, &name(*error)) || has_word(line, &text(*error)))
}

fn name(error: Errno) -> String {
    format!("{error:?}").to_ascii_lowercase()
}

fn text(error: Errno) -> String {
    error.desc().to_ascii_lowercase()
}

/// Whether a line names the error that `refused` was answered with.
fn names_error(line: &str, refused: Refused) -> bool {
    // As mount(8) says it.
    let is_mount = refused.family.is_none() && has_word(line, "mount");
    names(line, &[refused.errno]) || is_mount && has_word(line, "permission denied")
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
            failing.refuse(*call, own, Habit::No);
        }
        failing.hear(&line.lines().map(str::to_owned).collect::<Vec<_>>(), own);
        let mut failures = failing.into_failures();
        assert!(failures.len() < 2);
        failures.pop().map(|failure| failure.refused)
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
            (&[internet], "x.FileNotFoundException: no such thing", None),
            (
                &[internet],
                "FileNotFoundException: /x (Permission denied)",
                None,
            ),
            (&[internet], "socket.json: No such file or directory", None),
            (
                &[internet],
                "UnknownHostException: a.example",
                Some(internet),
            ),
            (&[users], "Failed to connect: Connection refused", None),
            (
                &[users],
                "  File socket.py, in connect\nConnectionRefusedError: [Errno 111] Connection refused",
                None,
            ),
            (
                &[users],
                "connect ECONNREFUSED 127.0.0.1\nsocket: Operation not permitted",
                Some(users),
            ),
            (&[users], "Error: Can't open display: :0", Some(users)),
            (
                &[users],
                "UNIX-CLIENT:/run/x: Operation not permitted",
                Some(users),
            ),
            (
                &[links],
                "Cannot open netlink socket: Address family not supported by protocol",
                Some(links),
            ),
            (&[links], "connect: no such host", None),
            (&[links], "TypeError: x is not a function", None),
            (&[mount], "mount: /mnt: permission denied.", Some(mount)),
            (&[mount], "mount: /mnt: unknown filesystem type", None),
            (&[mount], "cat: /root/x: Permission denied", None),
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
        failing.refuse(internet, Pid::from_raw(child.id().cast_signed()), Habit::No);
        let own = nix::unistd::getpid();
        failing.hear(&["x: Operation not permitted".to_owned()], own);
        assert_eq!(failing.failures, []);
        failing.hear(&["E: could not resolve 'a.example'".to_owned()], own);
        assert_eq!(failing.failures.len(), 1);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
