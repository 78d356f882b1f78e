"""A changed file is an input where a bench names it, or the folder it lies in."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchgate.measure.inputs import changed_inputs

BENCH = """\
const WORDS: &str = include_str!("../data/words.txt");
fn texts(name: &str) -> String { read(format!("benches/texts/{name}.log")) }
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "parser"
    (folder / "benches").mkdir(parents=True)
    (folder / "benches" / "core.rs").write_text(BENCH)
    return folder


@pytest.mark.parametrize(
    ("name", "is_input"),
    [
        ("parser/data/words.txt", True),
        ("data/words.txt", True),
        ("parser/benches/texts/one.log", True),
        ("parser/benches/other.log", False),
        ("parser/data/names.txt", False),
        ("other/benches/texts/one.log", False),
        ("parser/benches/core.rs", False),
        ("parser/src/lib.rs", False),
        ("Cargo.lock", False),
    ],
)
def test_a_file_that_a_bench_names_is_an_input(
    package: Path, name: str, *, is_input: bool
) -> None:
    found = changed_inputs(package.parent, [name], [package])

    assert bool(found) is is_input


def test_without_benches_nothing_is_read(tmp_path: Path) -> None:
    assert changed_inputs(tmp_path, ["words.txt"], [tmp_path]) == ()
