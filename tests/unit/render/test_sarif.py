"""SARIF: one result for each thing to act on, in the shape that readers expect."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchgate.model import Failure, Report, Verdict
from benchgate.render.sarif import render_sarif
from tests import reports
from tests.builders import LAW
from tests.golden import check_golden

EVERY = [
    reports.passed,
    reports.regressed,
    reports.undecided,
    reports.accepted,
    reports.first_run,
    reports.hostile,
]


def run_of(report: Report) -> dict[str, Any]:
    log = json.loads(render_sarif(report, version="0.0.0"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    found: dict[str, Any] = run
    return found


def results_of(report: Report) -> list[dict[str, Any]]:
    return list(run_of(report)["results"])


@pytest.mark.parametrize(
    "make", [reports.accepted, reports.undecided], ids=lambda make: make.__name__
)
def test_the_file_is_what_people_reviewed(make: Callable[[], Report]) -> None:
    text = render_sarif(make(), version="0.0.0")

    check_golden(text, f"{make.__name__}.sarif")


@pytest.mark.parametrize("make", EVERY, ids=lambda make: make.__name__)
def test_there_is_a_result_for_each_regression_and_each_failure(
    make: Callable[[], Report],
) -> None:
    report = make()

    regressed = [j for j in report.judgements if j.verdict is Verdict.REGRESSED]
    rules = [result["ruleId"] for result in results_of(report)]
    assert rules == ["regressed"] * len(regressed) + ["failed"] * len(report.failed)


@pytest.mark.parametrize("make", EVERY, ids=lambda make: make.__name__)
def test_a_result_has_what_the_format_demands(make: Callable[[], Report]) -> None:
    run = run_of(make())

    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    shapes = [
        (
            ids[result["ruleIndex"]] == result["ruleId"],
            result["level"] in {"error", "warning"},
            bool(result["message"]["text"]),
            [len(place["logicalLocations"]) for place in result["locations"]],
        )
        for result in run["results"]
    ]
    assert shapes == [(True, True, True, [1])] * len(run["results"])


def test_a_regression_is_an_error_and_one_that_does_not_block_a_warning() -> None:
    levels = [result["level"] for result in results_of(reports.accepted())]

    assert levels == ["error", "warning"]


def test_an_accepted_regression_is_suppressed_with_its_reason() -> None:
    accepted, watched = results_of(reports.accepted())

    assert accepted["suppressions"] == [
        {
            "kind": "external",
            "status": "accepted",
            "justification": "Validation added, #418",
        }
    ]
    assert "suppressions" not in watched


def test_a_suite_that_did_not_run_is_located_by_its_name() -> None:
    (place,) = results_of(reports.undecided())[0]["locations"]

    assert place["logicalLocations"] == [
        {"name": "load", "fullyQualifiedName": "load", "kind": "suite"}
    ]


@pytest.mark.parametrize(
    ("make", "successful"), [(reports.regressed, True), (reports.undecided, False)]
)
def test_only_an_undecided_run_was_not_successful(
    make: Callable[[], Report], *, successful: bool
) -> None:
    (invocation,) = run_of(make())["invocations"]

    assert invocation["executionSuccessful"] is successful


def test_a_series_keeps_its_fingerprint_when_its_numbers_change() -> None:
    prints = [
        results_of(replace(reports.passed(), judgements=(row,)))[0]
        for row in (reports.judged("a", 1e-6, 0.2), reports.judged("a", 1e-6, 0.4))
    ]

    assert prints[0]["message"] != prints[1]["message"]
    assert prints[0]["partialFingerprints"] == prints[1]["partialFingerprints"]


@LAW
@given(st.text(), st.text())
def test_no_name_and_no_sentence_breaks_the_file(name: str, sentence: str) -> None:
    row = reports.judged(name, 1e-6, 0.2, suite=sentence)
    failed = Failure(name, sentence, sentence)
    report = replace(reports.passed(), judgements=(row,), failed=(failed,))

    raw = render_sarif(report, version="0.0.0").encode()

    assert len(json.loads(raw)["runs"][0]["results"]) == 2
