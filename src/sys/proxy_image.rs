//! The program that stands in for an escalated or refused one, as a file of a few hundred bytes.
//!
//! It is the process that the caller waits for, and knows nothing: it asks the supervisor what to
//! do by one system call, `arch::PROXY`, which the listener brings there. Its machine code is written
//! in `src/sys/arch` and given the shape of an executable file when the supervisor starts. How it stops
//! and goes on is told in `src/sys/bare/signals.rs`, which does the same.
//!
//! Arguments of the call: one of the questions below; its subject; the address of a buffer of
//! [`BUFFER`] bytes; for a signal, its `si_code`.

#![expect(unsafe_code, reason = "the machine code")]

use std::io;
use std::os::fd::OwnedFd;

use super::arch::ELF_MACHINE;
use super::memfd;

/// Size of the proxy's buffer in bytes.
pub const BUFFER: usize = 4096;

/// First question: what to do? The subject is the signal mask that the caller had.
pub const HELLO: u64 = 0;
/// Question: a signal came, what to do? The subject is its number.
pub const SIGNALLED: u64 = 1;
/// No question: the launcher lets itself be looked at, to see whether that works. The subject is
/// the address of a C string.
pub const PROBE: u64 = 2;

/// What the proxy is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyOrder {
    /// Exit with this status.
    Exit(u8),
    /// Die of this signal.
    Die(u8),
    /// Wait for a signal, then ask again.
    Wait,
    /// Write so many bytes of the buffer to standard error, then exit with status 1.
    Say(u16),
    /// Write so many bytes of the buffer to standard error, then ask the first question again.
    Tell(u16),
    /// Stop, unless a `SIGCONT` has come that was not told of yet.
    Stop,
}

impl ProxyOrder {
    /// The order as the value that `arch::PROXY` returns: what to do in the low byte, then the detail.
    pub fn encode(self) -> i64 {
        match self {
            Self::Exit(status) => 1 | i64::from(status) << 8,
            Self::Die(signal) => 2 | i64::from(signal) << 8,
            Self::Wait => 3,
            Self::Say(length) => 4 | i64::from(length) << 8,
            Self::Tell(length) => 5 | i64::from(length) << 8,
            Self::Stop => 6,
        }
    }
}

unsafe extern "C" {
    static codex_shell_proxy_start: u8;
    static codex_shell_proxy_end: u8;
}

/// The machine code.
fn code() -> &'static [u8] {
    let start = &raw const codex_shell_proxy_start;
    let end = &raw const codex_shell_proxy_end;
    // SAFETY: the two symbols bound one read-only section of this program, never written to.
    unsafe { std::slice::from_raw_parts(start, end.addr() - start.addr()) }
}

/// The code as an ELF file: a header, one segment to load, one to say that the stack holds data.
fn image() -> Vec<u8> {
    const HEADERS: u64 = 64 + 2 * 56;
    let code = code();
    let size = HEADERS + code.len() as u64;
    let mut elf = Vec::new();
    elf.extend(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    elf.extend(3u16.to_le_bytes()); // a shared object: loaded at a random address
    elf.extend(ELF_MACHINE.to_le_bytes());
    elf.extend(1u32.to_le_bytes());
    for word in [HEADERS, 64, 0] {
        elf.extend(word.to_le_bytes()); // entry point, program headers, section headers
    }
    elf.extend(0u32.to_le_bytes());
    for half in [64u16, 56, 2, 64, 0, 0] {
        elf.extend(half.to_le_bytes());
    }
    let (load, stack) = ((1u32, 5u32, size), (0x6474_e551_u32, 6u32, 0));
    for (kind, rights, length) in [load, stack] {
        elf.extend(kind.to_le_bytes());
        elf.extend(rights.to_le_bytes());
        for word in [0, 0, 0, length, length, 4096] {
            elf.extend(u64::to_le_bytes(word));
        }
    }
    elf.extend(code);
    elf
}

/// Makes the file: anonymous, executable, and sealed, as the sandboxed side gets a descriptor.
pub fn create() -> io::Result<OwnedFd> {
    memfd::executable(c"codex-shell-proxy", &image())
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    #[test]
    fn without_a_supervisor_it_exits_with_failure() {
        let image = super::create().unwrap();
        let path = crate::sys::fds::link(&image);
        let status = Command::new(path).status().unwrap();
        assert_eq!((status.code(), status.signal()), (Some(1), None));
    }
}
