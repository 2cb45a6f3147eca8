//! Opens the file that an exec names, as its caller would: by the caller's root, working directory
//! and descriptors, and with the caller's own idea of `/proc/self`.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, open, openat, openat2, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};
use nix::sys::statfs::{PROC_SUPER_MAGIC, fstatfs};
use nix::unistd::{AccessFlags, Pid, faccessat};

use super::caller::{same_file, status};
use crate::sys::fds;

/// As many symbolic links as the kernel follows.
const LINK_LIMIT: usize = 40;
/// The inode of a proc file system's root directory.
const PROC_ROOT_INODE: u64 = 1;

/// The file that an exec names.
#[derive(Debug)]
pub struct Target {
    /// The file, opened once; what is judged is this.
    pub fd: OwnedFd,
    /// Its identity.
    pub stat: FileStat,
    /// Its path in the caller's view, every link followed.
    pub real: PathBuf,
}

impl Target {
    /// A path that leads to the file for as long as this value lives.
    pub fn link(&self) -> PathBuf {
        fds::link(&self.fd)
    }
}

/// Where a path starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// The working directory.
    Directory,
    /// A descriptor of the caller, as `execveat` takes it.
    Descriptor(i32),
}

/// Opens `path` as the thread `tid` would for an exec.
///
/// # Errors
/// The error that the kernel would give the caller: there is no such file, it can't be executed,
/// or it can't be looked at.
pub fn resolve(tid: Pid, base: Base, path: &[u8], follow: bool) -> Result<Target, Errno> {
    let fd = find(tid, base, path, follow)?;
    let stat = fstat(&fd)?;
    if stat.st_mode & SFlag::S_IFMT.bits() != SFlag::S_IFREG.bits() {
        return Err(if is_link(&stat) {
            Errno::ELOOP
        } else {
            Errno::EACCES
        });
    }
    faccessat(
        &fd,
        "",
        AccessFlags::X_OK,
        AtFlags::AT_EMPTY_PATH | AtFlags::AT_EACCESS,
    )?;
    let real = fds::path(&fd)?;
    Ok(Target { fd, stat, real })
}

const HANDLE: OFlag = OFlag::O_PATH.union(OFlag::O_CLOEXEC);

fn find(tid: Pid, base: Base, path: &[u8], follow: bool) -> Result<OwnedFd, Errno> {
    let start = || {
        let link = match base {
            Base::Directory => format!("/proc/{tid}/cwd"),
            Base::Descriptor(number) => format!("/proc/{tid}/fd/{number}"),
        };
        open(link.as_str(), HANDLE, Mode::empty()).map_err(|e| match (base, e) {
            (Base::Descriptor(_), Errno::ENOENT) => Errno::EBADF,
            (_, e) => e,
        })
    };
    let (name, absolute) = (Path::new(OsStr::from_bytes(path)), path.starts_with(b"/"));
    if path.is_empty() {
        return start();
    }
    // Without magic links, and without any when it starts in the middle, the kernel's own walk
    // from our side means the same as from the caller's.
    let strict = if absolute {
        ResolveFlag::RESOLVE_IN_ROOT
    } else {
        ResolveFlag::RESOLVE_NO_SYMLINKS
    };
    let flags = if follow {
        HANDLE
    } else {
        HANDLE | OFlag::O_NOFOLLOW
    };
    let how = OpenHow::new()
        .flags(flags)
        .resolve(strict | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    let root = || open(format!("/proc/{tid}/root").as_str(), HANDLE, Mode::empty());
    let from = if absolute { root()? } else { start()? };
    match openat2(&from, name, how) {
        // ENOENT as well: /proc/self is nobody there when seen from our side. EAGAIN: the path has a
        // "..", and something was renamed or mounted meanwhile, anywhere on the machine.
        Err(Errno::ELOOP | Errno::EXDEV | Errno::ENOENT | Errno::EAGAIN) => Walk {
            tid,
            root: root()?,
            links: 0,
        }
        .walk(from, path, follow),
        result => result,
    }
}

/// A walk of a path, one component at a time.
struct Walk {
    tid: Pid,
    root: OwnedFd,
    links: usize,
}

impl Walk {
    fn walk(&mut self, start: OwnedFd, path: &[u8], follow: bool) -> Result<OwnedFd, Errno> {
        let must_be_directory = path.ends_with(b"/") || path.ends_with(b"/.");
        let mut left = components(path);
        let mut at = start;
        while let Some(name) = left.pop_front() {
            if name == ".." {
                if !same_file(&fstat(&at)?, &fstat(&self.root)?) {
                    at = openat(&at, "..", HANDLE, Mode::empty())?;
                }
                continue;
            }
            let next = self.own_name(&at, &name)?;
            let entry = openat(
                &at,
                next.as_os_str(),
                HANDLE | OFlag::O_NOFOLLOW,
                Mode::empty(),
            )?;
            if !is_link(&fstat(&entry)?) || (left.is_empty() && !follow) {
                at = entry;
                continue;
            }
            self.links += 1;
            if self.links > LINK_LIMIT {
                return Err(Errno::ELOOP);
            }
            if is_proc(&entry)? && is_magic(&at, &next) {
                at = openat(&at, next.as_os_str(), HANDLE, Mode::empty())?;
                continue;
            }
            let text = readlinkat(&entry, "")?.into_vec();
            if text.starts_with(b"/") {
                at = self.root.try_clone().map_err(|_| Errno::EMFILE)?;
            }
            for component in components(&text).into_iter().rev() {
                left.push_front(component);
            }
        }
        let is_directory = fstat(&at)?.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFDIR.bits();
        if must_be_directory && !is_directory {
            Err(Errno::ENOTDIR)
        } else {
            Ok(at)
        }
    }

    /// `name`, or for `/proc/self` and `/proc/thread-self` the caller in the place of us.
    fn own_name(&self, directory: &OwnedFd, name: &OsStr) -> Result<PathBuf, Errno> {
        let ours = name == "self" || name == "thread-self";
        if !ours || fstat(directory)?.st_ino != PROC_ROOT_INODE || !is_proc(directory)? {
            return Ok(name.into());
        }
        let caller = status(self.tid).map_err(|_| Errno::ESRCH)?;
        let (process, thread) = (caller.own_process, caller.own_thread);
        Ok(PathBuf::from(if name == "self" {
            process.to_string()
        } else {
            format!("{process}/task/{thread}")
        }))
    }
}

/// The components of a path that mean something; ".." is kept.
fn components(path: &[u8]) -> VecDeque<OsString> {
    let meaningful = |part: &&[u8]| !part.is_empty() && *part != b".";
    path.split(|&b| b == b'/')
        .filter(meaningful)
        .map(|p| OsString::from_vec(p.to_vec()))
        .collect()
}

fn is_link(stat: &FileStat) -> bool {
    stat.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFLNK.bits()
}

fn is_proc(fd: &OwnedFd) -> Result<bool, Errno> {
    Ok(fstatfs(fd.as_fd())?.filesystem_type() == PROC_SUPER_MAGIC)
}

/// Whether the link leads to an object instead of a path.
fn is_magic(directory: &OwnedFd, name: &Path) -> bool {
    let how = OpenHow::new()
        .flags(HANDLE)
        .resolve(ResolveFlag::RESOLVE_NO_MAGICLINKS);
    matches!(openat2(directory, name, how), Err(Errno::ELOOP))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn real(path: &str) -> Result<PathBuf, Errno> {
        let tid = nix::unistd::gettid();
        Ok(resolve(tid, Base::Directory, path.as_bytes(), true)?.real)
    }

    /// The kernel leaves a path with ".." to be tried again when it meets one, on the whole machine.
    #[test]
    fn renames_meanwhile_make_no_difference() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["a", "b"].map(|name| folder.path().join(name));
        std::fs::write(&names[0], "").unwrap();
        let over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    std::fs::rename(&names[0], &names[1]).unwrap();
                    std::fs::rename(&names[1], &names[0]).unwrap();
                }
            });
            let path = "/bin/../bin/../bin/../bin/../bin/sh";
            let all: Vec<_> = (0..20_000).map(|_| real(path)).collect();
            over.store(true, std::sync::atomic::Ordering::Relaxed);
            assert_eq!(all.iter().find(|found| found.is_err()), None);
        });
    }

    #[test]
    fn every_spelling_leads_to_the_file() {
        let expected = std::fs::canonicalize("/bin/sh").unwrap();
        for spelling in [
            "/bin/sh",
            "/bin//../bin/./sh",
            "/proc/self/root/bin/sh",
            "/proc/thread-self/root/bin/sh",
            "/proc/self/root/proc/self/root/bin/sh",
            "/proc/../bin/sh",
            "/../../bin/sh",
            "../../../../../../../../../bin/sh",
        ] {
            assert_eq!(real(spelling), Ok(expected.clone()), "{spelling}");
        }
        let own = std::env::current_exe().unwrap();
        assert_eq!(real("/proc/self/exe"), Ok(own));
    }

    #[test]
    fn errors_are_the_kernels() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| {
            folder
                .path()
                .join(name)
                .into_os_string()
                .into_string()
                .unwrap()
        };
        std::os::unix::fs::symlink("loop", path("loop")).unwrap();
        std::fs::File::create(path("plain")).unwrap();
        assert_eq!(real(&path("missing")), Err(Errno::ENOENT));
        assert_eq!(real(&path("loop")), Err(Errno::ELOOP));
        assert_eq!(real(&path("plain")), Err(Errno::EACCES));
        assert_eq!(real(&path("plain/x")), Err(Errno::ENOTDIR));
        assert_eq!(real("/bin/sh/"), Err(Errno::ENOTDIR));
        assert_eq!(real("/bin"), Err(Errno::EACCES));
        assert_eq!(real(&"x/".repeat(3000)), Err(Errno::ENAMETOOLONG));
    }

    #[test]
    fn an_anonymous_file_has_a_name_that_says_so() {
        let image = crate::sys::proxy_image::create().unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&image);
        let target = resolve(nix::unistd::gettid(), Base::Descriptor(number), b"", true).unwrap();
        assert_eq!(target.real, Path::new("/memfd:codex-shell-proxy (deleted)"));
    }
}
