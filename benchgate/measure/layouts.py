"""Executables of one side → files to run, each in a layout of its own.

The sides draw independently of each other. Where no layout can be drawn, a fresh copy
is run, and the report says that there was one layout.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchgate.errors import ToolError
from benchgate.measure import links
from benchgate.model import Doubt, Side, Unit
from benchgate.units import format_quantity

# A layout takes disk until its round is over; so much stays free for what else is done.
_LEFT_FREE = 1_000_000_000
# Seconds of a link from which only every other round draws a layout, so that twenty
# rounds draw ten, and from which one has to do: ten of both sides would take minutes.
_SLOW, _TOO_SLOW = 1.0, 5.0
# What linking may take of the time of a round, and the most pairs of slices that are
# run in a layout for it. More would say little more of the code.
_SHARE, _MOST_EACH = 0.1, 4


LUCK = "a change of a few percent may be the luck of it"


@dataclass(frozen=True, slots=True)
class Way:
    """How an executable gets a new layout, and in how many ``seconds``."""

    line: links.Line
    drawing: links.Drawing
    seconds: float


class Layouts:
    """Draws the layouts of the executables of one side, each known by a title."""

    def __init__(self, side: Side, *, scratch: Path) -> None:
        """Know nothing yet; *scratch* takes what is tried out."""
        self._side = side
        self._scratch = scratch
        self._ways: dict[str, Way] = {}
        self._drawings: dict[tuple[str, ...], links.Drawing | ToolError] = {}
        self._as_built: set[str] = set()
        self._kept: list[tuple[str, str]] = []

    @property
    def side(self) -> Side:
        """Return the side that the executables are of."""
        return self._side

    @property
    def kept(self) -> tuple[tuple[str, str], ...]:
        """Return the titles of executables that are kept in one layout, and why."""
        return tuple(self._kept)

    def learn(self, title: str, line: links.Line | None) -> None:
        """Find out how *title*, linked by *line*, gets new layouts, and how quickly."""
        if line is None:
            self._keep(title, "how it was linked is not known")
            return
        folder = self._scratch / f"tried-{self._side}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            drawing = self._drawing_of(line, folder)
            began = time.monotonic()
            line.link(folder / "drawn", drawing=drawing, seed=2)
            seconds = time.monotonic() - began
        except (OSError, ToolError) as error:
            hint = error.hint if isinstance(error, ToolError) else ""
            self._keep(title, _first_line(error), hint)
            return
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if seconds > _TOO_SLOW:
            taken = format_quantity(seconds, Unit.SECOND)
            self._keep(title, f"to link it takes {taken}")
            return
        self._ways[title] = Way(line, drawing, seconds)

    def cost(self, title: str) -> float:
        """Return the seconds that a layout of *title* takes, 0 where there is none."""
        return self._ways[title].seconds if title in self._ways else 0.0

    def draws(self, title: str) -> bool:
        """Say whether *title* is run in other layouts than the one of its build."""
        return title in self._ways and title not in self._as_built

    def every(self, title: str) -> int:
        """Return how seldom *title* gets a layout: in each round, or in each second."""
        return 2 if self.cost(title) > _SLOW else 1

    def slices_each(self, title: str, *, seconds: float) -> int:
        """Return how many slices to run in a layout of *title*, so that it pays.

        *seconds*: what one slice of all of its benchmarks takes.
        """
        return min(
            _MOST_EACH, max(1, math.ceil(self.cost(title) * (1 / _SHARE - 1) / seconds))
        )

    def draw(self, title: str, executable: Path, folder: Path, *, seed: int) -> Path:
        """Return *executable* in *folder*, in the layout that *seed* stands for.

        Where a file lies in memory moves its time by up to a fifth for as long as it
        stays there; a copy, where that is all, draws that anew.
        """
        if title in self._as_built:
            return executable
        place = folder / executable.name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _check_room(folder, executable)
            if title in self._ways:
                way = self._ways[title]
                way.line.link(place, drawing=way.drawing, seed=seed)
            else:
                shutil.copy(executable, place)
        except (OSError, ToolError) as error:
            place.unlink(missing_ok=True)
            self._give_up(title, _first_line(error))
            return executable
        return place

    def _drawing_of(self, line: links.Line, folder: Path) -> links.Drawing:
        """Return how *line* draws; executables that are linked alike are tried once."""
        if line.tool not in self._drawings:
            try:
                self._drawings[line.tool] = line.drawing(folder)
            except ToolError as error:
                self._drawings[line.tool] = error
        drawing = self._drawings[line.tool]
        if isinstance(drawing, ToolError):
            raise drawing
        return drawing

    def crashed(self, title: str, ending: str, *, seed: int) -> None:
        """Note how *title* ended in the layout of *seed*, unlike as it was built.

        It stays as it was built from then on.
        """
        reason = f"{ending} in a copy elsewhere, and where it was built it works"
        if title in self._ways:
            reason = (
                f"{ending} in the layout of seed {seed}, and as it was built it works: "
                "look for undefined behaviour, or for code that reads its own file"
            )
        self._give_up(title, reason)

    def _give_up(self, title: str, reason: str) -> None:
        if title not in self._as_built:
            self._as_built.add(title)
            self._keep(title, reason)

    def _keep(self, title: str, reason: str, hint: str = "") -> None:
        self._kept.append((title, f"{reason}; {hint}" if hint else reason))


def doubts_of(suite: str, *sides: Layouts | None) -> tuple[Doubt, ...]:
    """Return a doubt for each reason why executables of *suite* had one layout."""
    found: dict[str, dict[str, list[Side]]] = {}
    for side in filter(None, sides):
        for title, reason in side.kept:
            found.setdefault(reason, {}).setdefault(title, []).append(side.side)
    return tuple(
        Doubt(f"{suite}: {_named(titles)} measured in one layout, so {LUCK}: {reason}")
        for reason, titles in found.items()
    )


def _named(titles: Mapping[str, Sequence[Side]]) -> str:
    first = next(iter(titles))
    sides = {side for each in titles.values() for side in each}
    of = f" of the {sides.pop()}" if len(sides) == 1 else ""
    more = len(titles) - 1
    if not more:
        return f"{first}{of} was"
    return f"{first} and {more} other{'s' if more > 1 else ''}{of} were"


def seed_of(side: Side, number: int) -> int:
    """Return what stands for the layouts of *side* in round *number*, small to read."""
    return 2 * number + 1 + (side is Side.HEAD)


def _check_room(folder: Path, executable: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < _LEFT_FREE + executable.stat().st_size:
        raise ToolError(f"the disk has no room for a layout in {folder}")


def _first_line(error: OSError | ToolError) -> str:
    said = error.problem if isinstance(error, ToolError) else str(error)
    return said.partition("\n")[0]
