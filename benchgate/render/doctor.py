"""A diagnosis → lines on a terminal, the most harmful finding first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from benchgate.doctor import Diagnosis, Finding, Harm, Luck, Sway
from benchgate.render.names import sentence, shown, visible
from benchgate.units import format_change, format_share

if TYPE_CHECKING:
    from rich.console import Console

_STYLE = {
    Harm.STOPS: "bold red",
    Harm.MISLEADS: "red",
    Harm.BLURS: "yellow",
    Harm.COSTS: "cyan",
}
_MEANING = {
    Harm.STOPS: "can't be measured",
    Harm.MISLEADS: "the numbers say something else",
    Harm.BLURS: "small changes drown in noise",
    Harm.COSTS: "it takes longer, or says less",
}
_SHOWN_PLACES = 5
_INDENT = "   "
_GAP = "  "


def print_diagnosis(diagnosis: Diagnosis, *, console: Console) -> None:
    """Print *diagnosis* on *console*, wrapped where that is a terminal."""
    width = console.width if console.is_terminal else None
    for indent, text in _lines(diagnosis):
        lines = text.wrap(console, max(width - len(indent), 20)) if width else [text]
        for line in lines or [text]:
            line.rstrip()
            console.print(Text(indent).append_text(line), soft_wrap=True)


def _lines(diagnosis: Diagnosis) -> Iterator[tuple[str, Text]]:
    yield "", Text(_headline(diagnosis), "bold")
    for number, finding in enumerate(diagnosis.findings, start=1):
        yield "", Text()
        head = Text(f"{number}. {visible(finding.what)}  ", "bold")
        yield "", head.append(finding.harm.value, _STYLE[finding.harm])
        yield from ((_INDENT, line) for line in _of(finding))
    if diagnosis.luck:
        yield "", Text()
        yield from (("", line) for line in _of_luck(diagnosis.luck))
    yield "", Text()
    yield "", Text(f"Looked at {_and(diagnosis.looked_at)}.", "dim")
    if diagnosis.unknown:
        unknown = visible(_and(diagnosis.unknown))
        yield "", Text(f"Not told here: {unknown}.", "dim")
    harms = dict.fromkeys(f.harm for f in diagnosis.findings)
    if harms:
        meanings = "; ".join(f"{harm}: {_MEANING[harm]}" for harm in harms)
        yield "", Text(f"{meanings}.", "dim")


def _headline(diagnosis: Diagnosis) -> str:
    number = len(diagnosis.findings)
    if not number:
        return "Nothing that would hurt was found."
    if number == 1:
        return "1 finding"
    return f"{number} findings, the most harmful first"


def _of(finding: Finding) -> Iterator[Text]:
    yield Text(f"{visible(finding.measured)}", "default")
    yield Text("why   ", "dim").append(visible(finding.why), "default")
    yield Text("mend  ", "dim").append(visible(finding.mend), "default")
    places = finding.places[:_SHOWN_PLACES]
    more = len(finding.places) - len(places)
    if places:
        rest = f" and {more} more" if more else ""
        yield Text("at    ", "dim").append(visible(", ".join(places)) + rest, "default")


def _of_luck(luck: Luck) -> Iterator[Text]:
    if luck.sways:
        layouts = f"{luck.number} layouts of the same code, the most different first:"
        yield Text(layouts, "bold")
        yield Text()
        yield from _table(luck)
    if luck.sways and not luck.sensitive and not luck.open:
        yield Text()
        yield Text(
            "None of these is sensitive to its layout: two builds of the same code "
            f"differ by no more than the margin of {format_share(luck.margin)}."
        )
    if luck.open:
        yield Text()
        yield Text(
            f"Of {len(luck.open)} it can't be told: slices of one layout differ as "
            "much. Try again when the machine is quieter."
        )
    if luck.sways and luck.left_out:
        yield Text()
    yield from (Text(f"Left out: {sentence(text)}") for text in luck.left_out)


def _table(luck: Luck) -> Iterator[Text]:
    """Yield the heading and a line for each benchmark; numbers end below each other."""
    headings = (
        "",
        "between layouts",
        "range",
        "as built",
        "within one",
        "two builds",
    )
    rows = [headings, *(_cells(s, is_open=s in luck.open) for s in luck.sways)]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    styles = ["dim", *("" if s in luck.sensitive else "dim" for s in luck.sways)]
    for row, style in zip(rows, styles, strict=True):
        name, *numbers = (
            (cell, " " * (width - cell_len(cell)))
            for cell, width in zip(row, widths, strict=True)
        )
        cells = ["".join(name), *(space + cell for cell, space in numbers)]
        yield Text(_GAP.join(cells), style)


def _cells(sway: Sway, *, is_open: bool) -> tuple[str, ...]:
    return (
        shown(sway.name),
        f"± {format_share(sway.between)}",
        f"{format_change(sway.lowest)} to {format_change(sway.highest)}",
        format_change(sway.as_built),
        f"± {format_share(sway.within)}",
        "not clear" if is_open else f"up to {format_share(sway.by_hand)}",
    )


def _and(parts: tuple[str, ...]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
