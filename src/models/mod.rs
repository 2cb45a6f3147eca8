//! What is known of programs' command lines: the models that ship in the binary, and how words
//! are read by one.
//!
//! The truth is Starlark, in `builtin/*.star`; [`SOURCES`] holds the text. What the binary reads
//! is `builtin.jsonl`, the same as data, one program a line, which a test compares and
//! `UPDATE_MODELS=1 cargo test models` writes anew. A program's line is read when it is first
//! asked for.
//!
//! # How a model is written
//!
//! ```python
//! program(
//!     "git",                                    # every name, separated by spaces
//!     flags = ["-p --paginate", "--bare"],      # options without a value, all spellings of one
//!     options_with_value = ["-C", "-c"],        # attached or as the next word
//!     options_with_attached_value = ["--exec-path"],
//!     runs = ["-c", "--exec-path"],             # of these: they make it start another program,
//!     scripts = [],                             # … their value is given to a shell,
//!     splits = [],                              # … their value is split into a command (env -S),
//!     commas = [],                              # … their value is a command, its words between commas,
//!     writes = [],                              # … their value is a file that is written,
//!     destroys = [],                            # … they discard what may exist nowhere else
//!     changes = ["-s", "set-*", "*=*", "!+*"],  # … they set the system's state; subcommands and operands
//!                                               # of these forms do, and none behind a `!`
//!     elsewhere = ["--host", "*://*"],          # … they choose another server, account or configuration than
//!                                               # the program has by itself; words as for `changes`, and
//!                                               # `-R=*/*/*` for values of that form of an option
//!     directories = ["-C"],                     # … their value is the directory of what it starts
//!     unsets = ["-u"],                          # … their value names a variable that this has not
//!     clears = ["-i"],                          # … this has no variables but those that the words set
//!     defaults = {"-X": {"": "GET", "-d": "POST"}, "-n": {"": None}}, # values of options that aren't there, with
//!                                               # another option or none; `None`: a configuration has it
//!     overrides = {"-n": ["-A", "*/*:*"]},      # with one of these, `-n` says something else than its value, or
//!                                               # nothing; words as for `elsewhere`; `*`: any option
//!     resets = ["--next"],                      # behind it the options before it count no more
//!     by_key = {"--network": "name"},           # its value may be said as `name=host,alias=x`
//!     keeps_variables = True,                   # what it starts has its own variables otherwise
//!     unseen = True,                            # no exec shows what it or a subcommand starts: that is on another
//!                                               # machine, in a container, left to a service, or takes rights that
//!                                               # a sandbox has not
//!     away = True,                              # what it or a subcommand starts has a directory of its own, as on
//!                                               # another machine and in a container
//!     elsewhere_operands = "first",             # of the operands, these alone choose it
//!     writes_operands = "last",                 # operands that are files written: all, first, rest, last, files
//!     writes_unless = ["--stdout"],             # … but not with one of these options
//!     writes_when = ["-i"],                     # … or only with one of these
//!     tasks = True,                             # its operands say what to do, as make's targets do
//!     short = ["push", "rm rmi"],               # of the words behind it: these say, without it, the same, the
//!                                               # second of two by that name: `docker image rm` is `docker rmi`;
//!                                               # "*": what is no subcommand: `yarn run deploy` is `yarn deploy`
//!     acts_as_called = True,                    # linked to as `cargo`, rustup does what cargo does
//!     cut_short = True,                         # its subcommands may be: `npm pub`
//!     obeys = ["Makefile"],                     # files where it is started that tell it what to start
//!     reads = ["-S=*", "source *"],             # files whose commands it does: what a star of values of options,
//!                                               # or of a statement in a language of its own, stands for
//!     variables = ["GIT_DIR"],                  # say what it and its subcommands act on; `TF_VAR_*` too
//!     secured_by = ["LESSSECURE=1", "!NAME"],   # so set, or unset, it takes no commands from input or terminal
//!     subcommands = [command("push", …), …],    # the same arguments, to any depth
//!     takes_operands = True,                    # and operands where a subcommand may stand: `reflog HEAD`
//!     options_with_number = ["-j"],             # attached, or the next word if it is a number
//!     chains = [";"],                           # ends the command, another follows: `tmux ls ";" new`
//!     options_anywhere = True,                  # options before the subcommand count behind it too
//!     wraps = [inner(…), …],                    # where a command of its own begins
//!     style = "gnu",                            # words: find's -name; go: terraform's -chdir=x
//!     abbreviations = True,                     # --forc for --force
//!     negations = True,                         # --no-verbose for each --verbose
//!     posix = True,                             # the first operand ends the options
//!     leading = 1,                              # not yet the first, but the second: `ssh HOST -v CMD`
//!     digits = True,                            # -20
//!     plus = True,                              # +e
//!     short_equals = True,                      # -n=x has the value x, as --name=x
//!     response = True,                          # gcc @file
//!     bundle = True,                            # tar xzf
//! )
//! ```
//!
//! A command's `obeys` goes for its subcommands unless those say otherwise; `obeys = []`: it obeys none.
//! `.git` stands for the repository that it finds there, as git does.
//!
//! An option spelled `of=` is an operand that begins so, as dd has them; one spelled `-fdump-` or `-Wl,` has
//! its value right behind it. A command's own `style`,
//! `abbreviations`, `negations`, `posix`, `digits`, `plus`, `short_equals` and `response` go for its subcommands unless those
//! say otherwise.
//!
//! | `inner(…)` | the command that begins there |
//! | --- | --- |
//! | `inner(after = 1)` | the operands behind the first: `timeout 5 CMD` |
//! | `inner(assignments = True)` | the operands behind `NAME=value` words: `env A=b CMD` |
//! | `inner(appends = True)` | the operands, and words that can't be known: `xargs CMD` |
//! | `inner(appends = True, marks = ["{}", "-I"])` | the same; words stand in the place of `{}`, and of the value of that option |
//! | `inner(appends = True, of = ["-a=*", "::::"])` | the same; the words come from files that such values name, or that stand behind such a word |
//! | `inner(after = 1, dashes = True)` | what follows `--`, else the operands behind the first: `kubectl exec POD -- CMD` |
//! | `inner(form = "line")` | the operands, joined, as a script: `watch CMD`, `ssh HOST CMD` (`after = 1`) |
//! | `inner(form = "script", when = ["-c"])` | the first operand, as a script, with that option: `sh -c` |
//! | `inner(form = "script", after = 1, behind = ["-c"])` | the operand behind a literal one: `flock FILE -c SCRIPT` |
//! | `inner(form = "file", unless = ["-c", "-s"])` | the first operand names a file of commands, which nobody reads here |
//! | `inner(form = "code", unless = ["-f"])` | the first operand is a program in a language of its own, which nobody reads here: `awk` |
//! | `inner(form = "code", of = ["*!=*"])` | each operand of one of these forms is such a program: `make A!=CMD` |
//! | `inner(form = "file", after = 1, of = ["*"])` | each operand behind the first names such a file |
//! | `inner(form = "code", of = ["*#(*"], anywhere = True)` | the same of values of options and of subcommands' words: `tmux ls -F '#(CMD)'` |
//! | `inner(form = "code", of = ["-f=*:*"])` | a value of that form of that option: `tar -tf HOST:FILE` |
//! | `inner(form = "input")` | standard input, if there are no operands; with `when`, whether there are or not: `sh -s` |
//! | `inner(form = "input", follows = ["-m"], of = ["code"])` | the same, where a command that begins so follows: `python -m code` |
//! | `inner(form = "keys")` | what is typed, or standard input, whatever the operands are: an editor |
//! | `inner(form = "script", of = ["-o=remotecommand=*"])` | in a value of that form of that option, what the star stands for, as a script |
//! | `inner(after = 1, program = ["--entrypoint"])` | the value of that option, its arguments the operands behind the first |
//! | `inner(called = ["-a"])` | the operands, whose program is called by the value of that option as well: `exec -a NAME CMD` |
//! | `inner(follows = ["-exec"], until = [";", "+"])` | the words between: `find` |

#![forbid(unsafe_code)]

mod builtin;
mod data;
mod default_value;
mod derived;
mod find;
mod form;
mod inert;
mod inner;
mod inner_model;
pub mod model;
mod operands;
mod phrasing;
mod reader;
pub mod reading;
mod running;
mod slip;
mod statements;
pub mod variable;

pub use builtin::{SOURCES, builtin, knows, programs, released, says_what_is_acted_on, source};
pub use data::{TakesData, takes_data};
pub use inert::runs_nothing;
pub use model::CommandModel;
pub use phrasing::{Phrased, Phrasing, Plain};
pub use reader::read;
pub use reading::Reading;
pub use running::{is_passable, misleads_shells, runs};
pub use slip::{is_near, is_slip, is_slip_among_few, meant};
