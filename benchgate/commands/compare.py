"""``benchgate compare``: judge base against head, measuring both if none is given."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchgate import __version__
from benchgate.commands import complain, flags, project
from benchgate.config import Config, DesignChoice
from benchgate.errors import ExitCode, FormatError, UsageError
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
        help="a run document that holds both sides; repeat for shards, and with "
        "--against for runs of the same commit by several jobs",
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
        "--junit", metavar="FILE", help="write there one test case a series, as XML"
    )
    parser.add_argument(
        "--sarif", metavar="FILE", help="write there what regressed or failed, as SARIF"
    )
    parser.add_argument(
        "--verbose", action="store_true", help="list what is unchanged too"
    )


def run(args: argparse.Namespace) -> ExitCode:
    """Judge, print, write what was asked for, and return the verdict's code."""
    config = flags.configured(args)
    given = _given(args, config)
    if given:
        return _judged(given[0], args, config, reruns=given[1:])
    if config.measure.design is DesignChoice.STORED:
        args.against = "baseline"
    from benchgate.commands.console import Progress  # noqa: PLC0415 - if measured

    _check_places(args)
    folder = project.folder()
    with project.work_folder(folder) as work:
        with Progress() as progress:
            measurement = project.measure(
                folder,
                config,
                base=args.base[0] if args.base else None,
                alone=bool(args.against),
                work=work,
                progress=progress,
            )
        args.json = args.json or str(work / "report.json")
        args.markdown = args.markdown or str(work / "comment.md")
        return _judged(measurement, args, config)


def _judged(
    measurement: Measurement,
    args: argparse.Namespace,
    config: Config,
    *,
    reruns: Sequence[Measurement] = (),
) -> ExitCode:
    """Show the verdict on *measurement*, then write it down."""
    from benchgate import gate  # noqa: PLC0415 - --help needs none of it

    if args.against:
        window = project.stored_runs(config)
        report = gate.judge_against(window, measurement, config, reruns=reruns)
    else:
        report = gate.judge_measurement(measurement, config)
    _print(report, args)
    try:
        _write(report, args)
    except FormatError as error:
        if report.outcome is not Outcome.REGRESSED:
            raise
        # A regression outranks all that went wrong besides.
        complain(error)
    return EXITS[report.outcome]


def _check_places(args: argparse.Namespace) -> None:
    """Ask about the places before measuring, and not after ten minutes of it."""
    for name in (args.json, args.markdown, args.junit, args.sarif):
        flags.check_place(name)


def _given(args: argparse.Namespace, config: Config) -> list[Measurement]:
    """Return what the named sources hold, nothing when none was named.

    More than one are runs of the same commit, to be judged against stored ones.
    """
    from benchgate import gate  # noqa: PLC0415 - as above

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
        return _joined(args)
    if not head:
        if len(base) > 1:
            raise UsageError("there is a --base but no --head")
        if base and args.against:
            raise UsageError("--against baseline measures no other base: leave --base")
        return []
    _check_sides(base, head, paired=args.paired)
    measurement = gate.read_sides(
        base,
        head,
        paired=args.paired,
        config=config,
        warmup=flags.duration(args.warmup, "--warmup"),
        partial_runs=args.partial,
    )
    return [measurement]


def _check_sides(base: list[str], head: list[str], *, paired: bool) -> None:
    if not base:
        raise UsageError("there is a --head but no --base")
    if paired and len(base) != len(head):
        raise UsageError(
            f"--paired: {len(base)} rounds of the base, {len(head)} of the head",
            hint="give as many --base as --head, in the order of measuring",
        )
    if ",".join([*base, *head]).split(",").count("-") > 1:
        raise UsageError("standard input can be read once only")


def _joined(args: argparse.Namespace) -> list[Measurement]:
    """Return what the run documents of all shards, or of all reruns, hold."""
    from benchgate import gate  # noqa: PLC0415 - as above
    from benchgate.documents import run as document  # noqa: PLC0415 - as above

    shards = [document.decode(flags.read(name), name=name) for name in args.run]
    for name, shard in zip(args.run, shards, strict=True):
        if shard.base is None and not args.against:
            raise UsageError(
                f"{name}: it holds one side only, so there is nothing to compare",
                hint="measure both with `benchgate run --base REF`, or judge it with "
                "--against baseline",
            )
    return gate.join_heads(shards) if args.against else [gate.join_shards(shards)]


def _print(report: Report, args: argparse.Namespace) -> None:
    """Show the report on standard output in the form that was asked for."""
    if args.format == "text":
        from benchgate.commands.console import console  # noqa: PLC0415 - if asked
        from benchgate.render.terminal import print_report  # noqa: PLC0415 - if asked

        print_report(report, console=console(), verbose=args.verbose)
    elif args.format == "json":
        print(_as_json(report).decode(), end="")
    else:
        print(_as_markdown(report), end="")


def _write(report: Report, args: argparse.Namespace) -> None:
    """Write the report to the files that were asked for."""
    if args.json:
        flags.save(Path(args.json), _as_json(report))
    if args.markdown:
        flags.save(Path(args.markdown), _as_markdown(report).encode())
    if args.junit:
        from benchgate.render.junit import render_junit  # noqa: PLC0415 - if asked

        flags.save(Path(args.junit), render_junit(report).encode())
    if args.sarif:
        from benchgate.render.sarif import render_sarif  # noqa: PLC0415 - if asked

        text = render_sarif(report, version=__version__)
        flags.save(Path(args.sarif), text.encode())


def _as_json(report: Report) -> bytes:
    from benchgate.documents import report as document  # noqa: PLC0415 - if asked

    return document.encode(report)


def _as_markdown(report: Report) -> str:
    from benchgate.render.markdown import render_markdown  # noqa: PLC0415 - if asked

    return render_markdown(report)
