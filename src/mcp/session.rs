//! What all calls of a server share.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::{Semaphore, watch};

use super::ServeError;
use super::codex_state;
use super::crew::Spare;
use super::folder::Folder;
use super::limits::Limits;
use super::listener::{LogLevel, LogListener};
use super::lookout::Looked;
use super::order::Keys;
use super::outbox::OutboxFill;
use super::queue::Queue;
use super::rulebook::{Rulebook, WRITING};
use super::wanted::{Started, Wanted};
use crate::audit::{Audit, ClientCall};
use crate::config::values::Ask;
use crate::config::{Places, Profiles, Settings};
use crate::confine::{LayerName, Mode, Protection};
use crate::intercept::broker::Patched;
use crate::intercept::unattended::Unattended;
use crate::report;
use crate::request::argv;
use crate::request::earlier::Noted;
use crate::sys::lock;

/// As many calls run at once; more wait for their turn.
const CALLS: usize = 128;

/// How a server is started.
#[derive(Debug)]
pub struct Options {
    /// The floor of the sandbox; without it the client says what it is.
    pub sandbox: Option<Mode>,
    /// Whether that sandbox has a network.
    pub network: bool,
    /// What may be written in it, beside the working directory.
    pub writable: Vec<PathBuf>,
    /// `/tmp` and `$TMPDIR` may be written in it.
    pub tmp: bool,
    /// Layers without which nothing starts.
    pub require: Vec<LayerName>,
    /// Rules files and directories; empty for the rules of all layers.
    pub rules: Vec<PathBuf>,
    /// Where those are.
    pub places: Places,
    /// The shell.
    pub shell: PathBuf,
    /// The shell brings its execs, not the kernel.
    pub patched: Option<Patched>,
    /// The sandboxes that rules name.
    pub profiles: Profiles,
    /// Who is asked.
    pub ask: Who,
    /// How long a question may wait.
    pub ask_timeout: Duration,
    /// How long a call may take that doesn't say.
    pub timeout: Duration,
    /// How much of a stream is returned, in bytes.
    pub output_limit: usize,
    /// What of this is set, and where.
    pub settings: Settings,
    /// The records.
    pub audit: Audit,
    /// What no command writes, beside what the rules now come from.
    pub protection: Protection,
}

/// Who is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// The client, by elicitation.
    Client,
    /// Whoever runs `codex-shell approve`.
    Queue,
    /// No person at this end; and what says so, for people.
    Unattended(Ask, String),
}

/// Sets of signals, bit n-1 for signal n.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signals {
    pub(super) ignored: u64,
    pub(super) blocked: u64,
}

/// The session.
#[derive(Debug)]
pub(super) struct ServerSession {
    pub(super) options: Options,
    pub(super) keys: Keys,
    /// Becomes true when the client is gone.
    pub(super) gone: watch::Receiver<bool>,
    /// Held by every call as long as a process of it runs.
    pub(super) alive: watch::Sender<()>,
    /// The processes that wait for the next call.
    pub(super) spare: Spare,
    /// Where long output goes.
    pub(super) folder: Arc<Folder>,
    /// How much waits to be written to the client.
    pub(super) outbox: Arc<OutboxFill>,
    /// A permit for each call that may run.
    pub(super) room: Semaphore,
    here: PathBuf,
    started: Vec<Started>,
    state: Mutex<ClientState>,
    pub(super) rulebook: Mutex<Rulebook>,
    /// When somebody looked last whether the rules have changed; held by who looks.
    pub(super) looked: tokio::sync::Mutex<Looked>,
    /// The signals as the server's caller left them, and as commands find them.
    pub(super) signals: Signals,
    /// Questions for `codex-shell approve`.
    pub(super) queue: Arc<Queue>,
    remembered: Mutex<HashSet<[u64; 2]>>,
    /// The directories that calls could write, each with the mark that says so.
    noted: Mutex<HashMap<PathBuf, Option<Noted>>>,
}

/// What a client sends with a call, beside the call's arguments.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// Its sandbox states.
    pub(super) states: Vec<Value>,
    /// What it calls the call.
    pub(super) client: ClientCall,
}

/// What the client has said.
#[derive(Debug, Default)]
struct ClientState {
    sandbox: Option<Value>,
    roots: Vec<PathBuf>,
    /// The least severe messages that are wanted.
    level: LogLevel,
}

impl ServerSession {
    /// Begins a session.
    ///
    /// # Errors
    /// The rules can't be loaded, or there is no working directory.
    pub(super) fn new(
        options: Options,
        signals: Signals,
        gone: watch::Receiver<bool>,
    ) -> Result<Self, ServeError> {
        let rulebook = Rulebook::load(options.rules.clone(), options.places.clone(), WRITING);
        let rulebook = rulebook.map_err(ServeError::Rules)?;
        Folder::sweep();
        let here = std::env::current_dir()?;
        let more = options.writable.iter().map(|path| here.join(path));
        let started = std::iter::once(here.clone()).chain(more);
        let started = started.filter_map(|path| Started::now(&path)).collect();
        Ok(Self {
            options,
            keys: Keys::default(),
            gone,
            alive: watch::channel(()).0,
            spare: Spare::default(),
            folder: Arc::new(Folder::new()),
            outbox: Arc::default(),
            room: Semaphore::new(CALLS),
            here,
            started,
            state: Mutex::default(),
            rulebook: Mutex::new(rulebook),
            looked: tokio::sync::Mutex::default(),
            signals,
            queue: Arc::default(),
            remembered: Mutex::default(),
            noted: Mutex::default(),
        })
    }

    /// The client's roots: more of the workspace that it names by its sandbox state.
    pub(super) fn set_roots(&self, roots: Vec<PathBuf>) {
        lock(&self.state).roots = roots;
    }

    /// The least severe level of messages that the client wants.
    pub(super) fn set_level(&self, level: &str) {
        lock(&self.state).level = LogLevel::named(level);
    }

    /// What the sandbox of a call is to permit with which the client `sent` something; `wish` is the
    /// call's own mode.
    pub(super) fn wanted(&self, wish: Option<Mode>, sent: &[Value]) -> Wanted {
        let (states, roots) = match sent {
            [] => {
                let state = lock(&self.state);
                (state.sandbox.iter().cloned().collect(), state.roots.clone())
            }
            sent => (sent.to_vec(), Vec::new()),
        };
        Wanted {
            floor: self.floor(),
            states,
            roots,
            wish,
            here: self.here.clone(),
            protection: self.protection(),
            started: self.started.clone(),
        }
    }

    /// Remembers that commands can write in `root`, a canonical path, from now on.
    pub(super) fn note(&self, root: PathBuf) {
        let earlier = &self.options.protection.earlier;
        let mut noted = lock(&self.noted);
        if noted.contains_key(&root) {
            return;
        }
        let mark = earlier.note(std::slice::from_ref(&root));
        let mark = mark.inspect_err(|error| {
            if error.kind() == io::ErrorKind::Unsupported {
                return;
            }
            let root = argv::word(root.as_os_str());
            report::note(&format!(
                "nothing remembers that commands can write {root}: {error}"
            ));
        });
        noted.insert(root, mark.ok());
    }

    /// What no command writes, by the settings and rules that are in force.
    fn protection(&self) -> Protection {
        let mut protection = self.options.protection.clone();
        protection.deciding.extend(lock(&self.rulebook).deciding());
        protection.deciding.extend(self.folder.held());
        protection
    }

    /// What the start permits at most.
    fn floor(&self) -> Option<Limits> {
        let mode = self.options.sandbox?;
        let mut limits = Limits::plain(mode, &self.here);
        let more = self.options.writable.iter();
        limits.roots.extend(more.map(|path| self.here.join(path)));
        Some(Limits {
            network: self.options.network,
            slash_tmp: self.options.tmp,
            tmpdir: self.options.tmp,
            ..limits
        })
    }

    /// What a client sent with a call.
    ///
    /// # Errors
    /// There is no such sandbox, in words for the agent.
    pub(super) fn sent(&self, meta: &Map<String, Value>) -> Result<Sent, String> {
        let states = codex_state::of_call(meta);
        Ok(Sent {
            states: states
                .map(|state| self.sound(state))
                .collect::<Result<_, _>>()?,
            client: codex_state::client_call(meta),
        })
    }

    /// Follows the client's `codex/sandbox-state/update`.
    ///
    /// # Errors
    /// As for [`ServerSession::sent`]; then nothing has changed.
    pub(super) fn update(&self, state: &Value) -> Result<(), String> {
        let state = self.sound(state)?;
        lock(&self.state).sandbox = Some(state);
        Ok(())
    }

    /// A state that says what a sandbox here can give, whatever files there are.
    fn sound(&self, state: &Value) -> Result<Value, String> {
        codex_state::limits(state, &self.here, &|_| true)?;
        Ok(state.clone())
    }

    /// Sends the client a message for its log.
    pub(super) fn log(&self, listener: &LogListener, level: &str, text: &str) {
        listener.tell(lock(&self.state).level, level, text);
    }

    /// The rules in force, for people: where they are, and how many.
    pub(super) fn rules_in_force(&self) -> String {
        lock(&self.rulebook).in_force()
    }

    /// Who answers a call's questions by itself; `None` where this server knows who does.
    pub(super) fn ask(&self) -> Option<Unattended> {
        match &self.options.ask {
            Who::Client | Who::Queue => None,
            Who::Unattended(ask, declined) => Some(Unattended {
                ask: ask.clone(),
                declined: declined.clone(),
                patience: Some(self.options.ask_timeout),
            }),
        }
    }

    /// Whether this request was permitted for the session.
    pub(super) fn remembers(&self, key: [u64; 2]) -> bool {
        lock(&self.remembered).contains(&key)
    }

    /// Permits this request for the session.
    pub(super) fn remember(&self, key: [u64; 2]) {
        lock(&self.remembered).insert(key);
    }

    /// The file that "always" appends to: the user's own rules, if this session reads them.
    pub(super) fn rules_file(&self) -> Option<PathBuf> {
        let home = self.options.places.codex_home.as_ref()?;
        let path = home.join("rules").join("default.rules");
        let places = &self.options.rules;
        let is_read = |place: &PathBuf| *place == path || Some(place.as_path()) == path.parent();
        (places.is_empty() || places.iter().any(is_read)).then_some(path)
    }

    /// Appends `rule` to the rules file at `path`.
    ///
    /// # Errors
    /// Why it can't be written.
    pub(super) fn write_rule(path: &Path, rule: &str) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = std::fs::File::options()
            .append(true)
            .create(true)
            .open(path)?;
        file.write_all(format!("\n{rule}\n").as_bytes())
    }
}
