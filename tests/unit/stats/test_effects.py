"""A mean and its spread become an effect; what it could detect is tabulated."""

from __future__ import annotations

import math
from dataclasses import astuple

import pytest
from scipy import stats

from benchgate.judge import detectable
from benchgate.model import Effect
from benchgate.stats.effects import SMALLEST_SPREAD, effect_of_mean


def test_an_effect_is_a_t_test_of_one_mean() -> None:
    found = effect_of_mean(0.03, spread=0.06, units=16, rounds=20, level=0.001)

    expected = Effect(
        theta=0.03,
        se=0.015,
        p_slower=stats.t.sf(2.0, 15),
        p_faster=stats.t.cdf(2.0, 15),
        bound=stats.t.isf(0.05, 15),
        critical=stats.t.isf(0.001, 15),
        power=stats.t.isf(0.2, 15),
        spread=0.06,
        units=16,
        rounds=20,
    )
    assert astuple(found) == pytest.approx(astuple(expected))


def test_two_slices_that_agree_to_the_last_bit_are_no_certainty() -> None:
    found = effect_of_mean(1e-9, spread=0.0, units=4, rounds=4, level=0.01)

    assert found.spread == SMALLEST_SPREAD
    assert found.se == SMALLEST_SPREAD / 2
    assert found.p_slower > 0.4


def test_width_and_degrees_of_freedom_can_be_given() -> None:
    found = effect_of_mean(
        0.1, spread=0.1, units=1, rounds=1, level=0.01, width=0.5, df=4
    )

    assert found.se == 0.05
    assert found.p_slower == pytest.approx(stats.t.sf(2.0, 4))
    assert found.bound == pytest.approx(stats.t.isf(0.05, 4))


@pytest.mark.parametrize(
    ("spread", "tests", "runs", "percent"),
    [
        *((0.01, 1, k, mde) for k, mde in [(1, 2.6), (3, 1.6), (5, 1.2), (10, 0.9)]),
        *((0.03, 100, k, mde) for k, mde in [(1, 14.8), (3, 8.5), (5, 6.8), (10, 5.1)]),
        *(
            (0.06, 100, k, mde)
            for k, mde in [(1, 31.7), (3, 17.8), (5, 14.0), (10, 10.4)]
        ),
    ],
)
def test_what_a_window_of_thirty_runs_detects(
    spread: float, tests: int, runs: int, percent: float
) -> None:
    found = effect_of_mean(
        0.0,
        spread=spread,
        units=runs,
        rounds=runs,
        level=0.05 / tests,
        width=math.sqrt(1 / runs + 1 / 30),
        df=29,
    )

    step = math.expm1(detectable(found, 0.0, units=runs))
    assert round(100 * step, 1) == percent


@pytest.mark.parametrize(
    ("spread", "tests", "pairs", "percent"),
    [
        *((0.01, 1, p, mde) for p, mde in [(5, 1.4), (10, 0.9), (15, 0.7), (20, 0.6)]),
        *(
            (0.03, 100, p, mde)
            for p, mde in [(5, 13.7), (10, 5.5), (15, 4.0), (20, 3.2)]
        ),
    ],
)
def test_what_pairs_detect(
    spread: float, tests: int, pairs: int, percent: float
) -> None:
    found = effect_of_mean(
        0.0, spread=spread, units=pairs, rounds=pairs, level=0.05 / tests
    )

    step = math.expm1(detectable(found, 0.0, units=pairs))
    assert round(100 * step, 1) == percent
