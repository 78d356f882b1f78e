"""Numbers → SVG: a few shapes, axes and their ticks, as text.

Colours and text are of a middle tone, as a page may be light or dark and a picture
can't know which.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

# Each has a contrast above 4 to white and to the darkest background of GitHub.
INK = "#737a82"
BASE = "#2f7fd0"
HEAD = "#c4651c"
PAIR = "#8763d6"
FOUND = "#24894f"
COLOURS = (INK, BASE, HEAD, PAIR, FOUND)
_FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
WIDTH = 860


@dataclass(frozen=True, slots=True)
class Axis:
    """A stretch of numbers, *low* to *high*, on a stretch of pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the pixel of *value*."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def holds(self, value: float) -> bool:
        """Say whether *value* lies on the axis."""
        return self.low <= value <= self.high


def tag(name: str, *content: str, **attributes: float | str) -> str:
    """Return an element; an underscore in a name of an attribute is a hyphen."""
    said = "".join(
        f' {key.replace("_", "-")}="{_number(value)}"'
        for key, value in attributes.items()
    )
    inside = "".join(content)
    return f"<{name}{said}>{inside}</{name}>" if inside else f"<{name}{said}/>"


def _number(value: float | str) -> str:
    if isinstance(value, str):
        return escape(value, {'"': "&quot;"})
    # Plus nought, so that a minus nought is none.
    return f"{round(value, 2) + 0:g}"


def document(title: str, description: str, *, height: float, parts: list[str]) -> str:
    """Return the picture; *description* is for who hears it instead of seeing it."""
    inside = [
        tag("title", escape(title), id="title"),
        tag("desc", escape(description), id="desc"),
        *parts,
    ]
    picture = tag(
        "svg",
        "\n",
        *(part + "\n" for part in inside),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {height:g}",
        width=WIDTH,
        height=height,
        role="img",
        aria_labelledby="title desc",
        font_family=_FONT,
        font_size=13,
        fill=INK,
    )
    return picture + "\n"


def text(x: float, y: float, said: str, **attributes: float | str) -> str:
    """Return a text on one line; *y* is where its letters stand."""
    return tag("text", escape(said), x=x, y=y, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, **attributes: float | str) -> str:
    """Return a straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, **{"stroke": INK, **attributes})


def shape(points: Sequence[tuple[float, float]], **attributes: float | str) -> str:
    """Return the area between *points*."""
    return tag("polygon", points=_places(points), **attributes)


def path(points: Sequence[tuple[float, float]]) -> str:
    """Return the line from point to point."""
    return tag(
        "polyline", points=_places(points), fill="none", stroke=INK, stroke_width=1.5
    )


def _places(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)


def box(x: Axis, y: Axis, **attributes: float | str) -> str:
    """Return the rectangle that both axes span."""
    left, top = min(x.start, x.end), min(y.start, y.end)
    width, height = abs(x.end - x.start), abs(y.end - y.start)
    return tag("rect", x=left, y=top, width=width, height=height, **attributes)


def dot(x: float, y: float, *, weight: float = 1.0, colour: str = BASE) -> str:
    """Return a dot, the larger and the more solid the more it weighs, 0 to 1."""
    return tag(
        "circle", cx=x, cy=y, r=_radius(weight), fill=colour, opacity=opacity(weight)
    )


def diamond(x: float, y: float, *, weight: float = 1.0, colour: str = HEAD) -> str:
    """Return the same as a diamond, for who can't tell the colours."""
    r = 1.3 * _radius(weight)
    corners = [(x, y - r), (x + r, y), (x, y + r), (x - r, y)]
    return shape(corners, fill=colour, opacity=opacity(weight))


def _radius(weight: float) -> float:
    return 2.5 + 2 * weight


def opacity(weight: float) -> float:
    """Return how solid a mark is: the faintest can still be seen."""
    return 0.55 + 0.45 * weight


def up_ticks(y: Axis, x: float, ticks: dict[float, str]) -> Iterator[str]:
    """Yield the labels of an axis that goes up, left of the pixel *x*."""
    for value, label in ticks.items():
        yield line(x - 4, y(value), x, y(value))
        yield text(x - 8, y(value) + 4.5, label, text_anchor="end")


def along_ticks(x: Axis, y: float, ticks: dict[float, str]) -> Iterator[str]:
    """Yield the labels of an axis that goes to the right, below the pixel *y*."""
    for value, label in ticks.items():
        yield line(x(value), y, x(value), y + 4)
        yield text(x(value), y + 18, label, text_anchor="middle")


def percent_ticks(*percents: float) -> dict[float, str]:
    """Return labels of changes, at their logarithms."""
    return {
        math.log1p(p / 100): f"{p:+g} %".replace("-", "−") if p else "0"
        for p in percents
    }


def percent(theta: float, digits: int = 1) -> str:
    """Return the change whose logarithm is *theta*, with its sign."""
    return f"{100 * math.expm1(theta):+.{digits}f} %".replace("-", "−")
