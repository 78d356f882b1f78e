"""Verdicts at and beside every edge of the policy."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchgate.judge import CONFIDENCE, blocks, detectable, judge, margin_of
from benchgate.model import (
    Comparison,
    Effect,
    Interval,
    Judgement,
    Kind,
    Metric,
    SeriesRule,
    Verdict,
)
from tests.builders import (
    DROPPED,
    ERRORS,
    LAW,
    P50,
    P95,
    POLICY,
    RATE,
    SIZE,
    TIME,
    comparison,
    control,
    effect,
    key,
    policy,
)

EDGE = math.log1p(0.02)
REGRESSED, IMPROVED = Verdict.REGRESSED, Verdict.IMPROVED
UNCHANGED, INCONCLUSIVE = Verdict.UNCHANGED, Verdict.INCONCLUSIVE


def judged(found: Effect | None, *, tests: int = 1, **about: object) -> Judgement:
    """Return the judgement of one comparison under the plain policy."""
    made = comparison(found, **about)  # type: ignore[arg-type]
    (judgement,) = judge([made], policy=POLICY, control=control(tests))
    return judgement


# --- the verdict ---


@pytest.mark.parametrize(
    ("theta", "verdict"),
    [
        (math.nextafter(EDGE, 1), REGRESSED),
        (EDGE, INCONCLUSIVE),
        (math.nextafter(EDGE, 0), INCONCLUSIVE),
        (0.0, UNCHANGED),
        (-math.nextafter(EDGE, 0), INCONCLUSIVE),
        (-EDGE, INCONCLUSIVE),
        (-math.nextafter(EDGE, 1), IMPROVED),
    ],
)
def test_a_change_must_lie_beyond_the_margin(theta: float, verdict: Verdict) -> None:
    assert judged(effect(theta)).verdict is verdict


@pytest.mark.parametrize(
    ("p", "tests", "verdict"),
    [
        (math.nextafter(0.01, 0), 1, REGRESSED),
        (0.01, 1, INCONCLUSIVE),
        (math.nextafter(0.01 / 4, 0), 4, REGRESSED),
        (0.01 / 4, 4, INCONCLUSIVE),
    ],
)
def test_a_regression_must_be_surer_than_the_level(
    p: float, tests: int, verdict: Verdict
) -> None:
    assert judged(effect(0.1, p_slower=p), tests=tests).verdict is verdict


@pytest.mark.parametrize(
    ("p", "verdict"), [(math.nextafter(0.01, 0), IMPROVED), (0.01, INCONCLUSIVE)]
)
def test_an_improvement_must_be_as_sure(p: float, verdict: Verdict) -> None:
    assert judged(effect(-0.1, p_faster=p)).verdict is verdict


@pytest.mark.parametrize(
    ("theta", "high", "verdict"),
    [
        (0.0, math.nextafter(EDGE, 0), UNCHANGED),
        (0.0, EDGE, INCONCLUSIVE),
        (0.001, math.nextafter(EDGE, 0), UNCHANGED),
        (0.001, math.nextafter(EDGE, 1), INCONCLUSIVE),
        (EDGE / 2, EDGE, INCONCLUSIVE),
        (-EDGE / 2, 0.0, INCONCLUSIVE),
    ],
)
def test_unchanged_means_both_bounds_within_the_margins(
    theta: float, high: float, verdict: Verdict
) -> None:
    unsure = effect(theta, se=1.0, bound=high - theta, p_slower=0.5, p_faster=0.5)

    # What is added to a theta and taken away again may have lost its last bit.
    found = judged(unsure)

    assert theta + unsure.bound == high
    assert found.verdict is verdict


def test_a_known_small_slowdown_is_unchanged_however_sure() -> None:
    assert judged(effect(0.01, se=1e-5)).verdict is UNCHANGED


def test_a_verdict_comes_with_its_numbers() -> None:
    found = effect(0.1, se=0.01, p_slower=0.001, p_faster=0.999)

    judgement = judged(found, tests=5)

    assert judgement == Judgement(
        comparison=comparison(found),
        verdict=REGRESSED,
        reason="",
        blocking=True,
        accepted=None,
        slowdown=Interval(
            math.expm1(0.1),
            math.expm1(0.1 - 0.01729),
            math.expm1(0.1 + 0.01729),
            CONFIDENCE,
        ),
        p=0.001,
        p_adjusted=0.005,
        margin=0.02,
        detectable=math.expm1(0.04 + 0.00861),
        rounds_needed=judgement.rounds_needed,
    )


def test_the_p_of_an_improvement_is_that_of_faster() -> None:
    judgement = judged(effect(-0.1, p_slower=0.999, p_faster=0.001), tests=3)

    assert (judgement.p, judgement.p_adjusted) == (0.001, 0.003)


def test_without_an_effect_the_reason_is_all_there_is() -> None:
    judgement = judged(None, reason="too short")

    assert judgement.verdict is INCONCLUSIVE
    assert judgement.reason == "too short"
    assert judgement.margin == 0.02
    assert (
        judgement.slowdown,
        judgement.p,
        judgement.p_adjusted,
        judgement.detectable,
        judgement.rounds_needed,
        judgement.accepted,
    ) == (None,) * 6


@pytest.mark.parametrize("theta", [math.nan, math.inf])
def test_a_number_that_is_none_is_inconclusive(theta: float) -> None:
    found = effect(0.0, p_slower=math.nan, p_faster=math.nan)

    judgement = judged(replace(found, theta=theta, se=math.nan))

    assert judgement.verdict is INCONCLUSIVE


def test_a_bound_without_end_is_no_overflow() -> None:
    judgement = judged(effect(0.0, se=1000.0))

    assert judgement.slowdown is not None
    assert judgement.slowdown.hi > 1e300
    assert judgement.slowdown.lo == -1.0


def test_where_more_is_better_a_loss_of_half_is_a_slowdown_of_one() -> None:
    judgement = judged(effect(math.log(2)), metric=RATE)

    assert judgement.verdict is REGRESSED
    assert judgement.slowdown is not None
    assert judgement.slowdown.point == pytest.approx(1.0)


# --- errors are differences ---


@pytest.mark.parametrize(
    ("difference", "verdict"),
    [(math.nextafter(0.02, 1), REGRESSED), (0.02, INCONCLUSIVE), (0.0, UNCHANGED)],
)
def test_error_rates_are_judged_by_their_difference(
    difference: float, verdict: Verdict
) -> None:
    judgement = judged(effect(difference), metric=ERRORS, base=0.0)

    assert judgement.verdict is verdict
    assert judgement.slowdown is not None
    assert judgement.slowdown.point == difference


# --- families ---


def judged_all(*comparisons: Comparison, tests: int) -> list[Judgement]:
    return list(judge(comparisons, policy=POLICY, control=control(tests)))


def test_blocking_series_share_the_level_by_holm() -> None:
    found = judged_all(
        comparison(effect(0.1, p_slower=0.004), "a"),
        comparison(effect(0.1, p_slower=0.003), "b"),
        comparison(effect(0.1, p_slower=0.9), "c"),
        tests=3,
    )

    assert [j.p_adjusted for j in found] == pytest.approx([0.009, 0.009, 0.9])
    assert [j.verdict for j in found] == [REGRESSED, REGRESSED, INCONCLUSIVE]


def test_more_effects_than_planned_tests_are_all_counted() -> None:
    found = judged_all(
        *(comparison(effect(0.1, p_slower=0.004), name) for name in "abc"), tests=1
    )

    assert [j.p_adjusted for j in found] == [0.012] * 3


def test_what_only_watches_is_a_family_of_its_own() -> None:
    found = judged_all(
        comparison(effect(0.1, p_slower=0.004), "a"),
        comparison(effect(0.1, p_slower=0.04), "b", metric=SIZE),
        comparison(effect(0.1, p_slower=0.06), "c", metric=SIZE),
        comparison(effect(0.1, p_slower=0.2), "d", metric=SIZE),
        tests=1,
    )

    assert [j.p_adjusted for j in found] == pytest.approx([0.004, 0.09, 0.09, 0.2])
    assert [j.verdict for j in found] == [
        REGRESSED,
        REGRESSED,
        REGRESSED,
        INCONCLUSIVE,
    ]
    assert [j.blocking for j in found] == [True, False, False, False]


@pytest.mark.parametrize(
    ("p", "verdict"), [(math.nextafter(0.1, 0), REGRESSED), (0.1, INCONCLUSIVE)]
)
def test_what_only_watches_may_err_once_in_ten(p: float, verdict: Verdict) -> None:
    found = judged(effect(0.1, p_slower=p), metric=SIZE)

    assert found.verdict is verdict


def test_a_refused_series_costs_the_others_nothing() -> None:
    found = judged_all(
        comparison(None, "a"),
        comparison(effect(0.1, p_slower=0.009), "b"),
        tests=1,
    )

    assert found[1].p_adjusted == 0.009


# --- what blocks, and from where on ---


@pytest.mark.parametrize(
    ("metric", "blocking"),
    [
        (TIME, True),
        (P50, True),
        (P95, True),
        (RATE, True),
        (ERRORS, True),
        (DROPPED, True),
        (SIZE, False),
        (replace(TIME, kind=Kind.COST), True),
        (replace(TIME, kind=Kind.COUNT), False),
    ],
)
def test_counts_and_sizes_only_watch(metric: Metric, blocking: bool) -> None:  # noqa: FBT001 - a column of the table
    assert blocks(key("a", metric), metric, POLICY) is blocking


@pytest.mark.parametrize(
    ("rules", "blocking"),
    [
        ([SeriesRule("micro:parse/*", blocking=False)], False),
        ([SeriesRule("micro:sort/*", blocking=False)], True),
        ([SeriesRule("*", blocking=False)], False),
        ([SeriesRule("MICRO:parse/*", blocking=False)], True),
        ([SeriesRule("parse/*", blocking=False)], True),
        ([SeriesRule("*:parse/*", margin=0.5)], True),
        (
            [
                SeriesRule("micro:*", blocking=False),
                SeriesRule("micro:parse/*", blocking=True),
            ],
            True,
        ),
        (
            [
                SeriesRule("micro:parse/*", blocking=True),
                SeriesRule("micro:*", blocking=False),
            ],
            False,
        ),
    ],
)
def test_the_last_rule_that_matches_says_what_blocks(
    rules: list[SeriesRule],
    blocking: bool,  # noqa: FBT001 - a column of the table
) -> None:
    found = blocks(key("parse/json"), TIME, policy(series=tuple(rules)))

    assert found is blocking


def test_a_rule_makes_a_size_block() -> None:
    rules = (SeriesRule("micro:*", blocking=True),)

    assert blocks(key("a", SIZE), SIZE, policy(series=rules))


@pytest.mark.parametrize(
    ("rules", "margin"),
    [
        ([], 0.02),
        ([SeriesRule("micro:a", margin=0.5)], 0.5),
        ([SeriesRule("micro:a", margin=0.0)], 0.0),
        ([SeriesRule("micro:b", margin=0.5)], 0.02),
        ([SeriesRule("micro:a", blocking=False)], 0.02),
        (
            [SeriesRule("micro:a", margin=0.5), SeriesRule("micro:*", margin=0.1)],
            0.1,
        ),
    ],
)
def test_the_last_rule_that_matches_says_the_margin(
    rules: list[SeriesRule], margin: float
) -> None:
    found = margin_of(comparison(effect(0.0)), policy(series=tuple(rules)))

    assert found == margin


def test_each_kind_has_its_margin() -> None:
    margins = {**POLICY.margins, Kind.TAIL: 0.1}

    assert margin_of(comparison(None, metric=P95), policy(margins=margins)) == 0.1
    assert margin_of(comparison(None, metric=P50), policy(margins=margins)) == 0.02


@pytest.mark.parametrize(
    ("base", "margin"), [(2e-9, 0.25), (25e-9, 0.02), (1e-6, 0.02)]
)
def test_half_a_nanosecond_is_the_margin_of_what_takes_two(
    base: float, margin: float
) -> None:
    floors = policy(absolute={Kind.TIME: 0.5e-9})

    found = margin_of(comparison(effect(0.0), base=base), floors)

    assert found == pytest.approx(margin)


@pytest.mark.parametrize(
    ("slowdown", "verdict"), [(0.249, INCONCLUSIVE), (0.251, REGRESSED)]
)
def test_an_absolute_floor_must_be_exceeded_too(
    slowdown: float, verdict: Verdict
) -> None:
    floors = policy(absolute={Kind.TIME: 0.5e-9})
    found = comparison(effect(math.log1p(slowdown)), base=2e-9)

    (judgement,) = judge([found], policy=floors, control=control())

    assert judgement.verdict is verdict


@pytest.mark.parametrize(
    "found",
    [
        comparison(effect(0.0), metric=SIZE, base=1e-9),
        comparison(effect(0.0), metric=P95, base=1e-9),
        replace(comparison(effect(0.0), base=1e-9), base=None),
    ],
    ids=["of another unit", "of another kind", "without a base"],
)
def test_a_floor_of_seconds_concerns_seconds_of_its_kind(found: Comparison) -> None:
    floors = policy(absolute={Kind.TIME: 0.5e-9, Kind.SIZE: 0.5e-9})

    assert margin_of(found, floors) == 0.02


def test_a_rule_does_not_lower_the_absolute_floor() -> None:
    rules = (SeriesRule("*", margin=0.01),)
    floors = policy(absolute={Kind.TIME: 0.5e-9}, series=rules)

    assert margin_of(comparison(effect(0.0), base=2e-9), floors) == 0.25


# --- what could have been seen ---


def test_what_is_detectable_is_the_margin_or_the_critical_value_and_a_step() -> None:
    found = effect(0.0, se=0.01)

    assert detectable(found, 0.0, units=20) == pytest.approx(0.04 + 0.00861)
    assert detectable(found, 0.05, units=20) == pytest.approx(0.05 + 0.00861)
    assert detectable(found, 0.0, units=80) == pytest.approx((0.04 + 0.00861) / 2)


def needed_by_trial(found: Effect, edge: float) -> int | None:
    trials = (
        rounds
        for rounds in range(2, 201, 2)
        if detectable(
            found, edge, units=max(2.0, rounds / (found.rounds / found.units))
        )
        <= 2 * edge
    )
    return next(trials, None)


@LAW
@given(
    st.floats(min_value=1e-4, max_value=1.0),
    st.integers(min_value=1, max_value=40),
    st.integers(min_value=1, max_value=4),
)
def test_the_rounds_needed_are_the_fewest_that_catch_twice_the_margin(
    se: float, units: int, per_unit: int
) -> None:
    found = effect(0.0, se=se, units=units, rounds=units * per_unit)

    assert judged(found).rounds_needed == needed_by_trial(found, EDGE)


@pytest.mark.parametrize(("se", "rounds"), [(1e-6, 2), (1.0, None)])
def test_the_rounds_needed_have_a_least_and_a_most(
    se: float, rounds: int | None
) -> None:
    assert judged(effect(0.0, se=se)).rounds_needed == rounds


def test_two_hundred_rounds_are_the_most_that_are_asked_for() -> None:
    # At 200 rounds: max(4 se, edge) + 0.861 se <= 2 edge.
    enough = 2 * EDGE / 4.861 * math.sqrt(200 / 20) * (1 - 1e-9)

    assert judged(effect(0.0, se=enough)).rounds_needed == 200
    assert judged(effect(0.0, se=1.001 * enough)).rounds_needed is None


def test_a_margin_of_nothing_needs_more_rounds_than_there_are() -> None:
    rules = policy(series=(SeriesRule("*", margin=0.0),))

    (judgement,) = judge([comparison(effect(0.0))], policy=rules, control=control())

    assert judgement.rounds_needed is None
    assert judgement.verdict is INCONCLUSIVE
