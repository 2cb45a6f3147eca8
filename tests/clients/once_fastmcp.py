"""fastmcp calls `shell` once: what it got, as JSON. once_fastmcp.py SPECIFICATION"""

import asyncio
import json
import os
import sys

from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import StdioTransport


async def main(command, arguments, answer):
    async def person(_message, response_type, _params, _context):
        if answer not in ("once", "session"):
            return ElicitResult(action="decline")
        # As its documentation has it.
        return response_type(decision=answer)

    transport = StdioTransport(command[0], command[1:], env=dict(os.environ), cwd=os.getcwd())
    more = {"elicitation_handler": person} if answer else {}
    async with Client(transport, **more) as client:
        result = await client.call_tool_mcp("shell", arguments)
        print(result.model_dump_json())


asyncio.run(main(*json.loads(sys.argv[1])))
