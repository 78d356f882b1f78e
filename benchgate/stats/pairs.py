"""Rounds in pairs → effects, from the quiet moments that both sides shared.

Noise on a shared machine comes in bursts that slow everything; between them a
program is steady. Taking differences cancels little of a burst, so the quiet pairs
are looked for, by what doesn't know which side is which.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from benchgate.model import Effect
from benchgate.stats.effects import effect_of_mean
from benchgate.stats.student import upper_quantile

Floats = npt.NDArray[np.float64]

SHARES = (1.0, 0.75, 0.5, 0.35, 0.25)
FEWEST_PAIRS = 5
# With fewer pairs than this a quiet part of them is too few to estimate a spread.
FEWEST_TO_CHOOSE = 8


@dataclass(frozen=True, slots=True)
class PairLogs:
    """Logarithms of one series in pairs, each side of shape (statistics, rounds).

    They are relative to ``reference``, shape (statistics,): the lower median of both
    sides together, an observed value, so that scaling a series by a power of two
    leaves every bit of its logarithms alone.
    """

    base: Floats
    head: Floats
    reference: Floats


@dataclass(frozen=True, slots=True)
class QuietPairs:
    """What was found in the quiet pairs of one series.

    ``base`` and ``head`` are the typical values over the chosen pairs, in the unit
    of the input; ``statistic`` is the index of the chosen statistic, ``chosen`` the
    indices of the chosen pairs in rising order.
    """

    effect: Effect
    base: float
    head: float
    statistic: int
    chosen: tuple[int, ...]


def pair_logs(
    base: Sequence[Sequence[Sequence[float]]],
    head: Sequence[Sequence[Sequence[float]]],
) -> list[PairLogs]:
    """Return the logarithms of each series.

    *base*, *head*: shape (series, rounds, statistics), positive and finite, the
    i-th rounds being pairs.
    """
    both = np.concatenate([_array(base), _array(head)], axis=1)
    both = np.ascontiguousarray(both.transpose(0, 2, 1))
    middle = (both.shape[2] - 1) // 2
    reference = np.partition(both, middle, axis=2)[:, :, middle]
    ratios = both / reference[:, :, np.newaxis]
    # math.log, not numpy's: vectorised logs differ in the last bit between CPUs.
    each = map(math.log, ratios.ravel().tolist())
    logs = np.fromiter(each, float, count=both.size).reshape(both.shape)
    rounds = both.shape[2] // 2
    return list(map(PairLogs, logs[:, :, :rounds], logs[:, :, rounds:], reference))


def quiet_pairs(
    series: Sequence[PairLogs], *, signs: Sequence[float], level: float
) -> list[QuietPairs]:
    """Return one result for each of *series*.

    *series*: all with equally many statistics and rounds, at least 2 of these.
    *signs*: +1 where a larger value is worse, else -1, one a series.
    *level*: one-sided error that one test may spend; also used to choose.

    The statistic and the share of pairs are chosen by the expected width of the
    interval, a function of |d| and u alone: when nothing changed the signs of d are
    fair coins given these, so the choice costs no validity.
    Source: ``statistics.md`` section 5.3; Student's t is conservative under such
    symmetry (Efron, 1969, Student's t-test under symmetry conditions).
    """
    logs_base = np.stack([logs.base for logs in series])
    logs_head = np.stack([logs.head for logs in series])
    reference = np.stack([logs.reference for logs in series])
    statistic, chosen = _choose(
        logs_head - logs_base, logs_head + logs_base, level=level
    )
    every = np.arange(len(statistic))
    logs_base, logs_head = logs_base[every, statistic], logs_head[every, statistic]
    scale = reference[every, statistic]
    return [
        QuietPairs(*found)
        for found in zip(
            _effects(logs_head - logs_base, chosen, signs=signs, level=level),
            (scale * _exp(_means(logs_base, chosen))).tolist(),
            (scale * _exp(_means(logs_head, chosen))).tolist(),
            statistic.tolist(),
            [tuple(np.flatnonzero(row).tolist()) for row in chosen],
            strict=True,
        )
    ]


def suite_pairs(suite: Sequence[PairLogs], *, level: float) -> Effect:
    """Return the effect that the median series of a suite shows, pair by pair.

    *suite*: all with equally many statistics; larger is worse. Of series that were
    settled earlier than others only the rounds that all have are used.
    *level*: as in ``quiet_pairs``.
    It catches a slowdown that all share, each too small to be seen alone.
    """
    rounds = min(logs.base.shape[1] for logs in suite)
    logs_base = np.stack([logs.base[:, :rounds] for logs in suite])
    logs_head = np.stack([logs.head[:, :rounds] for logs in suite])
    difference = np.median(logs_head - logs_base, axis=0)[np.newaxis]
    noise = np.median(logs_head + logs_base, axis=0)[np.newaxis]
    statistic, chosen = _choose(difference, noise, level=level)
    (effect,) = _effects(difference[:, statistic[0]], chosen, signs=[1.0], level=level)
    return effect


def _array(values: Sequence[Sequence[Sequence[float]]]) -> Floats:
    shape = (len(values), len(values[0]), len(values[0][0]))
    flat = chain.from_iterable(chain.from_iterable(values))
    # Three times as fast as numpy's own reading of nested sequences.
    return np.fromiter(flat, float, count=math.prod(shape)).reshape(shape)


def _choose(
    difference: Floats, noise: Floats, *, level: float
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Return the statistic of the narrowest interval for each series, and its pairs.

    The second has shape (series, rounds), true where a pair was chosen.
    """
    series, _, rounds = difference.shape
    order = np.argsort(noise, axis=2, kind="stable")
    quietest_first = np.take_along_axis(difference, order, axis=2)
    squares = np.cumsum(quietest_first**2, axis=2)
    counts = np.array(_pair_counts(rounds))
    multipliers = [upper_quantile(level, k - 1) / k for k in counts.tolist()]
    width = np.sqrt(squares[:, :, counts - 1]) * multipliers
    best = width.reshape(series, -1).argmin(axis=1)
    statistic, share = np.divmod(best, len(counts))
    quiet = np.arange(rounds) < counts[share, np.newaxis]
    chosen = np.zeros((series, rounds), bool)
    np.put_along_axis(chosen, order[np.arange(series), statistic], quiet, axis=1)
    return statistic, chosen


def _pair_counts(rounds: int) -> list[int]:
    if rounds < FEWEST_TO_CHOOSE:
        return [rounds]
    return [max(FEWEST_PAIRS, round(share * rounds)) for share in SHARES]


def _effects(
    difference: Floats,
    chosen: npt.NDArray[np.bool_],
    *,
    signs: Sequence[float],
    level: float,
) -> list[Effect]:
    """Return the effect of each series over its chosen pairs, (series, rounds)."""
    units = chosen.sum(axis=1)
    means = _means(difference, chosen)
    deviations = np.where(chosen, difference - means[:, np.newaxis], 0.0)
    spreads = np.sqrt((deviations**2).sum(axis=1) / (units - 1))
    return [
        effect_of_mean(
            sign * mean,
            spread=spread,
            units=pairs,
            rounds=difference.shape[1],
            level=level,
        )
        for sign, mean, spread, pairs in zip(
            signs, means.tolist(), spreads.tolist(), units.tolist(), strict=True
        )
    ]


def _means(values: Floats, chosen: npt.NDArray[np.bool_]) -> Floats:
    means: Floats = np.where(chosen, values, 0.0).sum(axis=1) / chosen.sum(axis=1)
    return means


def _exp(logs: Floats) -> Floats:
    # Not numpy's, for the same reason as with logarithms.
    return np.array(list(map(math.exp, logs.tolist())))
