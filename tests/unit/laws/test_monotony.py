"""A stricter policy finds no less, a laxer one no more."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from benchgate.model import Answer, Kind, Measurement, Outcome, SeriesRule, Verdict
from tests.builders import LAW, compared, judged, paired, policy, report_of
from tests.unit.laws.measured import measurements, values

margins = st.floats(min_value=0.0, max_value=1.0)


def regressed(measurement: Measurement, margin: float, level: float) -> set[str]:
    rules = policy(margins=dict.fromkeys(Kind, margin), false_alarms=level)
    found = judged(compared(measurement, rules), rules)
    return {str(j.key) for j in found if j.verdict is Verdict.REGRESSED}


def family_size(measurement: Measurement, margin: float) -> int:
    rules = policy(margins=dict.fromkeys(Kind, margin), false_alarms=0.2)
    return compared(measurement, rules).error_control.tests


@LAW
@given(measurements(), margins, margins)
def test_a_higher_margin_never_adds_a_regression(
    measurement: Measurement, one: float, other: float
) -> None:
    # A higher margin may leave fewer tests, and each a larger part of the error.
    assume(family_size(measurement, one) == family_size(measurement, other))

    few = regressed(measurement, max(one, other), 0.2)

    assert few <= regressed(measurement, min(one, other), 0.2)


@LAW
@given(
    measurements(most_rounds=7),
    *[st.floats(min_value=1e-4, max_value=0.4)] * 2,
)
def test_a_lower_level_never_adds_a_regression(
    measurement: Measurement, one: float, other: float
) -> None:
    # With fewer than eight pairs nothing is chosen by the level.
    few = regressed(measurement, 0.0, min(one, other))

    assert few <= regressed(measurement, 0.0, max(one, other))


@LAW
@given(measurements())
def test_a_laxer_policy_never_turns_a_pass_into_a_failure(
    measurement: Measurement,
) -> None:
    strict = policy(on_inconclusive=Answer.FAIL, false_alarms=0.2)
    lax = policy(
        on_inconclusive=Answer.WARN,
        on_missing=Answer.WARN,
        on_weak=Answer.WARN,
        false_alarms=0.2,
    )
    watched = policy(series=(SeriesRule("*", blocking=False),))

    order = [Outcome.PASSED, Outcome.UNDECIDED, Outcome.REGRESSED]
    outcomes = [report_of(measurement, rules).outcome for rules in (strict, lax)]
    assert order.index(outcomes[1]) <= order.index(outcomes[0])
    assert report_of(measurement, watched).outcome is Outcome.PASSED


@LAW
@given(
    st.lists(values, min_size=2, max_size=12),
    st.data(),
    st.floats(min_value=1.0, max_value=3.0),
)
def test_slowing_the_whole_head_never_lowers_its_change(
    base: list[float], data: st.DataObject, factor: float
) -> None:
    head = data.draw(st.lists(values, min_size=len(base), max_size=len(base)))
    seven = slice(0, 7)  # nothing is left out of seven pairs

    before, after = (
        compared(paired({"a": base[seven]}, {"a": side[seven]})).comparisons[0].effect
        for side in (head, [factor * value for value in head])
    )

    assert before is not None
    assert after is not None
    assert after.theta >= before.theta - 1e-12
    assert after.se <= before.se * (1 + 1e-6)
