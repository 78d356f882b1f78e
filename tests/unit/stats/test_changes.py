"""Change points: the partition by trying all of them, the rest by SciPy and facts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from benchgate.stats.changes import SHORTEST, _p_value, change_points, partition


def best_cuts(values: np.ndarray, penalty: float) -> list[int]:
    """Return the cuts of the best partition, by dynamic programming over all."""
    best = [-penalty, *[math.inf] * len(values)]
    origin = [0] * (len(values) + 1)
    for end in range(SHORTEST, len(values) + 1):
        for start in range(end - SHORTEST + 1):
            part = values[start:end]
            cost = best[start] + float(((part - part.mean()) ** 2).sum()) + penalty
            if cost < best[end] - 1e-12:
                best[end], origin[end] = cost, start
    cuts = []
    at = origin[-1]
    while at:
        cuts.append(at)
        at = origin[at]
    return cuts[::-1]


def levels(seed: int, *lengths: int, step: float, noise: float = 0.01) -> np.ndarray:
    """Return logs that go up by *step* after each of *lengths* values."""
    rng = np.random.default_rng(seed)
    steps = np.repeat(np.arange(len(lengths)), lengths) * step
    logs: np.ndarray = steps + noise * rng.standard_normal(len(steps))
    return logs


def found(logs: np.ndarray) -> tuple[int, ...]:
    (cuts,) = change_points(logs[:, np.newaxis])
    return cuts


@pytest.mark.parametrize("runs", [8, 9, 30, 61])
@pytest.mark.parametrize("seed", range(6))
def test_the_partition_is_the_best_of_all(seed: int, runs: int) -> None:
    rng = np.random.default_rng(seed)
    series = (
        rng.standard_normal((5, runs))
        + np.repeat(3 * rng.standard_normal((5, runs // 8 + 1)), 8, axis=1)[:, :runs]
    )
    penalty = rng.uniform(0.5, 20.0, 5)

    cuts = partition(series, penalty)

    expected = [best_cuts(x, float(p)) for x, p in zip(series, penalty, strict=True)]
    assert cuts == expected


@pytest.mark.parametrize("inflation", [1.0, 2.5])
@pytest.mark.parametrize("digits", [1, 6], ids=["ties", "no ties"])
def test_the_significance_of_a_change_is_that_of_mann_and_whitney(
    digits: int, inflation: float
) -> None:
    before = np.round(levels(1, 12, step=0.0, noise=0.3), digits)
    after = np.round(levels(2, 9, step=0.0, noise=0.3) + 0.4, digits)

    p = _p_value(before, after, inflation)

    plain = stats.mannwhitneyu(before, after, method="asymptotic").pvalue
    z = stats.norm.isf(plain / 2) / math.sqrt(inflation)
    assert p == pytest.approx(2 * stats.norm.sf(z), rel=1e-9)


def test_a_step_is_found_where_it_is() -> None:
    assert found(levels(3, 15, 15, step=0.1)) == (15,)


def test_several_steps_are_found() -> None:
    assert found(levels(4, 40, 30, 30, step=0.1)) == (40, 70)


def test_a_step_too_small_to_mention_is_none() -> None:
    assert found(levels(5, 30, 30, step=0.015, noise=0.001)) == ()


def test_a_single_outlier_is_no_change_of_level() -> None:
    logs = levels(6, 30, step=0.0)
    logs[17] += 1.0

    assert found(logs) == ()


def test_a_series_that_never_varies_has_no_changes() -> None:
    assert found(np.zeros(30)) == ()


def test_seven_values_are_too_few_to_change() -> None:
    assert found(levels(7, 4, 3, step=5.0)) == ()


def test_missing_values_are_skipped_and_rows_stay_those_of_the_history() -> None:
    logs = levels(8, 15, 15, step=0.1)
    sparse = np.insert(logs, [3, 3, 20], math.nan)

    assert change_points(np.column_stack([sparse, np.full(33, math.nan)])) == [
        (17,),
        (),
    ]


def test_each_series_is_searched_as_if_it_were_alone() -> None:
    logs = np.column_stack(
        [levels(seed, 12, 18, step=0.05 * seed) for seed in range(5)]
    )

    together = change_points(logs)

    assert together == [found(logs[:, i]) for i in range(5)]


def test_a_slow_wave_is_not_taken_for_many_changes() -> None:
    rng = np.random.default_rng(9)
    steps = rng.standard_normal((300, 20))
    wave = np.zeros((300, 20))
    for i in range(1, 300):
        wave[i] = 0.6 * wave[i - 1] + 0.02 * steps[i]

    cuts = change_points(wave)

    assert sum(map(len, cuts)) <= 0.003 * wave.size


@pytest.mark.parametrize(("noise", "most"), [(0.01, 6), (0.03, 6)])
def test_noise_has_at_most_one_false_change_in_a_thousand_points(
    noise: float, most: int
) -> None:
    logs = noise * np.random.default_rng(10).standard_t(4, (200, 30))

    assert sum(map(len, change_points(logs))) <= most
