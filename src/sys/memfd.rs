//! Programs in memory: files with no name, executable, and sealed.

#![expect(unsafe_code, reason = "memfd_create(2) with flags nix lacks")]

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;

use super::checked;

/// Makes a file of `bytes` that can be executed by its descriptor, and never be changed: others
/// may get a descriptor of it. `name` is shown in /proc.
///
/// # Errors
/// Files in memory can't be executed here, or there is no memory.
pub fn executable(name: &CStr, bytes: &[u8]) -> io::Result<OwnedFd> {
    let (sealable, executable) = (libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING, libc::MFD_EXEC);
    // SAFETY: the name is a C string that outlives the call.
    let fd = checked(unsafe { libc::memfd_create(name.as_ptr(), sealable | executable) })
        // Linux before 6.3 knows no MFD_EXEC, and makes every such file executable.
        // SAFETY: as above.
        .or_else(|_| checked(unsafe { libc::memfd_create(name.as_ptr(), sealable) }))?;
    // SAFETY: the kernel has just made this descriptor, and nobody else knows of it.
    let mut file = unsafe { File::from_raw_fd(fd) };
    if file.metadata()?.permissions().mode() & 0o100 == 0 {
        let reason = "anonymous files can't be executed here (vm.memfd_noexec)";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
    }
    file.write_all(bytes)?;
    let seals = libc::F_SEAL_WRITE | libc::F_SEAL_GROW | libc::F_SEAL_SHRINK | libc::F_SEAL_SEAL;
    // SAFETY: takes integers only.
    checked(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) })?;
    Ok(file.into())
}
