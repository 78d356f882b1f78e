"""Base rounds × head rounds → comparisons: in pairs, in separate rounds, run to run.

Which series are tested is settled before any effect is looked at, by what was
measured and by whether it may block; their number divides the allowed error.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import compress

from benchgate.compare.series import (
    CENSORED,
    DROPPED,
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
    overflows,
    primary_values,
    refusal,
    series_of,
    summed,
    untestable,
)
from benchgate.model import (
    Comparison,
    Design,
    Doubt,
    ErrorControl,
    Kind,
    Measurement,
    Metric,
    Reading,
    Sample,
    SeriesKey,
    SideValue,
    Statistic,
    Tally,
    Unit,
)
from benchgate.stats.pairs import (
    FEWEST_TO_CHOOSE,
    PairLogs,
    pair_logs,
    quiet_pairs,
    suite_pairs,
)
from benchgate.stats.rounds import (
    FEWEST_OTHERS,
    independent_rounds,
    shared_change,
    single_rounds,
)
from benchgate.stats.tails import pooled_tail

Margin = Callable[[SeriesKey, Metric], float]
_FEWEST_FOR_SUITE = 5
_FEWEST_PAIRS = 2
# Below this the shared change of a single pair of runs is not worth a footnote.
_SHARED_WORTH_SAYING = 0.02


def compare(
    measurement: Measurement, *, blocks: Blocks, margin: Margin, level: float
) -> Compared:
    """Return what *measurement* says about each series that both sides have.

    *blocks* says whether a series may block; only those share *level*, the allowed
    share of clean comparisons with a false alarm, of which this look spends
    ``measurement.share_of_error``. In pairs those don't either that could not regress
    however the sides were exchanged: *margin* is the least slowdown that counts.
    Source: Tarone, 1990, A modified Bonferroni method for discrete data.
    """
    if measurement.base is None:
        return Compared((), ErrorControl("holm", level, 0), ())
    level = level * measurement.share_of_error
    paired = measurement.design is Design.PAIRED
    before, after = (columns_of(r.rounds) for r in (measurement.base, measurement.head))
    spared: dict[str, Doubt] = {}
    if paired:
        before, after, spared = _without_overflow(before, after)
    found = series_of(before, after, measurement.design)
    censored = censored_suites(found, before, after, spared=spared)
    refused = {s.key: why for s in found if (why := untestable(s, censored))}
    testable = [s for s in found if s.key not in refused]
    blocking = [s for s in testable if blocks(s.key, s.metric)]
    suites = _suites(blocking) if paired else {}
    idle = {
        s.key for s in blocking if paired and _is_idle(s, margin=margin, level=level)
    }
    tests = len(blocking) - len(idle)
    tests += sum(blocks(k, s[0].metric) for k, s in suites.items())
    each = level / max(tests, 1)
    if paired:
        made = _compare_pairs(testable, suites, level=each)
    else:
        made = _compare_rounds(testable, level=each)
    made += [refusal(s, refused[s.key]) for s in found if s.key in refused]
    if idle:
        made = [replace(c, tested=False) if c.key in idle else c for c in made]
    return Compared(
        comparisons=tuple(sorted(made, key=lambda c: c.key)),
        error_control=ErrorControl("holm", level, tests),
        doubts=tuple(spared.values()) if paired else _shared_doubts(testable),
    )


def _without_overflow(
    before: Columns, after: Columns
) -> tuple[Columns, Columns, dict[str, Doubt]]:
    """Return both sides' columns without the latencies of windows that dropped some.

    That is done where a suite dropped more than is allowed and most of its windows
    did not; the third result has a doubt for each such suite. It asks whether either
    side of a pair did, so it doesn't know which.
    """
    columns = {**before}, {**after}
    doubts = {}
    suites = sorted({k.suite for k in before if (k.benchmark, k.metric) == DROPPED})
    for suite in suites:
        counts = [side.get(SeriesKey(suite, *DROPPED), ()) for side in columns]
        if not all(counts):
            continue
        keep = [not any(map(overflows, pair)) for pair in zip(*counts, strict=False)]
        too_many = any(overflows(summed(side)) for side in counts)
        if not too_many or 2 * sum(keep) < len(keep):
            continue
        for side in columns:
            side |= {
                key: list(compress(column, keep))
                for key, column in side.items()
                if key.suite == suite and _is_censored(column)
            }
        doubts[suite] = Doubt(
            f"{suite}: in {keep.count(False)} of {len(keep)} windows iterations were "
            "dropped; they are left out of all latencies"
        )
    return *columns, doubts


def _is_censored(column: Sequence[Reading | None]) -> bool:
    return any(r is not None and r.metric.kind in CENSORED for r in column)


def _is_idle(series: Series, *, margin: Margin, level: float) -> bool:
    """Say whether no exchange of the sides of its pairs could make it regress.

    Blind: it hangs on the size of the differences, never on their sign.
    """
    if isinstance(series.head[0], Tally):
        sides = [
            [r for r in side if isinstance(r, Tally)]
            for side in (series.base, series.head)
        ]
        events = sum(r.events for side in sides for r in side)
        trials = [sum(r.trials for r in side) for side in sides]
        # All on the side of fewer trials is the least likely that they can do.
        least = (min(trials) / sum(trials)) ** events
        return bool(least >= level)
    if series.probability is not None:
        return False  # the quantile of a pool isn't bounded by those of its windows
    most = 1 + margin(series.key, series.metric)
    return not any(
        isinstance(base, Sample)
        and isinstance(head, Sample)
        and _reaches(base, head, most)
        for base, head in zip(series.base, series.head, strict=True)
    )


def _reaches(base: Sample, head: Sample, most: float) -> bool:
    """Say whether some statistic of a pair differs by more than the factor *most*."""
    if base.statistics != head.statistics:
        return True
    return any(
        h > most * b or b > most * h
        for b, h in zip(base.values, head.values, strict=True)
    )


def _compare_pairs(
    found: Sequence[Series],
    suites: Mapping[SeriesKey, Sequence[Series]],
    *,
    level: float,
) -> list[Comparison]:
    made = []
    logs_by_key: dict[SeriesKey, PairLogs] = {}
    batches: dict[tuple[int, tuple[Statistic, ...]], list[Series]] = defaultdict(list)
    for series in found:
        if len(series.base) < _FEWEST_PAIRS:
            made.append(refusal(series, "one pair of rounds can't be judged alone"))
        elif isinstance(series.base[0], Tally):
            made.append(compare_errors(series, level=level))
        elif series.probability is not None:
            made.append(_compare_tail(series, level=level))
        else:
            batches[len(series.base), series.statistics].append(series)
    for (_, statistics), batch in batches.items():
        logs = pair_logs(
            [_values(s.base, statistics) for s in batch],
            [_values(s.head, statistics) for s in batch],
        )
        logs_by_key.update(zip([s.key for s in batch], logs, strict=True))
        results = quiet_pairs(logs, signs=[s.sign for s in batch], level=level)
        made += [
            comparison_of(s, r.effect, base=r.base, head=r.head)
            for s, r in zip(batch, results, strict=True)
        ]
    made += [
        _whole_suite(key, members, logs_by_key, level=level)
        for key, members in suites.items()
    ]
    return made


def _values(
    readings: Sequence[Reading], statistics: tuple[Statistic, ...]
) -> list[tuple[float, ...]]:
    return [
        r.values
        if r.statistics == statistics
        else tuple(r.value(s) for s in statistics)
        for r in readings
        if isinstance(r, Sample)
    ]


def _suites(blocking: Sequence[Series]) -> dict[SeriesKey, list[Series]]:
    """Return the suites whose median benchmark makes a series of its own.

    What may not block is no part of it: it must not sway what may.
    """
    members = defaultdict(list)
    for series in blocking:
        complete = not series.lost and len(series.base) >= FEWEST_TO_CHOOSE
        if series.metric.kind is Kind.TIME and complete:
            key = SeriesKey(series.key.suite, WHOLE_SUITE, series.key.metric)
            members[key].append(series)
    taken = {series.key for series in blocking}
    return {
        key: suite
        for key, suite in members.items()
        if len(suite) >= _FEWEST_FOR_SUITE and key not in taken
    }


def _whole_suite(
    key: SeriesKey,
    members: Sequence[Series],
    logs_by_key: Mapping[SeriesKey, PairLogs],
    *,
    level: float,
) -> Comparison:
    usable = [s for s in members if s.statistics == members[0].statistics]
    effect = suite_pairs([logs_by_key[s.key] for s in usable], level=level)
    return Comparison(
        key,
        # A ratio: the median over benchmarks of unlike lengths has no unit.
        replace(members[0].metric, unit=Unit.ONE),
        SideValue(1.0, effect.rounds),
        SideValue(math.exp(effect.theta), effect.rounds),
        effect,
        reason="",
        weak=False,
        design=Design.PAIRED,
    )


def _compare_tail(series: Series, *, level: float) -> Comparison:
    found = pooled_tail(
        [r.points for r in series.base if isinstance(r, Sample)],
        [r.points for r in series.head if isinstance(r, Sample)],
        probability=series.probability or 0.0,
        level=level,
    )
    return comparison_of(series, found.effect, base=found.base, head=found.head)


def _compare_rounds(found: Sequence[Series], *, level: float) -> list[Comparison]:
    made = []
    singles: dict[tuple[str, str], list[Series]] = defaultdict(list)
    for series in found:
        if isinstance(series.head[0], Tally):
            made.append(compare_errors(series, level=level, weak=True))
        elif min(len(series.base), len(series.head)) < _FEWEST_PAIRS:
            singles[series.key.suite, series.metric.name].append(series)
        else:
            made.append(_compare_independent(series, level=level))
    for group in singles.values():
        made += _compare_singles(group, level=level)
    return made


def _compare_independent(series: Series, *, level: float) -> Comparison:
    base, head = primary_values(series)
    found = independent_rounds(base, head, sign=series.sign, level=level)
    return comparison_of(
        series, found.effect, base=found.base, head=found.head, weak=True
    )


def _compare_singles(group: Sequence[Series], *, level: float) -> list[Comparison]:
    sides = [_typical(s) for s in group]
    base = [b for b, _ in sides]
    head = [h for _, h in sides]
    effects = single_rounds(base, head, sign=group[0].sign, level=level)
    return [
        comparison_of(s, effect, base=b, head=h, weak=True)
        for s, effect, b, h in zip(group, effects, base, head, strict=True)
    ]


def _typical(series: Series) -> tuple[float, float]:
    base, head = primary_values(series)
    return geometric_mean(base), geometric_mean(head)


def _shared_doubts(found: Sequence[Series]) -> tuple[Doubt, ...]:
    """Say what single runs can't tell apart: the machine and all of the code."""
    groups: dict[tuple[str, str], list[Series]] = defaultdict(list)
    for series in found:
        single = min(len(series.base), len(series.head)) < _FEWEST_PAIRS
        if single and isinstance(series.head[0], Sample):
            groups[series.key.suite, series.metric.name].append(series)
    doubts = []
    for (suite, metric), group in sorted(groups.items()):
        if len(group) < FEWEST_OTHERS:
            continue
        sides = [_typical(s) for s in group]
        shared = shared_change(
            [b for b, _ in sides], [h for _, h in sides], sign=group[0].sign
        )
        if abs(shared) > _SHARED_WORTH_SAYING:
            doubts.append(
                Doubt(
                    f"{suite}: every {metric} moved by about "
                    f"{math.expm1(shared):+.1%}; one run a side can't tell the "
                    "machine from the code: measure in pairs"
                )
            )
    return tuple(doubts)
