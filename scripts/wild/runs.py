"""One entry of the manifest → what benchgate made of it, as a person would see it.

The head is checked out clean in a folder of the repository, and ``benchgate compare``
runs there with a cache of its own. Both stay: a second run builds nothing, and another
entry of the repository no dependency again.
"""

from __future__ import annotations

import fnmatch
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from benchgate.compare.series import WHOLE_SUITE
from benchgate.documents import report as document
from benchgate.model import Judgement, Report, Verdict
from scripts.wild.manifest import Entry

_BENCHGATE = Path(sys.executable).with_name("benchgate")
_LOOK_EVERY = 0.5
_MEASURED = {0: "passed", 1: "regressed", 3: "undecided"}


class Series(msgspec.Struct, frozen=True):
    """A series, its verdict and how much slower it reads; fractions of the base."""

    name: str
    verdict: str
    slowdown: float
    lo: float
    hi: float


class Result(msgspec.Struct, frozen=True):
    """What came of an entry; all times are in seconds.

    ``outcome`` is ``unmeasured`` where there is no report. ``first`` is what
    ``building`` was in the first run. ``own`` is the CPU time of benchgate's process
    alone. ``said`` holds sentences: failures, doubts, an error.
    """

    name: str
    digest: str
    arguments: tuple[str, ...]
    exit_code: int
    outcome: str
    series: tuple[Series, ...]
    benchmarks: int
    rounds: int
    detectable: float | None
    first: float
    building: float
    measuring: float
    wall: float
    own: float
    said: tuple[str, ...]

    @property
    def slower(self) -> tuple[Series, ...]:
        """Return what was called slower."""
        return tuple(s for s in self.series if s.verdict == Verdict.REGRESSED.value)

    @property
    def overhead(self) -> float:
        """Return the share of the time beside building and measuring."""
        return max(0.0, 1 - (self.building + self.measuring) / self.wall)


class CloneError(Exception):
    """A repository or a commit isn't there; the text says what to clone."""


def clone_in(folder: Path, repository: str) -> Path:
    """Return the clone of *repository* (owner/name) in *folder*, bare or not.

    Raises CloneError where there is none.
    """
    owner, _, name = repository.partition("/")
    for place in (f"{owner}+{name}", f"{owner}/{name}", f"{name}.git", name):
        for inner in (".", "repo"):
            found = folder / place / inner
            if (found / ".git").exists() or (found / "HEAD").is_file():
                return found.resolve()
    raise CloneError(f"{folder}: has no clone {owner}+{name} of {repository}")


def run(entry: Entry, clone: Path, arguments: Sequence[str], folder: Path) -> Result:
    """Compare the two commits of *entry* in *folder* and return what came of it.

    *arguments* go to ``benchgate compare``; *folder*, made where it isn't there, is
    that of the repository. Raises CloneError where the clone lacks a commit.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkout = folder / entry.repository.partition("/")[2]
    _check_out(clone, entry, checkout)
    written = checkout / ".benchgate" / "report.json"
    written.unlink(missing_ok=True)
    command = [str(_BENCHGATE), "compare", "--base", entry.base, *arguments]
    if entry.config:
        narrowed = folder / f"{entry.name}.yml"
        narrowed.write_text(entry.config, encoding="utf-8")
        command += ["--config", str(narrowed)]
    began = time.monotonic()
    output = folder / f"{entry.name}.txt"
    exit_code, own = _timed(command, checkout, output, cache=folder / "cache")
    wall = time.monotonic() - began
    printed = output.read_text("utf-8", errors="replace")
    report = (
        document.decode(written.read_bytes(), name=str(written))
        if written.exists()
        else None
    )
    return _result(
        entry,
        arguments,
        report,
        # Where it lay is nobody's business.
        [said.replace(f"{folder}/", "") for said in _sentences(report, printed)],
        first=_first(folder / f"{entry.name}.seconds", report),
        exit_code=exit_code,
        wall=wall,
        own=own,
    )


def agrees(entry: Entry, result: Result) -> bool:
    """Say whether *result* is what *entry* expects.

    Of an undone commit, one of the benchmarks that it is about must be called slower.
    """
    if entry.expected == "unmeasured":
        return any(entry.says in sentence for sentence in result.said)
    if entry.expected == "passed":
        return result.outcome == "passed"
    return result.outcome == "regressed" and bool(about(entry, result.slower))


def about(entry: Entry, series: Iterable[Series]) -> list[Series]:
    """Return those of *series* that the commit of *entry* is about, slowest first."""
    found = [
        one
        for one in series
        if any(fnmatch.fnmatchcase(one.name, pattern) for pattern in entry.slower)
    ]
    return sorted(found, key=lambda one: one.slowdown, reverse=True)


def _check_out(clone: Path, entry: Entry, checkout: Path) -> None:
    for sha in (entry.base, entry.head):
        if _git(clone, "cat-file", "-e", f"{sha}^{{commit}}").returncode:
            raise CloneError(f"{clone}: lacks the commit {sha}: fetch it")
    steps: list[tuple[str, ...]] = [
        ("-C", str(checkout), "checkout", "--force", "--detach", entry.head)
    ]
    if not checkout.exists():
        made = ("clone", "--shared", "--no-checkout", str(clone), str(checkout))
        steps.insert(0, made)
    for words in steps:
        done = _git(clone, *words)
        if done.returncode:
            raise CloneError(f"{clone}: {done.stderr.strip()}")


def _first(place: Path, report: Report | None) -> float:
    """Return the seconds that building took in the first run, which *place* keeps."""
    before = float(place.read_text("ascii")) if place.exists() else 0.0
    # The most of all runs: one that was ended early left a part to the next.
    first = max(before, report.cost.building if report and report.cost else 0.0)
    place.write_text(f"{first:.1f}\n", encoding="ascii")
    return first


def _git(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ("git", *words), cwd=folder, capture_output=True, check=False, text=True
    )


def _timed(
    command: Sequence[str], checkout: Path, output: Path, *, cache: Path
) -> tuple[int, float]:
    """Return the exit code and the CPU seconds of benchgate alone.

    What it prints goes to *output*.
    """
    env = {**os.environ, "XDG_CACHE_HOME": str(cache), "NO_COLOR": "1"}
    with (
        output.open("wb") as printed,
        subprocess.Popen(
            command,
            cwd=checkout,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        own = 0.0
        try:
            while process.poll() is None:
                own = _own_seconds(process.pid) or own
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK_EVERY)
        finally:
            process.terminate()
        return process.returncode, own


def _own_seconds(pid: int) -> float:
    """Return the CPU time of a process without its children's, 0 where unknown."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    # The name of the process, which may hold anything, ends with the last bracket.
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _result(
    entry: Entry,
    arguments: Sequence[str],
    report: Report | None,
    said: Sequence[str],
    *,
    first: float,
    exit_code: int,
    wall: float,
    own: float,
) -> Result:
    outcome = _MEASURED.get(exit_code, "crashed") if report else "unmeasured"
    judged = report.judgements if report else ()
    cost = report.cost if report else None
    detectable = sorted(j.detectable for j in judged if j.detectable is not None)
    return Result(
        name=entry.name,
        digest=entry.digest,
        arguments=tuple(arguments),
        exit_code=exit_code,
        outcome=outcome,
        series=_readings(judged),
        benchmarks=len({j.comparison.key.benchmark for j in judged} - {WHOLE_SUITE}),
        rounds=max(
            (j.comparison.effect.rounds for j in judged if j.comparison.effect),
            default=0,
        ),
        detectable=detectable[len(detectable) // 2] if detectable else None,
        first=first,
        building=cost.building if cost else 0.0,
        measuring=cost.measuring if cost else 0.0,
        wall=wall,
        own=own,
        said=tuple(said),
    )


def _readings(judged: Iterable[Judgement]) -> tuple[Series, ...]:
    return tuple(
        Series(
            j.comparison.key.benchmark,
            j.verdict.value,
            j.slowdown.point,
            j.slowdown.lo,
            j.slowdown.hi,
        )
        for j in judged
        if j.slowdown
    )


def _sentences(report: Report | None, printed: str) -> tuple[str, ...]:
    """Return what was said of what went wrong."""
    if report is None:
        return tuple(line for line in printed.splitlines() if line.strip())
    failures = [f"{f.benchmark or f.suite}: {f.reason}" for f in report.failed]
    return (*failures, *(doubt.text for doubt in report.doubts))
