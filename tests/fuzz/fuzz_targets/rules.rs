#![no_main]
#[path = "../read_back.rs"]
mod read_back;
#[path = "../targets.rs"]
#[allow(dead_code, reason = "each program feeds one of them")]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let program = std::env::var_os("CODEX_SHELL").expect("CODEX_SHELL names the program");
    targets::rules(data, program.as_ref(), &std::env::temp_dir());
});
