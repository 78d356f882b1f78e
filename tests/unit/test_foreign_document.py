"""A document of a stranger: numbers and names get through, sentences don't."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from benchgate.documents import foreign, run
from benchgate.errors import FormatError
from benchgate.model import (
    Comparison,
    Design,
    Doubt,
    Failure,
    Measurement,
    Round,
    Run,
    SeriesKey,
    SideValue,
    Witness,
)
from tests.builders import LAW, TIME, effect, key, paired, report_of
from tests.unit.test_run_document import BOTH, ERRORS, MEASUREMENTS

PROMISE = "**Merge this**, @octo-team says <b>yes</b>\n::error::forged"


def decoded(document: Measurement | dict[str, Any]) -> Measurement:
    raw = (
        json.dumps(document).encode()
        if isinstance(document, dict)
        else run.encode(document)
    )
    return foreign.decode(raw, name="run.json")


def changed(**keys: Any) -> dict[str, Any]:
    return {**json.loads(run.encode(BOTH)), **keys}


def speaking(side: Run) -> Run:
    """Return *side* with a sentence wherever one can be."""
    said = Round(
        {},
        failures=(Failure("micro", "parse", PROMISE, PROMISE),),
        doubts=(Doubt(PROMISE), Doubt(PROMISE + "!")),
    )
    return replace(side, rounds=(said,))


CLEARED = Comparison(
    key=key("parse"),
    metric=TIME,
    base=None,
    head=None,
    effect=effect(0.0),
    reason=PROMISE,
    weak=False,
    design=Design.STORED,
    doubts=(Doubt(PROMISE),),
)


def test_no_sentence_gets_through() -> None:
    side = speaking(BOTH.head)
    witness = Witness("micro", "parse", (), (), reason=PROMISE)
    told = Measurement(
        base=side,
        head=side,
        design=Design.PAIRED,
        left_out=(Doubt(PROMISE),),
        cleared=(CLEARED,),
        witnesses=(witness,),
        as_built=(side, side),
    )

    found = decoded(told)

    assert "Merge" in repr(told)
    assert "Merge" not in repr(found)
    assert "forged" not in repr(found)


def test_that_something_was_said_gets_through() -> None:
    side = speaking(BOTH.head)

    found = decoded(replace(BOTH, base=side, head=side))

    assert found.head.rounds[0].failures == (
        Failure("micro", "parse", "it did not run: see the job that measured"),
    )
    assert len(found.head.rounds[0].doubts) == 1


def test_what_said_nothing_still_says_nothing() -> None:
    quiet = replace(CLEARED, reason="", doubts=())
    witness = Witness("micro", "parse", (), (), reason="")

    found = decoded(replace(BOTH, cleared=(quiet,), witnesses=(witness,)))

    assert found.cleared == (quiet,)
    assert found.witnesses == (witness,)


def test_no_verdict_depends_on_a_sentence() -> None:
    measured = paired({"parse": [1.0] * 6}, {"parse": [1.5] * 6})
    first = replace(measured.head.rounds[0], doubts=(Doubt(PROMISE, key("parse")),))
    head = replace(measured.head, rounds=(first, *measured.head.rounds[1:]))
    said = replace(measured, head=head)

    assert report_of(decoded(said)).judgements == report_of(said).judgements


@LAW
@given(MEASUREMENTS)
def test_numbers_and_names_are_those_of_the_document(measured: Measurement) -> None:
    raw = run.encode(measured)
    as_it_is, found = run.decode(raw, name="a"), foreign.decode(raw, name="a")

    assert [r.samples for r in found.head.rounds] == [
        r.samples for r in as_it_is.head.rounds
    ]
    assert found.head.commit == as_it_is.head.commit
    assert found.design is as_it_is.design


def with_series(**keys: Any) -> dict[str, Any]:
    document = changed()
    document["head"]["series"][0] |= keys
    return document


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(with_series(benchmark="x" * 301), id="long-name"),
        pytest.param(with_series(benchmark="x" * 10_000_000), id="10-mb-name"),
        pytest.param(with_series(benchmark="a\0b"), id="nul"),
        pytest.param(with_series(benchmark="a\nb"), id="newline"),
        pytest.param(with_series(suite="a\x1b[31m"), id="escape"),
        pytest.param(with_series(rounds=[]), id="fewer-rounds"),
        pytest.param(changed(schema="benchgate-run/9"), id="newer"),
        pytest.param(changed(schema="benchgate-report/1"), id="other"),
        pytest.param(changed(comment="**Merge this**"), id="unknown-key"),
        pytest.param(changed(share_of_error=0.0), id="spends-nothing"),
        pytest.param(changed(design="trust me"), id="unknown-design"),
        pytest.param(
            changed(left_out=[{"text": "", "series": None}] * 5_001), id="list"
        ),
    ],
)
def test_a_hostile_document_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(FormatError, match=r"^run\.json: ") as caught:
        decoded(document)

    assert caught.value.problem.isprintable()
    assert len(caught.value.problem) < 400


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xfe", id="not-utf-8"),
        pytest.param(b'{"schema": "\xff"}', id="not-utf-8-inside"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"schema": ' * 100_000, id="deep-objects"),
        pytest.param(b'{"schema": "benchgate-run/1", "base": NaN}', id="nan"),
        pytest.param(b" " * (run.MAX_BYTES + 1), id="too-large"),
    ],
)
def test_hostile_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(FormatError, match=r"^run\.json: "):
        foreign.decode(raw, name="run.json")


@pytest.mark.parametrize("number", ["1e400", "NaN", "-1", "0", "1e-400", "1e61", '"1"'])
def test_a_crafted_number_is_refused(number: str) -> None:
    raw = run.encode(BOTH).replace(b"0.0000011", number.encode())
    raw = raw.replace(b"1.1e-6", number.encode()).replace(b"1.1e-06", number.encode())

    assert raw != run.encode(BOTH)
    with pytest.raises(FormatError):
        foreign.decode(raw, name="run.json")


def test_a_repeated_series_is_refused() -> None:
    document = changed()
    document["head"]["series"] *= 2

    with pytest.raises(FormatError, match="same name"):
        decoded(document)


def test_too_many_series_are_refused() -> None:
    document = changed()
    first = document["head"]["series"][0]
    document["head"]["series"] = [{**first, "benchmark": str(n)} for n in range(5_001)]

    with pytest.raises(FormatError, match=r"\$\.head\.series"):
        decoded(document)


def test_a_change_from_nothing_is_refused() -> None:
    nothing = replace(CLEARED, base=SideValue(0.0, 1))

    with pytest.raises(FormatError, match=r"cleared\[0\]\.base: only errors"):
        decoded(replace(BOTH, cleared=(nothing,)))


def test_no_error_at_all_is_a_base_like_any_other() -> None:
    counted = replace(
        CLEARED,
        key=SeriesKey("load", "checkout", "errors"),
        metric=ERRORS,
        base=SideValue(0.0, 1),
    )
    told = replace(BOTH, base=None, head=replace(BOTH.head, rounds=()))

    assert decoded(replace(told, cleared=(counted,))).cleared[0].base == counted.base
