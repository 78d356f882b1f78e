"""Student's t, the only distribution that every comparison needs.

Computed here and not by SciPy, whose import costs a small comparison more than all
the rest of it; SciPy is the oracle in the tests.
"""

from __future__ import annotations

import math
from functools import lru_cache

_ENOUGH = 1e-15
_CLOSE = 1e-12
# A slope in logarithms below this sends Newton's method anywhere.
_FLAT = 1e-3
# Lentz's method stands in for a vanishing denominator with this.
_TINY = 1e-300
_MOST_STEPS = 10_000
_HALVINGS = 200


def upper_tail(t: float, df: float) -> float:
    """Return P(T >= *t*) for Student's T with *df* > 0 degrees of freedom.

    Source: NIST Digital Library of Mathematical Functions, 8.17.22, for the
    incomplete beta function; accurate to about 1e-13 of the value.
    """
    if math.isnan(t):
        return math.nan
    if t < 0:
        return 1.0 - upper_tail(-t, df)
    if math.isinf(df):
        return 0.5 * math.erfc(t / math.sqrt(2))
    square = t * t
    if math.isinf(square):
        return 0.0
    return 0.5 * _incomplete_beta(
        df / (df + square), square / (df + square), df / 2, 0.5
    )


def both_tails(t: float, df: float) -> tuple[float, float]:
    """Return P(T >= *t*) and P(T <= *t*) for the price of one."""
    beyond = upper_tail(abs(t), df)
    return (beyond, 1 - beyond) if t > 0 else (1 - beyond, beyond)


@lru_cache(maxsize=4096)
def upper_quantile(p: float, df: float) -> float:
    """Return the t with P(T >= t) = *p*, 0 < p < 1, *df* > 0.

    Newton's method on the logarithms of both, which are nearly in line far out, kept
    inside an interval that is halved where a step would leave it.
    """
    if p > 0.5:  # noqa: PLR2004 - the middle
        return -upper_quantile(1.0 - p, df)
    low, high = 0.0, 1.0
    while upper_tail(high, df) > p:
        low, high = high, 2 * high
    t = (low + high) / 2
    for _ in range(_HALVINGS):
        tail = upper_tail(t, df)
        low, high = (t, high) if tail > p else (low, t)
        slope = t * _density(t, df) / tail
        step = t * math.exp(math.log(tail / p) / slope) if slope > _FLAT else low
        following = step if low < step < high else (low + high) / 2
        if abs(following - t) <= _CLOSE * t:
            break
        t = following
    return t


def _density(t: float, df: float) -> float:
    log_scale = math.lgamma((df + 1) / 2) - math.lgamma(df / 2)
    log_body = (df + 1) / 2 * math.log1p(t * t / df)
    return math.exp(log_scale - log_body) / math.sqrt(df * math.pi)


def _incomplete_beta(x: float, rest: float, a: float, b: float) -> float:
    """Return I_x(a, b); *rest* is 1 - x, which the caller knows without a loss."""
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _incomplete_beta(rest, x, b, a)
    if x == 0:
        return 0.0
    log_front = (
        math.lgamma(a + b)
        - math.lgamma(a)
        - math.lgamma(b)
        + a * math.log(x)
        + b * math.log(rest)
    )
    return math.exp(log_front) / (a * _continued_fraction(x, a, b))


def _continued_fraction(x: float, a: float, b: float) -> float:
    """Return 1 + d1/(1 + d2/(1 + …)) of DLMF 8.17.22, by Lentz's method."""
    value, c, d = 1.0, 1.0, 0.0
    for step in range(1, _MOST_STEPS):
        half, odd = divmod(step, 2)
        if odd:
            up = -(a + half) * (a + b + half) * x
            term = up / ((a + 2 * half) * (a + 2 * half + 1))
        else:
            term = half * (b - half) * x / ((a + step - 1) * (a + step))
        d = 1 / ((1 + term * d) or _TINY)
        c = (1 + term / c) or _TINY
        value *= c * d
        if abs(c * d - 1) < _ENOUGH:
            break
    return value
