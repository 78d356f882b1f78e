"""Errors among requests on both sides → the effect on the rate of errors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchgate.model import Effect
from benchgate.stats.effects import BOUND_TAIL, MISSED
from benchgate.stats.student import both_tails, upper_quantile


@dataclass(frozen=True, slots=True)
class Rates:
    """The difference of two rates of errors, with both rates."""

    effect: Effect
    base: float
    head: float


def compare_tallies(
    base: Sequence[tuple[int, int]], head: Sequence[tuple[int, int]], *, level: float
) -> Rates:
    """Return the change of the rate, head minus base, from (events, trials) a round.

    The head's share of all events is tested against its share of all trials: a
    binomial, widened by as much as the rounds differ beyond chance. How much that is
    only the rounds can tell, so the fewer they are, the wider the tails (Student's).
    Nothing is divided by a rate, so a base without any error is no special case.
    *level*: one-sided, of one test.
    Source: the conditional test of Przyborowski and Wilenski, 1940, with the
    over-dispersion of McCullagh and Nelder, Generalized Linear Models, section 4.5.
    """
    from scipy.special import bdtr, bdtrc  # noqa: PLC0415 - heavy

    events = [sum(e for e, _ in side) for side in (base, head)]
    trials = [sum(n for _, n in side) for side in (base, head)]
    rates = [e / n for e, n in zip(events, trials, strict=True)]
    dispersion = max(overdispersion(base), overdispersion(head))
    share = trials[1] / sum(trials)
    total = sum(events)
    slower = float(bdtrc(events[1] - 1, total, share)) if events[1] else 1.0
    faster = float(bdtr(events[1], total, share)) if total else 1.0
    # One round a side can't tell: then chance alone is assumed.
    df = len(base) + len(head) - 2 or math.inf
    if total:
        scale = math.sqrt(dispersion * total * share * (1 - share))
        t = (events[1] - total * share) / scale
        above, below = both_tails(t, df)
        slower, faster = max(slower, above), max(faster, below)
    # Half an event more a side: no errors at all are not certainty.
    variance = [
        _smoothed(e, n) * (1 - _smoothed(e, n)) / n
        for e, n in zip(events, trials, strict=True)
    ]
    se = math.sqrt(dispersion * sum(variance))
    units = min(len(base), len(head))
    effect = Effect(
        theta=rates[1] - rates[0],
        se=se,
        p_slower=slower,
        p_faster=faster,
        bound=upper_quantile(BOUND_TAIL, df),
        critical=upper_quantile(level, df),
        power=upper_quantile(MISSED, df),
        spread=se * math.sqrt(units),
        units=units,
        rounds=units,
    )
    return Rates(effect, rates[0], rates[1])


def _smoothed(events: int, trials: int) -> float:
    return (events + 0.5) / (trials + 1)


def overdispersion(side: Sequence[tuple[int, int]]) -> float:
    """Return how much more the rounds vary than chance would have them: >= 1."""
    events = np.array([e for e, _ in side], float)
    trials = np.array([n for _, n in side], float)
    rate = events.sum() / trials.sum()
    if len(side) < 2 or rate in (0, 1):  # noqa: PLR2004 - two rounds can differ
        return 1.0
    pearson = (events - trials * rate) ** 2 / (trials * rate * (1 - rate))
    return max(1.0, float(pearson.sum()) / (len(side) - 1))
