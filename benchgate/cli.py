"""Arguments → a command → an exit code; errors become sentences here, and only here."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, cast

from benchgate import __version__
from benchgate.commands import Command, complain
from benchgate.errors import BenchgateError, ExitCode, StopError, ToolError

if TYPE_CHECKING:
    import threading

COMMANDS: Mapping[str, str] = {
    "init": "write a configuration and the workflows for this project",
    "compare": "say whether the head is slower than the base",
    "run": "measure the work tree, and with --base the base in turns with it",
    "comment": "show a report below a pull request, or print what it would say",
    "gate": "do one part of a job on GitHub: the action calls it",
    "doctor": "say what is missing or noisy here, and what mends it",
    "baseline": "keep and look at runs of the default branch",
    "calibrate": "replay stored runs as pull requests: how many fail falsely?",
    "self-test": "inject a known slowdown and see that the gate fails",
    "explain": "say what a verdict or an exit code means",
}


# Windows, which judges files only, has no SIGHUP.
_SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if hasattr(signal, name)
)
_MOMENT = 0.02
# A library may wait for ever, as for what a terminal never says.
_PATIENCE = 1.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run benchgate with *argv* and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A locale without µ must not cost the verdict.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with _stoppable():
            args = _parser(arguments).parse_args(arguments)
            code = int(_load(args.command).run(args))
            # What can't be printed must show here, and not when Python ends.
            sys.stdout.flush()
            return code
    except BenchgateError as error:
        complain(error)
        return int(error.exit_code)
    except KeyboardInterrupt:
        complain(StopError("interrupted"))
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone; the verdict still counts for nobody.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.UNDECIDED)
    except OSError as error:
        complain(_of_the_system(error))
        return int(ExitCode.UNDECIDED)
    except Exception as error:  # noqa: BLE001 - the last line: a bug is reported as one
        return _bug(error)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Make signals to end an exception, which everything cleans up after.

    What the caller has us ignore, as nohup does with a hang-up, stays ignored.
    """
    ours = [n for n in _SIGNALS if signal.getsignal(n) is not signal.SIG_IGN]
    stopper = _Stopper()
    before = {number: signal.signal(number, stopper.stop) for number in ours}
    try:
        yield
    finally:
        stopper.forget()
        for number, handler in before.items():
            signal.signal(number, handler)


class _Stopper:
    """Turns a signal into KeyboardInterrupt, when nothing is left half done by it.

    An exception out of nowhere is lost in libraries: a process that Popen is just
    starting has nobody who would end it, and a file that is just closed is closed
    again, which fails, and what fails so is ignored.
    """

    def __init__(self) -> None:
        self._asked_at: float | None = None
        self._again: threading.Timer | None = None

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Raise now, or ask again in a moment; in the end nothing is waited for."""
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
        if _is_in_a_library(frame) and now - self._asked_at < _PATIENCE:
            import threading  # noqa: PLC0415 - seldom, and --version is to be quick

            self._again = threading.Timer(_MOMENT, os.kill, (os.getpid(), number))
            self._again.start()
            return
        self._asked_at = None
        raise KeyboardInterrupt

    def forget(self) -> None:
        """Ask no more."""
        if self._again:
            self._again.cancel()


def _is_in_a_library(frame: FrameType | None) -> bool:
    """Say whether *frame* is of somebody else's code, and that isn't just waiting."""
    if frame is None:
        return False
    module = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    waits = module == "selectors" or frame.f_code.co_qualname == "Popen._wait"
    return not (waits or module == "benchgate")


def _of_the_system(error: OSError) -> BenchgateError:
    """Return what the system refused: a full disk, a missing right; no bug of ours."""
    reason = (error.strerror or str(error)).lower()
    place = os.fsdecode(error.filename) if error.filename else "standard output"
    return ToolError(
        f"{place}: {reason}", hint="check the disk, its space and the permissions"
    )


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
    return cast(
        "Command",
        importlib.import_module(f"benchgate.commands.{name.replace('-', '_')}"),
    )


def _bug(error: Exception) -> int:
    import traceback  # noqa: PLC0415 - only for a bug

    traceback.print_exception(error)
    name = type(error).__name__
    problem = f"this is a bug in benchgate {__version__}: {name}: {error}"
    complain(BenchgateError(problem, hint="please report it with the lines above"))
    return int(ExitCode.BUG)
