"""A model that calls the tool `shell` once, as a test says, and then says "done".

It serves on this machine what three vendors' clients speak: OpenAI's responses, Anthropic's messages and
Google's generateContent. What clients tell it of the call's result is kept.
"""

import http.server
import itertools
import json

from local_server import LocalServer

# The words of the person that begin a turn; clients ask models for titles and the like as well.
CUE = "please begin"


def texts(value):
    """All strings in a piece of JSON, one after the other."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


class Responses:
    """What Codex speaks."""

    def results(self, request):
        items = request.get("input") or []
        return [item["output"] for item in items if item.get("type") == "function_call_output"]

    def tools(self, request):
        for tool in request.get("tools") or []:
            for inner in tool.get("tools") or [tool]:
                where = {"namespace": tool["name"]} if inner is not tool else {}
                yield {"name": inner.get("name", "")} | where

    def answer(self, number, tool, arguments):
        if tool:
            call = {"type": "function_call", "call_id": f"call_{number}", "id": f"fc_{number}"}
            item = call | {"arguments": json.dumps(arguments), "status": "completed"} | tool
        else:
            content = [{"type": "output_text", "text": "done", "annotations": []}]
            item = {"type": "message", "id": f"msg_{number}", "role": "assistant"}
            item |= {"status": "completed", "content": content}
        about = {"id": f"resp_{number}", "object": "response"}
        usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        usage |= {"input_tokens_details": {"cached_tokens": 0}}
        usage |= {"output_tokens_details": {"reasoning_tokens": 0}}
        end = about | {"status": "completed", "output": [item], "usage": usage}
        return events(
            ("response.created", {"response": about | {"status": "in_progress", "output": []}}),
            ("response.output_item.added", {"output_index": 0, "item": item}),
            ("response.output_item.done", {"output_index": 0, "item": item}),
            ("response.completed", {"response": end}),
        )


class Messages:
    """What Claude Code speaks."""

    def results(self, request):
        blocks = [m["content"] for m in request.get("messages") or []]
        blocks = [b for content in blocks if isinstance(content, list) for b in content]
        return [b.get("content") for b in blocks if b.get("type") == "tool_result"]

    def tools(self, request):
        return [{"name": tool["name"]} for tool in request.get("tools") or []]

    def answer(self, number, tool, arguments):
        if tool:
            begun = {"type": "tool_use", "id": f"toolu_{number}", "input": {}} | tool
            delta = {"type": "input_json_delta", "partial_json": json.dumps(arguments)}
        else:
            begun = {"type": "text", "text": ""}
            delta = {"type": "text_delta", "text": "done"}
        message = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": "mock"}
        message |= {"content": [], "stop_reason": None, "stop_sequence": None}
        message |= {"usage": {"input_tokens": 1, "output_tokens": 1}}
        stop = {"stop_reason": "tool_use" if tool else "end_turn", "stop_sequence": None}
        return events(
            ("message_start", {"message": message}),
            ("content_block_start", {"index": 0, "content_block": begun}),
            ("content_block_delta", {"index": 0, "delta": delta}),
            ("content_block_stop", {"index": 0}),
            ("message_delta", {"delta": stop, "usage": {"output_tokens": 1}}),
            ("message_stop", {}),
        )


class Contents:
    """What gemini-cli speaks."""

    def results(self, request):
        parts = [p for c in request.get("contents") or [] for p in c.get("parts") or []]
        return [p["functionResponse"] for p in parts if "functionResponse" in p]

    def tools(self, request):
        for tool in request.get("tools") or []:
            yield from ({"name": f["name"]} for f in tool.get("functionDeclarations") or [])

    def answer(self, _number, tool, arguments):
        part = {"functionCall": tool | {"args": arguments}} if tool else {"text": "done"}
        content = {"role": "model", "parts": [part]}
        usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
        body = {"candidates": [{"content": content, "finishReason": "STOP", "index": 0}]}
        body |= {"usageMetadata": usage, "modelVersion": "mock"}
        return f"data: {json.dumps(body)}\r\n\r\n"


def events(*all_of_them):
    lines = (f"event: {kind}\ndata: {json.dumps({'type': kind} | more)}\n\n" for kind, more in all_of_them)
    return "".join(lines)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.say("application/json", json.dumps({"object": "list", "data": [], "models": []}))

    def do_HEAD(self):
        self.say("application/json", "")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            request = json.loads(body)
        except ValueError:
            request = {}
        if "count" in self.path.lower():
            return self.say("application/json", '{"input_tokens": 1, "totalTokens": 1}')
        self.say("text/event-stream", self.server.answer(request))

    def say(self, kind, text):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


class Model(LocalServer):
    """Calls `shell` with `arguments`."""

    def __init__(self, speech, arguments):
        super().__init__(Handler)
        self.speech, self.arguments = speech, arguments
        self.numbers = itertools.count(1)
        self.called = False
        self.heard = []
        self.offered = set()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def answer(self, request):
        results = self.speech.results(request)
        if results:
            self.heard = list(texts(results))
        tools = list(self.speech.tools(request))
        self.offered |= {tool["name"] for tool in tools}
        own = [t for t in tools if t["name"].endswith("shell") and "codex" in json.dumps(t)]
        begins = any(CUE in text for text in texts(request)) and own and not results
        if begins:
            self.called = True
        return self.speech.answer(next(self.numbers), own[0] if begins else None, self.arguments)
