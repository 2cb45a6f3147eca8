//! Trying out what a sandbox would be, and whether its execs could be judged.

use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;

use nix::sys::wait::waitpid;

use super::run::RunError;
use super::{launcher, probe};
use crate::confine::{self, ConfineError, LayerName, LayerState, Layers, Policy, Setup, Status};
use crate::exit::Exit;
use crate::sys::listener::Listener;
use crate::sys::messages;

/// The layers of a sandbox in which nothing runs, the kernel's listener among them.
///
/// The process must have one thread.
///
/// # Errors
/// No command could start in it.
pub fn layers(policy: &Policy) -> Result<Layers, RunError> {
    let (ours, theirs) = messages::pair()?;
    let setup = Setup {
        policy,
        require: &[],
        keep: &[theirs.as_raw_fd()],
        terminal: false,
        number: None,
        listen: true,
        tell: false,
    };
    let mut channel = Some(theirs);
    let started = confine::start(&setup, |inside| match (inside.listener, channel.take()) {
        (Some(listener), Some(channel)) => launcher::show(listener, channel),
        _ => Exit::Internal.code(),
    });
    drop(channel);
    match started {
        Ok(mut sandbox) => {
            let listener = Arc::new(Listener::new(launcher::receive(&ours)?));
            let interceptor = probe::look(&listener, sandbox.init.as_fd());
            // Nobody is interested in how nothing ended.
            let _ = waitpid(sandbox.init_pid, None);
            sandbox.layers.add(LayerName::Interceptor, interceptor?);
            Ok(sandbox.layers.clone())
        }
        Err(ConfineError::NothingHolds {
            namespaces,
            landlock,
        }) => Ok(Layers {
            list: vec![
                missing(LayerName::Namespaces, namespaces),
                missing(LayerName::Landlock, landlock),
            ],
            landlock_abi: None,
        }),
        Err(error) => Err(error.into()),
    }
}

fn missing(name: LayerName, reason: String) -> LayerState {
    LayerState {
        name,
        status: Status::Missing(reason),
    }
}
