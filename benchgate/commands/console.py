"""Where text goes: the report to standard output, progress to standard error."""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console

# Lines in a CI log: often enough to see life, seldom enough to be read.
_EVERY = 15.0


def console() -> Console:
    """Return the console for standard output; plain when piped or with NO_COLOR."""
    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


class Progress:
    """Says on standard error what is going on, in place on a terminal."""

    def __init__(self) -> None:
        """Start silent."""
        self._terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._said_at = 0.0
        self._open_line = False

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the line that is being rewritten."""
        self._end_line()

    def say(self, text: str) -> None:
        """Write *text* on a line of its own."""
        self._end_line()
        print(f"benchgate: {text}", file=sys.stderr, flush=True)

    def advance(self, *, rounds: int, of: int, seconds: float, budget: float) -> None:
        """Rewrite the line that tells how far the measuring is."""
        text = (
            f"benchgate: round {rounds} of at most {of}, "
            f"{_minutes(seconds)} of {_minutes(budget)}"
        )
        if self._terminal:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
            self._open_line = True
        elif time.monotonic() - self._said_at >= _EVERY:
            self._said_at = time.monotonic()
            print(text, file=sys.stderr, flush=True)

    def _end_line(self) -> None:
        if self._open_line:
            print(file=sys.stderr, flush=True)
            self._open_line = False


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d} min"
