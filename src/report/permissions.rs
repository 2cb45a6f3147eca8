//! What a project would permit, shortly, for who is about to trust it.

use std::fmt::Write as _;
use std::path::Path;

use crate::request::argv;
use crate::rules::model::Run;
use crate::rules::{Decision, RuleSet};

use super::paint::decision;
use super::source_form;

/// Rules, and lines of settings, that are shown.
const MOST: usize = 30;
/// Characters that are shown of one of them.
const LINE: usize = 160;

/// The rules that let programs out of the sandbox, unasked or after a yes, each in one line, then the settings.
/// Places are named from `root` on.
pub fn text(rules: &RuleSet, settings: Option<&[u8]>, root: &Path) -> String {
    let prefixes = rules.prefix_rules.iter().map(|rule| (rule.decision, true));
    let commands = rules.command_rules.iter();
    let commands = commands.map(|rule| (rule.decision, rule.run != Some(Run::Inside)));
    let all = prefixes.chain(commands).enumerate();
    let out = all.filter(|(_, (said, out))| *out && *said != Decision::Forbidden);
    let rule = |(number, (said, _)): (usize, (Decision, bool))| {
        let place = rules.rule(number).map(|rule| rules.place(rule.span));
        let place = place.unwrap_or_default();
        let below = Path::new(&place).strip_prefix(root).ok();
        let place = below.and_then(Path::to_str).unwrap_or(&place).to_owned();
        let source = argv::line(&source_form::of(rules, number), LINE);
        format!("{:<9}  {}  {source}", decision(said), argv::visible(&place))
    };
    let out: Vec<String> = out.map(rule).collect();
    let mut text = listed("What it lets out of the sandbox", &out);
    let settings = String::from_utf8_lossy(settings.unwrap_or_default());
    let settings = settings.lines().map(str::trim);
    let settings = settings.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let settings: Vec<String> = settings.map(|line| argv::line(line, LINE)).collect();
    text += &listed("What it sets", &settings);
    text
}

fn listed(heading: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut text = format!("{heading}\n");
    let more = lines.len().saturating_sub(MOST);
    for line in lines.iter().take(MOST) {
        // Writing to a String can't fail.
        let _ = writeln!(text, "  {line}");
    }
    if more > 0 {
        let _ = writeln!(text, "  and {more} more: see the files");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::from_own_text;

    #[test]
    fn what_permits_is_listed_and_what_restricts_is_not() {
        let rules = "prefix_rule([\"a\"])\nprefix_rule([\"b\"], decision = \"forbidden\")\n\
            command_rule(program = \"c\",\n  decision = \"prompt\")\n\
            command_rule(program = \"d\", run = \"inside\")\n";
        let rules = from_own_text("/p/.codex/rules/x.rules", rules);
        let settings = b"# why\n\nask = \"allow\"\x1b[2K\n";
        assert_eq!(
            text(&rules, Some(settings), Path::new("/p")),
            "What it lets out of the sandbox\n  \
             allow      .codex/rules/x.rules:1  prefix_rule([\"a\"])\n  \
             prompt     .codex/rules/x.rules:3  command_rule(program = \"c\", decision = \"prompt\")\n\
             What it sets\n  ask = \"allow\"\\e[2K\n"
        );
        assert_eq!(text(&RuleSet::default(), None, Path::new("/p")), "");
    }

    #[test]
    fn of_many_the_rest_is_counted() {
        let rules = "prefix_rule([\"x\"])\n".repeat(MOST + 2);
        let text = text(&from_own_text("x.rules", &rules), None, Path::new("/"));
        assert_eq!(text.lines().count(), MOST + 2);
        assert!(text.ends_with("  and 2 more: see the files\n"), "{text}");
    }
}
