use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::program::normalised;
use super::{Program, SearchPath, Trust};

/// A directory tree of its own: `safe/bin` outside the sandbox, `work` writable from inside.
struct World(TempDir);

impl World {
    fn new() -> Self {
        // The tests name their own writable roots; /tmp is none of them.
        let world = Self(TempDir::new().unwrap());
        for directory in ["safe/bin", "work/bin"] {
            fs::create_dir_all(world.path(directory)).unwrap();
        }
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.0.path()).unwrap().join(name)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn link(&self, name: &str, target: impl AsRef<Path>) -> PathBuf {
        symlink(target, self.path(name)).unwrap();
        self.path(name)
    }

    fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The program at `path`, called by its own name.
    fn at(&self, path: impl AsRef<Path>) -> Program {
        let path = self.path("").join(path);
        Program::at(
            path.as_os_str(),
            &path,
            path.file_name(),
            &[self.path("work")],
        )
    }

    fn trust(&self, path: impl AsRef<Path>) -> Trust {
        self.at(path).trust
    }

    fn writable(&self, name: &str) -> Trust {
        Trust::Writable {
            path: self.path(name),
        }
    }
}

#[test]
fn a_file_out_of_reach_is_trusted() {
    let world = World::new();
    let git = world.file("safe/bin/git", "\x7fELF");
    let program = world.at("safe/bin/git");
    assert_eq!(program.trust, Trust::Trusted);
    assert_eq!(program.path, Some(git.clone()));
    assert_eq!(program.real, Some(git));
}

#[test]
fn the_file_or_any_link_on_the_way_may_be_writable() {
    let world = World::new();
    let git = world.file("safe/bin/git", "\x7fELF");
    world.file("work/bin/git", "\x7fELF");
    world.link("safe/bin/out", "../../work/bin/git");
    world.link("work/link", &git);
    world.link("work/dir", "../safe/bin");
    world.link("safe/there-and-back", world.path("work/dir"));
    world.link("safe/bin/alias", "git");
    assert_eq!(world.trust("work/bin/git"), world.writable("work/bin/git"));
    assert_eq!(world.trust("safe/bin/out"), world.writable("work/bin/git"));
    assert_eq!(world.trust("work/link"), world.writable("work/link"));
    assert_eq!(world.trust("work/dir/git"), world.writable("work/dir"));
    assert_eq!(
        world.trust("safe/there-and-back/git"),
        world.writable("work/dir")
    );
    assert_eq!(world.trust("safe/bin/alias"), Trust::Trusted);
    assert_eq!(world.at("safe/bin/alias").real, Some(git));
}

#[test]
fn other_spellings_of_a_root_hide_nothing() {
    let world = World::new();
    world.file("work/bin/git", "\x7fELF");
    world.link("alias", "work");
    for root in ["work", "alias", "safe/../work/.", "work/"] {
        let path = world.path("work/../work//bin/./git");
        let program = Program::at(
            OsStr::new("git"),
            &path,
            Some(OsStr::new("git")),
            &[world.path(root)],
        );
        assert_eq!(program.trust, world.writable("work/bin/git"), "{root}");
        assert_eq!(program.path, Some(world.path("work/bin/git")));
    }
}

#[test]
fn what_everybody_may_write_is_writable() {
    let world = World::new();
    let git = world.file("safe/bin/git", "\x7fELF");
    world.mode("safe/bin/git", 0o777);
    assert_eq!(world.trust(&git), world.writable("safe/bin/git"));
    world.mode("safe/bin/git", 0o755);
    world.mode("safe", 0o777);
    assert_eq!(world.trust(&git), world.writable("safe/bin/git"));
    world.mode("safe", 0o1777);
    assert_eq!(world.trust(&git), Trust::Trusted);
}

#[test]
fn a_root_may_be_the_file() {
    let world = World::new();
    let git = world.file("safe/bin/git", "\x7fELF");
    let name = Some(OsStr::new("git"));
    let program = Program::at(OsStr::new("git"), &git, name, std::slice::from_ref(&git));
    assert_eq!(program.trust, world.writable("safe/bin/git"));
}

#[test]
fn a_second_link_may_be_inside() {
    let world = World::new();
    let tool = world.file("safe/bin/tool", "\x7fELF");
    assert_eq!(world.trust(&tool), Trust::Trusted);
    fs::hard_link(&tool, world.path("work/other")).unwrap();
    assert_eq!(world.trust(&tool), world.writable("safe/bin/tool"));
    let name = Some(OsStr::new("tool"));
    let read_only = Program::at(OsStr::new("tool"), &tool, name, &[]);
    assert_eq!(read_only.trust, Trust::Trusted);
}

#[test]
fn a_name_of_its_own_choosing_is_a_disguise() {
    let world = World::new();
    let git = world.file("safe/bin/git", "\x7fELF");
    let vi = world.link("safe/bin/vi", "git");
    let called = |path: &Path, argv0: Option<&str>| {
        Program::at(path.as_os_str(), path, argv0.map(OsStr::new), &[]).trust
    };
    let probe = world.file("safe/bin/probe", "\x7fELF");
    world.link("safe/bin/alias", "probe");
    for argv0 in ["git", "-git", git.to_str().unwrap()] {
        assert_eq!(called(&git, Some(argv0)), Trust::Trusted, "{argv0}");
    }
    assert_eq!(called(&probe, Some("any other")), Trust::Trusted);
    for (path, argv0, last) in [
        (&git, Some("git-push"), "git-push"),
        (&git, Some("/else/git"), "git"),
        (&git, Some("anything"), "anything"),
        (&probe, Some("probe-x"), "probe-x"),
        (&probe, Some("alias"), "alias"),
        (&probe, Some("./any"), "any"),
        (&vi, Some("git"), "git"),
        (&vi, Some("/x/view"), "view"),
        (&git, Some(""), ""),
        (&git, None, ""),
    ] {
        let argv0_shown = OsString::from(last);
        assert_eq!(
            called(path, argv0),
            Trust::Disguised { argv0: argv0_shown },
            "{argv0:?}"
        );
    }
    let script = world.file("safe/bin/script", "#!/bin/sh\n");
    assert_eq!(called(&script, Some("anything")), Trust::Trusted);
}

#[test]
fn a_script_is_as_good_as_its_interpreter() {
    let world = World::new();
    let shell = world.file("safe/bin/sh", "\x7fELF");
    let own = world.file("work/bin/sh", "\x7fELF");
    let script = |name: &str, interpreter: &Path| {
        world.file(name, &format!("#! {} -e\n", interpreter.display()))
    };
    let good = script("safe/bin/good", &shell);
    let better = script("safe/bin/better", &good);
    assert_eq!(world.trust(&better), Trust::Trusted);

    let bad = script("safe/bin/bad", &own);
    let worse = script("safe/bin/worse", &bad);
    assert_eq!(world.trust(&bad), world.writable("work/bin/sh"));
    assert_eq!(world.trust(&worse), world.writable("work/bin/sh"));

    let relative = script("safe/bin/relative", Path::new("bin/sh"));
    assert_eq!(
        world.trust(&relative),
        Trust::Writable {
            path: "bin/sh".into()
        }
    );
    let endless = world.path("safe/bin/endless");
    script("safe/bin/endless", &endless);
    assert_eq!(world.trust(&endless), world.writable("safe/bin/endless"));

    let lost = script("safe/bin/lost", Path::new("/no/such/interpreter"));
    assert_eq!(world.trust(&lost), Trust::Anonymous);
    let missing = world.path("work/missing");
    let lost = script("safe/bin/later", &missing);
    assert_eq!(world.trust(&lost), world.writable("work/missing"));
}

#[test]
fn what_cannot_be_followed_is_anonymous() {
    let world = World::new();
    world.link("safe/loop", "loop");
    assert_eq!(world.trust("safe/loop"), Trust::Anonymous);
    assert_eq!(world.trust("safe/nothing"), Trust::Anonymous);
    assert_eq!(world.trust("safe"), Trust::Anonymous);
    assert_eq!(world.trust("/proc/self/exe"), Trust::Anonymous);
    world.link("safe/exe", "/proc/self/exe");
    assert_eq!(world.trust("safe/exe"), Trust::Anonymous);
    world.link("work/exe", "/proc/self/exe");
    assert_eq!(world.trust("work/exe"), world.writable("work/exe"));
}

#[test]
fn dots_after_a_link_mean_what_the_kernel_takes_them_for() {
    let world = World::new();
    fs::create_dir_all(world.path("safe/deep/bin")).unwrap();
    let evil = world.file("safe/deep/git", "\x7fELF");
    let good = world.file("safe/git", "\x7fELF");
    world.link("safe/bin/link", world.path("safe/deep/bin"));
    let program = world.at("safe/bin/link/../git");
    assert_eq!(program.real, Some(evil.clone()));
    assert_eq!(program.path, Some(evil));
    assert_eq!(world.at("safe/bin/../git").path, Some(good));
}

/// A link's own text leaves the name by which it is called, as `npm` is a link to `../lib/.../npm-cli.js`.
#[test]
fn dots_of_a_link_are_none_of_the_path() {
    let world = World::new();
    fs::create_dir_all(world.path("safe/lib/tool/bin")).unwrap();
    let real = world.file("safe/lib/tool/bin/cli", "\x7fELF");
    world.link("safe/bin/tool", "../lib/tool/bin/cli");
    world.link("safe/other", "bin/../bin");
    for called in ["safe/bin/tool", "safe/other/tool", "safe/bin/../bin/tool"] {
        let program = world.at(called);
        let named = world.path(&called.replace("bin/../", ""));
        assert_eq!(program.path, Some(named), "{called}");
        assert_eq!(program.real, Some(real.clone()), "{called}");
        assert_eq!(program.trust, Trust::Trusted, "{called}");
    }
    // These are the path's.
    let program = world.at("safe/other/../bin/tool");
    assert_eq!(program.path, Some(real));
    world.link("safe/bin/open", "../../work/bin/git");
    assert_eq!(world.trust("safe/bin/open"), world.writable("work/bin/git"));
}

#[test]
fn the_search_goes_as_execvp_does() {
    let world = World::new();
    let safe = world.file("safe/bin/git", "\x7fELF");
    let own = world.file("work/git", "\x7fELF");
    fs::create_dir(world.path("work/bin/git")).unwrap();
    world.file("work/bin/plain", "");
    world.mode("work/bin/plain", 0o644);
    let plain = world.file("safe/bin/plain", "\x7fELF");
    let path = |entries: &str| entries.replace('@', world.path("").to_str().unwrap());
    let cwd = world.path("work");
    for (asked, search, expected) in [
        ("git", "@/work/bin:@/safe/bin", Some(&safe)),
        ("git", "@/nothing:@/safe/bin:@/work", Some(&safe)),
        ("git", ":@/safe/bin", Some(&own)),
        ("git", "../safe/bin", Some(&safe)),
        ("plain", "@/work/bin:@/safe/bin", Some(&plain)),
        ("./git", "@/safe/bin", Some(&own)),
        ("../safe/bin/git", "", Some(&safe)),
        ("bin/git", "@/safe/bin", None),
        ("", "@/safe/bin", None),
        ("..", "@/safe/bin", None),
        ("hg", "@/safe/bin", None),
    ] {
        let search = OsString::from(path(search));
        let found = SearchPath::of(&cwd, Some(&search), &[]).find(OsStr::new(asked), None);
        assert_eq!(found.path.as_ref(), expected, "{asked} in {search:?}");
        assert_eq!(found.trust == Trust::Unresolved, expected.is_none());
    }
    let default = SearchPath::of(&cwd, None, &[]).find(OsStr::new("sh"), Some(OsStr::new("sh")));
    assert_eq!(default.path, Some("/bin/sh".into()));
}

/// What isn't there and can be put there isn't believed, however it is asked for.
#[test]
fn what_is_missing_where_the_sandbox_writes_is_not_trusted() {
    let world = World::new();
    world.file("safe/bin/git", "\x7fELF");
    world.file("work/here", "\x7fELF");
    world.link("work/link", world.path("work/nowhere"));
    world.link("safe/bin/linked", world.path("work/nowhere"));
    world.link("work/away", "/nowhere/at/all");
    world.link("safe/alias", world.path("work"));
    let cwd = world.path("safe");
    let writable = [world.path("work")];
    let path = |entries: &str| entries.replace('@', world.path("").to_str().unwrap());
    for (asked, search, planted) in [
        // By a path: a file, one in a directory that isn't there either, by links, relative.
        ("@/work/git", "", true),
        ("@/work/a/b/git", "", true),
        ("@/work/link", "", true),
        ("@/work/away", "", true),
        ("@/safe/bin/linked", "", true),
        ("@/safe/alias/git", "", true),
        ("../work/git", "", true),
        ("./../safe/../work/git", "", true),
        ("@/work/here/git", "", true),
        ("@/safe/bin/hg", "", false),
        ("@/nowhere/hg", "", false),
        ("./bin/hg", "", false),
        // By a name: a directory of PATH in the root, or one that could be made there.
        ("hg", "@/safe/bin:@/work", true),
        ("hg", "@/safe/bin:@/work/bin", true),
        ("hg", "@/safe/bin:../work", true),
        ("hg", "@/safe/bin:@/safe/alias/bin", true),
        ("linked", "@/safe/bin", true),
        ("hg", "@/safe/bin:@/nowhere", false),
        ("hg", "@/safe/bin:", false),
        ("", "@/work", false),
    ] {
        let (asked, search) = (OsString::from(path(asked)), OsString::from(path(search)));
        let found = SearchPath::of(&cwd, Some(&search), &writable).find(&asked, Some(&asked));
        assert_eq!((found.path, found.real), (None, None), "{asked:?}");
        match found.trust {
            Trust::Writable { .. } => assert!(planted, "{asked:?} in {search:?}"),
            trust => assert!(
                !planted && trust == Trust::Unresolved,
                "{asked:?} in {search:?}"
            ),
        }
    }
}

#[test]
fn normal_paths() {
    for (path, normal) in [
        ("/usr//bin/./git/", "/usr/bin/git"),
        ("/../usr/../bin/git", "/bin/git"),
        ("/", "/"),
        ("../a/../b", "../b"),
    ] {
        assert_eq!(normalised(Path::new(path)), Path::new(normal));
    }
}

#[test]
fn a_script_that_has_env_find_something_inside_is_not_trusted() {
    let world = World::new();
    let inside = world.file("work/bin/tool", "\x7fELF");
    let tool = world.file("safe/bin/tool", "\x7fELF");
    let link = world.link("safe/bin/link", &inside);
    for (line, trusted) in [
        ("env sh", true),
        ("env no-such-program-anywhere", true),
        ("env -S A=b sh -e", true),
        (&format!("env {}", tool.display()), true),
        (&format!("env {}", inside.display()), false),
        (&format!("env {}", link.display()), false),
        (&format!("env -S sh {}", inside.display()), false),
        (&format!("env -iS{}", inside.display()), false),
        (&format!("env --split-string={}", inside.display()), false),
        ("env ./tool", false),
        ("env bin/tool", false),
        ("env -S./tool", false),
    ] {
        let script = world.file("safe/bin/script", &format!("#!/usr/bin/{line}\n"));
        let trust = world.trust(&script);
        assert_eq!(trust == Trust::Trusted, trusted, "{line}: {trust:?}");
    }
}

/// Entries of a dynamic section.
type Entries<'a> = &'a [(u64, &'a str)];

const NEEDED: u64 = 1;
const RPATH: u64 = 15;
const RUNPATH: u64 = 29;
const AUDIT: u64 = 0x6fff_fefc;

/// A program, or a library if it has no `interpreter`, with these entries in its dynamic section.
fn binary(wide: bool, interpreter: Option<&str>, entries: Entries<'_>) -> Vec<u8> {
    const BASE: u64 = 0x1000;
    let word = |number: u64| {
        if wide {
            number.to_ne_bytes().to_vec()
        } else {
            u32::try_from(number).unwrap().to_ne_bytes().to_vec()
        }
    };
    let (header, entry) = if wide { (64, 56) } else { (52, 32) };
    let mut strings = b"\0".to_vec();
    let mut dynamic = Vec::new();
    for (tag, text) in entries {
        dynamic.extend([word(*tag), word(strings.len() as u64)].concat());
        strings.extend([text.as_bytes(), b"\0"].concat());
    }
    let dynamic_at = header + 3 * entry;
    let dynamic_size = (dynamic.len() + 4 * word(0).len()) as u64;
    let strings_at = dynamic_at + dynamic_size;
    dynamic.extend([word(5), word(BASE + strings_at), word(0), word(0)].concat());
    let interpreter_at = strings_at + strings.len() as u64;
    let interpreter = interpreter.map(|name| [name.as_bytes(), b"\0"].concat());
    let length = interpreter.as_ref().map_or(0, Vec::len) as u64;
    let segment = |kind: u32, offset: u64, size: u64| {
        let kind = kind.to_ne_bytes().to_vec();
        let flags = 4u32.to_ne_bytes().to_vec();
        let places = [offset, BASE + offset, BASE + offset, size, size]
            .map(word)
            .concat();
        let align = word(1);
        if wide {
            [kind, flags, places, align].concat()
        } else {
            [kind, places, flags, align].concat()
        }
    };
    let order = if cfg!(target_endian = "little") { 1 } else { 2 };
    let half = |number: u16| number.to_ne_bytes().to_vec();
    let size = u16::try_from(header).unwrap();
    let entry_size = u16::try_from(entry).unwrap();
    [
        b"\x7fELF".to_vec(),
        vec![
            if wide { 2 } else { 1 },
            order,
            1,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
        ],
        [half(3), half(62), 1u32.to_ne_bytes().to_vec()].concat(),
        [word(0), word(header), word(0), 0u32.to_ne_bytes().to_vec()].concat(),
        [size, entry_size, 3, 0, 0, 0].map(half).concat(),
        segment(1, 0, interpreter_at + length),
        segment(if length > 0 { 3 } else { 0 }, interpreter_at, length),
        segment(2, dynamic_at, dynamic_size),
        dynamic,
        strings,
        interpreter.unwrap_or_default(),
    ]
    .concat()
}

impl World {
    fn binary(&self, name: &str, bytes: &[u8]) -> Trust {
        self.file(name, "");
        fs::write(self.path(name), bytes).unwrap();
        self.trust(name)
    }

    /// Why the program at `safe/bin/tool` with this interpreter and these entries is not trusted; `WORLD` in
    /// them stands for its directory.
    fn misled(&self, wide: bool, interpreter: &str, entries: Entries<'_>) -> Option<String> {
        let world = self.path("");
        let world = world.to_str().unwrap().trim_end_matches('/');
        let spelled = |text: &str| text.replace("WORLD", world);
        let entries: Vec<_> = entries
            .iter()
            .map(|(tag, it)| (*tag, spelled(it)))
            .collect();
        let entries: Vec<_> = entries
            .iter()
            .map(|(tag, it)| (*tag, it.as_str()))
            .collect();
        let bytes = binary(wide, Some(&spelled(interpreter)), &entries);
        match self.binary("safe/bin/tool", &bytes) {
            Trust::Trusted => None,
            Trust::Misled { why } => Some(why.replace(world, "WORLD")),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_program_is_as_good_as_what_it_loads() {
    let world = World::new();
    let loader = world.file("safe/ld.so", "\x7fELF");
    world.file("work/ld.so", "\x7fELF");
    world.link("safe/link.so", "../work/ld.so");
    fs::create_dir_all(world.path("safe/lib")).unwrap();
    world.link("safe/inside", "../work/bin");
    world.link("safe/lib/liblinked.so", "../../work/lib.so");
    let loader = format!(
        "WORLD/{}",
        loader.strip_prefix(world.path("")).unwrap().display()
    );
    let cases: [(&str, Entries<'_>, &str); 22] = [
        (&loader, &[], ""),
        (&loader, &[(NEEDED, "libc.so.6")], ""),
        (&loader, &[(RUNPATH, "")], ""),
        (
            &loader,
            &[(NEEDED, "libx.so"), (RUNPATH, "$ORIGIN/../lib:${ORIGIN}")],
            "",
        ),
        (&loader, &[(RPATH, "/nonexistent:WORLD/safe/lib/")], ""),
        ("WORLD/work/ld.so", &[], "WORLD/work/ld.so"),
        ("WORLD/work/missing", &[], "WORLD/work"),
        ("WORLD/safe/link.so", &[], "WORLD/work/ld.so"),
        ("ld.so", &[], "relative path ld.so"),
        (&loader, &[(RPATH, "WORLD/work/lib")], "WORLD/work/lib"),
        (
            &loader,
            &[(RUNPATH, "/usr/lib:WORLD/work/bin")],
            "WORLD/work/bin",
        ),
        (&loader, &[(RUNPATH, "$ORIGIN/../../work")], "WORLD/work"),
        (&loader, &[(RUNPATH, "WORLD/safe/inside")], "WORLD/work/bin"),
        (&loader, &[(RUNPATH, "lib")], "relative path lib"),
        (&loader, &[(RUNPATH, "/usr/lib:")], "relative path ''"),
        (&loader, &[(RUNPATH, "/opt/$LIB")], "nobody knows"),
        (&loader, &[(RUNPATH, "/opt$ORIGIN")], "nobody knows"),
        (&loader, &[(RUNPATH, "$ORIGINAL")], "nobody knows"),
        (&loader, &[(NEEDED, "./lib.so")], "relative path ./lib.so"),
        (
            &loader,
            &[(NEEDED, "WORLD/safe/link.so")],
            "WORLD/work/ld.so",
        ),
        (
            &loader,
            &[(AUDIT, "libc.so:WORLD/work/ld.so")],
            "WORLD/work/ld.so",
        ),
        (
            &loader,
            &[(NEEDED, "liblinked.so"), (RUNPATH, "WORLD/safe/lib")],
            "WORLD/work/lib.so",
        ),
    ];
    for (interpreter, entries, expected) in cases {
        for wide in [false, true] {
            let why = world.misled(wide, interpreter, entries);
            let is_so = match &why {
                None => expected.is_empty(),
                Some(why) => !expected.is_empty() && why.contains(expected),
            };
            assert!(is_so, "{interpreter} {entries:?} {wide}: {why:?}");
        }
    }
}

/// A library that is found by a run path has run paths of its own, which need not be the program's.
#[test]
fn a_library_leads_on() {
    let world = World::new();
    fs::create_dir_all(world.path("safe/lib")).unwrap();
    let inside = world.path("work");
    let inside = [(RUNPATH, inside.to_str().unwrap())];
    let entries = [(NEEDED, "libone.so"), (RUNPATH, "$ORIGIN/../lib")];
    let is_misled = || world.misled(true, "/lib/ld.so", &entries).is_some();
    let library = |name: &str, entries: Entries<'_>| {
        fs::write(world.path(name), binary(true, None, entries)).unwrap();
    };
    assert!(!is_misled());
    library("safe/lib/libtwo.so", &inside);
    assert!(!is_misled());
    library("safe/lib/libone.so", &[(NEEDED, "libtwo.so")]);
    assert!(is_misled());
    library("safe/lib/libtwo.so", &[(NEEDED, "libone.so")]);
    assert!(!is_misled());
    library(
        "safe/lib/libone.so",
        &[(NEEDED, "libthree.so"), (RPATH, "$ORIGIN/deep")],
    );
    assert!(!is_misled());
    fs::create_dir_all(world.path("safe/lib/deep")).unwrap();
    library("safe/lib/deep/libthree.so", &inside);
    assert!(is_misled());
}

#[test]
fn an_interpreter_of_scripts_is_as_good_as_what_it_loads() {
    let world = World::new();
    let inside = world.path("work/lib");
    let entries = [(RUNPATH, inside.to_str().unwrap())];
    world.binary("safe/bin/sh", &binary(true, Some("/lib/ld.so"), &entries));
    let shell = world.path("safe/bin/sh");
    for line in ["#!SHELL", "#!/usr/bin/env SHELL"] {
        let line = line.replace("SHELL", shell.to_str().unwrap());
        world.file("safe/bin/script", &(line.clone() + "\n"));
        let trust = world.trust("safe/bin/script");
        assert!(matches!(trust, Trust::Misled { .. }), "{line}: {trust:?}");
    }
}

/// What can't be read permits nothing; what the kernel would not run loads nothing.
#[test]
fn a_program_that_is_broken_is_no_better() {
    let world = World::new();
    let inside = world.path("work/lib");
    let entries = [(NEEDED, "libc.so"), (RUNPATH, inside.to_str().unwrap())];
    for wide in [false, true] {
        let whole = binary(wide, Some("/lib/ld.so"), &entries);
        let is_trusted = |bytes: &[u8]| world.binary("safe/bin/tool", bytes) == Trust::Trusted;
        for length in 0..whole.len() {
            // Without a type it is no program.
            assert_eq!(is_trusted(&whole[..length]), length < 17, "{wide} {length}");
        }
        for at in 4..whole.len() - inside.as_os_str().len() - 20 {
            for bits in [0xff, 1, 0x80] {
                let mut bytes = whole.clone();
                bytes[at] ^= bits;
                let _ = is_trusted(&bytes);
            }
        }
        let mut other_order = whole.clone();
        other_order[5] ^= 3;
        assert!(!is_trusted(&other_order));
        let mut other_width = whole;
        other_width[4] ^= 3;
        assert!(!is_trusted(&other_width));
    }
    assert_eq!(world.binary("safe/bin/tool", b"\x7fELF"), Trust::Trusted);
}
