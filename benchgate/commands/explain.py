"""``benchgate explain``: the documentation of a verdict, an outcome or an exit code.

Nothing is written twice: what is printed are the sections of two pages of ``docs/``
whose headings name their ids as code, and which travel in the wheel.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchgate.errors import ExitCode, UsageError

_PACKAGE = Path(__file__).parents[1]
_IN_WHEEL = _PACKAGE / "docs"
# Never both: beside an installed package, "docs" is a stranger's.
DOCS = _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parent / "docs"
PAGES = ("method.md", "exit-codes.md")

_HEADING = re.compile(r"^(#+) (.*)$", re.MULTILINE)
_ID = re.compile(r"`([^`]+)`")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the argument of ``explain``."""
    parser.add_argument(
        "id",
        nargs="?",
        metavar="ID",
        help="a verdict, an outcome or an exit code; without one, all are listed",
    )


def run(args: argparse.Namespace) -> ExitCode:
    """Print what the documentation says of the id, or all ids."""
    sections = sections_by_id()
    if args.id is None:
        print("\n".join(sections))
        return ExitCode.PASSED
    if args.id not in sections:
        import difflib  # noqa: PLC0415 - only for a mistake

        near = difflib.get_close_matches(args.id.lower(), sections, n=1)
        raise UsageError(
            f"{args.id}: nothing is called that",
            hint=f"did you mean `benchgate explain {near[0]}`?"
            if near
            else "list what there is with `benchgate explain`",
        )
    print("\n\n".join(sections[args.id]))
    return ExitCode.PASSED


def sections_by_id() -> Mapping[str, list[str]]:
    """Return the sections that explain each id: a word may be a verdict and more."""
    found: dict[str, list[str]] = {}
    for page in PAGES:
        for heading, text in _sections((DOCS / page).read_text(encoding="utf-8")):
            for name in _ID.findall(heading):
                found.setdefault(name, []).append(text)
    return found


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """Yield each heading with all up to the next one that is as high."""
    headings = list(_HEADING.finditer(text))
    for index, heading in enumerate(headings):
        level = len(heading[1])
        ends = (h.start() for h in headings[index + 1 :] if len(h[1]) <= level)
        yield heading[2], text[heading.start() : next(ends, len(text))].strip()
