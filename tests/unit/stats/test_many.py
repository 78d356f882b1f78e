"""Adjusted p-values against scipy and against the definition."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchgate.stats.many import benjamini_hochberg, holm
from tests.builders import LAW

p_values = st.lists(st.floats(min_value=0, max_value=1), max_size=30)


def holm_by_definition(p: list[float], tests: int) -> list[float]:
    """Return P(i) = max over j <= i of min(1, (m - j + 1) p(j)), in p's order."""
    ranked = sorted(p)
    steps = [min(1.0, (tests - rank) * value) for rank, value in enumerate(ranked)]
    return [max(steps[: ranked.index(value) + p.count(value)]) for value in p]


@LAW
@given(p_values, st.integers(min_value=0, max_value=5))
def test_holm_is_the_definition(p: list[float], unmeasured: int) -> None:
    tests = len(p) + unmeasured

    # Among equal p-values the later ones share the first one's, which is larger.
    assert holm(p, tests=tests) == pytest.approx(holm_by_definition(p, tests))


def test_holm_steps_down() -> None:
    assert holm([0.04, 0.01, 0.03], tests=3) == [0.06, 0.03, 0.06]


def test_a_planned_test_that_gave_nothing_still_costs() -> None:
    assert holm([0.01, 0.02], tests=4) == [0.04, 0.06]


def test_equal_p_values_are_adjusted_alike() -> None:
    assert holm([0.02, 0.02], tests=2) == [0.04, 0.04]


@LAW
@given(p_values.filter(len))
def test_benjamini_hochberg_is_that_of_scipy(p: list[float]) -> None:
    expected = stats.false_discovery_control(p, method="bh")

    assert benjamini_hochberg(p) == pytest.approx(expected.tolist())


@pytest.mark.parametrize("adjust", [benjamini_hochberg, lambda p: holm(p, tests=3)])
def test_no_p_values_have_none_adjusted(adjust: type) -> None:
    assert adjust([]) == []


@LAW
@given(p_values)
def test_an_adjusted_p_is_never_smaller(p: list[float]) -> None:
    pairs = zip(
        [*p, *p],
        [*holm(p, tests=len(p)), *benjamini_hochberg(p)],
        strict=True,
    )

    assert all(after >= before for before, after in pairs)
