"""The page of the doctor names every finding, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from benchgate.doctor import Harm, Smell

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
# An id stands in front of its harm, wherever a finding is made.
IDS = re.findall(
    r'f?"([a-z0-9{}._-]+)",\n\s+Harm\.', (ROOT / "benchgate" / "doctor.py").read_text()
)
TOOLS = {"cargo", "cargo-criterion", "git", "k6"}


def ids_of_the_code() -> set[str]:
    plain = {name for name in IDS if "{" not in name}
    missing = {f"no-{tool}" for tool in TOOLS}
    return {*plain, *missing, "old-k6", "old-cargo-criterion", *Smell}


def test_every_finding_is_on_the_page_and_no_other() -> None:
    cells = re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
    listed = [name for cell in cells for name in re.findall(r"`([a-z0-9-]+)`", cell)]

    assert sorted(listed) == sorted(ids_of_the_code())


def test_the_page_explains_every_harm() -> None:
    rows = re.findall(r"^\| (\w+) \|", PAGE, re.MULTILINE)

    assert [row for row in rows if row in list(Harm)] == list(Harm)


def test_the_output_on_the_page_names_no_place_on_a_machine() -> None:
    assert not re.search(r"/(work|root|home|tmp)/", PAGE)
