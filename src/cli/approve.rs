//! `codex-shell approve`.

use std::io::ErrorKind;
use std::path::PathBuf;

use crate::exit::Exit;
use crate::mcp::queue::{self, Entry, NOT_OPEN, Order};
use crate::report;

use super::finish;

#[derive(Debug, clap::Subcommand)]
#[command(after_help = "\
Example:
  codex-shell approve list
  codex-shell approve yes 4711.1 --reason 'go ahead'")]
pub(super) enum Command {
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
    /// Don't
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

pub(super) fn main(command: Command) -> Exit {
    let done = match command {
        Command::List => list(),
        Command::Show { id } => show(id),
        Command::Yes {
            id,
            session,
            reason,
        } => answer(id, true, session, reason),
        Command::No { id, reason } => answer(id, false, false, reason),
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
    queue::folder().ok_or_else(|| "there is no home directory to look for servers in".into())
}

/// Each server's number and open questions. Servers that are gone are passed over.
fn servers() -> Result<Vec<(u32, Vec<Entry>)>, String> {
    let folder = folder()?;
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut servers: Vec<(u32, Vec<Entry>)> = entries
        .filter_map(|entry| {
            let server = entry.file_name().to_str()?.parse().ok()?;
            let open = queue::send(&entry.path(), &Order::List).ok()?.ok()?;
            Some((server, open))
        })
        .collect();
    servers.sort_by_key(|(server, _)| *server);
    Ok(servers)
}

fn list() -> Result<String, String> {
    let lines = servers()?.into_iter().flat_map(|(server, open)| {
        open.into_iter().map(move |entry| {
            let Entry {
                number,
                text,
                waits_seconds,
                ..
            } = entry;
            let command = text.command;
            format!("{server}.{number}\t{waits_seconds} s\t{command}\n")
        })
    });
    Ok(lines.collect())
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
    let Entry { text, purpose, .. } = entry;
    let mut facts = vec![("runs", text.runs.clone())];
    facts.extend(text.facts());
    facts.extend(purpose.map(|purpose| ("the agent", purpose)));
    let mut lines = vec![text.command];
    let facts = facts.into_iter();
    lines.extend(facts.map(|(label, text)| format!("  {label:<11}{text}")));
    Ok(lines.join("\n") + "\n")
}

fn answer(id: Id, yes: bool, session: bool, reason: Option<String>) -> Result<String, String> {
    let socket = folder()?.join(id.server.to_string());
    let order = Order::Answer {
        number: id.number,
        yes,
        session,
        reason,
    };
    let response = queue::send(&socket, &order).map_err(|error| match error.kind() {
        // The server is gone, or never was.
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => NOT_OPEN.to_owned(),
        _ => format!("{}: {error}", socket.display()),
    })?;
    response.map(|_| String::new())
}
