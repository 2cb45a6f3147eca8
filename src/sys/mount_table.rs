//! The mounts that this process sees, read anew when they have changed.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

const TABLE: &str = "/proc/self/mountinfo";

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The file system, as the kernel writes its device: `8:1`.
    pub device: OsString,
    /// Which directory or file of the file system it is.
    pub root: PathBuf,
    /// Where it is.
    pub point: PathBuf,
    /// For an overlay: the directories that it is made of.
    pub layers: Vec<PathBuf>,
}

struct KnownMount {
    /// Two processes that share an open file would hear of a change once.
    process: u32,
    /// Readable in a way of its own once the table has changed.
    changes: File,
    mounts: Arc<Vec<Mount>>,
}

static KNOWN: Mutex<Option<KnownMount>> = Mutex::new(None);

/// All of them; of two at one place, the later one is on top.
///
/// # Errors
/// They can't be read.
pub fn mounts() -> io::Result<Arc<Vec<Mount>>> {
    let mut known = super::lock(&KNOWN);
    let process = std::process::id();
    if let Some(known) = known.as_ref().filter(|known| known.process == process)
        && !has_changed(&known.changes)?
    {
        return Ok(Arc::clone(&known.mounts));
    }
    // Opened first: of what changes after that, it tells.
    let changes = File::open(TABLE)?;
    let mut text = Vec::new();
    File::open(TABLE)?.read_to_end(&mut text)?;
    let lines = text.split(|&byte| byte == b'\n');
    let mounts = Arc::new(lines.filter_map(parse).collect::<Vec<_>>());
    *known = Some(KnownMount {
        process,
        changes,
        mounts: Arc::clone(&mounts),
    });
    Ok(mounts)
}

fn has_changed(table: &File) -> io::Result<bool> {
    let mut ready = [PollFd::new(table.as_fd(), PollFlags::POLLPRI)];
    poll(&mut ready, PollTimeout::ZERO)?;
    let [ready] = ready;
    let changed = PollFlags::POLLPRI | PollFlags::POLLERR;
    Ok(ready
        .revents()
        .is_none_or(|events| events.intersects(changed)))
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`.
fn parse(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|&byte| byte == b' ').skip(2);
    let device = OsStr::from_bytes(fields.next()?).to_owned();
    let root = PathBuf::from(unescaped(fields.next()?));
    let point = PathBuf::from(unescaped(fields.next()?));
    let mut fields = fields.skip_while(|field| *field != b"-").skip(1);
    let kind = fields.next()?;
    let options = fields.nth(1).unwrap_or_default();
    let layers = if kind == b"overlay" {
        layers(options)
    } else {
        Vec::new()
    };
    Some(Mount {
        device,
        root,
        point,
        layers,
    })
}

fn layers(options: &[u8]) -> Vec<PathBuf> {
    let options = options.split(|&byte| byte == b',');
    let values = options.filter_map(|option| {
        let names = [&b"lowerdir="[..], b"lowerdir+=", b"datadir+=", b"upperdir="];
        names.iter().find_map(|name| option.strip_prefix(*name))
    });
    let paths = values.flat_map(|value| value.split(|&byte| byte == b':'));
    let paths = paths.filter(|path| path.starts_with(b"/"));
    paths.map(|path| PathBuf::from(unescaped(path))).collect()
}

/// Blanks and the like stand there as `\040`.
fn unescaped(field: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, behind @ ..] = rest {
        let escape = match rest {
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
                Some(((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'))
            }
            _ => None,
        };
        bytes.push(escape.unwrap_or(*first));
        rest = escape.map_or(behind, |_| rest.get(4..).unwrap_or_default());
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_the_kernel_writes_them() {
        let plain =
            b"36 35 98:0 /a\\040b /mnt\\0112 rw,noatime master:1 shared:2 - ext3 /dev/root rw";
        let expected = Mount {
            device: "98:0".into(),
            root: "/a b".into(),
            point: "/mnt\t2".into(),
            layers: Vec::new(),
        };
        assert_eq!(parse(plain), Some(expected));
        let overlay =
            b"40 1 0:50 / / rw - overlay overlay rw,lowerdir=/l1:/l2,upperdir=/u\\040p,workdir=/w";
        let layers = parse(overlay).unwrap().layers;
        assert_eq!(layers, ["/l1", "/l2", "/u p"].map(PathBuf::from));
        for line in [&b""[..], b"36 35 98:0 /", b"36 35 98:0 / / rw"] {
            assert_eq!(parse(line), None);
        }
    }

    #[test]
    fn the_root_directory_is_among_them() {
        let first = mounts().unwrap();
        assert!(first.iter().any(|mount| mount.point == *"/"));
        assert!(Arc::ptr_eq(&first, &mounts().unwrap()) || *first != *mounts().unwrap());
    }
}
