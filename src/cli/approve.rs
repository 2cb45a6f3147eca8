//! `codex-shell approve`.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use crate::approve::wording::wording;
use crate::config::Places;
use crate::exit::Exit;
use crate::mcp::queue::{self, NOT_OPEN, OpenQuestion, QueueOrder};
use crate::report::{self, columns::columns};
use crate::terminal::{self, Choices, TerminalAnswer};

use super::finish;

/// How often servers are asked for questions: they tell nobody by themselves.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The last line of a question.
const PROMPT: &str = "Answer yes, session (yes, until the server ends) or no: ";

#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  codex-shell approve --watch
  codex-shell approve list
  codex-shell approve yes 4711.1 --reason 'go ahead'"
)]
pub(super) struct Args {
    /// Put each question on this terminal as soon as it is open, until Ctrl-C
    #[arg(long)]
    watch: bool,
    #[command(subcommand)]
    command: Option<ApproveCommand>,
}

#[derive(Debug, clap::Subcommand)]
enum ApproveCommand {
    /// List the open questions of all servers
    List,
    /// Show a question in full
    Show {
        /// As `list` names it
        id: Id,
    },
    /// Let the program run
    Yes {
        /// As `list` names it
        id: Id,
        /// Also whenever the same is asked again, until the server ends
        #[arg(long)]
        session: bool,
        /// Words for the agent
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Refuse it
    No {
        /// As `list` names it
        id: Id,
        /// Words for the agent
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
}

/// `SERVER.NUMBER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id {
    server: u32,
    number: u64,
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.server, self.number)
    }
}

impl std::str::FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (server, number) = text.split_once('.')?;
            Some(Self {
                server: server.parse().ok()?,
                number: number.parse().ok()?,
            })
        };
        parse()
            .ok_or_else(|| "expected SERVER.NUMBER, as `codex-shell approve list` writes it".into())
    }
}

pub(super) fn main(args: Args) -> Exit {
    let done = match args.command {
        Some(ApproveCommand::List) => list(),
        Some(ApproveCommand::Show { id }) => show(id),
        Some(ApproveCommand::Yes {
            id,
            session,
            reason,
        }) => {
            let said = if session {
                PersonsReply::Session
            } else {
                PersonsReply::Once
            };
            answer(id, said, reason)
        }
        Some(ApproveCommand::No { id, reason }) => answer(id, PersonsReply::No, reason),
        None => watch(),
    };
    match done {
        Ok(text) => finish(Ok(text), Exit::Success),
        Err(message) => {
            report::error(&message);
            Exit::Failure
        }
    }
}

fn folder() -> Result<PathBuf, String> {
    let sockets = Places::of_process(PathBuf::new()).sockets();
    sockets.ok_or_else(|| "there is no home directory to look for servers in".into())
}

/// Each server's number and open questions. Servers that are gone are passed over.
fn servers() -> Result<Vec<(u32, Vec<OpenQuestion>)>, String> {
    let folder = folder()?;
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut servers: Vec<(u32, Vec<OpenQuestion>)> = entries
        .filter_map(|entry| {
            let server = entry.file_name().to_str()?.parse().ok()?;
            let open = queue::send(&entry.path(), &QueueOrder::List).ok()?.ok()?;
            Some((server, open))
        })
        .collect();
    servers.sort_by_key(|(server, _)| *server);
    Ok(servers)
}

fn list() -> Result<String, String> {
    let mut rows = vec![
        ["ID", "WAITS", "COMMAND", "ASKED BY", "REASON"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for (server, open) in servers()? {
        for OpenQuestion {
            number,
            text,
            waits_seconds,
            ..
        } in open
        {
            let reason = text.justification.unwrap_or_default();
            let waits = format!("{waits_seconds} s");
            let id = Id { server, number };
            rows.push(vec![
                id.to_string(),
                waits,
                text.command,
                text.because,
                reason,
            ]);
        }
    }
    if rows.len() == 1 {
        return Ok("no question is open\n".to_owned());
    }
    Ok(columns(&rows))
}

fn show(id: Id) -> Result<String, String> {
    let servers = servers()?;
    let open = servers
        .into_iter()
        .filter(|(server, _)| *server == id.server);
    let mut open = open.flat_map(|(_, open)| open);
    let entry = open
        .find(|entry| entry.number == id.number)
        .ok_or(NOT_OPEN)?;
    Ok(wording(&entry.text, entry.purpose.as_deref()) + "\n")
}

/// What a question is answered by.
#[derive(Debug, Clone, Copy)]
enum PersonsReply {
    Once,
    Session,
    No,
}

impl PersonsReply {
    fn as_str(self) -> &'static str {
        match self {
            Self::Once => "yes",
            Self::Session => "yes, until the server ends",
            Self::No => "no",
        }
    }
}

fn answer(id: Id, said: PersonsReply, reason: Option<String>) -> Result<String, String> {
    let socket = folder()?.join(id.server.to_string());
    let order = QueueOrder::Answer {
        number: id.number,
        yes: !matches!(said, PersonsReply::No),
        session: matches!(said, PersonsReply::Session),
        reason,
    };
    let response = queue::send(&socket, &order).map_err(|error| match error.kind() {
        // The server is gone, or never was.
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => NOT_OPEN.to_owned(),
        _ => format!("{}: {error}", socket.display()),
    })?;
    response.map(|_| format!("{id}: {}\n", said.as_str()))
}

/// Puts questions on the terminal, one after another, as they come.
fn watch() -> Result<String, String> {
    report::note("questions are put here as they come; Ctrl-C ends this");
    loop {
        let next = servers()?.into_iter().find_map(|(server, open)| {
            let first = open.into_iter().next()?;
            Some((server, first))
        });
        let Some((server, entry)) = next else {
            std::thread::sleep(LOOK_AGAIN);
            continue;
        };
        let id = Id {
            server,
            number: entry.number,
        };
        let text = wording(&entry.text, entry.purpose.as_deref());
        let choices = Choices::to_run(entry.text.no_session.is_none(), PROMPT);
        let said = terminal::put(text, choices)
            .map_err(|error| format!("nobody could be asked: {error}"))?;
        let said = match said {
            TerminalAnswer::Yes => PersonsReply::Once,
            TerminalAnswer::Session => PersonsReply::Session,
            _ => PersonsReply::No,
        };
        match answer(id, said, None) {
            // It was shown as it was typed.
            Ok(_) => {}
            // It was withdrawn, or answered elsewhere.
            Err(message) => report::note(&message),
        }
    }
}
