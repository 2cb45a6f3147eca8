//! Capabilities: asking, and giving up all of them.

#![expect(
    unsafe_code,
    reason = "capget(2), capset(2) and these prctl(2) options have no wrapper"
)]

use std::io;

/// `CAP_SYS_ADMIN`.
const SYS_ADMIN: u32 = 21;
/// `_LINUX_CAPABILITY_VERSION_3`: sets of 64 bits, as two words.
const VERSION: u32 = 0x2008_0522;
/// The kernel has 41 today; the first number it does not know ends the loop.
const HIGHEST: libc::c_ulong = 63;
/// Uid 0 means nothing (`NOROOT`), changing uids changes no capability (`NO_SETUID_FIXUP`), none is
/// kept (`KEEP_CAPS` off) or made ambient (`NO_CAP_AMBIENT_RAISE`); all four locked.
const SECURE_BITS: libc::c_ulong = 0b1110_1111;

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Word {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Whether CAP_SYS_ADMIN is in effect for this process.
pub fn has_sys_admin() -> io::Result<bool> {
    let [low, _] = get()?;
    Ok(low.effective & (1 << SYS_ADMIN) != 0)
}

/// Gives up every capability, in every set, and the ways back to them.
///
/// Without CAP_SETPCAP the bounding set and the secure bits stay as they are, and no_new_privs must
/// be set instead: under it exec never adds a capability. Fails when any is left in the end.
pub fn drop_all() -> io::Result<()> {
    for capability in 0..=HIGHEST {
        match prctl(libc::PR_CAPBSET_DROP, capability) {
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => break,
            result => unless_not_permitted(result)?,
        }
    }
    unless_not_permitted(prctl(libc::PR_SET_SECUREBITS, SECURE_BITS))?;
    prctl(libc::PR_CAP_AMBIENT, clear_ambient())?;
    set([Word::default(); 2])?;
    let left = get()?;
    let none = left
        .iter()
        .all(|word| word.effective | word.permitted | word.inheritable == 0);
    if none {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(libc::EPERM))
    }
}

fn clear_ambient() -> libc::c_ulong {
    libc::c_ulong::from(libc::PR_CAP_AMBIENT_CLEAR_ALL.unsigned_abs())
}

fn unless_not_permitted(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => Ok(()),
        result => result,
    }
}

fn get() -> io::Result<[Word; 2]> {
    let header = Header {
        version: VERSION,
        pid: 0,
    };
    let mut words = [Word::default(); 2];
    // SAFETY: version 3 writes two words behind the second pointer, and two are there.
    let result = unsafe { libc::syscall(libc::SYS_capget, &raw const header, words.as_mut_ptr()) };
    done(result).map(|()| words)
}

fn set(words: [Word; 2]) -> io::Result<()> {
    let header = Header {
        version: VERSION,
        pid: 0,
    };
    // SAFETY: version 3 reads two words behind the second pointer, and two are there.
    done(unsafe { libc::syscall(libc::SYS_capset, &raw const header, words.as_ptr()) })
}

fn prctl(option: libc::c_int, argument: libc::c_ulong) -> io::Result<()> {
    let zero: libc::c_ulong = 0;
    // SAFETY: the options used here take numbers only.
    let result = unsafe { libc::prctl(option, argument, zero, zero, zero) };
    done(libc::c_long::from(result))
}

fn done(result: libc::c_long) -> io::Result<()> {
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
