//! H013, H014 and H016.

use super::command::{ExaminedCommand, is_long};
use super::define::heuristic;

heuristic! {
    /// A signal to every process there is: `kill … -1` and `killall5`.
    ///
    /// ## Why it is dangerous
    ///
    /// All programs of the user end at once, with whatever they have not saved; for root, that is
    /// the whole machine.
    ///
    /// ## Example
    ///
    /// ```sh
    /// kill -9 -1
    /// ```
    ///
    /// ## Instead
    ///
    /// Name the process:
    ///
    /// ```sh
    /// kill -1 4711
    /// pkill -f 'node server.js'
    /// ```
    KILL_EVERYTHING, "H013", "kill-everything",
    "this sends a signal to every process there is",
    Some(kills_everything)
}

heuristic! {
    /// Flushing the firewall's rules, or switching the firewall off: `iptables -F`, `nft flush
    /// ruleset`, `ufw disable`, `ufw reset`, `systemctl stop firewalld`.
    ///
    /// ## Why it is dangerous
    ///
    /// What was closed to the network is open, or, where the policy is to drop, nobody gets in any
    /// more. The old rules may be recorded nowhere.
    ///
    /// ## Example
    ///
    /// ```sh
    /// iptables -t nat -F
    /// ufw disable
    /// ```
    ///
    /// ## Instead
    ///
    /// Look, and add or delete a single rule:
    ///
    /// ```sh
    /// iptables -S
    /// ufw status
    /// ```
    FIREWALL_OFF, "H014", "firewall-off",
    "this removes the firewall's rules",
    Some(opens_firewall)
}

heuristic! {
    /// Halting or restarting the machine: `shutdown`, `reboot`, `halt`, `poweroff`, `systemctl
    /// reboot` and the like, `init 0` and `init 6`.
    ///
    /// ## Why it is dangerous
    ///
    /// Everybody's work on the machine ends, and it may not come back by itself.
    ///
    /// ## Example
    ///
    /// ```sh
    /// shutdown -h now
    /// systemctl reboot
    /// ```
    ///
    /// ## Instead
    ///
    /// Restart just the service, and leave the machine to a person:
    ///
    /// ```sh
    /// systemctl restart nginx
    /// shutdown -c
    /// ```
    POWER_OFF, "H016", "power-off",
    "this halts or restarts the machine",
    Some(powers_off)
}

/// `-1` means everybody behind another word, a signal or `--`; as the first it is SIGHUP.
fn kills_everything(command: &ExaminedCommand<'_>) -> bool {
    if command.is_any(&["killall5"]) {
        return true;
    }
    let targets = command.arguments.get(1..).unwrap_or_default();
    command.is_any(&["kill"]) && targets.contains(&&b"-1"[..])
}

fn opens_firewall(command: &ExaminedCommand<'_>) -> bool {
    let words = &command.arguments;
    let tables = ["iptables", "ip6tables", "ebtables", "arptables"];
    if tables.iter().any(|name| command.starts_with(name)) {
        let mut options = command.options();
        return options.any(|option| option == b"-F" || is_long(option, "--flush", "--fl"));
    }
    if command.is_any(&["nft"]) {
        return words
            .windows(2)
            .any(|pair| matches!(pair, [b"flush", b"ruleset"]));
    }
    if command.is_any(&["ufw"]) {
        let mut words = words.iter().filter(|word| !word.starts_with(b"-"));
        return matches!(words.next(), Some(&(b"disable" | b"reset")));
    }
    let stopped = |word: &&[u8]| {
        let unit = word.strip_suffix(b".service").unwrap_or(word);
        matches!(unit, b"firewalld" | b"ufw" | b"nftables" | b"iptables")
    };
    systemctl_verb(command).is_some_and(|verb| matches!(verb, b"stop" | b"disable" | b"mask"))
        && words.iter().any(stopped)
}

fn powers_off(command: &ExaminedCommand<'_>) -> bool {
    if command.is_any(&["shutdown"]) {
        return !command.arguments.contains(&&b"-c"[..]);
    }
    if command.is_any(&["init", "telinit"]) {
        return matches!(command.arguments.first(), Some(&(b"0" | b"6")));
    }
    command.is_any(&["reboot", "halt", "poweroff"])
        || systemctl_verb(command)
            .is_some_and(|verb| matches!(verb, b"reboot" | b"poweroff" | b"halt" | b"kexec"))
}

fn systemctl_verb<'a>(command: &ExaminedCommand<'a>) -> Option<&'a [u8]> {
    let mut words = command.arguments.iter().copied();
    let verb = words.find(|word| !word.starts_with(b"-"));
    verb.filter(|_| command.is_any(&["systemctl"]))
}
