"""What somebody else wrote is shown, and does nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchgate.render.names import LONGEST_NAME, shorten, shown, visible


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("json/parse", "json/parse"),
        ("größe/日本語", "größe/日本語"),
        ("two\nlines\r\tand", r"two\nlines\r\tand"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("\u202eright to left", r"\u202eright to left"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("line\u2028separator", r"line\u2028separator"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("half\ud800", r"half\ud800"),
    ],
)
def test_a_character_that_is_not_seen_is_written_out(name: str, expected: str) -> None:
    assert visible(name) == expected


@given(st.text())
def test_a_shown_name_is_one_printable_line(name: str) -> None:
    text = shown(name)

    assert text.strip()
    assert len(text) <= LONGEST_NAME
    assert not [
        c for c in text if c < " " or "\x7f" <= c < "\xa0" or c in "\u2028\u2029"
    ]


def test_a_name_of_ten_thousand_characters_keeps_both_ends() -> None:
    text = shown("start/" + "x" * 10_000 + "/end")

    assert len(text) == LONGEST_NAME
    assert text.startswith("start/xxx")
    assert text.endswith("xxx/end")


def test_two_long_names_that_differ_in_the_middle_stay_two_names() -> None:
    first, second = (shown("x" * 500 + c + "x" * 500) for c in "ab")

    assert first != second


def test_a_name_at_the_limit_is_not_shortened() -> None:
    assert shorten("x" * 120, 120) == "x" * 120


@pytest.mark.parametrize("name", ["", " ", "\u3000"])
def test_a_name_of_nothing_is_called_blank(name: str) -> None:
    assert shown(name) == "(blank)"
