"""The rules of others do what their pages say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from scripts.trust import peers
from scripts.trust.peers import (
    SAMPLE_RULES,
    WINDOW_RULES,
    Floats,
    SampleRule,
    WindowRule,
)

UP = np.array([1.0])


def column(*values: float) -> Floats:
    return np.array(values, float)[:, np.newaxis]


WINDOW = column(100, 104, 96, 102, 98, 100)


def test_the_previous_run_is_the_last_one_that_there_is() -> None:
    window = column(50, 100, math.nan)

    assert peers.previous_ratio(window, column(150), UP) == 1.5
    assert peers.previous_ratio(window, column(50), -UP) == 2.0


def test_the_share_of_the_mean_has_the_sign_of_a_slowdown() -> None:
    assert peers.share_of_mean(WINDOW, column(110), UP) == pytest.approx(0.1)
    assert peers.share_of_mean(WINDOW, column(90), -UP) == pytest.approx(0.1)


def test_the_t_limit_is_the_prediction_interval_of_one_more_value() -> None:
    values = WINDOW[:, 0]
    scale = values.std(ddof=1) * math.sqrt(1 + 1 / 6)
    limit = stats.t(5, loc=values.mean(), scale=scale).ppf(0.99)

    just_below = peers.t_limit(WINDOW, column(limit * 0.9999), UP)
    just_above = peers.t_limit(WINDOW, column(limit * 1.0001), UP)

    assert just_below[0] < 2.0 < just_above[0]


def test_the_limit_of_the_population_is_lower() -> None:
    values = WINDOW[:, 0]
    limit = stats.t(5, loc=values.mean(), scale=values.std()).ppf(0.99)

    score = peers.t_limit_of_population(WINDOW, column(limit), UP)

    assert score[0] == pytest.approx(2.0)
    assert peers.t_limit(WINDOW, column(limit), UP)[0] < 2.0


def test_the_z_score_counts_deviations_of_the_sample() -> None:
    spread = WINDOW[:, 0].std(ddof=1)

    assert peers.z_score(WINDOW, column(100 + 5 * spread), UP) == pytest.approx(5.0)


def test_the_quartile_limit_starts_at_the_median() -> None:
    low, high = np.percentile(WINDOW, [25, 75])
    head = column(100 + 3 * (high - low))

    assert peers.quartile_limit(WINDOW, head, UP) == pytest.approx(3.0)


def test_the_fence_is_one_of_changes_from_run_to_run() -> None:
    window = column(100, 101, 103.02, 106.1106)  # changes of 1, 2 and 3 %

    score = peers.fence_of_changes(window, column(106.1106 * 1.055), UP)

    assert score == pytest.approx((5.5 - 2.5) / 1.0)


def test_an_improvement_is_never_called_slower() -> None:
    faster = column(50)
    called = [
        r.name for r in WINDOW_RULES if r.score(WINDOW, faster, UP)[0] > r.threshold
    ]

    assert called == []


@pytest.mark.parametrize("rule", WINDOW_RULES, ids=lambda rule: rule.name)
def test_a_window_rule_calls_a_disaster(rule: WindowRule) -> None:
    assert rule.score(WINDOW, column(1000), UP)[0] > rule.threshold
    assert rule.score(WINDOW, column(100), UP)[0] <= rule.threshold
    assert rule.source.startswith("https://")


@pytest.mark.parametrize("rule", WINDOW_RULES, ids=lambda rule: rule.name)
def test_a_window_rule_looks_at_each_series_alone(rule: WindowRule) -> None:
    other = np.where(np.arange(6)[:, np.newaxis] == 2, math.nan, 7 + WINDOW / 10)
    both = np.hstack([WINDOW, other])
    signs = np.array([1.0, -1.0])

    alone = rule.score(WINDOW, column(107), UP)

    assert rule.score(both, np.array([[107.0, 16.0]]), signs)[0] == alone[0]


def test_a_window_without_any_spread_has_no_number_but_a_side() -> None:
    flat = column(5, 5, 5, 5)

    assert peers.z_score(flat, column(5.1), UP)[0] == math.inf
    assert peers.z_score(flat, column(5.0), UP)[0] == 0.0


RNG = np.random.RandomState(1)
BASE = np.exp(RNG.normal(0, 0.05, (3, 40)))
HEAD = np.exp(RNG.normal(0.02, 0.05, (3, 40)))


def test_the_paired_t_is_that_of_scipy() -> None:
    expected = stats.ttest_rel(
        np.log(HEAD), np.log(BASE), axis=1, alternative="greater"
    ).pvalue

    assert 10 ** -peers.paired_t(BASE, HEAD) == pytest.approx(expected)


@pytest.mark.parametrize("digits", [1, 6])
def test_the_u_test_is_that_of_scipy_also_with_ties(digits: int) -> None:
    base, head = BASE.round(digits), HEAD.round(digits)
    expected = stats.mannwhitneyu(base, head, axis=1, method="asymptotic").pvalue
    slower = np.median(head, axis=1) > np.median(base, axis=1)

    found = 10 ** -peers.mann_whitney(base, head)

    assert found == pytest.approx(np.where(slower, expected, 1.0))


def test_the_bootstrap_wants_both_intervals_beyond_the_noise() -> None:
    quiet = np.exp(RNG.normal(0, 0.001, (1, 100)))

    assert peers.bootstrap(quiet, quiet * 1.005)[0] == 0.0
    assert peers.bootstrap(quiet, quiet * 1.05)[0] > 1.30103
    assert peers.bootstrap(quiet * 1.05, quiet)[0] == 0.0


@pytest.mark.parametrize("rule", SAMPLE_RULES, ids=lambda rule: rule.name)
def test_a_sample_rule_calls_a_disaster(rule: SampleRule) -> None:
    assert (rule.score(BASE, HEAD * 3) > rule.threshold).all()
    assert (rule.score(HEAD * 3, BASE) <= rule.threshold).all()
    assert rule.source.startswith("https://")
