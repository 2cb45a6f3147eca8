//! Paths by their text alone: nothing here looks at a file system.

/// `path` without `.`, `..`, double and trailing slashes; `None` unless it is absolute.
pub fn normalise(path: &str) -> Option<String> {
    if !path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    Some(format!("/{}", parts.join("/")))
}

/// The last component of a normalised absolute path; `None` for the root.
pub fn base_name(normalised: &str) -> Option<&str> {
    normalised
        .rsplit_once('/')
        .map(|(_, name)| name)
        .filter(|name| !name.is_empty())
}

/// Where relative paths and `~` in a command lead.
#[derive(Debug, Clone, Copy, Default)]
pub struct Whereabouts<'a> {
    /// The working directory, absolute; without one, relative paths lead nowhere.
    pub cwd: Option<&'a str>,
    /// What `~` stands for.
    pub home: Option<&'a str>,
}

impl Whereabouts<'_> {
    /// `program` as a normalised absolute path. `~` is known, `~user` is a name like any other.
    pub fn absolute(&self, program: &str) -> Option<String> {
        if program.is_empty() {
            return None;
        }
        if let Some(below) = program.strip_prefix('~')
            && (below.is_empty() || below.starts_with('/'))
            && let Some(home) = self.home
        {
            return normalise(&format!("{home}{below}"));
        }
        if program.starts_with('/') {
            return normalise(program);
        }
        normalise(&format!("{}/{program}", self.cwd?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises_by_text() {
        for (path, expected) in [
            ("/usr/bin/git", "/usr/bin/git"),
            ("//usr//bin/./git/", "/usr/bin/git"),
            ("/usr/bin/../../../git", "/git"),
            ("/..", "/"),
        ] {
            assert_eq!(normalise(path).as_deref(), Some(expected));
        }
        assert_eq!(normalise("usr/bin"), None);
        assert_eq!(base_name("/usr/bin"), Some("bin"));
        assert_eq!(base_name("/"), None);
    }

    #[test]
    fn relative_programs_need_to_know_where() {
        let here = Whereabouts {
            cwd: Some("/work"),
            home: Some("/home/me"),
        };
        for (program, expected) in [
            ("git", "/work/git"),
            ("./git", "/work/git"),
            ("../git", "/git"),
            ("~/git", "/home/me/git"),
            ("~you/git", "/work/~you/git"),
        ] {
            assert_eq!(here.absolute(program).as_deref(), Some(expected));
        }
        assert_eq!(here.absolute(""), None);
        assert_eq!(Whereabouts::default().absolute("./git"), None);
    }
}
