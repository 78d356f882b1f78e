"""Rounds in pairs → effects by ranks, for noise that no moment was free of.

Where every slice met some noise there are no quiet pairs to look for. A rank bounds
what one slice can do, and of times that lie close together it tells most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from benchgate.model import Effect
from benchgate.stats.effects import SMALLEST_SPREAD, effect_of_mean
from benchgate.stats.student import both_tails, upper_quantile

Floats = npt.NDArray[np.float64]

# All signs alike has the probability 2 ** -pairs, and nothing below it is believed.
FEWEST_FOR_RANKS = 16
# The standard deviation of |d| where d is normal around zero with one of 1.
HALF_NORMAL = math.sqrt(1 - 2 / math.pi)
# One degree of freedom for the mean, half a one for having chosen.
SPENT_BY_CHOICE = 1.5
# How far a time is moved to see by how much ranks answer.
_STEP = 0.05


def width(base: Floats, head: Floats, *, level: float) -> Floats:
    """Return how wide an interval would be, (series, statistics), blind to the sides.

    *base*, *head*: logarithms, shape (series, statistics, rounds).
    It is the spread of the differences of ranks over the slope with which ranks answer
    to a change of the times, so it compares with widths of other estimates.
    """
    rounds = base.shape[2]
    pooled = np.concatenate([base, head], axis=2)
    difference = _differences(pooled, rounds)
    size = np.abs(difference)
    around = size.std(axis=2, ddof=1) / HALF_NORMAL
    spread = np.minimum(np.sqrt((difference**2).mean(axis=2)), around)
    multiplier = upper_quantile(level, rounds - SPENT_BY_CHOICE)
    found: Floats = multiplier * spread / math.sqrt(rounds) / _slope(pooled)
    return found


def effects(
    base: Floats, head: Floats, *, signs: Sequence[float], level: float
) -> list[Effect]:
    """Return the effect of each series by ranks, (series, rounds) of logarithms.

    The change is the median of all differences between a slice of the head and one of
    the base; what is tested are the differences of the ranks within the pairs, and
    the interval is that of the ranks after the change was taken out.
    *signs*: +1 where a larger value is worse, else -1.  *level*: one-sided.
    Source: Hodges and Lehmann, 1963, Estimates of location based on rank tests;
    Conover and Iman, 1981, Rank transformations as a bridge.
    """
    rounds = base.shape[1]
    df = rounds - SPENT_BY_CHOICE
    shifts = _shifts(base, head)
    scores = _differences(np.hstack([base, head]), rounds)
    spreads = np.maximum(scores.std(axis=1, ddof=1), SMALLEST_SPREAD)
    statistics = scores.mean(axis=1) / spreads * math.sqrt(rounds)
    half = shifts[:, np.newaxis] / 2
    aligned = np.hstack([base + half, head - half])
    left = _differences(aligned, rounds).std(axis=1, ddof=1) / _slope(aligned)
    least = 0.5**rounds
    made = []
    for sign, shift, spread, statistic in zip(
        signs, shifts.tolist(), left.tolist(), statistics.tolist(), strict=True
    ):
        effect = effect_of_mean(
            sign * shift,
            spread=spread,
            units=rounds,
            rounds=rounds,
            level=level,
            df=df,
        )
        slower, faster = both_tails(sign * statistic, df)
        made.append(
            replace(effect, p_slower=max(slower, least), p_faster=max(faster, least))
        )
    return made


def _differences(pooled: Floats, rounds: int) -> Floats:
    """Return head's rank less base's of each pair, as shares of all slices.

    *pooled*: base's slices and then head's in the last axis, 2 * *rounds* of them.
    """
    order = np.argsort(pooled, axis=-1, kind="stable")
    rising = np.take_along_axis(pooled, order, axis=-1)
    number = pooled.shape[-1]
    places = np.broadcast_to(np.arange(number), pooled.shape)
    starts = np.ones(pooled.shape, bool)
    starts[..., 1:] = rising[..., 1:] > rising[..., :-1]
    first = np.maximum.accumulate(np.where(starts, places, 0), axis=-1)
    ends = np.ones(pooled.shape, bool)
    ends[..., :-1] = starts[..., 1:]
    backwards = np.where(ends, places, number)[..., ::-1]
    last = np.minimum.accumulate(backwards, axis=-1)[..., ::-1]
    ranks = np.empty(pooled.shape)
    # Equal times share their ranks: which side comes first must not matter.
    np.put_along_axis(ranks, order, (first + last) / (2 * number), axis=-1)
    difference: Floats = ranks[..., rounds:] - ranks[..., :rounds]
    return difference


def _slope(pooled: Floats) -> Floats:
    """Return by how much a rank moves with its time, over the last axis.

    That is the mean density of the slices around one another.
    """
    rising = np.sort(pooled, axis=-1)
    number = pooled.shape[-1]
    close = np.zeros(pooled.shape[:-1])
    for lag in range(1, number):
        near = rising[..., lag:] - rising[..., :-lag] <= _STEP
        if not near.any():
            break
        close += near.sum(axis=-1)
    # Half a pair more: a slope of nothing would make an interval endless.
    slope: Floats = (2 * close + 1) / number**2 / (2 * _STEP)
    return slope


def _shifts(base: Floats, head: Floats) -> Floats:
    """Return the median of all differences, (series,)."""
    every = head[:, :, np.newaxis] - base[:, np.newaxis, :]
    flat = every.reshape(len(base), -1)
    middle = flat.shape[1] // 2
    parted = np.partition(flat, [(flat.shape[1] - 1) // 2, middle], axis=1)
    shifts: Floats = (parted[:, (flat.shape[1] - 1) // 2] + parted[:, middle]) / 2
    return shifts
