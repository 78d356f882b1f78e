from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from benchgate.errors import ToolError
from benchgate.measure import links, restarts
from benchgate.measure.restarts import Pace


def restarted(pace: Pace, rounds: int, *, seconds: float) -> list[int]:
    """Return the numbers of the rounds that begin with a restart of *seconds*."""
    due = []
    for number in range(rounds):
        if pace.is_due(number):
            due.append(number)
            pace.took(seconds)
    return due


def test_what_costs_little_is_restarted_in_every_round() -> None:
    pace = Pace(20, windows=12.0, cost=1.0)

    assert restarted(pace, 40, seconds=1.0) == list(range(1, 40))


def test_restarts_are_spread_over_the_rounds_and_go_on_after_the_first_look() -> None:
    pace = Pace(20, windows=12.0, cost=4.0)

    assert restarted(pace, 40, seconds=4.0) == [
        *(3, 5, 8, 10, 13, 15, 18),
        *(20, 23, 25, 28, 30, 33, 35, 38),
    ]


@pytest.mark.parametrize("cost", [1.0, 2.0, 3.0, 4.0, 4.2])
def test_restarts_take_no_more_than_an_eighth_of_the_windows(cost: float) -> None:
    pace = Pace(20, windows=12.0, cost=cost)

    number = len(restarted(pace, 20, seconds=cost))

    assert number + 1 >= 8
    assert number * cost <= 20 * 12.0 / 8


def test_too_few_layouts_are_none_at_all() -> None:
    pace = Pace(20, windows=12.0, cost=4.5)

    assert not pace.is_affordable
    assert restarted(pace, 20, seconds=4.5) == []


@pytest.mark.parametrize(
    ("rounds", "cost", "due"),
    [
        (2, 2.9, [1]),
        (2, 3.1, []),
        (5, 7.4, [3]),
        (12, 4.4, [3, 5, 8, 10]),
        (12, 4.6, []),
    ],
)
def test_few_rounds_need_as_many_layouts_a_round_but_two(
    rounds: int, cost: float, due: list[int]
) -> None:
    pace = Pace(rounds, windows=12.0, cost=cost)

    assert restarted(pace, rounds, seconds=cost) == due


def test_one_restart_that_was_disturbed_ends_nothing() -> None:
    pace = Pace(20, windows=12.0, cost=2.0)
    pace.took(30.0)

    assert pace.is_affordable
    assert pace.cost == 2.0


def test_restarts_that_keep_taking_longer_than_thought_end() -> None:
    pace = Pace(20, windows=12.0, cost=2.0)

    assert restarted(pace, 40, seconds=12.0) == [2, 3]
    assert (pace.layouts, pace.cost, pace.is_affordable) == (3, 12.0, False)


def never() -> None:
    pytest.fail("nothing was to be built")


def cargos(folder: Path) -> Path:
    """Return an executable with both of the names that Cargo gives."""
    name = folder / "release" / "shop"
    twin = name.parent / "deps" / "shop-0123456789abcdef"
    twin.parent.mkdir(parents=True)
    twin.write_text("built before")
    name.hardlink_to(twin)
    return name


def test_without_a_path_there_is_no_executable(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="doesn't begin with the path") as raised:
        restarts.line_of(None, tmp_path, build_again=never)

    assert raised.value.hint == (
        "let Cargo build it, and start it as `target/release/NAME`"
    )


@pytest.mark.parametrize("name", ["service", "missing"])
def test_what_is_not_cargos_is_never_moved(tmp_path: Path, name: str) -> None:
    (tmp_path / "service").write_text("made by make")

    with pytest.raises(ToolError, match=f"^how {name} was linked is not known$"):
        restarts.line_of(tmp_path / name, tmp_path, build_again=never)

    assert (tmp_path / "service").read_text() == "made by make"


def test_a_stranger_beside_deps_is_never_moved(tmp_path: Path) -> None:
    cargos(tmp_path)
    stranger = tmp_path / "release" / "other"
    stranger.write_text("made by make")

    with pytest.raises(ToolError, match="how other was linked"):
        restarts.line_of(stranger, tmp_path, build_again=never)


def test_both_names_are_away_while_it_is_built_again(tmp_path: Path) -> None:
    name = cargos(tmp_path)
    twin = next((name.parent / "deps").iterdir())
    seen = []

    with pytest.raises(ToolError, match="not known"):
        restarts.line_of(
            name,
            tmp_path / "links",
            build_again=lambda: seen.append((name.exists(), twin.exists())),
        )

    assert seen == [(False, False)]
    assert name.read_text() == "built before"
    assert name.samefile(twin)
    assert sorted(p.name for p in name.parent.glob("**/*")) == [
        "deps",
        "shop",
        "shop-0123456789abcdef",
    ]


@pytest.mark.parametrize("error", [ToolError("make: ended"), KeyboardInterrupt()])
def test_what_is_away_comes_back_when_the_build_ends_badly(
    tmp_path: Path, error: BaseException
) -> None:
    name = cargos(tmp_path)

    def build() -> None:
        raise error

    with pytest.raises(type(error)):
        restarts.line_of(name, tmp_path / "links", build_again=build)

    assert name.read_text() == "built before"


def test_what_was_made_anew_stays(tmp_path: Path) -> None:
    name = cargos(tmp_path)

    with pytest.raises(ToolError, match="not known"):
        restarts.line_of(
            name, tmp_path / "links", build_again=lambda: write(name, "made anew")
        )

    assert name.read_text() == "made anew"
    assert (name.parent / "deps" / "shop-0123456789abcdef").read_text() == (
        "built before"
    )


def write(place: Path, text: str) -> None:
    place.write_text(text)


def test_a_folder_that_is_read_only_is_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = cargos(tmp_path)

    def refuse(self: Path, _: Path) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "rename", refuse)

    with pytest.raises(ToolError, match=re.escape(f"{name}: Permission denied")):
        restarts.line_of(name, tmp_path / "links", build_again=never)


def test_a_line_is_found_by_the_second_name_of_what_was_linked(tmp_path: Path) -> None:
    name = cargos(tmp_path)
    twin = next((name.parent / "deps").iterdir())
    kept(tmp_path / "links", twin)
    kept(tmp_path / "links", tmp_path / "gone")
    (tmp_path / "links" / "torn").mkdir()
    (tmp_path / "links" / "torn" / "line.json").write_text("{")

    line = restarts.line_of(name, tmp_path / "links", build_again=never)

    assert line.linker == "cc"
    assert links.line_for(tmp_path / "links" / "torn" / "line.json", tmp_path) is None


def kept(folder: Path, output: Path) -> None:
    """Write in *folder* how *output* was linked."""
    made = output.stat() if output.exists() else folder.parent.stat()
    said = msgspec.json.encode(
        {
            "linker": "cc",
            "arguments": ["-o", str(output)],
            "cwd": "/",
            "env": {},
            "output": str(output),
            "size": made.st_size,
            "changed_at": made.st_mtime_ns,
        }
    )
    place = folder / output.name
    place.mkdir(parents=True)
    (place / "line.json").write_bytes(said)
