//! A run with a pseudo-terminal of its own.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::process::Child;
use std::time::Instant;

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};

use super::ran::left_over;
use super::running::{PATIENCE, number, wait_until};
use super::world::World;

/// A `codex-shell run` on a terminal, as somebody at the keys sees it.
#[derive(Debug)]
pub(crate) struct Terminal {
    world: World,
    child: Child,
    /// Closing it hangs up.
    master: File,
    shown: String,
    /// How much of `shown` was waited for already.
    seen: usize,
}

impl Terminal {
    /// Starts `codex-shell run` with these arguments in a session of its own, whose controlling
    /// terminal is new.
    pub(crate) fn start<T: AsRef<OsStr>>(
        world: World,
        arguments: impl IntoIterator<Item = T>,
    ) -> Self {
        let (master, slave) = pair();
        let mut argv = vec!["/usr/bin/setsid".into(), "--ctty".into(), "--wait".into()];
        argv.extend(world.arguments(arguments));
        world.give_open(&slave);
        let copy = || slave.try_clone().unwrap();
        let mut command = world.command(&argv);
        let child = command
            .stdin(copy())
            .stdout(copy())
            .stderr(copy())
            .spawn()
            .unwrap();
        Self {
            world,
            child,
            master,
            shown: String::new(),
            seen: 0,
        }
    }

    /// Reads what is shown next; `false` when nobody has the terminal open any more.
    fn read(&mut self, since: Instant) -> bool {
        let left = PATIENCE.saturating_sub(since.elapsed());
        let left = PollTimeout::try_from(left).unwrap();
        let mut ready = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
        assert_ne!(
            poll(&mut ready, left),
            Ok(0),
            "nothing more is shown after {:?}",
            self.shown
        );
        let mut buffer = [0; 4096];
        match self.master.read(&mut buffer) {
            Ok(length @ 1..) => {
                self.shown
                    .push_str(&String::from_utf8_lossy(&buffer[..length]));
                true
            }
            Ok(0) | Err(_) => false,
        }
    }

    /// Waits until the screen has shown `text` since what was waited for last.
    pub(crate) fn wait_for(mut self, text: &str) -> Self {
        let since = Instant::now();
        loop {
            if let Some(at) = self
                .shown
                .get(self.seen..)
                .and_then(|shown| shown.find(text))
            {
                self.seen += at + text.len();
                return self;
            }
            assert!(
                self.read(since),
                "{text:?} was not shown, but {:?}",
                self.shown
            );
        }
    }

    /// Waits until there is `WORLD/name`.
    pub(crate) fn wait_for_file(self, name: &str) -> Self {
        let path = self.world.path(name);
        wait_until(&format!("{name} is made"), || path.exists());
        self
    }

    /// Types.
    pub(crate) fn keys(mut self, keys: &str) -> Self {
        self.master.write_all(keys.as_bytes()).unwrap();
        self
    }

    /// Waits for the end, and returns everything that was shown.
    pub(crate) fn end(mut self, status: i32) -> String {
        let since = Instant::now();
        while self.read(since) {}
        assert_eq!(
            number(self.child.wait().unwrap()),
            status,
            "{:?}",
            self.shown
        );
        assert_eq!(left_over(self.world.base()), [""; 0]);
        self.shown
    }

    /// Takes the terminal away, and waits for the end.
    pub(crate) fn hang_up(self, status: i32) {
        let Self {
            world,
            mut child,
            master,
            ..
        } = self;
        drop(master);
        assert_eq!(number(child.wait().unwrap()), status);
        assert_eq!(left_over(world.base()), [""; 0]);
    }
}

/// Both ends of a new terminal, which no program that another thread starts gets to hold.
fn pair() -> (File, OwnedFd) {
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let path = ptsname_r(&master).unwrap();
    let flags = OFlag::O_NOCTTY.bits();
    let slave = File::options()
        .read(true)
        .write(true)
        .custom_flags(flags)
        .open(path)
        .unwrap();
    (File::from(OwnedFd::from(master)), slave.into())
}
