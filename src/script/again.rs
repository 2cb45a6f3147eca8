//! Words that bash evaluates once more than their quotes say: a subscript in the name of a variable, wherever a
//! name or a number is expected, and what prompts are made of.

use super::cursor::{Parser, ScriptResult};
use super::model::{Enclosure, ScriptCommand, Word, WordPart};

/// Builtins that take names of variables, or numbers.
const EVALUATING: [&[u8]; 17] = [
    b"[",
    b"[[",
    b"declare",
    b"export",
    b"getopts",
    b"let",
    b"local",
    b"mapfile",
    b"printf",
    b"read",
    b"readarray",
    b"readonly",
    b"return",
    b"test",
    b"typeset",
    b"unset",
    b"wait",
];

/// The variable whose value is run before each prompt.
const PROMPT_COMMAND: &[u8] = b"PROMPT_COMMAND";

/// Variables whose value is expanded whenever it is shown.
const PROMPTS: [&[u8]; 5] = [b"PS0", b"PS1", b"PS2", b"PS3", b"PS4"];

/// The texts in `command` that are expanded again. A variable's value may be, by whoever uses it as a name, and
/// all of it where `all` are shown as prompts are.
pub(super) fn texts(command: &ScriptCommand, all: bool) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let name = command.words.first().and_then(Word::known);
    let name = name.filter(|name| EVALUATING.contains(&name.as_slice()));
    // Of what printf shows, only the variable that it goes to is a name.
    let skipped = match name.as_deref() {
        None => command.words.len(),
        Some(b"printf") => {
            let is_option = |word: &Word| word.recognised().starts_with(b"-v");
            let named = command.words.get(1).is_some_and(is_option);
            if named { 1 } else { command.words.len() }
        }
        Some(_) => 1,
    };
    for word in command.words.iter().skip(skipped) {
        found.extend(subscripts(word));
    }
    for set in &command.assignments {
        if all || PROMPTS.contains(&set.name.as_slice()) {
            found.extend(known(&set.value).filter(|text| substitutes(text)));
        } else {
            found.extend(subscripts(&set.value));
        }
    }
    found
}

/// The scripts in `command` that a shell at a terminal runs: before it prompts, and when a key is pressed.
pub(super) fn scripts(command: &ScriptCommand) -> Vec<Vec<u8>> {
    let name = command.words.first().map(Word::recognised);
    let has = |option: &[u8]| command.words.iter().any(|word| word.recognised() == option);
    let words = || command.words.iter().skip(1).flat_map(known);
    let set = command
        .assignments
        .iter()
        .filter(|set| set.name == PROMPT_COMMAND);
    let set = set.flat_map(|set| known(&set.value));
    let declared = words().filter_map(|word| {
        let value = word.strip_prefix(PROMPT_COMMAND)?.strip_prefix(b"=")?;
        Some(value.to_vec())
    });
    let declares = name
        .as_deref()
        .is_some_and(|name| EVALUATING.contains(&name));
    let bound = words().filter_map(|word| {
        let key = word.iter().rposition(|&byte| byte == b'"')?;
        let behind = word.get(key + 1..)?.trim_ascii_start();
        Some(behind.strip_prefix(b":")?.to_vec())
    });
    let binds = name.as_deref() == Some(b"bind") && has(b"-x");
    set.chain(declared.filter(|_| declares))
        .chain(bound.filter(|_| binds))
        .collect()
}

/// What stands in subscripts of `word` and would be run.
fn subscripts(word: &Word) -> impl Iterator<Item = Vec<u8>> + '_ {
    known(word).filter_map(|text| {
        let start = text.iter().position(|&byte| byte == b'[')?;
        let subscript = text.get(start..)?;
        substitutes(subscript).then(|| subscript.to_vec())
    })
}

fn known(word: &Word) -> impl Iterator<Item = Vec<u8>> + '_ {
    word.parts.iter().filter_map(|part| match part {
        WordPart::Known(bytes) => Some(bytes.clone()),
        WordPart::Unknown { .. } => None,
    })
}

fn substitutes(text: &[u8]) -> bool {
    text.contains(&b'`') || text.windows(2).any(|pair| pair == b"$(")
}

impl Parser<'_> {
    /// Reads the word here, which names a variable or is a number.
    pub(super) fn evaluated_word(&mut self) -> ScriptResult<()> {
        let word = self.word()?;
        let found: Vec<_> = subscripts(&word).collect();
        self.expand_again(found)
    }

    /// Reads scripts that the shell runs later.
    pub(super) fn run_later(&mut self, scripts: Vec<Vec<u8>>) -> ScriptResult<()> {
        for text in scripts {
            self.spend(text.len())?;
            let line = self.line;
            self.deeper(|parser| {
                parser.within(Enclosure::Function, |parser| {
                    parser.nested(&text, line).run();
                    Ok(())
                })
            })?;
        }
        Ok(())
    }

    /// Finds the commands in what is expanded again.
    pub(super) fn expand_again(&mut self, texts: Vec<Vec<u8>>) -> ScriptResult<()> {
        for text in texts {
            self.spend(text.len())?;
            let line = self.line;
            // What is no grammar there says nothing about what follows.
            self.deeper(|parser| {
                let _ = parser.nested(&text, line).body();
                Ok(())
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Dialect, parse};

    /// The commands of the script, their words joined by a blank.
    fn commands(text: &str, dialect: Dialect) -> Vec<String> {
        let script = parse(text.as_bytes(), dialect);
        assert!(script.problems.is_empty(), "{text}: {:?}", script.problems);
        let shown = |word: &super::Word| String::from_utf8(word.recognised()).unwrap();
        let words = script
            .commands
            .iter()
            .map(|it| it.words.iter().map(shown).collect::<Vec<_>>());
        words.map(|words| words.join(" ")).collect()
    }

    #[test]
    fn what_is_evaluated_again_has_commands() {
        for text in [
            "test -v 'a[$(id x)]'",
            "[ -v 'a[`id x`]' ]",
            "[[ 'a[$(id x)]' -eq 1 ]]",
            "let 'a[$(id x)]=1'",
            "declare -i n='a[$(id x)]'",
            "declare 'a[$(id x)]=1'",
            "printf -v 'a[$(id x)]' y",
            "read 'a[$(id x)]'",
            "unset 'a[$(id x)]'",
            "v='a[$(id x)]'; : ${!v}",
            "v='a[$(id x)]'; (( v ))",
            "PS4='$(id x)'; set -x; :",
            "v='$(id x)'; : \"${v@P}\"",
            "PROMPT_COMMAND='id x; y'",
            "export PROMPT_COMMAND='y; id x'",
            "bind -x '\"\\C-x\": id x'",
            "bind -m vi -x '\"a\":id x'",
        ] {
            for dialect in [Dialect::Bash, Dialect::Sh] {
                let found = commands(text, dialect);
                assert!(found.contains(&"id x".to_owned()), "{text}: {found:?}");
            }
        }
        for text in [
            "echo 'a[$(id x)]'",
            "printf 'a[$(id x)]'",
            "test -v 'a[1]'",
            "v='$(id x)'",
            "read '$(id x)'",
            "bind '\"a\": id x'",
            "echo PROMPT_COMMAND='id x'",
        ] {
            let found = commands(text, Dialect::Bash);
            assert!(!found.contains(&"id x".to_owned()), "{text}: {found:?}");
        }
    }
}
