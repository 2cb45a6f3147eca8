//! What a command would ask for that nobody has started, as far as words and files say: for those who only
//! want to know what would come of it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::act::environment::{SessionEnvironment, VariableList};
use crate::evaluate::{
    Callers, CommandTree, IndexedRules, Judgement, Resolver, ScriptJudgement, UnstartedCommand,
    judge_flows, judge_script, with_repository,
};
use crate::request::program::normalised;
use crate::request::{
    Followed, Interpreter, Originals, Program, Request, Roots, SearchPath, WorkingDirectory,
    Writable, entry, variables,
};
use crate::script::MAX_FOUND;
use crate::sys::read_capped::read_capped;

use super::inheritance::Heritage;

/// For so many commands of a script it is looked at which repository git would obey.
const REPOSITORIES: usize = 1000;

/// Finds what commands would ask for that are started in one place.
#[derive(Debug)]
pub struct Inquiry<'a> {
    rules: &'a IndexedRules,
    ground: &'a Writable,
    cwd: WorkingDirectory,
    /// The variables that we have.
    own: NamedVariables,
    /// What the programs would see; `None` where nobody knows.
    variables: Option<NamedVariables>,
    session: &'a SessionEnvironment,
    originals: Originals,
    known: RefCell<KnownFiles>,
}

/// What was found out about files, which is the same for each command of a script.
#[derive(Debug, Default)]
struct KnownFiles {
    /// Where programs are looked for, by the working directory and `PATH`.
    search_paths: HashMap<(PathBuf, Option<OsString>), SearchPath>,
    /// The programs, by what asks for them and where.
    programs: HashMap<(OsString, PathBuf, Option<OsString>), FoundProgram>,
    /// What the repository makes of each command that starts git, and where.
    repositories: HashMap<(Vec<OsString>, PathBuf), Vec<Request>>,
    /// How many those are.
    looked: usize,
    /// Variables, and what a program that has them would lose of them outside.
    lost: Option<(NamedVariables, LostVariables)>,
}

/// Variables, by name and value.
pub(super) type NamedVariables = Arc<[(OsString, OsString)]>;

/// What a program would lose of its variables outside.
#[derive(Debug, Clone, Default)]
struct LostVariables {
    /// See [`Request::withheld`].
    withheld: Vec<OsString>,
    /// See [`Request::leading`].
    leading: Vec<OsString>,
}

/// A program that was looked for.
#[derive(Debug, Clone)]
struct FoundProgram {
    program: Program,
    /// What runs it without any arguments, if it is a script.
    interpreter: Option<Box<Request>>,
    /// What it is a copy of.
    copy_of: Option<PathBuf>,
}

/// What is judged of the `shell` that we chose, whose `tree` this is: not that it starts, but what flows within its
/// text, and only if what each of its commands is `asks` for it as well. `None` if there is nothing to say.
pub fn judge_shell(
    rules: &IndexedRules,
    shell: &Request,
    tree: &CommandTree,
    asks: impl FnOnce() -> bool,
) -> Option<Judgement> {
    judge_flows(rules, shell, tree).filter(|_| asks())
}

impl<'a> Inquiry<'a> {
    /// For commands that are started in `cwd`, beside what the sandbox can write, with the variables that we
    /// have.
    pub fn here(
        rules: &'a IndexedRules,
        session: &'a SessionEnvironment,
        cwd: WorkingDirectory,
        ground: &'a Writable,
    ) -> Self {
        let own: VariableList = std::env::vars_os().collect();
        let own: NamedVariables = own.into();
        Self {
            rules,
            ground,
            cwd,
            session,
            variables: Some(Arc::clone(&own)),
            own,
            known: RefCell::default(),
            originals: Originals::default(),
        }
    }

    /// What it is judged by.
    pub fn rules(&self) -> &'a IndexedRules {
        self.rules
    }

    /// The variables as they were at the start.
    pub fn session(&self) -> &'a SessionEnvironment {
        self.session
    }

    /// The same where nobody knows the variables.
    #[must_use]
    pub fn without_variables(mut self) -> Self {
        self.variables = None;
        self
    }

    /// What a command of these words asks for.
    pub fn request(&self, words: &[OsString]) -> Request {
        let request = self.found(&UnstartedCommand {
            words,
            directory: Path::new(""),
            variables: self.variables.clone(),
            unknown: Vec::new(),
        });
        let paths = self.rules.paths_of(&request);
        request.following(paths, self.ground.roots.as_slice())
    }

    /// What comes of each command of a script.
    pub fn judge_script(&self, text: &[u8]) -> ScriptJudgement {
        self.judged_by(text, &())
    }

    pub(super) fn judged_by(&self, text: &[u8], callers: &dyn Callers) -> ScriptJudgement {
        let find = |start: &UnstartedCommand<'_>| self.found(start);
        let follow = |paths: Vec<PathBuf>| Followed::of(paths, self.ground.roots.as_slice());
        let directory = self.name_of_directory();
        let resolver = Resolver {
            find: &find,
            read: &|file| self.script(file),
            variables: self.variables.as_ref(),
            directory: self.variables.as_ref().map(|_| directory.as_path()),
            follow: &follow,
        };
        judge_script(self.rules, text, &resolver, callers)
    }

    /// What is known of the session for what something outside starts.
    pub(super) fn heritage(&self) -> Heritage<'_> {
        Heritage {
            rules: self.rules,
            environment: self.session,
            roots: Roots::of(&self.ground.roots),
            originals: &self.originals,
        }
    }

    /// What the sandboxed side can write.
    pub(super) fn ground(&self) -> &Writable {
        self.ground
    }

    /// The variables that `request` would have outside, those that `pass` names as they are.
    pub(super) fn passed(&self, request: &Request, pass: &[String]) -> HashMap<OsString, OsString> {
        let known = request.environment.as_ref().unwrap_or(&self.own);
        let entries: Vec<OsString> = known.iter().map(|(n, v)| entry(n, v)).collect();
        let passed = self.session.filter(&entries, &request.cwd, pass).passed;
        variables(&passed).collect()
    }

    /// What the command of `request` asks for outside, with these variables, of which none is lost any more.
    pub(super) fn found_outside(
        &self,
        request: &Request,
        variables: Option<NamedVariables>,
    ) -> Request {
        let start = UnstartedCommand {
            words: &request.argv,
            directory: &request.cwd,
            variables,
            unknown: Vec::new(),
        };
        let found = self.found_with(&start, LostVariables::default());
        Request {
            followed: request.followed.clone(),
            ..found
        }
    }

    /// What a shell calls the directory that it is started in: what `PWD` says, if that is this one.
    fn name_of_directory(&self) -> PathBuf {
        let here = self.cwd.to_path_buf();
        let own = self.own.iter().find(|(name, _)| name == "PWD");
        let said = own.map(|(_, value)| PathBuf::from(value));
        let is_plain = |said: &PathBuf| said.is_absolute() && normalised(said) == *said;
        let said =
            said.filter(|said| is_plain(said) && said.canonicalize().is_ok_and(|it| it == here));
        said.unwrap_or(here)
    }

    /// What a command asks for; where its paths lead, nobody looked yet.
    fn found(&self, start: &UnstartedCommand<'_>) -> Request {
        self.found_with(start, self.lost(start))
    }

    /// The same of one that would lose these variables outside.
    fn found_with(&self, start: &UnstartedCommand<'_>, lost: LostVariables) -> Request {
        let cwd = self.cwd.within(start.directory);
        let asked = start.words.first().cloned().unwrap_or_default();
        let variables = start.variables.as_ref().unwrap_or(&self.own);
        let mut variables = variables.iter();
        let path = variables
            .find(|(name, _)| name == "PATH")
            .map(|(_, value)| value.clone());
        let place = (asked, cwd.to_path_buf(), path);
        let known = self.known.borrow().programs.get(&place).cloned();
        let found = known.unwrap_or_else(|| self.look(&place.0, &cwd, place.2.as_ref()));
        let mut request = Request::new(found.program.clone(), start.words.to_vec(), cwd);
        let LostVariables { withheld, leading } = lost;
        (request.withheld, request.leading) = (withheld, leading);
        request.environment.clone_from(&start.variables);
        request.copy_of.clone_from(&found.copy_of);
        request.interpreter.clone_from(&found.interpreter);
        let arguments = start.words.get(1..).unwrap_or_default();
        let mut within = request.interpreter.as_deref_mut();
        while let Some(interpreter) = within {
            interpreter.argv.extend_from_slice(arguments);
            interpreter.environment.clone_from(&start.variables);
            within = interpreter.interpreter.as_deref_mut();
        }
        self.known.borrow_mut().programs.insert(place, found);
        if !request.words().start_git() {
            return request;
        }
        let asked = (request.argv.clone(), request.cwd.to_path_buf());
        let is_alike = |known: &&Request| {
            known.environment == request.environment && known.withheld == request.withheld
        };
        let mut known = self.known.borrow_mut();
        let looked = known.looked;
        let looked_at = known.repositories.entry(asked).or_default();
        if let Some(known) = looked_at.iter().find(is_alike) {
            return known.clone();
        }
        if looked >= REPOSITORIES {
            return request.unexamined();
        }
        let request = with_repository(self.rules, request, self.ground);
        looked_at.push(request.clone());
        known.looked += 1;
        request
    }

    /// What a program that is started so would lose of its variables outside; what nobody knows may be lost.
    fn lost(&self, start: &UnstartedCommand<'_>) -> LostVariables {
        let variables = start.variables.as_ref();
        // Where nobody knows them, those that we have count.
        let variables = variables.map_or_else(|| self.own.clone(), Arc::clone);
        let mut known = self.known.borrow_mut();
        let is_this = |known: &&(Arc<_>, LostVariables)| Arc::ptr_eq(&known.0, &variables);
        let mut lost = if let Some((_, lost)) = known.lost.as_ref().filter(is_this) {
            lost.clone()
        } else {
            let mut empty = Request::new(Program::named(""), Vec::new(), self.cwd.clone());
            let may_pass = |name: &OsStr| self.rules.may_pass(name);
            self.session.withhold(&mut empty, &variables, may_pass);
            let Request {
                withheld, leading, ..
            } = empty;
            let lost = LostVariables { withheld, leading };
            known.lost = Some((variables, lost.clone()));
            lost
        };
        for name in &start.unknown {
            lost.withheld.push((*name).to_owned());
            if self.rules.may_pass(name) {
                lost.leading.push((*name).to_owned());
            }
        }
        lost
    }

    /// What the file holds, if it is a script and can be read at once. One that is installed is a program like
    /// others: what it starts is judged when it does.
    fn script(&self, file: &Path) -> Option<Vec<u8>> {
        let path = self.own.iter().find(|(name, _)| name == "PATH");
        let mut folders = path
            .into_iter()
            .flat_map(|(_, value)| std::env::split_paths(value));
        let is_open = self.ground.roots.iter().any(|root| file.starts_with(root));
        let is_installed = !is_open && folders.any(|folder| file.parent() == Some(&folder));
        (!is_installed).then(|| script_in(file)).flatten()
    }

    /// Looks for the program that is `asked` for, where `PATH` is `searched`.
    fn look(
        &self,
        asked: &OsStr,
        cwd: &WorkingDirectory,
        searched: Option<&OsString>,
    ) -> FoundProgram {
        let mut known = self.known.borrow_mut();
        let path = known
            .search_paths
            .entry((cwd.to_path_buf(), searched.cloned()));
        let path = path.or_insert_with(|| {
            let writable = self.ground.roots.as_slice();
            SearchPath::of(cwd, searched.map(OsString::as_os_str), writable)
        });
        let program = path.find(asked, Some(asked));
        drop(known);
        let request = Request::new(program.clone(), vec![asked.to_owned()], cwd.clone());
        let request = self.with_files(request);
        FoundProgram {
            program,
            interpreter: request.interpreter,
            copy_of: request.copy_of,
        }
    }

    /// The same with what its file says about it.
    fn with_files(&self, request: Request) -> Request {
        let passed = request.program.passed().to_owned();
        let request = request.with_interpreters(&passed, self.ground.roots.as_slice());
        let wanted = |name: &_| self.rules.ask_for_copies_of(name);
        request.with_original(&self.originals, None, &wanted)
    }
}

/// What the file holds, if it is a script and can be read at once.
fn script_in(file: &Path) -> Option<Vec<u8>> {
    if !fs::metadata(file).ok()?.is_file() {
        return None;
    }
    Interpreter::by_default(file).ok()??;
    let text = read_capped(file, MAX_FOUND, Duration::ZERO);
    text.ok().filter(|text| !text.contains(&0))
}
