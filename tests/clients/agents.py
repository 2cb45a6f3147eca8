"""Real clients, each told to call the tool `shell`: agents with a scripted model, and SDKs.

Agents are configured by the blocks of README.md, as they are printed.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

from model import CUE, Contents, Messages, Model, Responses
from world import mark, running, wait_until

README = pathlib.Path(__file__).parents[2] / "README.md"
PATIENCE = 90


def block(language, contains):
    """The block of README.md in this language that contains these words."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(), re.M | re.S)
    (found,) = [block for block in blocks if contains in block]
    return found


class Client:
    """One client. `call` gives what it, or its model, was told: a text."""

    sandboxes = ["workspace-write"]
    asks = True

    def __init__(self, name, version, program):
        self.name, self.version, self.program = name, version, program

    def environment(self, world):
        path = f"{world.folder / 'bin'}:{os.environ['PATH']}"
        return world.environment | {"PATH": path, "NODE_USE_SYSTEM_CA": "1"}

    def start(self, world, command, more=None):
        place = world.folder / "bin"
        place.mkdir(exist_ok=True)
        if not (place / "codex-shell").exists():
            (place / "codex-shell").symlink_to(world.command[0])
        return subprocess.Popen(
            [str(word) for word in command],
            env=self.environment(world) | (more or {}),
            cwd=world.work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # A job in the background ignores it, and so would the client.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def finish(self, process):
        try:
            return process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            raise AssertionError(f"no end: {out[-500:]} {err[-500:]}") from None


class Library(Client):
    """An SDK, or the inspector: it shows whoever calls it the whole result."""

    def __init__(self, name, version, program, modules=None):
        super().__init__(name, version, program)
        self.modules = modules

    def command(self, world, arguments, answer):
        server = ["codex-shell", *world.command[1:]]
        specification = [server, arguments, answer]
        specification += [self.modules] if self.modules else []
        return [*self.program, json.dumps(specification)]

    def call(self, world, arguments, answer=None, sandbox=None):
        out, err = self.finish(self.start(world, self.command(world, arguments, answer)))
        if not out.strip():
            raise AssertionError(err[-500:])
        return out.splitlines()[-1]

    def leave(self, world, arguments, name):
        client = self.start(world, self.command(world, arguments, None))
        wait_until("it runs", lambda: running_sleeps(name) >= 2, PATIENCE)
        os.killpg(client.pid, signal.SIGINT)
        wait_until("it ends", lambda: running_sleeps(name) == 0)
        self.finish(client)


class Inspector(Library):
    asks = False

    def command(self, world, arguments, answer):
        tool = ["--method", "tools/call", "--tool-name", "shell", "--tool-args-json", json.dumps(arguments)]
        home = f"CODEX_HOME={world.home}"
        server = ["codex-shell", *world.command[1:]]
        return [*self.program, *tool, "--format", "json", "-e", home, "--", *server]

    def call(self, world, arguments, answer=None, sandbox=None):
        out, err = self.finish(self.start(world, self.command(world, arguments, answer)))
        if not out.strip():
            raise AssertionError(err[-500:])
        return out


class Agent(Client):
    """A client with a model."""

    speech = None
    # The tool of its own that the blocks of README.md switch off.
    replaced = None

    def configure(self, world):
        """Writes its files."""

    def command(self, model, sandbox):
        raise NotImplementedError

    def call(self, world, arguments, answer=None, sandbox="workspace-write"):
        self.configure(world)
        with Model(self.speech, arguments) as model:
            command, more = self.command(model, sandbox)
            out, err = self.finish(self.start(world, command, more))
        if self.replaced in model.offered:
            raise AssertionError(f"its own {self.replaced} is there as well")
        if not model.heard:
            why = "its model never saw the tool" if not model.called else "no result came"
            raise AssertionError(f"{why}: {out[-300:]} {err[-600:]}")
        return "\n".join(model.heard)

    def leave(self, world, arguments, name):
        self.configure(world)
        with Model(self.speech, arguments) as model:
            command, more = self.command(model, "workspace-write")
            client = self.start(world, command, more)
            try:
                wait_until("it runs", lambda: running_sleeps(name) >= 2, PATIENCE)
                os.killpg(client.pid, signal.SIGINT)
                wait_until("it ends", lambda: running_sleeps(name) == 0)
            finally:
                os.killpg(client.pid, signal.SIGKILL)
                client.communicate()


class Terminal:
    """A terminal of tmux's, with a program in it."""

    def __init__(self, world, command, environment):
        self.tmux = ["tmux", "-S", str(world.folder / "tmux")]
        variables = [f"{name}={value}" for name, value in environment.items()]
        program = ["env", "-i", "TERM=xterm-256color", *variables, *command]
        size = ["-x", "120", "-y", "50", "-c", str(world.work)]
        subprocess.run([*self.tmux, "new-session", "-d", *size, *map(str, program)], check=True)

    def screen(self):
        return subprocess.run([*self.tmux, "capture-pane", "-p"], capture_output=True, text=True).stdout

    def press(self, key):
        subprocess.run([*self.tmux, "send-keys", key], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run([*self.tmux, "kill-server"])


class Interactive(Agent):
    """One with a terminal interface, in which somebody answers."""

    asks = shutil.which("tmux") is not None

    def interface(self, model, sandbox):
        """What starts it, and variables more."""
        raise NotImplementedError

    def answer(self, terminal, model, answer):
        """Has it call, and answers by the keys that its form wants."""
        raise NotImplementedError

    def call(self, world, arguments, answer=None, sandbox="workspace-write"):
        if answer is None:
            return super().call(world, arguments, sandbox=sandbox)
        self.configure(world)
        self.start(world, ["true"]).wait()
        with Model(self.speech, arguments) as model:
            command, more = self.interface(model, sandbox)
            with Terminal(world, command, self.environment(world) | more) as terminal:
                try:
                    self.answer(terminal, model, answer)
                    wait_until("a result", lambda: model.heard, PATIENCE)
                except AssertionError as error:
                    raise AssertionError(f"{error}: {terminal.screen()}") from None
        return "\n".join(model.heard)


class Codex(Interactive):
    speech = Responses()
    replaced = "shell_command"
    sandboxes = ["read-only", "workspace-write", "danger-full-access"]
    # The choices of its form, from the first on.
    choices = ["once", "session", "no"]

    def configure(self, world):
        settings = block("toml", "mcp_servers")
        if self.version == "0.120.0":
            settings += '\n[mcp_servers.codex-shell.tools.shell]\napproval_mode = "approve"\n'
        settings += f'\n[projects."{world.work}"]\ntrust_level = "trusted"\n'
        (world.home / "config.toml").write_text(settings)

    def interface(self, model, sandbox):
        (program, _exec, _skip, *options), more = self.command(model, sandbox)
        return [program, *options], more

    def answer(self, terminal, model, answer):
        wait_until("a form", lambda: "Yes, once" in terminal.screen(), PATIENCE)
        for _ in range(self.choices.index(answer)):
            terminal.press("Down")
        terminal.press("Enter")

    def command(self, model, sandbox):
        provider = f'{{name="mock",base_url="{model.url}/v1",wire_api="responses"}}'
        settings = ['model_provider="mock"', f"model_providers.mock={provider}", 'model="mock"']
        options = [part for setting in settings for part in ("-c", setting)]
        return [*self.program, "exec", "--skip-git-repo-check", "-s", sandbox, *options, CUE], {}


class ClaudeCode(Interactive):
    speech = Messages()
    replaced = "Bash"
    # Its form has the decision, the reason, and Accept beside Decline.
    keys = {
        "once": ["Down", "Down", "Enter"],
        "session": ["Right", "Down", "Enter", "Down", "Enter"],
        "no": ["Down", "Down", "Right", "Enter"],
    }

    def configure(self, world):
        (world.work / ".mcp.json").write_text(block("json", "alwaysLoad"))
        (world.work / ".claude").mkdir(exist_ok=True)
        (world.work / ".claude" / "settings.json").write_text(block("json", '"deny"'))
        # What it asks for at its first start.
        known = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}
        own = {"hasCompletedOnboarding": True, "customApiKeyResponses": {"approved": ["none"]}}
        own |= {"projects": {str(world.work): known}}
        (world.home / ".claude.json").write_text(json.dumps(own))

    def interface(self, model, sandbox):
        command, more = self.command(model, sandbox)
        return [word for word in command if word not in ("-p", CUE)], more

    def answer(self, terminal, model, answer):
        wait_until("a prompt", lambda: "❯" in terminal.screen(), PATIENCE)
        # Its first turns may come before it has the server's tools.
        wait_until("a call", lambda: self.begins(terminal, model), PATIENCE)
        wait_until("a form", lambda: "Accept" in terminal.screen(), PATIENCE)
        for key in self.keys[answer]:
            wait_until("a change", lambda: self.moves(terminal, key), PATIENCE)

    def form(self, terminal):
        """What is on the screen of it; what is above blinks."""
        return terminal.screen().partition("requests your input")[2]

    def moves(self, terminal, key):
        """Presses a key; it takes none for a moment after it has shown something else."""
        before = self.form(terminal)
        terminal.press(key)
        try:
            wait_until("a change", lambda: self.form(terminal) != before, 2)
        except AssertionError:
            return False
        return True

    def begins(self, terminal, model):
        terminal.press(CUE)
        terminal.press("Enter")
        try:
            wait_until("a call", lambda: model.called, 5)
        except AssertionError:
            return False
        return True

    def command(self, model, sandbox):
        quiet = ["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "DISABLE_TELEMETRY", "DISABLE_AUTOUPDATER"]
        more = dict.fromkeys(quiet, "1")
        more |= {"ANTHROPIC_BASE_URL": model.url, "ANTHROPIC_API_KEY": "none"}
        # What its settings ask a person about in a new directory.
        here = ["--mcp-config", ".mcp.json", "--strict-mcp-config", "--settings", ".claude/settings.json"]
        return [*self.program, *here, "-p", CUE], more


class Gemini(Agent):
    speech = Contents()
    replaced = "run_shell_command"
    asks = False

    def configure(self, world):
        (world.work / ".gemini").mkdir(exist_ok=True)
        (world.work / ".gemini" / "settings.json").write_text(block("json", '"trust"'))
        own = world.home / ".gemini"
        (own / "policies").mkdir(parents=True, exist_ok=True)
        (own / "policies" / "shell.toml").write_text(block("toml", "run_shell_command"))
        key = {"security": {"auth": {"selectedType": "gemini-api-key"}}}
        (own / "settings.json").write_text(json.dumps(key))

    def command(self, model, sandbox):
        more = {"GOOGLE_GEMINI_BASE_URL": model.url, "GEMINI_API_KEY": "none"}
        more |= {"GEMINI_CLI_TRUST_WORKSPACE": "true", "GEMINI_TELEMETRY_ENABLED": "false"}
        return [*self.program, "-m", "gemini-2.5-flash", "-p", CUE], more


def running_sleeps(name):
    return sum(command.startswith(b"sleep\0") for command in running(name))


def sleeper():
    """A mark, and a script whose processes have it."""
    name = mark()
    return name, f"sleep {name} & setsid sleep {name} & wait"
