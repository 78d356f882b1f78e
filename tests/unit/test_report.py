"""The order of a report, what is missing in it, and what the gate decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from benchgate.compare import Compared
from benchgate.judge import judge
from benchgate.model import (
    Acceptance,
    Answer,
    Commit,
    Cost,
    Design,
    Doubt,
    Environment,
    ErrorControl,
    Failure,
    Interval,
    Judgement,
    Measurement,
    Missing,
    Outcome,
    Policy,
    Report,
    Run,
    SeriesRule,
    Verdict,
)
from benchgate.report import build_report, fails
from tests.builders import (
    P50,
    POLICY,
    SIZE,
    Given,
    comparison,
    control,
    effect,
    key,
    paired,
    policy,
    report_of,
    run,
    sample,
)

PASSED, UNDECIDED = Outcome.PASSED, Outcome.UNDECIDED
REGRESSED = Outcome.REGRESSED
FAIL, WARN = Answer.FAIL, Answer.WARN
STEADY = [1.00, 1.01, 0.99, 1.02, 0.98, 1.01, 1.00]
SLOWER = [1.1 * value for value in STEADY]
NOISY = [1.0, 1.9, 0.6, 1.4, 0.8, 1.7, 0.5]

WORSE, BETTER, SAME = effect(0.1), effect(-0.1), effect(0.0)
# The first may be better but no worse, the second may be either.
NOT_WORSE = effect(-0.05, se=0.03, p_slower=0.9, p_faster=0.1)
OPEN = effect(0.01, se=0.03, p_slower=0.4, p_faster=0.6)


def outcome_of(
    rules: Policy,
    *judgements: Judgement,
    failures: Sequence[Failure] = (),
    removed: bool = False,
) -> tuple[Outcome, tuple[str, ...]]:
    """Return what the gate decides, and why."""
    base = run({"a": [1.0], "gone": [1.0]} if removed else {"a": [1.0]})
    head = run({"a": [1.0]}, failures=tuple(failures))
    measurement = Measurement(base, head, Design.PAIRED)
    compared = Compared((), control(), ())
    report = build_report(measurement, compared, judgements, policy=rules)
    return report.outcome, report.reasons


def judgement(found: object = SAME, name: str = "a", **about: object) -> Judgement:
    made = comparison(found, name, **about)  # type: ignore[arg-type]
    return judge([made], policy=POLICY, control=control())[0]


ACCEPTED = replace(
    judgement(WORSE), accepted=Acceptance("wanted", "team", 0.2, "2027-01-01")
)

# --- the decision ---


@pytest.mark.parametrize(
    ("judgements", "outcome", "reasons"),
    [
        ([], PASSED, ()),
        ([judgement(SAME), judgement(BETTER)], PASSED, ()),
        ([judgement(WORSE)], REGRESSED, ("1 series regressed",)),
        ([judgement(WORSE)] * 3, REGRESSED, ("3 series regressed",)),
        ([judgement(OPEN), judgement(None)], PASSED, ()),
        ([judgement(WORSE, metric=SIZE)], PASSED, ()),
        ([judgement(WORSE, weak=True)], REGRESSED, ("1 series regressed",)),
        ([ACCEPTED], PASSED, ()),
    ],
    ids=[
        "nothing",
        "no change",
        "one regression",
        "three regressions",
        "inconclusive",
        "not blocking",
        "weak",
        "accepted",
    ],
)
def test_a_blocking_regression_fails(
    judgements: list[Judgement], outcome: Outcome, reasons: tuple[str, ...]
) -> None:
    assert outcome_of(POLICY, *judgements) == (outcome, reasons)


@pytest.mark.parametrize(
    ("on_weak", "weak", "failing"),
    [
        (FAIL, False, True),
        (FAIL, True, True),
        (WARN, False, True),
        (WARN, True, False),
    ],
)
def test_weak_regressions_fail_as_the_policy_says(
    on_weak: Answer,
    weak: bool,  # noqa: FBT001 - a column of the table
    failing: bool,  # noqa: FBT001 - the same
) -> None:
    rules = policy(on_weak=on_weak)
    regressed = judgement(WORSE, weak=weak)

    assert fails(regressed, rules) is failing
    assert outcome_of(rules, regressed)[0] is (REGRESSED if failing else PASSED)


@pytest.mark.parametrize(
    ("on_inconclusive", "judged", "outcome", "reasons"),
    [
        (WARN, judgement(OPEN), PASSED, ()),
        (FAIL, judgement(OPEN), UNDECIDED, ("1 series not settled",)),
        (FAIL, judgement(None), UNDECIDED, ("1 series not settled",)),
        (FAIL, judgement(NOT_WORSE), PASSED, ()),
        (FAIL, judgement(SAME), PASSED, ()),
        (FAIL, judgement(OPEN, metric=SIZE), PASSED, ()),
    ],
    ids=["warn", "open", "refused", "not worse", "settled", "not blocking"],
)
def test_what_is_not_settled_fails_as_the_policy_says(
    on_inconclusive: Answer,
    judged: Judgement,
    outcome: Outcome,
    reasons: tuple[str, ...],
) -> None:
    found = outcome_of(policy(on_inconclusive=on_inconclusive), judged)

    assert found == (outcome, reasons)


@pytest.mark.parametrize(("bound", "outcome"), [(0.019999, PASSED), (0.02, UNDECIDED)])
def test_not_worse_means_a_bound_below_the_margin(
    bound: float, outcome: Outcome
) -> None:
    interval = Interval(0.0, -0.5, bound, 0.9)
    at_the_edge = replace(judgement(OPEN), slowdown=interval)

    found = outcome_of(policy(on_inconclusive=FAIL), at_the_edge)

    assert found[0] is outcome


def test_the_judgements_above_are_what_their_names_say() -> None:
    verdicts = [judgement(e).verdict for e in (WORSE, BETTER, SAME, NOT_WORSE, OPEN)]

    assert verdicts == [
        Verdict.REGRESSED,
        Verdict.IMPROVED,
        Verdict.UNCHANGED,
        Verdict.INCONCLUSIVE,
        Verdict.INCONCLUSIVE,
    ]


@pytest.mark.parametrize("on_missing", Answer)
@pytest.mark.parametrize("removed", [False, True])
def test_a_missing_benchmark_fails_as_the_policy_says(
    on_missing: Answer,
    removed: bool,  # noqa: FBT001 - a column of the table
) -> None:
    found = outcome_of(policy(on_missing=on_missing), removed=removed)

    said = "1 benchmark of the base is missing from the head"
    expected = (UNDECIDED, (said,)) if removed and on_missing is FAIL else (PASSED, ())
    assert found == expected


@pytest.mark.parametrize("failures", [1, 2])
def test_a_failure_is_never_a_pass(failures: int) -> None:
    failed = [Failure("micro", f"b{i}", "it panicked") for i in range(failures)]

    said = "1 failure" if failures == 1 else "2 failures"
    assert outcome_of(POLICY, failures=failed) == (UNDECIDED, (said,))


def test_all_reasons_are_given_the_regression_first() -> None:
    rules = policy(on_inconclusive=FAIL)
    judgements = [judgement(OPEN), judgement(OPEN), judgement(WORSE)]
    failed = [Failure("micro", "b", "it panicked")]

    found = outcome_of(rules, *judgements, failures=failed, removed=True)

    assert found == (
        REGRESSED,
        (
            "1 series regressed",
            "1 failure",
            "1 benchmark of the base is missing from the head",
            "2 series not settled",
        ),
    )


def test_without_a_regression_the_same_is_undecided() -> None:
    found = outcome_of(
        policy(on_inconclusive=FAIL),
        judgement(OPEN),
        failures=[Failure("micro", "b", "it panicked")],
    )

    assert found == (UNDECIDED, ("1 failure", "1 series not settled"))


# --- the order ---


def test_what_needs_somebody_comes_first() -> None:
    large, larger = effect(0.2), effect(0.3)
    faster, fastest = effect(-0.2), effect(-0.3)
    expected = [
        judgement(larger, "z"),
        judgement(large, "y"),
        judgement(effect(0.4), "z", metric=SIZE),
        judgement(OPEN, "open"),
        judgement(None, "a refused"),
        judgement(None, "b refused"),
        judgement(fastest, "p"),
        judgement(faster, "q"),
        judgement(effect(0.001), "u"),
        judgement(SAME, "s", metric=P50),
        judgement(SAME, "s"),
        judgement(SAME, "t"),
    ]
    order = [5, 3, 8, 0, 11, 2, 7, 10, 1, 6, 4, 9]
    shuffled = [expected[i] for i in order]

    report = build_report(
        paired({"a": [1.0]}, {"a": [1.0]}),
        Compared((), control(), ()),
        shuffled,
        policy=POLICY,
    )

    assert list(report.judgements) == expected


# --- what is missing ---


def missing(base: Run, head: Run) -> tuple[tuple[Missing, ...], tuple[Missing, ...]]:
    report = report_of(Measurement(base, head, Design.INDEPENDENT))
    return report.added, report.removed


def test_what_only_one_side_has_was_added_or_removed() -> None:
    base, head = run({"a": [1.0], "xyz": [1.0]}), run({"a": [1.0], "123": [1.0]})

    added, removed = missing(base, head)

    assert added == (Missing("micro", "123"),)
    assert removed == (Missing("micro", "xyz"),)


def test_what_both_have_in_some_round_is_not_missing() -> None:
    base, head = run({"a": [1.0, None]}), run({"a": [None, 1.0]})

    assert missing(base, head) == ((), ())


@pytest.mark.parametrize("side", ["base", "head"])
def test_what_failed_is_not_missing(side: str) -> None:
    failed = (Failure("micro", "b", "it panicked"),)
    rows = {"base": {"a": [1.0], "b": [1.0]}, "head": {"a": [1.0], "b": [1.0]}}
    rows[side].pop("b")
    runs = {
        name: run(given, failures=failed if name == side else ())
        for name, given in rows.items()
    }

    report = report_of(Measurement(runs["base"], runs["head"], Design.INDEPENDENT))

    assert (report.added, report.removed, report.failed) == ((), (), failed)


def test_when_a_whole_suite_failed_its_benchmarks_are_not_missing() -> None:
    failed = (Failure("micro", "", "it does not compile"),)
    base = run({"a": [1.0], "b": [1.0]})
    head = run({"c": [1.0]}, suite="load", failures=failed)

    added, removed = missing(base, head)

    assert removed == ()
    assert added == (Missing("load", "c"),)


@pytest.mark.parametrize(
    ("before", "after", "likely"),
    [
        ("parse/json", "parse/json5", True),
        ("parse/json", "serialise", False),
        ("abcdefghij", "abcdefg123", True),  # 7 of 10 letters: just alike enough
        ("abcdefghij", "abcdef1234", False),
    ],
)
def test_names_that_look_alike_may_be_a_rename(
    before: str,
    after: str,
    likely: bool,  # noqa: FBT001 - a column of the table
) -> None:
    base, head = run({"a": [1.0], before: [1.0]}), run({"a": [1.0], after: [1.0]})

    added, removed = missing(base, head)

    assert added == (Missing("micro", after, likely=before if likely else ""),)
    assert removed == (Missing("micro", before, likely=after if likely else ""),)


def test_the_most_alike_names_are_matched_first_and_each_once() -> None:
    base = run({"sort/10": [1.0], "sort/100": [1.0]})
    head = run({"sort/1000": [1.0], "sort/100x": [1.0], "sort/10000": [1.0]})

    added, removed = missing(base, head)

    assert removed == (
        Missing("micro", "sort/10", likely="sort/100x"),
        Missing("micro", "sort/100", likely="sort/1000"),
    )
    assert [m.likely for m in added] == ["sort/100", "", "sort/10"]


def test_a_rename_stays_in_its_suite() -> None:
    base, head = run({"parse": [1.0]}), run({"parse2": [1.0]}, suite="other")

    added, removed = missing(base, head)

    assert (added[0].likely, removed[0].likely) == ("", "")


def test_a_missing_benchmark_is_never_unchanged() -> None:
    report = report_of(paired({"a": STEADY, "b": STEADY}, {"a": STEADY}))

    assert [j.key.benchmark for j in report.judgements] == ["a"]
    assert report.removed == (Missing("micro", "b"),)
    assert report.outcome is UNDECIDED


# --- environments, failures, doubts ---


@pytest.mark.parametrize(
    ("base", "head", "differences"),
    [
        (Environment(cpu="A"), Environment(cpu="A"), ()),
        (
            Environment(cpu="A"),
            Environment(cpu="B"),
            ("cpu: A on the base, B on the head",),
        ),
        (Environment(cpu="A"), Environment(), ()),
        (Environment(), Environment(cpu="A"), ()),
        (Environment(vcpus=2), Environment(), ()),
        (Environment(), Environment(vcpus=2), ()),
        (
            Environment(vcpus=2, kernel="6.1"),
            Environment(vcpus=4, kernel="6.8"),
            (
                "vcpus: 2 on the base, 4 on the head",
                "kernel: 6.1 on the base, 6.8 on the head",
            ),
        ),
        (
            Environment(tools=(("k6", "1.7"), ("gone", "1"))),
            Environment(tools=(("k6", "1.8"), ("new", "1"))),
            ("k6: 1.7 on the base, 1.8 on the head",),
        ),
    ],
)
def test_known_differences_of_the_machines_are_said(
    base: Environment, head: Environment, differences: tuple[str, ...]
) -> None:
    sides = [run({"a": [1.0]}, environment=machine) for machine in (base, head)]

    report = report_of(Measurement(sides[0], sides[1], Design.INDEPENDENT))

    assert report.differences == differences
    assert (report.base_environment, report.head_environment) == (base, head)


def test_a_failure_of_many_rounds_is_told_once_the_head_s_first() -> None:
    ours = Failure("micro", "b", "it panicked", "round 1")
    again = Failure("micro", "b", "it panicked", "round 2")
    theirs = Failure("micro", "b", "it hung")
    base = run({"a": [1.0]}, failures=(again, theirs))
    head = run({"a": [1.0, 1.0]}, failures=(ours, again))

    report = report_of(Measurement(base, head, Design.INDEPENDENT))

    assert report.failed == (ours, theirs)


def test_a_doubt_of_many_rounds_is_told_once_in_the_order_of_the_flow() -> None:
    base = run({"a": [1.0, None, 1.0]}, doubts=(Doubt("of the base"), Doubt("of both")))
    head = run({"a": [1.0, None, 1.0]}, doubts=(Doubt("of both"), Doubt("of the head")))

    report = report_of(Measurement(base, head, Design.PAIRED))

    assert report.doubts == (
        Doubt("of the base"),
        Doubt("of both"),
        Doubt("of the head"),
        Doubt("1 round in between gave nothing", key("a")),
    )


def test_what_the_comparison_doubts_comes_before_what_a_series_does() -> None:
    rows = {f"b{i}": [1.0 + i] for i in range(8)}
    slower = {name: [1.1 * value for value in row] for name, row in rows.items()}
    measured = Measurement(run(rows), run(slower), Design.INDEPENDENT)

    (doubt,) = report_of(measured).doubts

    assert doubt.text.startswith("micro: every time moved by about +10.0%")


# --- the whole ---


def test_a_report_holds_what_was_measured() -> None:
    base = replace(run({"a": STEADY}), commit=Commit("b" * 40))
    head = replace(run({"a": SLOWER}), commit=Commit("a" * 40, "topic", dirty=True))
    left_out = (Doubt("b was not measured"),)
    measured = Measurement(
        base, head, Design.PAIRED, left_out=left_out, cost=Cost(1.0, 2.0)
    )

    report = report_of(measured)

    assert report == Report(
        outcome=REGRESSED,
        reasons=("1 series regressed",),
        base=base.commit,
        head=head.commit,
        design=Design.PAIRED,
        base_environment=base.environment,
        head_environment=head.environment,
        differences=(),
        error_control=ErrorControl("holm", 0.01, 1),
        judgements=report.judgements,
        added=(),
        removed=(),
        failed=(),
        left_out=left_out,
        doubts=(),
        cost=Cost(1.0, 2.0),
    )
    assert [j.verdict for j in report.judgements] == [Verdict.REGRESSED]


def test_a_first_run_passes() -> None:
    head = replace(
        run({"a": [1.0]}, environment=Environment(cpu="A")), commit=Commit("a" * 40)
    )

    report = report_of(Measurement(None, head, Design.STORED))

    assert report == Report(
        outcome=PASSED,
        reasons=(),
        base=head.commit,
        head=head.commit,
        design=Design.STORED,
        base_environment=Environment(),
        head_environment=head.environment,
        differences=(),
        error_control=ErrorControl("holm", 0.01, 0),
        judgements=(),
        added=(),
        removed=(),
        failed=(),
        left_out=(),
        doubts=(),
        cost=Cost(),
    )


def test_a_first_run_that_failed_does_not_pass() -> None:
    head = run({"a": [1.0]}, failures=(Failure("micro", "b", "it panicked"),))

    assert report_of(Measurement(None, head, Design.STORED)).outcome is UNDECIDED


@pytest.mark.parametrize(
    ("rows", "rules", "outcome"),
    [
        ((STEADY, STEADY), POLICY, PASSED),
        ((STEADY, SLOWER), POLICY, REGRESSED),
        ((STEADY, SLOWER), policy(series=(SeriesRule("*", blocking=False),)), PASSED),
        ((STEADY, SLOWER), policy(series=(SeriesRule("*", margin=0.2),)), PASSED),
        ((SLOWER, STEADY), POLICY, PASSED),
        ((STEADY, NOISY), POLICY, PASSED),
        ((STEADY, NOISY), policy(on_inconclusive=FAIL), UNDECIDED),
    ],
    ids=[
        "unchanged",
        "slower",
        "slower but not blocking",
        "slower but within its margin",
        "faster",
        "noisy",
        "noisy and strict",
    ],
)
def test_from_rounds_to_an_outcome(
    rows: tuple[list[float], list[float]], rules: Policy, outcome: Outcome
) -> None:
    base, head = rows

    assert report_of(paired({"a": base}, {"a": head}), rules).outcome is outcome


def test_a_sample_of_another_metric_is_a_row_of_its_own() -> None:
    both: dict[str, list[Given]] = {
        "a": [*STEADY],
        "b": [sample(v, metric=P50) for v in STEADY],
    }

    report = report_of(paired(both, both))

    assert [j.key.metric for j in report.judgements] == ["time", "p50"]
