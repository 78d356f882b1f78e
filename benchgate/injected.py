"""A measurement of a commit against itself → whether its gate can fail, and passes.

Two ways make the head slower by a known share. Where the harness repeated a part of
the work, its rounds stand beside the others, in a suite of their own. Elsewhere the
recorded rounds of the head are multiplied, which proves the decision but not the
measuring.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from benchgate.compare import WHOLE_SUITE
from benchgate.model import (
    Better,
    Judgement,
    Kind,
    Measurement,
    Outcome,
    Reading,
    Report,
    Round,
    Run,
    Sample,
    SeriesKey,
)

_MARK = " (work repeated)"
_TIMES = {Kind.TIME, Kind.LATENCY, Kind.TAIL, Kind.COST}


class How(StrEnum):
    """How a known slowdown came about."""

    REPEATED = "work repeated"
    SCALED = "rounds scaled"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no work could be repeated in a suite."""

    suite: str
    reason: str


@dataclass(frozen=True, slots=True)
class Trial:
    """One benchmark that was made slower, and whether the gate failed because of it.

    ``judgement`` is of the series of it that shows it best.
    """

    judgement: Judgement
    how: How
    found: bool

    @property
    def key(self) -> SeriesKey:
        """Return the series that shows it best."""
        return self.judgement.key


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What a gate said of unchanged code, and of a known *slowdown*.

    ``trials`` are all benchmarks that may block, in the order of their names.
    """

    slowdown: float
    unchanged: Report
    trials: tuple[Trial, ...]
    refusals: tuple[Refusal, ...]

    @property
    def found(self) -> int:
        """Return how many slowdowns the gate found."""
        return sum(trial.found for trial in self.trials)

    @property
    def passes_unchanged(self) -> bool:
        """Say whether unchanged code passed."""
        return self.unchanged.outcome is Outcome.PASSED

    @property
    def can_fail(self) -> bool:
        """Say whether at least half of the slowdowns were found.

        One of those was measured, where any was: to find what was multiplied in
        afterwards says nothing of the measuring.
        """
        measured = [t.found for t in self.trials if t.how is How.REPEATED]
        enough = bool(self.trials) and 2 * self.found >= len(self.trials)
        return enough and (any(measured) or not measured)

    @property
    def works(self) -> bool:
        """Say whether the gate fails when it should, and only then."""
        return self.passes_unchanged and self.can_fail


def repeated_suite(suite: str) -> str:
    """Return the name under which the rounds of *suite* with repeated work stand."""
    return f"{suite}{_MARK}"


def tried(
    judgements: Iterable[Judgement],
) -> dict[tuple[str, str], tuple[SeriesKey, ...]]:
    """Return the series to make slower of each benchmark, by (suite, name), sorted.

    That is what takes time, and where nothing does, a rate. A rate of errors has no
    share to grow by, a whole suite no time of its own, and what may not block can't
    make the gate fail.
    """
    found: dict[tuple[str, str], tuple[SeriesKey, ...]] = {}
    blocking = [j for j in judgements if j.blocking and j.key.benchmark != WHOLE_SUITE]
    for kinds in ({Kind.RATE}, _TIMES):
        of_kinds: dict[tuple[str, str], list[SeriesKey]] = defaultdict(list)
        for judgement in blocking:
            if judgement.comparison.metric.kind in kinds:
                key = judgement.key
                of_kinds[key.suite, key.benchmark].append(key)
        found.update({name: tuple(sorted(keys)) for name, keys in of_kinds.items()})
    return dict(sorted(found.items()))


def trial_of(
    judgements: Collection[Judgement], *, how: How, failing: Collection[SeriesKey]
) -> Trial:
    """Return the trial of a benchmark with these *judgements*, at least one.

    A series that fails shows it best, and among equals the one that could have seen
    least.
    """

    def rank(judgement: Judgement) -> tuple[bool, float]:
        seen = judgement.detectable
        return judgement.key not in failing, math.inf if seen is None else seen

    best = min(judgements, key=rank)
    return Trial(best, how, found=best.key in failing)


def without_repeated(measurement: Measurement) -> Measurement:
    """Return *measurement* without the rounds in which work was repeated."""
    return _mapped(measurement, _unrepeated)


def with_repeated(
    measurement: Measurement, benchmarks: Collection[tuple[str, str]]
) -> Measurement:
    """Return *measurement* with repeated work in *benchmarks*, each (suite, name).

    Both of their sides come from the pairs in which one had repeated work; all
    others are as ``without_repeated`` has them.
    """

    def exchanged(one: Round) -> Round:
        kept = {
            key: reading
            for key, reading in _unrepeated(one).samples.items()
            if (key.suite, key.benchmark) not in benchmarks
        }
        there = {
            replace(key, suite=key.suite.removesuffix(_MARK)): reading
            for key, reading in one.samples.items()
            if key.suite.endswith(_MARK)
        }
        taken = {k: r for k, r in there.items() if (k.suite, k.benchmark) in benchmarks}
        return replace(_unrepeated(one), samples={**kept, **taken})

    return _mapped(measurement, exchanged)


def scaled(
    measurement: Measurement, keys: Collection[SeriesKey], *, slowdown: float
) -> Measurement:
    """Return *measurement* with the head's series *keys* slower by *slowdown*."""

    def slower(one: Round) -> Round:
        there = {key: one.samples[key] for key in keys if key in one.samples}
        changed = {key: _scaled(reading, slowdown) for key, reading in there.items()}
        return replace(one, samples={**one.samples, **changed})

    head = measurement.head
    return replace(
        measurement, head=replace(head, rounds=tuple(map(slower, head.rounds)))
    )


def _scaled(reading: Reading, slowdown: float) -> Reading:
    if not isinstance(reading, Sample):
        return reading
    factor = 1 + slowdown
    if reading.metric.better is Better.HIGHER:
        factor = 1 / factor
    return replace(
        reading,
        values=tuple(value * factor for value in reading.values),
        points=tuple(point * factor for point in reading.points),
    )


def _mapped(measurement: Measurement, change: Callable[[Round], Round]) -> Measurement:
    def of(run: Run) -> Run:
        return replace(run, rounds=tuple(map(change, run.rounds)))

    base = of(measurement.base) if measurement.base else None
    return replace(measurement, base=base, head=of(measurement.head))


def _unrepeated(one: Round) -> Round:
    return replace(
        one,
        samples={k: r for k, r in one.samples.items() if not k.suite.endswith(_MARK)},
        failures=tuple(f for f in one.failures if not f.suite.endswith(_MARK)),
        doubts=tuple(
            d for d in one.doubts if not (d.series and d.series.suite.endswith(_MARK))
        ),
    )
