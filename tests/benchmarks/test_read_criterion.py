"""Reading a thousand cargo-criterion messages of a hundred samples each.

The figure to keep is 60 ms; the plain way, message by message, is timed beside it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchgate.tools import criterion
from benchgate.tools.source import Source

MESSAGES = 1_000
SAMPLES = 100

# pytest-benchmark's fixture, which has no types.
Benchmark = Callable[..., Any]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file like the ones of cargo-criterion, the same in every run."""
    path = tmp_path_factory.mktemp("criterion") / "messages.ndjson"
    draw = random.Random(1)  # noqa: S311 - times, not secrets
    lines = [json.dumps(_message(number, draw)) for number in range(MESSAGES)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_read_messages(benchmark: Benchmark, recorded: Path) -> None:
    source = Source("messages.ndjson", recorded)

    found = benchmark(criterion.read, source, suite="micro")

    assert len(found.samples) == MESSAGES


def test_read_messages_the_plain_way(benchmark: Benchmark, recorded: Path) -> None:
    found = benchmark(_read_plainly, recorded)

    assert len(found) == MESSAGES


def _read_plainly(path: Path) -> dict[str, list[float]]:
    found = {}
    for line in path.read_bytes().splitlines():
        message = json.loads(line)
        iterations = np.array(message["iteration_count"], dtype=float)
        times = np.array(message["measured_values"]) / iterations / 1e9
        times = times[2 * iterations >= iterations.max()]
        quantiles = np.quantile(times, [0.0, 0.02, 0.1, 0.5])
        found[message["id"]] = [*quantiles.tolist(), float(times.mean())]
    return found


def _message(number: int, draw: random.Random) -> dict[str, Any]:
    step = draw.randint(1_000, 40_000)
    counts = [step * (place + 1) for place in range(SAMPLES)]
    times = [float(round(count * draw.lognormvariate(3, 0.1))) for count in counts]
    estimate = {
        "estimate": 20.409624602344668,
        "lower_bound": 20.286086807392256,
        "upper_bound": 20.586389016421772,
        "unit": "ns",
    }
    names = ("typical", "mean", "median", "median_abs_dev", "slope")
    return {
        "reason": "benchmark-complete",
        "id": f"group/benchmark {number}",
        "report_directory": f"/build/reports/group/benchmark {number}",
        "iteration_count": counts,
        "measured_values": times,
        "unit": "ns",
        "throughput": [{"per_iteration": 1024, "unit": "bytes"}],
        **dict.fromkeys(names, estimate),
        "change": None,
    }
