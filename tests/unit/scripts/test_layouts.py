"""The page on layouts says what the slices of them say."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from scripts import layouts
from scripts.layouts import Measured

WAYS = ("copies", "padding")


def measured(
    between: float, *, profile: str = "as it is", seed: int = 1, within: float = 0.002
) -> Measured:
    """Return a benchmark whose paddings differ by *between*, a standard deviation."""
    rng = np.random.default_rng(seed)
    slices = {}
    for way in WAYS:
        spread = between if way == "padding" else 0.0
        logs = spread * rng.standard_normal((16, 1)) + within * abs(
            rng.standard_normal((16, 8))
        )
        slices[way] = tuple(tuple(row) for row in np.exp(logs).tolist())
    return Measured("shop", profile, "stock/pieces", 0.07, 3_200_000, slices)


def row_of(text: str, first: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_spread_is_that_of_the_fastest_slices() -> None:
    _, copies, padding = row_of(layouts.page([measured(0.06)]), "stock/pieces")

    assert float(copies) < 0.2
    assert float(padding) == pytest.approx(6.0, abs=2.5)


def test_profiles_stand_beside_each_other_with_what_a_link_takes() -> None:
    found = [measured(0.06), measured(0.0, profile="fat LTO")]

    text = layouts.page(found)

    assert "| benchmark | as it is | fat LTO |" in text
    assert row_of(text, "fat LTO") == ["fat LTO", "3.2 MB", "0.07 s"]


def test_one_profile_alone_is_not_compared() -> None:
    assert "in other profiles" not in layouts.page([measured(0.06)])


def found(text: str, number: int, pairs: int, how: str) -> list[float]:
    """Return the shares, in percent, with nothing planted, with 5 % and with 10 %."""
    line = next(
        line
        for line in text.splitlines()
        if line.startswith(f"| {number} | {pairs} | {how} |")
    )
    return [float(cell.strip(" %")) for cell in line.split("|")[5:8]]


def test_one_layout_a_side_cries_wolf_and_twenty_do_not() -> None:
    text = layouts.page([measured(0.06)])

    assert found(text, 1, 20, "each")[0] > 20
    assert found(text, 20, 1, "quietest")[0] < 1


def test_where_layouts_do_not_differ_few_are_enough() -> None:
    text = layouts.page([measured(0.0)])

    rows = ((20, 1, "quietest"), (10, 2, "average"), (8, 4, "quietest"))
    assert [found(text, *row)[2] for row in rows] == [100.0] * 3


def test_bursts_spoil_averages_and_not_the_quietest_pair() -> None:
    calm = measured(0.0)
    rng = np.random.default_rng(2)
    disturbed = {
        way: tuple(
            tuple(t * (1.4 if rng.random() < 0.5 else 1.0) for t in each)
            for each in slices
        )
        for way, slices in calm.slices.items()
    }

    text = layouts.page([msgspec.structs.replace(calm, slices=disturbed)])

    assert found(text, 20, 4, "quietest")[1] > 90
    assert found(text, 20, 4, "average")[1] < 30


def test_nothing_measured_is_a_page_without_tables() -> None:
    assert "|" not in layouts.page([])


def test_the_page_is_written_from_what_is_kept(tmp_path: Path) -> None:
    words = ["--kept", str(tmp_path), "--page", str(tmp_path / "page.md")]

    assert layouts.main(words) == 0

    assert (tmp_path / "page.md").read_text() == layouts.page([])


def test_a_project_without_benches_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--project", str(tmp_path), "--kept", str(tmp_path / "kept")]

    assert layouts.main([*words, "--page", str(tmp_path / "page.md")]) == 1

    assert "layouts: as it is: " in capsys.readouterr().err
    assert not (tmp_path / "page.md").exists()
