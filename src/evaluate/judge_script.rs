//! A whole script: each command in it, judged as it would be alone.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::models::misleads_shells;
use crate::request::Request;
use crate::rules::Decision;
use crate::script::{self, Problem, ScriptCommand, Word};

use super::command_tree::{CommandTree, Lack, Node, Resolver, Surroundings};
use super::heuristic::{self, Heuristic};
use super::index::IndexedRules;
use super::judge::judge_seeing;
use super::matches::UncertainWord;
use super::restrictions::restrictions;
use super::sight::CommandSight;
use super::unforeseen::{Foresight, Unforeseen, unforeseen};
use super::verdict::{Basis, Judgement, Placement, RuleMatch};
use super::written::Written;

/// What comes of a script.
#[derive(Debug)]
pub struct ScriptJudgement {
    /// The strictest of all.
    pub decision: Decision,
    /// Every command, each before those that it starts.
    pub commands: Vec<JudgedCommand>,
    /// What it comes to.
    pub tree: CommandTree,
}

impl ScriptJudgement {
    /// What could not be read. Such a script is never allowed.
    pub fn problems(&self) -> &[Problem] {
        self.tree.problems()
    }

    /// Some of the commands stand in files that others have a shell read.
    pub fn reads_files(&self) -> bool {
        self.tree.reads_files
    }

    /// Decides on the whole anew.
    pub fn decide(&mut self) {
        let least = if self.problems().is_empty() {
            Decision::Allow
        } else {
            Decision::Prompt
        };
        let all = self.commands.iter().map(|command| command.decision);
        self.decision = all.fold(least, Decision::max);
    }

    /// Whether a person is asked about something because of what comes from the network to be run by it.
    pub fn asks_about_flows(&self) -> bool {
        let judged = self.commands.iter().flat_map(|it| &it.judgement);
        judged
            .into_iter()
            .any(|it| matches!(it.verdict.basis, Basis::Heuristic { code, .. } if heuristic::is_flow(code)))
    }
}

/// Who starts the commands of a script, where that counts for what they ask for.
pub trait Callers {
    /// What a command asks for that the command numbered `starter` starts, where that is something else than in the
    /// place of the script itself.
    fn asked(&self, starter: usize, request: &Request) -> Option<Request>;
    /// Hears of each command of the `tree`, what starts it before it: its number, and if a program may start, what
    /// is asked for and said of that, but not that one within it is forbidden.
    fn judged(
        &self,
        tree: &CommandTree,
        node: usize,
        starter: Option<usize>,
        said: Option<(&Request, &Judgement)>,
    );
}

/// All run where the script itself does.
impl Callers for () {
    fn asked(&self, _: usize, _: &Request) -> Option<Request> {
        None
    }

    fn judged(
        &self,
        _: &CommandTree,
        _: usize,
        _: Option<usize>,
        _: Option<(&Request, &Judgement)>,
    ) {
    }
}

/// One command of a script.
#[derive(Debug)]
pub struct JudgedCommand {
    /// Its number in the tree.
    pub node: usize,
    /// The line of its script on which it begins, from 1.
    pub line: u32,
    /// How many wrappers and scripts it is within.
    pub depth: usize,
    /// What it is.
    pub kind: CommandKind,
    /// Why it is unknown what runs, if that is not by what it is called.
    pub unforeseen: Option<Unforeseen>,
    /// As the script has it, expansions and all.
    pub command: ScriptCommand,
    /// What would be asked, with what is unknown as the script has it; `None` when nothing starts.
    pub request: Option<Request>,
    /// What rules and heuristics say of the request.
    pub judgement: Option<Judgement>,
    /// What holds in the end.
    pub decision: Decision,
}

/// What a command of a script is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandKind {
    /// A program that starts.
    Program,
    /// Something that the shell does itself.
    Builtin,
    /// A function that the script defines.
    Function,
    /// Assignments or redirections without a command.
    Bare,
    /// What runs can't be known before.
    Unknown,
}

impl JudgedCommand {
    /// Where it would run.
    pub fn placement(&self) -> Placement {
        let judged = self
            .judgement
            .as_ref()
            .filter(|_| self.kind == CommandKind::Program);
        judged.map_or(Placement::Inside, |judged| judged.verdict.placement)
    }
}

/// Judges every command in the script `text`, and what those start in turn.
pub fn judge_script(
    index: &IndexedRules,
    text: &[u8],
    resolver: &Resolver<'_>,
    callers: &dyn Callers,
) -> ScriptJudgement {
    let mut tree = CommandTree::of_script(index, text, resolver);
    index.follow(&mut tree, resolver.follow);
    let said = tree.nodes().iter().filter(|node| node.is_said()).count();
    let mut judge = Judge {
        index,
        tree: &tree,
        callers,
        dangers: Vec::new(),
        within: vec![Vec::new(); tree.nodes().len()],
        presumed: vec![None; tree.nodes().len()],
        written: Written::by(index, &tree),
        lacks: Vec::new(),
        commands: Vec::with_capacity(said),
        strictest: Vec::with_capacity(said),
    };
    judge.look();
    judge.dangers = heuristic::dangers(index, &tree, &judge.lacks);
    judge.list(None, 0, None);
    let (mut commands, strictest) = (judge.commands, judge.strictest);
    for (command, asked) in commands.iter_mut().zip(strictest) {
        if let Some(node) = tree.nodes_mut().get_mut(command.node) {
            command.command = *node.written.take().unwrap_or_default();
            command.request = asked.map(|asked| match asked {
                AskedFor::AsItStands(nth) => node.asked.swap_remove(nth),
                AskedFor::Otherwise(request) => *request,
            });
        }
    }
    let mut judged = ScriptJudgement {
        decision: Decision::Allow,
        commands,
        tree,
    };
    judged.decide();
    judged
}

/// What a command of a script asks for.
enum AskedFor {
    /// The request of this number in the tree.
    AsItStands(usize),
    /// Something else, where it is started.
    Otherwise(Box<Request>),
}

struct Judge<'a> {
    index: &'a IndexedRules,
    tree: &'a CommandTree,
    callers: &'a dyn Callers,
    /// What looks dangerous about each command or one within it.
    dangers: Vec<Option<&'static Heuristic>>,
    /// The rules that restrict a command within each.
    within: Vec<Vec<RuleMatch>>,
    /// The rule that would restrict each if what nobody can know of it were so.
    presumed: Vec<Option<usize>>,
    /// What they write.
    written: Written,
    /// What is left out of each.
    lacks: Vec<Lack>,
    commands: Vec<JudgedCommand>,
    /// Of each, what it asks for where it may do least.
    strictest: Vec<Option<AskedFor>>,
}

impl Judge<'_> {
    /// Finds what restricts those within each command, each once.
    fn look(&mut self) {
        let nodes = self.tree.nodes();
        self.lacks = nodes.iter().map(|node| node.lacks).collect();
        let mut foresight = Foresight::default();
        // Those within a command come behind it.
        for (nth, node) in nodes.iter().enumerate().rev() {
            let presumed = node.asked.iter();
            let presumed =
                presumed.filter_map(|request| foresight.presumed(self.index, node, request));
            let presumed: Vec<RuleMatch> = presumed.collect();
            if let Some(place) = self.presumed.get_mut(nth) {
                *place = presumed.first().map(|matched| matched.rule);
            }
            let Some(parent) = node.parent else {
                continue;
            };
            let is_placed = node.around.directories.is_some();
            let asked = node.asked.iter();
            let own = asked.flat_map(|request| restrictions(self.index, request, is_placed));
            let mut all: Vec<RuleMatch> = own.chain(presumed).collect();
            all.extend(self.within.get(nth).into_iter().flatten().cloned());
            let lacks = self.lacks.get(nth).copied().unwrap_or_default();
            if let Some(around) = self.within.get_mut(parent) {
                around.append(&mut all);
                around.sort_by_key(|matched| (matched.rule, matched.presumed));
                around.dedup_by_key(|matched| matched.rule);
            }
            if let Some(around) = self.lacks.get_mut(parent) {
                *around = lacks.max(*around);
            }
        }
    }

    /// Lists what `node` runs, `None` for the whole, which the command numbered `starter` starts. The depth of the
    /// recursion is that of the tree.
    fn list(&mut self, node: Option<&Node>, depth: usize, starter: Option<usize>) {
        let tree = self.tree;
        for (nth, child) in tree.range(node).zip(tree.children(node)) {
            if child.is_said() {
                let (judged, strictest) = self.judged(nth, child, depth, starter);
                self.commands.push(judged);
                self.strictest.push(strictest);
                self.list(Some(child), depth + 1, Some(nth));
            } else {
                self.list(Some(child), depth, starter);
            }
        }
    }

    /// The command without what it is taken from; and which of what it asks for counts.
    fn judged(
        &mut self,
        nth: usize,
        node: &Node,
        depth: usize,
        starter: Option<usize>,
    ) -> (JudgedCommand, Option<AskedFor>) {
        let otherwise = |request| self.callers.asked(starter?, request);
        let otherwise: Vec<Option<Request>> = node.asked.iter().map(otherwise).collect();
        let asked = || {
            let all = node.asked.iter().zip(&otherwise);
            all.map(|(request, otherwise)| otherwise.as_ref().unwrap_or(request))
        };
        let nothing = ScriptCommand::default();
        let command = node.written.as_deref().unwrap_or(&nothing);
        let mut kind = self.kind(node, command);
        let program = asked().next().filter(|_| kind == CommandKind::Program);
        let is_source = |request: &&Request| {
            let name = request.program.asked.as_bytes();
            kind == CommandKind::Builtin && script::reads_script(name)
        };
        let read = asked().next().filter(is_source);
        let is_written = |request: &&Request| self.written.decide_on(self.index, request);
        let unforeseen = program
            .and_then(|request| self.unforeseen(nth, node, request))
            .or_else(|| read.filter(is_written).map(|_| Unforeseen::Written));
        if unforeseen.is_some() {
            kind = CommandKind::Unknown;
        }
        let doubt = doubt(command, kind, &node.around);
        let within = self.within.get_mut(nth).map(std::mem::take);
        let lacks = self.lacks.get(nth).copied().unwrap_or_default();
        let danger = self.dangers.get(nth).copied().flatten();
        let mut sight = CommandSight::in_script(
            within.unwrap_or_default(),
            lacks,
            danger,
            doubt,
            node.around.directories.is_some(),
        );
        // Of the directories that it may be in, the one counts where it may do least.
        let each = asked().enumerate().map(|(asked, request)| {
            let judgement = judge_seeing(self.index, request, &sight);
            (asked, judgement)
        });
        let strictness = |judged: &Judgement| {
            let is_inside = judged.verdict.placement == Placement::Inside;
            (judged.verdict.decision, is_inside)
        };
        let strictest = each.reduce(|one, other| {
            if strictness(&other.1) > strictness(&one.1) {
                other
            } else {
                one
            }
        });
        let (number, judgement) = strictest.unzip();
        let starts = matches!(kind, CommandKind::Program | CommandKind::Unknown);
        let said = number.and_then(|number| asked().nth(number));
        let said = said.zip(judgement.as_ref()).filter(|_| starts);
        // Those that it starts are where it would be: it may be that their file shows only when they start.
        let alone = said.filter(|(_, judgement)| judgement.is_forbidden_within());
        let alone = alone.map(|(request, _)| {
            sight.within.clear();
            judge_seeing(self.index, request, &sight)
        });
        let said = said.map(|(request, judgement)| (request, alone.as_ref().unwrap_or(judgement)));
        self.callers.judged(self.tree, nth, starter, said);
        let judged = JudgedCommand {
            node: nth,
            line: command.line,
            depth,
            kind,
            unforeseen,
            command: ScriptCommand::default(),
            request: None,
            decision: judgement
                .as_ref()
                .map_or(Decision::Allow, |it| decision(kind, it)),
            judgement,
        };
        let asked = number.map(|number| {
            let mut otherwise = otherwise.into_iter();
            match otherwise.nth(number).flatten() {
                Some(request) => AskedFor::Otherwise(Box::new(request)),
                None => AskedFor::AsItStands(number),
            }
        });
        (judged, asked)
    }

    fn unforeseen(&self, nth: usize, node: &Node, request: &Request) -> Option<Unforeseen> {
        let presumed = self.presumed.get(nth).copied().flatten();
        let is_written = || self.written.decide_on(self.index, request);
        presumed
            .map(Unforeseen::Rule)
            .or_else(|| unforeseen(self.index, node, request))
            .or_else(|| {
                self.may_be_function(node, request)
                    .then_some(Unforeseen::Function)
            })
            .or_else(|| is_written().then_some(Unforeseen::Written))
    }

    /// Whether it is called by a name that no program is found by, and what nobody has read may define it.
    fn may_be_function(&self, node: &Node, request: &Request) -> bool {
        let program = &request.program;
        let by_name = !program.asked.as_bytes().contains(&b'/');
        let is_missing = by_name && program.path.is_none();
        is_missing && self.is_by_shell(node) && self.tree.may_define(node)
    }

    fn kind(&self, node: &Node, command: &ScriptCommand) -> CommandKind {
        let Some(name) = command.words.first().map(Word::known) else {
            return CommandKind::Bare;
        };
        if self.tree.is_unknown(node) {
            return CommandKind::Unknown;
        }
        let name = name.unwrap_or_default();
        let by_shell = self.is_by_shell(node);
        if by_shell && self.tree.defines(node, &name) {
            CommandKind::Function
        } else if by_shell && (script::is_builtin(&name) || script::reads_script(&name)) {
            CommandKind::Builtin
        } else {
            CommandKind::Program
        }
    }

    /// Whether a shell looks for the command itself: it stands in a script, or behind a builtin that says no more.
    /// The depth of the recursion is that of the tree.
    fn is_by_shell(&self, node: &Node) -> bool {
        let around = node.parent.and_then(|parent| self.tree.nodes().get(parent));
        let passes = |around: &Node| {
            let name = around.argv.first().map(|name| name.as_bytes());
            matches!(name, Some(b"builtin" | b"command"))
        };
        node.place.is_some() || around.is_some_and(|it| passes(it) && self.is_by_shell(it))
    }
}

/// Why rules that permit may not believe all of the command's words.
fn doubt(
    command: &ScriptCommand,
    kind: CommandKind,
    around: &Surroundings,
) -> Option<UncertainWord> {
    let all = |reason: &str| {
        Some(UncertainWord {
            from: 0,
            reason: reason.to_owned(),
        })
    };
    if kind == CommandKind::Function {
        return all("the script has a function of this name");
    }
    // Where it is known, programs were looked for by it.
    let is_followed = |name: &OsStr| name == "PATH" && !around.variables.is_unknown("PATH");
    let mut changed = around.variables.changed();
    if changed.any(|name| misleads_shells(name) && !is_followed(name)) {
        return all("the script changes a variable that says what programs do");
    }
    if around.variables.are_unknown() {
        return all("the variables, which say what programs do, are not known here");
    }
    let program = command
        .words
        .first()
        .map(Word::recognised)
        .unwrap_or_default();
    if around.directories.is_none() && program.contains(&b'/') && !program.starts_with(b"/") {
        return all("the script changes the working directory before");
    }
    let mut words = command.words.iter().enumerate();
    words.find_map(|(from, word)| {
        let why = word.unknown()?;
        let reason = format!("word {from} is {}, known only when it runs", why.name());
        Some(UncertainWord { from, reason })
    })
}

fn decision(kind: CommandKind, judgement: &Judgement) -> Decision {
    let judged = judgement.verdict.decision;
    let by_rule = matches!(judgement.verdict.basis, Basis::Rule(_));
    match kind {
        CommandKind::Unknown => judged.max(Decision::Prompt),
        // No program starts, so defaults don't apply.
        CommandKind::Builtin | CommandKind::Function | CommandKind::Bare if by_rule => judged,
        CommandKind::Builtin | CommandKind::Function | CommandKind::Bare => {
            match judgement.verdict.basis {
                Basis::Heuristic { .. } => judged,
                _ => Decision::Allow,
            }
        }
        CommandKind::Program => judged,
    }
}
