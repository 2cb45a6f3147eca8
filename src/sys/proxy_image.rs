//! The program that stands in for an escalated or refused one, as a file of a few hundred bytes.
//!
//! It is the process that the caller waits for, and knows nothing: it asks the supervisor what to
//! do by one system call, [`CALL`], which the listener brings there. Its machine code is written
//! below and given the shape of an executable file when the supervisor starts. How it stops and goes
//! on is told in `src/sys/bare/signals.rs`, which does the same.

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
    /// Stop, unless a `SIGCONT` has come that was not told of yet.
    Stop,
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
            Self::Stop => 6,
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
    // [rsp+160]: a set of signals. [rsp+168]: a time of zero. [rsp+192]: what poll looks at. [rsp+256]:
    // the buffer. r14: our number. r15: the signalfd, -2 before there is one.
    "sub rsp, 4352",
    "mov qword ptr [rsp], -1",
    "mov eax, 14", // rt_sigprocmask(SIG_SETMASK, all, old, 8)
    "mov edi, 2",
    "mov rsi, rsp",
    "lea rdx, [rsp+8]",
    "mov r10d, 8",
    "syscall",
    "mov eax, 39", // getpid()
    "syscall",
    "mov r14d, eax",
    "mov r15d, -2",
    "xor eax, eax",
    "mov [rsp+168], rax",
    "mov [rsp+176], rax",
    "mov esi, 22", // the mark: SIGTTOU
    "call 72f",
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
    "cmp eax, 6",
    "je 5f",
    "cmp eax, 5",
    "jne 9f",
    "inc r13d",
    "jmp 4f",
    "3:", // wait, without taking anything: signalfd4(-1, set, 8, SFD_CLOEXEC), poll(file, 1, forever)
    "cmp r15d, -2",
    "jne 34f",
    "mov rax, -0x200001", // all but the mark
    "mov [rsp+160], rax",
    "mov eax, 289",
    "mov edi, -1",
    "lea rsi, [rsp+160]",
    "mov edx, 8",
    "mov r10d, 0x80000",
    "syscall",
    "mov r15d, eax",
    "34:",
    "test r15d, r15d",
    "js 35f",
    "mov [rsp+192], r15d",
    "mov dword ptr [rsp+196], 1", // POLLIN
    "mov eax, 7",
    "lea rdi, [rsp+192]",
    "mov esi, 1",
    "mov edx, -1",
    "syscall",
    "35:",
    "call 71f",
    "jc 31f",
    "mov dword ptr [rsp+24], 0", // SIGCONT came; how, if it is still there
    "mov eax, 0x20000",
    "lea rdx, [rsp+168]",
    "call 73f",
    "jmp 32f",
    "31:", // take it; where there is no signalfd, wait here
    "mov rax, -0x200001",
    "xor edx, edx",
    "test r15d, r15d",
    "js 36f",
    "lea rdx, [rsp+168]",
    "36:",
    "call 73f",
    "test eax, eax",
    "jle 3b",
    "cmp eax, 18",
    "je 32f",
    "mov ebp, eax",
    "cmp eax, 20", // SIGTSTP
    "je 37f",
    "cmp eax, 21", // SIGTTIN
    "jne 33f",
    "37:",
    "call 71f",
    "jc 38f",
    "bt dword ptr [rsp+160], 17",
    "jc 38f",
    "mov esi, 22", // SIGCONT came before it and is taken back
    "call 72f",
    "38:",
    "mov eax, ebp",
    "jmp 33f",
    "32:",
    "mov esi, 22",
    "call 72f",
    "mov eax, 18",
    "33:",
    "mov edi, 1",
    "mov esi, eax",
    "movsxd r10, dword ptr [rsp+24]", // si_code
    "jmp 2b",
    "5:", // stop, if the mark is there
    "call 71f",
    "jnc 3b",
    "mov r12d, 20", // SIGTSTP
    "call 74f",
    "mov esi, r12d",
    "call 72f",
    "call 71f",
    "jc 51f",
    "mov eax, 0x80000", // SIGCONT came before it: take it back
    "lea rdx, [rsp+168]",
    "call 73f",
    "jmp 3b",
    "51:",
    "mov rax, -0x80001", // all but SIGTSTP
    "call 75f",
    "mov rax, -1",
    "call 75f",
    "call 71f",
    "jnc 3b",
    "mov esi, 19", // nothing heeds SIGTSTP in an orphaned group: SIGSTOP
    "call 72f",
    "jmp 3b",
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
    "6:",           // die; no core of ours
    "mov eax, 157", // prctl(PR_SET_DUMPABLE, 0)
    "mov edi, 4",
    "xor esi, esi",
    "syscall",
    "call 74f",
    "mov esi, r12d",
    "call 72f",
    "mov rax, -1", // unblock it alone: the mark would stop us
    "lea ecx, [r12-1]",
    "btr rax, rcx",
    "call 75f",
    "lea r12, [r12+128]", // the signal did not kill
    "8:",                 // exit
    "mov edi, r12d",
    "mov eax, 231",
    "syscall",
    "9:", // nobody answers, or all is said
    "mov edi, 1",
    "mov eax, 231",
    "syscall",
    // Subroutines; what they are called with stands 8 bytes further up.
    "71:", // whether the mark is there: rt_sigpending(set, 8)
    "mov eax, 127",
    "lea rdi, [rsp+168]",
    "mov esi, 8",
    "syscall",
    "bt dword ptr [rsp+168], 21",
    "ret",
    "72:", // send ourselves the signal esi: kill(r14, esi)
    "mov eax, 62",
    "mov edi, r14d",
    "syscall",
    "ret",
    "73:", // take one of the signals rax: rt_sigtimedwait(set, siginfo, rdx, 8)
    "mov [rsp+168], rax",
    "mov eax, 128",
    "lea rdi, [rsp+168]",
    "lea rsi, [rsp+24]",
    "mov r10d, 8",
    "syscall",
    "ret",
    "74:", // have the signal r12 do what it does by default: rt_sigaction(r12, action, 0, 8)
    "xor eax, eax",
    "mov [rsp+24], rax",
    "mov [rsp+32], rax",
    "mov [rsp+40], rax",
    "mov [rsp+48], rax",
    "mov eax, 13",
    "mov edi, r12d",
    "lea rsi, [rsp+24]",
    "xor edx, edx",
    "mov r10d, 8",
    "syscall",
    "ret",
    "75:", // block exactly rax: rt_sigprocmask(SIG_SETMASK, set, 0, 8)
    "mov [rsp+168], rax",
    "mov eax, 14",
    "mov edi, 2",
    "lea rsi, [rsp+168]",
    "xor edx, edx",
    "mov r10d, 8",
    "syscall",
    "ret",
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
