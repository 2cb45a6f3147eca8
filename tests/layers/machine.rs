//! What is true of one processor only.

/// Words of a processor, or parts of them.
const MACHINE_WORDS: &[&str] = &[
    "x86_64",
    "i386",
    "aarch64",
    "target_arch",
    "audit_arch",
    "user_regs",
    "user_pt_regs",
    "getregs",
    "setregs",
];

/// Its registers, and what gives them to the compiler.
const REGISTERS: &[&str] = &[
    "asm",
    "global_asm",
    "naked_asm",
    "rax",
    "rbx",
    "rcx",
    "rdx",
    "rsi",
    "rdi",
    "rbp",
    "rsp",
    "rip",
    "r8",
    "r9",
    "r10",
    "r11",
    "r12",
    "r13",
    "r14",
    "r15",
    "orig_rax",
    "eflags",
    "pstate",
];

/// The kernel's numbers for calling conventions: x86-64, i386, Arm in 64 and 32 bits.
const CONVENTIONS: [u32; 4] = [0xc000_003e, 0x4000_0003, 0xc000_00b7, 0x4000_0028];

/// The first that is true of one processor only: a word, a register, a convention's number, or the number
/// of a system call, where it is made, compared, or told with its convention.
pub(super) fn only_of_one(tokens: &[String]) -> Option<&String> {
    let is_machines = |token: &String| {
        let lower = token.to_lowercase();
        MACHINE_WORDS.iter().any(|word| lower.contains(word))
            || REGISTERS.contains(&lower.as_str())
            || value(&lower).is_some_and(|value| CONVENTIONS.contains(&value))
    };
    (0..tokens.len())
        .find(|&at| is_machines(&tokens[at]) || is_call_number(&tokens[..=at]))
        .map(|at| &tokens[at])
}

/// Whether the last of the tokens is the number of a system call.
fn is_call_number(tokens: &[String]) -> bool {
    let last: Vec<&str> = tokens.iter().rev().take(6).map(String::as_str).collect();
    last[0].starts_with(|first: char| first.is_ascii_digit())
        && matches!(
            last[1..],
            ["(", "syscall", ..]
                | [",", "Native" | "Compat", ..]
                | [
                    "=",
                    "=" | "!",
                    "number" | "nr",
                    ".",
                    "call" | "notification" | "data"
                ]
        )
}

/// The value of a hexadecimal number, as it is written in Rust.
fn value(token: &str) -> Option<u32> {
    let digits = token.strip_prefix("0x")?.replace('_', "");
    u32::from_str_radix(digits.trim_end_matches("u32"), 16).ok()
}
