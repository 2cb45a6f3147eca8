//! Patterns of paths, and what they match at the moment.
//!
//! `*`, `?` and `[…]` stay within one name, `**` is any number of directories, `{a,b}` is either. No
//! symbolic link is followed into a directory, but one may be what is found.

mod form;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use form::matches;

/// So many directory entries are looked at for one pattern.
const ENTRIES: usize = 100_000;
/// So many paths may be found.
const FOUND: usize = 1024;
/// So many patterns may one with alternatives stand for.
const ALTERNATIVES: usize = 64;

/// A pattern of absolute paths.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathPattern {
    text: String,
    /// Where there is too much to look at, so many directories down is enough.
    depth: Option<usize>,
}

impl PathPattern {
    /// The pattern `text`, absolute. `depth` is how many directories below those that it names it has to
    /// be looked for; without it, everywhere.
    ///
    /// # Errors
    /// What in it is not known.
    pub fn new(text: &str, depth: Option<usize>) -> Result<Self, &'static str> {
        let pattern = Self {
            text: text.to_owned(),
            depth,
        };
        if !text.starts_with('/') {
            return Err("it is not absolute");
        }
        pattern.steps()?;
        Ok(pattern)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How many directories down is enough.
    pub fn depth(&self) -> Option<usize> {
        self.depth
    }

    /// What there is of this form; of a directory that is, nothing below it.
    ///
    /// # Errors
    /// There is too much to look at, or too much is found.
    pub(super) fn found(&self) -> Result<BTreeSet<PathBuf>, &'static str> {
        let mut search = DirectorySearch::default();
        for steps in self.steps()? {
            search.run(&steps, self.depth)?;
        }
        Ok(search.found)
    }

    fn steps(&self) -> Result<Vec<Vec<PatternComponent>>, &'static str> {
        let mut all = Vec::new();
        alternatives(&self.text, &mut all)?;
        all.iter().map(|text| steps(text)).collect()
    }
}

/// What of this form there is from `directory` on, for names that are looked for in few directories. What
/// there is too much of is left out.
pub fn found_in(directory: &Path, pattern: &str) -> BTreeSet<PathBuf> {
    let mut search = DirectorySearch::default();
    if let Ok(steps) = steps(pattern) {
        let _ = search.run_from(directory, &steps, None);
    }
    search.found
}

/// One component of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum PatternComponent {
    /// This very name.
    Name(String),
    /// A name of this form.
    PlaceholderForm(String),
    /// Any number of directories.
    Any,
}

/// The text without its alternatives, once for each.
fn alternatives(text: &str, all: &mut Vec<String>) -> Result<(), &'static str> {
    let Some(open) = text.find('{') else {
        if text.contains('}') {
            return Err("a brace is not opened");
        }
        all.push(text.to_owned());
        return if all.len() > ALTERNATIVES {
            Err("it has too many alternatives")
        } else {
            Ok(())
        };
    };
    let (before, rest) = text.split_at(open);
    let mut depth = 0_usize;
    let mut start = 1;
    let mut choices = Vec::new();
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b',' if depth == 1 => {
                choices.extend(rest.get(start..at));
                start = at + 1;
            }
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    choices.extend(rest.get(start..at));
                    let behind = rest.get(at + 1..).unwrap_or_default();
                    for choice in choices {
                        alternatives(&format!("{before}{choice}{behind}"), all)?;
                    }
                    return Ok(());
                }
            }
            _ => {}
        }
    }
    Err("a brace is not closed")
}

fn steps(text: &str) -> Result<Vec<PatternComponent>, &'static str> {
    let mut steps = Vec::new();
    for part in text.split('/').filter(|part| !matches!(*part, "" | ".")) {
        let step = match part {
            ".." => return Err("`..` is in it"),
            "**" => PatternComponent::Any,
            part if part.contains('\\') => return Err("a backslash is in it"),
            part if part.contains("**") => return Err("`**` is part of a name in it"),
            part if part.contains(['*', '?', '[']) => {
                if matches(part.as_bytes(), b"").is_none() {
                    return Err("a bracket is not closed");
                }
                PatternComponent::PlaceholderForm(part.to_owned())
            }
            part => PatternComponent::Name(part.to_owned()),
        };
        if step != PatternComponent::Any || steps.last() != Some(&PatternComponent::Any) {
            steps.push(step);
        }
    }
    Ok(steps)
}

/// Directories, each with what is still to be matched below it, level by level.
#[derive(Debug, Default)]
struct DirectorySearch {
    looked_at: usize,
    found: BTreeSet<PathBuf>,
}

impl DirectorySearch {
    fn run(
        &mut self,
        steps: &[PatternComponent],
        depth: Option<usize>,
    ) -> Result<(), &'static str> {
        self.run_from(Path::new("/"), steps, depth)
    }

    fn run_from(
        &mut self,
        directory: &Path,
        steps: &[PatternComponent],
        depth: Option<usize>,
    ) -> Result<(), &'static str> {
        // Names at the start need no search, and may lead through links.
        let named = steps
            .iter()
            .map_while(|step| match step {
                PatternComponent::Name(name) => Some(name),
                _ => None,
            })
            .count();
        let (names, steps) = steps.split_at(named);
        let mut start = directory.to_owned();
        start.extend(names.iter().filter_map(|step| match step {
            PatternComponent::Name(name) => Some(name),
            _ => None,
        }));
        if steps.is_empty() {
            return self.find(start);
        }
        let mut level = vec![(start, vec![steps])];
        let mut down = 0_usize;
        while !level.is_empty() {
            let mut next = Vec::new();
            for (directory, ways) in level {
                match self.look(&directory, &ways, &mut next) {
                    Err(SearchEnd::TooMuch) if depth.is_some_and(|depth| down >= depth) => {
                        return Ok(());
                    }
                    Err(SearchEnd::TooMuch) => return Err("there is too much to look through"),
                    Err(SearchEnd::TooMany(why)) => return Err(why),
                    Ok(()) => {}
                }
            }
            level = next;
            down += 1;
        }
        Ok(())
    }

    fn find(&mut self, path: PathBuf) -> Result<(), &'static str> {
        if path.symlink_metadata().is_ok() {
            self.found.insert(path);
        }
        if self.found.len() > FOUND {
            return Err("too many paths match it");
        }
        Ok(())
    }

    /// Looks at what is in one directory; what is to be looked at there goes to `next`.
    fn look<'a>(
        &mut self,
        directory: &Path,
        ways: &[&'a [PatternComponent]],
        next: &mut Vec<(PathBuf, Vec<&'a [PatternComponent]>)>,
    ) -> Result<(), SearchEnd> {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            self.looked_at += 1;
            if self.looked_at > ENTRIES {
                return Err(SearchEnd::TooMuch);
            }
            let name = entry.file_name();
            let mut left: Vec<&[PatternComponent]> = Vec::new();
            let mut is_found = false;
            for way in ways {
                is_found |= advance(way, name.as_bytes(), &mut left);
            }
            if is_found {
                self.find(entry.path()).map_err(SearchEnd::TooMany)?;
            } else if !left.is_empty() && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                left.dedup();
                next.push((entry.path(), left));
            }
        }
        Ok(())
    }
}

enum SearchEnd {
    TooMuch,
    TooMany(&'static str),
}

/// Whether `name` is the last that `way` asks for; what is left of it below `name` goes to `left`.
fn advance<'a>(
    way: &'a [PatternComponent],
    name: &[u8],
    left: &mut Vec<&'a [PatternComponent]>,
) -> bool {
    let Some((first, rest)) = way.split_first() else {
        return false;
    };
    let fits = match first {
        PatternComponent::Any => {
            left.push(way);
            return rest.is_empty() || advance(rest, name, left);
        }
        PatternComponent::Name(wanted) => wanted.as_bytes() == name,
        PatternComponent::PlaceholderForm(form) => matches(form.as_bytes(), name) == Some(true),
    };
    // With nothing but `**` left, what is in it is meant, and not itself.
    if fits && !rest.is_empty() {
        left.push(rest);
    }
    fits && rest.is_empty()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// What is found of `pattern` in a directory that has these files; links lead to the directory.
    fn found(files: &[&str], pattern: &str) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(directory.path()).unwrap();
        for file in files {
            let path = base.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            if file.contains("link") {
                symlink(&base, path).unwrap();
            } else {
                fs::write(path, "").unwrap();
            }
        }
        let pattern = PathPattern::new(&format!("{}/{pattern}", base.display()), None).unwrap();
        let found = pattern.found().unwrap();
        let below = found.iter().map(|path| path.strip_prefix(&base).unwrap());
        below
            .map(|path| path.to_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn names_are_matched_one_by_one() {
        let files = [
            ".env",
            "a/.env",
            "a/b/.env",
            "a/b/c.pem",
            "a/x.link",
            "secrets/k/1",
            "s/2",
            "é.pem",
        ];
        for (pattern, expected) in [
            ("**/.env", vec![".env", "a/.env", "a/b/.env"]),
            ("*/.env", vec!["a/.env"]),
            (".env", vec![".env"]),
            (".none", vec![]),
            ("**/*.pem", vec!["a/b/c.pem", "é.pem"]),
            ("?.pem", vec!["é.pem"]),
            ("a/**/[!d-z].p[e]m", vec!["a/b/c.pem"]),
            ("**/secrets/**", vec!["secrets/k"]),
            ("secrets", vec!["secrets"]),
            ("**/{x.link,2}", vec!["a/x.link", "s/2"]),
            ("a/{b,{c,d}}/*", vec!["a/b/.env", "a/b/c.pem"]),
            ("**/s*", vec!["s", "secrets"]),
            ("*a*/./b//*e*v", vec!["a/b/.env"]),
        ] {
            assert_eq!(found(&files, pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for text in [
            "a", "/a\\*", "/a/../b", "/a/x**", "/[a", "/{a", "/a}", "/a[]/b",
        ] {
            assert!(PathPattern::new(text, None).is_err(), "{text}");
        }
        let many = format!("/{}", "{a,b}".repeat(7));
        assert!(PathPattern::new(&many, None).is_err());
    }

    #[test]
    fn too_many_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        for number in 0..=FOUND {
            fs::write(directory.path().join(number.to_string()), "").unwrap();
        }
        let pattern = format!("{}/*", directory.path().display());
        let found = PathPattern::new(&pattern, None).unwrap().found();
        assert_eq!(found, Err("too many paths match it"));
    }
}
