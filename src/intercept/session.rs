//! What a run is judged by, and how far it has come.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use crate::act::environment::SessionEnvironment;
use crate::approve::Approver;
use crate::approve::place::Caller;
use crate::audit::Audit;
use crate::config::Profiles;
use crate::confine::{Holding, LayerName, Layers, Status, Witness};
use crate::evaluate::{IndexedRules, with_repository};
use crate::flow::Inquiry;
use crate::request::{Earlier, Request, Writable};

/// What execs are judged by, whoever brings them.
pub struct Session {
    /// The rules.
    pub rules: Arc<IndexedRules>,
    /// Who is asked.
    pub approver: Arc<dyn Approver>,
    /// The records.
    pub audit: Arc<Audit>,
    /// The variables as they were at the start.
    pub environment: SessionEnvironment,
    /// Where the sandboxed side can write; `None` when there is no sandbox to be outside of.
    pub writable: Option<Vec<PathBuf>>,
    /// What lies in there and is read-only all the same.
    pub held: Vec<PathBuf>,
    /// What could be written before.
    pub earlier: Earlier,
    /// The sandboxes that rules ask for.
    pub profiles: Profiles,
    /// Layers without which none of those is built, either.
    pub require: Vec<LayerName>,
    /// Who is told at once when something is replaced that is held.
    pub witness: Option<Witness>,
}

impl Session {
    /// Where those are that were not let out.
    pub fn caller_inside(&self) -> Caller {
        match self.writable {
            Some(_) => Caller::Sandbox,
            None => Caller::NoSandbox,
        }
    }

    /// As there: why a git that is started outside must not run.
    pub fn misleading_repository(&self, request: &Request) -> Option<String> {
        request.misleading_repository(&self.ground())
    }

    /// The request with what is known of the repository that a git in it would obey.
    pub fn with_repository(&self, request: Request) -> Request {
        with_repository(&self.rules, request, &self.ground())
    }

    /// The same where what a program outside starts is not judged.
    pub fn with_repository_alone(&self, request: Request) -> Request {
        let ground = Writable {
            is_judged_outside: false,
            ..self.ground()
        };
        request.with_repository(&ground)
    }

    fn ground(&self) -> Writable {
        Writable {
            roots: self.writable.clone().unwrap_or_default(),
            held: self.held.clone(),
            earlier: self.earlier.clone(),
            is_judged_outside: true,
        }
    }

    /// Whether a person is to be asked about what flows within the text of `shell`, which each of its commands is
    /// looked up for: a rule that decides about what it flows into does so when that starts.
    pub fn asks_about_flows(&self, shell: &Request) -> bool {
        let Some(text) = shell.argv.last() else {
            return true;
        };
        let (cwd, ground) = (shell.cwd.clone(), self.ground());
        let inquiry = Inquiry::here(&self.rules, &self.environment, cwd, &ground);
        inquiry.judge_script(text.as_bytes()).asks_about_flows()
    }

    /// Where there are no mounts, nothing is read-only in a root.
    pub fn without_mounts(&mut self, layers: &Layers) {
        if *layers.status(LayerName::Namespaces) != Status::InForce {
            self.held.clear();
        }
    }

    /// Has the witness told of what is replaced in a sandbox.
    pub(super) fn attend(&mut self, holding: Option<&Holding>) -> Option<Holding> {
        if let (Some(holding), Some(witness)) = (holding, self.witness.take()) {
            holding.tell(witness);
        }
        holding.cloned()
    }

    /// Takes note of the variables that a request from inside would lose outside, where a rule or a model
    /// asks for any.
    pub fn withhold(&self, request: &mut Request) {
        if self.writable.is_some()
            && let Some(variables) = request.environment.clone()
        {
            let may_pass = |name: &OsStr| self.rules.may_pass(name);
            self.environment.withhold(request, &variables, may_pass);
        }
    }
}

/// How far the run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The next exec is the launcher's own start of the shell that we chose: only what flows within its text is judged.
    Shell {
        /// It reads its start-up files first.
        login: bool,
    },
    /// The login shell's start-up files: what they start runs inside and is not asked about, unless
    /// it is forbidden. Ends with an exec of [`STARTUP_END`].
    Startup,
    /// The command itself.
    Command,
}

/// What a login shell is made to execute between its start-up files and the script. There is no
/// such file, and whoever executes it only makes the supervisor stricter.
pub const STARTUP_END: &str = "/codex-shell/startup-has-ended";
