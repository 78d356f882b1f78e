"""Pooled tails: quantiles by numpy, swaps of whole windows one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchgate.model import Effect
from benchgate.stats.rounds import Rounds
from benchgate.stats.tails import beyond, pooled_tail
from tests.builders import LAW

LEVEL = 0.01
Windows = list[list[float]]

points = st.lists(st.floats(min_value=1e-3, max_value=1e3), min_size=1, max_size=30)
both_sides = st.integers(min_value=2, max_value=6).flatmap(
    lambda pairs: st.tuples(*[st.lists(points, min_size=pairs, max_size=pairs)] * 2)
)


def tail(base: Windows, head: Windows, probability: float = 0.95) -> Rounds:
    return pooled_tail(base, head, probability=probability, level=LEVEL)


def latencies(seed: int, windows: int, requests: int) -> tuple[Windows, Windows]:
    """Return windows of requests; each has moods of its own and some of its pair."""
    rng = np.random.default_rng(seed)
    shared = 0.2 * rng.standard_t(4, windows)
    sides = [
        [
            rng.lognormal(mood + 0.1 * rng.standard_normal(), 0.5, requests).tolist()
            for mood in shared
        ]
        for _ in range(2)
    ]
    return sides[0], sides[1]


def log_ratio(base: Windows, head: Windows) -> float:
    pooled = [np.quantile(np.concatenate(side), 0.95) for side in (base, head)]
    return math.log(pooled[1] / pooled[0])


@pytest.mark.parametrize("windows", [2, 5, 20])
def test_whole_pairs_of_windows_are_swapped_and_drawn_again(windows: int) -> None:
    base, head = latencies(windows, windows, 60)
    head = [[1.1 * value for value in window] for window in head]

    effect = tail(base, head).effect

    rng = np.random.RandomState(0)
    swaps = rng.randint(0, 2, size=(500, windows), dtype=np.int32)[1:].tolist()
    draws = rng.multinomial(windows, [1 / windows] * windows, size=300).tolist()
    sides = list(zip(base, head, strict=True))
    null = [
        log_ratio(
            [pair[swap] for pair, swap in zip(sides, row, strict=True)],
            [pair[1 - swap] for pair, swap in zip(sides, row, strict=True)],
        )
        for row in swaps
    ]
    resampled = [
        log_ratio(
            [b for (b, _), n in zip(sides, row, strict=True) for _ in range(n)],
            [h for (_, h), n in zip(sides, row, strict=True) for _ in range(n)],
        )
        for row in draws
    ]
    observed = log_ratio(base, head)
    se = np.std(resampled) * math.sqrt(windows / (windows - 1))
    reached = np.mean(np.array(null) >= observed - 1e-12)
    by_t = stats.t.sf(observed / se, windows - 1)
    assert effect.theta == pytest.approx(observed)
    assert effect.se == pytest.approx(se)
    assert effect.p_slower == pytest.approx(max(by_t, reached), rel=1e-6)
    assert effect.critical == pytest.approx(stats.t.isf(LEVEL, windows - 1))
    assert (effect.units, effect.rounds) == (windows, windows)


@LAW
@given(both_sides, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_each_side_shows_the_quantile_of_all_its_requests(
    sides: tuple[Windows, Windows], probability: float
) -> None:
    found = tail(*sides, probability=probability)

    pooled = [np.quantile(np.concatenate(side), probability) for side in sides]
    assert (found.base, found.head) == pytest.approx(tuple(pooled), rel=1e-12)
    change = math.log(found.head / found.base)
    assert found.effect.theta == pytest.approx(change, abs=1e-12)


@LAW
@given(both_sides)
def test_swapping_the_sides_negates_the_change_exactly(
    sides: tuple[Windows, Windows],
) -> None:
    base, head = sides

    forth, back = tail(base, head).effect, tail(head, base).effect

    assert forth.theta == -back.theta
    assert forth.se == back.se
    assert (forth.p_slower, forth.p_faster) == (back.p_faster, back.p_slower)


@LAW
@given(both_sides, st.integers(min_value=-60, max_value=60))
def test_scaling_all_requests_by_a_power_of_two_changes_no_bit(
    sides: tuple[Windows, Windows], power: int
) -> None:
    base, head = (
        [[math.ldexp(value, power) for value in window] for window in side]
        for side in sides
    )

    assert tail(base, head).effect == tail(*sides).effect


@LAW
@given(both_sides)
def test_windows_against_themselves_have_not_changed(
    sides: tuple[Windows, Windows],
) -> None:
    base, _ = sides

    effect = tail(base, base).effect

    assert effect.theta == 0.0
    assert min(effect.p_slower, effect.p_faster) >= 0.5


def test_requests_that_all_take_the_same_time_are_no_doubt() -> None:
    effect = tail([[1.0] * 50] * 4, [[1.0] * 50] * 4).effect

    assert effect.theta == 0.0
    assert effect.se < 0.001


def test_a_tail_that_doubled_in_every_window_is_found() -> None:
    base, head = latencies(1, 20, 200)

    slower = tail(base, [[2 * value for value in window] for window in head]).effect
    faster = tail(base, [[value / 2 for value in window] for window in head]).effect

    assert slower.p_slower < LEVEL / 20
    assert faster.p_faster < LEVEL / 20


def test_one_bad_window_is_no_regression() -> None:
    base, head = latencies(2, 20, 200)
    head[7] = [10 * value for value in head[7]]

    assert tail(base, head).effect.p_slower > LEVEL


@pytest.mark.parametrize(("requests", "slow"), [(1000, 50), (200, 10)])
def test_a_twentieth_of_all_requests_lies_beyond_p95(requests: int, slow: int) -> None:
    assert beyond(requests, 0.95) == pytest.approx(slow)


def alarms(effects: list[Effect], level: float) -> float:
    """Return the share of one-sided tests, in both directions, below *level*."""
    p = np.array([(effect.p_slower, effect.p_faster) for effect in effects])
    return float((p < level).mean())


@pytest.mark.parametrize(
    ("windows", "requests"), [(20, 200), (40, 100)], ids=["twenty", "forty"]
)
def test_windows_that_suffer_together_raise_no_false_alarms(
    windows: int, requests: int
) -> None:
    comparisons = 200
    effects = [
        tail(*latencies(seed, windows, requests)).effect for seed in range(comparisons)
    ]

    # Both directions of one comparison exclude each other, so they count as one.
    assert alarms(effects, 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / comparisons)
    assert alarms(effects, 0.01) <= 0.01 + 3 * math.sqrt(0.01 * 0.99 / comparisons)


def test_stalls_that_hit_parts_of_windows_raise_no_false_alarms() -> None:
    rng = np.random.default_rng(11)
    comparisons, shape = 200, (200, 2, 20, 150)
    times = rng.lognormal(0, 0.5, shape)
    stalled = rng.random(shape[:3])[..., np.newaxis] < 0.2
    part = np.arange(shape[3]) < rng.integers(1, 75, shape[:3])[..., np.newaxis]
    times *= np.where(stalled & part, rng.uniform(2, 10, shape[:3])[..., np.newaxis], 1)

    effects = [tail(base, head).effect for base, head in times.tolist()]

    assert alarms(effects, 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / comparisons)
    assert alarms(effects, 0.01) <= 0.01 + 3 * math.sqrt(0.01 * 0.99 / comparisons)


def test_a_tail_slower_by_a_fifth_is_found_in_forty_windows() -> None:
    measured = [latencies(seed, 40, 100) for seed in range(60)]

    p = [
        tail(base, (1.2 * np.array(head)).tolist()).effect.p_slower
        for base, head in measured
    ]

    assert np.mean(np.array(p) < LEVEL) > 0.85


@pytest.mark.parametrize("factor", [1.0, 1.5, 3.0])
@pytest.mark.parametrize(("windows", "requests"), [(10, 120), (40, 60)])
def test_intervals_hold_the_truth_whatever_the_effect(
    windows: int, requests: int, factor: float
) -> None:
    comparisons = 120
    effects = [
        tail(base, (factor * np.array(head)).tolist()).effect
        for base, head in (
            latencies(seed, windows, requests) for seed in range(comparisons)
        )
    ]

    held = [abs(e.theta - math.log(factor)) <= e.bound * e.se for e in effects]

    # Nominally 90 %; resampling so few windows falls a little short of it.
    assert np.mean(held) >= 0.87 - 3 * math.sqrt(0.87 * 0.13 / comparisons)
