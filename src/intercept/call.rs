//! An exec call that waits for an answer, read out of its caller.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::libc::{AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW};
use nix::sys::stat::FileStat;
use nix::unistd::Pid;

use super::fixed::{Fixed, FixedPrograms};
use super::found::{Found, named};
use super::memory::{Memory, Vector};
use super::target::{self, Base, Target};
use super::{caller, limits};
use crate::audit::ExecRecord;
use crate::evaluate::IndexedRules;
use crate::request::program::normalised;
use crate::request::{HalfRead, INTERPRETERS, Interpreter, Originals, Request, WorkingDirectory};
use crate::sys::arch::calls;
use crate::sys::listener::Waiting;

/// Of `execveat`: only checks (Linux 6.14).
const AT_EXECVE_CHECK: i32 = 0x1_0000;

/// Where a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// In the sandbox.
    Inside,
    /// Outside: it was escalated, or something that was started it.
    Outside,
    /// Outside likewise, but in a sandbox of its own, which has this helper.
    Profiled(Pid),
}

/// The arguments of `execve` or `execveat`, in one form.
#[derive(Debug, Clone)]
pub struct ExecCall {
    /// The call that waits.
    pub waiting: Waiting,
    /// Where its caller runs.
    pub side: Side,
    path: u64,
    /// Address of the argument vector.
    pub argv: u64,
    /// Address of the environment.
    pub envp: u64,
    base: Base,
    flags: i32,
}

/// An exec, as far as it had to be read.
#[derive(Debug)]
pub enum Read {
    /// The words of a program that was met before: nearly always, no more is needed.
    Half(HalfRead, CallFacts),
    /// All that is judged.
    Whole(Box<Request>, CallFacts),
}

/// A call that waits, and what is known of it.
#[derive(Debug)]
pub struct Stopped {
    /// The call.
    pub call: ExecCall,
    /// As it was read.
    pub facts: Box<CallFacts>,
}

/// What is known of a call beside the request to judge.
#[derive(Debug)]
pub struct CallFacts {
    /// The file's identity.
    pub stat: FileStat,
    /// What will be running: the file, or for a script its last interpreter.
    pub runs: FileStat,
    /// Where path and arguments lie in the caller's memory: first address, and the one after the
    /// last.
    pub spans: Vec<(u64, u64)>,
    /// Address of the NUL behind the caller's path: an empty string.
    pub empty: u64,
}

impl Stopped {
    /// A call as it was read.
    pub fn new(call: ExecCall, facts: CallFacts) -> Self {
        let facts = Box::new(facts);
        Self { call, facts }
    }
}

impl ExecCall {
    /// The caller and the record are told that nothing comes of it.
    pub fn fail(&self, record: ExecRecord, errno: Errno) {
        record.failed(&errno.desc());
        self.waiting.fail(errno);
    }

    /// Takes a call that is an exec; `None` for another system call.
    pub fn new(waiting: &Waiting, side: Side) -> Option<Self> {
        let notification = &waiting.notification;
        let [first, second, third, fourth, fifth, _] = notification.args;
        let plain = |path, argv, envp| Self {
            waiting: waiting.clone(),
            side,
            path,
            argv,
            envp,
            base: Base::Directory,
            flags: 0,
        };
        if notification.is(calls::execve) {
            Some(plain(first, second, third))
        } else if notification.is(calls::execveat) {
            Some(Self {
                base: base(low_half(first)),
                flags: low_half(fifth),
                ..plain(second, third, fourth)
            })
        } else {
            None
        }
    }

    /// Whether nothing is to be executed: the caller asks whether it could be.
    pub fn is_check(&self) -> bool {
        self.flags & AT_EXECVE_CHECK != 0
    }

    /// Whether the call has flags that nobody knows. A kernel that does would do with it who knows
    /// what.
    pub fn has_unknown_flags(&self) -> bool {
        self.flags & !(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_EXECVE_CHECK) != 0
    }

    /// The calling thread.
    pub fn tid(&self) -> Pid {
        self.waiting.notification.tid
    }

    fn memory(&self) -> Memory {
        Memory::of(self.tid(), self.waiting.notification.arch)
    }

    /// Whether the file is looked up from the working directory or the root, not from a descriptor.
    pub fn is_by_path(&self) -> bool {
        self.base == Base::Directory && self.flags == 0
    }

    /// The path as the caller wrote it.
    ///
    /// # Errors
    /// As for [`ExecCall::read`].
    pub fn path(&self) -> Result<Vec<u8>, Errno> {
        self.memory().path(self.path)
    }

    /// Reads and resolves what is asked for, to be judged by `rules`: copied, so that later changes
    /// of the caller's memory don't matter. `writable` are the sandbox's writable roots; `known`
    /// are programs that need no second look, and `originals` what others are copies of.
    ///
    /// # Errors
    /// The error to answer the caller with: the one that the kernel would give, or `EPERM` for
    /// what can't be looked at.
    pub fn read(
        &self,
        rules: &IndexedRules,
        writable: &[PathBuf],
        known: &FixedPrograms,
        originals: &Originals,
    ) -> Result<Read, Errno> {
        let (path, vector) = self.memory().path_and_vector(self.path, self.argv)?;
        let empty = self.path.saturating_add(path.len() as u64);
        if path.is_empty() && self.flags & AT_EMPTY_PATH == 0 {
            return Err(Errno::ENOENT);
        }
        let Vector {
            strings: argv,
            mut spans,
        } = vector;
        spans.push((self.path, empty.saturating_add(1)));
        let asked = OsString::from_vec(path);
        let by_path = self.is_by_path().then_some(Path::new(&asked));
        let known = by_path
            .and_then(|path| known.known(path, self.tid(), self.side != Side::Inside))
            .cloned();
        if let Some(fixed) = known {
            let Fixed {
                real,
                copy_of,
                stat,
            } = fixed;
            let half = HalfRead {
                path: normalised(Path::new(&asked)),
                copy_of,
                asked,
                real,
                argv,
            };
            let facts = CallFacts {
                stat,
                runs: stat,
                spans,
                empty,
            };
            return Ok(Read::Half(half, facts));
        }
        let original = |real: &Path, open: &Path| {
            let found = originals.of(real, open, &|name| rules.ask_for_copies_of(name));
            found.map(Path::to_owned)
        };
        let cwd = self.working_directory()?;
        let follow = self.flags & AT_SYMLINK_NOFOLLOW == 0;
        let target = target::resolve(self.tid(), self.base, asked.as_bytes(), follow)?;
        let path = self.path_of(&asked, &target, &cwd);
        let mut request = named(asked, &path, &target.real, argv, cwd);
        request.copy_of = original(&target.real, &target.link());
        let mut runs = target.stat;
        if let Some((interpreter, stat)) = self.interpreter(&request, &target, &original, 0)? {
            request.interpreter = Some(Box::new(interpreter));
            runs = stat;
        }
        let mut facts = CallFacts {
            stat: target.stat,
            runs,
            spans,
            empty,
        };
        let found = Found {
            path,
            real: target.real,
            stat: target.stat,
        };
        let request = self.read_rest(request, &found, &mut facts, rules, writable)?;
        Ok(Read::Whole(Box::new(request), facts))
    }

    /// All that is judged of what was read: of what was half read, the rest is looked up.
    ///
    /// # Errors
    /// As for [`ExecCall::read`].
    pub fn whole(
        &self,
        read: Read,
        rules: &IndexedRules,
        writable: &[PathBuf],
    ) -> Result<(Request, CallFacts), Errno> {
        match read {
            Read::Whole(request, facts) => Ok((*request, facts)),
            Read::Half(half, mut facts) => {
                let request = self.complete(half, &mut facts, rules, writable)?;
                Ok((request, facts))
            }
        }
    }

    fn complete(
        &self,
        half: HalfRead,
        facts: &mut CallFacts,
        rules: &IndexedRules,
        writable: &[PathBuf],
    ) -> Result<Request, Errno> {
        let cwd = self.working_directory()?;
        let path = PathBuf::from(&half.asked);
        let mut request = named(half.asked, &path, &half.real, half.argv, cwd);
        request.copy_of = half.copy_of;
        let found = Found {
            path,
            real: half.real,
            stat: facts.stat,
        };
        self.read_rest(request, &found, facts, rules, writable)
    }

    /// Looks up what depends on the working directory: variables if a rule asks for them, and
    /// whether a rule that permits may believe the names.
    fn read_rest(
        &self,
        mut request: Request,
        found: &Found,
        facts: &mut CallFacts,
        rules: &IndexedRules,
        writable: &[PathBuf],
    ) -> Result<Request, Errno> {
        if rules.ask_for_variables(&request) {
            let Vector { strings, spans } = self.memory().vector(self.envp)?;
            request.know_environment(&strings);
            facts.spans.extend(spans);
        }
        let paths = rules.paths_of(&request);
        request = request.following(paths, writable);
        Ok(found.examine(request, rules, writable))
    }

    /// The caller's working directory.
    ///
    /// # Errors
    /// The caller is gone, or may not be looked at.
    fn working_directory(&self) -> Result<WorkingDirectory, Errno> {
        caller::working_directory(self.tid()).map_err(|error| errno(&error))
    }

    /// For a script, the request for its interpreter, found as the caller would find it, and the
    /// identity of the last one.
    fn interpreter(
        &self,
        script: &Request,
        target: &Target,
        original: &dyn Fn(&Path, &Path) -> Option<PathBuf>,
        depth: usize,
    ) -> Result<Option<(Request, FileStat)>, Errno> {
        // What can't be read can't be run by an interpreter either.
        let Ok(Some(found)) = Interpreter::of(&target.link()) else {
            return Ok(None);
        };
        if depth > INTERPRETERS {
            return Err(Errno::ELOOP);
        }
        // The script's arguments, and for each interpreter its own, which are copied to be judged.
        let copies = 1 + 2 * (depth + 1);
        if limits::weigh(&script.argv).saturating_mul(copies) > limits::SCRIPT {
            return Err(Errno::E2BIG);
        }
        let bytes = found.path.as_os_str().as_bytes();
        let target = target::resolve(self.tid(), Base::Directory, bytes, true)?;
        let argv = found.argv(&self.script_name(script, depth), &script.argv);
        let path = script.cwd.join(&found.path);
        let cwd = script.cwd.clone();
        let mut request = named(found.path.into_os_string(), &path, &target.real, argv, cwd);
        request.copy_of = original(&target.real, &target.link());
        let mut runs = target.stat;
        let next = self.interpreter(&request, &target, original, depth + 1)?;
        if let Some((interpreter, stat)) = next {
            request.interpreter = Some(Box::new(interpreter));
            runs = stat;
        }
        Ok(Some((request, runs)))
    }

    /// How the kernel names a script to its interpreter.
    fn script_name(&self, script: &Request, depth: usize) -> OsString {
        let asked = &script.program.asked;
        match self.base {
            Base::Descriptor(number) if depth == 0 && !Path::new(asked).is_absolute() => {
                let mut name = OsString::from(format!("/dev/fd/{number}"));
                if !asked.is_empty() {
                    name.push("/");
                    name.push(asked);
                }
                name
            }
            Base::Descriptor(_) | Base::Directory => asked.clone(),
        }
    }

    /// The environment that the caller gives.
    ///
    /// # Errors
    /// As for [`ExecCall::read`].
    pub fn environment(&self) -> Result<Vec<OsString>, Errno> {
        self.memory().strings(self.envp)
    }

    /// The path that is asked for, absolute.
    fn path_of(&self, asked: &OsStr, target: &Target, cwd: &Path) -> PathBuf {
        match self.base {
            Base::Directory => cwd.join(asked),
            Base::Descriptor(_) if Path::new(asked).is_absolute() => PathBuf::from(asked),
            Base::Descriptor(_) => target.real.clone(),
        }
    }
}

fn base(dirfd: i32) -> Base {
    if dirfd == AT_FDCWD {
        Base::Directory
    } else {
        Base::Descriptor(dirfd)
    }
}

/// The low half of an argument, as the kernel takes an `int`.
pub(super) fn low_half(argument: u64) -> i32 {
    let [a, b, c, d, ..] = argument.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

pub(super) fn errno(error: &std::io::Error) -> Errno {
    match (error.raw_os_error(), error.kind()) {
        (Some(number), _) => Errno::from_raw(number),
        (None, ErrorKind::PermissionDenied) => Errno::EACCES,
        (None, _) => Errno::EPERM,
    }
}
