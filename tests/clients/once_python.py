"""The official Python client calls `shell` once: what it got, as JSON. once_python.py SPECIFICATION"""

import json
import os
import sys

import anyio
from mcp import Client, StdioServerParameters, types
from mcp.client.stdio import stdio_client


async def main(command, arguments, answer):
    async def person(_context, _params):
        content = {"decision": answer} if answer in ("once", "session") else None
        return types.ElicitResult(action="accept" if content else "decline", content=content)

    parameters = StdioServerParameters(command=command[0], args=command[1:], env=dict(os.environ))
    client = Client(
        stdio_client(parameters), mode="auto", elicitation_callback=person if answer else None
    )
    async with client as session:
        result = await session.call_tool("shell", arguments)
        print(result.model_dump_json())


anyio.run(main, *json.loads(sys.argv[1]))
