"""Student's t, the only distribution that every comparison needs.

SciPy is imported when the first tail is asked for: it costs more than all the rest
of a small comparison.
"""

from __future__ import annotations

from functools import lru_cache


def upper_tail(t: float, df: float) -> float:
    """Return P(T >= *t*) for Student's T with *df* > 0 degrees of freedom."""
    from scipy.special import stdtr  # noqa: PLC0415 - heavy, see above

    return float(stdtr(df, -t))


@lru_cache(maxsize=4096)
def upper_quantile(p: float, df: float) -> float:
    """Return the t with P(T >= t) = *p*, 0 < p < 1, *df* > 0."""
    from scipy.special import stdtrit  # noqa: PLC0415 - heavy, see above

    return -float(stdtrit(df, p))
