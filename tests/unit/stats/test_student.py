"""Student's t against scipy.stats, which is too heavy for the product."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchgate.stats.student import upper_quantile, upper_tail

degrees = st.integers(min_value=1, max_value=200)


@given(st.floats(min_value=-30, max_value=30), degrees)
def test_the_upper_tail_is_that_of_scipy(t: float, df: int) -> None:
    assert upper_tail(t, df) == pytest.approx(stats.t.sf(t, df), rel=1e-9, abs=1e-300)


@given(st.floats(min_value=1e-9, max_value=1 - 1e-9), degrees)
def test_the_upper_quantile_is_that_of_scipy(p: float, df: int) -> None:
    expected = stats.t.isf(p, df)

    assert upper_quantile(p, df) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(st.floats(min_value=1e-6, max_value=0.5), degrees)
def test_the_quantile_is_where_the_tail_is_p(p: float, df: int) -> None:
    assert upper_tail(upper_quantile(p, df), df) == pytest.approx(p, rel=1e-6)


def test_infinite_degrees_of_freedom_are_the_normal_distribution() -> None:
    assert upper_tail(1.5, math.inf) == pytest.approx(stats.norm.sf(1.5), rel=1e-12)
    assert upper_quantile(0.05, math.inf) == pytest.approx(1.6448536, abs=1e-6)
