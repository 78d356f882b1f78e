from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchgate.errors import ToolError
from benchgate.measure import cache, git, host, seeds
from tests.repositories import commit, repository, run

PLENTY = 1e12
TAG = "CACHEDIR.TAG"
OWN = "release/.fingerprint/own-0123456789abcdef"
FOREIGN = "release/.fingerprint/serde-0123456789abcdef"
KILLED = """
import sys
from pathlib import Path
from benchgate.measure import cache, seeds
root, sha = Path(sys.argv[1]), sys.argv[2]
half = 'mkdir "$1"; echo half > "$1/half"; kill -9 $PPID'
seeds._COPY_ELSEWHERE = ("sh", "-c", half)
with cache.checked_out(root, sha, folder=root, most=1e12):
    print("not killed")
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the cache of this test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(host, "toolchain", lambda _: "rustc 1.2.3")
    return tmp_path / "cache" / "benchgate"


@pytest.fixture
def package(root: Path) -> Path:
    """Return a repository with a package whose ``target`` Git ignores."""
    (root / "Cargo.toml").write_text('[package]\nname = "own"\n')
    commit(root, ".gitignore", "target\n")
    return root


def checked_out(
    root: Path, sha: str = "", most: float = PLENTY
) -> contextlib.AbstractContextManager[Path]:
    """Return a slot for *sha*, the last commit when left out."""
    sha = sha or git.commit_of(root, "HEAD")
    return cache.checked_out(root, sha, folder=root, most=most)


def build(slot: Path, said: str = "built", at: str = "base/target") -> Path:
    """Write what Cargo leaves in a slot: of the package itself and of a dependency."""
    target = slot / at
    for place in (OWN, FOREIGN):
        (target / place).mkdir(parents=True, exist_ok=True)
        (target / place / "hash").write_text(said)
    (target / TAG).touch()
    return target


def filled(root: Path, sha: str = "") -> Path:
    """Return the slot of *sha* after a comparison that has built it."""
    with checked_out(root, sha) as slot:
        build(slot)
    return slot


def left_in(slot: Path) -> list[str]:
    return sorted(entry.name for entry in slot.iterdir())


def used_at(slot: Path, seconds: float) -> None:
    os.utime(slot / "stamp", (seconds, seconds))


def test_a_slot_is_used_by_one_at_a_time(root: Path, place: Path) -> None:
    with checked_out(root) as one, checked_out(root) as other:
        assert one != other
        assert one.is_relative_to(place)
    with checked_out(root) as again:
        assert again in (one, other)


def test_all_slots_taken_is_an_error(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_SLOTS", 1)

    with (
        checked_out(root),
        pytest.raises(ToolError, match="1 comparisons are already running"),
        checked_out(root),
    ):
        pass


@pytest.mark.parametrize("named", ["", "relative"])
def test_a_cache_that_is_not_absolute_is_the_one_at_home(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", named)
    monkeypatch.setenv("HOME", str(tmp_path))

    with checked_out(root) as slot:
        assert slot.is_relative_to(tmp_path / ".cache")


def test_a_cache_that_cannot_be_used_says_what_to_do(root: Path, place: Path) -> None:
    place.parent.touch()

    with pytest.raises(ToolError, match="can't be used for the base") as caught:
        checked_out(root).__enter__()

    assert "XDG_CACHE_HOME" in caught.value.hint


def test_the_same_base_gets_the_slot_that_it_was_built_in(package: Path) -> None:
    first, second = git.commit_of(package, "HEAD"), commit(package, "b")
    built = filled(package, first)
    other = filled(package, second)

    with checked_out(package, first) as again:
        assert again == built
        assert again != other
        assert (again / "base" / "target" / OWN / "hash").exists()


def test_a_new_base_starts_with_a_copy_of_the_last_build(package: Path) -> None:
    donor = filled(package)
    source = donor / "base" / "target" / FOREIGN / "hash"
    os.utime(source, (1e9, 1e9))

    with checked_out(package, commit(package, "b")) as slot:
        copy = slot / "base" / "target" / FOREIGN / "hash"

        assert slot != donor
        assert copy.read_text() == "built"
        assert copy.stat().st_mtime == 1e9


def test_a_lock_file_that_the_first_build_makes_is_part_of_what_was_built(
    package: Path,
) -> None:
    with checked_out(package) as first:
        (package / "Cargo.lock").write_text("serde 1.0.2")

    with checked_out(package) as again:
        assert again == first


def test_a_copy_is_never_a_hard_link(package: Path) -> None:
    donor = filled(package)

    with checked_out(package, commit(package, "b")) as slot:
        (slot / "base" / "target" / FOREIGN / "hash").write_text("another")

    assert (donor / "base" / "target" / FOREIGN / "hash").read_text() == "built"


def test_cargo_cannot_take_a_package_of_the_other_base_for_built(
    package: Path,
) -> None:
    filled(package)

    with checked_out(package, commit(package, "b")) as slot:
        assert not (slot / "base" / "target" / OWN).exists()


def test_a_target_folder_outside_of_the_tree_is_copied_too(package: Path) -> None:
    with checked_out(package) as slot:
        build(slot, at="target")

    with checked_out(package, commit(package, "b")) as slot:
        assert (slot / "target" / FOREIGN / "hash").exists()


def test_a_target_folder_of_a_package_that_is_gone_is_not_copied(
    package: Path,
) -> None:
    (package / "inner").mkdir()
    with checked_out(package, commit(package, "inner/a")) as slot:
        build(slot, at="base/inner/target")
    (package / "inner" / "a").unlink()

    with checked_out(package, commit(package, "b")) as slot:
        assert not (slot / "base" / "inner").exists()


def test_a_target_folder_that_git_knows_is_left_as_it_is(package: Path) -> None:
    filled(package)
    (package / "target").mkdir()
    (package / "target" / "kept").touch()
    run(package, "add", "--force", "target/kept")

    with checked_out(package, commit(package, "b")) as slot:
        assert left_in(slot / "base" / "target") == ["kept"]


@pytest.mark.parametrize(
    "manifest",
    ["[package", "package = 1", "[workspace]", "[package]\nname = 1", "\xff"],
)
def test_a_manifest_that_names_no_package_is_passed_over(
    package: Path, manifest: str
) -> None:
    filled(package)
    (package / "other").mkdir()
    (package / "other" / "Cargo.toml").write_text(manifest, encoding="latin-1")

    with checked_out(package, commit(package, "b")) as slot:
        assert left_in(slot / "base" / "target" / "release" / ".fingerprint") == [
            Path(FOREIGN).name
        ]


def test_what_is_being_built_is_not_copied(package: Path) -> None:
    with checked_out(package) as donor:
        build(donor)
        with checked_out(package, commit(package, "b")) as slot:
            assert not (slot / "base" / "target").exists()


@pytest.mark.parametrize(
    "copying",
    [("sh", "-c", 'cp -a "$0" "$1"; exit 1'), ("no such command",)],
    ids=["disk full", "missing"],
)
def test_a_copy_that_fails_is_left_out(
    package: Path, monkeypatch: pytest.MonkeyPatch, copying: tuple[str, ...]
) -> None:
    filled(package)
    monkeypatch.setattr(seeds, "_COPY_ELSEWHERE", copying)

    with checked_out(package, commit(package, "b")) as slot:
        assert left_in(slot) == ["base", "lock", "stamp"]
        assert not (slot / "base" / "target").exists()


def test_a_copy_that_was_killed_halfway_is_not_taken_for_a_build(
    package: Path,
) -> None:
    donor = filled(package)
    second = commit(package, "b")
    killed = subprocess.run(
        (sys.executable, "-c", KILLED, str(package), second),
        capture_output=True,
        check=False,
    )
    half = donor.with_name("1")
    remains = left_in(half)

    with checked_out(package, second) as slot:
        assert killed.returncode == -9
        assert "stamp" not in remains
        assert slot == half
        assert left_in(slot) == ["base", "lock", "stamp"]
        assert (slot / "base" / "target" / FOREIGN / "hash").exists()


@pytest.mark.parametrize("damage", [b"", b"\xff\0", b"0" * 40 + b"\n"])
def test_a_slot_with_a_damaged_stamp_is_of_no_base(
    package: Path, damage: bytes
) -> None:
    slot = filled(package)
    whole = (slot / "stamp").read_bytes()
    (slot / "stamp").write_bytes(damage)

    with checked_out(package) as again:
        assert (again / "stamp").read_bytes() == whole
        assert not (again / "base" / "target" / OWN).exists()


def test_a_stamp_that_is_a_folder_is_no_stamp(package: Path) -> None:
    slot = filled(package)
    (slot / "stamp").unlink()
    (slot / "stamp").mkdir()

    with checked_out(package) as again:
        assert again == slot
        assert (again / "stamp").is_file()


def test_without_room_for_a_copy_the_slot_used_longest_ago_is_moved(
    package: Path,
) -> None:
    first, second = git.commit_of(package, "HEAD"), commit(package, "b")
    older, newer = filled(package, first), filled(package, second)
    used_at(older, 1e9)

    with checked_out(package, commit(package, "c"), most=1) as slot:
        assert slot == older
        assert slot != newer
        assert (slot / "base" / "c").exists()
        assert (slot / "base" / "target" / OWN).exists()


def test_a_disk_with_little_room_gets_no_copy(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = filled(package)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1))

    with checked_out(package, commit(package, "b")) as slot:
        assert slot == built


def test_with_no_slot_left_the_one_used_longest_ago_is_moved(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_SLOTS", 1)
    built = filled(package)

    with checked_out(package, commit(package, "b")) as slot:
        assert slot == built


def test_slots_used_longest_ago_are_removed_until_the_rest_fits(
    package: Path, tmp_path: Path
) -> None:
    own, stranger = (repository(tmp_path / name) for name in ("own", "stranger"))
    first, second, third = (filled(package, commit(package, n)) for n in "bcd")
    other = filled(stranger)
    for number, slot in enumerate((other, first, third, second)):
        (slot / "base" / "big").write_bytes(bytes(1_000_000))
        used_at(slot, 1e9 + number)

    with checked_out(own, most=2.5e6):
        assert left_in(first) == ["base", "lock", "stamp"]

    assert left_in(other) == left_in(first) == ["lock"]
    assert left_in(third) == left_in(second) == ["base", "lock", "stamp"]
    assert str(first) not in run(package, "worktree", "list")


def test_a_slot_in_use_is_not_removed(package: Path) -> None:
    with checked_out(package) as used:
        with checked_out(package, commit(package, "b"), most=0) as own:
            assert (own / "base" / "b").exists()
        assert left_in(own) == ["lock"]
        assert left_in(used) == ["base", "lock", "stamp"]


def test_a_slot_whose_repository_is_gone_is_removed_too(
    package: Path, tmp_path: Path
) -> None:
    gone = repository(tmp_path / "gone")
    slot = filled(gone)
    shutil.rmtree(gone)

    with checked_out(package, most=0):
        pass

    assert left_in(slot) == ["lock"]


def test_what_is_no_slot_is_never_removed(package: Path, place: Path) -> None:
    strange = place / "repository" / "notes"
    strange.mkdir(parents=True)
    (strange / "lock").write_text("mine")

    with checked_out(package, most=0):
        pass

    assert (strange / "lock").read_text() == "mine"


def test_a_comparison_that_fails_prunes_too(package: Path) -> None:
    with pytest.raises(KeyError), checked_out(package, most=0) as slot:
        raise KeyError

    assert left_in(slot) == ["lock"]


def test_what_cannot_be_removed_fails_nothing(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(repository: Path) -> None:
        raise ToolError("git worktree: refused")

    monkeypatch.setattr(git, "prune_worktrees", refuse)

    with checked_out(package, most=0) as slot:
        pass

    assert left_in(slot) == ["lock"]


def test_a_file_with_two_names_is_counted_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(1000))
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    (tmp_path / "c").symlink_to("nowhere")

    assert cache._size(tmp_path) == 1000 + len("nowhere")


def lock_file(root: Path) -> dict[str, str]:
    (root / "Cargo.lock").write_text("serde 1.0.2")
    return {}


def tracked_lock_file(root: Path) -> dict[str, str]:
    commit(root, "Cargo.lock", "serde 1.0.2")
    return {}


@pytest.mark.parametrize(
    ("change", "alike"),
    [
        (lambda _: {}, True),
        (lambda _: {"PATH": "/elsewhere", "CARGO_HOME": "/elsewhere"}, True),
        (tracked_lock_file, True),
        (lock_file, False),
        (lambda _: {"RUSTFLAGS": "-Ctarget-cpu=native"}, False),
        (lambda _: {"CARGO_ENCODED_RUSTFLAGS": "-Cdebuginfo=1"}, False),
        (lambda _: {"CARGO_BUILD_TARGET": "x86_64-unknown-linux-musl"}, False),
        (lambda _: {"CARGO_PROFILE_BENCH_LTO": "fat"}, False),
        (lambda _: {"CARGO_TARGET_DIR": "/elsewhere"}, False),
        (lambda _: {"RUSTC_WRAPPER": "sccache"}, False),
    ],
)
def test_a_build_is_shared_by_commit_toolchain_lock_file_and_flags(
    root: Path, change: Callable[[Path], dict[str, str]], *, alike: bool
) -> None:
    sha = git.commit_of(root, "HEAD")
    before = cache.stamp_of(root, sha, folder=root, variables={})

    after = cache.stamp_of(root, sha, folder=root, variables=change(root))

    assert (after == before) is alike


def test_another_toolchain_or_commit_is_another_build(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = cache.stamp_of(root, "a", folder=root, variables={})
    other = cache.stamp_of(root, "b", folder=root, variables={})
    monkeypatch.setattr(host, "toolchain", lambda _: "rustc 1.2.4")
    newer = cache.stamp_of(root, "a", folder=root, variables={})

    assert len({one, other, newer}) == 3
