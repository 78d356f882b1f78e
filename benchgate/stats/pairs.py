"""Rounds in pairs → effects, from the quiet moments that both sides shared.

Noise on a shared machine comes in bursts that slow everything; between them a
program is steady. Taking differences cancels little of a burst, so the quiet pairs
are looked for, by what doesn't know which side is which.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

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


def quiet_pairs(
    base: Sequence[Sequence[Sequence[float]]],
    head: Sequence[Sequence[Sequence[float]]],
    *,
    signs: Sequence[float],
    level: float,
) -> list[QuietPairs]:
    """Return one result for each series; all have equally many rounds and statistics.

    *base*, *head*: shape (series, rounds, statistics), positive and finite, the
    i-th rounds being pairs; at least 2 rounds.
    *signs*: +1 where a larger value is worse, else -1, one a series.
    *level*: one-sided error that one test may spend; also used to choose.

    The statistic and the share of pairs are chosen by the expected width of the
    interval, a function of |d| and u alone: when nothing changed the signs of d are
    fair coins given these, so the choice costs no validity.
    Source: ``statistics.md`` section 5.3; Student's t is conservative under such
    symmetry (Efron, 1969, Student's t-test under symmetry conditions).
    """
    logs_base, logs_head, reference = _log_ratios(base, head)
    difference = logs_head - logs_base
    level_of_noise = logs_head + logs_base
    found = _choose(difference, level_of_noise, level=level)
    return [
        _result(
            choice,
            difference[series],
            logs_base[series],
            logs_head[series],
            reference[series],
            sign=signs[series],
            level=level,
        )
        for series, choice in enumerate(found)
    ]


def suite_pairs(
    base: Sequence[Sequence[Sequence[float]]],
    head: Sequence[Sequence[Sequence[float]]],
    *,
    level: float,
) -> Effect:
    """Return the effect that the median series of a suite shows, pair by pair.

    Shapes and *level* as in ``quiet_pairs``; larger is worse.
    It catches a slowdown that all share, each too small to be seen alone.
    """
    logs_base, logs_head, _ = _log_ratios(base, head)
    difference = np.median(logs_head - logs_base, axis=0)[np.newaxis]
    noise = np.median(logs_head + logs_base, axis=0)[np.newaxis]
    (choice,) = _choose(difference, noise, level=level)
    statistic, pairs = choice
    return _effect(
        difference[0, statistic, pairs],
        rounds=difference.shape[2],
        sign=1.0,
        level=level,
    )


def _log_ratios(
    base: Sequence[Sequence[Sequence[float]]],
    head: Sequence[Sequence[Sequence[float]]],
) -> tuple[Floats, Floats, Floats]:
    """Return log(value / reference) of both sides, (series, statistics, rounds).

    The reference of a series and statistic is the lower median of both sides
    together, an observed value: scaling by a power of two leaves every bit alone.
    """
    both = np.concatenate([np.asarray(base, float), np.asarray(head, float)], axis=1)
    both = np.ascontiguousarray(both.transpose(0, 2, 1))
    middle = (both.shape[2] - 1) // 2
    reference = np.partition(both, middle, axis=2)[:, :, middle]
    ratios = both / reference[:, :, np.newaxis]
    # math.log, not numpy's: vectorised logs differ in the last bit between CPUs.
    logs = np.array(list(map(math.log, ratios.ravel().tolist()))).reshape(both.shape)
    rounds = both.shape[2] // 2
    return logs[:, :, :rounds], logs[:, :, rounds:], reference


def _choose(
    difference: Floats, noise: Floats, *, level: float
) -> list[tuple[int, npt.NDArray[np.intp]]]:
    """Return for each series the statistic and the pairs of the narrowest interval."""
    rounds = difference.shape[2]
    order = np.argsort(noise, axis=2, kind="stable")
    quietest_first = np.take_along_axis(difference, order, axis=2)
    squares = np.cumsum(quietest_first**2, axis=2)
    counts = _pair_counts(rounds)
    width = np.stack(
        [
            upper_quantile(level, k - 1) * np.sqrt(squares[:, :, k - 1]) / k
            for k in counts
        ],
        axis=2,
    )
    best = width.reshape(len(difference), -1).argmin(axis=1)
    chosen = []
    for series, index in enumerate(best.tolist()):
        statistic, share = divmod(index, len(counts))
        pairs = np.sort(order[series, statistic, : counts[share]])
        chosen.append((statistic, pairs))
    return chosen


def _pair_counts(rounds: int) -> list[int]:
    if rounds < FEWEST_TO_CHOOSE:
        return [rounds]
    return [max(FEWEST_PAIRS, round(share * rounds)) for share in SHARES]


def _effect(difference: Floats, *, rounds: int, sign: float, level: float) -> Effect:
    return effect_of_mean(
        sign * float(difference.mean()),
        spread=float(difference.std(ddof=1)),
        units=len(difference),
        rounds=rounds,
        level=level,
    )


def _result(
    choice: tuple[int, npt.NDArray[np.intp]],
    difference: Floats,
    logs_base: Floats,
    logs_head: Floats,
    reference: Floats,
    *,
    sign: float,
    level: float,
) -> QuietPairs:
    statistic, pairs = choice
    scale = float(reference[statistic])
    return QuietPairs(
        effect=_effect(
            difference[statistic, pairs],
            rounds=difference.shape[1],
            sign=sign,
            level=level,
        ),
        base=scale * math.exp(float(logs_base[statistic, pairs].mean())),
        head=scale * math.exp(float(logs_head[statistic, pairs].mean())),
        statistic=statistic,
        chosen=tuple(pairs.tolist()),
    )
