"""Histories of series → where each of them changed its level for good.

All series are searched at once, as hundreds of short ones are what a gate has.
Source of the procedure: ``docs/method.md``.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.intp]

FEWEST_VALUES = 8
SHORTEST = 4
_LEVEL = 0.001
_SMALLEST_STEP = math.log(1.02)
_PENALTY = 4.0
_CONSISTENT = 1.4826
_FLOOR = 1e-6
_HALF_WINDOW = 3
_CLIPPED_AT = 3.0
_MOST_CORRELATED = 0.8


def change_points(logs: Floats) -> list[tuple[int, ...]]:
    """Return, for each series, the rows at which it starts on another level.

    *logs*: shape (runs, series), logs of the values, oldest first, NaN where missing.
    Fewer than eight values of a series have no changes.
    Isolated outliers are none either: no level is shorter than four values.
    """
    found: list[tuple[int, ...]] = [()] * logs.shape[1]
    present = np.isfinite(logs)
    batches: dict[int, list[int]] = defaultdict(list)
    for column, count in enumerate(present.sum(axis=0).tolist()):
        if count >= FEWEST_VALUES:
            batches[count].append(column)
    for count, columns in batches.items():
        there = present[:, columns].T
        values = logs[:, columns].T[there].reshape(-1, count)
        for column, starts in zip(columns, _changes(values), strict=True):
            if starts:
                rows = np.flatnonzero(present[:, column])
                found[column] = tuple(rows[starts].tolist())
    return found


def _changes(values: Floats) -> list[list[int]]:
    """Return the starts of new levels; *values*: shape (series, runs), all finite."""
    calm, spread = _without_outliers(values)
    penalty = _PENALTY * math.log(values.shape[1])
    first = partition(calm, penalty * spread**2)
    noise, inflation = _noise(calm, first)
    second = partition(calm, penalty * noise**2 * inflation)
    return [
        _significant(values[i], starts, float(inflation[i])) if starts else starts
        for i, starts in enumerate(second)
    ]


def _without_outliers(values: Floats) -> tuple[Floats, Floats]:
    """Return the values with outliers pulled in, and the spread of a value."""
    steps = np.diff(values, axis=1)
    padded = np.pad(values, ((0, 0), (_HALF_WINDOW, _HALF_WINDOW)), mode="edge")
    views = np.lib.stride_tricks.sliding_window_view(
        padded, 2 * _HALF_WINDOW + 1, axis=1
    )
    running = np.sort(views, axis=2)[:, :, _HALF_WINDOW]
    rest = values - running
    spread = np.maximum(
        _CONSISTENT * _median(np.abs(steps - _median(steps))) / math.sqrt(2),
        _CONSISTENT * _median(np.abs(rest)),
    )
    spread = spread + _FLOOR
    limit = _CLIPPED_AT * spread
    return running + np.clip(rest, -limit, limit), spread[:, 0]


def partition(values: Floats, penalty: Floats) -> list[list[int]]:
    """Return where to cut each series so that squared error plus penalties is least.

    *values*: shape (series, runs), finite; *penalty*: shape (series,), of one cut.
    A part has at least four values, so four ends at a time depend on earlier ones only.
    Source: Killick, Fearnhead and Eckley, 2012, Optimal detection of changepoints with
    a linear computational cost (PELT). A start is given up once no series needs it.
    """
    series, runs = values.shape
    sums = np.zeros((series, runs + 1))
    np.cumsum(values - values.mean(axis=1, keepdims=True), axis=1, out=sums[:, 1:])
    # Squares are the same for every partition: less the explained part is the error.
    best = np.full((series, runs + 1), np.inf)
    best[:, 0] = -penalty
    origin = np.zeros((series, runs + 1), np.intp)
    starts = np.zeros(1, np.intp)
    for block in range(SHORTEST, runs + 1, SHORTEST):
        ends = np.arange(block, min(block + SHORTEST, runs + 1))
        lengths = ends[:, np.newaxis] - starts
        gained = sums[:, ends, np.newaxis] - sums[:, np.newaxis, starts]
        cost = best[:, np.newaxis, starts] - gained**2 / np.maximum(lengths, 1)
        cost[:, lengths < SHORTEST] = np.inf
        chosen = cost.argmin(axis=2)
        origin[:, ends] = starts[chosen]
        least = np.take_along_axis(cost, chosen[:, :, np.newaxis], axis=2)[:, :, 0]
        best[:, ends] = least + penalty[:, np.newaxis]
        # A later end can do without a start that already loses at this one.
        needed = (cost[:, 0] <= best[:, block, np.newaxis]) | (lengths[0] < SHORTEST)
        starts = np.concatenate([starts[needed.any(axis=0)], ends])
    cut = origin[:, -1].tolist()
    return [_cuts(origin[i].tolist()) if at else [] for i, at in enumerate(cut)]


def _cuts(origin: Sequence[int]) -> list[int]:
    cuts = []
    at = origin[-1]
    while at:
        cuts.append(at)
        at = origin[at]
    return cuts[::-1]


def _noise(values: Floats, cuts: Sequence[Sequence[int]]) -> tuple[Floats, Floats]:
    """Return the spread around the levels, and how much correlation inflates it."""
    levels = np.broadcast_to(_median(values), values.shape).copy()
    for i, starts in enumerate(cuts):
        if starts:
            parts = np.split(values[i], starts)
            levels[i] = np.concatenate([np.full(len(p), _middle(p)) for p in parts])
    rest = values - levels
    before, after = rest[:, :-1], rest[:, 1:]
    before = before - before.mean(axis=1, keepdims=True)
    after = after - after.mean(axis=1, keepdims=True)
    scale = np.sqrt((before**2).sum(axis=1) * (after**2).sum(axis=1))
    together = (before * after).sum(axis=1)
    correlation = np.clip(together / np.where(scale > 0, scale, 1), 0, _MOST_CORRELATED)
    return np.maximum(rest.std(axis=1), _FLOOR), (1 + correlation) / (1 - correlation)


def _significant(values: Floats, starts: list[int], inflation: float) -> list[int]:
    """Delete the least significant change until all that are left are significant."""
    kept = list(starts)
    while kept:
        parts = np.split(values, kept)
        p_values = [
            _p_value(before, after, inflation) for before, after in pairwise(parts)
        ]
        worst = max(p_values)
        if worst <= _LEVEL:
            break
        del kept[p_values.index(worst)]
    return kept


def _p_value(before: Floats, after: Floats, inflation: float) -> float:
    """Return the two-sided p of Mann and Whitney, corrected for correlation.

    1 where the medians differ by less than is worth a mention.
    Source: Mann and Whitney, 1947, with the normal approximation, corrected for ties
    and continuity.
    """
    if abs(_middle(after) - _middle(before)) < _SMALLEST_STEP:
        return 1.0
    above = np.subtract.outer(before, after)
    wins = float((above > 0).sum() + 0.5 * (above == 0).sum())
    m, n = len(before), len(after)
    total = m + n
    _, counts = np.unique(np.concatenate([before, after]), return_counts=True)
    ties = float((counts.astype(float) ** 3 - counts).sum())
    variance = m * n / 12 * (total + 1 - ties / (total * (total - 1)))
    distance = max(abs(wins - m * n / 2) - 0.5, 0.0)
    return math.erfc(distance / math.sqrt(2 * variance * inflation))


def _middle(values: Floats) -> float:
    return float(_median(values[np.newaxis])[0, 0])


def _median(values: Floats) -> Floats:
    """Return the median of each row, as a column; numpy's own imports numpy.ma."""
    runs = values.shape[1]
    ordered = np.sort(values, axis=1)
    middle: Floats = (ordered[:, (runs - 1) // 2] + ordered[:, runs // 2]) / 2
    return middle[:, np.newaxis]
