"""Five statistics of one slice: against numpy, alone and in company."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchgate.stats.slices import slice_statistics, statistics_of_slices

positive = st.floats(min_value=1e-3, max_value=1e12)
counts = st.integers(min_value=1, max_value=10**9).map(float)
slices = st.lists(st.tuples(positive, counts), min_size=1, max_size=40).map(
    lambda pairs: ([pair[0] for pair in pairs], [pair[1] for pair in pairs])
)


@given(slices)
def test_the_statistics_are_those_of_numpy(
    measured: tuple[list[float], list[float]],
) -> None:
    totals, iterations = map(np.array, measured)
    times = (totals / iterations)[2 * iterations >= iterations.max()]

    found = slice_statistics(*measured)

    expected = [*np.quantile(times, [0, 0.02, 0.1, 0.5]), times.mean()]
    assert found == pytest.approx(tuple(expected), rel=1e-12)


@given(st.lists(slices, max_size=8))
def test_a_slice_gives_the_same_alone_and_in_company(
    measured: list[tuple[list[float], list[float]]],
) -> None:
    alone = [slice_statistics(*one) for one in measured]

    assert statistics_of_slices(measured) == alone


@given(slices)
def test_quantiles_rise(measured: tuple[list[float], list[float]]) -> None:
    low, q02, q10, median, _ = slice_statistics(*measured)

    assert low <= q02 <= q10 <= median


@given(slices, st.integers(min_value=-20, max_value=20))
def test_doubling_the_times_doubles_the_statistics(
    measured: tuple[list[float], list[float]], power: int
) -> None:
    totals, iterations = measured
    scaled = slice_statistics([total * 2.0**power for total in totals], iterations)

    expected = tuple(value * 2.0**power for value in slice_statistics(*measured))
    assert scaled == expected


def test_a_sample_of_one_iteration_does_not_hide_amortised_cost() -> None:
    # Every fifth iteration costs ten, so one alone looks six times too cheap.
    totals = [1.0, 14.0, 28.0, 42.0]
    iterations = [1.0, 5.0, 10.0, 15.0]

    assert slice_statistics(totals, iterations) == pytest.approx((2.8,) * 5)


def test_half_the_largest_count_is_enough() -> None:
    found = slice_statistics([4.9, 5.0, 20.0], [4.0, 5.0, 10.0])

    assert found[0] == 1.0
    assert found[-1] == 1.5


@pytest.mark.parametrize(
    ("totals", "iterations"),
    [([], []), ([1.0], []), ([1.0, 2.0], [1.0])],
)
def test_shapes_that_do_not_fit_are_an_error(
    totals: list[float], iterations: list[float]
) -> None:
    with pytest.raises(ValueError, match="totals for"):
        slice_statistics(totals, iterations)
