"""A server on a free port of this machine, for as long as a `with` statement."""

import http.server
import threading


class LocalServer(http.server.ThreadingHTTPServer):
    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)

    def handle_error(self, *_):
        """A client that hangs up is no error; what it missed fails its own test."""

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
