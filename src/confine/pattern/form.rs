//! Whether a name is of a form: `*`, `?`, `[…]`.

/// Whether `name` is of this form; `None` where the form makes no sense.
pub(super) fn matches(form: &[u8], name: &[u8]) -> Option<bool> {
    let (mut f, mut n) = (0, 0);
    // Where the last star was, and how much it has taken.
    let mut star: Option<(usize, usize)> = None;
    check(form)?;
    loop {
        let fits = match form.get(f) {
            Some(b'*') => {
                star = Some((f + 1, n));
                f += 1;
                continue;
            }
            None => n == name.len(),
            Some(_) if n == name.len() => false,
            Some(b'?') => {
                n += character(name.get(n..)?);
                f += 1;
                continue;
            }
            Some(b'[') => {
                let length = character(name.get(n..)?);
                let (end, is_in) = class(form.get(f..)?, name.get(n..n + length)?)?;
                if is_in {
                    (f, n) = (f + end, n + length);
                    continue;
                }
                false
            }
            Some(byte) if name.get(n) == Some(byte) => {
                (f, n) = (f + 1, n + 1);
                continue;
            }
            Some(_) => false,
        };
        if fits {
            return Some(true);
        }
        let Some((after, taken)) = star.filter(|(_, taken)| *taken < name.len()) else {
            return Some(false);
        };
        star = Some((after, taken + 1));
        (f, n) = (after, taken + 1);
    }
}

/// `None` where a bracket is not closed.
fn check(form: &[u8]) -> Option<()> {
    let mut rest = form;
    while let Some(open) = rest.iter().position(|&byte| byte == b'[') {
        rest = rest.get(open..)?;
        let (end, _) = class(rest, b"")?;
        rest = rest.get(end..)?;
    }
    Some(())
}

/// How many bytes the first character has.
fn character(text: &[u8]) -> usize {
    (1..=4)
        .find(|&length| {
            text.get(..length)
                .is_some_and(|t| std::str::from_utf8(t).is_ok())
        })
        .unwrap_or(1)
}

/// How long the class at the start of `form` is, and whether `character` is in it.
fn class(form: &[u8], character: &[u8]) -> Option<(usize, bool)> {
    let negated = matches!(form.get(1), Some(b'!' | b'^'));
    let start = if negated { 2 } else { 1 };
    // A bracket that comes first is one of them.
    let behind = form.get(start + 1..)?;
    let end = start + 1 + behind.iter().position(|&byte| byte == b']')?;
    let members = std::str::from_utf8(form.get(start..end)?).ok()?;
    let wanted = std::str::from_utf8(character).ok();
    let wanted = wanted.and_then(|text| text.chars().next());
    let members: Vec<char> = members.chars().collect();
    let mut is_in = false;
    let mut at = 0;
    while let Some(&from) = members.get(at) {
        let to = members
            .get(at + 2)
            .filter(|_| members.get(at + 1) == Some(&'-'));
        is_in |= wanted.is_some_and(|c| (from..=*to.unwrap_or(&from)).contains(&c));
        at += if to.is_some() { 3 } else { 1 };
    }
    Some((end + 1, is_in != negated))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_do_not_take_for_ever() {
        let form = "*a".repeat(100);
        assert_eq!(
            matches(form.as_bytes(), "a".repeat(99).as_bytes()),
            Some(false)
        );
        assert_eq!(
            matches(form.as_bytes(), "a".repeat(100).as_bytes()),
            Some(true)
        );
    }
}
