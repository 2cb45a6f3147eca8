//! Processes, sockets, rights and descriptors.

use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::fd::AsRawFd;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use codex_shell::confine::{self, ConfineError, LayerName, Mode, Policy, Setup};
use codex_shell::sys::fork;
use codex_shell::sys::listener::{Listener, Waiting};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc::{EAFNOSUPPORT, EPERM, ESRCH};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket, socketpair};
use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;

use crate::support::{Outcome, World, doctor, ensure, refused, text, within, works};
use crate::{Check, HOLD};

pub(crate) const CHECKS: &[Check] = &[
    ("sockets_are_refused", sockets_are_refused),
    ("the_network_can_be_had", the_network_can_be_had),
    ("only_own_processes_are_seen", only_own_processes_are_seen),
    ("signals_stay_inside", signals_stay_inside),
    ("ids_stay", ids_stay),
    ("no_rights_are_left", no_rights_are_left),
    (
        "new_namespaces_and_mounts_are_refused",
        new_namespaces_and_mounts_are_refused,
    ),
    ("descriptors_are_closed", descriptors_are_closed),
    ("it_dies_with_its_caller", it_dies_with_its_caller),
    ("dropping_it_ends_it", dropping_it_ends_it),
    ("a_panic_stays_inside", a_panic_stays_inside),
    ("other_threads_are_an_error", other_threads_are_an_error),
    ("doctor_finds_nothing_missing", doctor_finds_nothing_missing),
    (
        "a_sandbox_in_a_sandbox_is_told",
        a_sandbox_in_a_sandbox_is_told,
    ),
];

fn try_socket(family: AddressFamily) -> nix::Result<std::os::fd::OwnedFd> {
    socket(family, SockType::Stream, SockFlag::empty(), None)
}

fn sockets_are_refused() -> Outcome {
    use AddressFamily::{Inet, Inet6, Packet, Unix, Vsock};
    World::new().write(|_| {
        for family in [Inet, Inet6, Unix, Vsock, Packet] {
            refused("socket", try_socket(family), &[EPERM])?;
        }
        let pair = |kind| socketpair(Unix, kind, None, SockFlag::SOCK_CLOEXEC);
        works("stream", pair(SockType::Stream))?;
        works("packets", pair(SockType::SeqPacket))?;
        refused("datagram", pair(SockType::Datagram), &[EPERM])?;
        refused("raw", pair(SockType::Raw), &[EPERM])
    })
}

fn the_network_can_be_had() -> Outcome {
    use AddressFamily::{Inet, Inet6, Unix, Vsock};
    let world = World::new();
    let policy = Policy::new(Mode::ReadOnly, true, &world.workspace, &[], None).unwrap();
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    within(&policy, &LayerName::ALL, |_| {
        works("inet6", try_socket(Inet6))?;
        works("inet", try_socket(Inet))?;
        works("connect", std::net::TcpStream::connect(address))?;
        refused("unix", try_socket(Unix), &[EPERM])?;
        refused("vsock", try_socket(Vsock), &[EAFNOSUPPORT])
    })
    .map(drop)
}

fn only_own_processes_are_seen() -> Outcome {
    World::new().write(|inside| {
        ensure(
            inside.pid_namespace && nix::unistd::getpid() == Pid::from_raw(1),
            "number 1",
        )?;
        let seen: Vec<i32> = works("list", fs::read_dir("/proc"))?
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
            .collect();
        ensure(seen == [1], &format!("{seen:?}"))
    })
}

fn signals_stay_inside() -> Outcome {
    let world = World::new();
    let mut victim = Command::new("sleep").arg("30").spawn().unwrap();
    let pid = Pid::from_raw(victim.id().cast_signed());
    let result = world.write(|_| {
        refused("by number", kill(pid, Signal::SIGKILL), &[ESRCH])?;
        // To the whole group, of which the victim is one outside.
        let _ = kill(Pid::from_raw(0), Signal::SIGUSR1);
        let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
        ensure(
            nix::unistd::getsid(None) == Ok(Pid::from_raw(1)),
            "a session of its own",
        )
    });
    std::thread::sleep(Duration::from_millis(50));
    let alive = victim.try_wait().unwrap().is_none();
    end(&mut victim);
    result.and(ensure(alive, "the victim lives"))
}

fn end(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn ids_stay() -> Outcome {
    let ids = || {
        (
            nix::unistd::getresuid().unwrap(),
            nix::unistd::getresgid().unwrap(),
        )
    };
    let before = ids();
    World::new().write(|_| ensure(ids() == before, &format!("{:?}", ids())))
}

fn no_rights_are_left() -> Outcome {
    World::new().write(|_| {
        let status = text("/proc/self/status");
        let lines: Vec<&str> = status
            .lines()
            .filter(|line| line.starts_with("Cap"))
            .collect();
        ensure(lines.len() == 5, &status)?;
        for line in lines {
            let empty = line.ends_with("\t0000000000000000");
            ensure(empty, line)?;
        }
        ensure(status.contains("NoNewPrivs:\t1\n"), &status)?;
        ensure(nix::sys::prctl::get_dumpable() == Ok(false), "not dumpable")
    })
}

fn new_namespaces_and_mounts_are_refused() -> Outcome {
    World::new().write(|_| {
        for flag in [
            CloneFlags::CLONE_NEWUSER,
            CloneFlags::CLONE_NEWNS,
            CloneFlags::CLONE_NEWNET,
        ] {
            refused("unshare", unshare(flag), &[EPERM])?;
        }
        let none = None::<&str>;
        refused(
            "mount",
            mount(Some("none"), ".", Some("tmpfs"), MsFlags::empty(), none),
            &[EPERM],
        )?;
        refused("umount", nix::mount::umount("/proc"), &[EPERM])?;
        refused("chroot", nix::unistd::chroot("."), &[EPERM])
    })
}

fn descriptors_are_closed() -> Outcome {
    let world = World::new();
    let leak = File::create(world.outside.join("leak")).unwrap();
    fcntl(&leak, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    let kept = File::open(world.outside.join("canary")).unwrap();
    let policy = world.policy(Mode::ReadOnly);
    let (leak, keep) = (leak.as_raw_fd(), kept.as_raw_fd());
    let setup = Setup {
        policy: &policy,
        require: &[],
        keep: &[keep],
        terminal: false,
        number: None,
        listen: true,
        tell: false,
    };
    let sandbox = confine::start(&setup, |inside| {
        let open: Vec<i32> = (0..256)
            .filter(|number| fs::symlink_metadata(format!("/proc/self/fd/{number}")).is_ok())
            .collect();
        let mut expected = vec![0, 1, 2, inside.listener.as_ref().unwrap().as_raw_fd(), keep];
        expected.sort_unstable();
        if open != expected {
            eprintln!("inside: {open:?} instead of {expected:?}, leak {leak}");
        }
        u8::from(open != expected)
    })
    .unwrap();
    let status = nix::sys::wait::waitpid(sandbox.init_pid, None).unwrap();
    ensure(
        matches!(status, WaitStatus::Exited(_, 0)),
        &format!("{status:?}"),
    )
}

/// Starts a sandbox, says so on stdout, which the sandbox holds open, and waits for ever.
pub(crate) fn hold() -> ExitCode {
    let world = World::new();
    let policy = world.policy(Mode::ReadOnly);
    let setup = Setup {
        policy: &policy,
        require: &LayerName::ALL,
        keep: &[],
        terminal: false,
        number: None,
        listen: true,
        tell: false,
    };
    let _sandbox = confine::start(&setup, |_| {
        println!("inside");
        sleep_for_ever()
    });
    std::thread::sleep(Duration::from_mins(1));
    ExitCode::FAILURE
}

fn it_dies_with_its_caller() -> Outcome {
    let mut caller = Command::new(env::current_exe().unwrap())
        .arg(HOLD)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(caller.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    end(&mut caller);
    let since = Instant::now();
    // The end of the file comes when the last process that holds it has ended.
    output.read_to_string(&mut line).unwrap();
    ensure(line == "inside\n", &line)?;
    ensure(since.elapsed() < Duration::from_secs(5), "at once")
}

fn dropping_it_ends_it() -> Outcome {
    let world = World::new();
    let policy = world.policy(Mode::WorkspaceWrite);
    let setup = Setup {
        policy: &policy,
        require: &[],
        keep: &[],
        terminal: false,
        number: None,
        listen: true,
        tell: false,
    };
    let sandbox = works("start", confine::start(&setup, |_| sleep_for_ever()))?;
    let git = world.workspace.join(".git");
    let pid = sandbox.init_pid;
    ensure(git.is_dir(), "there is a placeholder while it runs")?;
    drop(sandbox);
    ensure(!git.exists(), "and none afterwards")?;
    let status = nix::sys::wait::waitpid(pid, None);
    ensure(
        status == Ok(WaitStatus::Signaled(pid, Signal::SIGKILL, false)),
        &format!("{status:?}"),
    )
}

fn sleep_for_ever() -> ! {
    loop {
        std::thread::sleep(Duration::from_mins(1));
    }
}

fn a_panic_stays_inside() -> Outcome {
    let world = World::new();
    let outcome = within(&world.policy(Mode::ReadOnly), &[], |_| {
        std::panic::set_hook(Box::new(|_| {}));
        panic!("on purpose")
    });
    ensure(
        outcome.is_err_and(|reason| reason.contains(", 125)")),
        "status 125",
    )
}

fn other_threads_are_an_error() -> Outcome {
    let world = World::new();
    let policy = world.policy(Mode::ReadOnly);
    let result = std::thread::scope(|scope| {
        scope
            .spawn(|| within(&policy, &[], |_| Ok(())))
            .join()
            .unwrap()
    });
    ensure(
        result.is_err_and(|reason| reason.contains("other threads")),
        "an error about threads",
    )
}

fn doctor_finds_nothing_missing() -> Outcome {
    let (status, layers) = doctor();
    let healthy = layers.len() == 6 && layers.iter().all(|word| word == "in-force");
    ensure(
        status == Some(0) && healthy,
        &format!("{status:?} {layers:?}"),
    )
}

/// Lets every call go on, until the listener fails.
fn answer_all(listener: &Arc<Listener>) -> u8 {
    while let Ok(waiting) = Waiting::next(listener) {
        if let Some(waiting) = waiting {
            waiting.resume();
        }
    }
    0
}

fn a_sandbox_in_a_sandbox_is_told() -> Outcome {
    let world = World::new();
    let policy = world.policy(Mode::WorkspaceWrite);
    world.write(|inside| {
        // On its way there it makes calls that the outer listener is asked about.
        let listener = inside.listener.as_ref().unwrap().try_clone().unwrap();
        let answers = fork::fork(move || answer_all(&Arc::new(Listener::new(listener)))).unwrap();
        let setup = Setup {
            policy: &policy,
            require: &[],
            keep: &[],
            terminal: false,
            number: None,
            listen: true,
            tell: false,
        };
        let nested = confine::start(&setup, |_| 0).map(|_| ());
        kill(answers, Signal::SIGKILL).unwrap();
        ensure(nested == Err(ConfineError::Nested), &format!("{nested:?}"))
    })
}
