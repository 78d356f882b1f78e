"""What is compared, what is refused and why, and how many tests that makes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from benchgate.compare import WHOLE_SUITE, benchmarks_of, compare, renamed
from benchgate.model import (
    SLICE_STATISTICS,
    Better,
    Comparison,
    Design,
    Doubt,
    Environment,
    ErrorControl,
    Failure,
    Kind,
    Measurement,
    Metric,
    Round,
    Run,
    Sample,
    SeriesRule,
    SideValue,
    Statistic,
    Tally,
    Unit,
)
from tests.builders import (
    DROPPED,
    ERRORS,
    P50,
    P95,
    RATE,
    SIZE,
    TIME,
    Given,
    compared,
    compared_window,
    independent,
    joined,
    judged,
    key,
    paired,
    policy,
    run,
    sample,
    tally,
    window,
)

STEADY = [1.00, 1.01, 0.99, 1.02, 0.98, 1.01, 1.00, 0.99, 1.01, 1.00]
SLOWER = [1.1 * value for value in STEADY]


def only(measurement: Measurement) -> Comparison:
    (found,) = compared(measurement).comparisons
    return found


def shown(side: SideValue | None) -> tuple[float, int]:
    assert side is not None
    return side.value, side.rounds


def named(found: Sequence[Comparison]) -> list[str]:
    return [c.key.benchmark for c in found]


# --- which series there are ---


def test_without_a_base_there_is_nothing_to_compare() -> None:
    alone = Measurement(None, run({"a": [1.0]}), Design.STORED)

    found = compared(alone)

    assert (found.comparisons, found.doubts) == ((), ())
    assert found.error_control == ErrorControl("holm", 0.01, 0)


def test_only_what_both_sides_have_is_compared() -> None:
    found = compared(paired({"a": STEADY, "b": STEADY}, {"b": STEADY, "c": STEADY}))

    assert named(found.comparisons) == ["b"]


def test_comparisons_are_in_the_order_of_their_keys() -> None:
    rows = dict.fromkeys("cab", STEADY)

    assert named(compared(paired(rows, rows)).comparisons) == ["a", "b", "c"]


def test_a_series_never_measured_in_one_round_on_both_sides_is_refused() -> None:
    found = only(paired({"a": [1.0, None, 1.0, None]}, {"a": [None, 1.0, None, 1.0]}))

    assert found.effect is None
    assert found.reason == "no round has it on both sides"
    assert (found.base, found.head) == (None, None)
    assert judged(compared(paired({"a": [1.0, None]}, {"a": [None, 1.0]})))


def test_pairs_are_the_rounds_that_both_sides_have() -> None:
    base, head = STEADY.copy(), SLOWER.copy()
    base[2], head[5] = 77.0, 99.0

    gaps = only(
        paired(
            {"a": [*base[:5], None, *base[6:]]},
            {"a": [*head[:2], None, *head[3:]]},
        )
    )

    whole = only(
        paired(
            {"a": [*base[:2], *base[3:5], *base[6:]]},
            {"a": [*head[:2], *head[3:5], *head[6:]]},
        )
    )
    assert gaps.effect == whole.effect
    assert gaps.base == whole.base
    assert shown(gaps.base)[1] == 8
    assert gaps.doubts == (Doubt("2 rounds in between gave nothing", key("a")),)


def test_what_stopped_early_was_settled_and_is_not_lost() -> None:
    short = [*STEADY[:6], None, None, None, None]

    found = only(paired({"a": short}, {"a": short}))

    assert found.doubts == ()
    assert found.effect is not None
    assert found.effect.rounds == 6


def test_rounds_that_are_not_pairs_may_be_lost_on_either_side() -> None:
    found = only(
        independent({"a": [1.0, None, 1.1, 1.0]}, {"a": [1.0, None, None, 1.2]})
    )

    assert found.doubts == (Doubt("2 rounds in between gave nothing", key("a")),)


def test_one_pair_is_not_judged_alone() -> None:
    found = only(paired({"a": [1.0]}, {"a": [9.0]}))

    assert found.effect is None
    assert found.reason == "one pair of rounds can't be judged alone"


def test_two_pairs_are_judged() -> None:
    assert only(paired({"a": [1.0, 1.1]}, {"a": [9.0, 9.9]})).effect is not None


@pytest.mark.parametrize("design", [paired, independent])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (sample(1.0), replace(sample(1.0), metric=replace(TIME, unit=Unit.BYTE))),
        (sample(1.0), replace(sample(1.0), metric=replace(TIME, kind=Kind.COST))),
        (
            sample(1.0),
            replace(sample(1.0), metric=replace(TIME, better=Better.HIGHER)),
        ),
        (sample(1.0, metric=ERRORS), tally(1, 2)),
        (tally(1, 2), sample(1.0, metric=ERRORS)),
    ],
    ids=["unit", "kind", "direction", "counted since", "no longer counted"],
)
def test_a_metric_that_changed_what_it_is_has_no_comparison(
    design: type, before: Sample | Tally, after: Sample | Tally
) -> None:
    found = only(design({"a": [before] * 3}, {"a": [after] * 3}))

    assert found.effect is None
    assert found.reason == "base and head measure different things under this name"


@pytest.mark.parametrize("design", [paired, independent])
def test_sides_without_a_shared_statistic_have_no_comparison(design: type) -> None:
    found = only(design({"a": [1.0] * 3}, {"a": [(1.0, 1.1, 1.2, 1.3, 1.4)] * 3}))

    reason = "base and head have no statistic in common: measure both the same way"
    assert (found.effect, found.reason) == (None, reason)
    assert (found.base, found.head) == (SideValue(1.0, 3), SideValue(1.2, 3))


def test_a_refused_series_shows_its_middle_rounds() -> None:
    rows = [tally(e, n) for e, n in [(3, 10), (1, 10), (2, 10), (0, 0)]]

    found = only(paired({"a": rows}, {"a": rows[1:] + rows[:1]}))

    assert found.reason == "a round has no attempts to count"
    assert found.base == found.head == SideValue(0.1, 4)


# --- statistics ---


def slices(*rows: Sequence[float]) -> list[tuple[float, ...]]:
    return [tuple(row) for row in rows]


def test_the_steadiest_statistic_of_a_slice_is_compared() -> None:
    rng = np.random.default_rng(1)
    noise = np.exp(rng.standard_normal((10, 5)) * [0.2, 0.001, 0.2, 0.2, 0.2])

    found = only(
        paired({"a": slices(*noise[:5].tolist())}, {"a": slices(*noise[5:].tolist())})
    )

    logs = np.log(noise[:, 1])
    assert found.effect is not None
    assert found.effect.theta == pytest.approx((logs[5:] - logs[:5]).mean())


def test_only_statistics_that_every_round_has_are_compared() -> None:
    part = Sample(
        TIME, (Statistic.MEAN, Statistic.MEDIAN), (5.0, 4.0), Statistic.MEDIAN, 9
    )
    whole = [(1.0 * f, 2.0 * f, 3.0 * f, 4.0 * f, 5.0) for f in (1.0, 2.0, 3.0)]

    found = only(paired({"a": [part, *whole[1:]]}, {"a": whole}))

    assert found.effect is not None
    assert found.effect.theta == 0.0
    assert found.base is not None
    assert found.base.value == pytest.approx(5.0)  # the mean: the median moves


@pytest.mark.parametrize(
    ("before", "after", "theta"),
    [
        (Statistic.Q10, Statistic.Q10, math.log(1.1)),
        (Statistic.MEDIAN, Statistic.MEDIAN, math.log(1.2)),
        (Statistic.Q10, Statistic.MEDIAN, math.log(1.2)),
        (Statistic.MEDIAN, Statistic.Q10, math.log(1.2)),
    ],
)
def test_a_run_too_short_for_its_statistic_forces_the_median_on_both(
    before: Statistic, after: Statistic, theta: float
) -> None:
    base = sample(1.0, 1.0, 1.0, 1.0, 1.0, primary=before)
    head = sample(1.0, 1.0, 1.1, 1.2, 1.0, primary=after)

    found = only(independent({"a": [base] * 3}, {"a": [head] * 3}))

    assert found.effect is not None
    assert found.effect.theta == pytest.approx(theta)


def test_without_a_median_what_both_have_is_compared() -> None:
    two = (Statistic.MIN, Statistic.MEAN)
    base = Sample(TIME, two, (1.0, 2.0), Statistic.MIN, 9)
    head = Sample(TIME, two, (3.0, 2.0), Statistic.MEAN, 9)

    found = only(independent({"a": [base] * 3}, {"a": [head] * 3}))

    assert found.effect is not None
    assert found.effect.theta == pytest.approx(math.log(3))


# --- designs ---


def test_pairs_are_tested_in_pairs() -> None:
    found = only(paired({"a": STEADY[:6]}, {"a": SLOWER[:6]}))

    assert found.effect is not None
    assert found.effect.theta == pytest.approx(math.log(1.1))
    assert found.effect.spread == 1e-4
    assert not found.weak
    assert shown(found.head) == pytest.approx((1.1 * stats.gmean(STEADY[:6]), 6))


def test_independent_rounds_are_weak_evidence() -> None:
    found = only(independent({"a": STEADY}, {"a": SLOWER[:4]}))

    assert found.weak
    assert found.effect is not None
    assert found.effect.units == 4
    assert shown(found.base) == pytest.approx((stats.gmean(STEADY), 10))
    assert shown(found.head) == pytest.approx((stats.gmean(SLOWER[:4]), 4))


@pytest.mark.parametrize("several", [("base",), ("head",), ()])
def test_one_round_on_a_side_is_compared_with_those_of_other_benchmarks(
    several: tuple[str, ...],
) -> None:
    names = [f"b{i}" for i in range(8)]
    base = {n: [1.0, 1.21] if "base" in several else [1.1] for n in names}
    head = {n: [1.0, 1.21] if "head" in several else [1.1] for n in names}

    found = compared(independent(base, {**head, "b7": [2.2]})).comparisons

    assert all(c.weak for c in found)
    assert [c.base.value for c in found if c.base] == pytest.approx([1.1] * 8)
    effects = [c.effect for c in found if c.effect]
    assert effects[0].theta == pytest.approx(0.0, abs=1e-12)
    assert effects[7].theta == pytest.approx(math.log(2))
    assert effects[7].p_slower < 1e-6


def test_a_metric_where_more_is_better_is_turned_around() -> None:
    half = [value / 2 for value in STEADY]
    measured = {"metric": RATE}

    pairs = only(paired({"a": STEADY}, {"a": half}, **measured))
    rounds = only(independent({"a": STEADY}, {"a": half}, **measured))
    single = only(independent({"a": [1.0]}, {"a": [0.25]}, **measured))

    effects = [c.effect for c in (pairs, rounds, single)]
    thetas = [e.theta for e in effects if e]
    assert thetas == pytest.approx([math.log(2), math.log(2), math.log(4)])


@pytest.mark.parametrize(("factor", "said"), [(1.1, "+10.0%"), (0.9, "-10.0%")])
def test_everything_that_moved_at_once_is_a_doubt(factor: float, said: str) -> None:
    rows = {f"b{i}": [1.0 + i] for i in range(8)}
    moved = {name: [factor * value for value in row] for name, row in rows.items()}

    found = compared(independent(rows, moved))

    text = (
        f"micro: every time moved by about {said}; one run a side can't tell the "
        "machine from the code: measure in pairs"
    )
    assert found.doubts == (Doubt(text),)


@pytest.mark.parametrize(
    ("factor", "benchmarks"), [(1.019, 8), (1.1, 7)], ids=["little", "few"]
)
def test_a_little_or_few_that_moved_are_no_doubt(
    factor: float, benchmarks: int
) -> None:
    rows = {f"b{i}": [1.0 + i] for i in range(benchmarks)}
    slower = {name: [factor * value for value in row] for name, row in rows.items()}

    assert compared(independent(rows, slower)).doubts == ()


def test_errors_and_several_rounds_don_t_say_what_moved_at_once() -> None:
    rows = {f"b{i}": [1.0 + i, 1.1 + i] for i in range(8)}
    slower = {name: [1.1 * value for value in row] for name, row in rows.items()}
    tallies = {f"b{i}": [tally(i, 100)] for i in range(8)}

    assert compared(independent(rows, slower)).doubts == ()
    assert compared(independent(tallies, tallies)).doubts == ()
    assert compared(paired(rows, slower)).doubts == ()


# --- tallies ---


@pytest.mark.parametrize(("design", "weak"), [(paired, False), (independent, True)])
def test_errors_are_compared_as_counts(design: type, weak: bool) -> None:  # noqa: FBT001 - a column of the table
    found = only(design({"a": [tally(1, 1000)] * 5}, {"a": [tally(21, 1000)] * 5}))

    assert found.effect is not None
    assert found.effect.theta == pytest.approx(0.02)
    assert found.effect.p_slower < 1e-5
    assert found.weak is weak
    assert (found.base, found.head) == (SideValue(0.001, 5), SideValue(0.021, 5))


# --- tails ---


def requests(seed: int, count: int, windows: int, factor: float = 1.0) -> list[Sample]:
    rng = np.random.default_rng(seed)
    points = factor * rng.lognormal(0, 0.5, (windows, count))
    return [window(row, value=float(np.quantile(row, 0.95))) for row in points.tolist()]


def test_tails_are_pooled_over_the_windows() -> None:
    base, head = requests(1, 200, 10), requests(2, 200, 10, factor=2.0)

    found = only(paired({"a": base}, {"a": head}))

    pooled = [
        np.quantile([p for s in side for p in s.points], 0.95) for side in (base, head)
    ]
    assert found.effect is not None
    assert found.effect.theta == pytest.approx(math.log(pooled[1] / pooled[0]))
    assert shown(found.base) == pytest.approx((pooled[0], 10))


@pytest.mark.parametrize(
    ("count", "said"),
    [(999, "999 requests have about 49 beyond p95, 50 are needed: measure longer")],
)
def test_a_tail_of_too_few_requests_is_refused(count: int, said: str) -> None:
    thin = sample(1.0, metric=P95, count=count)
    thick = sample(1.0, metric=P95, count=5000)

    found = only(paired({"a": [thick, thick]}, {"a": [thin, replace(thin, count=0)]}))

    assert (found.effect, found.reason) == (None, said)


def test_fifty_requests_beyond_are_enough() -> None:
    thick = [sample(1.0, metric=P95, count=500)] * 2

    assert only(paired({"a": thick}, {"a": thick})).effect is not None


def test_p99_needs_five_times_as_many_as_p95() -> None:
    p99 = replace(P95, name="p99")
    few = [sample(1.0, metric=p99, count=2499)] * 2
    enough = [sample(1.0, metric=p99, count=2500)] * 2

    assert only(paired({"a": few}, {"a": few})).effect is None
    assert only(paired({"a": enough}, {"a": enough})).effect is not None


def test_a_tail_of_a_name_that_is_no_quantile_is_compared_round_by_round() -> None:
    worst = [sample(v, metric=replace(P95, name="max"), count=3) for v in STEADY]

    assert only(paired({"a": worst}, {"a": worst})).effect is not None


@pytest.mark.parametrize(
    "spoilt",
    [
        sample(1.0, metric=P95, count=1000),
        sample(1.0, metric=P95, count=1000, points=[0.0, 1.0, 2.0]),
    ],
    ids=["without points", "with a point of zero"],
)
def test_tails_that_can_t_be_pooled_are_compared_window_by_window(
    spoilt: Sample,
) -> None:
    whole = requests(1, 1000, 5)
    base = [*whole, spoilt]

    found = only(paired({"a": base}, {"a": [replace(s, values=(2.0,)) for s in base]}))

    logs = [math.log(2.0 / s.values[0]) for s in base]
    assert found.effect is not None
    assert found.effect.theta == pytest.approx(np.mean(logs))


def test_points_of_what_is_no_tail_are_not_pooled() -> None:
    mean = [
        sample(value, metric=replace(P95, kind=Kind.LATENCY), points=[5.0, 6.0])
        for value in STEADY
    ]

    found = only(paired({"a": mean}, {"a": mean}))

    assert found.base is not None
    assert found.base.value < 2


# --- dropped iterations ---


def load(
    *, base: int, head: int, trials: int = 1000, suite: str = "load"
) -> Measurement:
    """Return ten windows of load, the first of each side with dropped iterations."""
    metrics = [P50, replace(P95, name="slowest"), RATE]
    parts = [
        paired({"GET /": STEADY}, {"GET /": SLOWER}, metric=metric, suite=suite)
        for metric in metrics
    ]
    dropped = [
        {"iterations": [tally(n, 1000, DROPPED), *[tally(0, 1000, DROPPED)] * 9]}
        for n in (base, head)
    ]
    return joined(*parts, paired(*dropped, suite=suite))


def reasons(measurement: Measurement) -> dict[str, str]:
    return {c.key.metric: c.reason for c in compared(measurement).comparisons}


@pytest.mark.parametrize(
    ("base", "head", "side", "share"),
    [(11, 0, "base", "0.11 %"), (0, 300, "head", "3 %"), (12, 15, "head", "0.15 %")],
)
def test_dropped_iterations_censor_latency(
    base: int, head: int, side: str, share: str
) -> None:
    said = (
        f"{share} of the {side}'s iterations ({max(base, head)} of 10000) were "
        "dropped, which hides the slowest requests: allow more virtual users or lower "
        "the rate"
    )

    assert reasons(load(base=base, head=head)) == {
        "p50": said,
        "slowest": said,
        "throughput": "",
        "dropped": "",
    }


def test_one_dropped_iteration_in_a_thousand_is_allowed() -> None:
    assert set(reasons(load(base=10, head=10)).values()) == {""}


def test_dropped_iterations_are_judged_themselves() -> None:
    found = compared(load(base=0, head=900)).comparisons

    effects = {c.key.metric: c.effect for c in found if c.effect}
    assert effects.keys() == {"dropped", "throughput"}
    assert effects["dropped"].theta == pytest.approx(0.09)


def test_dropped_iterations_concern_their_own_suite() -> None:
    calm = load(base=0, head=0, suite="calm")

    found = compared(joined(calm, load(base=0, head=900))).comparisons

    assert {c.key.suite for c in found if c.reason} == {"load"}


def test_dropped_iterations_known_of_one_side_censor_too() -> None:
    measured = paired({"GET /": STEADY}, {"GET /": STEADY}, metric=P50)
    head = run({"iterations": [tally(5, 1000, DROPPED)] * 10})
    both = replace(
        measured,
        head=replace(
            measured.head,
            rounds=tuple(
                Round({**a.samples, **b.samples})
                for a, b in zip(measured.head.rounds, head.rounds, strict=True)
            ),
        ),
    )

    assert only(both).reason.startswith("0.5 % of the head's iterations (50 of 10000)")


def test_what_is_censored_takes_no_share_of_the_level() -> None:
    assert compared(load(base=0, head=0)).error_control.tests == 4
    assert compared(load(base=0, head=900)).error_control.tests == 2


# --- the number of tests ---


def test_only_what_may_block_takes_a_share_of_the_level() -> None:
    rows: dict[str, Sequence[Given]] = {
        "a": STEADY,
        "b": STEADY,
        "c": [1.0],
        "d": [sample(1.0, metric=SIZE)] * 10,
    }
    spared = policy(series=(SeriesRule("micro:b", blocking=False),))

    assert compared(paired(rows, rows)).error_control == ErrorControl("holm", 0.01, 3)
    assert compared(paired(rows, rows), spared).error_control.tests == 2


def test_a_look_spends_its_share_of_the_level() -> None:
    measured = replace(paired({"a": STEADY}, {"a": STEADY}), share_of_error=0.2)

    found = compared(measured)

    assert found.error_control.level == pytest.approx(0.002)
    assert found.comparisons[0].effect is not None
    assert found.comparisons[0].effect.critical == pytest.approx(
        stats.t.isf(0.002, found.comparisons[0].effect.units - 1)
    )


def test_each_test_has_its_part_of_the_level() -> None:
    rows = dict.fromkeys("abcd", STEADY[:6])

    found = compared(paired(rows, rows))

    criticals = [c.effect.critical for c in found.comparisons if c.effect]
    assert criticals == pytest.approx([stats.t.isf(0.01 / 4, 5)] * 4)


# --- the suite as a whole ---


def many(count: int, rounds: int, factor: float = 1.0) -> dict[str, list[Given]]:
    rng = np.random.default_rng(9)
    values = factor * np.exp(0.01 * rng.standard_normal((count, rounds)))
    return {f"b{i}": row for i, row in enumerate(values.tolist())}


def test_five_benchmarks_make_a_series_of_the_whole_suite() -> None:
    found = compared(paired(many(5, 10), many(5, 10, factor=1.1)))

    whole = found.comparisons[0]
    assert whole.key == key(WHOLE_SUITE)
    assert whole.metric == replace(TIME, unit=Unit.ONE)
    assert whole.effect is not None
    assert whole.effect.theta == pytest.approx(math.log(1.1))
    assert whole.base == SideValue(1.0, 10)
    assert shown(whole.head) == pytest.approx((1.1, 10))
    assert (whole.reason, whole.weak) == ("", False)
    assert found.error_control.tests == 6


@pytest.mark.parametrize(
    "measured",
    [
        paired(many(4, 10), many(4, 10)),
        paired(many(5, 7), many(5, 7)),
        paired(many(5, 10), many(5, 10), metric=P50),
        independent(many(5, 10), many(5, 10)),
        paired({**many(5, 10), "b0": [1.0, None, *STEADY[2:]]}, many(5, 10)),
        joined(
            paired(many(3, 10), many(3, 10), suite="one"),
            paired(many(3, 10), many(3, 10), suite="other"),
        ),
    ],
    ids=["four", "short", "latency", "independent", "a gap", "two suites"],
)
def test_fewer_make_none(measured: Measurement) -> None:
    found = compared(measured)

    assert WHOLE_SUITE not in named(found.comparisons)
    assert found.error_control.tests == len(found.comparisons)


def test_what_may_not_block_is_no_part_of_the_suite() -> None:
    spared = policy(series=(SeriesRule("micro:b0", blocking=False),))

    assert WHOLE_SUITE in named(compared(paired(many(6, 10), many(6, 10))).comparisons)
    found = compared(paired(many(5, 10), many(5, 10)), spared)
    assert WHOLE_SUITE not in named(found.comparisons)


def test_a_suite_that_may_not_block_takes_no_share_of_the_level() -> None:
    spared = policy(series=(SeriesRule(f"*:{WHOLE_SUITE}", blocking=False),))

    found = compared(paired(many(5, 10), many(5, 10)), spared)

    assert WHOLE_SUITE in named(found.comparisons)
    assert found.error_control.tests == 5


def test_a_suite_is_compared_over_the_rounds_that_all_have() -> None:
    rows = many(5, 20)
    settled = {**rows, "b0": [*rows["b0"][:10], *[None] * 10]}

    whole = compared(paired(settled, settled)).comparisons[0]

    assert whole.key == key(WHOLE_SUITE)
    assert whole.base == SideValue(1.0, 10)


def test_benchmarks_with_other_statistics_are_no_part_of_the_suite() -> None:
    rows = many(6, 10)
    slower = many(6, 10, factor=1.1)
    odd: list[Given] = [(1.0, 1.0, 1.0, 1.0, 1.0)] * 10

    whole = compared(paired({**rows, "b5": odd}, {**slower, "b5": odd})).comparisons[0]

    assert whole.effect is not None
    assert whole.effect.theta == pytest.approx(math.log(1.1))


# --- stored runs ---

HERE = Environment(cpu="EPYC")
THERE = Environment(cpu="Xeon")
UNKNOWN_PLACE = Environment()


def stored(count: int, environment: Environment = HERE, names: str = "ab") -> list[Run]:
    rng = np.random.default_rng(count)
    return [
        run({n: [v] for n, v in zip(names, row, strict=True)}, environment=environment)
        for row in np.exp(0.01 * rng.standard_normal((count, len(names)))).tolist()
    ]


def head_of(environment: Environment = HERE, **rows: float) -> Run:
    return run({n: [v] for n, v in rows.items()}, environment=environment)


def test_a_head_is_compared_with_the_runs_of_its_window() -> None:
    past = stored(10)

    found = compared_window(past, head_of(a=1.0, b=1.2))

    values = [r.rounds[0].samples[key("b")] for r in past]
    logs = [math.log(v.values[0]) for v in values if isinstance(v, Sample)]
    a, b = found.comparisons
    assert (found.doubts, found.error_control.tests) == ((), 2)
    assert (a.weak, b.weak) == (False, False)
    assert b.effect is not None
    assert b.effect.theta == pytest.approx(math.log(1.2) - np.mean(logs))
    assert b.effect.spread == pytest.approx(np.std(logs, ddof=1))
    assert b.effect.critical == pytest.approx(stats.t.isf(0.01 / 2, 9))
    assert shown(b.base) == pytest.approx((math.exp(np.mean(logs)), 10))


def test_rounds_of_one_stored_run_count_once() -> None:
    pairs = [(0.9, 1.1), (1.0, 1.2), (0.8, 1.3), (1.0, 1.0)] * 2
    several = [run({"a": list(pair)}) for pair in pairs]
    once = [run({"a": [math.sqrt(x * y)]}) for x, y in pairs]

    found = compared_window(several, run({"a": [1.0, 1.44]}))

    expected = compared_window(once, run({"a": [1.2]}))
    assert found.comparisons[0].effect is not None
    assert expected.comparisons[0].effect is not None
    assert found.comparisons[0].effect.theta == pytest.approx(
        expected.comparisons[0].effect.theta
    )
    assert found.comparisons[0].effect.se == pytest.approx(
        expected.comparisons[0].effect.se
    )


def test_a_stored_run_without_a_series_is_a_gap_however_many_rounds_it_has() -> None:
    once = [run({"a": [v], "b": [v]}) for v in STEADY]
    lacking = run({"a": [1.0, 1.0], "b": [None, None]})
    partly = run({"a": [1.0, 1.0], "b": [None, 1.0]})

    found = compared_window([*once, lacking, partly], head_of(UNKNOWN_PLACE, b=1.0))

    expected = compared_window(
        [*once, run({"b": [1.0]})], head_of(UNKNOWN_PLACE, b=1.0)
    )
    assert found.comparisons[0].effect == expected.comparisons[0].effect


def test_enough_runs_of_the_same_machine_are_used_alone() -> None:
    elsewhere = [run({"a": [9.0], "b": [9.0]}, environment=THERE) for _ in range(20)]

    found = compared_window([*elsewhere, *stored(8)], head_of(a=1.0, b=1.0))

    assert found == compared_window(stored(8), head_of(a=1.0, b=1.0))


def test_too_few_runs_of_the_same_machine_are_mixed_with_others() -> None:
    found = compared_window([*stored(7), *stored(3, THERE)], head_of(a=1.0, b=1.0))

    text = "7 stored runs are of this environment; others were used too"
    assert found.doubts == (Doubt(text),)
    assert [c.base.rounds for c in found.comparisons if c.base] == [10, 10]


def refusals(past: Sequence[Run], head: Run) -> list[str]:
    found = compared_window(past, head)
    assert all(c.effect is None for c in found.comparisons)
    assert found.error_control.tests == 0
    return [c.reason for c in found.comparisons]


def test_a_machine_never_seen_is_not_comparable() -> None:
    said = "no stored run was made in this environment: measure in pairs"

    assert refusals(stored(20), head_of(THERE, a=1.0)) == [said]


def test_seven_stored_runs_are_too_few() -> None:
    said = "7 stored runs, 8 are needed: measure in pairs"

    assert refusals(stored(7), head_of(a=1.0)) == [said]


def test_error_rates_are_not_compared_with_stored_runs() -> None:
    past = [run({"a": [tally(1, 100)]})] * 9
    said = "error rates are compared in pairs only"

    assert refusals(past, run({"a": [tally(90, 100)]})) == [said]


def test_a_series_that_few_stored_runs_have_is_refused() -> None:
    past = [*stored(7), *stored(3, names="a")]

    found = compared_window(past, head_of(a=1.0, b=1.0))

    a, b = found.comparisons
    assert a.effect is not None
    assert (b.effect, b.reason) == (None, "too few stored runs have it, 8 are needed")


def test_dropped_iterations_censor_stored_latency_too() -> None:
    calm = run({"a": [sample(1.0, metric=P50)], "iterations": [tally(0, 999, DROPPED)]})
    busy = run({"a": [sample(1.0, metric=P50)], "iterations": [tally(9, 99, DROPPED)]})

    head = compared_window([calm] * 9, busy).comparisons
    base = compared_window([*[calm] * 8, busy], calm).comparisons

    assert head[0].reason.startswith("9.09 % of the head's iterations")
    assert base[0].reason.startswith("0.111 % of the base's iterations")


def test_a_stored_series_that_became_another_metric_is_refused() -> None:
    past = [run({"a": [1.0]})] * 9
    other = sample(1.0, metric=replace(TIME, unit=Unit.BYTE))

    said = "base and head measure different things under this name"
    assert refusals(past, run({"a": [other]})) == [said]


def test_series_of_several_metrics_are_compared_each_with_their_own() -> None:
    def both(value: float) -> Run:
        return run({"a": [value], "b": [sample(2 * value, metric=P50)]})

    past = [both(value) for value in STEADY]

    found = compared_window(past, both(1.0)).comparisons

    assert [c.metric for c in found] == [TIME, P50]
    assert [c.head.value for c in found if c.head] == [1.0, 2.0]


# --- names ---


def test_renamed_benchmarks_keep_what_was_measured_and_what_failed() -> None:
    failures = (Failure("micro", "old", "why"), Failure("micro", "other", "why"))
    before = run({"old": [1.0], "other": [2.0]}, failures=failures)

    after = renamed(before, {"old": "new"})

    assert after == run(
        {"new": [1.0], "other": [2.0]},
        failures=(replace(failures[0], benchmark="new"), failures[1]),
    )


def test_the_benchmarks_of_a_run_are_those_of_any_round() -> None:
    assert benchmarks_of(run({"a": [1.0, None], "b": [None, 1.0]})) == {
        ("micro", "a"),
        ("micro", "b"),
    }


def test_comparing_asks_what_blocks_with_the_metric() -> None:
    asked: list[tuple[str, Metric]] = []

    def note(series: object, metric: Metric) -> bool:
        asked.append((str(getattr(series, "benchmark", "")), metric))
        return True

    compare(paired({"a": STEADY}, {"a": STEADY}), blocks=note, level=0.01)

    assert asked == [("a", TIME)]
    assert len(SLICE_STATISTICS) == 5
