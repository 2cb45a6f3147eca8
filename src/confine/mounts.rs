//! The file system as the sandbox sees it.
//!
//! Everything is made read-only; what may be written is copied before, while it is still as the
//! caller has it, and mounted over itself afterwards.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, openat2};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};

use crate::sys::mounts::{Attributes, attach, copy_tree, mounted_at, restrict};

use super::access::{Access, MountPlan};
use super::error::{ConfineError, During};
use super::layers::Status;

/// Device files that programs count on and that give nothing away.
pub(super) const DEVICES: [&str; 6] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
];

const LINKS: [(&str, &str); 5] = [
    ("/proc/self/fd", "/dev/fd"),
    ("/proc/self/fd/0", "/dev/stdin"),
    ("/proc/self/fd/1", "/dev/stdout"),
    ("/proc/self/fd/2", "/dev/stderr"),
    ("pts/ptmx", "/dev/ptmx"),
];

/// Directories of the sandbox's own in its `/dev`.
const DIRECTORIES: [&str; 2] = ["/dev/pts", "/dev/shm"];

/// Whether the sandbox has something of its own at `path`, or below it: nothing can be hidden there.
pub(super) fn has_its_own(path: &Path) -> bool {
    let ours = DEVICES.iter().chain(&DIRECTORIES);
    let mut ours = ours.chain(LINKS.iter().map(|(_, link)| link));
    path.starts_with("/proc")
        || path == Path::new("/dev")
        || ours.any(|ours| path.starts_with(ours))
}

const INERT: Attributes = Attributes::NO_SUID.and(Attributes::NO_DEVICES);

/// Keeps this namespace's mounts from reaching others and theirs from reaching it. The first thing
/// to fail where a user namespace is given without the rights that come with it.
pub(super) fn make_private() -> nix::Result<()> {
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
}

/// Mounts what `plan` says, a `/dev` and a `/proc`, and goes back to `cwd`. Returns how `/proc`
/// went.
pub(super) fn build(plan: &MountPlan, cwd: &Path) -> Result<Status, ConfineError> {
    let hidden = |(_, access): &(&PathBuf, &Access)| **access == Access::None;
    let masks = masks(plan.iter().filter(hidden).map(|(path, _)| path))?;
    let trees: Vec<(&PathBuf, OwnedFd)> = plan
        .iter()
        .filter(|entry| !hidden(entry))
        .map(|(path, access)| Ok((path, copy(path, *access)?)))
        .chain(masks.into_iter().map(Ok))
        .collect::<Result<_, ConfineError>>()?;
    let devices = copy_devices()?;
    let root = open("/".as_ref()).during("opening /")?;
    restrict(&root, INERT.and(Attributes::READ_ONLY), true).during("making / read-only")?;
    for (path, tree) in trees {
        put(&tree, path)?;
    }
    build_dev(devices)?;
    let proc = mount_proc()?;
    std::env::set_current_dir(cwd).during(format!("going back to {}", cwd.display()))?;
    Ok(proc)
}

/// A mount of a plan, and the number that it had, if it had one.
pub(super) type Planned = (OsString, Access, Option<u64>);

/// The same in a sandbox that stands, whose mounts are those of `namespace`, as are this process's own: makes
/// those of `plan` that are not there, or are others by now. What goes away meanwhile is left out.
pub(super) fn mend(plan: &[Planned], namespace: impl AsFd) -> Result<(), ConfineError> {
    let root = open("/".as_ref()).during("opening /")?;
    let plan = plan
        .iter()
        .map(|(path, access, known)| (PathBuf::from(path), *access, *known));
    let plan: Vec<_> = plan.collect();
    let stands = |path: &Path, known: Option<u64>| {
        known.is_some() && mounted_at(&root, path).is_ok_and(|found| found == known)
    };
    let hidden = plan
        .iter()
        .filter(|(path, access, known)| *access == Access::None && !stands(path, *known));
    let masks = masks_apart(hidden.map(|(path, ..)| path).collect(), namespace)?;
    let mut masks = masks.into_iter().peekable();
    for (path, access, known) in &plan {
        let mask = masks.next_if(|(hidden, _)| *hidden == path);
        if mask.is_none() && (*access == Access::None || stands(path, *known)) {
            continue;
        }
        let at = match open(path) {
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => continue,
            result => result.during(format!("opening {}", path.display()))?,
        };
        let tree = match mask {
            Some((_, mask)) => Ok(mask),
            None => copy_of(&at, *access),
        };
        match tree.and_then(|tree| attach(tree, &at)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => result.during(format!("mounting {}", path.display()))?,
        }
    }
    Ok(())
}

/// [`masks`], made where no program of the sandbox's sees how.
fn masks_apart(
    paths: Vec<&PathBuf>,
    namespace: impl AsFd,
) -> Result<Vec<(&PathBuf, OwnedFd)>, ConfineError> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let step = "making what hides paths";
    unshare(CloneFlags::CLONE_NEWNS).during(step)?;
    make_private().during(step)?;
    let masks = masks(paths.into_iter())?;
    setns(namespace, CloneFlags::CLONE_NEWNS).during(step)?;
    Ok(masks)
}

/// A detached copy of what is at `path`, restricted as `access` says.
fn copy(path: &Path, access: Access) -> Result<OwnedFd, ConfineError> {
    open(path)
        .map_err(io::Error::from)
        .and_then(|at| copy_of(at, access))
        .during(format!("copying the mounts at {}", path.display()))
}

fn copy_of(at: impl AsFd, access: Access) -> io::Result<OwnedFd> {
    let attributes = match access {
        Access::Write => INERT,
        Access::Read | Access::Protected(_) | Access::None => INERT.and(Attributes::READ_ONLY),
    };
    let tree = copy_tree(at)?;
    restrict(&tree, attributes, true)?;
    Ok(tree)
}

/// For each of `paths`, what is put over it: an empty directory or file that nobody may open.
fn masks<'a>(
    paths: impl Iterator<Item = &'a PathBuf>,
) -> Result<Vec<(&'a PathBuf, OwnedFd)>, ConfineError> {
    let paths: Vec<&PathBuf> = paths.collect();
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    // Any directory serves as the place where they are made.
    let place = Path::new("/dev");
    let make = || -> io::Result<Vec<(&PathBuf, OwnedFd)>> {
        let options = Some("mode=755,size=4k");
        mount(
            Some("tmpfs"),
            place,
            Some("tmpfs"),
            MsFlags::empty(),
            options,
        )?;
        let (directory, file) = (place.join("directory"), place.join("file"));
        std::fs::DirBuilder::new().mode(0o0).create(&directory)?;
        File::options()
            .write(true)
            .create_new(true)
            .mode(0o0)
            .open(&file)?;
        let mask = |path| -> io::Result<_> {
            let is_directory = std::fs::symlink_metadata(path)?.is_dir();
            let tree = copy_tree(open(if is_directory { &directory } else { &file })?)?;
            restrict(&tree, INERT.and(Attributes::READ_ONLY), true)?;
            Ok((path, tree))
        };
        let masks = paths.into_iter().map(mask).collect::<io::Result<_>>()?;
        umount2(place, MntFlags::MNT_DETACH)?;
        Ok(masks)
    };
    make().during("making what hides paths")
}

fn put(tree: impl AsFd, path: &Path) -> Result<(), ConfineError> {
    open(path)
        .map_err(io::Error::from)
        .and_then(|at| attach(tree, at))
        .during(format!("mounting {}", path.display()))
}

/// The paths are canonical: a symbolic link on the way is one that was put there meanwhile. The
/// last component may be a link; it is not followed.
pub(super) fn open(path: &Path) -> nix::Result<OwnedFd> {
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_NO_SYMLINKS);
    openat2(AT_FDCWD, path, how)
}

fn copy_devices() -> Result<Vec<(&'static Path, OwnedFd)>, ConfineError> {
    let mut copies = Vec::new();
    for path in DEVICES.map(Path::new) {
        let device = match open(path) {
            Err(Errno::ENOENT) => continue,
            result => result.during(format!("opening {}", path.display()))?,
        };
        // Read-only keeps their attributes; a device is written all the same.
        let copy = copy_tree(device).and_then(|tree| {
            restrict(&tree, Attributes::NO_SUID.and(Attributes::READ_ONLY), true)?;
            Ok(tree)
        });
        copies.push((path, copy.during(format!("copying {}", path.display()))?));
    }
    Ok(copies)
}

/// Root without capabilities still owns the disks: a `/dev` that does not have them.
fn build_dev(devices: Vec<(&Path, OwnedFd)>) -> Result<(), ConfineError> {
    let quiet = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    let make = |path: &str, mode: u32| std::fs::DirBuilder::new().mode(mode).create(path);
    let build = || -> io::Result<()> {
        mount(
            Some("tmpfs"),
            "/dev",
            Some("tmpfs"),
            quiet,
            Some("mode=755,size=64k"),
        )?;
        for (path, _) in &devices {
            File::create_new(path)?;
        }
        make("/dev/pts", 0o755)?;
        let terminals = Some("newinstance,mode=620,ptmxmode=666");
        mount(Some("devpts"), "/dev/pts", Some("devpts"), quiet, terminals)?;
        make("/dev/shm", 0o755)?;
        let shared = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        mount(
            Some("tmpfs"),
            "/dev/shm",
            Some("tmpfs"),
            shared,
            Some("mode=1777"),
        )?;
        for (target, path) in LINKS {
            symlink(target, path)?;
        }
        Ok(())
    };
    build().during("building /dev")?;
    for (path, tree) in devices {
        put(tree, path)?;
    }
    let dev = open("/dev".as_ref()).during("opening /dev")?;
    restrict(dev, Attributes::READ_ONLY, false).during("making /dev read-only")
}

/// A `/proc` of this pid namespace alone. Read-only: root without capabilities still owns the
/// kernel's settings.
fn mount_proc() -> Result<Status, ConfineError> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC | MsFlags::MS_RDONLY;
    match mount(Some("proc"), "/proc", Some("proc"), flags, None::<&str>) {
        Ok(()) => Ok(Status::InForce),
        // The kernel gives a user namespace no /proc that shows more than the one it has.
        Err(Errno::EPERM) => Ok(Status::Missing(format!(
            "mounting /proc: {}",
            io::Error::from(Errno::EPERM)
        ))),
        Err(errno) => Err(errno).during("mounting /proc"),
    }
}
