"""Public histories → how often each rule fails harmless runs, and what it finds.

The protocol is that of ``statistics.md`` sections 8 and 10: every run of a history is
judged as if it were a pull request, only by series that are stable around it; then
slowdowns are added to one series at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchgate.history import History
from benchgate.history.tables import read_histories
from benchgate.model import Better, Kind
from benchgate.stats.many import holm
from benchgate.stats.replay import WINDOW
from benchgate.stats.shared import common_mode
from benchgate.stats.window import WindowTest, fit_window
from scripts.trust.peers import WINDOW_RULES, Floats

Flags = npt.NDArray[np.bool_]

EFFECTS = (0.02, 0.05, 0.10, 0.25)
LEVELS = (0.05, 0.01)
MARGIN = math.log1p(0.02)
_FIRST, _LAST = 40, 16
_NEIGHBOURS = 10
_FEWEST_IN_WINDOW = 14
_FEWEST_NEIGHBOURS = 6
_FEWEST_RUNS = _FEWEST_POINTS = 60
_MANY_SERIES = 100
_MOST, _MOST_OF_MANY = 150, 40
_EXACT = 1e-5
_NOISY = 0.03
_COMMON_MODE_FROM = 5


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite's table: values (runs, series), oldest first, NaN where missing."""

    name: str
    values: Floats
    signs: Floats

    @property
    def noise(self) -> float:
        """Return the median standard deviation of the logarithms in a window."""
        logs = np.log(self.values)
        found: list[float] = []
        for at in range(_FIRST, len(logs) - _LAST, _NEIGHBOURS):
            window = logs[at - WINDOW : at]
            known = np.isfinite(window).sum(axis=0) >= _FEWEST_IN_WINDOW
            found += np.nanstd(window[:, known], axis=0, ddof=1).tolist()
        return float(np.median(found)) if found else math.nan

    @property
    def noisy(self) -> bool:
        """Say whether this suite runs on a fleet of unlike machines."""
        return self.noise >= _NOISY


@dataclass(frozen=True, slots=True)
class Figures:
    """What a rule does on one suite; shares, one of ``power`` for each effect.

    ``equal`` is the power at the threshold at which 5 % of the clean ones fail.
    """

    failed: float
    power: tuple[float, ...]
    equal: tuple[float, ...]


def suites_in(folder: str) -> list[Suite]:
    """Return the suites in the tables of *folder* that are long enough to replay."""
    made = [_suite_of(history) for history in read_histories(folder)]
    return [suite for suite in made if suite is not None]


def _suite_of(history: History) -> Suite | None:
    kept = [
        i
        for i, series in enumerate(history.series)
        if series.metric.kind not in {Kind.COUNT, Kind.SIZE}
    ]
    values = np.array(history.of_series(kept).values, float)
    if len(values) < _FEWEST_RUNS or not kept:
        return None
    signs = [
        1.0 if history.series[i].metric.better is Better.LOWER else -1.0 for i in kept
    ]
    usable = [_is_usable(column) for column in values.T]
    if not any(usable):
        return None
    return Suite(history.name, values[:, usable], np.array(signs)[usable])


def _is_usable(column: Floats) -> bool:
    """Say whether a series is long enough, and no exact count."""
    logs = np.log(column[np.isfinite(column)])
    if len(logs) < _FEWEST_POINTS:
        return False
    return float(np.median(np.abs(np.diff(logs)))) > _EXACT


def figures_of(suite: Suite, *, heads: int) -> dict[str, Figures] | None:
    """Return the figures of each rule by its name, None where nothing is stable."""
    requests = list(_requests(suite, heads))
    if not requests:
        return None
    found = {
        f"benchgate, {level:.0%}": _our_figures(requests, level) for level in LEVELS
    }
    for rule in WINDOW_RULES:
        scores = [
            [
                rule.score(r.window, r.head * (1 + d) ** r.signs, r.signs)
                for d in (0.0, *EFFECTS)
            ]
            for r in requests
        ]
        found[rule.name] = _figures(scores, rule.threshold)
    return found


@dataclass(frozen=True, slots=True)
class _Request:
    """A replayed run with the series that count: window, head and our test of them."""

    window: Floats
    head: Floats
    signs: Floats
    test: WindowTest
    places: tuple[int, ...]

    def p_values(self, shift: float = 0.0) -> Floats:
        return np.array([self.test.p_values(i, shift)[0] for i in self.places])

    def beyond(self, shift: float = 0.0) -> Flags:
        return self.test.theta[list(self.places)] + shift > MARGIN


def _requests(suite: Suite, heads: int) -> Iterator[_Request]:
    """Yield the runs to replay, at most 150, drawn by a frozen stream."""
    last = len(suite.values) - _LAST
    rows = np.arange(_FIRST, last)
    most = _MOST_OF_MANY if suite.values.shape[1] >= _MANY_SERIES else _MOST
    rows = np.sort(np.random.RandomState(0).permutation(rows)[:most])
    logs = np.log(suite.values) * suite.signs
    for at in rows.tolist():
        window, head = suite.values[at - WINDOW : at], suite.values[at : at + heads]
        test = fit_window(window, head, signs=suite.signs.tolist())
        known = np.isfinite(window).sum(axis=0) >= _FEWEST_IN_WINDOW
        counted = stable(logs, at) & known
        places = tuple(i for i in test.judged if counted[i])
        if places:
            chosen = list(places)
            yield _Request(
                window[:, chosen], head[:, chosen], suite.signs[chosen], test, places
            )


def stable(logs: Floats, at: int) -> Flags:
    """Say of each series whether nothing changed around row *at*.

    The rule of ``statistics.md`` section 8, written anew: what it calls harmless must
    not depend on the code that it judges.
    """
    around = logs[at - WINDOW : at + _NEIGHBOURS]
    centred = around - _median(around[:WINDOW])
    found = _agrees(centred, 0.01)
    if logs.shape[1] >= _COMMON_MODE_FROM:
        found &= _agrees(centred - common_mode(centred), 0.006)
    return found


def _agrees(rows: Floats, smallest: float) -> Flags:
    past, after = rows[:WINDOW], rows[WINDOW:]
    before = past[-_NEIGHBOURS:]
    spread = 1.4826 * _median(np.abs(past - _median(past)))
    step = np.abs(_median(after) - _median(before))
    enough = np.minimum(np.isfinite(before).sum(axis=0), np.isfinite(after).sum(axis=0))
    allowed = np.maximum(smallest, 0.8 * spread)
    agrees: Flags = (step <= allowed) & (enough >= _FEWEST_NEIGHBOURS)
    return agrees


def _median(rows: Floats) -> Floats:
    """Return the median of each column, 0 where nothing is known."""
    known = np.isfinite(rows).any(axis=0)
    median: Floats = np.nanmedian(np.where(known, rows, 0.0), axis=0)
    return median


def _our_figures(requests: Sequence[_Request], level: float) -> Figures:
    failed = []
    caught: list[list[float]] = [[] for _ in EFFECTS]
    scores = []
    for request in requests:
        raw = request.p_values()
        adjusted = np.array(holm(raw.tolist(), tests=len(raw)))
        rejected = adjusted < level
        failed.append(bool((rejected & request.beyond()).any()))
        # One series is slowed: Holm's order of the others stays as it was.
        left = len(raw) - rejected.sum() + rejected
        rows = [_own_score(raw, request.beyond())]
        for effect, seen in zip(EFFECTS, caught, strict=True):
            shift = math.log1p(effect)
            p, beyond = request.p_values(shift), request.beyond(shift)
            seen.extend(((p * left < level) & beyond).tolist())
            rows.append(_own_score(p, beyond))
        scores.append(rows)
    return Figures(
        float(np.mean(failed)),
        tuple(float(np.mean(seen)) for seen in caught),
        _figures(scores, math.inf).equal,
    )


def _own_score(p: Floats, beyond: Flags) -> Floats:
    strength = -np.log10(np.maximum(p * len(p), 1e-300))
    score: Floats = np.where(beyond, strength, -np.inf)
    return score


def _figures(scores: Sequence[Sequence[Floats]], threshold: float) -> Figures:
    """Return the figures of scores: of each run, clean and then for each effect."""
    worst = np.array([clean.max() for clean, *_ in scores])
    equal = threshold_at(worst, 0.05)
    slowed = [
        np.concatenate([row[place] for row in scores])
        for place in range(1, 1 + len(EFFECTS))
    ]
    return Figures(
        float((worst > threshold).mean()),
        tuple(float((s > threshold).mean()) for s in slowed),
        tuple(float((s > equal).mean()) for s in slowed),
    )


def threshold_at(worst: Floats, share: float) -> float:
    """Return the least threshold that at most *share* of the *worst* exceed."""
    ordered = np.sort(worst)[::-1]
    return float(ordered[math.floor(share * len(ordered))])


def averages(found: Sequence[Mapping[str, Figures]]) -> dict[str, Figures]:
    """Return the means over suites, each suite counting once."""
    return {
        name: Figures(
            float(np.mean([f[name].failed for f in found])),
            tuple(np.mean([f[name].power for f in found], axis=0).tolist()),
            tuple(np.mean([f[name].equal for f in found], axis=0).tolist()),
        )
        for name in found[0]
    }
