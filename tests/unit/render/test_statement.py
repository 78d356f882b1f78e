"""What counted work says of a slowdown, as a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchgate.model import Account, Statement, Work
from benchgate.render.statement import said_of

OTHERS = "what is left is cache, branches, slower instructions, layout or waiting"
ALL = Work(1000.0, 4.0, 2.0)
BARE = Work(1000.0, 0.0, 0.0)


def statement(account: Account, base: Work = ALL, **more: Any) -> Statement:
    return replace(Statement(account, base, base, precision=0.001), **more)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            statement(Account.SAME_WORK),
            (
                "it executes the same instructions (within 0.1 %), no more allocations "
                f"and no more system calls: {OTHERS}"
            ),
        ),
        (
            statement(Account.SAME_WORK, BARE),
            f"it executes the same instructions (within 0.1 %): {OTHERS}",
        ),
        (
            statement(Account.SAME_WORK, BARE, instructions=0.004),
            (
                "it executes hardly more instructions (+0.4 %, give or take 0.1 %): "
                f"{OTHERS}"
            ),
        ),
        (
            statement(Account.SAME_WORK, BARE, instructions=-0.2),
            (
                "it executes fewer instructions (\N{MINUS SIGN}20 %, give or take "
                f"0.1 %): {OTHERS}"
            ),
        ),
        (
            statement(Account.MORE_WORK, instructions=0.12),
            "12 % more instructions account for it",
        ),
        (
            statement(Account.MORE_WORK, instructions=0.12, allocations=1.0),
            "12 % more instructions and 1 more allocation an iteration account for it",
        ),
        (
            statement(
                Account.SOME_WORK,
                instructions=0.04,
                allocations=2.0,
                system_calls=1234.4,
            ),
            (
                "4 % more instructions, 2 more allocations and 1,234 more system calls "
                f"an iteration account for a part of it: {OTHERS}"
            ),
        ),
        (
            statement(Account.SOME_WORK, system_calls=0.5),
            "0.5 more system calls an iteration account for a part of it: " + OTHERS,
        ),
        (
            statement(Account.UNTOLD, instructions=0.02, precision=0.03),
            (
                "+2 % instructions, give or take 3 %: that may account for a part of "
                "it, or for none"
            ),
        ),
        (
            Statement(Account.UNCOUNTED, reason="base: it measured nothing"),
            "its instructions were not counted: base: it measured nothing",
        ),
    ],
)
def test_a_statement_is_one_sentence(said: Statement, sentence: str) -> None:
    assert said_of(said) == sentence
