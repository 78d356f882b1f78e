"""Rounds, runs and measurements in a few words, for the tests of the core.

``paired({"parse": [1, 1.1, 1]}, {"parse": [1, 1.2, 1]})`` is three pairs of rounds
of one benchmark; None is a round that lacks it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from types import MappingProxyType
from typing import Any

from hypothesis import settings

from benchgate.compare import Compared, compare, compare_window
from benchgate.judge import blocks, judge, plain_margin
from benchgate.model import (
    ONE_VALUE,
    SLICE_STATISTICS,
    Answer,
    Better,
    Commit,
    Comparison,
    Design,
    Effect,
    Environment,
    ErrorControl,
    Judgement,
    Kind,
    Measurement,
    Metric,
    Policy,
    Reading,
    Report,
    Round,
    Run,
    Sample,
    SeriesKey,
    SideValue,
    Statistic,
    Tally,
    Unit,
)
from benchgate.report import build_report

TIME = Metric("time", Unit.SECOND, Better.LOWER, Kind.TIME)
P50 = Metric("p50", Unit.SECOND, Better.LOWER, Kind.LATENCY)
P95 = Metric("p95", Unit.SECOND, Better.LOWER, Kind.TAIL)
RATE = Metric("throughput", Unit.PER_SECOND, Better.HIGHER, Kind.RATE)
ERRORS = Metric("errors", Unit.ONE, Better.LOWER, Kind.ERRORS)
DROPPED = Metric("dropped", Unit.ONE, Better.LOWER, Kind.ERRORS)
SIZE = Metric("size", Unit.BYTE, Better.LOWER, Kind.SIZE)

# A busy machine is no reason to fail: an example takes as long as it takes.
LAW = settings(max_examples=50, deadline=None)
POLICY = Policy(
    widen=1.0,
    false_alarms=0.01,
    margins=MappingProxyType(dict.fromkeys(Kind, 0.02)),
    absolute=MappingProxyType({}),
    on_inconclusive=Answer.WARN,
    on_weak=Answer.FAIL,
    on_missing=Answer.FAIL,
    series=(),
)

# A number is a sample of one value, five are the statistics of a slice, a reading
# is itself, and None is a round without.
Given = float | tuple[float, ...] | Reading | None
Rows = Mapping[str, Sequence[Given]]


def key(benchmark: str, metric: Metric = TIME, suite: str = "micro") -> SeriesKey:
    """Return the key of a series."""
    return SeriesKey(suite, benchmark, metric.name)


def sample(
    *values: float,
    metric: Metric = TIME,
    count: int = 100,
    primary: Statistic | None = None,
    points: Sequence[float] = (),
) -> Sample:
    """Return a sample of one value, or of the five statistics of a slice."""
    statistics = ONE_VALUE if len(values) == 1 else SLICE_STATISTICS
    return Sample(
        metric,
        statistics,
        values,
        primary or (Statistic.VALUE if len(values) == 1 else Statistic.Q10),
        count,
        tuple(sorted(points)),
    )


def tally(events: int, trials: int, metric: Metric = ERRORS) -> Tally:
    """Return how often something happened in a round."""
    return Tally(metric, events, trials)


def window(points: Sequence[float], value: float = 1.0) -> Sample:
    """Return a window of requests of which every single one was kept."""
    return sample(value, metric=P95, count=len(points), points=points)


def run(
    rows: Rows,
    *,
    metric: Metric = TIME,
    suite: str = "micro",
    environment: Environment = Environment(),  # noqa: B008 - frozen
    **of_each_round: Any,
) -> Run:
    """Return a run whose i-th round holds the i-th entry of each row."""
    rounds = tuple(
        Round(
            {
                key(name, _metric_of(given, metric), suite): _reading(given, metric)
                for name, given in zip(rows, entries, strict=True)
                if given is not None
            },
            **of_each_round,
        )
        for entries in zip_longest(*rows.values())
    )
    return Run(Commit(), environment, rounds)


def paired(base: Rows, head: Rows, **what: Any) -> Measurement:
    """Return a measurement in pairs of rounds."""
    return Measurement(run(base, **what), run(head, **what), Design.PAIRED)


def independent(base: Rows, head: Rows, **what: Any) -> Measurement:
    """Return a measurement of rounds that are not pairs."""
    return Measurement(run(base, **what), run(head, **what), Design.INDEPENDENT)


def joined(*measurements: Measurement) -> Measurement:
    """Return one measurement that has what each of *measurements* has, round by round.

    All have a base and equally many rounds.
    """
    first = measurements[0]
    assert first.base is not None
    bases = [m.base for m in measurements if m.base is not None]
    return replace(
        first,
        base=_joined(bases),
        head=_joined([m.head for m in measurements]),
    )


def policy(**changes: Any) -> Policy:
    """Return the plain policy, 2 % of everything and no floors, with *changes*."""
    return replace(POLICY, **changes)


def compared(measurement: Measurement, policy: Policy = POLICY) -> Compared:
    """Return the comparisons that *policy* asks for."""
    return compare(
        measurement,
        blocks=partial(blocks, policy=policy),
        margin=partial(plain_margin, policy=policy),
        level=policy.false_alarms,
    )


def compared_window(
    stored: Sequence[Run], head: Run, policy: Policy = POLICY
) -> Compared:
    """Return the comparisons with stored runs that *policy* asks for."""
    return compare_window(
        stored,
        head,
        blocks=partial(blocks, policy=policy),
        level=policy.false_alarms,
        widen=policy.widen,
    )


def judged(found: Compared, policy: Policy = POLICY) -> tuple[Judgement, ...]:
    """Return the judgements of what was compared."""
    return judge(found.comparisons, policy=policy, control=found.error_control)


def judged_by_name(
    measurement: Measurement, policy: Policy = POLICY
) -> dict[str, Judgement]:
    """Return the judgements by benchmark, where each has one metric."""
    found = judged(compared(measurement, policy), policy)
    return {j.key.benchmark: j for j in found}


def report_of(measurement: Measurement, policy: Policy = POLICY) -> Report:
    """Return the report of *measurement*, as the gate makes it."""
    found = compared(measurement, policy)
    return build_report(measurement, found, judged(found, policy), policy=policy)


def effect(theta: float, se: float = 0.001, **changes: Any) -> Effect:
    """Return an effect of 20 pairs whose p-values are tiny, one or a half."""
    made = Effect(
        theta=theta,
        se=se,
        p_slower=0.0 if theta > 0 else 1.0,
        p_faster=0.0 if theta < 0 else 1.0,
        bound=1.729,
        critical=4.0,
        power=0.861,
        spread=se * 20**0.5,
        units=20,
        rounds=20,
    )
    return replace(made, **changes)


def comparison(
    found: Effect | None,
    benchmark: str = "a",
    *,
    metric: Metric = TIME,
    base: float = 1.0,
    weak: bool = False,
    reason: str = "",
) -> Comparison:
    """Return a comparison with this effect."""
    value = SideValue(base, 20)
    return Comparison(
        key(benchmark, metric),
        metric,
        value,
        value,
        found,
        reason,
        weak=weak,
        design=Design.PAIRED,
    )


def control(tests: int = 1, level: float = 0.01) -> ErrorControl:
    """Return Holm's procedure over *tests* tests."""
    return ErrorControl("holm", level, tests)


def _joined(runs: Sequence[Run]) -> Run:
    rounds = zip(*(r.rounds for r in runs), strict=True)
    merged = tuple(
        Round({k: v for part in parts for k, v in part.samples.items()})
        for parts in rounds
    )
    return replace(runs[0], rounds=merged)


def _metric_of(given: Given, metric: Metric) -> Metric:
    return given.metric if isinstance(given, Sample | Tally) else metric


def _reading(given: Given, metric: Metric) -> Reading:
    if isinstance(given, Sample | Tally):
        return given
    assert given is not None
    return sample(*(given if isinstance(given, tuple) else (given,)), metric=metric)
