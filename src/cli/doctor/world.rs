//! What doctor's canaries try to get at: files, sockets and a process outside the sandbox.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::unistd::mkdtemp;

use crate::cli::canary;

/// The name under which this binary is a canary.
pub(super) const NAME: &str = "codex-shell-canary";

/// Everything outside; gone when dropped.
pub(super) struct World {
    base: PathBuf,
    /// Where the sandbox may write.
    pub(super) inside: PathBuf,
    /// This binary by [`NAME`].
    pub(super) program: PathBuf,
    pub(super) tcp: TcpListener,
    pub(super) stream: UnixListener,
    pub(super) datagram: UnixDatagram,
    victim: Child,
    open: File,
    /// A terminal that nobody sits at, and the side of it that programs have.
    _keyboard: PtyMaster,
    pub(super) terminal: File,
}

impl World {
    /// Builds it in a directory that is no scratch space of the sandbox.
    ///
    /// # Errors
    /// No such directory can be written, or something else is lacking.
    pub(super) fn new() -> io::Result<Self> {
        let base = directory()?;
        Self::within(&base).inspect_err(|_| {
            // What could not be built can't matter to anybody.
            let _ = fs::remove_dir_all(&base);
        })
    }

    fn within(base: &Path) -> io::Result<Self> {
        let (inside, program) = (base.join("inside"), base.join(NAME));
        fs::create_dir(&inside)?;
        let own = std::env::current_exe()?;
        std::os::unix::fs::symlink(&own, &program)?;
        fs::write(base.join("mode"), "")?;
        fs::set_permissions(base.join("mode"), fs::Permissions::from_mode(0o600))?;
        let tcp = TcpListener::bind("127.0.0.1:0")?;
        let stream = UnixListener::bind(inside.join("stream"))?;
        let datagram = UnixDatagram::bind(inside.join("datagram"))?;
        tcp.set_nonblocking(true)?;
        stream.set_nonblocking(true)?;
        datagram.set_nonblocking(true)?;
        let open = File::create(base.join("open"))?;
        // A descriptor that a careless program leaves open for those it starts.
        fcntl(&open, FcntlArg::F_SETFD(FdFlag::empty()))?;
        let (keyboard, terminal) = terminal()?;
        let victim = Command::new(own)
            .args([canary::WORD, "wait"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Self {
            base: base.to_owned(),
            inside,
            program,
            tcp,
            stream,
            datagram,
            victim,
            open,
            _keyboard: keyboard,
            terminal,
        })
    }

    /// A path that the sandbox must not write.
    pub(super) fn outside(&self, name: &str) -> PathBuf {
        self.base.join(name)
    }

    pub(super) fn victim(&self) -> u32 {
        self.victim.id()
    }

    pub(super) fn victim_is_dead(&mut self) -> bool {
        !matches!(self.victim.try_wait(), Ok(None))
    }

    /// Whether somebody has reached one of the three sockets.
    pub(super) fn was_reached(&self) -> bool {
        self.tcp.accept().is_ok()
            || self.stream.accept().is_ok()
            || self.datagram.recv(&mut [0; 8]).is_ok()
    }

    /// The descriptor of `outside("open")`, which is inherited.
    pub(super) fn descriptor(&self) -> RawFd {
        self.open.as_raw_fd()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // It may be dead already, and the directory half gone: that is what was tried.
        let _ = self.victim.kill();
        let _ = self.victim.wait();
        let _ = fs::remove_dir_all(&self.base);
    }
}

fn terminal() -> io::Result<(PtyMaster, File)> {
    let keyboard = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC)?;
    grantpt(&keyboard)?;
    unlockpt(&keyboard)?;
    let name = ptsname_r(&keyboard)?;
    let flags = OFlag::O_NOCTTY.bits();
    let terminal = File::options()
        .read(true)
        .write(true)
        .custom_flags(flags)
        .open(name)?;
    Ok((keyboard, terminal))
}

/// A new directory where the sandbox has no business.
fn directory() -> io::Result<PathBuf> {
    let mut parents = vec![OsString::from("/var/tmp")];
    parents.extend(
        ["XDG_RUNTIME_DIR", "HOME"]
            .map(std::env::var_os)
            .into_iter()
            .flatten(),
    );
    let mut last = io::ErrorKind::NotFound.into();
    for parent in parents {
        match mkdtemp(&Path::new(&parent).join("codex-shell-doctor-XXXXXX")) {
            Ok(path) => return fs::canonicalize(path),
            Err(errno) => last = errno.into(),
        }
    }
    Err(last)
}
