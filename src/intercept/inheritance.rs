//! What a program outside may start there because it is out itself.
//!
//! Most of what it starts stays beside it. Not so a program that takes commands from its input or the
//! terminal, which the sandboxed side controls; nor a git below another one that was let out for what it
//! obeys, in a repository that the sandboxed side could have written.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::sys::stat::fstat;
use nix::unistd::{Pid, getpid};

use super::call::{ExecCall, Side};
use super::caller;
use super::supervisor::Supervisor;
use crate::approve::place::Inheritance;
use crate::evaluate::{CommandSource, CommandTree, IndexedRules, command_source};
use crate::request::program::last_component;
use crate::request::{Program, Request, Roots, Words, WorkingDirectory, argv};

/// As many pipes and files are remembered that the sandboxed side handed out.
const HANDED: usize = 4096;
/// So much of a program's words is read, in bytes.
const WORDS: u64 = 64 << 10;
/// As many ancestors are looked at.
const ANCESTORS: usize = 64;
/// The device numbers of `/dev/null`.
const NULL: (u64, u64) = (1, 3);
/// The longest name of a program in a reason, in bytes.
const NAME_LIMIT: usize = 100;

/// What programs outside got from the sandbox: by device and inode.
#[derive(Debug, Default)]
pub struct Handed {
    files: HashSet<(u64, u64)>,
    /// There were more.
    many: bool,
}

impl Handed {
    /// Remembers the descriptors that a program takes over.
    pub fn note(&mut self, descriptors: &[(OwnedFd, i32)]) {
        for file in descriptors.iter().filter_map(|(fd, _)| fstat(fd).ok()) {
            if self.files.len() < HANDED {
                self.files.insert((file.st_dev, file.st_ino));
            } else {
                self.many = true;
            }
        }
    }

    fn has(&self, file: &fs::Metadata) -> bool {
        self.many || self.files.contains(&(file.dev(), file.ino()))
    }
}

/// The programs that led to an exec outside, the nearest first.
struct Line {
    /// The words of each.
    programs: Vec<Vec<OsString>>,
    /// Whether it leads up to one that we started.
    whole: bool,
    /// One of them has more words than are read.
    cut: bool,
}

impl Line {
    /// Whether one of them was, or may have been, let out for the repository that it obeys: as git, or
    /// as what starts it by its words.
    fn has_git(&self, rules: &IndexedRules) -> bool {
        let starts_git = |argv: &[OsString]| {
            let asked = argv.first().map_or(OsStr::new(""), OsString::as_os_str);
            let words = Words {
                asked,
                path: None,
                real: None,
                argv,
            };
            words.start_git()
        };
        let leads_to_git = |argv: &[OsString]| {
            let Some((asked, cwd)) = argv.first().zip(WorkingDirectory::new("/")) else {
                return false;
            };
            let request = Request::new(Program::named(asked), argv.to_vec(), cwd);
            let tree = CommandTree::of(rules, &request);
            let mut nodes = tree.nodes().iter();
            tree.is_incomplete() || nodes.any(|node| starts_git(&node.argv))
        };
        let is_git = |words: &Vec<OsString>| {
            // An interpreter has the name of its script behind its own.
            let mut starts = (0..words.len().min(2)).filter_map(|start| words.get(start..));
            starts.any(starts_git) || leads_to_git(words)
        };
        !self.whole || self.cut || self.programs.iter().any(is_git)
    }

    /// The one that was let out, or the nearest if that is gone; for people.
    fn starter(&self) -> String {
        let mut programs = self.programs.iter();
        let program = if self.whole {
            programs.next_back()
        } else {
            programs.next()
        };
        let words = program.and_then(|words| words.first());
        words.map_or_else(
            || "a program".to_owned(),
            |word| argv::bounded_word(last_component(word), NAME_LIMIT),
        )
    }
}

impl Supervisor {
    /// Whether what a caller on that side starts could be limited in what it inherits. Cheap.
    pub(super) fn limits_inheritance(&self, side: Side, words: Words<'_>) -> bool {
        side != Side::Inside && (words.start_git() || self.session.rules.may_be_commanded(words))
    }

    /// What comes of it for `request` that its caller is out. Its variables are looked up if they count.
    ///
    /// # Errors
    /// The error to answer the caller with, which can't be looked at.
    pub(super) fn inheritance(
        &self,
        call: &ExecCall,
        request: &mut Request,
    ) -> Result<Inheritance, Errno> {
        let requests = std::iter::successors(Some(&*request), |one| one.interpreter.as_deref());
        let mut limited = requests.map(|one| self.limits_inheritance(call.side, one.words()));
        let Some(roots) = &self.session.writable else {
            return Ok(Inheritance::Free);
        };
        if !limited.any(|limited| limited) {
            return Ok(Inheritance::Free);
        }
        if request.environment.is_none() {
            request.know_environment(&call.environment()?);
        }
        let line = self.line(call);
        let starter = line.starter();
        if request.words().start_git()
            && line.has_git(&self.session.rules)
            && let Some(why) = self.session.misleading_repository(request)
        {
            return Ok(Inheritance::Refused(format!(
                "it is started by {starter}, outside, and would obey what the sandbox can write: {why}"
            )));
        }
        let source = command_source(&self.session.rules, request);
        let commanded = match source {
            None => None,
            Some(CommandSource::Keys) => Some("the terminal or its input"),
            Some(CommandSource::Input) => self
                .reads_from_inside(call.tid(), roots)
                .then_some("its input"),
        };
        Ok(commanded.map_or(Inheritance::Free, |from| {
            Inheritance::Asked(format!(
                "it is started by {starter}, outside, and takes commands from {from}, which the sandbox \
                 controls"
            ))
        }))
    }

    /// Whether standard input could be what the sandboxed side writes: not where it is empty, a pipe
    /// that was made outside, or a file that can't be written from inside.
    fn reads_from_inside(&self, tid: Pid, roots: &[PathBuf]) -> bool {
        let link = format!("/proc/{tid}/fd/0");
        let (Ok(file), Ok(path)) = (fs::metadata(&link), fs::read_link(&link)) else {
            // It is closed, or nobody knows.
            return fs::symlink_metadata(&link).is_ok();
        };
        if self.handed.has(&file) {
            return true;
        }
        let kind = file.file_type();
        if kind.is_char_device() {
            let number = file.rdev();
            return (nix::sys::stat::major(number), nix::sys::stat::minor(number)) != NULL;
        }
        if kind.is_fifo() {
            return !path.as_os_str().as_bytes().starts_with(b"pipe:[");
        }
        !kind.is_file() || Roots::of(roots).entry_towards(&path).is_some()
    }

    /// Who led to this exec.
    fn line(&self, call: &ExecCall) -> Line {
        let mut line = Line {
            programs: Vec::new(),
            whole: false,
            cut: false,
        };
        let mut pid = caller::process_of(call.tid());
        for _ in 0..ANCESTORS {
            let (words, cut) = words_of(pid);
            line.programs.push(words);
            line.cut |= cut;
            line.whole = match call.side {
                Side::Inside => false,
                Side::Outside => self.outside.as_ref().is_some_and(|it| it.has_started(pid)),
                Side::Profiled(id) => self.profiled.has_started(id, pid),
            };
            match caller::parent(pid) {
                Ok(parent) if !line.whole && parent != getpid() && parent.as_raw() > 1 => {
                    pid = parent;
                }
                _ => break,
            }
        }
        line
    }
}

/// The file that a process runs, and the words that it was given behind its name; whether there are more
/// than are read.
fn words_of(pid: Pid) -> (Vec<OsString>, bool) {
    let file = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    let mut given = Vec::new();
    if let Ok(words) = fs::File::open(format!("/proc/{pid}/cmdline")) {
        // What could not be read is not there.
        let _ = words.take(WORDS).read_to_end(&mut given);
    }
    let cut = given.len() as u64 >= WORDS;
    let given = given.strip_suffix(b"\0").unwrap_or(&given);
    let given = given.split(|&byte| byte == 0).skip(1);
    let given = given.map(|word| OsString::from_vec(word.to_vec()));
    let words = std::iter::once(file.into_os_string()).chain(given);
    (words.collect(), cut)
}
