//! Capabilities: asking, and giving up all of them.

#![forbid(unsafe_code)]

use std::io;

use rustix::io::Errno;
use rustix::thread::{
    CapabilitiesSecureBits, CapabilitySet, CapabilitySets, capabilities,
    clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities,
    set_capabilities_secure_bits,
};

/// The kernel has 41 today; the first number it does not know ends the loop.
const HIGHEST: u32 = 63;
/// Uid 0 means nothing (`NOROOT`), changing uids changes no capability (`NO_SETUID_FIXUP`), none is
/// kept (`KEEP_CAPS` off) or made ambient (`NO_CAP_AMBIENT_RAISE`); all four locked.
const SECURE_BITS: CapabilitiesSecureBits = CapabilitiesSecureBits::from_bits_retain(0b1110_1111);
const NONE: CapabilitySets = CapabilitySets {
    effective: CapabilitySet::empty(),
    permitted: CapabilitySet::empty(),
    inheritable: CapabilitySet::empty(),
};

/// Whether CAP_SYS_ADMIN is in effect for this process.
pub fn has_sys_admin() -> io::Result<bool> {
    let effective = capabilities(None)?.effective;
    Ok(effective.contains(CapabilitySet::SYS_ADMIN))
}

/// Gives up every capability, in every set, and the ways back to them.
///
/// Without CAP_SETPCAP the bounding set and the secure bits stay as they are, and no_new_privs must
/// be set instead: under it exec never adds a capability. Fails when any is left in the end.
pub fn drop_all() -> io::Result<()> {
    for number in 0..=HIGHEST {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match remove_capability_from_bounding_set(capability) {
            Err(Errno::INVAL) => break,
            result => unless_not_permitted(result)?,
        }
    }
    unless_not_permitted(set_capabilities_secure_bits(SECURE_BITS))?;
    clear_ambient_capability_set()?;
    set_capabilities(None, NONE)?;
    if capabilities(None)? == NONE {
        Ok(())
    } else {
        Err(Errno::PERM.into())
    }
}

fn unless_not_permitted(result: rustix::io::Result<()>) -> io::Result<()> {
    match result {
        Err(Errno::PERM) => Ok(()),
        result => Ok(result?),
    }
}
