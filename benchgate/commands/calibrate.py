"""``benchgate calibrate``: how often the gate would have cried wolf on a history."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from benchgate import config
from benchgate.commands import flags, project
from benchgate.errors import BenchgateError, ExitCode, FormatError, UsageError

if TYPE_CHECKING:
    from benchgate.history import History
    from benchgate.history.calibration import Calibration

_SCHEMA = "benchgate-calibration/1"
_MOST_HEADS = 10
_LARGEST_SEED = (1 << 32) - 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``calibrate``."""
    parser.add_argument(
        "histories",
        nargs="*",
        metavar="HISTORY",
        help="a table of benchmarks in Parquet, CSV or JSON, or a folder of them; "
        "without any, the stored runs",
    )
    parser.add_argument(
        "--heads",
        type=int,
        default=1,
        metavar="K",
        help="how many runs of the head each pull request has (default: 1)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="draws the runs that are replayed where there are many (default: 0)",
    )
    parser.add_argument(
        "--apply",
        action="store_true",
        help="write policy.widen into benchgate.yml, and change nothing else there",
    )
    parser.add_argument(
        "--verbose",
        action="store_true",
        help="list every benchmark and every false alarm",
    )
    parser.add_argument(
        "--format",
        choices=("text", "json"),
        default="text",
        help="what standard output gets",
    )
    parser.add_argument("--config", metavar="FILE", help="instead of benchgate.yml")


def run(args: argparse.Namespace) -> ExitCode:
    """Replay each history, say what came of it, and write the setting if asked to."""
    _check(args)
    settings = project.load(args.config)
    made: list[Calibration] = []
    refused: list[str] = []
    for history in _histories(args.histories, settings):
        found = _calibrated(history, settings, args)
        if isinstance(found, str):
            refused.append(found)
        else:
            made.append(found)
    if not made:
        raise BenchgateError("; ".join(refused), hint=_way_out(args.histories))
    _print(made, refused, args)
    if args.apply:
        from benchgate.render.names import visible  # noqa: PLC0415 - if asked

        # Beside a document, standard output is no place for a sentence.
        file = sys.stderr if args.format == "json" else sys.stdout
        print(f"\n{visible(_apply(made, settings))}", file=file)
    return ExitCode.PASSED


def _way_out(names: Sequence[str]) -> str:
    """Return what to do where no history can be replayed."""
    more = (
        "name a longer history"
        if names
        else "record more runs of the default branch (`benchgate run`, then "
        "`benchgate baseline record`)"
    )
    return f"{more}; pairs, as `benchgate compare` measures them, need no history"


def _calibrated(
    history: History, settings: config.Config, args: argparse.Namespace
) -> Calibration | str:
    """Return the calibration, or the sentence that says why there is none."""
    from benchgate.history.calibration import (  # noqa: PLC0415 - heavy
        FEWEST_RUNS,
        calibrate,
    )

    runs = len(history.runs)
    if runs < FEWEST_RUNS:
        missing = FEWEST_RUNS - runs
        verb = "is" if missing == 1 else "are"
        return f"{history.name}: {runs} of {FEWEST_RUNS} runs, {missing} {verb} missing"
    found = calibrate(history, settings.policy, heads=args.heads, seed=args.seed)
    if not found.series:
        return f"{history.name}: none of its series is judged by stored runs"
    if not found.pull_requests:
        return (
            f"{history.name}: no benchmark stays the same for long enough in its "
            f"{found.recent} newest runs to call a failure false"
        )
    return found


def _check(args: argparse.Namespace) -> None:
    if not 1 <= args.heads <= _MOST_HEADS:
        raise UsageError(f"--heads: {args.heads} is not from 1 to {_MOST_HEADS}")
    if not 0 <= args.seed <= _LARGEST_SEED:
        raise UsageError(f"--seed: {args.seed} is not from 0 to {_LARGEST_SEED}")


def _histories(names: Sequence[str], settings: config.Config) -> Iterator[History]:
    """Yield the histories that were named, or that of the stored runs."""
    if names:
        from benchgate.history.tables import read_histories  # noqa: PLC0415 - heavy

        for name in names:
            yield from read_histories(name)
        return
    from benchgate.history.calibration import RECENT  # noqa: PLC0415 - heavy
    from benchgate.history.stored import history_of  # noqa: PLC0415 - heavy

    try:
        stored = project.stored_runs(settings, limit=RECENT)
    except UsageError as error:
        raise UsageError(
            f"{Path.cwd()}: is in no Git repository, so no runs are stored here",
            hint="name a table of benchmarks: `benchgate calibrate HISTORY`",
        ) from error
    runs = [measurement.head for measurement in reversed(stored)]
    yield history_of(runs, name="stored runs", renames=settings.renames)


def _print(
    made: Sequence[Calibration], refused: Sequence[str], args: argparse.Namespace
) -> None:
    if args.format == "json":
        print(_as_json(made, refused))
        return
    from benchgate.commands.calibration_text import lines_of  # noqa: PLC0415 - if asked
    from benchgate.render.names import sentence  # noqa: PLC0415 - if asked

    texts = ["\n".join(lines_of(found, verbose=args.verbose)) for found in made]
    texts += ["\n".join(f"left out: {sentence(why)}" for why in refused)] * bool(
        refused
    )
    print("\n\n".join(texts))


def _as_json(made: Sequence[Calibration], refused: Sequence[str]) -> str:
    import json  # noqa: PLC0415 - if asked
    from dataclasses import asdict  # noqa: PLC0415 - if asked

    document = {
        "schema": _SCHEMA,
        "calibrations": [asdict(found) for found in made],
        "left_out": list(refused),
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)


def _apply(made: Sequence[Calibration], settings: config.Config) -> str:
    """Write the widest of the factors, and return the sentence that says where."""
    widest = max(made, key=lambda found: found.widen)
    place = Path(settings.path) if settings.path else project.folder() / config.NAME
    if widest.widen == settings.policy.widen:
        return f"{place}: policy.widen is {widest.widen:.3g} already"
    today = datetime.fromtimestamp(time.time(), UTC).date()
    note = f"calibrated {today} on {widest.pull_requests} runs"
    raw = flags.read(str(place)) if settings.path else b""
    changed = config.with_widen(raw, widest.widen, note=note, name=str(place))
    _replace(place, changed)
    return f"{place}: policy.widen is now {widest.widen:.3g}"


def _replace(place: Path, raw: bytes) -> None:
    """Write the file whole or not at all, with the rights that it has."""
    target = Path(os.path.realpath(place))
    if target.is_symlink() or (place.exists() and not place.is_file()):
        # A device would become a file for everybody.
        problem = f"{place}: can't be written: is no file"
        raise FormatError(problem, hint="name a file with --config")
    draft = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        with draft.open("xb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, draft)
        draft.replace(target)
    except OSError as error:
        problem = f"{place}: can't be written: {error.strerror or error}"
        raise FormatError(problem, hint="check the disk and the permissions") from error
    finally:
        draft.unlink(missing_ok=True)
