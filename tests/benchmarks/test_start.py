"""Whole processes: what somebody waits for, beside the bare interpreter."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

BARE = ("-c", "pass")
ROUNDS = 15


def messages(path: Path, *, seed: int) -> str:
    """Write cargo-criterion's messages of 18 benchmarks with 100 samples each."""
    rng = random.Random(seed)  # noqa: S311 - made up times
    counts = list(range(100, 10_100, 100))
    path.write_text(
        "".join(
            json.dumps(
                {
                    "reason": "benchmark-complete",
                    "id": f"group/{number}",
                    "iteration_count": counts,
                    "measured_values": [
                        count * number * rng.uniform(9.5, 11) for count in counts
                    ],
                    "unit": "ns",
                }
            )
            + "\n"
            for number in range(1, 19)
        )
    )
    return str(path)


def run(*arguments: str) -> int:
    return subprocess.run(
        (sys.executable, *arguments), check=False, stdout=subprocess.DEVNULL
    ).returncode


@pytest.mark.benchmark(group="start: at most 40 ms beyond the bare interpreter")
@pytest.mark.parametrize("arguments", [BARE, ("-m", "benchgate", "--version")])
def test_version(benchmark: BenchmarkFixture, arguments: tuple[str, ...]) -> None:
    status = benchmark.pedantic(  # type: ignore[no-untyped-call]
        run, args=arguments, rounds=ROUNDS, warmup_rounds=2
    )

    assert status == 0


@pytest.mark.benchmark(group="compare: at most 400 ms beyond the bare interpreter")
@pytest.mark.parametrize("bare", [True, False])
def test_compare_of_two_files(
    benchmark: BenchmarkFixture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    bare: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    base = messages(tmp_path / "base.json", seed=1)
    head = messages(tmp_path / "head.json", seed=2)
    arguments = BARE if bare else ("-m", "benchgate", "compare", base, head)

    status = benchmark.pedantic(  # type: ignore[no-untyped-call]
        run, args=arguments, rounds=ROUNDS, warmup_rounds=2
    )

    assert status == 0
