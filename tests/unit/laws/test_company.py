"""What one benchmark is told doesn't hang on which others were measured beside it.

In pairs: a benchmark that may not block changes nothing at all for the others. One
that may block takes its share of the level, and through the level it can change which
quiet pairs of another are chosen; at the same level a test all else is the same, bit
for bit. Without pairs several rounds a side are told alone too. A single round, and a
window of stored runs, are measured against the other benchmarks by design.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from benchgate.compare import WHOLE_SUITE
from benchgate.model import Judgement, Kind, Measurement, SeriesKey, SeriesRule, Verdict
from tests.builders import (
    LAW,
    SIZE,
    TIME,
    Given,
    compared,
    independent,
    joined,
    judged,
    paired,
    policy,
    report_of,
    sample,
    tally,
)
from tests.unit.laws.measured import backwards, measurements, rows

SPARED = policy(
    false_alarms=0.2,
    margins=dict.fromkeys(Kind, 0.0),
    series=(SeriesRule("*:extra*", blocking=False),),
)
ROUNDS = 10
extras = rows(series=2, rounds=ROUNDS, missing=True).map(
    lambda found: {f"extra {name}": row for name, row in found.items()}
)
Rows = Mapping[str, list[Given]]


def judgements(measurement: Measurement) -> dict[SeriesKey, Judgement]:
    """Return the judgements of all but the added benchmarks."""
    found = judged(compared(measurement, SPARED), SPARED)
    return {j.key: j for j in found if not j.key.benchmark.startswith("extra")}


@LAW
@given(st.data(), st.integers(min_value=1, max_value=6))
def test_a_benchmark_that_may_not_block_alters_nothing_in_pairs(
    data: st.DataObject, series: int
) -> None:
    side = rows(series=series, rounds=ROUNDS, missing=True)
    base, head = data.draw(side), data.draw(side)
    added = {**base, **data.draw(extras)}, {**head, **data.draw(extras)}

    assert judgements(paired(*added)) == judgements(paired(base, head))


@LAW
@given(st.data(), st.integers(min_value=1, max_value=6))
def test_a_benchmark_that_may_not_block_alters_nothing_in_several_rounds(
    data: st.DataObject, series: int
) -> None:
    side = rows(series=series, rounds=ROUNDS, missing=False)
    base, head = data.draw(side), data.draw(side)
    added = {**base, **data.draw(extras)}, {**head, **data.draw(extras)}

    assert judgements(independent(*added)) == judgements(independent(base, head))


def test_what_is_only_watched_alters_nothing_though_it_doubled() -> None:
    base: Rows = {f"b{i}": [1.0 + i, 1.1 + i, 1.2 + i] * 4 for i in range(5)}
    head: Rows = {f"b{i}": [1.1 + i, 1.2 + i, 1.2 + i] * 4 for i in range(5)}
    sizes = [sample(v, metric=SIZE) for v in (1.0, 2.0)]

    with_size = judgements(
        paired({**base, "extra": sizes[:1] * 12}, {**head, "extra": sizes[1:] * 12})
    )

    assert with_size == judgements(paired(base, head))


@LAW
@given(st.data())
def test_at_one_level_a_test_a_blocking_benchmark_alters_no_effect(
    data: st.DataObject,
) -> None:
    # Several at 0.01 beside one at its part of it: each test has the same level.
    side = rows(series=4, rounds=ROUNDS, missing=False)
    base, head = data.draw(side), data.draw(side)
    alone = paired({"b0": base["b0"]}, {"b0": head["b0"]})

    together = compared(paired(base, head), policy(false_alarms=0.01))
    each = 0.01 / max(together.error_control.tests, 1)
    (single,) = compared(alone, policy(false_alarms=each)).comparisons

    assert together.comparisons[0] == single


@LAW
@given(st.data())
def test_without_a_choice_a_blocking_benchmark_alters_no_raw_p(
    data: st.DataObject,
) -> None:
    # Up to seven pairs of one statistic all count; only the level of a test moves.
    side = rows(series=4, rounds=7, missing=False)
    base, head = data.draw(side), data.draw(side)
    alone = paired({"b0": base["b0"]}, {"b0": head["b0"]})

    together = compared(paired(base, head)).comparisons[0]
    (single,) = compared(alone).comparisons

    assert together.effect is not None
    assert single.effect is not None
    assert replace(together.effect, critical=0.0) == replace(
        single.effect, critical=0.0
    )
    assert together.effect.critical >= single.effect.critical


@LAW
@given(measurements())
def test_the_order_of_the_series_changes_nothing(measurement: Measurement) -> None:
    assert report_of(backwards(measurement)) == report_of(measurement)


@LAW
@given(measurements())
def test_every_series_of_both_sides_is_judged_and_no_other(
    measurement: Measurement,
) -> None:
    assert measurement.base is not None
    sides = [
        {key for r in run.rounds for key in r.samples}
        for run in (measurement.base, measurement.head)
    ]

    report = report_of(measurement)

    keys = {j.key for j in report.judgements if j.key.benchmark != WHOLE_SUITE}
    assert keys == sides[0] & sides[1]


@LAW
@given(measurements(design="paired"), st.data())
def test_missing_is_never_unchanged(
    measurement: Measurement, data: st.DataObject
) -> None:
    names = sorted({j.key.benchmark for j in report_of(measurement).judgements})
    lost = data.draw(st.sampled_from(names))
    rounds = tuple(
        replace(
            one, samples={k: r for k, r in one.samples.items() if k.benchmark != lost}
        )
        for one in measurement.head.rounds
    )

    report = report_of(
        replace(measurement, head=replace(measurement.head, rounds=rounds))
    )

    unchanged = [j for j in report.judgements if j.verdict is Verdict.UNCHANGED]
    assert lost not in {j.key.benchmark for j in unchanged}
    assert (lost in {m.benchmark for m in report.removed}) is (lost != WHOLE_SUITE)


def test_a_tally_beside_times_alters_none_of_them() -> None:
    times = paired({"a": [1.0, 1.1, 1.0]}, {"a": [1.1, 1.1, 1.2]}, metric=TIME)
    errors = paired({"extra": [tally(1, 100)] * 3}, {"extra": [tally(9, 100)] * 3})

    assert judgements(joined(times, errors)) == judgements(times)
