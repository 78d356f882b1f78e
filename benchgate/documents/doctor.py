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


class Document(_Wire, frozen=True, tag_field="schema", tag=SCHEMA):
    """What was found, the most harmful first; ``unknown`` could not be looked at."""

    findings: tuple[Finding, ...]
    looked_at: tuple[str, ...]
    unknown: tuple[str, ...]


def encode(diagnosis: doctor.Diagnosis) -> bytes:
    """Return *diagnosis* as an indented document that ends with a newline."""
    document = Document(
        findings=tuple(
            Finding(f.id, f.harm, f.what, f.measured, f.why, f.mend, f.places)
            for f in diagnosis.findings
        ),
        looked_at=diagnosis.looked_at,
        unknown=diagnosis.unknown,
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def json_schema() -> bytes:
    """Return the JSON Schema of the document, as kept in ``docs/schemas/``."""
    return wire.json_schema(Document, title=SCHEMA)
