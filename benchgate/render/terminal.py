"""Report → lines on a terminal: colours and width where there are any, else plain.

Piped output depends on nobody's terminal, so it can be compared, searched and kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from benchgate.model import Outcome, Report
from benchgate.render.names import Name, Phrase, shown, visible
from benchgate.render.rows import Row
from benchgate.render.text import Listing, View, view_of

if TYPE_CHECKING:
    from rich.console import Console

_STYLE: Mapping[str, str] = {
    "passed": "bold green",
    "undecided": "bold yellow",
    "regressed": "bold red",
    "accepted": "yellow",
    "improved": "green",
    "inconclusive": "yellow",
    "unchanged": "dim",
}
# More open series than this are counted, and so are the lines of any list.
_MANY = 5
_GAP = "  "
_DEEPER = 2
_NUMBERS = frozenset({1, 2, 3, 6})

Line = tuple[int, Text]
"""A line with how far it is indented."""


def print_report(report: Report, *, console: Console, verbose: bool = False) -> None:
    """Print *report* on *console*; *verbose* lists what is otherwise counted."""
    width = console.width if console.is_terminal else None
    for indent, line in _lines(view_of(report), width=width, verbose=verbose):
        parts = line.wrap(console, max(width - indent, 1)) if width else [line]
        for part in parts or [line]:
            part.rstrip()
            text = Text(" " * indent if part else "").append_text(part)
            console.print(text, soft_wrap=True)


def _lines(view: View, *, width: int | None, verbose: bool) -> Iterator[Line]:
    yield 0, Text(view.headline, _STYLE[view.outcome.value])
    if view.outcome is Outcome.PASSED:
        yield 0, _spaced((_text((view.action,)), _text(view.power)), " ")
    else:
        yield 0, _text((view.action,), "bold")
        yield 0, _text(view.power)
    if view.is_quiet and not verbose:
        return
    for reason in view.reasons:
        yield _DEEPER, _text((reason,))
    yield from _table(
        _listed_rows(view, verbose=verbose), view, width=width, verbose=verbose
    )
    yield from _counted(view, verbose=verbose)
    yield from _failures(view)
    others = (view.removed, view.added, view.differences, view.notes, view.left_out)
    for listing in others:
        yield from _listing(listing, verbose=verbose)
    yield 0, Text()
    closing = (view.settled,), (view.error_control,), (view.cost,)
    for phrase in (view.subject, *closing, view.reproduce):
        if any(phrase):
            yield 0, _text(phrase, "dim")


def _listed_rows(view: View, *, verbose: bool) -> list[Row]:
    rows = [*view.moved, *view.accepted.rows]
    if verbose or len(view.inconclusive.rows) <= _MANY:
        rows += view.inconclusive.rows
    if verbose:
        rows += view.unchanged.rows
    return rows


def _table(
    rows: Sequence[Row], view: View, *, width: int | None, verbose: bool
) -> Iterator[Line]:
    """Yield one line a row, or a few short ones where that is too wide."""
    if not rows:
        return
    yield 0, Text()
    names = ("", "base", "head", "slowdown", view.confidence, "verdict")
    last = ("evidence",) if verbose else ()
    headings = [Text(name, "dim") for name in (*names, "could have seen", *last)]
    table = [
        [*_cells(row), *([Text(row.evidence, "dim")] if verbose else [])]
        for row in rows
    ]
    widths = [
        max(cell_len(cell.plain) for cell in column)
        for column in zip(headings, *table, strict=True)
    ]
    wide = width is None or sum(widths) + len(_GAP) * (len(widths) - 1) <= width
    if wide:
        yield 0, _aligned(headings, widths)
    for row, cells in zip(rows, table, strict=True):
        yield from ((0, _aligned(cells, widths)),) if wide else _stacked(cells)
        yield from _remarks(row)


def _cells(row: Row) -> list[Text]:
    style = _STYLE[row.word]
    slowdown = row.slowdown if row.interval else ("",)
    return [
        _label(row),
        Text(row.base),
        Text(row.head),
        _text(slowdown, style),
        Text(row.bounds),
        Text(row.word, style),
        Text(row.detectable),
    ]


def _label(row: Row) -> Text:
    return _text(row.label).append(row.marks, "dim")


def _aligned(cells: Sequence[Text], widths: Sequence[int]) -> Text:
    padded = []
    for n, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        space = " " * (width - cell_len(cell.plain))
        padded.append(Text(space) + cell if n in _NUMBERS else cell + Text(space))
    return Text(_GAP).join(padded)


def _stacked(cells: Sequence[Text]) -> Iterator[Line]:
    label, base, head, slowdown, bounds, word, detectable, *evidence = cells
    yield 0, _spaced((word, label))
    values = Text(" → ").join(side for side in (base, head) if side)
    if slowdown:
        yield _DEEPER, _spaced((slowdown, bounds, values))
        yield _DEEPER, Text("could have seen ", "dim").append_text(detectable)
        for text in evidence:
            yield _DEEPER, text


def _spaced(texts: Iterable[Text], gap: str = _GAP) -> Text:
    return Text(gap).join(text for text in texts if text)


def _remarks(row: Row) -> Iterator[Line]:
    for phrase in (() if row.interval else row.slowdown, row.remark):
        if phrase:
            yield _DEEPER, _text(phrase, "dim")


def _counted(view: View, *, verbose: bool) -> Iterator[Line]:
    """Yield a line for what is not in the table, with what could have been seen."""
    if verbose:
        return
    many = len(view.inconclusive.rows) > _MANY
    counted = [view.inconclusive] if many else []
    counted += [view.unchanged] if view.unchanged.rows else []
    if counted:
        yield 0, Text()
    for table in counted:
        said = _text((f"{table.summary}.",))
        if table is view.inconclusive and table.power:
            said = said.append(" ").append_text(_text(table.power))
        yield 0, said


def _failures(view: View) -> Iterator[Line]:
    if not view.broken:
        return
    yield 0, Text()
    yield 0, Text(f"{view.broken_summary}:", "bold")
    for broken in view.broken:
        yield _DEEPER, _text((*broken.what, ": ", broken.reason))
        for line in broken.detail:
            yield 2 * _DEEPER, Text(line, "dim")


def _listing(listing: Listing, *, verbose: bool) -> Iterator[Line]:
    if not listing.lines:
        return
    lines = listing.lines if verbose else listing.lines[:_MANY]
    more = len(listing.lines) - len(lines)
    yield 0, Text()
    yield 0, Text(f"{listing.summary}:", "bold")
    for line in lines:
        yield _DEEPER, _text(line)
    if more:
        yield _DEEPER, Text(f"and {more} more", "dim")


def _text(phrase: Phrase, style: str = "") -> Text:
    """Return *phrase* with nothing in it that a terminal would obey."""
    parts = (shown(p) if isinstance(p, Name) else visible(p) for p in phrase)
    return Text("".join(parts), style)
