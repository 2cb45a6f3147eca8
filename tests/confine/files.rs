//! What can be written, and what can't.

use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use codex_shell::confine::{self, ConfineError, LayerName, Mode, Setup};
use nix::fcntl::AT_FDCWD;
use nix::libc::{EACCES, EBUSY, EPERM, EROFS, EXDEV};
use nix::sys::stat::{UtimensatFlags, utimensat};
use nix::sys::time::TimeSpec;

use crate::Check;
use crate::support::{Outcome, World, ensure, refused, text, within, works};

pub(crate) const CHECKS: &[Check] = &[
    ("contents_outside_are_safe", contents_outside_are_safe),
    ("attributes_outside_are_safe", attributes_outside_are_safe),
    ("a_root_is_writable", a_root_is_writable),
    ("read_only_writes_nothing", read_only_writes_nothing),
    ("danger_full_access_writes", danger_full_access_writes),
    (
        "protected_names_are_read_only",
        protected_names_are_read_only,
    ),
    (
        "protected_names_can_not_be_made",
        protected_names_can_not_be_made,
    ),
    ("a_linked_name_is_held", a_linked_name_is_held),
    ("a_git_file_is_followed", a_git_file_is_followed),
    (
        "a_workspace_in_tmp_can_not_be_moved",
        a_workspace_in_tmp_can_not_be_moved,
    ),
    (
        "a_given_directory_is_the_sandboxs_own_view",
        a_given_directory_is_the_sandboxs_own_view,
    ),
    ("devices_are_few", devices_are_few),
    ("kernel_settings_are_safe", kernel_settings_are_safe),
];

/// Depending on which layer speaks first.
const DENIED: &[i32] = &[EROFS, EACCES, EXDEV];

fn append(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().append(true).open(path)
}

fn contents_outside_are_safe() -> Outcome {
    let world = World::new();
    let (new, canary) = (world.outside.join("new"), world.outside.join("canary"));
    symlink(&world.outside, world.workspace.join("link")).unwrap();
    world.write(|_| {
        refused("create", File::create(&new), DENIED)?;
        refused("append", append(&canary), DENIED)?;
        refused("truncate", File::create(&canary), DENIED)?;
        refused("mkdir", fs::create_dir(&new), DENIED)?;
        refused("remove", fs::remove_file(&canary), DENIED)?;
        refused("through a link", File::create("link/new"), DENIED)?;
        let around = Path::new("/proc/self/root").join(new.strip_prefix("/").unwrap());
        refused("through /proc", File::create(around), DENIED)?;
        let read = works("read", File::open(&canary))?;
        let again = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&read));
        refused("reopen", append(Path::new(&again)), DENIED)?;
        works("write", fs::write("mine", "x"))?;
        refused("rename out", fs::rename("mine", &new), DENIED)?;
        refused("link out", fs::hard_link("mine", &new), DENIED)?;
        refused("link in", fs::hard_link(&canary, "stolen"), DENIED)
    })?;
    ensure(
        text(&canary) == "canary" && !new.exists(),
        "nothing changed",
    )
}

fn attributes_outside_are_safe() -> Outcome {
    let world = World::new();
    let canary = world.outside.join("canary");
    world.write(|_| {
        let mode = fs::Permissions::from_mode(0o777);
        refused("chmod", fs::set_permissions(&canary, mode), &[EROFS])?;
        let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
        refused(
            "chown",
            nix::unistd::chown(&canary, Some(uid), Some(gid)),
            &[EROFS],
        )?;
        refused("utimes", touch(&canary), &[EROFS])
    })
}

fn touch(path: &Path) -> nix::Result<()> {
    let time = TimeSpec::new(1, 0);
    utimensat(AT_FDCWD, path, &time, &time, UtimensatFlags::FollowSymlink)
}

fn a_root_is_writable() -> Outcome {
    let world = World::new();
    world.write(|_| {
        let here = works("getcwd", std::env::current_dir())?;
        ensure(here == world.workspace, "the working directory stays")?;
        works(
            "mkdir",
            fs::create_dir("a").and_then(|()| fs::create_dir("b")),
        )?;
        works("write", fs::write("a/f", "x"))?;
        works("rename", fs::rename("a/f", "b/g"))?;
        works("link", fs::hard_link("b/g", "a/h"))?;
        works(
            "chmod",
            fs::set_permissions("a/h", fs::Permissions::from_mode(0o700)),
        )?;
        works("touch", touch(Path::new("a/h")))?;
        works("write in /tmp", tempfile::tempfile_in("/tmp"))?;
        works("write in /dev/shm", tempfile::tempfile_in("/dev/shm")).map(drop)
    })?;
    ensure(
        text(world.workspace.join("b/g")) == "x",
        "it is there afterwards",
    )
}

fn read_only_writes_nothing() -> Outcome {
    let world = World::new();
    within(&world.policy(Mode::ReadOnly), &LayerName::ALL, |_| {
        refused("workspace", File::create("f"), DENIED)?;
        refused("/tmp", tempfile::tempfile_in("/tmp"), DENIED)?;
        works("/dev/null", append(Path::new("/dev/null")))?;
        works("/dev/shm", tempfile::tempfile_in("/dev/shm")).map(drop)
    })
    .map(drop)
}

fn danger_full_access_writes() -> Outcome {
    let world = World::new();
    let policy = world.policy(Mode::DangerFullAccess);
    within(&policy, &[LayerName::Filter], |inside| {
        ensure(!inside.pid_namespace, "no pid namespace")?;
        works("write", fs::write(world.outside.join("new"), "x"))?;
        let setup = Setup {
            policy: &policy,
            require: &[],
            keep: &[],
            terminal: false,
            number: None,
            listen: true,
            tell: false,
        };
        let second = confine::start(&setup, |_| 0).map(|_| ());
        ensure(second == Err(ConfineError::Nested), "there is a listener")
    })?;
    let refusal = within(&policy, &[LayerName::Landlock], |_| Ok(()));
    ensure(refusal.is_err(), "a layer can be required in vain only")
}

fn protected_names_are_read_only() -> Outcome {
    let world = World::new();
    for name in [".git", ".codex", ".agents"] {
        fs::create_dir(world.workspace.join(name)).unwrap();
        fs::write(world.workspace.join(name).join("config"), "old").unwrap();
    }
    world.write(|_| {
        for name in [".git", ".codex", ".agents"] {
            let name = Path::new(name);
            let config = name.join("config");
            refused("create", File::create(name.join("new")), DENIED)?;
            refused("append", append(&config), DENIED)?;
            refused(
                "chmod",
                fs::set_permissions(&config, fs::Permissions::from_mode(0o777)),
                DENIED,
            )?;
            refused("rename", fs::rename(name, "away"), &[EBUSY, EXDEV])?;
            refused("link out", fs::hard_link(&config, "h"), DENIED)?;
            ensure(text(&config) == "old", "it can be read")?;
        }
        Ok(())
    })
}

fn protected_names_can_not_be_made() -> Outcome {
    let world = World::new();
    world.write(|_| {
        for name in [".git", ".codex", ".agents"] {
            refused("rmdir", fs::remove_dir(name), &[EBUSY])?;
            refused("create", File::create(Path::new(name).join("new")), DENIED)?;
            refused(
                "rename over",
                fs::rename("x", name),
                &[EBUSY, nix::libc::ENOENT],
            )?;
            let planted = symlink("x", name);
            refused("link", planted, &[nix::libc::EEXIST])?;
        }
        Ok(())
    })?;
    let left: Vec<_> = fs::read_dir(&world.workspace).unwrap().collect();
    ensure(
        left.is_empty(),
        &format!("nothing is left behind: {left:?}"),
    )
}

fn a_linked_name_is_held() -> Outcome {
    let world = World::new();
    fs::create_dir(world.workspace.join("cfg")).unwrap();
    symlink("cfg", world.workspace.join(".codex")).unwrap();
    symlink("not-yet", world.workspace.join(".agents")).unwrap();
    world.write(|_| {
        refused("through the link", File::create(".codex/new"), DENIED)?;
        refused("at its end", File::create("cfg/new"), DENIED)?;
        refused(
            "at an end that was missing",
            File::create("not-yet/new"),
            DENIED,
        )?;
        refused("remove the link", fs::remove_file(".codex"), &[EBUSY])?;
        refused("move the link", fs::rename(".codex", "away"), &[EBUSY])
    })?;
    ensure(
        world.workspace.join(".codex").is_symlink(),
        "it is still a link",
    )
}

fn a_git_file_is_followed() -> Outcome {
    let world = World::new();
    fs::create_dir(world.workspace.join("real")).unwrap();
    fs::write(world.workspace.join(".git"), "gitdir: real\n").unwrap();
    world.write(|_| {
        refused("the file", append(Path::new(".git")), DENIED)?;
        refused("the directory", File::create("real/new"), DENIED)?;
        refused("move the directory", fs::rename("real", "away"), &[EBUSY])
    })
}

fn a_workspace_in_tmp_can_not_be_moved() -> Outcome {
    let world = World::under("/tmp");
    let above = world.workspace.parent().unwrap();
    let base = above.parent().unwrap();
    world.write(|_| {
        works("a sibling is writable", fs::write(base.join("f"), "x"))?;
        refused(
            "the workspace",
            fs::rename(&world.workspace, above.join("w")),
            &[EBUSY],
        )?;
        refused(
            "what is above it",
            fs::rename(above, base.join("d")),
            &[EBUSY],
        )
    })
}

/// Through a directory's descriptor lies what it was opened on, unless it is opened anew.
fn a_given_directory_is_the_sandboxs_own_view() -> Outcome {
    let world = World::new();
    let outside = File::open(&world.outside).unwrap();
    let policy = world.policy(Mode::WorkspaceWrite);
    let number = outside.as_raw_fd();
    let setup = Setup {
        policy: &policy,
        require: &LayerName::ALL,
        keep: &[number],
        terminal: false,
        number: None,
        listen: true,
        tell: false,
    };
    let sandbox = confine::start(&setup, |_| {
        let canary = format!("/proc/self/fd/{number}/canary");
        let mode = fs::Permissions::from_mode(0o777);
        let outcome = works("read", fs::metadata(&canary))
            .and_then(|_| refused("chmod", fs::set_permissions(&canary, mode), &[EROFS]));
        if let Err(reason) = &outcome {
            eprintln!("inside: {reason}");
        }
        u8::from(outcome.is_err())
    })
    .map_err(|error| error.to_string())?;
    let status = nix::sys::wait::waitpid(sandbox.init_pid, None).unwrap();
    let held = matches!(status, nix::sys::wait::WaitStatus::Exited(_, 0));
    ensure(held, &format!("{status:?}"))
}

fn devices_are_few() -> Outcome {
    World::new().write(|_| {
        let mut names: Vec<String> = works("list", fs::read_dir("/dev"))?
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let expected = "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero";
        ensure(names.join(" ") == expected, &format!("{names:?}"))?;
        works("write", fs::write("/dev/null", "x"))?;
        works(
            "a terminal",
            nix::pty::posix_openpt(nix::fcntl::OFlag::O_RDWR),
        )?;
        let mode = fs::Permissions::from_mode(0o0);
        refused("chmod", fs::set_permissions("/dev/null", mode), &[EROFS])?;
        refused("create", File::create("/dev/new"), DENIED)?;
        let node = nix::sys::stat::mknod(
            "disk",
            nix::sys::stat::SFlag::S_IFBLK,
            nix::sys::stat::Mode::S_IRWXU,
            nix::sys::stat::makedev(7, 0),
        );
        refused("mknod", node, &[EPERM, EACCES])
    })
}

fn kernel_settings_are_safe() -> Outcome {
    World::new().write(|_| {
        for path in ["/proc/sys/kernel/core_pattern", "/proc/self/oom_score_adj"] {
            refused(path, OpenOptions::new().write(true).open(path), DENIED)?;
        }
        Ok(())
    })
}
