"""Two CPUs → by which share work on the first gets slower while the second is busy.

Run as a program of its own, so that pinning and spinning touch nobody else:
``python -IS neighbour.py CPU CPU`` prints one number.

CPU time is what is measured: waiting for a turn is not the neighbour's doing, and a
shared core shows in CPU time as well, since both threads count as running.
"""

import os
import signal
import statistics
import sys
import time

_ROUNDS = 8
# Of each half of a round; a busy machine must not make it longer.
_SECONDS = 0.08
# About a tenth of a millisecond: short enough to fall between what others do.
_STEPS = 2_000
_FEWEST = 10


def main() -> None:
    """Measure and print."""
    here, there = map(int, sys.argv[1:3])
    neighbour = os.fork()
    if not neighbour:
        os.sched_setaffinity(0, {there})
        while True:
            _work()
    try:
        os.sched_setaffinity(0, {here})
        sys.stdout.write(f"{_slowdown(neighbour)}\n")
    finally:
        os.kill(neighbour, signal.SIGKILL)
        os.waitpid(neighbour, 0)


def _slowdown(neighbour: int) -> float:
    """Return the time of work beside *neighbour* against alone, less 1."""
    alone: list[float] = []
    beside: list[float] = []
    for _ in range(_ROUNDS):
        os.kill(neighbour, signal.SIGSTOP)
        alone += _times_of_work()
        os.kill(neighbour, signal.SIGCONT)
        beside += _times_of_work()
    # Others may be the neighbour too: alone is what the quietest pieces took. And a
    # hypervisor may move CPUs from shared cores to cores of their own and back:
    # beside is not the middle of both but what the slower pieces took.
    quiet, *_ = statistics.quantiles(alone, n=20)
    *_, slow, _ = statistics.quantiles(beside, n=10)
    return slow / quiet - 1


def _times_of_work() -> list[float]:
    """Return the CPU seconds of each piece of work within a moment."""
    until = time.monotonic() + _SECONDS
    times: list[float] = []
    while time.monotonic() < until or len(times) < _FEWEST:
        began = time.thread_time()
        _work()
        times.append(time.thread_time() - began)
    return times


def _work() -> None:
    value = 0
    for step in range(_STEPS):
        value = (value * 31 + step) & 0xFFFF


if __name__ == "__main__":
    main()
