"""``benchgate baseline``: keep runs of the default branch, and look at what is kept."""

from __future__ import annotations

import argparse
import csv
import io
import os
import time
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from benchgate.commands import flags, project
from benchgate.errors import ExitCode, UsageError
from benchgate.model import Design, Measurement, Sample

_COLUMNS = (
    *("id", "recorded_at", "commit", "environment"),
    *("suite", "benchmark", "metric", "unit", "statistic", "value"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their flags."""
    parser.add_argument("--config", metavar="FILE", help="instead of benchgate.yml")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    record = actions.add_parser("record", help="keep the head of a run document")
    record.add_argument(
        "run", metavar="FILE", nargs="?", help="default: .benchgate/run.json"
    )
    show = actions.add_parser("show", help="print one stored run as JSON")
    show.add_argument("id", metavar="ID", help="as `list` prints it")
    listing = actions.add_parser("list", help="list the stored runs, newest first")
    export = actions.add_parser("export", help="write all values as a CSV table")
    export.add_argument("-o", "--output", metavar="FILE", help="default: print it")
    prune = actions.add_parser(
        "prune", help="remove all but the newest runs of each environment"
    )
    prune.add_argument(
        "--keep", type=int, metavar="N", help="keep N, not baseline.keep"
    )
    prune.add_argument("--dry-run", action="store_true", help="only say what would go")
    actions.add_parser("verify", help="read every stored run and name the damaged")
    for action in (listing, export):
        action.add_argument(
            "--limit", type=int, default=1000, metavar="N", help="at most N runs"
        )


def run(args: argparse.Namespace) -> ExitCode:
    """Do what the action says."""
    return _ACTIONS[args.action](args)


def _record(args: argparse.Namespace) -> ExitCode:
    from benchgate.documents import run as document  # noqa: PLC0415 - if asked

    name = args.run or str(project.folder() / ".benchgate" / "run.json")
    measurement = document.decode(flags.read(name), name=name)
    check_worth_keeping(measurement, name)
    store = project.open_store(project.load(args.config))
    kept = store.append(
        measurement,
        recorded_at=time.time(),
        run_id=os.environ.get("GITHUB_RUN_ID") or uuid.uuid4().hex[:12],
        attempt=int(os.environ.get("GITHUB_RUN_ATTEMPT") or 1),
    )
    print(f"kept {kept}")
    return ExitCode.PASSED


def check_worth_keeping(measurement: Measurement, name: str) -> None:
    """Refuse what is no measurement of a commit as its authors set it up."""
    if measurement.head.commit.dirty:
        raise UsageError(
            f"{name}: it was measured with uncommitted changes, so it is of no commit",
            hint="commit them, then `benchgate run` again",
        )
    if measurement.design is not Design.STORED:
        raise UsageError(
            f"{name}: it holds the slices of a comparison, which are no whole run",
            hint="measure the commit alone: `benchgate run`",
        )


def _show(args: argparse.Namespace) -> ExitCode:
    from benchgate.documents import run as document  # noqa: PLC0415 - if asked

    store = project.open_store(project.load(args.config))
    print(document.encode(store.read(args.id)).decode(), end="")
    return ExitCode.PASSED


def _list(args: argparse.Namespace) -> ExitCode:
    store = project.open_store(project.load(args.config))
    entries = store.list(limit=_limit(args))
    for entry in entries:
        when = datetime.fromtimestamp(entry.recorded_at, UTC)
        print(f"{when:%Y-%m-%d %H:%M} {entry.commit[:12]} {entry.id}")
    if not entries:
        print("no run is stored yet: `benchgate run`, then `benchgate baseline record`")
    return ExitCode.PASSED


def _export(args: argparse.Namespace) -> ExitCode:
    store = project.open_store(project.load(args.config))
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(_COLUMNS)
    for entry in store.list(limit=_limit(args)):
        when = datetime.fromtimestamp(entry.recorded_at, UTC)
        place = (entry.id, f"{when:%Y-%m-%dT%H:%M:%SZ}", entry.commit)
        for row in _rows(store.read(entry.id)):
            table.writerow((*place, entry.environment_key, *row))
    if args.output:
        flags.save(Path(args.output), out.getvalue().encode())
    else:
        print(out.getvalue(), end="")
    return ExitCode.PASSED


def _rows(measurement: Measurement) -> Iterable[tuple[str, str, str, str, str, float]]:
    for round_ in measurement.head.rounds:
        for key, reading in sorted(round_.samples.items()):
            name = (key.suite, key.benchmark, key.metric, reading.metric.unit.value)
            if isinstance(reading, Sample):
                for statistic, value in zip(
                    reading.statistics, reading.values, strict=True
                ):
                    yield (*name, statistic.value, value)
            else:
                yield (*name, "events", float(reading.events))
                yield (*name, "trials", float(reading.trials))


def _limit(args: argparse.Namespace) -> int:
    limit = int(args.limit)
    if limit < 1:
        raise UsageError(f"--limit: {limit} is not at least 1")
    return limit


def _prune(args: argparse.Namespace) -> ExitCode:
    settings = project.load(args.config)
    keep = settings.baseline.keep if args.keep is None else int(args.keep)
    if keep < settings.baseline.window:
        raise UsageError(
            f"--keep: {keep} is less than the {settings.baseline.window} runs that a "
            "head is compared against",
            hint="keep more, or set baseline.window to less",
        )
    gone = project.open_store(settings).prune(keep=keep, dry_run=args.dry_run)
    for stored_id in gone:
        print(stored_id)
    what = "would be removed" if args.dry_run else "removed"
    print(f"{_runs(len(gone))} {what}, the newest {keep} of each environment stay")
    return ExitCode.PASSED


def _verify(args: argparse.Namespace) -> ExitCode:
    found = project.open_store(project.load(args.config)).verify()
    for problem in found.damaged:
        print(problem)
    damaged = f", {_runs(len(found.damaged))} damaged" if found.damaged else ""
    print(f"{_runs(found.fine)} fine{damaged}")
    return ExitCode.UNDECIDED if found.damaged else ExitCode.PASSED


def _runs(number: int) -> str:
    return f"{number} run" if number == 1 else f"{number} runs"


_ACTIONS = {
    "record": _record,
    "show": _show,
    "list": _list,
    "export": _export,
    "prune": _prune,
    "verify": _verify,
}
