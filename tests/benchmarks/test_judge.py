"""How fast rounds become verdicts, beside what one would call for each benchmark.

500 benchmarks: quiet pairs of 40 rounds, to be done in 100 ms, and a head against
30 stored runs, to be done in 50 ms; both with all that the policy does afterwards.
Run with ``make bench``; the machine should have nothing else to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from scipy import stats

from benchgate.documents import run as document
from benchgate.model import Design, Judgement, Measurement, Outcome, Report, Run
from tests.builders import (
    POLICY,
    compared_window,
    judged,
    paired,
    report_of,
    run,
)

SERIES, ROUNDS, STORED = 500, 40, 30
NAMES = [f"suite/benchmark/{i:03}" for i in range(SERIES)]


def as_stored(measurement: Measurement) -> Measurement:
    """Return what is read back from a file; there a series has one key a side."""
    return document.decode(document.encode(measurement), name="run.json")


@cache
def slices() -> np.ndarray:
    """Return times of slices, (sides, series, rounds, statistics)."""
    rng = np.random.default_rng(1)
    noise = 0.02 * rng.standard_t(4, (2, SERIES, ROUNDS, 5))
    times: np.ndarray = 1e-6 * np.exp(np.sort(noise, axis=3))
    return times


@cache
def pairs() -> Measurement:
    base, head = (
        {
            name: [(a, b, c, d, e) for a, b, c, d, e in rows]
            for name, rows in zip(NAMES, side, strict=True)
        }
        for side in slices().tolist()
    )
    return as_stored(paired(base, head))


@cache
def stored() -> tuple[Run, ...]:
    rng = np.random.default_rng(2)
    rows = np.exp(0.02 * rng.standard_t(4, (STORED + 1, SERIES))).tolist()
    alone = [
        Measurement(
            None,
            run({name: [value] for name, value in zip(NAMES, row, strict=True)}),
            Design.STORED,
        )
        for row in rows
    ]
    return tuple(as_stored(measurement).head for measurement in alone)


def judge_window(window: Sequence[Run], head: Run) -> tuple[Judgement, ...]:
    return judged(compared_window(window, head))


def ttest_each(times: np.ndarray) -> list[float]:
    """Test the means as one does with scipy.stats, benchmark by benchmark."""
    logs = np.log(times[..., 4])
    return [
        float(stats.ttest_rel(after, before, alternative="greater").pvalue)
        for before, after in zip(logs[0], logs[1], strict=True)
    ]


def mannwhitneyu_each(times: np.ndarray) -> list[float]:
    """Test the means by ranks, as most benchmark scripts do."""
    return [
        float(stats.mannwhitneyu(after, before, alternative="greater").pvalue)
        for before, after in zip(times[0, ..., 4], times[1, ..., 4], strict=True)
    ]


@pytest.mark.benchmark(group="500 benchmarks, 40 pairs")
def test_judge_pairs(benchmark: BenchmarkFixture) -> None:
    benchmark.extra_info["to be done in"] = "100 ms"

    report: Report = benchmark.pedantic(  # type: ignore[no-untyped-call]
        report_of, (pairs(), POLICY), rounds=15, warmup_rounds=2
    )

    assert report.outcome is Outcome.PASSED
    assert len(report.judgements) == SERIES + 1


@pytest.mark.benchmark(group="500 benchmarks, 40 pairs")
@pytest.mark.parametrize("test_each", [ttest_each, mannwhitneyu_each])
def test_judge_pairs_by_hand(benchmark: BenchmarkFixture, test_each: type) -> None:
    found = benchmark.pedantic(test_each, (slices(),), rounds=5, warmup_rounds=1)  # type: ignore[no-untyped-call]

    assert len(found) == SERIES


@pytest.mark.benchmark(group="500 benchmarks, 30 stored runs")
def test_judge_window(benchmark: BenchmarkFixture) -> None:
    *window, head = stored()
    benchmark.extra_info["to be done in"] = "50 ms"

    found: tuple[Judgement, ...] = benchmark.pedantic(  # type: ignore[no-untyped-call]
        judge_window, (window, head), rounds=15, warmup_rounds=2
    )

    assert len(found) == SERIES


@pytest.mark.benchmark(group="500 benchmarks, 30 stored runs")
def test_judge_window_by_hand(benchmark: BenchmarkFixture) -> None:
    *window, head = stored()
    rows = np.array(
        [
            [one.value(one.primary) for one in each.rounds[0].samples.values()]  # type: ignore[union-attr]
            for each in (*window, head)
        ]
    )

    def ranks_each() -> list[float]:
        return [
            float(stats.mannwhitneyu(column[-1:], column[:-1]).pvalue)
            for column in rows.T
        ]

    found = benchmark.pedantic(ranks_each, rounds=5, warmup_rounds=1)  # type: ignore[no-untyped-call]

    assert len(found) == SERIES
