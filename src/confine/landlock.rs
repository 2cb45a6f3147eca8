//! Landlock: a second guard over files, and the first over signals that leave the sandbox.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus,
    PathBeneath, PathFd, RestrictionStatus, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetStatus, Scope,
};

use super::error::{ConfineError, During};
use super::layers::Status;
use super::mounts::{self, DEVICES};
use super::policy::Policy;

/// The version this was tested with; the library asks an older kernel for less and says so.
const TESTED: ABI = ABI::V7;
/// The first version that scopes signals and abstract sockets.
const SCOPES: ABI = ABI::V6;

/// The library has an error type per call; all end in a message.
type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// What is put in force.
pub(super) struct Enforced {
    pub(super) status: Status,
    /// The kernel's version, 0 for none.
    pub(super) abi: i32,
}

impl Enforced {
    /// Whether no signal leaves the sandbox, a process group's neither.
    pub(super) fn scopes_signals(&self) -> bool {
        self.abi >= SCOPES as i32
    }
}

/// Restricts this process and all its descendants.
pub(super) fn restrict(policy: &Policy, namespaces: bool) -> Result<Enforced, ConfineError> {
    let status = enforce(policy, namespaces)
        .map_err(io::Error::other)
        .during("putting Landlock in force")?;
    Ok(report(&status))
}

fn enforce(policy: &Policy, namespaces: bool) -> Result<RestrictionStatus, AnyError> {
    let all = AccessFs::from_all(TESTED);
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .scope(Scope::from_all(TESTED))?;
    if !policy.network {
        ruleset = ruleset.handle_access(AccessNet::from_all(TESTED))?;
    }
    let mut ruleset = permit(
        ruleset.create()?,
        Path::new("/"),
        AccessFs::from_read(TESTED),
    )?;
    for root in policy.writable_roots() {
        // A link on the way is one that was put there meanwhile.
        let root = mounts::open(root).map_err(io::Error::from)?;
        ruleset = ruleset.add_rule(PathBeneath::new(root, all))?;
    }
    let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::IoctlDev;
    for path in DEVICES
        .map(Path::new)
        .into_iter()
        .filter(|path| path.exists())
    {
        ruleset = permit(ruleset, path, device)?;
    }
    if namespaces {
        // Without them these are the terminals and the shared memory of everybody.
        ruleset = permit(ruleset, Path::new("/dev/pts"), device | AccessFs::ReadDir)?;
        ruleset = permit(ruleset, Path::new("/dev/shm"), all)?;
    }
    let ruleset = permit_terminals(ruleset, device)?;
    Ok(ruleset.restrict_self()?)
}

fn permit(
    ruleset: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, AnyError> {
    let directory = PathFd::new(path)?;
    Ok(ruleset.add_rule(PathBeneath::new(directory, access))?)
}

/// The terminal that the sandbox has been given may be opened again, as `/dev/stderr` is.
fn permit_terminals(
    mut ruleset: RulesetCreated,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, AnyError> {
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    for stream in [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()] {
        if stream.is_terminal() {
            ruleset = ruleset.add_rule(PathBeneath::new(stream, access))?;
        }
    }
    Ok(ruleset)
}

fn report(status: &RestrictionStatus) -> Enforced {
    let abi = match &status.landlock {
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => 0,
        LandlockStatus::Available {
            effective_abi,
            kernel_abi,
        } => kernel_abi.unwrap_or(*effective_abi as i32),
    };
    let status = match (&status.ruleset, &status.landlock) {
        (RulesetStatus::FullyEnforced, _) => Status::InForce,
        (_, LandlockStatus::NotEnabled) => Status::Missing("not enabled at boot".to_owned()),
        (RulesetStatus::NotEnforced, _) => Status::Missing("not in this kernel".to_owned()),
        (RulesetStatus::PartiallyEnforced, _) if abi < SCOPES as i32 => Status::Partly(format!(
            "version {abi} knows no scopes: signals are held by the pid namespace alone"
        )),
        (RulesetStatus::PartiallyEnforced, _) => {
            Status::Partly(format!("version {abi} of {}", TESTED as i32))
        }
    };
    Enforced { status, abi }
}
