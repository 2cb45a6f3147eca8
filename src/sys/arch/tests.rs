//! The tables say what others say of the same kernel.

use std::collections::HashMap;
use std::env::consts::ARCH;
use std::fs::File;
use std::io;

use super::*;

fn all() -> impl Iterator<Item = &'static Call> {
    machine::calls::ALL.iter().chain(unified::ALL)
}

#[test]
fn numbers_are_those_of_the_kernels_headers() {
    for (arch, header) in machine::HEADERS {
        let folders = [
            "/usr/include".to_owned(),
            format!("/usr/include/{ARCH}-linux-gnu"),
        ];
        let mut files = folders
            .iter()
            .map(|folder| File::open(format!("{folder}/{header}")));
        let Some(file) = files.find_map(Result::ok) else {
            eprintln!("skipped: {header} is not installed");
            continue;
        };
        let text = io::read_to_string(file).unwrap();
        let known: HashMap<&str, u32> = text.lines().filter_map(definition).collect();
        let newest = known.values().max().copied();
        for call in all().filter(|call| call.number(arch) <= newest) {
            // No 32-bit program is the proxy.
            if (*call, arch) != (PROXY, Arch::Compat) {
                assert_eq!(call.number(arch), known.get(call.name).copied(), "{call:?}");
            }
        }
    }
}

/// The name and the number of a `#define __NR_NAME NUMBER`.
fn definition(line: &str) -> Option<(&str, u32)> {
    let (name, number) = line.strip_prefix("#define __NR_")?.split_once(' ')?;
    Some((name, number.parse().ok()?))
}

#[test]
fn numbers_are_those_of_libc() {
    for (call, number) in [
        (calls::clone3, libc::SYS_clone3),
        (calls::mount_setattr, libc::SYS_mount_setattr),
        (calls::kexec_file_load, libc::SYS_kexec_file_load),
        (calls::pidfd_getfd, libc::SYS_pidfd_getfd),
        (calls::fchmodat2, libc::SYS_fchmodat2),
        (calls::prlimit64, libc::SYS_prlimit64),
        (calls::semtimedop, libc::SYS_semtimedop),
        (calls::keyctl, libc::SYS_keyctl),
        (calls::fremovexattr, libc::SYS_fremovexattr),
        (calls::io_uring_register, libc::SYS_io_uring_register),
    ] {
        assert_eq!(i64::from(call.own_number()), number, "{call:?}");
    }
}

#[test]
fn a_convention_is_found_by_its_value_alone() {
    for &arch in Arch::JUDGED {
        assert_eq!(Arch::of(arch.audit_value()), Some(arch));
    }
    assert!(FOREIGN.iter().all(|&value| Arch::of(value).is_none()));
}
