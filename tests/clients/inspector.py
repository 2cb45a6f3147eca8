"""The inspector's command line against a server. It can't be asked anything, nor show progress."""

import json
import pathlib
import signal
import subprocess
import sys

from world import World, mark, running, wait_until


class Inspector:
    """The inspector, and the server that it is to start."""

    def __init__(self, node, modules, world):
        launcher = "@modelcontextprotocol/inspector/clients/launcher/build/index.js"
        self.command = [node, str(pathlib.Path(modules) / launcher), "--cli"]
        self.world = world

    def arguments(self, *options):
        home = f"CODEX_HOME={self.world.home}"
        return [*self.command, *options, "--format", "json", "-e", home, "--", *self.world.command]

    def run(self, *options):
        """Status, result and what was complained of."""
        ran = subprocess.run(
            self.arguments(*options),
            env=self.world.environment,
            cwd=self.world.work,
            timeout=120,
            text=True,
            capture_output=True,
        )
        try:
            result = json.loads(ran.stdout)["result"]
        except (ValueError, KeyError):
            result = None
        # The server says at its start which rules it has.
        lines = ran.stderr.splitlines()
        complaints = [line for line in lines if not line.startswith("codex-shell: rules in force")]
        return ran.returncode, result, "\n".join(complaints)

    def call(self, *options, tool="shell", **arguments):
        arguments = json.dumps(arguments)
        tool = ["--tool-name", tool, "--tool-args-json", arguments]
        return self.run("--method", "tools/call", *tool, *options)


def shakes_hands(inspector):
    for era, version in [("legacy", "2025-11-25"), ("modern", "2026-07-28")]:
        status, result, complaint = inspector.run("--method", "initialize", "--protocol-era", era)
        assert status == 0, (status, complaint)
        assert result["serverInfo"]["name"] == "codex-shell", result
        assert result["protocolVersion"] == version, result


def lists_tools_that_any_client_understands(inspector):
    status, result, complaint = inspector.run("--method", "tools/list", "--strict")
    assert status == 0 and complaint == "", (status, complaint)
    assert [tool["name"] for tool in result["tools"]] == ["shell", "explain"], result


def gives_output(inspector):
    for era in ["legacy", "modern"]:
        call = inspector.world.call("echo out; echo err >&2; exit 7")
        status, result, complaint = inspector.call("--protocol-era", era, **call)
        assert status == 0 and complaint == "", (status, complaint)
        said = result["structuredContent"]
        assert (said["exit_code"], said["stdout"], said["stderr"]) == (7, "out\n", "err\n"), said


def refuses(inspector):
    _, result, _ = inspector.call(**inspector.world.call("printenv HOME; whoami"))
    said = result["structuredContent"]
    assert "denied: printenv HOME" in said["stderr"] and "no secrets" in said["stderr"], said
    assert "declares no elicitation" in said["execs"][1]["reason"], said


def explains(inspector):
    work = str(inspector.world.work)
    _, result, _ = inspector.call(tool="explain", command="whoami", workdir=work)
    assert result["structuredContent"]["decision"] == "prompt", result


def answers_nonsense(inspector):
    for arguments, named in [
        ({"command": "true"}, "`workdir`"),
        (inspector.world.call("true", env=["A=1"]), "`env`"),
    ]:
        status, result, complaint = inspector.call(**arguments)
        assert status != 0 and result["isError"], (status, result, complaint)
        assert named in result["content"][0]["text"], result
    status, _, complaint = inspector.call(tool="nope")
    assert status != 0, complaint


def serves_many_at_once(inspector):
    load = ["--load", "--load-requests", "128", "--load-concurrency", "64"]
    call = inspector.world.call("/bin/true; echo end", timeout_ms=60_000)
    status, result, complaint = inspector.call(*load, **call)
    assert status == 0, complaint
    assert (result["ok"], result["toolErrors"], result["errors"]) == (128, 0, 0), result


def ends_with_its_client(inspector):
    name = mark()
    script = f"sleep {name} & setsid sleep {name} & wait"
    arguments = json.dumps(inspector.world.call(script, timeout_ms=60_000))
    call = ["--method", "tools/call", "--tool-name", "shell", "--tool-args-json", arguments]
    client = subprocess.Popen(
        inspector.arguments(*call),
        env=inspector.world.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until("it runs", lambda: sum(c.startswith(b"sleep\0") for c in running(name)) == 2)
    client.send_signal(signal.SIGKILL)
    client.wait()
    wait_until("it ends", lambda: not running(name))


STEPS = [
    shakes_hands,
    lists_tools_that_any_client_understands,
    gives_output,
    refuses,
    explains,
    answers_nonsense,
    serves_many_at_once,
    ends_with_its_client,
]


def main(binary, node, modules):
    for step in STEPS:
        with World(binary) as world:
            step(Inspector(node, modules, world))
        print(f"ok  {step.__name__}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
