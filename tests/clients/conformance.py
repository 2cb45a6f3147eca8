"""The protocol's conformance suite against a server, over a bridge: it speaks HTTP alone."""

import pathlib
import subprocess
import sys

from http_bridge import Bridge
from world import World

# Of the server's side, what does not need prompts, resources, sampling, completion, tools that
# return pictures and sound, or a certain form of a question, and is not about HTTP itself.
SCENARIOS = [
    "server-initialize",
    "ping",
    "logging-set-level",
    "tools-list",
    "tools-call-simple-text",
    "tools-call-error",
    "tools-call-with-progress",
    "tools-call-elicitation",
]


def main(binary, node, modules):
    suite = pathlib.Path(modules) / "@modelcontextprotocol/conformance/dist/index.js"
    for scenario in SCENARIOS:
        with World(binary) as world, Bridge(world) as bridge:
            command = [node, str(suite), "server", "--url", bridge.url, "--scenario", scenario]
            ran = subprocess.run(
                command, cwd=world.folder, timeout=120, text=True, stdout=subprocess.PIPE
            )
        if ran.returncode != 0 or "Passed: " not in ran.stdout or "Passed: 0/" in ran.stdout:
            raise AssertionError(f"{scenario}: status {ran.returncode}\n{ran.stdout}")
        print(f"ok  {scenario}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
