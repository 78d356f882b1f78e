from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchgate.documents import self_test
from benchgate.injected import (
    How,
    Refusal,
    SelfTest,
    Trial,
    repeated_suite,
    scaled,
    trial_of,
    tried,
    with_repeated,
    without_repeated,
)
from benchgate.model import (
    Doubt,
    Failure,
    Measurement,
    Metric,
    Outcome,
    Sample,
    SeriesKey,
    SeriesRule,
    Tally,
    Verdict,
)
from tests.builders import (
    ERRORS,
    P50,
    P95,
    RATE,
    SIZE,
    TIME,
    joined,
    judged_by_name,
    key,
    paired,
    policy,
    report_of,
    sample,
    tally,
)

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "self-test.schema.json"
REPEATED = repeated_suite("micro")
PLAIN = paired({"a": [1.0, 1.1], "b": [2.0, 2.1]}, {"a": [1.0, 1.1], "b": [2.0, 2.1]})
SLOWED = paired({"a": [1.2, 1.3]}, {"a": [1.5, 1.6]}, suite=REPEATED)
BOTH = joined(PLAIN, SLOWED)


def values(measurement: Measurement, of: SeriesKey) -> list[tuple[float, ...]]:
    """Return what each round of the base, and then of the head, has of a series."""
    assert measurement.base
    rounds = (*measurement.base.rounds, *measurement.head.rounds)
    readings = [one.samples[of] for one in rounds if of in one.samples]
    return [r.values for r in readings if isinstance(r, Sample)]


def suites(measurement: Measurement) -> set[str]:
    return {k.suite for one in measurement.head.rounds for k in one.samples}


def trial(*, found: bool, how: How) -> Trial:
    (judgement,) = report_of(paired({"a": [1, 1]}, {"a": [1, 1]})).judgements
    return Trial(judgement, how, found)


def proof(
    *, repeated: tuple[bool, ...] = (), on_paper: tuple[bool, ...] = ()
) -> SelfTest:
    trials = [trial(found=found, how=How.REPEATED) for found in repeated]
    trials += [trial(found=found, how=How.SCALED) for found in on_paper]
    return SelfTest(0.2, report_of(PLAIN), tuple(trials), ())


# --- rounds ---


def test_rounds_with_repeated_work_are_no_part_of_unchanged_code() -> None:
    assert without_repeated(BOTH) == PLAIN


def test_a_benchmark_with_repeated_work_brings_both_of_its_sides() -> None:
    slowed = with_repeated(BOTH, {("micro", "a")})

    assert values(slowed, key("a")) == [(1.2,), (1.3,), (1.5,), (1.6,)]
    assert values(slowed, key("b")) == values(PLAIN, key("b"))
    assert suites(slowed) == {"micro"}


def test_a_benchmark_that_repeated_nothing_stays_as_it_is() -> None:
    assert with_repeated(BOTH, set()) == PLAIN


def test_failures_and_doubts_of_repeated_work_are_left_out() -> None:
    doubts = (Doubt("ours"), Doubt("its", key("a", suite=REPEATED)))
    failures = (Failure("micro", "c", "x"), Failure(REPEATED, "a", "x"))
    (first, *others) = BOTH.head.rounds
    rounds = (replace(first, failures=failures, doubts=doubts), *others)
    measurement = replace(BOTH, head=replace(BOTH.head, rounds=rounds))

    found = without_repeated(measurement).head.rounds[0]

    assert (found.failures, found.doubts) == (failures[:1], doubts[:1])


def test_one_side_alone_can_be_without_repeated_work() -> None:
    assert without_repeated(replace(BOTH, base=None)) == replace(PLAIN, base=None)


def test_a_scaled_series_is_slower_on_the_head_alone() -> None:
    slower = scaled(PLAIN, {key("a")}, slowdown=0.5)

    assert values(slower, key("a")) == [(1.0,), (1.1,), (1.5,), (1.1 * 1.5,)]
    assert values(slower, key("b")) == values(PLAIN, key("b"))


def test_a_scaled_series_is_judged_as_that_slowdown() -> None:
    rows = {"a": [1.0, 1.01, 1.0, 0.99] * 5, "b": [1.0] * 20}

    judged = judged_by_name(scaled(paired(rows, rows), {key("a")}, slowdown=0.2))

    assert judged["a"].verdict is Verdict.REGRESSED
    assert judged["a"].slowdown
    assert judged["a"].slowdown.point == pytest.approx(0.2)
    assert judged["b"].verdict is Verdict.UNCHANGED


def test_a_rate_that_is_slower_is_less() -> None:
    rows = {"a": [300.0, 300.0]}

    slower = scaled(paired(rows, rows, metric=RATE), {key("a", RATE)}, slowdown=0.5)

    assert values(slower, key("a", RATE))[2:] == [(200.0,), (200.0,)]


def test_single_points_are_scaled_with_their_quantile() -> None:
    rows = {"a": [sample(2.0, metric=P95, points=[1.0, 2.0])]}

    slower = scaled(paired(rows, rows), {key("a", P95)}, slowdown=0.5)

    reading = slower.head.rounds[0].samples[key("a", P95)]
    assert reading == sample(3.0, metric=P95, points=[1.5, 3.0])


def test_a_tally_has_no_share_to_grow_by() -> None:
    rows = {"a": [tally(1, 10)]}
    measurement = paired(rows, rows)

    assert scaled(measurement, {key("a", ERRORS)}, slowdown=0.5) == measurement


def test_a_round_that_lacks_a_series_goes_on_lacking_it() -> None:
    rows = {"a": [1.0, None]}

    slower = scaled(paired(rows, rows), {key("a")}, slowdown=0.5)

    assert values(slower, key("a")) == [(1.0,), (1.5,)]


# --- what is tried ---


@pytest.mark.parametrize(
    ("series", "chosen"),
    [
        ([(TIME, 1.0)], [TIME]),
        ([(P50, 1.0), (P95, 1.0), (RATE, 1.0)], [P50, P95]),
        ([(RATE, 1.0)], [RATE]),
        ([(SIZE, 1.0)], []),
        ([(ERRORS, tally(1, 10))], []),
    ],
)
def test_what_takes_time_is_tried_and_else_a_rate(
    series: list[tuple[Metric, float | Tally]], chosen: list[Metric]
) -> None:
    parts = [
        paired({"a": [value, value]}, {"a": [value, value]}, metric=metric)
        for metric, value in series
    ]

    found = tried(report_of(joined(*parts)).judgements)

    keys = tuple(key("a", metric) for metric in chosen)
    assert found == ({("micro", "a"): keys} if keys else {})


def test_what_may_not_block_is_not_tried() -> None:
    lenient = policy(series=(SeriesRule("micro:a", blocking=False),))

    assert set(tried(report_of(PLAIN, lenient).judgements)) == {("micro", "b")}


def test_a_whole_suite_is_not_tried() -> None:
    rows = {name: [1.0, 1.01, 0.99, 1.0] * 2 for name in "edcba"}

    found = tried(report_of(paired(rows, rows)).judgements)

    assert [name for _, name in found] == list("abcde")


# --- a trial ---


def test_the_series_that_fails_shows_a_trial() -> None:
    judgements = report_of(PLAIN).judgements

    shown = trial_of(judgements, how=How.SCALED, failing={key("b")})

    assert (shown.key, shown.how, shown.found) == (key("b"), How.SCALED, True)


def test_else_the_series_that_could_have_seen_least_shows_it() -> None:
    wide = paired({"a": [1.0, 1.1]}, {"a": [1.0, 1.4]})
    narrow = paired({"b": [1.0, 1.001]}, {"b": [1.0, 1.0]})
    alone = paired({"c": [1.0, None]}, {"c": [1.0, None]})

    judgements = report_of(joined(wide, narrow, alone)).judgements
    shown = trial_of(judgements, how=How.REPEATED, failing=())

    assert (shown.key, shown.found) == (key("b"), False)


# --- the verdict ---


@pytest.mark.parametrize(
    ("repeated", "on_paper", "can_fail"),
    [
        ((True,), (True,), True),
        ((True,), (False,), True),
        ((True,), (False, False), False),
        ((False,), (True, True), False),
        ((), (True,), True),
        ((), (False,), False),
        ((), (), False),
    ],
)
def test_half_must_be_found_and_one_of_them_measured(
    repeated: tuple[bool, ...], on_paper: tuple[bool, ...], *, can_fail: bool
) -> None:
    found = proof(repeated=repeated, on_paper=on_paper)

    assert found.can_fail is can_fail
    assert found.works is can_fail
    assert found.found == sum((*repeated, *on_paper))


def test_a_gate_that_fails_unchanged_code_does_not_work() -> None:
    alarm = report_of(paired({"a": [1.0, 1.001]}, {"a": [2.0, 2.001]}))

    found = replace(proof(repeated=(True,)), unchanged=alarm)

    assert alarm.outcome is Outcome.REGRESSED
    assert (found.can_fail, found.works) == (True, False)


# --- the document ---


def test_the_published_schema_is_the_one_of_the_types() -> None:
    assert SCHEMA.read_bytes() == self_test.json_schema()


def test_a_document_keeps_its_schema_and_names_false_alarms() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    alarm = report_of(paired({"a": [1.0, 1.001]}, {"a": [2.0, 2.001]}))
    alone = report_of(paired({"b": [1.0]}, {"b": [1.0]})).judgements[0]
    test = SelfTest(
        0.2,
        alarm,
        (trial(found=True, how=How.REPEATED), Trial(alone, How.SCALED, found=False)),
        (Refusal("load", "no harness"),),
    )

    document = json.loads(self_test.encode(test))

    jsonschema.validate(document, json.loads(SCHEMA.read_bytes()))
    assert document["unchanged"]["regressed"] == [
        {"suite": "micro", "benchmark": "a", "metric": "time"}
    ]
    assert [t["slowdown"] is None for t in document["trials"]] == [False, True]
