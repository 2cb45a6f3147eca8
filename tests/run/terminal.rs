//! Questions on a terminal, and the command's own use of it.

use crate::support::World;
use crate::support::terminal::Terminal;
use crate::support::{every_way, everyone};

const RULES: &str = "\
prefix_rule(pattern = [\"probe\"], decision = \"prompt\", justification = \"it leaves the sandbox\")
";

/// What a question ends with.
const ASKED: &str = "or no: ";

fn terminal(world: World, script: &str) -> Terminal {
    let world = world.rules(RULES).program("probe").ask("terminal");
    Terminal::start(world, ["-c", script])
}

#[test]
fn the_question_says_everything() {
    everyone(|world| {
        let shown = terminal(world, "probe exit 3 \"a b\"; echo \"status $?\"")
            .wait_for(ASKED)
            .keys("yes\r")
            .wait_for("status 3")
            .end(0);
        for part in [
            "codex-shell: run this OUTSIDE the sandbox?\n",
            "  probe exit 3 'a b'\n",
            "/bin/probe\n",
            "/ws\n",
            "team.rules:1\n",
            "it leaves the sandbox\n",
            "no: yes\n",
        ] {
            assert!(
                shown.replace('\r', "").contains(part),
                "{part:?} in {shown:?}"
            );
        }
    });
}

#[test]
fn no_is_no() {
    for key in [
        "no\r",
        "NO\n",
        "\u{3}",
        "\u{4}",
        "ye\u{3}",
        "yes\u{15}no\r",
        "x\u{7f}no \r",
    ] {
        everyone(|world| {
            terminal(world, "probe exit 3; echo \"status $?\"")
                .wait_for(ASKED)
                .keys(key)
                .wait_for("status 1")
                .end(0);
        });
    }
}

/// An answer is a whole word.
#[test]
fn nothing_else_is_an_answer() {
    for line in [
        "", "y", "Y", "s", "jobs", "yes yes", "yess", "n", "PuTTY", "es",
    ] {
        everyone(|world| {
            let shown = terminal(world, "probe exit 3; echo \"status $?\"")
                .wait_for(ASKED)
                .keys(&format!("{line}\r"))
                .wait_for(ASKED)
                .keys("y")
                .keys("es\r")
                .wait_for("status 3")
                .end(0);
            let said = "Not an answer. Type a whole word: yes, session or no.\r\n";
            let said = format!("{ASKED}{line}\r\n{said}");
            assert!(shown.contains(&said), "{shown:?}");
        });
    }
}

/// Bash becomes the last command, with another `SHLVL`.
#[test]
fn a_yes_for_the_session_is_for_the_last_command_too() {
    everyone(|world| {
        let rule =
            "command_rule(program=\"probe\", args=[rest()], decision=\"prompt\", run=\"inside\")\n";
        let world = world.rules(rule).program("probe").ask("terminal");
        let shown = Terminal::start(world, ["-c", "probe exit 3; probe exit 3"])
            .wait_for("codex-shell: run this")
            .keys("session\r")
            .end(3);
        assert_eq!(shown.matches("codex-shell: run this").count(), 1, "{shown}");
    });
}

#[test]
fn session_is_asked_once_and_once_is_once() {
    everyone(|world| {
        let script = "probe exit 3; echo \"first $?\"; probe exit 3; echo \"second $?\"; \
         probe exit 4; echo \"third $?\"";
        let shown = terminal(world, script)
            .wait_for(ASKED)
            .keys("session\r")
            .wait_for("first 3")
            .wait_for("second 3")
            .wait_for(ASKED)
            .keys("yes\r")
            .wait_for("third 4")
            .end(0);
        assert_eq!(shown.matches(ASKED).count(), 2, "{shown}");
    });
}

/// The size of a terminal changes by itself; a time zone and a mask are set, and so is what is not there any more.
#[test]
fn a_yes_for_the_session_is_for_the_variables_and_the_mask_that_go_outside() {
    everyone(|world| {
        let script = "probe tell; COLUMNS=9 LINES=9 probe tell; echo first; \
                      TZ=Asia/Tokyo probe tell; echo second; unset TERM; probe tell; echo third; (umask 077; probe tell); echo fourth";
        let world = world.rules(RULES).program("probe").ask("terminal");
        let world = world.env("COLUMNS", "80").env("TERM", "vt100");
        let shown = Terminal::start(world, ["-c", script])
            .wait_for(ASKED)
            .keys("session\r")
            .wait_for("first")
            .wait_for(ASKED)
            .keys("session\r")
            .wait_for("second")
            .wait_for(ASKED)
            .keys("session\r")
            .wait_for("third")
            .wait_for(ASKED)
            .keys("yes\r")
            .wait_for("fourth")
            .end(0);
        assert_eq!(shown.matches(ASKED).count(), 4, "{shown}");
        assert_eq!(shown.matches("env COLUMNS=80").count(), 5, "{shown}");
        assert_eq!(shown.matches("umask 077").count(), 1, "{shown}");
        assert!(!shown.contains("env LINES=9"), "{shown}");
        assert_eq!(shown.matches("env TZ=Asia/Tokyo").count(), 1, "{shown}");
    });
}

/// What the command can write says something else tomorrow, by the same name.
#[test]
fn there_is_no_yes_for_the_session_to_what_the_command_can_change() {
    everyone(|world| {
        let script =
            "printf '#!/bin/sh\\necho harmless\\n' > probe; chmod +x probe; ./probe; echo over";
        let why = format!(
            "  no session  the command can change {}\n",
            world.path("ws/probe").display()
        );
        let shown = terminal(world, script)
            .wait_for("Answer yes or no: ")
            .keys("session\r")
            .wait_for("Answer yes or no: ")
            .keys("yes\r")
            .wait_for("harmless")
            .wait_for("over")
            .end(0);
        assert!(shown.replace('\r', "").contains(&why), "{shown:?}");
    });
}

/// What comes from standard input, nobody has read.
#[test]
fn where_what_runs_can_change_unseen_no_answer_is_for_the_session() {
    everyone(|world| {
        let rules = "prefix_rule(pattern = [\"sh\"], decision = \"prompt\")\n";
        let world = world.rules(rules).ask("terminal");
        let script = "echo 'echo harmless' > x; sh <x; echo 'touch made' > x; sh <x; echo over";
        let shown = Terminal::start(world, ["-c", script])
            .wait_for("Answer yes or no: ")
            .keys("session\r")
            .wait_for("Answer yes or no: ")
            .keys("yes\r")
            .wait_for("harmless")
            .wait_for("Answer yes or no: ")
            .keys("no\r")
            .wait_for("over")
            .no_file("ws/made")
            .end(0);
        let shown = shown.replace('\r', "");
        let why = "  no session  sh takes commands from its input\n";
        assert!(shown.contains(why), "{shown:?}");
        assert!(
            shown.contains("Type a whole word: yes or no.\n"),
            "{shown:?}"
        );
    });
}

/// What a program reads without a word that says so is part of what a yes is for.
#[test]
fn a_yes_for_the_session_is_for_what_is_read() {
    everyone(|world| {
        let script = "probe cat </dev/null; probe cat </dev/null; printf '1\\n2\\n' >x; echo null over; \
                      probe cat <x; probe cat <x; echo file over; (read y; probe cat) <x; echo rest over; \
                      printf '3\\n4\\n' >x; probe cat <x; echo changed over; echo 5 | probe cat; echo over";
        let shown = terminal(world, script)
            .wait_for(ASKED)
            .keys("session\r")
            .wait_for("null over")
            .wait_for(ASKED)
            .keys("session\r")
            .wait_for("1\r\n2\r\n1\r\n2\r\nfile over")
            .wait_for(ASKED)
            .keys("session\r")
            .wait_for("2\r\nrest over")
            .wait_for(ASKED)
            .keys("session\r")
            .wait_for("3\r\n4\r\nchanged over")
            .wait_for("Answer yes or no: ")
            .keys("no\r")
            .wait_for("over")
            .end(0);
        let shown = shown.replace('\r', "");
        assert_eq!(shown.matches(ASKED).count(), 5, "{shown}");
        assert_eq!(shown.matches("  input ").count(), 3, "{shown}");
    });
}

/// A link may lead somewhere else the next time.
#[test]
fn a_yes_for_the_session_is_for_where_the_words_lead() {
    everyone(|world| {
        let rules = "prefix_rule(pattern = [\"mkdir\"], decision = \"prompt\")\n";
        let world = world.file("out/a/file", "").file("out/b/file", "");
        let first = format!(
            "  link       {0}/ws/l/new leads to {0}/out/a/new\n",
            world.path("").display()
        );
        let script = "ln -s ../out/a l; mkdir l/new; mkdir l/new; ln -sfn ../out/b l; mkdir l/new; \
                      mkdir plain; echo over";
        let shown = Terminal::start(world.rules(rules).ask("terminal"), ["-c", script])
            .wait_for(ASKED)
            .keys("session\r")
            .wait_for("File exists")
            .wait_for("out/b/new")
            .wait_for(ASKED)
            .keys("no\r")
            .wait_for(ASKED)
            .keys("no\r")
            .wait_for("over")
            .no_file("out/b/new")
            .end(0);
        let shown = shown.replace('\r', "");
        assert_eq!(shown.matches(ASKED).count(), 3, "{shown}");
        assert_eq!(shown.matches("  link ").count(), 2, "{shown}");
        assert!(shown.contains(&first.replace("//", "/")), "{shown}");
    });
}

/// What a yes was said of is no more.
#[test]
fn a_link_that_changes_while_somebody_is_asked_is_not_followed() {
    for answer in ["session\r", "yes\r"] {
        everyone(|world| {
            let rules = "prefix_rule(pattern = [\"mkdir\"], decision = \"prompt\")\n";
            let world = world.file("out/a/file", "").file("out/b/file", "");
            let script = "ln -s ../out/a l; (while ! test -e ../out/go; do sleep 0.02; done; \
                          ln -sfn ../out/b l; touch changed) & mkdir l/new; echo over";
            let shown = Terminal::start(world.rules(rules).ask("terminal"), ["-c", script])
                .wait_for(ASKED)
                .make("out/go")
                .wait_for_file("ws/changed")
                .keys(answer)
                .wait_for("over")
                .no_file("out/a/new")
                .no_file("out/b/new")
                .end(0);
            let why = "since the question, where ";
            let leads = "/ws/l/new leads has changed)";
            assert!(shown.contains(why) && shown.contains(leads), "{shown:?}");
        });
    }
}

/// Whoever says yes has not seen it.
#[test]
fn where_not_all_of_a_command_is_shown_no_answer_is_for_the_session() {
    everyone(|world| {
        let script = "probe exit 3 $(printf '%5000s' | tr ' ' a); echo over";
        let shown = terminal(world, script)
            .wait_for("Answer yes or no: ")
            .keys("no\r")
            .wait_for("over")
            .end(0);
        let why = "  no session  not all of it is shown\n";
        assert!(shown.replace('\r', "").contains(why), "{shown:?}");
    });
}

/// What was typed before the question was to be seen is no answer to it.
#[test]
fn type_ahead_is_discarded() {
    everyone(|world| {
        terminal(
            world,
            "echo ready; sleep 0.5; probe exit 3; echo \"status $?\"",
        )
        .wait_for("ready")
        .keys("yes\ryes\r")
        .wait_for(ASKED)
        .keys("no\r")
        .wait_for("status 1")
        .end(0);
    });
}

/// A shell with job control gives the terminal to each job in its turn, and takes it back.
#[test]
fn a_job_in_the_foreground_is_asked_about() {
    everyone(|world| {
        terminal(world, "exec \"$BASH\" --norc --noprofile -i")
            .keys("probe exit 3; echo status-$?\r")
            .wait_for(ASKED)
            .keys("yes\r")
            .wait_for("status-3")
            .keys("probe exit 4; echo status-$?\r")
            .wait_for(ASKED)
            .keys("\u{3}")
            .wait_for("status-1")
            .keys("printf 'no%s' w; read x; echo \"<$x>\"\r")
            .wait_for("now")
            .keys("word\r")
            .wait_for("<word>")
            .keys("probe exit 5 & wait $!; echo status-$?\r")
            .wait_for("nobody could be asked: in the background")
            .wait_for("status-1")
            .keys("exit 0\r")
            .end(0);
    });
}

/// The command's input is the command's: a question doesn't eat it, nor does it answer one.
#[test]
fn standard_input_is_no_answer() {
    everyone(|world| {
        terminal(world, "echo y | probe cat; echo \"status $?\"")
            .wait_for(ASKED)
            .keys("no\r")
            .wait_for("status 1")
            .end(0);
    });
}

#[test]
fn the_command_has_the_terminal() {
    everyone(|world| {
        terminal(
            world,
            "read x; echo \"read $x\"; test -t 0 -a -t 1 -a -t 2 && echo terminal",
        )
        .keys("word\r")
        .wait_for("read word")
        .wait_for("terminal")
        .end(0);
    });
}

/// Echo and line editing are as before, once the question was answered.
#[test]
fn the_terminals_modes_come_back() {
    everyone(|world| {
        terminal(
            world,
            "stty -g >before; probe exit 0; stty -g >after; cmp before after && echo same",
        )
        .wait_for(ASKED)
        .keys("yes\r")
        .wait_for("same")
        .end(0);
    });
}

#[test]
fn the_interrupt_key_ends_the_command() {
    everyone(|world| {
        terminal(world, "echo ready; sleep 30; echo on")
            .wait_for("ready")
            .keys("\u{3}")
            .end(130);
    });
    every_way(|world| {
        let world = world.program("probe");
        Terminal::start(world, ["-c", "probe sleep WORLD/out/t; echo on"])
            .wait_for_file("out/t")
            .keys("\u{3}")
            .end(130);
    });
}

/// A terminal that hangs up ends the run.
#[test]
fn hanging_up_ends_the_run() {
    everyone(|world| {
        terminal(world, "echo ready; sleep 60")
            .wait_for("ready")
            .hang_up(129);
    });
}
