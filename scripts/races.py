#!/usr/bin/env python3
"""Races for an exec: something writes its words after it was judged. Nothing that is forbidden may run.

    scripts/races.py target/release/codex-shell
    CODEX_SHELL_RACES=5000 scripts/races.py target/release/codex-shell --busy chain heir

Each kind of race (the heads of tests/programs/weaver.c, racer.c and sharer.c say which there are) is
tried as often as CODEX_SHELL_RACES says (40), in the sandbox and without one, by the user who starts
this. With --busy, a program keeps each processor busy meanwhile. Printed are the tries, how many had
the forbidden program run, and how many sessions did not end; the status is 1 when either is not 0.
"""

import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile
import time

# A session that takes longer does not end: seconds.
LONGEST = 180
BOTH = ("workspace-write", "danger-full-access")
PERMITTED, FORBIDDEN = "/usr/bin/cut", "/usr/bin/cat"
RULES = (
    'prefix_rule(pattern = ["cat"], decision = "forbidden")\n'
    'prefix_rule(pattern = ["echo", "push"], decision = "forbidden")\n'
)
SCRIPTS = {"weaver": "weaver {how} {count} {first} /usr/bin/cat mark", "racer": "racer /usr/bin/echo {count}",
           "sharer": "sharer /usr/bin/echo {count}"}
# What has the supervisor watch every exec from then on is tried afresh: once in a session, or as often
# as can be before that.
KINDS = {
    "behind": ("weaver", FORBIDDEN, 50, BOTH),
    "closed": ("weaver", FORBIDDEN, 50, BOTH),
    "orphan": ("weaver", PERMITTED, 50, BOTH),
    "sibling": ("weaver", PERMITTED, 50, BOTH),
    "chain": ("weaver", PERMITTED, 50, BOTH),
    "heir": ("weaver", PERMITTED, 1, BOTH),
    "disk": ("weaver", PERMITTED, 250, BOTH),
    # Without a sandbox, one process may write another's memory, the supervisor's too.
    "late": ("weaver", PERMITTED, 10, BOTH[:1]),
    "thread": ("racer", PERMITTED, 250, BOTH),
    "memory": ("sharer", PERMITTED, 250, BOTH),
}


def compile_programs(folder):
    source = pathlib.Path(__file__).resolve().parent.parent / "tests" / "programs"
    for name in SCRIPTS:
        subprocess.run(["gcc", "-static", "-O1", "-pthread", "-o", folder / name, source / f"{name}.c"], check=True)


def session(binary, folder, mode, how, count):
    """How often the forbidden program ran; None when the session did not end."""
    program, first, _, _ = KINDS[how]
    script = SCRIPTS[program].format(how=how, count=count, first=first)
    with tempfile.TemporaryDirectory(dir=folder) as workspace:
        pathlib.Path(workspace, "mark").write_text("forbidden\n")
        command = [binary, "run", "--rules", folder / "rules", "--sandbox", mode, "--ask", "deny", "-C", workspace,
                   "-c", f"{script} 2>/dev/null; echo over"]
        environment = dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}")
        # Into a file: what did not end may hold a pipe.
        with tempfile.TemporaryFile() as output:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                     env=environment, start_new_session=True)
            try:
                child.wait(timeout=LONGEST)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
                return None
            output.seek(0)
            lines = output.read().decode(errors="replace").splitlines()
    if "over" not in lines:
        sys.exit("\n".join([f"{how}, {mode}: the session ended with {child.returncode}:", *lines[-5:]]))
    return sum(line in ("forbidden", "push") for line in lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)} (all)")
    parser.add_argument("--mode", choices=BOTH, action="append")
    parser.add_argument("--busy", action="store_true", help="keep each processor busy")
    parser.add_argument("--jobs", type=int, default=1, help="sessions at once (1)")
    options = parser.parse_intermixed_args()
    unknown = set(options.kinds) - set(KINDS)
    if unknown:
        parser.error(f"no such kind: {', '.join(sorted(unknown))}")
    tries = int(os.environ.get("CODEX_SHELL_RACES", "40"))
    binary = options.binary.resolve()
    busy = []
    bad = False
    # On a disk: memory alone knows no direct reads.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name, \
            concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        (folder / "rules").write_text(RULES)
        compile_programs(folder)
        try:
            if options.busy:
                busy = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in os.sched_getaffinity(0)]
            for how in options.kinds or KINDS:
                _, _, size, modes = KINDS[how]
                for mode in options.mode or modes:
                    if mode not in modes:
                        continue
                    counts = [min(size, tries - done) for done in range(0, tries, size)]
                    begun = time.monotonic()
                    found = list(pool.map(lambda count: session(binary, folder, mode, how, count), counts))
                    through = sum(count or 0 for count in found)
                    hangs = found.count(None)
                    seconds = time.monotonic() - begun
                    print(f"{how:8} {mode:18} {tries:6} tries {through:5} through {hangs:3} hangs {seconds:6.0f} s",
                          flush=True)
                    bad |= through > 0 or hangs > 0
        finally:
            for one in busy:
                one.kill()
                one.wait()
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
