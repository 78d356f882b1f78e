"""Problems a user can act on, each with the exit code that it ends in.

A problem is one sentence that starts with the place; a hint is an imperative.
Errors are raised anywhere and caught in one place, ``cli.main``.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The published exit codes; ``docs/exit-codes.md`` says what each means."""

    PASSED = 0
    REGRESSED = 1
    USAGE = 2
    UNDECIDED = 3
    BUG = 70
    INTERRUPTED = 130


class BenchgateError(Exception):
    """A problem with a sentence, a hint, and an exit code."""

    exit_code = ExitCode.UNDECIDED

    def __init__(self, problem: str, *, hint: str = "") -> None:
        """Say the *problem*, and what to do about it in *hint*."""
        super().__init__(problem)
        self.problem = problem
        self.hint = hint


class UsageError(BenchgateError):
    """The command line asks for something that makes no sense."""

    exit_code = ExitCode.USAGE


class ConfigError(BenchgateError):
    """``benchgate.yml`` says something that it can't say."""

    exit_code = ExitCode.USAGE


class FormatError(BenchgateError):
    """A file isn't what it was taken for, or is damaged."""


class ToolError(BenchgateError):
    """A tool is missing, failed, or did not answer in time."""


class StoreError(BenchgateError):
    """Stored runs can't be reached, read or written."""


class PublishError(BenchgateError):
    """GitHub could not be told; that never changes what is told."""


class StopError(BenchgateError):
    """Somebody asked us to stop; what was measured is kept."""

    exit_code = ExitCode.INTERRUPTED
