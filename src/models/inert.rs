//! Program texts that are known to take what other words name for data: they edit or print it, and run none of it.

use super::model::CommandModel;

const AWK: [&str; 5] = ["awk", "gawk", "mawk", "nawk", "original-awk"];
const SED: [&str; 2] = ["sed", "gsed"];

/// Whether `text`, in the language of a program, surely runs nothing, whatever it reads.
pub fn runs_nothing(program: &CommandModel, text: &[u8]) -> bool {
    let is = |names: &[&str]| {
        program
            .names
            .iter()
            .any(|name| names.contains(&name.as_str()))
    };
    if is(&AWK) {
        is_inert_awk(text)
    } else if is(&SED) {
        Editing { rest: text }.is_inert()
    } else {
        is(&["perl"]) && is_inert_perl(text)
    }
}

/// Nothing but `system`, a pipe, or what a directive loads runs anything.
fn is_inert_awk(text: &[u8]) -> bool {
    let bars = text.split(|&byte| byte != b'|');
    let pipes = bars.filter(|bars| bars.len() % 2 == 1);
    let starts = |name: &[u8]| text.windows(name.len()).any(|part| part == name);
    pipes.count() == 0 && !text.contains(&b'@') && !starts(b"system")
}

/// Substitutions that have nothing computed in them.
fn is_inert_perl(text: &[u8]) -> bool {
    let is_plain = |at: usize| {
        let behind = text.get(at + 1..).unwrap_or_default();
        let digits = behind
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let next = behind.get(digits);
        match digits {
            0 => next.is_none_or(|byte| b"/|)".contains(byte)),
            _ => !next.is_some_and(|byte| b"[{-".contains(byte)),
        }
    };
    let mut dollars = text.iter().enumerate().filter(|(_, byte)| **byte == b'$');
    let has_code = text.contains(&b'@') || text.windows(2).any(|two| two == b"(?");
    let mut statements = Editing { rest: text };
    !has_code && dollars.all(|(at, _)| is_plain(at)) && statements.are_substitutions()
}

/// What is left of a script for sed.
struct Editing<'a> {
    rest: &'a [u8],
}

impl Editing<'_> {
    fn is_inert(&mut self) -> bool {
        loop {
            self.skip(|byte| byte.is_ascii_whitespace() || b";{}".contains(&byte));
            if self.rest.is_empty() {
                return true;
            }
            if self.command().is_none() {
                return false;
            }
        }
    }

    fn are_substitutions(&mut self) -> bool {
        loop {
            self.skip(|byte| byte.is_ascii_whitespace() || byte == b';');
            match self.next() {
                None => return true,
                Some(b's' | b'y') if self.substitution().is_some() => {}
                Some(_) => return false,
            }
        }
    }

    /// One command that is known to run nothing.
    fn command(&mut self) -> Option<()> {
        self.addresses()?;
        match self.next()? {
            b'{' => Some(()),
            b's' | b'y' => self.substitution(),
            b'=' | b'd' | b'D' | b'g' | b'G' | b'h' | b'H' | b'n' | b'N' | b'p' | b'P' | b'x'
            | b'z' | b'F' => self.end(),
            b'l' | b'L' | b'q' | b'Q' => {
                self.skip(|byte| byte.is_ascii_digit() || byte == b' ');
                self.end()
            }
            b'b' | b't' | b'T' | b':' => {
                self.skip(|byte| byte != b';' && byte != b'\n');
                Some(())
            }
            b'a' | b'i' | b'c' => {
                while let Some(byte) = self.next().filter(|byte| *byte != b'\n') {
                    if byte == b'\\' {
                        self.next()?;
                    }
                }
                Some(())
            }
            b'#' => {
                self.skip(|byte| byte != b'\n');
                Some(())
            }
            _ => None,
        }
    }

    fn addresses(&mut self) -> Option<()> {
        loop {
            match self.rest.first()? {
                b'/' => {
                    self.next()?;
                    self.part(b'/')?;
                    self.skip(|byte| b"IM".contains(&byte));
                }
                byte if byte.is_ascii_digit() || b"$,!+~ \t".contains(byte) => {
                    self.next()?;
                }
                _ => return Some(()),
            }
        }
    }

    /// Behind its letter: what is between its marks, and flags that run and write nothing.
    fn substitution(&mut self) -> Option<()> {
        let is_mark = |byte: &u8| byte.is_ascii_punctuation() && *byte != b'\\';
        let mark = self.next().filter(is_mark)?;
        self.part(mark)?;
        self.part(mark)?;
        self.skip(|byte| byte.is_ascii_digit() || b"gpiIM".contains(&byte));
        self.end()
    }

    /// Up to the next `mark` that nothing takes its meaning from.
    fn part(&mut self, mark: u8) -> Option<()> {
        loop {
            match self.next()? {
                b'\\' => {
                    self.next()?;
                }
                byte if byte == mark => return Some(()),
                _ => {}
            }
        }
    }

    /// A command ends here.
    fn end(&mut self) -> Option<()> {
        self.skip(|byte| byte == b' ' || byte == b'\t');
        let ends = self.rest.first().is_none_or(|byte| b";\n}#".contains(byte));
        ends.then_some(())
    }

    fn skip(&mut self, is_skipped: impl Fn(u8) -> bool) {
        while let Some((first, rest)) = self.rest.split_first()
            && is_skipped(*first)
        {
            self.rest = rest;
        }
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::builtin;

    #[test]
    fn what_runs_nothing_is_known() {
        let inert = [
            ("awk", "{ print $1 }"),
            ("awk", "NR > 1 || $2 ~ /x/ { n++ } END { print n > \"f\" }"),
            ("sed", "s/a/b/g"),
            ("sed", "s,a\\,e,b,;1,/x/d;$!{p\nq 3}"),
            ("sed", "/a\\/e/I s|e|e|2p;y/ab/cd/"),
            ("sed", "1i\\\ne sh f\\\nmore\n5~2p # e"),
            ("sed", ":a;N;$!ba;s/\\n/ /g"),
            ("perl", "s/(a)b$/$1c/g; y/a/b/"),
            ("perl", "s|^e(x)|$1|"),
        ];
        let open = [
            ("awk", "{ system($0) }"),
            ("awk", "{ print | $1 }"),
            ("gawk", "{ $1 |& getline }"),
            ("gawk", "@load \"x\"; { print }"),
            ("gawk", "{ f = $1; @f() }"),
            ("sed", "e"),
            ("sed", "1e sh f"),
            ("sed", "s/a/b/e"),
            ("sed", "s/a/b/ge"),
            ("sed", "s/a/b/w f"),
            ("sed", "s/a/b\\"),
            ("sed", "s/a"),
            ("sed", "p;e"),
            ("sed", "/x/e"),
            ("sed", "y/a/b/e"),
            ("sed", "i x\ne"),
            ("sed", "w f"),
            ("perl", "do shift"),
            ("perl", "s/a/b/e"),
            ("perl", "s/a/@{[system q(sh f)]}/"),
            ("perl", "s/a/${\\system q(sh f)}/"),
            ("perl", "s/a/$x[`sh f`]/"),
            ("perl", "s/a/$1[`sh f`]/"),
            ("perl", "s/(?{do shift})//"),
            ("perl", "system $_"),
            ("perl", "/x/p"),
            ("perl", "i do shift"),
            ("ruby", "s/a/b/"),
            ("python3", "print(1)"),
        ];
        let check = |(name, text): (&str, &str), expected| {
            let is_so = runs_nothing(builtin(name).unwrap(), text.as_bytes());
            assert_eq!(is_so, expected, "{name} {text}");
        };
        for case in inert {
            check(case, true);
        }
        for case in open {
            check(case, false);
        }
    }
}
