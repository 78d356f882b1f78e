"""A window of stored runs × head runs → calibrated effects.

The window's own history says how often a harmless run strays this far: each block
of its runs is taken out and tested against the rest, over all series together.
Source of the whole procedure: ``statistics.md`` section 5.2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchgate.model import Effect
from benchgate.stats.effects import BOUND_TAIL, MISSED
from benchgate.stats.student import both_tails, upper_quantile

Floats = npt.NDArray[np.float64]

FEWEST_RUNS = 8
_FEWEST_IN_POOL = 300
_FEWEST_FOR_COMMON_MODE = 3
_FEWEST_SERIES = 5
_HANDICAP = 1.03
_SMALLEST_VARIANCE = 1e-8
_EXTRA_SUBSETS = 20
# A block against fewer runs than this has tails of its own.
_FEWEST_LEFT = 5


@dataclass(frozen=True, slots=True)
class WindowEffect:
    """The effect against the window, with the window's and the head's means.

    Both are geometric means on the input's scale, of the raw values.
    """

    effect: Effect
    base: float
    head: float


def against_window(
    window: Sequence[Sequence[float]],
    head: Sequence[Sequence[float]],
    *,
    signs: Sequence[float],
    level: float,
) -> list[WindowEffect | None]:
    """Return one result for each series, None for one with too few runs.

    *window*: shape (runs, series), oldest first, NaN where a run lacks a series.
    *head*: shape (head runs, series), finite and positive.
    *signs*: +1 where larger is worse, else -1.  *level*: one-sided, of one test.
    """
    past, now, means = _oriented(window, head, signs)
    chosen_past, chosen_now = _representation(past, now)
    present = np.isfinite(chosen_past)
    runs = present.sum(axis=0)
    heads = len(now)
    mean, variance = _moments(chosen_past, runs)
    theta = _nan_mean(chosen_now) - mean
    width = np.sqrt(1 / heads + 1 / np.maximum(runs, 1))
    se = np.sqrt(np.maximum(variance, _SMALLEST_VARIANCE)) * width
    null = _Null.of(_null_statistics(chosen_past, runs, heads))
    return [
        WindowEffect(
            _effect(
                float(theta[b]),
                spread=float(se[b] / width[b]),
                width=float(width[b]),
                runs=int(runs[b]),
                heads=heads,
                null=null,
                level=level,
            ),
            float(means[0][b]),
            float(means[1][b]),
        )
        if runs[b] >= FEWEST_RUNS
        else None
        for b in range(past.shape[1])
    ]


def _oriented(
    window: Sequence[Sequence[float]],
    head: Sequence[Sequence[float]],
    signs: Sequence[float],
) -> tuple[Floats, Floats, tuple[Floats, Floats]]:
    """Return oriented logs of both, centred on the window's column medians."""
    both = np.vstack([np.asarray(window, float), np.asarray(head, float)])
    both[~(both > 0)] = math.nan
    runs = len(window)
    # The lower median is an observed value: scaling by a power of two leaves every
    # bit of the ratios alone. math.log, as vectorised logs differ between CPUs.
    ordered = np.sort(both[:runs], axis=0)  # NaN last
    middle = np.maximum(np.isfinite(ordered).sum(axis=0) - 1, 0) // 2
    reference = np.take_along_axis(ordered, middle[np.newaxis], axis=0)[0]
    ratios = (both / reference).ravel().tolist()
    logs = np.array(list(map(math.log, ratios))).reshape(both.shape)
    means = (
        reference * np.exp(_nan_mean(logs[:runs])),
        reference * np.exp(_nan_mean(logs[runs:])),
    )
    oriented = logs * np.asarray(signs, float)
    centred = oriented - _nan_median(oriented[:runs], axis=0)
    return centred[:runs], centred[runs:], means


def _representation(past: Floats, now: Floats) -> tuple[Floats, Floats]:
    """Take the common mode out of the series that the window shows it to help."""
    if past.shape[1] < _FEWEST_SERIES:
        return past, now
    without_past = past - _common_mode(past)
    without_now = now - _common_mode(now)
    helps = _HANDICAP * _prediction_error(without_past) < _prediction_error(past)
    return np.where(helps, without_past, past), np.where(helps, without_now, now)


def _common_mode(rows: Floats) -> Floats:
    """Return, for each entry, the median of the *other* series of its row.

    Zero where fewer than three others are there. Leaving one out of a sorted row
    moves the median by at most one place, so the row is sorted once.
    """
    finite = np.isfinite(rows)
    counts = finite.sum(axis=1, keepdims=True) - finite
    ordered = np.sort(rows, axis=1)  # NaN last
    rank = np.argsort(np.argsort(rows, axis=1, kind="stable"), axis=1, kind="stable")
    low = np.maximum((counts - 1) // 2, 0)
    high = np.maximum(counts // 2, 0)
    last = rows.shape[1] - 1
    picks = [
        np.take_along_axis(ordered, np.minimum(at + (finite & (at >= rank)), last), 1)
        for at in (low, high)
    ]
    shared: Floats = np.where(
        counts >= _FEWEST_FOR_COMMON_MODE, (picks[0] + picks[1]) / 2, 0.0
    )
    return shared


def _prediction_error(past: Floats) -> Floats:
    """Return the root mean square of each run minus the mean of the others."""
    runs = np.isfinite(past).sum(axis=0)
    others = (_nan_sum(past) - past) / np.maximum(runs - 1, 1)
    squares = _nan_sum((past - others) ** 2)
    error: Floats = np.sqrt(squares / np.maximum(runs, 1))
    return error


def _moments(rows: Floats, runs: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
    mean = _nan_sum(rows) / np.maximum(runs, 1)
    squares = _nan_sum((rows - mean) ** 2)
    return mean, squares / np.maximum(runs - 1, 1)


def _null_statistics(past: Floats, runs: npt.NDArray[np.intp], heads: int) -> Floats:
    """Return the statistic of each block of runs against the rest of the window."""
    blocks = _blocks(len(past), heads)
    total = _nan_sum(past)
    squares = _nan_sum(past**2)
    inside = past[blocks]  # (blocks, heads, series)
    rest = runs - heads
    judged = (runs >= FEWEST_RUNS) & (rest >= _FEWEST_LEFT)
    usable = np.isfinite(inside).all(axis=1) & judged
    inside_sum = np.nansum(inside, axis=1)
    mean = (total - inside_sum) / np.maximum(rest, 1)
    centred = squares - np.nansum(inside**2, axis=1) - np.maximum(rest, 1) * mean**2
    variance = np.maximum(centred / np.maximum(rest - 1, 1), _SMALLEST_VARIANCE)
    scale = np.sqrt(variance * (1 / heads + 1 / np.maximum(rest, 1)))
    z: Floats = ((inside_sum / heads - mean) / scale)[usable]
    return z


def _blocks(runs: int, heads: int) -> npt.NDArray[np.intp]:
    blocks = [list(range(i, i + heads)) for i in range(runs - heads + 1)]
    if heads > 1:
        # RandomState: its stream is frozen, so equal data give equal verdicts.
        rng = np.random.RandomState(0)
        blocks += [
            sorted(rng.permutation(runs)[:heads].tolist())
            for _ in range(_EXTRA_SUBSETS)
        ]
    return np.array(blocks)


@dataclass(frozen=True, slots=True)
class _Null:
    """The symmetrised pool of null statistics with a Pareto tail."""

    ordered: Floats
    edge: float
    tail: int
    shape: float
    scale: float

    @classmethod
    def of(cls, pool: Floats) -> _Null | None:
        """Return the null, or None where the pool is too small to be of use."""
        ordered = np.sort(np.concatenate([pool, -pool]))
        size = len(ordered)
        if size < _FEWEST_IN_POOL:
            return None
        tail = int(min(max(0.06 * size, 15), 200))
        edge = float(ordered[size - tail - 1])
        excess = ordered[size - tail :] - edge
        mean = float(excess.mean())
        variance = max(float(excess.var(ddof=1)), 1e-12)
        shape = min(max(0.5 * (1 - mean * mean / variance), -0.1), 0.45)
        scale = max(mean * (1 - shape), 1e-6)
        return cls(ordered, edge, tail, shape, scale)

    def upper_tail(self, z: float) -> float:
        size = len(self.ordered)
        if z <= self.edge:
            at_least = size - int(np.searchsorted(self.ordered, z, side="left"))
            return (1 + at_least) / (size + 1)
        share = self.tail / size
        if self.shape == 0:
            return share * math.exp(-(z - self.edge) / self.scale)
        base = max(0.0, 1 + self.shape * (z - self.edge) / self.scale)
        return share * math.pow(base, -1 / self.shape) if base > 0 else 0.0

    def upper_quantile(self, p: float) -> float:
        size = len(self.ordered)
        share = self.tail / size
        if p >= share:
            # The smallest z whose tail has come down to p.
            place = min(max(size - math.floor(p * (size + 1)) + 1, 0), size - 1)
            return float(self.ordered[place])
        if self.shape == 0:
            return self.edge + self.scale * math.log(share / p)
        growth = math.pow(share / p, self.shape) - 1
        return self.edge + self.scale * growth / self.shape


def _effect(
    theta: float,
    *,
    spread: float,
    width: float,
    runs: int,
    heads: int,
    null: _Null | None,
    level: float,
) -> Effect:
    """Return the effect under Student's t or the window's own null, the wider one."""
    df = runs - 1
    se = spread * width

    def critical(tail: float) -> float:
        t = upper_quantile(tail, df)
        return t if null is None else max(t, null.upper_quantile(tail))

    z = theta / se
    slower, faster = both_tails(z, df)
    if null is not None:
        slower = max(slower, null.upper_tail(z))
        faster = max(faster, null.upper_tail(-z))
    return Effect(
        theta=theta,
        se=se,
        p_slower=slower,
        p_faster=faster,
        bound=critical(BOUND_TAIL),
        critical=critical(level),
        power=upper_quantile(MISSED, df),
        spread=spread,
        units=heads,
        rounds=heads,
    )


def _nan_sum(rows: Floats) -> Floats:
    """Return the sum of each column, which no other column sways by a bit.

    Column by column: numpy adds rows of one column in another order than of many.
    """
    sums: Floats = np.ascontiguousarray(np.nan_to_num(rows, nan=0.0).T).sum(axis=1)
    return sums


def _nan_mean(rows: Floats) -> Floats:
    mean: Floats = _nan_sum(rows) / np.maximum(np.isfinite(rows).sum(axis=0), 1)
    return mean


def _nan_median(rows: Floats, *, axis: int) -> Floats:
    """Return medians that are 0 rather than a warning where nothing is finite."""
    finite = np.isfinite(rows).any(axis=axis)
    filled = np.where(finite, rows, 0.0)
    median: Floats = np.nanmedian(filled, axis=axis)
    return median
