from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from benchgate.errors import ToolError
from benchgate.measure.layouts import Layouts, doubts_of
from benchgate.measure.links import Drawing, Line
from benchgate.model import Side

TITLE = "shop/core"


class FakeLine(Line):
    """A line whose linker writes the seed, or complains."""

    complaint = ""

    def drawing(self, folder: Path) -> Drawing:  # noqa: ARG002 - as in a line
        if self.complaint:
            raise ToolError(self.complaint, hint="link with lld")
        return Drawing.PADDING

    def link(self, place: Path, *, drawing: Drawing, seed: int) -> None:
        if self.complaint:
            raise ToolError(f"{self.complaint}\nmany lines")
        place.write_text(f"{drawing}{seed}")


@pytest.fixture
def line(tmp_path: Path) -> FakeLine:
    return FakeLine("cc", (), tmp_path, {})


@pytest.fixture
def layouts(tmp_path: Path) -> Layouts:
    return Layouts(Side.HEAD, scratch=tmp_path)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    path = tmp_path / "bench"
    path.write_text("as built")
    return path


def test_each_seed_is_a_layout(
    layouts: Layouts, line: FakeLine, built: Path, tmp_path: Path
) -> None:
    layouts.learn(TITLE, line)

    place = layouts.draw(TITLE, built, tmp_path / "round", seed=3)

    assert place.read_text() == "--randomize-section-padding={}3"
    assert place.name == built.name
    assert not layouts.kept
    assert layouts.draws(TITLE)
    assert layouts.cost(TITLE) > 0


def test_without_a_line_there_are_copies_and_one_layout(
    layouts: Layouts, built: Path, tmp_path: Path
) -> None:
    layouts.learn(TITLE, None)

    place = layouts.draw(TITLE, built, tmp_path / "round", seed=3)

    assert (place.read_text(), place.samefile(built)) == ("as built", False)
    assert layouts.cost(TITLE) == 0
    assert layouts.kept == ((TITLE, "how it was linked is not known"),)
    assert not layouts.draws(TITLE)


def test_a_linker_that_refuses_is_named_with_the_cure(
    layouts: Layouts, line: FakeLine, built: Path, tmp_path: Path
) -> None:
    line.__class__.complaint = "GNU ld 2.40 can't draw a layout"
    layouts.learn(TITLE, line)

    place = layouts.draw(TITLE, built, tmp_path / "round", seed=3)

    assert place.read_text() == "as built"
    assert layouts.kept == ((TITLE, "GNU ld 2.40 can't draw a layout; link with lld"),)


@pytest.fixture(autouse=True)
def content(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeLine, "complaint", "")


def test_a_link_that_fails_later_ends_in_one_layout(
    layouts: Layouts,
    line: FakeLine,
    built: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layouts.learn(TITLE, line)
    monkeypatch.setattr(FakeLine, "complaint", "cc: no space left")

    places = [
        layouts.draw(TITLE, built, tmp_path / "round", seed=seed) for seed in (3, 4)
    ]

    assert places == [built, built]
    assert layouts.kept == ((TITLE, "cc: no space left"),)


def test_a_disk_that_fills_with_layouts(
    layouts: Layouts,
    line: FakeLine,
    built: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layouts.learn(TITLE, line)
    usage = shutil.disk_usage(tmp_path)
    nearly_full = usage._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: nearly_full)

    assert layouts.draw(TITLE, built, tmp_path / "round", seed=3) == built
    ((_, reason),) = layouts.kept
    assert reason.startswith("the disk has no room for a layout")


@pytest.mark.parametrize(
    "slow",
    [(0.1, 1, ""), (1.5, 2, ""), (7.25, 1, "to link it takes 7.25 s")],
)
def test_a_link_that_takes_long_draws_fewer_layouts_or_none(
    tmp_path: Path,
    line: FakeLine,
    monkeypatch: pytest.MonkeyPatch,
    slow: tuple[float, int, str],
) -> None:
    seconds, every, said = slow
    layouts = Layouts(Side.HEAD, scratch=tmp_path)
    clock = iter([10.0, 10.0 + seconds])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))

    layouts.learn(TITLE, line)

    assert layouts.every(TITLE) == every
    assert "".join(reason for _, reason in layouts.kept) == said


@pytest.mark.parametrize(
    "takes",
    [(0.1, 0.9, 1), (0.1, 0.5, 2), (0.1, 0.2, 4), (1.5, 20.0, 1), (1.5, 0.2, 4)],
)
def test_slices_share_a_layout_until_linking_is_a_tenth(
    tmp_path: Path,
    line: FakeLine,
    monkeypatch: pytest.MonkeyPatch,
    takes: tuple[float, float, int],
) -> None:
    link, slices, pairs = takes
    layouts = Layouts(Side.HEAD, scratch=tmp_path)
    clock = iter([0.0, link])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))

    layouts.learn(TITLE, line)

    assert layouts.slices_each(TITLE, seconds=slices) == pairs


def test_what_has_no_layouts_needs_one_slice(tmp_path: Path) -> None:
    assert Layouts(Side.HEAD, scratch=tmp_path).slices_each(TITLE, seconds=0.2) == 1


def kept(side: Side, *titles: str) -> Layouts:
    layouts = Layouts(side, scratch=Path())
    for title in titles:
        layouts.learn(title, None)
    return layouts


REST = (
    "measured in one layout, so a change of a few percent may be the luck of it: how "
    "it was linked is not known"
)


@pytest.mark.parametrize(
    ("sides", "named"),
    [
        ([kept(Side.HEAD, "a")], "a of the head was"),
        ([kept(Side.BASE, "a"), kept(Side.HEAD, "a")], "a was"),
        ([kept(Side.BASE, "a", "b"), None], "a and 1 other of the base were"),
        ([kept(Side.BASE, "a"), kept(Side.HEAD, "a", "b", "c")], "a and 2 others were"),
    ],
)
def test_executables_of_one_layout_are_one_doubt(
    sides: list[Layouts | None], named: str
) -> None:
    (doubt,) = doubts_of("micro", *sides)

    assert doubt.text == f"micro: {named} {REST}"


def test_executables_that_are_linked_alike_are_tried_once(
    layouts: Layouts, line: FakeLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Path] = []

    def drawing(_: FakeLine, folder: Path) -> Drawing:
        tried.append(folder)
        return Drawing.PADDING

    monkeypatch.setattr(FakeLine, "drawing", drawing)

    layouts.learn("a", line)
    layouts.learn("b", line)

    assert len(tried) == 1
    assert layouts.draws("a")
    assert layouts.draws("b")


def test_a_linker_that_can_not_draw_is_tried_once(
    layouts: Layouts, line: FakeLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Path] = []

    def drawing(_: FakeLine, folder: Path) -> Drawing:
        tried.append(folder)
        raise ToolError("ld can't draw a layout", hint="link with lld")

    monkeypatch.setattr(FakeLine, "drawing", drawing)

    layouts.learn("a", line)
    layouts.learn("b", line)

    assert len(tried) == 1
    assert {reason for _, reason in layouts.kept} == {
        "ld can't draw a layout; link with lld"
    }


def test_a_scratch_folder_that_can_not_be_made(tmp_path: Path, line: FakeLine) -> None:
    (tmp_path / "file").write_text("")
    layouts = Layouts(Side.HEAD, scratch=tmp_path / "file")

    layouts.learn(TITLE, line)

    ((_, reason),) = layouts.kept
    assert "file" in reason
