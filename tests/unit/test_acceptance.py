"""A wanted regression passes, up to its ceiling and until its date."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchgate import config, gate
from benchgate.acceptance import accept
from benchgate.model import (
    Acceptance,
    Accepted,
    Doubt,
    Failure,
    Judgement,
    Outcome,
    SeriesKey,
    Verdict,
)
from benchgate.report import fails
from tests import reports
from tests.builders import LAW, POLICY, paired

TODAY = "2027-01-15"
SLOWER = reports.judged("parse", 1e-6, 0.1)
SAME = reports.judged("route", 1e-6, 0.0)
FASTER = reports.judged("encode", 1e-6, -0.2)
WATCHED = replace(SLOWER, blocking=False)
OPEN = reports.judged("bind", 1e-6, 0.01, noise=0.2)
ERRORS = reports.judged("shop", 0.001, 0.03, metric=reports.ERRORS, suite="load")
WANTED = Acceptance("Validation added", "@dana", 0.12, "2027-03-31")


def entry(judgement: Judgement = SLOWER, **changes: object) -> Accepted:
    made: Acceptance = replace(WANTED, **changes)  # type: ignore[arg-type]
    return Accepted(judgement.key, made)


def test_a_regression_within_its_ceiling_is_accepted() -> None:
    decided, doubts = accept([SLOWER, SAME], [entry()], today=TODAY)

    assert decided == (replace(SLOWER, accepted=WANTED), SAME)
    assert doubts == ()


def test_a_ceiling_is_met_and_a_last_day_is_lived() -> None:
    point = SLOWER.slowdown.point if SLOWER.slowdown else 0.0
    last = entry(ceiling=point, expires=TODAY)

    assert accept([SLOWER], [last], today=TODAY)[0][0].accepted == last.acceptance


def test_a_regression_beyond_its_ceiling_blocks_and_says_why() -> None:
    decided, doubts = accept([SLOWER], [entry(ceiling=0.09)], today=TODAY)

    assert fails(decided[0], POLICY)
    assert decided[0].reason == "more than the 9 % that is accepted"
    assert doubts == ()


def test_a_ceiling_of_errors_is_in_percentage_points() -> None:
    decided, _ = accept([ERRORS], [entry(ERRORS, ceiling=0.025)], today=TODAY)

    assert decided[0].reason == "more than the 2.5 pp that is accepted"


def test_an_expired_acceptance_blocks_and_is_doubted() -> None:
    decided, doubts = accept([SLOWER], [entry(expires="2027-01-14")], today=TODAY)

    assert fails(decided[0], POLICY)
    assert decided[0].reason == "was accepted until 2027-01-14"
    assert doubts == (
        Doubt(
            "the entry for micro: parse time in `benchgate.accepted.yml` expired on "
            "2027-01-14: remove it, or accept anew"
        ),
    )


def test_without_a_date_nothing_expires() -> None:
    decided, _ = accept([SLOWER], [entry(expires="2000-01-01")], today="")

    assert not fails(decided[0], POLICY)


@pytest.mark.parametrize(
    ("judgement", "text"),
    [
        (SAME, "route time in `benchgate.accepted.yml` can be removed: that did not"),
        (FASTER, "encode time in `benchgate.accepted.yml` can be removed: that did"),
        (WATCHED, "parse time in `benchgate.accepted.yml` can be removed: that does"),
    ],
    ids=["unchanged", "improved", "not blocking"],
)
def test_an_entry_that_is_not_needed_is_doubted(
    judgement: Judgement, text: str
) -> None:
    decided, doubts = accept([judgement], [entry(judgement)], today=TODAY)

    assert [text in doubt.text for doubt in doubts] == [True]
    assert decided == (judgement,)


@pytest.mark.parametrize(
    "judgement",
    [OPEN, reports.untold("gone", 1.0, "nothing to say")],
    ids=["inconclusive", "untold"],
)
def test_what_could_not_be_told_may_still_need_its_entry(judgement: Judgement) -> None:
    assert accept([judgement], [entry(judgement)], today=TODAY) == ((judgement,), ())


@pytest.mark.parametrize(
    "key",
    [
        SeriesKey("micro", "pars", "time"),
        SeriesKey("micro", "parse", "p99"),
        SeriesKey("load", "parse", "time"),
        SeriesKey("micro", "pars*", "time"),
    ],
)
def test_a_name_that_does_not_match_exactly_accepts_nothing(key: SeriesKey) -> None:
    decided, doubts = accept([SLOWER], [Accepted(key, WANTED)], today=TODAY)

    assert decided == (SLOWER,)
    assert doubts == (
        Doubt(
            f"the entry for {key.suite}: {key.benchmark} {key.metric} in "
            "`benchgate.accepted.yml` names no series that was compared: correct or "
            "remove it"
        ),
    )


@pytest.mark.parametrize("name", ["absent", ""], ids=["benchmark", "whole suite"])
def test_what_was_not_measured_says_nothing_of_its_entry(name: str) -> None:
    absent = Accepted(SeriesKey("micro", "absent", "time"), WANTED)

    found = accept([SLOWER], [absent], today=TODAY, unjudged={("micro", name)})

    assert found == ((SLOWER,), ())


def test_a_first_run_says_nothing_of_the_entries() -> None:
    assert accept([], [entry()], today=TODAY) == ((), ())


judgements = st.lists(
    st.builds(
        reports.judged,
        st.sampled_from("abcdef"),
        st.just(1e-6),
        st.floats(-0.5, 0.5),
        noise=st.floats(0.001, 0.2),
    ),
    min_size=1,
    unique_by=lambda j: j.key,
)
entries = st.lists(
    st.builds(
        Accepted,
        st.builds(
            SeriesKey, st.just("micro"), st.sampled_from("abcdef"), st.just("time")
        ),
        st.builds(
            Acceptance,
            st.just("why"),
            st.just("@dana"),
            st.floats(0.001, 1),
            st.dates().map(str),
        ),
    ),
    unique_by=lambda e: e.key,
)


@LAW
@given(judgements, entries)
def test_accepting_never_changes_another_series(
    found: list[Judgement], wanted: list[Accepted]
) -> None:
    decided, _ = accept(found, wanted, today=TODAY)

    named = {each.key for each in wanted}
    assert [j for j in decided if j.key not in named] == [
        j for j in found if j.key not in named
    ]


@LAW
@given(judgements, entries)
def test_accepting_never_fails_what_passed_and_changes_no_number(
    found: list[Judgement], wanted: list[Accepted]
) -> None:
    decided, _ = accept(found, wanted, today=TODAY)

    failing = {j.key for j in found if fails(j, POLICY)}
    assert {j.key for j in decided if fails(j, POLICY)} <= failing
    assert [replace(j, accepted=None, reason="") for j in decided] == [
        replace(j, reason="") for j in found
    ]


@LAW
@given(judgements)
def test_an_empty_file_changes_nothing(found: list[Judgement]) -> None:
    assert accept(found, [], today=TODAY) == (tuple(found), ())


# The flow.

TIMES = [1.0 + n / 1000 for n in range(20)]
BOTH = paired(
    {"parse": TIMES, "route": TIMES},
    {"parse": [1.1 * time for time in TIMES], "route": TIMES},
)
ACCEPTING = replace(config.default(), accepted=(entry(),), today=TODAY)


def test_the_gate_passes_what_is_accepted() -> None:
    before = gate.judge_measurement(BOTH, config.default())
    after = gate.judge_measurement(BOTH, ACCEPTING)

    assert before.outcome is Outcome.REGRESSED
    assert after.outcome is Outcome.PASSED
    assert [j.accepted for j in after.judgements if j.accepted] == [WANTED]


def test_the_gate_shows_what_is_doubted_of_an_entry() -> None:
    late = replace(ACCEPTING, today="2027-04-01")

    report = gate.judge_measurement(BOTH, late)

    assert report.outcome is Outcome.REGRESSED
    assert [d.text for d in report.doubts if "parse time" in d.text] != []


def test_the_gate_does_not_doubt_an_entry_of_what_was_left_out_or_failed() -> None:
    left_out = SeriesKey("micro", "far", "")
    rounds = (
        replace(
            BOTH.head.rounds[0], failures=(Failure("micro", "ill", "it panicked"),)
        ),
        *BOTH.head.rounds[1:],
    )
    measurement = replace(
        BOTH,
        head=replace(BOTH.head, rounds=rounds),
        left_out=(Doubt("not affected", left_out),),
    )
    names = ("far", "ill")
    known = tuple(Accepted(SeriesKey("micro", n, "time"), WANTED) for n in names)

    report = gate.judge_measurement(measurement, replace(ACCEPTING, accepted=known))

    assert [doubt for doubt in report.doubts if "entry" in doubt.text] == []


def test_a_self_test_does_not_trip_over_what_is_accepted() -> None:
    same = paired({"parse": TIMES}, {"parse": TIMES})

    proof = gate.prove_itself(same, ACCEPTING, slowdown=0.1, repeated=(), refusals=())

    assert [trial.found for trial in proof.trials] == [True]


def test_a_first_verdict_is_what_acceptance_needs() -> None:
    assert SLOWER.verdict is Verdict.REGRESSED
    assert OPEN.verdict is Verdict.INCONCLUSIVE
