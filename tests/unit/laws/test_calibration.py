"""How often an unchanged suite fails, and how often a slowdown is found.

Seeded, so that a change of method shows as a change of these numbers and chance
never does.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchgate.model import Kind, Measurement, Policy, Verdict
from tests.builders import independent, judged_by_name, paired, policy

BENCHMARKS = 18
NO_MARGIN = dict.fromkeys(Kind, 0.0)
Sides = tuple[list[list[tuple[float, ...]]], list[list[tuple[float, ...]]]]


def slices(seed: int, rounds: int, *, busy: float) -> np.ndarray:
    """Return slices of a busy machine, (sides, benchmarks, rounds, statistics).

    A steady program, slowed by 20 to 80 % in bursts that hit all of a slice or, for
    its higher quantiles only, a part of it; some hit both slices of a pair.
    *busy* is the share of slices that one hits.
    """
    rng = np.random.default_rng(seed)
    shape = (2, BENCHMARKS, rounds)
    hit = rng.random(shape) < busy
    shared = rng.random(shape[1:]) < 0.1
    burst = (hit | shared) * rng.uniform(0.2, 0.8, shape)
    part = rng.random(shape) * (rng.random(shape) < 0.5)
    reach = np.array([0.0, 0.1, 0.3, 0.7, 0.5])
    noise = 0.004 * rng.standard_t(4, (*shape, 5))
    logs = burst[..., np.newaxis] + part[..., np.newaxis] * reach + noise
    found: np.ndarray = np.exp(logs)
    return found


def measurement(
    seed: int,
    rounds: int,
    *,
    slower: tuple[int, ...] = (),
    factor: float = 1.1,
    busy: float = 0.2,
) -> Measurement:
    sides = slices(seed, rounds, busy=busy)
    sides[1, list(slower)] *= factor
    base, head = (
        {f"b{i:02}": [tuple(row) for row in rows] for i, rows in enumerate(side)}
        for side in sides.tolist()
    )
    return paired(base, head)


def regressions(measured: Measurement, rules: Policy) -> set[str]:
    found = judged_by_name(measured, rules)
    return {name for name, j in found.items() if j.verdict is Verdict.REGRESSED}


@pytest.mark.parametrize("busy", [0.2, 0.5])
@pytest.mark.parametrize(("rounds", "level"), [(20, 0.05), (40, 0.05), (20, 0.2)])
def test_unchanged_suites_in_pairs_seldom_fail(
    rounds: int, level: float, busy: float
) -> None:
    rules = policy(false_alarms=level, margins=NO_MARGIN)
    suites = 100

    failed = [
        bool(regressions(measurement(s, rounds, busy=busy), rules))
        for s in range(suites)
    ]

    assert np.mean(failed) <= level + 3 * math.sqrt(level * (1 - level) / suites)


@pytest.mark.parametrize(
    ("rounds", "factor", "power"), [(20, 1.05, 0.75), (40, 1.05, 0.9), (40, 1.1, 0.95)]
)
def test_slowdowns_are_found_in_pairs(rounds: int, factor: float, power: float) -> None:
    slower = (2, 7, 11)
    names = {f"b{i:02}" for i in slower}

    found = [
        regressions(measurement(s, rounds, slower=slower, factor=factor), policy())
        for s in range(20)
    ]

    assert np.mean([len(names & each) / len(names) for each in found]) >= power


def test_a_larger_slowdown_is_found_more_often_on_a_very_busy_machine() -> None:
    slower = (2, 7, 11)
    names = {f"b{i:02}" for i in slower}

    def found(factor: float) -> float:
        each = [
            measurement(s, 20, slower=slower, factor=factor, busy=0.4)
            for s in range(20)
        ]
        return float(
            np.mean([len(names & regressions(m, policy())) / len(names) for m in each])
        )

    some, more, most = found(1.05), found(1.2), found(1.5)

    assert 0.5 < some <= more <= most
    assert most > 0.8


def single(seed: int, factor: float = 1.0) -> Measurement:
    """Return one run a side of thirty benchmarks on machines of unlike speed."""
    rng = np.random.default_rng(seed)
    logs = 0.1 * rng.standard_normal((2, 1)) + 0.02 * rng.standard_t(4, (2, 30))
    logs[1, 0] += math.log(factor)
    base, head = (
        {f"b{i:02}": [value] for i, value in enumerate(side)}
        for side in np.exp(logs).tolist()
    )
    return independent(base, head)


def test_one_run_a_side_of_unchanged_suites_seldom_fails() -> None:
    rules = policy(false_alarms=0.05, margins=NO_MARGIN)
    suites = 400

    failed = [bool(regressions(single(seed), rules)) for seed in range(suites)]

    assert np.mean(failed) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / suites)


def test_one_run_a_side_finds_a_benchmark_that_takes_half_as_long_again() -> None:
    rules = policy(false_alarms=0.05)

    found = [regressions(single(seed, 1.5), rules) for seed in range(60)]

    assert np.mean(["b00" in each for each in found]) > 0.7


def with_modes(seed: int, rounds: int) -> Measurement:
    """Return rounds of which a tenth are much faster, on either side by chance."""
    rng = np.random.default_rng(seed)
    shape = (2, BENCHMARKS, rounds)
    fast = 0.18 * (rng.random(shape) < 0.1)
    logs = (0.001 * rng.standard_normal(shape) - fast)[..., np.newaxis]
    sides = np.exp(logs + 0.0003 * rng.standard_normal((*shape, 5))).tolist()
    base, head = (
        {f"b{i:02}": [tuple(row) for row in rows] for i, rows in enumerate(side)}
        for side in sides
    )
    return paired(base, head)


@pytest.mark.parametrize("rounds", [10, 20, 40])
def test_rare_fast_modes_seldom_fail_an_unchanged_suite(rounds: int) -> None:
    # The pairs with one fast slice are the quietest, and their sizes are all alike.
    rules = policy(false_alarms=0.05, margins=NO_MARGIN)
    suites = 100

    failed = [bool(regressions(with_modes(s, rounds), rules)) for s in range(suites)]

    assert np.mean(failed) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / suites)
