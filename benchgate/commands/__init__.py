"""One file a command: its arguments → calls → an exit code; only here is printed.

A command is a module that keeps the promise of ``Command``; the literal registry is
in ``cli``, by name, so that a command's imports cost only those who call it.
"""

from __future__ import annotations

import argparse
from typing import Protocol

from benchgate.errors import ExitCode


class Command(Protocol):
    """What a command module provides."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the flags; imports nothing heavy."""

    def run(self, args: argparse.Namespace) -> ExitCode:
        """Do it, print what there is to say, and return how it ended."""
