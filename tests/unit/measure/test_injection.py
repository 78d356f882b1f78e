"""A copy of criterion whose loops repeat a share of the work."""

from __future__ import annotations

import os
import shutil
import tomllib
from pathlib import Path

import pytest

from benchgate.errors import ToolError
from benchgate.measure import injection
from benchgate.measure.injection import changed_harness, chosen_half

PACKAGE = "registry+https://github.com/rust-lang/crates.io-index#criterion@0.8.2"
BENCHER = """
    pub fn iter<O, R>(&mut self, mut routine: R) {
        self.iterated = true;
        for _ in 0..self.iters {
            black_box(routine());
        }
    }
    pub(crate) fn assert_iterated(&mut self) {
        self.iterated = false;
    }
    pub fn iter<O, R, F>(&mut self, mut routine: R) {
        let AsyncBencher { b, runner } = self;
        runner.block_on(async {
            b.iterated = true;
            for _ in 0..b.iters {
                black_box(routine().await);
            }
        });
    }
"""


@pytest.fixture
def criterion(tmp_path: Path) -> Path:
    """Return a criterion as it lies in Cargo's registry."""
    folder = tmp_path / "registry" / "criterion-0.8.2"
    (folder / "src").mkdir(parents=True)
    (folder / "Cargo.toml").write_text('[package]\nname = "criterion"\n')
    (folder / "src" / "bencher.rs").write_text(BENCHER)
    (folder / "src" / "lib.rs").write_text("#![deny(warnings)]\nmod bencher;\n")
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "changed"


def test_each_loop_asks_how_often_to_iterate(criterion: Path, place: Path) -> None:
    copy = changed_harness(PACKAGE, criterion, place)

    text = (copy / "src" / "bencher.rs").read_text()
    assert text.count("self.iters = benchgate_with_repeated(self.iters);") == 1
    assert text.count("b.iters = benchgate_with_repeated(b.iters);") == 1
    assert text.count("fn benchgate_with_repeated(iters: u64) -> u64 {") == 1
    assert text.startswith(
        BENCHER.partition("true;")[0]
        + "true; self.iters = benchgate_with_repeated(self.iters);\n"
    )


def test_the_harness_asks_for_the_variables_that_we_set() -> None:
    assert injection._HELPER.count(f'"{injection._SHARE}"') == 1
    assert injection._HELPER.count(f'"{injection._TOLD}"') == 1
    assert injection._HELPER.count(f"{injection._MILLIONTHS:_}") == 3


def test_the_rest_of_the_crate_is_copied(criterion: Path, place: Path) -> None:
    copy = changed_harness(PACKAGE, criterion, place)

    assert copy == place / "criterion-0.8.2"
    assert (copy / "Cargo.toml").read_text() == '[package]\nname = "criterion"\n'
    assert (criterion / "src" / "bencher.rs").read_text() == BENCHER


def test_warnings_of_a_newer_compiler_are_no_errors(
    criterion: Path, place: Path
) -> None:
    copy = changed_harness(PACKAGE, criterion, place)

    top = (copy / "src" / "lib.rs").read_text()
    assert top == "#![warn(warnings)]\nmod bencher;\n"


def test_loops_of_an_old_criterion_are_in_its_top_file(
    criterion: Path, place: Path
) -> None:
    (criterion / "src" / "bencher.rs").unlink()
    (criterion / "src" / "lib.rs").write_text(f"#![deny(warnings)]\n{BENCHER}")

    copy = changed_harness(PACKAGE, criterion, place)
    again = changed_harness(PACKAGE, criterion, place)

    text = (again / "src" / "lib.rs").read_text()
    assert text.startswith("#![warn(warnings)]\n")
    assert text.count("benchgate_with_repeated(self.iters)") == 1
    assert again == copy


@pytest.mark.parametrize("file", ["bencher.rs", "lib.rs"])
def test_a_copy_that_is_there_need_not_be_built_again(
    criterion: Path, place: Path, file: str
) -> None:
    (criterion / "src" / "bencher.rs").rename(criterion / "src" / file)
    changed = changed_harness(PACKAGE, criterion, place) / "src" / file
    os.utime(changed, (1.0, 1.0))

    changed_harness(PACKAGE, criterion, place)

    assert changed.stat().st_mtime == 1.0


def test_a_copy_of_another_version_of_ours_is_made_again(
    criterion: Path, place: Path
) -> None:
    stale = place / "criterion-0.8.2" / "src" / "bencher.rs"
    stale.parent.mkdir(parents=True)
    stale.write_text("// as an earlier benchgate changed it")

    changed_harness(PACKAGE, criterion, place)

    assert "benchgate_with_repeated" in stale.read_text()


def test_a_copy_that_was_not_finished_is_made_again(
    criterion: Path, place: Path
) -> None:
    shutil.copytree(criterion, place / "criterion-0.8.2.part")

    copy = changed_harness(PACKAGE, criterion, place)

    assert [entry.name for entry in place.iterdir()] == [copy.name]


@pytest.mark.parametrize(
    "text", ["", "// loops of their own", "self.iterated = false;"]
)
def test_loops_that_we_do_not_know_are_refused(
    criterion: Path, place: Path, text: str
) -> None:
    (criterion / "src" / "bencher.rs").write_text(text)

    with pytest.raises(ToolError, match=r"^the loops of criterion-0\.8\.2 are not"):
        changed_harness(PACKAGE, criterion, place)


def test_a_crate_without_sources_is_refused(tmp_path: Path, place: Path) -> None:
    with pytest.raises(ToolError, match="are not those that we know"):
        changed_harness(PACKAGE, tmp_path / "criterion-9", place)


@pytest.mark.parametrize(
    "package",
    [
        "git+https://example.org/criterion#criterion@0.8.2",
        "path+file:///srv/criterion#0.8.2",
        "registry+https://crates.example.org/index#criterion@0.8.2",
    ],
)
def test_a_criterion_from_elsewhere_is_refused(
    criterion: Path, place: Path, package: str
) -> None:
    with pytest.raises(ToolError, match=r"is not the one of crates\.io"):
        changed_harness(package, criterion, place)


def test_an_old_cargo_writes_the_package_otherwise(
    criterion: Path, place: Path
) -> None:
    package = "criterion 0.8.2 (registry+https://github.com/rust-lang/crates.io-index)"

    assert changed_harness(package, criterion, place).is_dir()


def test_cargo_is_told_of_each_copy() -> None:
    copies = [Path("/slot/a b/criterion-0.5.1"), Path("/slot/a b/criterion-0.8.2")]

    told = tomllib.loads(injection._patches(copies))

    assert told == {
        "patch": {
            "crates-io": {
                copy.name: {"package": "criterion", "path": str(copy)}
                for copy in copies
            }
        }
    }


# --- the half ---


@pytest.mark.parametrize(("number", "half"), [(0, 0), (1, 1), (2, 1), (3, 2), (14, 7)])
def test_half_is_chosen_and_never_nothing(number: int, half: int) -> None:
    names = {f"benchmark {n}" for n in range(number)}

    chosen = chosen_half(names, seed="1577ed9")

    assert len(chosen) == half
    assert chosen <= names


def test_the_seed_chooses_not_the_order() -> None:
    names = [f"benchmark {n}" for n in range(20)]

    first = chosen_half(names, seed="1577ed9")

    assert chosen_half(reversed(names), seed="1577ed9") == first
    assert chosen_half(names, seed="24d8b35") != first
