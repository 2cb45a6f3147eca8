//! Files that words name for what is in them: of commands, in a language of the program's own (`.read FILE`,
//! `source FILE`), and of words.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::inner::{values_of, words_of};
use super::reading::{Kind, Reading};

/// What stands between statements.
const BETWEEN: &[u8] = b"\n;|";

impl<'a> Reading<'a> {
    /// The files whose commands it does, as its words name them in forms that its model has.
    pub fn read_files(&self) -> Vec<&'a OsStr> {
        let mut files = Vec::new();
        for model in self.program.into_iter().chain(self.subcommands()) {
            let forms = &model.reads;
            files.extend(values_of(forms, self).map(|value| value.word));
            if forms.is_empty() {
                continue;
            }
            for word in words_of(self) {
                let statements = word.word.as_bytes().split(|byte| BETWEEN.contains(byte));
                for statement in statements.map(<[u8]>::trim_ascii) {
                    let mut named = forms.iter().filter_map(|form| file_in(form, statement));
                    files.extend(named.next().map(OsStr::from_bytes));
                }
            }
        }
        files
    }

    /// Files whose words the command adds to what it runs.
    pub fn words_from(&self) -> impl Iterator<Item = &'a OsStr> {
        let models = self.model.into_iter().flat_map(|model| &model.inner);
        let models = models.filter(|inner| inner.appends && !inner.of.is_empty());
        models.flat_map(|inner| {
            let operands = self.parts.iter().filter_map(|part| match part.kind {
                Kind::Operand { word, .. } => Some(word),
                _ => None,
            });
            let is_mark = |word: &OsStr| inner.of.iter().any(|mark| word == mark.as_str());
            let behind = operands.skip_while(move |word| !is_mark(word)).skip(1);
            let values = values_of(&inner.of, self).map(|value| value.word);
            values.chain(behind)
        })
    }
}

/// What the star of `form` stands for in `statement`, without quotes.
fn file_in<'a>(form: &str, statement: &'a [u8]) -> Option<&'a [u8]> {
    let (before, behind) = form.split_once('*').filter(|_| !form.starts_with('-'))?;
    let rest = statement.strip_prefix(before.as_bytes())?;
    let rest = rest.strip_suffix(behind.as_bytes())?.trim_ascii();
    let quote = rest.first().filter(|byte| matches!(byte, b'\'' | b'"'));
    let Some(quote) = quote else {
        return Some(rest);
    };
    let quoted = rest.get(1..)?;
    let end = quoted.iter().position(|byte| byte == quote);
    quoted.get(..end.unwrap_or(quoted.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_star_stands_for_a_file() {
        for (form, statement, expected) in [
            (".read *", ".read f", Some("f")),
            (".read *", ".read 'my f'", Some("my f")),
            (".read *", ".readf", None),
            (".read *", "select 1", None),
            ("source(*)", "source(\"f\", echo = TRUE)", Some("f")),
            ("source(*)", "source(f", None),
            ("load *", "load \"f", Some("f")),
            ("load *", "load ", Some("")),
            ("-f=*", "-f=x", None),
        ] {
            let found = file_in(form, statement.as_bytes());
            assert_eq!(found, expected.map(str::as_bytes), "{form} {statement}");
        }
    }
}
