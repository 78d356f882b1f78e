"""A history → how often the gate would have cried wolf on it, and what it would see.

The runs are judged by the same tests as pull requests, under the team's own policy.
Source of the protocol: ``docs/method.md``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchgate import judge
from benchgate.history import History, PastSeries
from benchgate.model import (
    Better,
    Comparison,
    Design,
    Kind,
    Policy,
    SeriesKey,
    SideValue,
)
from benchgate.stats.replay import EFFECTS, WINDOW, Alarm, Replay, replay

_AFTER = 10
_MOST_PULL_REQUESTS = 100
# One pull request takes a window before it and neighbours after it.
FEWEST_RUNS = WINDOW + _AFTER
RECENT = WINDOW + _MOST_PULL_REQUESTS + _AFTER
# Counts and sizes are compared exactly, error rates in pairs only.
_DECIDED_OTHERWISE = {Kind.COUNT, Kind.SIZE, Kind.ERRORS}
_MORE_HEADS = 3
_MOST_LOUD = 3


@dataclass(frozen=True, slots=True)
class FalseAlarm:
    """A series that would have failed a harmless run; ``change`` is a fraction."""

    commit: str
    series: SeriesKey
    change: float


@dataclass(frozen=True, slots=True)
class Without:
    """What would have failed if *series*, the loudest ones, had not been blocking."""

    series: tuple[SeriesKey, ...]
    failed: int
    pull_requests: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a history says about the gate under a policy.

    *runs* were there, *recent* of them were used, with *series* blocking series; they
    were made in *environments* different ones, one if enough were made in one.
    *pull_requests* were replayed, each with *heads* runs of the head; *failed* of them
    are false alarms, a *share* with its 95 % *interval* where *level* was allowed;
    both are None where nothing could be replayed.
    *power*: (slowdown, share of it found); *power_of_three*: the same with three runs
    of the head, None where *heads* is no less.
    *detectable*: the smallest slowdown that is found in four of five cases, worst
    first, None for a series that was never stable enough to ask.
    *widen*: what the policy should say.
    """

    name: str
    runs: int
    recent: int
    environments: int
    series: int
    heads: int
    level: float
    pull_requests: int
    failed: int
    share: float | None
    interval: tuple[float, float] | None
    power: tuple[tuple[float, float | None], ...]
    power_of_three: tuple[tuple[float, float | None], ...] | None
    detectable: tuple[tuple[SeriesKey, float | None], ...]
    widen: float
    alarms: tuple[FalseAlarm, ...]
    without: Without | None

    @property
    def typical(self) -> float | None:
        """Return the median of what the series could have shown."""
        known = [seen for _, seen in self.detectable if seen is not None]
        return median(known) if known else None


def calibrate(
    history: History, policy: Policy, *, heads: int, seed: int
) -> Calibration:
    """Return how the gate would have done on the newest runs of *history*.

    *heads*: how many runs a head has, 1 or more. *seed* draws the runs where there
    are too many. What ``policy.widen`` says is left aside: it is what is looked for.
    """
    recent = history.of_one_environment(fewest=FEWEST_RUNS).newest(RECENT)
    tested = recent.of_series(
        [i for i, series in enumerate(recent.series) if _is_tested(series, policy)]
    )
    found = _replay(tested, policy, heads=heads, seed=seed)
    three = None
    if heads < _MORE_HEADS:
        more = _replay(tested, policy, heads=_MORE_HEADS, seed=seed)
        three = tuple(zip(EFFECTS, more.power, strict=True))
    keys = [series.key for series in tested.series]
    return Calibration(
        name=history.name,
        runs=len(history.runs),
        recent=len(recent.runs),
        environments=len({run.environment for run in recent.runs}),
        series=len(keys),
        heads=heads,
        level=policy.false_alarms,
        pull_requests=found.pull_requests,
        failed=found.failed,
        share=found.share,
        interval=found.interval,
        power=tuple(zip(EFFECTS, found.power, strict=True)),
        power_of_three=three,
        detectable=tuple(
            sorted(zip(keys, found.detectable, strict=True), key=_worst_first)
        ),
        widen=found.widen,
        alarms=tuple(
            FalseAlarm(tested.runs[a.run].commit, keys[a.series], a.change)
            for a in found.alarms
        ),
        without=_without_the_loudest(tested, policy, found, heads=heads, seed=seed),
    )


def _is_tested(series: PastSeries, policy: Policy) -> bool:
    decided_here = series.metric.kind not in _DECIDED_OTHERWISE
    return decided_here and judge.blocks(series.key, series.metric, policy)


def _replay(history: History, policy: Policy, *, heads: int, seed: int) -> Replay:
    columns = list(zip(*history.values, strict=True)) or [()] * len(history.series)
    return replay(
        history.values,
        signs=[
            1.0 if s.metric.better is Better.LOWER else -1.0 for s in history.series
        ],
        heads=heads,
        level=policy.false_alarms,
        margins=[
            _margin(s, column, policy)
            for s, column in zip(history.series, columns, strict=True)
        ],
        groups=[(s.key.suite, s.key.metric) for s in history.series],
        limit=_MOST_PULL_REQUESTS,
        seed=seed,
    )


def _margin(series: PastSeries, values: Sequence[float], policy: Policy) -> float:
    """Return the margin that the policy has for a series of such values."""
    known = [value for value in values if math.isfinite(value)]
    base = SideValue(median(known), len(known)) if known else None
    asked = Comparison(
        series.key,
        series.metric,
        base,
        None,
        effect=None,
        reason="",
        weak=False,
        design=Design.STORED,
    )
    return judge.margin_of(asked, policy)


def _without_the_loudest(
    history: History, policy: Policy, found: Replay, *, heads: int, seed: int
) -> Without | None:
    """Return what would be left without the series of the most false alarms.

    None where luck explains them, or no series fails twice.
    """
    loudest = _loudest(found.alarms)
    if found.widen == 1 or not loudest:
        return None
    others = [i for i in range(len(history.series)) if i not in loudest]
    rest = _replay(history.of_series(others), policy, heads=heads, seed=seed)
    return Without(
        tuple(history.series[i].key for i in loudest), rest.failed, rest.pull_requests
    )


def _loudest(alarms: Sequence[Alarm]) -> list[int]:
    counts = Counter(alarm.series for alarm in alarms)
    return sorted(i for i, count in counts.most_common(_MOST_LOUD) if count > 1)


def _worst_first(seen: tuple[SeriesKey, float | None]) -> tuple[bool, float, SeriesKey]:
    key, smallest = seen
    return smallest is None, -(smallest or 0.0), key
