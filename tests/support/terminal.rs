//! A run with a pseudo-terminal of its own.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::process::Child;
use std::time::Instant;

use codex_shell::sys::pty;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{LocalFlags, tcgetattr};

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
    path: String,
    shown: String,
    /// How much of `shown` was waited for already.
    seen: usize,
    /// What it was given to show, byte for byte.
    bytes: Vec<u8>,
    /// How much of `bytes` it has answered.
    answered: usize,
    /// What it answers by itself, to what.
    answers: Vec<(&'static [u8], &'static [u8])>,
    /// It says where the cursor is when it is asked.
    speaks: bool,
}

impl Terminal {
    /// Starts `codex-shell run` with these arguments in a session of its own, whose controlling
    /// terminal is new.
    pub(crate) fn start<T: AsRef<OsStr>>(
        world: World,
        arguments: impl IntoIterator<Item = T>,
    ) -> Self {
        let argv = world.arguments(arguments);
        Self::start_program(world, &argv)
    }

    /// The same with a shell that has job control, and `codex-shell run` with the world's options as
    /// its function `run`.
    pub(crate) fn start_shell(world: World) -> Self {
        let run = world.arguments(["\"$@\""]);
        let run: Vec<&str> = run.iter().map(|word| word.to_str().unwrap()).collect();
        let text = format!("run() {{ {}; }}; PS1='$''> '", run.join(" "));
        let world = world.file("home/rc", &text);
        let rc = world.path("home/rc").into();
        let argv = ["/bin/bash".into(), "--rcfile".into(), rc, "-i".into()];
        Self::start_program(world, &argv)
    }

    /// Starts a program, in a session of its own, whose controlling terminal is new.
    pub(crate) fn start_program(world: World, program: &[OsString]) -> Self {
        let (master, slave, path) = pair();
        let mut argv = vec!["/usr/bin/setsid".into(), "--ctty".into(), "--wait".into()];
        argv.extend_from_slice(program);
        world.give_open(&slave);
        let world = world.env_unless_set("TERM", "xterm");
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
            path,
            shown: String::new(),
            seen: 0,
            bytes: Vec::new(),
            answered: 0,
            answers: Vec::new(),
            speaks: true,
        }
    }

    /// Answers `to` by itself with `answer`, from what it has not shown yet on.
    pub(crate) fn answers(mut self, to: &'static [u8], answer: &'static [u8]) -> Self {
        self.answers.push((to, answer));
        self
    }

    /// Does not say where the cursor is.
    pub(crate) fn mute(mut self) -> Self {
        self.speaks = false;
        self
    }

    /// Answers what it was shown since it answered last, in that order.
    fn answer(&mut self) {
        while let Some(rest) = self
            .bytes
            .get(self.answered..)
            .filter(|rest| !rest.is_empty())
        {
            let own = self.answers.iter().find(|(to, _)| rest.starts_with(to));
            let (length, answer) = match own {
                Some((to, answer)) => (to.len(), answer.to_vec()),
                None => match place(rest) {
                    Asked::Yes(length) if !self.speaks => (length, Vec::new()),
                    Asked::Yes(length) => {
                        let place = rest[..length - b"H\x1b[6n".len()].to_vec();
                        (length, [place.as_slice(), b"R"].concat())
                    }
                    // The rest of it is to come.
                    Asked::Perhaps => return,
                    Asked::No => (1, Vec::new()),
                },
            };
            self.answered += length;
            // What nobody takes is lost: who waited here would not read what is shown meanwhile.
            let _ = self.master.write(&answer);
        }
    }

    /// Types `keys`, as soon as there is room for them.
    fn put(&mut self, keys: &[u8]) {
        let since = Instant::now();
        let mut left = keys;
        while !left.is_empty() {
            match self.master.write(left) {
                Ok(length) => left = &left[length..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    assert!(since.elapsed() < PATIENCE, "nobody takes what is typed");
                    let either = PollFlags::POLLIN | PollFlags::POLLOUT;
                    let mut ready = [PollFd::new(self.master.as_fd(), either)];
                    poll(&mut ready, PollTimeout::from(100u8)).unwrap();
                    let [ready] = ready.map(|fd| fd.revents());
                    if ready.is_some_and(|events| events.contains(PollFlags::POLLIN)) {
                        self.read(since);
                    }
                }
                Err(error) => panic!("typing: {error}"),
            }
        }
    }

    /// Where the terminal is.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Gives it another size.
    pub(crate) fn resize(self, rows: u16, columns: u16) -> Self {
        let mut size = pty::size(&self.master).unwrap();
        (size.ws_row, size.ws_col) = (rows, columns);
        pty::set_size(&self.master, size).unwrap();
        self
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
                self.bytes.extend(&buffer[..length]);
                self.answer();
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

    /// Waits until keys are passed on as they are, and none of them means a signal here.
    pub(crate) fn wait_for_raw(self) -> Self {
        let is_raw = || {
            let modes = tcgetattr(&self.master).unwrap();
            !modes.local_flags.contains(LocalFlags::ISIG)
        };
        wait_until("the terminal is raw", is_raw);
        self
    }

    /// Waits until `WORLD/name` is made once more.
    pub(crate) fn wait_for_another(self, name: &str) -> Self {
        // It may not be there at the moment.
        let _ = std::fs::remove_file(self.world.path(name));
        self.wait_for_file(name)
    }

    /// Makes `WORLD/name`.
    pub(crate) fn make(self, name: &str) -> Self {
        std::fs::write(self.world.path(name), "").unwrap();
        self
    }

    /// That there is no `WORLD/name`.
    pub(crate) fn no_file(self, name: &str) -> Self {
        assert!(
            !self.world.path(name).exists(),
            "{name} in {:?}",
            self.shown
        );
        self
    }

    /// Types.
    pub(crate) fn keys(mut self, keys: &str) -> Self {
        self.put(keys.as_bytes());
        self
    }

    /// Types this and the word that the question asked for last, and Enter.
    pub(crate) fn keys_and_word(self, answer: &str) -> Self {
        let (_, word) = self.shown.rsplit_once("\": ").unwrap();
        let word = word.lines().next().unwrap().to_owned();
        self.keys(&format!("{answer} {word}\r"))
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
fn pair() -> (File, OwnedFd, String) {
    let master =
        posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
            .unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let path = ptsname_r(&master).unwrap();
    let flags = OFlag::O_NOCTTY.bits();
    let slave = File::options()
        .read(true)
        .write(true)
        .custom_flags(flags)
        .open(&path)
        .unwrap();
    (File::from(OwnedFd::from(master)), slave.into(), path)
}

/// Whether bytes begin with a request to go to a place and say where that is.
enum Asked {
    /// They do; so many are the request.
    Yes(usize),
    /// More of them may.
    Perhaps,
    No,
}

fn place(bytes: &[u8]) -> Asked {
    let text = bytes.strip_prefix(b"\x1b[");
    let Some(text) = text else {
        return if bytes == b"\x1b" {
            Asked::Perhaps
        } else {
            Asked::No
        };
    };
    let digits = text
        .iter()
        .take_while(|byte| matches!(byte, b'0'..=b'9' | b';'));
    let digits = digits.count();
    let rest = &text[digits..];
    let end = b"H\x1b[6n";
    if digits > 0 && rest.starts_with(end) {
        Asked::Yes(2 + digits + end.len())
    } else if end.starts_with(rest) {
        Asked::Perhaps
    } else {
        Asked::No
    }
}
