//! Where namespaces are barred, the other layers hold.

use std::env;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use codex_shell::confine::{Deciding, LayerName, Layers, Mode, Protection, Role, Status};
use nix::libc::{EACCES, EPERM, EROFS, EXDEV};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use nix::unistd::Pid;

use crate::support::{Outcome, World, doctor, ensure, refused, within, works};
use crate::{Check, FALLBACK, MASKED, MOUNTED};

/// Starts this program again where there are no namespaces to be had.
pub(crate) const STARTERS: &[Check] = &[
    ("without_namespaces", without_namespaces),
    ("with_a_masked_proc", with_a_masked_proc),
    ("with_mounts", with_mounts),
];

pub(crate) const MASKED_CHECKS: &[Check] = &[("only_proc_is_missing", only_proc_is_missing)];

pub(crate) const CHECKS: &[Check] = &[
    ("the_loss_is_reported", the_loss_is_reported),
    ("a_required_layer_is_missed", a_required_layer_is_missed),
    ("files_are_safe", files_are_safe),
    ("what_decides_starts_nothing", what_decides_starts_nothing),
    (
        "attributes_are_safe_everywhere",
        attributes_are_safe_everywhere,
    ),
    ("processes_are_safe", processes_are_safe),
    ("sockets_are_refused", sockets_are_refused),
    ("doctor_tells", doctor_tells),
];

/// A user namespace that has used up its own allowance, and no capability in it.
const BARRED: &str = r#"
echo 0 > /proc/sys/user/max_user_namespaces &&
exec setpriv --bounding-set=-all --inh-caps=-all "$@"
"#;

/// A /proc of which a part is hidden, as containers have it. CAP_SETFCAP is what the kernel wants
/// of a uid 0 that maps itself into a further user namespace.
const HIDDEN: &str = r#"
mount -t tmpfs none /proc/sys &&
exec setpriv --bounding-set=-all,+setfcap --inh-caps=-all "$@"
"#;

/// Nothing would hold rules that lie in a root; elsewhere they need no holding.
fn what_decides_starts_nothing() -> Outcome {
    let world = World::new();
    let policy = |path: &Path, role: Role| {
        let deciding = vec![Deciding {
            path: path.to_owned(),
            role,
            is_directory: false,
        }];
        world.policy(Mode::WorkspaceWrite).protecting(Protection {
            deciding,
            ..Protection::default()
        })
    };
    let starts = |path: &Path, role: Role| within(&policy(path, role), &[], |_| Ok(())).map(drop);
    for role in [Role::Rules, Role::Settings, Role::Trust] {
        let refusal = starts(&world.workspace.join("x"), role);
        let told = refusal.is_err_and(|why| why.contains("there are no namespaces here"));
        ensure(told, "a missing file in the workspace is not held")?;
    }
    starts(&world.workspace.join("x"), Role::Audit)?;
    starts(&world.outside.join("canary"), Role::Rules)
}

fn without_namespaces() -> Outcome {
    again(&["--user", "--map-root-user"], BARRED, FALLBACK)
}

fn with_a_masked_proc() -> Outcome {
    again(&["--user", "--map-root-user", "--mount"], HIDDEN, MASKED)
}

fn with_mounts() -> Outcome {
    let options = ["--user", "--map-root-user", "--mount"];
    again(&options, "exec \"$@\"", MOUNTED)
}

/// Runs this program with `word` behind `unshare` and a shell script.
fn again(unshare: &[&str], script: &str, word: &str) -> Outcome {
    let status = Command::new("unshare")
        .args(unshare)
        .args(["sh", "-c", script, "sh"])
        .arg(env::current_exe().unwrap())
        .arg(word)
        .current_dir("/")
        .status()
        .unwrap();
    ensure(status.success(), &format!("{status}"))
}

fn only_proc_is_missing() -> Outcome {
    let world = World::new();
    let started = within(&world.policy(Mode::WorkspaceWrite), &[], |_| {
        let parent = nix::unistd::getppid();
        ensure(parent == Pid::from_raw(0), "its parent is out of sight")?;
        refused("create", File::create(world.outside.join("new")), &[EROFS])
    })?;
    let missing: Vec<LayerName> = started.missing().map(|(name, _)| name).collect();
    ensure(missing == [LayerName::Proc], &format!("{started:?}"))
}

fn doctor_tells() -> Outcome {
    let (status, layers) = doctor();
    let expected = [
        "missing", "missing", "in-force", "in-force", "in-force", "in-force",
    ];
    ensure(
        status == Some(1) && layers == expected,
        &format!("{status:?} {layers:?}"),
    )
}

fn layers(test: impl FnOnce() -> Outcome) -> Result<Layers, String> {
    let world = World::new();
    let required = [
        LayerName::Landlock,
        LayerName::Filter,
        LayerName::Privileges,
    ];
    within(&world.policy(Mode::WorkspaceWrite), &required, |inside| {
        ensure(!inside.pid_namespace, "no pid namespace")?;
        test()
    })
}

fn the_loss_is_reported() -> Outcome {
    let layers = layers(|| Ok(()))?;
    let missing: Vec<LayerName> = layers.missing().map(|(name, _)| name).collect();
    ensure(
        missing == [LayerName::Namespaces, LayerName::Proc],
        &format!("{layers:?}"),
    )?;
    ensure(
        layers.status(LayerName::Landlock) == &Status::InForce,
        &format!("{layers:?}"),
    )
}

fn a_required_layer_is_missed() -> Outcome {
    let world = World::new();
    let started = within(
        &world.policy(Mode::ReadOnly),
        &[LayerName::Namespaces],
        |_| {
            fs::write("/var/tmp/never", "x").unwrap();
            Ok(())
        },
    );
    ensure(
        started.is_err_and(|reason| reason.contains("`namespaces` is required")),
        "it does not start",
    )
}

fn files_are_safe() -> Outcome {
    let canary = World::new();
    layers(|| {
        refused(
            "create",
            File::create(canary.outside.join("new")),
            &[EACCES],
        )?;
        works("write", fs::write("f", "x"))?;
        works("mkdir", fs::create_dir("d"))?;
        works("rename", fs::rename("f", "d/f"))?;
        refused(
            "out",
            fs::rename("d/f", canary.outside.join("f")),
            &[EACCES, EXDEV],
        )?;
        refused("/dev/shm", tempfile::tempfile_in("/dev/shm"), &[EACCES])?;
        works("/dev/null", fs::write("/dev/null", "x"))
    })
    .map(drop)
}

fn attributes_are_safe_everywhere() -> Outcome {
    let canary = World::new();
    layers(|| {
        works("write", fs::write("f", "x"))?;
        for path in [Path::new("f"), &canary.outside.join("canary")] {
            let mode = fs::Permissions::from_mode(0o777);
            refused("chmod", fs::set_permissions(path, mode), &[EPERM])?;
            refused("chown", nix::unistd::chown(path, None, None), &[EPERM])?;
        }
        Ok(())
    })
    .map(drop)
}

fn processes_are_safe() -> Outcome {
    let mut victim = Command::new("sleep").arg("30").spawn().unwrap();
    let pid = Pid::from_raw(victim.id().cast_signed());
    let group = Pid::from_raw(-nix::unistd::getpgrp().as_raw());
    let result = layers(|| {
        refused("kill", kill(pid, Signal::SIGKILL), &[EPERM])?;
        refused("trace", nix::sys::ptrace::attach(pid), &[EPERM])?;
        refused("kill its group", kill(group, Signal::SIGUSR1), &[EPERM])
    });
    std::thread::sleep(Duration::from_millis(50));
    let alive = victim.try_wait().unwrap().is_none();
    victim.kill().unwrap();
    victim.wait().unwrap();
    result?;
    ensure(alive, "the victim lives")
}

fn sockets_are_refused() -> Outcome {
    layers(|| {
        for family in [AddressFamily::Inet, AddressFamily::Unix] {
            let made = socket(family, SockType::Stream, SockFlag::empty(), None);
            refused("socket", made, &[EPERM])?;
        }
        Ok(())
    })
    .map(drop)
}
