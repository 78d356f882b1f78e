"""What measuring needs to know before it starts, and whom it tells how it goes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchgate.config import Config
from benchgate.model import Commit, Side

_SHOWN_LINES = 30
_SHOWN_CHARACTERS = 8_000


class Progress(Protocol):
    """Whoever shows what is going on."""

    def say(self, text: str) -> None:
        """Tell what is done now."""

    def advance(self, *, rounds: int, of: int, seconds: float, budget: float) -> None:
        """Tell that *rounds* of at most *of* are done, *seconds* of *budget* spent."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """One side as it lies on disk.

    ``root`` is the top of the work tree, ``project`` the folder in it that
    benchgate was called for. ``target`` is where Cargo builds, None for its default;
    ``links`` takes how it links, None where nobody needs to know.
    """

    side: Side
    commit: Commit
    root: Path
    project: Path
    target: Path | None = None
    links: Path | None = None


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where measuring is done: the settings, two folders, and whom to tell.

    ``work`` takes what is kept (raw measurements, logs); ``scratch`` what is not.
    """

    config: Config
    work: Path
    scratch: Path
    progress: Progress

    def log(self, name: str, side: Side) -> Path:
        """Return the file that takes what *name* prints on *side*."""
        folder = self.work / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}-{side}.log"

    def raw(self, suite: str, number: int, side: Side, ending: str) -> Path:
        """Return the file that takes a tool's own output of one round."""
        folder = self.work / "raw"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{suite}-{number:03d}-{side}.{ending}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A comparison in pairs about to be measured."""

    workshop: Workshop
    base: Checkout
    head: Checkout


def last_lines(output: str) -> str:
    """Return the end of what a tool printed, as much as a report can show of it."""
    lines = output.strip().splitlines()[-_SHOWN_LINES:]
    return "\n".join(lines)[-_SHOWN_CHARACTERS:]
