//! What doctor runs inside a sandbox: tries one thing, and says how that went.
//!
//! Not for people, so that it has no help. It does nothing that its caller could not do.

use std::fs;
use std::io::{self, Read};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::Command;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::{Pid, setsid};

use crate::exit::Exit;
use crate::report;
use crate::sys::{canary, pty};

/// The first word by which this binary knows that it is a canary.
pub const WORD: &str = "__canary";
/// What a canary says when nothing held it.
pub const DONE: &str = "done";
/// What a canary says, with the kernel's reason behind it, when something did.
pub const REFUSED: &str = "refused: ";

/// Does what the words behind [`WORD`] ask for.
pub fn main(words: &[String]) -> Exit {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let tried = match words.as_slice() {
        ["run" | "write", file] => fs::write(file, DONE),
        ["mode", file] => fs::set_permissions(file, fs::Permissions::from_mode(0o777)),
        ["tcp", port] => connect(port),
        ["stream", path] => UnixStream::connect(path).map(drop),
        ["datagram", path] => datagram(path),
        ["signal", pid] => {
            process(pid).and_then(|pid| kill(pid, Signal::SIGKILL).map_err(io::Error::from))
        }
        ["trace", pid] => process(pid).and_then(canary::trace),
        ["descriptor", number] => number
            .parse()
            .map_err(io::Error::other)
            .and_then(canary::write_to),
        ["ring"] => canary::make_ring(),
        ["type"] => canary::type_into_terminal(),
        ["terminal", command @ ..] => on_own_terminal(command),
        ["wait"] => io::stdin().read(&mut [0]).map(drop),
        _ => return Exit::Usage,
    };
    let said = match &tried {
        Ok(()) => DONE.to_owned(),
        Err(error) => format!("{REFUSED}{error}"),
    };
    // Whoever started this may be gone.
    let _ = report::print(format!("{said}\n").as_bytes());
    if tried.is_ok() {
        Exit::Success
    } else {
        Exit::Failure
    }
}

/// Runs this binary with the words of `command`, on the terminal at standard input, which becomes that of
/// a new session. Succeeds when somebody has typed into it meanwhile.
///
/// This process leads the session: what was typed would go with the leader.
fn on_own_terminal(command: &[&str]) -> io::Result<()> {
    let terminal = io::stdin();
    setsid()?;
    pty::control(&terminal)?;
    let mut settings = tcgetattr(&terminal)?;
    // A character can be read without the end of its line.
    cfmakeraw(&mut settings);
    tcsetattr(&terminal, SetArg::TCSANOW, &settings)?;
    Command::new(std::env::current_exe()?)
        .args(command)
        .status()?;
    let mut typed = [PollFd::new(terminal.as_fd(), PollFlags::POLLIN)];
    match poll(&mut typed, PollTimeout::ZERO)? {
        0 => Err(io::Error::other("nobody has typed")),
        _ => Ok(()),
    }
}

fn connect(port: &str) -> io::Result<()> {
    let port: u16 = port.parse().map_err(io::Error::other)?;
    TcpStream::connect(("127.0.0.1", port)).map(drop)
}

fn datagram(path: &str) -> io::Result<()> {
    UnixDatagram::unbound()?
        .send_to(DONE.as_bytes(), path)
        .map(drop)
}

fn process(pid: &str) -> io::Result<Pid> {
    pid.parse().map(Pid::from_raw).map_err(io::Error::other)
}
