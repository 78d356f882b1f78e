"""What the machine did beside the measuring becomes one footnote."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchgate.model import Design, HostLoad, Measurement
from tests.builders import report_of, run

QUIET = HostLoad(load=1.0, others=0.05, steal=0.02, throttled=0.0, overheated=0)
OTHERS = replace(QUIET, others=0.3)
STEAL = replace(QUIET, steal=0.08)
NEVER_SAID = HostLoad(load=1.0, others=0.05, steal=0.02)
LOOKED_PAST = "; quiet pairs look past them"
SEE = ": see `benchgate doctor`, and measure on a quieter machine"


def said_of(*loads: HostLoad | None, design: Design = Design.PAIRED) -> tuple[str, ...]:
    """Return the doubts of a comparison whose rounds saw these loads."""
    made = run({"a": [1.0] * len(loads)})
    rounds = tuple(
        replace(round_, load=load)
        for round_, load in zip(made.rounds, loads, strict=True)
    )
    seen = replace(made, rounds=rounds)
    base = seen if design is Design.PAIRED else None
    report = report_of(Measurement(base, seen, design))
    return tuple(d.text for d in report.doubts if "round" in d.text)


@pytest.mark.parametrize("load", [QUIET, NEVER_SAID, None], ids=["quiet", "old", "no"])
def test_a_quiet_machine_is_no_doubt(load: HostLoad | None) -> None:
    assert said_of(*[load] * 10) == ()


def test_disturbed_rounds_are_counted_in_one_doubt() -> None:
    both = replace(OTHERS, steal=0.08)

    said = said_of(*[QUIET] * 7, OTHERS, both, STEAL)

    stolen = f"in 2 the hypervisor took more than 5 % of the CPU{LOOKED_PAST}"
    used = "of 10 rounds in 2 other processes used more than 20 % of the CPU"
    assert sorted(said) == [f"{used}, {stolen}"]


@pytest.mark.parametrize(
    ("load", "reason"),
    [
        (OTHERS, "other processes used more than 20 % of the CPU"),
        (STEAL, "the hypervisor took more than 5 % of the CPU"),
        (replace(QUIET, throttled=0.02), "the container's CPU limit held us back"),
        (replace(QUIET, overheated=3), "a CPU slowed down because of heat"),
    ],
    ids=["others", "steal", "throttled", "hot"],
)
def test_each_disturbance_is_named(load: HostLoad, reason: str) -> None:
    assert said_of(*[QUIET] * 9, load) == (f"of 10 rounds in 1 {reason}{LOOKED_PAST}",)


@pytest.mark.parametrize(
    ("quiet", "disturbed", "design"),
    [(7, 0, Design.PAIRED), (1, 7, Design.PAIRED), (9, 0, Design.STORED)],
    ids=["too few pairs to choose from", "hardly any was quiet", "no pairs"],
)
def test_quiet_pairs_are_promised_only_where_there_are_some(
    quiet: int, disturbed: int, design: Design
) -> None:
    loads = [QUIET] * quiet + [OTHERS] * disturbed
    loads[-1] = OTHERS

    (said,) = said_of(*loads, design=design)

    assert said.endswith(SEE)


def test_rounds_without_a_reading_are_not_counted() -> None:
    said = said_of(None, None, *[QUIET] * 7, OTHERS)

    assert said[0].startswith("of 8 rounds in 1 ")
