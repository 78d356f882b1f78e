"""``benchgate compare``: judge base against head, measuring both if none is given."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from benchgate.commands import flags, project
from benchgate.config import Config
from benchgate.errors import ExitCode, UsageError
from benchgate.model import Measurement, Outcome, Report

EXITS = {
    Outcome.PASSED: ExitCode.PASSED,
    Outcome.REGRESSED: ExitCode.REGRESSED,
    Outcome.UNDECIDED: ExitCode.UNDECIDED,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``compare``."""
    parser.add_argument(
        "sources",
        nargs="*",
        metavar="BASE HEAD",
        help="what a tool wrote: a file, a directory, DIR:BASELINE, or - for standard "
        "input; without any, the work tree is measured against its base",
    )
    parser.add_argument(
        "--base",
        action="append",
        default=[],
        metavar="SOURCE",
        help="a round of the base; repeat for more; without --head: the commit to "
        "measure against",
    )
    parser.add_argument(
        "--head",
        action="append",
        default=[],
        metavar="SOURCE",
        help="a round of the head; repeat for more",
    )
    parser.add_argument(
        "--run",
        action="append",
        default=[],
        metavar="FILE",
        help="a run document that holds both sides; repeat for shards",
    )
    parser.add_argument(
        "--against",
        choices=["baseline"],
        help="judge the head (measured, or from --run) against the stored runs",
    )
    parser.add_argument(
        "--paired",
        action="store_true",
        help="the i-th base and the i-th head were measured as a pair",
    )
    parser.add_argument(
        "--partial",
        action="store_true",
        help="take what is there of a run that was cut",
    )
    parser.add_argument(
        "--warmup", metavar="TIME", help="leave the first seconds of k6 runs out"
    )
    flags.add_measuring(parser)
    parser.add_argument(
        "--format",
        choices=("text", "markdown", "json"),
        default="text",
        help="what standard output gets",
    )
    parser.add_argument("--json", metavar="FILE", help="write the report there")
    parser.add_argument(
        "--markdown", metavar="FILE", help="write there what the comment would say"
    )
    parser.add_argument(
        "--verbose", action="store_true", help="list what is unchanged too"
    )


def run(args: argparse.Namespace) -> ExitCode:
    """Judge, print, write what was asked for, and return the verdict's code."""
    from benchgate import gate  # noqa: PLC0415 - --help needs none of it

    config = flags.configured(args)
    measurement = _given(args, config)
    if measurement is None:
        measurement = _measured(args, config)
    if args.against:
        window = project.stored_runs(config, limit=config.baseline.window)
        report = gate.judge_against(window, measurement, config)
    else:
        report = gate.judge_measurement(measurement, config)
    _write(report, args)
    return EXITS[report.outcome]


def _given(args: argparse.Namespace, config: Config) -> Measurement | None:
    """Return what the named sources hold, None when none was named."""
    from benchgate import gate  # noqa: PLC0415 - as above
    from benchgate.documents import run as run_document  # noqa: PLC0415 - as above

    base, head = list(args.base), list(args.head)
    if args.sources:
        if len(args.sources) != 2 or base or head or args.run:  # noqa: PLR2004
            raise UsageError(
                "give two sources, BASE and HEAD, or use --base and --head",
                hint="see `benchgate compare --help`",
            )
        base, head = args.sources[:1], args.sources[1:]
    if args.run:
        if base or head:
            raise UsageError("--run documents hold both sides: leave --base and --head")
        return gate.join_shards(
            [run_document.decode(flags.read(name), name=name) for name in args.run]
        )
    if not head:
        if len(base) > 1:
            raise UsageError("there is a --base but no --head")
        return None
    if not base:
        raise UsageError("there is a --head but no --base")
    if args.paired and len(base) != len(head):
        raise UsageError(
            f"--paired: {len(base)} rounds of the base, {len(head)} of the head",
            hint="give as many --base as --head, in the order of measuring",
        )
    if [*base, *head].count("-") > 1:
        raise UsageError("standard input can be read once only")
    return gate.read_sides(
        base,
        head,
        paired=args.paired,
        config=config,
        warmup=flags.duration(args.warmup, "--warmup"),
        partial_runs=args.partial,
    )


def _measured(args: argparse.Namespace, config: Config) -> Measurement:
    """Measure the work tree, in pairs or for the stored runs."""
    from benchgate import gate  # noqa: PLC0415 - as above
    from benchgate.commands.console import Progress  # noqa: PLC0415 - as above

    folder = project.folder()
    work = project.work_folder(folder)
    shutil.rmtree(work / "raw", ignore_errors=True)
    args.json = args.json or str(work / "report.json")
    args.markdown = args.markdown or str(work / "comment.md")
    with Progress() as progress:
        if args.against:
            return gate.measure_head(folder, config, work=work, progress=progress)
        base = args.base[0] if args.base else None
        return gate.measure_checkout(
            folder, config, base=base, work=work, progress=progress
        )


def _write(report: Report, args: argparse.Namespace) -> None:
    """Write the report wherever it was asked for."""
    if args.json or args.format == "json":
        from benchgate.documents import report as document  # noqa: PLC0415 - if asked

        raw = document.encode(report)
        if args.json:
            flags.save(Path(args.json), raw)
        if args.format == "json":
            print(raw.decode(), end="")
    if args.markdown or args.format == "markdown":
        from benchgate.render.markdown import render_markdown  # noqa: PLC0415 - if asked

        text = render_markdown(report)
        if args.markdown:
            flags.save(Path(args.markdown), text.encode())
        if args.format == "markdown":
            print(text, end="")
    if args.format == "text":
        from benchgate.commands.console import console  # noqa: PLC0415 - if asked
        from benchgate.render.terminal import print_report  # noqa: PLC0415 - if asked

        print_report(report, console=console(), verbose=args.verbose)
