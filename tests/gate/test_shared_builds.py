"""What a comparison builds, and what it finds built by the one before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.gate.projects import Project

BASE = ("compare", "--rounds", "2", "--base", "main")
OLDER = ("compare", "--rounds", "2", "--base", "main~1")


@pytest.fixture
def history(project: Project) -> Project:
    """Return a project with two commits on ``main``, and a change in the work tree."""
    project.git("switch", "--quiet", "main")
    project.write("benchgate.yml", "measure: {layouts: one}\n")
    project.commit("settings")
    project.git("switch", "--quiet", "--create", "other")
    change(project, 600.0)
    return project


def change(project: Project, nanoseconds: float) -> None:
    project.bench({"sort": nanoseconds})


def compiled(project: Project, *commands: Sequence[str]) -> list[list[Path]]:
    """Return the folders that were compiled in by each of *commands*."""
    folders = []
    for words in commands:
        before = len(project.calls("rustc"))
        ended = project.benchgate(*words)
        assert ended.code in (0, 1), ended.err
        folders.append([Path(call[0]) for call in project.calls("rustc")[before:]])
    return folders


def slots(tmp_path: Path) -> list[Path]:
    return sorted(path.parent for path in tmp_path.glob("cache/benchgate/*/*/stamp"))


def test_a_second_comparison_with_the_same_base_builds_only_the_head(
    history: Project,
) -> None:
    ((head, base),) = compiled(history, BASE)
    change(history, 700.0)

    (second,) = compiled(history, BASE)

    assert head == history.root
    assert base != history.root
    assert second == [history.root]


def test_a_second_comparison_of_the_same_builds_nothing(history: Project) -> None:
    assert [len(folders) for folders in compiled(history, BASE, BASE)] == [2, 0]


def test_another_base_in_between_leaves_the_build_of_the_first(
    history: Project, tmp_path: Path
) -> None:
    (_, first), other, again = compiled(history, BASE, OLDER, BASE)

    assert len(other) == 1
    assert other[0] not in (history.root, first)
    assert again == []
    assert len(slots(tmp_path)) == 2


def test_a_target_folder_for_all_is_shared_between_comparisons_too(
    history: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARGO_TARGET_DIR", str(tmp_path / "target"))

    built = compiled(history, BASE, OLDER, BASE)

    assert [len(folders) for folders in built] == [2, 1, 0]


def test_other_flags_have_a_build_of_their_own(
    history: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled(history, BASE)
    monkeypatch.setenv("RUSTFLAGS", "-C target-cpu=native")

    compiled(history, BASE)

    assert len(slots(tmp_path)) == 2


def test_a_damaged_stamp_costs_a_build_and_nothing_else(
    history: Project, tmp_path: Path
) -> None:
    compiled(history, BASE)
    (slot,) = slots(tmp_path)
    (slot / "stamp").write_bytes(b"\xff\0")

    (built,) = compiled(history, BASE)

    assert len(built) == 1
    assert built[0] not in (history.root, slot / "base")


def test_a_cache_of_no_size_keeps_nothing_after_the_comparison(
    history: Project, tmp_path: Path
) -> None:
    history.write("benchgate.yml", "measure: {layouts: one, cache: 0}\n")

    first, second = compiled(history, BASE, BASE)

    assert (len(first), len(second)) == (2, 1)
    assert slots(tmp_path) == []
    assert [p.name for p in tmp_path.glob("cache/benchgate/*/0/*")] == ["lock"]
    assert "prunable" not in history.git("worktree", "list")
