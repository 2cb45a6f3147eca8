"""Carries streamable HTTP to stdio: a server process for each session. For tests only.

The conformance suite speaks HTTP alone, and calls tools by names of its own; FIXTURES says what
each is in terms of the tool `shell`. Everything else passes as it is.
"""

import http.server
import json
import queue
import subprocess
import threading
import uuid

from local_server import LocalServer

FIXTURES = {
    "test_simple_text": {"command": "echo This is a simple text response for testing."},
    "test_error_handling": {"command": "true", "workdir": "not/absolute"},
    "test_tool_with_progress": {"command": "for i in 1 2 3; do echo $i; sleep 0.4; done"},
    "test_elicitation": {"command": "whoami"},
}


class Session:
    """A server, and who waits for what it says."""

    def __init__(self, world):
        self.server = subprocess.Popen(
            world.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=world.environment,
            cwd=world.work,
        )
        self.lock = threading.Lock()
        self.waiting = {}
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.server.stdout:
            message = json.loads(line)
            with self.lock:
                streams = list(self.waiting.values())
                if "method" not in message:
                    streams = [self.waiting.pop(message.get("id"))]
                # What is said of no request in particular goes along with any.
                for stream in streams[:1]:
                    stream.put(message)

    def send(self, message):
        """Passes a message on; the stream of what is said until the answer, for a request."""
        stream = queue.Queue()
        with self.lock:
            if "method" in message and "id" in message:
                self.waiting[message["id"]] = stream
            self.server.stdin.write(json.dumps(message).encode() + b"\n")
            self.server.stdin.flush()
        return stream

    def close(self):
        self.server.stdin.close()
        self.server.wait(30)


def translated(message, world):
    parameters = message.get("params") or {}
    fixture = FIXTURES.get(parameters.get("name")) if message.get("method") == "tools/call" else None
    if fixture:
        message["params"] = parameters | {"name": "shell", "arguments": world.call("") | fixture}
    return message


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        sessions = self.server.sessions
        name = self.headers.get("mcp-session-id")
        if message.get("method") == "initialize":
            name = uuid.uuid4().hex
            sessions[name] = Session(self.server.world)
        if name not in sessions:
            return self.empty(404)
        stream = sessions[name].send(translated(message, self.server.world))
        if "method" not in message or "id" not in message:
            return self.empty(202)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("mcp-session-id", name)
        self.send_header("connection", "close")
        self.end_headers()
        answer = None
        while answer is None:
            said = stream.get(timeout=60)
            self.wfile.write(f"event: message\ndata: {json.dumps(said)}\n\n".encode())
            self.wfile.flush()
            answer = said if "method" not in said else None
        self.close_connection = True

    def do_GET(self):
        self.empty(405)

    def do_DELETE(self):
        session = self.server.sessions.pop(self.headers.get("mcp-session-id"), None)
        if session:
            session.close()
        self.empty(200 if session else 404)

    def empty(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Bridge(LocalServer):
    """Has a server process of `world` for each session."""

    def __init__(self, world):
        super().__init__(Handler)
        self.world = world
        self.sessions = {}
        self.url = f"http://127.0.0.1:{self.server_port}/mcp"

    def __exit__(self, *error):
        super().__exit__(*error)
        for session in self.sessions.values():
            session.close()
