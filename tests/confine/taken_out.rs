//! What a policy takes out of its roots, or hides.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use codex_shell::confine::{LayerName, Mode, PathPattern, Policy};
use nix::libc::{EACCES, EBUSY, EEXIST, ENOENT, EROFS, EXDEV};
use nix::mount::{MsFlags, mount};

use crate::Check;
use crate::support::{Outcome, World, ensure, refused, text, within, works};

pub(crate) const CHECKS: &[Check] = &[
    (
        "links_to_what_is_taken_out_are_held",
        links_to_what_is_taken_out_are_held,
    ),
    ("a_link_to_a_root_is_held", a_link_to_a_root_is_held),
    (
        "links_to_what_is_hidden_are_held",
        links_to_what_is_hidden_are_held,
    ),
    (
        "what_is_hidden_and_missing_is_not_made",
        what_is_hidden_and_missing_is_not_made,
    ),
    (
        "what_can_not_be_held_is_refused",
        what_can_not_be_held_is_refused,
    ),
    (
        "what_a_pattern_finds_is_hidden",
        what_a_pattern_finds_is_hidden,
    ),
];

/// Where mounts can be made.
pub(crate) const MOUNTED_CHECKS: &[Check] = &[(
    "what_is_seen_elsewhere_is_taken_out_there",
    what_is_seen_elsewhere_is_taken_out_there,
)];

const DENIED: &[i32] = &[EROFS, EACCES, EXDEV];
/// A mount is not replaced.
const HELD: &[i32] = &[EBUSY, EROFS, EXDEV, EEXIST];

/// The world's policy without these of its paths.
fn without(world: &World, read_only: &[&str], unreadable: &[&str]) -> Policy {
    let all = |names: &[&str]| -> Vec<PathBuf> {
        names
            .iter()
            .map(|name| world.workspace.join(name))
            .collect()
    };
    let policy = world.policy(Mode::WorkspaceWrite);
    policy.without(&all(read_only), &all(unreadable))
}

fn try_in(policy: &Policy, test: impl FnOnce() -> Outcome) -> Outcome {
    within(policy, &LayerName::ALL, |_| test()).map(drop)
}

fn not_started(policy: &Policy, reason: &str) -> Outcome {
    match within(policy, &[], |_| Ok(())) {
        Err(why) if why.contains(reason) => Ok(()),
        other => Err(format!("{reason}: {other:?}")),
    }
}

/// `conf` and, by way of it, `again` lead to `real/file`.
fn linked(world: &World) {
    let at = |name: &str| world.workspace.join(name);
    fs::create_dir(at("real")).unwrap();
    fs::write(at("real/file"), "old").unwrap();
    symlink("real", at("conf")).unwrap();
    symlink("conf/file", at("again")).unwrap();
}

fn is_still_linked() -> Outcome {
    for name in ["conf", "again"] {
        refused("remove", fs::remove_file(name), HELD)?;
        refused("move", fs::rename(name, "away"), HELD)?;
        symlink("elsewhere", "new").unwrap();
        refused("replace", fs::rename("new", name), HELD)?;
        fs::remove_file("new").unwrap();
    }
    refused("move the end", fs::rename("real", "away"), HELD)
}

fn links_to_what_is_taken_out_are_held() -> Outcome {
    let world = World::new();
    linked(&world);
    let policy = without(&world, &["again"], &[]);
    ensure(
        !policy.writes(&world.workspace.join("real/file")),
        "it is written",
    )?;
    try_in(&policy, || {
        is_still_linked()?;
        for name in ["again", "conf/file", "real/file"] {
            refused("write", fs::write(name, "new"), DENIED)?;
        }
        works("beside it", fs::write("real/other", "new"))
    })?;
    // A link to nothing yet.
    symlink("not/yet", world.workspace.join("dangling")).unwrap();
    try_in(&without(&world, &["dangling"], &[]), || {
        refused("remove", fs::remove_file("dangling"), HELD)?;
        refused(
            "make",
            fs::create_dir_all("not/yet"),
            &[EROFS, EACCES, EEXIST],
        )
    })
}

/// `conf` also at `seen`, and of what is in it `conf/file` at `part`.
fn what_is_seen_elsewhere_is_taken_out_there() -> Outcome {
    let world = World::new();
    let at = |name: &str| world.workspace.join(name);
    for name in ["conf", "seen"] {
        fs::create_dir(at(name)).unwrap();
    }
    for name in ["conf/file", "part"] {
        fs::write(at(name), "old").unwrap();
    }
    for (what, place) in [("conf", "seen"), ("conf/file", "part")] {
        let nothing = None::<&str>;
        mount(
            Some(&at(what)),
            &at(place),
            nothing,
            MsFlags::MS_BIND,
            nothing,
        )
        .unwrap();
    }
    let names = ["conf/file", "seen/file", "part"];
    try_in(&without(&world, &["conf"], &[]), || {
        names
            .iter()
            .try_for_each(|name| refused("write", fs::write(name, "new"), DENIED))
    })?;
    try_in(&without(&world, &[], &["conf"]), || {
        let hidden = [EACCES, ENOENT];
        names
            .iter()
            .try_for_each(|name| refused("read", File::open(name), &hidden))
    })
}

fn a_link_to_a_root_is_held() -> Outcome {
    let world = World::new();
    let (link, extra) = (world.workspace.join("link"), world.outside.join("extra"));
    fs::create_dir(&extra).unwrap();
    symlink(&extra, &link).unwrap();
    let roots = [world.workspace.clone(), link.clone()];
    for (roots, tmpdir) in [(&roots[..], None), (&roots[..1], Some(link.as_os_str()))] {
        let policy = Policy::with_roots(Mode::WorkspaceWrite, false, roots, tmpdir).unwrap();
        try_in(&policy, || {
            refused("remove", fs::remove_file("link"), HELD)?;
            refused("move", fs::rename("link", "away"), HELD)?;
            works("write", fs::write("link/new", "new"))
        })?;
    }
    Ok(())
}

fn links_to_what_is_hidden_are_held() -> Outcome {
    let world = World::new();
    linked(&world);
    let mut policy = without(&world, &[], &["again"]);
    for mode in [Mode::WorkspaceWrite, Mode::ReadOnly] {
        policy.mode = mode;
        if mode == Mode::ReadOnly {
            policy.writable.clear();
        }
        try_in(&policy, || {
            for name in ["again", "conf/file", "real/file"] {
                refused("read", File::open(name), DENIED)?;
            }
            if mode == Mode::WorkspaceWrite {
                is_still_linked()?;
            }
            Ok(())
        })?;
    }
    ensure(
        text(world.workspace.join("again")) == "old",
        "it is as it was",
    )
}

fn what_is_hidden_and_missing_is_not_made() -> Outcome {
    let world = World::new();
    symlink("later", world.workspace.join("link")).unwrap();
    let policy = without(&world, &[], &[".env", "a/b/key", "link"]);
    try_in(&policy, || {
        for name in [".env", "link", "later", "a"] {
            refused("read", File::open(name), &[ENOENT])?;
            refused("write", fs::write(name, "new"), &[EROFS, EACCES, ENOENT])?;
            refused("make", fs::create_dir(name), &[EEXIST])?;
            fs::write("new", "new").unwrap();
            refused("rename", fs::rename("new", name), HELD)?;
        }
        refused("make", fs::create_dir_all("a/b"), &[EEXIST, ENOENT])
    })?;
    for name in [".env", "later", "a"] {
        let path = world.workspace.join(name);
        ensure(path.symlink_metadata().is_err(), "nothing is left behind")?;
    }
    Ok(())
}

fn what_can_not_be_held_is_refused() -> Outcome {
    let world = World::new();
    let at = |name: &str| world.workspace.join(name);
    fs::create_dir(at("proc")).unwrap();
    symlink("/proc/self", at("self")).unwrap();
    let own = "the sandbox has a /proc and a /dev of its own";
    for path in [
        "/proc",
        "/proc/1/environ",
        "/dev",
        "/dev/shm/x",
        "/dev/null",
        "/dev/fd",
    ] {
        not_started(&without(&world, &[], &[path]), own)?;
    }
    not_started(&without(&world, &[], &["self/environ"]), own)?;
    // There is no such device inside.
    try_in(
        &without(&world, &[], &["/dev/kmsg", "/dev/mem", "/dev/none"]),
        || Ok(()),
    )?;
    for path in ["/", ".."] {
        not_started(&without(&world, &[], &[path]), "the command starts in it")?;
    }
    fs::write(at("secret"), "secret").unwrap();
    fs::hard_link(at("secret"), at("other")).unwrap();
    let linked = "it has another name (a hard link)";
    not_started(&without(&world, &[], &["secret"]), linked)?;
    not_started(&without(&world, &["secret"], &[]), linked)?;
    if nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    let closed = at("closed");
    fs::create_dir(&closed).unwrap();
    fs::write(closed.join("key"), "secret").unwrap();
    let mode = |bits| fs::set_permissions(&closed, fs::Permissions::from_mode(bits)).unwrap();
    mode(0o000);
    let refused = not_started(&without(&world, &[], &["closed/key"]), "is closed");
    mode(0o755);
    refused
}

fn what_a_pattern_finds_is_hidden() -> Outcome {
    let world = World::new();
    let at = |name: &str| world.workspace.join(name);
    fs::create_dir_all(at("a/secrets")).unwrap();
    for name in [".env", "a/.env", "a/secrets/k", "a/kept"] {
        fs::write(at(name), "secret").unwrap();
    }
    symlink("kept", at("a/linked.pem")).unwrap();
    let pattern = |text: &str| {
        let text = format!("{}/{text}", world.workspace.display());
        PathPattern::new(&text, None).unwrap()
    };
    let patterns = ["**/.env", "**/secrets/**", "**/*.pem"].map(pattern);
    let policy = world.policy(Mode::WorkspaceWrite).without_any(&patterns);
    try_in(&policy, || {
        for name in [".env", "a/.env", "a/secrets/k", "a/linked.pem", "a/kept"] {
            refused(name, File::open(name), DENIED)?;
            refused(name, fs::rename(name, "away"), HELD)?;
        }
        works("list", fs::read_dir("a/secrets").map(drop))?;
        works("write", fs::write("a/new", "new"))
    })?;
    let all = PathPattern::new("/**", None).unwrap();
    let policy = world.policy(Mode::ReadOnly).without_any(&[all]);
    not_started(&policy, "can't be hidden: ")?;
    ensure(text(at("a/kept")) == "secret", "it is as it was")
}
