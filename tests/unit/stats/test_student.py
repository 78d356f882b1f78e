"""Student's t against scipy.stats, which is too heavy for the product."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchgate.stats import student
from benchgate.stats.student import upper_quantile, upper_tail
from tests.builders import LAW

degrees = st.integers(min_value=1, max_value=200)


@LAW
@given(st.floats(min_value=-30, max_value=30), degrees)
def test_the_upper_tail_is_that_of_scipy(t: float, df: int) -> None:
    # Near zero scipy keeps but eight digits; everywhere else both keep more.
    expected = stats.t.sf(t, df)

    assert upper_tail(t, df) == pytest.approx(expected, rel=1e-8, abs=1e-300)


@LAW
@given(st.floats(min_value=1e-9, max_value=1 - 1e-9), degrees)
def test_the_upper_quantile_is_that_of_scipy(p: float, df: int) -> None:
    expected = stats.t.isf(p, df)

    assert upper_quantile(p, df) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@LAW
@given(st.floats(min_value=1e-6, max_value=0.5), degrees)
def test_the_quantile_is_where_the_tail_is_p(p: float, df: int) -> None:
    assert upper_tail(upper_quantile(p, df), df) == pytest.approx(p, rel=1e-6)


@pytest.mark.parametrize("df", [1, 4, 39])
def test_a_t_without_end_has_no_tail(df: int) -> None:
    assert upper_tail(math.inf, df) == upper_tail(1e200, df) == 0.0
    assert upper_tail(-math.inf, df) == 1.0


def test_what_is_no_number_has_no_tail() -> None:
    assert math.isnan(upper_tail(math.nan, 4))


def test_a_fraction_that_does_not_settle_ends_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(student, "_MOST_STEPS", 3)

    assert upper_tail(1.0, 4) == pytest.approx(stats.t.sf(1.0, 4), rel=0.1)


def test_infinite_degrees_of_freedom_are_the_normal_distribution() -> None:
    assert upper_tail(1.5, math.inf) == pytest.approx(stats.norm.sf(1.5), rel=1e-12)
    assert upper_quantile(0.05, math.inf) == pytest.approx(1.6448536, abs=1e-6)
