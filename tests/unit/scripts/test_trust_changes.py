"""Methods for change points, on series of which everything is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scripts.trust import changes
from scripts.trust.changes import METHODS, figures_of, hits, noise_of, with_steps
from scripts.trust.histories import Suite

FLAT = np.random.RandomState(2).normal(0, 0.01, 200)
STEPPED = FLAT + math.log(1.3) * (np.arange(200) >= 120)


@pytest.mark.parametrize("name", METHODS)
def test_each_method_finds_a_clear_step_and_nothing_in_noise(name: str) -> None:
    method, _ = METHODS[name]

    assert hits(method(STEPPED), [120]) == 1
    assert len(method(STEPPED)) == 1
    assert method(FLAT) == []


def test_a_constant_series_has_no_change_for_the_t_of_windows() -> None:
    assert changes.student_windows(np.zeros(60)) == []


def test_a_found_change_counts_once() -> None:
    assert hits([50], [48, 52]) == 1
    assert hits([50, 51], [48, 52]) == 2
    assert hits([58], [50]) == 0


def test_steps_are_apart_and_the_same_every_time() -> None:
    once, places = with_steps(FLAT, 0.1, seed=5)
    again, _ = with_steps(FLAT, 0.1, seed=5)

    assert (once == again).all()
    assert 1 <= len(places) <= 3
    assert min(np.diff([0, *places, 200])) >= 30


def test_perfect_and_silent_methods_score_one_and_zero() -> None:
    silent = figures_of([FLAT], lambda _: [])

    assert silent.false == 0.0
    assert silent.f1 == (0.0, 0.0, 0.0)


def test_noise_comes_from_series_that_are_long_enough() -> None:
    long = np.exp(np.random.RandomState(4).normal(0, 0.02, (260, 2)))
    short = long[:150]

    found = noise_of([Suite("a", long, np.ones(2)), Suite("b", short, np.ones(2))])

    assert [len(series) for series in found] == [200, 200]
    assert abs(float(np.median(found[0]))) < 0.01
