//! The MCP server: a tool `shell` whose programs are judged, and a tool `explain`.
//!
//! ```text
//!  client ══ stdio ══ server (one thread) ──fork──▶ keeper ▶ supervisor ▶ sandbox, one set per call
//!                        ▲  ▲                                 │
//!                        │  └── output: two pipes ────────────┤
//!                        └── events: verdicts, questions, end ┘
//! ```
//!
//! A call goes down by `Crew::send` (order, streams, command) to `supervised::take` and `carry_out`; its events
//! come up by `Follow::take` (`call.rs`) and `Driven::follow` (`drive.rs`) to `result::result`.
//!
//! The server has one thread, so that it can fork: a call gets the parsed rules with the fork. After
//! a call, keeper and supervisor of the next are forked and wait for it. Its end, or a signal to its keeper, ends everything.
//!
//! # Who waits for a call
//!
//! `codex-shell serve` keeps a keeper, a guard and a supervisor ready, which wait for what a call says:
//! command, directory, streams. Calls at once have such a crew each. A crew whose call ended by itself, and
//! which has nothing left of it, no thread among others, waits for another; the others end, and a new one is
//! forked. Where there is no sandbox, init waits as well; one with mounts is made when the call comes, from
//! the files as they are then. Another policy or changed rules send those who wait away. `SIGTERM`, `SIGINT`
//! and `SIGHUP` to the server end its calls as the client's end does.
//!
//! Where init waits, so does a child of it, in init's own memory until it executes the shell. The server
//! sends it the command, and init tells the server the command's status once nothing of it is left. If the
//! supervisor has told of no exec by then, it has nothing to add, and the client has its answer. Else the
//! supervisor's last word is waited for, as it is before the crew gets another call; one from which none
//! comes within a second is ended.
//!
//! The server looks at no file that a client names, since it may lie on a file system that never answers. The
//! supervisor finds out where a call starts and what its sandbox's directories stand for; `explain` is a
//! process of its own as well. So such a name costs its own call the time that it has. Nor does it look at a
//! file of the project after its start: whether rules have changed is looked at by a child. Where that gets
//! no answer in a second, the rules that were read last stay in force, and the client is told.

#![forbid(unsafe_code)]

mod apart;
mod approval;
mod asking;
mod call;
mod channel;
mod child;
mod codex_state;
mod context;
mod crew;
mod denials;
mod drive;
mod ending;
mod explain;
mod folder;
mod limits;
mod listener;
mod lookout;
mod made;
mod markdown;
mod order;
mod outbox;
mod output;
mod patience;
pub mod queue;
mod refreshed;
mod remote;
mod result;
mod rounds;
mod rulebook;
mod schema;
mod secret_name;
mod server;
mod session;
mod shell;
mod stdio;
mod supervised;
mod tools;
mod wanted;
mod wire;
mod workdir;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rmcp::ServiceExt as _;
use rmcp::service::ServerInitializeError;
use tokio::sync::watch;

pub use session::{Options, Who};

use ending::ServerSignals;
use outbox::Outbox;
use server::Server;
use session::{ServerSession, Signals};
use wire::Wire;

use crate::report;
use crate::sys::{resident, signals};

/// The longest part of what a client sent that is told back, in bytes.
const TOLD_BACK: usize = 300;

/// How long calls may take to end when the client is gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The rules can't be loaded: a text for each error.
    #[error("{}", .0.join("\n"))]
    Rules(Vec<String>),
    /// No call could have the sandbox that was asked for.
    #[error("{0}")]
    Sandbox(String),
    /// Something that the server needs is not there.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Serves the client on standard input and output until it is gone, or a signal ends the server;
/// everything that calls have started has ended then. Returns the signal. Must be called while this
/// process has one thread.
///
/// # Errors
/// The server can't start, or can't load its rules.
pub fn serve(options: Options) -> Result<Option<i32>, ServeError> {
    let found = Signals {
        ignored: signals::ignored_by_caller(),
        blocked: signals::blocked(),
    };
    let ending = ServerSignals::watch()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (gone, is_gone) = watch::channel(false);
    let session = Arc::new(ServerSession::new(options, found, is_gone)?);
    let wanted = session.wanted(None, &[]);
    wanted.policy().map_err(ServeError::Sandbox)?;
    report::note(&session.rules_in_force());
    let result = runtime.block_on(talk(&session, gone, ending));
    // Calls that would not end hold the session; their output's folder goes with the last.
    drop(runtime);
    result
}

async fn talk(
    session: &Arc<ServerSession>,
    gone: watch::Sender<bool>,
    ending: ServerSignals,
) -> Result<Option<i32>, ServeError> {
    let outbox = Outbox::open(Arc::clone(&session.outbox))?;
    let wire = Wire::new(outbox, gone.clone())?;
    let is_queue = session.options.ask == Who::Queue;
    let folder = session.options.places.sockets();
    let socket = is_queue.then(|| queue::open(Arc::clone(&session.queue), folder));
    let _socket = socket.transpose()?;
    let result = tokio::select! {
        result = converse(session, wire) => result.map(|()| None).map_err(ServeError::Io),
        signal = ending.next() => Ok(Some(signal?)),
    };
    gone.send_replace(true);
    session.spare.dismiss();
    let _ = tokio::time::timeout(PATIENCE, session.alive.closed()).await;
    result
}

async fn converse(session: &Arc<ServerSession>, wire: Wire) -> io::Result<()> {
    let server = Server {
        session: Arc::clone(session),
        waiting: Arc::default(),
    };
    match server.serve(wire).await {
        Ok(service) => {
            resident::let_code_go();
            // However it ended, the client is gone.
            let _ = service.waiting().await;
        }
        Err(ServerInitializeError::ConnectionClosed(_)) => {}
        Err(error) => return Err(io::Error::other(error.to_string())),
    }
    Ok(())
}
