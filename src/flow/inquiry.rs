//! What a command would ask for that nobody has started, as far as words and files say: for those who only
//! want to know what would come of it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::act::environment::{SessionEnvironment, Variables};
use crate::evaluate::{IndexedRules, Resolver, ScriptJudgement, judge_script, with_repository};
use crate::request::{
    Followed, Interpreter, Originals, Program, Request, SearchPath, WorkingDirectory, Writable,
    argv,
};
use crate::script::MAX_BYTES;
use crate::sys::read_capped::read_capped;

/// For so many commands of a script it is looked at which repository git would obey.
const REPOSITORIES: usize = 1000;

/// Finds what commands would ask for that are started in one place.
#[derive(Debug)]
pub struct Inquiry<'a> {
    rules: &'a IndexedRules,
    ground: &'a Writable,
    cwd: WorkingDirectory,
    search_path: Option<OsString>,
    /// What the programs would see; `None` where nobody knows.
    variables: Option<Arc<[(OsString, OsString)]>>,
    /// Of a request without a program, what its variables come to outside.
    empty: Request,
    originals: Originals,
    known: RefCell<Known>,
}

/// What was found out about files, which is the same for each command of a script.
#[derive(Debug, Default)]
struct Known {
    /// Where programs are looked for, by the working directory.
    search_paths: HashMap<PathBuf, SearchPath>,
    /// The programs, by what asks for them and where.
    programs: HashMap<(OsString, PathBuf), Found>,
    /// What the repository makes of each command that starts git, and where.
    repositories: HashMap<(Vec<OsString>, PathBuf), Request>,
}

/// A program that was looked for.
#[derive(Debug, Clone)]
struct Found {
    program: Program,
    /// Its file is a program itself, and no copy of another.
    is_itself: bool,
}

impl<'a> Inquiry<'a> {
    /// For commands that are started in `cwd`, beside what the sandbox can write, with the variables that we
    /// have.
    pub fn here(
        rules: &'a IndexedRules,
        session: &SessionEnvironment,
        cwd: WorkingDirectory,
        ground: &'a Writable,
    ) -> Self {
        let variables: Variables = std::env::vars_os().collect();
        let mut empty = Request::new(Program::named(""), Vec::new(), cwd.clone());
        session.withhold(&mut empty, &variables, |name| rules.may_pass(name));
        Self {
            rules,
            ground,
            cwd,
            search_path: std::env::var_os("PATH"),
            empty,
            variables: Some(variables.into()),
            known: RefCell::default(),
            originals: Originals::default(),
        }
    }

    /// The same where nobody knows the variables.
    #[must_use]
    pub fn without_variables(mut self) -> Self {
        self.variables = None;
        self
    }

    /// What a command of these words asks for.
    pub fn request(&self, words: &[OsString]) -> Request {
        let request = self.found(words, Path::new(""));
        let paths = self.rules.paths_of(&request);
        request.following(paths, self.ground.roots.as_slice())
    }

    /// What comes of each command of a script.
    pub fn judge_script(&self, text: &[u8]) -> ScriptJudgement {
        let find = |words: &[OsString], directory: &Path| self.found(words, directory);
        let follow = |paths: Vec<PathBuf>| Followed::of(paths, self.ground.roots.as_slice());
        let resolver = Resolver {
            find: &find,
            read: &script,
            variables: self.variables.as_deref(),
            follow: &follow,
        };
        judge_script(self.rules, text, &resolver)
    }

    /// What comes of a command of these words and of each command in the files that it has a shell read; `None`
    /// if there are none such.
    pub fn judge_files_of(&self, words: &[OsString]) -> Option<ScriptJudgement> {
        let judged = self.judge_script(argv::text(words).as_bytes());
        judged.reads_files().then_some(judged)
    }

    /// What a command of these words asks for in `directory`, seen from where it all starts; where its paths
    /// lead, nobody looked yet.
    fn found(&self, words: &[OsString], directory: &Path) -> Request {
        let cwd = self.cwd.within(directory);
        let asked = words.first().cloned().unwrap_or_default();
        let place = (asked, cwd.to_path_buf());
        let known = self.known.borrow().programs.get(&place).cloned();
        let found = known.unwrap_or_else(|| self.look(&place.0, &cwd));
        let mut request = Request::new(found.program.clone(), words.to_vec(), cwd);
        request.withheld.clone_from(&self.empty.withheld);
        request.leading.clone_from(&self.empty.leading);
        request.environment.clone_from(&self.variables);
        let is_itself = found.is_itself;
        self.known.borrow_mut().programs.insert(place, found);
        if !is_itself {
            request = self.with_files(request);
        }
        if !request.words().start_git() {
            return request;
        }
        let asked = (request.argv.clone(), request.cwd.to_path_buf());
        let known = self.known.borrow().repositories.get(&asked).cloned();
        known.unwrap_or_else(|| {
            if self.known.borrow().repositories.len() >= REPOSITORIES {
                return request.unexamined();
            }
            let request = with_repository(self.rules, request, self.ground);
            let mut known = self.known.borrow_mut();
            known.repositories.insert(asked, request.clone());
            request
        })
    }

    /// Looks for the program that is `asked` for.
    fn look(&self, asked: &OsStr, cwd: &WorkingDirectory) -> Found {
        let mut known = self.known.borrow_mut();
        let path = known.search_paths.entry(cwd.to_path_buf());
        let path = path.or_insert_with(|| {
            let writable = self.ground.roots.as_slice();
            SearchPath::of(cwd, self.search_path.as_deref(), writable)
        });
        let program = path.find(asked, Some(asked));
        drop(known);
        let request = Request::new(program.clone(), vec![asked.to_owned()], cwd.clone());
        let request = self.with_files(request);
        Found {
            program,
            is_itself: request.interpreter.is_none() && request.copy_of.is_none(),
        }
    }

    /// The same with what its file says about it.
    fn with_files(&self, request: Request) -> Request {
        let request = request.with_interpreters(self.ground.roots.as_slice());
        let wanted = |name: &_| self.rules.ask_for_copies_of(name);
        request.with_original(&self.originals, None, &wanted)
    }
}

/// What the file holds, if it is a script and can be read at once.
fn script(file: &Path) -> Option<Vec<u8>> {
    if !fs::metadata(file).ok()?.is_file() {
        return None;
    }
    Interpreter::by_default(file).ok()??;
    let text = read_capped(file, MAX_BYTES, Duration::ZERO);
    text.ok().filter(|text| !text.contains(&0))
}
