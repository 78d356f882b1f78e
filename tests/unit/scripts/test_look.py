"""Golden comments become pages to look at, with or without a browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import look


def test_each_comment_is_shown_in_two_widths_and_two_themes(tmp_path: Path) -> None:
    comment = tmp_path / "one.md"
    comment.write_text("### ✅ passed\n", encoding="utf-8")

    pages = list(look.write_pages([comment], tmp_path, unfolded=False))

    assert {(page.name, width) for page, width in pages} == {
        ("one-phone-light.html", 390),
        ("one-desktop-light.html", 1000),
        ("one-phone-dark.html", 390),
        ("one-desktop-dark.html", 1000),
    }
    assert "<h3>✅ passed</h3>" in pages[0][0].read_text(encoding="utf-8")


def test_a_new_line_of_a_comment_is_one() -> None:
    assert look.html_of("a\nb") == "<p>a<br />\nb</p>\n"


def test_without_chromium_there_are_pages_and_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(look, "BUILD", tmp_path / "look")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert look.main(["passed"]) == 0

    assert len(list((tmp_path / "look").iterdir())) == 4
    assert "no pictures, as chromium is missing" in capsys.readouterr().out
