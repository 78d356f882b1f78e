"""The traps of pytest-benchmark's file, each by its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchgate.errors import FormatError
from benchgate.model import (
    ONE_VALUE,
    SLICE_STATISTICS,
    Failure,
    Round,
    Sample,
    SeriesKey,
    Statistic,
)
from benchgate.tools import pytest_benchmark
from benchgate.tools.source import Source

RECORDINGS = Path(__file__).parents[2] / "recordings" / "pytest-benchmark"
SHARED = Path(__file__).parents[3].parent / "shared" / "samples" / "pytest-benchmark"


def key(benchmark: str) -> SeriesKey:
    return SeriesKey("ours", benchmark, "time")


def read(path: Path) -> Round:
    return pytest_benchmark.read(Source(path.name, path), suite="ours")


def entry(fullname: str = "a.py::test", **stats: Any) -> dict[str, Any]:
    usual = {"median": 2.0, "rounds": 12, "data": [2.0] * 12, "iterations": 50}
    return {"fullname": fullname, "stats": usual | stats}


def written(folder: Path, *entries: Any) -> Path:
    path = folder / "x.json"
    document = {"machine_info": {}, "commit_info": {}, "benchmarks": entries}
    path.write_text(json.dumps(document, indent=4))
    return path


def test_recorded_times_are_seconds_per_iteration_already() -> None:
    path = RECORDINGS / "times.json"
    stats = json.loads(path.read_text())["benchmarks"][0]["stats"]

    found = read(path).samples[key("test_speed.py::test_sum[10]")]

    assert isinstance(found, Sample)
    assert found.statistics == SLICE_STATISTICS
    assert found.primary is Statistic.Q10
    assert found.count == stats["rounds"] == 30
    assert stats["iterations"] == 50
    assert found.value(Statistic.MIN) == stats["min"]
    assert found.value(Statistic.MEDIAN) == pytest.approx(stats["median"])
    assert found.value(Statistic.MEAN) == pytest.approx(stats["mean"])


def test_a_single_round_is_refused() -> None:
    found = read(RECORDINGS / "times.json")

    reason = "1 samples: 10 are needed: raise `--benchmark-min-rounds`"
    failure = Failure("ours", "test_speed.py::test_once", reason)
    assert found.failures == (failure,)


def test_a_benchmark_that_raised_is_absent() -> None:
    found = read(RECORDINGS / "times.json")

    assert key("test_speed.py::test_fails") not in found.samples


def test_without_single_times_the_median_is_kept_with_a_doubt() -> None:
    path = RECORDINGS / "no_times.json"
    stats = json.loads(path.read_text())["benchmarks"][0]["stats"]

    found = read(path)

    name = "test_speed.py::test_sum[10]"
    sample = found.samples[key(name)]
    assert isinstance(sample, Sample)
    assert (sample.statistics, sample.values) == (ONE_VALUE, (stats["median"],))
    assert (sample.primary, sample.count) == (Statistic.VALUE, 30)
    assert found.doubts[0].series == key(name)
    assert "--benchmark-save-data" in found.doubts[0].text


def test_without_single_times_a_single_round_is_refused_too() -> None:
    found = read(RECORDINGS / "no_times.json")

    names = [failure.benchmark for failure in found.failures]
    assert names == ["test_speed.py::test_once"]


@pytest.mark.parametrize(
    ("stats", "reason"),
    [
        ({"data": [1.0] * 11 + [0.0]}, "a time is zero or negative"),
        ({"data": [1.0] * 11 + [-1.0]}, "a time is zero or negative"),
        ({"data": None, "median": 0.0}, "its median is no positive number"),
        ({"data": None, "median": float("inf")}, "its median is no positive number"),
        ({"data": None, "median": float("nan")}, "its median is no positive number"),
        ({"data": [1.0] * 11 + [float("nan")]}, "data holds NaN"),
        (
            {"data": ["x"]},
            (
                "unlike pytest-benchmark's: Expected `float`, got `str` "
                "- at `$.stats.data[0]`"
            ),
        ),
    ],
)
def test_a_number_that_is_none_fails_its_benchmark_alone(
    tmp_path: Path, stats: dict[str, Any], reason: str
) -> None:
    found = read(written(tmp_path, entry("bad", **stats), entry("good")))

    assert list(found.samples) == [key("good")]
    assert found.failures == (Failure("ours", "bad", reason),)


@pytest.mark.parametrize("data", [[2.0] * 12, None])
def test_two_benchmarks_with_one_name_are_never_merged(
    tmp_path: Path, data: list[float] | None
) -> None:
    same = entry("twice", data=data)

    found = read(written(tmp_path, same, same, same, entry("once")))

    assert list(found.samples) == [key("once")]
    reason = "3 benchmarks have this id: rename all but one"
    assert found.failures == (Failure("ours", "twice", reason),)


@pytest.mark.parametrize("odd", [None, [], 7, {"stats": {}}, {"fullname": "b"}])
def test_an_entry_of_another_form_is_a_failure(tmp_path: Path, odd: Any) -> None:
    found = read(written(tmp_path, entry("good"), odd))

    assert list(found.samples) == [key("good")]
    assert "unlike pytest-benchmark's" in found.failures[0].reason


def test_a_nan_in_extra_info_is_not_our_affair(tmp_path: Path) -> None:
    noted = {**entry("good"), "extra_info": {"hits": float("nan")}}

    assert list(read(written(tmp_path, noted)).samples) == [key("good")]


def test_no_benchmarks_is_a_failure_of_the_suite(tmp_path: Path) -> None:
    found = read(written(tmp_path))

    assert found.failures == (Failure("ours", "", "no benchmark was measured"),)


def test_a_cut_file_names_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, entry())
    path.write_text(path.read_text()[:90])

    with pytest.raises(FormatError, match=r"^x\.json:\d+: the JSON is cut or damaged"):
        read(path)


@pytest.mark.parametrize("raw", [b'{"a":"\xff"}', b"[" * 100_000])
def test_what_python_can_not_parse_is_an_error(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(raw)

    with pytest.raises(FormatError, match=r"^x\.json:1: this can't be read as JSON"):
        read(path)


@pytest.mark.parametrize("raw", [b"[]", b"{}", b'{"benchmarks":{}}'])
def test_a_document_without_benchmarks_is_an_error(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(raw)

    with pytest.raises(FormatError, match=r"^x\.json:1: there are no benchmarks"):
        read(path)


def test_sorted_keys_are_recognised(tmp_path: Path) -> None:
    document = json.loads((RECORDINGS / "times.json").read_text())
    path = tmp_path / "x.json"
    path.write_text(json.dumps(document, sort_keys=True))

    assert pytest_benchmark.recognises(Source("x.json", path))


def test_the_shared_sample_is_read() -> None:
    path = SHARED / "5.3.1.json"
    if not path.exists():
        pytest.skip(f"{path} is not there")

    found = read(path)

    assert [failure.benchmark for failure in found.failures] == [
        "pb/test_b.py::test_once"
    ]
    assert len(found.samples) == 2
