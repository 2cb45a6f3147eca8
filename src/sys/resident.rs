//! How much of the program is in memory.

#![expect(unsafe_code, reason = "madvise(2) is not wrapped for addresses")]

use std::path::Path;
use std::time::Duration;

use nix::libc;

use super::read_capped::read_capped;

/// A longer table of mappings is not looked at, in bytes.
const LONGEST: usize = 4 << 20;

/// Lets go of the pages of this program's code, of which starting needs far more than going on. What
/// is executed again is found in the kernel's page cache.
pub fn let_code_go() {
    let here = let_code_go as *const () as usize;
    let maps = table("/proc/self/maps");
    let code = maps
        .lines()
        .filter_map(code)
        .find(|&(start, end)| start <= here && here < end);
    if let Some((start, end)) = code {
        // SAFETY: the mapping holds the executable's code, which nobody can write, neither here nor
        // in the file as long as that runs: what is dropped is read again as it was. A failure
        // changes nothing.
        unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_DONTNEED) };
    }
}

/// A table of mappings; empty if it can't be read.
fn table(path: &str) -> String {
    let read = read_capped(Path::new(path), LONGEST, Duration::ZERO);
    String::from_utf8_lossy(&read.unwrap_or_default()).into_owned()
}

/// The addresses of a line of `/proc/PID/maps` about code.
fn code(line: &str) -> Option<(usize, usize)> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let address = |text| usize::from_str_radix(text, 16).ok();
    let found = (address(start)?, address(end)?);
    rest.starts_with("r-xp ").then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of code in memory.
    fn resident() -> u64 {
        let smaps = table("/proc/self/smaps");
        let here = let_code_go as *const () as usize;
        let mut lines = smaps.lines();
        lines.find(|line| code(line).is_some_and(|(start, end)| start <= here && here < end));
        let size = lines.find_map(|line| line.strip_prefix("Rss:")).unwrap();
        size.trim().trim_end_matches(" kB").parse().unwrap()
    }

    #[test]
    fn the_program_goes_on_with_less() {
        let before = resident();
        let_code_go();
        let after = resident();
        assert!(0 < after && after < before, "{before} kB, {after} kB");
        assert_eq!(
            code("55d0-55e0 r-xp 00001000 fe:00 1 /bin/x"),
            Some((0x55d0, 0x55e0))
        );
        assert_eq!(code("55d0-55e0 r--p 00001000 fe:00 1 /bin/x"), None);
    }
}
