"""The window test against the same procedure written as loops over numbers."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchgate.model import Effect
from benchgate.stats.rounds import single_rounds
from benchgate.stats.shared import common_mode as common_mode_of
from benchgate.stats.window import (
    FEWEST_RUNS,
    WindowEffect,
    _Null,
    _Settled,
    _test,
    against_window,
)
from tests.builders import LAW

LEVEL = 0.001
Rows = list[list[float]]

values = st.floats(min_value=0.1, max_value=10.0)


def tables(most_series: int = 8, most_heads: int = 1) -> st.SearchStrategy[Rows]:
    """Return tables of positive numbers with at least nine rows."""
    return st.integers(min_value=1, max_value=most_series).flatmap(
        lambda series: st.lists(
            st.lists(values, min_size=series, max_size=series),
            min_size=FEWEST_RUNS + most_heads,
            max_size=14 + most_heads,
        )
    )


def measured(seed: int, runs: int, series: int, *, gaps: float = 0.0) -> Rows:
    """Return runs whose series move together, each by itself a little, some missing."""
    rng = np.random.default_rng(seed)
    moods = 0.02 * rng.standard_t(4, (runs, 1))
    logs = moods + 0.01 * rng.standard_t(4, (runs, series))
    logs[rng.random((runs, series)) < gaps] = np.nan
    rows: Rows = np.exp(logs).tolist()
    return rows


def against(
    window: Rows, head: Rows, *, signs: Sequence[float] = (), level: float = LEVEL
) -> tuple[WindowEffect | None, ...]:
    """Return what is found, larger being worse unless said otherwise."""
    signs = signs or [1.0] * len(head[0])
    return against_window(window, head, signs=signs, level=level).series


def effects(
    window: Rows, head: Rows, *, signs: Sequence[float] = (), level: float = LEVEL
) -> list[Effect]:
    """Return the effects of the series that can be judged."""
    found = against(window, head, signs=signs, level=level)
    return [one.effect for one in found if one]


# --- the procedure, written out ---


def finite(column: Sequence[float]) -> list[float]:
    return [x for x in column if math.isfinite(x)]


def common_mode(row: Sequence[float], b: int) -> float:
    others = finite([*row[:b], *row[b + 1 :]])
    return statistics.median(others) if len(others) >= 3 else 0.0


def prediction_error(column: Sequence[float]) -> float:
    there = finite(column)
    errors = [
        x - statistics.fmean([*there[:i], *there[i + 1 :]]) for i, x in enumerate(there)
    ]
    return math.sqrt(statistics.fmean([e * e for e in errors]))


def represented(window: Rows, head: Rows) -> tuple[Rows, Rows]:
    """Return the columns of window and head that the test is made on."""
    rows = [[math.log(x) for x in row] for row in [*window, *head]]
    columns = [list(column) for column in zip(*rows, strict=True)]
    centres = [statistics.median(finite(c[: len(window)])) for c in columns]
    rows = [[x - m for x, m in zip(row, centres, strict=True)] for row in rows]
    shared = [[common_mode(row, b) for b in range(len(row))] for row in rows]
    raw = [[row[b] for row in rows] for b in range(len(centres))]
    without = [
        [row[b] - c[b] for row, c in zip(rows, shared, strict=True)]
        for b in range(len(centres))
    ]
    past = len(window)
    chosen = [
        w
        if len(centres) >= 5
        and 1.03 * prediction_error(w[:past]) < prediction_error(r[:past])
        else r
        for r, w in zip(raw, without, strict=True)
    ]
    return [c[:past] for c in chosen], [c[past:] for c in chosen]


def statistic_of(block: Sequence[float], rest: Sequence[float]) -> float:
    variance = max(statistics.variance(rest), 1e-8)
    width = math.sqrt(variance * (1 / len(block) + 1 / len(rest)))
    return (statistics.fmean(block) - statistics.fmean(rest)) / width


def blocks_of(runs: int, heads: int) -> list[list[int]]:
    blocks = [list(range(i, i + heads)) for i in range(runs - heads + 1)]
    rng = np.random.RandomState(0)
    extra = 20 if heads > 1 else 0
    return blocks + [rng.permutation(runs)[:heads].tolist() for _ in range(extra)]


def normal_score(t: float, df: int) -> float:
    """Return Wallace's approximation of the normal deviate that is as rare as *t*."""
    size = math.sqrt(df * math.log(1 + t * t / df)) * (8 * df + 1) / (8 * df + 3)
    return math.copysign(size, t)


def pool_of(columns: Rows, heads: int) -> list[float]:
    blocks = blocks_of(len(columns[0]), heads)
    usable = [
        ([column[i] for i in block], finite(np.delete(column, block).tolist()))
        for column in columns
        for block in blocks
        if len(finite(column)) >= FEWEST_RUNS
        and all(math.isfinite(column[i]) for i in block)
    ]
    return [
        normal_score(statistic_of(block, rest), len(rest) - 1)
        for block, rest in usable
        if len(rest) >= 5
    ]


def tail_of(pool: Sequence[float], z: float) -> float:
    """Return G(z) with scipy's generalised Pareto distribution."""
    ordered = sorted([*pool, *(-x for x in pool)])
    size = len(ordered)
    if size < 60:
        return 0.0
    k = math.floor(min(max(0.06 * size, 15), 200))
    edge = ordered[size - k - 1]
    excesses = [x - edge for x in ordered[-k:]]
    mean, variance = statistics.fmean(excesses), statistics.variance(excesses)
    shape = min(max(0.5 * (1 - mean**2 / max(variance, 1e-12)), 0.1), 0.45)
    scale = max(mean * (1 - shape), 1e-6)
    if z <= edge:
        return (1 + sum(x >= z for x in ordered)) / (size + 1)
    return k / size * float(stats.genpareto.sf(z - edge, shape, scale=scale))


@pytest.mark.parametrize("heads", [1, 3, 5])
@pytest.mark.parametrize(
    ("runs", "series", "gaps"),
    [
        (30, 12, 0.0),
        (30, 12, 0.2),
        (40, 6, 0.4),  # many rows have no three others
        (40, 5, 0.0),
        (40, 4, 0.0),
        (12, 1, 0.0),
        (8, 40, 0.0),
    ],
)
def test_the_window_test_is_that_of_the_loops(
    runs: int, series: int, gaps: float, heads: int
) -> None:
    window = measured(1, runs, series, gaps=gaps)
    head = [[1.03 * x for x in row] for row in measured(2, heads, series)]

    found = effects(window, head)

    past, now = represented(window, head)
    pool = pool_of(past, heads)
    expected_z = [statistic_of(h, finite(p)) for p, h in zip(past, now, strict=True)]
    df = [len(finite(p)) - 1 for p in past]
    expected_p = [
        max(float(stats.t.sf(z, f)), tail_of(pool, normal_score(z, f)))
        for z, f in zip(expected_z, df, strict=True)
    ]
    assert [e.theta / e.se for e in found] == pytest.approx(expected_z, rel=1e-6)
    assert [e.p_slower for e in found] == pytest.approx(expected_p, rel=1e-6)
    assert [e.units for e in found] == [heads] * series


@pytest.mark.parametrize("level", [0.2, 0.05, 0.01, 0.0001])
def test_the_critical_value_is_where_the_tail_comes_down_to_the_level(
    level: float,
) -> None:
    window = measured(3, 30, 20)

    (found,) = effects(window, measured(4, 1, 20), level=level)[:1]

    past, _ = represented(window, measured(4, 1, 20))
    pool = pool_of(past, 1)
    reached, just_before = (
        max(stats.t.sf(z, 29), tail_of(pool, normal_score(z, 29)))
        for z in (found.critical, found.critical * (1 - 1e-3))
    )
    assert reached <= level * (1 + 1e-9)
    assert just_before > level * (1 - 0.02)


@pytest.mark.parametrize("z", [-3.0, 0.0, 1.0, 1.9, 2.5, 4.0, 8.0])
@pytest.mark.parametrize("df", [1, 4, 1000], ids=["heavy", "ordinary", "light"])
@pytest.mark.parametrize("size", [200, 1000, 2500])
def test_the_tail_of_the_pool_is_a_generalised_pareto(
    z: float, df: int, size: int
) -> None:
    # A heavy tail and a light one reach the bounds of the shape, 0.45 and 0.1.
    pool = np.random.default_rng(8).standard_t(df, size)

    null = _Null.of(pool)

    assert null is not None
    assert null.upper_tail(z) == pytest.approx(tail_of(pool.tolist(), z), rel=1e-9)


@pytest.mark.parametrize("p", [0.3, 0.05, 0.01, 1e-5])
@pytest.mark.parametrize("shape", [0.1, 0.45])
def test_the_quantile_of_the_tail_is_its_inverse(p: float, shape: float) -> None:
    null = _Null(np.linspace(-3, 3, 1001), 2.0, 60, shape, 0.5)

    z = null.upper_quantile(p)

    assert null.upper_tail(z) == pytest.approx(p, abs=0.002, rel=1e-9)
    assert null.upper_tail(z) <= p * (1 + 1e-12)


def test_a_small_pool_is_no_null() -> None:
    assert _Null.of(np.arange(29.0)) is None
    assert _Null.of(np.arange(30.0)) is not None


def test_a_short_window_is_judged_by_students_t_alone() -> None:
    window, head = measured(5, 9, 3), [[1.05, 1.0, 0.97]]

    found = effects(window, head)

    z = [e.theta / e.se for e in found]
    assert [e.p_slower for e in found] == pytest.approx(stats.t.sf(z, 8).tolist())
    assert [e.bound for e in found] == pytest.approx([stats.t.isf(0.05, 8)] * 3)


def test_a_series_with_fewer_than_eight_runs_is_judged_weakly() -> None:
    window = measured(6, 12, 3)
    sparse = [[*row[:2], row[2] if i < 7 else math.nan] for i, row in enumerate(window)]
    enough = [[*row[:2], row[2] if i < 8 else math.nan] for i, row in enumerate(window)]

    few, eight = (against(rows, [[1.0, 1.0, 1.0]])[2] for rows in (sparse, enough))

    assert few is not None
    assert eight is not None
    assert (few.weak, few.runs) == (True, 7)
    assert (eight.weak, eight.runs) == (False, 8)


def test_a_series_of_few_runs_does_not_widen_the_null_of_others() -> None:
    window = measured(7, 60, 3)  # too few series for a common mode
    lonely = [[*row, 1.0 + i if i < 3 else math.nan] for i, row in enumerate(window)]
    head = measured(8, 1, 3)

    assert effects(lonely, [[*head[0], 1.0]])[:3] == effects(window, head)


def test_a_series_that_the_window_never_had_is_not_judged() -> None:
    window = [[*row, math.nan] for row in measured(9, 10, 6)]

    assert against(window, measured(10, 1, 7))[-1] is None


def test_a_value_of_zero_counts_as_missing() -> None:
    window = measured(11, 12, 2)
    zero = [[*window[0][:1], 0.0], *window[1:]]
    gap = [[*window[0][:1], math.nan], *window[1:]]

    assert effects(zero, [[1.0, 1.1]]) == effects(gap, [[1.0, 1.1]])


def test_the_typical_values_are_geometric_means() -> None:
    window = measured(12, 10, 2)

    found = against(window, [[1.2, 0.9], [1.4, 0.7]])[1]

    assert found is not None
    column = [row[1] for row in window]
    assert found.base == pytest.approx(statistics.geometric_mean(column))
    assert found.head == pytest.approx(math.sqrt(0.9 * 0.7))


def test_a_machine_that_slows_all_alike_is_no_regression() -> None:
    window = measured(13, 30, 20)
    busy = [[1.3 * x for x in row] for row in measured(14, 1, 20)]

    assert min(e.p_slower for e in effects(window, busy)) > 0.01


def test_four_series_have_no_common_mode() -> None:
    window = measured(13, 30, 4)
    busy = [[1.3 * x for x in row] for row in measured(14, 1, 4)]

    assert max(e.p_slower for e in effects(window, busy)) < 0.01


def test_values_before_a_change_of_level_count_as_missing() -> None:
    older, newer = measured(15, 18, 6), measured(16, 12, 6)
    window = [*[[3.0 * x for x in row] for row in older], *newer]
    missing = [*[[math.nan] * 6 for _ in older], *newer]
    head = measured(17, 1, 6)

    found, expected = against(window, head), against(missing, head)

    assert [(one.runs, one.since_change) for one in found if one] == [(12, True)] * 6
    assert [one.effect.theta for one in found if one] == pytest.approx(
        [one.effect.theta for one in expected if one]
    )


def test_four_runs_on_another_level_are_no_new_level_yet() -> None:
    window = [[1.0 + 0.001 * (i % 5)] for i in range(26)] + [[2.0]] * 4

    (found,) = against(window, [[1.0]])

    assert found is not None
    assert (found.runs, found.since_change) == (30, False)


def test_six_runs_since_a_change_are_weak_evidence() -> None:
    window = [[1.0 + 0.001 * (i % 5)] for i in range(24)]
    window += [[2.0 + 0.002 * (i % 5)] for i in range(6)]

    (found,) = against(window, [[2.0]])

    assert found is not None
    assert (found.runs, found.since_change, found.weak) == (6, True, True)
    assert found.effect.p_slower > 0.2


def test_few_runs_of_few_series_are_judged_by_students_t() -> None:
    window, head = measured(18, 5, 2), [[1.1, 0.9], [1.2, 0.9]]

    found = effects(window, head)

    logs = np.log(window)
    t = (np.log(head).mean(axis=0) - logs.mean(axis=0)) / (
        logs.std(axis=0, ddof=1) * math.sqrt(1 / 2 + 1 / 5)
    )
    assert [e.p_slower for e in found] == pytest.approx(stats.t.sf(t, 4).tolist())


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_few_runs_of_many_series_are_judged_by_the_others(sign: float) -> None:
    window = measured(19, 3, 9)
    head = [[1.2 * x for x in row] for row in measured(20, 1, 9)]

    found = effects(window, head, signs=[sign] * 9)

    base = [statistics.geometric_mean(column) for column in zip(*window, strict=True)]
    expected = single_rounds(base, head[0], sign=sign, level=LEVEL)
    assert [e.theta for e in found] == pytest.approx([e.theta for e in expected])
    assert [e.p_slower for e in found] == pytest.approx([e.p_slower for e in expected])


def test_a_series_that_never_varies_says_nothing_of_how_others_stray() -> None:
    window, head = measured(21, 30, 4), measured(22, 1, 4)
    constant = [[*row, 1.0, 1.0] for row in window]

    found = against_window(
        [[*row[:3], 1.0] for row in window],
        [[*head[0][:3], 1.0]],
        signs=[1.0] * 4,
        level=LEVEL,
    ).series

    alone = effects([row[:3] for row in window], [head[0][:3]])
    assert [one.effect for one in found if one][:3] == alone
    assert len(effects(constant, [[*head[0], 1.0, 1.0]])) == 6


def test_the_shift_is_that_of_the_median_series() -> None:
    window = measured(23, 20, 7)
    head = [[1.2 * x for x in row] for row in measured(24, 1, 7)]

    shift = against_window(window, head, signs=[1.0] * 7, level=LEVEL).shift

    logs = np.log(window)
    centre = np.median(logs, axis=0)
    rows = np.median(logs - centre, axis=1)
    moved = np.median(np.log(head[0]) - centre) - rows.mean()
    t = moved / (rows.std(ddof=1) * math.sqrt(1 + 1 / 20))
    assert shift is not None
    assert shift.theta == pytest.approx(moved)
    assert shift.p == pytest.approx(2 * stats.t.sf(t, 19))
    assert shift.stands_out


@pytest.mark.parametrize(("runs", "series"), [(7, 9), (20, 4)])
def test_few_runs_or_series_show_no_shift(runs: int, series: int) -> None:
    window, head = measured(25, runs, series), measured(26, 1, series)

    assert against_window(window, head, signs=[1.0] * series, level=LEVEL).shift is None


def test_a_shift_of_the_head_is_taken_out_even_if_the_window_has_none() -> None:
    rng = np.random.default_rng(27)
    window = np.exp(0.01 * rng.standard_normal((30, 20))).tolist()
    head = [[1.1 * x for x in row] for row in measured(28, 1, 20)]

    assert min(e.p_slower for e in effects(window, head)) > 1e-4


def test_many_slower_series_are_not_hidden_by_their_own_median() -> None:
    window, head = measured(29, 30, 20), measured(30, 1, 20)
    some = [[1.5 * x if i < 11 else x for i, x in enumerate(row)] for row in head]

    found = effects(window, some)

    assert max(e.p_slower for e in found[:11]) < 0.01
    assert min(e.p_faster for e in found[11:]) > 0.001


# --- laws ---


def scores(window: Rows, head: Rows) -> tuple[list[float], list[float]]:
    """Return z of each series: with what all share left in, and with it taken out."""
    settled = _Settled.of(window, head, [1.0] * len(head[0]))
    past, now = settled.past, settled.now
    tests = (
        _test(settled, past, now),
        _test(settled, past - common_mode_of(past), now - common_mode_of(now)),
    )
    left_in, taken_out = ((test.theta / test.se).tolist() for test in tests)
    return left_in, taken_out


def assert_raising_helps(window: Rows, head: list[float], raised: list[float]) -> None:
    """Assert that no series that is raised looks faster than before.

    The head itself decides whether what all share is taken out, so the least of both
    is what may not be fallen below.
    """
    least = np.minimum(*scores(window, [head]))
    for one, two in zip(scores(window, [head]), scores(window, [raised]), strict=True):
        for b in np.flatnonzero(np.array(raised) > head):
            assert two[b] >= one[b] - 1e-9
    chosen = [e.theta / e.se for e in effects(window, [raised])]
    for b in np.flatnonzero(np.array(raised) > head):
        assert chosen[b] >= least[b] - 1e-9


@LAW
@given(tables(), st.data())
def test_raising_a_head_value_never_makes_it_look_faster(
    table: Rows, data: st.DataObject
) -> None:
    *window, head = table
    b = data.draw(st.integers(0, len(head) - 1))
    factor = data.draw(st.floats(min_value=1.0, max_value=3.0))

    assert_raising_helps(window, head, [*head[:b], factor * head[b], *head[b + 1 :]])


def test_raising_a_value_until_many_stray_ends_what_was_taken_out() -> None:
    """Here z falls, from 1.62 to 1.60: the two representations have a step between."""
    calm = [[1.0] * 5] * 5
    window = [*calm, [1.0, 1, 8, 3, 3], [1.0, 2, 2, 1, 2], [1.0, 4, 8, 2, 3]]
    head, raised = [1.0, 1, 6, 2, 3], [1.0, 1, 9, 2, 3]

    before, after = (effects(window, [one])[2] for one in (head, raised))

    assert before.theta / before.se == pytest.approx(scores(window, [head])[1][2])
    assert after.theta / after.se == pytest.approx(scores(window, [raised])[0][2])
    assert_raising_helps(window, head, raised)


@LAW
@given(tables(most_heads=3), st.integers(min_value=-60, max_value=60), st.data())
def test_scaling_a_series_by_a_power_of_two_changes_no_bit(
    table: Rows, power: int, data: st.DataObject
) -> None:
    b = data.draw(st.integers(0, len(table[0]) - 1))
    scaled = [[*row[:b], math.ldexp(row[b], power), *row[b + 1 :]] for row in table]

    assert effects(table[3:], table[:3]) == effects(scaled[3:], scaled[:3])


@LAW
@given(tables(), st.data())
def test_turning_a_metric_around_negates_every_change_exactly(
    table: Rows, data: st.DataObject
) -> None:
    *window, head = table
    lower, higher = [1.0] * len(head), [-1.0] * len(head)

    forth = effects(window, [head], signs=lower)
    turned = effects(window, [head], signs=higher)

    assert [e.theta for e in forth] == [-e.theta for e in turned]
    assert [e.p_slower for e in forth] == [e.p_faster for e in turned]


@LAW
@given(tables(), st.data())
def test_the_order_of_the_series_changes_no_bit(
    table: Rows, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(table[0]))))
    shuffled = [[row[b] for b in order] for row in table]

    found = effects(table[1:], table[:1])

    assert effects(shuffled[1:], shuffled[:1]) == [found[b] for b in order]


@LAW
@given(tables(most_series=1), values)
def test_a_window_of_copies_never_shows_a_change(table: Rows, value: float) -> None:
    copies = [[value] for _ in table]

    (effect,) = effects(copies, [[value]])

    assert (effect.theta, effect.p_slower, effect.p_faster) == (0.0, 0.5, 0.5)


@LAW
@given(tables(most_series=4))
def test_up_to_four_series_the_others_change_no_bit_of_ones_own_z(table: Rows) -> None:
    # There is no common mode below five series; only how far runs stray is shared.
    *window, head = table

    alone = [
        effects([[row[b]] for row in window], [[head[b]]])[0] for b in range(len(head))
    ]

    assert [(e.theta, e.se) for e in effects(window, [head])] == [
        (e.theta, e.se) for e in alone
    ]


# --- calibration ---


PULL_REQUESTS, SERIES = 60, 100


def pull_requests(seed: int, heads: int) -> np.ndarray:
    """Return the logs of pull requests, (pull requests, heads + window, series).

    Section 10, "shared": 0.02 of Student's t with four degrees of freedom, scaled to
    variance one, for each series and for the run, and a little that is normal.
    """
    rng = np.random.default_rng(seed)
    shape = (PULL_REQUESTS, heads + 30, SERIES)
    logs: np.ndarray = 0.02 * rng.standard_t(4, shape) / math.sqrt(2)
    logs += 0.02 * rng.standard_t(4, (*shape[:2], 1)) / math.sqrt(2)
    return logs + 0.0015 * rng.standard_normal(shape)


def slower_p(logs: np.ndarray, heads: int) -> np.ndarray:
    """Return the p-values, (pull requests, series)."""
    return np.array(
        [
            [e.p_slower for e in effects(rows[heads:], rows[:heads])]
            for rows in np.exp(logs).tolist()
        ]
    )


@pytest.mark.parametrize(("heads", "power"), [(1, 0.08), (3, 0.6), (5, 0.85)])
def test_a_shared_machine_raises_few_false_alarms(heads: int, power: float) -> None:
    logs = pull_requests(heads, heads)
    slower = logs[:20].copy()
    slower[:, :heads, ::10] += math.log(1.1)

    alarms = slower_p(logs, heads).min(axis=1) < 0.05 / SERIES
    found = slower_p(slower, heads)[:, ::10] < 0.05 / SERIES

    assert alarms.mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / PULL_REQUESTS)
    assert found.mean() >= power
