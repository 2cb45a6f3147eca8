//! The program that stands in for an escalated or refused one, as a file of a few hundred bytes.
//!
//! It is the process that the caller waits for, and knows nothing: it asks the supervisor what to
//! do by one system call, [`CALL`], which the listener brings there. Its machine code is written
//! below and given the shape of an executable file when the supervisor starts.

#![expect(unsafe_code, reason = "the machine code")]

use std::io;
use std::os::fd::OwnedFd;

use super::memfd;

/// The system call by which the proxy asks: `afs_syscall`, which no kernel implements, so that no
/// other program has a use for it. Arguments: one of the questions below; its subject; the address
/// of a buffer of [`BUFFER`] bytes; for a signal, its `si_code`.
pub const CALL: i32 = 183;
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
pub enum Order {
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
}

impl Order {
    /// The order as the value that [`CALL`] returns: what to do in the low byte, then the detail.
    pub fn encode(self) -> i64 {
        match self {
            Self::Exit(status) => 1 | i64::from(status) << 8,
            Self::Die(signal) => 2 | i64::from(signal) << 8,
            Self::Wait => 3,
            Self::Say(length) => 4 | i64::from(length) << 8,
            Self::Tell(length) => 5 | i64::from(length) << 8,
        }
    }
}

std::arch::global_asm!(
    ".pushsection .rodata.codex_shell_proxy,\"a\",@progbits",
    ".globl codex_shell_proxy_start",
    ".hidden codex_shell_proxy_start",
    ".globl codex_shell_proxy_end",
    ".hidden codex_shell_proxy_end",
    "codex_shell_proxy_start:",
    // [rsp]: all signals. [rsp+8]: the mask we came with. [rsp+16]: siginfo or sigaction.
    // [rsp+256]: the buffer.
    "sub rsp, 4352",
    "mov qword ptr [rsp], -1",
    "mov eax, 14", // rt_sigprocmask(SIG_SETMASK, all, old, 8)
    "mov edi, 2",
    "mov rsi, rsp",
    "lea rdx, [rsp+8]",
    "mov r10d, 8",
    "syscall",
    "1:", // the first question; r13: whether to come back here when all is said
    "xor r13d, r13d",
    "xor edi, edi",
    "mov rsi, [rsp+8]",
    "2:", // ask
    "lea rdx, [rsp+256]",
    "mov eax, 183",
    "syscall",
    "test rax, rax",
    "js 9f",
    "mov r12, rax",
    "shr r12, 8",
    "movzx eax, al",
    "cmp eax, 1",
    "je 8f",
    "cmp eax, 2",
    "je 6f",
    "cmp eax, 3",
    "je 3f",
    "cmp eax, 4",
    "je 4f",
    "cmp eax, 5",
    "jne 9f",
    "inc r13d",
    "jmp 4f",
    "3:", // wait: rt_sigtimedwait(all, siginfo, forever, 8)
    "mov eax, 128",
    "mov rdi, rsp",
    "lea rsi, [rsp+16]",
    "xor edx, edx",
    "mov r10d, 8",
    "syscall",
    "test eax, eax",
    "jle 3b",
    "mov edi, 1",
    "mov esi, eax",
    "movsxd r10, dword ptr [rsp+24]", // si_code
    "jmp 2b",
    "4:", // say: write(2, buffer, length) until all is written
    "lea rbx, [rsp+256]",
    "41:",
    "test r12, r12",
    "jle 42f",
    "mov eax, 1",
    "mov edi, 2",
    "mov rsi, rbx",
    "mov rdx, r12",
    "syscall",
    "test rax, rax",
    "jle 42f",
    "add rbx, rax",
    "sub r12, rax",
    "jmp 41b",
    "42:",
    "test r13d, r13d",
    "jnz 1b",
    "jmp 9f",
    "6:", // die: no core of ours; rt_sigaction(signal, default), kill(getpid(), signal), unblock
    "mov eax, 157", // prctl(PR_SET_DUMPABLE, 0)
    "mov edi, 4",
    "xor esi, esi",
    "syscall",
    "xor eax, eax",
    "mov [rsp+16], rax",
    "mov [rsp+24], rax",
    "mov [rsp+32], rax",
    "mov [rsp+40], rax",
    "mov eax, 13",
    "mov edi, r12d",
    "lea rsi, [rsp+16]",
    "xor edx, edx",
    "mov r10d, 8",
    "syscall",
    "mov eax, 39",
    "syscall",
    "mov edi, eax",
    "mov esi, r12d",
    "mov eax, 62",
    "syscall",
    "mov qword ptr [rsp], 0",
    "mov eax, 14",
    "mov edi, 2",
    "mov rsi, rsp",
    "xor edx, edx",
    "mov r10d, 8",
    "syscall",
    "lea r12, [r12+128]", // the signal did not kill
    "8:",                 // exit
    "mov edi, r12d",
    "mov eax, 231",
    "syscall",
    "9:", // nobody answers, or all is said
    "mov edi, 1",
    "mov eax, 231",
    "syscall",
    "codex_shell_proxy_end:",
    ".popsection",
);

unsafe extern "C" {
    static codex_shell_proxy_start: u8;
    static codex_shell_proxy_end: u8;
}

/// The machine code above.
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
    elf.extend(62u16.to_le_bytes()); // x86_64
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
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&image));
        let status = Command::new(path).status().unwrap();
        assert_eq!((status.code(), status.signal()), (Some(1), None));
    }
}
