"""A k6 script and a running service → one window: k6's points, failures, doubts.

A window is a k6 run of a few seconds through a generated script that imports the
user's own. ``k6 run --duration`` won't do: it discards the scenarios. As found with
k6 1.8.1 and 2.2.0:

* ``export *`` hands on ``setup``, ``teardown`` and all functions named by ``exec``;
  what the generated script exports itself (``options``, ``handleSummary``) wins.
* ``export default user.default`` is accepted when the user's script has none.
* ``options`` may be computed; it is, in ``window.js``, at the start of every virtual
  user, so options that depend on ``__ENV`` work and nothing of them is stored.
* ``open()``, relative imports, ``import.meta.resolve`` and ``SharedArray`` of the
  user's script stay relative to it; only the module path must be a ``file:`` URL,
  since k6 takes a bare path apart at ``%``, ``?`` and ``#``.
* A ``handleSummary`` that writes our few numbers replaces k6's summary, whatever the
  flag against that is called in this version of k6.
* The environment reaches ``__ENV`` by itself; ``K6_*`` variables would override the
  options of the script and are taken away.
* ``--address ''`` keeps k6 1.x from opening port 6565, where two would meet.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import msgspec

from benchgate.measure.host import ProcessCost
from benchgate.measure.process import (
    DeadlineError,
    Finished,
    ending_of,
    run,
)
from benchgate.model import (
    ONE_VALUE,
    Better,
    Doubt,
    Failure,
    Kind,
    Metric,
    Sample,
    SeriesKey,
    Side,
    Statistic,
    Unit,
)

SERVICE = "service"
CPU = Metric("cpu/request", Unit.SECOND, Better.LOWER, Kind.COST)
MEMORY = Metric("peak memory", Unit.BYTE, Better.LOWER, Kind.SIZE)
SWITCHES = Metric("switches/request", Unit.ONE, Better.LOWER, Kind.COST)

_WINDOW_JS = Path(__file__).with_name("window.js")
# k6 marks so what it logs when an iteration throws; nothing else is marked so.
_THROWN = "source=stacktrace"
# Shorter values of variables are too common to be hidden without spoiling the text.
_SHORTEST_SECRET = 6
_HIDDEN = "***"

# errext/exitcodes/codes.go of k6
_MEANINGS = {
    99: "a threshold failed",
    100: "setup() took too long",
    101: "teardown() took too long",
    102: "something took too long",
    103: "the run was stopped from outside",
    104: "its configuration is invalid",
    105: "it was interrupted",
    106: "its REST API could not start",
    107: "the script throws outside of its iterations",
    108: "the script aborted the test",
    109: "k6 itself crashed",
    110: "the script marked the test as failed",
}

_SCRIPT = """\
import * as user from {script};
import {{ inWindowOptions, summaryOf }} from {window};

export * from {script};
export const options = inWindowOptions(user.options, {total});
export default user.default;
export function handleSummary(data) {{
  return {{ {summary}: summaryOf(data, user.options) }};
}}
"""


class _Summary(msgspec.Struct, frozen=True):
    """What the generated script says at its end."""

    iterations: int
    requests: int
    by_iterations: list[str]


@dataclass(frozen=True, slots=True)
class Window:
    """One k6 run against one service.

    ``points`` is k6's NDJSON, worth reading only without ``failures``.
    ``requests`` are all that k6 made, those of setup and warm-up included: what the
    service's cost is divided by.
    """

    points: Path
    seconds: float
    requests: int
    failures: tuple[Failure, ...]
    doubts: tuple[Doubt, ...]


def window(  # noqa: PLR0913 - a window is made of all of these
    script: Path,
    *,
    suite: str,
    k6: str,
    port: int,
    side: Side,
    seconds: float,
    warmup: float,
    env: Mapping[str, str],
    out: Path,
    work: Path,
    within: float,
) -> Window:
    """Play *script* for *warmup* + *seconds* against the service at *port*.

    *out* receives k6's NDJSON, *work* the generated script.
    *env* reaches the script as ``__ENV``, beside ``PORT`` and our own environment;
    its values are hidden in what is reported.
    What goes wrong in k6 or in the script is a failure in the window.
    Raises ToolError when k6 can't be started.
    """
    generated = work / f"{side}.js"
    summary = work / f"{side}.json"
    work.mkdir(parents=True, exist_ok=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    summary.unlink(missing_ok=True)
    generated.write_text(
        _SCRIPT.format(
            script=json.dumps(script.resolve().as_uri()),
            window=json.dumps(_WINDOW_JS.resolve().as_uri()),
            total=warmup + seconds,
            summary=json.dumps(str(summary.resolve())),
        )
    )
    thrown = _Thrown()
    command = [
        k6,
        "run",
        "--quiet",
        "--no-color",
        "--address",
        "",
        "--out",
        f"json={out.resolve()}",
        str(generated.resolve()),
    ]
    try:
        finished = run(
            command,
            cwd=script.resolve().parent,
            env={**without_k6_options(), **env, "PORT": str(port)},
            within=within,
            on_line=thrown.count,
        )
    except DeadlineError as error:
        reason, _, lines = error.problem.partition("\n")
        failure = Failure(suite, "", reason, hide(dedent(lines), env))
        return Window(out, within, 0, (failure,), ())
    said = _said(summary)
    return Window(
        points=out,
        seconds=finished.seconds,
        requests=said.requests if said else 0,
        failures=_failures(finished, said, thrown.iterations, suite=suite, env=env),
        doubts=_doubts(said, thrown.iterations, suite=suite) if said else (),
    )


def cost_of_window(
    before: ProcessCost | None,
    after: ProcessCost | None,
    requests: int,
    *,
    suite: str,
) -> dict[SeriesKey, Sample]:
    """Return what a request cost the service, from its cost at both ends of a window.

    CPU seconds and context switches per request, and the peak memory in bytes.
    A series that can't be told is left out: without ``/proc``, without requests, or
    when a process or thread has ended and took what it had used along.
    """
    if before is None or after is None or requests <= 0:
        return {}
    values = {
        CPU: (after.cpu_seconds - before.cpu_seconds) / requests,
        MEMORY: float(after.peak_memory),
        SWITCHES: (after.context_switches - before.context_switches) / requests,
    }
    return {
        SeriesKey(suite, SERVICE, metric.name): Sample(
            metric, ONE_VALUE, (value,), Statistic.VALUE, requests
        )
        for metric, value in values.items()
        if value > 0
    }


def without_k6_options() -> dict[str, str | None]:
    """Return the changes that leave k6 with the options of the script alone."""
    taken_away = {name: None for name in os.environ if name.startswith("K6_")}
    return {
        **taken_away,
        "K6_NO_USAGE_REPORT": "true",
        # Otherwise an import of k6/x/... downloads another k6 while we measure.
        "K6_AUTO_EXTENSION_RESOLUTION": "false",
    }


def hide(text: str, env: Mapping[str, str]) -> str:
    """Return *text* without the values of *env*: a script may print its token."""
    for value in sorted(env.values(), key=len, reverse=True):
        if len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, _HIDDEN)
    return text


class _Thrown:
    """Counts iterations that throw, which k6 tells only in its log."""

    def __init__(self) -> None:
        self.iterations = 0

    def count(self, line: str) -> None:
        """Count *line* if it tells of one."""
        self.iterations += _THROWN in line


def _failures(
    finished: Finished,
    said: _Summary | None,
    thrown: int,
    *,
    suite: str,
    env: Mapping[str, str],
) -> tuple[Failure, ...]:
    """Return why there is nothing to read from a window, if so."""
    reason = _reason(finished, said, thrown)
    if not reason:
        return ()
    return (Failure(suite, "", reason, hide(finished.output, env)),)


def _reason(finished: Finished, said: _Summary | None, thrown: int) -> str:
    """Return in a sentence what went wrong, empty if nothing did."""
    if finished.status:
        meaning = _MEANINGS.get(finished.status)
        return f"k6 {ending_of(finished.status)}" + (f": {meaning}" if meaning else "")
    if said is None:
        return "k6 ended well but wrote no summary"
    if said.iterations and thrown >= said.iterations:
        return "every iteration throws"
    if not said.iterations:
        return "no iteration was finished within the window"
    if not said.requests:
        return "no HTTP request was made within the window"
    return ""


def _doubts(said: _Summary, thrown: int, *, suite: str) -> tuple[Doubt, ...]:
    """Return what weakens a window; the same words in every window of a script."""
    doubts = [
        Doubt(
            f"{suite}: scenario {name} was played for a time instead of for a number"
            " of iterations: use an executor with a duration"
        )
        for name in said.by_iterations
    ]
    if thrown:
        doubts.append(Doubt(f"{suite}: some iterations throw: mend the script"))
    return tuple(doubts)


def _said(summary: Path) -> _Summary | None:
    """Return what the generated script wrote, None when it wrote nothing."""
    try:
        return msgspec.json.decode(summary.read_bytes(), type=_Summary)
    except FileNotFoundError:
        return None
