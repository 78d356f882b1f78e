"""Series with known steps → how well each method finds where they changed.

The noise is that of the public histories: what is left of a series beside its running
median, in blocks whose order is drawn anew. Into it go steps of known size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from benchgate.stats.changes import change_points
from scripts.trust.histories import Suite
from scripts.trust.peers import Floats

STEPS = (0.25, 0.10, 0.05)
_LENGTH = 200
_RUNNING = 61
_BLOCK = 8
_TOLERANCE = 5
_FARTHEST = 30
_SERIES = 80
_PERMUTATIONS = 99
_SHORTEST = 4
_BACK, _FORE = 12, 12

# Logarithms of one series, (n,) → where it starts on other levels.
Method = Callable[[Floats], list[int]]


@dataclass(frozen=True, slots=True)
class Figures:
    """``false``: changes that are none for 1,000 values; F1 for each size of step."""

    false: float
    f1: tuple[float, ...]


def ours(logs: Floats) -> list[int]:
    """Return the change points of the product."""
    (found,) = change_points(logs[:, np.newaxis])
    return list(found)


def student_windows(logs: Floats, *, threshold: float = 7.0) -> list[int]:
    """Return where twelve values differ from the twelve before by t above 7.

    Nearer values weigh more; of neighbours only the largest t counts.
    """
    values = np.exp(logs)
    t = np.zeros(len(values) + 1)
    for at in range(_BACK, len(values) - _FORE + 1):
        t[at] = _weighted_t(values[at - _BACK : at][::-1], values[at : at + _FORE])
    return [
        at
        for at in range(_BACK, len(values) - _FORE + 1)
        if t[at] > threshold and t[at] >= t[at - 1] and t[at] >= t[at + 1]
    ]


def _weighted_t(before: Floats, after: Floats) -> float:
    weights = np.arange(len(before), 0, -1) / len(before)
    means = [float((side * weights).sum() / weights.sum()) for side in (before, after)]
    variance = sum(
        float(((side - mean) ** 2).sum()) / (len(side) - 1) / len(side)
        for side, mean in zip((before, after), means, strict=True)
    )
    step = abs(means[1] - means[0])
    return step / math.sqrt(variance) if variance else math.inf * (step > 0)


def energy(logs: Floats, *, level: float = 0.01) -> list[int]:
    """Return the splits of E-divisive with means, by a permutation test at *level*.

    Segments are split where their sides differ most, until what remains is no more
    than shuffling within the segments gives.
    """
    rng = np.random.RandomState(0)
    distances = np.abs(logs[:, np.newaxis] - logs)
    cuts = [0, len(logs)]
    while True:
        best, at = _best_split(distances, cuts)
        if at == 0:
            return cuts[1:-1]
        beaten = 0
        for _ in range(_PERMUTATIONS):
            order = np.concatenate(
                [
                    start + rng.permutation(stop - start)
                    for start, stop in pairwise(cuts)
                ]
            )
            beaten += _best_split(distances[np.ix_(order, order)], cuts)[0] >= best
        if (1 + beaten) / (1 + _PERMUTATIONS) > level:
            return cuts[1:-1]
        cuts = sorted([*cuts, at])


def _best_split(distances: Floats, cuts: Sequence[int]) -> tuple[float, int]:
    """Return the largest divergence of two sides of a segment, and where it is."""
    best, at = 0.0, 0
    for start, stop in pairwise(cuts):
        if stop - start < 2 * _SHORTEST:
            continue
        inside = distances[start:stop, start:stop].cumsum(axis=0).cumsum(axis=1)
        size = stop - start
        left = np.arange(_SHORTEST, size - _SHORTEST + 1)
        right = size - left
        total = inside[-1, -1]
        own = inside[left - 1, left - 1]
        across = inside[left - 1, -1] - own
        other = total - own - 2 * across
        divergence = (
            2 * across / (left * right)
            - own / (left * np.maximum(left - 1, 1))
            - other / (right * np.maximum(right - 1, 1))
        ) * (left * right / size)
        place = int(divergence.argmax())
        if divergence[place] > best:
            best, at = float(divergence[place]), start + int(left[place])
    return best, at


METHODS: dict[str, tuple[Method, str]] = {
    "benchgate": (ours, ""),
    "t of 12 against 12, above 7": (
        student_windows,
        "https://github.com/mozilla/treeherder/tree/master/treeherder/perfalert",
    ),
    "E-divisive, p 0.01": (
        partial(energy, level=0.01),
        "https://pypi.org/project/signal-processing-algorithms/",
    ),
}


def noise_of(suites: Sequence[Suite]) -> list[Floats]:
    """Return series of 200 logarithms that never change, drawn from the histories."""
    rng = np.random.RandomState(0)
    found = []
    for suite in suites:
        for column in np.log(suite.values).T:
            known = column[np.isfinite(column)]
            if len(known) >= _LENGTH:
                found.append(known - _running_median(known))
    chosen = rng.permutation(len(found))[:_SERIES]
    return [_shuffled(found[i], rng) for i in chosen]


def _running_median(logs: Floats) -> Floats:
    half = _RUNNING // 2
    padded = np.pad(logs, half, mode="edge")
    views = np.lib.stride_tricks.sliding_window_view(padded, _RUNNING)
    median: Floats = np.median(views, axis=1)
    return median


def _shuffled(rest: Floats, rng: np.random.RandomState) -> Floats:
    blocks = len(rest) // _BLOCK
    order = rng.permutation(blocks)[: _LENGTH // _BLOCK]
    return np.concatenate([rest[i * _BLOCK : (i + 1) * _BLOCK] for i in order])


def with_steps(logs: Floats, size: float, seed: int) -> tuple[Floats, list[int]]:
    """Return the series with one to three steps of *size* up or down, and where."""
    rng = np.random.RandomState(seed)
    count = int(rng.randint(1, 4))
    places: list[int] = []
    while len(places) < count:
        at = int(rng.randint(_FARTHEST, len(logs) - _FARTHEST))
        if all(abs(at - other) >= _FARTHEST for other in places):
            places.append(at)
    stepped = logs.copy()
    for at in places:
        stepped[at:] += math.log1p(size) * rng.choice([-1, 1])
    return stepped, sorted(places)


def hits(found: Sequence[int], true: Sequence[int]) -> int:
    """Return how many of *true* have a change of their own within five values."""
    left = list(found)
    count = 0
    for at in true:
        near = [place for place in left if abs(place - at) <= _TOLERANCE]
        if near:
            left.remove(min(near, key=lambda place: abs(place - at)))
            count += 1
    return count


def figures_of(noise: Sequence[Floats], method: Method) -> Figures:
    """Return how *method* does on *noise* without and with steps."""
    false = sum(len(method(logs)) for logs in noise)
    scores = []
    for size in STEPS:
        right = named = there = 0
        for seed, logs in enumerate(noise):
            stepped, true = with_steps(logs, size, seed)
            found = method(stepped)
            right += hits(found, true)
            named += len(found)
            there += len(true)
        scores.append(2 * right / (named + there) if named + there else 0.0)
    return Figures(1000 * false / sum(map(len, noise)), tuple(scores))
