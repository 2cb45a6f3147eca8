//! `execve-wrapper`, where no broker is: nothing runs, and why is said.

use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output};

const BINARY: &str = env!("CARGO_BIN_EXE_codex-shell");
const UNJUDGED: &str = "codex-shell: error: nothing runs unjudged: ";

/// What the wrapper does under its own name.
fn wrapper(arguments: &[&str], socket: Option<&str>) -> Output {
    let mut command = Command::new(BINARY);
    command.arg0("/some/where/codex-execve-wrapper");
    command.args(arguments).env_clear();
    command.envs(socket.map(|number| ("CODEX_ESCALATE_SOCKET", number)));
    command.output().unwrap()
}

fn expect(output: &Output, status: i32, stderr: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{said}");
    assert!(said.starts_with(stderr), "{said}");
    assert_eq!(output.stdout, b"", "{said}");
}

#[test]
fn without_a_socket_nothing_runs() {
    let program = ["/bin/echo", "echo", "ran"];
    expect(&wrapper(&program, None), 125, UNJUDGED);
    for no_broker in ["0", "77", "-1", "", "x", "99999999", "2"] {
        expect(&wrapper(&program, Some(no_broker)), 125, UNJUDGED);
    }
}

#[test]
fn the_subcommand_is_the_same_program() {
    let output = Command::new(BINARY)
        .args(["execve-wrapper", "/bin/echo", "echo", "ran"])
        .env_remove("CODEX_ESCALATE_SOCKET")
        .output();
    expect(&output.unwrap(), 125, UNJUDGED);
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("codex-execve-wrapper");
    symlink(BINARY, &link).unwrap();
    let output = Command::new(&link)
        .args(["/bin/echo", "echo", "ran"])
        .env_remove("CODEX_ESCALATE_SOCKET")
        .output();
    expect(&output.unwrap(), 125, UNJUDGED);
}

#[test]
fn what_cannot_run_needs_no_broker() {
    let error = "codex-shell: error: ";
    for (file, status, why) in [
        (
            "/nonexistent",
            127,
            "/nonexistent: No such file or directory",
        ),
        ("/etc/passwd/x", 127, "/etc/passwd/x: Not a directory"),
        ("/etc/passwd", 126, "/etc/passwd: Permission denied"),
        ("/", 126, "/: Permission denied"),
    ] {
        expect(
            &wrapper(&[file, "x"], None),
            status,
            &format!("{error}{why}"),
        );
    }
}

#[test]
fn without_a_file_it_says_how_it_is_used() {
    expect(&wrapper(&[], None), 2, "codex-shell: error: usage: ");
    for words in [&["execve-wrapper"][..], &["execve-wrapper", "--nonsense"]] {
        let output = Command::new(BINARY).args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
    }
    let help = Command::new(BINARY)
        .args(["execve-wrapper", "--help"])
        .output();
    assert!(String::from_utf8_lossy(&help.unwrap().stdout).contains("CODEX_ESCALATE_SOCKET"));
}

/// A broker that says nothing, or nonsense, permits nothing.
#[test]
fn a_broker_that_makes_no_sense_permits_nothing() {
    use std::io::Write as _;
    use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
    use std::os::unix::net::UnixStream;

    use nix::sys::socket::{
        AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, socketpair,
    };

    for answer in [
        &b""[..],
        b"\x01",
        b"\x01\x10\0\0\xff\xff\xff\xff",
        b"\x02\x10\0\0\0\0\0\0",
        b"\x01\x13\0\0\0\0\0\0",
        b"\x01\x63\0\0\0\0\0\0",
    ] {
        let (ours, theirs) = socketpair(
            AddressFamily::Unix,
            SockType::SeqPacket,
            None,
            SockFlag::empty(),
        )
        .unwrap();
        let number = theirs.as_raw_fd().to_string();
        let mut command = Command::new(BINARY);
        command
            .arg0("codex-execve-wrapper")
            .args(["/bin/echo", "echo", "ran"]);
        command.env("CODEX_ESCALATE_SOCKET", number);
        command.stdout(std::process::Stdio::piped());
        command.stderr(std::process::Stdio::piped());
        let child = command.spawn().unwrap();
        let mut packet = [0; 8];
        let mut data = [std::io::IoSliceMut::new(&mut packet)];
        let mut space = nix::cmsg_space!(i32);
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let message = recvmsg::<()>(ours.as_raw_fd(), &mut data, Some(&mut space), flags).unwrap();
        let Some(ControlMessageOwned::ScmRights(fds)) = message.cmsgs().unwrap().next() else {
            panic!("no descriptor came");
        };
        // The kernel has just made it for this message.
        #[expect(unsafe_code, reason = "a descriptor that a message brought")]
        // SAFETY: nobody else has it.
        let stream = unsafe { OwnedFd::from_raw_fd(fds[0]) };
        UnixStream::from(stream).write_all(answer).unwrap();
        drop(theirs);
        expect(&child.wait_with_output().unwrap(), 125, UNJUDGED);
    }
}
