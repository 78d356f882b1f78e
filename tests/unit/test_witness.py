"""What counted work says of a slowdown, and whose work is worth counting."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchgate.model import (
    Account,
    Better,
    Judgement,
    Kind,
    Metric,
    Statement,
    Unit,
    Verdict,
    Witness,
    Work,
)
from benchgate.witness import explained, statement_of, suspects
from tests import reports

POSITIVE = st.floats(1, 1e12)
WORKS = st.builds(Work, POSITIVE, st.floats(0, 1e6), st.floats(0, 1e6))
WHOLE_SUITE = Metric("time", Unit.ONE, Better.LOWER, Kind.TIME)


def work(instructions: float, allocations: float = 4.0, calls: float = 0.0) -> Work:
    return Work(instructions, allocations, calls)


def seen(base: tuple[Work, ...], head: tuple[Work, ...]) -> Witness:
    return Witness("micro", "parse", base, head)


def twice(base: Work, head: Work) -> Witness:
    return seen((base, base), (head, head))


def slower(benchmark: str, slowdown: float = 0.1, *, noise: float = 0.01) -> Judgement:
    return reports.judged(benchmark, 1e-6, slowdown, noise=noise)


@pytest.mark.parametrize(
    ("instructions", "account"),
    [
        (900.0, Account.SAME_WORK),
        (1000.0, Account.SAME_WORK),
        (1015.0, Account.SAME_WORK),
        (1025.0, Account.UNTOLD),
        (1040.0, Account.SOME_WORK),
        (1099.0, Account.MORE_WORK),
        (2000.0, Account.MORE_WORK),
    ],
)
def test_instructions_account_for_time_by_how_many_more_there_are(
    instructions: float, account: Account
) -> None:
    witness = twice(work(1000.0), work(instructions))

    assert statement_of(witness, 0.1).account is account


def test_counts_that_vary_leave_it_open() -> None:
    witness = seen((work(1000.0), work(1020.0)), (work(1000.0), work(1010.0)))

    said = statement_of(witness, 0.1)

    assert said.account is Account.UNTOLD
    assert said.precision == pytest.approx(0.0615, abs=0.001)


def test_a_slowdown_may_be_so_large_that_varying_counts_tell() -> None:
    witness = seen((work(1000.0), work(1020.0)), (work(1000.0), work(1010.0)))

    assert statement_of(witness, 1.0).account is Account.SAME_WORK


def test_a_system_call_more_is_work_that_instructions_do_not_show() -> None:
    witness = twice(work(1000.0), work(1000.0, 4.0, 2.0))

    said = statement_of(witness, 0.1)

    assert said.account is Account.SOME_WORK
    assert (said.allocations, said.system_calls) == (0.0, 2.0)


@pytest.mark.parametrize(
    ("base", "head", "rise"),
    [
        ((4.0, 4.0), (6.0, 6.0), 2.0),
        ((4.0, 4.0), (4.05, 4.05), 0.0),
        ((4.0, 4.0), (2.0, 2.0), 0.0),
        ((1e6, 1e6), (1e6 + 500, 1e6 + 500), 0.0),
        ((18.0, 20.0), (22.0, 24.0), 0.0),
    ],
)
def test_a_rise_is_named_where_it_is_certain(
    base: tuple[float, ...], head: tuple[float, ...], rise: float
) -> None:
    before = tuple(work(1000.0, 4.0, calls) for calls in base)
    after = tuple(work(1000.0, 4.0, calls) for calls in head)

    assert statement_of(seen(before, after), 0.1).system_calls == rise


def test_both_sides_are_shown_as_they_are_on_the_whole() -> None:
    witness = seen((work(100.0), work(102.0)), (work(200.0), work(204.0)))

    said = statement_of(witness, 1.0)

    assert (said.base, said.head) == (work(101.0), work(202.0))
    assert said.instructions == pytest.approx(1.0)


def test_what_was_not_counted_says_why() -> None:
    witness = Witness("micro", "parse", (), (), "it hangs")

    assert statement_of(witness, 0.1) == Statement(Account.UNCOUNTED, reason="it hangs")


@given(st.lists(WORKS, min_size=1, max_size=3), st.floats(1e-3, 1e3))
def test_the_same_work_never_accounts_for_a_slowdown(
    counts: list[Work], slowdown: float
) -> None:
    said = statement_of(seen(tuple(counts), tuple(counts)), slowdown)

    assert said.account in {Account.SAME_WORK, Account.UNTOLD}


def test_suspects_are_what_regressed_and_then_what_may_have() -> None:
    judgements = (
        slower("open", 0.3, noise=1.0),
        slower("worse", 0.2),
        slower("bad", 0.1),
        slower("open but small", 0.015, noise=0.1),
        slower("same", 0.0),
        slower("faster", -0.2),
        replace(slower("watched", 0.5), blocking=False),
        reports.untold("nobody knows", 1.0, "no reason"),
        reports.judged("request", 0.02, 0.5, metric=reports.MEDIAN, suite="load"),
    )
    whole = replace(judgements[1].comparison, metric=WHOLE_SUITE)
    suite = replace(judgements[1], comparison=whole)

    assert judgements[0].verdict is Verdict.INCONCLUSIVE
    assert suspects((*judgements, suite)) == (
        ("micro", "worse"),
        ("micro", "bad"),
        ("micro", "open"),
    )


def test_only_the_worst_eight_are_suspects() -> None:
    judgements = [slower(f"of {n} %", n / 100) for n in range(10, 30)]

    assert suspects(judgements) == tuple(
        ("micro", f"of {n} %") for n in range(29, 21, -1)
    )


def test_a_time_that_can_not_be_compared_is_no_suspect() -> None:
    untold = replace(slower("parse"), slowdown=None)

    assert suspects((untold,)) == ()


def test_a_statement_stands_at_the_slowdown_that_it_is_about_and_changes_nothing() -> (
    None
):
    parse, sort, other = slower("parse"), slower("sort", 0.0), slower("other")
    witnesses = (
        twice(work(1000.0), work(1100.0)),
        Witness("micro", "sort", (), (), "it hangs"),
    )

    said, *rest = explained((parse, sort, other), witnesses)

    assert said.statement == statement_of(witnesses[0], 0.1)
    assert replace(said, statement=None) == parse
    assert rest == [sort, other]
