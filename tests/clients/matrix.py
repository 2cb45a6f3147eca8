"""What each client gets of the server, as a table: clients by situations.

A cell says what was seen; what a client has no way to do is said as well. A cell that is not as it should
be begins with FAILS, and fails the whole.
"""

import datetime
import pathlib
import re

from agents import sleeper
from world import World

SECONDS = 60_000


def expect(condition, what, text):
    if not condition:
        raise AssertionError(f"{what}: {text[:400]}")


def runs(client, world):
    """Output and exit status arrive."""
    told = client.call(world, world.call("echo some-words; exit 7"))
    expect("some-words" in told and re.search(r'exit_code\\*":\s*7', told), "no output", told)
    return "yes"


def writes(client, world):
    """In the workspace, as the client's mode says."""
    cells = []
    for sandbox in client.sandboxes:
        made = world.work / f"made-{sandbox}"
        client.call(world, world.call(f"touch {made}"), sandbox=sandbox)
        expect(made.exists() == (sandbox != "read-only"), f"in {sandbox}", str(made.exists()))
        cells.append(f"{sandbox}: {'yes' if made.exists() else 'refused'}")
    return ", ".join(cells)


def asks_yes(client, world):
    told = client.call(world, world.call("whoami && echo ran"), answer="once" if client.asks else None)
    if client.asks:
        expect(re.search(r"\\nran", told), "did not run", told)
        return "yes"
    expect("refused" in told and not re.search(r"\\nran", told), "no refusal", told)
    found = re.search(r"(the client declined|nobody could be asked|declined|cancelled)[^\\\";()]*", told)
    return f"refused: {found.group().strip()}" if found else "refused"


def asks_no(client, world):
    if not client.asks:
        return "as to the left"
    told = client.call(world, world.call("whoami && echo ran"), answer="no")
    expect("declined" in told and not re.search(r"\\nran", told), "ran", told)
    return "yes"


def asks_for_the_session(client, world):
    if not client.asks:
        return "as to the left"
    # One answer is given, and two are wanted.
    told = client.call(world, world.call("whoami && whoami && echo ran"), answer="session")
    expect(re.search(r"\\nran", told), "did not run", told)
    return "yes"


def forbids(client, world):
    """The reason of a rule reaches whoever called."""
    told = client.call(world, world.call("printenv HOME"))
    expect("no secrets" in told, "no reason", told)
    return "yes"


def ends_in_time(client, world):
    told = client.call(world, world.call("echo before; sleep 600", timeout_ms=1500))
    expect("before" in told and re.search(r'exit_code\\*":\s*124', told), "no timeout", told)
    return "yes"


def cancels(client, world):
    """Interrupted, it leaves nothing."""
    name, script = sleeper()
    client.leave(world, world.call(script, timeout_ms=10 * SECONDS), name)
    return "yes"


def gives_much(client, world):
    """Of 2.7 MB, the status, the beginning and the end arrive."""
    told = client.call(world, world.call("echo first; seq 1 400000; exit 3", timeout_ms=SECONDS))
    expect(re.search(r'exit_code\\*":\s*3', told), "no status", told)
    expect("first" in told, "no beginning", told)
    size = f"{len(told) // 1000} kB"
    return f"{size}, {'with' if '399999' in told else 'without'} the end"


SITUATIONS = {
    "simple command": runs,
    "write in the workspace": writes,
    "question, yes": asks_yes,
    "question, no": asks_no,
    "question, session": asks_for_the_session,
    "forbidden, the reason arrives": forbids,
    "timeout": ends_in_time,
    "interrupted, nothing is left": cancels,
    "2.7 MB of output": gives_much,
}


def cell(client, situation, binary):
    # Where a client says what is permitted, the server is started without.
    with World(binary, None if len(client.sandboxes) > 1 else client.sandboxes[0]) as world:
        try:
            return situation(client, world)
        except AssertionError as error:
            return "FAILS: " + " ".join(str(error).split())


def table(clients, binary):
    """The table, line by line, and whether all is as it should be."""
    names = list(SITUATIONS)
    lines = ["| client | " + " | ".join(names) + " |", "| --- " * (len(names) + 1) + "|"]
    well = True
    for client in clients:
        cells = []
        for name, situation in SITUATIONS.items():
            found = cell(client, situation, binary)
            well &= not found.startswith("FAILS")
            print(f"{client.name} {client.version}: {name}: {found}", flush=True)
            cells.append(found.replace("|", "\\|"))
        lines.append(f"| {client.name} {client.version} | " + " | ".join(cells) + " |")
    return lines, well


HEAD = """# Clients

What real clients get from `codex-shell serve`, as `tests/clients/run.py BINARY TOOLS --all docs/clients.md`
saw it on {date}. Agents are configured by the blocks of [README](../README.md#give-it-to-an-agent) as they
are printed, and have a model that follows a script. Codex's questions are answered in its terminal interface
(Enter takes the first choice), what else it does is `codex exec`, which answers questions with no; Codex 0.120.0
wants `approval_mode = "approve"` also in `[mcp_servers.codex-shell.tools.shell]`. Claude Code's are answered in
its terminal interface too (Accept takes "Yes, once", Decline says no), what else it does is `claude -p`, which
cancels questions. gemini-cli is run with `-p`, where it asks nobody. VS Code's block was compared with the schema of its
`mcp.json` and not run.

"""


def write(path, lines):
    date = datetime.date.today().isoformat()
    pathlib.Path(path).write_text(HEAD.format(date=date) + "\n".join(lines) + "\n")
