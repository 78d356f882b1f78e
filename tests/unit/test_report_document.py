"""report.json: what is written is what is read, and nothing else is."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchgate.documents import report as document
from benchgate.errors import ExitCode, FormatError
from benchgate.model import (
    Acceptance,
    Commit,
    Comparison,
    Cost,
    Doubt,
    Effect,
    Environment,
    ErrorControl,
    Failure,
    Interval,
    Judgement,
    Metric,
    Missing,
    Report,
    SeriesKey,
    SideValue,
)
from tests import reports
from tests.golden import check_golden

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
BUILDERS = [
    reports.regressed,
    reports.passed,
    reports.undecided,
    reports.accepted,
    reports.first_run,
    reports.hostile,
]

texts = st.text(max_size=12)
floats = st.floats(allow_nan=False, allow_infinity=False)
wholes = st.integers(0, 2**53)
keys = st.builds(SeriesKey, texts, texts, texts)
doubts = st.lists(st.builds(Doubt, texts, st.none() | keys), max_size=2).map(tuple)


def tuples(of: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, max_size=2).map(tuple)


def numbers_of(noun: type, count: int, *, last: int = 0) -> st.SearchStrategy[Any]:
    return st.builds(noun, *[floats] * count, *[wholes] * last)


@st.composite
def judgements(draw: st.DrawFn, key: SeriesKey) -> Judgement:
    metric = draw(st.builds(Metric, st.just(key.metric)))
    comparison = draw(
        st.builds(
            Comparison,
            key=st.just(key),
            metric=st.just(metric),
            base=st.none() | numbers_of(SideValue, 1, last=1),
            head=st.none() | numbers_of(SideValue, 1, last=1),
            effect=st.none() | numbers_of(Effect, 8, last=2),
            reason=texts,
            doubts=doubts,
        )
    )
    return draw(
        st.builds(
            Judgement,
            comparison=st.just(comparison),
            reason=texts,
            accepted=st.none() | st.builds(Acceptance, texts, texts, floats, texts),
            slowdown=st.none() | numbers_of(Interval, 4),
            p=st.none() | floats,
            p_adjusted=st.none() | floats,
            margin=floats,
            detectable=st.none() | floats,
            rounds_needed=st.none() | wholes,
        )
    )


environments = st.builds(
    Environment,
    *[texts] * 2,
    wholes,
    *[texts] * 7,
    tuples(st.tuples(texts, texts)),
)
any_report = st.builds(
    Report,
    reasons=tuples(texts),
    base=st.builds(Commit, texts, texts, st.booleans()),
    head=st.builds(Commit, texts, texts, st.booleans()),
    base_environment=environments,
    head_environment=environments,
    differences=tuples(texts),
    error_control=st.builds(ErrorControl, texts, floats, wholes),
    judgements=st.lists(keys, max_size=2, unique=True).flatmap(
        lambda some: st.tuples(*map(judgements, some))
    ),
    added=tuples(st.builds(Missing, texts, texts, texts)),
    removed=tuples(st.builds(Missing, texts, texts, texts)),
    failed=tuples(st.builds(Failure, texts, texts, texts, texts)),
    left_out=doubts,
    doubts=doubts,
    cost=st.builds(Cost, floats, floats),
)


@given(any_report)
@settings(deadline=None)
def test_every_report_survives_json(report: Report) -> None:
    assert document.decode(document.encode(report), name="report.json") == report


@pytest.mark.parametrize("build", [reports.regressed, reports.undecided])
def test_what_people_reviewed_is_what_is_written(build: Callable[[], Report]) -> None:
    check_golden(document.encode(build()).decode(), f"{build.__name__}.json")


@pytest.mark.parametrize("build", BUILDERS)
def test_every_document_obeys_the_published_schema(build: Callable[[], Report]) -> None:
    schema = json.loads((SCHEMAS / "report.schema.json").read_bytes())

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(document.encode(build())), schema)


def test_the_published_schema_is_generated_from_the_types() -> None:
    check_golden(document.json_schema().decode(), "report.schema.json", folder=SCHEMAS)


def test_a_document_has_what_design_promises() -> None:
    written = json.loads(document.encode(reports.regressed()))

    assert list(written)[:7] == [
        "schema",
        "outcome",
        "reasons",
        "base",
        "head",
        "design",
        "environment",
    ]
    assert written["schema"] == "benchgate-report/1"
    assert written["suggestions"] == written["unexplained"] == []
    first = written["judgements"][0]
    assert (first["suite"], first["benchmark"]) == ("micro", "json/parse/100")
    assert (first["unit"], first["better"]) == ("s", "lower")
    assert set(first["slowdown"]) == {"point", "lo", "hi", "confidence"}
    assert written["base"] == {
        "commit": "1f3c9a7be02d4f5a9c1e88d70b6a5f4e3d2c1b0a",
        "ref": "main",
        "dirty": False,
    }


def test_what_could_not_be_compared_is_null() -> None:
    row = reports.untold("checkout", 1.0, "too few")
    row = replace(row, comparison=replace(row.comparison, base=None, head=None))
    report = replace(reports.passed(), judgements=(row,))
    written = json.loads(document.encode(report))["judgements"][0]

    assert written["slowdown"] is written["base"] is written["head"] is None
    assert written["effect"] is None
    assert written["incomparable"] == "too few"


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_cannot_hold_is_refused_with_its_path(number: float) -> None:
    row = replace(reports.judged("a", 1.0, 0.0), detectable=number)
    report = replace(reports.passed(), judgements=(row,))

    with pytest.raises(FormatError, match=r"\$\.judgements\[0\]\.detectable is "):
        document.encode(report)


def test_a_metric_of_another_name_is_refused() -> None:
    row = reports.judged("a", 1.0, 0.0)
    other = replace(row.comparison.metric, name="other")
    row = replace(row, comparison=replace(row.comparison, metric=other))

    with pytest.raises(ValueError, match="its metric is called other"):
        document.encode(replace(reports.passed(), judgements=(row,)))


def changed(**changes: object) -> bytes:
    written = json.loads(document.encode(reports.passed()))
    return json.dumps(written | changes).encode()


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "input data was truncated"),
        (b"{", "input data was truncated"),
        (b"[]", "expected `object`, got `array`"),
        (b"\xff", ""),
        (b'"\xff"', ""),
        (b"[" * 100_000, ""),
        (b"{}", "object missing required field `schema`"),
        (changed(schema="benchgate-report/2"), r"\$\.schema: invalid enum value"),
        (changed(schema="benchgate-run/1"), r"\$\.schema: invalid enum value"),
        (changed(outcome="maybe"), r"\$\.outcome: invalid enum value 'maybe'"),
        (changed(extra=1), "object contains unknown field `extra`"),
        (changed(judgements=[{}]), r"\$\.judgements\[0\]: object missing"),
        (changed(suggestions=[{}]), r"\$\.suggestions: expected `array` of length"),
        (changed(cost={"building": 1}), r"\$\.cost: object missing required"),
        (changed(cost={"building": None, "measuring": 1}), r"\$\.cost\.building: "),
    ],
)
def test_what_is_no_report_is_named_with_its_place(raw: bytes, said: str) -> None:
    with pytest.raises(FormatError, match=rf"^x\.json: {said}") as caught:
        document.decode(raw, name="x.json")

    assert caught.value.exit_code is ExitCode.UNDECIDED
    assert caught.value.hint


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400"])
def test_a_number_that_is_none_is_not_read(number: str) -> None:
    raw = document.encode(reports.passed()).replace(b"94.0", number.encode())

    with pytest.raises(FormatError, match=r"^x\.json: "):
        document.decode(raw, name="x.json")


def test_a_series_that_is_judged_twice_is_an_error() -> None:
    row = json.loads(document.encode(reports.passed()))["judgements"][0]
    raw = changed(judgements=[row, row])

    with pytest.raises(FormatError, match=r"\$\.judgements\[1\]: its series"):
        document.decode(raw, name="x.json")


def test_an_error_never_forges_a_line_of_a_log() -> None:
    raw = changed(**{"\n::error::forged": 1})

    with pytest.raises(FormatError) as caught:
        document.decode(raw, name="x.json")
    assert "\n" not in caught.value.problem
