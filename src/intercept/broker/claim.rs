//! What a wrapper claims, taken for what it is: the descriptors are looked at, the words are judged.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sys::stat::{FileStat, SFlag, fstat};
use nix::unistd::Pid;
use nix::unistd::{AccessFlags, faccessat};

use crate::intercept::caller;
use crate::intercept::found::{Found, named};
use crate::intercept::material::{self, EscalationMaterial};
use crate::intercept::session::Session;
use crate::request::{Originals, Request, WorkingDirectory};
use crate::sys::fds;
use crate::wire::frame::Frame;
use crate::wire::frame::{Reader, malformed};
use crate::wire::message::{self, FromWrapper};
use crate::wire::{SOCKET, WRAPPER};

/// Everything that a request came with, beside what is judged.
#[derive(Debug)]
pub(super) struct Claim {
    /// The file's identity.
    stat: FileStat,
    environment: Vec<OsString>,
    directory: OwnedFd,
    /// The signals that the caller blocks.
    pub(super) blocked: u64,
}

impl Claim {
    /// Reads a wrapper's first frame, whose descriptors `reader` has.
    ///
    /// # Errors
    /// It is no request, or not for a file that can be executed.
    pub(super) fn read(
        frame: &Frame,
        reader: &mut Reader,
        session: &Session,
        originals: &Originals,
    ) -> io::Result<(Request, Self)> {
        let FromWrapper::Request(claimed) = FromWrapper::read(frame)? else {
            return Err(malformed("the first message is no request"));
        };
        let fds: [OwnedFd; 2] = reader
            .descriptors(2)?
            .try_into()
            .map_err(|_| malformed("descriptors are missing"))?;
        let [directory, file] = fds;
        if kind(&fstat(&directory)?) != SFlag::S_IFDIR {
            return Err(Errno::ENOTDIR.into());
        }
        let stat = fstat(&file)?;
        if kind(&stat) != SFlag::S_IFREG {
            return Err(Errno::EACCES.into());
        }
        let executable = AtFlags::AT_EMPTY_PATH | AtFlags::AT_EACCESS;
        faccessat(&file, "", AccessFlags::X_OK, executable)?;
        let message::ExecMessage {
            blocked,
            file: asked,
            argv,
            environment,
        } = claimed;
        let mut request = request(asked, argv, &directory, (&file, stat), session, originals)?;
        if session.rules.ask_for_variables(&request) {
            request.know_environment(&environment);
        }
        let writable = session.writable.as_deref().unwrap_or_default();
        let paths = session.rules.paths_of(&request);
        let request = request.following(paths, writable).with_aliases();
        let claim = Self {
            stat,
            environment,
            directory,
            blocked,
        };
        Ok((request, claim))
    }

    /// Takes what an escalation of `request` needs.
    ///
    /// # Errors
    /// The working directory can't be told.
    pub(super) fn take_material(
        &self,
        request: &Request,
        pass_env: &[String],
        session: &Session,
        process: Pid,
    ) -> io::Result<EscalationMaterial> {
        let ours = |entry: &OsString| {
            let mut names = WRAPPER.iter().chain([&SOCKET]);
            names.any(|name| {
                let rest = entry.as_bytes().strip_prefix(name.as_bytes());
                rest.is_some_and(|rest| rest.starts_with(b"="))
            })
        };
        let mut variables = self.environment.clone();
        variables.retain(|entry| !ours(entry));
        let directory = caller::outside(&request.cwd, self.directory.try_clone()?)?;
        let given = (variables, material::bounds(process)?);
        Ok(EscalationMaterial::new(
            session, request, &self.stat, directory, given, pass_env,
        ))
    }
}

fn request(
    asked: OsString,
    argv: Vec<OsString>,
    directory: &OwnedFd,
    (file, stat): (&OwnedFd, FileStat),
    session: &Session,
    originals: &Originals,
) -> io::Result<Request> {
    let writable = session.writable.as_deref().unwrap_or_default();
    let wanted = |name: &OsStr| session.rules.ask_for_copies_of(name);
    let cwd = WorkingDirectory::new(fds::path(directory)?).ok_or(Errno::ENOENT)?;
    let real = fds::path(file)?;
    let path = cwd.join(&asked);
    let request = named(asked, &path, &real, argv, cwd);
    let passed = request.program.asked.clone();
    let request = request.with_interpreters(&passed, writable).with_original(
        originals,
        Some(&fds::link(file)),
        &wanted,
    );
    let found = Found { path, real, stat };
    let request = found.examine(request, &session.rules, writable);
    Ok(session.with_repository_alone(request))
}

fn kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits())
}
