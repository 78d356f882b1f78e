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
    pool = _Pool.of([*base, *head])
    rng = np.random.RandomState(0)
    flips = rng.randint(0, 2, size=(_FLIPS, pairs)).astype(bool)
    flips = np.vstack([np.zeros((1, pairs), bool), flips])
    at_head = np.hstack([flips, ~flips])
    sides = [pool.quantiles(at, probability) for at in (~at_head, at_head)]
    levels = [float(side[0]) for side in sides]
    logs = [_logs(side, reference=min(levels)) for side in sides]
    theta = logs[1] - logs[0]
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
class _Pool:
    """The values of all windows in rising order.

    ``counts``, shape (values + 1, windows): how many of the least values are of
    each window, so that a quantile of any set of windows is found by bisection.
    """

    values: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int32]

    @classmethod
    def of(cls, windows: Sequence[Sequence[float]]) -> _Pool:
        values = np.concatenate([np.asarray(window, float) for window in windows])
        window = np.repeat(np.arange(len(windows)), [len(w) for w in windows])
        order = np.argsort(values, kind="stable")
        counts = np.zeros((len(values) + 1, len(windows)), np.int32)
        counts[np.arange(1, len(values) + 1), window[order]] = 1
        return cls(values[order], np.cumsum(counts, axis=0, dtype=np.int32))

    def quantiles(
        self, chosen: npt.NDArray[np.bool_], probability: float
    ) -> npt.NDArray[np.float64]:
        """Return the linearly interpolated quantile of each row's chosen windows.

        *chosen*: shape (rows, windows).
        """
        sizes = chosen @ self.counts[-1]
        place = probability * (sizes - 1)
        below = place.astype(np.int32)
        low = self._at(below, chosen)
        high = self._at(np.minimum(below + 1, sizes - 1), chosen)
        found: npt.NDArray[np.float64] = low + (place - below) * (high - low)
        return found

    def _at(
        self, rank: npt.NDArray[np.int32], chosen: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.float64]:
        """Return the value of the zero-based *rank* in each row's chosen windows."""
        few = np.zeros(len(chosen), int)
        enough = np.full(len(chosen), len(self.values))
        for _ in range(len(self.values).bit_length()):
            middle = (few + enough) // 2
            counted = np.where(chosen, self.counts[middle], 0).sum(axis=1)
            few = np.where(counted > rank, few, middle)
            enough = np.where(counted > rank, middle, enough)
        found: npt.NDArray[np.float64] = self.values[enough - 1]
        return found


def _logs(
    values: npt.NDArray[np.float64], *, reference: float
) -> npt.NDArray[np.float64]:
    # Against a reference, scaling by a power of two leaves every bit alone; math.log,
    # because vectorised logs differ in the last bit between CPUs.
    return np.array(list(map(math.log, (values / reference).tolist())))
