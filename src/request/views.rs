//! Mounts that show elsewhere what the sandboxed side can write.
//!
//! A directory of a root may be seen elsewhere: by a bind mount, in an overlay, or as a disk that is mounted
//! twice. The table of mounts says so (`request/views.rs`), and such a place counts as writable. So does a
//! file of this user's with another name (a hard link) on the device of a root. The sandboxed side can't make
//! such a name, as its roots are mounts; package managers and people do. Root is told nothing of it: there
//! every program is root's, many have several names, and where those are only a look everywhere would tell.
//! As root, don't put another name of a program into a workspace. What a FUSE file system shows nobody can
//! tell.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::sys::mount_table::{Mount, mounts};

/// Places, beside the `roots`, at which something of what is in them is to be seen. Where nobody can tell
/// what is mounted, none.
pub(super) fn elsewhere(roots: &[PathBuf]) -> Vec<PathBuf> {
    let Ok(mounts) = mounts() else {
        return Vec::new();
    };
    views(&mounts, roots)
}

fn views(mounts: &[Mount], roots: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for root in roots {
        let beneath = mounts.iter().filter(|mount| mount.point.starts_with(root));
        let own = mount_of(mounts, root).and_then(|mount| {
            let below = root.strip_prefix(&mount.point).ok()?;
            Some((&mount.device, mount.root.join(below)))
        });
        let shown = beneath
            .clone()
            .map(|mount| (&mount.device, mount.root.clone()));
        let shown: Vec<_> = own.into_iter().chain(shown).collect();
        found.extend(beneath.map(|mount| mount.point.clone()));
        for mount in mounts {
            let shows = |(device, part): &(_, PathBuf)| {
                *device == &mount.device && mount.root.starts_with(part)
            };
            if shown.iter().any(shows) {
                found.push(mount.point.clone());
            }
            for layer in &mount.layers {
                if layer.starts_with(root) {
                    found.push(mount.point.clone());
                } else if let Ok(below) = root.strip_prefix(layer) {
                    found.push(mount.point.join(below));
                }
            }
        }
    }
    found
}

/// Places at which `path`, absolute and canonical as far as it exists, or a part of it is to be seen as well.
pub fn other_places(path: &Path) -> Vec<PathBuf> {
    let Ok(mounts) = mounts() else {
        return Vec::new();
    };
    let whole = shown(&mounts, path).into_iter();
    let whole = whole.filter(|at| may_be_same(at, path));
    let parts = views(&mounts, &[path.to_owned()]);
    let mut found: Vec<PathBuf> = whole.chain(parts).collect();
    found.retain(|at| !at.starts_with(path));
    found.sort();
    found.dedup();
    found
}

/// Places at which `path` may be seen, if nothing else is mounted there.
fn shown(mounts: &[Mount], path: &Path) -> Vec<PathBuf> {
    let own = mount_of(mounts, path);
    let Some((own, below)) = own.and_then(|own| Some((own, path.strip_prefix(&own.point).ok()?)))
    else {
        return Vec::new();
    };
    let part = own.root.join(below);
    let elsewhere = mounts.iter().flat_map(|mount| {
        let same = (mount.device == own.device).then_some((&mount.root, part.as_path()));
        let layers = mount.layers.iter().map(|layer| (layer, path));
        same.into_iter().chain(layers).filter_map(|(root, part)| {
            let below = part.strip_prefix(root).ok()?;
            Some(joined(&mount.point, below))
        })
    });
    let layers = own.layers.iter().map(|layer| joined(layer, below));
    elsewhere.chain(layers).collect()
}

/// `base` itself if nothing is `below`: a path with a slash at its end would be that of a directory.
fn joined(base: &Path, below: &Path) -> PathBuf {
    if below.as_os_str().is_empty() {
        base.to_owned()
    } else {
        base.join(below)
    }
}

/// The mount that `path` lies on: of two at one place the later one.
fn mount_of<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    let around = mounts.iter().filter(|mount| path.starts_with(&mount.point));
    around.max_by_key(|mount| mount.point.components().count())
}

/// Whether both may be one file: both exist or could be made, and of two on one device it is the same one.
fn may_be_same(one: &Path, other: &Path) -> bool {
    match (one.symlink_metadata(), other.symlink_metadata()) {
        // An overlay shows a file of a layer as one of another device.
        (Ok(one), Ok(other)) => one.dev() != other.dev() || one.ino() == other.ino(),
        (Err(_), Err(_)) => match (one.parent(), other.parent()) {
            (Some(one), Some(other)) => may_be_same(one, other),
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(device: &str, root: &str, point: &str) -> Mount {
        Mount {
            device: device.into(),
            root: root.into(),
            point: point.into(),
            layers: Vec::new(),
        }
    }

    #[test]
    fn what_shows_a_part_of_a_root_is_a_view() {
        let mut overlay = mount("0:9", "/", "/merged");
        overlay.layers = vec!["/lower".into(), "/home/ws/upper".into()];
        let mut around = mount("0:8", "/", "/around");
        around.layers = vec!["/home".into()];
        let mounts = [
            mount("8:1", "/", "/"),
            mount("8:2", "/", "/home"),
            mount("8:2", "/ws/sub", "/opt/sub"),
            mount("8:2", "/ws", "/opt/ws"),
            mount("8:2", "/wsx", "/opt/other"),
            mount("8:1", "/ws/sub", "/opt/root"),
            mount("8:3", "/data", "/home/ws/data"),
            mount("8:3", "/data/x", "/opt/x"),
            mount("8:3", "/", "/opt/disk"),
            mount("8:2", "/ws/tool", "/usr/bin/tool"),
            overlay,
            around,
        ];
        let mut found = views(&mounts, &["/home/ws".into()]);
        found.sort();
        found.dedup();
        let expected = [
            "/around/ws",
            "/home/ws/data",
            "/merged",
            "/opt/sub",
            "/opt/ws",
            "/opt/x",
            "/usr/bin/tool",
        ];
        assert_eq!(found, expected.map(PathBuf::from));
        assert_eq!(views(&mounts, &[]), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_path_is_seen_at_other_places() {
        let mut overlay = mount("0:9", "/", "/merged");
        overlay.layers = vec!["/home/lower".into(), "/home/upper".into()];
        let mounts = [
            mount("8:1", "/", "/"),
            mount("8:2", "/old", "/home"),
            mount("8:2", "/", "/home"),
            mount("8:2", "/conf", "/etc/conf"),
            mount("8:2", "/conf/a.rules", "/ws/team.rules"),
            mount("8:2", "/upper/x", "/ws/x"),
            overlay,
        ];
        let seen = |path: &str| {
            let mut found = shown(&mounts, path.as_ref());
            found.retain(|at| *at != *path);
            found.sort();
            found
        };
        let rules = "/home/conf/a.rules";
        assert_eq!(
            seen(rules),
            ["/etc/conf/a.rules", "/ws/team.rules"].map(PathBuf::from)
        );
        assert_eq!(
            seen("/ws/team.rules"),
            ["/etc/conf/a.rules", rules].map(PathBuf::from)
        );
        assert_eq!(
            seen("/merged/x"),
            ["/home/lower/x", "/home/upper/x"].map(PathBuf::from)
        );
        assert_eq!(
            seen("/home/upper/x"),
            ["/merged/x", "/ws/x"].map(PathBuf::from)
        );
        assert_eq!(seen("/usr/x"), [""; 0].map(PathBuf::from));
    }
}
