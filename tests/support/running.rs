//! A program that runs in a world.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::ran::{Ran, left_over};
use super::world::World;

/// How long anything may take before the test has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A program that runs; [`Running::end`] waits for it.
#[derive(Debug)]
pub(crate) struct Running {
    world: World,
    child: Child,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
}

impl Running {
    pub(crate) fn start(world: World, mut command: Command, stdin: Vec<u8>) -> Self {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        // Who doesn't read it is free not to.
        thread::spawn(move || drop(input.write_all(&stdin)));
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        Self {
            world,
            child,
            stdout,
            stderr,
        }
    }

    /// The process that was started.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Sends it a signal.
    pub(crate) fn signal(self, signal: Signal) -> Self {
        kill(self.pid(), signal).unwrap();
        self
    }

    /// Waits until there is `WORLD/name`.
    pub(crate) fn wait_for(self, name: &str) -> Self {
        let path = self.world.path(name);
        wait_until(&format!("{name} is made"), || path.exists());
        self
    }

    /// Waits for the end of it and of its output. Nothing of it may be left then.
    pub(crate) fn end(self) -> Ran {
        let ran = self.end_with(Duration::ZERO);
        ran.nothing_left()
    }

    /// The same after a violent end: what is left may take a moment to die.
    pub(crate) fn end_violently(self) -> Ran {
        self.end_with(Duration::from_secs(5)).nothing_left()
    }

    fn end_with(mut self, grace: Duration) -> Ran {
        let stdout = self.output(&self.stdout);
        let stderr = self.output(&self.stderr);
        let status = self.status();
        let since = Instant::now();
        while since.elapsed() < grace && !left_over(self.world.base()).is_empty() {
            thread::sleep(Duration::from_millis(5));
        }
        Ran {
            world: self.world,
            status,
            stdout,
            stderr,
        }
    }

    fn output(&self, from: &Receiver<Vec<u8>>) -> Vec<u8> {
        from.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            let left = left_over(self.world.base());
            let _ = kill(self.pid(), Signal::SIGKILL);
            panic!("the output did not end in {PATIENCE:?}; there are {left:?}");
        })
    }

    fn status(&mut self) -> ExitStatus {
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            thread::sleep(Duration::from_millis(1));
        }
        let _ = self.child.kill();
        panic!("it did not end in {PATIENCE:?}");
    }
}

fn collect(mut from: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        let _ = sender.send(bytes);
    });
    receiver
}

/// Waits until `holds` does.
pub(crate) fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < PATIENCE, "not in {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// The number that a shell would show for `status`.
pub(crate) fn number(status: ExitStatus) -> i32 {
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap())
}
