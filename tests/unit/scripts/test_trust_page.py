"""Tables find their places on the page."""

from __future__ import annotations

import pytest

from scripts.trust import page
from scripts.trust.changes import METHODS
from scripts.trust.changes import Figures as Found
from scripts.trust.histories import Figures

TEXT = "a\n<!-- x -->\nold\n<!-- end of x -->\nb\n"


def test_only_what_is_between_the_marks_is_replaced() -> None:
    assert page.replaced(TEXT, "x", r"new \1") == TEXT.replace("old", r"new \1")


def test_a_page_without_the_marks_is_an_error() -> None:
    with pytest.raises(ValueError, match="has 0 places for the table y"):
        page.replaced(TEXT, "y", "new")


def test_the_lines_between_the_marks_are_found() -> None:
    assert page.table_in(TEXT, "x") == ["old"]


def test_shares_are_shown_in_percent_with_two_digits() -> None:
    figures = {
        "previous run × 2.00": Figures(0.004, (0.1, 0.2, 0.3, 1.0), (0, 0, 0.455, 1))
    }

    table = page.stored_table([figures])

    assert table.splitlines()[-1] == (
        "| [previous run × 2.00](https://github.com/benchmark-action/"
        "github-action-benchmark) | 0.4 | 10 | 20 | 30 | 100 | 46 |"
    )


def test_pairs_and_changes_have_their_tables() -> None:
    of_pairs = page.pairs_table(
        {"benchgate, 1%": Figures(0, (0.1, 0.2, 0.3, 0.4), (0, 0, 0.5, 1))}
    )
    of_changes = page.changes_table(
        {name: Found(1.0, (0.9, 0.5, 0.1)) for name in METHODS}
    )

    assert (
        of_pairs.splitlines()[-1] == "| benchgate, 1% | 0.0 | 10 | 20 | 30 | 40 | 50 |"
    )
    assert of_changes.splitlines()[2] == "| benchgate | 1.0 | 0.90 | 0.50 | 0.10 |"


@pytest.mark.parametrize(
    "name",
    [
        "stored, one run",
        "stored, three runs",
        "suites",
        "known truth",
        "pairs of known truth",
        "own pairs",
        "changes",
        "rune",
    ],
)
def test_the_page_has_a_place_for_each_table(name: str) -> None:
    text = page.PAGE.read_text()

    assert page.replaced(text, name, "\n".join(page.table_in(text, name))) == text
