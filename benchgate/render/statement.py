"""Statement → one sentence: what else changed, and what may still explain the time."""

from __future__ import annotations

from benchgate.model import Account, Statement
from benchgate.units import format_change, format_share

# What takes time without taking more instructions.
_OTHERS = "cache, branches, slower instructions, layout or waiting"
_WHOLE = 10.0


def said_of(statement: Statement) -> str:
    """Return what *statement* says, without a full stop."""
    if statement.account is Account.UNCOUNTED:
        return f"its instructions were not counted: {statement.reason}"
    if statement.account is Account.SAME_WORK:
        return f"{_same(statement)}: what is left is {_OTHERS}"
    if statement.account is Account.UNTOLD:
        change = format_change(statement.instructions)
        said = _and([f"{change} instructions", *_more_calls(statement)])
        off = _precision(statement)
        return f"{said}, {off}: that may account for a part of it, or for none"
    more = _and([*_more_instructions(statement), *_more_calls(statement)])
    if statement.account is Account.MORE_WORK:
        return f"{more} account for it"
    return f"{more} account for a part of it: what is left is {_OTHERS}"


def _same(statement: Statement) -> str:
    """Say that the work is the same, of each thing that there is."""
    off = f"within {format_share(statement.precision)}"
    if statement.instructions > statement.precision:
        instructions = f"hardly more instructions ({_change(statement)})"
    elif statement.instructions < -statement.precision:
        instructions = f"fewer instructions ({_change(statement)})"
    else:
        instructions = f"the same instructions ({off})"
    base = statement.base
    others = [
        f"no more {what}"
        for what, there in (
            ("allocations", base and base.allocations),
            ("system calls", base and base.system_calls),
        )
        if there
    ]
    return f"it executes {_and([instructions, *others])}"


def _change(statement: Statement) -> str:
    return f"{format_change(statement.instructions)}, {_precision(statement)}"


def _precision(statement: Statement) -> str:
    return f"give or take {format_share(statement.precision)}"


def _more_instructions(statement: Statement) -> list[str]:
    if statement.instructions <= statement.precision:
        return []
    return [f"{format_share(statement.instructions)} more instructions"]


def _more_calls(statement: Statement) -> list[str]:
    named = (
        (statement.allocations, "allocation"),
        (statement.system_calls, "system call"),
    )
    more = [_counted(number, noun) for number, noun in named if number]
    return [*more[:-1], f"{more[-1]} an iteration"] if more else []


def _counted(number: float, noun: str) -> str:
    shown = f"{number:,.0f}" if number >= _WHOLE else f"{number:.1f}".removesuffix(".0")
    return f"{shown} more {noun}{'' if shown == '1' else 's'}"


def _and(parts: list[str]) -> str:
    """Return *parts* as an enumeration."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
