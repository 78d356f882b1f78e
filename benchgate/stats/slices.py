"""The measurements of one slice → five statistics of the time per iteration.

Which of the five is compared is chosen later and blind: minimum and low quantiles
see through bursts of noise, median and mean see what only some iterations pay.
Source: the quiet pairs of ``docs/method.md``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Floats = Sequence[float]
SliceValues = tuple[float, float, float, float, float]

_QUANTILES = (0.02, 0.10, 0.50)


def slice_statistics(totals: Floats, iterations: Floats) -> SliceValues:
    """Return min, q02, q10, median and mean of the time per iteration.

    *totals*: time of each measurement, shape (n,), n > 0, positive, any one unit.
    *iterations*: how many iterations each of them timed, shape (n,), positive.
    The values share the unit of *totals* and have the order of
    ``model.SLICE_STATISTICS``; quantiles interpolate linearly.
    Only measurements of at least half the largest iteration count are used: one of
    a single iteration doesn't see what only every fifth iteration pays.
    Raises ValueError when the shapes differ or are empty.
    """
    return statistics_of_slices([(totals, iterations)])[0]


def statistics_of_slices(slices: Sequence[tuple[Floats, Floats]]) -> list[SliceValues]:
    """Return what ``slice_statistics`` gives for each (totals, iterations).

    Slices of equal length share one sort, so a thousand cost little more than one.
    Raises ValueError as ``slice_statistics`` does.
    """
    import numpy as np  # noqa: PLC0415 - `--version` must not pay for it

    positions_by_length: dict[int, list[int]] = defaultdict(list)
    for position, (totals, iterations) in enumerate(slices):
        if len(totals) != len(iterations) or len(totals) == 0:
            problem = f"{len(totals)} totals for {len(iterations)} iteration counts"
            raise ValueError(problem)
        positions_by_length[len(totals)].append(position)
    found: dict[int, SliceValues] = {}
    for positions in positions_by_length.values():
        rows = _statistics_of_rows(
            np.array([slices[position][0] for position in positions], dtype=float),
            np.array([slices[position][1] for position in positions], dtype=float),
        )
        found.update(zip(positions, map(tuple, rows.tolist()), strict=True))
    return [found[position] for position in range(len(slices))]


def _statistics_of_rows(
    totals: NDArray[np.float64], iterations: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return shape (rows, 5) for two arrays of shape (rows, n)."""
    import numpy as np  # noqa: PLC0415 - as above

    long_enough = 2 * iterations >= iterations.max(axis=1, keepdims=True)
    times = np.where(long_enough, totals / iterations, np.inf)
    times.sort(axis=1)  # those left out are last, so each row is a prefix
    counts = long_enough.sum(axis=1)
    row = np.arange(len(times))
    columns = [times[:, 0]]
    for quantile in _QUANTILES:
        place = quantile * (counts - 1)
        below = place.astype(int)
        above = np.minimum(below + 1, counts - 1)
        low, high = times[row, below], times[row, above]
        columns.append(low + (high - low) * (place - below))
    sums = np.where(np.isinf(times), 0.0, times).sum(axis=1)
    columns.append(sums / counts)
    return np.stack(columns, axis=1)
