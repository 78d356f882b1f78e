"""Histories that changed nothing, and one that cries wolf."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchgate.history.calibration import RECENT, Calibration, calibrate
from benchgate.model import Kind, Metric, SeriesKey, SeriesRule
from tests.builders import policy
from tests.unit.history.made import TIME, history, noise, spiked

QUIET = history({f"b{i}": noise(160, seed=i) for i in range(6)})
# Seldom enough that no window knows it, a neighbour wakes up, and only one minds.
LOUD = history(
    {
        **{f"b{i}": noise(200, seed=i) for i in range(3)},
        "loud": spiked(noise(200, seed=9), every=31, by=0.25),
    }
)
RATE = replace(TIME, kind=Kind.RATE)


@pytest.fixture(scope="module")
def quiet() -> Calibration:
    return calibrate(QUIET, policy(), heads=1, seed=0)


@pytest.fixture(scope="module")
def loud() -> Calibration:
    return calibrate(LOUD, policy(), heads=1, seed=0)


def test_a_quiet_history_calibrates_to_nothing(quiet: Calibration) -> None:
    found = quiet

    assert (found.runs, found.recent, found.series) == (160, RECENT, 6)
    assert found.pull_requests == 100
    assert found.failed <= 2
    assert found.widen == 1
    assert found.without is None
    assert found.interval is not None
    assert found.interval[0] <= 0.01 <= found.interval[1]


def test_larger_slowdowns_and_more_runs_are_found_more_often(
    quiet: Calibration,
) -> None:
    one = [share or 0.0 for _, share in quiet.power]
    three = [share or 0.0 for _, share in quiet.power_of_three or ()]
    assert one == sorted(one)
    assert one[3] > 0.95
    assert [a <= b for a, b in zip(one, three, strict=True)] == [True] * 4


def test_with_three_runs_of_the_head_nothing_is_said_of_three_more() -> None:
    assert calibrate(QUIET.newest(45), policy(), heads=3, seed=0).power_of_three is None


def test_the_worst_series_comes_first() -> None:
    noisy = history(
        {"calm": noise(140, seed=1), "wild": noise(140, seed=2, spread=0.05)}
    )

    found = calibrate(noisy, policy(), heads=1, seed=0)

    assert [key.benchmark for key, _ in found.detectable] == ["wild", "calm"]
    assert found.typical == sum(seen or 0.0 for _, seen in found.detectable) / 2


def test_a_history_that_cries_wolf_is_widened_and_the_loud_one_named(
    loud: Calibration,
) -> None:
    found = loud

    assert found.failed >= 3
    assert found.widen > 1
    assert {alarm.series.benchmark for alarm in found.alarms} == {"loud"}
    assert len(found.alarms[0].commit) == 40
    assert found.without is not None
    assert found.without.series == (SeriesKey("micro", "loud", "time"),)
    assert found.without.failed < found.failed


def test_what_may_not_block_is_not_asked() -> None:
    rule = SeriesRule("micro:loud", blocking=False)

    found = calibrate(LOUD, policy(series=(rule,)), heads=1, seed=0)

    assert found.series == 3
    assert found.failed <= 1
    assert found.widen == 1


@pytest.mark.parametrize("kind", [Kind.COUNT, Kind.SIZE, Kind.ERRORS])
def test_what_stored_runs_never_decide_is_not_asked(kind: Kind) -> None:
    metric = replace(TIME, kind=kind)
    counted = history({"b": noise(60, seed=1)}, metric=metric)
    rule = SeriesRule("micro:*", blocking=True)

    found = calibrate(counted, policy(series=(rule,)), heads=1, seed=0)

    assert (found.series, found.pull_requests) == (0, 0)


@pytest.mark.parametrize("metric", [TIME, RATE])
def test_a_margin_of_the_policy_counts(metric: Metric) -> None:
    loud = replace(LOUD, series=tuple(replace(s, metric=metric) for s in LOUD.series))
    wide = policy(margins={**policy().margins, metric.kind: 0.4})

    assert calibrate(loud, wide, heads=3, seed=0).failed == 0


def test_an_absolute_floor_of_the_policy_counts() -> None:
    floor = policy(absolute={Kind.TIME: 0.5e-6})

    assert calibrate(LOUD, floor, heads=3, seed=0).failed == 0


def test_what_the_policy_widens_already_is_left_aside(loud: Calibration) -> None:
    again = calibrate(LOUD, policy(widen=loud.widen), heads=1, seed=0)

    assert loud == again


def test_the_environment_of_most_runs_is_calibrated() -> None:
    columns = {"b": noise(120, seed=1)}
    two = history(columns, environments=("one", "one", "two"))
    many = history(columns, environments=tuple("abcd"))

    found = calibrate(two, policy(), heads=1, seed=0)
    mixed = calibrate(many, policy(), heads=1, seed=0)

    assert (found.recent, found.environments) == (80, 1)
    assert (mixed.recent, mixed.environments) == (120, 4)


def test_a_series_without_any_value_is_no_obstacle() -> None:
    hollow = history({"b": noise(60, seed=1), "never": [float("nan")] * 60})

    found = calibrate(hollow, policy(), heads=1, seed=0)

    assert found.pull_requests > 0
    assert found.detectable[-1] == (SeriesKey("micro", "never", "time"), None)


def test_equal_histories_give_equal_figures(quiet: Calibration) -> None:
    assert calibrate(QUIET, policy(), heads=1, seed=0) == quiet
