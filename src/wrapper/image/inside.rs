//! Becomes the program, in place.

use core::ffi::CStr;

use crate::kernel::{self, ArgumentWords, ENOEXEC, Errno};
use crate::{ProgramToRun, SOCKET, WRAPPER, failed, value};

/// So much of a file tells a shell whether it is text, in bytes.
const SAMPLE: usize = 80;

/// Executes the file; `shell` reads it if the kernel can't.
pub fn run(mut job: ProgramToRun, shell: &'static CStr, socket: i32) -> u8 {
    if WRAPPER.iter().all(|name| job.variable(name).is_none()) {
        // The script has unset it, and the shell has given it to us alone.
        job.variables.retain(|entry| value(entry, SOCKET).is_none());
    }
    match kernel::execute(job.file, &job.arguments.skip(2), &job.variables) {
        ENOEXEC => interpret(job, shell, socket),
        errno => job.failed(errno),
    }
}

/// The kernel does not know the file's format: text is for the shell, which is told of the wrapper
/// as the first one was.
fn interpret(mut job: ProgramToRun, shell: &'static CStr, socket: i32) -> u8 {
    let text = match sample(job.file) {
        Ok(Content::Nothing) => return 0,
        Ok(Content::Text) => !shell.is_empty(),
        Ok(Content::Data) => false,
        Err(errno) => return job.failed(errno),
    };
    if !text {
        return job.failed(ENOEXEC);
    }
    // The shell and the file take the places of the file and argv[0], where there is one.
    let first = usize::from(job.arguments.count() > 2);
    job.arguments.set(first, shell);
    job.arguments.set(first + 1, job.file);
    let errno = match told(job.variables, job.own, socket) {
        Ok(variables) => kernel::execute(shell, &job.arguments.skip(first), &variables),
        Err(errno) => errno,
    };
    failed(shell, errno)
}

/// `variables` with those that lead to the wrapper and the socket.
fn told(mut variables: ArgumentWords, own: &CStr, socket: i32) -> Result<ArgumentWords, Errno> {
    let [name, _] = WRAPPER;
    variables.retain(|entry| value(entry, SOCKET).is_none());
    let mut digits = [0; 10];
    variables = variables.with(kernel::text(&[SOCKET, b"=", decimal(socket, &mut digits)])?)?;
    if !own.is_empty() {
        variables.retain(|entry| value(entry, name).is_none());
        variables = variables.with(kernel::text(&[name, b"=", own.to_bytes()])?)?;
    }
    Ok(variables)
}

fn decimal(number: i32, digits: &mut [u8; 10]) -> &[u8] {
    let mut rest = number.unsigned_abs();
    let mut first = digits.len();
    for (place, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + (rest % 10).to_le_bytes()[0];
        rest /= 10;
        first = place;
        if rest == 0 {
            break;
        }
    }
    digits.get(first..).unwrap_or_default()
}

enum Content {
    Nothing,
    Text,
    Data,
}

fn sample(file: &CStr) -> Result<Content, Errno> {
    let fd = kernel::open_file(file)?;
    let mut sample = [0; SAMPLE];
    let count = kernel::read(fd, &mut sample);
    kernel::close(fd);
    let sample = sample.get(..count?).unwrap_or_default();
    Ok(content(sample))
}

/// Text is what has no NUL in its first line, as shells see it.
fn content(sample: &[u8]) -> Content {
    let line = sample.split(|&byte| byte == b'\n').next();
    match line {
        _ if sample.is_empty() => Content::Nothing,
        Some(line) if !sample.starts_with(b"\x7fELF") && !line.contains(&0) => Content::Text,
        _ => Content::Data,
    }
}
