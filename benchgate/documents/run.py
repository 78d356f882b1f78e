"""``run.json`` (``benchgate-run/1``) ↔ a measurement.

The wire types below share their names with the nouns in ``model`` but not their
job: they are the document, and the functions at the end cross the border.
A series is written once, with one entry a round, null where the round lacks it.

The document of a pull request from a fork is decoded in a job that holds a token.
So everything has a bound, and an error never repeats what a document says in more
than one line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from benchgate import model
from benchgate.documents import wire
from benchgate.errors import FormatError

SCHEMA = "benchgate-run/1"
MAX_BYTES = 50_000_000
MAX_VALUES = 2_000_000
MAX_SERIES = 5_000
MAX_ROUNDS = 10_000
MAX_COUNTS = 100
POINT_DIGITS = 6

_KIND, _, _VERSION = SCHEMA.rpartition("/")
# A plain "$" would let one newline through at the end.
_NO_CONTROLS = r"^[^\x00-\x1f\x7f-\x9f]*$(?!\n)"
_HEXADECIMAL = r"^[0-9a-f]*$(?!\n)"

Name = Annotated[str, Meta(max_length=300, pattern=_NO_CONTROLS)]
Line = Annotated[str, Meta(max_length=2_000, pattern=_NO_CONTROLS)]
Hash = Annotated[str, Meta(max_length=64, pattern=_HEXADECIMAL)]
Text = Annotated[str, Meta(max_length=20_000)]
# Far beyond anything that is measured, and far from where ratios overflow.
Positive = Annotated[float, Meta(gt=1e-60, lt=1e60)]
NotNegative = Annotated[float, Meta(ge=0, lt=1e60)]
# No look spends less: a document that claims so would let everything pass.
Share = Annotated[float, Meta(ge=1e-3, le=1)]
Probability = Annotated[float, Meta(ge=0, le=1)]
# Beyond 2**53 other readers of JSON lose the last digit.
Whole = Annotated[int, Meta(ge=0, le=2**53)]
Rounds = Annotated[int, Meta(ge=1, le=1_000_000)]
# What is counted in one round; thousands of rounds still sum to less than 2**53.
Events = Annotated[int, Meta(ge=0, le=10**9)]

T = TypeVar("T")


class _Wire(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A part of the document: no key may be missing, none may be unknown."""


class Commit(_Wire, frozen=True):
    """A commit; ``sha`` is empty where it isn't known."""

    sha: Hash
    ref: Name
    dirty: bool


class Environment(_Wire, frozen=True):
    """What must match before numbers of two runs are compared."""

    arch: Line
    cpu: Line
    vcpus: Whole
    os_image: Line
    kernel: Line
    libc: Line
    governor: Line
    toolchain: Line
    runner: Line
    build: Line
    tools: Annotated[tuple[tuple[Line, Line], ...], Meta(max_length=1_000)]


class Key(_Wire, frozen=True):
    """The name of a series."""

    suite: Name
    benchmark: Name
    metric: Name


class Failure(_Wire, frozen=True):
    """A benchmark, or with an empty ``benchmark`` a suite, that did not run."""

    suite: Name
    benchmark: Name
    reason: Text
    detail: Text


class Doubt(_Wire, frozen=True):
    """A reason to trust a result less; ``series`` is null if it concerns all."""

    text: Text
    series: Key | None


class HostLoad(_Wire, frozen=True):
    """What was seen of the machine while a round was measured.

    Shares are of all CPU time; what the machine didn't tell is null, or not there.
    """

    load: NotNegative
    others: NotNegative
    steal: NotNegative
    throttled: NotNegative | None = None
    frequency: NotNegative | None = None
    overheated: Whole | None = None
    cpu_limit: Positive | None = None
    memory_limit: Whole | None = None


class Round(_Wire, frozen=True):
    """One execution of the suites; ``started_at`` is in seconds since 1970."""

    started_at: NotNegative | None
    load: HostLoad | None
    failures: Annotated[tuple[Failure, ...], Meta(max_length=MAX_SERIES)]
    doubts: Annotated[tuple[Doubt, ...], Meta(max_length=MAX_SERIES)]


class Metric(_Wire, frozen=True):
    """What is measured; values are in ``unit``, which has no prefix."""

    name: Name
    unit: model.Unit
    better: model.Better
    kind: model.Kind


class Sample(_Wire, frozen=True):
    """One round of a series: a value for each of the statistics.

    ``points`` are single measurements in rising order, to 6 significant digits.
    """

    values: tuple[Positive, ...]
    primary: model.Statistic
    count: Whole
    points: tuple[NotNegative, ...] = ()


class Tally(_Wire, frozen=True):
    """One round of a series that counts: ``events`` among ``trials``."""

    events: Events
    trials: Events


class SampleSeries(_Wire, frozen=True, tag_field="type", tag="sample"):
    """A series of samples; a round that lacks it is null."""

    suite: Name
    benchmark: Name
    metric: Metric
    statistics: Annotated[
        tuple[model.Statistic, ...],
        Meta(min_length=1, max_length=len(model.Statistic)),
    ]
    rounds: tuple[Sample | None, ...]


class TallySeries(_Wire, frozen=True, tag_field="type", tag="tally"):
    """A series of tallies; a round that lacks it is null."""

    suite: Name
    benchmark: Name
    metric: Metric
    rounds: tuple[Tally | None, ...]


Series = SampleSeries | TallySeries


class Side(_Wire, frozen=True):
    """All rounds of one side; ``series`` are sorted when we write them."""

    commit: Commit
    environment: Environment
    rounds: Annotated[tuple[Round, ...], Meta(max_length=MAX_ROUNDS)]
    series: Annotated[tuple[Series, ...], Meta(max_length=MAX_SERIES)]


class Cost(_Wire, frozen=True):
    """Where the minutes went, in seconds."""

    building: NotNegative
    measuring: NotNegative


class SideValue(_Wire, frozen=True):
    """A typical value over the rounds of one side, in the unit of the metric."""

    value: NotNegative
    rounds: Rounds


class Effect(_Wire, frozen=True):
    """The change against stored runs, before any policy, as in a report."""

    theta: float
    se: NotNegative
    p_slower: Probability
    p_faster: Probability
    bound: NotNegative
    critical: NotNegative
    power: NotNegative
    spread: NotNegative
    units: Positive
    rounds: Rounds


class Cleared(_Wire, frozen=True):
    """A series that stored runs had shown to be unchanged before pairs were measured.

    One that may not block can be cleared without an ``effect``, for a ``reason``.
    """

    key: Key
    metric: Metric
    base: SideValue | None
    head: SideValue | None
    effect: Effect | None
    reason: Text
    weak: bool
    design: model.Design
    tested: bool
    doubts: Annotated[tuple[Doubt, ...], Meta(max_length=MAX_SERIES)]


class Work(_Wire, frozen=True):
    """What one iteration of a benchmark does, counted instead of timed."""

    instructions: Positive
    allocations: NotNegative
    system_calls: NotNegative


Counts = Annotated[tuple[Work, ...], Meta(max_length=MAX_COUNTS)]


class Witness(_Wire, frozen=True):
    """What else was seen of a benchmark that seemed to be slower.

    ``base`` and ``head`` hold equally many counts; without any, ``reason`` says why.
    """

    suite: Name
    benchmark: Name
    base: Counts
    head: Counts
    reason: Text


class AsBuilt(_Wire, frozen=True):
    """Pairs of rounds by the executables that Cargo linked."""

    base: Side
    head: Side


class Document(_Wire, frozen=True, tag_field="schema", tag=SCHEMA):
    """What a run measured: both sides, or the head alone."""

    design: model.Design
    share_of_error: Share
    cost: Cost
    left_out: Annotated[tuple[Doubt, ...], Meta(max_length=MAX_SERIES)]
    base: Side | None
    head: Side
    cleared: Annotated[tuple[Cleared, ...], Meta(max_length=MAX_SERIES)] = ()
    witnesses: Annotated[tuple[Witness, ...], Meta(max_length=MAX_SERIES)] = ()
    as_built: AsBuilt | None = None


class _Header(msgspec.Struct):
    """The one key that every version has."""

    schema: str


_HEADER = msgspec.json.Decoder(_Header)
_DOCUMENT = msgspec.json.Decoder(Document)


def encode(measurement: model.Measurement) -> bytes:
    """Return *measurement* as the canonical document: equal ones, equal bytes.

    Numbers keep every digit, except points, which keep six.
    Raises FormatError for what ``decode`` would refuse, so that nothing unreadable
    is ever written, and ValueError when a series changes what it is between rounds.
    """
    base = measurement.base
    document = {
        "schema": SCHEMA,
        "design": measurement.design,
        "share_of_error": measurement.share_of_error,
        "cost": measurement.cost,
        "left_out": measurement.left_out,
        "cleared": measurement.cleared,
        "witnesses": measurement.witnesses,
        "as_built": _as_built_of(measurement),
        "base": None if base is None else _side_of(base),
        "head": _side_of(measurement.head),
    }
    raw = msgspec.json.encode(document) + b"\n"
    decode(raw, name="run.json")
    return raw


def decode(raw: bytes, *, name: str) -> model.Measurement:
    """Return what the document *raw* holds; errors begin with *name*.

    Raises FormatError, with the JSON path where there is one, for anything but a
    whole document of this version.
    """
    if len(raw) > MAX_BYTES:
        raise FormatError(f"{name}: larger than {MAX_BYTES} bytes")
    _check_version(_decoded(raw, _HEADER, name=name).schema, name=name)
    document = _decoded(raw, _DOCUMENT, name=name)
    try:
        return _measurement_of(document)
    except _ImpossibleError as impossible:
        raise FormatError(f"{name}: {impossible}") from impossible


def json_schema() -> bytes:
    """Return the JSON Schema of the document, as kept in ``docs/schemas/``."""
    return wire.json_schema(Document, title=SCHEMA)


class _ImpossibleError(Exception):
    """Parts of a document contradict each other at a JSON path."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}")


def _decoded(raw: bytes, decoder: msgspec.json.Decoder[T], *, name: str) -> T:
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        problem, _, place = str(error).partition(" - at `")
        place = place.removesuffix("`") + ": " if place else ""
        said = wire.in_one_line(f"{place}{_uncapitalised(problem)}")
        raise FormatError(f"{name}: {said}") from error


def _check_version(schema: str, *, name: str) -> None:
    if schema == SCHEMA:
        return
    kind, _, version = schema.rpartition("/")
    said = wire.in_one_line(schema)
    if kind == _KIND and version.isdecimal() and int(version[:9]) > int(_VERSION):
        raise FormatError(
            f"{name}: $.schema: {said} was written by a newer benchgate",
            hint="upgrade benchgate",
        )
    raise FormatError(f"{name}: $.schema: {said} is not {SCHEMA}")


def _uncapitalised(said: str) -> str:
    return said if said[1:2].isupper() else said[:1].lower() + said[1:]


def _as_built_of(measurement: model.Measurement) -> dict[str, Any] | None:
    if measurement.as_built is None:
        return None
    base, head = measurement.as_built
    return {"base": _side_of(base), "head": _side_of(head)}


def _side_of(run: model.Run) -> dict[str, Any]:
    keys = sorted({key for round_ in run.rounds for key in round_.samples})
    return {
        "commit": run.commit,
        "environment": run.environment,
        "rounds": [
            {
                "started_at": round_.started_at,
                "load": round_.load,
                "failures": round_.failures,
                "doubts": round_.doubts,
            }
            for round_ in run.rounds
        ],
        "series": [_series_of(key, run.rounds) for key in keys],
    }


def _series_of(key: model.SeriesKey, rounds: Sequence[model.Round]) -> dict[str, Any]:
    readings = [round_.samples.get(key) for round_ in rounds]
    shapes = {_shape_of(reading) for reading in readings if reading is not None}
    metric, statistics = shapes.pop()
    if shapes or metric.name != key.metric:
        raise ValueError(f"{key}: its rounds differ in metric or statistics")
    name = {"suite": key.suite, "benchmark": key.benchmark, "metric": metric}
    entries = [None if reading is None else _entry_of(reading) for reading in readings]
    if statistics is None:
        return {"type": "tally", **name, "rounds": entries}
    return {"type": "sample", **name, "statistics": statistics, "rounds": entries}


def _shape_of(
    reading: model.Reading,
) -> tuple[model.Metric, tuple[model.Statistic, ...] | None]:
    """Return what all rounds of a series share; a tally has no statistics."""
    if isinstance(reading, model.Tally):
        return reading.metric, None
    return reading.metric, reading.statistics


def _entry_of(reading: model.Reading) -> dict[str, Any]:
    if isinstance(reading, model.Tally):
        return {"events": reading.events, "trials": reading.trials}
    entry: dict[str, Any] = {
        "values": reading.values,
        "primary": reading.primary,
        "count": reading.count,
    }
    if reading.points:
        entry["points"] = [
            float(f"{point:.{POINT_DIGITS}g}") for point in reading.points
        ]
    return entry


def _measurement_of(document: Document) -> model.Measurement:
    base = document.base
    _check_amount(document)
    _check_cleared(document)
    _check_witnesses(document)
    return model.Measurement(
        base=None if base is None else _run_of(base, place="$.base"),
        head=_run_of(document.head, place="$.head"),
        design=document.design,
        share_of_error=document.share_of_error,
        left_out=wire.same(document.left_out, tuple[model.Doubt, ...]),
        cleared=wire.same(document.cleared, tuple[model.Comparison, ...]),
        witnesses=wire.same(document.witnesses, tuple[model.Witness, ...]),
        as_built=_runs_of(document.as_built),
        cost=wire.same(document.cost, model.Cost),
    )


def _runs_of(as_built: AsBuilt | None) -> tuple[model.Run, model.Run] | None:
    if as_built is None:
        return None
    if len(as_built.base.rounds) != len(as_built.head.rounds):
        raise _ImpossibleError("$.as_built", "its sides are no pairs of rounds")
    base = _run_of(as_built.base, place="$.as_built.base")
    return base, _run_of(as_built.head, place="$.as_built.head")


def _check_cleared(document: Document) -> None:
    """Refuse a series that is cleared twice, or cleared and measured all the same."""
    seen = {(s.suite, s.benchmark, s.metric.name) for s in document.head.series}
    for index, cleared in enumerate(document.cleared):
        name = (cleared.key.suite, cleared.key.benchmark, cleared.key.metric)
        if name in seen or cleared.metric.name != cleared.key.metric:
            problem = "the series is here before, or named otherwise than its metric"
            raise _ImpossibleError(f"$.cleared[{index}]", problem)
        counts = cleared.metric.kind is model.Kind.ERRORS
        if cleared.base is not None and not (cleared.base.value or counts):
            problem = "only errors can be zero: nothing else has a change from it"
            raise _ImpossibleError(f"$.cleared[{index}].base", problem)
        seen.add(name)


def _check_witnesses(document: Document) -> None:
    """Refuse a benchmark with two witnesses, and one that saw only one side."""
    seen = set()
    for index, witness in enumerate(document.witnesses):
        name = (witness.suite, witness.benchmark)
        if name in seen or len(witness.base) != len(witness.head):
            problem = "its benchmark has one before, or its sides differ in number"
            raise _ImpossibleError(f"$.witnesses[{index}]", problem)
        seen.add(name)


def _check_amount(document: Document) -> None:
    sides = [document.head, *([document.base] if document.base else [])]
    if document.as_built:
        sides += [document.as_built.base, document.as_built.head]
    amount = sum(
        _amount_of(entry)
        for side in sides
        for series in side.series
        for entry in series.rounds
    )
    if amount > MAX_VALUES:
        raise _ImpossibleError("$", f"{amount} values, more than {MAX_VALUES}")


def _amount_of(entry: Sample | Tally | None) -> int:
    return len(entry.values) + len(entry.points) if isinstance(entry, Sample) else 1


def _run_of(side: Side, *, place: str) -> model.Run:
    samples: list[dict[model.SeriesKey, model.Reading]] = [{} for _ in side.rounds]
    seen: set[model.SeriesKey] = set()
    for index, series in enumerate(side.series):
        at = f"{place}.series[{index}]"
        key = _key_of(series.suite, series.benchmark, series.metric.name)
        if key in seen:
            raise _ImpossibleError(at, "an earlier series has the same name")
        if len(series.rounds) != len(side.rounds):
            problem = f"{len(series.rounds)} entries for {len(side.rounds)} rounds"
            raise _ImpossibleError(f"{at}.rounds", problem)
        seen.add(key)
        for round_, reading in _readings_of(series, place=at):
            samples[round_][key] = reading
    return model.Run(
        commit=wire.same(side.commit, model.Commit),
        environment=wire.same(side.environment, model.Environment),
        rounds=tuple(map(_round_of, side.rounds, samples)),
    )


def _round_of(
    round_: Round, samples: Mapping[model.SeriesKey, model.Reading]
) -> model.Round:
    return model.Round(
        samples=samples,
        failures=wire.same(round_.failures, tuple[model.Failure, ...]),
        doubts=wire.same(round_.doubts, tuple[model.Doubt, ...]),
        started_at=round_.started_at,
        load=None if round_.load is None else wire.same(round_.load, model.HostLoad),
    )


def _readings_of(series: Series, *, place: str) -> Iterator[tuple[int, model.Reading]]:
    """Yield the number of each round that has the series, and what it read."""
    metric = _metric_of(series.metric)
    counts = isinstance(series, TallySeries)
    if counts is not (metric.kind is model.Kind.ERRORS):
        problem = "only errors are counted, and errors are only counted"
        raise _ImpossibleError(f"{place}.metric.kind", problem)
    if isinstance(series, TallySeries):
        for number, tally in enumerate(series.rounds):
            if tally is not None:
                _check_tally(tally, place=f"{place}.rounds[{number}]")
                yield number, model.Tally(metric, tally.events, tally.trials)
        return
    if len(set(series.statistics)) != len(series.statistics):
        raise _ImpossibleError(f"{place}.statistics", "one of them comes twice")
    for number, sample in enumerate(series.rounds):
        if sample is not None:
            at = f"{place}.rounds[{number}]"
            _check_sample(sample, statistics=series.statistics, place=at)
            yield (
                number,
                model.Sample(
                    metric=metric,
                    statistics=series.statistics,
                    values=sample.values,
                    primary=sample.primary,
                    count=sample.count,
                    points=sample.points,
                ),
            )


# One object for all that are equal: comparing the runs of a window is then cheap.
@lru_cache(maxsize=16384)
def _key_of(suite: str, benchmark: str, metric: str) -> model.SeriesKey:
    return model.SeriesKey(suite, benchmark, metric)


@lru_cache(maxsize=256)
def _metric_of(metric: Metric) -> model.Metric:
    return wire.same(metric, model.Metric)


def _check_tally(tally: Tally, *, place: str) -> None:
    if tally.events > tally.trials:
        problem = f"{tally.events} events among {tally.trials} trials"
        raise _ImpossibleError(place, problem)


def _check_sample(
    sample: Sample, *, statistics: tuple[model.Statistic, ...], place: str
) -> None:
    if len(sample.values) != len(statistics):
        problem = f"{len(sample.values)} values for {len(statistics)} statistics"
        raise _ImpossibleError(f"{place}.values", problem)
    if sample.primary not in statistics:
        problem = f"{sample.primary} is not one of the statistics"
        raise _ImpossibleError(f"{place}.primary", problem)
    if any(later < earlier for earlier, later in pairwise(sample.points)):
        raise _ImpossibleError(f"{place}.points", "they don't rise")
