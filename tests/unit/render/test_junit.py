"""JUnit's XML: red where the gate is red, and nothing foreign can break it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchgate.model import Failure, Outcome, Report
from benchgate.render.junit import render_junit
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
# What XML 1.0 can't hold, even when it is escaped.
FORBIDDEN = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def parsed(report: Report) -> Element:
    return fromstring(render_junit(report).encode())  # noqa: S314 - it is our own


def counts_of(element: Element) -> dict[str, int]:
    """Return what really is in *element*, by the attribute that says how many."""
    kinds = {
        "tests": "testcase",
        "failures": "failure",
        "errors": "error",
        "skipped": "skipped",
    }
    return {name: len(list(element.iter(kind))) for name, kind in kinds.items()}


def case_of(report: Report, name: str) -> Element:
    (case,) = [c for c in parsed(report).iter("testcase") if c.get("name") == name]
    return case


@pytest.mark.parametrize("make", EVERY, ids=lambda make: make.__name__)
def test_the_file_is_what_people_reviewed(make: Callable[[], Report]) -> None:
    check_golden(render_junit(make()), f"{make.__name__}.junit.xml")


@pytest.mark.parametrize("make", EVERY, ids=lambda make: make.__name__)
def test_the_counts_are_those_of_the_cases(make: Callable[[], Report]) -> None:
    root = parsed(make())

    said = [
        {name: int(text) for name, text in element.attrib.items() if name != "name"}
        for element in (root, *root)
    ]
    assert said == [counts_of(element) for element in (root, *root)]


@pytest.mark.parametrize(
    ("outcome", "elements"),
    [
        (Outcome.PASSED, []),
        (Outcome.REGRESSED, ["failure"]),
        (Outcome.UNDECIDED, ["error"]),
    ],
)
def test_the_first_case_is_the_outcome(outcome: Outcome, elements: list[str]) -> None:
    case = case_of(replace(reports.passed(), outcome=outcome), "outcome")

    assert [element.tag for element in case] == elements


def test_a_regression_that_blocks_is_a_failure_with_a_sentence() -> None:
    (failure,) = case_of(reports.regressed(), "json/parse/100 time")

    assert failure.tag == "failure"
    assert str(failure.get("message")).startswith(
        "slowdown +11.8 % (1.53 µs → 1.71 µs), 90 % interval +10.9 % to +12.7 %"
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [("json/parse/100 time", "accepted up to 15 %"), ("json/parse/1 time", "does not")],
)
def test_a_regression_that_does_not_fail_says_why_not(name: str, text: str) -> None:
    (said,) = case_of(reports.accepted(), name)

    assert said.tag == "system-out"
    assert text in str(said.text)


def test_what_could_not_be_told_is_skipped_with_its_reason() -> None:
    (skipped,) = case_of(reports.undecided(), "checkout p99")

    assert skipped.attrib == {
        "message": "could not be told: 1800 requests have about 18 beyond p99, "
        "20 are needed: measure longer"
    }


def test_what_did_not_run_is_an_error_with_its_last_lines() -> None:
    (error,) = case_of(reports.undecided(), "(whole suite)")

    assert error.tag == "error"
    assert "\x1b" not in str(error.text)
    assert "    at checkout (file:///load/checkout.js:31:18)" in str(error.text)


def test_what_the_head_lacks_is_skipped() -> None:
    (skipped,) = case_of(reports.undecided(), "session/decode")

    assert skipped.get("message") == "the base has it, the head does not"


@LAW
@given(st.text(), st.text())
def test_no_name_and_no_sentence_breaks_the_file(name: str, sentence: str) -> None:
    row = reports.judged(name, 1e-6, 0.2, suite=sentence)
    failed = Failure(name, sentence, sentence, f"{name}\n{sentence}")
    report = replace(reports.passed(), judgements=(row,), failed=(failed,))

    text = render_junit(report)

    assert FORBIDDEN.findall(text) == []
    assert counts_of(parsed(report))["tests"] == 3
