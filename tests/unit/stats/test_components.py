"""What lies between groups and what within, against SciPy, NumPy and by laws."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from benchgate.stats import components as module
from benchgate.stats.components import components, largest_difference
from tests.builders import LAW

Groups = list[list[float]]
Noise = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
numbers = st.floats(min_value=-10, max_value=10)


@st.composite
def groups(draw: st.DrawFn) -> Groups:
    """Return two to eight groups of two or three values."""
    repeats = draw(st.sampled_from([2, 3]))
    group = st.lists(numbers, min_size=repeats, max_size=repeats)
    return draw(st.lists(group, min_size=2, max_size=8))


def close(value: float) -> object:
    return pytest.approx(value, rel=1e-6, abs=1e-5)


@LAW
@given(groups())
def test_no_deviation_is_negative(values: Groups) -> None:
    found = components(values)

    assert found.between >= 0
    assert found.within >= 0
    assert found.locations == tuple(map(min, values))


@LAW
@given(groups(), numbers)
def test_what_all_values_share_is_no_spread(values: Groups, shift: float) -> None:
    moved = components([[value + shift for value in group] for group in values])

    assert moved.between == close(components(values).between)
    assert moved.within == close(components(values).within)


@LAW
@given(groups(), st.floats(min_value=0.1, max_value=10))
def test_the_unit_is_that_of_the_values(values: Groups, scale: float) -> None:
    found = components(values)
    scaled = components([[scale * value for value in group] for group in values])

    assert scaled.between == close(scale * found.between)
    assert scaled.within == close(scale * found.within)


@LAW
@given(groups())
def test_no_order_matters(values: Groups) -> None:
    mixed = [sorted(group, reverse=True) for group in reversed(values)]

    assert components(mixed).between == close(components(values).between)
    assert components(mixed).within == close(components(values).within)


@LAW
@given(
    st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=2, max_size=8),
    st.floats(min_value=0, max_value=1000),
)
def test_a_burst_that_hits_one_slice_of_each_layout_moves_nothing(
    values: Groups, burst: float
) -> None:
    hit = [[*sorted(group)[:2], max(group) + burst] for group in values]
    found, expected = components(hit), components(values)

    assert found.between == close(expected.between)
    assert found.within == close(expected.within)


def simulated(
    between: float, within: float, *, repeats: int, number: int = 2_000
) -> Groups:
    rng = np.random.default_rng(7)
    places = rng.normal(0, between, (number, 1))
    noisy: Groups = (places + rng.normal(0, within, (number, repeats))).tolist()
    return noisy


@pytest.fixture
def hardly_exchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save the exchanges, which take long among thousands of groups."""
    monkeypatch.setattr(module, "_EXCHANGES", 1)


@pytest.mark.usefixtures("hardly_exchanged")
@pytest.mark.parametrize("repeats", [2, 3])
@pytest.mark.parametrize(("between", "within"), [(0.02, 0.01), (0.02, 0.04), (0.1, 0)])
def test_both_parts_are_found_again(
    between: float, within: float, repeats: int
) -> None:
    found = components(simulated(between, within, repeats=repeats))

    assert found.between == pytest.approx(between, rel=0.1)
    assert found.within == pytest.approx(within, rel=0.05, abs=1e-12)


@pytest.mark.usefixtures("hardly_exchanged")
@pytest.mark.parametrize("repeats", [2, 3])
def test_in_clean_noise_it_is_what_an_analysis_of_variance_finds(repeats: int) -> None:
    values = simulated(0.03, 0.02, repeats=repeats)
    table = np.array(values)
    squares_within = table.var(axis=1, ddof=1).mean()
    squares_between = repeats * table.mean(axis=1).var(ddof=1)
    classic = math.sqrt((squares_between - squares_within) / repeats)

    assert components(values).between == pytest.approx(classic, rel=0.05)


def quiet(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.asarray(rng.normal(0, 0.01, shape))


def beside_a_neighbour(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Half of all slices take 40 % longer, and nothing tells which."""
    return np.asarray(quiet(rng, shape) + 0.4 * (rng.random(shape) < 0.5))


@pytest.mark.parametrize("noise", [quiet, beside_a_neighbour])
@pytest.mark.parametrize("number", [5, 10])
def test_layouts_that_are_all_alike_seldom_look_apart(
    noise: Noise, number: int
) -> None:
    trials = noise(np.random.default_rng(3), (300, number, 3)).tolist()
    apart = sum(components(trial).p <= 0.01 for trial in trials)

    assert apart / len(trials) == pytest.approx(0.01, abs=0.015)


@pytest.mark.parametrize("bursts", [0.0, 0.1])
def test_layouts_as_far_apart_as_five_times_the_noise_look_so(bursts: float) -> None:
    rng = np.random.default_rng(5)
    shape = (80, 10, 3)
    places = rng.normal(0, 0.05, (80, 10, 1))
    trials = places + quiet(rng, shape) + 0.4 * (rng.random(shape) < bursts)
    found = [components(trial) for trial in trials.tolist()]

    assert np.mean([c.p <= 0.01 for c in found]) > (0.6 if bursts else 0.99)
    assert np.median([c.between for c in found]) == pytest.approx(0.05, rel=0.15)


def agreement(*rounds: np.ndarray, axis: int = -1) -> np.ndarray:
    ranks = sum(stats.rankdata(values, axis=axis) for values in rounds)
    return np.asarray(np.sum(np.asarray(ranks) ** 2, axis=axis))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_share_of_exchanges_is_that_of_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(0, 1, (8, 1)) + rng.normal(0, 1, (8, 3)), 1)
    expected = stats.permutation_test(
        tuple(values.T),
        agreement,
        permutation_type="pairings",
        vectorized=True,
        alternative="greater",
        n_resamples=2000,
        rng=np.random.default_rng(0),
    )

    found = components(values.tolist())

    assert found.p == pytest.approx(expected.pvalue, abs=0.04)


def test_values_that_are_all_alike_are_no_sign_of_anything() -> None:
    found = components([[0.1] * 3] * 5)

    assert (found.between, found.within, found.p) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize("repeats", [2, 3])
def test_the_constants_are_those_of_normal_order_statistics(repeats: int) -> None:
    def moment(power: int) -> float:
        def density(x: float) -> float:
            least = repeats * stats.norm.pdf(x) * stats.norm.sf(x) ** (repeats - 1)
            return float(x**power * least)

        return float(integrate.quad(density, -12, 12)[0])

    def beyond(gap: float) -> float:
        def density(x: float) -> float:
            others = stats.norm.sf(x + gap) ** (repeats - 1)
            return float(repeats * stats.norm.pdf(x) * others)

        return float(integrate.quad(density, -12, 12)[0])

    variance = moment(2) - moment(1) ** 2

    assert module._VARIANCE_OF_LEAST[repeats] == pytest.approx(variance, abs=1e-6)
    assert beyond(module._MEDIAN_GAP[repeats]) == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize(
    "values",
    [
        [],
        [[1.0, 2.0]],
        [[1.0], [2.0]],
        [[1.0, 2.0], [1.0, 2.0, 3.0]],
        [[1.0] * 4, [2.0] * 4],
        [[], []],
    ],
)
def test_any_other_shape_is_refused(values: Sequence[Sequence[float]]) -> None:
    with pytest.raises(ValueError, match="groups of"):
        components(values)


@pytest.mark.parametrize("number", [2, 5, 10])
def test_one_pair_of_draws_in_twenty_differs_by_more(number: int) -> None:
    rng = np.random.default_rng(11)
    known = rng.normal(0, 0.02, (4000, number)).std(axis=1, ddof=1)
    pairs = rng.normal(0, 0.02, (4000, 2))
    most = [largest_difference(s, known_from=number, level=0.05) for s in known]
    beyond = (np.abs(pairs[:, 0] - pairs[:, 1]) > most).mean()

    assert beyond == pytest.approx(0.05, abs=0.012)


def test_the_largest_difference_is_that_of_students_t() -> None:
    expected = 0.02 * math.sqrt(2) * stats.t.isf(0.025, 9)

    most = largest_difference(0.02, known_from=10, level=0.05)

    assert most == pytest.approx(expected, rel=1e-9)
