"""``benchgate gate``: what the action calls, one part of a job at a time.

``prepare`` may have a token and runs nothing foreign; ``measure`` runs the project's
code and may have none; ``report`` and ``record`` have one again and only read.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from benchgate.commands import complain, flags
from benchgate.errors import BenchgateError, ExitCode

if TYPE_CHECKING:
    from benchgate.github.inputs import Inputs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the part that is wanted; all else comes as inputs of the action."""
    parser.add_argument(
        "part",
        choices=["prepare", "measure", "report", "record"],
        help="what this step of the job does; the rest is said by BENCHGATE_* "
        "variables, one for each input of the action",
    )


def run(args: argparse.Namespace) -> ExitCode:
    """Do one part; whatever stops it is said where a reader of the job looks."""
    from benchgate.commands.gate import publishing  # noqa: PLC0415 - --help needs none
    from benchgate.github import inputs  # noqa: PLC0415 - as above

    fails_on: frozenset[inputs.FailOn] = frozenset(inputs.FailOn)
    try:
        wanted = inputs.read(os.environ)
        fails_on = wanted.fail_on
        return _PARTS[args.part](wanted)
    except BenchgateError as error:
        publishing.say_problem(error, part=args.part)
        publishing.set_outputs(publishing.outputs_of_problem(error))
        may_pass = inputs.FailOn.UNDECIDED not in fails_on
        if error.exit_code is ExitCode.UNDECIDED and may_pass:
            complain(error)
            return ExitCode.PASSED
        raise


def _prepare(inputs: Inputs) -> ExitCode:
    from benchgate.commands import project  # noqa: PLC0415 - as above
    from benchgate.commands.gate import preparing  # noqa: PLC0415 - as above
    from benchgate.github import prepared  # noqa: PLC0415 - as above

    settings = preparing.configured(inputs)
    found = preparing.prepare(inputs, settings, project.folder())
    place = _place(inputs)
    place.parent.mkdir(parents=True, exist_ok=True)
    flags.save(place, prepared.encode(found))
    against = f"{found.base[:12]} ({found.ref})" if found.base else found.reason
    print(f"compared with: {against}")
    return ExitCode.PASSED


def _measure(inputs: Inputs) -> ExitCode:
    from benchgate.commands.gate import measuring  # noqa: PLC0415 - as above
    from benchgate.github import prepared  # noqa: PLC0415 - as above

    place = _place(inputs)
    found = prepared.decode(flags.read(str(place)), name=str(place))
    return measuring.measure(inputs, found)


def _report(inputs: Inputs) -> ExitCode:
    from benchgate.commands.gate import reporting  # noqa: PLC0415 - as above

    return reporting.report(inputs)


def _record(inputs: Inputs) -> ExitCode:
    from benchgate.commands.gate import reporting  # noqa: PLC0415 - as above

    return reporting.record(inputs)


def _place(inputs: Inputs) -> Path:
    """Return where what was prepared is kept, apart from other gates of the job."""
    folder = os.environ.get("RUNNER_TEMP") or ".benchgate"
    return Path(folder) / "benchgate" / inputs.comment_key / "prepared.json"


_PARTS = {
    "prepare": _prepare,
    "measure": _measure,
    "report": _report,
    "record": _record,
}
