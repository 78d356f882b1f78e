"""Stored runs × the head → comparisons, of what chance can do and of what is exact."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from benchgate.compare.series import (
    WHOLE_SUITE,
    Blocks,
    Columns,
    Compared,
    Series,
    censored_suites,
    columns_of,
    compare_errors,
    comparison_of,
    geometric_mean,
    measure_the_same,
    refusal,
    series_of,
    shared_primary,
    summed,
    unfit,
    untestable,
)
from benchgate.model import (
    Comparison,
    Design,
    Doubt,
    ErrorControl,
    Kind,
    Metric,
    Reading,
    Run,
    Sample,
    SeriesKey,
    SideValue,
    Tally,
    Unit,
)
from benchgate.stats.counts import exact_change, stored_tallies
from benchgate.stats.window import FEWEST_RUNS, Shift, WindowEffect, against_window

# More of the series than this, moved together, are taken for the machine.
_NEARLY_ALL = 0.8
# What a program counts of itself is the same in each run, but for a little.
_EXACT = {Kind.COUNT, Kind.SIZE}


def compare_window(
    window: Sequence[Run],
    head: Run,
    *,
    blocks: Blocks,
    level: float,
    widen: float = 1.0,
    plain: bool = False,
    reruns: Sequence[Run] = (),
) -> Compared:
    """Return what *head* shows against stored runs, in the order of the store.

    Only runs of the head's own environment count when there are enough of them; else
    all do, with a doubt; where the head's was never seen nothing can be said.
    *widen* multiplies every standard error: what a calibration found to be needed.
    *plain*: don't take out what all benchmarks of a run share.
    *reruns*: what other jobs measured of the same commit; each counts like *head*.
    """
    same = [run for run in window if run.environment.key == head.environment.key]
    alike = len(same) >= FEWEST_RUNS or len(same) == len(window)
    strange = [r for r in reruns if r.environment.key != head.environment.key]
    heads = (head, *(run for run in reruns if run not in strange))
    runs = same if alike else window
    before = columns_of([r for run in runs for r in run.rounds])
    after = columns_of([r for run in heads for r in run.rounds])
    before, strangers = _of_the_heads_metrics(before, after)
    found = series_of(before, after, Design.STORED)
    censored = censored_suites(found, before, after)
    refused = {
        s.key: why for s in found if (why := _no_window(s, same, censored=censored))
    }
    tested = [s for s in found if s.key not in refused]
    # What is counted exactly is no matter of chance: it spends none of the error.
    chance = [s for s in tested if s.metric.kind not in _EXACT]
    tests = sum(blocks(s.key, s.metric) for s in chance)
    each = level / max(tests, 1)
    made = [refusal(s, refused[s.key]) for s in found if s.key in refused]
    made += [
        replace(_compare_exact(s, before, after, runs, heads), tested=False)
        for s in tested
        if s.metric.kind in _EXACT
    ]
    doubts = list(strangers)
    if strange:
        number = f"{len(strange)} rerun{'s' * (len(strange) > 1)}"
        text = f"{number} made in another environment left out"
        doubts.append(Doubt(text))
    if len(same) < FEWEST_RUNS and same:
        doubts.append(_few_stored(len(same), alike=alike))
    both = {s.key: [*before[s.key], *after[s.key]] for s in tested}
    groups: dict[tuple[str, str], list[Series]] = defaultdict(list)
    for series in chance:
        if isinstance(series.head[0], Tally):
            sides = [
                _by_run(before, series.key, runs),
                _by_run(after, series.key, heads),
            ]
            made.append(_compare_stored_errors(series, sides, level=each))
        else:
            groups[series.key.suite, series.metric.name].append(series)
    for group in groups.values():
        rows = _table(group, both, [*runs, *heads])
        against = against_window(
            rows[: len(runs)],
            rows[len(runs) :],
            signs=[s.sign for s in group],
            level=each,
            widen=widen,
            plain=plain,
        )
        told = list(map(_compare_stored, group, against.series))
        if against.shift is not None and against.shift.stands_out:
            said = _said_of_all(group[0], against.shift, alike=alike)
            if alike and against.shift.theta > 0:
                told.append(_all_are_worse(group[0], said))
            else:
                doubts.append(Doubt(f"{group[0].key.suite}: {said}"))
            if alike and _moved_together(group, told, against.shift):
                told = [refusal(s, said) for s in group] + told[len(group) :]
        made += told
    return Compared(
        comparisons=tuple(sorted(made, key=lambda c: c.key)),
        error_control=ErrorControl("holm", level, tests),
        doubts=tuple(doubts),
    )


def _of_the_heads_metrics(
    before: Columns, after: Columns
) -> tuple[Columns, list[Doubt]]:
    """Return the stored readings of what the head measured, and what was left out.

    A name that stood for something else, in another unit say, is another series.
    """
    kept: dict[SeriesKey, Sequence[Reading | None]] = {}
    doubts = []
    for key, heads in after.items():
        stored = before.get(key, ())
        readings = [r for r in (*heads, *stored) if r is not None]
        if not stored or measure_the_same(readings):
            kept[key] = stored
            continue
        head = readings[0]
        fitting = [_if_like(head, r) for r in stored]
        kept[key] = fitting
        lost = sum(
            r is not None and f is None for r, f in zip(stored, fitting, strict=True)
        )
        text = f"{lost} stored runs measured something else under this name"
        doubts.append(Doubt(text, key))
    return {key: column for key, column in kept.items() if column}, doubts


def _if_like(head: Reading, stored: Reading | None) -> Reading | None:
    if stored is None or not measure_the_same([head, stored]):
        return None
    return stored


def _no_window(
    series: Series, same: Sequence[Run], *, censored: Mapping[str, str]
) -> str:
    if not same:
        return "no stored run was made in this environment: measure in pairs"
    if not series.base:
        return "every stored run measured something else under this name"
    return unfit(series, censored)


def _few_stored(count: int, *, alike: bool) -> Doubt:
    if alike:
        return Doubt(
            f"{count} stored runs are few: against fewer than {FEWEST_RUNS} all "
            "evidence is weak"
        )
    return Doubt(f"{count} stored runs are of this environment; others were used too")


def _moved_together(
    group: Sequence[Series], told: Sequence[Comparison], shift: Shift
) -> bool:
    """Say whether nearly every series got worse with the middle one.

    That is what a slower machine does; only pairs can tell it from slower code. What
    made many slower and left others alone was no machine.
    """
    if shift.theta <= 0:
        return False
    worse = [
        s.sign * math.log(c.head.value / c.base.value) > shift.theta / 2
        for s, c in zip(group, told, strict=False)
        if c.base and c.head and c.effect
    ]
    return sum(worse) > _NEARLY_ALL * len(worse)


def _said_of_all(series: Series, shift: Shift, *, alike: bool) -> str:
    moved = f"{math.expm1(shift.theta):+.1%}"
    if alike:
        return (
            f"every {series.key.metric} moved by about {moved} on the same kind of "
            "machine: is it the machine or the code? Measure in pairs"
        )
    return (
        f"every {series.key.metric} differs by about {moved} on this machine, which "
        "the verdicts leave aside"
    )


def _all_are_worse(series: Series, reason: str) -> Comparison:
    """Return the suite as a series of which only pairs can tell more."""
    key = SeriesKey(series.key.suite, WHOLE_SUITE, series.key.metric)
    return Comparison(
        key,
        replace(series.metric, unit=Unit.ONE),
        None,
        None,
        effect=None,
        reason=reason,
        weak=False,
        design=Design.STORED,
    )


def _compare_stored(series: Series, found: WindowEffect | None) -> Comparison:
    if found is None:
        return refusal(series, "no stored run has a value that has a ratio")
    doubts = []
    if found.since_change:
        text = f"its level changed {found.runs} stored runs ago: older ones don't count"
        doubts.append(Doubt(text, series.key))
    return Comparison(
        series.key,
        series.metric,
        SideValue(found.base, found.runs),
        SideValue(found.head, len(series.head)),
        found.effect,
        reason="",
        weak=found.weak,
        design=Design.STORED,
        doubts=tuple(doubts),
    )


def _compare_exact(
    series: Series,
    before: Columns,
    after: Columns,
    runs: Sequence[Run],
    heads: Sequence[Run],
) -> Comparison:
    """Compare with the runs of the head's environment: others count otherwise."""
    place = heads[0].environment.key
    past, now = (
        [
            value
            for run, (value,) in zip(side, _table([series], columns, side), strict=True)
            if run.environment.key == place and value > 0
        ]
        for side, columns in ((runs, before), (heads, after))
    )
    if not past or not now:
        return refusal(series, "no stored run of this environment has it")
    return Comparison(
        series.key,
        series.metric,
        SideValue(sorted(past)[(len(past) - 1) // 2], len(past)),
        SideValue(geometric_mean(now), len(now)),
        exact_change(past, now, sign=series.sign),
        reason="",
        weak=len(past) < FEWEST_RUNS,
        design=Design.STORED,
    )


def _compare_stored_errors(
    series: Series, sides: Sequence[Sequence[tuple[int, int]]], *, level: float
) -> Comparison:
    past, now = sides
    if len(past) < FEWEST_RUNS:
        return compare_errors(series, level=level, weak=True)
    found = stored_tallies(past, now, level=level)
    return replace(
        comparison_of(series, found.effect, base=found.base, head=found.head),
        base=SideValue(found.base, len(past)),
        head=SideValue(found.head, len(now)),
    )


def _by_run(
    columns: Columns, key: SeriesKey, runs: Sequence[Run]
) -> list[tuple[int, int]]:
    """Return (events, trials) of each run that has the series.

    Rounds of one run share its machine: they count once.
    """
    ends = accumulate((len(run.rounds) for run in runs), initial=0)
    of_each = [summed(columns[key][i:j]) for i, j in pairwise(ends)]
    return [(t.events, t.trials) for t in of_each if t is not None]


def _table(
    group: Sequence[Series], columns: Columns, runs: Sequence[Run]
) -> list[tuple[float, ...]]:
    """Return one number a series for each run, NaN where the run lacks the series.

    Rounds of one run share its machine: their mean counts once.
    """
    ends = list(accumulate((len(run.rounds) for run in runs), initial=0))
    single = ends == list(range(len(runs) + 1))
    by_series = []
    for series in group:
        values = _column(series, columns[series.key])
        if not single:
            values = [_run_mean(values[i:j]) for i, j in pairwise(ends)]
        by_series.append(values)
    return list(zip(*by_series, strict=True))


def _column(series: Series, readings: Sequence[Reading | None]) -> list[float]:
    statistic = shared_primary(series)
    there = {r.statistics for r in readings if isinstance(r, Sample)}
    if len(there) == 1:
        at = there.pop().index(statistic)
        return [r.values[at] if isinstance(r, Sample) else math.nan for r in readings]
    return [r.value(statistic) if isinstance(r, Sample) else math.nan for r in readings]


def tabulated(
    runs: Sequence[Run],
) -> tuple[list[tuple[SeriesKey, Metric]], list[tuple[float, ...]]]:
    """Return the series that stored runs can judge, and one row of them for each run.

    The numbers are those that a comparison against these runs would take, NaN where
    a run lacks a series.
    """
    columns = columns_of([r for run in runs for r in run.rounds])
    found = [
        s
        for s in series_of(columns, columns, Design.STORED)
        if isinstance(s.head[0], Sample) and not untestable(s, {})
    ]
    if not found:
        return [], [()] * len(runs)
    return [(s.key, s.metric) for s in found], _table(found, columns, runs)


def _run_mean(values: Sequence[float]) -> float:
    there = [value for value in values if not math.isnan(value)]
    return geometric_mean(there) if there else math.nan
