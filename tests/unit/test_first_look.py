"""What stored runs clear before anything is measured in pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from benchgate import config, gate
from benchgate.config import Config, Suite
from benchgate.documents import run as document
from benchgate.errors import FormatError
from benchgate.model import (
    Design,
    Environment,
    Failure,
    Measurement,
    Outcome,
    Round,
    Verdict,
)
from tests.builders import P50, run

HERE = Environment(arch="x86_64", cpu="one", vcpus=2)
NAMES = [f"b{i}" for i in range(6)]


def alone(times: Mapping[str, float], suite: str = "micro") -> Measurement:
    """Return a head measured once."""
    rows = {name: [time] for name, time in times.items()}
    metric = {"metric": P50} if suite == "load" else {}
    head = run(rows, suite=suite, environment=HERE, **metric)
    return Measurement(None, head, Design.STORED)


def times(*, step: int = 0, **changed: float) -> dict[str, float]:
    """Return the times of one run, which differ a little from run to run."""
    wobble = 1 + ((step * 7) % 5 - 2) / 2000
    return {name: changed.get(name, 1.0) * wobble for name in NAMES}


def stored(suite: str = "micro") -> list[Measurement]:
    return [alone(times(step=i), suite) for i in range(12)]


def looked(head: Measurement, settings: Config | None = None) -> gate.FirstLook:
    suite = next(iter(head.head.rounds[0].samples)).suite
    return gate.first_look(stored(suite), head, settings or config.default())


def cleared(look: gate.FirstLook) -> set[str]:
    return {c.key.benchmark for c in look.measurement.cleared}


def test_what_is_unchanged_is_cleared_and_nothing_else() -> None:
    look = looked(alone(times(b2=1.2)))

    assert cleared(look) == set(NAMES) - {"b2"}
    assert (look.done, look.left) == (frozenset(), frozenset({"micro"}))


def test_a_suite_of_which_all_is_cleared_is_done() -> None:
    look = looked(alone(times(step=1)))

    assert cleared(look) == set(NAMES)
    assert (look.done, look.left) == (frozenset({"micro"}), frozenset())


def test_a_faster_benchmark_is_not_cleared_either() -> None:
    look = looked(alone(times(b2=0.8)))

    assert "b2" not in cleared(look)


@pytest.mark.parametrize("names", [NAMES[1:], [*NAMES, "new"]])
def test_a_suite_that_lost_or_gained_a_benchmark_is_not_done(names: list[str]) -> None:
    look = looked(alone(dict.fromkeys(names, 1.0)))

    assert cleared(look) == set(names) & set(NAMES)
    assert look.left == {"micro"}


def test_a_suite_with_a_failure_is_not_done() -> None:
    head = alone(times())
    failing = replace(head.head.rounds[0], failures=(Failure("micro", "b9", "panic"),))

    look = looked(replace(head, head=replace(head.head, rounds=(failing,))))

    assert look.left == {"micro"}


def test_where_everything_moved_nothing_is_cleared() -> None:
    look = looked(alone(dict.fromkeys(NAMES, 1.1)))

    assert cleared(look) == set()
    assert look.left == {"micro"}


def test_of_a_load_test_all_is_cleared_or_nothing() -> None:
    settings = replace(config.default(), suites=(Suite("load", "k6"),))

    assert cleared(looked(alone(times(b2=1.2), "load"), settings)) == set()
    assert cleared(looked(alone(times(step=1), "load"), settings)) == set(NAMES)


@pytest.mark.parametrize(
    ("runs", "environment", "enough"),
    [(8, HERE, True), (7, HERE, False), (12, Environment(arch="z80"), False)],
)
def test_eight_runs_of_the_same_environment_are_looked_at(
    runs: int, environment: Environment, *, enough: bool
) -> None:
    assert gate.can_look(stored()[:runs], environment) is enough


def test_the_report_holds_what_was_cleared_and_how() -> None:
    look = looked(alone(times(step=1)))

    report = gate.judge_measurement(look.measurement, config.default())

    assert report.outcome is Outcome.PASSED
    assert {j.verdict for j in report.judgements} == {Verdict.UNCHANGED}
    assert {j.comparison.design for j in report.judgements} == {Design.STORED}


def test_what_was_cleared_is_never_slower_under_a_stricter_policy() -> None:
    settings = config.default()
    margins = dict.fromkeys(settings.policy.margins, 1e-9)
    strict = replace(settings, policy=replace(settings.policy, margins=margins))
    look = looked(alone(times(step=1)))

    report = gate.judge_measurement(look.measurement, strict)

    assert {j.verdict for j in report.judgements} == {Verdict.INCONCLUSIVE}


def test_the_run_document_keeps_what_was_cleared() -> None:
    measured = looked(alone(times(b2=1.2))).measurement

    again = document.decode(document.encode(measured), name="run.json")

    assert again.cleared == measured.cleared


def test_a_series_is_not_both_cleared_and_measured() -> None:
    measured = looked(alone(times())).measurement
    both = replace(
        measured, head=replace(measured.head, rounds=alone(times()).head.rounds)
    )

    with pytest.raises(FormatError, match=r"^run\.json: \$\.cleared\[0\]: the series"):
        document.encode(both)


def test_a_series_is_not_cleared_twice() -> None:
    measured = looked(alone(times())).measurement
    twice = replace(measured, cleared=measured.cleared * 2)

    with pytest.raises(FormatError, match=r"^run\.json: \$\.cleared\[6\]: the series"):
        document.encode(twice)


def test_nothing_cleared_and_nothing_measured_is_refused() -> None:
    measured = replace(looked(alone(times())).measurement, cleared=())
    empty = replace(measured, head=replace(measured.head, rounds=(Round({}),)))

    with pytest.raises(FormatError, match="nothing was measured"):
        gate.judge_measurement(empty, config.default())
