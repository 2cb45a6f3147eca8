"""What the clients' tests share: a server's command line, and directories of its own."""

import os
import pathlib
import shutil
import tempfile
import time

RULES = """\
prefix_rule(pattern=["whoami"], decision="prompt", justification="who asks?")
prefix_rule(pattern=["printenv"], decision="forbidden", justification="no secrets")
"""


class World:
    """A home with rules, a directory to work in, and the command that starts a server there."""

    def __init__(self, binary, sandbox="workspace-write"):
        # Not in /tmp, which the sandbox may write to.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="codex-shell-clients.", dir="/var/tmp"))
        self.home = self.folder / "home"
        self.work = self.folder / "work"
        self.work.mkdir()
        (self.home / "rules").mkdir(parents=True)
        (self.home / "rules" / "default.rules").write_text(RULES)
        self.command = [str(binary), "serve", *(["--sandbox", sandbox] if sandbox else [])]
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "CODEX_HOME": str(self.home),
            "LANG": "C.UTF-8",
        }

    def call(self, command, **more):
        """The arguments of a call of the tool `shell`."""
        return {"command": command, "workdir": str(self.work), "login": False, **more}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)


def running(mark):
    """The processes with `mark` in their command line."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if mark.encode() in command:
                found.append(command)
    return found


def wait_until(what, holds, patience=30):
    """Waits until `holds()`; an error that names `what` when it never does."""
    deadline = time.monotonic() + patience
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain: {what}")
        time.sleep(0.05)


def mark():
    """A time to sleep that nobody else sleeps: a mark for its processes."""
    return f"733.{os.getpid()}{time.monotonic_ns() % 10**6:06}"
