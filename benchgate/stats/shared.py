"""What the series of a run share → the part of each that is not its own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_FEWEST_OTHERS = 3


def common_mode(rows: Floats) -> Floats:
    """Return, for each entry, the median of the *other* series of its row.

    Zero where fewer than three others are there. Leaving one out of a sorted row
    moves the median by at most one place, so the row is sorted once.
    """
    finite = np.isfinite(rows)
    counts = finite.sum(axis=1, keepdims=True) - finite
    ordered = np.sort(rows, axis=1)  # NaN last
    rank = np.argsort(np.argsort(rows, axis=1, kind="stable"), axis=1, kind="stable")
    low = np.maximum((counts - 1) // 2, 0)
    high = np.maximum(counts // 2, 0)
    last = rows.shape[1] - 1
    picks = [
        np.take_along_axis(ordered, np.minimum(at + (finite & (at >= rank)), last), 1)
        for at in (low, high)
    ]
    shared: Floats = np.where(counts >= _FEWEST_OTHERS, (picks[0] + picks[1]) / 2, 0.0)
    return shared
