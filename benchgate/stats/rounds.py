"""Rounds that are not pairs, and single rounds → effects; both are weak evidence.

They don't share a moment, so what the machine did in between is in the difference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchgate.model import Effect
from benchgate.stats.effects import effect_of_mean
from benchgate.stats.shared import common_mode
from benchgate.stats.student import upper_quantile

# From here on the other benchmarks tell how much one of them moves by itself.
FEWEST_OTHERS = 8
_DF_SINGLE = 4
# Two harmless runs of one benchmark differ by more in 0 to 0.9 % of all cases.
_RATIO_ALONE = 2.0
_CAUTION = 2
_CONSISTENT = 1.4826
_FLOOR = 1e-4


@dataclass(frozen=True, slots=True)
class Rounds:
    """The effect between rounds that are not pairs, with both typical values."""

    effect: Effect
    base: float
    head: float


def independent_rounds(
    base: Sequence[float], head: Sequence[float], *, sign: float, level: float
) -> Rounds:
    """Return Welch's comparison of two sets of rounds on the log scale.

    *base*, *head*: positive values, one a round, at least two each.
    *sign*: +1 where larger is worse, else -1.  *level*: one-sided, of one test.
    The degrees of freedom are those of the smaller side, which never flatters.
    Source: Welch, 1947, The generalization of 'Student's' problem.
    """
    values = sorted([*base, *head])
    scale = values[(len(values) - 1) // 2]
    logs = [
        np.array([math.log(value / scale) for value in side]) for side in (base, head)
    ]
    means = [float(side.mean()) for side in logs]
    squares = [float(side.var(ddof=1)) / len(side) for side in logs]
    smaller = min(len(base), len(head))
    width = 1 / math.sqrt(smaller)
    effect = effect_of_mean(
        sign * (means[1] - means[0]),
        spread=math.sqrt(sum(squares)) / width,
        units=smaller,
        rounds=smaller,
        level=level,
        width=width,
    )
    return Rounds(effect, scale * math.exp(means[0]), scale * math.exp(means[1]))


def single_rounds(
    base: Sequence[float], head: Sequence[float], *, sign: float, level: float
) -> list[Effect]:
    """Return the effect of each series measured once a side, all of one metric.

    *base*, *head*: shape (series,), positive.
    With eight series or more the others give the null: what they share cancels, and
    their own scatter says how much is ordinary. With fewer only a doubling counts.
    Every p is doubled, and so the level halved, because this null failed 6 to 8 % of
    clean comparisons when 5 % was asked for.
    Source: ``docs/method.md``.
    """
    level = level / _CAUTION
    difference = sign * np.array(list(map(_log_ratio, base, head)))
    if len(difference) < FEWEST_OTHERS:
        spread = math.log(_RATIO_ALONE) / upper_quantile(level, _DF_SINGLE)
        return [_single(float(d), spread, level) for d in difference]
    centred = difference - common_mode(difference[np.newaxis])[0]
    return [
        _single(float(centred[i]), _scatter(np.delete(centred, i)), level)
        for i in range(len(centred))
    ]


def shared_change(
    base: Sequence[float], head: Sequence[float], *, sign: float
) -> float:
    """Return the median oriented log change of all series of one metric."""
    return sign * _median(np.array(list(map(_log_ratio, base, head))))


def _log_ratio(before: float, after: float) -> float:
    """Return log(after / before); swapping the two negates it to the last bit."""
    if after < before:
        return -math.log(before / after)
    return math.log(after / before)


def _median(values: np.ndarray) -> float:
    # np.median imports numpy.ma, which takes longer than all comparisons here.
    ordered = np.sort(values)
    return float((ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2)


def _scatter(others: np.ndarray) -> float:
    """Return a clipped standard deviation: one regression must not hide another."""
    distances = np.abs(others - _median(others))
    spread = _CONSISTENT * _median(distances) + _FLOOR
    return float(np.clip(others, -4 * spread, 4 * spread).std(ddof=1)) + _FLOOR


def _single(theta: float, spread: float, level: float) -> Effect:
    effect = effect_of_mean(
        theta,
        spread=spread,
        units=1,
        rounds=1,
        level=level,
        width=1.0,
        df=_DF_SINGLE,
    )
    return replace(
        effect,
        p_slower=min(1.0, _CAUTION * effect.p_slower),
        p_faster=min(1.0, _CAUTION * effect.p_faster),
    )
