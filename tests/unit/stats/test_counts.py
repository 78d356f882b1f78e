"""Exact counts by hand, errors among requests by SciPy's beta-binomial."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from benchgate.stats.counts import exact_change, stored_tallies
from benchgate.stats.tallies import overdispersion

CALM = [(i % 3, 1000) for i in range(12)]


def test_a_size_that_never_varied_is_compared_exactly() -> None:
    same, larger = (exact_change([100.0] * 9, [x], sign=1.0) for x in (100.0, 101.0))

    assert (same.theta, same.se, same.p_slower, same.p_faster) == (0, 0, 1, 1)
    assert (larger.p_slower, larger.p_faster) == (0.0, 1.0)
    assert larger.theta == pytest.approx(math.log(1.01))


@pytest.mark.parametrize(("head", "p"), [(100.09, 1.0), (100.11, 0.0)])
def test_a_change_of_a_thousandth_is_not_worth_a_mention(head: float, p: float) -> None:
    assert exact_change([100.0] * 9, [head], sign=1.0).p_slower == p


@pytest.mark.parametrize(("factor", "p"), [(2.9, 1.0), (3.1, 0.0)])
def test_a_size_that_varies_must_leave_three_interquartile_ranges(
    factor: float, p: float
) -> None:
    past = [math.exp(x) for x in (0.0, 0.01, 0.02, 0.03, 0.04)]
    low, high = np.quantile(np.log(past), [0.25, 0.75])

    found = exact_change(past, [math.exp(0.02 + factor * (high - low))], sign=1.0)

    assert found.p_slower == p
    assert found.se == pytest.approx(high - low)


def test_a_count_of_which_more_is_better_is_turned_around() -> None:
    found = exact_change([100.0] * 9, [90.0, 90.0], sign=-1.0)

    assert found.theta == pytest.approx(math.log(100 / 90))
    assert (found.p_slower, found.p_faster, found.units) == (0.0, 1.0, 2)


@pytest.mark.parametrize("head", [0, 3, 9, 40])
def test_errors_are_as_rare_as_the_beta_binomial_says(head: int) -> None:
    found = stored_tallies(CALM, [(head, 1000)], level=0.01)

    events, trials = sum(e for e, _ in CALM), 12_000
    rate = (events + 0.5) / (trials + 1)
    strength = trials  # the runs differ by less than chance: only the rate is unsure
    expected = stats.betabinom(1000, rate * strength, (1 - rate) * strength)
    z = (head / 1000 - rate) / (found.effect.se)
    assert found.effect.p_slower == pytest.approx(
        max(expected.sf(head - 1), stats.t.sf(z, 11)), rel=1e-6
    )
    assert found.effect.p_faster == pytest.approx(
        max(expected.cdf(head), stats.t.cdf(z, 11)), rel=1e-6
    )
    assert found.effect.theta == pytest.approx(head / 1000 - events / trials)


def test_runs_that_differ_by_more_than_chance_widen_the_tails() -> None:
    loud = [(0, 1000), (12, 1000)] * 6
    even = [(6, 1000)] * 12

    wide, narrow = (stored_tallies(w, [(15, 1000)], level=0.01) for w in (loud, even))

    assert overdispersion(loud) > 5
    assert wide.effect.se > 2 * narrow.effect.se
    assert wide.effect.p_slower > 0.05 > narrow.effect.p_slower


def test_a_history_without_errors_is_no_certainty() -> None:
    none = [(0, 1000)] * 10

    one, many = (stored_tallies(none, [(e, 1000)], level=0.01) for e in (1, 12))

    assert one.effect.p_slower > 0.01
    assert many.effect.p_slower < 0.001
    assert (one.base, many.head) == (0.0, 0.012)


def test_single_requests_are_a_window_too() -> None:
    found = stored_tallies([(0, 1), (1, 1)] * 5, [(1, 1)], level=0.01)

    assert found.effect.p_slower > 0.1


@pytest.mark.parametrize("spread", [0.0, 0.01], ids=["binomial", "over-dispersed"])
def test_harmless_runs_keep_the_level(spread: float) -> None:
    rng = np.random.default_rng(1)
    rates = np.clip(0.02 + spread * rng.standard_normal((400, 21)), 0.0, 1.0)
    events = rng.binomial(2000, rates).tolist()

    p = np.array(
        [
            stored_tallies(
                [(e, 2000) for e in row[1:]], [(row[0], 2000)], level=0.05
            ).effect.p_slower
            for row in events
        ]
    )

    assert (p < 0.05).mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)
    assert (p < 0.05).mean() >= 0.01
