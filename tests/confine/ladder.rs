//! `codex-shell run` where the machine lacks something: each lack is said, refused when required,
//! and opens no door.
//!
//! The lacks are made by a system call filter around the program, as a container's would be.

#![expect(
    unsafe_code,
    reason = "prctl(2) installs the filter that takes calls away"
)]

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Output, Stdio};

use codex_shell::sys::bpf::{
    Instruction, NUMBER, argument, if_any_bit_skip, if_equal_skip, load, ret,
};
use codex_shell::sys::seccomp;
use nix::errno::Errno;
use nix::libc;
use serde_json::{Value, json};

use crate::support::{Outcome, World, codex_shell, ensure, text};
use crate::{Check, TAKE_AWAY};

pub(crate) const CHECKS: &[Check] = &[
    ("canaries_are_held", canaries_are_held),
    ("canaries_can_sing", canaries_can_sing),
    ("inert_guards_are_found", inert_guards_are_found),
    ("nothing_is_taken_away", nothing_is_taken_away),
    ("without_new_namespaces", without_new_namespaces),
    ("without_landlock", without_landlock),
    ("served_without_landlock", served_without_landlock),
    ("without_both", without_both),
    ("under_another_listener", under_another_listener),
    ("without_ptrace", without_ptrace),
    ("without_reading_memory", without_reading_memory),
    ("without_taking_descriptors", without_taking_descriptors),
    ("without_anonymous_files", without_anonymous_files),
    (
        "without_executable_anonymous_files",
        without_executable_anonymous_files,
    ),
];

/// A rule that forbids, one that lets out, and a script that tries both.
const RULES: &str = "
prefix_rule(pattern = [\"chgrp\"], decision = \"forbidden\", justification = \"for this test\")
prefix_rule(pattern = [\"id\"], decision = \"allow\")
";
const SCRIPT: &str = "chgrp --version >/dev/null; echo chgrp $?; id >/dev/null; echo id $?; \
                      true; echo true $?; echo x > ../../out/canary; echo write $?";

const NAMESPACES: &str = "namespaces";
const LISTENER: &str = "listener";
/// Before the number of a call that succeeds and does nothing: the guard it is there for is inert, and
/// whoever made it does not know.
const INERT: &str = "inert:";

/// A system call to take away, as a word of the command line.
fn call(number: libc::c_long) -> String {
    number.to_string()
}

/// Takes away what the first word lists, then becomes the rest.
pub(crate) fn take_away(arguments: &[String]) -> ExitCode {
    let [_, list, program, rest @ ..] = arguments else {
        return ExitCode::FAILURE;
    };
    if !nix::unistd::geteuid().is_root() {
        nix::sys::prctl::set_no_new_privs().unwrap();
    }
    for word in list.split(',') {
        match word {
            "" => {}
            LISTENER => {
                let pass = [ret(seccomp::ALLOW)];
                // Kept open by the process that is about to become the program.
                let listener = seccomp::install_with_listener(&pass).unwrap();
                nix::fcntl::fcntl(
                    &listener,
                    nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty()),
                )
                .unwrap();
                std::mem::forget(listener);
            }
            NAMESPACES => install(&without_namespaces()),
            inert if inert.starts_with(INERT) => {
                let number = inert.trim_start_matches(INERT).parse().unwrap();
                install(&answered(number, ret(seccomp::fail(Errno::from_raw(0)))));
            }
            number => install(&without(number.parse().unwrap())),
        }
    }
    let error = Command::new(program).args(rest).exec();
    panic!("{error}");
}

fn refuse() -> Instruction {
    ret(seccomp::fail(Errno::EPERM))
}

fn without(number: u32) -> Vec<Instruction> {
    answered(number, refuse())
}

fn answered(number: u32, answer: Instruction) -> Vec<Instruction> {
    vec![
        load(NUMBER),
        if_equal_skip(number, 1),
        ret(seccomp::ALLOW),
        answer,
    ]
}

/// `clone` with a `CLONE_NEW*` flag, and `unshare`.
fn without_namespaces() -> Vec<Instruction> {
    let (clone, unshare) = (libc::SYS_clone, libc::SYS_unshare);
    vec![
        load(NUMBER),
        if_equal_skip(u32::try_from(unshare).unwrap(), 5),
        if_equal_skip(u32::try_from(clone).unwrap(), 1),
        ret(seccomp::ALLOW),
        load(argument(0)),
        if_any_bit_skip(0x7e02_0000, 1),
        ret(seccomp::ALLOW),
        refuse(),
    ]
}

fn install(filter: &[Instruction]) {
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).unwrap(),
        filter: filter.as_ptr().cast::<libc::sock_filter>().cast_mut(),
    };
    // SAFETY: the program lives until the call returns, and has the layout that the kernel reads.
    let result = unsafe { libc::prctl(libc::PR_SET_SECCOMP, 2, &raw const program) };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

/// What `run` did without `list`, in a world whose rules are as above.
struct Ran {
    output: Output,
    _world: World,
    intact: bool,
}

impl Ran {
    fn without(list: &[String], options: &[&str]) -> Self {
        let world = World::new();
        let rules = world.outside.join("test.rules");
        fs::write(&rules, RULES).unwrap();
        let output = Command::new(env::current_exe().unwrap())
            .arg(TAKE_AWAY)
            .arg(list.join(","))
            .arg(codex_shell())
            .args(["run", "--ask", "deny", "--timeout", "60s", "--rules"])
            .arg(rules)
            .args(options)
            .args(["-c", SCRIPT])
            .output()
            .unwrap();
        let intact = text(world.outside.join("canary")) == "canary";
        Self {
            output,
            _world: world,
            intact,
        }
    }

    fn said(&self) -> String {
        let (out, err) = (&self.output.stdout, &self.output.stderr);
        format!(
            "{}{}{}",
            self.output.status,
            String::from_utf8_lossy(out),
            String::from_utf8_lossy(err)
        )
    }

    /// It ran, and standard output has all of `lines`.
    fn printed(&self, lines: &[&str]) -> Outcome {
        let out = String::from_utf8_lossy(&self.output.stdout);
        let all = lines.iter().all(|line| out.lines().any(|l| l == *line));
        ensure(all && self.intact, &self.said())
    }

    fn complained(&self, words: &str) -> Outcome {
        let err = String::from_utf8_lossy(&self.output.stderr);
        ensure(err.contains(words) && self.intact, &self.said())
    }

    /// Nothing ran, for this reason.
    fn refused(&self, words: &str) -> Outcome {
        let nothing = self.output.status.code() == Some(125) && self.output.stdout.is_empty();
        ensure(nothing, &self.said())?;
        self.complained(words)
    }
}

/// Without `list` the layer is missing, which is said with `lost`; required, nothing runs.
fn missing(list: &[String], layer: &str, lost: &str, lines: &[&str]) -> Outcome {
    let ran = Ran::without(list, &[]);
    ran.complained(&format!("codex-shell: no {layer}: "))?;
    ran.complained(lost)?;
    ran.printed(lines)?;
    let required = Ran::without(list, &["--require", layer]);
    required.refused(&format!("the layer `{layer}` is required"))
}

const AS_EVER: &[&str] = &["chgrp 1", "id 0", "true 0", "write 1"];

fn nothing_is_taken_away() -> Outcome {
    let ran = Ran::without(&[], &["--require", "interceptor"]);
    ran.printed(AS_EVER)?;
    ran.complained("for this test")
}

fn without_new_namespaces() -> Outcome {
    let lost = "what the command started may outlive it";
    missing(&[NAMESPACES.into()], "namespaces", lost, AS_EVER)
}

fn without_landlock() -> Outcome {
    let list = [call(libc::SYS_landlock_create_ruleset)];
    missing(&list, "landlock", "a second guard", AS_EVER)
}

/// The sandbox's first process has a session of its own then, and what runs outside another.
fn served_without_landlock() -> Outcome {
    let world = World::new();
    let rules = world.outside.join("test.rules");
    fs::write(&rules, RULES).unwrap();
    let mut server = Command::new(env::current_exe().unwrap())
        .arg(TAKE_AWAY)
        .arg(call(libc::SYS_landlock_create_ruleset))
        .arg(codex_shell())
        .args(["serve", "--sandbox", "workspace-write", "--rules"])
        .arg(rules)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = server.stdin.take().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let arguments = json!({ "command": SCRIPT, "workdir": world.workspace, "login": false });
    let mut answer = String::new();
    for (id, method, params) in [
        (
            1,
            "initialize",
            json!({
                "protocolVersion": "2025-06-18", "capabilities": {},
                "clientInfo": { "name": "test", "version": "1" },
            }),
        ),
        (
            2,
            "tools/call",
            json!({ "name": "shell", "arguments": arguments }),
        ),
    ] {
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        writeln!(input, "{request}").unwrap();
        answer = lines.next().unwrap().unwrap();
    }
    drop(input);
    server.wait().unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let result = &answer["result"]["structuredContent"];
    let out = result["stdout"].as_str().unwrap_or_default();
    let all = AS_EVER.iter().all(|line| out.lines().any(|l| l == *line));
    ensure(all, &answer.to_string())
}

fn without_both() -> Outcome {
    let list = [NAMESPACES.into(), call(libc::SYS_landlock_create_ruleset)];
    Ran::without(&list, &[]).refused("nothing would guard files here")
}

fn under_another_listener() -> Outcome {
    Ran::without(&[LISTENER.into()], &[]).refused("another program listens")
}

fn without_ptrace() -> Outcome {
    // An exec that can't be replaced fails: the forbidden one and the one that would leave.
    let lines = ["chgrp 126", "id 126", "true 0", "write 1"];
    let list = [call(libc::SYS_ptrace)];
    missing(&list, "interceptor", "don't start", &lines)
}

fn without_reading_memory() -> Outcome {
    let list = [call(libc::SYS_process_vm_readv)];
    Ran::without(&list, &[]).refused("programs can't be judged here: reading memory")
}

fn without_taking_descriptors() -> Outcome {
    let lines = ["chgrp 1", "id 1", "true 0", "write 1"];
    let list = [call(libc::SYS_pidfd_getfd)];
    missing(&list, "interceptor", "pidfd_getfd", &lines)?;
    Ran::without(&list, &[]).complained("can't be run outside")
}

fn without_anonymous_files() -> Outcome {
    let list = [call(libc::SYS_memfd_create)];
    Ran::without(&list, &[]).refused("the rules loader can't be started: ")
}

/// By the kernel's own switch for it, in a pid namespace of its own.
fn without_executable_anonymous_files() -> Outcome {
    if !nix::unistd::geteuid().is_root() {
        return Ok(()); // the switch is root's
    }
    let script = "echo 2 > /proc/sys/vm/memfd_noexec && exec \"$@\"";
    let output = Command::new("unshare")
        .args(["--pid", "--fork", "--mount-proc", "sh", "-c", script, "sh"])
        .arg(codex_shell())
        .args(["run", "--ask", "deny", "-C", "/var/tmp", "-c", "echo ran"])
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    ensure(
        output.status.code() == Some(125)
            && output.stdout.is_empty()
            && err.contains("vm.memfd_noexec"),
        &format!("{output:?}"),
    )
}

/// Doctor's canaries in a sandbox of this mode, without `list`: its status, their names and outcomes.
fn canaries(list: &[String], mode: &str) -> (Option<i32>, Vec<(String, String)>) {
    let output = Command::new(env::current_exe().unwrap())
        .arg(TAKE_AWAY)
        .arg(list.join(","))
        .arg(codex_shell())
        .args(["doctor", "--format", "json", "--sandbox", mode])
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let list = json["canaries"].as_array().unwrap().iter();
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let outcomes = list.map(|canary| (word(&canary["name"]), word(&canary["outcome"])));
    (output.status.code(), outcomes.collect())
}

/// The names of those that nothing held.
fn loose(outcomes: &[(String, String)]) -> Vec<&str> {
    let loose = outcomes.iter().filter(|(_, word)| word == "neither");
    loose.map(|(name, _)| name.as_str()).collect()
}

fn canaries_are_held() -> Outcome {
    for mode in ["workspace-write", "danger-full-access"] {
        let (_, outcomes) = canaries(&[], mode);
        let first: Vec<_> = outcomes.iter().take(4).map(|(_, word)| word).collect();
        let judged = first == ["ran", "judged", "judged", "judged"];
        ensure(
            judged && outcomes.len() == 16,
            &format!("{mode}: {outcomes:?}"),
        )?;
    }
    let (status, outcomes) = canaries(&[], "workspace-write");
    let contained = outcomes.iter().skip(4).all(|(_, word)| word == "contained");
    ensure(
        status == Some(0) && contained,
        &format!("{status:?} {outcomes:?}"),
    )
}

/// Without a sandbox, all but the inherited descriptor, which is closed in any mode; typing is up to
/// the kernel's own switch.
fn canaries_can_sing() -> Outcome {
    let (status, outcomes) = canaries(&[], "danger-full-access");
    let switch = std::path::Path::new("/proc/sys/dev/tty/legacy_tiocsti");
    let typing = switch.exists() && text(switch).starts_with('1');
    let loose = loose(&outcomes);
    ensure(
        status == Some(1) && loose.len() == if typing { 11 } else { 10 },
        &format!("{status:?} {outcomes:?}"),
    )
}

/// A guard that was put in force and does nothing.
fn inert_guards_are_found() -> Outcome {
    let inert = |number: libc::c_long| format!("{INERT}{number}");
    let mounts = inert(libc::SYS_mount_setattr);
    let landlock = inert(libc::SYS_landlock_restrict_self);
    let descriptors = inert(libc::SYS_close_range);
    let writes = [
        "a shell's own write outside",
        "a write outside",
        "chmod outside",
    ];
    for (list, expected) in [
        (vec![mounts.clone()], &writes[2..]),
        (vec![mounts, landlock], &writes),
        (vec![descriptors], &["an inherited descriptor"]),
    ] {
        let (status, outcomes) = canaries(&list, "workspace-write");
        ensure(
            status == Some(1) && loose(&outcomes) == expected,
            &format!("{list:?}: {status:?} {outcomes:?}"),
        )?;
    }
    Ok(())
}
