"""Rounds of both sides → the series that they share, and what keeps one from a test."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace

from benchgate.model import (
    Better,
    Comparison,
    Design,
    Doubt,
    Effect,
    ErrorControl,
    Kind,
    Metric,
    Reading,
    Round,
    Run,
    Sample,
    SeriesKey,
    Side,
    SideValue,
    Statistic,
    Tally,
)
from benchgate.stats.tails import FEWEST_BEYOND, beyond
from benchgate.stats.tallies import compare_tallies
from benchgate.units import format_share

Blocks = Callable[[SeriesKey, Metric], bool]
# The readings of each series, one a round, None where a round lacks it.
Columns = Mapping[SeriesKey, Sequence[Reading | None]]
# The name of the series that the median benchmark of a suite makes.
WHOLE_SUITE = "(all benchmarks)"
_TAILS: Mapping[str, float] = {"p95": 0.95, "p99": 0.99}
# Iterations that were due and for which no virtual user was free.
DROPPED = ("iterations", "dropped")
_DROPPED_ALLOWED = 0.001
CENSORED = {Kind.LATENCY, Kind.TAIL}


@dataclass(frozen=True, slots=True)
class Compared:
    """All comparisons in the order of their keys, and what their tests may spend."""

    comparisons: tuple[Comparison, ...]
    error_control: ErrorControl
    doubts: tuple[Doubt, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """The readings of one series, round by round on both sides.

    For pairs both sides are equally long and belong together position by position.
    ``statistics`` are those that every round of both sides has.
    ``lost`` rounds lack the series although a later one has it again.
    """

    key: SeriesKey
    metric: Metric
    base: tuple[Reading, ...]
    head: tuple[Reading, ...]
    statistics: tuple[Statistic, ...]
    lost: int
    design: Design

    @property
    def sign(self) -> float:
        """Return +1 where a larger value is worse, else -1."""
        return 1.0 if self.metric.better is Better.LOWER else -1.0

    @property
    def probability(self) -> float | None:
        """Return the quantile of a tail whose single points were kept, else None.

        Points of zero have no ratio; the quantiles of the rounds have one.
        """
        if self.metric.kind is not Kind.TAIL:
            return None
        kept = all(
            isinstance(r, Sample) and r.points and r.points[0] > 0
            for r in (*self.base, *self.head)
        )
        return _TAILS.get(self.metric.name) if kept else None


def renamed(run: Run, names: Mapping[str, str]) -> Run:
    """Return *run* with its benchmarks under their new names (``{old: new}``)."""

    def rename(key: SeriesKey) -> SeriesKey:
        return replace(key, benchmark=names.get(key.benchmark, key.benchmark))

    rounds = tuple(
        replace(
            r,
            samples={rename(key): reading for key, reading in r.samples.items()},
            failures=tuple(
                replace(f, benchmark=names.get(f.benchmark, f.benchmark))
                for f in r.failures
            ),
        )
        for r in run.rounds
    )
    return replace(run, rounds=rounds)


def benchmarks_of(run: Run) -> set[tuple[str, str]]:
    """Return (suite, benchmark) of everything that *run* measured in some round."""
    return {(k.suite, k.benchmark) for r in run.rounds for k in r.samples}


def series_of(before: Columns, after: Columns, design: Design) -> list[Series]:
    """Return the series that both sides have, in the order of their keys."""
    found = []
    for key in sorted(before.keys() & after.keys()):
        bases, heads = before[key], after[key]
        metric = next((r.metric for r in (*heads, *bases) if r is not None), None)
        if metric is None:
            continue  # it was measured only in windows that are left out
        lost = 0
        # Nearly always nothing is missing, and looking at each reading takes long.
        complete = all(bases) and all(heads)
        if not complete and design is Design.PAIRED:
            both = [None not in pair for pair in zip(bases, heads, strict=True)]
            lost = _gaps(both)
            bases = [b for b, there in zip(bases, both, strict=True) if there]
            heads = [h for h, there in zip(heads, both, strict=True) if there]
        elif not complete and design is Design.INDEPENDENT:
            lost = max(_gaps([r is not None for r in side]) for side in (bases, heads))
        # Stored runs come and go; how many were used is shown with the base.
        base, head = _there(bases), _there(heads)
        statistics = _shared_statistics([*base, *head])
        found.append(Series(key, metric, base, head, statistics, lost, design))
    return found


def _there(readings: Sequence[Reading | None]) -> tuple[Reading, ...]:
    return tuple(reading for reading in readings if reading)


def _gaps(present: Sequence[bool]) -> int:
    """Return how many are absent before the last that is present.

    What stops early was settled; what comes back had been lost.
    """
    last = max((i for i, there in enumerate(present) if there), default=-1)
    return sum(not there for there in present[: last + 1])


def columns_of(rounds: Sequence[Round]) -> Columns:
    """Return the readings of each series, one a round, None where a round lacks it."""
    columns: dict[SeriesKey, list[Reading | None]] = {}
    names: list[SeriesKey] = []
    filled: list[list[Reading | None]] = []
    for place, one in enumerate(rounds):
        # Most rounds have what the one before had: looking it up again is slow.
        if names != list(one.samples):
            names = list(one.samples)
            filled = [columns.setdefault(n, [None] * len(rounds)) for n in names]
        for column, reading in zip(filled, one.samples.values(), strict=True):
            column[place] = reading
    return columns


def overflows(reading: Reading | None) -> bool:
    """Say whether more iterations were dropped than is allowed."""
    if not isinstance(reading, Tally):
        return False
    return reading.events > _DROPPED_ALLOWED * reading.trials


def summed(readings: Sequence[Reading | None]) -> Tally | None:
    """Return the tallies among *readings* as one, None where there are none."""
    tallies = [r for r in readings if isinstance(r, Tally)]
    if not tallies:
        return None
    events, trials = sum(t.events for t in tallies), sum(t.trials for t in tallies)
    return replace(tallies[0], events=events, trials=trials)


def censored_suites(
    found: Sequence[Series],
    before: Columns,
    after: Columns,
    *,
    spared: Container[str] = (),
) -> dict[str, str]:
    """Return why the latencies of a suite can't be judged, by suite where it is so.

    An iteration that k6 drops is a request that would have waited longest. Of *spared*
    suites the windows in which that happened are left out already.
    """
    reasons = {}
    suites = {s.key.suite for s in found if s.metric.kind in CENSORED}
    suites = {suite for suite in suites if suite not in spared}
    for side, columns in ((Side.BASE, before), (Side.HEAD, after)):
        for suite in suites:
            counted = summed(columns.get(SeriesKey(suite, *DROPPED), ()))
            if counted is not None and overflows(counted):
                reasons[suite] = (
                    f"{format_share(counted.events / counted.trials)} of the {side}'s "
                    f"iterations ({counted.events} of {counted.trials}) were dropped, "
                    "which hides the slowest requests: allow more virtual users or "
                    "lower the rate"
                )
    return reasons


def untestable(series: Series, censored: Mapping[str, str]) -> str:
    """Say why nothing can be said, or nothing; never looks at the values compared."""
    readings = (*series.base, *series.head)
    if not readings:
        return "no round has it on both sides"
    if not measure_the_same(readings):
        return "base and head measure different things under this name"
    return unfit(series, censored)


def measure_the_same(readings: Sequence[Reading]) -> bool:
    """Say whether all are of one metric and one type."""
    return _alike([r.metric for r in readings]) and _alike(list(map(type, readings)))


def unfit(series: Series, censored: Mapping[str, str]) -> str:
    """Say why readings of one metric can't be judged, or nothing."""
    readings = (*series.base, *series.head)
    if series.metric.kind in CENSORED and series.key.suite in censored:
        return censored[series.key.suite]
    if isinstance(readings[0], Tally):
        counted = all(isinstance(r, Tally) and r.trials for r in readings)
        return "" if counted else "a round has no attempts to count"
    if not series.statistics:
        return "base and head have no statistic in common: measure both the same way"
    return _thin_tail(series)


def _alike(things: Sequence[object]) -> bool:
    return things.count(things[0]) == len(things)


def _thin_tail(series: Series) -> str:
    probability = _TAILS.get(series.metric.name)
    if series.metric.kind is not Kind.TAIL or probability is None:
        return ""
    fewest = min(
        sum(r.count for r in side if isinstance(r, Sample))
        for side in (series.base, series.head)
    )
    expected = beyond(fewest, probability)
    if expected >= FEWEST_BEYOND:
        return ""
    return (
        f"{fewest} requests have about {int(expected)} beyond {series.metric.name}, "
        f"{FEWEST_BEYOND} are needed: measure longer"
    )


def refusal(series: Series, reason: str) -> Comparison:
    """Return the comparison of a series of which nothing can be said."""
    return Comparison(
        series.key,
        series.metric,
        _side(series.base),
        _side(series.head),
        effect=None,
        reason=reason,
        weak=False,
        design=series.design,
    )


def _side(readings: Sequence[Reading]) -> SideValue | None:
    """Return the middle round of a side, for a comparison that chose no rounds."""
    if not readings:
        return None
    values = sorted(
        r.value(r.primary) if isinstance(r, Sample) else r.events / max(r.trials, 1)
        for r in readings
    )
    return SideValue(values[(len(values) - 1) // 2], len(values))


def _shared_statistics(readings: Sequence[Reading]) -> tuple[Statistic, ...]:
    """Return the statistics that all samples have, none where there are no samples."""
    of_each = [r.statistics for r in readings if isinstance(r, Sample)]
    if not of_each:
        return ()
    if _alike(of_each):
        return of_each[0]
    return tuple(s for s in of_each[0] if all(s in one for one in of_each))


def geometric_mean(values: Sequence[float]) -> float:
    """Return the geometric mean of one or more positive *values*."""
    if len(values) == 1:
        return values[0]
    # An observed value: scaling all by a power of two leaves every bit alone.
    reference = sorted(values)[(len(values) - 1) // 2]
    logs = [math.log(value / reference) for value in values]
    return reference * math.exp(sum(logs) / len(logs))


def primary_values(series: Series) -> tuple[list[float], list[float]]:
    """Return one value a round by the same statistic on both sides.

    A run that is too short for its usual statistic forces its own on all others.
    """
    statistic = shared_primary(series)
    values = [
        r.value(statistic)
        for r in (*series.base, *series.head)
        if isinstance(r, Sample)
    ]
    return values[: len(series.base)], values[len(series.base) :]


def shared_primary(series: Series) -> Statistic:
    """Return the statistic by which all rounds of both sides are compared."""
    samples = [r for r in (*series.base, *series.head) if isinstance(r, Sample)]
    primaries = {r.primary for r in samples}
    if len(primaries) == 1:
        return primaries.pop()
    if Statistic.MEDIAN in series.statistics:
        return Statistic.MEDIAN
    return series.statistics[0]


def compare_errors(series: Series, *, level: float, weak: bool = False) -> Comparison:
    """Return what the tallies of both sides say of their rates."""
    found = compare_tallies(
        [(r.events, r.trials) for r in series.base if isinstance(r, Tally)],
        [(r.events, r.trials) for r in series.head if isinstance(r, Tally)],
        level=level,
    )
    return comparison_of(
        series, found.effect, base=found.base, head=found.head, weak=weak
    )


def comparison_of(
    series: Series, effect: Effect, *, base: float, head: float, weak: bool = False
) -> Comparison:
    """Return the comparison of a series with its *effect* and both typical values."""
    doubts = []
    if series.lost:
        rounds = "round" if series.lost == 1 else "rounds"
        text = f"{series.lost} {rounds} in between gave nothing"
        doubts.append(Doubt(text, series.key))
    return Comparison(
        series.key,
        series.metric,
        SideValue(base, len(series.base)),
        SideValue(head, len(series.head)),
        effect,
        reason="",
        weak=weak,
        design=series.design,
        doubts=tuple(doubts),
    )
