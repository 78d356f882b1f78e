"""Replayed histories: known truths, and the decision one gets by judging again."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from benchgate.stats.many import holm
from benchgate.stats.replay import (
    EFFECTS,
    WINDOW,
    Replay,
    clopper_pearson,
    replay,
)
from benchgate.stats.window import against_window

MARGIN = 0.02


def history(
    seed: int, runs: int, series: int, *, noise: float = 0.02, wild: float = 0.0
) -> np.ndarray:
    """Return values of a machine with moods; a share of *wild* runs is far off."""
    rng = np.random.default_rng(seed)
    logs = noise * rng.standard_t(4, (runs, series)) / math.sqrt(2)
    logs += noise * rng.standard_t(4, (runs, 1)) / math.sqrt(2)
    logs[rng.random((runs, series)) < wild] += 0.5
    values: np.ndarray = np.exp(logs)
    return values


def replayed(
    values: np.ndarray, *, heads: int = 1, level: float = 0.05, limit: int = 100
) -> Replay:
    count = values.shape[1]
    return replay(
        values,
        signs=[1.0] * count,
        heads=heads,
        level=level,
        margins=[MARGIN] * count,
        limit=limit,
    )


@pytest.mark.parametrize(("hits", "trials"), [(0, 20), (3, 50), (20, 20)])
def test_the_interval_of_a_share_is_that_of_clopper_and_pearson(
    hits: int, trials: int
) -> None:
    expected = stats.binomtest(hits, trials).proportion_ci(method="exact")

    assert clopper_pearson(hits, trials) == pytest.approx(tuple(expected), abs=1e-12)


@pytest.mark.parametrize("heads", [1, 3])
def test_harmless_runs_fail_as_seldom_as_is_allowed(heads: int) -> None:
    found = replayed(history(1, 200, 30), heads=heads)

    assert found.pull_requests == 100
    assert found.share == found.failed / 100 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 100)
    assert found.interval == clopper_pearson(found.failed, 100)
    assert found.widen == 1.0


def test_larger_slowdowns_are_found_more_often() -> None:
    found = replayed(history(2, 120, 12, noise=0.01))

    power = [share for share in found.power if share is not None]
    assert power == sorted(power)
    assert len(power) == len(EFFECTS)
    assert power[-1] == 1.0
    seen = [d for d in found.detectable if d is not None]
    assert 0.03 < min(seen) <= max(seen) < 0.15


def regressed(values: np.ndarray, at: int, heads: int, level: float) -> list[int]:
    """Return the series that fail when the head at *at* is judged by itself."""
    found = against_window(
        values[at - WINDOW : at],
        values[at : at + heads],
        signs=[1.0] * values.shape[1],
        level=level,
    ).series
    effects = [one.effect for one in found if one]
    adjusted = holm([e.p_slower for e in effects], tests=len(effects))
    return [
        i
        for i, (e, p) in enumerate(zip(effects, adjusted, strict=True))
        if p < level and e.theta > math.log1p(MARGIN)
    ]


def slowed(values: np.ndarray, at: int, series: int, effect: float) -> np.ndarray:
    changed = values.copy()
    changed[at, series] *= 1 + effect
    return changed


# So quiet that all series are stable wherever one looks, and with one wild head.
QUIET = history(3, 42, 12, noise=0.003)
QUIET[31, 2] *= 1.2


@pytest.mark.parametrize("heads", [1, 2])
def test_a_replayed_decision_is_the_one_of_judging_again(heads: int) -> None:
    found = replayed(QUIET, heads=heads)

    expected = [
        (at, series)
        for at in (30, 31, 32)
        for series in regressed(QUIET, at, heads, 0.05)
    ]
    assert found.pull_requests == 3
    assert [(a.run, a.series) for a in found.alarms] == expected
    assert (31, 2) in expected
    assert found.smallest[1] == min(a.p_adjusted for a in found.alarms if a.run == 31)


@pytest.mark.parametrize(("place", "effect"), list(enumerate(EFFECTS)))
def test_the_power_is_that_of_slowing_one_series_at_a_time(
    place: int, effect: float
) -> None:
    found = replayed(QUIET)

    caught = [
        series in regressed(slowed(QUIET, at, series, effect), at, 1, 0.05)
        for at in (30, 31, 32)
        for series in range(12)
    ]
    assert found.power[place] == pytest.approx(np.mean(caught))


def test_what_was_seen_before_is_what_is_detectable() -> None:
    found = replayed(QUIET)

    tests = [
        against_window(
            QUIET[at - 30 : at], QUIET[at : at + 1], signs=[1.0] * 12, level=0.05 / 12
        ).series[0]
        for at in (30, 31, 32)
    ]
    seen = [
        math.expm1(
            max(t.effect.critical * t.effect.se, math.log1p(MARGIN))
            + t.effect.power * t.effect.se
        )
        for t in tests
        if t
    ]
    assert found.detectable[0] == pytest.approx(np.median(seen))


def test_a_history_that_is_too_short_says_nothing() -> None:
    found = replayed(history(4, 39, 3))

    assert (found.pull_requests, found.share, found.interval) == (0, None, None)
    assert found.power == (None,) * 4
    assert found.detectable == (None,) * 3
    assert found.widen == 1.0


def test_a_real_change_is_no_false_alarm() -> None:
    values = history(5, 90, 3, noise=0.003)
    values[60:] *= 1.1

    found = replayed(values)

    assert 60 not in {alarm.run for alarm in found.alarms}
    assert found.failed == 0


def test_more_runs_than_the_limit_are_drawn_by_the_seed() -> None:
    values = history(6, 90, 2)

    few, same = (replayed(values, limit=20) for _ in range(2))
    other = replay(
        values,
        signs=[1.0] * 2,
        heads=1,
        level=0.05,
        margins=[MARGIN] * 2,
        limit=20,
        seed=1,
    )

    assert few == same
    assert few.pull_requests == other.pull_requests == 20
    assert few.smallest != other.smallest


def test_groups_share_a_family_of_tests_and_nothing_else() -> None:
    values = np.hstack([history(7, 80, 4), history(8, 80, 4)])
    apart = [replayed(values[:, i : i + 4], level=0.5) for i in (0, 4)]

    together = replay(
        values,
        signs=[1.0] * 8,
        heads=1,
        level=0.5,
        margins=[MARGIN] * 8,
        groups=["micro"] * 4 + ["load"] * 4,
    )

    alarms = [(a.run, a.series) for a in together.alarms]
    alone = {(a.run, a.series + 4 * i) for i, r in enumerate(apart) for a in r.alarms}
    assert set(alarms) <= alone
    assert together.pull_requests >= max(r.pull_requests for r in apart)


def test_moods_that_no_window_shows_need_wider_errors() -> None:
    # In the window every run is calm; each tenth run, a head then, is far off.
    rng = np.random.default_rng(9)
    logs = 0.004 * rng.standard_normal((140, 4))
    logs += np.where(np.arange(140) % 40 == 39, 0.05, 0.0)[:, np.newaxis]

    found = replayed(np.exp(logs), level=0.01)

    assert found.share is not None
    assert found.widen > 1.0


def test_errors_are_never_widened_more_than_twice() -> None:
    values = history(10, 140, 4, noise=0.003)
    values[35::9] *= 3.0

    assert 1.0 <= replayed(values, level=0.01).widen <= 2.0
