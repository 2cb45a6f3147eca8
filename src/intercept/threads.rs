//! Threads that we have a hand on: to replace what they execute, or to see what it was.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::call::ExecCall;
use super::caller::{process_of, status};
use super::limits::Load;
use super::stand_in::Role;
use super::verify::{Expected, Outcome, Watch};
use crate::evaluate::IndexedRules;
use crate::sys::listener::Notification;
use crate::sys::proxy_image;
use crate::sys::registers::{self, Exec as Replacement};
use crate::sys::trace::Traced;
use crate::sys::urgency;

/// See the module.
#[derive(Debug, Default)]
pub struct Threads {
    /// The proxy's file, once it was needed.
    proxy_image: Option<OwnedFd>,
    /// Threads whose exec was let through, until it is seen what they run.
    watches: HashMap<Pid, Watch>,
    /// Threads whose exec was replaced, until it comes back as the proxy's.
    replaced: HashMap<Pid, (Replacement, Role)>,
    /// Processes that run the proxy and have not asked yet.
    announced: HashMap<Pid, Role>,
}

impl Threads {
    /// Makes the caller run the proxy instead of what it asked for. `empty` is the address of an
    /// empty string in its memory.
    pub fn replace(&mut self, call: &ExecCall, empty: u64, role: Role) {
        let Notification { tid, arch, .. } = call.waiting.notification;
        if !self.has_room_for(role.weight()) {
            return call.waiting.fail(Errno::EAGAIN);
        }
        // A failed exec leaves its watch behind.
        let watched = self.watches.remove(&tid).map(|watch| watch.traced);
        let image = self.proxy_image();
        let fd = match image.and_then(|image| call.waiting.add_fd(image)) {
            Ok(fd) => fd,
            Err(error) => return call.waiting.fail(super::call::errno(&error)),
        };
        let replacement = Replacement {
            fd,
            empty,
            argv: call.argv,
            envp: call.envp,
        };
        let traced = watched.map_or_else(|| Traced::seize(tid), Ok);
        let Some(mut traced) = traced.ok().filter(|t| t.interrupt().is_ok()) else {
            return call.waiting.fail(Errno::EPERM);
        };
        call.waiting.restart();
        // When it fails the thread starts its own exec over, and is judged again.
        let stopped = traced.wait_for_stop();
        let replaced = stopped.and_then(|()| registers::replace(tid, arch, &replacement));
        if replaced.is_ok() {
            self.replaced.insert(tid, (replacement, role));
        }
    }

    fn proxy_image(&mut self) -> io::Result<BorrowedFd<'_>> {
        let image = match self.proxy_image.take() {
            Some(image) => image,
            None => proxy_image::create()?,
        };
        let image: &OwnedFd = self.proxy_image.insert(image);
        Ok(image.as_fd())
    }

    /// Whether this exec is the proxy's own, which may go on. Whatever was announced for the
    /// thread before is void otherwise.
    pub fn is_replacement(&mut self, notification: &Notification) -> bool {
        let Notification {
            tid,
            arch,
            number,
            args,
            ..
        } = notification;
        if let Some((replacement, role)) = self.replaced.remove(tid)
            && replacement.is(*arch, *number, args)
        {
            self.announced.insert(process_of(*tid), role);
            return true;
        }
        self.announced.remove(tid);
        false
    }

    /// What the proxy in the process `pid` is there for; told once.
    pub fn role(&mut self, pid: Pid) -> Option<Role> {
        self.announced.remove(&pid)
    }

    /// What the proxy in the process `pid` is there for, when it asks again.
    pub fn announce(&mut self, pid: Pid, role: Role) {
        self.announced.insert(pid, role);
    }

    /// Lets the exec through, and watches what it becomes.
    pub fn watch(&mut self, call: &ExecCall, expected: Expected) {
        let tid = call.tid();
        if !self.has_room_for(expected.weight()) {
            return call.waiting.fail(Errno::EAGAIN);
        }
        let watched = self.watches.remove(&tid).map(|watch| watch.traced);
        match watched.map_or_else(|| Traced::seize(tid), Ok) {
            Ok(traced) => {
                let watch = Watch::new(traced, process_of(tid), expected);
                self.watches.insert(tid, watch);
                resume(call);
            }
            Err(_) => call.waiting.fail(Errno::EPERM),
        }
    }

    /// Lets the exec through, unwatched.
    pub fn let_go(&mut self, call: &ExecCall) {
        self.watches.remove(&call.tid());
        resume(call);
    }

    /// How many are about to start a program outside.
    pub fn leaving(&self) -> usize {
        let replaced = self.replaced.values().map(|(_, role)| role);
        let roles = replaced.chain(self.announced.values());
        roles.filter(|role| matches!(role, Role::Start(_))).count()
    }

    /// Whether one more exec may be held, of so many bytes.
    pub fn has_room_for(&mut self, bytes: usize) -> bool {
        if self.load().has_room_for(bytes) {
            return true;
        }
        // Whoever was killed in between never comes back for what is held.
        let is_there = |pid: &Pid| status(*pid).is_ok();
        self.replaced.retain(|tid, _| is_there(tid));
        self.announced.retain(|pid, _| is_there(pid));
        self.watches.retain(|tid, _| is_there(tid));
        self.load().has_room_for(bytes)
    }

    fn load(&self) -> Load {
        let watched = self.watches.values().map(Watch::weight);
        let replaced = self.replaced.values().map(|(_, role)| role.weight());
        let announced = self.announced.values().map(Role::weight);
        watched.chain(replaced).chain(announced).collect()
    }

    /// Looks what has become of the execs that were let through. What is not what was judged, and
    /// may not run, is killed.
    pub fn look(&mut self, rules: &IndexedRules) {
        self.watches.retain(|_, watch| match watch.look(rules) {
            Outcome::Pending => true,
            Outcome::Settled => false,
            Outcome::Forged => {
                let _ = kill(watch.process(), Signal::SIGKILL);
                watch.tell();
                // Watched until it is dead: its parent learns of that only after its tracer.
                true
            }
        });
    }
}

/// The supervisor has nothing to do then but to wait.
fn resume(call: &ExecCall) {
    urgency::raise();
    call.waiting.resume();
}
