//! What kind of memory a process's addresses are, and whether two processes share it.

#![expect(unsafe_code, reason = "kcmp(2), and an ioctl of /proc/PID/maps")]

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

use super::checked;

/// `struct procmap_query` of `linux/fs.h`.
#[repr(C)]
#[derive(Debug, Default)]
struct Query {
    size: u64,
    flags: u64,
    address: u64,
    vma_start: u64,
    vma_end: u64,
    vma_flags: u64,
    vma_page_size: u64,
    vma_offset: u64,
    inode: u64,
    dev_major: u32,
    dev_minor: u32,
    vma_name_size: u32,
    build_id_size: u32,
    vma_name_addr: u64,
    build_id_addr: u64,
}

/// Linux 6.11.
const PROCMAP_QUERY: libc::Ioctl = libc::_IOWR::<Query>(b'f' as u32, 17);
/// `PROCMAP_QUERY_VMA_SHARED`.
const SHARED: u64 = 8;
/// `KCMP_VM`.
const KCMP_VM: i32 = 1;

/// A stretch of a process's memory with the same properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Its first address.
    pub start: u64,
    /// The address after its last.
    pub end: u64,
    /// Whether nobody else has it: it is neither shared nor a view of a file, whose writers change
    /// even a private view of it.
    pub own: bool,
}

/// The memory map of a process.
#[derive(Debug)]
pub struct Map(File);

impl Map {
    /// Opens the map of the thread `tid`.
    ///
    /// # Errors
    /// It is gone, or may not be looked at.
    pub fn open(tid: Pid) -> io::Result<Self> {
        Ok(Self(File::open(format!("/proc/{tid}/maps"))?))
    }

    /// The stretch that holds `address`.
    ///
    /// # Errors
    /// Nothing is there, or Linux is older than 6.11.
    pub fn stretch(&self, address: u64) -> io::Result<Stretch> {
        let mut query = Query {
            size: size_of::<Query>() as u64,
            address,
            ..Query::default()
        };
        // SAFETY: the structure has the layout and the size that the number asks for, and lives
        // until the call returns; it names no buffers.
        checked(unsafe { libc::ioctl(self.0.as_raw_fd(), PROCMAP_QUERY, &raw mut query) })?;
        Ok(Stretch {
            start: query.vma_start,
            end: query.vma_end,
            own: query.vma_flags & SHARED == 0 && query.inode == 0,
        })
    }
}

/// Whether the two processes run in the same memory, as after vfork(2).
///
/// # Errors
/// One is gone, or may not be looked at.
pub fn is_one(a: Pid, b: Pid) -> io::Result<bool> {
    // SAFETY: takes integers only.
    let order = unsafe { libc::syscall(libc::SYS_kcmp, a.as_raw(), b.as_raw(), KCMP_VM, 0, 0) };
    Ok(checked(order)? == 0)
}

/// Whether the process has memory: one that is about to end, or gone, has none.
pub fn is_there(pid: Pid) -> bool {
    let nowhere = [RemoteIoVec { base: 8, len: 1 }];
    let read = process_vm_readv(pid, &mut [IoSliceMut::new(&mut [0])], &nowhere);
    matches!(read, Ok(_) | Err(Errno::EFAULT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_memory_is_private_and_ours() {
        let value = Box::new(7u8);
        let address = std::ptr::from_ref(&*value).addr() as u64;
        let map = Map::open(nix::unistd::gettid()).unwrap();
        let stretch = map.stretch(address).unwrap();
        assert!(stretch.start <= address && address < stretch.end && stretch.own);
        let code = Map::open as *const () as usize as u64;
        assert!(!map.stretch(code).unwrap().own, "our program is a file");
        assert!(map.stretch(8).is_err());
        assert!(is_one(nix::unistd::getpid(), nix::unistd::getpid()).unwrap());
        assert!(!is_one(nix::unistd::getpid(), Pid::from_raw(1)).unwrap_or(false));
        assert!(is_there(nix::unistd::getpid()) && !is_there(Pid::from_raw(i32::MAX)));
    }
}
