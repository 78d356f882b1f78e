"""One file a command: its arguments → calls → an exit code; only here is printed.

A command is a module that keeps the promise of ``Command``; the literal registry is
in ``cli``, by name, so that a command's imports cost only those who call it.
"""

from __future__ import annotations

import argparse
import re
import sys
from typing import Protocol

from benchgate.errors import BenchgateError, ExitCode

# A newline separates the lines of a tool; all else would command the terminal.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
# What GitHub's runner obeys: the one at the start of a line, the other anywhere.
_OF_THE_RUNNER = re.compile(r"^\s*:(?=:)|##(?=\[)", re.MULTILINE)


class Command(Protocol):
    """What a command module provides."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the flags; imports nothing heavy."""

    def run(self, args: argparse.Namespace) -> ExitCode:
        """Do it, print what there is to say, and return how it ended."""


def complain(error: BenchgateError) -> None:
    """Say on standard error what is wrong, and what to do about it."""
    print(f"benchgate: error: {_harmless(error.problem)}", file=sys.stderr)
    if error.hint:
        print(f"benchgate: hint: {_harmless(error.hint)}", file=sys.stderr)


def _harmless(text: str) -> str:
    """Return *text*, which may hold what a tool or a file said, to be printed."""
    shown = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
    return _OF_THE_RUNNER.sub(lambda found: f"{found[0]} ", shown)
