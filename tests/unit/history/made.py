"""Histories of which everything is known."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence

from benchgate.history import History, PastRun, PastSeries
from benchgate.model import Better, Kind, Metric, SeriesKey, Unit

TIME = Metric("time", Unit.SECOND, Better.LOWER, Kind.TIME)


def noise(runs: int, *, seed: int, spread: float = 0.01) -> list[float]:
    """Return the times of a benchmark that never changes, about 1 µs."""
    rng = random.Random(seed)  # noqa: S311 - made to be the same every time
    return [1e-6 * math.exp(rng.gauss(0, spread)) for _ in range(runs)]


def spiked(values: Sequence[float], every: int, by: float) -> list[float]:
    """Return *values* of which each *every*-th is slower by the fraction *by*."""
    return [v * (1 + by * (i % every == every - 1)) for i, v in enumerate(values)]


def history(
    columns: Mapping[str, Sequence[float]],
    *,
    metric: Metric = TIME,
    environments: Sequence[str] = ("one",),
) -> History:
    """Return a history with these benchmarks; environments come in turns."""
    runs = len(next(iter(columns.values()), ()))
    return History(
        name="made",
        runs=tuple(
            PastRun(f"{i:040x}", float(i), environments[i % len(environments)])
            for i in range(runs)
        ),
        series=tuple(
            PastSeries(SeriesKey("micro", name, metric.name), metric)
            for name in columns
        ),
        values=tuple(zip(*columns.values(), strict=True)),
    )
