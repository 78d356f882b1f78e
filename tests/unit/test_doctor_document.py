"""What ``benchgate doctor --format json`` prints, and the schema that it keeps."""

from __future__ import annotations

import json
from pathlib import Path

from benchgate.doctor import Diagnosis, Finding, Harm
from benchgate.documents import doctor

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "schemas" / "doctor.schema.json"


def test_a_diagnosis_is_written_whole() -> None:
    finding = Finding("x", Harm.BLURS, "what", "5 %", "why", "mend", ("a:1",), 0.5)

    raw = doctor.encode(Diagnosis((finding,), ("1 machine",), ("turbo",)))

    assert json.loads(raw) == {
        "schema": "benchgate-doctor/1",
        "findings": [
            {
                "id": "x",
                "harm": "blurs",
                "what": "what",
                "measured": "5 %",
                "why": "why",
                "mend": "mend",
                "places": ["a:1"],
            }
        ],
        "looked_at": ["1 machine"],
        "unknown": ["turbo"],
    }


def test_the_committed_schema_is_the_generated_one() -> None:
    assert SCHEMA_FILE.read_bytes() == doctor.json_schema()
