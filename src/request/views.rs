//! Mounts that show elsewhere what the sandboxed side can write.
//!
//! A directory of a root may be seen elsewhere: by a bind mount, in an overlay, or as a disk that is mounted
//! twice. The table of mounts says so (`request/views.rs`), and such a place counts as writable. So does a
//! file of this user's with another name (a hard link) on the device of a root. The sandboxed side can't make
//! such a name, as its roots are mounts; package managers and people do. Root is told nothing of it: there
//! every program is root's, many have several names, and where those are only a look everywhere would tell.
//! As root, don't put another name of a program into a workspace. What a FUSE file system shows nobody can
//! tell.

use std::path::PathBuf;

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
        let own = mounts
            .iter()
            .rev()
            .filter(|mount| root.starts_with(&mount.point));
        let own = own.max_by_key(|mount| mount.point.components().count());
        let own = own.and_then(|mount| {
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
}
