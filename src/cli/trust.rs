//! `codex-shell trust`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::Places;
use crate::config::load::check_project;
use crate::config::project::Project;
use crate::config::trust::{TrustState, TrustStore};
use crate::exit::Exit;
use crate::report;
use crate::request::{Earlier, argv};
use crate::rules::model::{CommandRule, Run};
use crate::rules::{self, Decision, RuleSet, RulesCache};
use crate::sys::read_capped::read_capped;
use crate::terminal::{self, Choices, TerminalAnswer};

use super::here;

/// Bytes of a file that says where a repository is.
const LONGEST: usize = 1 << 16;
/// What is asked of a project.
const FILES: &str = "Trust these files until one of them changes?";

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The rules and settings in a project's .codex folder count once they are trusted.
When one of the files has changed, what they restrict counts, and what they permit
does not until the project is trusted again.

A git repository that an earlier command could write, because a directory above it
was its workspace, counts as that command's work: git stays inside the sandbox there
until you say that the repository is yours, and again once a command could write it.

Examples:
  codex-shell trust
  codex-shell trust --list")]
pub(super) struct Args {
    /// A directory of the project or repository [default: the working directory]
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Trust without asking
    #[arg(long, conflicts_with_all = ["list", "remove"])]
    yes: bool,
    /// Print the projects that are trusted, and do nothing else
    #[arg(long, conflicts_with = "directory")]
    list: bool,
    /// Stop trusting this project and its repository
    #[arg(long, value_name = "DIR", conflicts_with_all = ["directory", "list"])]
    remove: Option<PathBuf>,
}

pub(super) fn main(args: &Args) -> Exit {
    match run(args) {
        Ok(exit) => exit,
        Err(message) => {
            report::error(&message);
            Exit::Failure
        }
    }
}

fn run(args: &Args) -> Result<Exit, String> {
    let directory = match &args.directory {
        Some(directory) => directory.clone(),
        None => here()?,
    };
    if !directory.is_dir() {
        return Err(format!("{}: not a directory", directory.display()));
    }
    let places = Places::of_process(directory);
    let home = places
        .codex_home
        .as_deref()
        .ok_or("neither CODEX_HOME nor HOME is set")?;
    let mut store = TrustStore::open(home).map_err(|e| e.to_string())?;
    let earlier = Earlier::of(Some(home));
    if args.list {
        return list(&store, &earlier);
    }
    if let Some(root) = &args.remove {
        return remove(&mut store, &earlier, root);
    }
    let repository = trust_repository(&places.directory, &earlier, args.yes)?;
    let root = match (places.project(), repository) {
        (Some(root), None | Some(Exit::Success)) => root,
        (_, Some(exit)) => return Ok(exit),
        (None, None) => {
            let shown = places.directory.display();
            return Err(format!(
                "{shown} is in no project: no .codex folder here or above"
            ));
        }
    };
    let project = Project::read(&root)
        .map_err(|e| e.to_string())?
        .ok_or_else(|| {
            let shown = root.display();
            format!("{shown}/.codex has neither rules nor a codex-shell.toml")
        })?;
    show_and_ask(&mut store, &project, &places, args.yes)
}

fn list(store: &TrustStore, earlier: &Earlier) -> Result<Exit, String> {
    let mut text = String::new();
    for root in store.projects() {
        let state = match Project::read(root) {
            Ok(Some(project)) if store.standing(&project) == TrustState::Trusted => "",
            Ok(Some(_)) => ": changed since, so that nothing that it permits counts",
            Ok(None) | Err(_) => ": can't be read, so that it does not count",
        };
        // Writing to a String can't fail.
        let _ = writeln!(text, "{}{state}", argv::word(root.as_os_str()));
    }
    for (repository, holds) in earlier.all_trusted().map_err(|e| e.to_string())? {
        let state = if holds {
            ""
        } else {
            ": commands could write it since, so that it does not count"
        };
        let _ = writeln!(text, "{}{state}", argv::word(repository.as_os_str()));
    }
    if text.is_empty() {
        report::note("no project and no repository is trusted");
    }
    print(&text)?;
    Ok(Exit::Success)
}

/// A project that is gone can be removed too.
fn remove(store: &mut TrustStore, earlier: &Earlier, root: &Path) -> Result<Exit, String> {
    let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let repository = repository(&root).unwrap_or_else(|| root.join(".git"));
    let had_repository = earlier.distrust(&repository).map_err(|e| e.to_string())?;
    let had_project = store.remove(&root).map_err(|e| e.to_string())?;
    let removed = [(had_project, &root), (had_repository, &repository)];
    for (_, path) in removed.iter().filter(|(had, _)| *had) {
        let shown = argv::word(path.as_os_str());
        print(&format!("{shown}: not trusted any more\n"))?;
    }
    if had_project || had_repository {
        Ok(Exit::Success)
    } else {
        let shown = argv::word(root.as_os_str());
        Err(format!("{shown} was not trusted: --list prints what is"))
    }
}

fn show_and_ask(
    store: &mut TrustStore,
    project: &Project,
    places: &Places,
    yes: bool,
) -> Result<Exit, String> {
    let rules = rules::load_layers(&project.origins(), &RulesCache::default());
    let problems = check_project(project, places);
    print(&shown(project, &rules, store))?;
    report::diagnostics::print_errors(&rules);
    report::config::print_problems(&problems);
    if rules.is_broken() || !problems.is_empty() {
        return Err("files with errors can't be trusted".to_owned());
    }
    if store.standing(project) == TrustState::Trusted {
        return Ok(Exit::Success);
    }
    if !yes && !asked(FILES.to_owned())? {
        report::note("not trusted");
        return Ok(Exit::Failure);
    }
    store.trust(project).map_err(|e| e.to_string())?;
    print(&format!(
        "{}: trusted\n",
        argv::word(project.root.as_os_str())
    ))?;
    Ok(Exit::Success)
}

/// Asks about the repository of `directory`, if an earlier command could have written it; `None` if there is
/// none.
fn trust_repository(
    directory: &Path,
    earlier: &Earlier,
    yes: bool,
) -> Result<Option<Exit>, String> {
    let Some(repository) = repository(directory) else {
        return Ok(None);
    };
    let Some(why) = earlier.doubt(&repository) else {
        return Ok(None);
    };
    let shown = argv::word(repository.as_os_str());
    print(&format!(
        "{why}\n  git obeys what stands in {shown}: look at its config and hooks first\n"
    ))?;
    let text = "Is this repository yours, as it is now?".to_owned();
    if !yes && !asked(text)? {
        report::note("not trusted");
        return Ok(Some(Exit::Failure));
    }
    earlier.trust(&repository).map_err(|e| e.to_string())?;
    print(&format!("{shown}: trusted\n"))?;
    Ok(Some(Exit::Success))
}

/// The repository of `directory`, without links: it, as a bare one is, or the nearest upwards.
fn repository(directory: &Path) -> Option<PathBuf> {
    let start = fs::canonicalize(directory).ok()?;
    if start.join("HEAD").is_file()
        && (start.join("objects").is_dir() || start.join("commondir").is_file())
    {
        return Some(start);
    }
    let mut inner = start.ancestors().map(|folder| folder.join(".git"));
    let inner = inner.find(|inner| inner.exists())?;
    let pointer = read_capped(&inner, LONGEST, Duration::ZERO).ok();
    let target = pointer.and_then(|text| {
        let line = text.strip_prefix(b"gitdir: ")?.trim_ascii_end();
        Some(inner.parent()?.join(OsStr::from_bytes(line)))
    });
    fs::canonicalize(target.unwrap_or(inner)).ok()
}

/// The files, and how many rules say what.
fn shown(project: &Project, rules: &RuleSet, store: &TrustStore) -> String {
    let standing = store.standing(project);
    let state = match standing {
        TrustState::Trusted => "trusted",
        TrustState::Changed => "changed since it was trusted",
        TrustState::Unknown => "not trusted",
    };
    let mut text = format!("{}: {state}\n", argv::word(project.root.as_os_str()));
    for file in project.files() {
        // Writing to a String can't fail.
        let _ = writeln!(text, "  {}", argv::word(project.name(file).as_os_str()));
    }
    if standing == TrustState::Changed {
        text += &differences(project, store.trusted(&project.root).as_ref());
    } else if standing == TrustState::Unknown {
        let settings = project.settings.as_ref().map(|file| &*file.content);
        text += &report::permissions::text(rules, settings, &project.root);
    }
    let lets_out = |rule: &CommandRule| rule.run != Some(Run::Inside);
    let prefixes = rules.prefix_rules.iter().map(|rule| (rule.decision, true));
    let commands = rules
        .command_rules
        .iter()
        .map(|rule| (rule.decision, lets_out(rule)));
    let networks = rules.network_rules.iter().map(|rule| rule.decision);
    let defaults = rules.defaults.iter().map(|rule| rule.decision);
    let others = networks.chain(defaults).map(|decision| (decision, false));
    let all: Vec<(Decision, bool)> = prefixes.chain(commands).chain(others).collect();
    let count = |wanted| all.iter().filter(|(found, _)| *found == wanted).count();
    let out = all
        .iter()
        .filter(|(decision, out)| *out && *decision != Decision::Forbidden);
    let _ = writeln!(
        text,
        "  rules: {} allow, {} prompt, {} forbidden; {} let programs out of the sandbox",
        count(Decision::Allow),
        count(Decision::Prompt),
        count(Decision::Forbidden),
        out.count()
    );
    text
}

/// What has changed since the project was `trusted`, file by file.
fn differences(project: &Project, trusted: Option<&Project>) -> String {
    let Some(trusted) = trusted else {
        return "  what it was when it was trusted is not known any more\n".to_owned();
    };
    let before: BTreeMap<&Path, &[u8]> = contents(trusted);
    let after = contents(project);
    let names: BTreeSet<&Path> = before.keys().chain(after.keys()).copied().collect();
    let mut text = String::from("What has changed\n");
    for name in names {
        let (before, after) = (before.get(name), after.get(name));
        let what = match (before, after) {
            (Some(before), Some(after)) if before == after => continue,
            (Some(_), Some(_)) => "changed",
            (None, _) => "new",
            (_, None) => "removed",
        };
        // Writing to a String can't fail.
        let _ = writeln!(text, "  {}: {what}", argv::word(name.as_os_str()));
        let content = |content: Option<&&[u8]>| content.copied().unwrap_or_default().to_vec();
        for line in report::diff::lines(&content(before), &content(after)) {
            let _ = writeln!(text, "    {line}");
        }
    }
    text
}

fn contents(project: &Project) -> BTreeMap<&Path, &[u8]> {
    let files = project.files();
    files
        .map(|file| (project.name(file), file.content.as_slice()))
        .collect()
}

fn print(text: &str) -> Result<(), String> {
    report::print(text.as_bytes()).map_err(|e| format!("standard output: {e}"))
}

/// Asks on the terminal, never on standard input.
fn asked(text: String) -> Result<bool, String> {
    match terminal::put(text, Choices::YES_OR_NO) {
        Ok(answer) => Ok(answer == TerminalAnswer::Yes),
        Err(error) => Err(format!(
            "nobody could be asked, so nothing is trusted: {error}; start it on a terminal, or, where you \
             have looked at the files, add --yes"
        )),
    }
}
