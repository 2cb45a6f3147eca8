//! One call, from the fork to the last byte of output. Dropping a [`RunningCall`] ends everything it
//! started.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use tokio::net::unix::pipe;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use super::channel::{CallEnd, ClientQuestion, End, Event, Gate, LastWord};
use super::crew::{Crew, Keeper, Spare};
use super::order::{Plan, Streams};
use super::output::{Output, Stream};
use super::patience::{Patience, TimeStopped};
use super::session::ServerSession;
use crate::approve::Answer;
use crate::audit::Notable;
use crate::exit::Exit;
use crate::sys::lock;

/// How much is read at once.
const CHUNK: usize = 64 << 10;
/// As much is taken of what is left in a pipe, in bytes. It holds 64 KiB, unless the command has made it
/// wider.
const PIPE: u64 = 64 << 20;
/// How long a crew has to say how a call ended that is over.
const WORD: Duration = Duration::from_secs(1);

/// What there is to say of a supervisor that does not end in time.
const HUNG: &str = "the supervisor hung, on a file system that does not answer perhaps, and the command was \
                    ended";

/// Something that the owner of a call wants to know while it runs.
#[derive(Debug)]
pub(super) enum News {
    /// A question, where its answer goes, and what is to be kept until it has one.
    Question(Box<ClientQuestion>, End, TimeStopped),
    /// Output has come: how much in all, and the newest.
    Output(u64, Vec<u8>),
    /// It has ended.
    Ended(Box<CallReport>),
}

/// What became of a call.
#[derive(Debug)]
pub(super) struct CallReport {
    /// How it ended, and what was known then only.
    pub(super) last: LastWord,
    /// What it wrote.
    pub(super) output: Output,
    /// The execs that did not simply run inside.
    pub(super) notables: Vec<Notable>,
    /// What the machine does not offer of the sandbox.
    pub(super) missing: Vec<String>,
    /// How long it took.
    pub(super) duration: Duration,
}

impl CallReport {
    fn new(output: Output) -> Self {
        Self {
            last: CallEnd::Failed("the supervisor died".into()).into(),
            output,
            notables: Vec::new(),
            missing: Vec::new(),
            duration: Duration::ZERO,
        }
    }
}

/// A running call.
#[derive(Debug)]
pub(super) struct RunningCall {
    news: mpsc::Receiver<News>,
    cancel: Arc<Notify>,
}

impl RunningCall {
    /// Starts a call of `session` whose input is `input`. The session is alive until every process
    /// of it is gone.
    ///
    /// # Errors
    /// There are no descriptors or processes left.
    pub(super) async fn start(
        session: &Arc<ServerSession>,
        plan: Plan,
        input: OwnedFd,
        output: Output,
        progress: bool,
    ) -> io::Result<Self> {
        let (stdout, output_end) = pipe2(OFlag::O_CLOEXEC)?;
        let (stderr, error_end) = pipe2(OFlag::O_CLOEXEC)?;
        let streams = Streams {
            input,
            output: output_end,
            errors: error_end,
        };
        let (crew, gate) = session.spare.start(&plan, &streams).await?;
        let Crew {
            events,
            keeper,
            recipe,
        } = crew;
        drop(streams);
        let alive = session.alive.subscribe();
        let (sender, news) = mpsc::channel(16);
        let cancel = Arc::new(Notify::new());
        let follow = Follow {
            started: Instant::now(),
            stdout: Some(pipe::Receiver::from_owned_fd(stdout)?),
            stderr: Some(pipe::Receiver::from_owned_fd(stderr)?),
            events: End::new(events)?,
            gate: gate.map(Gate::new).transpose()?,
            is_plain: true,
            sender,
            cancel: Arc::clone(&cancel),
            progress,
            patience: Patience::new(plan.order.timeout),
            session: Arc::downgrade(session),
            report: CallReport::new(output),
        };
        let session = Arc::downgrade(session);
        tokio::spawn(async move {
            let (left, events) = follow.follow(&keeper).await;
            let session_at_work = at_work(&session);
            let spare = session_at_work.as_ref().map(|session| &session.spare);
            let returning = spare.map(Spare::expect);
            let is_free = match left {
                CrewRemains::Waiting => true,
                CrewRemains::Owing => stays(&events).await,
                CrewRemains::Ending => false,
            };
            let crew = Crew {
                events: events.into_inner(),
                keeper,
                recipe,
            };
            let left = match spare {
                Some(spare) if is_free => spare.keep(crew),
                _ => Some(crew),
            };
            drop(returning);
            drop(session_at_work);
            if let Some(crew) = left {
                crew.dismiss().await;
            }
            drop(alive);
            if let Some(session) = at_work(&session) {
                session.spare.provide(plan.recipe);
            }
        });
        Ok(Self { news, cancel })
    }

    /// Ends everything that the call has started; [`News::Ended`] comes once it has.
    pub(super) fn cancel(&self) {
        self.cancel.notify_one();
    }

    /// What comes next; after [`News::Ended`], nothing.
    pub(super) async fn next(&mut self) -> News {
        match self.news.recv().await {
            Some(news) => news,
            // The follower always says how it ended, unless nobody is to be told any more.
            None => std::future::pending().await,
        }
    }
}

/// Follows a call, whoever still listens.
struct Follow {
    started: Instant,
    stdout: Option<pipe::Receiver>,
    stderr: Option<pipe::Receiver>,
    events: End,
    gate: Option<Gate>,
    /// Nothing was told that the supervisor may have more to say about at the end.
    is_plain: bool,
    sender: mpsc::Sender<News>,
    cancel: Arc<Notify>,
    progress: bool,
    /// With a supervisor that hangs.
    patience: Patience,
    session: Weak<ServerSession>,
    report: CallReport,
}

/// What woke the follower.
enum Woken {
    Output,
    Errors,
    Event(io::Result<Option<(Event, Option<OwnedFd>)>>),
    /// The command's status, if that can be said: the gate has no more to tell.
    Over(Option<u8>),
    Cancelled,
    /// The supervisor should have ended it long ago.
    Late,
}

/// What a call leaves of its crew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CrewRemains {
    /// It waits for another call.
    Waiting,
    /// So it will once it has said how this one ended.
    Owing,
    /// It ends.
    Ending,
}

impl Follow {
    /// What is left of the crew, and the way to it.
    async fn follow(mut self, keeper: &Keeper) -> (CrewRemains, End) {
        let mut ending = false;
        let left = loop {
            let woken = tokio::select! {
                biased;
                ready = readable(self.stdout.as_ref()) => ready.map(|()| Woken::Output),
                ready = readable(self.stderr.as_ref()) => ready.map(|()| Woken::Errors),
                event = self.events.next() => Ok(Woken::Event(event)),
                status = over(self.gate.as_ref()) => Ok(Woken::Over(status)),
                () = self.cancel.notified(), if !ending => Ok(Woken::Cancelled),
                () = self.sender.closed(), if !ending => Ok(Woken::Cancelled),
                () = self.patience.end(), if !ending => Ok(Woken::Late),
            };
            match woken {
                Ok(Woken::Output) => self.read(Stream::Stdout),
                Ok(Woken::Errors) => self.read(Stream::Stderr),
                Ok(Woken::Event(Ok(Some((event, fd))))) => {
                    if self.take(event, fd).await {
                        break if self.report.last.stays && !ending {
                            CrewRemains::Waiting
                        } else {
                            CrewRemains::Ending
                        };
                    }
                }
                Ok(Woken::Event(Ok(None) | Err(_))) | Err(_) => break CrewRemains::Ending,
                Ok(Woken::Over(status)) => {
                    self.gate = None;
                    // That may be ours: then the supervisor says of what.
                    let status = status.filter(|status| *status != Exit::Internal.code());
                    if let Some(status) = status
                        && !ending
                        && self.is_plain
                        && self.events.is_silent()
                    {
                        self.report.last = CallEnd::Exit(status).into();
                        break CrewRemains::Owing;
                    }
                }
                Ok(Woken::Cancelled) => {
                    ending = true;
                    keeper.end();
                }
                Ok(Woken::Late) => {
                    // Nobody waits for whoever holds it up.
                    self.report.last = CallEnd::Failed(HUNG.to_owned()).into();
                    keeper.end();
                    break CrewRemains::Ending;
                }
            }
        };
        self.finish().await;
        (left, self.events)
    }

    /// Whether it is over.
    async fn take(&mut self, event: Event, fd: Option<OwnedFd>) -> bool {
        match event {
            // Too late: the order has gone the other way.
            Event::Ready => {}
            Event::Lost(missing) => self.report.missing = missing,
            Event::Writes(root) => {
                if let (Some(session), Some(Ok(end))) = (at_work(&self.session), fd.map(End::new)) {
                    session.note(root.into());
                    // Who does not hear it starts nothing.
                    let _ = end.answer(&Answer::Yes);
                }
            }
            Event::Replaced(path) => {
                self.is_plain = false;
                if let Some(session) = at_work(&self.session) {
                    lock(&session.rulebook).doubt(path.into());
                }
            }
            Event::Saw(notable) => {
                self.is_plain = false;
                self.report.notables.push(notable);
            }
            Event::Asking(asked) => {
                self.is_plain = false;
                // Without a descriptor, or with nobody there, the question is closed: a no.
                if let Some(Ok(end)) = fd.map(End::new) {
                    let open = self.patience.open();
                    let _ = self.sender.send(News::Question(asked, end, open)).await;
                }
            }
            Event::Ended(last) => {
                self.report.last = last;
                return true;
            }
        }
        false
    }

    /// Reads once from a stream that may have something.
    fn read(&mut self, stream: Stream) {
        let mut buffer = Vec::with_capacity(CHUNK);
        if self.read_into(stream, &mut buffer) && self.progress {
            let news = News::Output(self.report.output.total(), buffer);
            // A client that doesn't keep up misses some of it; the result has it all.
            let _ = self.sender.try_send(news);
        }
    }

    /// Whether something came.
    fn read_into(&mut self, stream: Stream, buffer: &mut Vec<u8>) -> bool {
        let pipe = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        let Some(open) = pipe else { return false };
        match open.try_read_buf(buffer) {
            Ok(0) => *pipe = None,
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => *pipe = None,
            Ok(_) | Err(_) => {}
        }
        self.report.output.push(stream, buffer);
        !buffer.is_empty()
    }

    /// Nothing writes any more: takes what is left in the pipes.
    async fn finish(&mut self) {
        // Closed before the client knows, so that descriptors don't pile up when it calls again at once.
        let pipes = [
            (Stream::Stdout, self.stdout.take()),
            (Stream::Stderr, self.stderr.take()),
        ];
        for (stream, pipe) in pipes {
            // Past the runtime, which may not know yet that there is something.
            if let Some(Ok(pipe)) = pipe.map(pipe::Receiver::into_nonblocking_fd) {
                let mut rest = Vec::new();
                // In the end there would be nothing to wait for, which is an error.
                let _ = File::from(pipe).take(PIPE).read_to_end(&mut rest);
                self.report.output.push(stream, &rest);
            }
        }
        self.report.duration = self.started.elapsed();
        let report = std::mem::replace(&mut self.report, CallReport::new(Output::default()));
        let _ = self.sender.send(News::Ended(Box::new(report))).await;
    }
}

/// The session, while it has a client who may call again.
fn at_work(session: &Weak<ServerSession>) -> Option<Arc<ServerSession>> {
    session.upgrade().filter(|session| !*session.gone.borrow())
}

/// Waits for a crew's word on a call that is over: whether it waits for another. One that says nothing
/// has something else to do, and must not.
async fn stays(events: &End) -> bool {
    let word = async {
        loop {
            match events.next::<Event>().await {
                Ok(Some((Event::Ended(last), _))) => break last.stays,
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break false,
            }
        }
    };
    timeout(WORD, word).await.unwrap_or(false)
}

/// Waits until a gate has no more to tell; for ever without one.
async fn over(gate: Option<&Gate>) -> Option<u8> {
    match gate {
        Some(gate) => gate.status().await,
        None => std::future::pending().await,
    }
}

/// Waits until a pipe can be read; for ever when it is closed.
async fn readable(pipe: Option<&pipe::Receiver>) -> io::Result<()> {
    match pipe {
        Some(pipe) => pipe.readable().await,
        None => std::future::pending().await,
    }
}
