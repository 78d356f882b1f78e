"""Windows of requests in pairs → the effect on a high quantile.

One window holds too few slow requests, so the windows of a side are pooled; whole
windows change sides under the null, which keeps what belongs together together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from benchgate.stats.effects import effect_of_mean
from benchgate.stats.rounds import Rounds

# Fewer slow requests than this a side say nothing about a tail.
FEWEST_BEYOND = 50
_FLIPS = 499


def beyond(count: int, probability: float) -> float:
    """Return how many of *count* requests are expected above the quantile."""
    return count * (1 - probability)


def pooled_tail(
    base: Sequence[Sequence[float]],
    head: Sequence[Sequence[float]],
    *,
    probability: float,
    level: float,
) -> Rounds:
    """Return the change of one quantile of the pooled windows, larger being worse.

    *base*, *head*: one sequence of positive values a window, the i-th of both being
    a pair; at least two pairs.
    The statistic is the log ratio of the pooled quantiles; its null distribution
    comes from swapping the sides of whole pairs, and is turned into Student's t the
    way a sign-flip variance turns into a t statistic (both count the effect itself
    into the spread): t = z·sqrt((P-1)/(P-z²)). The share of swaps that reach the
    observed value is a floor for p as long as there are any.
    *level*: one-sided, of one test.
    Source: ``statistics.md`` section 5.3, load tests; Lehmann and Romano, Testing
    Statistical Hypotheses, section 15.2.
    """
    pairs = len(base)
    pooled = _pool(base, head)
    rng = np.random.RandomState(0)
    flips = rng.randint(0, 2, size=(_FLIPS, pairs)).astype(bool)
    flips = np.vstack([np.zeros((1, pairs), bool), flips])
    theta, levels = _log_ratios(pooled, flips, probability)
    observed = float(theta[0])
    null = theta[1:]
    scale = math.sqrt(float((null**2).mean())) or 1.0
    z = min(abs(observed) / scale, math.sqrt(pairs) * 0.999)
    t = z * math.sqrt((pairs - 1) / (pairs - z * z))
    se = abs(observed) / t if t > 0 else scale
    effect = effect_of_mean(
        observed,
        spread=se * math.sqrt(pairs),
        units=pairs,
        rounds=pairs,
        level=level,
    )
    effect = replace(
        effect,
        p_slower=max(effect.p_slower, float((null >= observed).mean())),
        p_faster=max(effect.p_faster, float((null <= observed).mean())),
    )
    return Rounds(effect, levels[0], levels[1])


@dataclass(frozen=True, slots=True)
class _Pooled:
    """All values in rising order, each with its side and its pair."""

    values: npt.NDArray[np.float64]
    is_head: npt.NDArray[np.bool_]
    pair: npt.NDArray[np.intp]


def _pool(base: Sequence[Sequence[float]], head: Sequence[Sequence[float]]) -> _Pooled:
    windows = [np.asarray(window, float) for window in (*base, *head)]
    lengths = [len(window) for window in windows]
    numbers = np.repeat(np.arange(len(windows)), lengths)
    values = np.concatenate(windows)
    order = np.argsort(values, kind="stable")
    window = numbers[order]
    return _Pooled(values[order], window >= len(base), window % len(base))


def _log_ratios(
    pooled: _Pooled, flips: npt.NDArray[np.bool_], probability: float
) -> tuple[npt.NDArray[np.float64], tuple[float, float]]:
    """Return log(head / base) for each row of *flips*, and the first row's values."""
    quantiles = np.empty((len(flips), 2))
    for row, flip in enumerate(flips):
        at_head = pooled.is_head ^ flip[pooled.pair]
        quantiles[row] = [
            _sorted_quantile(pooled.values[side], probability)
            for side in (~at_head, at_head)
        ]
    ratios = np.log(quantiles[:, 1] / quantiles[:, 0])
    return ratios, (float(quantiles[0, 0]), float(quantiles[0, 1]))


def _sorted_quantile(values: npt.NDArray[np.float64], probability: float) -> float:
    """Return the linearly interpolated quantile of values in rising order."""
    place = probability * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return float(values[below] + (place - below) * (values[above] - values[below]))
