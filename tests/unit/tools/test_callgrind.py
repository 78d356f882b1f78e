"""Callgrind's dumps → totals, with the traps of a format that leaves much out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchgate.errors import FormatError
from benchgate.tools import callgrind
from benchgate.tools.callgrind import Totals

RECORDINGS = Path(__file__).parents[2] / "recordings" / "callgrind"
DUMP = """# callgrind format
version: 1
positions: line
events: Ir sysCount sysTime
summary: 108 3 1

fl=(1) work.c
fn=(1) main
16 8 1
+3 2
cfn=(2) malloc
calls=7 +8\x20
* 62
-1 4
totals: 100 3 1
"""


def read(text: str) -> Totals:
    return callgrind.read(text, name="x.out")


def with_call(name: str) -> str:
    return DUMP.replace("(2) malloc", name)


@pytest.mark.parametrize("name", ["3.19_lines.out", "3.19_parts.out"])
def test_a_real_dump_holds_what_the_program_did(name: str) -> None:
    text = (RECORDINGS / name).read_text()

    assert read(text) == Totals(132_081, allocations=14, system_calls=65)


def test_totals_count_and_not_the_summary_which_differs_by_a_few() -> None:
    assert read(DUMP) == Totals(100, allocations=7, system_calls=3)


def test_parts_are_added_up() -> None:
    assert read(DUMP + "part: 2\n" + DUMP) == Totals(200, 14, 6)


def test_a_name_is_said_once_and_known_in_later_parts() -> None:
    later = with_call("(2)")

    assert read(DUMP + later).allocations == 14


def test_a_name_may_have_no_number() -> None:
    assert read(with_call("malloc")).allocations == 7


def test_a_function_below_itself_is_the_same_function() -> None:
    assert read(with_call("(2) malloc'2")).allocations == 7


@pytest.mark.parametrize(
    ("name", "allocates"),
    [
        ("calloc", True),
        ("realloc", True),
        ("posix_memalign", True),
        ("aligned_alloc", True),
        ("_int_malloc", False),
        ("free", False),
        ("(anonymous namespace)::malloc", False),
    ],
)
def test_what_asks_for_memory_counts_and_not_what_it_calls(
    name: str, *, allocates: bool
) -> None:
    assert bool(read(with_call(f"(2) {name}")).allocations) is allocates


def test_costs_of_zero_at_the_end_are_left_out() -> None:
    text = DUMP.replace("totals: 100 3 1", "totals: 100")

    assert read(text) == Totals(100, allocations=7, system_calls=0)


def test_addresses_and_jumps_are_passed_over() -> None:
    text = DUMP.replace("+3 2\n", "0x4a2f +3 2\njcnd=1/7 +4\njump=3 0x4a\n* 1\n")

    assert read(text) == Totals(100, 7, 3)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (DUMP.replace(" sysCount sysTime", ""), ":4: sysCount was not counted"),
        (DUMP.replace("(2) malloc", "(3)"), r":11: nobody said which function \(3\)"),
        (DUMP.replace("calls=7 ", "calls=many "), ":12: a call without a number"),
        (DUMP.replace("cfn=(2) malloc\n", ""), ":11: a call .* without a function"),
        (DUMP.replace("-1 4", "?"), ":14: it is no line of callgrind's"),
        (DUMP.replace("totals: 100", "totals: some"), ":15: its totals are no numbers"),
        (DUMP.replace("totals: 100 3 1", "totals:"), ":15: its totals are no numbers"),
        ("totals: 1 2 3\n", ":1: totals without events"),
        (DUMP.partition("totals")[0], ": it ends before its totals"),
        (DUMP + DUMP.partition("totals")[0], ": it ends before its totals"),
        ("", ": it ends before its totals"),
    ],
)
def test_what_callgrind_does_not_write_is_refused_at_its_line(
    text: str, place: str
) -> None:
    with pytest.raises(FormatError, match=rf"^x\.out{place}") as error:
        read(text)

    assert error.value.hint


@given(st.text())
def test_any_text_is_refused_with_a_format_error(text: str) -> None:
    with pytest.raises(FormatError, match=r"^x\.out:"):
        read(text)
