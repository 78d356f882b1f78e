"""A window of stored runs × head runs → calibrated effects.

The window's own history says how often a harmless run strays this far: each block
of its runs is taken out and tested against the rest, over all series together.
Source of the procedure: ``docs/method.md``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from benchgate.model import Effect
from benchgate.stats.changes import change_points
from benchgate.stats.effects import BOUND_TAIL, MISSED, effect_of_mean
from benchgate.stats.rounds import FEWEST_OTHERS, single_rounds
from benchgate.stats.shared import common_mode
from benchgate.stats.student import both_tails, upper_quantile

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.intp]
Rows = Sequence[Sequence[float]] | Floats

FEWEST_RUNS = 8
FEWEST_SERIES = 5
# So many runs make a new level certain enough to forget the old one.
_FEWEST_SINCE = 5
# Statistics of both signs; fewer say nothing of a tail.
_FEWEST_IN_POOL = 60
_HANDICAP = 1.03
_SMALLEST_VARIANCE = 1e-8
_EXTRA_SUBSETS = 20
# A block against fewer runs than this has tails of its own.
_FEWEST_LEFT = 5
# Thirty runs can't show that a tail is light: one run in a hundred is a wild one.
_LIGHTEST, _HEAVIEST = 0.1, 0.45
# So many series that stray in one direction are no longer the exception.
_MANY = 0.25
_STRAYING = 1.645
_LARGEST_EXPONENT = 700.0
# Two-sided: so seldom does the median series stray this far by chance.
_SHIFT_LEVEL = 0.01
_SHIFT_WORTH_SAYING = math.log(1.02)


@dataclass(frozen=True, slots=True)
class WindowEffect:
    """The effect against the window, with the window's and the head's means.

    Both are geometric means on the input's scale, of the raw values.
    *runs*: how many runs of the window were used; *since_change*: whether those are
    the ones since the series last changed its level, and older ones were left out.
    *weak*: whether they were too few for a null of their own.
    """

    effect: Effect
    base: float
    head: float
    runs: int
    since_change: bool
    weak: bool


@dataclass(frozen=True, slots=True)
class Shift:
    """What the median series of the head moved by: oriented log change, two-sided p."""

    theta: float
    p: float

    @property
    def stands_out(self) -> bool:
        """Say whether it is no accident, and large enough to be worth a word."""
        return self.p < _SHIFT_LEVEL and abs(self.theta) > _SHIFT_WORTH_SAYING


@dataclass(frozen=True, slots=True)
class AgainstWindow:
    """One result for each series, None where there is nothing to compare.

    *shift* is None where too few series or runs were there to tell.
    """

    series: tuple[WindowEffect | None, ...]
    shift: Shift | None


@dataclass(frozen=True, slots=True)
class WindowTest:
    """The test of each series before it is reported; all arrays have shape (series,).

    *theta*: oriented log change; *se*: its standard error; *spread*: standard deviation
    of one run; *runs* and *heads*: how many runs of the window and of the head it comes
    from, 0 heads where it can't be judged.
    *base* and *head*: geometric means on the input's scale.
    *nulls*: by number of heads, how far harmless runs stray; None where too few tell.
    """

    theta: Floats
    spread: Floats
    se: Floats
    runs: Counts
    heads: Counts
    base: Floats
    head: Floats
    nulls: Mapping[int, _Null | None]

    @property
    def judged(self) -> list[int]:
        """Return the places of the series that can be judged."""
        places: list[int] = np.flatnonzero(self.heads).tolist()
        return places

    def p_values(
        self, place: int, shift: float = 0.0, *, widen: float = 1.0
    ) -> tuple[float, float]:
        """Return p for slower and for faster with *shift* added to theta there."""
        z = (float(self.theta[place]) + shift) / (float(self.se[place]) * widen)
        df = int(self.runs[place]) - 1
        slower, faster = both_tails(z, df)
        null = self.nulls[int(self.heads[place])]
        if null is None:
            return slower, faster
        normal = _normal_score(z, df)
        return max(slower, null.upper_tail(normal)), max(
            faster, null.upper_tail(-normal)
        )

    def critical(self, place: int, tail: float) -> float:
        """Return the z that chance exceeds with probability *tail*."""
        df = int(self.runs[place]) - 1
        t = upper_quantile(tail, df)
        null = self.nulls[int(self.heads[place])]
        return t if null is None else max(t, _t_of_score(null.upper_quantile(tail), df))

    def effects(self, *, level: float) -> Iterator[tuple[int, Effect]]:
        """Return the effect of each series that can be judged, with its place.

        *level*: that of one test.
        """
        # These hang on the numbers of runs alone, which most series share.
        known: dict[tuple[int, int], tuple[float, float]] = {}
        for place in self.judged:
            runs, heads = int(self.runs[place]), int(self.heads[place])
            if (runs, heads) not in known:
                known[runs, heads] = (
                    self.critical(place, BOUND_TAIL),
                    self.critical(place, level),
                )
            bound, critical = known[runs, heads]
            slower, faster = self.p_values(place)
            yield (
                place,
                Effect(
                    theta=float(self.theta[place]),
                    se=float(self.se[place]),
                    p_slower=slower,
                    p_faster=faster,
                    bound=bound,
                    critical=critical,
                    power=upper_quantile(MISSED, runs - 1),
                    spread=float(self.spread[place]),
                    units=heads,
                    rounds=heads,
                ),
            )


def against_window(
    window: Rows,
    head: Rows,
    *,
    signs: Sequence[float],
    level: float,
    widen: float = 1.0,
    plain: bool = False,
) -> AgainstWindow:
    """Return what the head shows against the window, series by series.

    *window*: shape (runs, series), oldest first, NaN where a run lacks a series.
    *head*: shape (head runs, series), NaN where a run lacks a series.
    *signs*: +1 where larger is worse, else -1.  *level*: one-sided, of one test.
    *widen*: what a calibration found that standard errors must be multiplied by; weak
    evidence knows no calibration.
    *plain*: leave in what all series of a run share, the machine's part and the code's.
    Values before a series' last change of level count as missing. Fewer than eight
    runs have no null of their own: such series are judged as single runs are, if
    there are eight of them, else by Student's t, and either way weakly.
    """
    settled = _Settled.of(window, head, signs)
    test = _test(settled, settled.past, settled.now) if plain else _fit(settled)
    wide = replace(test, spread=widen * test.spread, se=widen * test.se)
    strong = wide.effects(level=level)
    weak = _thin(settled, test, signs, level=level)
    found: list[WindowEffect | None] = [None] * len(signs)
    for place, effect in (*strong, *weak):
        found[place] = WindowEffect(
            effect,
            float(test.base[place]),
            float(test.head[place]),
            int(test.runs[place]),
            since_change=bool(settled.since_change[place]),
            weak=int(test.runs[place]) < FEWEST_RUNS,
        )
    return AgainstWindow(tuple(found), _shift(settled))


def fit_window(window: Rows, head: Rows, *, signs: Sequence[float]) -> WindowTest:
    """Return the test of each series with eight runs or more.

    The arguments are those of `against_window`.
    """
    return _fit(_Settled.of(window, head, signs))


@dataclass(frozen=True, slots=True)
class _Settled:
    """Oriented logs of the runs since each series last changed its level.

    *past* and *now* are centred on the column medians of *past*; *base* and *head*
    are geometric means on the input's scale.
    """

    past: Floats
    now: Floats
    base: Floats
    head: Floats
    since_change: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, window: Rows, head: Rows, signs: Sequence[float]) -> _Settled:
        logs, reference = _logs(window, head)
        runs = len(window)
        changed = np.zeros(logs.shape[1], bool)
        for column, starts in enumerate(change_points(logs[:runs])):
            lasting = [
                row
                for row in starts
                if np.isfinite(logs[row:runs, column]).sum() >= _FEWEST_SINCE
            ]
            if lasting:
                logs[: lasting[-1], column] = math.nan
                changed[column] = True
        oriented = logs * np.asarray(signs, float)
        centred = oriented - nan_median(oriented[:runs])
        return cls(
            centred[:runs],
            centred[runs:],
            reference * np.exp(_nan_mean(logs[:runs])),
            reference * np.exp(_nan_mean(logs[runs:])),
            changed,
        )


def _logs(window: Rows, head: Rows) -> tuple[Floats, Floats]:
    """Return the logs of both, one above the other, and what they are relative to."""
    both = np.vstack([np.asarray(window, float), np.asarray(head, float)])
    both[~((both > 0) & (both < math.inf))] = math.nan
    # The lower median is an observed value: scaling by a power of two leaves every
    # bit of the ratios alone. math.log, as vectorised logs differ between CPUs.
    ordered = np.sort(both[: len(window)], axis=0)  # NaN last
    middle = np.maximum(np.isfinite(ordered).sum(axis=0) - 1, 0) // 2
    reference = np.take_along_axis(ordered, middle[np.newaxis], axis=0)[0]
    ratios = (both / reference).ravel().tolist()
    return np.array(list(map(math.log, ratios))).reshape(both.shape), reference


def _fit(settled: _Settled) -> WindowTest:
    past, now = settled.past, settled.now
    if past.shape[1] < FEWEST_SERIES:
        return _test(settled, past, now)
    without = past - common_mode(past)
    helped = _HANDICAP * _prediction_error(without) < _prediction_error(past)
    shift = _shift(settled)
    if shift is not None and shift.stands_out:
        # Only pairs can tell a slower machine from slower code.
        helped[:] = True
    test = _test(
        settled,
        np.where(helped, without, past),
        np.where(helped, now - common_mode(now), now),
    )
    z = (test.theta / test.se)[helped & (test.heads > 0)]
    if len(z) and max((z > _STRAYING).mean(), (z < -_STRAYING).mean()) > _MANY:
        # The median is then no longer what the unchanged ones share.
        return _test(settled, past, now)
    return test


def _test(settled: _Settled, past: Floats, now: Floats) -> WindowTest:
    """Return the test of the chosen representation of both."""
    runs = np.isfinite(past).sum(axis=0)
    heads = np.where(runs >= FEWEST_RUNS, np.isfinite(now).sum(axis=0), 0)
    mean, variance = _moments(past, runs)
    spread = np.sqrt(np.maximum(variance, _SMALLEST_VARIANCE))
    return WindowTest(
        theta=_nan_mean(now) - mean,
        spread=spread,
        se=spread * np.sqrt(1 / np.maximum(heads, 1) + 1 / np.maximum(runs, 1)),
        runs=runs,
        heads=heads,
        base=settled.base,
        head=settled.head,
        nulls={
            k: _Null.of(_null_statistics(past, runs, k))
            for k in set(heads.tolist()) - {0}
        },
    )


def _thin(
    settled: _Settled, test: WindowTest, signs: Sequence[float], *, level: float
) -> Iterator[tuple[int, Effect]]:
    """Return the effects of the series that too few runs of the window have."""
    heads = np.isfinite(settled.now).sum(axis=0)
    here = (test.runs > 0) & (test.runs < FEWEST_RUNS) & (heads > 0)
    places: list[int] = np.flatnonzero(here).tolist()
    singles = [i for i in places if test.runs[i] == 1 or len(places) >= FEWEST_OTHERS]
    # Turning a metric around is exchanging the sides.
    sides = [
        (float(test.base[i]), float(test.head[i]))[:: int(signs[i])] for i in singles
    ]
    yield from zip(
        singles,
        single_rounds(
            [a for a, _ in sides], [b for _, b in sides], sign=1, level=level
        ),
        strict=True,
    )
    for i in set(places) - set(singles):
        column = settled.past[:, i]
        runs, units = int(test.runs[i]), int(heads[i])
        yield (
            i,
            effect_of_mean(
                float(_nan_mean(settled.now)[i] - _nan_mean(settled.past)[i]),
                spread=float(np.nanstd(column, ddof=1)),
                units=units,
                rounds=units,
                level=level,
                width=math.sqrt(1 / units + 1 / runs),
                df=runs - 1,
            ),
        )


def _shift(settled: _Settled) -> Shift | None:
    """Return how far the median series of the head is from that of the window."""
    wide = [
        rows[np.isfinite(rows).sum(axis=1) >= FEWEST_SERIES]
        for rows in (settled.past, settled.now)
    ]
    runs, heads = map(len, wide)
    if runs < FEWEST_RUNS or not heads:
        return None
    past, now = (nan_median(rows.T) for rows in wide)
    variance = max(float(past.var(ddof=1)), _SMALLEST_VARIANCE)
    theta = float(now.mean() - past.mean())
    t = theta / math.sqrt(variance * (1 / heads + 1 / runs))
    return Shift(theta, 2 * min(both_tails(t, runs - 1)))


def _prediction_error(past: Floats) -> Floats:
    """Return the root mean square of each run minus the mean of the others."""
    runs = np.isfinite(past).sum(axis=0)
    others = (_nan_sum(past) - past) / np.maximum(runs - 1, 1)
    squares = _nan_sum((past - others) ** 2)
    error: Floats = np.sqrt(squares / np.maximum(runs, 1))
    return error


def _moments(rows: Floats, runs: Counts) -> tuple[Floats, Floats]:
    mean = _nan_sum(rows) / np.maximum(runs, 1)
    squares = _nan_sum((rows - mean) ** 2)
    return mean, squares / np.maximum(runs - 1, 1)


def _null_statistics(past: Floats, runs: Counts, heads: int) -> Floats:
    """Return the normal score of each block of runs against the rest of the window.

    A series that never varied says nothing of how the others stray.
    """
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
    variance = centred / np.maximum(rest - 1, 1)
    usable &= (variance > _SMALLEST_VARIANCE).any(axis=0)
    scale = np.maximum(variance, _SMALLEST_VARIANCE) * (
        1 / heads + 1 / np.maximum(rest, 1)
    )
    t = (inside_sum / heads - mean) / np.sqrt(scale)
    df = np.broadcast_to(np.maximum(rest - 1, 1), t.shape)[usable]
    return _normal_scores(t[usable], df)


def _normal_scores(t: Floats, df: Counts) -> Floats:
    """Return the normal deviates that are as rare as *t*, so that all df can be pooled.

    Source: Wallace, 1959, Bounds on normal approximations to Student's and the
    chi-square distributions.
    """
    scores: Floats = np.sign(t) * np.sqrt(df * np.log1p(t * t / df))
    return scores * (8 * df + 1) / (8 * df + 3)


def _normal_score(t: float, df: int) -> float:
    size = math.sqrt(df * math.log1p(t * t / df)) * (8 * df + 1) / (8 * df + 3)
    return math.copysign(size, t)


def _t_of_score(score: float, df: int) -> float:
    size = abs(score) * (8 * df + 3) / (8 * df + 1)
    t = math.sqrt(df * math.expm1(min(size * size / df, _LARGEST_EXPONENT)))
    return math.copysign(t, score)


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
        shape = min(max(0.5 * (1 - mean * mean / variance), _LIGHTEST), _HEAVIEST)
        scale = max(mean * (1 - shape), 1e-6)
        return cls(ordered, edge, tail, shape, scale)

    def upper_tail(self, z: float) -> float:
        size = len(self.ordered)
        if z <= self.edge:
            at_least = size - int(np.searchsorted(self.ordered, z, side="left"))
            return (1 + at_least) / (size + 1)
        growth = 1 + self.shape * (z - self.edge) / self.scale
        return self.tail / size * math.pow(growth, -1 / self.shape)

    def upper_quantile(self, p: float) -> float:
        size = len(self.ordered)
        share = self.tail / size
        if p >= share:
            # The smallest z whose tail has come down to p.
            place = min(max(size - math.floor(p * (size + 1)) + 1, 0), size - 1)
            return float(self.ordered[place])
        growth = math.pow(share / p, self.shape) - 1
        return self.edge + self.scale * growth / self.shape


def _nan_sum(rows: Floats) -> Floats:
    """Return the sum of each column, which no other column sways by a bit.

    Column by column: numpy adds rows of one column in another order than of many.
    """
    sums: Floats = np.ascontiguousarray(np.nan_to_num(rows, nan=0.0).T).sum(axis=1)
    return sums


def _nan_mean(rows: Floats) -> Floats:
    mean: Floats = _nan_sum(rows) / np.maximum(np.isfinite(rows).sum(axis=0), 1)
    return mean


def nan_median(rows: Floats) -> Floats:
    """Return the median of each column, 0 where nothing is finite.

    Sorted by hand: numpy.nanmedian imports numpy.ma, which takes longer than a test.
    """
    counts = np.isfinite(rows).sum(axis=0)
    ordered = np.sort(rows, axis=0)  # NaN last
    low, high = (
        np.take_along_axis(ordered, np.maximum(at, 0)[np.newaxis], axis=0)[0]
        for at in ((counts - 1) // 2, counts // 2)
    )
    median: Floats = np.where(counts > 0, (low + high) / 2, 0.0)
    return median
