"""A k6 script → its scenarios: how each decides when the next request is made.

k6 itself says it best, since options may be computed; where k6 is missing, the text
of the script is searched.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import msgspec

from benchgate.config import Suite
from benchgate.doctor import Load, Model, Scenario
from benchgate.errors import ToolError
from benchgate.measure import process
from benchgate.measure.load import hide, without_k6_options
from benchgate.units import SECONDS_IN

_WITHIN = 60.0
_OPEN = re.compile(r"\w+-arrival-rate")
_EXECUTOR = re.compile(r"""\bexecutor['"]?\s*:\s*['"]([a-z-]+)['"]""")
_USERS = re.compile(r"""\b(vus|stages|iterations)['"]?\s*:""")
_COMMENT = re.compile(r"/\*.*?\*/|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)
_DURATION = re.compile(r"([\d.]+)(ns|us|µs|ms|s|m|h)")


class _Stage(msgspec.Struct):
    target: float | None = None
    duration: str | None = None


class _Scenario(msgspec.Struct):
    executor: str
    rate: float | None = None
    start_rate: float | None = msgspec.field(name="startRate", default=None)
    time_unit: str | None = msgspec.field(name="timeUnit", default=None)
    stages: list[_Stage] | None = None


class _Options(msgspec.Struct):
    scenarios: dict[str, _Scenario] | None = None


def load(
    suite: Suite, folder: Path, *, requests: tuple[tuple[str, float], ...]
) -> Load:
    """Return what the script of *suite* plays; *requests* were seen in a window."""
    script = suite.script or ""
    path = folder / suite.directory / script
    problem = ""
    scenarios: tuple[Scenario, ...] = ()
    if not path.is_file():
        problem = "no such script"
    else:
        try:
            scenarios = _inspected(suite, path)
        except ToolError as error:
            is_missing = error.problem.endswith(": not found")
            problem = "" if is_missing else hide(_in_one_line(error), suite.env)
            scenarios = scenarios_in(path.read_text("utf-8", errors="replace"))
    return Load(
        suite=suite.name,
        script=script,
        problem=problem,
        scenarios=scenarios,
        window=suite.window,
        warmup=suite.warmup,
        requests=requests,
    )


def scenarios_in(script: str) -> tuple[Scenario, ...]:
    """Return the scenarios that the text of *script* names, as far as it does."""
    text = _COMMENT.sub("", script)
    executors = _EXECUTOR.findall(text)
    if executors:
        return tuple(_scenario(name, name, rate=None) for name in executors)
    if _USERS.search(text):
        return (_scenario("default", "constant-vus", rate=None),)
    return ()


def _inspected(suite: Suite, path: Path) -> tuple[Scenario, ...]:
    """Return the scenarios as k6 plays them; raises ToolError when it can't."""
    command = [suite.command or "k6", "inspect", "--execution-requirements", path.name]
    with tempfile.TemporaryDirectory(prefix="benchgate-") as folder:
        out = Path(folder) / "options.json"
        finished = process.run(
            command,
            cwd=path.parent,
            env={**without_k6_options(), **suite.env, "PORT": "1"},
            within=_WITHIN,
            stdout=out,
        )
        process.check(finished)
        try:
            options = msgspec.json.decode(out.read_bytes(), type=_Options)
        except msgspec.DecodeError as error:
            raise ToolError(f"k6 inspect: not understood: {error}") from error
    return tuple(
        _scenario(name, found.executor, rate=_rate(found))
        for name, found in sorted((options.scenarios or {}).items())
    )


def _in_one_line(error: ToolError) -> str:
    """Return what failed, and the last that k6 said about it."""
    first, *said = error.problem.splitlines()
    return f"{first}: {said[-1].strip()}" if said else first


def _scenario(name: str, executor: str, *, rate: float | None) -> Scenario:
    model = Model.OPEN if _OPEN.fullmatch(executor) else Model.CLOSED
    return Scenario(name, executor, model, rate)


def _rate(scenario: _Scenario) -> float | None:
    """Return the mean rate of *scenario* in 1/s, None where it has none."""
    unit = _seconds(scenario.time_unit) or 1.0
    if scenario.rate is not None:
        return scenario.rate / unit
    if scenario.executor != "ramping-arrival-rate" or not scenario.stages:
        return None
    rate, sent, total = scenario.start_rate or 0.0, 0.0, 0.0
    for stage in scenario.stages:
        target, seconds = stage.target or 0.0, _seconds(stage.duration)
        sent += (rate + target) / 2 * seconds
        total += seconds
        rate = target
    return sent / total / unit if total else None


def _seconds(duration: str | None) -> float:
    """Return the seconds of a duration as k6 prints it: ``1m0s``."""
    parts = _DURATION.findall(duration or "")
    return sum(float(number) * SECONDS_IN[unit] for number, unit in parts)
