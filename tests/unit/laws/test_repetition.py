"""Equal measurements give equal reports, byte for byte, wherever they are judged."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from benchgate.documents import report
from benchgate.model import Design, Failure, Measurement, Run
from tests.builders import (
    DROPPED,
    LAW,
    P50,
    Given,
    independent,
    joined,
    paired,
    report_of,
    run,
    sample,
    tally,
    window,
)
from tests.unit.laws.measured import measurements


@LAW
@given(measurements())
def test_judging_twice_gives_the_same_bytes(measurement: Measurement) -> None:
    first = report.encode(report_of(measurement))

    assert report.encode(report_of(measurement)) == first


def everything() -> list[Measurement]:
    """Return measurements that take every way through the core."""
    rng = np.random.default_rng(1)

    def side(rounds: int, names: str = "abcdefgh") -> Run:
        slices = np.sort(rng.lognormal(0, 0.1, (len(names), rounds, 5)), axis=2)
        failures = (Failure("micro", "broken", "it panicked"),)
        rows = {
            name: [(row[0], row[1], row[2], row[3], row[4]) for row in rows]
            for name, rows in zip(names, slices.tolist(), strict=True)
        }
        return run(rows, failures=failures)

    def load(dropped: int) -> dict[str, list[Given]]:
        windows = rng.lognormal(0, 0.5, (10, 200)).tolist()
        return {
            "GET /": [window(row, value=3.0) for row in windows],
            "POST /": [sample(row[0], metric=P50) for row in windows],
            "errors": [tally(e, 200) for e in rng.integers(0, 9, 10).tolist()],
            "iterations": [tally(dropped, 200, DROPPED)] * 10,
        }

    micro = Measurement(side(10), side(10, "bcdefghi"), Design.PAIRED)
    service = paired(load(0), load(0), suite="load")
    censored = paired(load(0), load(9), suite="load")
    single = Measurement(side(1), side(1), Design.INDEPENDENT)
    several = independent({"a": [1.0, 1.1, 1.2]}, {"a": [1.3, 1.4]})
    return [micro, service, censored, joined(micro, service), single, several]


def fingerprint() -> str:
    """Return a hash of all reports of everything."""
    documents = [report.encode(report_of(measured)) for measured in everything()]
    return sha256(b"".join(documents)).hexdigest()


@pytest.mark.parametrize(
    "settings",
    [
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "4711"},
        {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        {"LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu"},
    ],
    ids=["hash seed", "another hash seed", "one thread", "another place"],
)
def test_another_process_gives_the_same_bytes(settings: dict[str, str]) -> None:
    print_it = "from tests.unit.laws.test_repetition import *; print(fingerprint())"

    found = subprocess.run(
        [sys.executable, "-c", print_it],
        cwd=Path(__file__).parents[3],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stdout.strip() == fingerprint()
