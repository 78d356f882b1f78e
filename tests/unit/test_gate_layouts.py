"""What the gate says of the executables as built."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchgate import config, gate
from benchgate.model import Measurement, Outcome, Run
from tests.builders import paired

ROUNDS = 20


def slices(level: float, *, number: int = ROUNDS) -> list[float]:
    """Return times around *level* that differ by a tenth of a percent."""
    return [level * (1 + ((7 * i) % 5 - 2) / 2000) for i in range(number)]


def unlucky(name: str = "parse") -> Measurement:
    """Return unchanged code whose head was built 17 % slower."""
    drawn = paired({name: slices(1.0)}, {name: slices(1.002)})
    return replace(drawn, as_built=builds(name))


def builds(name: str) -> tuple[Run, Run]:
    few = paired({name: slices(1.0, number=8)}, {name: slices(1.17, number=8)})
    assert few.base
    return few.base, few.head


def test_the_luck_of_a_build_is_said_and_passes() -> None:
    report = gate.judge_measurement(unlucky(), config.default())

    assert report.outcome is Outcome.PASSED
    (doubt,) = report.doubts
    assert doubt.text.startswith("this build's layout, not its code: as it was built")
    assert doubt.series is not None
    assert doubt.series.benchmark == "parse"


def test_a_renamed_benchmark_has_its_builds() -> None:
    measurement = unlucky("old")
    assert measurement.as_built
    head = replace(measurement, head=unlucky("new").head)
    both = (measurement.as_built[0], builds("new")[1])
    settings = replace(config.default(), renames={"old": "new"})

    report = gate.judge_measurement(replace(head, as_built=both), settings)

    assert "this build's layout" in report.doubts[0].text


def test_what_surprises_is_asked_for() -> None:
    measurement = replace(unlucky(), as_built=None)

    read = {("micro", "parse"): 0.17}

    assert gate.surprises_in(measurement, read, config.default()) == tuple(read)


def test_what_cannot_be_judged_surprises_nobody() -> None:
    nothing = paired({}, {})

    assert gate.surprises_in(nothing, {("micro", "a"): 1.0}, config.default()) == ()


@pytest.mark.parametrize("order", [1, -1])
def test_shards_join_their_builds(order: int) -> None:
    shards = [unlucky("a"), unlucky("b"), replace(unlucky("c"), as_built=None)]

    joined = gate.join_shards(shards[::order])

    assert joined.as_built
    names = {key.benchmark for r in joined.as_built[1].rounds for key in r.samples}
    assert names == {"a", "b"}
    assert len(joined.as_built[0].rounds) == 8
