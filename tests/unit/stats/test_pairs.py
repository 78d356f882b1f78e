"""Quiet pairs: the choice by its definition, the test against scipy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchgate.stats.pairs import (
    FEWEST_PAIRS,
    SHARES,
    QuietPairs,
    pair_logs,
    quiet_pairs,
    suite_pairs,
)
from tests.builders import LAW

LEVEL = 0.001
Values = list[list[list[float]]]  # series, rounds, statistics

values = st.floats(min_value=1e-3, max_value=1e3)


@st.composite
def both_sides(draw: st.DrawFn, most_series: int = 3) -> tuple[Values, Values]:
    """Draw two sides of (series, rounds, statistics)."""
    series, statistics = draw(st.integers(1, most_series)), draw(st.integers(1, 5))
    rounds = draw(st.integers(min_value=2, max_value=16))
    rows = st.lists(values, min_size=statistics, max_size=statistics)
    side = st.lists(
        st.lists(rows, min_size=rounds, max_size=rounds),
        min_size=series,
        max_size=series,
    )
    return draw(side), draw(side)


def bursts(seed: int, shape: tuple[int, int, int]) -> Values:
    """Return slices of a steady program on a machine that is busy now and then."""
    rng = np.random.default_rng(seed)
    series, rounds, statistics = shape
    busy = rng.random((series, rounds, 1)) < 0.4
    slowed = busy * rng.uniform(0.2, 0.8, (series, rounds, 1))
    quantile = np.linspace(0, 0.05, statistics) * rng.random((series, rounds, 1))
    noise = 0.005 * rng.standard_normal(shape)
    found: Values = np.exp(slowed + quantile + noise).tolist()
    return found


def found_in(
    base: Values,
    head: Values,
    *,
    signs: Sequence[float] | None = None,
    level: float = LEVEL,
) -> list[QuietPairs]:
    """Return the quiet pairs, larger being worse unless said otherwise."""
    signs = signs or [1.0] * len(base)
    return quiet_pairs(pair_logs(base, head), signs=signs, level=level)


def widths(base: Values, head: Values) -> Iterator[tuple[float, int, tuple[int, ...]]]:
    """Yield (width, statistic, pairs) of all that may be chosen for one series."""
    before, after = np.log(np.array(base[0])), np.log(np.array(head[0]))
    rounds = len(before)
    counts = [max(5, round(share * rounds)) for share in (1, 0.75, 0.5, 0.35, 0.25)]
    for statistic, k in product(range(before.shape[1]), counts):
        difference = after[:, statistic] - before[:, statistic]
        noise = after[:, statistic] + before[:, statistic]
        quiet = sorted(range(rounds), key=noise.__getitem__)[:k]
        mean_square = np.mean([difference[pair] ** 2 for pair in quiet])
        width = stats.t.isf(LEVEL, k - 1) * math.sqrt(mean_square / k)
        yield width, statistic, tuple(sorted(quiet))


@pytest.mark.parametrize("rounds", [8, 9, 20, 40])
@pytest.mark.parametrize("seed", range(5))
def test_the_narrowest_of_all_intervals_is_chosen(seed: int, rounds: int) -> None:
    base, head = bursts(seed, (1, rounds, 5)), bursts(seed + 50, (1, rounds, 5))

    (found,) = found_in(base, head)

    _, statistic, pairs = min(widths(base, head))
    assert (found.statistic, found.chosen) == (statistic, pairs)


@pytest.mark.parametrize("rounds", [2, 3, 7, 8, 20])
@pytest.mark.parametrize("seed", range(4))
def test_the_chosen_pairs_are_tested_as_scipy_does(seed: int, rounds: int) -> None:
    base, head = bursts(seed, (1, rounds, 5)), bursts(seed + 50, (1, rounds, 5))

    (found,) = found_in(base, head)

    before, after = (
        np.log(np.array(side[0]))[list(found.chosen), found.statistic]
        for side in (base, head)
    )
    expected = stats.ttest_rel(after, before, alternative="greater")
    effect = found.effect
    assert effect.p_slower == pytest.approx(expected.pvalue, rel=1e-9)
    assert effect.p_faster == pytest.approx(1 - expected.pvalue, rel=1e-9)
    assert effect.theta / effect.se == pytest.approx(expected.statistic, rel=1e-9)
    assert effect.units == len(found.chosen)
    assert effect.rounds == rounds
    assert found.base == pytest.approx(math.exp(before.mean()))
    assert found.head == pytest.approx(math.exp(after.mean()))


@LAW
@given(both_sides(most_series=1), st.data())
def test_the_choice_does_not_know_which_side_is_which(
    sides: tuple[Values, Values], data: st.DataObject
) -> None:
    base, head = sides
    rounds = len(base[0])
    coins = st.lists(st.booleans(), min_size=rounds, max_size=rounds)
    swapped = [
        (h, b) if coin else (b, h)
        for coin, b, h in zip(data.draw(coins), base[0], head[0], strict=True)
    ]

    (before,) = found_in(base, head)
    (after,) = found_in([[b for b, _ in swapped]], [[h for _, h in swapped]])

    assert (before.statistic, before.chosen) == (after.statistic, after.chosen)


def test_with_fewer_than_eight_pairs_none_is_left_out() -> None:
    base, head = bursts(1, (1, 7, 5)), bursts(2, (1, 7, 5))

    (found,) = found_in(base, head)

    assert found.chosen == tuple(range(7))


def test_never_fewer_than_five_pairs_are_chosen() -> None:
    quiet, loud = [[1.0]] * 3, [[9.0 + i] for i in range(5)]

    (found,) = found_in([[*quiet, *loud]], [[*quiet, *reversed(loud)]])

    assert FEWEST_PAIRS == 5
    assert round(min(SHARES) * 8) < 5
    assert len(found.chosen) >= 5


def test_a_slowdown_is_seen_in_the_quiet_pairs_among_bursts() -> None:
    quiet, loud = [[1.0]] * 10, [[2.0], [9.0]] * 5
    slower = [[1.05 * value for value in row] for row in quiet]

    (found,) = found_in([[*quiet, *loud]], [[*slower, *reversed(loud)]])

    assert found.chosen == tuple(range(10))
    assert found.effect.theta == pytest.approx(math.log(1.05))
    assert found.effect.p_slower < 1e-9
    assert (found.base, found.head) == pytest.approx((1.0, 1.05))


@LAW
@given(both_sides())
def test_swapping_the_sides_negates_every_change_exactly(
    sides: tuple[Values, Values],
) -> None:
    base, head = sides

    forth, back = found_in(base, head), found_in(head, base)

    assert [f.effect.theta for f in forth] == [-b.effect.theta for b in back]
    assert [f.effect.p_slower for f in forth] == [b.effect.p_faster for b in back]
    assert [f.effect.se for f in forth] == [b.effect.se for b in back]


@LAW
@given(both_sides())
def test_where_more_is_better_the_sign_turns(sides: tuple[Values, Values]) -> None:
    base, head = sides

    lower = found_in(base, head)
    higher = found_in(base, head, signs=[-1.0] * len(base))

    assert [f.effect.theta for f in lower] == [-b.effect.theta for b in higher]
    assert [f.effect.p_slower for f in lower] == [b.effect.p_faster for b in higher]


@LAW
@given(both_sides(), st.integers(min_value=-60, max_value=60))
def test_scaling_a_series_by_a_power_of_two_changes_no_bit(
    sides: tuple[Values, Values], power: int
) -> None:
    scaled = [
        [[[math.ldexp(v, power) for v in row] for row in rows] for rows in side]
        for side in sides
    ]

    before, after = found_in(*sides), found_in(*scaled)

    assert [b.effect for b in before] == [a.effect for a in after]
    assert [math.ldexp(b.base, power) for b in before] == [a.base for a in after]


@LAW
@given(both_sides(most_series=6))
def test_a_series_says_the_same_alone_and_in_company(
    sides: tuple[Values, Values],
) -> None:
    base, head = sides

    alone = [found_in([b], [h])[0] for b, h in zip(base, head, strict=True)]

    assert found_in(base, head) == alone


@LAW
@given(both_sides())
def test_a_side_against_itself_has_not_changed(sides: tuple[Values, Values]) -> None:
    base, _ = sides

    effects = [found.effect for found in found_in(base, base)]

    assert {(e.theta, e.p_slower, e.p_faster) for e in effects} == {(0.0, 0.5, 0.5)}


def flipped(difference: Sequence[float]) -> float:
    """Return the share of all choices of signs whose sum is no smaller."""
    signs = np.array(list(product((-1, 1), repeat=len(difference))))
    sums = signs @ np.asarray(difference)
    return float((sums >= sum(difference) - 1e-12).mean())


def test_students_t_is_conservative_under_heavy_symmetric_noise() -> None:
    rng = np.random.default_rng(7)
    noise = rng.standard_t(1, (1500, 7))  # Cauchy: it has no variance at all

    by_t = stats.ttest_1samp(noise, 0, axis=1, alternative="greater").pvalue
    by_flips = np.array([flipped(row) for row in noise.tolist()])

    assert (by_t < 0.05).mean() < 0.05
    assert (by_flips <= 0.05).mean() == pytest.approx(0.05, abs=3 * 0.0056)


@pytest.mark.parametrize("seed", range(3))
def test_the_exact_flips_agree_where_noise_is_ordinary(seed: int) -> None:
    rng = np.random.default_rng(seed)
    base = [[[v] for v in np.exp(0.01 * rng.standard_normal(12)).tolist()]]
    head = [[[v] for v in np.exp(0.01 * rng.standard_normal(12) + 0.008).tolist()]]

    (found,) = found_in(base, head)

    difference = [
        math.log(head[0][pair][0] / base[0][pair][0]) for pair in found.chosen
    ]
    assert found.effect.p_slower == pytest.approx(flipped(difference), abs=0.02)


@pytest.mark.parametrize("rounds", [5, 10, 20])
def test_the_suite_is_its_median_benchmark_pair_by_pair(rounds: int) -> None:
    base, head = bursts(3, (5, rounds, 2)), bursts(4, (5, rounds, 2))
    pairs = pair_logs(base, head)
    difference = np.median([p.head - p.base for p in pairs], axis=0).T
    noise = np.median([p.head + p.base for p in pairs], axis=0).T

    found = suite_pairs(pairs, level=LEVEL)

    (median,) = found_in(
        [np.exp((noise - difference) / 2).tolist()],
        [np.exp((noise + difference) / 2).tolist()],
    )
    assert astuple(found) == pytest.approx(astuple(median.effect))


def test_a_slowdown_of_all_shows_in_the_suite_though_in_none_alone() -> None:
    rng = np.random.default_rng(5)
    base = np.exp(0.06 * rng.standard_normal((60, 20, 1))).tolist()
    head = (1.02 * np.exp(0.06 * rng.standard_normal((60, 20, 1)))).tolist()

    alone = [found.effect.p_slower for found in found_in(base, head)]
    together = suite_pairs(pair_logs(base, head), level=LEVEL)

    assert min(alone) > LEVEL / 60
    assert together.p_slower < LEVEL / 60
    assert together.theta == pytest.approx(math.log(1.02), abs=0.01)


def test_of_a_suite_only_the_rounds_that_all_have_are_used() -> None:
    base, head = bursts(1, (3, 20, 1)), bursts(2, (3, 20, 1))
    long = pair_logs(base, head)
    short = pair_logs([base[0][:10]], [head[0][:10]])

    mixed = suite_pairs([*short, *long[1:]], level=LEVEL)

    cut = pair_logs([rows[:10] for rows in base], [rows[:10] for rows in head])
    assert mixed.rounds == 10
    assert mixed.theta == pytest.approx(suite_pairs(cut, level=LEVEL).theta)


def test_logarithms_are_against_the_lower_median_of_both_sides() -> None:
    (logs,) = pair_logs([[[1.0, 9.0], [4.0, 7.0]]], [[[2.0, 8.0], [3.0, 6.0]]])

    assert logs.reference.tolist() == [2.0, 7.0]
    assert logs.head[0].tolist() == [0.0, math.log(1.5)]
    assert logs.base[1].tolist() == [math.log(9 / 7), 0.0]
