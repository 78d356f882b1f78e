from __future__ import annotations

import io
import random
import re
from collections.abc import Mapping
from dataclasses import replace

import pytest
from rich.console import Console

from benchgate.injected import How, Refusal, SelfTest, Trial
from benchgate.model import Judgement
from benchgate.render.self_test import print_self_test
from tests.builders import paired, policy, report_of

STEADY = [1.0, 1.001, 0.999, 1.0] * 3
_DRAWN = random.Random(5)  # noqa: S311 - noise, no secret
NOISY, NOISY_TOO = ([_DRAWN.lognormvariate(0, 0.3) for _ in STEADY] for _ in range(2))
SLOWER = [1.2 * value for value in STEADY]
HARDLY = [1.03 * value for value in STEADY]


def judged(head: list[float], *, margin: float = 0.02) -> Judgement:
    loose = policy(margins=dict.fromkeys(policy().margins, margin))
    base = NOISY if head is NOISY_TOO else STEADY[: len(head)]
    (judgement,) = report_of(paired({"a": base}, {"a": head}), loose).judgements
    return judgement


def shown(
    *trials: Trial,
    slowdown: float = 0.2,
    unchanged: Mapping[str, list[float]] | None = None,
    refusals: tuple[Refusal, ...] = (),
) -> str:
    """Return what is printed of a test whose unchanged head measured *unchanged*."""
    head = unchanged or {"a": STEADY}
    report = report_of(paired(dict.fromkeys(head, STEADY), head))
    out = io.StringIO()
    console = Console(file=out, width=400, highlight=False)
    print_self_test(SelfTest(slowdown, report, trials, refusals), console=console)
    return out.getvalue()


def test_what_was_found_has_a_row_with_its_interval() -> None:
    lines = shown(Trial(judged(SLOWER), How.REPEATED, found=True)).splitlines()

    assert lines[0] == (
        "this gate can fail: 1 of 1 found at +20 %; unchanged code passed"
    )
    assert lines[2].split() == (
        ["measured", "90", "%", "interval", "injected", "by", "could", "have", "seen"]
    )
    assert re.match(r"a +\+20 % +\[\+20, \+20\]  found  work repeated ", lines[3])
    assert lines[5] == (
        "In 1 benchmark criterion did 20 % of the work again, and all of it was "
        "measured: 1 found. That proves measuring and decision."
    )
    assert lines[-1] == "Unchanged code: passed: the benchmark is not slower"


def test_what_is_only_on_paper_says_so() -> None:
    text = shown(Trial(judged(SLOWER), How.SCALED, found=True))

    assert (
        "In 1 benchmark the recorded rounds were multiplied by 1.2, one benchmark at a "
        "time: 1 found. That proves the decision, not the measuring."
    ) in text


@pytest.mark.parametrize(
    ("judgement", "how", "advice"),
    [
        (judged(NOISY_TOO), How.REPEATED, "it varied too much"),
        (judged(SLOWER, margin=0.18), How.SCALED, "its margin is 18 %"),
        (judged(HARDLY), How.REPEATED, "what was repeated took little time"),
        (judged(SLOWER), How.SCALED, "it regressed, but `policy` lets it pass"),
        (judged([1.0]), How.SCALED, "one pair of rounds can't be judged alone"),
    ],
)
def test_what_was_not_found_has_its_reason(
    judgement: Judgement, how: How, advice: str
) -> None:
    text = shown(Trial(judgement, how, found=False))

    assert text.startswith("this gate was not seen to fail: 0 of 1 found at +20 %")
    assert f"Not found: a\n  {advice}" in text


def test_one_reason_is_given_once() -> None:
    missed = [
        Trial(_called(judged(NOISY_TOO), name), How.SCALED, found=False)
        for name in "ab"
    ]

    text = shown(*missed, unchanged={"a": STEADY, "b": STEADY})

    assert "Not found: a, b\n" in text


def test_a_suite_that_could_not_be_slowed_has_its_reason() -> None:
    text = shown(refusals=(Refusal("load", "it has no harness"),))

    assert "In load no work could be repeated: it has no harness.\n" in text


def test_false_alarms_are_named() -> None:
    text = shown(unchanged={"a": STEADY, "b": [2 * value for value in STEADY]})

    assert "unchanged code ended regressed\n" in text
    assert "\n  b +100 % [" in text
    assert "can't be trusted" in text


def test_a_foreign_name_commands_no_terminal() -> None:
    judgement = _called(judged(SLOWER), "\x1b[31mred")

    text = shown(Trial(judgement, How.REPEATED, found=True))

    assert "\\x1b[31mred" in text
    assert "\x1b" not in text


def _called(judgement: Judgement, name: str) -> Judgement:
    comparison = judgement.comparison
    key = replace(comparison.key, benchmark=name)
    return replace(judgement, comparison=replace(comparison, key=key))
