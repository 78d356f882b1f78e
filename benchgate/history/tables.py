"""Tables in Parquet, CSV and JSON → histories, one a suite.

One row is one value: a benchmark in a run. The columns are those in which projects
publish their benchmarks; only ``benchmark``, ``value`` and one of ``time_ms`` and
``commit`` are required. DuckDB reads all three formats; its types end here.
"""

from __future__ import annotations

import csv
import math
import re
import stat
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from benchgate.errors import FormatError
from benchgate.history import History, PastRun, PastSeries
from benchgate.model import UNKNOWN, Better, Kind, Metric, SeriesKey, Unit
from benchgate.units import SECONDS_IN

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ENDINGS = (".parquet", ".csv", ".json", ".ndjson", ".jsonl")
_TEXTS = ("suite", "tool", "benchmark", "commit", "unit", "cpu")
_NUMBERS = ("time_ms", "value")
_COLUMNS = (*_TEXTS, *_NUMBERS)
_HINT = (
    "give a table with the columns benchmark, value, and time_ms or commit; "
    "docs/formats.md describes it"
)
# Tools whose results are better the larger they are; a rate tells it by its unit.
_MORE_IS_BETTER = frozenset({"benchmarkjs", "pytest", "custombiggerisbetter"})
_RATE = re.compile(r"(?:/|\bper )(?:s|sec|second)$")
_BYTES = re.compile(r"(?:[kmgt]i?)?b(?:ytes)?(?:/(?:iter|op))?")
_COUNTS = re.compile(r"(?:allocs?|instructions?)(?:/(?:iter|op))?")
_DURATION = re.compile(r"([a-zµ\u03bc]+)(?:/(?:iter|op))?")
# What DuckDB says after its first sentence is about its own options.
_OF_DUCKDB = re.compile(
    r"""^[A-Za-z ]*Error: |\w+Exception: | (?:in|of) file (?:"[^"]*"|'[^']*')"""
    r"""|[Ff]ile '[^']*' | in record/value \d+"""
)
_CSV_LINE = re.compile(r"CSV Error on Line: (\d+)")
_CSV_COLUMNS = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
_JSON_LINE = re.compile(r"Malformed JSON .*? in line \d+")
_PARQUET = b"PAR1"
# Nothing is fetched from anywhere: what DuckDB lacks, it lacks.
_OFFLINE = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class _Row:
    """One row; absent text is empty, an absent value NaN."""

    suite: str
    tool: str
    benchmark: str
    commit: str
    unit: str
    cpu: str
    time_ms: float | None
    value: float


def read_histories(name: str) -> tuple[History, ...]:
    """Return the histories in the file *name*, or in all tables of that folder.

    Raises FormatError for what is missing, damaged, empty, or no such table.
    """
    place = Path(name)
    if not place.is_dir():
        return _read_table(place, name)
    try:
        files = sorted(p for p in place.iterdir() if p.suffix.lower() in ENDINGS)
    except OSError as error:
        raise _unreadable(name, error) from error
    if not files:
        raise FormatError(
            f"{name}: the folder holds no table",
            hint=f"name a folder of files that end with {', '.join(ENDINGS)}",
        )
    return tuple(history for file in files for history in _read_table(file, str(file)))


def _read_table(place: Path, name: str) -> tuple[History, ...]:
    rows_by_suite = defaultdict(list)
    for row in _rows(place, name):
        rows_by_suite[row.suite].append(row)
    if not rows_by_suite:
        raise FormatError(f"{name}: the table has no rows", hint=_HINT)
    stem = place.name.removesuffix(place.suffix)
    return tuple(
        _history(rows, suite=suite or stem, name=f"{stem}: {suite}" if suite else stem)
        for suite, rows in sorted(rows_by_suite.items())
    )


def _history(rows: Sequence[_Row], *, suite: str, name: str) -> History:
    """Return the history that *rows* of one suite make.

    The same series twice in one run is one machine asked twice: its mean counts.
    """
    run_rows: dict[tuple[float | None, str], _Row] = {}
    sums: dict[tuple[tuple[float | None, str], PastSeries], list[float]] = {}
    columns: dict[tuple[str, str, str], PastSeries] = {}
    for row in rows:
        run = (row.time_ms, row.commit)
        run_rows.setdefault(run, row)
        kind = (row.benchmark, row.tool, row.unit)
        scale, unit = _unit_of(row.unit)
        if kind not in columns:
            metric = _metric_of(unit, row.tool)
            key = SeriesKey(suite, row.benchmark, metric.name)
            columns[kind] = PastSeries(key, metric)
        if math.isfinite(row.value) and row.value > 0:
            sums.setdefault((run, columns[kind]), []).append(row.value * scale)
    # By their times; in the order of the file where one of them has none.
    runs = list(run_rows)
    if all(time is not None for time, _ in runs):
        runs.sort(key=lambda run: run[0] or 0.0)
    series = sorted(set(columns.values()), key=lambda s: (s.key, str(s.metric)))
    return History(
        name=name,
        runs=tuple(_past_run(run_rows[run]) for run in runs),
        series=tuple(series),
        values=tuple(
            tuple(_mean(sums.get((run, each), ())) for each in series) for run in runs
        ),
    )


def _past_run(row: _Row) -> PastRun:
    at = None if row.time_ms is None else row.time_ms / 1000
    return PastRun(row.commit, at, row.cpu or UNKNOWN)


def _mean(values: Sequence[float]) -> float:
    if not values:
        return math.nan
    if len(values) == 1:
        return values[0]
    return math.exp(math.fsum(map(math.log, values)) / len(values))


def _unit_of(text: str) -> tuple[float, str]:
    """Return what a value in the unit *text* is multiplied by, and the unit then.

    Go's tool writes further results behind a tab, which are none of the unit.
    """
    unit = text.partition("\t")[0].strip()
    duration = _DURATION.fullmatch(unit.lower())
    if duration and duration[1] in SECONDS_IN and duration[1] != "m":
        return SECONDS_IN[duration[1]], "s"
    return 1.0, unit


def _metric_of(unit: str, tool: str) -> Metric:
    """Return the metric of values in *unit*; the tool knows when more is better.

    Another unit is another metric: a series that changes it half-way starts anew.
    """
    plain = unit.lower()
    if unit == "s":
        return Metric("time", Unit.SECOND, Better.LOWER, Kind.TIME)
    if _BYTES.fullmatch(plain):
        return Metric(unit, Unit.ONE, Better.LOWER, Kind.SIZE)
    if _COUNTS.fullmatch(plain):
        return Metric(unit, Unit.ONE, Better.LOWER, Kind.COUNT)
    if _RATE.search(plain) or tool.lower() in _MORE_IS_BETTER:
        return Metric(unit or "value", Unit.ONE, Better.HIGHER, Kind.RATE)
    return Metric(unit or "value", Unit.ONE, Better.LOWER, Kind.TIME)


def _rows(place: Path, name: str) -> Iterator[_Row]:
    import duckdb  # noqa: PLC0415 - heavy

    with duckdb.connect(config={**_OFFLINE}) as database:
        try:
            found = _select(database, place, name)
        except duckdb.Error as error:
            raise _damaged(place, name, str(error)) from error
    for number, fields in enumerate(found, 1):
        yield _row(fields, where=f"{name}: row {number}")


def _row(fields: Sequence[Any], *, where: str) -> _Row:
    """Return the row of *fields*: the texts, then each number beside its text."""
    *texts, time_ms, time_text, value, value_text = fields
    suite, tool, benchmark, commit, unit, cpu = (text or "" for text in texts)
    if not benchmark:
        raise FormatError(f"{where}: has no benchmark", hint=_HINT)
    if value is None and value_text is not None:
        raise FormatError(
            f"{where}: the value {value_text[:_SHOWN]!r} is no number",
            hint="write plain numbers, and nothing where there is none",
        )
    if time_text is not None and (time_ms is None or not math.isfinite(time_ms)):
        raise FormatError(
            f"{where}: the time_ms {time_text[:_SHOWN]!r} is no number",
            hint="write milliseconds since 1970",
        )
    if time_ms is None and not commit:
        raise FormatError(
            f"{where}: has neither time_ms nor commit, so it is of no run", hint=_HINT
        )
    amount = math.nan if value is None else float(value)
    return _Row(suite, tool, benchmark, commit, unit, cpu, time_ms, amount)


def _select(database: DuckDBPyConnection, place: Path, name: str) -> list[Any]:
    """Return the fields of all rows, in the order of the file."""
    table, columns = _SOURCES[_format_of(place, name)](database, place, name)
    _check_columns(columns, name)
    known = [c if c in columns else "NULL" for c in _TEXTS]
    wanted = [f"CAST({c} AS VARCHAR)" for c in known]
    for number in _NUMBERS:
        column = number if number in columns else "NULL"
        wanted += [f"TRY_CAST({column} AS DOUBLE)", f"CAST({column} AS VARCHAR)"]
    # Nothing in this statement comes from outside: names are ours, the rest is bound.
    select = f"SELECT {', '.join(wanted)} FROM {table.text}"  # noqa: S608 - as said
    return database.execute(select, table.bound).fetchall()


@dataclass(frozen=True, slots=True)
class _Table:
    """What stands behind FROM, with the values of its question marks."""

    text: str
    bound: Sequence[object]


_Source = tuple[_Table, Sequence[str]]


def _parquet(database: DuckDBPyConnection, place: Path, _: str) -> _Source:
    table = _Table("read_parquet(?)", [_literal(place)])
    return table, _described(database, table)


def _json(database: DuckDBPyConnection, place: Path, _: str) -> _Source:
    guessed = _Table("read_json(?, sample_size=-1)", [_literal(place)])
    columns = [c for c in _described(database, guessed) if c in _COLUMNS]
    # As text: of a guessed type, a commit of digits would be a number.
    typed = dict.fromkeys(columns, "VARCHAR")
    return _Table("read_json(?, columns=?)", [_literal(place), typed]), columns


def _csv(_: DuckDBPyConnection, place: Path, name: str) -> _Source:
    # What isn't UTF-8 is said by DuckDB, which knows the line.
    with place.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        try:
            columns = next(csv.reader(file, strict=True), [])
        except csv.Error as error:
            problem = f"{name}:1: is no line of a CSV table: {error}"
            raise FormatError(problem, hint=_HINT) from error
    if len(set(columns)) < len(columns):
        raise FormatError(f"{name}:1: two columns have one name", hint=_HINT)
    _check_columns(columns, name)
    # Nothing is guessed: DuckDB would try other dialects on a damaged line.
    text = (
        "read_csv(?, columns=?, auto_detect=false, header=true, delim=',', "
        "quote='\"', escape='\"', strict_mode=true)"
    )
    return _Table(text, [_literal(place), dict.fromkeys(columns, "VARCHAR")]), columns


_SOURCES: Mapping[str, Callable[[DuckDBPyConnection, Path, str], _Source]] = {
    "parquet": _parquet,
    "json": _json,
    "csv": _csv,
}


def _described(database: DuckDBPyConnection, table: _Table) -> list[str]:
    describe = f"DESCRIBE SELECT * FROM {table.text}"  # noqa: S608 - ours, as above
    return [str(row[0]) for row in database.execute(describe, table.bound).fetchall()]


def _literal(place: Path) -> str:
    """Return the path so that DuckDB takes no character of it for a pattern."""
    return re.sub(r"[*?[]", r"[\g<0>]", str(place.absolute()))


def _format_of(place: Path, name: str) -> str:
    """Return what the content looks like; the name of a file says nothing."""
    try:
        # A device has no end, and a pipe is empty when it is read again.
        if not stat.S_ISREG(place.stat().st_mode):
            raise FormatError(f"{name}: is no file", hint="save the table to a file")
        with place.open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise _unreadable(name, error) from error
    if start.startswith(_PARQUET):
        return "parquet"
    first = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not first:
        raise FormatError(f"{name}: is empty", hint=_HINT)
    return "json" if first[:1] in b"{[" else "csv"


def _check_columns(columns: Sequence[str], name: str) -> None:
    missing = [c for c in ("benchmark", "value") if c not in columns]
    if not missing and not {"time_ms", "commit"} & set(columns):
        missing = ["time_ms or commit"]
    if missing:
        there = ", ".join(columns[:10]) or "nothing"
        raise FormatError(
            f"{name}: is no table of benchmarks: the column {missing[0]} is missing, "
            f"there is {there[:200]}",
            hint=_HINT,
        )


def _damaged(place: Path, name: str, said: str) -> FormatError:
    """Return the error for what DuckDB could not read: its sentence, our place."""
    line = _CSV_LINE.search(said)
    columns = _CSV_COLUMNS.search(said)
    first = _OF_DUCKDB.sub("", said.partition("\n")[0]).strip().rstrip(".")
    json_line = _damaged_line(place) if _JSON_LINE.search(said) else None
    if line and columns:
        wanted, there = columns.groups()
        problem = f":{line[1]}: {wanted} columns are expected, {there} were found"
    elif line and "unterminated quote" in said:
        problem = f":{line[1]}: a quote is not closed"
    elif line:
        problem = f":{line[1]}: is no line of a CSV table in UTF-8"
    elif json_line:
        problem = f":{json_line}: is no JSON"
    else:
        problem = f": is damaged: {first[:1].lower()}{first[1:]}"
    return FormatError(f"{name}{problem}", hint="write the file anew")


def _damaged_line(place: Path) -> int | None:
    """Return the first line of *place* that is no JSON by itself; DuckDB miscounts."""
    with place.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                msgspec.json.decode(line.removeprefix(b"\xef\xbb\xbf"))
            except ValueError:
                if line.strip():
                    return number
    return None


def _unreadable(name: str, error: OSError) -> FormatError:
    problem = f"{name}: can't be read: {error.strerror or error}"
    return FormatError(problem, hint="name a table, or a folder of tables")
