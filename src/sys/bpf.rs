//! The few classic BPF instructions that a system call filter is made of.

/// One instruction, laid out as the kernel reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    /// Class, mode and operation.
    pub code: u16,
    /// How many instructions to skip when a test holds.
    pub then_skip: u8,
    /// How many instructions to skip when it does not.
    pub else_skip: u8,
    /// The operand.
    pub operand: u32,
}

/// `BPF_LD | BPF_W | BPF_ABS`: the accumulator becomes a word of `struct seccomp_data`.
pub const LOAD: u16 = 0x20;
/// `BPF_JMP | BPF_JA`: always.
pub const JUMP: u16 = 0x05;
/// `BPF_JMP | BPF_JEQ | BPF_K`.
pub const JUMP_EQUAL: u16 = 0x15;
/// `BPF_JMP | BPF_JGT | BPF_K`, unsigned.
pub const JUMP_ABOVE: u16 = 0x25;
/// `BPF_JMP | BPF_JSET | BPF_K`: do they share a bit?
pub const JUMP_ANY_BIT: u16 = 0x45;
/// `BPF_ALU | BPF_AND | BPF_K`.
pub const AND: u16 = 0x54;
/// `BPF_RET | BPF_K`.
pub const RETURN: u16 = 0x06;

/// Where `struct seccomp_data` has the system call number.
pub const NUMBER: u32 = 0;
/// Where it has the architecture.
pub const ARCHITECTURE: u32 = 4;

/// Where it has the low half of argument `index`, on a little-endian machine.
pub const fn argument(index: u32) -> u32 {
    16 + 8 * index
}

/// Loads the word at `offset` of `struct seccomp_data`.
pub const fn load(offset: u32) -> Instruction {
    plain(LOAD, offset)
}

/// Keeps the bits of `mask`.
pub const fn and(mask: u32) -> Instruction {
    plain(AND, mask)
}

/// Ends the program with `action`.
pub const fn ret(action: u32) -> Instruction {
    plain(RETURN, action)
}

/// Skips `skip` instructions.
pub fn jump(skip: usize) -> Instruction {
    // No program is longer than 4,096 instructions; one that were would not be accepted.
    plain(JUMP, u32::try_from(skip).unwrap_or(u32::MAX))
}

/// Skips `skip` instructions when the accumulator is `value`.
pub const fn if_equal_skip(value: u32, skip: u8) -> Instruction {
    Instruction {
        code: JUMP_EQUAL,
        then_skip: skip,
        else_skip: 0,
        operand: value,
    }
}

/// Goes on when the accumulator is `value`, skips `skip` instructions when it is not.
pub const fn unless_equal_skip(value: u32, skip: u8) -> Instruction {
    Instruction {
        code: JUMP_EQUAL,
        then_skip: 0,
        else_skip: skip,
        operand: value,
    }
}

/// Goes on when the accumulator is above `value`, skips `skip` instructions when it is not.
pub const fn unless_above_skip(value: u32, skip: u8) -> Instruction {
    Instruction {
        code: JUMP_ABOVE,
        then_skip: 0,
        else_skip: skip,
        operand: value,
    }
}

/// Skips `skip` instructions when the accumulator has a bit of `mask`.
pub const fn if_any_bit_skip(mask: u32, skip: u8) -> Instruction {
    Instruction {
        code: JUMP_ANY_BIT,
        then_skip: skip,
        else_skip: 0,
        operand: mask,
    }
}

const fn plain(code: u16, operand: u32) -> Instruction {
    Instruction {
        code,
        then_skip: 0,
        else_skip: 0,
        operand,
    }
}

/// The call that a program is run for.
#[derive(Debug, Clone, Copy)]
pub struct FilteredCall<'a> {
    /// The kernel's number for the calling convention.
    pub architecture: u32,
    /// The number of the call.
    pub number: u32,
    /// Its arguments; those that are not given are zero.
    pub arguments: &'a [u64],
}

impl FilteredCall<'_> {
    /// The word at `offset` of the `struct seccomp_data` that the kernel would make.
    fn word(&self, offset: u32) -> u32 {
        match offset {
            NUMBER => self.number,
            ARCHITECTURE => self.architecture,
            offset => {
                let from_arguments = offset.saturating_sub(16);
                let index = usize::try_from(from_arguments / 8).unwrap_or(usize::MAX);
                let argument = self.arguments.get(index).copied().unwrap_or(0);
                let shift = if from_arguments % 8 == 0 { 0 } else { 32 };
                // Cut to the half that was asked for.
                u32::try_from(argument >> shift & u64::from(u32::MAX)).unwrap_or(u32::MAX)
            }
        }
    }
}

/// The action that `program` ends with for `call`, as the kernel's interpreter would run it; `None`
/// when it has an instruction that is not among those above, or no end.
pub fn action(program: &[Instruction], call: &FilteredCall<'_>) -> Option<u32> {
    let mut accumulator = 0;
    let mut at = 0_usize;
    loop {
        let instruction = program.get(at)?;
        let operand = instruction.operand;
        at += 1;
        let holds = match instruction.code {
            LOAD => {
                accumulator = call.word(operand);
                continue;
            }
            AND => {
                accumulator &= operand;
                continue;
            }
            JUMP => {
                at = at.checked_add(usize::try_from(operand).ok()?)?;
                continue;
            }
            RETURN => return Some(operand),
            JUMP_ABOVE => accumulator > operand,
            JUMP_EQUAL => accumulator == operand,
            JUMP_ANY_BIT => accumulator & operand != 0,
            _ => return None,
        };
        at += usize::from(if holds {
            instruction.then_skip
        } else {
            instruction.else_skip
        });
    }
}
