#!/usr/bin/env python3
"""Many runs at once, and many processes in one run: no wrong answer, no process left, little memory.

    scripts/storm.py target/debug/codex-shell --runs 200 --execs 50 --processes 5000

Every run has a program that a rule forbids among those it starts; each must be refused, and each
of the others must run. The memory is the most that any process of a run had, the supervisor's
and the programs' alike.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import uuid

RULES = 'prefix_rule(pattern = ["chgrp"], decision = "forbidden", justification = "in a storm")\n'

ONE_OF_MANY = """
ran=0 refused=0
for ((i = 1; i <= {execs}; i++)); do
    if ((i % 10)); then /bin/true && ((ran++)); else chgrp --version 2>/dev/null >&2 || ((refused++)); fi
done
echo $ran $refused
"""

STORM = """
for ((i = 1; i <= {processes}; i++)); do
    if ((i % 10)); then /bin/true & else chgrp --version 2>/dev/null >&2 & fi
    pids[i]=$!
done
ran=0 refused=0 other=0
for ((i = 1; i <= {processes}; i++)); do
    wait ${{pids[i]}}
    case $? in 0) ((ran++));; 1) ((refused++));; *) ((other++));; esac
done
echo $ran $refused
((other)) && echo "$other ended otherwise"
:
"""

# Large argument vectors, in calls that fail, succeed and are refused, also to scripts that are
# interpreted by scripts, by several processes at once.
HOARD = """
ulimit -s unlimited
interpreter=/bin/true
for n in 1 2 3 4; do
    echo "#!$interpreter" > script$n
    chmod +x script$n
    interpreter=$PWD/script$n
done
for n in 1 2 3 4 5 6 7 8; do
    perl -e '
        for my $round (1) {
            for my $file ("/bin/true", "./nothing-here", "/bin/chgrp", "./script1", "./script4") {
                my $pid = fork // die;
                if (!$pid) { exec $file, ("a" x 30) x 120000; exit 3 }
                waitpid $pid, 0;
            }
        }' 2>/dev/null &
done
wait
echo done
"""


def left_over(mark):
    """Processes that have the mark in their environment."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if mark.encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


class Storm:
    def __init__(self, program, limit):
        self.program, self.limit = program, limit
        self.mark = f"STORM={uuid.uuid4()}"
        self.folder = tempfile.TemporaryDirectory(dir="/var/tmp")
        self.rules = os.path.join(self.folder.name, "storm.rules")
        pathlib.Path(self.rules).write_text(RULES)
        self.failures = 0

    def start(self, script):
        name, value = self.mark.split("=")
        command = [self.program, "run", "--rules", self.rules, "--ask", "deny", "--timeout", "10m", "-c", script]
        return subprocess.Popen(
            command, cwd=self.folder.name, env={**os.environ, name: value},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def check(self, what, runs, expected):
        since, peak, wrong = time.monotonic(), 0, []
        for process in runs:
            out, err = process.stdout.read().decode(), process.stderr.read().decode(errors="replace")
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            peak = max(peak, usage.ru_maxrss)
            if out.strip() != expected or process.returncode != 0:
                wrong.append(f"status {process.returncode}, said {out[-200:]!r} {err[-400:]!r}")
        left = left_over(self.mark)
        took = time.monotonic() - since
        print(f"{what}: {len(wrong)} wrong, {len(left)} left, at most {peak} kB, {took:.1f} s", flush=True)
        for line in wrong[:3] + left[:3]:
            print("   ", line)
        if peak > self.limit:
            print(f"    more than {self.limit} kB")
        self.failures += bool(wrong) + bool(left) + (peak > self.limit)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--execs", type=int, default=50)
    parser.add_argument("--processes", type=int, default=500)
    parser.add_argument("--limit", type=int, default=50 * 1024, help="kB that a process may take")
    args = parser.parse_args()
    storm = Storm(os.path.abspath(args.program), args.limit)

    refused = args.execs // 10
    script = ONE_OF_MANY.format(execs=args.execs)
    runs = [storm.start(script) for _ in range(args.runs)]
    storm.check(f"{args.runs} runs of {args.execs} execs", runs, f"{args.execs - refused} {refused}")

    refused = args.processes // 10
    runs = [storm.start(STORM.format(processes=args.processes))]
    storm.check(f"{args.processes} processes in one run", runs, f"{args.processes - refused} {refused}")

    storm.check("argument vectors of 4 MB, eight at a time", [storm.start(HOARD)], "done")
    return 1 if storm.failures else 0


if __name__ == "__main__":
    sys.exit(main())
