//! The multicall binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    codex_shell::applet::main(std::env::args_os().collect()).into()
}
