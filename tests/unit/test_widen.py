"""What a calibration found is honoured wherever stored runs judge."""

from __future__ import annotations

import pytest

from benchgate.model import Effect, Verdict
from tests.builders import compared_window, judged, policy, run
from tests.unit.history.made import noise

STORED = [
    run({"a": [a], "b": [b]})
    for a, b in zip(noise(30, seed=1), noise(30, seed=2), strict=True)
]
HEAD = run({"a": [1.045e-6], "b": [1.0e-6]})


def effect_of(widen: float) -> Effect:
    found = compared_window(STORED, HEAD, policy(widen=widen)).comparisons[0].effect
    assert found is not None
    return found


def test_a_factor_of_one_changes_nothing() -> None:
    assert compared_window(STORED, HEAD, policy(widen=1.0)) == compared_window(
        STORED, HEAD
    )


@pytest.mark.parametrize("widen", [1.05, 1.5, 2.0])
def test_the_standard_error_is_multiplied_and_the_change_stays(widen: float) -> None:
    plain, wide = effect_of(1.0), effect_of(widen)

    assert wide.theta == plain.theta
    assert wide.se == pytest.approx(widen * plain.se)
    assert wide.p_slower > plain.p_slower
    assert (wide.bound, wide.critical, wide.power) == (
        plain.bound,
        plain.critical,
        plain.power,
    )


def test_a_wider_error_makes_intervals_wider_and_sees_less() -> None:
    plain, wide = (
        judged(compared_window(STORED, HEAD, policy(widen=w)), policy(widen=w))[0]
        for w in (1.0, 2.0)
    )

    assert plain.verdict is Verdict.REGRESSED
    assert wide.verdict is Verdict.INCONCLUSIVE
    assert plain.slowdown is not None
    assert wide.slowdown is not None
    assert wide.slowdown.lo < plain.slowdown.lo < plain.slowdown.hi < wide.slowdown.hi
    assert plain.detectable is not None
    assert wide.detectable is not None
    assert wide.detectable > plain.detectable
