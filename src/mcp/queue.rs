//! Questions that wait for `codex-shell approve`, and the socket by which it answers them.
//!
//! Each server has a socket of its own in [`crate::config::Places::sockets`]. A request is a line of JSON, a
//! [`QueueOrder`]; so is the answer, a list of [`OpenQuestion`] or an error. Nothing that the server has started
//! may answer.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use nix::unistd::{Pid, geteuid, getpid};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;

use super::approval::{self, ApprovalDecision, ApprovalReply};
use super::channel::ClientQuestion;
use crate::approve::text::Text;
use crate::sys::{lock, tree};

/// The longest request, in bytes.
const LONGEST: u64 = 64 << 10;

/// What there is to say of a question that is answered, withdrawn, or was never asked.
pub const NOT_OPEN: &str = "no such question is open";

/// What `codex-shell approve` asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueOrder {
    /// The open questions.
    List,
    /// Answer one.
    Answer {
        /// Its number.
        number: u64,
        /// Run it.
        yes: bool,
        /// And whenever the same is asked again.
        session: bool,
        /// Words for the agent.
        reason: Option<String>,
    },
}

/// An open question. Every text is printable and bounded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenQuestion {
    /// Its number in its server.
    pub number: u64,
    /// In words.
    pub text: Text,
    /// What the agent says it is for.
    pub purpose: Option<String>,
    /// How long it has waited, in seconds.
    pub waits_seconds: u64,
}

/// The server's answer: the questions that are open now, or why not.
pub type Response = Result<Vec<OpenQuestion>, String>;

/// The open questions.
#[derive(Debug, Default)]
pub(super) struct Queue(Mutex<OpenQuestions>);

#[derive(Debug, Default)]
struct OpenQuestions {
    last: u64,
    open: BTreeMap<u64, (OpenQuestion, Instant, oneshot::Sender<ApprovalReply>)>,
}

impl OpenQuestions {
    /// Takes out a question that is to be answered, `for_session` perhaps.
    fn take(
        &mut self,
        number: u64,
        for_session: bool,
    ) -> Result<oneshot::Sender<ApprovalReply>, String> {
        let (entry, ..) = self.open.get(&number).ok_or(NOT_OPEN)?;
        if let (Some(why), true) = (&entry.text.no_session, for_session) {
            return Err(format!("a yes to it is for once: {why}"));
        }
        let (_, _, sender) = self.open.remove(&number).ok_or(NOT_OPEN)?;
        Ok(sender)
    }
}

impl Queue {
    /// Puts a question and waits for its answer; dropping the future withdraws it.
    pub(super) async fn ask(&self, asked: &ClientQuestion, purpose: Option<&str>) -> ApprovalReply {
        let (sender, answer) = oneshot::channel();
        let number = {
            let mut waiting = lock(&self.0);
            waiting.last += 1;
            let number = waiting.last;
            let entry = entry(number, asked, purpose);
            waiting.open.insert(number, (entry, Instant::now(), sender));
            number
        };
        let _withdrawal = QuestionWithdrawal {
            queue: self,
            number,
        };
        answer
            .await
            .unwrap_or_else(|_| ApprovalReply::no("no longer wanted"))
    }

    fn list(&self) -> Vec<OpenQuestion> {
        let waiting = lock(&self.0);
        let open = waiting.open.values();
        open.map(|(entry, since, _)| OpenQuestion {
            waits_seconds: since.elapsed().as_secs(),
            ..entry.clone()
        })
        .collect()
    }

    fn carry_out(&self, order: QueueOrder) -> Response {
        let QueueOrder::Answer {
            number,
            yes,
            session,
            reason,
        } = order
        else {
            return Ok(self.list());
        };
        let sender = lock(&self.0).take(number, session)?;
        let decision = match (yes, session) {
            (true, true) => ApprovalDecision::Session,
            (true, false) => ApprovalDecision::Once,
            (false, _) => ApprovalDecision::No("declined".into()),
        };
        let reason = reason.map(|text| approval::printable(&text));
        let sent = sender.send(ApprovalReply { decision, reason });
        sent.map_err(|_| "the question was withdrawn this moment")?;
        Ok(self.list())
    }
}

/// Takes a question out of the queue.
struct QuestionWithdrawal<'a> {
    queue: &'a Queue,
    number: u64,
}

impl Drop for QuestionWithdrawal<'_> {
    fn drop(&mut self) {
        lock(&self.queue.0).open.remove(&self.number);
    }
}

fn entry(number: u64, asked: &ClientQuestion, purpose: Option<&str>) -> OpenQuestion {
    OpenQuestion {
        number,
        text: asked.text.clone(),
        purpose: purpose.map(approval::printable),
        waits_seconds: 0,
    }
}

/// Removes the socket when the server ends.
#[derive(Debug)]
pub(super) struct Socket(PathBuf);

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Opens the `queue` to `codex-shell approve`, in this folder.
///
/// # Errors
/// There is no place for the socket.
pub(super) fn open(queue: Arc<Queue>, folder: Option<PathBuf>) -> io::Result<Socket> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt};
    let folder = folder.ok_or_else(|| io::Error::other("no place for the queue's socket"))?;
    let naming =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", folder.display()));
    let mut builder = std::fs::DirBuilder::new();
    builder
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .map_err(naming)?;
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).map_err(naming)?;
    let path = folder.join(getpid().to_string());
    // Of a server that was killed and had our number.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).map_err(naming)?;
    let socket = Socket(path);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let queue = Arc::clone(&queue);
            tokio::spawn(async move {
                // Whoever asked may have gone.
                let _ = serve(&queue, stream).await;
            });
        }
    });
    Ok(socket)
}

async fn serve(queue: &Queue, stream: UnixStream) -> io::Result<()> {
    let response = if may_answer(&stream) {
        let mut line = String::new();
        let mut reader = BufReader::new(stream);
        (&mut reader).take(LONGEST).read_line(&mut line).await?;
        let response = match serde_json::from_str(&line) {
            Ok(order) => queue.carry_out(order),
            Err(error) => Err(format!("not a request: {error}")),
        };
        return say(&response, reader.into_inner()).await;
    } else {
        Err("only a process that the server has not started may answer".into())
    };
    say(&response, stream).await
}

async fn say(response: &Response, mut stream: UnixStream) -> io::Result<()> {
    let mut line = serde_json::to_vec(response)?;
    line.push(b'\n');
    stream.write_all(&line).await
}

/// A sandbox with a network can reach the socket, and an escalated program always can.
fn may_answer(stream: &UnixStream) -> bool {
    let Ok(peer) = stream.peer_cred() else {
        return false;
    };
    let is_stranger = |pid| tree::is_below(getpid(), Pid::from_raw(pid)) == Some(false);
    peer.uid() == geteuid().as_raw() && peer.pid().is_some_and(is_stranger)
}

/// Sends `order` to the server behind `socket`.
///
/// # Errors
/// The server is gone, or its answer makes no sense.
pub fn send(socket: &Path, order: &QueueOrder) -> io::Result<Response> {
    use std::io::{BufRead as _, Write as _};
    let mut stream = std::os::unix::net::UnixStream::connect(socket)?;
    let mut line = serde_json::to_vec(order)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = String::new();
    std::io::BufReader::new(stream).read_line(&mut answer)?;
    Ok(serde_json::from_str(&answer)?)
}
