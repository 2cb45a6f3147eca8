use std::fs;

use tempfile::TempDir;

use super::*;
use crate::request::WorkingDirectory;
use crate::rules::from_own_text;

/// A directory that the sandboxed side can write, and in it what commands name.
fn workspace() -> TempDir {
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    for (name, text) in [
        ("plain.sh", "echo a\ntouch f\n"),
        ("nested.sh", "sh plain.sh\n"),
        ("sources.sh", ". ./plain.sh\n"),
        ("starts.sh", "./tool\n"),
        ("searches.sh", "PATH=.:$PATH\ntouch f\n"),
        ("expands.sh", "touch $x\n"),
        ("broken.sh", "echo 'a\n"),
        ("x.mk", "all:\n"),
        ("x.py", "import y\n"),
        ("f", ""),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    fs::create_dir(folder.path().join("d")).unwrap();
    folder
}

fn trusted(folder: &TempDir, words: &[&str]) -> Request {
    let argv: Vec<OsString> = words.iter().map(OsString::from).collect();
    let path = Path::new("/usr/bin").join(words[0]);
    let program = Program {
        asked: argv[0].clone(),
        path: Some(path.clone()),
        real: Some(path),
        trust: Trust::Trusted,
    };
    Request::new(program, argv, WorkingDirectory::new(folder.path()).unwrap())
}

fn stamped(request: &Request) -> Result<usize, Uncovered> {
    let rules = "program(\"deploy\")";
    let index = IndexedRules::new(from_own_text("t.rules", rules));
    stamps(&index, request).map(|stamps| stamps.len())
}

#[test]
fn what_is_known_to_run_nothing_else_is_covered() {
    let folder = workspace();
    for (line, files) in [
        ("touch f", 0),
        ("whoami", 0),
        ("git push origin main", 0),
        ("deploy", 0),
        ("nobody-knows-it", 0),
        ("nobody-knows-it a 3", 0),
        ("nobody-knows-it x.py with=plain.sh", 2),
        ("env A=b touch f", 0),
        ("sh plain.sh", 1),
        ("bash -e plain.sh", 1),
        ("sh nested.sh", 2),
        ("timeout 5 sh plain.sh", 1),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(stamped(&trusted(&folder, &words)), Ok(files), "{line}");
    }
    for script in [
        "touch f",
        "echo $x; echo *",
        "f() { touch f; }; f && sh plain.sh",
    ] {
        assert!(
            stamped(&trusted(&folder, &["sh", "-c", script])).is_ok(),
            "{script}"
        );
    }
}

#[test]
fn what_can_say_something_else_the_next_time_is_not() {
    let folder = workspace();
    let lines = "make|make all|make -f x.mk|make -fx.mk|make --file=x.mk|make --makefile x.mk|make -C \
        d|make -I . -f /dev/null|python3 d|python3 -m x|python3 -mx|python3 x.py|python3 -Sc \
        1|python3|python3 -|python3 -i /dev/null|ruby -r./x -e 1|ruby -I . -rx -e 1|perl -MXx \
        -I. -e 1|perl -I. x.pl|node -r ./x|node --require ./x -e 1|node --import=./x.mjs f|lua \
        -l x|php -r 1|awk -f f|sed -f f|sh|sh -s|sh -s a|bash -i|bash --rcfile plain.sh -i -c \
        true|bash --init-file plain.sh -i -c true|sh sources.sh|sh starts.sh|sh searches.sh|sh \
        expands.sh|sh broken.sh|sh d|sh missing.sh|env ./tool|nice python3 x.py|timeout 5 \
        make|xargs touch|find . -exec ./tool ;|vi f|sqlite3 f|gdb f|nobody-knows-it -m \
        x|nobody-knows-it d|nobody-knows-it in=d|git --nobody-knows-it push|git \
        nobody-knows-it|cargo build|npm run x|gcc @f";
    for line in lines.split('|') {
        let words: Vec<&str> = line.split(' ').collect();
        let stamped = stamped(&trusted(&folder, &words));
        assert!(stamped.is_err(), "{line}");
    }
    for script in [
        ". ./plain.sh",
        "source plain.sh",
        "eval \"$x\"",
        "cat plain.sh | sh",
        "sh <plain.sh",
        "cd d; sh plain.sh",
        "./tool",
        "exec ./tool",
        "command . ./plain.sh",
        "builtin . ./plain.sh",
        "trap '. ./plain.sh' EXIT",
        "$x",
        "x=1 touch f",
        "make",
        "$(make)",
        "echo `./tool`",
        "bash -c '. ./plain.sh'",
        "f() { ./tool; }; f",
        "alias touch=./tool; touch f",
        "set -a; touch f",
        "enable -f ./x.so x",
        "hash -p ./tool touch; touch f",
    ] {
        let stamped = stamped(&trusted(&folder, &["bash", "-c", script]));
        assert!(stamped.is_err(), "{script}");
    }
}

#[test]
fn a_file_of_the_sandboxed_side_is_noted_or_unknown() {
    let folder = workspace();
    let roots = [folder.path().to_owned()];
    let at = |name: &str| {
        let path = folder.path().join(name);
        let asked = OsString::from(format!("./{name}"));
        let program = Program::at(&asked, &path, Some(&asked), &roots);
        let cwd = WorkingDirectory::new(folder.path()).unwrap();
        let request = Request::new(program, vec![asked, "f".into()], cwd);
        let request = request.with_interpreters(&roots);
        request.with_original(&crate::request::Originals::default(), None, &|_| true)
    };
    fs::write(folder.path().join("script"), "#!/bin/sh -e\necho a\n").unwrap();
    fs::write(folder.path().join("env"), "#!/usr/bin/env bash\necho a\n").unwrap();
    fs::write(folder.path().join("loads"), "#!/bin/sh\n. ./x\n").unwrap();
    fs::write(folder.path().join("touch"), "\x7fELF").unwrap();
    fs::copy("/usr/bin/touch", folder.path().join("copy")).unwrap();
    std::os::unix::fs::symlink("/usr/bin/touch", folder.path().join("link")).unwrap();
    for (name, covered) in [
        ("script", true),
        ("env", true),
        ("copy", true),
        ("link", true),
        ("loads", false),
        ("touch", true),
    ] {
        let stamped = stamped(&at(name));
        assert_eq!(stamped.is_ok(), covered, "{name}: {stamped:?}");
        assert!(stamped.is_err() || stamped >= Ok(1), "{name}: {stamped:?}");
    }
    let mut request = at("touch");
    request.argv.push("-c".into());
    assert!(
        stamped(&request).is_err(),
        "what it is called is no model of it"
    );
    let mut request = at("copy");
    request.argv.push("-c".into());
    assert_eq!(stamped(&request), Ok(1));
}

/// The reason names the file that is there, not the first that the program would look for.
#[test]
fn what_a_program_obeys_is_named() {
    let folder = workspace();
    let make = trusted(&folder, &["make", "all"]);
    let why = |request| stamped(request).unwrap_err();
    let none = "make does what GNUmakefile, makefile or Makefile says";
    assert_eq!(why(&make), none);
    fs::write(folder.path().join("Makefile"), "all:\n").unwrap();
    assert_eq!(why(&make), "make does what Makefile says");
    let mut below = trusted(&folder, &["timeout", "5", "make"]);
    below.cwd = WorkingDirectory::new(folder.path().join("d")).unwrap();
    assert_eq!(why(&below), "make does what Makefile says");
    fs::write(folder.path().join("makefile"), "all:\n").unwrap();
    assert_eq!(why(&make), "make does what makefile says");
    let just = trusted(&folder, &["ninja"]);
    assert_eq!(why(&just), "ninja does what build.ninja says");
}

/// Where no rule is on a program, nobody looks who could have written it.
#[test]
fn a_program_that_nobody_looked_at_is_noted() {
    let folder = workspace();
    for (line, files) in [("touch f", Some(1)), ("sh plain.sh", Some(2)), ("sh", None)] {
        let words: Vec<&str> = line.split(' ').collect();
        let mut request = trusted(&folder, &words);
        request.program.trust = Trust::Unexamined;
        assert_eq!(stamped(&request).ok(), files, "{line}");
    }
}

/// What is left out of a command's words, or put in, by whoever wants a yes to hold for more than it says.
#[test]
fn a_model_is_not_believed_by_a_name_that_the_caller_chose() {
    let folder = workspace();
    let mut request = trusted(&folder, &["nobody-knows-it", "-c", "f"]);
    request.argv[0] = "touch".into();
    assert!(stamped(&request).is_err());
    request.program.trust = Trust::Misled { why: String::new() };
    assert!(stamped(&request).is_err());
}
