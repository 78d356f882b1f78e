"""Pairs that nobody would wish for: each has a verdict, and no p out of nothing."""

from __future__ import annotations

import numpy as np
import pytest

from benchgate.compare import WHOLE_SUITE
from benchgate.model import Measurement, Outcome, Verdict
from tests.builders import (
    P50,
    P95,
    Given,
    judged_by_name,
    paired,
    report_of,
    window,
)


def noisy(seed: int, rounds: int, factor: float = 1.0) -> list[Given]:
    rng = np.random.default_rng(seed)
    return list((factor * np.exp(0.01 * rng.standard_normal(rounds))).tolist())


def test_identical_values_are_unchanged_and_not_certain() -> None:
    (found,) = report_of(paired({"a": [2.0] * 20}, {"a": [2.0] * 20})).judgements

    assert found.verdict is Verdict.UNCHANGED
    assert (found.p, found.comparison.tested) == (0.5, False)
    assert found.slowdown is not None
    assert found.slowdown.lo < 0 < found.slowdown.hi


def test_identical_values_that_all_moved_are_regressed_at_a_p_above_zero() -> None:
    (found,) = report_of(paired({"a": [2.0] * 20}, {"a": [2.2] * 20})).judgements

    assert found.verdict is Verdict.REGRESSED
    assert found.p is not None
    assert found.p > 0


@pytest.mark.parametrize("at", [0, 7, 19])
def test_one_wild_outlier_makes_no_regression(at: int) -> None:
    head = noisy(2, 20)
    head[at] = 1e6

    found = judged_by_name(paired({"a": noisy(1, 20)}, {"a": head}))["a"]

    assert found.verdict is Verdict.UNCHANGED
    assert found.slowdown is not None
    assert abs(found.slowdown.point) < 0.01


@pytest.mark.parametrize("at", [0, 7, 19])
def test_one_wild_outlier_hides_no_regression(at: int) -> None:
    base = noisy(1, 20)
    base[at] = 1e6

    found = judged_by_name(paired({"a": base}, {"a": noisy(2, 20, 1.1)}))["a"]

    assert found.verdict is Verdict.REGRESSED


def test_a_suite_where_everything_moved_regresses_as_a_whole() -> None:
    base = {f"b{i}": noisy(i, 20) for i in range(8)}
    head = {f"b{i}": noisy(50 + i, 20, 1.1) for i in range(8)}

    found = judged_by_name(paired(base, head))

    assert {j.verdict for j in found.values()} == {Verdict.REGRESSED}
    assert WHOLE_SUITE in found


def test_one_benchmark_alone_is_judged_without_a_suite() -> None:
    found = judged_by_name(paired({"a": noisy(1, 20)}, {"a": noisy(2, 20, 1.1)}))

    assert {name: j.verdict for name, j in found.items()} == {"a": Verdict.REGRESSED}


def test_thousands_of_series_are_all_judged() -> None:
    names = [f"b{i}" for i in range(3000)]
    base = {name: noisy(i, 8) for i, name in enumerate(names)}
    head = {name: noisy(9000 + i, 8) for i, name in enumerate(names)}
    head["b7"] = noisy(1, 8, 2.0)

    report = report_of(paired(base, head))

    assert len(report.judgements) == 3001
    slower = [j for j in report.judgements if j.verdict is Verdict.REGRESSED]
    assert [j.key.benchmark for j in slower] == ["b7"]


def windows(counts: list[int], factor: float = 1.0) -> list[Given]:
    """Return windows of so many requests each, of the same service."""
    rng = np.random.default_rng(sum(counts))
    return [
        window((factor * np.exp(0.3 * rng.standard_normal(count))).tolist())
        for count in counts
    ]


SHORT, LONG = [30, 400, 200, 90] * 3, [400, 30, 90, 200] * 3


@pytest.mark.parametrize(
    ("factor", "verdict"), [(1.0, Verdict.INCONCLUSIVE), (2.0, Verdict.REGRESSED)]
)
def test_windows_of_unequal_length_are_pooled_by_their_requests(
    factor: float, verdict: Verdict
) -> None:
    measured = paired(
        {"GET /": windows(SHORT)}, {"GET /": windows(LONG, factor)}, metric=P95
    )

    found = judged_by_name(measured)["GET /"]

    assert found.verdict is verdict


def lost(side: str) -> Measurement:
    """Return twenty rounds of which one side has lost the first half."""
    holes: list[Given] = [*[None] * 10, *noisy(3, 10)]
    sides = {"base": noisy(1, 20), "head": noisy(2, 20), side: holes}
    return paired({"GET /": sides["base"]}, {"GET /": sides["head"]}, metric=P50)


@pytest.mark.parametrize("side", ["base", "head"])
def test_rounds_that_one_side_lost_are_left_out_with_a_doubt(side: str) -> None:
    report = report_of(lost(side))

    (found,) = report.judgements
    assert report.outcome is Outcome.PASSED
    assert found.comparison.head is not None
    assert found.comparison.head.rounds == 10
    assert [d.text for d in report.doubts] == ["10 rounds in between gave nothing"]
