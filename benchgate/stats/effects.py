"""A mean of units with its spread → an effect with Student's multipliers."""

from __future__ import annotations

import math

from benchgate.model import Effect
from benchgate.stats.student import both_tails, upper_quantile

# Two slices that agree to the last bit don't make a change of 1e-9 certain.
SMALLEST_SPREAD = 1e-4
BOUND_TAIL = 0.05
MISSED = 0.2


def effect_of_mean(
    theta: float,
    *,
    spread: float,
    units: float,
    rounds: int,
    level: float,
    width: float | None = None,
    df: float | None = None,
) -> Effect:
    """Return the effect whose estimate *theta* is a mean of *units* >= 2 units.

    *spread*: standard deviation of one unit (divisor n-1), on the scale of theta.
    *width*: the standard error in units of *spread*; 1/sqrt(units) by default.
    *df*: degrees of freedom of *spread*; units - 1 by default.
    *level*: one-sided error that one test may spend, 0 < level < 0.5.
    """
    spread = max(spread, SMALLEST_SPREAD)
    width = 1 / math.sqrt(units) if width is None else width
    df = units - 1 if df is None else df
    se = spread * width
    slower, faster = both_tails(theta / se, df)
    return Effect(
        theta=theta,
        se=se,
        p_slower=slower,
        p_faster=faster,
        bound=upper_quantile(BOUND_TAIL, df),
        critical=upper_quantile(level, df),
        power=upper_quantile(MISSED, df),
        spread=spread,
        units=units,
        rounds=rounds,
    )
