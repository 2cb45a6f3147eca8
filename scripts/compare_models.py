#!/usr/bin/env python3
"""Compares models with the programs they are of: which options take a value, and which start or write something.

    scripts/compare_models.py target/debug/codex-shell            # the sample that CI compares
    scripts/compare_models.py target/debug/codex-shell --all      # every model whose program is here
    scripts/compare_models.py target/debug/codex-shell git tar    # these
    scripts/compare_models.py target/debug/codex-shell --missing  # also what models lack

What a program knows is read from its help and its manual, and asked of the program itself: each
option is tried in front of one that no program has, in a sandbox that writes nothing. Told are
options that take a value where the model says they don't, or the other way round, and those of which
the text says that they start or write something and the model doesn't. What a model lacks counts as
unknown and does not permit, so it is told only if asked for. What was looked at and is right stands in scripts/model_exceptions.toml, with the
reason. A program that isn't here is skipped, and counted. Exit 1 if something differs or nothing
could be compared.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
UNHEARD = "--zq-unheard"
SECONDS = 5

# The programs that people and agents start most often.
FIRST = """
    ls cat cp mv rm mkdir rmdir ln touch chmod chown head tail wc sort uniq cut tr tee paste join comm
    split csplit nl od seq shuf stat du df date basename realpath readlink mktemp truncate
    install env timeout nice nohup stdbuf base64 cksum md5sum cmp diff patch file
    find xargs grep sed mawk tar gzip bzip2 xz zstd zip unzip ar
    git make gcc ld strip objcopy cmake ninja meson
    curl wget ssh scp sftp rsync ssh-keygen openssl gpg
    ps kill pkill killall top ss lsof mount umount sysctl hostname
    systemctl journalctl systemd-run timedatectl service crontab
    apt dpkg dpkg-deb rpm useradd usermod sudo su flock setsid watch time parallel tmux script
    svn hg docker kubectl gh terraform pipx cargo rustc rustup npm node python pip jq yq rg fd less man strace busybox
""".split()

# Those that a bare Debian has or that CI installs.
SAMPLE = """
    ls cp mv rm ln chmod chown head tail wc sort uniq cut tee paste join split csplit od seq stat du df
    date readlink install env timeout stdbuf cksum md5sum cmp diff patch find xargs grep sed tar gzip
    git make ps kill dpkg dpkg-deb ssh ssh-keygen mount useradd usermod flock script shuf strip hostname
    journalctl systemctl timedatectl wget xz
""".split()

# Subcommands of git whose help is of an old style, without values or with those in sentences: the manual says them.
OLD_STYLE = {"instaweb", "quiltimport", "rev-list", "diff-files", "diff-index", "diff-tree"}

# Whose help must be asked for in another way.
HELP = {
    "git": lambda path: [["man", "-".join(path)] if path[-1] in OLD_STYLE else path + ["-h"]],
    "openssl": lambda path: [path + ["-help"]],
    "busybox": lambda path: [],
    "curl": lambda path: [path + ["--help", "all"]],
    "gcc": lambda path: [path + ["--help"], path + ["--help=common"]],
}
# Whose manual speaks of the options of subcommands or of other programs too, as options of its own.
NO_MANUAL = {"git", "cmake", "openssl", "meson", "cargo", "docker", "kubectl", "tar", "find", "less"}
# Which have words behind one dash besides letters.
WORDS = {"gcc", "ld", "rustc"}
# Which do more than say so when an option is wrong, or take none for wrong.
NOT_ASKED = {"svn", "rpm", "kill", "pkill", "killall", "shutdown", "openssl", "busybox", "ssh", "sftp", "scp", "top", "su", "sudo", "service", "docker", "kubectl", "npm", "aws", "gcloud"}

TAKES_NONE = re.compile(
    r"doesn't allow an argument|does not allow an argument|takes no (value|argument)|does not take (a value|an argument)"
    r"|unexpected value|ignored explicit argument|doesn't take (a value|an argument)"
)
TAKES_ONE = re.compile(
    r"requires an? (argument|value|parameter)|option requires|expected (one|at least one) argument|a value is required"
    r"|needs an? (argument|value)|missing argument|requires (one|1) argument|argument required"
)
UNKNOWN = re.compile(
    r"unrecognized option|unknown option|invalid option|unexpected argument|unrecognized argument|illegal option"
    r"|no such option|not recognized|unknown switch|unknown argument|unknown flag|bad option|isn't known|not known"
)


def text_of(argv):
    """What the command prints, without the marks by which manuals are made bold."""
    environ = os.environ | {"LC_ALL": "C", "MANWIDTH": "180", "MANPAGER": "cat", "PAGER": "cat", "TERM": "dumb"}
    try:
        # In a session of its own: some signal their whole process group.
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, env=environ, cwd="/", start_new_session=True
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    text = (done.stdout + b"\n" + done.stderr).decode(errors="replace")
    return re.sub(r"\x1b\[[0-9;]*m|.\x08", "", text)


NAME = r"--?(?:\[no-\]|\[-\])?[A-Za-z0-9?#@][\w?#@.+:-]*"
# What may stand behind a name: a value, an optional one, more of them.
VALUE = re.compile(r"(\[ ?[=<A-Za-z][^\]]*\]+|=\S+|[ =]?<[^>]*>|[ =]?\{[^}]*\}| \[[^\]]*\]+|[ =]\S+)?( ?\.\.\.| ?\[[^\]]*\])?[,.;:]?$")


def kind_of(rest, alone):
    """What stands behind an option's name says of its value: none, value, optional; None: nothing."""
    if rest.strip(" .,:;") == "" or re.match(r"=(false|true)\b", rest):
        return "none"
    if not VALUE.match(rest):
        return None
    # clap: what may be missing is the next word all the same.
    if re.match(r" \[<[^\]]*>\]( ?\.\.\.)?$", rest):
        return "value"
    if re.match(r" ?\[[^\]]*\]+( ?\.\.\.)?[,.;:]?$", rest):
        return "optional"
    if re.match(r"[= ]?[<{]|=", rest):
        return "value"
    word = re.match(r" ([A-Za-z][\w:./|@-]*)", rest)
    if word and (alone or word[1].upper() == word[1]):
        return "value"
    return None


# What a text says of an option that makes it more than a choice of what is read and shown.
DOES = re.compile(
    r"\b(write|save|dump|store|redirect|append|log)s? .*\b(to|in|into|as) (the )?(given |specified )?(file|FILE|path|PATH|<)"
    r"|\boutput (file|to file|directory|dir)(?! format)\b|\bplace (the )?output\b|\b(write|send) (the )?output to\b"
    r"|\b(run|execute|invoke|call|pipe|start|use)s? .*\b(command|program|script|shell|plugin|editor|pager)\b"
    r"|\b(command|program|script) to (run|execute|invoke|use|call)\b|\bload .*\b(plugin|library|module|extension)"
    r"|\b(edit|modify|change|overwrite)s? .*\bin[- ]place\b",
    re.IGNORECASE,
)


def options_in(text, does=None):
    """The options that a help text or manual lists, and the kind of each; those that do something go to `does`."""
    found = {}
    lines = text.splitlines()
    # npm: `[-w|--workspace <name>]` in the usage, names alone in the list.
    usage = re.finditer(r"[\[|](?:(-\w)\|)?(--[\w-]+) <", text)
    valued = {name for each in usage for name in each.groups()}
    for nth, line in enumerate(lines):
        begun = re.match(r"\s*(?:or: |\[)?(-.*)$", line.rstrip())
        if not begun:
            continue
        spec, _, said = re.sub(r"\t", "  ", begun[1]).partition("  ")
        # git: the value in a column of its own.
        value = re.match(r"\s*(<[^>]*>)", said)
        if value and not re.search(r"[ =<\[]", spec.strip(" ,").rpartition(", ")[2]):
            spec += " " + value[1]
        # svn: `-r [--revision] ARG`
        spec = re.sub(r"^(-\w) \[(--[\w-]+)\]", r"\1, \2", spec)
        # curl: `--cert <file> What it is`; kubectl: `--name='':`
        spec = re.sub(r"(<[^>]*>) [A-Z].*", r"\1", spec)
        spec = re.sub(r"='.*':$|=\[\]:$|=\d+s?:$", "=X", spec.rstrip()).rstrip(":")
        alone = bool(said) or len(begun[0]) < 40
        # Between spellings of one option stands more than a space.
        for group in re.split(r"(?<![,|/])(?<!\bor)(?<!^-\w) (?=-)", spec):
            pieces = re.split(r", ?(?=-)| ?\| ?(?=-)| or (?=-)|/(?=-)|(?<=^-\w) (?=--)", group.strip())
            parsed = [re.match(rf"({NAME})(.*)$", piece.strip()) for piece in pieces]
            if not parsed[0]:
                break
            names = [each[1] for each in parsed if each]
            kinds = [kind_of(each[2].rstrip(","), alone) if each else None for each in parsed]
            said_kinds = set(kinds) - {"none"} or {"none"}
            of_all = said_kinds.pop() if len(said_kinds) == 1 else None
            long_only = of_all == "optional" and kinds[0] == "none"
            if of_all == "none" and not said and valued.intersection(names):
                of_all = "value"
            for name in names:
                # `-f, --follow[=HOW]`: nobody says whether the short one has a value.
                kind = "none or optional" if long_only and not name.startswith("--") else of_all
                bare = re.sub(r"\[(no-|-)\]", "", name)
                told = said.strip() or (lines[nth + 1].strip() if nth + 1 < len(lines) else "")
                if does is not None and not told.startswith("-") and DOES.search(told):
                    does.setdefault(bare, told)
                for each in {bare, name.replace("[no-]", "no-").replace("[-]", "-")}:
                    own = "none" if each != bare else kind
                    each = each.rstrip(".:") if len(each) > 2 else each
                    known = found.get(each, own)
                    found[each] = known if own in (known, None) else (own if known is None else None)
    return found


class Asked:
    """Asks a program about its options, by what it says to wrong ones."""

    def __init__(self, path):
        self.path = path
        said = text_of(path + [UNHEARD])
        lines = [line for line in said.splitlines() if UNHEARD.lstrip("-") in line and UNKNOWN.search(line)]
        self.complaint = lines[0] if lines else None

    def complains(self, words):
        """Whether it says that it doesn't know UNHEARD."""
        said = text_of(self.path + words + [UNHEARD])
        return self.complaint in said.splitlines(), said

    def kind(self, name):
        """As of a text; `unknown`: there is no such option; None: can't be told."""
        if not self.complaint or not name.startswith("-"):
            return None
        if name.startswith("--"):
            complains, said = self.complains([f"{name}=zq"])
            if TAKES_NONE.search(said):
                return "none"
            if re.search(r"ambiguous", said):
                return None
            if UNKNOWN.search(said) and not complains:
                return "unknown"
        complains, said = self.complains([name])
        if UNKNOWN.search(said) and not complains:
            return "unknown"
        if TAKES_ONE.search(said) or TAKES_ONE.search(text_of(self.path + [name])):
            return "value"
        return "none or optional" if complains else None


FITS = {
    "none": {"nothing"},
    "value": {"value"},
    "optional": {"attached", "number"},
    "none or optional": {"nothing", "attached", "number"},
}


def models_of(binary, program):
    """The model as data, or None."""
    done = subprocess.run([binary, "rules", "models", program, "--format", "json"], capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else None


class Level:
    """A program or a subcommand, with what its model says."""

    def __init__(self, model, around):
        syntax = dict(around.syntax if around else {})
        syntax.update(model.get("syntax", {}))
        self.syntax = syntax
        self.model = model
        self.options = {}
        self.effects = {}
        self.around = around
        for option in model.get("options", []):
            for name in option["names"]:
                self.options[self.plain(name)] = option.get("takes", "nothing")
                self.effects[self.plain(name)] = option.get("effects", [])
        self.follows = {word for inner in model.get("inner", []) for word in inner.get("follows", [])}
        level = around
        while level:
            if level.model.get("options_anywhere"):
                self.options = level.options | self.options
                self.effects = level.effects | self.effects
            level = level.around

    def plain(self, name):
        return "-" + name.lstrip("-") if self.syntax.get("style") == "go" else name

    def takes(self, name):
        """What the model says of the option; None if it lacks it."""
        name = self.plain(name)
        if name in self.options:
            return self.options[name]
        if name in self.follows:
            return "follows"
        if self.syntax.get("negations") and name.startswith("--no-") and "--" + name[5:] in self.options:
            return "nothing"
        for length in range(3, len(name)):
            if name[:length] in self.options and name[length - 1] in ",:-":
                return self.options[name[:length]]
        if self.syntax.get("digits") and re.fullmatch(r"-\d+|-NUM|-n?umber", name):
            return "nothing"
        return None


def compare(path, level, asks, told):
    """Adds what differs at this level and below; how many options were compared."""
    program = path[0]
    wanted = HELP.get(program, lambda path: [path + ["--help"]])
    does = {}
    texts = [options_in(text_of(argv), does) for argv in wanted(path)]
    if len(path) == 1 and program not in NO_MANUAL:
        texts.append(options_in(text_of(["man", program]), does))
    listed = {}
    gnu = level.syntax.get("style", "gnu") == "gnu" and program not in WORDS
    for text in texts:
        for name, kind in text.items():
            if gnu and len(name) > 2 and not name.startswith("--"):
                name, kind = name[:2], None
            if re.fullmatch(r"-\d+", name) and name not in level.options:
                continue
            listed.setdefault(level.plain(name), kind)
    # Those of subcommands are read only: some programs have thousands.
    asked = Asked(path) if asks and len(path) == 1 and program not in NOT_ASKED else None
    count = 0
    names = [name for name in {**listed, **level.options} if name.startswith("-") and not name.endswith((",", ":", "=", "-"))]
    for name in names:
        told_kind = asked.kind(name) if asked else None
        kind = told_kind or listed.get(name)
        if told_kind == "none or optional" and listed.get(name) in ("none", "optional"):
            kind = listed[name]
        if kind is None and name not in listed:
            continue
        count += 1
        takes = level.takes(name)
        where = " ".join(path)
        if kind == "unknown":
            continue
        if takes is None:
            told.append((where, name, f"missing ({kind or 'value not told'})"))
        elif kind and takes not in FITS[kind] and takes != "follows":
            told.append((where, name, f"{takes} in the model, {kind} by the {'program' if told_kind else 'text'}"))
    for name, said in does.items():
        # What wraps a command is judged by that; what has no value says no more than it does always.
        wraps = any(inner.get("form", "words") in ("words", "line", "script") for inner in level.model.get("inner", []))
        takes = level.takes(name)
        if takes in ("value", "attached") and not wraps and not level.effects.get(level.plain(name), ["follows"]):
            told.append((" ".join(path), name, f"does nothing in the model; the text: {said[:90]}"))
    for sub in level.model.get("subcommands", []):
        count += compare(path + [sub["names"][0]], Level(sub, level), asks, told)
    return count


def exceptions():
    """What was looked at: (where, option) and the reason.

    `missing` stands for all that a program's model lacks, `*` for all that is said of a subcommand, and
    `PROGRAM *` for each of a program's subcommands.
    """
    text = (HERE / "model_exceptions.toml").read_text()
    found = {}
    for program, reasons in tomllib.loads(text).items():
        for reason, names in reasons.items():
            for name in names:
                found[program, name] = reason
    return found


def confined(binary):
    """Starts this script again where it can write nothing; returns if that is already so."""
    if os.environ.get("COMPARE_MODELS_CONFINED"):
        return
    probe = subprocess.run([binary, "run", "--sandbox", "read-only", "--", "true"], capture_output=True)
    os.environ["COMPARE_MODELS_CONFINED"] = "asks" if probe.returncode == 0 else "reads"
    if probe.returncode == 0:
        words = [binary, "run", "--sandbox", "read-only", "--", sys.executable, *sys.argv]
        os.execv(binary, words)
    print("there is no sandbox here: programs are not asked, only their texts are read")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binary")
    parser.add_argument("programs", nargs="*")
    parser.add_argument("--all", action="store_true", help="every model")
    parser.add_argument("--first", action="store_true", help="the programs used most")
    parser.add_argument("--missing", action="store_true", help="also tell options that models lack")
    parser.add_argument("--no-subcommands", action="store_true")
    parser.add_argument("--texts", action="store_true", help="start no program but for its help")
    arguments = parser.parse_args()
    binary = shutil.which(arguments.binary) or os.path.abspath(arguments.binary)
    if arguments.texts:
        os.environ["COMPARE_MODELS_CONFINED"] = "reads"
    confined(binary)
    asks = os.environ["COMPARE_MODELS_CONFINED"] == "asks"
    programs = arguments.programs or (FIRST if arguments.first else SAMPLE)
    if arguments.all:
        listed = json.loads(subprocess.check_output([binary, "rules", "models", "--format", "json"]))
        programs = [program["names"][0] for program in listed["programs"]]
    excepted, told, skipped, compared, count = exceptions(), [], [], 0, 0
    used = set()

    def look(program):
        """Whether there is a model and the program is here, how many options were compared, and what differs."""
        model = models_of(binary, program)
        here = next((name for name in [program, *(model or {}).get("names", [])] if shutil.which(name)), None)
        differs = []
        if model is None or here is None:
            return model is not None, False, 0, differs
        if arguments.no_subcommands:
            model["subcommands"] = []
        return True, True, compare([here], Level(model, None), asks, differs), differs

    # Most of the time passes waiting for programs.
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        looked = pool.map(look, programs)
    for program, (has_model, is_here, options, differs) in zip(programs, looked):
        if not is_here:
            skipped.append(program if has_model else f"{program} (no model)")
            continue
        compared += options > 0
        count += options
        if options == 0:
            skipped.append(f"{program} (says nothing of its options)")
        for where, name, what in differs:
            if what.startswith("missing") and not arguments.missing:
                continue
            keys = [(where, name), (where, "*"), (f"{program} *", name)] + [(program, "missing")] * what.startswith("missing")
            if any(key in excepted for key in keys):
                used.add((where, name))
            else:
                told.append(f"{where}: {name}: {what}")
                print(told[-1], flush=True)
    print(f"{compared} programs compared, {count} options; {len(told)} differ; {len(used)} excepted")
    if skipped:
        print(f"skipped, as they are not here or have no help ({len(skipped)}): {', '.join(skipped)}")
    return 1 if told or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
