"""``benchgate self-test``: prove that this gate can fail, and passes unchanged code."""

from __future__ import annotations

import argparse
from functools import partial

from benchgate.commands import flags, project
from benchgate.errors import ExitCode, UsageError
from benchgate.units import parse_share

_LARGEST = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``self-test``."""
    parser.add_argument(
        "--slowdown",
        default="20%",
        metavar="SHARE",
        help="how much slower the injected code is (default: 20%%)",
    )
    flags.add_length(parser)
    parser.add_argument(
        "--format",
        choices=("text", "json"),
        default="text",
        help="what standard output gets",
    )


def run(args: argparse.Namespace) -> ExitCode:
    """Measure the commit against itself, with and without, and say what was found."""
    from benchgate import gate  # noqa: PLC0415 - --help needs none of it
    from benchgate.commands.console import Progress, console  # noqa: PLC0415 - as above
    from benchgate.documents import self_test as document  # noqa: PLC0415 - as above
    from benchgate.measure import flow  # noqa: PLC0415 - as above
    from benchgate.measure.pairs import Guidance  # noqa: PLC0415 - as above
    from benchgate.render.self_test import print_self_test  # noqa: PLC0415 - as above

    slowdown = _slowdown(args.slowdown)
    config = flags.configured(args)
    folder = project.folder()
    with project.work_folder(folder) as work, Progress() as progress:
        measurement, injection = flow.measure_slowed(
            folder,
            config,
            slowdown=slowdown,
            work=work,
            progress=progress,
            guidance=Guidance(partial(gate.still_open, config=config)),
        )
    proof = gate.prove_itself(
        measurement,
        config,
        slowdown=slowdown,
        repeated=injection.repeated,
        refusals=injection.refusals,
    )
    if args.format == "json":
        print(document.encode(proof).decode(), end="")
    else:
        print_self_test(proof, console=console())
    return ExitCode.PASSED if proof.works else ExitCode.UNDECIDED


def _slowdown(text: str) -> float:
    """Return the share that was asked for; raises UsageError."""
    try:
        share = parse_share(text)
    except ValueError as error:
        raise UsageError(f"--slowdown: {error}") from error
    if not 0 < share <= _LARGEST:
        raise UsageError(
            f"--slowdown: {text!r} is not between 0 and 1000 %",
            hint="try --slowdown 20%",
        )
    return share
