"""What several commands let the command line say, and how they write files."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from benchgate import config
from benchgate.commands import project
from benchgate.errors import FormatError, UsageError
from benchgate.units import parse_duration


def add_measuring(parser: argparse.ArgumentParser) -> None:
    """Declare what can be said about measuring, instead of ``benchgate.yml``."""
    add_length(parser)
    parser.add_argument(
        "--only",
        choices=[only.value for only in config.Only],
        help="measure everything, or only what a changed file can affect",
    )


def add_length(parser: argparse.ArgumentParser) -> None:
    """Declare how long measuring may take, and where the configuration is."""
    parser.add_argument("--rounds", type=int, metavar="N", help="measure N rounds")
    parser.add_argument("--budget", metavar="TIME", help="measure no longer than this")
    parser.add_argument("--config", metavar="FILE", help="instead of benchgate.yml")
    parser.set_defaults(only=None)


def configured(args: argparse.Namespace) -> config.Config:
    """Return the configuration, with what was said on the command line."""
    settings = project.load(args.config)
    measure = settings.measure
    if args.rounds is not None:
        if args.rounds < 2:  # noqa: PLR2004 - two make a spread
            raise UsageError(f"--rounds: {args.rounds} is too few, any spread needs 2")
        measure = replace(measure, looks=(args.rounds,))
    budget = duration(args.budget, "--budget")
    if budget is not None:
        measure = replace(measure, budget=budget)
    if args.only is not None:
        measure = replace(measure, only=config.Only(args.only))
    return replace(settings, measure=measure)


def duration(text: str | None, flag: str) -> float | None:
    """Return the seconds that *flag* was given; raises UsageError."""
    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{flag}: {error}") from error


def check_place(name: str | None) -> None:
    """Raise UsageError when no file *name* can be written; asked before measuring."""
    if name is None:
        return
    path = Path(name)
    if path.is_dir() or not path.parent.is_dir():
        problem = "is a directory" if path.is_dir() else "its directory does not exist"
        raise UsageError(f"{name}: {problem}", hint="name a file that can be written")


def save(path: Path, raw: bytes) -> None:
    """Write *raw* to *path*; raises FormatError that says why it can't be."""
    try:
        path.write_bytes(raw)
    except OSError as error:
        problem = f"{path}: can't be written: {error.strerror or error}"
        raise FormatError(
            problem, hint="name a place that can be written to"
        ) from error


def read(name: str) -> bytes:
    """Return the bytes of the file *name*; raises FormatError."""
    try:
        return Path(name).read_bytes()
    except OSError as error:
        problem = f"{name}: can't be read: {error.strerror or error}"
        raise FormatError(problem) from error
