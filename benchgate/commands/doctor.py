"""``benchgate doctor``: what will hurt a comparison here, and what mends it.

Judges nothing, so what it finds never changes its exit code.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchgate.commands import project
from benchgate.errors import ExitCode, FormatError, UsageError

if TYPE_CHECKING:
    from benchgate.config import Config
    from benchgate.doctor import Diagnosis, Drawings, Facts

_FORMATS = ("text", "json")
_LAYOUTS = 10
# Fewer tell next to nothing of a spread; more lie on the disk all at once.
_FEWEST_LAYOUTS = 5
_MOST_LAYOUTS = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``doctor``."""
    parser.add_argument(
        "--layouts",
        nargs="?",
        type=int,
        const=_LAYOUTS,
        metavar="N",
        help="build the criterion benches, run them in N layouts of the same code, and "
        f"say how much of a time is the luck of one (default: {_LAYOUTS})",
    )
    parser.add_argument("--config", metavar="FILE", help="instead of benchgate.yml")
    parser.add_argument(
        "--format",
        choices=_FORMATS,
        default=_FORMATS[0],
        help="what is printed on standard output (default: text)",
    )


def run(args: argparse.Namespace) -> ExitCode:
    """Look at the machine and the benches, and print what hurts."""
    from benchgate.commands.console import console  # noqa: PLC0415 - --help is quick
    from benchgate.doctor import examine  # noqa: PLC0415 - as above
    from benchgate.documents import doctor as document  # noqa: PLC0415 - as above
    from benchgate.render.doctor import print_diagnosis  # noqa: PLC0415 - as above

    _check(args.layouts)
    settings = project.load(args.config)
    folder = project.folder()
    facts = _facts(folder, settings)
    if args.layouts:
        drawings = _drawings(folder, settings, number=args.layouts)
        facts = replace(facts, drawings=drawings)
    diagnosis = examine(facts)
    if args.format == "json":
        print(document.encode(_in_utf8(diagnosis)).decode(), end="")
    else:
        print_diagnosis(diagnosis, console=console())
    return ExitCode.PASSED


def _in_utf8(diagnosis: Diagnosis) -> Diagnosis:
    """Return *diagnosis* with what is no UTF-8 in names of files written out."""

    def text(name: str) -> str:
        return name.encode("utf-8", "backslashreplace").decode()

    return replace(
        diagnosis,
        findings=tuple(
            replace(
                found,
                what=text(found.what),
                measured=text(found.measured),
                mend=text(found.mend),
                places=tuple(map(text, found.places)),
            )
            for found in diagnosis.findings
        ),
        unknown=tuple(map(text, diagnosis.unknown)),
        luck=diagnosis.luck
        and replace(diagnosis.luck, left_out=tuple(map(text, diagnosis.luck.left_out))),
    )


def _check(layouts: int | None) -> None:
    if layouts is None or _FEWEST_LAYOUTS <= layouts <= _MOST_LAYOUTS:
        return
    raise UsageError(
        f"--layouts: {layouts} is not between {_FEWEST_LAYOUTS} and {_MOST_LAYOUTS}",
        hint=f"leave the number out for {_LAYOUTS} layouts",
    )


def _drawings(folder: Path, settings: Config, *, number: int) -> Drawings:
    from benchgate.commands.console import Progress  # noqa: PLC0415 - --help is quick
    from benchgate.measure.spread import measure_drawings  # noqa: PLC0415 - as above

    # What the last comparison left is looked at, and stays.
    with project.work_folder(folder, emptied=False) as work, Progress() as progress:
        return measure_drawings(
            folder, settings, number=number, work=work, progress=progress
        )


def _facts(folder: Path, settings: Config) -> Facts:
    from benchgate.doctor import Facts  # noqa: PLC0415 - --help is quick
    from benchgate.measure import (  # noqa: PLC0415 - as above
        benches,
        checkup,
        machine,
        scripts,
        selection,
    )
    from benchgate.model import Kind  # noqa: PLC0415 - as above

    suites, _ = selection.measurable(settings)
    unknown = []
    try:
        seen = benches.seen(folder)
    except (FormatError, OSError) as error:
        seen = benches.Seen((), {})
        reason = error.problem if isinstance(error, FormatError) else str(error)
        unknown.append(f"what was measured before ({reason})")
    repository = checkup.repository(folder)
    # Outside of any project, all below may be somebody's whole disk.
    is_project = repository.inside or settings.path or (folder / "Cargo.toml").is_file()
    packages = benches.packages(folder, suites) if is_project else ()
    unread = benches.unread(folder, suites) if is_project else ()
    unknown += [f"what {name} says (`cargo metadata` tells why)" for name in unread]
    versions = {benches.criterion_version(p, folder=folder) for p in packages}
    return Facts(
        machine=machine.machine(folder),
        repository=repository,
        tools=checkup.tools(folder, suites),
        benches=tuple(b for p in packages for b in p.benches),
        criterion=tuple(sorted(v for v in versions if v)),
        settings=tuple(
            dict.fromkeys(
                s for p in packages for s in benches.settings(p, folder=folder)
            )
        ),
        spots=tuple(s for p in packages for s in benches.spots(p, folder=folder)),
        bodies=seen.bodies,
        loads=tuple(
            scripts.load(suite, folder, requests=seen.requests.get(suite.name, ()))
            for suite in suites
            if suite.tool == "k6"
        ),
        slice=settings.measure.slice,
        rounds=settings.measure.looks[-1],
        budget=settings.measure.budget,
        margin=settings.policy.margins[Kind.TIME],
        drawings=None,
        unknown=tuple(unknown),
    )
