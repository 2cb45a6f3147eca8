"""The official Python client against a server: each step fails loudly."""

import sys

import anyio
from mcp import Client, MCPError, StdioServerParameters, types
from mcp.client.stdio import stdio_client

from world import World, mark, running, wait_until

# How a client begins, and the version that it comes to speak: with a handshake, and without.
MODES = {"legacy": "2025-11-25", "auto": "2026-07-28"}


class Person:
    """Who answers questions: each with the next of `answers`."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def __call__(self, _context, params):
        self.asked.append(params)
        action, content = self.answers.pop(0)
        return types.ElicitResult(action=action, content=content)


def client(world, mode, person=None, command=None):
    command = command or world.command
    parameters = StdioServerParameters(
        command=command[0], args=command[1:], env=world.environment, cwd=world.work
    )
    return Client(stdio_client(parameters), mode=mode, elicitation_callback=person)


async def lists_its_tools(world, mode):
    async with client(world, mode) as session:
        assert session.server_info.name == "codex-shell", session.server_info
        assert session.protocol_version == MODES[mode], session.protocol_version
        names = [tool.name for tool in (await session.list_tools()).tools]
        assert names == ["shell", "explain"], names


async def gives_output(world, mode):
    async with client(world, mode) as session:
        # The client checks the structure against the schema that the tool declares.
        result = await session.call_tool("shell", world.call("echo out; echo err >&2; exit 7"))
        said = result.structured_content
        assert (said["exit_code"], said["stdout"], said["stderr"]) == (7, "out\n", "err\n"), said
        result = await session.call_tool("shell", world.call(r"printf 'a\377\342\202\254\n'"))
        assert result.structured_content["stdout"] == "a\ufffd\u20ac\n", result


async def refuses(world, mode):
    async with client(world, mode) as session:
        result = await session.call_tool("shell", world.call("printenv HOME; whoami"))
        said = result.structured_content
        assert "denied: printenv HOME" in said["stderr"] and "no secrets" in said["stderr"], said
        assert [e["verdict"] for e in said["execs"]] == ["forbidden", "refused"], said
        assert "declares no elicitation" in said["execs"][1]["reason"], said


async def asks(world, mode):
    yes = ("accept", {"decision": "once"})
    no = ("decline", None)
    why = ("accept", {"decision": "no", "reason": "not now"})
    person = Person(yes, no, why, ("cancel", None))
    async with client(world, mode, person) as session:
        stories = []
        for _ in range(4):
            result = await session.call_tool("shell", world.call("whoami && echo ran"))
            said = result.structured_content
            reason = said["execs"][0].get("reason")
            stories.append((said["stdout"].endswith("ran\n"), reason))
    assert stories == [
        (True, None),
        (False, "declined"),
        (False, "declined: not now"),
        (False, "cancelled"),
    ], stories
    assert all("`whoami`" in question.message for question in person.asked), person.asked


async def tells_of_output_as_it_comes(world, mode):
    heard = []

    async def progress(done, _total, message):
        heard.append((done, message))

    async with client(world, mode) as session:
        script = "for i in 1 2 3; do echo $i; sleep 0.4; done"
        await session.call_tool("shell", world.call(script), progress_callback=progress)
    assert "".join(message for _, message in heard) == "1\n2\n3\n", heard
    assert [done for done, _ in heard] == sorted({done for done, _ in heard}), heard


async def stops_when_cancelled(world, mode):
    name = mark()
    async with client(world, mode) as session:
        async with anyio.create_task_group() as group:
            script = f"sleep {name} & setsid sleep {name} & wait"
            group.start_soon(session.call_tool, "shell", world.call(script, timeout_ms=60_000))
            await anyio.to_thread.run_sync(wait_until, "it runs", lambda: len(running(name)) >= 2)
            group.cancel_scope.cancel()
        await anyio.to_thread.run_sync(wait_until, "it ends", lambda: not running(name))
        result = await session.call_tool("shell", world.call("echo alive"))
        assert result.structured_content["stdout"] == "alive\n", result


async def answers_nonsense(world, mode):
    async with client(world, mode) as session:
        try:
            result = await session.call_tool("no such tool", {})
        except MCPError as error:
            assert error.code == types.INVALID_PARAMS, error
        else:
            raise AssertionError(result)
        result = await session.call_tool("shell", {})
        assert result.is_error and "`command`" in result.content[0].text, result
        wrong = [
            ("workdir", "."),
            ("timeout_ms", 0),
            ("timeout_ms", -1),
            ("timeout_ms", "soon"),
            ("env", {"A=B": ""}),
            ("env", ["A=1"]),
        ]
        for name, value in wrong:
            result = await session.call_tool("shell", world.call("true") | {name: value})
            assert result.is_error and f"`{name}" in result.content[0].text, (name, result)
        result = await session.call_tool("shell", world.call("echo alive"))
        assert result.structured_content["stdout"] == "alive\n", result


async def survives_a_line_that_is_no_message(world, mode):
    noise = r"not JSON\n[1, 2]\n{\"jsonrpc\": \"2.0\"}\n\377\n\n"
    command = " ".join(world.command)
    command = ["/bin/sh", "-c", f"{{ printf '{noise}'; exec cat; }} | {command}"]
    async with client(world, mode, command=command) as session:
        result = await session.call_tool("shell", world.call("echo alive"))
        assert result.structured_content["stdout"] == "alive\n", result


async def serves_many_at_once(world, mode):
    person = Person(*[("accept", {"decision": "once"})] * 8)
    results = {}

    async with client(world, mode, person) as session:

        async def call(number):
            script = f"sleep 0.2; whoami >/dev/null && echo {number}"
            result = await session.call_tool("shell", world.call(script, timeout_ms=60_000))
            results[number] = result.structured_content["stdout"]

        async with anyio.create_task_group() as group:
            for number in range(8):
                group.start_soon(call, number)
    assert results == {number: f"{number}\n" for number in range(8)}, results


STEPS = [
    lists_its_tools,
    gives_output,
    refuses,
    asks,
    tells_of_output_as_it_comes,
    stops_when_cancelled,
    answers_nonsense,
    survives_a_line_that_is_no_message,
    serves_many_at_once,
]


async def main(binary):
    for mode in MODES:
        for step in STEPS:
            with World(binary) as world, anyio.fail_after(120):
                await step(world, mode)
            print(f"ok  {mode}  {step.__name__}", flush=True)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1])
