"""A diagnosis → the document that ``benchgate doctor --format json`` prints."""

from __future__ import annotations

import msgspec

from benchgate import doctor
from benchgate.documents import wire

SCHEMA = "benchgate-doctor/1"


class _Wire(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A part of the document: no key may be missing, none may be unknown."""


class Finding(_Wire, frozen=True):
    """Something that hurts: what, the value that shows it, why, and what mends it.

    ``places`` are files from the folder that was looked at, with their lines.
    """

    id: str
    harm: doctor.Harm
    what: str
    measured: str
    why: str
    mend: str
    places: tuple[str, ...]


class Sway(_Wire, frozen=True):
    """How far a layout moves the time of one benchmark, in shares.

    ``between`` layouts and ``within`` one are standard deviations; ``lowest``,
    ``highest`` and ``as_built`` are relative to the mean of the layouts.
    It is ``clear`` where noise alone doesn't look like it. ``by_hand`` is what two
    builds of the same code differ by at most, but for one pair in twenty; where nothing
    is clear, noise is in it. ``sensitive`` is what clearly is above the margin there.
    """

    suite: str
    benchmark: str
    between: float
    within: float
    lowest: float
    highest: float
    as_built: float
    by_hand: float
    clear: bool
    sensitive: bool


class Luck(_Wire, frozen=True):
    """What so many layouts do to the benchmarks, what clearly sways most first.

    ``left_out`` says in a sentence each what was not run, and why.
    """

    layouts: int
    benchmarks: tuple[Sway, ...]
    margin: float
    left_out: tuple[str, ...]


class Document(_Wire, frozen=True, tag_field="schema", tag=SCHEMA):
    """What was found, the most harmful first; ``unknown`` could not be looked at.

    ``luck`` is null without ``--layouts``.
    """

    findings: tuple[Finding, ...]
    looked_at: tuple[str, ...]
    unknown: tuple[str, ...]
    luck: Luck | None


def encode(diagnosis: doctor.Diagnosis) -> bytes:
    """Return *diagnosis* as an indented document that ends with a newline."""
    document = Document(
        findings=tuple(
            Finding(f.id, f.harm, f.what, f.measured, f.why, f.mend, f.places)
            for f in diagnosis.findings
        ),
        looked_at=diagnosis.looked_at,
        unknown=diagnosis.unknown,
        luck=_luck(diagnosis.luck) if diagnosis.luck else None,
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _luck(luck: doctor.Luck) -> Luck:
    return Luck(
        luck.number,
        tuple(
            Sway(
                suite=sway.suite,
                benchmark=sway.benchmark,
                between=sway.between,
                within=sway.within,
                lowest=sway.lowest,
                highest=sway.highest,
                as_built=sway.as_built,
                by_hand=sway.by_hand,
                clear=sway.clear,
                sensitive=sway in luck.sensitive,
            )
            for sway in luck.sways
        ),
        luck.margin,
        luck.left_out,
    )


def json_schema() -> bytes:
    """Return the JSON Schema of the document, as kept in ``docs/schemas/``."""
    return wire.json_schema(Document, title=SCHEMA)
