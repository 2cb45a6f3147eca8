//! Reads a file of git's configuration.

/// A variable: its name, `section.subsection.key` with section and key in lower case, and its value.
pub type Entry = (String, Vec<u8>);

/// The variables in `bytes`, in order; `None` where git would refuse the file.
pub(super) fn parse(bytes: &[u8]) -> Option<Vec<Entry>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = ConfigReader { bytes, at: 0 };
    let mut section = None;
    let mut entries = Vec::new();
    while let Some(byte) = reader.next() {
        match byte {
            b'#' | b';' => reader.skip_line(),
            b'[' => section = Some(reader.section()?),
            byte if byte.is_ascii_whitespace() => {}
            byte if byte.is_ascii_alphabetic() => {
                let (key, value) = reader.variable(byte)?;
                let name = format!("{}.{key}", section.as_ref()?);
                entries.push((name, value));
            }
            _ => return None,
        }
    }
    Some(entries)
}

struct ConfigReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl ConfigReader<'_> {
    /// The next byte; the end of a line is one, however it is written.
    fn next(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        if byte == b'\r' && self.bytes.get(self.at) == Some(&b'\n') {
            self.at += 1;
            return Some(b'\n');
        }
        Some(byte)
    }

    fn skip_line(&mut self) {
        while self.next().is_some_and(|byte| byte != b'\n') {}
    }

    /// What is behind a `[`.
    fn section(&mut self) -> Option<String> {
        let mut name = String::new();
        loop {
            match self.next()? {
                b']' if !name.is_empty() => return Some(name),
                byte if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.') => {
                    name.push(char::from(byte.to_ascii_lowercase()));
                }
                b' ' | b'\t' => break,
                _ => return None,
            }
        }
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        if self.next()? != b'"' {
            return None;
        }
        let mut inner = Vec::new();
        loop {
            match self.next()? {
                b'"' => break,
                b'\n' => return None,
                b'\\' => inner.push(self.next().filter(|byte| *byte != b'\n')?),
                byte => inner.push(byte),
            }
        }
        let subsection = String::from_utf8_lossy(&inner);
        (self.next()? == b']').then(|| format!("{name}.{subsection}"))
    }

    /// A key that begins with `first`, and its value: `true` where it has none.
    fn variable(&mut self, first: u8) -> Option<(String, Vec<u8>)> {
        let mut key = String::from(char::from(first.to_ascii_lowercase()));
        loop {
            match self.next() {
                Some(byte) if byte.is_ascii_alphanumeric() || byte == b'-' => {
                    key.push(char::from(byte.to_ascii_lowercase()));
                }
                Some(b' ' | b'\t') => {}
                Some(b'=') => return Some((key, self.value()?)),
                Some(b'\n') | None => return Some((key, b"true".to_vec())),
                Some(b'#' | b';') => {
                    self.skip_line();
                    return Some((key, b"true".to_vec()));
                }
                Some(_) => return None,
            }
        }
    }

    fn value(&mut self) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        let (mut quoted, mut kept) = (false, 0);
        while let Some(byte) = self.next() {
            match byte {
                b'\n' if quoted => return None,
                b'\n' => break,
                b'"' => {
                    quoted = !quoted;
                    kept = value.len();
                }
                b'#' | b';' if !quoted => {
                    self.skip_line();
                    break;
                }
                b'\\' => {
                    match self.next()? {
                        b'\n' => continue,
                        b'n' => value.push(b'\n'),
                        b't' => value.push(b'\t'),
                        b'b' => value.push(8),
                        byte @ (b'\\' | b'"') => value.push(byte),
                        _ => return None,
                    }
                    kept = value.len();
                }
                byte if byte.is_ascii_whitespace() && !quoted => {
                    if !value.is_empty() {
                        value.push(byte);
                    }
                }
                byte => {
                    value.push(byte);
                    kept = value.len();
                }
            }
        }
        value.truncate(kept);
        (!quoted).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<(String, String)>> {
        let text_of = |(name, value)| (name, String::from_utf8(value).unwrap());
        Some(parse(text.as_bytes())?.into_iter().map(text_of).collect())
    }

    #[test]
    fn it_is_read_as_git_reads_it() {
        let text = "# one\n[Core]\r\n\tBare\n  fsMonitor = \"a; b\" # two\n a-b = x \\\n  y  ;\n\
                    [remote \"o.\\\"r\"] url=h\\\\k\n[old.Sub]\nk=\n[a]b=c\\\"d";
        let expected = [
            ("core.bare", "true"),
            ("core.fsmonitor", "a; b"),
            ("core.a-b", "x   y"),
            ("remote.o.\"r.url", "h\\k"),
            ("old.sub.k", ""),
            ("a.b", "c\"d"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(read(text), Some(expected.to_vec()));
    }

    #[test]
    fn what_git_refuses_is_refused() {
        for text in [
            "key = x\n",
            "[a\n]b=c",
            "[a] b = \"c\nd\"",
            "[a] b = \\q",
            "[a \"b] c = d",
            "[] a = b",
            "[a] 1 = b",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn git_agrees() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        let text = "[a]\nb = c\\\n d\n\te=\"f \"  g \n[H \"I j\"]k\nl = m # n\no = \"p#\" ; q\n";
        std::fs::write(&file, text).unwrap();
        let git = std::process::Command::new("git")
            .args(["config", "-z", "--list", "--file"])
            .arg(&file)
            .output()
            .unwrap();
        let told = String::from_utf8(git.stdout).unwrap();
        let told: Vec<(String, String)> = told
            .split_terminator('\0')
            .map(|entry| {
                let (name, value) = entry.split_once('\n').unwrap_or((entry, "true"));
                (name.to_owned(), value.to_owned())
            })
            .collect();
        assert_eq!(read(text), Some(told));
    }
}
