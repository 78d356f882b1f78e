"""Tables in three formats → histories, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pytest

from benchgate.errors import FormatError
from benchgate.history import History, PastRun, PastSeries
from benchgate.history.tables import read_histories
from benchgate.model import UNKNOWN, Better, Kind, Metric, SeriesKey, Unit

HISTORIES = Path(__file__).parents[4] / "shared" / "data" / "histories"
TIME = Metric("time", Unit.SECOND, Better.LOWER, Kind.TIME)
Rows = Sequence[dict[str, object]]


def as_csv(rows: Rows) -> bytes:
    out = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = csv.DictWriter(out, names)
    table.writeheader()
    table.writerows(rows)
    return out.getvalue().encode()


def as_lines(rows: Rows) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def as_json(rows: Rows) -> bytes:
    return json.dumps(rows, indent=1).encode()


def as_parquet(rows: Rows, tmp_path: Path) -> bytes:
    (tmp_path / "rows.json").write_bytes(as_json(rows))
    place = tmp_path / "rows.out"
    with duckdb.connect() as database:
        database.execute(
            f"COPY (FROM read_json('{tmp_path}/rows.json')) TO '{place}' "
            "(FORMAT parquet)"
        )
    return place.read_bytes()


def read(raw: bytes | str, tmp_path: Path, name: str = "table") -> History:
    place = tmp_path / name
    place.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    (history,) = read_histories(str(place))
    return history


def refused(raw: bytes | str, tmp_path: Path) -> FormatError:
    with pytest.raises(FormatError) as caught:
        read(raw, tmp_path, "x.csv")
    return caught.value


ROWS = [
    {
        "suite": "micro",
        "tool": "cargo",
        "benchmark": benchmark,
        "time_ms": 1_700_000_000_000 + 1000 * run,
        "commit": f"c{run}",
        "value": 10 * run + scale,
        "unit": "ns/iter",
        "cpu": "EPYC",
    }
    for run in (1, 2)
    for scale, benchmark in enumerate(("parse", "sort"))
]


@pytest.mark.parametrize("form", [as_csv, as_lines, as_json, as_parquet])
def test_three_formats_hold_the_same_history(
    form: Callable[..., bytes], tmp_path: Path
) -> None:
    raw = form(ROWS, tmp_path) if form is as_parquet else form(ROWS)

    assert read(raw, tmp_path) == History(
        name="table: micro",
        runs=(
            PastRun("c1", 1_700_000_001.0, "EPYC"),
            PastRun("c2", 1_700_000_002.0, "EPYC"),
        ),
        series=(
            PastSeries(SeriesKey("micro", "parse", "time"), TIME),
            PastSeries(SeriesKey("micro", "sort", "time"), TIME),
        ),
        values=((10 * 1e-9, 11 * 1e-9), (20 * 1e-9, 21 * 1e-9)),
    )


def test_each_suite_is_a_history_of_its_own(tmp_path: Path) -> None:
    rows = [{**ROWS[0], "suite": suite} for suite in ("b", "a")]
    (tmp_path / "two.json").write_bytes(as_json(rows))

    found = read_histories(str(tmp_path / "two.json"))

    assert [history.name for history in found] == ["two: a", "two: b"]


def test_without_a_suite_the_file_gives_its_name(tmp_path: Path) -> None:
    found = read("benchmark,commit,value\na,x,1\n", tmp_path, "nightly.csv")

    assert found.name == "nightly"
    assert found.series[0].key.suite == "nightly"


def test_a_folder_is_all_of_its_tables(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_bytes(as_csv(ROWS))
    (tmp_path / "a.NDJSON").write_bytes(as_lines(ROWS))
    (tmp_path / "README.md").write_text("ours")

    found = read_histories(str(tmp_path))

    assert [history.name for history in found] == ["a: micro", "b: micro"]


def test_the_format_is_told_by_the_content(tmp_path: Path) -> None:
    assert read(as_lines(ROWS), tmp_path, "x.parquet").runs


def test_a_name_with_wildcards_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "xa.csv").write_text("nothing of ours")

    assert read(as_csv(ROWS), tmp_path, "x[a]*?.csv").name == "x[a]*?: micro"


def test_boa_has_no_commits_and_its_runs_are_told_by_time(tmp_path: Path) -> None:
    text = "benchmark,commit,time_ms,value\na,,2,5\na,,1,4\n"

    found = read(text, tmp_path)

    assert [run.at for run in found.runs] == [0.001, 0.002]
    assert found.values == ((4.0,), (5.0,))


def test_without_times_the_order_is_that_of_the_file(tmp_path: Path) -> None:
    text = "benchmark,commit,value\na,z,1\na,b,2\nc,z,3\n"

    found = read(text, tmp_path)

    assert [run.commit for run in found.runs] == ["z", "b"]
    assert found.values[0] == (1.0, 3.0)


def test_the_same_commit_twice_is_two_runs(tmp_path: Path) -> None:
    text = "benchmark,commit,time_ms,value\na,x,1,5\na,x,2,4\n"

    assert read(text, tmp_path).values == ((5.0,), (4.0,))


@pytest.mark.parametrize("value", ["", "NaN", "inf", "0", "-3"])
def test_yew_has_nulls_and_what_has_no_logarithm_is_missing_too(
    value: str, tmp_path: Path
) -> None:
    text = f"benchmark,commit,value\na,x,1\nb,x,{value}\n"

    found = read(text, tmp_path)

    assert [series.key.benchmark for series in found.series] == ["a", "b"]
    assert found.values[0][0] == 1.0
    assert math.isnan(found.values[0][1])


def test_deno_has_times_with_fractions(tmp_path: Path) -> None:
    rows = [{"benchmark": "a", "value": 1.0, "time_ms": 1.5e12 + 0.25}]

    assert read(as_json(rows), tmp_path).runs[0].at == 1.5e9 + 0.00025


def test_a_commit_of_digits_keeps_its_zeros(tmp_path: Path) -> None:
    rows = [{"benchmark": "a", "value": 1, "commit": "00123"}]

    assert read(as_json(rows), tmp_path).runs[0].commit == "00123"


@pytest.mark.parametrize(
    ("tool", "unit", "better", "kind"),
    [
        ("benchmarkjs", "ops/sec", Better.HIGHER, Kind.RATE),
        ("pytest", "iter/sec", Better.HIGHER, Kind.RATE),
        ("customBiggerIsBetter", "score", Better.HIGHER, Kind.RATE),
        ("jmh", "ops/s", Better.HIGHER, Kind.RATE),
        ("customSmallerIsBetter", "", Better.LOWER, Kind.TIME),
        ("cargo", "B/iter", Better.LOWER, Kind.SIZE),
        ("cargo", "allocs/iter", Better.LOWER, Kind.COUNT),
        ("go", "ns/op\t   15343 B/op\t     221 allocs/op", Better.LOWER, Kind.TIME),
        ("hyperfine", "s", Better.LOWER, Kind.TIME),
    ],
)
def test_more_is_better_where_the_tool_or_the_unit_says_so(
    tool: str, unit: str, better: Better, kind: Kind, tmp_path: Path
) -> None:
    rows = [{"benchmark": "a", "value": 2, "commit": "x", "tool": tool, "unit": unit}]

    metric = read(as_json(rows), tmp_path).series[0].metric

    assert (metric.better, metric.kind) == (better, kind)


def test_a_unit_that_changes_half_way_starts_a_new_series(tmp_path: Path) -> None:
    text = "benchmark,commit,value,unit\na,x,5,score\na,y,50,points\n"

    found = read(text, tmp_path)

    assert [series.key.metric for series in found.series] == ["points", "score"]
    assert math.isnan(found.values[0][0])
    assert found.values[0][1] == 5.0


def test_another_prefix_of_seconds_is_the_same_series(tmp_path: Path) -> None:
    text = "benchmark,commit,value,unit\na,x,2,ms\na,y,2000,us\na,z,2e6,ns/iter\n"

    found = read(text, tmp_path)

    assert len(found.series) == 1
    assert [row[0] for row in found.values] == pytest.approx([0.002] * 3)


def test_duplicates_within_a_run_count_once_by_their_mean(tmp_path: Path) -> None:
    text = "benchmark,commit,value\na,x,1\na,x,4\na,y,3\n"

    assert read(text, tmp_path).values == ((2.0,), (3.0,))


def test_thousands_of_series_are_read(tmp_path: Path) -> None:
    rows = [
        {"benchmark": f"b{i}", "value": i + 1, "commit": f"c{run}"}
        for run in range(3)
        for i in range(4000)
    ]

    found = read(as_lines(rows), tmp_path)

    assert (len(found.series), len(found.runs)) == (4000, 3)


TABLE = "benchmark,value,commit\n"


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("", ": is empty"),
        (" \n", ": is empty"),
        (TABLE, ": the table has no rows"),
        ("value,commit\n1,x\n", ": is no table of benchmarks: the column benchmark"),
        ("benchmark,commit\na,x\n", ": is no table of benchmarks: the column value"),
        ("benchmark,value\na,1\n", "the column time_ms or commit is missing"),
        ("benchmark,value,value\n", ":1: two columns have one name"),
        (TABLE + "a,1,x\nb,2\n", ":3: 3 columns are expected, 2 were found"),
        (TABLE + 'a,1,x\n"b,2,y\n', ":3: a quote is not closed"),
        (TABLE + "a,fast,x\n", ": row 1: the value 'fast' is no number"),
        (TABLE + ",1,x\n", ": row 1: has no benchmark"),
        (TABLE + "a,1,\n", ": row 1: has neither time_ms nor commit"),
        (
            "benchmark,value,time_ms\na,1,2\na,1,noon\n",
            ": row 2: the time_ms 'noon' is no number",
        ),
        (
            "benchmark,value,time_ms\na,1,inf\n",
            ": row 1: the time_ms 'inf' is no number",
        ),
        (
            b"benchmark,value,commit\na,1,\xff\n",
            ":2: is no line of a CSV table in UTF-8",
        ),
        (b'"benchmark\n', ":1: is no line of a CSV table"),
        (b"\x1f\x8b\x08\x00", ": is no table"),
        ("<html>", ": is no table of benchmarks"),
        ("[]", ": is no table of benchmarks"),
        ("{}", ": is no table of benchmarks"),
        ("[1, 2]", ": is no table of benchmarks"),
        ('{"benchmark":', ": is damaged: malformed JSON, at byte 14"),
        (
            '{"benchmark":"a","value":"1 s","commit":"x"}',
            ": row 1: the value '1 s' is no number",
        ),
        (
            '{"benchmark":"a","value":{"mean":1},"commit":"x"}',
            ": row 1: the value '{\"mean\":1}' is no number",
        ),
        (b"PAR1", ": is damaged: too small to be a Parquet file"),
        (b"PAR1" + bytes(5000), ": is damaged: no magic bytes found at end"),
    ],
)
def test_what_is_no_table_is_refused_with_its_place_and_a_way_out(
    raw: bytes | str, problem: str, tmp_path: Path
) -> None:
    error = refused(raw, tmp_path)

    assert error.problem.startswith(f"{tmp_path}/x.csv:")
    assert problem in error.problem
    assert error.problem.count(str(tmp_path)) == 1
    assert error.hint


@pytest.mark.parametrize("cut", [100, 500, -9])
def test_a_parquet_file_that_was_cut_is_an_error(cut: int, tmp_path: Path) -> None:
    whole = as_parquet(ROWS, tmp_path)

    assert ": is damaged: " in refused(whole[:cut], tmp_path).problem


def test_a_parquet_file_that_was_overwritten_inside_is_an_error(tmp_path: Path) -> None:
    whole = as_parquet([{**row, "run": i} for i, row in enumerate(ROWS * 50)], tmp_path)
    hurt = whole[:60] + b"\xff" * 200 + whole[260:]

    assert ": is damaged: " in refused(hurt, tmp_path).problem


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"no\.csv: can't be read: No such file"):
        read_histories(str(tmp_path / "no.csv"))


@pytest.mark.parametrize("damage", ["{bad", '{"benchmark": "b', '{"value": "\xff"}'])
def test_a_damaged_line_of_json_is_counted_from_one(
    damage: str, tmp_path: Path
) -> None:
    lines = list(map(json.dumps, ROWS))
    lines[2] = damage

    problem = refused("\n".join(lines).encode("latin-1"), tmp_path).problem

    assert problem == f"{tmp_path}/x.csv:3: is no JSON"


def test_what_duckdb_alone_refuses_has_no_line(tmp_path: Path) -> None:
    raw = as_lines(ROWS).replace(b'"cpu": "EPYC"', b'"cpu": "EPYC", "cpu": 1', 1)

    assert ": is damaged: " in refused(raw, tmp_path).problem


def test_a_device_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "endless.csv").symlink_to("/dev/zero")

    with pytest.raises(FormatError, match=r"endless\.csv: is no file"):
        read_histories(str(tmp_path))


def test_a_folder_without_tables_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="the folder holds no table"):
        read_histories(str(tmp_path))


def test_the_newest_runs_are_the_last(tmp_path: Path) -> None:
    whole = read(as_csv(ROWS), tmp_path)

    newest = whole.newest(1)

    assert [run.commit for run in newest.runs] == ["c2"]
    assert newest.values == whole.values[1:]


def test_the_environment_of_most_runs_is_kept_where_it_has_enough(
    tmp_path: Path,
) -> None:
    text = "benchmark,commit,value,cpu\na,x,1,old\na,y,2,new\na,z,3,new\n"
    whole = read(text, tmp_path)

    assert whole.of_one_environment(fewest=3) == whole
    kept = whole.of_one_environment(fewest=2)
    assert [run.commit for run in kept.runs] == ["y", "z"]
    assert kept.values == ((2.0,), (3.0,))


def test_an_unknown_cpu_is_an_environment_too(tmp_path: Path) -> None:
    assert read(TABLE + "a,1,x\n", tmp_path).runs[0].environment == UNKNOWN


@pytest.mark.skipif(not HISTORIES.is_dir(), reason="no ../shared beside the checkout")
@pytest.mark.parametrize(
    ("name", "runs", "series"),
    [
        ("boa", [2017], [72]),
        ("deno", [1652], [13]),
        ("yew", [562], [164]),
        ("rune", [411], [19]),
        ("risinglight", [16], [44]),
        ("mountpoint-s3", [30], [22]),
        ("wasmi", [111, 111], [147, 147]),
        ("opentelemetry-python", [94, 100, 70], [46, 42, 42]),
    ],
)
def test_the_public_histories_are_read(
    name: str, runs: list[int], series: list[int]
) -> None:
    found = read_histories(str(HISTORIES / f"{name}.parquet"))

    assert [len(history.runs) for history in found] == runs
    assert [len(history.series) for history in found] == series
