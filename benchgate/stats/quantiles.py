"""Values → quantiles, interpolated as numpy and k6 do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy.typing as npt


def quantiles(
    values: npt.ArrayLike, probabilities: Sequence[float]
) -> tuple[float, ...]:
    """Return the quantiles of *values*, one for each of *probabilities*.

    *values*: shape (n,), any order, finite; a buffer is not copied.
    *probabilities*: each from 0 to 1.
    The quantile p lies at position p(n - 1) of the sorted values, linear between
    neighbours (Hyndman and Fan, type 7).
    Raises ValueError when *values* is empty.
    """
    import numpy as np  # noqa: PLC0415 - listing the readers must not cost it

    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        raise ValueError("no values have no quantiles")
    found = np.quantile(array, np.asarray(probabilities, dtype=np.float64))
    return tuple(float(quantile) for quantile in found)
