"""This machine, looked at for some seconds → the facts that ``doctor`` judges."""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from benchgate.doctor import Machine
from benchgate.errors import ToolError
from benchgate.measure import host, kernel
from benchgate.measure.process import run

_NEIGHBOUR_PY = Path(__file__).with_name("neighbour.py")
_WITHIN = 20.0
_MOST_PAIRS = 2
_READINGS = 2_000
_SHOWN_PROCESSES = 3
# Less than this share of the machine is no news.
_WORTH_NAMING = 0.02
# While others keep all CPUs busy no quiet moment shows what one alone would do.
_TOO_BUSY = 0.5
_COSTLY = 0.15

Pair = tuple[int, int]


def machine(folder: Path) -> Machine:
    """Return what this machine tells; *folder* is on the disk that takes the builds.

    Takes one to three seconds, in which two CPUs are kept busy: steal, for one, only
    shows when there is something to steal.
    """
    cpus = _usable_cpus()
    shared = kernel.shared_cores()
    known = any(kernel.cpu_folders("topology"))
    groups = kernel.own_groups()
    before, used_before = host.read_load(), _used_by_process()
    cost, pair = _neighbour(cpus, shared)
    after, used_after = host.read_load(), _used_by_process()
    load = host.load_between(before, after)
    total = after.total - before.total if before and after else 0.0
    if load and load.others > _TOO_BUSY and cost is not None and cost < _COSTLY:
        cost = None
    return Machine(
        vcpus=len(cpus),
        governors=kernel.governors(),
        turbo=kernel.turbo(),
        shared_cores=shared if known else None,
        neighbour=cost,
        neighbour_cpus=pair,
        steal=load.steal if load else None,
        others=load.others if load else None,
        busiest=_busiest(used_before, used_after, total),
        cpu_limit=kernel.cpu_limit(groups),
        throttled=load.throttled if load else None,
        clocksource=kernel.clocksource(),
        clock_read=_clock_read(),
        disk_free=shutil.disk_usage(folder).free,
    )


def _neighbour(
    cpus: tuple[int, ...], shared: tuple[tuple[int, ...], ...]
) -> tuple[float | None, Pair | None]:
    """Return what a busy neighbour costs at most, and on which CPUs."""
    costs = [(cost, p) for p in _pairs(cpus, shared) if (cost := _cost(p)) is not None]
    return max(costs, default=(None, None))


def _pairs(cpus: tuple[int, ...], shared: tuple[tuple[int, ...], ...]) -> list[Pair]:
    """Return the pairs of usable CPUs that most likely share a core.

    Where the system doesn't say, siblings are neighbours in number, or half of all
    apart: these are the two ways in which kernels count them.
    """
    known = [
        group
        for each in shared
        if len(group := tuple(c for c in each if c in cpus)) > 1
    ]
    if known:
        return [(known[0][0], known[0][1])]
    if len(cpus) < 2:  # noqa: PLR2004 - a pair
        return []
    others = dict.fromkeys((cpus[1], cpus[len(cpus) // 2]))
    return [(cpus[0], other) for other in others][:_MOST_PAIRS]


def _cost(pair: Pair) -> float | None:
    if not hasattr(os, "sched_setaffinity"):
        return None
    command = [sys.executable, "-IS", str(_NEIGHBOUR_PY), *map(str, pair)]
    try:
        finished = run(command, cwd=Path.cwd(), within=_WITHIN)
    except ToolError:
        return None
    with suppress(ValueError):
        return float(finished.output)
    return None


def _usable_cpus() -> tuple[int, ...]:
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def _clock_read() -> float:
    """Return the seconds that one reading of the monotonic clock takes, typically."""
    clock = time.perf_counter_ns
    gaps = []
    for _ in range(_READINGS):
        began = clock()
        gaps.append(clock() - began)
    return statistics.median(gaps) / 1e9


def _used_by_process() -> dict[tuple[int, int], tuple[str, int]]:
    """Return the name and the CPU ticks of every process, by number and start.

    The name is no key: workers of the kernel change theirs with their work.
    """
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        text = kernel.read(stat)
        if not text:
            continue
        # The name in parentheses may hold anything, blanks and parentheses too.
        name = text[text.index("(") + 1 : text.rindex(")")]
        fields = text[text.rindex(")") + 2 :].split()
        key = int(stat.parent.name), int(fields[19])
        found[key] = name, int(fields[11]) + int(fields[12])
    return found


def _busiest(
    before: Mapping[tuple[int, int], tuple[str, int]],
    after: Mapping[tuple[int, int], tuple[str, int]],
    total: float,
) -> tuple[tuple[str, float], ...]:
    """Return the names that used most of *total* CPU seconds, with their shares."""
    if total <= 0:
        return ()
    second = os.sysconf("SC_CLK_TCK")
    shares: dict[str, float] = {}
    for key, (name, ticks) in after.items():
        if key[0] != os.getpid():
            used = (ticks - before.get(key, ("", 0))[1]) / second / total
            shares[name] = shares.get(name, 0.0) + used
    most = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return tuple((n, s) for n, s in most[:_SHOWN_PROCESSES] if s > _WORTH_NAMING)
