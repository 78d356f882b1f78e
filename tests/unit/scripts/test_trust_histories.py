"""What ``make trust`` counts on stored runs is what the product does."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from benchgate.stats.replay import replay
from scripts.trust import histories, page
from scripts.trust.histories import Figures, Suite, figures_of, stable, threshold_at
from tests.unit.history.made import history, noise

HISTORIES = Path(__file__).parents[4] / "shared" / "data" / "histories"


def quiet(runs: int = 120, series: int = 6) -> Suite:
    values = np.array([noise(runs, seed=seed) for seed in range(series)]).T
    return Suite("quiet", values, np.ones(series))


def test_a_step_makes_the_runs_around_it_unstable() -> None:
    logs = np.where(np.arange(120.0)[:, np.newaxis] < 80, 0.0, math.log(1.3))

    found = [bool(stable(logs, at)[0]) for at in (60, 75, 80, 100)]

    assert found == [True, False, False, True]


def test_the_threshold_lets_no_more_than_the_share_fail() -> None:
    worst = np.arange(100.0)

    assert (worst > threshold_at(worst, 0.05)).sum() == 5
    assert (worst[:7] > threshold_at(worst[:7], 0.05)).sum() == 0


def test_our_figures_are_those_of_the_replay() -> None:
    suite = quiet(runs=140)
    rows = suite.values[10:-7]

    found = figures_of(suite, heads=1)
    product = replay(
        rows, signs=[1.0] * 6, heads=1, level=0.05, margins=[0.02] * 6, limit=1000
    )

    assert found is not None
    ours = found["benchgate, 5%"]
    assert product.share == pytest.approx(ours.failed)
    assert product.power == pytest.approx(ours.power)


def test_what_is_better_when_higher_has_the_same_figures() -> None:
    suite = quiet()
    turned = Suite("turned", 1 / suite.values, -np.ones(6))

    found, other = figures_of(suite, heads=1), figures_of(turned, heads=1)

    assert found is not None
    assert other is not None
    names = ["benchgate, 5%", "previous run × 1.10"]
    assert [found[n].failed for n in names] == [other[n].failed for n in names]
    assert [found[n].power for n in names] == [other[n].power for n in names]


def test_a_history_that_always_changes_has_no_figures() -> None:
    rising = Suite("rising", 1.1 ** np.arange(100.0)[:, np.newaxis], np.ones(1))

    assert figures_of(rising, heads=1) is None


@pytest.mark.parametrize(
    ("runs", "values"),
    [(59, noise(59, seed=1)), (70, [1.0] * 70), (70, [math.nan] * 70)],
)
def test_short_and_exact_histories_are_left_out(
    runs: int, values: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = history({"b": values})
    monkeypatch.setattr(histories, "read_histories", lambda _: (made,))

    assert len(made.runs) == runs
    assert histories.suites_in("anywhere") == []


def test_the_mean_is_one_of_suites() -> None:
    one = {"x": Figures(0.0, (0.0,), (0.25,))}
    two = {"x": Figures(0.5, (1.0,), (0.75,))}

    assert histories.averages([one, two])["x"] == Figures(0.25, (0.5,), (0.5,))


@pytest.mark.skipif(not HISTORIES.is_dir(), reason="no ../shared beside the checkout")
@pytest.mark.parametrize("project", ["adblock-rust"])
def test_the_page_says_what_is_computed_today(project: str) -> None:
    (suite,) = histories.suites_in(str(HISTORIES / f"{project}.parquet"))

    figures = figures_of(suite, heads=1)

    assert figures is not None
    row = f"| {' | '.join(page.suite_row(suite, figures))} |"
    assert row in page.table_in(page.PAGE.read_text(), "suites")
