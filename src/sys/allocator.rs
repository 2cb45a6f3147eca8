//! How the C library's allocator gets memory from the kernel.

#![cfg_attr(
    target_env = "gnu",
    expect(unsafe_code, reason = "mallopt(3) has no safe wrapper")
)]

/// For a process that is short: it takes memory in large pieces, all threads from the same ones,
/// and gives none back. What it may have in all is for [`super::rlimit`] to say.
pub fn keep_memory() {
    #[cfg(target_env = "gnu")]
    for (option, value) in [
        (libc::M_ARENA_MAX, 1),
        (libc::M_TOP_PAD, 4 << 20),
        (libc::M_TRIM_THRESHOLD, i32::MAX),
        (libc::M_MMAP_THRESHOLD, 32 << 20),
    ] {
        // SAFETY: takes integers only. A refusal leaves the default, which is as good but slower.
        unsafe { libc::mallopt(option, value) };
    }
}
