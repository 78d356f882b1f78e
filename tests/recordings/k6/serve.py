"""Answer 200 after a millisecond, and 500 for /broken: what the recordings met."""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        time.sleep(0.001)
        self.send_response(500 if self.path == "/broken" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing; the names are those of the base class."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", 18081), _Handler).serve_forever()
