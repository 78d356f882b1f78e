"""The rules by which other tools call a benchmark slower, written from their pages.

Each rule gives a score that grows with a slowdown, and calls a regression where the
score exceeds its threshold. So a rule can be judged twice: as it is shipped, and with
the threshold at which it fails as many clean pull requests as ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, stdtr

Floats = npt.NDArray[np.float64]
# Window (runs, series), head (runs, series), signs (series,) → score (series,).
# NaN is missing; each series has at least two values in the window, one in the head.
WindowScore = Callable[[Floats, Floats, Floats], Floats]
# Base and head, each (series, measurements) → score (series,); larger is worse.
SampleScore = Callable[[Floats, Floats], Floats]


@dataclass(frozen=True, slots=True)
class WindowRule:
    """A rule over earlier runs; ``source`` is the page that describes it."""

    name: str
    source: str
    score: WindowScore
    threshold: float


@dataclass(frozen=True, slots=True)
class SampleRule:
    """A rule over the measurements of both sides.

    ``pooled``: it takes every single measurement, else one number a slice, which is
    the ``statistic``-th of minimum, q02, q10, median and mean.
    """

    name: str
    source: str
    score: SampleScore
    threshold: float
    pooled: bool = False
    statistic: int = 3


def previous_ratio(window: Floats, head: Floats, signs: Floats) -> Floats:
    """Return how many times as bad the head is as the run before it."""
    return (_mean(head) / _last(window)) ** signs


def share_of_mean(window: Floats, head: Floats, signs: Floats) -> Floats:
    """Return how far the head is beyond the mean of the window, as a share of it."""
    mean = _mean(window)
    return signs * (_mean(head) - mean) / mean


def t_limit(window: Floats, head: Floats, signs: Floats) -> Floats:
    """Return -log10 p of the head under Student's t, as a new value of the window."""
    runs = np.isfinite(window).sum(axis=0)
    spread = np.nanstd(window, axis=0, ddof=1) * np.sqrt(1 + 1 / runs)
    return _student(signs * (_mean(head) - _mean(window)), spread, runs - 1)


def t_limit_of_population(window: Floats, head: Floats, signs: Floats) -> Floats:
    """Return the same with the population's deviation and no error of the mean."""
    runs = np.isfinite(window).sum(axis=0)
    spread = np.nanstd(window, axis=0)
    return _student(signs * (_mean(head) - _mean(window)), spread, runs - 1)


def z_score(window: Floats, head: Floats, signs: Floats) -> Floats:
    """Return how many standard deviations the head is beyond the window's mean."""
    spread = np.nanstd(window, axis=0, ddof=1)
    return _ratio(signs * (_mean(head) - _mean(window)), spread)


def fence_of_changes(window: Floats, head: Floats, signs: Floats) -> Floats:
    """Return how many quartile ranges the last change is beyond the third quartile.

    Of the sizes of relative changes from run to run; an improvement is none.
    """
    changes = _changes(window)
    low, high = np.nanpercentile(changes, [25, 75], axis=0)
    before = _last(window)
    change = signs * (_mean(head) - before) / before
    return _ratio(change - high, high - low)


def quartile_limit(window: Floats, head: Floats, signs: Floats) -> Floats:
    """Return how many quartile ranges the head is beyond the window's median."""
    low, middle, high = np.nanpercentile(window, [25, 50, 75], axis=0)
    return _ratio(signs * (_mean(head) - middle), high - low)


def paired_t(base: Floats, head: Floats) -> Floats:
    """Return -log10 p of the one-sided paired t test of the logarithms."""
    differences = np.log(head) - np.log(base)
    count = differences.shape[1]
    spread = differences.std(axis=1, ddof=1) / np.sqrt(count)
    return _student(differences.mean(axis=1), spread, np.full(len(spread), count - 1))


def ratio_of_means(base: Floats, head: Floats) -> Floats:
    """Return how many times as long the head takes in the mean."""
    ratio: Floats = head.mean(axis=1) / base.mean(axis=1)
    return ratio


def mann_whitney(base: Floats, head: Floats) -> Floats:
    """Return -log10 p of the two-sided U test where the head's median is larger.

    The normal approximation with its corrections for ties and continuity.
    """
    count, other = base.shape[1], head.shape[1]
    both = np.concatenate([base, head], axis=1)
    ranks, ties = _ranks(both)
    u = ranks[:, count:].sum(axis=1) - other * (other + 1) / 2
    total = count + other
    variance = count * other / 12 * (total + 1 - ties / (total * (total - 1)))
    z = (np.abs(u - count * other / 2) - 0.5) / np.sqrt(np.maximum(variance, 1e-300))
    p = np.minimum(2 * ndtr(-z), 1.0)
    slower = np.median(head, axis=1) > np.median(base, axis=1)
    return np.where(slower, _strength(p), 0.0)


def bootstrap(
    base: Floats, head: Floats, *, noise: float = 0.01, resamples: int = 400
) -> Floats:
    """Return -log10 p of the bootstrapped t test of the pooled measurements.

    Zero unless the 95 % intervals of the change of mean and median lie above *noise*.
    """
    rng = np.random.RandomState(0)
    both = np.concatenate([base, head], axis=1)
    count, other = base.shape[1], head.shape[1]
    seen = _t_statistic(base, head)
    extreme = np.zeros(len(base))
    changes = np.empty((2, resamples, len(base)))
    for number in range(resamples):
        mixed = both[:, rng.randint(0, count + other, count + other)]
        drawn = _t_statistic(mixed[:, :count], mixed[:, count:])
        extreme += np.abs(drawn) >= np.abs(seen)
        before = base[:, rng.randint(0, count, count)]
        after = head[:, rng.randint(0, other, other)]
        changes[0, number] = after.mean(axis=1) / before.mean(axis=1) - 1
        changes[1, number] = np.median(after, axis=1) / np.median(before, axis=1) - 1
    low = np.percentile(changes, 2.5, axis=1).min(axis=0)
    p = np.maximum(extreme, 0.5) / resamples
    return np.where((low > noise) & (seen > 0), _strength(p), 0.0)


_BENCHER = "https://bencher.dev/docs/explanation/thresholds/"
_ACTION = "https://github.com/benchmark-action/github-action-benchmark"
_RUSTC = (
    "https://github.com/rust-lang/rustc-perf/blob/master/docs/comparison-analysis.md"
)
_CONBENCH = "https://conbench.github.io/conbench/pages/lookback_zscore.html"
_BENCHSTAT = "https://pkg.go.dev/golang.org/x/perf/cmd/benchstat"
_CRITERION = "https://bheisler.github.io/criterion.rs/book/analysis.html"

WINDOW_RULES = (
    WindowRule("previous run × 2.00", _ACTION, previous_ratio, 2.0),
    WindowRule("previous run × 1.50", _ACTION, previous_ratio, 1.5),
    WindowRule("previous run × 1.10", _ACTION, previous_ratio, 1.1),
    WindowRule("mean of the window + 10 %", _BENCHER, share_of_mean, 0.10),
    WindowRule("mean of the window + 25 %", _BENCHER, share_of_mean, 0.25),
    WindowRule("t limit, 95 %", _BENCHER, t_limit, -float(np.log10(0.05))),
    WindowRule("t limit, 99 %", _BENCHER, t_limit, 2.0),
    WindowRule("t limit, 99 %, before 0.6.3", _BENCHER, t_limit_of_population, 2.0),
    WindowRule("median + 3 quartile ranges", _BENCHER, quartile_limit, 3.0),
    WindowRule("fence of changes, 3 ranges", _RUSTC, fence_of_changes, 3.0),
    WindowRule("z score above 5", _CONBENCH, z_score, 5.0),
)
SAMPLE_RULES = (
    SampleRule("ratio of means × 1.10", _ACTION, ratio_of_means, 1.1, statistic=4),
    SampleRule("ratio of means × 2.00", _ACTION, ratio_of_means, 2.0, statistic=4),
    SampleRule("U test of slice medians, 5 %", _BENCHSTAT, mann_whitney, 1.30103),
    SampleRule("U test, pooled, 5 %", _BENCHSTAT, mann_whitney, 1.30103, pooled=True),
    SampleRule("bootstrap, pooled, 5 %", _CRITERION, bootstrap, 1.30103, pooled=True),
)


def _mean(rows: Floats) -> Floats:
    mean: Floats = np.nanmean(rows, axis=0)
    return mean


def _last(window: Floats) -> Floats:
    """Return the newest value of each series."""
    from_end = np.isfinite(window)[::-1].argmax(axis=0)
    last: Floats = window[len(window) - 1 - from_end, np.arange(window.shape[1])]
    return last


def _changes(window: Floats) -> Floats:
    """Return the sizes of relative changes from value to value, NaN where none."""
    filled = np.full(window.shape, np.nan)
    for column in range(window.shape[1]):
        values = window[np.isfinite(window[:, column]), column]
        filled[: len(values) - 1, column] = np.abs(np.diff(values) / values[:-1])
    return filled


def _ratio(above: Floats, spread: Floats) -> Floats:
    """Return the quotient; without any spread all that is above is infinitely so."""
    flat = np.where(above > 0, np.inf, 0.0)
    ratio: Floats = np.where(spread > 0, above / np.where(spread > 0, spread, 1), flat)
    return ratio


def _student(above: Floats, spread: Floats, df: Floats) -> Floats:
    return _strength(stdtr(df, -_ratio(above, spread)))


def _strength(p: Floats) -> Floats:
    strength: Floats = -np.log10(np.maximum(p, 1e-300))
    return strength


def _t_statistic(base: Floats, head: Floats) -> Floats:
    spread = base.var(axis=1, ddof=1) / base.shape[1]
    spread = spread + head.var(axis=1, ddof=1) / head.shape[1]
    return _ratio(head.mean(axis=1) - base.mean(axis=1), np.sqrt(spread))


def _ranks(rows: Floats) -> tuple[Floats, Floats]:
    """Return the mid-ranks of each row, and the sum of t³ − t over its ties."""
    ranks = np.empty(rows.shape)
    ties = np.empty(len(rows))
    for number, row in enumerate(rows):
        _, place, counts = np.unique(row, return_inverse=True, return_counts=True)
        ends = np.cumsum(counts)
        ranks[number] = (ends - (counts - 1) / 2)[place]
        ties[number] = (counts**3 - counts).sum()
    return ranks, ties
