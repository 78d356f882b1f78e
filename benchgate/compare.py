"""Base rounds × head rounds → comparisons: how large each change is, how sure.

Which series are tested is settled before any effect is looked at, by what was
measured and by whether it may block; their number divides the allowed error.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, compress, pairwise

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
from benchgate.stats.counts import exact_change, stored_tallies
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
from benchgate.stats.window import FEWEST_RUNS, Shift, WindowEffect, against_window
from benchgate.units import format_share

Blocks = Callable[[SeriesKey, Metric], bool]
Margin = Callable[[SeriesKey, Metric], float]
# The readings of each series, one a round, None where a round lacks it.
Columns = Mapping[SeriesKey, Sequence[Reading | None]]

# The name of the series that the median benchmark of a suite makes.
WHOLE_SUITE = "(all benchmarks)"
_FEWEST_FOR_SUITE = 5
_FEWEST_PAIRS = 2
# More of the series than this, moved together, are taken for the machine.
_NEARLY_ALL = 0.8
# Below this the shared change of a single pair of runs is not worth a footnote.
_SHARED_WORTH_SAYING = 0.02
_TAILS: Mapping[str, float] = {"p95": 0.95, "p99": 0.99}
# Iterations that were due and for which no virtual user was free.
_DROPPED = ("iterations", "dropped")
_DROPPED_ALLOWED = 0.001
_CENSORED = {Kind.LATENCY, Kind.TAIL}
# What a program counts of itself is the same in each run, but for a little.
_EXACT = {Kind.COUNT, Kind.SIZE}


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
    design: Design

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
    before, after = (_columns(r.rounds) for r in (measurement.base, measurement.head))
    spared: dict[str, Doubt] = {}
    if paired:
        before, after, spared = _without_overflow(before, after)
    found = _series_of(before, after, measurement.design)
    censored = _censored(found, before, after, spared=spared)
    refused = {s.key: why for s in found if (why := _untestable(s, censored))}
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
    made += [_refusal(s, refused[s.key]) for s in found if s.key in refused]
    if idle:
        made = [replace(c, tested=False) if c.key in idle else c for c in made]
    return Compared(
        comparisons=tuple(sorted(made, key=lambda c: c.key)),
        error_control=ErrorControl("holm", level, tests),
        doubts=tuple(spared.values()) if paired else _shared_doubts(testable),
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


def _series_of(before: Columns, after: Columns, design: Design) -> list[_Series]:
    found = []
    for key in sorted(before.keys() & after.keys()):
        bases, heads = before[key], after[key]
        metric = next((r.metric for r in (*heads, *bases) if r is not None), None)
        if metric is None:
            continue  # it was measured only in windows that are left out
        if design is Design.PAIRED:
            both = [None not in pair for pair in zip(bases, heads, strict=True)]
            lost = _gaps(both)
            bases = [b for b, there in zip(bases, both, strict=True) if there]
            heads = [h for h, there in zip(heads, both, strict=True) if there]
        elif design is Design.INDEPENDENT:
            lost = max(_gaps([r is not None for r in side]) for side in (bases, heads))
        else:
            # Stored runs come and go; how many were used is shown with the base.
            lost = 0
        kept = [tuple(r for r in side if r is not None) for side in (bases, heads)]
        statistics = _shared_statistics([*kept[0], *kept[1]])
        found.append(_Series(key, metric, kept[0], kept[1], statistics, lost, design))
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
    names: list[SeriesKey] = []
    filled: list[list[Reading | None]] = []
    for place, one in enumerate(rounds):
        # Most rounds have what the one before had: looking it up again is slow.
        if names != list(one.samples):
            names = list(one.samples)
            filled = [columns.setdefault(n, [None] * len(rounds)) for n in names]
        for column, reading in zip(filled, one.samples.values(), strict=True):
            column[place] = reading
    return columns


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
    suites = sorted({k.suite for k in before if (k.benchmark, k.metric) == _DROPPED})
    for suite in suites:
        counts = [side.get(SeriesKey(suite, *_DROPPED), ()) for side in columns]
        if not all(counts):
            continue
        keep = [not any(map(_overflows, pair)) for pair in zip(*counts, strict=False)]
        too_many = any(_overflows(_summed(side)) for side in counts)
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


def _overflows(reading: Reading | None) -> bool:
    """Say whether more iterations were dropped than is allowed."""
    if not isinstance(reading, Tally):
        return False
    return reading.events > _DROPPED_ALLOWED * reading.trials


def _summed(readings: Sequence[Reading | None]) -> Tally | None:
    tallies = [r for r in readings if isinstance(r, Tally)]
    if not tallies:
        return None
    events, trials = sum(t.events for t in tallies), sum(t.trials for t in tallies)
    return replace(tallies[0], events=events, trials=trials)


def _is_censored(column: Sequence[Reading | None]) -> bool:
    return any(r is not None and r.metric.kind in _CENSORED for r in column)


def _censored(
    found: Sequence[_Series],
    before: Columns,
    after: Columns,
    *,
    spared: Container[str] = (),
) -> dict[str, str]:
    """Return why the latencies of a suite can't be judged, by suite where it is so.

    An iteration that k6 drops is a request that would have waited longest. Of *spared*
    suites the windows in which that happened are left out already.
    """
    reasons = {}
    suites = {s.key.suite for s in found if s.metric.kind in _CENSORED}
    suites = {suite for suite in suites if suite not in spared}
    for side, columns in ((Side.BASE, before), (Side.HEAD, after)):
        for suite in suites:
            counted = _summed(columns.get(SeriesKey(suite, *_DROPPED), ()))
            if counted is not None and _overflows(counted):
                reasons[suite] = (
                    f"{format_share(counted.events / counted.trials)} of the {side}'s "
                    f"iterations ({counted.events} of {counted.trials}) were dropped, "
                    "which hides the slowest requests: allow more virtual users or "
                    "lower the rate"
                )
    return reasons


def _untestable(series: _Series, censored: Mapping[str, str]) -> str:
    """Say why nothing can be said, or nothing; never looks at the values compared."""
    readings = (*series.base, *series.head)
    if not readings:
        return "no round has it on both sides"
    if not _measure_the_same(readings):
        return "base and head measure different things under this name"
    return _unfit(series, censored)


def _measure_the_same(readings: Sequence[Reading]) -> bool:
    return _alike([r.metric for r in readings]) and _alike(list(map(type, readings)))


def _unfit(series: _Series, censored: Mapping[str, str]) -> str:
    """Say why readings of one metric can't be judged, or nothing."""
    readings = (*series.base, *series.head)
    if series.metric.kind in _CENSORED and series.key.suite in censored:
        return censored[series.key.suite]
    if isinstance(readings[0], Tally):
        counted = all(isinstance(r, Tally) and r.trials for r in readings)
        return "" if counted else "a round has no attempts to count"
    if not series.statistics:
        return "base and head have no statistic in common: measure both the same way"
    return _thin_tail(series)


def _is_idle(series: _Series, *, margin: Margin, level: float) -> bool:
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
    pairs = [
        (base, head)
        for base, head in zip(series.base, series.head, strict=True)
        if isinstance(base, Sample) and isinstance(head, Sample)
    ]
    return all(base.statistics == head.statistics for base, head in pairs) and not any(
        h > most * b or b > most * h
        for base, head in pairs
        for b, h in zip(base.values, head.values, strict=True)
    )


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
        design=series.design,
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
        design=Design.PAIRED,
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
    before = _columns([r for run in runs for r in run.rounds])
    after = _columns([r for run in heads for r in run.rounds])
    before, strangers = _of_the_heads_metrics(before, after)
    found = _series_of(before, after, Design.STORED)
    censored = _censored(found, before, after)
    refused = {
        s.key: why for s in found if (why := _no_window(s, same, censored=censored))
    }
    tested = [s for s in found if s.key not in refused]
    # What is counted exactly is no matter of chance: it spends none of the error.
    chance = [s for s in tested if s.metric.kind not in _EXACT]
    tests = sum(blocks(s.key, s.metric) for s in chance)
    each = level / max(tests, 1)
    made = [_refusal(s, refused[s.key]) for s in found if s.key in refused]
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
    groups: dict[tuple[str, str], list[_Series]] = defaultdict(list)
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
                told = [_refusal(s, said) for s in group] + told[len(group) :]
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
        if not stored or _measure_the_same(readings):
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
    if stored is None or not _measure_the_same([head, stored]):
        return None
    return stored


def _no_window(
    series: _Series, same: Sequence[Run], *, censored: Mapping[str, str]
) -> str:
    if not same:
        return "no stored run was made in this environment: measure in pairs"
    if not series.base:
        return "every stored run measured something else under this name"
    return _unfit(series, censored)


def _few_stored(count: int, *, alike: bool) -> Doubt:
    if alike:
        return Doubt(
            f"{count} stored runs are few: against fewer than {FEWEST_RUNS} all "
            "evidence is weak"
        )
    return Doubt(f"{count} stored runs are of this environment; others were used too")


def _moved_together(
    group: Sequence[_Series], told: Sequence[Comparison], shift: Shift
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


def _said_of_all(series: _Series, shift: Shift, *, alike: bool) -> str:
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


def _all_are_worse(series: _Series, reason: str) -> Comparison:
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


def _compare_stored(series: _Series, found: WindowEffect | None) -> Comparison:
    if found is None:
        return _refusal(series, "no stored run has a value that has a ratio")
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
    series: _Series,
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
        return _refusal(series, "no stored run of this environment has it")
    return Comparison(
        series.key,
        series.metric,
        SideValue(sorted(past)[(len(past) - 1) // 2], len(past)),
        SideValue(_geometric_mean(now), len(now)),
        exact_change(past, now, sign=series.sign),
        reason="",
        weak=len(past) < FEWEST_RUNS,
        design=Design.STORED,
    )


def _compare_stored_errors(
    series: _Series, sides: Sequence[Sequence[tuple[int, int]]], *, level: float
) -> Comparison:
    past, now = sides
    if len(past) < FEWEST_RUNS:
        return _compare_errors(series, level=level, weak=True)
    found = stored_tallies(past, now, level=level)
    return replace(
        _comparison(series, found.effect, base=found.base, head=found.head),
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
    summed = [_summed(columns[key][i:j]) for i, j in pairwise(ends)]
    return [(t.events, t.trials) for t in summed if t is not None]


def _table(
    group: Sequence[_Series], columns: Columns, runs: Sequence[Run]
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


def _column(series: _Series, readings: Sequence[Reading | None]) -> list[float]:
    statistic = _shared_primary(series)
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
    columns = _columns([r for run in runs for r in run.rounds])
    found = [
        s
        for s in _series_of(columns, columns, Design.STORED)
        if isinstance(s.head[0], Sample) and not _untestable(s, {})
    ]
    if not found:
        return [], [()] * len(runs)
    return [(s.key, s.metric) for s in found], _table(found, columns, runs)


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
        design=series.design,
        doubts=tuple(doubts),
    )
