"""The promise of every tool, what reads any source, and what merges parts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchgate.errors import FormatError
from benchgate.model import (
    ONE_VALUE,
    Better,
    Doubt,
    Failure,
    HostLoad,
    Kind,
    Metric,
    Round,
    Sample,
    SeriesKey,
    Statistic,
    Unit,
)
from benchgate.tools import TOOLS, Tool, merge, read_source
from benchgate.tools.recognise import describe
from benchgate.tools.source import Source, source_of

RECORDINGS = Path(__file__).parents[2] / "recordings"
SHARED = Path(__file__).parents[3].parent / "shared" / "samples"
TIME = Metric("time", Unit.SECOND, Better.LOWER, Kind.TIME)
SAMPLE = Sample(TIME, ONE_VALUE, (1.0,), Statistic.VALUE, 10)


def written(folder: Path, raw: bytes) -> Source:
    path = folder / "x.json"
    path.write_bytes(raw)
    return Source("x.json", path)


def part(*benchmarks: str, started_at: float | None = None) -> Round:
    keys = [SeriesKey("micro", benchmark, "time") for benchmark in benchmarks]
    return Round(dict.fromkeys(keys, SAMPLE), started_at=started_at)


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_is_listed_under_its_own_name(name: str) -> None:
    assert name == TOOLS[name].NAME


@pytest.mark.parametrize("tool", TOOLS.values(), ids=list(TOOLS))
@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b"\x00", b"\xff\xfe", b"<html>", b"text\n"]
)
def test_garbage_is_not_recognised(tool: Tool, raw: bytes, tmp_path: Path) -> None:
    assert not tool.recognises(written(tmp_path, raw))


@pytest.mark.parametrize("tool", TOOLS.values(), ids=list(TOOLS))
@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"\x00", b"\xff\xfe\n{}"])
def test_garbage_names_its_line(tool: Tool, raw: bytes, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"^x\.json:1: "):
        tool.read(written(tmp_path, raw), suite="s")


@pytest.mark.parametrize("tool", TOOLS.values(), ids=list(TOOLS))
def test_an_empty_directory_is_not_recognised(tool: Tool, tmp_path: Path) -> None:
    assert not tool.recognises(Source("folder", tmp_path))


@pytest.mark.parametrize(
    ("recording", "suite"),
    [
        ("criterion/messages.ndjson", "criterion"),
        ("criterion/directory", "criterion"),
        ("criterion/directory:my/base", "criterion"),
        ("pytest-benchmark/times.json", "pytest-benchmark"),
        ("pytest-benchmark/no_times.json", "pytest-benchmark"),
    ],
)
def test_a_source_is_recognised_by_its_content(recording: str, suite: str) -> None:
    found = read_source(source_of(f"{RECORDINGS}/{recording}"))

    assert {series.suite for series in found.samples} == {suite}


def test_a_suite_may_be_named() -> None:
    source = source_of(f"{RECORDINGS}/criterion/flat.ndjson")

    found = read_source(source, suite="micro")

    assert list(found.samples) == [SeriesKey("micro", "slow/sleep 1ms", "time")]


def test_what_is_cut_is_read_when_partial(tmp_path: Path) -> None:
    raw = (RECORDINGS / "criterion" / "messages.ndjson").read_bytes()

    found = read_source(written(tmp_path, raw[:-50]), partial=True)

    assert len(found.doubts) == 5  # two pairs of numbered ids, and the cut


def test_an_unknown_file_is_told_what_it_looks_like(tmp_path: Path) -> None:
    with pytest.raises(FormatError) as error:
        read_source(written(tmp_path, b"<!DOCTYPE html><title>404</title>"))

    first, second, third = (tool.EXPECTED for tool in TOOLS.values())
    assert error.value.problem == (
        f"x.json:1: expected {first}, {second} or {third}; this looks like HTML"
    )


def test_a_directory_of_something_else_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")

    with pytest.raises(FormatError, match=r"^src: this directory holds nothing"):
        read_source(Source("src", tmp_path))


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"", "an empty file"),
        (b" \n", "an empty file"),
        (b"\xef\xbb\xbf", "an empty file"),
        (b"PK\x03\x04rest", "a zip archive: unpack it first"),
        (b"\x7fELF\x02", "an executable"),
        (b"\xff\xfe{\x00", "UTF-16 text, as PowerShell's > writes it"),
        (b"\xfe\xff\x00{", "UTF-16 text"),
        (b"a\x00b", "binary data"),
        (b"\xa2\xff\xff\xff\xff", "binary data"),
        (b"gr\xc3", "plain text"),
        (b"<!doctype HTML><p>", "HTML"),
        (b"\n<html lang=en>", "HTML"),
        (b"<?xml version='1.0'?>", "XML"),
        (b"[1, 2]", "a JSON list"),
        (b"{}", "an empty object"),
        (b'{"a":1,"b":2,"c":3,"d":4}', "a JSON object with 'a', 'b', 'c'"),
        (b'{"a":1}\n{"b":', "a JSON object with 'a'"),
        (b'{"a":', "JSON that is cut or damaged"),
        (b"[" * 60_000, "JSON that is cut or damaged"),
        (b'{"reason":"compiler-artifact","package_id":"p"}', "cargo's build messages"),
        (b'{"schema": "benchgate-report/1"}', "a document of benchgate"),
        (
            b"version https://git-lfs.github.com/spec/v1",
            "a Git LFS pointer: run `git lfs pull`",
        ),
        (b"test a ... bench: 1 ns/iter (+/- 0)", "libtest or bencher text"),
        (b"goos: linux\nBenchmarkA-8\t100\t12.5 ns/op\n", "Go benchmark text"),
        (b"a   time:   [1.0 ns 1.1 ns 1.2 ns]\n", "criterion's text for people"),
        (b"  http_req_duration..: avg=1ms\n", "k6's summary for people"),
        (b"error[E0432]: unresolved import\n", "an error message of cargo"),
        (b"hello\n", "plain text"),
    ],
)
def test_a_head_is_described(head: bytes, words: str) -> None:
    assert describe(head) == words


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        ("hyperfine/*.json", "hyperfine JSON"),
        ("googlebenchmark/test1_run1.json", "Google Benchmark JSON"),
        ("jmh/*.json", "JMH JSON"),
        ("pyperf/*.json", "pyperf JSON"),
        (
            "criterion/0.8.2_flat/[bes]*.json",
            "one file of a criterion directory: give the directory",
        ),
        ("criterion/0.8.2_bencher_output.txt", "libtest or bencher text"),
    ],
)
def test_shared_samples_are_described(sample: str, words: str) -> None:
    paths = sorted(SHARED.glob(sample))
    if not paths:
        pytest.skip(f"{SHARED / sample} is not there")

    described = {path.name: describe(path.read_bytes()[:65536]) for path in paths}

    assert described == dict.fromkeys(described, words)


def test_parts_make_one_round() -> None:
    load = HostLoad(0.5, 0.1, 0.0)
    failure, doubt = Failure("load", "", "k6 exited with 99"), Doubt("cut")
    other = Round(
        {SeriesKey("load", "GET /", "p50"): SAMPLE},
        failures=(failure,),
        doubts=(doubt,),
        started_at=5.0,
        load=load,
    )

    merged = merge([("a", part("x", started_at=7.0)), ("b", other), ("c", part("y"))])

    assert merged == Round(
        {
            SeriesKey("micro", "x", "time"): SAMPLE,
            SeriesKey("load", "GET /", "p50"): SAMPLE,
            SeriesKey("micro", "y", "time"): SAMPLE,
        },
        failures=(failure,),
        doubts=(doubt,),
        started_at=5.0,
        load=load,
    )


def test_a_series_in_two_parts_is_never_merged() -> None:
    with pytest.raises(FormatError) as error:
        merge([("a.ndjson", part("x", "y")), ("b.ndjson", part("z", "y"))])

    assert error.value.problem == 'b.ndjson: "y" of micro is in a.ndjson too'


def test_nothing_merges_to_nothing() -> None:
    assert merge([]) == Round({})


def test_listing_the_tools_costs_no_numpy() -> None:
    code = "import sys, benchgate.tools; print({'numpy', 'scipy'} & set(sys.modules))"

    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )

    assert done.stdout == "set()\n"
