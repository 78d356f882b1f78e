"""The load tests of the trust page: how they are made, and that the page is right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchgate.model import Measurement, Sample, SeriesKey
from scripts.trust import load, page

ROOT = Path(__file__).parents[3]
P10 = SeriesKey("load", "GET /search", "p10")


@pytest.fixture(scope="module")
def recorded() -> Measurement:
    (found,) = load.recorded_loads(ROOT / "examples" / "recordings" / "trust")
    return found


def values(measurement: Measurement, side: str) -> list[float]:
    run = getattr(measurement, side)
    readings = [one.samples[P10] for one in run.rounds]
    return [r.values[0] for r in readings if isinstance(r, Sample)]


def test_exchanging_sides_keeps_every_pair(recorded: Measurement) -> None:
    made = load.exchanged(recorded, 40, np.random.RandomState(0))

    before = zip(values(recorded, "base"), values(recorded, "head"), strict=True)
    after = zip(values(made, "base"), values(made, "head"), strict=True)
    assert list(map(set, after)) == list(map(set, before))
    assert values(made, "base") != values(recorded, "base")


def test_one_endpoint_is_slowed_and_no_other(recorded: Measurement) -> None:
    slow = load.slowed(recorded, "GET /search")

    ratios = np.divide(values(slow, "head"), values(recorded, "head"))
    assert ratios == pytest.approx([1.1] * 40)
    assert values(slow, "base") == values(recorded, "base")
    others = [
        (one.samples, other.samples)
        for one, other in zip(slow.head.rounds, recorded.head.rounds, strict=True)
    ]
    kept = [
        {k for k in new if new[k] == old[k]}
        >= {k for k in old if k.benchmark != P10.benchmark}
        for new, old in others
    ]
    assert all(kept)


def test_there_are_five_endpoints(recorded: Measurement) -> None:
    assert len(load.endpoints(recorded)) == 5


def test_the_page_says_what_the_recording_gives_today(recorded: Measurement) -> None:
    found = load.figures_of(recorded, windows=8, level=0.01)

    lines = page.table_in(page.PAGE.read_text(encoding="utf-8"), "loads")
    (line,) = (line for line in lines if line.startswith("| benchgate, 1%, 8 windows"))
    cells = [float(cell) for cell in line.split("|")[2:5]]
    assert cells == pytest.approx(
        [100 * share for share in (found.failed, found.found, found.others)], abs=0.5
    )
