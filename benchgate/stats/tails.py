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
_SWAPS = 499
_DRAWS = 300


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
    The statistic is the log ratio of the pooled quantiles, its standard error that
    over samples of whole pairs with replacement. The share of swaps of whole pairs
    that reach the observed value is a floor for p, as long as there are any: it needs
    no assumption but the coin.
    *level*: one-sided, of one test.
    Source: ``docs/method.md``; Davison and Hinkley, Bootstrap
    Methods and their Application, section 3.8; Lehmann and Romano, Testing Statistical
    Hypotheses, section 15.2.
    """
    pairs = len(base)
    pool = _Pool.of([*base, *head])
    rng = np.random.RandomState(0)
    swaps = rng.randint(0, 2, size=(_SWAPS + 1, pairs), dtype=np.int32)
    swaps[0] = 0  # as they were measured
    swapped, levels = pool.log_ratios(1 - swaps, swaps, probability)
    observed, null = float(swapped[0]), swapped[1:]
    drawn = rng.multinomial(pairs, [1 / pairs] * pairs, size=_DRAWS).astype(np.int32)
    resampled, _ = pool.log_ratios(drawn, np.zeros_like(drawn), probability)
    effect = effect_of_mean(
        observed,
        spread=float(resampled.std()) * pairs / math.sqrt(pairs - 1),
        units=pairs,
        rounds=pairs,
        level=level,
    )
    effect = replace(
        effect,
        p_slower=max(effect.p_slower, float((null >= observed).mean())),
        p_faster=max(effect.p_faster, float((null <= observed).mean())),
    )
    return Rounds(effect, *levels)


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

    def log_ratios(
        self,
        own: npt.NDArray[np.int32],
        other: npt.NDArray[np.int32],
        probability: float,
    ) -> tuple[npt.NDArray[np.float64], tuple[float, float]]:
        """Return log(head / base) of the quantiles for each row, and the first row's.

        *own*, *other*: shape (rows, pairs), how often each side takes the window that
        it measured itself, and the one that the other side did.
        """
        sides = [
            self._quantiles(np.hstack(windows), probability)
            for windows in ((own, other), (other, own))
        ]
        levels = (float(sides[0][0]), float(sides[1][0]))
        logs = [_logs(side, reference=min(levels)) for side in sides]
        return logs[1] - logs[0], levels

    def _quantiles(
        self, taken: npt.NDArray[np.int32], probability: float
    ) -> npt.NDArray[np.float64]:
        """Return the linearly interpolated quantile of each row's windows.

        *taken*: shape (rows, windows), how often each window is.
        """
        sizes = taken @ self.counts[-1]
        place = probability * (sizes - 1)
        below = place.astype(np.int64)
        low = self._at(below, taken)
        high = self._at(np.minimum(below + 1, sizes - 1), taken)
        found: npt.NDArray[np.float64] = low + (place - below) * (high - low)
        return found

    def _at(
        self, rank: npt.NDArray[np.int64], taken: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.float64]:
        """Return the value of the zero-based *rank* in each row's windows."""
        few = np.zeros(len(taken), int)
        enough = np.full(len(taken), len(self.values))
        for _ in range(len(self.values).bit_length()):
            middle = (few + enough) // 2
            counted = np.einsum("rw,rw->r", self.counts[middle], taken)
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
