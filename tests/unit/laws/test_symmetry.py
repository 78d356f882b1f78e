"""Which side is which, and which direction is good, is all that turns a verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchgate.model import (
    Better,
    Effect,
    Judgement,
    Measurement,
    Outcome,
    Run,
    Sample,
    Verdict,
)
from benchgate.stats.pairs import FEWEST_TO_CHOOSE
from tests.builders import LAW, RATE, compared, judged, paired, policy, report_of
from tests.unit.laws.measured import (
    against_itself,
    counted,
    measurements,
    swapped,
    turned,
)

# With margins of nothing a verdict depends on the tests alone.
NO_MARGIN = policy(false_alarms=0.2, margins=dict.fromkeys(policy().margins, 0.0))
MIRRORED = {
    Verdict.REGRESSED: Verdict.IMPROVED,
    Verdict.IMPROVED: Verdict.REGRESSED,
    Verdict.UNCHANGED: Verdict.UNCHANGED,
    Verdict.INCONCLUSIVE: Verdict.INCONCLUSIVE,
}


def judgements(measurement: Measurement) -> tuple[Judgement, ...]:
    return judged(compared(measurement, NO_MARGIN), NO_MARGIN)


def effects(measurement: Measurement) -> list[Effect | None]:
    return [c.effect for c in compared(measurement).comparisons]


def mirrored(effect: Effect | None) -> Effect | None:
    """Return the effect with worse and better exchanged, every bit of it."""
    if effect is None:
        return None
    return replace(
        effect,
        theta=-effect.theta,
        p_slower=effect.p_faster,
        p_faster=effect.p_slower,
    )


def verdicts(found: Sequence[Judgement]) -> list[Verdict]:
    return [j.verdict for j in found]


@LAW
@given(st.one_of(measurements(), counted()))
def test_a_run_against_itself_never_regresses(measurement: Measurement) -> None:
    found = judgements(against_itself(measurement))

    assert Verdict.REGRESSED not in verdicts(found)
    assert {j.comparison.effect.theta for j in found if j.comparison.effect} <= {0.0}
    assert report_of(against_itself(measurement)).outcome is Outcome.PASSED


@LAW
@given(measurements())
def test_swapping_the_sides_mirrors_every_effect_exactly(
    measurement: Measurement,
) -> None:
    back = effects(swapped(measurement))

    assert effects(measurement) == [mirrored(effect) for effect in back]


@LAW
@given(measurements())
def test_swapping_the_sides_mirrors_every_verdict(measurement: Measurement) -> None:
    forth, back = judgements(measurement), judgements(swapped(measurement))

    assert verdicts(forth) == [MIRRORED[verdict] for verdict in verdicts(back)]


@LAW
@given(counted())
def test_swapping_the_sides_mirrors_the_verdict_on_errors(
    measurement: Measurement,
) -> None:
    (forth,), (back,) = judgements(measurement), judgements(swapped(measurement))

    assert forth.verdict is MIRRORED[back.verdict]
    assert forth.slowdown is not None
    assert back.slowdown is not None
    assert forth.slowdown.point == -back.slowdown.point


# With more rounds quiet pairs are looked for, which differ: noise makes a time longer
# and a rate smaller.
@LAW
@given(measurements(most_rounds=FEWEST_TO_CHOOSE - 1))
def test_turning_a_metric_around_mirrors_every_effect_exactly(
    measurement: Measurement,
) -> None:
    # Not the kind of times: for these the suite is a series more, where less is better.
    lower = turned(replace(RATE, better=Better.LOWER), measurement)
    higher = turned(RATE, measurement)

    assert effects(lower) == [mirrored(effect) for effect in effects(higher)]


def test_the_rate_of_what_takes_long_says_the_same_as_its_time() -> None:
    rng = np.random.default_rng(5)
    times = np.exp(0.3 * rng.random((2, 40)) ** 4 + [[0.0], [0.02]])
    metrics = (replace(RATE, better=Better.LOWER), RATE)

    by_time, by_rate = (
        effects(paired({"a": base}, {"a": head}, metric=metric))
        for metric, (base, head) in zip(
            metrics, (times.tolist(), (1 / times).tolist()), strict=True
        )
    )

    (time,), (rate,) = by_time, by_rate
    assert time is not None
    assert rate is not None
    assert rate.theta == pytest.approx(time.theta)
    assert rate.p_slower == pytest.approx(time.p_slower)
    assert time.units < 40


@LAW
@given(measurements(), st.integers(min_value=-40, max_value=40), st.data())
def test_scaling_one_series_on_both_sides_changes_no_bit(
    measurement: Measurement, power: int, data: st.DataObject
) -> None:
    assert measurement.base is not None
    keys = sorted({key for r in measurement.base.rounds for key in r.samples})
    chosen = data.draw(st.sampled_from(keys))

    def scaled(side: Run) -> Run:
        rounds = tuple(
            replace(
                one,
                samples={
                    key: replace(
                        reading,
                        values=tuple(math.ldexp(v, power) for v in reading.values),
                    )
                    if key == chosen and isinstance(reading, Sample)
                    else reading
                    for key, reading in one.samples.items()
                },
            )
            for one in side.rounds
        )
        return replace(side, rounds=rounds)

    bigger = replace(
        measurement, base=scaled(measurement.base), head=scaled(measurement.head)
    )

    assert effects(bigger) == effects(measurement)
    assert verdicts(judgements(bigger)) == verdicts(judgements(measurement))


@pytest.mark.parametrize(
    ("rounds", "verdict"),
    [(1, Verdict.INCONCLUSIVE), (2, Verdict.UNCHANGED), (20, Verdict.UNCHANGED)],
)
def test_copies_of_one_number_are_unchanged_from_two_pairs_on(
    rounds: int, verdict: Verdict
) -> None:
    (found,) = judged(compared(paired({"a": [1.5] * rounds}, {"a": [1.5] * rounds})))

    assert found.verdict is verdict
