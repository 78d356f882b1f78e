"""Timed slices of any tool → the samples, failures and doubts of one round.

What can't be judged is refused by name and never repaired: the rest goes on.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchgate.model import (
    SLICE_STATISTICS,
    Better,
    Doubt,
    Failure,
    Kind,
    Metric,
    Round,
    Sample,
    SeriesKey,
    Statistic,
    Unit,
)
from benchgate.stats.slices import statistics_of_slices

TIME = Metric("time", Unit.SECOND, Better.LOWER, Kind.TIME)
# Criterion itself never takes fewer, except in its quick mode, which takes two.
FEWEST = 10
_FEWEST_FOR_A_QUANTILE = 20
_PER_SECOND = {"ps": 1e12, "ns": 1e9, "us": 1e6, "µs": 1e6, "ms": 1e3, "s": 1.0}
_LONGEST_TIME = 1e9
_LONGEST_QUOTE = 40


@dataclass(frozen=True, slots=True)
class Slice:
    """What was timed of one benchmark: *totals*, in *unit*, of *iterations*."""

    benchmark: str
    totals: Sequence[float]
    iterations: Sequence[float]
    unit: str


@dataclass(slots=True)
class Findings:
    """What a reader has found so far in one source."""

    suite: str
    slices: list[Slice] = field(default_factory=list)
    samples: list[tuple[str, Sample]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)

    def refuse(self, benchmark: str, reason: str) -> None:
        """Note that *benchmark* can't be judged."""
        self.failures.append(Failure(self.suite, benchmark, reason))

    def key(self, benchmark: str) -> SeriesKey:
        """Return the series of the times of *benchmark*."""
        return SeriesKey(self.suite, benchmark, TIME.name)


def round_of(findings: Findings, *, few: str) -> Round:
    """Return the round that *findings* make, times in seconds per iteration.

    *few* is what to say of a benchmark with too few measurements.
    A benchmark that occurs twice is a failure: which of the two is compared with
    the other side would be chance. A round of nothing is a failure of the suite.
    """
    if not (findings.slices or findings.samples or findings.failures):
        findings.refuse("", "no benchmark was measured")
    twice = _named_twice(findings)
    samples = {
        findings.key(benchmark): sample
        for benchmark, sample in [*findings.samples, *_samples_of(findings, few)]
        if benchmark not in twice
    }
    return Round(
        samples, failures=tuple(findings.failures), doubts=tuple(findings.doubts)
    )


def why_not_numbers(values: Any, *, what: str) -> str:
    """Say what keeps *values* from being a list of finite numbers, "" if nothing."""
    if not isinstance(values, list):
        return f"{what} is no list of numbers"
    for value in values:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        # Compared rather than asked isfinite(), which fails for a huge integer.
        if not number or not abs(value) <= sys.float_info.max:
            return f"{what} holds {json.dumps(value)[:_LONGEST_QUOTE]}"
    return ""


def as_text(name: Any) -> str:
    """Return *name* as text that can be written anywhere.

    JSON can hold half of a surrogate pair, which no encoding takes.
    """
    return str(name).encode("utf-8", "backslashreplace").decode()


def _named_twice(findings: Findings) -> set[str]:
    """Return the ids that occur more than once; note each as a failure."""
    counts = Counter([timed.benchmark for timed in findings.slices])
    counts.update(benchmark for benchmark, _ in findings.samples)
    twice = {benchmark for benchmark, count in counts.items() if count > 1}
    for benchmark in sorted(twice):
        reason = f"{counts[benchmark]} benchmarks have this id: rename all but one"
        findings.refuse(benchmark, reason)
    return twice


def _samples_of(findings: Findings, few: str) -> Iterator[tuple[str, Sample]]:
    """Yield the samples of the slices that can be judged; note the rest."""
    usable: list[Slice] = []
    for timed in findings.slices:
        if problem := _problem_of(timed, few):
            findings.refuse(timed.benchmark, problem)
        else:
            usable.append(timed)
    rows = statistics_of_slices([(timed.totals, timed.iterations) for timed in usable])
    for timed, row in zip(usable, rows, strict=True):
        per_second = _PER_SECOND[timed.unit]
        yield (
            timed.benchmark,
            Sample(
                metric=TIME,
                statistics=SLICE_STATISTICS,
                values=tuple([value / per_second for value in row]),
                primary=_primary_of(timed.iterations),
                count=len(timed.totals),
            ),
        )


def _problem_of(timed: Slice, few: str) -> str:  # noqa: PLR0911 - a list of reasons
    """Say why *timed* can't be judged, "" if it can."""
    totals, iterations = timed.totals, timed.iterations
    if timed.unit not in _PER_SECOND:
        return f'it is measured in "{timed.unit}", which is no unit of time'
    if len(totals) != len(iterations):
        return f"{len(totals)} times but {len(iterations)} iteration counts"
    if len(totals) < FEWEST:
        return f"{len(totals)} samples: {few}"
    if min(iterations) < 1:
        return "an iteration count is below one"
    if max(totals) / _PER_SECOND[timed.unit] > _LONGEST_TIME:
        return "a time is longer than thirty years"
    # Divided first: what underflows to zero has no logarithm either.
    if min(totals) / max(iterations) / _PER_SECOND[timed.unit] <= 0:
        return "a time is zero or negative"
    return ""


def _primary_of(iterations: Sequence[float]) -> Statistic:
    """Return the statistic for comparisons that choose none, by all measurements.

    A tenth percentile of few measurements is worth its name only where each of
    them timed as many iterations.
    """
    flat = min(iterations) == max(iterations)
    enough = len(iterations) >= _FEWEST_FOR_A_QUANTILE
    return Statistic.Q10 if flat or enough else Statistic.MEDIAN
