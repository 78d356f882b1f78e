"""The run document: what is written is what is read, and nothing else is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchgate.documents import run
from benchgate.errors import ExitCode, FormatError
from benchgate.model import (
    SLICE_STATISTICS,
    Better,
    Commit,
    Cost,
    Design,
    Doubt,
    Environment,
    Failure,
    HostLoad,
    Kind,
    Measurement,
    Metric,
    Reading,
    Round,
    Run,
    Sample,
    SeriesKey,
    Statistic,
    Tally,
    Unit,
    Witness,
    Work,
)

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "schemas" / "run.schema.json"

TIME = Metric("time", Unit.SECOND, Better.LOWER, Kind.TIME)
ERRORS = Metric("errors", Unit.ONE, Better.LOWER, Kind.ERRORS)
PARSE = SeriesKey("micro", "parse/large", "time")
FAILED = SeriesKey("load", "checkout", "errors")

SAMPLE = Sample(
    metric=TIME,
    statistics=SLICE_STATISTICS,
    values=(1.1e-6, 1.2e-6, 1.25e-6, 1.3e-6, 1.5e-6),
    primary=Statistic.Q10,
    count=30,
)
HEAD = Run(
    commit=Commit("5f" * 20, "refs/pull/7/merge"),
    environment=Environment(arch="x86_64", vcpus=4, tools=(("k6", "1.4.0"),)),
    rounds=(
        Round(
            {PARSE: SAMPLE, FAILED: Tally(ERRORS, events=2, trials=900)},
            started_at=1_700_000_000.25,
            load=HostLoad(
                load=0.5, others=0.01, steal=0.0, throttled=0.2, overheated=1
            ),
        ),
        Round(
            {FAILED: Tally(ERRORS, events=0, trials=905)},
            failures=(Failure("micro", "parse/large", "it panicked", "at line 3\n"),),
            doubts=(Doubt("the core was throttled", PARSE),),
        ),
    ),
)
BOTH = Measurement(
    base=replace(HEAD, commit=Commit("00" * 20, "main", dirty=True)),
    head=HEAD,
    design=Design.PAIRED,
    share_of_error=0.5,
    left_out=(Doubt("micro: no file of its crate changed"),),
    cost=Cost(building=61.5, measuring=120.0),
)


def text(limit: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=limit)


NAMES = text(12)
POSITIVE = st.floats(min_value=1e-59, max_value=1e59)
EVENTS = st.integers(0, 10**9)
NOT_NEGATIVE = st.floats(min_value=0, max_value=1e59)
WHOLE = st.integers(0, 2**53)
LOADS = st.builds(
    HostLoad,
    NOT_NEGATIVE,
    NOT_NEGATIVE,
    NOT_NEGATIVE,
    throttled=st.none() | NOT_NEGATIVE,
    frequency=st.none() | NOT_NEGATIVE,
    overheated=st.none() | WHOLE,
    cpu_limit=st.none() | POSITIVE,
    memory_limit=st.none() | WHOLE,
)


def rounded(points: list[float]) -> tuple[float, ...]:
    return tuple(sorted(float(f"{point:.6g}") for point in points))


def metrics(name: str) -> st.SearchStrategy[Metric]:
    return st.builds(
        Metric,
        name=st.just(name),
        unit=st.sampled_from(Unit),
        better=st.sampled_from(Better),
        kind=st.sampled_from([kind for kind in Kind if kind is not Kind.ERRORS]),
    )


def tallies(metric: Metric) -> st.SearchStrategy[Reading]:
    errors = replace(metric, kind=Kind.ERRORS)
    counts = st.lists(EVENTS, min_size=2, max_size=2).map(sorted)
    return counts.map(lambda pair: Tally(errors, events=pair[0], trials=pair[1]))


def samples(
    metric: Metric, statistics: tuple[Statistic, ...]
) -> st.SearchStrategy[Reading]:
    size = len(statistics)
    return st.builds(
        Sample,
        metric=st.just(metric),
        statistics=st.just(statistics),
        values=st.lists(POSITIVE, min_size=size, max_size=size).map(tuple),
        primary=st.sampled_from(statistics),
        count=WHOLE,
        points=st.lists(NOT_NEGATIVE, max_size=4).map(rounded),
    )


@st.composite
def runs(draw: st.DrawFn) -> Run:
    readings: dict[SeriesKey, st.SearchStrategy[Reading]] = {}
    keys = st.builds(SeriesKey, suite=NAMES, benchmark=NAMES, metric=NAMES)
    for key in draw(st.lists(keys, max_size=3, unique=True)):
        metric = draw(metrics(key.metric))
        several = st.permutations(list(Statistic)).map(tuple)
        cut = draw(st.integers(1, len(Statistic)))
        statistics = draw(several)[:cut]
        kinds = st.sampled_from([tallies(metric), samples(metric, statistics)])
        readings[key] = draw(kinds)
    doubts = st.builds(
        Doubt,
        text=text(30),
        series=st.none() | st.builds(SeriesKey, NAMES, NAMES, NAMES),
    )
    failures = st.builds(Failure, NAMES, NAMES, text(30), st.text(max_size=30))
    rounds = st.builds(
        Round,
        samples=st.fixed_dictionaries({}, optional=readings),
        failures=st.lists(failures, max_size=2).map(tuple),
        doubts=st.lists(doubts, max_size=2).map(tuple),
        started_at=st.none() | NOT_NEGATIVE,
        load=st.none() | LOADS,
    )
    environments = st.builds(
        Environment,
        arch=NAMES,
        cpu=NAMES,
        vcpus=WHOLE,
        build=NAMES,
        tools=st.lists(st.tuples(NAMES, NAMES), max_size=2).map(tuple),
    )
    commits = st.builds(
        Commit,
        sha=st.text("0123456789abcdef", max_size=64),
        ref=NAMES,
        dirty=st.booleans(),
    )
    return Run(
        commit=draw(commits),
        environment=draw(environments),
        rounds=tuple(draw(st.lists(rounds, max_size=3))),
    )


@st.composite
def witnesses(draw: st.DrawFn) -> tuple[Witness, ...]:
    """Return benchmarks of which both sides were counted equally often."""
    works = st.builds(Work, POSITIVE, NOT_NEGATIVE, NOT_NEGATIVE)
    found = []
    for name in draw(st.lists(NAMES, max_size=2, unique=True)):
        times = draw(st.integers(0, 2))
        base, head = (
            tuple(draw(st.lists(works, min_size=times, max_size=times)))
            for _ in ("base", "head")
        )
        found.append(Witness("micro", name, base, head, draw(text(30))))
    return tuple(found)


def _are_pairs(sides: tuple[Run, Run]) -> bool:
    return len(sides[0].rounds) == len(sides[1].rounds)


MEASUREMENTS = st.builds(
    Measurement,
    base=st.none() | runs(),
    head=runs(),
    design=st.sampled_from(Design),
    share_of_error=st.floats(1e-3, 1),
    left_out=st.lists(st.builds(Doubt, text(30)), max_size=2).map(tuple),
    witnesses=witnesses(),
    as_built=st.none() | st.tuples(runs(), runs()).filter(_are_pairs),
    cost=st.builds(Cost, NOT_NEGATIVE, NOT_NEGATIVE),
)


def test_a_document_from_before_the_machine_was_looked_at_is_read() -> None:
    old = {"load": 0.5, "others": 0.01, "steal": 0.0}
    document = json.loads(run.encode(BOTH))
    document["head"]["rounds"][0]["load"] = old

    read = run.decode(json.dumps(document).encode(), name="run.json")

    assert read.head.rounds[0].load == HostLoad(0.5, 0.01, 0.0)


def test_a_document_from_before_work_was_counted_is_read() -> None:
    document = json.loads(run.encode(BOTH))
    del document["witnesses"], document["as_built"]

    assert run.decode(json.dumps(document).encode(), name="run.json") == BOTH


@given(MEASUREMENTS)
@settings(deadline=None)
def test_what_was_written_is_what_is_read(measurement: Measurement) -> None:
    raw = run.encode(measurement)

    assert run.decode(raw, name="run.json") == measurement


@given(MEASUREMENTS)
@settings(deadline=None, max_examples=30)
def test_a_document_is_canonical(measurement: Measurement) -> None:
    raw = run.encode(measurement)

    assert run.encode(run.decode(raw, name="run.json")) == raw


@given(MEASUREMENTS)
@settings(deadline=None, max_examples=30)
def test_a_document_keeps_its_schema(measurement: Measurement) -> None:
    jsonschema = pytest.importorskip("jsonschema")

    jsonschema.validate(
        json.loads(run.encode(measurement)), json.loads(SCHEMA_FILE.read_bytes())
    )


def test_the_published_schema_is_the_one_of_the_types() -> None:
    assert SCHEMA_FILE.read_bytes() == run.json_schema()


def test_a_document_ends_with_a_newline_and_has_one_line() -> None:
    assert run.encode(BOTH).splitlines(keepends=True)[-1:] == [run.encode(BOTH)]


def test_series_are_sorted_and_have_null_where_a_round_lacks_them() -> None:
    series = json.loads(run.encode(BOTH))["head"]["series"]

    assert [(one["benchmark"], one["rounds"][1]) for one in series] == [
        ("checkout", {"events": 0, "trials": 905}),
        ("parse/large", None),
    ]


def test_the_order_of_the_samples_changes_no_byte() -> None:
    first, *others = HEAD.rounds
    turned = replace(first, samples=dict(reversed(list(first.samples.items()))))
    again = replace(BOTH, head=replace(HEAD, rounds=(turned, *others)))

    assert run.encode(again) == run.encode(BOTH)


def test_points_keep_six_digits_and_values_all() -> None:
    sample = replace(SAMPLE, points=(1.23456789e-3, 1.5), values=(0.1 + 0.2,) * 5)
    rounds = (Round({PARSE: sample}),)
    raw = run.encode(replace(BOTH, head=replace(HEAD, rounds=rounds)))

    assert run.decode(raw, name="x").head.rounds[0].samples[PARSE] == replace(
        sample, points=(1.23457e-3, 1.5)
    )


@pytest.mark.parametrize(
    "other",
    [
        replace(SAMPLE, metric=replace(TIME, unit=Unit.BYTE)),
        replace(SAMPLE, statistics=SLICE_STATISTICS[::-1]),
        Tally(TIME, events=0, trials=1),
    ],
)
def test_a_series_that_changes_between_rounds_is_not_written(other: Reading) -> None:
    rounds = (Round({PARSE: SAMPLE}), Round({PARSE: other}))

    with pytest.raises(ValueError, match="its rounds differ in metric or statistics"):
        run.encode(replace(BOTH, head=replace(HEAD, rounds=rounds)))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0, -1.0])
def test_a_number_that_could_not_be_read_is_not_written(value: float) -> None:
    rounds = (Round({PARSE: replace(SAMPLE, values=(value,) * 5)}),)

    with pytest.raises(FormatError, match=r"rounds\[0\]\.values\[0\]: expected"):
        run.encode(replace(BOTH, head=replace(HEAD, rounds=rounds)))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\x00",
        b"\xff",
        b'{"schema":"\xff"}',
        b'{"schema":"benchgate-run/1"}',
        b'{"schema":"\\ud800"}',
        b'{"other":1}',
        b'{"schema":1}',
        b'{"reason":"benchmark-complete","id":"x"}\n{}\n',
        b'{"x":' + b"[" * 200_000,
        b'{"schema":"benchgate-run/1","head":' + b"[" * 200_000,
    ],
)
def test_garbage_is_refused_by_name(raw: bytes) -> None:
    with pytest.raises(FormatError, match=r"^fork/run\.json: ") as caught:
        run.decode(raw, name="fork/run.json")

    assert caught.value.exit_code is ExitCode.UNDECIDED


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_format_error(raw: bytes) -> None:
    with pytest.raises(FormatError):
        run.decode(raw, name="run.json")


@given(st.integers(0, len(run.encode(BOTH)) - 2))
def test_a_truncated_document_is_refused(size: int) -> None:
    with pytest.raises(FormatError):
        run.decode(run.encode(BOTH)[:size], name="run.json")


@pytest.mark.parametrize("schema", ["benchgate-run/2", "benchgate-run/" + "9" * 5000])
def test_a_newer_document_asks_for_an_upgrade(schema: str) -> None:
    raw = json.dumps({"schema": schema, "unheard": "of"}).encode()

    with pytest.raises(FormatError, match="newer benchgate") as caught:
        run.decode(raw, name="run.json")

    assert caught.value.hint == "upgrade benchgate"


@pytest.mark.parametrize(
    "schema", ["benchgate-report/1", "benchgate-run/0", "benchgate-run/", "x", ""]
)
def test_another_document_is_named(schema: str) -> None:
    raw = json.dumps({"schema": schema}).encode()

    with pytest.raises(FormatError, match=r"\$\.schema: .*is not benchgate-run/1$"):
        run.decode(raw, name="run.json")


def put(value: Any, *path: str | int) -> bytes:
    """Return the document with *value* at *path*."""
    document = json.loads(run.encode(BOTH))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(document).encode()


HEAD_PARSE = ("head", "series", 1)
HEAD_ERRORS = ("head", "series", 0)


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (put(-1.0, *HEAD_PARSE, "rounds", 0, "values", 2), r"rounds\[0\]\.values\[2\]"),
        (put(0, *HEAD_PARSE, "rounds", 0, "values", 2), r"rounds\[0\]\.values\[2\]"),
        (put(10**400, *HEAD_PARSE, "rounds", 0, "values", 2), r"values\[2\]"),
        (put("1", *HEAD_PARSE, "rounds", 0, "values", 2), r"rounds\[0\]\.values\[2\]"),
        (put([1.0], *HEAD_PARSE, "rounds", 0, "values"), r"series\[1\].*\[0\]\.values"),
        (put("value", *HEAD_PARSE, "rounds", 0, "primary"), r"rounds\[0\]\.primary"),
        (put("p99", *HEAD_PARSE, "rounds", 0, "primary"), r"rounds\[0\]\.primary"),
        (put(-1, *HEAD_PARSE, "rounds", 0, "count"), r"rounds\[0\]\.count"),
        (put(2**54, *HEAD_PARSE, "rounds", 0, "count"), r"rounds\[0\]\.count"),
        (put([2.0, 1.0], *HEAD_PARSE, "rounds", 0, "points"), r"rounds\[0\]\.points"),
        (put([-1.0], *HEAD_PARSE, "rounds", 0, "points"), r"\[0\]\.points\[0\]"),
        (put(["min"] * 5, *HEAD_PARSE, "statistics"), r"series\[1\]\.statistics"),
        (put([], *HEAD_PARSE, "statistics"), r"head\.series\[1\]\.statistics"),
        (put([None], *HEAD_PARSE, "rounds"), r"\$\.head\.series\[1\]\.rounds"),
        (put([], *HEAD_ERRORS, "rounds"), r"\$\.head\.series\[0\]\.rounds"),
        (put(901, *HEAD_ERRORS, "rounds", 0, "events"), r"series\[0\]\.rounds\[0\]"),
        (put(1, *HEAD_ERRORS, "statistics"), r"head\.series\[0\]"),
        (put("medley", *HEAD_ERRORS, "type"), r"head\.series\[0\]\.type"),
        (put("ms", *HEAD_PARSE, "metric", "unit"), r"series\[1\]\.metric\.unit"),
        (put("a\x00b", *HEAD_PARSE, "benchmark"), r"series\[1\]\.benchmark"),
        (put("a\n", *HEAD_PARSE, "benchmark"), r"series\[1\]\.benchmark"),
        (put("x" * 301, *HEAD_PARSE, "benchmark"), r"series\[1\]\.benchmark"),
        (put("HEAD; rm", "head", "commit", "sha"), r"\$\.head\.commit\.sha"),
        (put("v1", "head", "environment", "unheard"), r"\$\.head\.environment"),
        (put(-1, "base", "rounds", 0, "started_at"), r"\$\.base\.rounds\[0\]"),
        (put(-1, "cost", "building"), r"\$\.cost\.building"),
        (put(0, "share_of_error"), r"\$\.share_of_error"),
        (put(1.5, "share_of_error"), r"\$\.share_of_error"),
        (put(1e-300, "share_of_error"), r"\$\.share_of_error"),
        (put("time", "head", "series", 0, "metric", "kind"), "only errors are counted"),
        (put(10**10, "head", "series", 0, "rounds", 0, "trials"), r"trials"),
        (put("sequential", "design"), r"\$\.design"),
        (put(None, "head"), r"\$\.head"),
        (put(1, "unheard"), "unheard"),
    ],
)
def test_what_can_not_be_is_refused_at_its_place(raw: bytes, place: str) -> None:
    with pytest.raises(FormatError, match=rf"^run\.json: .*{place}"):
        run.decode(raw, name="run.json")


@pytest.mark.parametrize("word", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_a_number_that_is_none_is_refused(word: bytes) -> None:
    raw = run.encode(BOTH).replace(b"1.3e-6", word, 1)

    with pytest.raises(FormatError, match=r"^run\.json: "):
        run.decode(raw, name="run.json")


def test_a_repeated_series_is_refused() -> None:
    series = json.loads(run.encode(BOTH))["head"]["series"]
    raw = put([series[1], series[1]], "head", "series")

    with pytest.raises(FormatError, match=r"\$\.head\.series\[1\]: an earlier series"):
        run.decode(raw, name="run.json")


WORK = {"instructions": 7.0, "allocations": 1.0, "system_calls": 0.0}
SEEN = {
    "suite": "micro",
    "benchmark": "parse",
    "base": [WORK],
    "head": [WORK],
    "reason": "",
}


@pytest.mark.parametrize(
    ("witnesses", "place"),
    [
        ([SEEN, SEEN], r"\$\.witnesses\[1\]: its benchmark has one before"),
        ([{**SEEN, "head": []}], r"\$\.witnesses\[0\]: .* sides differ in number"),
        ([{**SEEN, "base": [{**WORK, "instructions": 0.0}]}], r"instructions"),
        ([{**SEEN, "base": [WORK] * 101}], "length <= 100"),
    ],
)
def test_a_witness_that_can_not_be_is_refused(witnesses: object, place: str) -> None:
    with pytest.raises(FormatError, match=place):
        run.decode(put(witnesses, "witnesses"), name="run.json")


def test_builds_that_are_no_pairs_are_refused() -> None:
    base, head = (json.loads(run.encode(BOTH))[side] for side in ("base", "head"))
    shorter = {**head, "rounds": [], "series": []}

    with pytest.raises(FormatError, match=r"\$\.as_built: its sides are no pairs"):
        run.decode(put({"base": base, "head": shorter}, "as_built"), name="run.json")


def test_an_error_can_not_forge_a_workflow_command() -> None:
    raw = put(1, "x\n::error::you are pwned\x1b[2J" + "y" * 5000)

    with pytest.raises(FormatError) as caught:
        run.decode(raw, name="run.json")

    assert caught.value.problem.isprintable()
    assert len(caught.value.problem) < 400


@pytest.mark.parametrize(("limit", "value"), [("MAX_BYTES", 100), ("MAX_VALUES", 13)])
def test_a_document_has_a_bound(
    limit: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = run.encode(BOTH)
    monkeypatch.setattr(run, limit, value)

    with pytest.raises(FormatError, match=rf"than {value}"):
        run.decode(raw, name="run.json")


@pytest.mark.parametrize(
    ("amount", "of"),
    [(5_001, ("head", "series")), (10_001, ("head", "rounds")), (5_001, ("left_out",))],
)
def test_a_list_has_a_bound(amount: int, of: tuple[str, ...]) -> None:
    document = json.loads(run.encode(BOTH))
    entry = document["left_out"] if of == ("left_out",) else document["head"][of[-1]]

    with pytest.raises(FormatError, match=rf"length <= {amount - 1}"):
        run.decode(put(entry[:1] * amount, *of), name="run.json")
