"""Judgements + counted work → what else changed, and what can still explain the time.

Instructions, allocations and system calls of the same executable hardly differ from
one count to the next, so they tell what times can't: whether the code does more.
That never changes a verdict; it says where to look.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from benchgate.model import (
    Account,
    Judgement,
    Kind,
    Statement,
    Unit,
    Verdict,
    Witness,
    Work,
)

# Counting takes some ten seconds a benchmark, and nobody reads more than a few.
_MOST = 8
# What two counts of one executable differ by where it does the same each time; see
# "What else changed" in `docs/method.md`.
_SAME = 0.001
# Two counts that happen to agree don't make a third one agree.
_WIDER = 2.0
# A tenth of a call an iteration is one in ten iterations, or what criterion does.
_FEWEST_CALLS = 0.1
# A share of the slowdown below which instructions don't account for it, and above
# which they do: an instruction more costs from a quarter of a cycle to several.
_PART, _ALL = 0.25, 0.75


def suspects(judgements: Sequence[Judgement]) -> tuple[tuple[str, str], ...]:
    """Return (suite, benchmark) of what is worth counting, the worst first.

    That is what may block and regressed, or may yet turn out to be slower by more
    than its margin; at most eight. Only micro benchmarks can be counted.
    """
    slower = sorted(
        (j for j in judgements if _is_suspect(j)),
        key=lambda j: (j.verdict is not Verdict.REGRESSED, -_slowdown(j)),
    )
    names = dict.fromkeys((j.key.suite, j.key.benchmark) for j in slower)
    return tuple(names)[:_MOST]


def explained(
    judgements: Sequence[Judgement], witnesses: Sequence[Witness]
) -> tuple[Judgement, ...]:
    """Return *judgements*, each slowdown with what its witness says of it."""
    by_name = {(w.suite, w.benchmark): w for w in witnesses}
    return tuple(
        replace(judgement, statement=statement_of(witness, _slowdown(judgement)))
        if witness and _is_suspect(judgement)
        else judgement
        for judgement in judgements
        for witness in [by_name.get((judgement.key.suite, judgement.key.benchmark))]
    )


def statement_of(witness: Witness, slowdown: float) -> Statement:
    """Return what *witness* says of a *slowdown*, a positive fraction of the base.

    Both are compared in logarithms: twice the instructions are all of twice the time.
    """
    if not (witness.base and witness.head):
        return Statement(Account.UNCOUNTED, reason=witness.reason)
    base, head = _mean(witness.base), _mean(witness.head)
    more = math.log(head.instructions / base.instructions)
    off = max(_SAME, _WIDER * _spread(witness))
    allocations = _rise(witness, lambda work: work.allocations)
    system_calls = _rise(witness, lambda work: work.system_calls)
    calls = bool(allocations or system_calls)
    return Statement(
        _account(more, off, math.log1p(slowdown), calls=calls),
        base=base,
        head=head,
        instructions=math.expm1(more),
        precision=math.expm1(off),
        allocations=allocations,
        system_calls=system_calls,
    )


def _is_suspect(judgement: Judgement) -> bool:
    metric = judgement.comparison.metric
    if metric.kind is not Kind.TIME or metric.unit is not Unit.SECOND:
        return False
    if not judgement.blocking or judgement.slowdown is None:
        return False
    return judgement.verdict is Verdict.REGRESSED or (
        judgement.verdict is Verdict.INCONCLUSIVE
        and judgement.slowdown.point > judgement.margin
    )


def _slowdown(judgement: Judgement) -> float:
    return judgement.slowdown.point if judgement.slowdown else 0.0


def _account(more: float, off: float, slower: float, *, calls: bool) -> Account:
    """Return how much of *slower* is *more* instructions, which may be *off*."""
    part = _PART * slower
    if more + off < part:
        return Account.SOME_WORK if calls else Account.SAME_WORK
    if more - off < part:
        return Account.UNTOLD
    return Account.MORE_WORK if more >= _ALL * slower else Account.SOME_WORK


def _mean(counts: Sequence[Work]) -> Work:
    number = len(counts)
    return Work(
        instructions=sum(w.instructions for w in counts) / number,
        allocations=sum(w.allocations for w in counts) / number,
        system_calls=sum(w.system_calls for w in counts) / number,
    )


def _spread(witness: Witness) -> float:
    """Return by how much the instructions of both sides vary, in logarithms."""
    sides = [[w.instructions for w in side] for side in (witness.base, witness.head)]
    return sum(math.log(max(side) / min(side)) for side in sides)


def _rise(witness: Witness, of: Callable[[Work], float]) -> float:
    """Return how many more of something the head does, 0 where that isn't certain."""
    base, head = ([of(work) for work in side] for side in (witness.base, witness.head))
    usual = sum(base) / len(base)
    rise = sum(head) / len(head) - usual
    spread = max(base) - min(base) + max(head) - min(head)
    certain = rise > max(_FEWEST_CALLS, _SAME * usual, _WIDER * spread)
    return rise if certain else 0.0
