"""Values in groups → how far the groups differ, and how far values in one group do.

A few values a group, such as the slices of one layout, on a machine with neighbours:
a burst makes some of them larger and none smaller, so the least stands for its group.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchgate.stats.student import upper_quantile

# Of two and of three normal values with deviation 1: the median of the distance between
# the two least, and the variance of the least.
_MEDIAN_GAP = {2: 0.953873, 3: 0.689823}
_VARIANCE_OF_LEAST = {2: 0.681690, 3: 0.559467}
_FEWEST_GROUPS = 2
_EXCHANGES = 999
# Equal values must give equal shares.
_SEED = 1

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Components:
    """Standard deviations: ``between`` groups, and ``within`` one.

    ``locations`` are those of the groups; their ``spread`` is that between groups, and
    what noise adds to it. ``p`` is how often groups that don't differ
    seem to differ as reliably as these.
    """

    between: float
    within: float
    spread: float
    locations: tuple[float, ...]
    p: float


def components(values: Sequence[Sequence[float]]) -> Components:
    """Return what of the spread of *values* lies between groups, and what within.

    *values*: shape (groups, rounds), any unit, such as logarithms of times; two groups
    at least, two or three rounds. The deviations have the unit of the values.
    One-way random effects by the method of moments: the variance of the locations less
    what the noise in one group adds to it, and never negative. A location is the least
    of its group, and the noise is told by the median, over all groups, of the distance
    to the next: a burst that hits one value of three moves neither.
    ``p`` needs no such model: whatever noise is like, if groups are run in random order
    and don't differ, the values of a round may as well be exchanged among them. It is
    Friedman's test, which asks whether the rounds put the groups in the same order.
    Raises ValueError for any other shape.
    Sources: S. R. Searle, G. Casella, C. E. McCulloch, Variance Components, 1992,
    chapter 3; H. A. David, H. N. Nagaraja, Order Statistics, 2003, for the least;
    M. Friedman, The use of ranks to avoid the assumption of normality, 1937.
    """
    lengths = {len(group) for group in values}
    rounds = max(lengths, default=0)
    if (
        len(values) < _FEWEST_GROUPS
        or len(lengths) > 1
        or rounds not in _VARIANCE_OF_LEAST
    ):
        raise ValueError(f"{len(values)} groups of {sorted(lengths)} values")
    # In rising order, so that no other order of the groups draws other exchanges.
    table = np.array(sorted(map(list, values)), dtype=float)
    ordered = np.sort(table, axis=1)
    within = _median(ordered[:, 1] - ordered[:, 0]) / _MEDIAN_GAP[rounds]
    noise = within**2 * _VARIANCE_OF_LEAST[rounds]
    spread = float(np.sort(ordered[:, 0]).var(ddof=1))
    return Components(
        math.sqrt(max(spread - noise, 0.0)),
        within,
        math.sqrt(spread),
        tuple(map(min, values)),
        _share_that_agrees_as_well(table),
    )


def largest_difference(deviation: float, *, known_from: int, level: float) -> float:
    """Return what two draws differ by at most, but for a share *level* of all pairs.

    *deviation*: of one draw, as *known_from* >= 2 of them tell; the result has its unit
    and looks to both sides.
    Source: the prediction of a difference by Student's t, with known_from - 1 degrees.
    """
    t = upper_quantile(level / 2, known_from - 1)
    return t * math.sqrt(2) * deviation


def _share_that_agrees_as_well(table: Floats) -> float:
    """Return the share of exchanges in whose ranks the rounds agree no less.

    *table*: shape (groups, rounds). The ranks are those in each round, from zero.
    """
    below = (table[:, np.newaxis] > table).sum(axis=1)
    ranks = below + (table[:, np.newaxis] == table).sum(axis=1) / 2
    rng = np.random.default_rng(_SEED)
    exchanged = rng.permuted(np.broadcast_to(ranks, (_EXCHANGES, *ranks.shape)), axis=1)
    # Halves and their squares are exact, so equal agreement is seen to be equal.
    agreements = (exchanged.sum(axis=2) ** 2).sum(axis=1)
    as_well = int((agreements >= (ranks.sum(axis=1) ** 2).sum()).sum())
    return (1 + as_well) / (1 + _EXCHANGES)


def _median(values: Floats) -> float:
    # np.median imports numpy.ma, which takes longer than all that is done here.
    ordered = np.sort(values)
    return float((ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2)
