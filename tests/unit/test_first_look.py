"""What stored runs clear before anything is measured in pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from benchgate import config, gate
from benchgate.config import Config, Suite
from benchgate.documents import run as document
from benchgate.errors import FormatError
from benchgate.model import (
    Acceptance,
    Accepted,
    Design,
    Doubt,
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


def noisy_machine(seed: int, factor: float = 1.0) -> Measurement:
    """Return a run of a machine whose speed differs from run to run."""
    rng = np.random.default_rng(seed)
    speed = factor * np.exp(0.05 * rng.standard_normal())
    return alone(
        {n: float(speed * np.exp(0.003 * rng.standard_normal())) for n in NAMES}
    )


@pytest.mark.parametrize("seed", range(100, 120))
def test_a_slowdown_of_all_is_not_cleared_as_the_machines(seed: int) -> None:
    window = [noisy_machine(i) for i in range(30)]

    look = gate.first_look(window, noisy_machine(seed, 1.08), config.default())

    assert cleared(look) == set()


def test_weak_evidence_clears_nothing() -> None:
    old = [alone({"gone": 1.0}) for _ in range(9)]
    window = [*[alone(times(step=i)) for i in range(4)], *old]

    look = gate.first_look(window, alone(times()), config.default())

    assert cleared(look) == set()


def test_what_undoes_a_recent_improvement_is_not_cleared() -> None:
    # Newest first: three runs of 3 % less, which the mean of the window hardly has.
    window = [alone(times(step=i, b2=0.97 if i < 3 else 1.0)) for i in range(30)]

    look = gate.first_look(window, alone(times()), config.default())

    assert cleared(look) == set(NAMES) - {"b2"}


def test_doubts_of_the_look_are_kept() -> None:
    head = alone(times(step=1))
    doubted = replace(head.head.rounds[0], doubts=(Doubt("a neighbour"),))

    look = looked(replace(head, head=replace(head.head, rounds=(doubted,))))

    report = gate.judge_measurement(look.measurement, config.default())
    assert [d.text for d in report.doubts] == ["a neighbour"]


def test_a_head_without_a_measurement_is_not_judged() -> None:
    empty = replace(alone(times()), head=replace(alone(times()).head, rounds=()))

    with pytest.raises(FormatError, match="nothing was measured"):
        gate.judge_against(stored(), empty, config.default())


def test_each_suite_is_missed_by_its_own_newest_run() -> None:
    window = [alone(times(), "load"), *stored()]
    head = alone(times(), "load")

    report = gate.judge_against(window, head, config.default())

    assert {(m.suite, m.benchmark) for m in report.removed} == {
        ("micro", name) for name in NAMES
    }


def test_what_another_machine_measures_is_not_missed() -> None:
    there = replace(alone({"other": 1.0}), head=run({"other": [1.0]}))

    report = gate.judge_against([there, *stored()], alone(times()), config.default())

    assert report.removed == ()


def test_a_failure_in_a_rerun_is_reported() -> None:
    good, bad = alone(times()), alone(times())
    failing = replace(bad.head.rounds[0], failures=(Failure("micro", "b9", "panic"),))
    bad = replace(bad, head=replace(bad.head, rounds=(failing,)))

    reports = [
        gate.judge_against(stored(), first, config.default(), reruns=[second])
        for first, second in ((good, bad), (bad, good))
    ]

    assert [report.outcome for report in reports] == [Outcome.UNDECIDED] * 2


def test_a_rename_says_nothing_of_a_run_that_has_the_new_name() -> None:
    settings = replace(config.default(), renames={"b1": "b0"})
    window = [alone({**times(step=i), "b1": 5.0}) for i in range(12)]

    report = gate.judge_against(window, alone({"b0": 1.0}), settings)

    (found,) = (j for j in report.judgements if j.key.benchmark == "b0")
    assert found.comparison.base is not None
    assert found.comparison.base.value == pytest.approx(1.0, rel=0.01)


def test_what_is_accepted_passes_against_stored_runs_too() -> None:
    head = alone(times(b2=1.2))
    key = next(k for k in head.head.rounds[0].samples if k.benchmark == "b2")
    wanted = Accepted(key, Acceptance("wanted", "@dana", 0.25, "2027-03-31"))
    settings = replace(config.default(), accepted=(wanted,), today="2027-01-15")

    plain = gate.judge_against(stored(), head, config.default())
    report = gate.judge_against(stored(), head, settings)

    assert plain.outcome is Outcome.REGRESSED
    assert report.outcome is Outcome.PASSED
    assert [j.key for j in report.judgements if j.accepted] == [key]
