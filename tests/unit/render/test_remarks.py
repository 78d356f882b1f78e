"""The sentences beside a run, in plain text."""

from __future__ import annotations

from benchgate.render.remarks import remarks_on
from tests import reports


def test_each_blocking_regression_has_a_remark() -> None:
    first, second = remarks_on(reports.regressed())

    assert first.title == "json/parse/100 is +11.8 %"
    assert first.text == ("1.53 µs → 1.71 µs, interval +10.9 % to +12.7 %, margin 2 %")
    assert first.slower
    assert second.title.startswith("sql/bind is ")


def test_what_did_not_run_has_one_too() -> None:
    found = remarks_on(reports.undecided())

    assert found
    assert not any(remark.slower for remark in found)
    assert all("did not run" in remark.title for remark in found)


def test_what_is_accepted_has_none() -> None:
    assert remarks_on(reports.accepted()) == ()


def test_a_hostile_name_is_shown_and_commands_nothing() -> None:
    titles = [remark.title for remark in remarks_on(reports.hostile())]

    assert titles
    assert not any("\n" in title or "\x1b" in title for title in titles)
