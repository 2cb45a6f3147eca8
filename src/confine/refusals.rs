//! What the filter refuses, for the listener that is asked to do it.

use std::sync::OnceLock;

use nix::errno::Errno;

use crate::sys::bpf::{self, Instruction};
use crate::sys::seccomp;

use super::calls::OTHER_FAMILY;
use super::filter::{self, FilterScope};
use super::policy::{Mode, Policy};
use super::reach::Reach;

/// Knows what the filter of one sandbox would have answered.
#[derive(Debug, Clone)]
pub struct Refusals {
    scope: FilterScope,
    program: Vec<Instruction>,
    /// What it would do with the network on, once anybody wants to know.
    with_network: OnceLock<Vec<Instruction>>,
    /// What may be written, where that is limited and known.
    pub reach: Option<Reach>,
    /// The sandbox is one that a rule asks for.
    by_rule: bool,
}

/// A call that the sandbox refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The call.
    pub call: &'static str,
    /// For a socket, its address family.
    pub family: Option<u32>,
    /// What it is answered with.
    pub errno: Errno,
    /// What would permit it.
    pub remedy: &'static str,
}

/// What the filter would have done with a call that the listener was asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Asked the listener.
    Asked,
    /// Let it pass: a message on standard error, to be read and let pass.
    Complaint,
    /// Let it pass: a process may find another file at a path from now on.
    Move,
    /// Refused it.
    Refused(Refused),
    /// Something else: it should not have come.
    Unknown,
}

impl Refused {
    /// Whether it is a socket for this machine alone.
    pub fn is_local(&self) -> bool {
        self.family == Some(filter::AF_UNIX)
    }

    /// Whether it is a socket to another machine.
    pub fn is_internet(&self) -> bool {
        matches!(self.family, Some(AF_INET | AF_INET6))
    }
}

const SOCKETS: [&str; 2] = ["socket", "socketpair"];
const AF_INET: u32 = 2;
const AF_INET6: u32 = 10;

impl Refusals {
    pub(super) fn new(scope: FilterScope, reach: Option<Reach>) -> Self {
        Self {
            scope,
            program: match scope {
                FilterScope::Unconfined => filter::told(scope),
                FilterScope::Sandbox { .. } => filter::program(scope),
            },
            with_network: OnceLock::new(),
            reach,
            by_rule: false,
        }
    }

    /// Those of a sandbox that a rule asks for, which always has namespaces.
    pub fn of_profile(policy: &Policy) -> Self {
        let scope = match policy.mode {
            Mode::DangerFullAccess => FilterScope::Unconfined,
            Mode::ReadOnly | Mode::WorkspaceWrite => FilterScope::Sandbox {
                network: policy.network,
                namespaces: true,
            },
        };
        Self {
            by_rule: true,
            ..Self::new(scope, None)
        }
    }

    /// What the filter would have done with a call.
    pub fn verdict(&self, call: &bpf::FilteredCall<'_>) -> Told {
        let action = bpf::action(&self.program, call);
        if self.scope == FilterScope::Unconfined && filter::is_move(call.architecture, call.number)
        {
            return Told::Move;
        }
        if action == Some(seccomp::NOTIFY) {
            return Told::Asked;
        }
        if filter::is_complaint(call.architecture, call.number) {
            return Told::Complaint;
        }
        let errno = [Errno::EPERM, OTHER_FAMILY]
            .into_iter()
            .find(|errno| action == Some(seccomp::fail(*errno)));
        let name = filter::name_of(self.scope, call.architecture, call.number);
        let (Some(errno), Some(name)) = (errno, name) else {
            return Told::Unknown;
        };
        let family = call.arguments.first().filter(|_| SOCKETS.contains(&name));
        // The kernel takes an int.
        let family = family.and_then(|family| u32::try_from(family & u64::from(u32::MAX)).ok());
        Told::Refused(Refused {
            call: name,
            family,
            errno,
            remedy: self.remedy(name, family, call),
        })
    }

    /// The smallest setting with which the call would not be refused.
    fn remedy(
        &self,
        name: &str,
        family: Option<u32>,
        call: &bpf::FilteredCall<'_>,
    ) -> &'static str {
        let FilterScope::Sandbox {
            network,
            namespaces,
        } = self.scope
        else {
            return "";
        };
        let by_network = !network && {
            let on = FilterScope::Sandbox {
                network: true,
                namespaces,
            };
            let program = self.with_network.get_or_init(|| filter::program(on));
            bpf::action(program, call) == Some(seccomp::ALLOW)
        };
        match family {
            _ if by_network && self.by_rule => {
                "`network = True` in the profile that the rule asks for permits it"
            }
            _ if self.by_rule => "only `run = \"outside\"` in the rule permits it",
            _ if by_network => "`--network true` permits it",
            Some(filter::AF_UNIX) => {
                "a rule that lets the program out permits it, and so does `--sandbox \
                 danger-full-access`: any process outside may be at its other end"
            }
            None if !namespaces && filter::is_held_by_namespaces(name) => {
                "there are no namespaces to make it harmless; `codex-shell doctor` says what helps"
            }
            _ => {
                "a rule that lets the program out permits it, and so does `--sandbox \
                 danger-full-access`"
            }
        }
    }
}
