"""A service that says how slow it is: the first line of the file ``milliseconds``."""

# It notes its starts, and is as ill as the file ``ill`` says: when, in which layout.

from __future__ import annotations

import http.server
import os
import sys
from pathlib import Path

LAYOUT = 0
"""The seed that the linker was given."""

SLOWNESS = Path("milliseconds").read_text().strip()
if SLOWNESS == "broken":
    sys.exit("thread 'main' panicked: no configuration")
STARTS = Path(os.environ["FAKE_STATE"], "log")
with STARTS.open("a") as log:
    log.write(
        "\x1f".join(("service", os.environ.get("SIDE", ""), str(LAYOUT))) + "\x1e"
    )
ILL = Path("ill").read_text().split() if Path("ill").exists() else [""]
IS_ILL = str(LAYOUT) in ILL[1:]
if IS_ILL and ILL[0] == "start":
    sys.exit("thread 'main' panicked: misaligned")
if IS_ILL and ILL[0] == "port":
    sys.exit("Address already in use (os error 98)")
if ILL[0] == "once" and STARTS.read_text().count("service") > len(("base", "head")):
    sys.exit("thread 'main' panicked: the database is locked")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if IS_ILL and ILL[0] == "load" and self.path != "/health":
            os._exit(1)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(SLOWNESS.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
