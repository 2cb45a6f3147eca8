//! H017.

use super::command::ExaminedCommand;
use super::define::heuristic;
use crate::evaluate::command_tree::{CommandTree, Node, Shown};
use crate::models::CommandModel;
use crate::models::reading::Doubt;

heuristic! {
    /// Commands that are not known when they are handed over to a place where nobody sees them start: another
    /// machine, a container, a service, another user. They come from standard input, from a file or from a
    /// variable.
    ///
    /// ## Why it is dangerous
    ///
    /// Each program that starts in the sandbox is judged when it does. What starts there is judged by what the
    /// words say, and these don't say it.
    ///
    /// ## Example
    ///
    /// ```sh
    /// echo reboot | sudo sh
    /// ssh host '$COMMAND'
    /// docker exec -i container sh
    /// ```
    ///
    /// ## Instead
    ///
    /// Spell the command out:
    ///
    /// ```sh
    /// ssh host uptime
    /// ```
    UNSEEN_COMMANDS, "H017", "unseen-commands",
    "this runs commands that are not known beforehand, where their start is not seen",
    None
}

/// Whether `command`, which is `node` of `tree`, or the whole, runs what nobody knows, where nobody sees it.
pub(super) fn applies(
    command: &ExaminedCommand<'_>,
    tree: &CommandTree,
    node: Option<&Node>,
) -> bool {
    let is_unseen = node.is_some_and(|node| node.shown == Shown::Never);
    if is_unseen && node.is_some_and(|node| tree.is_unknown(node)) {
        return true;
    }
    command
        .readings_of(CommandModel::runs_commands)
        .any(|reading| {
            let reads = reading
                .model
                .is_some_and(CommandModel::hands_input_to_shell);
            let is_open = |doubt: &Doubt<'_>| match doubt {
                Doubt::Input => is_unseen || reading.is_unseen(),
                Doubt::File(_) => is_unseen,
                _ => false,
            };
            reads && reading.doubts.iter().any(is_open)
        })
}
