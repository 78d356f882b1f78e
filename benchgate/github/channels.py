"""What the runner is told besides the comment: summary, annotations, outputs.

All of it is text in files and on standard output that the runner reads back, so
nothing that somebody else wrote may look like one of its commands.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from benchgate.errors import PublishError

# GitHub drops a summary beyond 1 MiB, all of it.
MOST_SUMMARY = 1_000_000
# A step shows ten of each kind, and a composite action is one step.
MOST_ANNOTATIONS = 10
_LONGEST_MESSAGE = 4_000


class Level(StrEnum):
    """How an annotation looks."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Annotation:
    """A remark beside the code; without a ``file`` it stands on the run's page."""

    level: Level
    title: str
    message: str
    file: str = ""
    line: int = 0


def command(annotation: Annotation) -> str:
    """Return the line by which the runner learns of *annotation*."""
    properties = {"title": annotation.title}
    if annotation.file:
        properties |= {"file": annotation.file, "line": str(annotation.line)}
    words = ",".join(f"{name}={_property(text)}" for name, text in properties.items())
    return f"::{annotation.level} {words}::{_data(annotation.message)}"


def annotate(annotations: Sequence[Annotation]) -> None:
    """Print the first ten of each level of *annotations*."""
    shown: dict[Level, int] = {}
    for annotation in annotations:
        shown[annotation.level] = shown.get(annotation.level, 0) + 1
        if shown[annotation.level] <= MOST_ANNOTATIONS:
            print(command(annotation), flush=True)  # noqa: T201 - the runner reads it


def output_lines(values: Mapping[str, str]) -> str:
    """Return *values* as the runner reads outputs, each between its own delimiters."""
    lines = []
    for name, value in values.items():
        # A delimiter that can be guessed would let a value set other outputs.
        end = f"end-{secrets.token_hex(16)}"
        lines += [f"{name}<<{end}", value, end]
    return "".join(f"{line}\n" for line in lines)


def append(place: str, text: str) -> None:
    """Add *text* to the file *place*, which the runner named; nothing without a name.

    Raises PublishError where that can't be written.
    """
    if not place:
        return
    try:
        with Path(place).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        problem = f"{place}: can't be written: {error.strerror or error}"
        raise PublishError(problem) from error


def summarise(place: str, text: str) -> None:
    """Write *text* as the summary of the step; raises PublishError if it's too long."""
    size = len(text.encode())
    if size > MOST_SUMMARY:
        raise PublishError(f"the summary has {size} bytes, which GitHub would drop")
    append(place, text)


@contextmanager
def commands_stopped() -> Iterator[None]:
    """Have the runner take what is printed until the end as mere text.

    Benchmarks print what they like, and some of them come from strangers.
    """
    token = secrets.token_hex(16)
    print(f"::stop-commands::{token}", flush=True)  # noqa: T201 - the runner reads it
    try:
        yield
    finally:
        sys.stderr.flush()
        print(f"::{token}::", flush=True)  # noqa: T201 - as above


def _data(text: str) -> str:
    """Return *text* as the message of a command."""
    cut = text[:_LONGEST_MESSAGE]
    return cut.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Return *text* as a property of a command, which colons and commas end."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
