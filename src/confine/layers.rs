//! The sandbox's layers, and what is said of each.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One layer of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayerName {
    /// Mount, pid, ipc and, with the network off, network namespaces; a user namespace to get them.
    Namespaces,
    /// A `/proc` of the sandbox's own processes.
    Proc,
    /// Landlock.
    Landlock,
    /// The system call filter.
    Filter,
    /// No capabilities, and no way to gain any.
    Privileges,
    /// The supervisor's reach into the sandbox, by which it acts on what it has judged.
    Interceptor,
}

impl LayerName {
    /// All, from the outermost.
    pub const ALL: [Self; 6] = [
        Self::Namespaces,
        Self::Proc,
        Self::Landlock,
        Self::Filter,
        Self::Privileges,
        Self::Interceptor,
    ];

    /// The name that people write.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::Proc => "proc",
            Self::Landlock => "landlock",
            Self::Filter => "filter",
            Self::Privileges => "privileges",
            Self::Interceptor => "interceptor",
        }
    }

    /// The layer that people call `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.as_str() == name)
    }

    /// What the layer holds while it is in force.
    pub fn holds(self) -> &'static str {
        match self {
            Self::Namespaces => {
                "files outside the writable roots, contents and attributes alike; .git, .codex and \
                 .agents inside them; processes outside; the network; the tree dies with its first \
                 process"
            }
            Self::Proc => "processes outside can't be listed",
            Self::Landlock => "files outside the writable roots, TCP, signals to processes outside",
            Self::Filter => {
                "each exec is judged; sockets, mounts, keyrings, io_uring and other ways around \
                 the layers above"
            }
            Self::Privileges => "root's short cuts; set-user-id programs",
            Self::Interceptor => {
                "a refused program says why; what rules place outside the sandbox runs there"
            }
        }
    }

    /// What is lost when the layer is missing.
    pub fn lost(self) -> &'static str {
        match self {
            Self::Namespaces => {
                ".git, .codex and .agents in a writable root can be written; chmod, chown, touch \
                 and the like fail everywhere; what the command started may outlive it; programs \
                 see all processes"
            }
            Self::Proc => "programs see which processes run outside, though not into them",
            Self::Landlock => "a second guard behind the namespaces",
            Self::Filter => "nothing is judged: the sandbox does not start without it",
            Self::Privileges => "the sandbox does not start without it",
            Self::Interceptor => {
                "programs that rules place outside the sandbox don't start, nor those whose exec \
                 something else could change meanwhile; a refused program fails with an error \
                 number instead of the reason"
            }
        }
    }

    /// How to get the layer.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Namespaces => {
                "Linux 5.12 or later; permit user namespaces: sysctl user.max_user_namespaces above 0; on Ubuntu \
                 kernel.apparmor_restrict_unprivileged_userns=0 or a profile; in a container a \
                 seccomp profile that lets clone make them"
            }
            Self::Proc => "in a container, leave /proc unmasked",
            Self::Landlock => {
                "Linux 5.13 or later (6.12 for signals), with landlock in the lsm= list"
            }
            Self::Filter => "Linux 5.9 or later, and no other system call listener above this one",
            Self::Privileges => "nothing is needed",
            Self::Interceptor => {
                "in a container, a seccomp profile that lets ptrace, process_vm_readv and \
                 pidfd_getfd through"
            }
        }
    }
}

impl fmt::Display for LayerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a layer is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// All of it.
    InForce,
    /// Some of it: what is not.
    Partly(String),
    /// This machine does not offer it: the kernel's reason.
    Missing(String),
    /// The mode does not ask for it.
    Off,
}

/// A layer and its status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerState {
    /// Which.
    pub name: LayerName,
    /// Whether it is in force.
    pub status: Status,
}

/// Every layer, from the outermost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layers {
    /// In the order of [`LayerName::ALL`].
    pub list: Vec<LayerState>,
    /// The kernel's Landlock version; `None` where it was not asked, 0 where there is none.
    pub landlock_abi: Option<i32>,
}

impl Layers {
    /// The status of `name`; a layer that was never reported is off.
    pub fn status(&self, name: LayerName) -> &Status {
        self.list
            .iter()
            .find(|layer| layer.name == name)
            .map_or(&Status::Off, |layer| &layer.status)
    }

    /// The layers that this machine does not offer, with the reasons.
    pub fn missing(&self) -> impl Iterator<Item = (LayerName, &str)> {
        self.list.iter().filter_map(|layer| match &layer.status {
            Status::Missing(reason) => Some((layer.name, reason.as_str())),
            Status::InForce | Status::Partly(_) | Status::Off => None,
        })
    }

    /// Appends what became of `name`.
    pub fn add(&mut self, name: LayerName, status: Status) {
        self.list.push(LayerState { name, status });
    }
}
