"""Effects by ranks: against scipy, and by what they are for."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchgate.stats import ranks
from tests.builders import LAW

LEVEL = 0.001
PAIRS = 20


def logs(seed: int, series: int = 1, pairs: int = PAIRS) -> np.ndarray:
    """Return logarithms of slices in noise of which no moment was free."""
    rng = np.random.default_rng(seed)
    noise: np.ndarray = 0.1 * np.abs(rng.standard_t(3, (series, pairs)))
    return noise


def differences(base: np.ndarray, head: np.ndarray) -> np.ndarray:
    """Return what the module tests, computed by scipy."""
    pooled = stats.rankdata([*base, *head]) / (len(base) + len(head))
    found: np.ndarray = pooled[len(base) :] - pooled[: len(base)]
    return found


@pytest.mark.parametrize("seed", range(5))
def test_the_differences_of_ranks_are_tested_as_scipy_does(seed: int) -> None:
    base, head = logs(seed), logs(seed + 50) + 0.05

    (effect,) = ranks.effects(base, head, signs=[1.0], level=LEVEL)

    statistic = stats.ttest_1samp(differences(base[0], head[0]), 0).statistic
    expected = stats.t.sf(statistic, PAIRS - 1.5)
    assert effect.p_slower == pytest.approx(expected, rel=1e-9)
    assert effect.p_faster == pytest.approx(1 - expected, rel=1e-9)


def test_equal_times_share_their_ranks() -> None:
    rng = np.random.default_rng(3)
    base, head = rng.integers(0, 4, (2, 1, PAIRS)) / 10

    (effect,) = ranks.effects(base, head, signs=[1.0], level=LEVEL)

    found = stats.ttest_1samp(differences(base[0], head[0]), 0)
    assert effect.p_slower == pytest.approx(stats.t.sf(found.statistic, PAIRS - 1.5))


@pytest.mark.parametrize("seed", range(5))
def test_the_change_is_the_median_of_all_differences(seed: int) -> None:
    base, head = logs(seed), logs(seed + 50)

    (effect,) = ranks.effects(base, head, signs=[1.0], level=LEVEL)

    every = [h - b for h in head[0] for b in base[0]]
    assert effect.theta == pytest.approx(np.median(every))


@pytest.mark.parametrize("true", [0.0, 0.05, 0.2, 1.0])
def test_the_interval_covers_the_truth_however_large(true: float) -> None:
    base = logs(1, series=400)
    head = logs(2, series=400) + true

    found = ranks.effects(base, head, signs=[1.0] * 400, level=LEVEL)

    covered = [abs(e.theta - true) < e.bound * e.se for e in found]
    assert 0.84 < np.mean(covered) < 0.97


def test_all_signs_alike_are_no_more_than_their_coins() -> None:
    base = np.zeros((1, 16))
    head = np.ones((1, 16)) + logs(1, pairs=16) / 1000

    (effect,) = ranks.effects(base, head, signs=[1.0], level=LEVEL)

    assert effect.p_slower == 0.5**16


def test_times_that_never_differ_have_not_changed() -> None:
    same = np.zeros((1, PAIRS))

    (effect,) = ranks.effects(same, same, signs=[1.0], level=LEVEL)

    assert (effect.theta, effect.p_slower, effect.p_faster) == (0.0, 0.5, 0.5)
    assert effect.se > 0


def test_a_slope_is_never_nothing() -> None:
    far = np.arange(2.0 * PAIRS).reshape(1, 1, -1)

    found = ranks.width(far[:, :, :PAIRS], far[:, :, PAIRS:], level=LEVEL)

    assert np.isfinite(found).all()


@LAW
@given(st.integers(0, 1000), st.data())
def test_the_width_does_not_know_which_side_is_which(
    seed: int, data: st.DataObject
) -> None:
    base, head = logs(seed), logs(seed + 5000)
    coins = data.draw(st.lists(st.booleans(), min_size=PAIRS, max_size=PAIRS))
    swapped = np.where(coins, head, base), np.where(coins, base, head)

    before = ranks.width(base[np.newaxis], head[np.newaxis], level=LEVEL)
    after = ranks.width(swapped[0][np.newaxis], swapped[1][np.newaxis], level=LEVEL)

    assert before == pytest.approx(after, rel=1e-12)


@LAW
@given(st.integers(0, 1000))
def test_swapping_the_sides_negates_the_effect_exactly(seed: int) -> None:
    base, head = logs(seed), logs(seed + 5000)

    (forth,) = ranks.effects(base, head, signs=[1.0], level=LEVEL)
    (back,) = ranks.effects(head, base, signs=[1.0], level=LEVEL)
    (turned,) = ranks.effects(base, head, signs=[-1.0], level=LEVEL)

    mirrored = replace(
        back, theta=-back.theta, p_slower=back.p_faster, p_faster=back.p_slower
    )
    assert (
        forth
        == mirrored
        == replace(
            turned,
            theta=-turned.theta,
            p_slower=turned.p_faster,
            p_faster=turned.p_slower,
        )
    )


def test_unchanged_code_seldom_looks_slower() -> None:
    base, head = logs(1, series=4000), logs(2, series=4000)

    found = ranks.effects(base, head, signs=[1.0] * 4000, level=LEVEL)

    slower = np.mean([e.p_slower < 0.05 for e in found])
    assert slower < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 4000)
    assert slower > 0.03
