"""Many p-values → adjusted ones."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float], *, tests: int) -> list[float]:
    """Return the adjusted p-values of *p_values*, in their order.

    *tests* >= len(p_values) is how many tests were planned: a planned test that
    gave nothing still costs.
    Source: Holm, 1979, A simple sequentially rejective multiple test procedure.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (tests - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return the adjusted p-values that bound the share of false discoveries.

    Source: Benjamini and Hochberg, 1995, Controlling the false discovery rate.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__, reverse=True)
    adjusted = [1.0] * len(p_values)
    smallest = 1.0
    for rank, index in enumerate(order):
        place = len(p_values) - rank
        smallest = min(smallest, p_values[index] * (len(p_values) / place))
        adjusted[index] = smallest
    return adjusted
