#![no_main]
#[path = "../read_back.rs"]
mod read_back;
#[path = "../targets.rs"]
#[allow(dead_code, reason = "each program feeds one of them")]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    targets::frames(data);
});
