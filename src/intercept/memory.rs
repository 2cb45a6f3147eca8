//! Reads a caller's path, arguments and environment out of its memory, within limits.
//!
//! Everything here comes from the sandboxed side: pointers may be anything, strings may end at the
//! last byte before an unmapped page, counts may be huge, and another thread may be writing.

use std::ffi::OsString;
use std::io::IoSliceMut;
use std::os::unix::ffi::OsStringExt;

use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_readv, process_vm_writev};
use nix::unistd::Pid;

use crate::sys::arch::Arch;

/// The longest path that the kernel takes, with its NUL.
const PATH_LIMIT: usize = 4096;
/// The longest argument or variable that the kernel takes, with its NUL.
const STRING_LIMIT: usize = 32 * 4096;
/// The most that arguments and environment may take together, pointers included; the kernel
/// allows three quarters of 8 MiB.
const TOTAL_LIMIT: usize = 6 << 20;
/// The most strings of one vector. The kernel's default limit, a quarter of an 8 MiB stack, has
/// room for more only if they are shorter than eight bytes; the supervisor must not be made to hold
/// a small allocation, and what is thought of it, for each of a million empty strings.
const COUNT_LIMIT: usize = 1 << 17;
const PAGE: u64 = PAGE_BYTES as u64;
const PAGE_BYTES: usize = 4096;
/// How much of each string is read at first; most are shorter.
const CHUNK: usize = 256;
/// How many pieces of memory are read by one call.
const BATCH: usize = 64;

/// The memory of one process.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    tid: Pid,
    pointer: usize,
}

/// A null-terminated vector of strings.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Vector {
    /// The strings.
    pub strings: Vec<OsString>,
    /// The pages where the vector and the strings lie: first address, and the one after the last.
    pub spans: Vec<(u64, u64)>,
}

impl Vector {
    /// Adds the pages that hold these bytes.
    fn note(&mut self, address: u64, size: usize) {
        let first = address - address % PAGE;
        let after = address.saturating_add(size as u64);
        let after = after.checked_next_multiple_of(PAGE).unwrap_or(after);
        match self.spans.last_mut() {
            // As good as always, one string lies beside the one before.
            Some((start, end)) if *start <= first && first <= *end => *end = after.max(*end),
            _ => self.spans.push((first, after)),
        }
    }
}

/// A piece of one page.
#[derive(Debug, Clone, Copy)]
struct Piece {
    address: u64,
    length: usize,
}

impl Piece {
    /// The beginning of what lies there.
    fn at(address: u64) -> Self {
        let to_the_end = usize::try_from(PAGE - address % PAGE).unwrap_or(CHUNK);
        Self {
            address,
            length: CHUNK.min(to_the_end),
        }
    }

    /// Has the beginning of what lies at `address` too, if that is further on in the page.
    fn extend_to(&mut self, address: u64) -> bool {
        let is_in_page = self.address <= address && self.address / PAGE == address / PAGE;
        if is_in_page {
            let offset = usize::try_from(address - self.address).unwrap_or(0);
            self.length = self.length.max(offset + Self::at(address).length);
        }
        is_in_page
    }

    /// How many of its bytes lie at `address` and behind it.
    fn behind(self, address: u64) -> usize {
        let offset = usize::try_from(address.saturating_sub(self.address)).unwrap_or(usize::MAX);
        self.length.saturating_sub(offset)
    }

    /// The pieces, [`BATCH`] at most, that have the beginnings of what lies at the first of these addresses, and for
    /// each such address the number of its piece. What lies one behind the other is one piece.
    fn gather(addresses: &[u64]) -> (Vec<Self>, Vec<usize>) {
        let mut pieces: Vec<Self> = Vec::new();
        let mut numbers = Vec::new();
        for &address in addresses {
            if !pieces
                .last_mut()
                .is_some_and(|last| last.extend_to(address))
            {
                if pieces.len() == BATCH {
                    break;
                }
                pieces.push(Self::at(address));
            }
            numbers.push(pieces.len() - 1);
        }
        (pieces, numbers)
    }
}

impl Memory {
    /// The memory of the thread `tid`, with pointers as `arch` has them.
    pub fn of(tid: Pid, arch: Arch) -> Self {
        Self {
            tid,
            pointer: arch.pointer(),
        }
    }

    /// The path at `address`, without its NUL.
    ///
    /// # Errors
    /// What the kernel would answer: `EFAULT`, `ENAMETOOLONG`.
    pub fn path(self, address: u64) -> Result<Vec<u8>, Errno> {
        self.string(address, &[], PATH_LIMIT, Errno::ENAMETOOLONG)
    }

    /// The path at one address and the vector at another. Both are as good as always short: their
    /// beginnings are read together.
    ///
    /// # Errors
    /// As for [`Memory::path`] and [`Memory::vector`].
    pub fn path_and_vector(self, path: u64, vector: u64) -> Result<(Vec<u8>, Vector), Errno> {
        let pieces = [path, vector].map(Piece::at);
        // Where that fails, each is read by itself and has an error of its own.
        let read = self.pieces(&pieces).unwrap_or_default();
        let [first, _] = pieces;
        let (first, second) = read.split_at_checked(first.length).unwrap_or_default();
        let path = self.string(path, first, PATH_LIMIT, Errno::ENAMETOOLONG)?;
        Ok((path, self.vector_from(vector, second)?))
    }

    /// The strings that the null-terminated vector at `address` points to. A null address is an
    /// empty vector, as for the kernel.
    ///
    /// # Errors
    /// What the kernel would answer: `EFAULT`, `E2BIG`.
    pub fn strings(self, address: u64) -> Result<Vec<OsString>, Errno> {
        Ok(self.vector(address)?.strings)
    }

    /// The same, and where it all lies.
    ///
    /// # Errors
    /// As for [`Memory::strings`].
    pub fn vector(self, address: u64) -> Result<Vector, Errno> {
        self.vector_from(address, &[])
    }

    /// The same, of which the `beginning` was read.
    fn vector_from(self, address: u64, beginning: &[u8]) -> Result<Vector, Errno> {
        let mut vector = Vector::default();
        if address == 0 {
            return Ok(vector);
        }
        let pointers = self.pointers(address, beginning)?;
        let size = (pointers.len() + 1) * self.pointer;
        let mut left = TOTAL_LIMIT.saturating_sub(size);
        vector.note(address, size);
        let mut rest = pointers.as_slice();
        while !rest.is_empty() {
            let (pieces, numbers) = Piece::gather(rest);
            let read = self.pieces(&pieces)?;
            let mut ends = Vec::with_capacity(pieces.len());
            for piece in &pieces {
                ends.push(ends.last().copied().unwrap_or(0) + piece.length);
            }
            let (batch, after) = rest.split_at_checked(numbers.len()).ok_or(Errno::EFAULT)?;
            rest = after;
            for (&address, number) in batch.iter().zip(numbers) {
                let (piece, end) = pieces
                    .get(number)
                    .zip(ends.get(number))
                    .ok_or(Errno::EFAULT)?;
                let start = end
                    .checked_sub(piece.behind(address))
                    .ok_or(Errno::EFAULT)?;
                let beginning = read.get(start..*end).ok_or(Errno::EFAULT)?;
                let limit = STRING_LIMIT.min(left);
                let bytes = self.string(address, beginning, limit, Errno::E2BIG)?;
                left = left.checked_sub(bytes.len() + 1).ok_or(Errno::E2BIG)?;
                vector.note(address, bytes.len() + 1);
                vector.strings.push(OsString::from_vec(bytes));
            }
        }
        Ok(vector)
    }

    /// Writes to the process; only ever used on the proxy's own buffer.
    ///
    /// # Errors
    /// `EFAULT`, `ESRCH`, or a short write as `EFAULT`.
    pub fn write(self, address: u64, bytes: &[u8]) -> Result<(), Errno> {
        let remote = [RemoteIoVec {
            base: narrow(address)?,
            len: bytes.len(),
        }];
        let written = process_vm_writev(self.tid, &[std::io::IoSlice::new(bytes)], &remote)?;
        if written == bytes.len() {
            Ok(())
        } else {
            Err(Errno::EFAULT)
        }
    }

    /// The pointers of a null-terminated vector, without the null; its `beginning` was read.
    fn pointers(self, address: u64, beginning: &[u8]) -> Result<Vec<u64>, Errno> {
        let mut pointers = Vec::new();
        if self.take_pointers(beginning, &mut pointers) {
            return Ok(pointers);
        }
        let known = (pointers.len() * self.pointer) as u64;
        let mut at = address.checked_add(known).ok_or(Errno::EFAULT)?;
        loop {
            let mut page = vec![0; usize::try_from(PAGE - at % PAGE).unwrap_or(0)];
            if page.len() < self.pointer {
                page.resize(self.pointer, 0); // an unaligned vector, across two pages
            }
            let read = self.read(at, &mut page)?;
            let whole = read - read % self.pointer;
            if whole == 0 {
                return Err(Errno::EFAULT);
            }
            if self.take_pointers(page.get(..whole).unwrap_or_default(), &mut pointers) {
                return Ok(pointers);
            }
            if pointers.len() > COUNT_LIMIT {
                return Err(Errno::E2BIG);
            }
            at = at.checked_add(whole as u64).ok_or(Errno::EFAULT)?;
        }
    }

    /// Adds the pointers in `bytes` up to the null; whether it is among them.
    fn take_pointers(self, bytes: &[u8], pointers: &mut Vec<u64>) -> bool {
        for bytes in bytes.chunks_exact(self.pointer) {
            let value = bytes
                .iter()
                .rev()
                .fold(0, |value, &b| value << 8 | u64::from(b));
            if value == 0 {
                return true;
            }
            pointers.push(value);
        }
        false
    }

    /// What lies there, one behind the other.
    fn pieces(self, pieces: &[Piece]) -> Result<Vec<u8>, Errno> {
        let mut remote = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let base = narrow(piece.address)?;
            let len = piece.length;
            remote.push(RemoteIoVec { base, len });
        }
        let mut bytes = vec![0; pieces.iter().map(|piece| piece.length).sum()];
        let local = &mut [IoSliceMut::new(&mut bytes)];
        // No piece crosses a page, so that a short read means a bad pointer.
        if process_vm_readv(self.tid, local, &remote)? == bytes.len() {
            Ok(bytes)
        } else {
            Err(Errno::EFAULT)
        }
    }

    /// The string at `address`, of which the `beginning` was read.
    fn string(
        self,
        address: u64,
        beginning: &[u8],
        limit: usize,
        too_long: Errno,
    ) -> Result<Vec<u8>, Errno> {
        let mut parts = beginning.split(|&b| b == 0);
        let mut string = parts.next().unwrap_or_default().to_vec();
        if parts.next().is_none() {
            let known = beginning.len() as u64;
            let rest = address.checked_add(known).ok_or(Errno::EFAULT)?;
            self.rest_of_string(rest, &mut string, limit, too_long)?;
        }
        Ok(string)
    }

    /// Appends the bytes from `address` to the next NUL, page by page.
    fn rest_of_string(
        self,
        address: u64,
        string: &mut Vec<u8>,
        limit: usize,
        too_long: Errno,
    ) -> Result<(), Errno> {
        let mut at = address;
        let mut page = [0; PAGE_BYTES];
        while string.len() < limit {
            let length = usize::try_from(PAGE - at % PAGE).unwrap_or(0);
            let piece = page.get_mut(..length).ok_or(Errno::EFAULT)?;
            if self.read(at, piece)? != length {
                return Err(Errno::EFAULT);
            }
            match piece.iter().position(|&b| b == 0) {
                Some(end) => {
                    string.extend(piece.iter().take(end));
                    return if string.len() < limit {
                        Ok(())
                    } else {
                        Err(too_long)
                    };
                }
                None => string.extend_from_slice(piece),
            }
            at = at.checked_add(length as u64).ok_or(Errno::EFAULT)?;
        }
        Err(too_long)
    }

    /// Reads as many bytes as there is room for, or the first of them; how many.
    ///
    /// # Errors
    /// There are none.
    pub fn read(self, address: u64, bytes: &mut [u8]) -> Result<usize, Errno> {
        let remote = [RemoteIoVec {
            base: narrow(address)?,
            len: bytes.len(),
        }];
        process_vm_readv(self.tid, &mut [IoSliceMut::new(bytes)], &remote)
    }
}

fn narrow(address: u64) -> Result<usize, Errno> {
    usize::try_from(address).map_err(|_| Errno::EFAULT)
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;

    use super::*;

    fn own() -> Memory {
        Memory::of(nix::unistd::gettid(), Arch::Native)
    }

    fn vector(strings: &[CString]) -> Vec<u64> {
        strings
            .iter()
            .map(|s| s.as_ptr().addr() as u64)
            .chain([0])
            .collect()
    }

    #[test]
    fn strings_of_every_length_are_read_whole() {
        let lengths = [0, 1, 255, 256, 257, 4095, 4096, 4097, STRING_LIMIT - 1];
        let strings: Vec<_> = lengths
            .iter()
            .map(|&n| CString::new(vec![b'x'; n]).unwrap())
            .collect();
        let read = own()
            .strings(vector(&strings).as_ptr().addr() as u64)
            .unwrap();
        assert_eq!(read.iter().map(|s| s.len()).collect::<Vec<_>>(), lengths);
    }

    /// Wherever they lie: one behind the other as the kernel has them, in any order, each in a page of its own, or all
    /// in one place.
    #[test]
    fn strings_are_read_wherever_they_lie() {
        let words: Vec<Vec<u8>> = (0..3000)
            .map(|n: usize| format!("{n}{}\0", "x".repeat(n % 300)).into_bytes())
            .collect();
        let memory = words.concat();
        let start = memory.as_ptr().addr() as u64;
        let offset = |n: usize| words.iter().take(n).map(Vec::len).sum::<usize>() as u64;
        let addresses: Vec<u64> = (0..3000).map(|n| start + offset(n)).collect();
        let read = |numbers: Vec<usize>| {
            let pointers: Vec<u64> = numbers.iter().map(|&n| addresses[n]).chain([0]).collect();
            let found = own().strings(pointers.as_ptr().addr() as u64).unwrap();
            let expected: Vec<_> = numbers
                .iter()
                .map(|&n| words[n].split_last().unwrap().1)
                .collect();
            assert!(
                found.iter().map(|s| s.as_encoded_bytes()).eq(expected),
                "{numbers:?}"
            );
        };
        read((0..3000).collect());
        read((0..3000).rev().collect());
        read((0..3000).map(|n| n * 7 % 3000).collect());
        read((0..3000).map(|n| n / 50 * 50).collect());
        read(vec![42; 3000]);
    }

    #[test]
    fn many_strings_are_read_in_order() {
        let strings: Vec<_> = (0..5000)
            .map(|n| CString::new(n.to_string()).unwrap())
            .collect();
        let read = own()
            .strings(vector(&strings).as_ptr().addr() as u64)
            .unwrap();
        assert!(read.iter().enumerate().all(|(n, s)| *s == *n.to_string()));
        assert_eq!(read.len(), 5000);
    }

    #[test]
    fn path_and_vector_are_read_together_as_each_by_itself() {
        let words = [c"/bin/echo".to_owned(), c"".to_owned(), c"word".to_owned()];
        let few = vector(&words);
        let copies = vec![words[2].clone(); 100];
        let many = vector(&copies);
        let long = CString::new(vec![b'x'; 1000]).unwrap();
        let page = vec![b'p'; 3 * PAGE_BYTES];
        let address = |pointer: *const u8| pointer.addr() as u64;
        let end = (address(page.as_ptr()) + 2 * PAGE) / PAGE * PAGE;
        let wild = [0, 8, u64::MAX];
        let paths = [
            address(words[0].as_ptr().cast()),
            address(long.as_ptr().cast()),
            end - 1,
        ];
        for path in paths.into_iter().chain(wild) {
            for vector in [&few, &many]
                .map(|v| address(v.as_ptr().cast()))
                .into_iter()
                .chain(wild)
            {
                let each = own()
                    .path(path)
                    .and_then(|p| Ok((p, own().vector(vector)?)));
                assert_eq!(
                    own().path_and_vector(path, vector),
                    each,
                    "{path:#x} {vector:#x}"
                );
            }
        }
        let (path, vector) = own()
            .path_and_vector(paths[0], address(few.as_ptr().cast()))
            .unwrap();
        assert_eq!(path, b"/bin/echo");
        assert_eq!(vector.strings, ["/bin/echo", "", "word"]);
    }

    #[test]
    fn bad_pointers_and_sizes_are_the_kernels_errors() {
        let long = [CString::new(vec![b'x'; STRING_LIMIT]).unwrap()];
        let vector_of_long = vector(&long);
        assert_eq!(
            own().strings(vector_of_long.as_ptr().addr() as u64),
            Err(Errno::E2BIG)
        );
        assert_eq!(
            own().path(long[0].as_ptr().addr() as u64),
            Err(Errno::ENAMETOOLONG)
        );
        assert_eq!(
            own().strings([8u64, 0].as_ptr().addr() as u64),
            Err(Errno::EFAULT)
        );
        for wild in [1, 4095, u64::MAX, u64::MAX - 7, 1 << 63] {
            assert_eq!(own().strings(wild), Err(Errno::EFAULT), "{wild:#x}");
            assert_eq!(own().path(wild), Err(Errno::EFAULT), "{wild:#x}");
        }
        assert_eq!(own().strings(0), Ok(vec![]));
        let endless = vec![long[0].as_ptr().addr() as u64; COUNT_LIMIT + 4096];
        assert_eq!(
            own().strings(endless.as_ptr().addr() as u64),
            Err(Errno::E2BIG)
        );
    }
}
