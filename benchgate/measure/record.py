"""Bench executables → what one run of the whole suite through cargo-criterion gave.

It knows every benchmark and how long an iteration takes; alone, it is what a store
keeps. What cargo-criterion can't do is left to the slices, with a doubt that says so.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchgate.config import Suite
from benchgate.errors import FormatError, ToolError
from benchgate.measure import process
from benchgate.measure.cargo import Bench, Executable, command_line, selection
from benchgate.model import Doubt, Round
from benchgate.tools import criterion, merge
from benchgate.tools.source import Source

_COMMAND = "cargo criterion"
# Short times for the record of a comparison: it tells how long an iteration takes;
# the slices measure.
_BRIEF = ("--warm-up-time", "{0}", "--measurement-time", "{0}", "--nresamples", "1000")
_NOT_INSTALLED = re.compile(r"no such (?:sub)?command: `criterion`")
_NO_REASON = re.compile(r"(?:note|help|hint): |\s*$")
_CAUSES = re.compile(r"^Caused by:\n((?:[ \t]+\S.*\n?)+)", re.MULTILINE)
_NUMBER = re.compile(r"^\s*\d+: ")
# One argument of a command can't be longer than 128 KiB on Linux.
_LONGEST_FILTER = 100_000


@dataclass(frozen=True, slots=True)
class _Recording:
    """What holds for all executables of a suite."""

    suite: Suite
    executables: Sequence[Executable]
    env: Mapping[str, str | None]
    log: Path
    brief: bool


def record(
    executables: Sequence[Executable],
    benches: Sequence[Bench],
    *,
    suite: Suite,
    env: Mapping[str, str | None],
    log: Path,
    brief: bool,
    within: float,
) -> Round:
    """Run *benches* once through ``cargo criterion`` and return what it measured.

    *brief* replaces the times of the suite by short ones; *within* is in seconds.
    Where that can't be done to its end, what it gave is returned with a doubt.
    """
    deadline = time.monotonic() + within
    recording = _Recording(suite, executables, env, log, brief)
    whole = Round({})
    # One target at a time: asked for two, cargo-criterion 1.1.0 may give the messages
    # of the first alone, and status 0.
    for executable in executables:
        members = [bench for bench in benches if bench.executable is executable]
        if not members:
            continue
        seconds = max(deadline - time.monotonic(), 0.0)
        part, problem = _record_one(recording, executable, members, within=seconds)
        whole = merge([("", whole), (executable.target.title, part)])
        if problem:
            text = (
                f"{suite.name}: {problem}; what it left out was measured through the "
                "bench executables"
            )
            whole = Round(whole.samples, whole.failures, (*whole.doubts, Doubt(text)))
    return whole


def _record_one(
    recording: _Recording,
    executable: Executable,
    members: Sequence[Bench],
    *,
    within: float,
) -> tuple[Round, str]:
    """Return what the messages of one target hold, and what kept it from its end."""
    with tempfile.TemporaryDirectory(prefix="benchgate-") as folder:
        messages = Path(folder) / "messages.json"
        problem = ""
        try:
            finished = process.run(
                _command(recording, executable, members),
                cwd=executable.target.folder,
                # Its own store: the user's history isn't ours to write.
                env={**recording.env, "CRITERION_HOME": str(Path(folder) / "home")},
                within=within,
                stdout=messages,
                log=recording.log,
            )
        except process.DeadlineError:
            problem = f"{_COMMAND} was ended after its share of the time"
        except ToolError as error:
            return Round({}), error.problem.partition("\n")[0]
        else:
            if finished.status:
                problem = _why(finished)
        return _read(messages, recording.suite, members, problem)


def _command(
    recording: _Recording, executable: Executable, members: Sequence[Bench]
) -> list[str]:
    suite = recording.suite
    targets = [other.target for other in recording.executables]
    named, features = selection(executable.target, suite=suite, of=targets)
    flags = [*named, *features, "--message-format=json", "--plotting-backend=disabled"]
    own: list[str] = []
    if recording.brief:
        # Criterion 0.3 takes whole seconds only.
        seconds = "0.1" if executable.fractions else "1"
        own += [word.format(seconds) for word in _BRIEF]
    if suite.benches != ("*",):
        patterns = "|".join(bench.pattern for bench in members)
        own += [patterns] if len(patterns) <= _LONGEST_FILTER else []
    return command_line(
        suite.command or _COMMAND, [*flags, "--", *own] if own else flags
    )


def _why(finished: process.Finished) -> str:
    """Return why cargo-criterion ended badly, in its words.

    That is the root of its error; else the last line that says anything. A bench that
    loses cargo-criterion panics too, sooner or later than that is printed.
    """
    if _NOT_INSTALLED.search(finished.output):
        return "cargo-criterion is not installed (run `cargo install cargo-criterion`)"
    causes = _CAUSES.search(finished.output)
    printed = (causes[1] if causes else finished.output).splitlines()
    lines = [line for line in printed if not _NO_REASON.match(line)]
    said = f" ({_NUMBER.sub('', lines[-1]).strip()})" if lines else ""
    return f"{_COMMAND} {process.ending_of(finished.status)}{said}"


def _read(
    messages: Path, suite: Suite, members: Sequence[Bench], problem: str
) -> tuple[Round, str]:
    """Return what is said of *members*; what else was run is nobody's business."""
    source = Source(_COMMAND, messages)
    try:
        read = criterion.read(source, suite=suite.name, partial=True)
    except FormatError as error:
        return Round({}), problem or error.problem
    names = {bench.title: bench.name for bench in members}
    return (
        Round(
            {
                replace(key, benchmark=names[key.benchmark]): sample
                for key, sample in read.samples.items()
                if key.benchmark in names
            },
            tuple(
                replace(failure, benchmark=names[failure.benchmark])
                for failure in read.failures
                if failure.benchmark in names
            ),
            tuple(d for d in read.doubts if d.series),
        ),
        problem,
    )
