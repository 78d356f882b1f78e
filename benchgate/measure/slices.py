"""One benchmark, one side, a few tenths of a second → the samples of a slice.

A slice is the bench executable itself with a filter, so a comparison can go back and
forth between base and head many times a minute.
"""

from __future__ import annotations

import math
import re
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from benchgate.errors import FormatError
from benchgate.measure import process
from benchgate.measure.cargo import Bench, package_environment
from benchgate.measure.plan import last_lines
from benchgate.model import Failure, Round, Sample, Side
from benchgate.tools import criterion
from benchgate.tools.source import Source

_MOST_SAMPLES = 100
_FEWEST_SAMPLES = 10
_WARM_UP = 0.05
# Criterion before 0.4 wants whole seconds, of warming up and of measuring.
_OLD = "1"
SHORTEST_OF_OLD = 2.0
# Settings in the bench's own code beat the flags, so a slice may take far longer
# than asked; this is where we stop believing in it.
WITHIN = 300.0
_SAID = re.compile(r"Criterion\.rs ERROR: (.*)")


@dataclass(frozen=True, slots=True)
class SlicePlan:
    """How long a slice of one benchmark is to be, and of how many samples."""

    seconds: float
    samples: int


class _Identity(msgspec.Struct):
    """What ``benchmark.json`` says of a benchmark."""

    full_id: str
    title: str = ""


class _Samples(msgspec.Struct):
    """What ``sample.json`` holds."""

    iters: list[float]
    times: list[float]


_IDENTITY = msgspec.json.Decoder(_Identity)
_SAMPLES = msgspec.json.Decoder(_Samples)


def plan(seconds: float, iteration: float | None) -> SlicePlan:
    """Return the plan for an *iteration* of so many seconds (None: not known).

    A hundred short samples find the quiet moments best; where an iteration is long,
    as many as fit, and ten at least, which is criterion's own limit.
    """
    if not iteration:
        return SlicePlan(seconds, _MOST_SAMPLES)
    fitting = int(seconds / iteration)
    return SlicePlan(seconds, max(_FEWEST_SAMPLES, min(_MOST_SAMPLES, fitting)))


def run_slice(
    bench: Bench,
    path: Path,
    planned: SlicePlan | None,
    *,
    suite: str,
    env: Mapping[str, str | None],
    raw: Path | None = None,
) -> Round:
    """Run one slice of *bench* through the executable at *path*.

    Without a plan it runs as its authors set it up.
    *raw*: a file that criterion's own samples are added to, in the form of
    cargo-criterion's messages, so that a round can be read again.

    A panic, a time-out and a measurement that can't be used are failures of that
    benchmark, by name, with the last lines that it printed.
    """
    target = bench.executable.target
    with tempfile.TemporaryDirectory(prefix="benchgate-") as home:
        try:
            finished = process.run(
                [str(path), "--bench", "--noplot", *_flags(bench, planned)],
                cwd=target.folder,
                env={**env, **package_environment(target), "CRITERION_HOME": home},
                within=WITHIN,
            )
        except process.DeadlineError as error:
            _, _, output = error.problem.partition("\n")
            reason = f"the benchmark did not finish within {WITHIN:g} s"
            return _failed(suite, bench, reason, output)
        if finished.status:
            reason = f"the benchmark {process.ending_of(finished.status)}"
            return _failed(suite, bench, reason, finished.output)
        place = _place_of(bench, Path(home))
        read = _read(bench, place, suite=suite) if place else None
        if place is None or read is None:
            said = _SAID.search(finished.output)
            reason = said[1] if said else "it measured nothing"
            return _failed(suite, bench, reason, finished.output)
        if raw is not None and read.samples:
            _keep(bench, place, raw)
        return read


def quietest(pairs: Sequence[Mapping[Side, Round]]) -> Mapping[Side, Round]:
    """Return the one of *pairs* in which the least got in the way of both sides.

    All are of the same benchmark in the same two layouts. A pair of which something
    failed stands for all. What is compared doesn't know which side is which, so the
    choice favours none.
    """
    failed = [p for p in pairs if any(part.failures for part in p.values())]
    return failed[0] if failed else min(pairs, key=_noise)


def _noise(pair: Mapping[Side, Round]) -> float:
    """Return the mean logarithm of what was measured; noise makes times longer."""
    logs = [
        math.log(value)
        for part in pair.values()
        for sample in part.samples.values()
        if isinstance(sample, Sample)
        for value in sample.values
        if value > 0
    ]
    return statistics.fmean(logs) if logs else math.inf


def iterations_of(record: Round) -> dict[str, float]:
    """Return the seconds of one iteration of each benchmark in *record*."""
    return {
        key.benchmark: sample.value(sample.primary)
        for key, sample in record.samples.items()
        if isinstance(sample, Sample)
    }


def _flags(bench: Bench, planned: SlicePlan | None) -> list[str]:
    executable = bench.executable
    flags = []
    if planned:
        warm_up = f"{_WARM_UP:g}" if executable.fractions else _OLD
        measure = f"{planned.seconds:g}" if executable.fractions else _OLD
        flags += ["--warm-up-time", warm_up, "--measurement-time", measure]
        flags += ["--sample-size", str(planned.samples), "--nresamples", "1000"]
    if executable.exact and bench.is_exact:
        return [*flags, "--exact", bench.title]
    return [*flags, bench.pattern]


def _read(bench: Bench, place: Path, *, suite: str) -> Round | None:
    """Return what lies in *place* under the title of *bench*, None if nothing does."""
    try:
        read = criterion.read(Source(bench.name, place), suite=suite)
    except FormatError:
        return None
    return Round(
        {replace(k, benchmark=bench.name): s for k, s in read.samples.items()},
        tuple(replace(f, benchmark=bench.name) for f in read.failures),
    )


def _place_of(bench: Bench, home: Path) -> Path | None:
    """Return the folder that holds the samples of *bench*, None if there is none.

    A pattern may have run others that begin alike.
    """
    for identity in sorted(home.rglob("new/benchmark.json")):
        try:
            known = _IDENTITY.decode(identity.read_bytes())
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if (known.title or known.full_id) == bench.title:
            return identity.parent
    return None


def _keep(bench: Bench, place: Path, raw: Path) -> None:
    try:
        sample = _SAMPLES.decode((place / "sample.json").read_bytes())
    except msgspec.DecodeError:
        return  # the form before criterion 0.3.3: read, but not worth keeping
    message = {
        "reason": "benchmark-complete",
        "id": bench.name,
        "iteration_count": [int(count) for count in sample.iters],
        "measured_values": sample.times,
        "unit": "ns",
    }
    raw.parent.mkdir(parents=True, exist_ok=True)
    with raw.open("ab") as file:
        file.write(msgspec.json.encode(message) + b"\n")


def _failed(suite: str, bench: Bench, reason: str, output: str) -> Round:
    return Round({}, (Failure(suite, bench.name, reason, last_lines(output)),))
