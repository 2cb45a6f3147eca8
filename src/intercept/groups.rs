//! In which process group and session a program outside has its place.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, Weak};

use nix::unistd::{Pid, getpgid, getpgrp, getsid};

use super::caller::TaskStatus;
use crate::sys::child::{Group, SharedGroup};
use crate::sys::lock;

/// The groups of programs outside, by those of their callers.
#[derive(Debug)]
pub struct Groups {
    /// Inside, the command leads a session of this number, if it could be had: that of ours.
    lead: Option<Pid>,
    /// The sandbox's first process, which leads a group outside if the command leads a session inside.
    init: Pid,
    /// Those whose callers are in a group of that session. They are there as long as a program is.
    jobs: Mutex<HashMap<Pid, Weak<SharedGroup>>>,
}

impl Groups {
    /// None yet, for the sandbox whose first process is `init`; for `lead` see
    /// [`super::run::RunPlan::lead`].
    pub fn new(lead: Option<Pid>, init: Pid) -> Self {
        Self {
            lead,
            init,
            jobs: Mutex::default(),
        }
    }

    /// The sandbox's first process.
    pub fn init(&self) -> Pid {
        self.init
    }

    /// The group for a program whose caller, in the process `pid`, has this `status`, and whether it is
    /// the caller's.
    ///
    /// # Errors
    /// The process is gone.
    pub fn place(&self, pid: Pid, status: &TaskStatus) -> io::Result<(Group, bool)> {
        let group = getpgid(Some(pid))?;
        if is_in_our_session(pid)? {
            return Ok(if group == getpgrp() {
                (Group::Same, true)
            } else {
                (Group::Join(group), true)
            });
        }
        let is_alike = |ours: Pid, own: i32| ours.as_raw() == own;
        let place = match self.lead {
            Some(lead) if !is_alike(lead, status.own_session) => Group::NewSession,
            // In ours, one signal to all of the group would be for us as well.
            // The first process has a session of its own where its signals can't be held back otherwise.
            Some(lead)
                if is_alike(lead, status.own_group) && is_in_our_session(self.init) == Ok(true) =>
            {
                Group::Join(self.init)
            }
            Some(_) => Group::Shared(self.job(group)),
            None => Group::NewSession,
        };
        Ok((place, false))
    }

    /// What the programs of one group inside share outside.
    fn job(&self, group: Pid) -> Arc<SharedGroup> {
        let mut jobs = lock(&self.jobs);
        jobs.retain(|_, shared| shared.strong_count() > 0);
        let known = jobs.get(&group).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let shared = Arc::default();
            jobs.insert(group, Arc::downgrade(&shared));
            shared
        })
    }
}

fn is_in_our_session(pid: Pid) -> nix::Result<bool> {
    Ok(getsid(Some(pid))? == getsid(None)?)
}
