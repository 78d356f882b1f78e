"""What is compared, what is refused and why, and how many tests that makes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from benchgate.compare import (
    WHOLE_SUITE,
    Compared,
    benchmarks_of,
    compare,
    compare_window,
    renamed,
)
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
    Verdict,
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
    """Return ten windows of load, the first seven of each side with dropped ones."""
    metrics = [P50, replace(P95, name="slowest"), RATE]
    parts = [
        paired({"GET /": STEADY}, {"GET /": SLOWER}, metric=metric, suite=suite)
        for metric in metrics
    ]
    dropped = [
        {
            "iterations": [
                tally((n + 6 - i) // 7 if i < 7 else 0, 1000, DROPPED)
                for i in range(10)
            ]
        }
        for n in (base, head)
    ]
    return joined(*parts, paired(*dropped, suite=suite))


def reasons(measurement: Measurement) -> dict[str, str]:
    return {c.key.metric: c.reason for c in compared(measurement).comparisons}


@pytest.mark.parametrize(
    ("base", "head", "side", "share"),
    [(22, 0, "base", "0.22 %"), (0, 300, "head", "3 %"), (22, 35, "head", "0.35 %")],
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


def overflowing(base: set[int], head: set[int]) -> Measurement:
    """Return ten windows; those named on either side dropped a tenth of all."""
    counts = [
        {
            "iterations": [
                tally(100 if i in side else 0, 1000, DROPPED) for i in range(10)
            ]
        }
        for side in (base, head)
    ]
    return joined(
        paired({"GET /": STEADY}, {"GET /": SLOWER}, metric=P50),
        paired({"GET /": STEADY}, {"GET /": SLOWER}, metric=RATE),
        paired(*counts),
    )


def test_the_few_windows_that_dropped_iterations_are_left_out_of_latencies() -> None:
    found = compared(overflowing({1}, {1, 4}))

    by_metric = {c.key.metric: c for c in found.comparisons}
    assert shown(by_metric["p50"].head)[1] == 8
    assert shown(by_metric["throughput"].head)[1] == 10
    assert by_metric["p50"].doubts == ()
    (doubt,) = found.doubts
    assert doubt.text == (
        "micro: in 2 of 10 windows iterations were dropped; they are left out of all "
        "latencies"
    )


def test_where_most_windows_dropped_iterations_no_latency_is_judged() -> None:
    found = compared(overflowing({1, 2, 3}, {4, 5, 6}))

    assert found.comparisons[0].effect is None
    assert found.comparisons[0].reason.startswith("3 % of the head's iterations")
    assert found.doubts == ()


def test_what_was_measured_only_while_iterations_were_dropped_is_no_series() -> None:
    measured = overflowing({1}, {1})
    rare = paired({"GET /rare": [None, 1.0]}, {"GET /rare": [None, 1.0]}, metric=P50)

    def both(run: Run, other: Run) -> Run:
        first, second, *rest = run.rounds
        more = {**second.samples, **other.rounds[1].samples}
        return replace(run, rounds=(first, replace(second, samples=more), *rest))

    assert measured.base is not None
    assert rare.base is not None
    found = compared(
        replace(
            measured,
            base=both(measured.base, rare.base),
            head=both(measured.head, rare.head),
        )
    )

    assert "GET /rare" not in {c.key.benchmark for c in found.comparisons}


def test_a_window_that_counted_no_iterations_is_none_that_dropped_some() -> None:
    counts = [tally(100 if i == 1 else 0, 1000, DROPPED) for i in range(10)]
    measured = joined(
        paired({"GET /": STEADY}, {"GET /": SLOWER}, metric=P50),
        paired({"iterations": [*counts[:9], None]}, {"iterations": counts}),
    )

    found = {c.key.metric: c for c in compared(measured).comparisons}

    assert shown(found["p50"].head)[1] == 9


def test_iterations_counted_on_one_side_only_leave_all_windows_in() -> None:
    measured = overflowing({1}, {1})
    rounds = tuple(
        replace(
            one,
            samples={k: r for k, r in one.samples.items() if k.metric != "dropped"},
        )
        for one in measured.head.rounds
    )

    found = compared(replace(measured, head=replace(measured.head, rounds=rounds)))

    assert found.comparisons[0].reason.startswith("1 % of the base's iterations")


def test_it_does_not_matter_which_side_dropped_them() -> None:
    forth = compared(overflowing({1}, {4})).comparisons
    back = compared(overflowing({4}, {1})).comparisons

    assert [c.effect for c in forth if c.key.metric == "p50"] == [
        c.effect for c in back if c.key.metric == "p50"
    ]


def test_what_is_censored_takes_no_share_of_the_level() -> None:
    assert compared(load(base=5, head=5)).error_control.tests == 4
    assert compared(load(base=5, head=900)).error_control.tests == 2


# --- the number of tests ---


def test_only_what_may_block_takes_a_share_of_the_level() -> None:
    rows: dict[str, Sequence[Given]] = {
        "a": STEADY,
        "b": STEADY,
        "c": [1.0],
        "d": [sample(1.0, metric=SIZE)] * 10,
    }
    spared = policy(series=(SeriesRule("micro:b", blocking=False),))

    slower = {**rows, "a": SLOWER, "b": SLOWER, "c": [1.1]}
    assert compared(paired(rows, slower)).error_control == ErrorControl("holm", 0.01, 3)
    assert compared(paired(rows, slower), spared).error_control.tests == 2


IDLE = {
    "never beyond the margin": paired({"a": [1.0, 1.02] * 4}, {"a": [1.01] * 8}),
    "no error at all": paired({"a": [tally(0, 100)] * 8}, {"a": [tally(0, 100)] * 8}),
    "too few errors": paired({"a": [tally(0, 100)] * 6}, {"a": [tally(1, 100)] * 6}),
}
BUSY = {
    "once beyond the margin": paired({"a": [1.0] * 8}, {"a": [1.0] * 7 + [1.03]}),
    "once better than that": paired({"a": [1.0] * 8}, {"a": [1.0] * 7 + [0.97]}),
    "enough errors": paired({"a": [tally(0, 99)] * 8}, {"a": [tally(1, 99)] * 8}),
}


@pytest.mark.parametrize("measured", IDLE.values(), ids=IDLE)
def test_what_could_not_regress_takes_no_share_of_the_level(
    measured: Measurement,
) -> None:
    found = compared(measured)

    assert found.error_control.tests == 0
    assert [c.tested for c in found.comparisons] == [False]


@pytest.mark.parametrize("measured", BUSY.values(), ids=BUSY)
def test_what_could_regress_takes_its_share_of_the_level(
    measured: Measurement,
) -> None:
    found = compared(measured)

    assert found.error_control.tests == 1
    assert [c.tested for c in found.comparisons] == [True]


def test_a_pooled_tail_takes_its_share_even_where_its_windows_agree() -> None:
    points = [1 + i / 1000 for i in range(200)]
    windows = {"a": [window(points)] * 8}

    assert compared(paired(windows, windows, metric=P95)).error_control.tests == 1


def test_without_pairs_every_series_takes_its_share() -> None:
    rows = {"a": [1.0] * 8}

    assert compared(independent(rows, rows)).error_control.tests == 1


def test_a_look_spends_its_share_of_the_level() -> None:
    measured = replace(paired({"a": STEADY}, {"a": SLOWER}), share_of_error=0.2)

    found = compared(measured)

    assert found.error_control.level == pytest.approx(0.002)
    assert found.comparisons[0].effect is not None
    df = math.floor(10 * (found.comparisons[0].effect.units - 1.5)) / 10
    assert found.comparisons[0].effect.critical == pytest.approx(stats.t.isf(0.002, df))


def test_each_test_has_its_part_of_the_level() -> None:
    rows = dict.fromkeys("abcd", STEADY[:6])

    found = compared(paired(rows, dict.fromkeys("abcd", SLOWER[:6])))

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
        paired(many(4, 10), many(4, 10, 1.1)),
        paired(many(5, 7), many(5, 7, 1.1)),
        paired(many(5, 10), many(5, 10, 1.1), metric=P50),
        independent(many(5, 10), many(5, 10)),
        paired({**many(5, 10), "b0": [1.0, None, *STEADY[2:]]}, many(5, 10, 1.1)),
        joined(
            paired(many(3, 10), many(3, 10, 1.1), suite="one"),
            paired(many(3, 10), many(3, 10, 1.1), suite="other"),
        ),
    ],
    ids=["four", "short", "latency", "independent", "a gap", "two suites"],
)
def test_fewer_make_none(measured: Measurement) -> None:
    found = compared(measured)

    assert WHOLE_SUITE not in named(found.comparisons)
    assert found.error_control.tests == len(found.comparisons)


def test_a_benchmark_of_that_name_keeps_it_for_itself() -> None:
    base, head = many(6, 10), many(6, 10, 1.1)

    found = compared(
        paired({**base, WHOLE_SUITE: base["b0"]}, {**head, WHOLE_SUITE: head["b0"]})
    )

    names = named(found.comparisons)
    assert len(names) == len(found.comparisons) == 7


def test_what_may_not_block_is_no_part_of_the_suite() -> None:
    spared = policy(series=(SeriesRule("micro:b0", blocking=False),))

    assert WHOLE_SUITE in named(compared(paired(many(6, 10), many(6, 10))).comparisons)
    found = compared(paired(many(5, 10), many(5, 10)), spared)
    assert WHOLE_SUITE not in named(found.comparisons)


def test_a_suite_that_may_not_block_takes_no_share_of_the_level() -> None:
    spared = policy(series=(SeriesRule(f"*:{WHOLE_SUITE}", blocking=False),))

    found = compared(paired(many(5, 10), many(5, 10, 1.1)), spared)

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


def verdicts(found: Compared) -> list[Verdict]:
    return [judgement.verdict for judgement in judged(found)]


def refusals(past: Sequence[Run], head: Run) -> list[str]:
    found = compared_window(past, head)
    assert all(c.effect is None for c in found.comparisons)
    assert found.error_control.tests == 0
    return [c.reason for c in found.comparisons]


def test_a_machine_never_seen_is_not_comparable() -> None:
    said = "no stored run was made in this environment: measure in pairs"

    assert refusals(stored(20), head_of(THERE, a=1.0)) == [said]


def test_seven_stored_runs_are_weak_evidence() -> None:
    found = compared_window(stored(7), head_of(a=1.0, b=1.2))

    text = "7 stored runs are few: against fewer than 8 all evidence is weak"
    assert found.doubts == (Doubt(text),)
    assert [c.weak for c in found.comparisons] == [True, True]
    assert verdicts(found) == [Verdict.UNCHANGED, Verdict.REGRESSED]


def test_a_single_stored_run_convicts_only_what_doubles() -> None:
    found = compared_window(stored(1), head_of(a=1.5, b=2.5))

    assert [c.weak for c in found.comparisons] == [True, True]
    assert verdicts(found) == [Verdict.INCONCLUSIVE, Verdict.REGRESSED]


@pytest.mark.parametrize("count", [1, 3])
def test_with_eight_benchmarks_few_stored_runs_let_the_others_tell(count: int) -> None:
    names = "abcdefghij"
    head = run({n: [1.02 if n != "c" else 1.3] for n in names}, environment=HERE)

    found = compared_window(stored(count, names=names), head)

    regressed = [v is Verdict.REGRESSED for v in verdicts(found)]
    assert regressed == [n == "c" for n in names]
    assert all(c.weak for c in found.comparisons)


def test_error_rates_are_compared_with_the_errors_of_stored_runs() -> None:
    past = [run({"a": [tally(e, 1000)]}) for e in (0, 1, 2, 1, 0, 3, 1, 0, 1)]

    calm, loud, all_of_them = (
        compared_window(past, run({"a": [tally(e, 1000)]})) for e in (1, 40, 1000)
    )

    assert verdicts(calm) == [Verdict.UNCHANGED]
    assert verdicts(loud) == [Verdict.REGRESSED]
    assert verdicts(all_of_them) == [Verdict.REGRESSED]
    assert loud.comparisons[0].weak is False
    assert shown(loud.comparisons[0].base) == pytest.approx((0.001, 9))


def test_error_rates_against_few_stored_runs_are_weak() -> None:
    past = [run({"a": [tally(1, 1000)]})] * 3

    (found,) = compared_window(past, run({"a": [tally(90, 1000)]})).comparisons

    assert found.weak


def test_a_series_that_few_stored_runs_have_is_judged_weakly() -> None:
    past = [*stored(7), *stored(3, names="a")]

    found = compared_window(past, head_of(a=1.0, b=1.0))

    assert [c.weak for c in found.comparisons] == [False, True]
    assert [c.base.rounds for c in found.comparisons if c.base] == [10, 7]


def test_a_value_without_a_ratio_is_not_comparable() -> None:
    found = compared_window(stored(9, names="a"), head_of(a=0.0))

    reason = "no stored run has a value that has a ratio"
    assert [c.reason for c in found.comparisons] == [reason]


def test_sizes_are_compared_exactly_and_spend_no_error() -> None:
    past = [run({"a": [sample(1000.0, metric=SIZE)], "b": [v]}) for v in STEADY]

    same, larger = (
        compared_window(past, run({"a": [sample(x, metric=SIZE)], "b": [1.0]}))
        for x in (1000.0, 1030.0)
    )

    assert same.error_control.tests == 1
    assert verdicts(same)[0] is Verdict.UNCHANGED
    assert verdicts(larger)[0] is Verdict.REGRESSED


def test_sizes_of_another_machine_tell_nothing_of_this_one() -> None:
    def sized(value: float, environment: Environment) -> Run:
        return run({"a": [sample(value, metric=SIZE)]}, environment=environment)

    bare = run({"b": [1.0]}, environment=HERE)
    past = [*[sized(1000.0, THERE)] * 9, *[sized(500.0, HERE)] * 2, bare]

    (found,) = compared_window(past, sized(500.0, HERE)).comparisons
    (lost,) = compared_window([*past[:9], bare], sized(500.0, HERE)).comparisons

    assert found.effect is not None
    assert (found.effect.theta, found.weak) == (0.0, True)
    assert lost.reason == "no stored run of this environment has it"


def test_a_series_that_changed_its_level_is_compared_with_what_it_is_now() -> None:
    before, after = stored(15, names="a"), stored(15, names="a")
    faster = [
        run({"a": [r.rounds[0].samples[key("a")].values[0] / 2]}, environment=HERE)  # type: ignore[union-attr]
        for r in after
    ]

    (found,) = compared_window([*before, *faster], head_of(a=0.6)).comparisons

    text = "its level changed 15 stored runs ago: older ones don't count"
    assert found.doubts == (Doubt(text, key("a")),)
    assert shown(found.base)[1] == 15
    assert found.effect is not None
    assert found.effect.theta == pytest.approx(math.log(1.2), abs=0.02)


def test_a_unit_that_changed_half_way_leaves_the_newer_half() -> None:
    tens = [run({"a": [sample(v, metric=P50)]}) for v in STEADY]
    ones = [run({"a": [sample(v, metric=replace(P50, unit=Unit.ONE))]}) for v in STEADY]

    found = compared_window([*ones, *tens], run({"a": [sample(1.0, metric=P50)]}))

    text = f"{len(ones)} stored runs measured something else under this name"
    newer = compared_window(tens, run({"a": [sample(1.0, metric=P50)]}))
    assert found.doubts == (Doubt(text, key("a", P50)),)
    assert found.comparisons[0].base == newer.comparisons[0].base
    assert verdicts(found) == verdicts(newer) == [Verdict.INCONCLUSIVE]


def test_a_stored_run_that_forces_the_median_forces_it_on_all() -> None:
    full = sample(1.0, 1.1, 1.2, 1.3, 1.4)
    short = replace(
        full,
        statistics=(Statistic.MEDIAN, Statistic.MEAN),
        values=(1.3, 1.4),
        primary=Statistic.MEDIAN,
    )
    past = [run({"a": [full]})] * 8

    found = compared_window([*past, run({"a": [short]})], run({"a": [full]}))

    assert shown(found.comparisons[0].base) == pytest.approx((1.3, 9))
    assert shown(found.comparisons[0].head) == pytest.approx((1.3, 1))


def test_a_clock_that_goes_backwards_changes_nothing() -> None:
    def clocked(value: float, started_at: float) -> Run:
        return run({"a": [value]}, environment=HERE, started_at=started_at)

    values = [*STEADY, *[2 * v for v in STEADY]]
    forth = [clocked(v, float(i)) for i, v in enumerate(values)]
    back = [clocked(v, float(-i)) for i, v in enumerate(values)]

    assert compared_window(forth, head_of(a=2.0)) == compared_window(
        back, head_of(a=2.0)
    )


def many_stored(count: int, series: int, *, shift: float = 0.0) -> list[Run]:
    rng = np.random.default_rng(series)
    rows = np.exp(0.01 * rng.standard_normal((count + 1, series)))
    rows[-1] *= math.exp(shift)
    return [
        run({f"b{i:04}": [v] for i, v in enumerate(row)}, environment=HERE)
        for row in rows.tolist()
    ]


def test_a_slowdown_of_all_on_one_kind_of_machine_is_a_question() -> None:
    *past, head = many_stored(30, 8, shift=0.1)

    found = compared_window(past, head)

    suite = found.comparisons[0]
    assert suite.key == key(WHOLE_SUITE)
    assert suite.effect is None
    assert suite.reason.startswith("every time moved by about +10.")
    assert suite.reason.endswith("is it the machine or the code? Measure in pairs")
    assert Verdict.REGRESSED not in verdicts(found)


def test_a_gain_of_all_on_one_kind_of_machine_is_a_doubt() -> None:
    *past, head = many_stored(30, 8, shift=-0.1)

    found = compared_window(past, head)

    assert [d.text[:35] for d in found.doubts] == [
        "micro: every time moved by about -9"
    ]
    assert len(found.comparisons) == 8


def test_a_slower_kind_of_machine_is_a_doubt() -> None:
    *past, head = many_stored(30, 8, shift=0.1)
    here = replace(head, environment=THERE)
    past = [*past, *(replace(r, environment=THERE) for r in past[:2])]

    found = compared_window(past, here)

    assert found.doubts[0].text.startswith("2 stored runs are of this")
    assert "on this machine, which the verdicts leave aside" in found.doubts[1].text
    assert Verdict.REGRESSED not in verdicts(found)


def test_what_a_slower_machine_does_to_all_is_no_regression() -> None:
    *past, head = many_stored(30, 20)
    rng = np.random.default_rng(4)
    slower = {
        k.benchmark: [r.values[0] * float(np.exp(rng.normal(0.12, 0.04)))]
        for k, r in head.rounds[0].samples.items()
        if isinstance(r, Sample)
    }

    found = judged(compared_window(past, run(slower, environment=HERE)))

    assert {j.verdict for j in found} == {Verdict.INCONCLUSIVE}
    assert "is it the machine or the code?" in found[0].comparison.reason


def test_rounds_of_one_stored_job_count_as_one_run() -> None:
    rng = np.random.default_rng(1)

    def job(rounds: int) -> Run:
        rate = float(rng.beta(2, 60))
        events = [tally(int(rng.binomial(400, rate)), 400) for _ in range(rounds)]
        return run({"GET /": events}, suite="load", environment=HERE)

    found = compared_window([job(5) for _ in range(2)], job(5)).comparisons

    assert [c.weak for c in found] == [True]


def test_a_slowdown_of_many_but_not_all_is_not_taken_for_the_machine() -> None:
    *past, head = many_stored(30, 20)
    slowed = {
        k.benchmark: [1.1 * r.values[0] if i < 12 else r.values[0]]  # type: ignore[union-attr]
        for i, (k, r) in enumerate(head.rounds[0].samples.items())
    }

    found = compared_window(past, run(slowed, environment=HERE))

    micro = [c for c in judged(found) if c.key.benchmark != WHOLE_SUITE]
    regressed = [j.verdict is Verdict.REGRESSED for j in micro]
    assert regressed == [i < 12 for i in range(20)]


def test_thousands_of_series_are_judged() -> None:
    *past, head = many_stored(30, 3000)

    found = judged(compared_window(past, head))

    assert len(found) == 3000
    assert sum(j.verdict is Verdict.REGRESSED for j in found) == 0


@pytest.mark.parametrize(
    ("slower", "verdict"), [(1.0, Verdict.UNCHANGED), (1.1, Verdict.REGRESSED)]
)
def test_one_benchmark_alone_is_judged_by_its_own_history(
    slower: float, verdict: Verdict
) -> None:
    found = compared_window(stored(30, names="a"), head_of(a=slower))

    assert verdicts(found) == [verdict]


def test_one_wild_run_in_the_window_convicts_nobody() -> None:
    past = stored(30, names="a")
    past[17] = head_of(a=5.0)

    assert verdicts(compared_window(past, head_of(a=1.02))) == [Verdict.INCONCLUSIVE]
    assert verdicts(compared_window(past, head_of(a=5.0)))[0] is not Verdict.UNCHANGED


def test_a_history_with_holes_is_judged_by_what_is_there() -> None:
    past = stored(30)
    holes = [r if i % 3 else head_of(a=1.0) for i, r in enumerate(past)]

    found = compared_window(holes, head_of(a=1.0, b=1.1))

    assert [shown(c.base)[1] for c in found.comparisons] == [30, 20]
    assert verdicts(found)[1] is Verdict.REGRESSED


def test_a_time_that_never_varied_is_compared_exactly() -> None:
    past = [head_of(a=1.0) for _ in range(30)]

    same, slower = (compared_window(past, head_of(a=x)) for x in (1.0, 1.03))

    assert verdicts(same) == [Verdict.UNCHANGED]
    assert verdicts(slower) == [Verdict.REGRESSED]


def test_the_run_of_another_job_joins_the_head() -> None:
    past, head, again = stored(30), head_of(a=1.0, b=1.03), head_of(a=1.02, b=1.05)

    found = compare_window(
        past, head, blocks=lambda *_: True, level=0.01, reruns=[again]
    )

    b = found.comparisons[1]
    assert b.effect is not None
    assert b.effect.units == 2
    assert shown(b.head) == pytest.approx((math.sqrt(1.03 * 1.05), 2))


def test_a_rerun_on_another_kind_of_machine_is_left_out_with_a_doubt() -> None:
    past, head = stored(30), head_of(a=1.0, b=1.03)
    again = replace(head_of(a=1.02, b=1.05), environment=Environment(arch="z80"))

    found = compare_window(
        past, head, blocks=lambda *_: True, level=0.01, reruns=[again]
    )

    assert found.comparisons[1].effect is not None
    assert found.comparisons[1].effect.units == 1
    assert [d.text for d in found.doubts] == [
        "1 rerun made in another environment left out"
    ]


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

    said = "every stored run measured something else under this name"
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

    compare(
        paired({"a": STEADY}, {"a": STEADY}),
        blocks=note,
        margin=lambda *_: 0.02,
        level=0.01,
    )

    assert asked == [("a", TIME)]
    assert len(SLICE_STATISTICS) == 5
