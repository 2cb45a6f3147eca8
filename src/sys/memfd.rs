//! Programs in memory: files with no name, executable, and sealed.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};

/// Makes a file of `bytes` that can be executed by its descriptor, and never be changed: others
/// may get a descriptor of it. `name` is shown in /proc.
///
/// # Errors
/// Files in memory can't be executed here, or there is no memory.
pub fn executable(name: &CStr, bytes: &[u8]) -> io::Result<OwnedFd> {
    let sealable = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let executable = MFdFlags::from_bits_retain(libc::MFD_EXEC);
    // Linux before 6.3 knows no MFD_EXEC, and makes every such file executable.
    let fd = memfd_create(name, sealable | executable).or_else(|_| memfd_create(name, sealable))?;
    let mut file = File::from(fd);
    if file.metadata()?.permissions().mode() & 0o100 == 0 {
        let reason = "anonymous files can't be executed here (vm.memfd_noexec)";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
    }
    file.write_all(bytes)?;
    let content = SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SHRINK;
    fcntl(
        &file,
        FcntlArg::F_ADD_SEALS(content | SealFlag::F_SEAL_SEAL),
    )?;
    Ok(file.into())
}
