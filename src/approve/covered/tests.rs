use std::fs;

use tempfile::TempDir;

use super::super::leads::Leads;
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
    for name in ["d", "pkg"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
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
    let covered = Covered::of(
        &index,
        request,
        &CommandTree::of(&index, request),
        Some(&[]),
    );
    covered.stamps.map(|stamps| stamps.len())
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
        ("env touch f", 0),
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
        "echo ${x%y}; if true; then touch f; fi",
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
        nobody-knows-it|cargo build|npm run x|gcc @f|\
        env A=b touch f|env PATH=d touch f|env LD_PRELOAD=./x.so touch f|env -C d sh plain.sh|\
        env -Cd touch f|env --chdir=d sh plain.sh|env -i touch f|env -u PATH touch f|\
        timeout 5 env -C d sh plain.sh|sudo -D d sh plain.sh|sudo touch f|chroot d sh plain.sh|\
        unshare --wd d sh plain.sh|nsenter --wd=d sh plain.sh|flock f touch f|\
        kubectl apply -f -|tar xf - -C d|docker build -f- d|curl -d @- http://h|sort -|\
        systemd-run --working-directory=d sh plain.sh|bash -l plain.sh|bash -ic true|\
        bash -O sourcepath plain.sh|xargs -a f touch|watch touch f|script -c true";
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
        "for PATH in d; do touch f; done",
        "for i in a; do touch f; done",
        "select PATH in d; do touch f; done",
        ": ${PATH:=d}; touch f",
        "echo ${PATH=d}; touch f",
        "((PATH=1)); touch f",
        "echo $((PATH=1)); touch f",
        "echo $[PATH=1]; touch f",
        "for ((PATH=1; ; )); do touch f; done",
        "export PATH=d; touch f",
        "read PATH <f; touch f",
        "printf -v PATH d; touch f",
        "./tool; ./tool() { :; }",
        "( ./tool() { :; } ); ./tool",
        "function ./tool { :; }; unset -f ./tool; ./tool",
        "env PATH=d touch f",
        "exec -c touch f",
        "touch f >$x; eval x",
        "touch f >$x",
        "cat <f*",
        "cat <~+/f",
        "cat <$PWD/f",
        "{ cat; } <f?",
        "cat <&$x",
    ] {
        let stamped = stamped(&trusted(&folder, &["bash", "-c", script]));
        assert!(stamped.is_err(), "{script}");
    }
}

/// The files that say what a request runs, as far as they are known, and why a yes is for once.
fn noted(request: &Request, writable: Option<&[PathBuf]>) -> (Covered, String) {
    let index = IndexedRules::new(from_own_text("t.rules", "program(\"deploy\")"));
    let mut covered = Covered::of(&index, request, &CommandTree::of(&index, request), writable);
    let stamps = std::mem::replace(&mut covered.stamps, Ok(Vec::new()));
    (covered, stamps.err().unwrap_or_default())
}

/// A script can have any descriptor read, and copies of copies.
#[test]
fn what_a_script_copies_to_be_read_is_read() {
    let folder = workspace();
    for (script, expected) in [
        ("true 2>&1", &[][..]),
        ("true >&2", &[]),
        ("true 1>&3", &[]),
        ("true <&3", &[3]),
        ("true <&3-", &[3]),
        ("true <&\"3\"", &[3]),
        ("true <&03", &[3]),
        ("true 0>&10", &[10]),
        ("{ true; } <&3", &[3]),
        ("exec 4>&3; true <&4", &[3, 4]),
        ("exec 1>&3; true <&1", &[1, 3]),
        ("exec {x}<&3", &[3]),
    ] {
        let (covered, _) = noted(&trusted(&folder, &["bash", "-c", script]), Some(&[]));
        let mut found = covered.descriptors;
        found.retain(|number| *number > 0);
        found.sort_unstable();
        assert_eq!(found, expected, "{script}");
    }
}

/// What is in the command's reach could be another file in the moment in which it is read.
#[test]
fn a_file_of_the_sandboxed_side_has_no_yes_for_the_session() {
    let folder = workspace();
    let roots = [folder.path().to_owned()];
    for (line, file) in [
        ("sh plain.sh", "plain.sh"),
        ("sh d/../nested.sh", "nested.sh"),
        ("timeout 5 sh plain.sh", "plain.sh"),
        ("nobody-knows-it f", "/f"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let request = trusted(&folder, &words);
        let (_, why) = noted(&request, Some(&roots));
        assert!(why.starts_with("the command can change "), "{line}: {why}");
        assert!(why.contains(file), "{line}: {why}");
        assert!(stamped(&request).is_ok(), "{line}");
    }
    let at = |name: &str| {
        let path = folder.path().join(name);
        let asked = OsString::from(format!("./{name}"));
        let program = Program::at(&asked, &path, Some(&asked), &roots);
        let cwd = WorkingDirectory::new(folder.path()).unwrap();
        let request = Request::new(program, vec![asked.clone(), "f".into()], cwd);
        let request = request.with_interpreters(&asked, &roots);
        request.with_original(&crate::request::Originals::default(), None, &|_| true)
    };
    fs::write(folder.path().join("script"), "#!/bin/sh -e\necho a\n").unwrap();
    fs::write(folder.path().join("touch"), "\x7fELF").unwrap();
    fs::copy("/usr/bin/touch", folder.path().join("copy")).unwrap();
    std::os::unix::fs::symlink("/usr/bin/touch", folder.path().join("link")).unwrap();
    for name in ["script", "touch", "copy", "link"] {
        let (_, why) = noted(&at(name), Some(&roots));
        assert!(why.starts_with("the command can change "), "{name}: {why}");
    }
}

/// Whatever a yes is for, it is for what the files say that are known to be read.
#[test]
fn what_is_known_to_be_read_is_compared_after_a_yes() {
    let folder = workspace();
    let roots = [folder.path().to_owned()];
    fs::write(folder.path().join("Makefile"), "all:\n").unwrap();
    for (line, files) in [
        ("sh plain.sh", &["plain.sh"][..]),
        ("sh nested.sh", &["nested.sh", "plain.sh"]),
        ("sh sources.sh", &["sources.sh", "plain.sh"]),
        ("sh starts.sh", &["starts.sh", "tool"]),
        ("env -i nice sh -x plain.sh a", &["plain.sh"]),
        ("python3 x.py", &["x.py"]),
        ("make", &["Makefile"]),
        ("npm test", &["package.json", ".npmrc"]),
        ("python3 -m m", &["m.py", "json.py"]),
        ("python3 -m pkg.m", &["pkg/m.py", "pkg/__init__.py"]),
        ("node -r ./mod -e 1", &["mod.js", "package.json"]),
        ("node -r ./pkg -e 1", &["pkg/index.js"]),
        ("ruby -r./mod -e 1", &["mod.rb"]),
        ("Rscript /opt/x.R", &[".Rprofile"]),
        ("env -C d sed -f f", &["d/f"]),
        ("env -C d nice sh in.sh", &["d/in.sh"]),
        ("env -C d make", &["d/Makefile"]),
        ("xargs -a l rm -v", &["l"]),
        ("xargs --arg-file=l touch", &["l"]),
    ] {
        for file in files {
            let path = folder.path().join(file);
            let before = read_capped(&path, 1000, Duration::ZERO).unwrap_or_default();
            fs::write(&path, &before).unwrap();
            let words: Vec<&str> = line.split(' ').collect();
            let (covered, _) = noted(&trusted(&folder, &words), Some(&roots));
            assert_eq!(covered.files.changed(), None, "{line}");
            fs::write(&path, "echo other\n").unwrap();
            let why = covered.files.changed().unwrap_or_default();
            assert!(
                why.ends_with(&format!("{file} has changed")),
                "{line}: {why}"
            );
            fs::write(&path, &before).unwrap();
        }
    }
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

/// What it would read were it there, it reads once somebody has put it there.
#[test]
fn what_comes_to_be_there_after_a_question_has_changed() {
    let folder = workspace();
    let roots = [folder.path().to_owned()];
    fs::write(folder.path().join("Makefile"), "-include more.mk\nall:\n").unwrap();
    for (line, file) in [
        ("make", "GNUmakefile"),
        ("npm test", ".npmrc"),
        ("python3 -m m", "json.py"),
        ("python3 -c 1", "json.so"),
        ("python3 -m pkg", "pkg/__main__.py"),
        ("node -r ./mod -e 1", "mod.js"),
        ("ruby -r./mod -e 1", "mod.rb"),
        ("irb", ".irbrc"),
        ("awk -f b", "b"),
        ("curl -sK b", "b"),
        ("make -f y.mk", "y.mk"),
        ("make", "more.mk"),
        ("cp b /etc/", "b"),
        ("tar cf /x b", "b"),
        ("node -e 1", "node_modules"),
        ("sort -o y b", "b"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let (covered, _) = noted(&trusted(&folder, &words), Some(&roots));
        let path = folder.path().join(file);
        assert_eq!(covered.files.changed(), None, "{line}");
        std::os::unix::fs::symlink("nowhere", &path).unwrap();
        assert!(covered.files.changed().is_some(), "{line}");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(covered.files.changed().is_some(), "{line}");
        fs::remove_dir(&path).unwrap();
        fs::write(&path, "x").unwrap();
        let why = covered.files.changed().unwrap_or_default();
        assert!(
            why.ends_with(&format!("{file} has changed")),
            "{line}: {why}"
        );
        fs::remove_file(&path).unwrap();
        assert_eq!(covered.files.changed(), None, "{line}");
    }
    // It doesn't look there.
    let isolated = trusted(&folder, &["python3", "-I", "-m", "m"]);
    let (covered, _) = noted(&isolated, Some(&roots));
    fs::write(folder.path().join("json.py"), "x").unwrap();
    assert_eq!(covered.files.changed(), None);
}

/// The directory that a script changes to is the one of what it starts.
#[test]
fn what_a_script_reads_elsewhere_is_looked_for_there() {
    let folder = workspace();
    let roots = [folder.path().to_owned()];
    let path = folder.path().join("d/f");
    fs::write(&path, "p").unwrap();
    let (covered, _) = noted(
        &trusted(&folder, &["sh", "-c", "cd d; sed -f f"]),
        Some(&roots),
    );
    assert_eq!(covered.files.changed(), None);
    fs::write(&path, "q").unwrap();
    let why = covered.files.changed().unwrap_or_default();
    assert!(why.ends_with("d/f has changed"), "{why}");
}

/// Commands, with `~` between their words, and a file each that decides what they do, or what goes where.
const READ_BY_WORDS: &[(&str, &str)] = &[
    ("docker~build~.", "Dockerfile"),
    ("docker~build~.", "src/a/b"),
    ("docker~build~-f~x~d", "x"),
    ("docker~run~--env-file=x~img", "x"),
    ("kubectl~apply~-f~x", "x"),
    ("kubectl~apply~-fx", "x"),
    ("kubectl~apply~--filename=x", "x"),
    ("kubectl~apply~-f~d", "d/new"),
    ("helm~upgrade~r~./d~-f~x", "d/templates/y"),
    ("javac~@x", "x"),
    ("rsync~-a~d/~h:y", "d/x"),
    ("cp~x~/etc/y", "x"),
    ("curl~-d~@x~http://h", "x"),
    ("curl~-F~f=@x;type=t~http://h", "x"),
    ("gh~pr~create~--body-file~x", "x"),
    ("sort~-o~y~x", "x"),
    // What an option writes by its model, it may read as well.
    ("tar~xf~x~-C~d", "x"),
    ("wget~-O~/y~-i~x", "x"),
    ("curl~-o~x~http://h", "x"),
    ("timeout~5~cp~x~/etc/y", "x"),
    ("sh~-c~cp x /etc/y; cat <z", "z"),
    ("nobody-knows-it~x", "x"),
];

/// In a sandbox that can write all of them, a command as it was, and once this file has other content.
fn before_and_after(line: &str, file: &str) -> (Covered, String, Covered) {
    let folder = workspace();
    let roots = [folder.path().to_owned()];
    let path = folder.path().join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "one").unwrap();
    let words: Vec<&str> = line.split('~').collect();
    let request = trusted(&folder, &words);
    let (before, why) = noted(&request, Some(&roots));
    assert_eq!(before.files.changed(), None, "{line}");
    fs::write(&path, "two").unwrap();
    let changed = before.files.changed();
    let (after, _) = noted(&request, Some(&roots));
    let once = changed.unwrap_or_default();
    assert!(after.files.changed().is_none(), "{line}");
    (before, format!("{why}|{once}"), after)
}

/// Whatever a word names, a yes for the session is for what is there.
#[test]
fn a_yes_for_the_session_is_for_what_the_words_name() {
    for (line, file) in READ_BY_WORDS {
        let (before, why, after) = before_and_after(line, file);
        let is_known = why.starts_with('|') || line.starts_with("nobody");
        assert!(is_known, "{line}: {why}");
        assert_ne!(before.named, after.named, "{line} {file}");
    }
    // What is made or removed is not read.
    for (line, file) in [
        ("rm~-rf~d", "d/x"),
        ("rm~-f~x", "x"),
        ("sh~-c~rm -rf d", "d/x"),
        ("mkdir~-p~d", "d/x"),
        ("git~push~origin~main", "x"),
    ] {
        let (before, why, after) = before_and_after(line, file);
        assert_eq!(why, "|", "{line}");
        assert_eq!(before.named, after.named, "{line} {file}");
    }
}

/// What there is too much of can't be what a yes for the session is for.
#[test]
fn what_is_too_much_to_compare_has_no_yes_for_the_session() {
    let folder = workspace();
    let roots = [folder.path().to_owned()];
    let large = |name: &str| {
        let file = fs::File::create(folder.path().join(name)).unwrap();
        file.set_len(70 << 20).unwrap();
    };
    large("d/large");
    large("large");
    for line in [
        "docker~build~d",
        "cp~large~/x",
        "docker~build~.",
        "docker~build~/var",
    ] {
        let words: Vec<&str> = line.split('~').collect();
        let (covered, why) = noted(&trusted(&folder, &words), Some(&roots));
        assert!(why.starts_with("there is more in "), "{line}: {why}");
        assert_eq!(covered.files.unheld(), None, "{line}");
    }
}

/// Words in a language of the program's own name files as well, and so do the files.
#[test]
fn what_words_or_files_say_of_files_is_compared_after_a_yes() {
    for (line, file) in [
        ("sqlite3~db~.read x", "x"),
        ("vim~-c~source x", "x"),
        ("vim~+so x", "x"),
        ("vim~-S~x", "x"),
        ("gdb~-ex~source x", "x"),
        ("psql~-c~\\i x", "x"),
        ("psql~-c~\\! sh x", "x"),
        ("mysql~-e~source x", "x"),
        ("mysql~-e~system sh ./x", "x"),
        ("gnuplot~-e~load \"x\"", "x"),
        ("R~-e~source('x')", "x"),
        ("sftp~-b~x~h", "x"),
        ("lftp~-c~source x", "x"),
        ("awk~BEGIN{system(\"sh x\")}", "x"),
        ("sed~1e sh x~f", "x"),
        ("kubectl~apply~-f~x", "x"),
        ("python3~-m~a.b.c.d", "a/b/c/d.py"),
        ("python3~-c~import pkg", "pkg/__init__.py"),
        ("java~Main", "Main.class"),
        ("java~a.b.Main", "a/b/c/Other.class"),
        ("java~-cp~lib~Main", "lib/a/Main.class"),
        ("java~-cp~/opt/x.jar:lib/*~Main", "lib/x.jar"),
        ("node~-e~1", "node_modules/x/lib/y.js"),
        ("node~-r~./lib~-e~1", "lib/a/y.js"),
        ("make~-f~x.mk", "x.mk"),
    ] {
        let (_, why, _) = before_and_after(line, file);
        assert!(why.ends_with(" has changed"), "{line}: {why}");
        assert!(
            !why.starts_with('|') || line.starts_with("kubectl"),
            "{line}: {why}"
        );
    }
    for line in ["cp~-r~d~/etc/y", "docker~build~d", "kubectl~kustomize~d"] {
        let (_, why, _) = before_and_after(line, "d/a/x");
        assert!(why.ends_with("/d has changed"), "{line}: {why}");
    }
    for (line, file) in [
        ("sort~-o~/y~x", "x"),
        ("sh~-c~cat x >/y", "x"),
        ("sh~-c~. ./x", "x"),
        ("sh~-c~. \"$PWD/x\"", "x"),
        ("sh~-c~. \"${PWD}/x\"", "x"),
        ("sh~-c~. \"$(dirname \"$0\")/x\"", "x"),
        ("sh~-c~. ./[x]", "x"),
        ("gzip~-k~x", "x"),
        ("xxd~x~/y", "x"),
    ] {
        let (_, why, _) = before_and_after(line, file);
        assert!(why.ends_with("/x has changed"), "{line}: {why}");
    }
    for line in ["cp~-r~.~/y", "tar~cf~/y~.", "tar~cf~/y~./.", "cp~/y~."] {
        let (_, why, _) = before_and_after(line, "d/a/x");
        assert!(why.ends_with(". has changed"), "{line}: {why}");
    }
    let (_, why, _) = before_and_after("sh~-c~for f in d/*; do . $f; done", "d/x");
    assert!(why.ends_with("/d has changed"), "{why}");
    // What is only shown may grow meanwhile.
    for line in ["tail~-f~x", "cat~x", "grep~-r~o~.", "diff~x~f"] {
        let (before, why, after) = before_and_after(line, "x");
        assert_eq!(why, "|", "{line}");
        assert_ne!(before.named, after.named, "{line}");
    }
}

/// What is written under a name that no word says has another place once a link stands there.
#[test]
fn what_no_word_names_has_no_yes_for_the_session() {
    let folder = workspace();
    let at = |name: &str| folder.path().join(name);
    let roots = [folder.path().to_owned()];
    for (line, file) in [
        ("split~f", "xaa"),
        ("split~-n~2~f~d/p", "d/paa"),
        ("csplit~-s~f~1", "xx00"),
        ("csplit~-sfd/p~f~1", "d/p00"),
        ("csplit~--prefix=d/p~f~1", "d/p00"),
        ("curl~-sO~http://h/y", "y"),
        ("curl~--remote-name-all~http://h/y", "y"),
        ("curl~--output-dir~d~-O~http://h/y", "d/y"),
        ("curl~-o~d/#1~http://h/{a,b}", ""),
        ("wget~http://h/y", "y"),
        ("ar~x~f", ""),
        ("unzip~f", ""),
        ("sh~-c~split f", "xaa"),
    ] {
        let words: Vec<&str> = line.split('~').collect();
        let request = trusted(&folder, &words);
        let (covered, why) = noted(&request, Some(&roots));
        assert!(why.contains("it writes files whose names"), "{line}: {why}");
        if file.is_empty() {
            continue;
        }
        let path = at(file);
        let leads = Leads::of(&request.cwd, covered.redirected.clone()).unwrap();
        assert_eq!((leads.changed(), covered.files.changed()), (None, None));
        std::os::unix::fs::symlink("/etc/nowhere", &path).unwrap();
        let changed = leads.changed().or(covered.files.changed());
        assert!(changed.is_some(), "{line}");
        fs::remove_file(&path).unwrap();
    }
    for (line, file) in [
        ("cp~f~d", "d/f"),
        ("cp~-t~d~f~x.py", "d/f"),
        ("nohup~touch~f", "nohup.out"),
    ] {
        let words: Vec<&str> = line.split('~').collect();
        let (covered, why) = noted(&trusted(&folder, &words), Some(&roots));
        assert_eq!(why, "", "{line}");
        assert!(covered.redirected.contains(&at(file)), "{line}");
    }
    let (_, why) = noted(
        &trusted(&folder, &["curl", "-so", "y", "http://h/y"]),
        Some(&roots),
    );
    assert_eq!(why, "");
}

/// A descriptor has names, by which it is read as standard input is.
#[test]
fn what_names_a_descriptor_is_read() {
    let folder = workspace();
    let at = |name: &str| folder.path().join(name);
    std::os::unix::fs::symlink("/dev/fd/3", at("link")).unwrap();
    std::os::unix::fs::symlink("/dev/fd", at("links")).unwrap();
    fs::write(at("Makefile"), "include /dev/fd/3\n").unwrap();
    for line in [
        "cp~/dev/fd/3~/y",
        "cp~/proc/self/fd/3~/y",
        "cp~/proc/thread-self/fd/3~/y",
        "cp~/proc/1/task/1/fd/3~/y",
        "cp~/dev/../dev/fd/3~/y",
        "cp~link~/y",
        "cp~links/3~/y",
        "curl~-d~@/dev/fd/3~http://h",
        "xargs~-a~/dev/fd/3~mkdir",
        "sh~-c~. /dev/fd/3",
        "sh~-c~cat </dev/fd/3",
        "sh~-c~eval $(cat /dev/fd/3)",
        "awk~-f~/dev/fd/3",
        "make",
    ] {
        let words: Vec<&str> = line.split('~').collect();
        let roots = [folder.path().to_owned()];
        let (covered, why) = noted(&trusted(&folder, &words), Some(&roots));
        assert!(covered.descriptors.contains(&3), "{line}");
        assert!(!why.is_empty(), "{line}");
    }
    let (covered, _) = noted(&trusted(&folder, &["cp", "/dev/stdin", "y"]), Some(&[]));
    assert_eq!(covered.descriptors, [0]);
}

/// What the kernel says is another thing each time.
#[test]
fn what_changes_by_itself_is_not_compared() {
    let folder = workspace();
    fs::write(folder.path().join("x.py"), "open('/proc/self/stat')").unwrap();
    for line in [
        "python3~x.py",
        "cp~/proc/uptime~/y",
        "sh~-c~cat /proc/uptime >/y",
    ] {
        let words: Vec<&str> = line.split('~').collect();
        let roots = [folder.path().to_owned()];
        let (covered, why) = noted(&trusted(&folder, &words), Some(&roots));
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(covered.files.changed(), None, "{line}");
        assert!(!why.is_empty(), "{line}");
    }
}

/// A package may lie any number of directories down, and a file may say which others it includes.
#[test]
fn what_is_found_by_way_of_another_is_compared_after_a_yes() {
    let folder = workspace();
    let roots = [folder.path().to_owned()];
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("pkg/a/b")).unwrap();
    for (name, text) in [
        ("pkg/__init__.py", ""),
        ("pkg/a/b/c.py", ""),
        ("Makefile", "include config.mk\nall:\n\tsh build.sh\n"),
        ("config.mk", "include d/more.mk\n"),
        ("d/more.mk", ""),
        ("build.sh", "sh lib.sh\n"),
        ("lib.sh", "echo a\n"),
        ("s.sql", ".read t.sql\n"),
        ("t.sql", ""),
    ] {
        fs::write(at(name), text).unwrap();
    }
    for (line, file) in [
        ("python3~-c~import pkg", "pkg/a/b/c.py"),
        ("make~all", "config.mk"),
        ("make~all", "d/more.mk"),
        ("make~all", "build.sh"),
        ("make~all", "lib.sh"),
        ("sqlite3~-init~s.sql~db", "t.sql"),
    ] {
        let words: Vec<&str> = line.split('~').collect();
        let (covered, _) = noted(&trusted(&folder, &words), Some(&roots));
        assert_eq!(covered.files.changed(), None, "{line}");
        let text = read_capped(&at(file), 1000, Duration::ZERO).unwrap();
        fs::write(at(file), "other").unwrap();
        let why = covered.files.changed().unwrap_or_default();
        fs::write(at(file), text).unwrap();
        assert!(
            why.ends_with(&format!("{file} has changed")),
            "{line}: {why}"
        );
    }
}
