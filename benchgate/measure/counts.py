"""Benchmarks that seem to be slower → what one iteration of them does, counted.

Valgrind's callgrind counts what a whole process does, criterion's own work included,
and that is the same however many iterations it measures, but for a little. So each
side runs once with few iterations and twice with many, and the difference between
few and many, divided by the iterations that it has more, is one iteration.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchgate.errors import BenchgateError, ToolError
from benchgate.measure import process
from benchgate.measure.cargo import Bench, package_environment
from benchgate.model import Side, Witness, Work
from benchgate.tools import callgrind

VALGRIND = "valgrind"
# What all suspects of a comparison may take; it has told what it had to by then.
WITHIN = 60.0
# A benchmark that needs longer for a few iterations does so much in one of them that
# others tell more.
_RUN_WITHIN = 20.0
# Criterion plans with the time of the first iteration, which under valgrind is up to
# a thousand times longer than that of later ones. So a planned second is some dozen
# iterations; the many are as many more as fit into a real one.
_FEW, _MORE = 1.0, 1.0
_MOST_ITERATIONS = 1e6
_COUNTS = 2
# One more in each of criterion's ten samples.
_FEWEST_MORE = 10
# Criterion's way of saying that it warmed up with one iteration.
_WARMED_UP = re.compile(r"Warming up for (.*)")
_ONE_ITERATION = "1.0000 ns"
_FLAGS = ("--bench", "--noplot", "--sample-size", "10", "--nresamples", "2")


class _Samples(msgspec.Struct):
    """What ``sample.json`` holds: iterations, and the nanoseconds they took."""

    iters: list[float]
    times: list[float]


_SAMPLES = msgspec.json.Decoder(_Samples)

Built = Mapping[Side, tuple[Bench, Mapping[str, str | None]]]
"""One benchmark on both sides, as it was built, with its environment."""


@dataclass(frozen=True, slots=True)
class _Counted:
    """What one process did; ``seconds`` are those of one iteration, under valgrind."""

    iterations: float
    seconds: float
    totals: callgrind.Totals


class _UncountedError(ToolError):
    """A benchmark that can't be counted, for a reason that is its own."""


def is_there() -> bool:
    """Say whether valgrind is installed."""
    return shutil.which(VALGRIND) is not None


def witness(built: Built, *, suite: str, deadline: float) -> Witness | None:
    """Return what one iteration does on both sides, None if the *deadline* came first.

    What can't be counted says why; no such reason is worth a failure.
    """
    counts: dict[Side, tuple[Work, ...]] = {}
    name = built[Side.HEAD][0].name
    for side, (bench, env) in built.items():
        try:
            counts[side] = _counts(bench, env, deadline=deadline)
        except BenchgateError as error:
            if time.monotonic() >= deadline:
                return None
            problem = error.problem.partition("\n")[0]
            return Witness(suite, name, (), (), f"{side}: {problem}")
    return Witness(suite, name, counts[Side.BASE], counts[Side.HEAD])


def _counts(
    bench: Bench, env: Mapping[str, str | None], *, deadline: float
) -> tuple[Work, ...]:
    """Return what one iteration of *bench* does, counted more than once."""
    if not bench.executable.fractions:
        raise _UncountedError("its version of criterion warms up for a second at least")
    few = _run(bench, env, seconds=_FEW, deadline=deadline)
    more = min(max(_MORE / few.seconds, _FEWEST_MORE), _MOST_ITERATIONS)
    planned = max(_FEW / few.iterations, few.seconds)
    seconds = (few.iterations + more) * planned
    return tuple(
        _between(few, _run(bench, env, seconds=seconds, deadline=deadline))
        for _ in range(_COUNTS)
    )


def _between(few: _Counted, many: _Counted) -> Work:
    """Return one of the iterations that *many* has more than *few*."""
    more = many.iterations - few.iterations
    if more < _FEWEST_MORE:
        raise _UncountedError("asked for more iterations, it made no more")
    work = Work(
        *(
            max((after - before) / more, 0.0)
            for before, after in (
                (few.totals.instructions, many.totals.instructions),
                (few.totals.allocations, many.totals.allocations),
                (few.totals.system_calls, many.totals.system_calls),
            )
        )
    )
    if not work.instructions:
        raise _UncountedError("it does less than what criterion does beside it")
    return work


def _run(
    bench: Bench,
    env: Mapping[str, str | None],
    *,
    seconds: float,
    deadline: float,
) -> _Counted:
    """Return what a run of *bench* does that criterion plans for so many *seconds*."""
    target = bench.executable.target
    exact = bench.executable.exact and bench.is_exact
    warmed_up: list[str] = []

    def look_at(line: str) -> None:
        if said := _WARMED_UP.search(line):
            warmed_up.append(said[1])

    with tempfile.TemporaryDirectory(prefix="benchgate-") as home:
        out = Path(home) / "callgrind.out"
        finished = process.run(
            [
                *(VALGRIND, "--quiet", "--tool=callgrind", "--collect-systime=yes"),
                *("--dump-line=no", f"--callgrind-out-file={out}"),
                *(str(bench.executable.path), *_FLAGS),
                *("--warm-up-time", "1e-9", "--measurement-time", f"{seconds:g}"),
                *(("--exact", bench.title) if exact else (bench.pattern,)),
            ],
            cwd=target.folder,
            # One thread for criterion's own statistics, which would vary with more.
            env={
                "RAYON_NUM_THREADS": "1",
                **env,
                **package_environment(target),
                "CRITERION_HOME": home,
            },
            within=max(min(_RUN_WITHIN, deadline - time.monotonic()), 0.0),
            on_line=look_at,
        )
        if finished.status:
            ending = process.ending_of(finished.status)
            raise _UncountedError(f"under valgrind it {ending}")
        samples = _samples_in(Path(home))
        if warmed_up != [_ONE_ITERATION]:
            raise _UncountedError("its own code sets how long it warms up")
        iterations = sum(samples.iters)
        return _Counted(
            iterations,
            seconds=max(sum(samples.times) / iterations / 1e9, 1e-9),
            totals=callgrind.read(_text(out), name="callgrind.out"),
        )


def _samples_in(home: Path) -> _Samples:
    """Return what criterion kept of the one benchmark that was run."""
    found = list(home.rglob("new/sample.json"))
    if len(found) != 1:
        problem = "a name that long can't be told from others" if found else ""
        raise _UncountedError(problem or "it measured nothing")
    try:
        samples = _SAMPLES.decode(found[0].read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _UncountedError("what criterion kept can't be read") from error
    if sum(samples.iters) < 1:
        raise _UncountedError("it measured nothing")
    return samples


def _text(out: Path) -> str:
    # Names of functions are those of the program, in whatever bytes.
    try:
        return out.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise _UncountedError("valgrind wrote nothing") from error
