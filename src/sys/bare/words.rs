//! Words as the kernel lays them out, and memory for more of them.

use core::ffi::{CStr, c_char};

use super::{ENOMEM, Errno, address, call, calls};

/// An argument vector or an environment, ended by a null, as the kernel laid it out.
#[derive(Debug)]
pub struct ArgumentWords {
    first: *mut *const c_char,
    count: usize,
}

impl ArgumentWords {
    /// Arguments and variables where the kernel leaves them.
    ///
    /// # Safety
    ///
    /// `stack` is the stack pointer with which the program began, and this is the only look at what
    /// lies there.
    pub(super) unsafe fn on_stack(stack: *mut usize) -> (Self, Self) {
        // SAFETY: a count, so many addresses, a null, the addresses of the variables, a null.
        unsafe {
            let count = *stack;
            let arguments = Self {
                first: stack.add(1).cast(),
                count,
            };
            let first: *mut *const c_char = stack.add(count + 2).cast();
            let mut count = 0;
            while !(*first.add(count)).is_null() {
                count += 1;
            }
            (arguments, Self { first, count })
        }
    }

    /// Where the vector begins, for the kernel.
    pub(super) fn first(&self) -> usize {
        address(self.first)
    }

    pub fn count(&self) -> usize {
        self.count
    }

    pub fn get(&self, index: usize) -> Option<&'static CStr> {
        // SAFETY: within the vector; each of its strings has an end, and is there until the
        // program ends: all of them are the kernel's or were leaked.
        (index < self.count).then(|| unsafe { CStr::from_ptr(*self.first.add(index)) })
    }

    /// Does nothing where there is no such place.
    pub fn set(&mut self, index: usize, word: &'static CStr) {
        if index < self.count {
            // SAFETY: within the vector.
            unsafe { *self.first.add(index) = word.as_ptr() };
        }
    }

    /// The same vector from word `count` on: what is set there is set here.
    pub fn skip(&self, count: usize) -> Self {
        let count = count.min(self.count);
        // SAFETY: no farther than the null at the end.
        let first = unsafe { self.first.add(count) };
        Self {
            first,
            count: self.count - count,
        }
    }

    /// Keeps the words that `keep` wants.
    pub fn retain(&mut self, keep: impl Fn(&'static CStr) -> bool) {
        let mut kept = 0;
        for index in 0..self.count {
            if let Some(word) = self.get(index)
                && keep(word)
            {
                self.set(kept, word);
                kept += 1;
            }
        }
        // SAFETY: no farther than the null at the end.
        unsafe { *self.first.add(kept) = core::ptr::null() };
        self.count = kept;
    }

    /// With one word more, in memory of its own.
    pub fn with(self, word: &'static CStr) -> Result<Self, Errno> {
        let bytes = (self.count + 2) * size_of::<*const c_char>();
        let first: *mut *const c_char = memory(bytes)?.as_mut_ptr().cast();
        // SAFETY: the new memory is aligned to a page, is zero, and has room for the words, the
        // new one and a null.
        unsafe {
            core::ptr::copy_nonoverlapping(self.first, first, self.count);
            *first.add(self.count) = word.as_ptr();
        }
        Ok(Self {
            first,
            count: self.count + 1,
        })
    }
}

/// The bytes from the first of `arguments` to the last of `variables`, each word with its NUL: the
/// kernel puts them one behind the other.
pub fn strings(arguments: &ArgumentWords, variables: &ArgumentWords) -> &'static [u8] {
    let last = |words: &ArgumentWords| words.get(words.count().checked_sub(1)?);
    let Some((first, last)) = arguments.get(0).zip(last(variables).or(last(arguments))) else {
        return &[];
    };
    let first = first.as_ptr().cast::<u8>();
    let end = last.to_bytes_with_nul().as_ptr_range().end;
    // SAFETY: one stretch of the stack, which stays as it is until the program ends.
    unsafe { core::slice::from_raw_parts(first, end.addr().saturating_sub(first.addr())) }
}

/// So many bytes of zero, kept until the program ends.
pub fn memory(bytes: usize) -> Result<&'static mut [u8], Errno> {
    const READ_WRITE: usize = 3;
    const PRIVATE_ANONYMOUS: usize = 0x22;
    let bytes = bytes.max(1);
    let address = call(
        calls::mmap,
        [0, bytes, READ_WRITE, PRIVATE_ANONYMOUS, usize::MAX, 0],
    )?;
    // SAFETY: the kernel has just mapped it, for nobody else.
    Ok(unsafe {
        core::slice::from_raw_parts_mut(core::ptr::with_exposed_provenance_mut(address), bytes)
    })
}

/// The parts as one text.
pub fn text(parts: &[&[u8]]) -> Result<&'static CStr, Errno> {
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    let memory = memory(length + 1)?;
    let mut rest = &mut memory[..];
    for part in parts {
        let (room, after) = rest.split_at_mut_checked(part.len()).ok_or(ENOMEM)?;
        room.copy_from_slice(part);
        rest = after;
    }
    CStr::from_bytes_until_nul(memory).map_err(|_| ENOMEM)
}

/// A number in decimal.
pub fn parse(digits: &[u8]) -> Option<i32> {
    let text = core::str::from_utf8(digits).ok()?;
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}
