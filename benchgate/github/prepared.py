"""What was settled with the token, for the process that may not have it.

Whoever runs foreign code shares a user with it, who can read the environment of all
his processes. So what needs the token is done first, by a process that ends; this is
what it leaves behind.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from benchgate.errors import FormatError

NAME = "prepared.json"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is measured, and compared with what.

    ``base`` is a commit that is here, or empty with the ``reason`` why there is none;
    ``ref`` is how the reader knows it. ``trial`` compares a commit with
    itself, which fails no job.
    ``recorded`` is true where the default branch is measured, so that the head is
    measured alone as well.
    ``allowed`` names the label that lets a slower head pass, where it is set.
    """

    base: str
    ref: str
    reason: str = ""
    trial: bool = False
    recorded: bool = False
    allowed: str = ""


def encode(prepared: Prepared) -> bytes:
    """Return *prepared* as JSON."""
    return msgspec.json.encode(prepared)


def decode(raw: bytes, *, name: str) -> Prepared:
    """Return what ``encode`` wrote; raises FormatError."""
    try:
        return msgspec.json.decode(raw, type=Prepared)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        problem = f"{name}: it is not what `benchgate gate prepare` wrote: {error}"
        raise FormatError(problem, hint="run `benchgate gate prepare` first") from error
