"""Arguments → a command → an exit code; errors become sentences here, and only here."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import cast

from benchgate import __version__
from benchgate.commands import Command
from benchgate.errors import BenchgateError, ExitCode

COMMANDS: Mapping[str, str] = {
    "compare": "say whether the head is slower than the base",
    "run": "measure the work tree, and with --base the base in turns with it",
    "baseline": "keep and look at runs of the default branch",
    "explain": "say what a verdict or an exit code means",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run benchgate with *argv* and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        args = _parser(arguments).parse_args(arguments)
        return int(_load(args.command).run(args))
    except BenchgateError as error:
        _say(error.problem, hint=error.hint)
        return int(error.exit_code)
    except KeyboardInterrupt:
        _say(
            "interrupted",
            hint="what was measured is in .benchgate/run.json: "
            "`benchgate compare --run .benchgate/run.json`",
        )
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone; the verdict still counts for nobody.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.UNDECIDED)
    except Exception as error:  # noqa: BLE001 - the last line: a bug is reported as one
        return _bug(error)


def _stop(_number: int, _frame: FrameType | None) -> None:
    """Turn a signal into the exception that everything cleans up after."""
    raise KeyboardInterrupt


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchgate",
        description="Tell on a pull request whether it makes a Rust service slower.",
        epilog="Exit codes: 0 passed, 1 regressed, 2 usage, 3 undecided, 70 a bug, "
        "130 interrupted.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {__version__}"
    )
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, title="commands"
    )
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            allow_abbrev=False,
        )
        if name in arguments[:1]:
            _load(name).add_arguments(command)
    return parser


def _load(name: str) -> Command:
    return cast("Command", importlib.import_module(f"benchgate.commands.{name}"))


def _say(problem: str, *, hint: str) -> None:
    print(f"benchgate: error: {problem}", file=sys.stderr)
    if hint:
        print(f"benchgate: hint: {hint}", file=sys.stderr)


def _bug(error: Exception) -> int:
    import traceback  # noqa: PLC0415 - only for a bug

    traceback.print_exception(error)
    _say(
        f"this is a bug in benchgate {__version__}: {type(error).__name__}: {error}",
        hint="please report it with the lines above",
    )
    return int(ExitCode.BUG)
