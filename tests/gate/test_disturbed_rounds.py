"""What the machine did while measuring is kept with each round, and said once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchgate.measure import host
from benchgate.measure.host import Counters
from tests.gate.projects import Project


def busy_every_fifth_round() -> Iterator[Counters]:
    """Yield the readings before and after each round: ten seconds, two of them ours."""
    total, busy, own = 100.0, 50.0, 10.0
    number = 0
    while True:
        yield Counters(total, busy, steal=0.0, own=own, frequency=0.75, overheated=0)
        others = 4.0 if number % 5 == 0 else 0.0
        total, busy, own = total + 10, busy + 2 + others, own + 2
        number += 1
        yield Counters(total, busy, steal=0.0, own=own, frequency=0.25, overheated=0)


@pytest.fixture
def disturbed(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return a project on a machine that is disturbed in each fifth round."""
    readings = busy_every_fifth_round()
    monkeypatch.setattr(host, "read_load", lambda: next(readings))
    return project


def test_disturbed_rounds_are_one_footnote_that_says_how_many(
    disturbed: Project,
) -> None:
    disturbed.write("benchgate.yml", "measure: {layouts: one}")

    ended = disturbed.benchgate("compare", "--base", "HEAD", "--rounds", "10")

    assert ended.code == 0, ended.err
    (doubt,) = disturbed.report()["doubts"]
    assert doubt["text"] == (
        "of 10 rounds in 2 other processes used more than 20 % of the CPU; "
        "quiet pairs look past them"
    )


def test_what_was_seen_of_the_machine_is_kept_with_each_round(
    disturbed: Project,
) -> None:
    disturbed.benchgate("compare", "--base", "HEAD", "--rounds", "2")

    first, second = disturbed.run()["head"]["rounds"]
    assert (first["load"]["others"], second["load"]["others"]) == (0.4, 0.0)
    assert (first["load"]["frequency"], first["load"]["overheated"]) == (0.5, 0)
    assert first["load"]["throttled"] is None
