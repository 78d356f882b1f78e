"""Rounds in pairs → effects, from the quiet moments that both sides shared.

Noise on a shared machine comes in bursts that slow everything; between them a
program is steady. Taking differences cancels little of a burst, so the quiet pairs
are looked for, by what doesn't know which side is which.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from benchgate.model import Effect
from benchgate.stats import ranks
from benchgate.stats.effects import SMALLEST_SPREAD, effect_of_mean
from benchgate.stats.student import upper_quantile

Floats = npt.NDArray[np.float64]

# How far down the order of quietness a pair's weight has fallen to a half.
SHARES = (0.5, 0.25, 0.12)
# With fewer pairs than this a quiet part of them is too few to estimate a spread.
FEWEST_TO_CHOOSE = 8
# The statistic in the middle of the five of a slice: its median.
_MIDDLE = 3
_FEWEST_DF = 1.0
# The mean size of the differences of quiet pairs, in medians of all of them.
_MOST_TYPICAL = 1.5
# Below so many degrees of freedom each tenth of one matters.
_STEEP = 10
# Close where the quantile is steep; the choice interpolates between.
_DF_GRID = (
    *(1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0),
    *(6.0, 9.0, 14.0, 20.0, 30.0, 50.0, 100.0, 400.0),
)


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

    ``base`` and ``head`` are the typical values under the chosen weights, in the unit
    of the input; ``statistic`` is the index of the chosen statistic, ``weights`` one
    number a round, 1 for the quietest. ``by_ranks``: they told more than any weights.
    """

    effect: Effect
    base: float
    head: float
    statistic: int
    weights: tuple[float, ...]
    by_ranks: bool = False


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

    The statistic, the weights of the pairs, or ranks instead, are chosen by the
    expected width of the interval, a function of |d| and u alone: when nothing changed
    the signs of d are fair coins given these, so the choice costs no validity.
    Source: the quiet pairs of ``docs/method.md``, where weights stand beside the cuts
    that were tried before; Student's t is conservative under such symmetry (Efron,
    1969, Student's t-test under symmetry conditions).
    """
    logs_base = np.stack([logs.base for logs in series])
    logs_head = np.stack([logs.head for logs in series])
    reference = np.stack([logs.reference for logs in series])
    # Noise makes a time longer and a rate smaller.
    worse = np.asarray(signs, float)[:, np.newaxis, np.newaxis]
    statistic, weights, width = _choose(
        logs_head - logs_base, worse * (logs_head + logs_base), level=level
    )
    every = np.arange(len(statistic))
    chosen_base, chosen_head = logs_base[every, statistic], logs_head[every, statistic]
    scale = reference[every, statistic]
    found = [
        QuietPairs(*result)
        for result in zip(
            _effects(chosen_head - chosen_base, weights, signs=signs, level=level),
            (scale * _exp(_means(chosen_base, weights))).tolist(),
            (scale * _exp(_means(chosen_head, weights))).tolist(),
            statistic.tolist(),
            map(tuple, weights.tolist()),
            strict=True,
        )
    ]
    if logs_base.shape[2] >= ranks.FEWEST_FOR_RANKS:
        pooled = _Ranked(logs_base, logs_head, reference)
        for at, result in pooled.narrower(width, signs=signs, level=level):
            found[at] = result
    return found


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
    statistic, weights, _ = _choose(difference, noise, level=level)
    (effect,) = _effects(difference[:, statistic[0]], weights, signs=[1.0], level=level)
    return effect


def _array(values: Sequence[Sequence[Sequence[float]]]) -> Floats:
    shape = (len(values), len(values[0]), len(values[0][0]))
    flat = chain.from_iterable(chain.from_iterable(values))
    # Three times as fast as numpy's own reading of nested sequences.
    return np.fromiter(flat, float, count=math.prod(shape)).reshape(shape)


def _choose(
    difference: Floats, noise: Floats, *, level: float
) -> tuple[npt.NDArray[np.intp], Floats, Floats]:
    """Return the statistic of the narrowest interval for each series, and its weights.

    *difference*, *noise*: d and u, shape (series, statistics, rounds).
    The second result has shape (series, rounds), the third is the expected width.
    """
    series, _, rounds = difference.shape
    every = np.arange(series)
    candidates = list(_weights(noise))
    size = np.abs(difference)
    widths = [_width(size, w, level=level) for w in candidates]
    # The first of equals: all pairs alike, and the lowest statistic.
    all_widths = np.stack(widths, axis=1).reshape(series, -1)
    best = all_widths.argmin(axis=1)
    candidate, statistic = np.divmod(best, difference.shape[1])
    weights = np.empty((series, rounds))
    for number, of_candidate in enumerate(candidates):
        rows = candidate == number
        weights[rows] = of_candidate[every[rows], statistic[rows]]
    return statistic, weights, all_widths[every, best]


@dataclass(frozen=True, slots=True)
class _Ranked:
    """The same logarithms, (series, statistics, rounds), to be told by their ranks."""

    base: Floats
    head: Floats
    reference: Floats

    def narrower(
        self, width: Floats, *, signs: Sequence[float], level: float
    ) -> Iterator[tuple[int, QuietPairs]]:
        """Yield the series for which ranks expect less than *width*, and what they say.

        Only two statistics are tried: between the floor and the middle of the slices
        the others hardly differ, and ranks take time.
        """
        tried = [0, _MIDDLE] if self.base.shape[1] > _MIDDLE else [0]
        by_ranks = ranks.width(self.base[:, tried], self.head[:, tried], level=level)
        best = by_ranks.argmin(axis=1)
        rows = np.flatnonzero(by_ranks.min(axis=1) < width)
        if not len(rows):
            return
        statistic = np.array(tried)[best[rows]]
        base, head = self.base[rows, statistic], self.head[rows, statistic]
        effects = ranks.effects(
            base, head, signs=[signs[row] for row in rows.tolist()], level=level
        )
        middles = self.reference[rows, statistic] * _exp(np.median(base, axis=1))
        for row, effect, middle, at in zip(
            rows.tolist(), effects, middles.tolist(), statistic.tolist(), strict=True
        ):
            grown = math.exp(effect.theta * signs[row])
            alike = (1.0,) * base.shape[1]
            yield (
                row,
                QuietPairs(effect, middle, middle * grown, at, alike, by_ranks=True),
            )


def _weights(noise: Floats) -> Iterator[Floats]:
    """Yield the candidates: all pairs alike, and ever fewer of the quietest.

    Of two slices that are slowed by chance, each by something positive, d can't be
    larger than what u has in excess of the quietest pair. So the variance of d grows
    with the square of that excess, and the best weight falls with it.
    """
    yield np.ones_like(noise)
    rounds = noise.shape[2]
    if rounds < FEWEST_TO_CHOOSE:
        return
    excess = noise - noise.min(axis=2, keepdims=True)
    ordered = np.sort(excess, axis=2)
    for share in SHARES:
        half = ordered[:, :, [max(1, round(share * (rounds - 1)))]]
        yield 1 / (1 + (excess / np.maximum(half, SMALLEST_SPREAD)) ** 2)


def _width(size: Floats, weights: Floats, *, level: float) -> Floats:
    """Return how wide an interval would be, (series, statistics), blind to the signs.

    *size*: |d|, and *weights*: both of shape (series, statistics, rounds).

    The root mean square of d is its spread when nothing changed; when something did,
    all |d| are large and their spread around their own mean tells more. The latter
    alone would favour pairs that are alike by chance.
    """
    total = weights.sum(axis=2)
    squares = weights**2
    worth = total**2 / squares.sum(axis=2)
    weighed = weights * size
    middle = weighed.sum(axis=2) / total
    width = np.sqrt((weighed**2).sum(axis=2))
    if size.shape[2] >= FEWEST_TO_CHOOSE:
        around = ((weighed - weights * middle[:, :, np.newaxis]) ** 2).sum(axis=2)
        unbiased = np.sqrt(worth / np.maximum(worth - 1, _FEWEST_DF / 2))
        width = np.minimum(width, np.sqrt(around) * unbiased / ranks.HALF_NORMAL)
    multiplier = np.interp(
        np.log(np.maximum(worth - ranks.SPENT_BY_CHOICE, _FEWEST_DF)),
        np.log(_DF_GRID),
        [upper_quantile(level, df) for df in _DF_GRID],
    )
    # What differs by more than pairs do on the whole isn't quiet but fast: a rare mode
    # of one side, whose few pairs are alike and agree in their signs by chance.
    at = size.shape[2] // 2
    typical = np.partition(size, at, axis=2)[:, :, at]
    rare = middle > np.maximum(_MOST_TYPICAL * typical, SMALLEST_SPREAD)
    alike = worth == size.shape[2]
    found: Floats = np.where(rare & ~alike, np.inf, width / total * multiplier)
    return found


def _effects(
    difference: Floats, weights: Floats, *, signs: Sequence[float], level: float
) -> list[Effect]:
    """Return the effect of each series under its weights, both (series, rounds).

    Weights are worth as many equal pairs as would give the same standard error
    (Kish, 1965, Survey Sampling, section 8.2).
    """
    rounds = difference.shape[1]
    total = weights.sum(axis=1)
    worth = total**2 / (weights**2).sum(axis=1)
    means = _means(difference, weights)
    deviations = weights * (difference - means[:, np.newaxis])
    squares = (deviations**2).sum(axis=1) / total**2
    spreads = np.sqrt(squares * worth * worth / np.maximum(worth - 1, _FEWEST_DF / 2))
    spent = ranks.SPENT_BY_CHOICE if rounds >= FEWEST_TO_CHOOSE else 1.0
    return [
        effect_of_mean(
            sign * mean,
            spread=spread,
            units=units,
            rounds=rounds,
            level=level,
            df=_steps_down(max(units - spent, _FEWEST_DF)),
        )
        for sign, mean, spread, units in zip(
            signs, means.tolist(), spreads.tolist(), worth.tolist(), strict=True
        )
    ]


def _steps_down(df: float) -> float:
    """Return *df* a little lower, so that few quantiles have to be computed."""
    steps = 10 if df < _STEEP else 1
    return math.floor(steps * df) / steps


def _means(values: Floats, weights: Floats) -> Floats:
    means: Floats = (weights * values).sum(axis=1) / weights.sum(axis=1)
    return means


def _exp(logs: Floats) -> Floats:
    # Not numpy's, for the same reason as with logarithms.
    return np.array(list(map(math.exp, logs.tolist())))
