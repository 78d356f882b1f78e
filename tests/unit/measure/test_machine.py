"""This machine, looked at for a moment; no test says how quiet it is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from benchgate.measure import kernel, machine
from benchgate.measure.process import run

needs_pinning = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="CPUs can't be chosen here"
)
PROGRAM = Path(machine.__file__).with_name("neighbour.py")


@pytest.mark.parametrize(
    ("cpus", "shared", "pairs"),
    [
        ((0,), (), []),
        ((0, 1), (), [(0, 1)]),
        (tuple(range(8)), (), [(0, 1), (0, 4)]),
        (tuple(range(8)), ((0, 4), (1, 5)), [(0, 4)]),
        ((1, 5), ((0, 4), (1, 5)), [(1, 5)]),
        ((0, 1), ((0, 4), (1, 5)), [(0, 1)]),
    ],
    ids=["one", "two", "unknown", "known", "of those allowed", "siblings not allowed"],
)
def test_the_pairs_that_are_tried_are_those_that_may_share_a_core(
    cpus: tuple[int, ...],
    shared: tuple[tuple[int, ...], ...],
    pairs: list[tuple[int, int]],
) -> None:
    assert machine._pairs(cpus, shared) == pairs


@needs_pinning
def test_the_cost_of_a_neighbour_is_one_number_in_time(tmp_path: Path) -> None:
    cpu = str(min(os.sched_getaffinity(0)))

    finished = run(
        [sys.executable, "-IS", str(PROGRAM), cpu, cpu], cwd=tmp_path, within=30
    )

    assert float(finished.output) > -1
    assert finished.status == 0


@needs_pinning
def test_a_cpu_that_is_not_there_costs_nothing_and_is_no_crash() -> None:
    assert machine._cost((0, 99_999)) is None


def test_a_process_that_began_meanwhile_counts_whole_and_a_name_may_change() -> None:
    second = os.sysconf("SC_CLK_TCK")
    before = {(7, 1): ("kworker/idle", 90 * second), (8, 1): ("cc", 0)}
    after = {
        (7, 1): ("kworker/busy", 91 * second),
        (8, 1): ("cc", 2 * second),
        (9, 5): ("cc", 3 * second),
        (10, 5): ("quiet", 0),
    }

    assert machine._busiest(before, after, 10.0) == (("cc", 0.5), ("kworker/busy", 0.1))


def test_without_time_nobody_was_busy() -> None:
    assert machine._busiest({}, {(7, 1): ("cc", 5)}, 0.0) == ()


def test_this_machine_tells_what_it_can(tmp_path: Path) -> None:
    found = machine.machine(tmp_path)

    assert found.vcpus >= 1
    assert found.disk_free > 0
    assert 0 < found.clock_read < 1
    assert found.clocksource == kernel.clocksource()
