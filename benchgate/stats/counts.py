"""What stored runs counted × what the head counted → effects.

Sizes and instructions are exact, so a history says how much they ever differ; errors
among requests are chance, and runs differ by more than that.
Source: ``docs/method.md``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from benchgate.model import Effect
from benchgate.stats.effects import BOUND_TAIL, MISSED
from benchgate.stats.quantiles import quantiles
from benchgate.stats.student import both_tails, upper_quantile
from benchgate.stats.tallies import Rates, overdispersion

# A change that a size or a count must exceed, even if it never varied before.
_SMALLEST_EXACT = math.log(1.001)
_QUARTILES = (0.25, 0.75)
_RANGES = 3.0


def exact_change(past: Sequence[float], now: Sequence[float], *, sign: float) -> Effect:
    """Return the change of what is counted exactly, from the median of *past*.

    *past*, *now*: positive values, one a run, at least one each.
    *sign*: +1 where larger is worse, else -1.
    It is significant beyond 0.1 % and three interquartile ranges of *past*; p is 0 or
    1, as nothing here is a matter of chance. A history without any variance makes the
    slightest change beyond that certain, and never none.
    """
    ordered = sorted(past)
    typical = ordered[(len(ordered) - 1) // 2]
    low, high = quantiles([math.log(x / typical) for x in past], _QUARTILES)
    spread = high - low
    theta = sign * sum(math.log(x / typical) for x in now) / len(now)
    limit = max(_SMALLEST_EXACT, _RANGES * spread)
    return Effect(
        theta=theta,
        se=spread,
        p_slower=float(theta <= limit),
        p_faster=float(theta >= -limit),
        bound=_RANGES,
        critical=_RANGES,
        power=0.0,
        spread=spread,
        units=len(now),
        rounds=len(now),
    )


def stored_tallies(
    past: Sequence[tuple[int, int]], now: Sequence[tuple[int, int]], *, level: float
) -> Rates:
    """Return the change of the rate, head minus window, from (events, trials) a run.

    *past*: two runs at least; *now*: one at least; trials are positive.
    *level*: one-sided, of one test.
    The head's events are a beta-binomial with the rate of the window, as much wider
    than a binomial as its runs differ, and as its rate is uncertain; half an event
    more makes a history without any no certainty. Student's t stands beside it, since
    few runs don't know well how much they differ.
    """
    events, trials = (sum(column) for column in zip(*past, strict=True))
    found, tried = (sum(column) for column in zip(*now, strict=True))
    rate = (events + 0.5) / (trials + 1)
    excess = (overdispersion(past) - 1) / (trials / len(past) - 1 or 1)
    correlation = min(excess * (1 + 1 / len(past)) + 1 / (trials + 1), 0.5)
    variance = rate * (1 - rate) * (1 + (tried - 1) * correlation) / tried
    se = math.sqrt(variance)
    theta = found / tried - events / trials
    df = len(past) - 1
    strength = (1 - correlation) / correlation
    at_least, at_most = _beta_binomial_tails(
        found, tried, rate * strength, (1 - rate) * strength
    )
    slower, faster = both_tails((found / tried - rate) / se, df)
    return Rates(
        Effect(
            theta=theta,
            se=se,
            p_slower=max(slower, at_least),
            p_faster=max(faster, at_most),
            bound=upper_quantile(BOUND_TAIL, df),
            critical=upper_quantile(level, df),
            power=upper_quantile(MISSED, df),
            spread=se * math.sqrt(len(now)),
            units=len(now),
            rounds=len(now),
        ),
        events / trials,
        found / tried,
    )


def _beta_binomial_tails(
    found: int, trials: int, a: float, b: float
) -> tuple[float, float]:
    """Return P(X >= *found*) and P(X <= *found*); both hold *found* itself."""
    k = np.arange(trials)
    steps = np.log((trials - k) * (a + k) / ((k + 1) * (b + trials - k - 1)))
    none = (
        math.lgamma(b + trials)
        + math.lgamma(a + b)
        - math.lgamma(b)
        - math.lgamma(a + b + trials)
    )
    shares = np.exp(none + np.concatenate([[0.0], np.cumsum(steps)]))
    at_least, at_most = float(shares[found:].sum()), float(shares[: found + 1].sum())
    return min(at_least, 1.0), min(at_most, 1.0)
