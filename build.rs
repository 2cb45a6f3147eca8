//! Builds the wrapper, a program of a few thousand bytes that the library holds: see
//! `src/wrapper/image/main.rs`.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/wrapper/image");
    println!("cargo::rerun-if-changed=src/sys/bare");
    println!("cargo::rerun-if-changed=src/sys/arch");
    let image = PathBuf::from(variable("OUT_DIR")?).join("codex-execve-wrapper");
    let mut compiler = Command::new(variable("RUSTC")?);
    // Where the machine is another, cargo has been told what links for it.
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        let mut option = OsString::from("linker=");
        option.push(linker);
        compiler.arg("-C").arg(option);
    }
    // Rust brings musl's start of programs along.
    if variable("CARGO_CFG_TARGET_ENV")? == "musl" {
        compiler.args(["-C", "link-self-contained=no"]);
    }
    let status = compiler
        .args(["src/wrapper/image/main.rs", "--crate-name", "wrapper"])
        .args(["--edition", "2024", "--crate-type", "bin", "--target"])
        .arg(variable("TARGET")?)
        .args(["-C", "opt-level=s", "-C", "lto=fat", "-C", "panic=abort"])
        .args(["-C", "relocation-model=static", "-C", "strip=symbols"])
        .args(["-C", "target-feature=+crt-static"])
        // One piece to load, and nothing that the kernel need not look at.
        .args(["-C", "link-arg=-nostdlib", "-C", "link-arg=-nostartfiles"])
        .args(["-C", "link-arg=-static", "-C", "link-arg=-no-pie", "-C"])
        .arg("link-arg=-Wl,--build-id=none,-z,noseparate-code,-z,norelro")
        .arg("-o")
        .arg(&image)
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("the wrapper can't be built: {status}")),
        Err(error) => Err(format!("the compiler can't be started: {error}")),
    }
}

fn variable(name: &str) -> Result<OsString, String> {
    env::var_os(name).ok_or_else(|| format!("{name} is not set"))
}
