//! What a program is given to read by its descriptors, without a word that says so, as `psql` and `tee` read their
//! standard input; only of what removes and makes is it known that it doesn't.
//!
//! A file counts by its content (up to 256 MiB) and by the place in it from where it is read on; nothing,
//! `/dev/null` and the terminal that `run` was given say nothing. Of anything else, a pipe, a here-document, the
//! `stdin` of a call, nobody was shown what comes: there is no yes for the session. That goes for a pipe that is the
//! standard input of `run` as well: whoever has it in the sandbox can write into it. What was looked at is looked
//! at again once the program has its descriptors: another thread of its caller could have exchanged them.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind, IsTerminal as _};
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use nix::libc::O_CLOEXEC;
use nix::sys::stat::{fstat, major, minor};
use nix::sys::statfs::{
    BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, F2FS_SUPER_MAGIC, FsType, ISOFS_SUPER_MAGIC,
    MSDOS_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, PROC_SUPER_MAGIC, SYSFS_MAGIC, TMPFS_MAGIC,
    XFS_SUPER_MAGIC, statfs,
};
use nix::unistd::Pid;

use super::files::CONTENT;
use super::stamp::Stamp;
use super::text::Uncovered;
use super::text::shown;
use crate::request::Identity;
use crate::request::program::normalised;

/// File systems that keep what was written, and nothing else.
const STORING: [FsType; 9] = [
    BTRFS_SUPER_MAGIC,
    EXT4_SUPER_MAGIC,
    F2FS_SUPER_MAGIC,
    ISOFS_SUPER_MAGIC,
    MSDOS_SUPER_MAGIC,
    OVERLAYFS_SUPER_MAGIC,
    TMPFS_MAGIC,
    XFS_SUPER_MAGIC,
    // ZFS.
    FsType(0x2fc1_2fc1),
];
/// File systems in which the kernel says how things are.
const MADE_UP: [FsType; 2] = [PROC_SUPER_MAGIC, SYSFS_MAGIC];
/// As many links are followed to a descriptor.
const LINKS: usize = 8;
/// The device numbers of `/dev/null`.
const NULL: (u64, u64) = (1, 3);

/// What there is to read at some descriptors, by their numbers, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Inputs(Vec<(RawFd, Input)>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Input {
    /// Nothing, or what somebody types at the terminal that the run was given.
    Plain,
    /// A file that has a name, from here on.
    File {
        path: PathBuf,
        stamp: Stamp,
        at: u64,
    },
    /// Whatever others put there: a pipe, a socket, a file that has no name, another terminal.
    Other(Option<Identity>),
}

impl Inputs {
    /// Those that an exec of `process` leaves open of these `numbers`.
    pub(super) fn of(process: Pid, numbers: impl IntoIterator<Item = RawFd>) -> Self {
        Self::look(numbers, |number| {
            let info = format!("/proc/{process}/fdinfo/{number}");
            let flags = said(&info, "flags:").and_then(|it| i32::from_str_radix(&it, 8).ok());
            let stays = flags.is_none_or(|flags| flags & O_CLOEXEC == 0);
            stays.then_some((process, number))
        })
    }

    /// Whether `process`, which has executed, has the very same.
    pub fn are_had_by(&self, process: Pid) -> bool {
        *self == Self::look(self.numbers(), |number| Some((process, number)))
    }

    /// Whether they are the same among these descriptors.
    pub fn are_among(&self, descriptors: &[(OwnedFd, RawFd)]) -> bool {
        let found = Self::look(self.numbers(), |wanted| {
            let mut given = descriptors.iter();
            let (open, _) = given.find(|(_, number)| *number == wanted)?;
            Some((Pid::this(), open.as_raw_fd()))
        });
        *self == found
    }

    fn numbers(&self) -> impl Iterator<Item = RawFd> {
        self.0.iter().map(|(number, _)| *number)
    }

    fn look(
        numbers: impl IntoIterator<Item = RawFd>,
        place: impl Fn(RawFd) -> Option<(Pid, RawFd)>,
    ) -> Self {
        let mut left = CONTENT;
        let look = |number| {
            let place = place(number);
            let input = place.map_or(Input::Plain, |(process, at)| {
                Input::of(process, at, &mut left)
            });
            (number, input)
        };
        Self(numbers.into_iter().map(look).collect())
    }

    /// The file that is standard input, for people.
    pub(super) fn file(&self) -> Option<String> {
        self.0.iter().find_map(|(number, input)| match input {
            Input::File { path, at, .. } if *number == 0 => Some(match at {
                0 => shown(path),
                at => format!("{} from byte {at} on", shown(path)),
            }),
            _ => None,
        })
    }

    /// Why it can't be said that the same is read the next time.
    pub(super) fn unknown(&self) -> Option<Uncovered> {
        self.0.iter().find_map(|(number, input)| match input {
            Input::Other(_) => Some(unknown(*number)),
            Input::File { path, stamp, .. } if !stamp.has_content() => Some(too_much(path)),
            Input::Plain | Input::File { .. } => None,
        })
    }
}

impl Input {
    fn of(process: Pid, number: RawFd, left: &mut u64) -> Self {
        let link = PathBuf::from(format!("/proc/{process}/fd/{number}"));
        let Ok(found) = fs::metadata(&link) else {
            let entry = link.symlink_metadata();
            let is_closed = entry.is_err_and(|error| error.kind() == ErrorKind::NotFound);
            return if is_closed {
                Self::Plain
            } else {
                Self::Other(None)
            };
        };
        if is_null(&found) || is_own_terminal(&found) {
            return Self::Plain;
        }
        // To open a pipe could wait, or take its data away.
        let has_name = found.is_file() && found.nlink() > 0 && says_the_same(&link);
        let file = has_name.then(|| {
            let at = said(&format!("/proc/{process}/fdinfo/{number}"), "pos:")?;
            Some(Self::File {
                path: fs::read_link(&link).ok()?,
                stamp: Stamp::with_content(&link, left)?,
                at: at.parse().ok()?,
            })
        });
        file.flatten()
            .unwrap_or(Self::Other(Some((found.dev(), found.ino()))))
    }
}

/// Whether what is read from the file by another descriptor is what there is to read by this one: not of what the
/// kernel or a program makes up when it is asked.
fn says_the_same(link: &Path) -> bool {
    statfs(link).is_ok_and(|found| STORING.contains(&found.filesystem_type()))
}

/// What a file of the kernel's says behind `name`.
fn said(file: &str, name: &str) -> Option<String> {
    let text = fs::File::open(file).and_then(io::read_to_string).ok()?;
    let said = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(said.trim().to_owned())
}

/// The descriptor of whoever opens it that `path`, absolute, stands for; seen from `cwd`, where no link is on the way.
pub(super) fn descriptor_at(cwd: &Path, path: &Path) -> Option<RawFd> {
    let named = |path: &Path| {
        let path = normalised(path);
        let mut names = path.to_str()?.split('/').skip(1);
        match (names.next()?, names.next()?) {
            ("dev", "stdin") => Some(0),
            ("dev", "stdout") => Some(1),
            ("dev", "stderr") => Some(2),
            ("dev", "fd") => names.next()?.parse().ok(),
            ("proc", _) => names
                .find(|name| *name == "fd")
                .and(names.next())?
                .parse()
                .ok(),
            _ => None,
        }
    };
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let folder = path.parent()?;
        let real = (folder != cwd)
            .then(|| folder.canonicalize().ok())
            .flatten();
        let real = real.map(|real| real.join(path.file_name().unwrap_or_default()));
        let found = named(&path).or_else(|| real.and_then(|real| named(&real)));
        if found.is_some() {
            return found;
        }
        path = folder.join(fs::read_link(&path).ok()?);
    }
    None
}

/// Whether what is in the file at `path` is made up by the kernel when it is read.
pub(super) fn changes_by_itself(path: &Path) -> bool {
    statfs(path).is_ok_and(|found| MADE_UP.contains(&found.filesystem_type()))
}

/// Whether it is `/dev/null`.
pub fn is_null(file: &Metadata) -> bool {
    let number = file.rdev();
    file.file_type().is_char_device() && (major(number), minor(number)) == NULL
}

/// Whether it is the terminal that the run was given as its standard input.
fn is_own_terminal(file: &Metadata) -> bool {
    let own = io::stdin();
    let is_it = fstat(&own).is_ok_and(|own| {
        (own.st_dev, own.st_ino, own.st_rdev) == (file.dev(), file.ino(), file.rdev())
    });
    is_it && own.is_terminal()
}

/// Nobody knows what a program reads there.
pub(super) fn unknown(number: RawFd) -> Uncovered {
    let input = match number {
        0 => "its standard input".to_owned(),
        number => format!("descriptor {number}"),
    };
    format!("it is not known what it reads from {input} the next time")
}

/// A file or a directory can't be told from another one.
pub(super) fn too_much(path: &Path) -> Uncovered {
    format!("there is more in {} than can be compared", shown(path))
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, SeekFrom};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_file_counts_from_where_it_is_read_and_a_pipe_is_unknown() {
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let path = folder.path().join("f");
        fs::write(&path, "one\ntwo\n").unwrap();
        let of = |input: Stdio, check: &dyn Fn(Pid)| {
            let mut child = Command::new("/usr/bin/sleep");
            let mut child = child.arg("60").stdin(input).spawn().unwrap();
            check(Pid::from_raw(child.id().cast_signed()));
            child.kill().unwrap();
            child.wait().unwrap();
        };
        let mut file = fs::File::open(&path).unwrap();
        of(file.try_clone().unwrap().into(), &|process| {
            let inputs = Inputs::of(process, [0]);
            assert_eq!(inputs.file(), Some(path.display().to_string()));
            assert_eq!(inputs.unknown(), None);
            let given = vec![(file.try_clone().unwrap().into(), 0)];
            assert!(inputs.are_had_by(process) && inputs.are_among(&given));
            assert!(!inputs.are_among(&[]));
        });
        of(file.try_clone().unwrap().into(), &|process| {
            let inputs = Inputs::of(process, [0]);
            (&file).seek(SeekFrom::Start(4)).unwrap();
            assert!(!inputs.are_had_by(process));
            let inputs = Inputs::of(process, [0]);
            fs::write(&path, "one\nten\n").unwrap();
            assert!(!inputs.are_had_by(process));
        });
        fs::remove_file(&path).unwrap();
        file.rewind().unwrap();
        for input in [Stdio::piped(), file.into()] {
            of(input, &|process| {
                assert_eq!(Inputs::of(process, [0]).unknown(), Some(unknown(0)));
            });
        }
        // The kernel says another thing to each who asks.
        let made_up = fs::File::open("/proc/self/comm").unwrap();
        of(made_up.into(), &|process| {
            assert_eq!(Inputs::of(process, [0]).unknown(), Some(unknown(0)));
        });
        of(Stdio::null(), &|process| {
            assert_eq!(Inputs::of(process, [0]).unknown(), None);
            assert_eq!(Inputs::of(process, [0, 77]).unknown(), None);
        });
    }
}
