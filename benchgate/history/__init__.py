"""Stored runs and foreign tables → histories: runs × series, oldest run first.

A value that isn't there, or that has no logarithm, is NaN: never a zero, never a
guess. What can't be understood is an error with its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchgate.model import Metric, SeriesKey


@dataclass(frozen=True, slots=True)
class PastRun:
    """One run of a history; ``at`` is in seconds since 1970, None where unknown.

    ``environment`` is what must match before two runs are compared, as one line.
    """

    commit: str
    at: float | None
    environment: str


@dataclass(frozen=True, slots=True)
class PastSeries:
    """One column of a history."""

    key: SeriesKey
    metric: Metric


@dataclass(frozen=True, slots=True)
class History:
    """Runs × series: ``values[i][j]`` is of run i and series j, in base units.

    ``name`` is how people call it: a file, a suite, the store.
    """

    name: str
    runs: tuple[PastRun, ...]
    series: tuple[PastSeries, ...]
    values: tuple[tuple[float, ...], ...]

    def newest(self, count: int) -> History:
        """Return the same history with at most its *count* newest runs."""
        return replace(self, runs=self.runs[-count:], values=self.values[-count:])

    def of_series(self, places: Sequence[int]) -> History:
        """Return the same history with the series at *places* only."""
        return replace(
            self,
            series=tuple(self.series[i] for i in places),
            values=tuple(tuple(row[i] for i in places) for row in self.values),
        )

    def of_one_environment(self, *, fewest: int) -> History:
        """Return the runs of the environment that most of them were made in.

        All of them where no environment has at least *fewest* runs.
        """
        counts = Counter(run.environment for run in self.runs)
        environment, most = max(
            counts.items(), key=lambda item: item[1], default=("", 0)
        )
        if most < fewest:
            return self
        kept = [i for i, run in enumerate(self.runs) if run.environment == environment]
        return replace(
            self,
            runs=tuple(self.runs[i] for i in kept),
            values=tuple(self.values[i] for i in kept),
        )
