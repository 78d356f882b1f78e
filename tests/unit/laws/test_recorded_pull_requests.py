"""Recorded pull requests with known truth, where ``../shared`` lies beside us.

Pull requests 0, 2 and 4 changed nothing (2 moved the code in memory); 1 and 3 slowed
six benchmarks each. Twenty slices a side, on a busy two-core machine.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from benchgate.model import SLICE_STATISTICS, Measurement, Outcome, Run, Sample, Verdict
from benchgate.stats.slices import statistics_of_slices
from tests.builders import Given, judged_by_name, paired, policy, report_of

RECORDED = Path(__file__).parents[4] / "shared/data/pull-requests"
MARGIN = 0.02

pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="../shared is not beside this checkout"
)


@cache
def recorded(number: int) -> Measurement:
    """Return the slices of a pull request, in seconds per iteration, as pairs."""
    packed = (RECORDED / f"micro-{number:03}.json.gz").read_bytes()
    slices = json.loads(gzip.decompress(packed))
    base, head = (
        {name: _statistics(of_both[side]) for name, of_both in slices.items()}
        for side in ("base", "head")
    )
    return paired(base, head)


def _statistics(slices: list[list[list[float]]]) -> list[Given]:
    rows = statistics_of_slices([(times, counts) for counts, times in slices])
    return [
        (low / 1e9, q02 / 1e9, q10 / 1e9, median / 1e9, mean / 1e9)
        for low, q02, q10, median, mean in rows
    ]


def slowed(number: int) -> set[str]:
    lines = (RECORDED / "truth.jsonl").read_text().splitlines()
    return set(json.loads(lines[number])["slow"])


def regressed(measurement: Measurement, level: float = 0.01) -> set[str]:
    found = judged_by_name(measurement, policy(false_alarms=level))
    return {name for name, j in found.items() if j.verdict is Verdict.REGRESSED}


def together(*numbers: int) -> Measurement:
    """Return several pull requests as the rounds of one."""
    parts = [recorded(number) for number in numbers]
    bases = [r for part in parts if part.base for r in part.base.rounds]
    heads = [r for part in parts for r in part.head.rounds]
    first = parts[0]
    assert first.base is not None
    return replace(
        first,
        base=replace(first.base, rounds=tuple(bases)),
        head=replace(first.head, rounds=tuple(heads)),
    )


def slower(run: Run, factor: float) -> Run:
    """Return the run with every time multiplied."""
    rounds = tuple(
        replace(
            one,
            samples={
                key: replace(reading, values=tuple(factor * v for v in reading.values))
                for key, reading in one.samples.items()
                if isinstance(reading, Sample)
            },
        )
        for one in run.rounds
    )
    return replace(run, rounds=rounds)


def test_the_recordings_are_twenty_pairs_of_eighteen_benchmarks() -> None:
    measured = recorded(0)

    samples = measured.head.rounds[0].samples
    assert len(measured.head.rounds) == 20
    assert len(samples) == 18
    assert {s.statistics for s in samples.values() if isinstance(s, Sample)} == {
        SLICE_STATISTICS
    }


@pytest.mark.parametrize("number", [0, 2, 4])
def test_an_unchanged_pull_request_passes(number: int) -> None:
    assert regressed(recorded(number)) == set()
    assert report_of(recorded(number)).outcome is Outcome.PASSED


@pytest.mark.parametrize("number", [1, 3])
def test_nothing_but_what_was_slowed_is_found(number: int) -> None:
    found = regressed(recorded(number), level=0.05)

    assert found <= slowed(number)


# Not 0 with 2: where their files lay in memory makes mem/walk/16M slower in both.
@pytest.mark.parametrize("numbers", [(0, 4), (2, 4)])
def test_a_fifth_more_is_found_in_forty_rounds(numbers: tuple[int, int]) -> None:
    unchanged = together(*numbers)
    changed = replace(unchanged, head=slower(unchanged.head, 1.2))

    found = regressed(changed) - {"(all benchmarks)"}

    assert regressed(unchanged) == set()
    assert len(found) >= 0.85 * 18
