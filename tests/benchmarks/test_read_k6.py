"""How fast k6's NDJSON becomes quantiles, beside what a user would write instead.

Run with ``pytest --benchmark-only tests/benchmarks/test_read_k6.py``; the speed is in
``extra_info``, from the best round.
"""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchgate.model import Round
from benchgate.tools import k6
from benchgate.tools.source import Source

RECORDING = Path(__file__).parents[1] / "recordings/k6/everything.ndjson.gz"
MB = 10**6
Found = TypeVar("Found")


def repeated(folder: Path, size: int) -> Path:
    """Write the recording over and over, until the file has *size* bytes."""
    once = gzip.decompress(RECORDING.read_bytes())
    path = folder / "load.json"
    with path.open("wb") as file:
        file.writelines([once] * (size // len(once) + 1))
    return path


def round_of(path: Path) -> Round:
    """Take the quantiles the way that benchgate does."""
    return k6.read(Source("load.json", path), suite="load")


def quantiles_by_hand(path: Path) -> dict[str, Any]:
    """Take the quantiles the way one does with the standard library and numpy."""
    values: dict[str, list[float]] = {}
    with path.open("rb") as lines:
        for line in lines:
            read = json.loads(line)
            if read["type"] == "Point" and read["metric"] == "http_req_duration":
                tags = read["data"]["tags"]
                values.setdefault(tags["name"], []).append(read["data"]["value"])
    return {name: np.quantile(each, (0.5, 0.95, 0.99)) for name, each in values.items()}


def measure(
    benchmark: BenchmarkFixture, read: Callable[[Path], Found], path: Path
) -> Found:
    """Time *read* and note its speed; return what it found."""
    found: Found = benchmark.pedantic(read, (path,), rounds=10, warmup_rounds=1)  # type: ignore[no-untyped-call]
    size = path.stat().st_size / MB
    assert benchmark.stats is not None
    benchmark.extra_info["MB"] = round(size)
    benchmark.extra_info["MB/s"] = round(size / benchmark.stats.stats.min)
    return found


@pytest.mark.benchmark(group="k6 NDJSON to quantiles")
def test_read_k6(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    found = measure(benchmark, round_of, repeated(tmp_path, 64 * MB))

    assert len(found.samples) > 20


@pytest.mark.benchmark(group="k6 NDJSON to quantiles")
def test_read_k6_by_hand(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    found = measure(benchmark, quantiles_by_hand, repeated(tmp_path, 8 * MB))

    assert "GET /items/:id" in found


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = repeated(tmp_path, 16 * MB)

    tracemalloc.start()
    try:
        round_of(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 4 * MB
