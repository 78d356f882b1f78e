"""Rounds that are not pairs: Welch by scipy, single rounds by their definition."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchgate.stats.rounds import independent_rounds, shared_change, single_rounds
from tests.builders import LAW

LEVEL = 0.01
values = st.floats(min_value=1e-3, max_value=1e3)
sides = st.tuples(*[st.lists(values, min_size=2, max_size=12)] * 2)
singles = st.integers(min_value=1, max_value=14).flatmap(
    lambda n: st.tuples(*[st.lists(values, min_size=n, max_size=n)] * 2)
)


def logs(values: Sequence[float]) -> list[float]:
    return [math.log(value) for value in values]


@pytest.mark.parametrize(("before", "after"), [(5, 5), (3, 9), (12, 4), (2, 2)])
def test_independent_rounds_are_compared_as_welch_did(before: int, after: int) -> None:
    rng = np.random.default_rng(before)
    base = np.exp(0.1 * rng.standard_normal(before)).tolist()
    head = np.exp(0.3 * rng.standard_normal(after) + 0.2).tolist()

    found = independent_rounds(base, head, sign=1.0, level=LEVEL)

    welch = stats.ttest_ind(logs(head), logs(base), equal_var=False)
    effect = found.effect
    fewest = min(before, after)
    assert effect.theta / effect.se == pytest.approx(welch.statistic, rel=1e-9)
    # The degrees of freedom are those of the smaller side: fewer than Welch's.
    assert effect.p_slower == pytest.approx(stats.t.sf(welch.statistic, fewest - 1))
    assert effect.critical == pytest.approx(stats.t.isf(LEVEL, fewest - 1))
    assert effect.units == effect.rounds == fewest
    assert found.base == pytest.approx(statistics.geometric_mean(base))
    assert found.head == pytest.approx(statistics.geometric_mean(head))


def test_the_degrees_of_freedom_never_flatter() -> None:
    base, head = [1.0, 1.1, 0.9], [1.3, 1.5, 1.4, 1.2, 1.6, 1.3, 1.4]

    ours = independent_rounds(base, head, sign=1.0, level=LEVEL).effect.p_slower

    welch = stats.ttest_ind(
        logs(head), logs(base), equal_var=False, alternative="greater"
    )
    assert ours > welch.pvalue


@LAW
@given(sides)
def test_swapping_independent_sides_negates_the_change_exactly(
    both: tuple[list[float], list[float]],
) -> None:
    base, head = both

    forth = independent_rounds(base, head, sign=1.0, level=LEVEL)
    back = independent_rounds(head, base, sign=1.0, level=LEVEL)
    turned = independent_rounds(base, head, sign=-1.0, level=LEVEL)

    assert forth.effect.theta == -back.effect.theta == -turned.effect.theta
    assert forth.effect.p_slower == back.effect.p_faster == turned.effect.p_faster
    assert forth.effect.se == back.effect.se


@LAW
@given(sides, st.integers(min_value=-60, max_value=60))
def test_scaling_independent_rounds_changes_no_bit(
    both: tuple[list[float], list[float]], power: int
) -> None:
    base, head = both
    scaled = [[math.ldexp(value, power) for value in side] for side in both]

    before = independent_rounds(base, head, sign=1.0, level=LEVEL)
    after = independent_rounds(*scaled, sign=1.0, level=LEVEL)

    assert before.effect == after.effect
    assert math.ldexp(before.base, power) == after.base


def null_of(differences: Sequence[float], place: int) -> tuple[float, float]:
    """Return theta and spread of one series as statistics.md 5.1 defines them."""
    centred = [
        each - statistics.median([*differences[:i], *differences[i + 1 :]])
        for i, each in enumerate(differences)
    ]
    others = [*centred[:place], *centred[place + 1 :]]
    middle = statistics.median(others)
    robust = 1.4826 * statistics.median(abs(o - middle) for o in others) + 1e-4
    clipped = [max(-4 * robust, min(4 * robust, other)) for other in others]
    return centred[place], statistics.stdev(clipped) + 1e-4


@pytest.mark.parametrize("series", [8, 9, 20])
def test_the_other_benchmarks_are_the_null_of_one(series: int) -> None:
    rng = np.random.default_rng(series)
    base = rng.uniform(1, 2, series).tolist()
    head = (np.array(base) * np.exp(rng.standard_t(2, series) / 50)).tolist()

    found = single_rounds(base, head, sign=1.0, level=LEVEL)

    differences = [math.log(h / b) for b, h in zip(base, head, strict=True)]
    nulls = [null_of(differences, place) for place in range(series)]
    assert [f.theta for f in found] == pytest.approx([theta for theta, _ in nulls])
    assert [f.se for f in found] == pytest.approx([spread for _, spread in nulls])


def test_every_p_of_single_rounds_is_doubled_and_its_level_halved() -> None:
    base, head = [1.0] * 8, [1.0, 1.01, 0.99, 1.02, 0.98, 1.01, 0.99, 1.1]

    slower = single_rounds(base, head, sign=1.0, level=LEVEL)[-1]

    t = slower.theta / slower.se
    assert slower.p_slower == pytest.approx(2 * stats.t.sf(t, 4))
    assert slower.p_faster == 1.0
    assert slower.critical == pytest.approx(stats.t.isf(LEVEL / 2, 4))


def test_what_all_single_rounds_share_cancels() -> None:
    base = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    head = [1.3 * value for value in base]

    found = single_rounds(base, head, sign=1.0, level=LEVEL)

    assert [f.theta for f in found] == pytest.approx([0.0] * 8, abs=1e-12)
    assert shared_change(base, head, sign=1.0) == pytest.approx(math.log(1.3))
    assert shared_change(base, head, sign=-1.0) == pytest.approx(-math.log(1.3))


def test_one_regression_does_not_hide_another() -> None:
    rng = np.random.default_rng(3)
    base = [1.0] * 20
    quiet = np.exp(0.01 * rng.standard_normal(18)).tolist()

    found = single_rounds(base, [*quiet, 1.5, 3.0], sign=1.0, level=LEVEL)

    assert max(f.p_slower for f in found[-2:]) < 0.001


@pytest.mark.parametrize(
    ("ratio", "found"), [(1.9, False), (1.999, False), (2.001, True), (3.0, True)]
)
def test_of_few_single_rounds_only_a_doubling_counts(ratio: float, found: bool) -> None:  # noqa: FBT001 - a column of the table
    base = [1.0, 2.0, 3.0]

    effects = single_rounds(base, [1.0, 2.0, 3.0 * ratio], sign=1.0, level=LEVEL)

    assert (effects[-1].p_slower < LEVEL) is found


def test_eight_benchmarks_are_enough_for_a_null_and_seven_are_not() -> None:
    ratios = [1.0, 1.001, 0.999, 1.002, 0.998, 1.001, 1.5, 1.0]

    eight = single_rounds([1.0] * 8, ratios, sign=1.0, level=LEVEL)
    seven = single_rounds([1.0] * 7, ratios[:7], sign=1.0, level=LEVEL)

    assert eight[6].p_slower < LEVEL < seven[6].p_slower


@LAW
@given(singles)
def test_swapping_single_rounds_negates_every_change_exactly(
    both: tuple[list[float], list[float]],
) -> None:
    base, head = both

    forth = single_rounds(base, head, sign=1.0, level=LEVEL)
    back = single_rounds(head, base, sign=1.0, level=LEVEL)
    turned = single_rounds(base, head, sign=-1.0, level=LEVEL)

    assert [f.theta for f in forth] == [-b.theta for b in back]
    assert [f.p_slower for f in forth] == [b.p_faster for b in back]
    assert [(f.theta, f.p_slower) for f in back] == [
        (t.theta, t.p_slower) for t in turned
    ]


@LAW
@given(singles, st.integers(min_value=-60, max_value=60), st.data())
def test_scaling_a_single_round_changes_no_bit(
    both: tuple[list[float], list[float]], power: int, data: st.DataObject
) -> None:
    base, head = both
    place = data.draw(st.integers(0, len(base) - 1))
    scaled = [
        [*side[:place], math.ldexp(side[place], power), *side[place + 1 :]]
        for side in both
    ]

    before = single_rounds(base, head, sign=1.0, level=LEVEL)

    assert before == single_rounds(*scaled, sign=1.0, level=LEVEL)
