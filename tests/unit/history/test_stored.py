"""Our own stored runs → a history."""

from __future__ import annotations

import math
from dataclasses import replace

from benchgate.history.stored import history_of
from benchgate.model import Commit, Environment, Statistic
from tests.builders import ERRORS, RATE, key, run, sample, tally


def test_a_run_is_one_row_and_a_series_one_column() -> None:
    epyc = Environment(cpu="EPYC")
    first = replace(
        run({"a": [1.0, 4.0], "b": [3.0, None]}, environment=epyc, started_at=9.0),
        commit=Commit("a" * 40),
    )
    second = run({"a": [5.0]})

    found = history_of([first, second], name="stored runs", renames={})

    assert [series.key for series in found.series] == [key("a"), key("b")]
    assert found.values[0] == (2.0, 3.0)
    assert found.values[1][0] == 5.0
    assert math.isnan(found.values[1][1])
    assert [run.commit for run in found.runs] == ["a" * 40, ""]
    assert [run.at for run in found.runs] == [9.0, None]
    assert found.runs[0].environment == epyc.key


def test_a_renamed_benchmark_goes_on() -> None:
    found = history_of(
        [run({"old": [1.0]}), run({"new": [2.0]})],
        name="stored runs",
        renames={"old": "new"},
    )

    assert [series.key for series in found.series] == [key("new")]
    assert found.values == ((1.0,), (2.0,))


def test_error_rates_and_what_changed_its_metric_are_left_out() -> None:
    runs = [
        run({"failed": [tally(1, 10)], "a": [1.0]}),
        run({"a": [1.0]}, metric=replace(RATE, name="time")),
    ]

    found = history_of(runs, name="stored runs", renames={})

    assert ERRORS.name not in {series.key.metric for series in found.series}
    assert found.series == ()
    assert found.values == ((), ())


def test_without_runs_there_is_an_empty_history() -> None:
    assert history_of([], name="stored runs", renames={}).values == ()


def test_a_run_without_the_usual_statistic_forces_its_own_on_all() -> None:
    slices = (1.0, 2.0, 3.0, 4.0, 5.0)
    by_median = sample(*slices, primary=Statistic.MEDIAN)

    usual = history_of([run({"a": [slices]})] * 2, name="x", renames={})
    mixed = history_of(
        [run({"a": [slices]}), run({"a": [by_median]})], name="x", renames={}
    )

    assert usual.values == ((3.0,), (3.0,))
    assert mixed.values == ((4.0,), (4.0,))
