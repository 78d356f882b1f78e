"""What ``benchgate doctor --format json`` prints, and the schema that it keeps."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from benchgate.doctor import Diagnosis, Finding, Harm, Luck, Sway
from benchgate.documents import doctor

SHARES = ("between", "within", "lowest", "highest", "as_built", "by_hand")
SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "schemas" / "doctor.schema.json"


def test_a_diagnosis_is_written_whole() -> None:
    finding = Finding("x", Harm.BLURS, "what", "5 %", "why", "mend", ("a:1",), 0.5)

    raw = doctor.encode(Diagnosis((finding,), ("1 machine",), ("turbo",), None))

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
        "luck": None,
    }


def test_the_luck_in_a_layout_is_written_whole() -> None:
    shares = dict(zip(SHARES, (0.02, 0.01, -0.03, 0.04, 0.05, 0.06), strict=True))
    far = Sway("micro", "far", "far", **shares, clear=True)
    near = replace(far, benchmark="near")
    luck = Luck(10, (far, near), (far,), (near,), 0.02, ("the budget",))

    raw = doctor.encode(Diagnosis((), (), (), luck))

    named = {"suite": "micro", **shares, "clear": True}
    assert json.loads(raw)["luck"] == {
        "layouts": 10,
        "benchmarks": [
            {**named, "benchmark": "far", "sensitive": True},
            {**named, "benchmark": "near", "sensitive": False},
        ],
        "margin": 0.02,
        "left_out": ["the budget"],
    }


def test_the_committed_schema_is_the_generated_one() -> None:
    assert SCHEMA_FILE.read_bytes() == doctor.json_schema()
