"""A history of stored runs → how often the gate would have been wrong on it.

Runs that harmed nobody are judged as if each were a pull request, by the same test
that judges real ones; then slowdowns are added that it ought to find.
Source of the protocol: ``docs/method.md``.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import fmean, median

import numpy as np
import numpy.typing as npt

from benchgate.stats.effects import MISSED
from benchgate.stats.many import holm
from benchgate.stats.shared import common_mode
from benchgate.stats.student import upper_quantile
from benchgate.stats.window import (
    FEWEST_SERIES,
    WindowTest,
    fit_window,
    nan_median,
)

Floats = npt.NDArray[np.float64]
Rows = Sequence[Sequence[float]] | Floats

WINDOW = 30
# So many runs on either side of a head must agree, or something did change there.
_NEIGHBOURS = 10
_FEWEST_NEIGHBOURS = 6
EFFECTS = (0.02, 0.05, 0.10, 0.25)
_WIDEST = 2.0
_STEPS = 20
_CONFIDENCE = 0.95
_CONSISTENT = 1.4826


@dataclass(frozen=True, slots=True)
class Alarm:
    """A series that failed a replayed pull request.

    *run*: the row of its (first) head; *series*: the column; *change*: a fraction.
    """

    run: int
    series: int
    change: float
    p_adjusted: float


@dataclass(frozen=True, slots=True)
class Replay:
    """What a history says about the gate.

    *pull_requests* were replayed, *failed* of them have an alarm; *share* is their
    ratio with its 95 % *interval*, both None where nothing could be replayed.
    *power*: for each added slowdown, the share of (pull request, series) caught.
    *detectable*: for each series the smallest slowdown, a fraction, that is caught in
    four of five cases: the median over the pull requests, None if it was never tested.
    *widen*: what standard errors must be multiplied by to keep the allowed share.
    *smallest*: of each pull request, the smallest adjusted p of a change beyond its
    margin, 1 where there is none.
    """

    pull_requests: int
    failed: int
    share: float | None
    interval: tuple[float, float] | None
    power: tuple[float | None, ...]
    detectable: tuple[float | None, ...]
    widen: float
    alarms: tuple[Alarm, ...]
    smallest: tuple[float, ...]


def replay(
    values: Rows,
    *,
    signs: Sequence[float],
    heads: int,
    level: float,
    margins: Sequence[float],
    groups: Sequence[Hashable] | None = None,
    effects: Sequence[float] = EFFECTS,
    limit: int = 100,
    seed: int = 0,
) -> Replay:
    """Judge up to *limit* runs of a history as pull requests that changed nothing.

    *values*: shape (runs, series), positive, oldest first, NaN where missing.
    *signs*: (series,), +1 where larger is worse, else -1.
    *heads*: how many neighbouring runs make one head.
    *level*: the share of clean pull requests that may fail.
    *margins*: (series,), the smallest slowdown worth failing for, fractions.
    *groups*: (series,), what shares a machine's moods: suite and metric; one group by
    default. All groups are one family of tests.
    *effects*: slowdowns, fractions, that are added to one series at a time.
    Only series that are stable around the head count: a real change is no false alarm.
    """
    history = _History.of(values, signs, margins, groups)
    requests = _requests(history, heads, limit, seed)
    smallest = tuple(r.smallest(1.0) for r in requests)
    failed = sum(p < level for p in smallest)
    caught = [r.caught(effects, level) for r in requests]
    return Replay(
        pull_requests=len(requests),
        failed=failed,
        share=failed / len(requests) if requests else None,
        interval=clopper_pearson(failed, len(requests)) if requests else None,
        power=tuple(
            fmean(found) if (found := [x for c in caught for x in c[i]]) else None
            for i in range(len(effects))
        ),
        detectable=_detectable(requests, len(history.margins), level),
        widen=_widen(requests, level),
        alarms=tuple(a for r in requests for a in r.alarms(level)),
        smallest=smallest,
    )


def clopper_pearson(hits: int, trials: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a share of *trials* >= 1.

    Source: Clopper and Pearson, 1934, The use of confidence or fiducial limits.
    """
    from scipy.special import betaincinv  # noqa: PLC0415 - heavy

    tail = (1 - _CONFIDENCE) / 2
    low = float(betaincinv(hits, trials - hits + 1, tail)) if hits else 0.0
    if hits == trials:
        return low, 1.0
    return low, float(betaincinv(hits + 1, trials - hits, 1 - tail))


@dataclass(frozen=True, slots=True)
class _History:
    """The values with what is known of each series; groups are lists of columns."""

    values: Floats
    oriented: Floats
    signs: Floats
    margins: list[float]
    groups: list[list[int]]

    @classmethod
    def of(
        cls,
        values: Rows,
        signs: Sequence[float],
        margins: Sequence[float],
        groups: Sequence[Hashable] | None,
    ) -> _History:
        table = np.array(values, float)
        table[~((table > 0) & np.isfinite(table))] = math.nan
        names = [0] * len(margins) if groups is None else groups
        columns: dict[Hashable, list[int]] = {}
        for place, name in enumerate(names):
            columns.setdefault(name, []).append(place)
        direction = np.asarray(signs, float)
        return cls(
            table,
            np.log(table) * direction,
            direction,
            [math.log1p(margin) for margin in margins],
            list(columns.values()),
        )


class _Request:
    """One run replayed as a pull request: its tests, and what they would say."""

    def __init__(self, at: int, history: _History, heads: int) -> None:
        self.at = at
        self._edges = history.margins
        # (column, test of its group, place there) of each series that counts.
        self._tested: list[tuple[int, WindowTest, int]] = []
        for columns in history.groups:
            rows = history.values[:, columns]
            stable = _stable(history.oriented[:, columns], at)
            if not any(stable):
                continue
            test = fit_window(
                rows[at - WINDOW : at],
                rows[at : at + heads],
                signs=history.signs[columns].tolist(),
            )
            self._tested += [(columns[i], test, i) for i in test.judged if stable[i]]

    @property
    def tests(self) -> int:
        return len(self._tested)

    def _adjusted(self, widen: float) -> list[float]:
        raw = [test.p_values(i, widen=widen)[0] for _, test, i in self._tested]
        return holm(raw, tests=len(raw))

    def alarms(self, level: float, *, widen: float = 1.0) -> Iterator[Alarm]:
        adjusted = self._adjusted(widen)
        for (column, test, i), p in zip(self._tested, adjusted, strict=True):
            theta = float(test.theta[i])
            if p < level and theta > self._edges[column]:
                yield Alarm(self.at, column, math.expm1(theta), p)

    def smallest(self, widen: float) -> float:
        """Return the smallest adjusted p that fails, at any level up to 1."""
        return min((a.p_adjusted for a in self.alarms(1.0, widen=widen)), default=1.0)

    def caught(self, effects: Sequence[float], level: float) -> list[list[bool]]:
        """Return, for each effect, whether each series would have been caught.

        Slowing one series moves its own place in Holm's order: it is rejected below the
        level that is left after all others that are. That it also moves the common
        mode of others, by one place in a sorted row, is left aside.
        """
        raw = [test.p_values(i)[0] for _, test, i in self._tested]
        adjusted = holm(raw, tests=len(raw))
        rejected = sum(p < level for p in adjusted)
        return [
            [
                test.p_values(i, shift)[0] * (len(raw) - rejected + (p < level)) < level
                and float(test.theta[i]) + shift > self._edges[column]
                for (column, test, i), p in zip(self._tested, adjusted, strict=True)
            ]
            for shift in map(math.log1p, effects)
        ]

    def detectable(self, level: float) -> Iterator[tuple[int, float]]:
        """Return what a test of each series sees in four of five cases."""
        for column, test, i in self._tested:
            se = float(test.se[i])
            critical = max(
                test.critical(i, level / self.tests) * se, self._edges[column]
            )
            missed = upper_quantile(MISSED, int(test.runs[i]) - 1)
            yield column, math.expm1(min(critical + missed * se, 700.0))


def _requests(history: _History, heads: int, limit: int, seed: int) -> list[_Request]:
    """Return the first pull requests that test anything, in an order by chance."""
    rows = np.arange(WINDOW, len(history.values) - max(heads, _NEIGHBOURS) + 1)
    # RandomState: its stream is frozen, so equal data give equal figures.
    order: list[int] = np.random.RandomState(seed).permutation(rows).tolist()
    made = (_Request(at, history, heads) for at in order)
    chosen = islice((request for request in made if request.tests), limit)
    return sorted(chosen, key=lambda request: request.at)


def _stable(oriented: Floats, at: int) -> list[bool]:
    """Say of each series whether the runs on both sides of row *at* agree.

    The runs after it are looked at to know the truth; the test never sees them.
    """
    past = oriented[at - WINDOW : at]
    around = oriented[at - WINDOW : at + _NEIGHBOURS]
    centred = around - nan_median(past)
    stable = _agree(centred, 0.01)
    if len(stable) >= FEWEST_SERIES:
        stable &= _agree(centred - common_mode(centred), 0.006)
    found: list[bool] = stable.tolist()
    return found


def _agree(rows: Floats, smallest: float) -> npt.NDArray[np.bool_]:
    past, after = rows[:WINDOW], rows[WINDOW:]
    before = past[-_NEIGHBOURS:]
    step = np.abs(nan_median(after) - nan_median(before))
    deviations = np.abs(past - nan_median(past))
    spread = _CONSISTENT * nan_median(deviations)
    enough = [np.isfinite(r).sum(axis=0) >= _FEWEST_NEIGHBOURS for r in (before, after)]
    agree = step <= np.maximum(smallest, 0.8 * spread)
    both: npt.NDArray[np.bool_] = agree & enough[0] & enough[1]
    return both


def _detectable(
    requests: Sequence[_Request], series: int, level: float
) -> tuple[float | None, ...]:
    seen: list[list[float]] = [[] for _ in range(series)]
    for request in requests:
        for column, effect in request.detectable(level):
            seen[column].append(effect)
    return tuple(median(found) if found else None for found in seen)


def _widen(requests: Sequence[_Request], level: float) -> float:
    """Return the smallest multiplier that keeps the level, 1 where it is kept by luck.

    More than two standard errors above the level is no luck.
    """
    wide = 1.0
    count = len(requests)
    failed = sum(r.smallest(wide) < level for r in requests)
    if failed <= count * level + 2 * math.sqrt(count * level * (1 - level)):
        return wide
    for step in range(1, _STEPS + 1):
        wide = 1 + (_WIDEST - 1) * step / _STEPS
        if sum(r.smallest(wide) < level for r in requests) <= count * level:
            break
    return wide
