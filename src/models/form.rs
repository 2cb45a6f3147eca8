//! Forms of words: what models say of operands, and of the values of options, that they can't list.

/// Whether `word` is of one of `forms`: each a text in which `*` stands for any bytes, also none.
/// One with `!` before it takes out what it matches, wherever it stands.
pub(super) fn is_of(forms: &[String], word: &[u8]) -> bool {
    let is = |form: &str| matches(form.as_bytes(), word);
    let excepted = |form: &String| form.strip_prefix('!').is_some_and(is);
    let named = |form: &String| !form.starts_with('!') && is(form);
    forms.iter().any(named) && !forms.iter().any(excepted)
}

/// Whether `value` is of a form that one of `forms` has for the values of an option that is this one:
/// `-f=*:*`. One with `!` before it takes out what it matches.
pub(super) fn is_value_of(
    forms: &[String],
    value: &[u8],
    is_option: impl Fn(&str) -> bool,
) -> bool {
    let is = |form: &str| {
        let named = form.split_once('=').filter(|_| form.starts_with('-'));
        named.is_some_and(|(name, form)| is_option(name) && matches(form.as_bytes(), value))
    };
    let excepted = |form: &String| form.strip_prefix('!').is_some_and(is);
    forms.iter().any(|form| is(form)) && !forms.iter().any(excepted)
}

/// Each star takes as little as it can, and the last text must stand at the end: linear in the word
/// for each text between stars.
fn matches(form: &[u8], word: &[u8]) -> bool {
    let mut texts = form.split(|&byte| byte == b'*');
    let first = texts.next().unwrap_or_default();
    let Some(mut rest) = word.strip_prefix(first) else {
        return false;
    };
    let Some(last) = texts.next_back() else {
        return rest.is_empty();
    };
    for text in texts.filter(|text| !text.is_empty()) {
        let at = rest.windows(text.len()).position(|here| here == text);
        let Some(behind) = at.and_then(|at| rest.get(at + text.len()..)) else {
            return false;
        };
        rest = behind;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(forms: &[&str], word: &str) -> bool {
        let forms: Vec<String> = forms.iter().map(|&form| form.to_owned()).collect();
        is_of(&forms, word.as_bytes())
    }

    #[test]
    fn stars_stand_for_anything() {
        for word in ["a=b", "=", "a=", "=b", "a=b=c"] {
            assert!(is(&["*=*"], word), "{word}");
        }
        for word in ["", "a", "a-b"] {
            assert!(!is(&["*=*"], word), "{word}");
        }
        assert!(is(&["set-*"], "set-time"));
        assert!(!is(&["set-*"], "reset-time"));
        assert!(is(&["*a*a"], "aa"));
        assert!(!is(&["*a*a"], "a"));
        assert!(!is(&["a*a"], "a"));
        assert!(is(&["exact"], "exact"));
        assert!(!is(&["exact"], "exactly"));
    }

    #[test]
    fn a_form_of_values_is_of_one_option() {
        let forms = ["-f=*:*".to_owned(), "*=*".to_owned()];
        let is = |option: &str, value: &[u8]| is_value_of(&forms, value, |name| name == option);
        assert!(is("-f", b"host:x"));
        assert!(!is("-f", b"x"));
        assert!(!is("-g", b"host:x"));
        assert!(!is("*", b"a=b"));
    }

    #[test]
    fn exceptions_count_wherever_they_stand() {
        for forms in [["*", "!+*"], ["!+*", "*"]] {
            assert!(is(&forms, "0102"));
            assert!(!is(&forms, "+%F"));
        }
        assert!(!is(&["!+*"], "0102"));
        assert!(!is(&[], "x"));
    }
}
