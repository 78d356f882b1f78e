"""What the executables as built tell of the luck in one layout."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchgate.compare import Compared
from benchgate.luck import said_of_layouts, spread_by_layout, worth_running_as_built
from benchgate.model import Comparison, Judgement
from tests.builders import comparison, control, effect, judged


def judgement(theta: float, se: float, name: str = "a") -> Judgement:
    made = Compared((comparison(effect(theta, se), name),), control(), ())
    (found,) = judged(made)
    return found


def built(
    theta: float, se: float = 0.001, name: str = "a", **made: float
) -> Comparison:
    return comparison(effect(theta, se, **made), name)


UNCHANGED = judgement(0.005, 0.002)
OPEN = judgement(0.01, 0.03)
REGRESSED = judgement(0.2, 0.002)


@pytest.mark.parametrize(
    ("one", "read", "wanted"),
    [
        (UNCHANGED, 0.17, True),
        (UNCHANGED, 0.019, False),
        (UNCHANGED, -0.3, False),
        (OPEN, 0.0, True),
        (REGRESSED, 0.9, False),
        (replace(UNCHANGED, slowdown=None), 0.17, False),
        (replace(UNCHANGED, blocking=False), 0.17, False),
    ],
)
def test_what_read_slower_than_its_verdict_allows_is_run_as_built(
    one: Judgement, read: float, *, wanted: bool
) -> None:
    found = worth_running_as_built([one], {("micro", "a"): read})

    assert found == ((("micro", "a"),) if wanted else ())


def test_what_was_not_read_is_not_run() -> None:
    assert worth_running_as_built([OPEN], {}) == ()


def test_the_most_surprising_come_first_and_eight_at_most() -> None:
    names = [f"b{number}" for number in range(10)]
    judgements = [judgement(0.0, 0.001, name) for name in names]
    read = {("micro", name): 0.1 + i / 100 for i, name in enumerate(names)}

    found = worth_running_as_built(judgements, read)

    assert [name for _, name in found] == names[:1:-1]


def test_a_build_that_is_slower_than_its_code_is_named() -> None:
    (doubt,) = said_of_layouts([UNCHANGED], [built(0.157, 0.002)])

    assert doubt.series == UNCHANGED.key
    assert doubt.text == (
        "this build's layout, not its code: as it was built it reads +17 % (+16.6 % to "
        "+17.4 %), over many layouts +0.501 % (+0.154 % to +0.849 %)"
    )


def test_the_spread_is_told_where_it_is_clear() -> None:
    wide = replace(UNCHANGED, comparison=comparison(effect(0.005, 0.002, spread=0.06)))

    (doubt,) = said_of_layouts([wide], [built(0.157, 0.002, spread=0.005)])

    assert doubt.text.endswith("; its time varies by ± 4.32 % by layout alone")


@pytest.mark.parametrize(
    ("one", "as_built"),
    [
        (UNCHANGED, built(0.157, 0.002, p_slower=0.02)),
        (UNCHANGED, built(0.015, 0.002)),
        (UNCHANGED, built(-0.157, 0.002)),
        (UNCHANGED, built(0.157, 0.002, name="b")),
        (UNCHANGED, replace(built(0.1), effect=None)),
        (REGRESSED, built(0.157, 0.002)),
        (OPEN, built(0.0, 0.03)),
    ],
)
def test_nothing_is_said_of_what_is_no_luck(
    one: Judgement, as_built: Comparison
) -> None:
    assert said_of_layouts([one], [as_built]) == ()


def test_what_is_open_because_of_layouts_says_so() -> None:
    (doubt,) = said_of_layouts([OPEN], [built(0.0, 0.001, spread=0.005)])

    assert doubt.text == (
        "its time varies by ± 9.94 % by layout alone, which is why it takes more rounds"
    )


@pytest.mark.parametrize(
    ("drawn", "as_built", "spread"),
    [
        (0.10, 0.01, 0.0729),
        (0.10, 0.06, 0.0),
        (0.01, 0.10, 0.0),
        (0.10, None, 0.0),
        (None, 0.01, 0.0),
    ],
)
def test_two_layouts_make_a_pair_vary_more(
    drawn: float | None, as_built: float | None, spread: float
) -> None:
    sides = [
        comparison(effect(0.0, spread=each) if each else None)
        for each in (drawn, as_built)
    ]

    assert spread_by_layout(*sides) == pytest.approx(spread, abs=1e-4)
