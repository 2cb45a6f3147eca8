//! An exec of a program that was met before is judged like the first.

use crate::support::everyone_with;

/// What git obeys is looked up for the second git as for the first.
#[test]
fn with_the_directory_that_it_has_now() {
    let hostile = "git init -q r; cd r; git config core.fsmonitor 'touch WORLD/out/pwned; false'; ";
    everyone_with(&["", "git --version; ", "git status; "], |world, first| {
        world
            .rules("prefix_rule(pattern=[\"git\", \"status\"], decision=\"allow\")")
            .file("out/there", "")
            .sh(format!("{first}{hostile}git status; exit 0"))
            .status(0)
            .no_file("out/pwned");
    });
}
