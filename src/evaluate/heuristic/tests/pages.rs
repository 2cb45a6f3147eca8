//! The manual's pages are true.

use super::code;
use crate::evaluate::heuristic::{ALL, find};

/// The lines of the first block of shell commands below `heading`.
fn commands_below<'a>(page: &'a str, heading: &str) -> Vec<&'a str> {
    let (_, section) = page.split_once(heading).unwrap();
    let (_, block) = section.split_once("```sh\n").unwrap();
    block.split_once("```").unwrap().0.lines().collect()
}

#[test]
fn pages_show_what_is_dangerous_and_what_is_not() {
    for known in ALL {
        let page = known.page();
        let title = format!("# {} {}\n\n", known.code, known.name);
        assert!(page.starts_with(&title), "{page}");
        assert!(page.contains("\n## Why it is dangerous\n\n"), "{page}");
        for line in commands_below(&page, "\n## Example\n") {
            assert_eq!(code(&["sh", "-c", line]), Some(known.code), "{line}");
        }
        for line in commands_below(&page, "\n## Instead\n") {
            assert_eq!(code(&["sh", "-c", line]), None, "{line}");
        }
    }
}

#[test]
fn heuristics_are_found_by_code_and_name() {
    assert_eq!(find("h001").unwrap().name, "forced-rm");
    assert_eq!(find("forced-rm").unwrap().code, "H001");
    assert!(find("H999").is_none());
}
