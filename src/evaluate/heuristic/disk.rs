//! H003, H004 and H005.

use super::command::{ExaminedCommand, cluster_has, components, is_long};
use super::define::heuristic;

heuristic! {
    /// `dd of=/dev/…`, and `cp`, `mv`, `install` or `tee` onto a device, except terminals and
    /// those that hold nothing, such as `/dev/null`.
    ///
    /// ## Why it is dangerous
    ///
    /// It overwrites a disk from its first byte, partition table first.
    ///
    /// ## Example
    ///
    /// ```sh
    /// dd if=image.iso of=/dev/sda
    /// cp image.iso /dev/sda
    /// ```
    ///
    /// ## Instead
    ///
    /// Write to a file, and let a person put it on the disk:
    ///
    /// ```sh
    /// dd if=image.iso of=copy.img
    /// ```
    DEVICE_WRITE, "H003", "device-write",
    "this writes to a device and replaces what it holds",
    Some(is_device_write)
}

heuristic! {
    /// `mkfs` in all its variants, and `mkswap`.
    ///
    /// ## Why it is dangerous
    ///
    /// A new file system on a disk destroys the old one.
    ///
    /// ## Example
    ///
    /// ```sh
    /// mkfs.ext4 /dev/sdb1
    /// ```
    ///
    /// ## Instead
    ///
    /// See what is there, and let a person make the file system:
    ///
    /// ```sh
    /// lsblk --fs
    /// ```
    MAKE_FILE_SYSTEM, "H004", "make-file-system",
    "making a file system destroys what is on the disk",
    Some(makes_file_system)
}

heuristic! {
    /// `shred`, `blkdiscard`, and `wipefs` when it erases.
    ///
    /// ## Why it is dangerous
    ///
    /// They exist to make data irrecoverable.
    ///
    /// ## Example
    ///
    /// ```sh
    /// shred -u notes.txt
    /// wipefs --all /dev/sdb
    /// ```
    ///
    /// ## Instead
    ///
    /// Remove a file that holds no secret in the ordinary way:
    ///
    /// ```sh
    /// rm notes.txt
    /// ```
    WIPE, "H005", "wipe",
    "this command makes data irrecoverable",
    Some(wipes)
}

/// Below `/dev`, what can be written without losing anything.
const HARMLESS: [&[u8]; 7] = [
    b"null", b"zero", b"full", b"stdout", b"stderr", b"fd", b"shm",
];

fn is_device_write(command: &ExaminedCommand<'_>) -> bool {
    let mut arguments = command.arguments.iter();
    if command.is_any(&["dd"]) {
        return arguments
            .filter_map(|argument| argument.strip_prefix(b"of="))
            .any(is_device);
    }
    if command.is_any(&["cp", "mv", "install"]) {
        return arguments.next_back().is_some_and(|last| is_device(last));
    }
    command.is_any(&["tee"]) && arguments.any(|argument| is_device(argument))
}

/// A relative path counts when it climbs into a `dev` directory: it may be the one.
fn is_device(path: &[u8]) -> bool {
    let (absolute, parts) = components(path);
    match parts.as_slice() {
        [b"dev", device, ..] => {
            let terminal = device.starts_with(b"tty") || device.starts_with(b"pts");
            (absolute || path.starts_with(b"..")) && !terminal && !HARMLESS.contains(device)
        }
        _ => false,
    }
}

fn makes_file_system(command: &ExaminedCommand<'_>) -> bool {
    command.starts_with("mkfs") || command.is_any(&["mke2fs", "mkswap", "mkntfs", "mkdosfs"])
}

fn wipes(command: &ExaminedCommand<'_>) -> bool {
    let erases = |option| {
        cluster_has(option, b"ao")
            || is_long(option, "--all", "--a")
            || is_long(option, "--offset", "--of")
    };
    command.is_any(&["shred", "blkdiscard"])
        || (command.is_any(&["wipefs"]) && command.options().any(erases))
}
