//! Reads a file that may be anything, in bounded time and memory.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system's own reason.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A directory.
    #[error("it is a directory")]
    Directory,
    /// More than the limit, in bytes.
    #[error("it is larger than {0} bytes")]
    TooLarge(usize),
    /// A pipe that nobody wrote to, or that nobody closed.
    #[error("it is a pipe that did not end within {} ms", .0.as_millis())]
    Waiting(Duration),
}

/// Opens a file for reading, and nothing else that may be there by now. Does not wait: not for who
/// would write into a pipe, nor for who holds a lease.
///
/// # Errors
/// It can't be opened, or is no regular file.
pub fn open_file(path: &Path) -> io::Result<File> {
    let file = File::options()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::ErrorKind::InvalidInput.into())
    }
}

/// Reads all of `path`, at most `limit` bytes. A pipe has `patience` to come to its end.
pub fn read_capped(path: &Path, limit: usize, patience: Duration) -> Result<Vec<u8>, ReadError> {
    let file = File::options()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(ReadError::Directory);
    }
    let bytes = if kind.is_fifo() || kind.is_char_device() || kind.is_socket() {
        read_stream(file, limit, patience, kind.is_fifo())?
    } else {
        let mut bytes = Vec::new();
        file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
        bytes
    };
    if bytes.len() > limit {
        return Err(ReadError::TooLarge(limit));
    }
    Ok(bytes)
}

/// Reads until the end, one byte past `limit`, or until patience is used up. A FIFO reads as
/// ended while it has no writer yet, so before the first byte its end is waited for as well.
fn read_stream(
    mut file: File,
    limit: usize,
    patience: Duration,
    fifo: bool,
) -> Result<Vec<u8>, ReadError> {
    let deadline = Instant::now() + patience;
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    let mut hung_up = false;
    while bytes.len() <= limit {
        match file.read(&mut chunk) {
            Ok(0) if fifo && bytes.is_empty() && !hung_up => {
                hung_up = wait_readable(&file, deadline, patience)?.contains(PollFlags::POLLHUP);
            }
            Ok(0) => return Ok(bytes),
            Ok(count) => bytes.extend_from_slice(chunk.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                wait_readable(&file, deadline, patience)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
        if Instant::now() > deadline {
            return Err(ReadError::Waiting(patience));
        }
    }
    Ok(bytes)
}

/// Waits for bytes or the end, and says which.
fn wait_readable(
    file: &File,
    deadline: Instant,
    patience: Duration,
) -> Result<PollFlags, ReadError> {
    let mut fds = [PollFd::new(file.as_fd(), PollFlags::POLLIN)];
    if poll(&mut fds, timeout_until(deadline)).map_err(io::Error::from)? == 0 {
        return Err(ReadError::Waiting(patience));
    }
    let [fd] = fds;
    Ok(fd.revents().unwrap_or(PollFlags::empty()))
}

/// What is left until `deadline`, rounded up to a millisecond.
pub(crate) fn timeout_until(deadline: Instant) -> PollTimeout {
    let left = deadline.saturating_duration_since(Instant::now());
    PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(50);

    fn read(path: &Path) -> Result<Vec<u8>, ReadError> {
        read_capped(path, 10, SHORT)
    }

    #[test]
    fn the_limit_counts_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, "0123456789").unwrap();
        assert_eq!(read(&path).unwrap(), b"0123456789");
        std::fs::write(&path, "0123456789a").unwrap();
        assert!(matches!(read(&path), Err(ReadError::TooLarge(10))));
    }

    #[test]
    fn devices_and_directories_end() {
        assert_eq!(read(Path::new("/dev/null")).unwrap(), b"");
        assert!(matches!(
            read(Path::new("/dev/zero")),
            Err(ReadError::TooLarge(10))
        ));
        assert!(matches!(read(Path::new("/")), Err(ReadError::Directory)));
        assert!(matches!(read(Path::new("/absent")), Err(ReadError::Io(_))));
    }

    #[test]
    fn a_fifo_without_a_writer_is_an_error_not_an_empty_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(matches!(read(&path), Err(ReadError::Waiting(_))));
    }

    #[test]
    fn a_fifo_with_a_writer_is_read_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let writer = std::thread::spawn({
            let path = path.clone();
            move || std::fs::write(path, "hello")
        });
        let text = read_capped(&path, 10, Duration::from_secs(10)).unwrap();
        writer.join().unwrap().unwrap();
        assert_eq!(text, b"hello");
    }

    #[test]
    fn a_pipe_in_a_files_place_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR).unwrap();
        open_file(&pipe).unwrap_err();
        open_file(folder.path()).unwrap_err();
        open_file(Path::new("/etc/passwd")).unwrap();
    }
}
