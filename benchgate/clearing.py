"""Judgements against stored runs → what need not be measured in pairs."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from benchgate.model import Comparison, Judgement, Run, Sample, SeriesKey, Verdict

# How many of the newest stored runs the head is held against as well.
_RECENT = 3


def recent_changes(runs: Sequence[Run], head: Run) -> dict[SeriesKey, float]:
    """Return how far *head* is from the middle of the newest of *runs*, in logarithms.

    A change some runs ago is in the mean of the window, and hides its undoing.
    """
    same = [run for run in runs if run.environment.key == head.environment.key]
    found = {}
    for key, value in _values_of(head).items():
        values = sorted(v[key] for v in map(_values_of, same[:_RECENT]) if key in v)
        if values:
            found[key] = abs(math.log(value / values[len(values) // 2]))
    return found


def _values_of(run: Run) -> dict[SeriesKey, float]:
    return {
        key: reading.value(reading.primary)
        for one in run.rounds
        for key, reading in one.samples.items()
        if isinstance(reading, Sample)
    }


def unchanged(
    judgements: Sequence[Judgement], recent: Mapping[SeriesKey, float]
) -> list[Comparison]:
    """Return the series of the benchmarks of one suite of which none that counts moved.

    Where none may block, all count.
    """
    benchmarks: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in judgements:
        benchmarks[judgement.key.benchmark].append(judgement)
    return [
        judgement.comparison
        for members in benchmarks.values()
        if all(
            j.verdict is Verdict.UNCHANGED
            and not j.comparison.weak
            and recent.get(j.key, 0.0) < math.log1p(j.margin)
            for j in [j for j in members if j.blocking] or members
        )
        for judgement in members
    ]
