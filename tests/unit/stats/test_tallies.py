"""Errors among requests: the binomial by scipy, the over-dispersion by Pearson."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchgate.stats.tallies import Rates, compare_tallies
from tests.builders import LAW

LEVEL = 0.01
Side = list[tuple[int, int]]
rounds = st.integers(min_value=1, max_value=400).flatmap(
    lambda trials: st.tuples(st.integers(0, trials), st.just(trials))
)
sides = st.lists(rounds, min_size=1, max_size=8)


def compared(base: Side, head: Side) -> Rates:
    return compare_tallies(base, head, level=LEVEL)


@pytest.mark.parametrize(
    ("base", "head"),
    [((3, 1000), (12, 1000)), ((0, 500), (7, 800)), ((9, 700), (0, 900))],
)
def test_one_round_a_side_is_a_binomial_of_all_errors(
    base: tuple[int, int], head: tuple[int, int]
) -> None:
    found = compared([base], [head])

    events, share = base[0] + head[0], head[1] / (base[1] + head[1])
    exact = stats.binomtest(head[0], events, share, alternative="greater").pvalue
    normal = stats.norm.sf(
        (head[0] - events * share) / math.sqrt(events * share * (1 - share))
    )
    assert found.effect.p_slower == pytest.approx(max(exact, normal))
    assert found.effect.theta == head[0] / head[1] - base[0] / base[1]
    assert (found.base, found.head) == (base[0] / base[1], head[0] / head[1])


def test_fewer_errors_are_an_improvement() -> None:
    found = compared([(40, 1000)] * 5, [(10, 1000)] * 5)

    exact = stats.binomtest(50, 250, 0.5, alternative="less").pvalue
    z = (50 - 125) / math.sqrt(250 * 0.25)
    assert found.effect.p_faster == pytest.approx(max(exact, stats.t.cdf(z, 8)))
    assert found.effect.p_slower > 0.999


def test_rounds_that_differ_beyond_chance_widen_the_test() -> None:
    even = compared([(10, 1000)] * 4, [(20, 1000)] * 4)
    base = [(0, 1000), (30, 1000), (5, 1000), (5, 1000)]
    head = [(20, 1000)] * 4

    uneven = compared(base, head)

    pearson = sum((e - 10) ** 2 / (1000 * 0.01 * 0.99) for e, _ in base) / 3
    z = (80 - 60) / math.sqrt(pearson * 120 * 0.25)
    assert uneven.effect.p_slower == pytest.approx(stats.t.sf(z, 6))
    assert uneven.effect.se == pytest.approx(even.effect.se * math.sqrt(pearson))
    assert uneven.effect.theta == even.effect.theta


def test_the_fewer_the_rounds_the_wider_the_tails() -> None:
    few = compared([(10, 1000)] * 2, [(30, 1000)] * 2)
    many = compared([(1, 100)] * 20, [(3, 100)] * 20)

    assert few.effect.theta == many.effect.theta
    assert few.effect.p_slower > 10 * many.effect.p_slower
    assert few.effect.critical == pytest.approx(stats.t.isf(LEVEL, 2))
    assert many.effect.bound == pytest.approx(stats.t.isf(0.05, 38))
    assert many.effect.power == pytest.approx(stats.t.isf(0.2, 38))


def test_the_standard_error_is_that_of_two_smoothed_rates() -> None:
    found = compared([(3, 999)], [(12, 1999)])

    before, after = 3.5 / 1000, 12.5 / 2000
    variance = before * (1 - before) / 999 + after * (1 - after) / 1999
    assert found.effect.se == pytest.approx(math.sqrt(variance))
    assert found.effect.spread == pytest.approx(math.sqrt(variance))


def test_the_spread_is_that_of_one_round() -> None:
    effect = compared([(3, 1000)] * 4, [(3, 1000)] * 9).effect

    assert (effect.units, effect.rounds) == (4, 4)
    assert effect.spread == pytest.approx(2 * effect.se)


def test_no_errors_at_all_are_not_certainty() -> None:
    found = compared([(0, 100)] * 4, [(0, 100)] * 4)

    assert (found.effect.theta, found.base, found.head) == (0.0, 0.0, 0.0)
    assert (found.effect.p_slower, found.effect.p_faster) == (1.0, 1.0)
    assert found.effect.se > 0.001


def test_a_base_without_errors_is_no_special_case() -> None:
    found = compared([(0, 1000)] * 10, [(5, 1000)] * 10)

    assert found.effect.p_slower < 1e-6
    assert found.effect.theta == 0.005


def test_nothing_but_errors_is_no_special_case() -> None:
    found = compared([(100, 100)] * 4, [(100, 100)] * 4)

    assert found.effect.theta == 0.0
    assert 0.0 < found.effect.se < 0.01
    assert min(found.effect.p_slower, found.effect.p_faster) >= 0.5


@LAW
@given(sides, sides)
def test_swapping_the_sides_negates_the_difference_of_rates(
    base: Side, head: Side
) -> None:
    forth, back = compared(base, head).effect, compared(head, base).effect

    assert forth.theta == -back.theta
    assert forth.se == back.se
    assert forth.p_slower == pytest.approx(back.p_faster, rel=1e-6, abs=1e-12)


@LAW
@given(sides)
def test_the_same_errors_on_both_sides_are_no_change(side: Side) -> None:
    effect = compared(side, side).effect

    assert effect.theta == 0.0
    assert effect.p_slower >= 0.5
    assert effect.p_faster >= 0.5


@LAW
@given(sides, sides, st.integers(min_value=1, max_value=50))
def test_one_error_more_on_the_head_never_makes_it_look_better(
    base: Side, head: Side, more: int
) -> None:
    events, trials = head[0]
    worse = [(min(trials, events + more), trials), *head[1:]]

    assert compared(base, worse).effect.theta >= compared(base, head).effect.theta


@pytest.mark.parametrize("windows", [2, 4, 20])
def test_windows_with_moods_raise_no_more_alarms_than_allowed(windows: int) -> None:
    rng = np.random.default_rng(windows)
    comparisons = 1500
    moods = rng.gamma(1 / 0.3, 0.3, (comparisons, 2, windows))
    errors = rng.binomial(300, np.minimum(0.02 * moods, 1.0)).tolist()

    effects = [
        compared([(e, 300) for e in base], [(e, 300) for e in head]).effect
        for base, head in errors
    ]

    p = np.array([e.p_slower for e in effects])
    assert (p < 0.05).mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / comparisons)
    assert (p < 0.01).mean() <= 0.01 + 3 * math.sqrt(0.01 * 0.99 / comparisons)
    assert (p < 0.001).mean() <= 0.001 + 3 * math.sqrt(0.001 / comparisons)


def test_a_doubled_error_rate_is_found_in_twenty_windows() -> None:
    rng = np.random.default_rng(1)
    errors = rng.binomial(400, [[0.02], [0.04]], (200, 2, 20)).tolist()

    p = [
        compared([(e, 400) for e in base], [(e, 400) for e in head]).effect.p_slower
        for base, head in errors
    ]

    assert np.mean(np.array(p) < 0.01 / 20) > 0.97
