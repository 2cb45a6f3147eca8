//! What the helper of a program's own sandbox is told, and what it says.

use std::ffi::OsString;
use std::os::fd::RawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::confine::{Deciding, LayerName, Mode, PathPattern, Policy, Protection, Role};
use crate::request::Earlier;
use crate::sys::change::Change;
use crate::sys::child::{Inherited, Limit};

/// The helper's order. The program's arguments are behind it in the helper's own; the environment,
/// the directory, the process group and the nice value are the helper's own.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    mode: String,
    network: bool,
    writable: Vec<Vec<u8>>,
    workspaces: Vec<Vec<u8>>,
    linked: Vec<Vec<u8>>,
    read_only: Vec<Vec<u8>>,
    unreadable: Vec<Vec<u8>>,
    unreadable_patterns: Vec<(String, Option<usize>)>,
    deciding: Vec<(Vec<u8>, Role, bool)>,
    homes: Vec<Vec<u8>>,
    naming: Vec<(Vec<u8>, Vec<u8>)>,
    unprotected: Vec<String>,
    /// What the program starts is judged.
    pub(super) listen: bool,
    /// Layers without which nothing starts.
    pub(super) require: Vec<LayerName>,
    /// The descriptors that the program has, by the numbers that it has them under.
    pub(super) numbers: Vec<RawFd>,
    /// The helper's way to the supervisor.
    pub(super) channel: RawFd,
    /// The program's file.
    pub(super) executable: RawFd,
    pub(super) umask: u32,
    limits: Vec<(u32, u64, u64)>,
    pub(super) ignored: u64,
    pub(super) blocked: u64,
}

/// What the supervisor hears. One that is beside a descriptor says so.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Said {
    /// Beside the listener: the program's exec comes next.
    Listening,
    /// Beside the program's process.
    Started {
        /// The terminal's signals don't reach it by themselves.
        own_session: bool,
    },
    /// Something happened to the program.
    Changed(Change),
    /// It does not run, and why.
    Failed(String),
}

impl Job {
    /// For a program that takes this over, in a sandbox of this policy.
    pub(super) fn new(
        policy: &Policy,
        require: &[LayerName],
        inherited: &Inherited,
        listen: bool,
    ) -> Self {
        let bytes = |paths: &[PathBuf]| {
            let paths = paths.iter().map(|path| path.as_os_str().as_bytes());
            paths.map(<[u8]>::to_vec).collect()
        };
        let protection = &policy.protection;
        let deciding = protection.deciding.iter().map(|one| {
            let path = one.path.as_os_str().as_bytes().to_vec();
            (path, one.role, one.is_directory)
        });
        let patterns = policy.unreadable_patterns.iter();
        let patterns = patterns.map(|one| (one.as_str().to_owned(), one.depth()));
        let numbers: Vec<RawFd> = inherited.descriptors.iter().map(|(_, n)| *n).collect();
        let mut free = (3..).filter(|number| !numbers.contains(number));
        let mut require = require.to_vec();
        if !require.contains(&LayerName::Namespaces) {
            // Without them the protected names and all processes are within reach.
            require.push(LayerName::Namespaces);
        }
        let limits = inherited.limits.iter();
        let naming = protection.naming.iter();
        let naming =
            naming.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        Self {
            mode: policy.mode.as_str().to_owned(),
            network: policy.network,
            writable: bytes(&policy.writable),
            workspaces: bytes(&policy.workspaces),
            linked: bytes(&policy.linked),
            read_only: bytes(&policy.read_only),
            unreadable: bytes(&policy.unreadable),
            unreadable_patterns: patterns.collect(),
            deciding: deciding.collect(),
            homes: bytes(&protection.homes),
            naming: naming.collect(),
            unprotected: protection.unprotected.clone(),
            listen,
            require,
            channel: free.next().unwrap_or(RawFd::MAX),
            executable: free.next().unwrap_or(RawFd::MAX),
            numbers,
            umask: inherited.umask,
            limits: limits.map(|(n, l)| (*n, l.rlim_cur, l.rlim_max)).collect(),
            ignored: inherited.ignored,
            blocked: inherited.blocked,
        }
    }

    /// What the sandbox permits; `None` if there is no such mode, or pattern.
    pub(super) fn policy(&self) -> Option<Policy> {
        let paths = |bytes: &[Vec<u8>]| {
            let paths = bytes.iter().cloned().map(OsString::from_vec);
            paths.map(PathBuf::from).collect()
        };
        let deciding = self
            .deciding
            .iter()
            .map(|(path, role, is_directory)| Deciding {
                path: OsString::from_vec(path.clone()).into(),
                role: *role,
                is_directory: *is_directory,
            });
        let patterns = self.unreadable_patterns.iter();
        let patterns = patterns.map(|(text, depth)| PathPattern::new(text, *depth).ok());
        let naming = self.naming.iter().cloned();
        let naming =
            naming.map(|(name, value)| (OsString::from_vec(name), OsString::from_vec(value)));
        Some(Policy {
            mode: Mode::from_name(&self.mode)?,
            network: self.network,
            writable: paths(&self.writable),
            workspaces: paths(&self.workspaces),
            linked: paths(&self.linked),
            read_only: paths(&self.read_only),
            unreadable: paths(&self.unreadable),
            unreadable_patterns: patterns.collect::<Option<_>>()?,
            protection: Protection {
                deciding: deciding.collect(),
                homes: paths(&self.homes),
                naming: naming.collect(),
                unprotected: self.unprotected.clone(),
                // Nothing is judged by it there.
                earlier: Earlier::default(),
            },
        })
    }

    /// The program's resource limits, by resource number.
    pub(super) fn limits(&self) -> Vec<(u32, Limit)> {
        let limit = |&(number, rlim_cur, rlim_max): &(u32, u64, u64)| {
            (number, Limit { rlim_cur, rlim_max })
        };
        self.limits.iter().map(limit).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::sys::child::Group;

    use super::*;

    #[test]
    fn it_is_read_as_it_was_written() {
        let policy = Policy {
            mode: Mode::WorkspaceWrite,
            network: true,
            writable: vec![PathBuf::from(OsString::from_vec(b"/a\xff".to_vec()))],
            workspaces: vec!["/b".into()],
            linked: vec!["/l".into()],
            read_only: vec!["/b/c".into()],
            unreadable: vec!["/d".into()],
            unreadable_patterns: vec![PathPattern::new("/e/**/*.f", Some(3)).unwrap()],
            protection: Protection {
                deciding: vec![Deciding {
                    path: PathBuf::from(OsString::from_vec(b"/r\xff".to_vec())),
                    role: Role::Rules,
                    is_directory: true,
                }],
                homes: vec!["/h".into()],
                naming: vec![("ENV".into(), OsString::from_vec(b"/e\xff".to_vec()))],
                unprotected: vec![".vscode".to_owned()],
                earlier: Earlier::default(),
            },
        };
        let descriptor = || std::fs::File::open("/").unwrap().into();
        let inherited = Inherited {
            descriptors: vec![(descriptor(), 3), (descriptor(), 5)],
            umask: 0o27,
            limits: vec![(
                7,
                Limit {
                    rlim_cur: 1,
                    rlim_max: u64::MAX,
                },
            )],
            nice: 0,
            ignored: u64::MAX,
            blocked: 1,
            group: Group::Same,
        };
        let job = Job::new(&policy, &[], &inherited, true);
        let text = serde_json::to_string(&job).unwrap();
        let job: Job = serde_json::from_str(&text).unwrap();
        assert_eq!(job.policy(), Some(policy));
        assert_eq!(job.require, [LayerName::Namespaces]);
        assert_eq!((job.channel, job.executable), (4, 6));
        let limits = job.limits();
        assert!(matches!(limits.as_slice(), [(7, limit)] if limit.rlim_max == u64::MAX));
        assert_eq!((job.ignored, job.blocked), (u64::MAX, 1));
    }
}
