"""Quiet pairs: the choice by its definition, the test against scipy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchgate.stats.pairs import (
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


@dataclass(frozen=True)
class Candidate:
    """One way to weigh the pairs of one statistic, by the words of the method."""

    statistic: int
    weights: np.ndarray
    difference: np.ndarray

    @property
    def worth(self) -> float:
        return float(self.weights.sum() ** 2 / (self.weights**2).sum())

    def standard_error(self, around: float, values: np.ndarray) -> float:
        squares = (self.weights**2 * (values - around) ** 2).sum()
        return math.sqrt(squares) / float(self.weights.sum())

    @property
    def width(self) -> float:
        size = np.abs(self.difference)
        middle = float(np.average(size, weights=self.weights))
        unbiased = math.sqrt(self.worth / (self.worth - 1))
        alike = self.standard_error(middle, size) * unbiased / 0.602810
        t = stats.t.isf(LEVEL, max(self.worth - 1.5, 1))
        return float(t * min(self.standard_error(0.0, self.difference), alike))


def candidates(base: Values, head: Values) -> Iterator[Candidate]:
    """Yield all that may be chosen for the first series."""
    before, after = np.log(np.array(base[0])), np.log(np.array(head[0]))
    for statistic in range(before.shape[1]):
        difference = after[:, statistic] - before[:, statistic]
        noise = after[:, statistic] + before[:, statistic]
        excess = noise - noise.min()
        yield Candidate(statistic, np.ones(len(noise)), difference)
        for share in (0.5, 0.25, 0.12):
            half = np.sort(excess)[max(1, round(share * (len(noise) - 1)))]
            yield Candidate(statistic, 1 / (1 + (excess / half) ** 2), difference)


@pytest.mark.parametrize("rounds", [8, 9, 20, 40])
@pytest.mark.parametrize("seed", range(5))
def test_the_narrowest_of_all_intervals_is_chosen(seed: int, rounds: int) -> None:
    base, head = bursts(seed, (1, rounds, 5)), bursts(seed + 50, (1, rounds, 5))

    (found,) = found_in(base, head)

    # Quantiles of t are interpolated for the choice: nearly as narrow is as good.
    narrowest = min(candidate.width for candidate in candidates(base, head))
    (chosen,) = (
        candidate
        for candidate in candidates(base, head)
        if candidate.statistic == found.statistic
        and candidate.weights == pytest.approx(found.weights)
    )
    assert chosen.width == pytest.approx(narrowest, rel=0.05)


@pytest.mark.parametrize("rounds", [2, 3, 7])
@pytest.mark.parametrize("seed", range(4))
def test_few_pairs_are_tested_as_scipy_does(seed: int, rounds: int) -> None:
    base, head = bursts(seed, (1, rounds, 5)), bursts(seed + 50, (1, rounds, 5))

    (found,) = found_in(base, head)

    before, after = (
        np.log(np.array(side[0]))[:, found.statistic] for side in (base, head)
    )
    expected = stats.ttest_rel(after, before, alternative="greater")
    effect = found.effect
    assert effect.p_slower == pytest.approx(expected.pvalue, rel=1e-9)
    assert effect.p_faster == pytest.approx(1 - expected.pvalue, rel=1e-9)
    assert effect.theta / effect.se == pytest.approx(expected.statistic, rel=1e-9)
    assert (effect.units, effect.rounds) == (rounds, rounds)
    assert found.base == pytest.approx(math.exp(before.mean()))
    assert found.head == pytest.approx(math.exp(after.mean()))


@pytest.mark.parametrize("rounds", [8, 20, 40])
@pytest.mark.parametrize("seed", range(4))
def test_weighted_pairs_are_tested_by_their_weighted_mean(
    seed: int, rounds: int
) -> None:
    base, head = bursts(seed, (1, rounds, 5)), bursts(seed + 50, (1, rounds, 5))

    (found,) = found_in(base, head)

    before, after = (
        np.log(np.array(side[0]))[:, found.statistic] for side in (base, head)
    )
    used = Candidate(found.statistic, np.array(found.weights), after - before)
    theta = np.average(after - before, weights=found.weights)
    se = used.standard_error(theta, after - before) / math.sqrt(1 - 1 / used.worth)
    effect = found.effect
    assert (effect.theta, effect.se) == pytest.approx((theta, se))
    assert effect.units == pytest.approx(used.worth)
    assert effect.p_slower == pytest.approx(
        stats.t.sf(theta / se, max(used.worth - 1.5, 1)), rel=0.35
    )
    assert found.base == pytest.approx(
        math.exp(np.average(before, weights=found.weights))
    )


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

    assert (before.statistic, before.weights) == (after.statistic, after.weights)


def test_with_fewer_than_eight_pairs_all_weigh_the_same() -> None:
    base, head = bursts(1, (1, 7, 5)), bursts(2, (1, 7, 5))

    (found,) = found_in(base, head)

    assert found.weights == (1.0,) * 7


def test_a_slowdown_is_seen_in_the_quiet_pairs_among_bursts() -> None:
    quiet = [[1.0 + 0.001 * (i % 3)] for i in range(10)]
    loud = [[2.0], [9.0]] * 5
    slower = [[1.05 * value for value in row] for row in reversed(quiet)]

    (found,) = found_in([[*quiet, *loud]], [[*slower, *reversed(loud)]])

    assert min(found.weights[:10]) > 100 * max(found.weights[10:])
    assert found.effect.theta == pytest.approx(math.log(1.05), abs=1e-3)
    assert found.effect.p_slower < 1e-6
    assert (found.base, found.head) == pytest.approx((1.0, 1.05), abs=2e-3)


@pytest.mark.parametrize("percent", [5, 10, 20, 40, 80])
def test_a_larger_slowdown_is_no_harder_to_find(percent: int) -> None:
    # By the mean square alone a slowdown beyond the bursts would make all pairs alike.
    base, head = bursts(11, (1, 20, 5)), bursts(12, (1, 20, 5))
    slower = [[[v * (1 + percent / 100) for v in row] for row in head[0]]]

    (found,) = found_in(base, slower)

    assert found.effect.p_slower < LEVEL


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


def inverted(side: Values) -> Values:
    """Return rates instead of times."""
    return [[[1 / v for v in row] for row in rows] for rows in side]


def drawn(seed: int, *, rounds: int) -> tuple[Values, Values]:
    """Return both sides of three series, at random.

    Where two changes are equal but for rounding, turning times around may turn around
    which is the larger one; among numbers drawn at random none are.
    """
    chance = np.random.default_rng(seed)
    both = chance.lognormal(sigma=chance.uniform(0.01, 2.0), size=(2, 3, rounds, 2))
    base, head = both.tolist()
    return base, head


@LAW
@given(st.integers(min_value=0, max_value=2**32), st.integers(2, 40))
def test_a_rate_says_what_its_time_says(seed: int, rounds: int) -> None:
    base, head = drawn(seed, rounds=rounds)

    times = found_in(base, head)
    rates = found_in(inverted(base), inverted(head), signs=[-1.0] * len(base))

    for time, rate in zip(times, rates, strict=True):
        assert rate.effect.theta == pytest.approx(time.effect.theta, abs=1e-9)
        assert rate.effect.p_slower == pytest.approx(time.effect.p_slower, abs=1e-6)


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
        weight * math.log(after[0] / before[0])
        for weight, after, before in zip(found.weights, head[0], base[0], strict=True)
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

    cut = [
        replace(logs, base=logs.base[:, :10], head=logs.head[:, :10])
        for logs in long[1:]
    ]
    assert mixed.rounds == 10
    assert mixed == suite_pairs([*short, *cut], level=LEVEL)


def test_logarithms_are_against_the_lower_median_of_both_sides() -> None:
    (logs,) = pair_logs([[[1.0, 9.0], [4.0, 7.0]]], [[[2.0, 8.0], [3.0, 6.0]]])

    assert logs.reference.tolist() == [2.0, 7.0]
    assert logs.head[0].tolist() == [0.0, math.log(1.5)]
    assert logs.base[1].tolist() == [math.log(9 / 7), 0.0]


def restless(seed: int, rounds: int = 20, factor: float = 1.0) -> Values:
    """Return slices of which none met a quiet moment."""
    rng = np.random.default_rng(seed)
    noise = 0.05 * rng.standard_t(2, (1, rounds, 1)) * np.ones(5)
    found: Values = (factor * np.exp(noise)).tolist()
    return found


def test_where_no_moment_was_quiet_ranks_tell_more() -> None:
    (found,) = found_in(restless(1), restless(2, factor=1.15))

    assert found.by_ranks
    assert found.effect.p_slower < LEVEL
    assert found.effect.theta == pytest.approx(math.log(1.15), abs=0.04)
    assert found.head / found.base == pytest.approx(math.exp(found.effect.theta))


def test_with_fewer_than_sixteen_pairs_ranks_are_not_asked() -> None:
    (found,) = found_in(restless(1, 15), restless(2, 15))

    assert not found.by_ranks


def test_what_ranks_say_of_a_rate_has_its_sign_too() -> None:
    base, head = restless(1), restless(2, factor=1.15)

    (found,) = found_in(inverted(base), inverted(head), signs=[-1.0])

    assert found.by_ranks
    assert found.effect.theta > 0
    assert found.head < found.base
