"""One benchmark, one side, a few tenths of a second → the samples of a slice.

A slice is the bench executable itself with a filter, so a comparison can go back and
forth between base and head many times a minute.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchgate.errors import FormatError
from benchgate.measure import process
from benchgate.measure.cargo import Bench, Executable, package_environment
from benchgate.model import Failure, Round, Sample
from benchgate.tools import criterion
from benchgate.tools.source import Source

_MOST_SAMPLES = 100
_FEWEST_SAMPLES = 10
_WARM_UP = 0.05
# Settings in the bench's own code beat the flags, so a slice may take far longer
# than asked; this is where we stop believing in it.
WITHIN = 300.0
_SHOWN = 30


@dataclass(frozen=True, slots=True)
class SlicePlan:
    """How long a slice of one benchmark is to be, and of how many samples."""

    seconds: float
    samples: int


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
    planned: SlicePlan,
    *,
    suite: str,
    env: Mapping[str, str | None],
    raw: Path | None = None,
) -> Round:
    """Run one slice of *bench* through the executable at *path*.

    *raw*: a file that criterion's own samples are added to, in the form of
    cargo-criterion's messages, so that a round can be read again.

    A panic, a time-out and a measurement that can't be used are failures of that
    benchmark, by name, with the last lines that it printed.
    """
    executable = bench.executable
    with tempfile.TemporaryDirectory(prefix="benchgate-") as home:
        finished = process.run(
            [str(path), "--bench", *_flags(bench, planned)],
            cwd=executable.target.folder,
            env={**env, **package_environment(executable), "CRITERION_HOME": home},
            within=WITHIN,
        )
        if finished.status:
            reason = f"the benchmark {process.ending_of(finished.status)}"
            return _failed(suite, bench, reason, finished.output)
        if raw is not None:
            _keep(Path(home), raw)
        try:
            return criterion.read(Source(bench.title, Path(home)), suite=suite)
        except FormatError as error:
            said = re.search(r"Criterion\.rs ERROR: (.*)", finished.output)
            reason = said[1] if said else f"it measured nothing: {error.problem}"
            return _failed(suite, bench, reason, finished.output)


def copy_of(executable: Executable, folder: Path) -> Path:
    """Return a fresh copy of *executable* in *folder*.

    Where a file lies in memory moves its time by up to a fifth for as long as it
    stays there; a fresh copy draws that anew.
    """
    target = executable.target
    place = folder / f"{target.package}-{target.name}"
    shutil.copy(executable.path, place)
    return place


def iterations_of(record: Round) -> dict[str, float]:
    """Return the seconds of one iteration of each benchmark in *record*."""
    return {
        key.benchmark: sample.value(sample.primary)
        for key, sample in record.samples.items()
        if isinstance(sample, Sample)
    }


def _flags(bench: Bench, planned: SlicePlan) -> list[str]:
    executable = bench.executable
    warm_up = f"{_WARM_UP:g}" if executable.fractions else "1"
    measure = f"{planned.seconds:g}" if executable.fractions else "1"
    flags = ["--noplot", "--warm-up-time", warm_up, "--measurement-time", measure]
    flags += ["--sample-size", str(planned.samples), "--nresamples", "1000"]
    # A name of more than 100 bytes is listed cut off; all that it begins run then.
    whole = not bench.title.endswith("...")
    if executable.exact and whole:
        return [*flags, "--exact", bench.title]
    name = re.escape(bench.title.removesuffix("..."))
    return [*flags, f"^{name}$" if whole else f"^{name}"]


def _keep(home: Path, raw: Path) -> None:
    raw.parent.mkdir(parents=True, exist_ok=True)
    with raw.open("ab") as file:
        for place in sorted(home.rglob("new/sample.json")):
            known = msgspec.json.decode(place.with_name("benchmark.json").read_bytes())
            sample = msgspec.json.decode(place.read_bytes())
            message = {
                "reason": "benchmark-complete",
                "id": known["full_id"],
                "iteration_count": [int(count) for count in sample["iters"]],
                "measured_values": sample["times"],
                "unit": "ns",
            }
            file.write(msgspec.json.encode(message) + b"\n")


def _failed(suite: str, bench: Bench, reason: str, output: str) -> Round:
    detail = "\n".join(output.strip().splitlines()[-_SHOWN:])
    return Round({}, (Failure(suite, bench.title, reason, detail),))
