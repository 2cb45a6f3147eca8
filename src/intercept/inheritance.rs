//! What a program outside may start there because it is out itself.
//!
//! Most of what it starts stays beside it. Not so a program that takes commands from its input or the
//! terminal, which the sandboxed side controls; nor a git, whatever starts it, in a repository that the
//! sandboxed side could have written.

use std::collections::HashSet;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::sys::stat::fstat;
use nix::unistd::{Pid, getpid};

use super::call::{ExecCall, Side};
use super::caller;
use super::supervisor::Supervisor;
use crate::approve::place::Inheritance;
use crate::evaluate::{CommandSource, command_source};
use crate::request::program::last_component;
use crate::request::{Request, Roots, Words, argv};

/// As many pipes and files are remembered that the sandboxed side handed out.
const HANDED: usize = 4096;
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
        if request.words().start_git()
            && let Some(why) = self.session.misleading_repository(request)
        {
            let starter = self.starter(call);
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
            let starter = self.starter(call);
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

    /// The program that was let out and led to this exec, or the nearest if that is gone; for people.
    fn starter(&self, call: &ExecCall) -> String {
        let nearest = caller::process_of(call.tid());
        let mut pid = nearest;
        for _ in 0..ANCESTORS {
            let was_let_out = match call.side {
                Side::Inside => false,
                Side::Outside => self.outside.as_ref().is_some_and(|it| it.has_started(pid)),
                Side::Profiled(id) => self.profiled.has_started(id, pid),
            };
            if was_let_out {
                return name_of(pid);
            }
            match caller::parent(pid) {
                Ok(parent) if parent != getpid() && parent.as_raw() > 1 => pid = parent,
                _ => break,
            }
        }
        name_of(nearest)
    }
}

/// The name of the file that a process runs, for people.
fn name_of(pid: Pid) -> String {
    let file = fs::read_link(format!("/proc/{pid}/exe"));
    file.map_or_else(
        |_| "a program".to_owned(),
        |file| argv::bounded_word(last_component(file.as_os_str()), NAME_LIMIT),
    )
}
