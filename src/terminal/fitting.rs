//! A question that is longer than the screen: where it would run and what ends it are to be seen together.

use crate::sys::pty::Size;

/// What a screen is taken for that does not say its size.
const USUAL: (usize, usize) = (24, 80);
/// The longest last lines: the prompt, and the one with a word.
const FOOT: [usize; 2] = [60, 130];
/// Stands for what is left out.
const LEFT_OUT: &str = " [...] ";

/// Rows and columns.
fn lengths(size: Option<Size>) -> (usize, usize) {
    let length = |length: Option<u16>, usual| match length {
        None | Some(0) => usual,
        Some(length) => usize::from(length),
    };
    let (rows, columns) = USUAL;
    (
        length(size.map(|size| size.ws_row), rows),
        length(size.map(|size| size.ws_col), columns),
    )
}

/// The columns of a character, or more.
fn width(character: char) -> usize {
    1 + usize::from(!character.is_ascii())
}

fn columns(line: &str) -> usize {
    line.chars().map(width).sum()
}

/// What is to be shown behind `text` where that does not fit on a screen of this size: what was shown scrolls away,
/// and all of its lines come again, each as short as it must be.
pub(super) fn in_short(text: &str, size: Option<Size>) -> Option<String> {
    let (rows, across) = lengths(size);
    let rows_of = |columns: usize| columns.div_ceil(across).max(1);
    let foot: usize = FOOT.iter().map(|&columns| rows_of(columns)).sum();
    let room = rows.saturating_sub(foot + 1);
    let lines: Vec<&str> = text.lines().collect();
    let needs: Vec<usize> = lines.iter().map(|line| rows_of(columns(line))).collect();
    if needs.iter().sum::<usize>() <= room {
        return None;
    }
    let note = "The question is longer than this screen. It stands above, and in short:";
    let room = room.saturating_sub(rows_of(note.len()));
    let kept = lines.len().min(room.max(1));
    // What some lines don't need is for the others.
    let taken = |most: usize| -> usize { needs.iter().take(kept).map(|&it| it.min(most)).sum() };
    let mut each = (room / kept).max(1);
    while each < room && taken(each + 1) <= room {
        each += 1;
    }
    let short = lines.iter().take(kept);
    let short: Vec<String> = short.map(|line| cut(line, each * across)).collect();
    Some([&*"\n".repeat(rows), note, "\n", &short.join("\n")].concat())
}

/// A line with its middle left out, if it takes more columns.
fn cut(line: &str, most: usize) -> String {
    if columns(line) <= most {
        return line.to_owned();
    }
    let room = most.saturating_sub(LEFT_OUT.len());
    let end = room / 3;
    let fitting = |characters: &mut dyn Iterator<Item = char>, room: usize| -> Vec<char> {
        let mut used = 0;
        let fits = |character: &char| {
            used += width(*character);
            used <= room
        };
        characters.take_while(fits).collect()
    };
    let first = fitting(&mut line.chars(), room - end);
    let last = fitting(&mut line.chars().rev(), end);
    let first = first.into_iter().chain(LEFT_OUT.chars());
    first.chain(last.into_iter().rev()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::device::screen as size;

    #[test]
    fn head_and_foot_are_on_one_screen() {
        let command = format!(
            "  bash -c '{}run this inside{}'",
            "-".repeat(900),
            "\u{b7}".repeat(500)
        );
        let text =
            format!("run this OUTSIDE?\n{command}\n  program  /usr/bin/bash\n  directory  /ws");
        for (rows, across) in [(24, 80), (10, 40), (50, 20), (40, 30)] {
            let short = in_short(&text, Some(size(rows, across))).unwrap();
            let scrolled = usize::from(rows);
            let (away, short) = short.split_at(scrolled);
            assert_eq!(away, "\n".repeat(scrolled));
            let across = usize::from(across);
            let taken: usize = short
                .lines()
                .map(|line| columns(line).div_ceil(across))
                .sum();
            assert!(taken < scrolled, "{rows}: {taken}");
            assert!(short.contains("run this OUTSIDE?"), "{short}");
            assert!(short.contains(LEFT_OUT) || rows == 10, "{short}");
            assert!(short.contains("directory  /ws") || rows == 10, "{short}");
        }
        assert_eq!(
            in_short("run this?\n  ls\n  program  /bin/ls", Some(size(24, 80))),
            None
        );
        assert_eq!(in_short(&text, Some(size(200, 80))), None);
        assert!(in_short(&text, Some(size(1, 1))).is_some());
    }
}
