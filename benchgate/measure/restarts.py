"""A service that Cargo built → how often it is restarted in new layouts, and from what.

For a restart both services are stopped, linked anew, started, and warmed up. That is
done as often as a ninth of the time allows, and not at all where that is too seldom to
tell luck from change.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchgate.errors import ToolError
from benchgate.measure import links

# What restarts may take of the time of the windows, which is a ninth of the whole.
_SHARE = 1 / 8
# Fewer layouts in twenty rounds say little about what others would have been like.
_FEWEST = 8
_FEWEST_A_ROUND = _FEWEST / 20


class Pace:
    """How often services are restarted, by what a restart costs and may cost."""

    def __init__(self, rounds: int, *, windows: float, cost: float) -> None:
        """Plan *rounds* rounds, each with *windows* seconds of windows.

        *cost*: the seconds that a restart of both sides will take, as far as is known.
        """
        self._rounds = rounds
        self._allowed = _SHARE * rounds * windows
        self._costs = [cost]
        self._layouts = 1

    @property
    def cost(self) -> float:
        """Return what a restart takes, in seconds; a disturbed one tells nothing."""
        return statistics.median_low(self._costs)

    @property
    def is_affordable(self) -> bool:
        """Say whether there will be layouts enough to tell their luck."""
        fewest = max(2, math.ceil(_FEWEST_A_ROUND * self._rounds))
        return self._affordable() >= min(_FEWEST, fewest)

    @property
    def layouts(self) -> int:
        """Return in how many layouts each service was measured so far."""
        return self._layouts

    def is_due(self, number: int) -> bool:
        """Say whether round *number*, from 0, begins with a restart."""
        wanted = 1 + number * self._affordable() // self._rounds
        return self.is_affordable and wanted > self._layouts

    def took(self, seconds: float) -> None:
        """Note that one more restart took *seconds*."""
        self._costs.append(seconds)
        self._layouts += 1

    def _affordable(self) -> int:
        """Return how many layouts there is time for, the one as built included."""
        return min(self._rounds, 1 + math.floor(self._allowed / self.cost))


def line_of(
    executable: Path | None, kept: Path, *, build_again: Callable[[], None]
) -> links.Line:
    """Return how *executable* was linked, as *kept* says.

    What Cargo had linked before anybody kept that is linked once more. Whatever
    *build_again* doesn't make anew is put back.
    Raises ToolError with the reason when it can't be known.
    """
    if executable is None:
        raise ToolError(
            "`start` doesn't begin with the path of an executable",
            hint="let Cargo build it, and start it as `target/release/NAME`",
        )
    line = links.line_for(executable, kept)
    names = _names_of_cargo(executable)
    if line is None and names:
        with _aside(names):
            build_again()
        line = links.line_for(executable, kept)
    if line is None:
        raise ToolError(f"how {executable.name} was linked is not known")
    return line


def _names_of_cargo(executable: Path) -> tuple[Path, ...]:
    """Return both names that Cargo gave *executable*, none where it isn't Cargo's.

    Cargo links ``deps/shop-<hash>`` and gives it a second name, ``shop``, beside
    ``deps``.
    """
    try:
        name = executable.resolve(strict=True)
        twins = [t for t in (name.parent / "deps").iterdir() if t.samefile(name)]
    except OSError:
        return ()
    return (name, *twins) if twins else ()


@contextmanager
def _aside(names: tuple[Path, ...]) -> Iterator[None]:
    """Move the files called *names* away; afterwards put back what nobody made anew."""
    moved: dict[Path, Path] = {}
    try:
        for name in names:
            place = name.with_name(f".{name.name}.before")
            name.rename(place)
            moved[name] = place
        yield
    except OSError as error:
        raise ToolError(f"{error.filename}: {error.strerror}") from error
    finally:
        for name, place in moved.items():
            if name.exists():
                place.unlink()
            else:
                place.rename(name)
