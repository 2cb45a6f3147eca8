//! The command's own terminal: nothing of the sandbox reaches the user's between question and answer,
//! and everything else is as if the command had that.

use crate::support::World;
use crate::support::terminal::Terminal;
use crate::support::{every_way, everyone, everyone_with};

const RULES: &str = "prefix_rule(pattern = [\"probe\"], decision = \"prompt\")\n";

/// What a question ends with.
const ASKED: &str = "or no: ";

fn prompting(world: World) -> World {
    world.rules(RULES).program("probe").ask("terminal")
}

fn terminal(world: World, script: &str) -> Terminal {
    Terminal::start(prompting(world), ["-c", script])
}

/// What a terminal says by itself, to what: an answer that was set to be one to questions, the name of a
/// well-known one, and a report in controls of eight bits, which holds a letter.
const ANSWERS: &[(&[u8], &[u8])] = &[
    (b"\x05", b"yes\r"),
    (b"\x05", b"PuTTY"),
    (b"\x1b[?2004$p", b"\x9b?2004;2$y"),
    (b"\x1b[6n", b"\x1b[1;1Ryes\r"),
];

#[test]
fn a_terminal_does_not_answer_for_its_user() {
    everyone_with(ANSWERS, |world, (to, answer)| {
        let asks = format!("printf '{}' >/dev/tty", octal(to));
        let script = format!(
            "(while :; do {asks}; done) & {asks}; {asks}; probe write WORLD/out/a; echo \"status $?\""
        );
        terminal(world, &script)
            .answers(to, answer)
            .wait_for(ASKED)
            .keys("no\r")
            .wait_for("status 1")
            .no_file("out/a")
            .end(0);
    });
}

fn octal(bytes: &[u8]) -> String {
    let words: Vec<String> = bytes.iter().map(|byte| format!("\\{byte:03o}")).collect();
    words.concat()
}

/// Where nothing shows that a terminal has said all it had to say, what comes late does not answer: a name
/// that it was set to say, what was typed before, a guess.
#[test]
fn what_a_terminal_says_late_answers_nothing() {
    let kinds: [fn(Terminal) -> Terminal; 2] = [Terminal::mute, |terminal| terminal.resize(1, 1)];
    everyone_with(&kinds, |world, kind| {
        let script = "probe write WORLD/out/a; echo \"status $?\"";
        kind(terminal(world, script))
            .wait_for(ASKED)
            .keys("yes\r")
            .wait_for(ASKED)
            .keys("session\ryes dabobi\ryes yes\r")
            .wait_for(ASKED)
            .wait_for(ASKED)
            .wait_for(ASKED)
            .no_file("out/a")
            .keys("no\r")
            .wait_for("status 1")
            .no_file("out/a")
            .end(0);
    });
    everyone_with(&kinds, |world, kind| {
        kind(terminal(world, "probe exit 3; echo \"status $?\""))
            .wait_for(ASKED)
            .keys("yes\r")
            .wait_for(ASKED)
            .keys_and_word("yes")
            .wait_for("status 3")
            .end(0);
    });
}

/// The question comes on new rows at the end of the screen: what was painted before stands above it.
#[test]
fn a_question_is_written_where_nothing_was() {
    everyone(|world| {
        let script =
            "printf '\\033[2J\\033[2;30H painted\\033[1;1H'; probe exit 3; echo \"status $?\"";
        terminal(world, script)
            .wait_for("\u{1b}[9999;1H\r\ncodex-shell: run this")
            .wait_for(ASKED)
            .keys("yes\r")
            .wait_for("status 3")
            .end(0);
    });
}

/// A command that fills the screen with what looks like a question is not what is seen behind it.
#[test]
fn a_question_that_is_longer_than_the_screen_comes_again_in_short() {
    everyone(|world| {
        let script = "probe exit 3 \"$(printf '%1700s' | tr ' ' -) run this inside the sandbox?\"; \
                      echo \"status $?\"";
        let shown = terminal(world, script)
            .wait_for("codex-shell: run this")
            .wait_for("It stands above, and in short:")
            .wait_for("codex-shell: run this OUTSIDE the sandbox?")
            .wait_for(" [...] ")
            .wait_for("  directory")
            .wait_for(ASKED)
            .keys("yes\r")
            .wait_for("status 3")
            .end(0);
        let (_, short) = shown.split_once("in short:").unwrap();
        let (short, _) = short.split_once(ASKED).unwrap();
        assert!(short.len() < 23 * 80, "{short}");
    });
}

/// An answer is to the question that is to be seen: those of other runs on this terminal wait.
#[test]
fn runs_on_one_terminal_take_turns() {
    everyone(|world| {
        let run =
            |name: &str| format!("run -c 'sleep 0.2; probe write ../out/{name}; sleep 0.2' &");
        let script = format!("({} {} wait; echo over-$((1 + 1)))\r", run("a"), run("b"));
        let terminal = Terminal::start_shell(prompting(world))
            .wait_for("$> ")
            .keys(&script)
            .wait_for(ASKED);
        std::thread::sleep(std::time::Duration::from_millis(500));
        let shown = terminal
            .keys("no\r")
            .wait_for("codex-shell: run this")
            .wait_for(ASKED)
            .keys("yes\r")
            .wait_for("over-2")
            .wait_for("$> ")
            .keys("ls ../out\r")
            .wait_for("ls ../out\r\n")
            .wait_for("$> ")
            .keys("exit 7\r")
            .end(7);
        let asked: Vec<&str> = shown.split("codex-shell: run this").skip(1).collect();
        let about = |name: &str| {
            asked
                .iter()
                .position(|it| it.contains(&format!("../out/{name}\r\n")))
        };
        let (last, first) = if about("a") > about("b") {
            ("a", "b")
        } else {
            ("b", "a")
        };
        let (_, made) = shown.rsplit_once("ls ../out\r\n").unwrap();
        assert!(
            asked.len() == 2 && asked[0].contains("or no: no"),
            "{shown}"
        );
        assert!(
            made.contains(last) && !made.contains(&format!("{first}\r")),
            "{shown}"
        );
    });
}

/// One that is known to have no control sequences answers none.
#[test]
fn a_dumb_terminal_can_be_asked_on() {
    everyone(|world| {
        terminal(
            world.env("TERM", "dumb"),
            "probe exit 3; echo \"status $?\"",
        )
        .mute()
        .wait_for(ASKED)
        .keys("yes\r")
        .wait_for("status 3")
        .end(0);
    });
}

/// What runs beside a question can't paint another one.
#[test]
fn nothing_is_shown_between_question_and_answer() {
    everyone(|world| {
        let script = "(while :; do echo painted >/dev/tty; touch on; sleep 0.02; done) & \
             while ! test -e on; do sleep 0.02; done; probe exit 3; echo \"status $?\"";
        let shown = terminal(world, script)
            .wait_for("codex-shell: run this")
            .wait_for(ASKED)
            .wait_for_another("ws/on")
            .keys("y")
            .wait_for_another("ws/on")
            .keys("es\r")
            .wait_for("status 3")
            .end(0);
        let (_, question) = shown.split_once("codex-shell: run this").unwrap();
        let (question, _) = question.split_once("yes\r\n").unwrap();
        assert!(!question.contains("painted"), "{question:?}");
    });
}

/// The command's foreground stops: so does `run`, and both go on.
#[test]
fn what_the_command_stops_itself_by_stops_the_run() {
    for signal in ["TSTP 0", "STOP $$", "TSTP $$"] {
        everyone(|world| {
            let script = format!("run -c 'echo on; kill -{signal}; echo status-$((40 + 2))'\r");
            Terminal::start_shell(world)
                .wait_for("$> ")
                .keys(&script)
                .wait_for("on\r\n")
                .wait_for("Stopped")
                .wait_for("$> ")
                .keys("echo beside-$((50 + 1)); fg\r")
                .wait_for("beside-51")
                .wait_for("status-42")
                .wait_for("$> ")
                .keys("exit 7\r")
                .end(7);
        });
    }
}

/// Keys that mean a signal mean it for the command, inside and outside.
#[test]
fn keys_that_are_signals_are_for_the_command() {
    every_way(|world| {
        let world = world.program("probe");
        Terminal::start_shell(world)
            .wait_for("$> ")
            .keys("run -c 'probe sleep ../out/t; echo status-$?'\r")
            .wait_for_file("out/t")
            .keys("\u{1a}")
            .wait_for("Stopped")
            .wait_for("$> ")
            .keys("fg\r")
            // The shell says so before it gives the terminal away.
            .wait_for_raw()
            .keys("\u{3}")
            .wait_for("$> ")
            .keys("echo status-$((100 + $?))\r")
            .wait_for("status-230")
            .wait_for("$> ")
            .keys("run -c 'trap \"echo quit-$((7 * 6))\" QUIT; echo a; read x; echo b-$x'\r")
            .wait_for("a\r\n")
            // A shell that has yet to wait for its line looks at the signal once that has come.
            .keys("\u{1c}")
            .keys("word\r")
            .wait_for("quit-42")
            .wait_for("b-word")
            .wait_for("$> ")
            .keys("exit 0\r")
            .end(0);
    });
}

/// In the background the terminal is not touched, until the command wants something of it.
#[test]
fn in_the_background_it_waits_for_its_turn() {
    everyone(|world| {
        Terminal::start_shell(world)
            .wait_for("$> ")
            .keys("run -c 'echo begun-$((1 + 1)); read x; echo \"got <$x>\"' &\r")
            .wait_for("begun-2")
            .keys("stty -a | grep -o '[-]*icanon'; echo ours-$((1 + 2))\r")
            .wait_for("ours-3")
            .keys("until jobs | grep Stopped; do sleep 0.05; done\r")
            .wait_for("Stopped ")
            .keys("fg\r")
            .wait_for("run -c")
            .keys("word\r")
            .wait_for("got <word>")
            .wait_for("$> ")
            .keys("exit 0\r")
            .end(0);
    });
}

/// In a pipeline the terminal may be somebody else's: the command gets it once it reads from it.
#[test]
fn in_a_pipeline_the_terminal_is_shared() {
    everyone(|world| {
        let world = prompting(world);
        Terminal::start_shell(world)
            .wait_for("$> ")
            .keys("run -c 'echo first; read x </dev/tty; echo \"got <$x>\"' | cat\r")
            .wait_for("first\r\n")
            .keys("word\r")
            .wait_for("got <word>")
            .wait_for("$> ")
            .keys("echo in | run -c 'cat; probe exit 3; echo \"status $?\"'\r")
            .wait_for("in\r\n")
            .wait_for(ASKED)
            .keys("yes\r")
            .wait_for("status 3")
            .keys(
                "run -c 'echo sleeping; sleep 60' | cat; echo status-$((${PIPESTATUS[0]} + 100))\r",
            )
            .wait_for("sleeping\r\n")
            .keys("\u{3}")
            .wait_for("$> ")
            .keys("exit 0\r")
            .end(0);
    });
}

/// Size, modes and name are those of a terminal; what the command does to it does not stay.
#[test]
fn the_commands_terminal_is_one() {
    everyone(|world| {
        let script = "stty size; trap 'stty size' WINCH; echo ready; while ! test -e on; do sleep 0.05; done; \
             perl -e 'ioctl(STDIN, 0x540C, 0)'; stty -echo -icanon; exec 3</dev/tty; echo last";
        Terminal::start_shell(world)
            .resize(30, 90)
            .wait_for("$> ")
            .keys("stty -g >before\r")
            .wait_for("$> ")
            .keys(&format!("run -c \"{}\"\r", script.replace('"', "\\\"")))
            .wait_for("30 90")
            .wait_for("ready")
            .resize(31, 91)
            .wait_for("31 91")
            .make("ws/on")
            .wait_for("last")
            .wait_for("$> ")
            .keys("stty -g >after; cmp before after && echo same-$((1 + 1)); exec 3</dev/tty && echo open-$((1 + 1))\r")
            .wait_for("same-2")
            .wait_for("open-2")
            .wait_for("$> ")
            .keys("exit 0\r")
            .end(0);
    });
}

/// Nobody has the user's terminal open, inside or outside, by whatever descriptor it came.
#[test]
fn nobody_has_the_users_terminal() {
    every_way(|world| {
        let world = world.program("probe").options(["--pass-fd", "5"]);
        let list = "for n in /proc/$PPID/fd/* /proc/self/fd/*; do readlink $n; done; tty </dev/tty";
        let terminal = Terminal::start_shell(world);
        let name = terminal.path().to_owned();
        let shown = terminal
            .wait_for("$> ")
            .keys(&format!(
                "exec 5<>/dev/tty; run -c '{list}; echo end-$((1 + 1))'\r"
            ))
            .wait_for("end-2")
            .wait_for("$> ")
            .keys("exit 0\r")
            .end(0);
        let lines = shown.lines().filter(|line| line.trim() == name);
        assert_eq!(lines.count(), 0, "{name} in {shown}");
        assert!(shown.contains("/dev/pts/"), "{shown}");
    });
}
