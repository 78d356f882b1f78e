from __future__ import annotations

from pathlib import Path

import pytest

from benchgate import config
from benchgate.measure.selection import (
    FIRST_CONTACT,
    _is_of_all,
    affected_packages,
    measurable,
)

ROOT = Path("/repository")
CORE, API, ALONE = ROOT / "core", ROOT / "api", ROOT / "alone"
PACKAGES = {CORE: frozenset[Path](), API: frozenset({CORE}), ALONE: frozenset[Path]()}


@pytest.mark.parametrize(
    ("changed", "affected"),
    [
        ([], set()),
        (["core/src/lib.rs"], {CORE, API}),
        (["api/src/lib.rs"], {API}),
        (["alone/data/README.md"], {ALONE}),
        (["README.md"], set()),
        (["core/src/gone.rs", "alone/src/new.rs"], {CORE, API, ALONE}),
    ],
)
def test_a_change_affects_its_package_and_all_that_need_it(
    changed: list[str], affected: set[Path]
) -> None:
    assert affected_packages(ROOT, changed, PACKAGES) == affected


def test_packages_that_need_each_other_end() -> None:
    packages = {CORE: frozenset({API}), API: frozenset({CORE})}

    assert affected_packages(ROOT, ["api/x.rs"], packages) == {CORE, API}


def test_a_package_in_a_package_owns_its_files() -> None:
    packages = {ROOT: frozenset[Path](), CORE: frozenset[Path]()}

    assert affected_packages(ROOT, ["core/x.rs"], packages) == {CORE}


@pytest.mark.parametrize(
    ("name", "of_all"),
    [
        ("Cargo.lock", True),
        ("core/Cargo.lock", True),
        ("rust-toolchain.toml", True),
        (".cargo/config.toml", True),
        ("core/.cargo/config.toml", True),
        ("Cargo.toml", True),
        ("core/Cargo.toml", False),
        ("data/input.bin", True),
        ("README.md", False),
        ("docs/page.html", False),
        (".github/workflows/ci.yml", False),
        ("core/src/lib.rs", False),
        ("benchgate.yml", True),
    ],
)
def test_what_belongs_to_no_package_may_affect_all(name: str, *, of_all: bool) -> None:
    assert _is_of_all(ROOT, name, PACKAGES) is of_all


def test_the_manifest_of_a_root_package_is_that_of_the_workspace() -> None:
    packages = {ROOT: frozenset[Path](), CORE: frozenset[Path]()}

    assert _is_of_all(ROOT, "Cargo.toml", packages)
    assert not _is_of_all(ROOT, "src/lib.rs", packages)


def test_without_suites_there_are_criterions_benches() -> None:
    assert measurable(config.default()) == ((FIRST_CONTACT,), ())


def test_what_is_read_from_files_is_not_measured() -> None:
    settings = config.decode(
        b"suites: {ours: {tool: pytest-benchmark}, b: {tool: criterion}}", name="x"
    )

    kept, left_out = measurable(settings)

    assert [suite.name for suite in kept] == ["b"]
    assert [doubt.text for doubt in left_out] == [
        "ours: pytest-benchmark results are read from files, not measured here"
    ]
