//! What a program outside may start there because it is out itself: what processes and open files say of it.
//! What counts is said in `flow/inheritance.rs`.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::{Pid, getpid};

use super::call::{ExecCall, Side};
use super::caller;
use super::supervisor::Supervisor;
use crate::approve::is_null;
use crate::approve::place::Inheritance;
use crate::flow::{self, Heritage, Starter};
use crate::request::{Request, Roots, Trust};
use crate::sys::read_capped::read_capped;

/// As many ancestors are looked at.
const ANCESTORS: usize = 64;
/// The most that is read of the words of a process, in bytes.
const WORDS: usize = 4 << 20;

impl Supervisor {
    /// What comes of it for `request` that its caller is out.
    ///
    /// # Errors
    /// The error to answer the caller with, which can't be looked at.
    pub(super) fn inheritance(
        &self,
        call: &ExecCall,
        request: &mut Request,
    ) -> Result<Inheritance, Errno> {
        let Some(roots) = &self.session.writable else {
            return Ok(Inheritance::Free);
        };
        if call.side == Side::Inside {
            return Ok(Inheritance::Free);
        }
        let heritage = Heritage {
            rules: &self.session.rules,
            environment: &self.session.environment,
            roots: Roots::of(roots),
            originals: &self.originals,
        };
        let starter = CallFromOutside {
            supervisor: self,
            call,
            heritage: &heritage,
        };
        heritage.inheritance(request, &starter)
    }

    /// Whether descriptor `number` could be what the sandboxed side writes: not where it is empty, a pipe
    /// that was made outside, or a file that can't be written from inside.
    fn reads_from_inside(&self, tid: Pid, number: i32, roots: &Roots) -> bool {
        let link = format!("/proc/{tid}/fd/{number}");
        let (Ok(file), Ok(path)) = (fs::metadata(&link), fs::read_link(&link)) else {
            // It is closed, or nobody knows.
            return fs::symlink_metadata(&link).is_ok();
        };
        if self.passed_files.has(&file) {
            return true;
        }
        let kind = file.file_type();
        if kind.is_char_device() {
            return !is_null(&file);
        }
        if kind.is_fifo() {
            return !path.as_os_str().as_bytes().starts_with(b"pipe:[");
        }
        !kind.is_file() || roots.entry_towards(&path).is_some()
    }

    /// The process that makes the call, and those that led to it, up to the one that was let out.
    fn ancestors_outside(&self, call: &ExecCall) -> Vec<Pid> {
        let mut pids = vec![caller::process_of(call.tid())];
        while let Some(&pid) = pids.last().filter(|_| pids.len() < ANCESTORS) {
            match caller::parent(pid) {
                Ok(parent) if !self.was_let_out(call.side, pid) && parent.as_raw() > 1 => {
                    if parent == getpid() {
                        break;
                    }
                    pids.push(parent);
                }
                _ => break,
            }
        }
        pids
    }

    fn was_let_out(&self, side: Side, pid: Pid) -> bool {
        match side {
            Side::Inside => false,
            Side::Outside => self.outside.as_ref().is_some_and(|it| it.has_started(pid)),
            Side::Profiled(id) => self.profiled.has_started(id, pid),
        }
    }

    /// The program that was let out and led to this exec, or the nearest if that is gone; for people.
    fn starter(&self, call: &ExecCall) -> String {
        let processes = self.ancestors_outside(call);
        let first = processes.last().copied();
        let first = first.filter(|&pid| self.was_let_out(call.side, pid));
        let first = first.unwrap_or_else(|| caller::process_of(call.tid()));
        flow::name_of(caller::file(first).ok().as_deref())
    }
}

/// Who makes a call from outside.
struct CallFromOutside<'a> {
    supervisor: &'a Supervisor,
    call: &'a ExecCall,
    heritage: &'a Heritage<'a>,
}

impl Starter for CallFromOutside<'_> {
    fn variables(&self) -> Result<Vec<OsString>, Errno> {
        self.call.environment()
    }

    fn misleading_repository(&self, git: &Request) -> Option<String> {
        self.supervisor.session.misleading_repository(git)
    }

    fn is_hidden(&self) -> bool {
        self.call.side == Side::Outside && !is_in_view(self.call.tid())
    }

    fn reads_from_inside(&self, number: i32) -> bool {
        let roots = &self.heritage.roots;
        self.supervisor
            .reads_from_inside(self.call.tid(), number, roots)
    }

    fn is_led_by_files(&self) -> bool {
        let processes = self.supervisor.ancestors_outside(self.call);
        // What is there now need not have been when it was started.
        let mut running = processes.into_iter().filter_map(request_of);
        running.any(|running| self.heritage.is_led(&running))
    }

    fn name(&self) -> String {
        self.supervisor.starter(self.call)
    }
}

/// Whether the process has the file systems that we have.
fn is_in_view(tid: Pid) -> bool {
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/mnt")).ok();
    let root = |process: &str| {
        let root = fs::metadata(format!("/proc/{process}/root")).ok();
        root.map(|root| (root.dev(), root.ino()))
    };
    let its = tid.to_string();
    let is_same = namespace(&its) == namespace("self") && root(&its) == root("self");
    is_same && root("self").is_some()
}

/// What a process runs, as far as its words and its file say it.
fn request_of(pid: Pid) -> Option<Request> {
    let words = format!("/proc/{pid}/cmdline");
    let words = read_capped(Path::new(&words), WORDS, Duration::ZERO).ok()?;
    caller::running(pid, &words, Trust::Unexamined).ok()
}
