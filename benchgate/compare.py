"""Base rounds × head rounds → comparisons: how large each change is, how sure.

Which series are tested is settled before any effect is looked at, by what was
measured and by whether it may block; their number divides the allowed error.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from benchgate.model import (
    Better,
    Comparison,
    Design,
    Doubt,
    Effect,
    ErrorControl,
    Kind,
    Measurement,
    Metric,
    Reading,
    Round,
    Run,
    Sample,
    SeriesKey,
    Side,
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
from benchgate.stats.tails import FEWEST_BEYOND, beyond, pooled_tail
from benchgate.stats.tallies import compare_tallies
from benchgate.stats.window import FEWEST_RUNS, against_window
from benchgate.units import format_share

Blocks = Callable[[SeriesKey, Metric], bool]
# The readings of each series, one a round, None where a round lacks it.
Columns = Mapping[SeriesKey, Sequence[Reading | None]]

# The name of the series that the median benchmark of a suite makes.
WHOLE_SUITE = "(all benchmarks)"
_FEWEST_FOR_SUITE = 5
_FEWEST_PAIRS = 2
# Below this the shared change of a single pair of runs is not worth a footnote.
_SHARED_WORTH_SAYING = 0.02
_TAILS: Mapping[str, float] = {"p95": 0.95, "p99": 0.99}
# Iterations that were due and for which no virtual user was free.
_DROPPED = ("iterations", "dropped")
_DROPPED_ALLOWED = 0.001
_CENSORED = {Kind.LATENCY, Kind.TAIL}


@dataclass(frozen=True, slots=True)
class Compared:
    """All comparisons in the order of their keys, and what their tests may spend."""

    comparisons: tuple[Comparison, ...]
    error_control: ErrorControl
    doubts: tuple[Doubt, ...]


@dataclass(frozen=True, slots=True)
class _Series:
    """The readings of one series, round by round on both sides.

    For pairs both sides are equally long and belong together position by position.
    ``statistics`` are those that every round of both sides has.
    ``lost`` rounds lack the series although a later one has it again.
    """

    key: SeriesKey
    metric: Metric
    base: tuple[Reading, ...]
    head: tuple[Reading, ...]
    statistics: tuple[Statistic, ...]
    lost: int

    @property
    def sign(self) -> float:
        return 1.0 if self.metric.better is Better.LOWER else -1.0

    @property
    def probability(self) -> float | None:
        """Return the quantile of a tail whose single points were kept, else None.

        Points of zero have no ratio; the quantiles of the rounds have one.
        """
        if self.metric.kind is not Kind.TAIL:
            return None
        kept = all(
            isinstance(r, Sample) and r.points and r.points[0] > 0
            for r in (*self.base, *self.head)
        )
        return _TAILS.get(self.metric.name) if kept else None


def compare(measurement: Measurement, *, blocks: Blocks, level: float) -> Compared:
    """Return what *measurement* says about each series that both sides have.

    *blocks* says whether a series may block; only those share *level*, the allowed
    share of clean comparisons with a false alarm, of which this look spends
    ``measurement.share_of_error``.
    """
    if measurement.base is None:
        return Compared((), ErrorControl("holm", level, 0), ())
    level = level * measurement.share_of_error
    paired = measurement.design is Design.PAIRED
    before, after = (_columns(r.rounds) for r in (measurement.base, measurement.head))
    found = _series_of(before, after, paired=paired)
    censored = _censored(found, before, after)
    refused = {s.key: why for s in found if (why := _untestable(s, censored))}
    testable = [s for s in found if s.key not in refused]
    blocking = [s for s in testable if blocks(s.key, s.metric)]
    suites = _suites(blocking) if paired else {}
    tests = len(blocking) + sum(blocks(k, s[0].metric) for k, s in suites.items())
    each = level / max(tests, 1)
    if paired:
        made = _compare_pairs(testable, suites, level=each)
    else:
        made = _compare_rounds(testable, level=each)
    made += [_refusal(s, refused[s.key]) for s in found if s.key in refused]
    return Compared(
        comparisons=tuple(sorted(made, key=lambda c: c.key)),
        error_control=ErrorControl("holm", level, tests),
        doubts=_shared_doubts(testable) if not paired else (),
    )


def renamed(run: Run, names: Mapping[str, str]) -> Run:
    """Return *run* with its benchmarks under their new names (``{old: new}``)."""

    def rename(key: SeriesKey) -> SeriesKey:
        return replace(key, benchmark=names.get(key.benchmark, key.benchmark))

    rounds = tuple(
        replace(
            r,
            samples={rename(key): reading for key, reading in r.samples.items()},
            failures=tuple(
                replace(f, benchmark=names.get(f.benchmark, f.benchmark))
                for f in r.failures
            ),
        )
        for r in run.rounds
    )
    return replace(run, rounds=rounds)


def benchmarks_of(run: Run) -> set[tuple[str, str]]:
    """Return (suite, benchmark) of everything that *run* measured in some round."""
    return {(k.suite, k.benchmark) for r in run.rounds for k in r.samples}


def _series_of(before: Columns, after: Columns, *, paired: bool) -> list[_Series]:
    found = []
    for key in sorted(before.keys() & after.keys()):
        bases, heads = before[key], after[key]
        metric = next(r.metric for r in heads if r is not None)
        if paired:
            both = [None not in pair for pair in zip(bases, heads, strict=True)]
            lost = _gaps(both)
            bases = [b for b, there in zip(bases, both, strict=True) if there]
            heads = [h for h, there in zip(heads, both, strict=True) if there]
        else:
            lost = max(_gaps([r is not None for r in side]) for side in (bases, heads))
        kept = [tuple(r for r in side if r is not None) for side in (bases, heads)]
        statistics = _shared_statistics([*kept[0], *kept[1]])
        found.append(_Series(key, metric, kept[0], kept[1], statistics, lost))
    return found


def _gaps(present: Sequence[bool]) -> int:
    """Return how many are absent before the last that is present.

    What stops early was settled; what comes back had been lost.
    """
    last = max((i for i, there in enumerate(present) if there), default=-1)
    return sum(not there for there in present[: last + 1])


def _columns(rounds: Sequence[Round]) -> Columns:
    """Return the readings of each series, one a round, None where a round lacks it."""
    columns: dict[SeriesKey, list[Reading | None]] = {}
    for place, one in enumerate(rounds):
        for key, reading in one.samples.items():
            column = columns.get(key)
            if column is None:
                column = columns[key] = [None] * len(rounds)
            column[place] = reading
    return columns


def _censored(
    found: Sequence[_Series], before: Columns, after: Columns
) -> dict[str, str]:
    """Return why the latencies of a suite can't be judged, by suite where it is so.

    An iteration that k6 drops is a request that would have waited longest.
    """
    reasons = {}
    suites = {s.key.suite for s in found if s.metric.kind in _CENSORED}
    for side, columns in ((Side.BASE, before), (Side.HEAD, after)):
        for suite in suites:
            counted = columns.get(SeriesKey(suite, *_DROPPED), [])
            tallies = [r for r in counted if isinstance(r, Tally)]
            dropped = sum(t.events for t in tallies)
            attempts = sum(t.trials for t in tallies)
            if dropped > _DROPPED_ALLOWED * attempts:
                reasons[suite] = (
                    f"{format_share(dropped / attempts)} of the {side}'s iterations "
                    f"({dropped} of {attempts}) were dropped, which hides the slowest "
                    "requests: allow more virtual users or lower the rate"
                )
    return reasons


def _untestable(series: _Series, censored: Mapping[str, str]) -> str:
    """Say why nothing can be said, or nothing; never looks at the values compared."""
    readings = (*series.base, *series.head)
    if not readings:
        return "no round has it on both sides"
    if not (_alike([r.metric for r in readings]) and _alike(list(map(type, readings)))):
        return "base and head measure different things under this name"
    if series.metric.kind in _CENSORED and series.key.suite in censored:
        return censored[series.key.suite]
    if isinstance(readings[0], Tally):
        counted = all(isinstance(r, Tally) and r.trials for r in readings)
        return "" if counted else "a round has no attempts to count"
    if not series.statistics:
        return "base and head have no statistic in common: measure both the same way"
    return _thin_tail(series)


def _alike(things: Sequence[object]) -> bool:
    return things.count(things[0]) == len(things)


def _thin_tail(series: _Series) -> str:
    probability = _TAILS.get(series.metric.name)
    if series.metric.kind is not Kind.TAIL or probability is None:
        return ""
    fewest = min(
        sum(r.count for r in side if isinstance(r, Sample))
        for side in (series.base, series.head)
    )
    expected = beyond(fewest, probability)
    if expected >= FEWEST_BEYOND:
        return ""
    return (
        f"{fewest} requests have about {int(expected)} beyond {series.metric.name}, "
        f"{FEWEST_BEYOND} are needed: measure longer"
    )


def _refusal(series: _Series, reason: str) -> Comparison:
    return Comparison(
        series.key,
        series.metric,
        _side(series.base),
        _side(series.head),
        effect=None,
        reason=reason,
        weak=False,
    )


def _side(readings: Sequence[Reading]) -> SideValue | None:
    """Return the middle round of a side, for a comparison that chose no rounds."""
    if not readings:
        return None
    values = sorted(
        r.value(r.primary) if isinstance(r, Sample) else r.events / max(r.trials, 1)
        for r in readings
    )
    return SideValue(values[(len(values) - 1) // 2], len(values))


# --- pairs ---


def _compare_pairs(
    found: Sequence[_Series],
    suites: Mapping[SeriesKey, Sequence[_Series]],
    *,
    level: float,
) -> list[Comparison]:
    made = []
    logs_by_key: dict[SeriesKey, PairLogs] = {}
    batches: dict[tuple[int, tuple[Statistic, ...]], list[_Series]] = defaultdict(list)
    for series in found:
        if len(series.base) < _FEWEST_PAIRS:
            made.append(_refusal(series, "one pair of rounds can't be judged alone"))
        elif isinstance(series.base[0], Tally):
            made.append(_compare_errors(series, level=level))
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
            _comparison(s, r.effect, base=r.base, head=r.head)
            for s, r in zip(batch, results, strict=True)
        ]
    made += [
        _whole_suite(key, members, logs_by_key, level=level)
        for key, members in suites.items()
    ]
    return made


def _shared_statistics(readings: Sequence[Reading]) -> tuple[Statistic, ...]:
    """Return the statistics that all samples have, none where there are no samples."""
    of_each = [r.statistics for r in readings if isinstance(r, Sample)]
    if not of_each:
        return ()
    if _alike(of_each):
        return of_each[0]
    return tuple(s for s in of_each[0] if all(s in one for one in of_each))


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


def _suites(blocking: Sequence[_Series]) -> dict[SeriesKey, list[_Series]]:
    """Return the suites whose median benchmark makes a series of its own.

    What may not block is no part of it: it must not sway what may.
    """
    members = defaultdict(list)
    for series in blocking:
        complete = not series.lost and len(series.base) >= FEWEST_TO_CHOOSE
        if series.metric.kind is Kind.TIME and complete:
            key = SeriesKey(series.key.suite, WHOLE_SUITE, series.key.metric)
            members[key].append(series)
    return {
        key: suite for key, suite in members.items() if len(suite) >= _FEWEST_FOR_SUITE
    }


def _whole_suite(
    key: SeriesKey,
    members: Sequence[_Series],
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
    )


def _compare_tail(series: _Series, *, level: float) -> Comparison:
    found = pooled_tail(
        [r.points for r in series.base if isinstance(r, Sample)],
        [r.points for r in series.head if isinstance(r, Sample)],
        probability=series.probability or 0.0,
        level=level,
    )
    return _comparison(series, found.effect, base=found.base, head=found.head)


# --- rounds that are not pairs ---


def _compare_rounds(found: Sequence[_Series], *, level: float) -> list[Comparison]:
    made = []
    singles: dict[tuple[str, str], list[_Series]] = defaultdict(list)
    for series in found:
        if isinstance(series.head[0], Tally):
            made.append(_compare_errors(series, level=level, weak=True))
        elif min(len(series.base), len(series.head)) < _FEWEST_PAIRS:
            singles[series.key.suite, series.metric.name].append(series)
        else:
            made.append(_compare_independent(series, level=level))
    for group in singles.values():
        made += _compare_singles(group, level=level)
    return made


def _compare_independent(series: _Series, *, level: float) -> Comparison:
    base, head = _primary_values(series)
    found = independent_rounds(base, head, sign=series.sign, level=level)
    return _comparison(
        series, found.effect, base=found.base, head=found.head, weak=True
    )


def _compare_singles(group: Sequence[_Series], *, level: float) -> list[Comparison]:
    sides = [_typical(s) for s in group]
    base = [b for b, _ in sides]
    head = [h for _, h in sides]
    effects = single_rounds(base, head, sign=group[0].sign, level=level)
    return [
        _comparison(s, effect, base=b, head=h, weak=True)
        for s, effect, b, h in zip(group, effects, base, head, strict=True)
    ]


def _typical(series: _Series) -> tuple[float, float]:
    base, head = _primary_values(series)
    return _geometric_mean(base), _geometric_mean(head)


def _geometric_mean(values: Sequence[float]) -> float:
    if len(values) == 1:
        return values[0]
    # An observed value: scaling all by a power of two leaves every bit alone.
    reference = sorted(values)[(len(values) - 1) // 2]
    logs = [math.log(value / reference) for value in values]
    return reference * math.exp(sum(logs) / len(logs))


def _primary_values(series: _Series) -> tuple[list[float], list[float]]:
    """Return one value a round by the same statistic on both sides.

    A run that is too short for its usual statistic forces its own on all others.
    """
    statistic = _shared_primary(series)
    values = [
        r.value(statistic)
        for r in (*series.base, *series.head)
        if isinstance(r, Sample)
    ]
    return values[: len(series.base)], values[len(series.base) :]


def _shared_primary(series: _Series) -> Statistic:
    samples = [r for r in (*series.base, *series.head) if isinstance(r, Sample)]
    primaries = {r.primary for r in samples}
    if len(primaries) == 1:
        return primaries.pop()
    if Statistic.MEDIAN in series.statistics:
        return Statistic.MEDIAN
    return series.statistics[0]


def _shared_doubts(found: Sequence[_Series]) -> tuple[Doubt, ...]:
    """Say what single runs can't tell apart: the machine and all of the code."""
    groups: dict[tuple[str, str], list[_Series]] = defaultdict(list)
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


# --- a window of stored runs ---


def compare_window(
    window: Sequence[Run], head: Run, *, blocks: Blocks, level: float
) -> Compared:
    """Return what *head* shows against stored runs, oldest first.

    Only runs of the head's own environment count when there are enough of them; else
    all do, with a doubt; where the head's was never seen nothing can be said.
    """
    same = [run for run in window if run.environment.key == head.environment.key]
    doubts = []
    if len(same) >= FEWEST_RUNS:
        window = same
    elif same:
        text = f"{len(same)} stored runs are of this environment; others were used too"
        doubts.append(Doubt(text))
    before = _columns([r for run in window for r in run.rounds])
    after = _columns(head.rounds)
    found = _series_of(before, after, paired=False)
    censored = _censored(found, before, after)
    refused = {
        s.key: _no_window(s, runs=len(window), comparable=bool(same))
        or _untestable(s, censored)
        for s in found
    }
    refused = {key: why for key, why in refused.items() if why}
    tested = [s for s in found if s.key not in refused]
    tests = sum(blocks(s.key, s.metric) for s in tested)
    groups: dict[tuple[str, str], list[_Series]] = defaultdict(list)
    for series in tested:
        groups[series.key.suite, series.metric.name].append(series)
    made = [_refusal(s, refused[s.key]) for s in found if s.key in refused]
    for group in groups.values():
        past, now = _table(group, before, window), _table(group, after, [head])
        made += _compare_group(group, past, now, level=level / max(tests, 1))
    return Compared(
        comparisons=tuple(sorted(made, key=lambda c: c.key)),
        error_control=ErrorControl("holm", level, tests),
        doubts=tuple(doubts),
    )


def _no_window(series: _Series, *, runs: int, comparable: bool) -> str:
    if not comparable:
        return "no stored run was made in this environment: measure in pairs"
    if runs < FEWEST_RUNS:
        return f"{runs} stored runs, {FEWEST_RUNS} are needed: measure in pairs"
    if isinstance(series.head[0], Tally):
        return "error rates are compared in pairs only"
    return ""


def _compare_group(
    group: Sequence[_Series],
    past: Sequence[Sequence[float]],
    now: Sequence[Sequence[float]],
    *,
    level: float,
) -> list[Comparison]:
    """Compare the series of one suite and metric, which share a machine's moods."""
    results = against_window(past, now, signs=[s.sign for s in group], level=level)
    return [
        _refusal(s, f"too few stored runs have it, {FEWEST_RUNS} are needed")
        if r is None
        else _comparison(s, r.effect, base=r.base, head=r.head)
        for s, r in zip(group, results, strict=True)
    ]


def _table(
    group: Sequence[_Series], columns: Columns, runs: Sequence[Run]
) -> list[tuple[float, ...]]:
    """Return one number a series for each run, NaN where the run lacks the series.

    Rounds of one run share its machine: their mean counts once.
    """
    ends = list(accumulate((len(run.rounds) for run in runs), initial=0))
    by_series = []
    for series in group:
        statistic = _shared_primary(series)
        values = [
            r.values[r.statistics.index(statistic)]
            if isinstance(r, Sample)
            else math.nan
            for r in columns[series.key]
        ]
        if any(len(run.rounds) != 1 for run in runs):
            values = [_run_mean(values[i:j]) for i, j in pairwise(ends)]
        by_series.append(values)
    return list(zip(*by_series, strict=True))


def _run_mean(values: Sequence[float]) -> float:
    there = [value for value in values if not math.isnan(value)]
    return _geometric_mean(there) if there else math.nan


# --- both ---


def _compare_errors(series: _Series, *, level: float, weak: bool = False) -> Comparison:
    found = compare_tallies(
        [(r.events, r.trials) for r in series.base if isinstance(r, Tally)],
        [(r.events, r.trials) for r in series.head if isinstance(r, Tally)],
        level=level,
    )
    return _comparison(
        series, found.effect, base=found.base, head=found.head, weak=weak
    )


def _comparison(
    series: _Series, effect: Effect, *, base: float, head: float, weak: bool = False
) -> Comparison:
    doubts = []
    if series.lost:
        rounds = "round" if series.lost == 1 else "rounds"
        text = f"{series.lost} {rounds} in between gave nothing"
        doubts.append(Doubt(text, series.key))
    return Comparison(
        series.key,
        series.metric,
        SideValue(base, len(series.base)),
        SideValue(head, len(series.head)),
        effect,
        reason="",
        weak=weak,
        doubts=tuple(doubts),
    )
