"""``benchgate.accepted.yml`` → the regressions that the team wants, strictly.

An entry names one series exactly and says how much it may slow down, why, who answers
for it and until when; none of these can be left out.
"""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from benchgate import shapes
from benchgate.acceptance import FILE
from benchgate.model import Acceptance, Accepted, SeriesKey
from benchgate.shapes import (
    ANY_SHARE,
    NUMBERS,
    TEXT,
    WORDS,
    WRITTEN,
    Json,
    Key,
    Many,
    Place,
    Record,
    Scalar,
)
from benchgate.units import parse_share

# Half a year: long enough to mend it, too short to be forgotten.
MOST_DAYS = 180
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"


PLACES = shapes.places(FILE)
"""Where in a repository the acceptances may be."""


def find(root: Path) -> Path | None:
    """Return the acceptances of the repository at *root*, None without any.

    They are looked for where ``benchgate.yml`` is. Raises ConfigError when two files
    claim to be it, or one is misspelt.
    """
    return shapes.find(root, FILE)


def load(path: Path, *, today: str) -> tuple[Accepted, ...]:
    """Return the entries in the file *path*; raises ConfigError."""
    return decode(shapes.read(path), name=str(path), today=today)


def decode(raw: bytes, *, name: str, today: str) -> tuple[Accepted, ...]:
    """Return the entries written in *raw*, in their order; nothing written is none.

    *today* is an ISO date. Errors are ConfigError and begin ``name:line: key:``.
    """
    root = shapes.compose(raw, name=name)
    if root is None:
        return ()
    place = Place(name, "")
    found = _entries(today).read(root, place)
    first: dict[SeriesKey, int] = {}
    for index, entry in enumerate(found):
        if entry.key in first:
            raise place.item(index).error(
                root.value[index],
                f"accepts the same series as [{first[entry.key]}]",
                hint="keep one of the two",
            )
        first[entry.key] = index
    return found


def schema() -> Json:
    """Return the JSON Schema of ``benchgate.accepted.yml``, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": FILE,
        "description": "The regressions that the team wants, each up to a ceiling.",
        **_entries("").schema(),
    }


def schema_text() -> str:
    """Return the committed form of the schema, in ``docs/schemas``."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _entries(today: str) -> Many[Accepted]:
    """Return the shape of the whole file on the day *today*."""
    return Many(
        Record(
            _accepted,
            {
                "suite": Key(TEXT, "the suite, as the report names it", required=True),
                "benchmark": Key(TEXT, "the benchmark, exactly", required=True),
                "metric": Key(TEXT, "the metric, such as time or p95", required=True),
                "max_slowdown": Key(_CEILING, "the largest slowdown", required=True),
                "reason": Key(
                    _told("say why the team wants this"),
                    "why the team wants this",
                    required=True,
                ),
                "owner": Key(
                    _told("name who answers for it"),
                    "who answers for it",
                    required=True,
                ),
                "expires": Key(
                    _day(today), "the last day on which it holds", required=True
                ),
            },
        )
    )


def _accepted(
    *,
    suite: str,
    benchmark: str,
    metric: str,
    max_slowdown: float,
    reason: str,
    owner: str,
    expires: str,
) -> Accepted:
    return Accepted(
        SeriesKey(suite, benchmark, metric),
        Acceptance(reason, owner, max_slowdown, expires),
    )


def _told(wanted: str) -> Scalar[str]:
    """Return the shape of a text that somebody has to write: *wanted* says what."""

    def parse(text: str) -> str:
        if not text.strip():
            raise ValueError(f"is empty: {wanted}")
        return shapes.usable(text)

    return Scalar("text", parse, WRITTEN, free=True)


def _day(today: str) -> Scalar[str]:
    """Return the shape of a date that is at most half a year after *today*."""
    return Scalar(
        "a date such as 2027-03-31",
        partial(_date, latest=_latest(today)),
        {"type": "string", "pattern": f"^{_DATE}$"},
        WORDS | {"timestamp"},
    )


def _latest(today: str) -> str:
    if not today:
        return ""
    return (date.fromisoformat(today) + timedelta(days=MOST_DAYS)).isoformat()


def _date(text: str, *, latest: str) -> str:
    """Return the ISO date *text*, which isn't after *latest*, "" for any."""
    if not text:
        raise ValueError("is empty: write the last day on which it holds")
    if not _is_date(text):
        raise ValueError(f"{text!r} is not a date such as 2027-03-31")
    if latest and text > latest:
        raise ValueError(
            f"{text} is more than {MOST_DAYS} days ahead: {latest} is the last"
        )
    return text


def _is_date(text: str) -> bool:
    """Say whether *text* is a day of the calendar, written as year, month and day."""
    if not re.fullmatch(_DATE, text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _above_zero(text: str) -> float:
    ceiling = parse_share(text)
    if not ceiling:
        raise ValueError(f"{text} accepts nothing: it must be above zero")
    return ceiling


_CEILING = Scalar(
    "a percentage such as 12%", _above_zero, ANY_SHARE.json, WORDS | NUMBERS
)
