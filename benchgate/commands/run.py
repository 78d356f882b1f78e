"""``benchgate run``: measure, and write down what was measured; judges nothing."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchgate.commands import flags, project
from benchgate.errors import ExitCode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``run``."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="where the run document goes (default: .benchgate/run.json)",
    )
    parser.add_argument(
        "--base",
        metavar="REF",
        help="measure this commit in turns with the work tree; without it the work "
        "tree alone, once, as its authors set it up",
    )
    flags.add_measuring(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Measure, write the document, and say what failed."""
    from benchgate.commands.console import Progress  # noqa: PLC0415 - --help needs none
    from benchgate.documents import run as document  # noqa: PLC0415 - as above
    from benchgate.measure import flow  # noqa: PLC0415 - as above
    from benchgate.render.names import sentence, shown  # noqa: PLC0415 - as above

    config = flags.configured(args)
    flags.check_place(args.output)
    folder = project.folder()
    with project.work_folder(folder) as work, Progress() as progress:
        measurement = project.measure(
            folder,
            config,
            base=args.base,
            alone=args.base is None,
            work=work,
            progress=progress,
        )
        output = Path(args.output) if args.output else work / flow.RUN
    flags.save(output, document.encode(measurement))
    sides = [side for side in (measurement.head, measurement.base) if side]
    failures = [f for side in sides for r in side.rounds for f in r.failures]
    for failure in failures:
        name = shown(f"{failure.suite}:{failure.benchmark}".rstrip(":"))
        print(f"failed: {name}: {sentence(failure.reason)}")
    for doubt in measurement.left_out:
        print(f"not measured: {sentence(doubt.text)}")
    rounds = measurement.head.rounds
    series = {key for r in rounds for key in r.samples}
    print(f"{len(series)} series in {len(rounds)} rounds: {output}")
    complete = not failures and (series or measurement.left_out)
    return ExitCode.PASSED if complete else ExitCode.UNDECIDED
