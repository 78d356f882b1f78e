"""A service that says how slow it is: the first line of the file ``milliseconds``."""

from __future__ import annotations

import http.server
import os
import sys
from pathlib import Path

SLOWNESS = Path("milliseconds").read_text().strip()
if SLOWNESS == "broken":
    sys.exit("thread 'main' panicked: no configuration")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(SLOWNESS.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
