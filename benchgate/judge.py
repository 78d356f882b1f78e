"""Comparison + policy → verdict; the whole policy on one screen.

::

                -margin      0     +margin
    --------------|----------+--------|--------------
      improved    |      unchanged    |   regressed

Regressed or improved: the change itself lies beyond the margin and, corrected for
all that was tested, it is no accident. Unchanged: both one-sided 95 % bounds lie
within the margins. All else is inconclusive: measure more.
"""

from __future__ import annotations

import bisect
import fnmatch
import math
from collections.abc import Sequence

from benchgate.model import (
    Comparison,
    Effect,
    ErrorControl,
    Interval,
    Judgement,
    Kind,
    Metric,
    Policy,
    SeriesKey,
    Unit,
    Verdict,
)
from benchgate.stats.many import benjamini_hochberg, holm

# Both bounds are one-sided 95 %, so together they hold 90 %.
CONFIDENCE = 0.90
# Of what never blocks, one in ten of the things that we point at may be nothing.
_WATCHED_LEVEL = 0.10
# Worth a look, but no latency: these block only where a rule says so.
_WATCHED = {Kind.COUNT, Kind.SIZE}
_MOST_ROUNDS = 200
# An effect that equals the margin is caught half the time at most, so aim further.
_TARGET = 2.0


def blocks(key: SeriesKey, metric: Metric, policy: Policy) -> bool:
    """Say whether a regression of this series may fail the gate."""
    blocking = metric.kind not in _WATCHED
    for rule in policy.series:
        if rule.blocking is not None and _matches(rule.pattern, key):
            blocking = rule.blocking
    return blocking


def judge(
    comparisons: Sequence[Comparison], *, policy: Policy, control: ErrorControl
) -> tuple[Judgement, ...]:
    """Return one judgement a comparison, in their order."""
    blocking = [blocks(c.key, c.metric, policy) for c in comparisons]
    slower = _adjusted(comparisons, blocking, control, side="p_slower")
    faster = _adjusted(comparisons, blocking, control, side="p_faster")
    return tuple(
        _judge_one(
            c,
            policy,
            blocking=may_block,
            slower=up,
            faster=down,
            level=control.level if may_block else _WATCHED_LEVEL,
        )
        for c, may_block, up, down in zip(
            comparisons, blocking, slower, faster, strict=True
        )
    )


def _adjusted(
    comparisons: Sequence[Comparison],
    blocking: Sequence[bool],
    control: ErrorControl,
    *,
    side: str,
) -> list[float]:
    """Return the adjusted p of each comparison, 1 where there is no effect.

    What may block and was tested is one family under Holm; what may not is another.
    What could not have regressed keeps its own p.
    """
    effects = [c.effect for c in comparisons]
    raw = [1.0 if e is None else float(getattr(e, side)) for e in effects]
    adjusted = list(raw)
    known = [i for i, effect in enumerate(effects) if effect is not None]
    tested = [i for i in known if blocking[i] and comparisons[i].tested]
    watched = [i for i in known if not blocking[i]]
    tests = max(control.tests, len(tested))
    for members, found in (
        (tested, holm([raw[i] for i in tested], tests=tests)),
        (watched, benjamini_hochberg([raw[i] for i in watched])),
    ):
        for i, p in zip(members, found, strict=True):
            adjusted[i] = p
    return adjusted


def _judge_one(
    comparison: Comparison,
    policy: Policy,
    *,
    blocking: bool,
    slower: float,
    faster: float,
    level: float,
) -> Judgement:
    effect = comparison.effect
    margin = margin_of(comparison, policy)
    if effect is None:
        return Judgement(
            comparison,
            Verdict.INCONCLUSIVE,
            comparison.reason,
            blocking=blocking,
            accepted=None,
            slowdown=None,
            p=None,
            p_adjusted=None,
            margin=margin,
            detectable=None,
            rounds_needed=None,
        )
    scale = _Scale.of(comparison.metric)
    edge = scale.to_theta(margin)
    low = effect.theta - effect.bound * effect.se
    high = effect.theta + effect.bound * effect.se
    if slower < level and effect.theta > edge:
        verdict = Verdict.REGRESSED
    elif faster < level and effect.theta < -edge:
        verdict = Verdict.IMPROVED
    elif -edge < low and high < edge:
        verdict = Verdict.UNCHANGED
    else:
        verdict = Verdict.INCONCLUSIVE
    worse = effect.theta >= 0
    return Judgement(
        comparison,
        verdict,
        "",
        blocking=blocking,
        accepted=None,
        slowdown=Interval(
            scale.to_change(effect.theta),
            scale.to_change(low),
            scale.to_change(high),
            CONFIDENCE,
        ),
        p=effect.p_slower if worse else effect.p_faster,
        p_adjusted=slower if worse else faster,
        margin=margin,
        detectable=scale.to_change(detectable(effect, edge, units=effect.units)),
        rounds_needed=_rounds_needed(effect, edge),
    )


def plain_margin(key: SeriesKey, metric: Metric, policy: Policy) -> float:
    """Return the margin of a series before any absolute floor."""
    margin = policy.margins[metric.kind]
    for rule in policy.series:
        if rule.margin is not None and _matches(rule.pattern, key):
            margin = rule.margin
    return margin


def margin_of(comparison: Comparison, policy: Policy) -> float:
    """Return the smallest slowdown worth blocking, as a fraction of the base.

    An absolute floor is a margin too: half a nanosecond of two is 25 %.
    """
    metric = comparison.metric
    margin = plain_margin(comparison.key, metric, policy)
    floor = policy.absolute.get(metric.kind, 0.0)
    if floor and metric.unit is Unit.SECOND and comparison.base is not None:
        return max(margin, floor / comparison.base.value)
    return margin


def detectable(effect: Effect, edge: float, *, units: float) -> float:
    """Return the smallest true theta that *units* units catch in four of five cases.

    Source: ``docs/method.md``; the multipliers stay those of the effect.
    """
    se = effect.se * math.sqrt(effect.units / units)
    return max(effect.critical * se, edge) + effect.power * se


def _rounds_needed(effect: Effect, edge: float) -> int | None:
    """Return how many rounds catch twice the margin, None beyond any budget."""
    per_unit = effect.rounds / effect.units

    def enough(rounds: int) -> bool:
        units = max(2.0, rounds / per_unit)
        return detectable(effect, edge, units=units) <= _TARGET * edge

    numbers = range(2, _MOST_ROUNDS + 1, 2)
    fewest = bisect.bisect_left(numbers, x=True, key=enough)
    return numbers[fewest] if fewest < len(numbers) else None


class _Scale:
    """Log changes for values, plain differences for rates of errors."""

    def __init__(self, *, logarithmic: bool) -> None:
        self._logarithmic = logarithmic

    @classmethod
    def of(cls, metric: Metric) -> _Scale:
        return cls(logarithmic=metric.kind is not Kind.ERRORS)

    def to_theta(self, change: float) -> float:
        return math.log1p(change) if self._logarithmic else change

    def to_change(self, theta: float) -> float:
        # A bound of many hundreds in logs is "no bound", not an overflow.
        return math.expm1(min(theta, 700.0)) if self._logarithmic else theta


def _matches(pattern: str, key: SeriesKey) -> bool:
    return fnmatch.fnmatchcase(f"{key.suite}:{key.benchmark}", pattern)
