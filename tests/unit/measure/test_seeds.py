"""The base gets what the head has built of dependencies."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchgate.measure import seeds
from benchgate.measure.plan import Checkout
from benchgate.model import Commit, Side

HASH = "-0123456789abcdef"
BENCH = f"deps/sort{HASH}"
LIBRARY = f"deps/libserde{HASH}.rlib"
KNOWN = f".fingerprint/serde{HASH}/hash"
# What a build leaves in the folder of a profile, and of that what the base can use.
USED = (
    LIBRARY,
    f"deps/serde{HASH}.d",
    f"deps/libderive{HASH}.so",
    KNOWN,
    f"build/serde{HASH}/out/made.rs",
)
UNUSED = (
    BENCH,
    f".fingerprint/own{HASH}/hash",
    f"incremental/own{HASH}/work.bin",
    "libown.rlib",
)


def checkout(side: Side, root: Path) -> Checkout:
    return Checkout(side, Commit("0" * 40), root, root)


@pytest.fixture
def head(tmp_path: Path) -> Checkout:
    """Return a project that is built in its own folder."""
    root = tmp_path / "head"
    root.mkdir()
    (root / "Cargo.toml").write_text('[package]\nname = "own"\n')
    build(root / "target")
    return checkout(Side.HEAD, root)


@pytest.fixture
def base(tmp_path: Path) -> Checkout:
    root = tmp_path / "slot" / "base"
    root.mkdir(parents=True)
    return checkout(Side.BASE, root)


def build(target: Path, profile: str = "release") -> Path:
    """Write what Cargo leaves in *target*; return the executable."""
    for name in (*USED, *UNUSED):
        place = target / profile / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("built")
        os.utime(place, ns=(10**18 + 1, 10**18 + 1))
    (target / seeds.TAG).write_text("Signature")
    return target / profile / BENCH


def files_in(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def seed(
    head: Checkout,
    base: Checkout,
    executables: Collection[Path] = (),
) -> None:
    executables = executables or [head.root / "target" / "release" / BENCH]
    seeds.from_head(executables, head=head, base=base)


def test_the_base_gets_what_the_head_built_of_dependencies(
    head: Checkout, base: Checkout
) -> None:
    seed(head, base)

    place = base.root / "target"
    assert files_in(place) == {seeds.TAG, *(f"release/{name}" for name in USED)}
    assert (place / "release" / LIBRARY).stat().st_mtime_ns == 10**18 + 1
    assert list(base.root.parent.iterdir()) == [base.root]


def test_what_is_written_to_a_copy_is_not_written_to_the_users_file(
    head: Checkout, base: Checkout
) -> None:
    seed(head, base)

    (base.root / "target" / "release" / LIBRARY).write_text("another")

    assert (head.root / "target" / "release" / LIBRARY).read_text() == "built"


def test_what_the_base_has_built_is_left_as_it_is(
    head: Checkout, base: Checkout
) -> None:
    (base.root / "target").mkdir()

    seed(head, base)

    assert files_in(base.root) == set()


def test_a_package_of_the_base_alone_is_not_taken_for_built(
    head: Checkout, base: Checkout
) -> None:
    (base.root / "Cargo.toml").write_text('[package]\nname = "serde"\n')

    seed(head, base)

    assert not (base.root / "target" / "release" / KNOWN).exists()


def test_a_package_that_only_the_lock_file_knows_is_not_taken_for_built(
    head: Checkout, base: Checkout
) -> None:
    registry = 'source = "registry+https://example.org"'
    (head.root / "Cargo.lock").write_text(
        f'[[package]]\nname = "other"\n{registry}\n[[package]]\nname = "serde"\n'
    )

    seed(head, base)

    assert not (base.root / "target" / "release" / KNOWN).exists()


def test_a_package_of_a_registry_is_one_that_the_base_needs_not_compile(
    head: Checkout, base: Checkout
) -> None:
    (head.root / "Cargo.lock").write_text(
        '[[package]]\nname = "serde"\nsource = "registry+https://example.org"\n'
    )

    seed(head, base)

    assert (base.root / "target" / "release" / KNOWN).exists()


def test_a_folder_for_all_projects_goes_to_the_one_of_the_base(
    head: Checkout, base: Checkout, tmp_path: Path
) -> None:
    shared = build(tmp_path / "elsewhere")
    base = replace(base, target=base.root.parent / "target")

    seed(head, base, [shared])

    assert (base.root.parent / "target" / "release" / LIBRARY).exists()


def test_a_folder_that_cargo_found_there_is_one_of_its_own_too(
    head: Checkout, base: Checkout
) -> None:
    (head.root / "target" / seeds.TAG).rename(head.root / "target/.rustc_info.json")

    seed(head, base)

    assert (base.root / "target" / "release" / LIBRARY).exists()
    assert (base.root / "target" / seeds.TAG).exists()


def test_a_folder_that_is_not_of_the_project_is_left_alone(
    head: Checkout, base: Checkout, tmp_path: Path
) -> None:
    seed(head, base, [build(tmp_path / "elsewhere")])

    assert files_in(base.root) == set()


def test_an_executable_that_cargo_did_not_build_tells_nothing(
    head: Checkout, base: Checkout, tmp_path: Path
) -> None:
    seed(head, base, [tmp_path / "bazel" / "deps" / "sort"])

    assert files_in(base.root) == set()


def test_a_workspace_that_the_base_lacks_is_left_out(
    head: Checkout, base: Checkout
) -> None:
    seed(head, base, [build(head.root / "benches" / "target")])

    assert files_in(base.root) == set()


def test_another_platform_has_its_build_scripts_beside(
    head: Checkout, base: Checkout
) -> None:
    target = head.root / "target"
    cross = build(target, "x86_64-unknown-linux-musl/release")
    build(target, "debug")

    seed(head, base, [cross])

    place = base.root / "target"
    assert (place / "x86_64-unknown-linux-musl" / "release" / LIBRARY).exists()
    assert (place / "release" / LIBRARY).exists()
    assert not (place / "debug").exists()


def test_what_a_service_is_built_from_goes_to_the_base_too(
    head: Checkout, base: Checkout
) -> None:
    seed(head, base, [head.root / "target" / "release" / "shop"])

    assert (base.root / "target" / "release" / LIBRARY).exists()


def test_a_disk_with_little_room_gets_no_copy(
    head: Checkout, base: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=40))

    seed(head, base)

    assert files_in(base.root) == set()


@pytest.mark.parametrize("error", [OSError("full"), shutil.Error([("a", "b", "full")])])
def test_a_copy_that_fails_leaves_nothing(
    head: Checkout,
    base: Checkout,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    copied = []

    def copytree(source: Path, to: Path, **_: object) -> None:
        to.mkdir(parents=True)
        copied.append(source)
        if len(copied) == 2:
            raise error

    monkeypatch.setattr(shutil, "copytree", copytree)

    seed(head, base)

    assert len(copied) == 2
    assert list(base.root.parent.iterdir()) == [base.root]
    assert files_in(base.root) == set()
