//! What files were found to say is kept, and read again where all that it was made of is the same.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use codex_shell::rules::{RuleSet, RulesCache, load_with};

use crate::rules_load::{Folder, programs};
use crate::support::ran::read;

const PROGRAM: &str = env!("CARGO_BIN_EXE_codex-shell");
const RULES: &str = "prefix_rule(pattern = [\"ls\"], match = [\"ls -l\"])\n";

struct Home {
    folder: Folder,
    rules: PathBuf,
}

impl Home {
    fn new(text: &str) -> Self {
        let folder = Folder::new();
        let rules = folder.write("a.rules", text);
        Self { folder, rules }
    }

    fn load(&self) -> RuleSet {
        let cache = RulesCache::of(Some(&self.folder.path()));
        load_with(
            Path::new(PROGRAM),
            std::slice::from_ref(&self.rules),
            &cache,
        )
    }

    /// The files of the cache.
    fn entries(&self) -> Vec<PathBuf> {
        let folder = self.folder.path().join("codex-shell/loaded");
        let entries = fs::read_dir(folder).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// Has the entry say `pwd` where it says `ls`; `whole` as if it had always done so.
    fn change(&self, whole: bool) {
        let entry = self.entries().remove(0);
        let text = String::from_utf8(read(&entry).unwrap()).unwrap();
        let (digest, answers) = text.split_once('\n').unwrap();
        let answers = answers.replace("\"ls\"", "\"pwd\"");
        let digest = if whole {
            blake3::hash(answers.as_bytes()).to_string()
        } else {
            digest.to_owned()
        };
        fs::write(&entry, format!("{digest}\n{answers}")).unwrap();
    }
}

#[test]
fn what_is_kept_is_read_again() {
    let home = Home::new(RULES);
    let first = home.load();
    assert_eq!(home.entries().len(), 1);
    assert_eq!(home.load(), first);
    home.change(true);
    assert_eq!(programs(&home.load()), ["pwd"]);
    assert_eq!(home.entries().len(), 1);
}

#[test]
fn what_is_not_whole_is_not_there() {
    let home = Home::new(RULES);
    let first = home.load();
    home.change(false);
    assert_eq!(home.load(), first);
    let entry = home.entries().remove(0);
    let text = read(&entry).unwrap();
    for length in [0, 1, 64, 65, text.len() - 1] {
        fs::write(&entry, &text[..length]).unwrap();
        assert_eq!(home.load(), first, "{length}");
    }
    fs::remove_file(&entry).unwrap();
    fs::create_dir(&entry).unwrap();
    assert_eq!(home.load(), first);
}

#[test]
fn what_others_could_have_written_is_not_there() {
    let home = Home::new(RULES);
    let first = home.load();
    home.change(true);
    let entry = home.entries().remove(0);
    for mode in [0o620, 0o602] {
        fs::set_permissions(&entry, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(home.load(), first, "{mode:o}");
        // It is a new one by now.
        home.change(true);
    }
}

#[test]
fn another_text_is_another_entry() {
    let home = Home::new(RULES);
    home.load();
    home.change(true);
    home.folder.write("a.rules", RULES.replace("ls", "id"));
    assert_eq!(programs(&home.load()), ["id"]);
    assert_eq!(home.entries().len(), 2);
    home.folder
        .write("b.rules", "prefix_rule(pattern = [\"pwd\"])\n");
    let cache = RulesCache::of(Some(&home.folder.path()));
    let both = load_with(Path::new(PROGRAM), &[home.folder.path()], &cache);
    assert_eq!(programs(&both), ["id", "pwd"]);
}

#[test]
fn errors_are_found_again() {
    let home = Home::new("prefix_rule(pattern = [])\n");
    assert!(home.load().is_broken());
    assert_eq!(home.entries(), Vec::<PathBuf>::new());
    let none = load_with(
        Path::new("/bin/true"),
        &[Home::new(RULES).rules],
        &RulesCache::of(Some(&home.folder.path())),
    );
    assert!(none.is_broken());
    assert_eq!(home.entries(), Vec::<PathBuf>::new());
}

#[test]
fn the_oldest_go() {
    let home = Home::new(RULES);
    for number in 0..70 {
        home.folder.write(
            "a.rules",
            format!("prefix_rule(pattern = [\"p{number}\"])\n"),
        );
        home.load();
    }
    assert_eq!(home.entries().len(), 64);
    assert_eq!(programs(&home.load()), ["p69"]);
}

#[test]
fn what_lies_there_besides_stays() {
    let home = Home::new(RULES);
    home.load();
    let folder = home.folder.path().join("codex-shell/loaded");
    for number in 0..80 {
        fs::write(folder.join(format!("letter {number}")), "").unwrap();
    }
    home.folder.write("a.rules", RULES.replace("ls", "id"));
    home.load();
    assert_eq!(home.entries().len(), 82);
}

#[test]
fn a_link_leads_nowhere() {
    for place in ["codex-shell", "codex-shell/loaded"] {
        let home = Home::new(RULES);
        let elsewhere = Folder::new();
        fs::create_dir_all(home.folder.path().join(place).parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), home.folder.path().join(place)).unwrap();
        assert_eq!(programs(&home.load()), ["ls"]);
        assert_eq!(
            fs::read_dir(elsewhere.path()).unwrap().count(),
            0,
            "{place}"
        );
    }
}

#[test]
fn without_a_place_nothing_is_kept() {
    let folder = Folder::new();
    let missing = folder.path().join("missing");
    let rules = folder.write("a.rules", RULES);
    let cache = RulesCache::of(Some(&missing));
    let loaded = load_with(Path::new(PROGRAM), &[rules], &cache);
    assert_eq!(programs(&loaded), ["ls"]);
    assert!(!missing.exists());
}
