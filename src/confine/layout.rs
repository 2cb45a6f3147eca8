//! Which paths become mounts of their own, before anything is made or mounted.
//!
//! # What lies in a writable root and is not written
//!
//! `layout.rs` says what, `protect.rs` holds it, each as a mount of its own; the directories on the way to it
//! are mounts as well, so that they can't be moved away. Of a path, every link on the way counts that lies in
//! a root (`trail.rs`).
//!
//! - *What decides*: each place that rules and settings are read from, or would be if it existed, given
//!   files, the shell, the audit log. `config/deciding.rs` collects them; a policy carries them, also that
//!   of a profile. Where one can't be held (there are no namespaces, it is a root itself, it has a second
//!   name), nothing starts. A program that answers questions obeys what lies beside it, so it must not lie in
//!   a root at all.
//! - *What calls of `serve` have put out*, where it was too long to be returned: the directory that has it.
//! - *What other programs obey* by themselves: the table in `obeyed.rs`. It is held where it exists; in a home
//!   directory what a login would run, or a program obeys when it is let out, is held before it exists, and the directory that it would lie in is made
//!   for the run: `.config` and the like can be written, another one not. What else came to be under such a name, or
//!   is gone, is told at the end; so is, in a project, what is its day's work to write and what a program runs there that was
//!   started for something else (`.pre-commit-config.yaml`, `.yarnrc.yml`, `.Rprofile`).
//!
//!   So it is with what variables of the session's name in a root, by the table in `named.rs`: what a shell or an
//!   interpreter would run when it starts is held before it exists, other settings where they exist.
//!
//! - *What a policy takes out of its roots or hides*, as a client's profile does: by every link on the way, as
//!   it counts for the next call as well, and so is a link by which a root was named. What is hidden and
//!   missing can't be made. Patterns hide what there is of their form when the call starts (`pattern.rs`: at
//!   most 1,024 paths, among 100,000 entries). What can't be held is refused with the reason: a file with a
//!   second name, a place of which the sandbox has its own (`/proc`, `/dev`). Second names of files in a
//!   hidden directory are not looked for.
//!
//! A mount needs something to be mounted on. For a missing directory an empty one is made, for a missing file
//! a link that leads nowhere: nobody sees it who asks for the name (`unseen.rs`). The last sandbox that
//! relies on one removes it; one that a killed run left is known by its look, and removed by the next.
//!
//! What is replaced from outside meanwhile is held again, see `holding.rs`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::access::{Access, Cause, MountPlan, PROTECTED, nearest};
use super::error::{ConfineError, Wish};
use super::git_chain::git_chain;
use super::hard_link;
use super::mounts;
use super::obeyed;
use super::placeholder::{PlaceholderForm, is_passage_at};
use super::policy::Policy;
use super::present::Present;
use super::protection::{Deciding, Role};
use super::trail::{Trail, TrailEnd, within};
use super::unseen;
use crate::request::views;

/// Why a file with several names can't be held.
const LINKED: &str = "it has another name (a hard link), by which it could be reached";

/// The mounts that a policy asks for, before anything is made for them.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) plan: MountPlan,
    /// What is in the plan and does not exist, and what is to stand for it.
    pub(super) missing: BTreeMap<PathBuf, PlaceholderForm>,
    /// What a killed run may have left where nothing is held any more.
    pub(super) stale: Vec<PathBuf>,
    /// What decides what is permitted, as far as it lies in a writable root, by entries on the way.
    pub(super) deciding: Vec<Deciding>,
    /// A file that decides, with a second name that may lie in a writable root.
    linked: Option<Deciding>,
}

impl Layout {
    /// What `policy` asks for.
    ///
    /// # Errors
    /// It hides what the command needs.
    pub(super) fn of(policy: &Policy) -> Result<Self, ConfineError> {
        let mut layout = Self::default();
        if !policy.writable.is_empty() {
            layout.add_roots(policy)?;
        }
        layout.hide(policy)?;
        pin(&mut layout.plan, policy.writable_roots());
        layout.leave_out_what_nothing_can_make();
        Ok(layout)
    }

    /// The same while a sandbox stands that was made by the plan `before`. Whatever it held is held, and
    /// as strictly, also where it would not have been held missing; what other programs obey, and what was not there
    /// to be held, is the command's own.
    ///
    /// # Errors
    /// As for [`Self::of`].
    pub(super) fn again(policy: &Policy, before: &MountPlan) -> Result<Self, ConfineError> {
        let mut layout = Self::of(policy)?;
        let is_known = |access: &Access| {
            !matches!(access, Access::Protected(Cause::Obeyed { .. }))
                || before.values().any(|was| was == access)
        };
        layout.plan.retain(|_, access| is_known(access));
        let plan = &layout.plan;
        let is_planned =
            |path: &PathBuf, form| plan.contains_key(path) || form == PlaceholderForm::Passage;
        layout.missing.retain(|path, form| is_planned(path, *form));
        let roots = policy.writable_roots();
        for (path, access) in before {
            let pins = matches!(access, Access::Write | Access::Read);
            match Absent::look(path) {
                None => layout.hold_as_strictly(path, *access),
                Some(absent) if pins || !within(&absent.at, roots) => {}
                Some(Absent { at, is_there }) => {
                    layout.hold_as_strictly(&at, *access);
                    if !is_there {
                        // Git takes an empty directory for nothing, and replaces it.
                        layout
                            .missing
                            .entry(at)
                            .or_insert(PlaceholderForm::Directory);
                    }
                }
            }
        }
        pin(&mut layout.plan, roots);
        let missing = &layout.missing;
        layout.plan.retain(|path, _| {
            missing.contains_key(path) || Absent::look(path).is_none_or(|it| it.at == *path)
        });
        layout.leave_out_what_nothing_can_make();
        Ok(layout)
    }

    fn hold_as_strictly(&mut self, path: &Path, access: Access) {
        let planned = self.plan.entry(path.to_owned()).or_insert(access);
        if access.strictness() > planned.strictness() {
            *planned = access;
        }
    }

    fn add_roots(&mut self, policy: &Policy) -> Result<(), ConfineError> {
        let roots = policy.writable_roots();
        self.add_obeyed(policy);
        self.add_named(policy);
        for root in roots {
            for name in PROTECTED {
                let may_be_missing = !policy.workspaces.contains(root);
                self.add_chain(root, name, may_be_missing, roots);
            }
        }
        for path in &policy.read_only {
            let trail = Trail::to(path);
            self.add_trail(&trail, PlaceholderForm::Directory, Cause::TakenOut, roots);
            let TrailEnd::There(end) = &trail.end else {
                continue;
            };
            for place in views::other_places(end) {
                let trail = Trail::to(&place);
                self.add_trail(&trail, PlaceholderForm::Directory, Cause::TakenOut, roots);
            }
            if within(end, roots) && hard_link::may_be_written(end, roots) {
                return Err(unheld(path, Wish::ReadOnly, LINKED));
            }
        }
        for path in &policy.linked {
            self.add_links(&Trail::to(path), Cause::TakenOut, roots);
        }
        for deciding in &policy.protection.deciding {
            self.add_deciding(deciding, policy);
        }
        // A root that was asked for by its own name is meant, even where a pointer leads to it.
        let writable = roots.iter().map(|root| (root.clone(), Access::Write));
        self.plan.extend(writable);
        Ok(())
    }

    /// Takes away what the policy hides, with all that is in it. What does not exist is kept from being
    /// made.
    fn hide(&mut self, policy: &Policy) -> Result<(), ConfineError> {
        let roots = policy.writable_roots();
        let cwd = std::env::current_dir().ok();
        let mut found = Vec::new();
        for pattern in &policy.unreadable_patterns {
            let text = Path::new(pattern.as_str());
            let matching = pattern.found();
            found.extend(matching.map_err(|why| unheld(text, Wish::Hidden, why))?);
        }
        let mut hidden = Vec::new();
        for path in policy.unreadable.iter().chain(&found) {
            let trail = Trail::to(path);
            let refuse = |why| Err(unheld(path, Wish::Hidden, why));
            if trail.entries().any(|entry| mounts::has_its_own(entry)) {
                return refuse("the sandbox has a /proc and a /dev of its own");
            }
            self.add_links(&trail, Cause::TakenOut, roots);
            let TrailEnd::There(end) = &trail.end else {
                self.add_trail(&trail, PlaceholderForm::Unseen, Cause::TakenOut, roots);
                continue;
            };
            let is_below = |path: &Path| path.starts_with(end) && path != end;
            if end == Path::new("/")
                || roots.iter().any(|root| is_below(root))
                || cwd.iter().any(|path| is_below(path))
            {
                return refuse("the command starts in it, or may write in it");
            }
            if hard_link::may_be_read(end) {
                return refuse(LINKED);
            }
            if end.starts_with("/dev") {
                continue;
            }
            if within(end, roots) {
                // Another sandbox may have it stand there.
                self.missing.insert(end.clone(), PlaceholderForm::Directory);
            }
            hidden.extend(views::other_places(end));
            hidden.push(end.clone());
        }
        let is_below = |path: &Path| hidden.iter().any(|end| path.starts_with(end));
        self.plan.retain(|path, _| !is_below(path));
        let hidden = hidden
            .iter()
            .filter(|end| !end.parent().is_some_and(is_below));
        self.plan
            .extend(hidden.map(|end| (end.clone(), Access::None)));
        Ok(())
    }

    /// Names that other programs obey, at the top of the roots and in home directories.
    fn add_obeyed(&mut self, policy: &Policy) {
        let roots = policy.writable_roots();
        let protection = &policy.protection;
        let mut present = Present::default();
        for one in obeyed::all() {
            let tops = roots.iter().filter(|_| one.scope.is_of_roots());
            let tops = tops.filter(|root| !protection.homes.contains(root));
            let is_out = protection.unprotected.iter().any(|name| name == one.name);
            let cause = Cause::Obeyed {
                name: one.name,
                reason: one.reason,
            };
            for directory in tops.chain(&protection.homes) {
                let is_there = present.may_have(directory, one.name);
                if is_out {
                    let path = directory.join(one.name);
                    self.stale
                        .extend(Some(path).filter(|path| is_there && unseen::is_at(path)));
                    continue;
                }
                let in_login = one.scope.is_of_login() && protection.homes.contains(directory);
                let can_be_made = in_login && within(directory, roots);
                if !is_there && !can_be_made {
                    continue;
                }
                let trail = Trail::below(directory, one.name.as_ref());
                match &trail.end {
                    TrailEnd::Missing { .. } if !in_login => {}
                    TrailEnd::Missing { path, goes_on } if *goes_on => {
                        self.add_unmade(&directory.join(one.name), path, cause, roots);
                        self.add_links(&trail, cause, roots);
                    }
                    _ => self.add_trail(&trail, PlaceholderForm::Unseen, cause, roots),
                }
            }
        }
        for home in &protection.homes {
            let passages = obeyed::PASSAGES.iter().map(|name| home.join(name));
            // Another sandbox may rely on it, and go before this one.
            let marked = passages.filter(|path| within(path, roots) && is_passage_at(path));
            self.missing
                .extend(marked.map(|path| (path, PlaceholderForm::Passage)));
        }
    }

    /// A name in a directory that is missing too, from `first` on. Directories that many programs make can
    /// be written; any other is held itself.
    pub(super) fn add_unmade(
        &mut self,
        path: &Path,
        first: &Path,
        cause: Cause,
        roots: &[PathBuf],
    ) {
        let way: Vec<&Path> = path
            .ancestors()
            .take_while(|at| at.starts_with(first))
            .collect();
        let is_passage =
            |at: &Path| *at != *path && obeyed::PASSAGES.iter().any(|name| at.ends_with(name));
        let held = way.iter().rev().find(|at| !is_passage(at)).copied();
        // By a link the way goes on elsewhere.
        let held = held.unwrap_or(first);
        for at in way.iter().rev().take_while(|at| **at != held) {
            if within(at, roots) {
                self.missing
                    .insert(at.to_path_buf(), PlaceholderForm::Passage);
            }
        }
        if within(held, roots) {
            self.plan.insert(held.to_owned(), Access::Protected(cause));
            self.missing
                .insert(held.to_owned(), PlaceholderForm::Unseen);
        }
    }

    /// A protected name in `root`, and what it points to: where a symbolic link, a `.git` file, a
    /// `commondir` file lead. Only what lies in a writable root needs protection.
    fn add_chain(&mut self, root: &Path, name: &str, may_be_missing: bool, roots: &[PathBuf]) {
        let trail = Trail::below(root, name.as_ref());
        let is_missing = matches!(trail.end, TrailEnd::Missing { .. });
        if may_be_missing && is_missing && trail.links.is_empty() {
            return;
        }
        self.add_trail(&trail, PlaceholderForm::Directory, Cause::Name, roots);
        if let TrailEnd::There(target) = trail.end
            && name == ".git"
        {
            for path in git_chain(&target, roots) {
                self.plan.insert(path, Access::Protected(Cause::Name));
            }
        }
    }

    /// Something that decides what is permitted, and the files of rules in it if it is a directory: each
    /// may be a link.
    fn add_deciding(&mut self, deciding: &Deciding, policy: &Policy) {
        let trail = Trail::to(&deciding.path);
        let mut trails = Vec::new();
        if let TrailEnd::There(end) = &trail.end {
            let links = fs::read_dir(end).into_iter().flatten().flatten();
            let rules = links.map(|entry| entry.path()).filter(|path| {
                deciding.is_directory && path.extension().is_some_and(|is| is == "rules")
            });
            trails.extend(rules.map(|path| Trail::to(&path)));
        }
        trails.push(trail);
        let roots = policy.writable_roots();
        let ends = trails.iter().filter_map(|trail| match &trail.end {
            TrailEnd::There(path) | TrailEnd::Missing { path, .. } => Some(path),
            TrailEnd::Nowhere => None,
        });
        let elsewhere = ends.flat_map(|path| views::other_places(path));
        let elsewhere: Vec<Trail> = elsewhere.map(|path| Trail::to(&path)).collect();
        for trail in trails.into_iter().chain(elsewhere) {
            if deciding.role == Role::Project
                && let TrailEnd::Missing { path, .. } = &trail.end
                && !within(path, &policy.workspaces)
            {
                continue;
            }
            let form = match &trail.end {
                TrailEnd::Missing { goes_on: true, .. } => PlaceholderForm::Directory,
                _ if deciding.is_directory => PlaceholderForm::Directory,
                _ => PlaceholderForm::Unseen,
            };
            self.add_trail(&trail, form, Cause::Deciding(deciding.role), roots);
            let found = trail.entries().filter(|path| within(path, roots));
            let entry = |path: &PathBuf| Deciding {
                path: path.clone(),
                ..deciding.clone()
            };
            self.deciding.extend(found.map(entry));
            if let TrailEnd::There(end) = &trail.end
                && hard_link::may_decide(end, deciding.role, roots)
            {
                self.linked = Some(entry(end));
            }
        }
    }

    /// Every symbolic link on the way that lies in a root.
    pub(super) fn add_links(&mut self, trail: &Trail, cause: Cause, roots: &[PathBuf]) {
        for path in trail.links.iter().filter(|path| within(path, roots)) {
            self.plan.insert(path.clone(), Access::Protected(cause));
        }
    }

    /// Every entry on the way that lies in a root; where the last does not exist, a `form` stands for it.
    pub(super) fn add_trail(
        &mut self,
        trail: &Trail,
        form: PlaceholderForm,
        cause: Cause,
        roots: &[PathBuf],
    ) {
        for path in trail.entries().filter(|path| within(path, roots)) {
            self.plan.insert(path.clone(), Access::Protected(cause));
        }
        match &trail.end {
            TrailEnd::Missing { path, .. } if within(path, roots) => {
                self.missing.insert(path.clone(), form);
            }
            // Another sandbox may have it stand there.
            TrailEnd::There(path) if form == PlaceholderForm::Directory && within(path, roots) => {
                self.missing.insert(path.clone(), form);
            }
            _ => {}
        }
    }

    /// What does not exist in a directory that is read-only needs nothing to stand for it.
    fn leave_out_what_nothing_can_make(&mut self) {
        let plan = &mut self.plan;
        self.missing.retain(|path, _| {
            let parent = path.parent().unwrap_or(path);
            let can_be_made = nearest(plan, parent) == Access::Write;
            if !can_be_made && path.symlink_metadata().is_err() {
                plan.remove(path);
            }
            can_be_made
        });
    }

    /// Whether everything that decides what is permitted is held.
    pub(super) fn check(&self, policy: &Policy) -> Result<(), ConfineError> {
        let exposed = |found: &Deciding, reason: String| {
            Err(ConfineError::Unguarded {
                path: found.path.clone(),
                role: found.role,
                reason,
            })
        };
        if let Some(linked) = &self.linked {
            let reason = "it has another name (a hard link), by which it could be written";
            return exposed(linked, reason.to_owned());
        }
        for found in self.deciding.iter().filter(|found| found.role.is_vital()) {
            let root = policy
                .writable
                .iter()
                .find(|root| found.path.starts_with(root));
            let root = root
                .map(|root| root.display().to_string())
                .unwrap_or_default();
            if found.role == Role::Asker {
                let reason = format!("programs obey what lies beside them, and {root} is writable");
                return exposed(found, reason);
            }
            if nearest(&self.plan, &found.path) == Access::Write {
                return exposed(found, "it is itself a writable directory".to_owned());
            }
        }
        Ok(())
    }
}

/// Where the way to a path breaks off.
struct Absent {
    /// The first name at which nothing is, or what is there and is no directory.
    at: PathBuf,
    is_there: bool,
}

impl Absent {
    /// `None` where something is at `path`, or nobody can tell.
    fn look(path: &Path) -> Option<Self> {
        let way: Vec<&Path> = path.ancestors().collect();
        for &at in way.iter().rev() {
            let is_there = match at.symlink_metadata() {
                Ok(found) if at == path || found.is_dir() => continue,
                Ok(_) => true,
                Err(error) => match error.kind() {
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => false,
                    _ => return None,
                },
            };
            return Some(Self {
                at: at.to_owned(),
                is_there,
            });
        }
        None
    }
}

fn unheld(path: &Path, wish: Wish, reason: &str) -> ConfineError {
    ConfineError::Unheld {
        path: path.to_owned(),
        wish,
        reason: reason.to_owned(),
    }
}

/// Makes every directory between a root and a mount beneath it a mount, so that it can't be renamed
/// away and replaced together with what it holds.
fn pin(plan: &mut MountPlan, roots: &[PathBuf]) {
    let between: Vec<PathBuf> = plan
        .keys()
        .flat_map(|path| path.ancestors().skip(1))
        .filter(|path| within(path, roots))
        .map(Path::to_owned)
        .collect();
    for path in between {
        if !plan.contains_key(&path) {
            let access = nearest(plan, &path);
            plan.insert(path, access);
        }
    }
}
