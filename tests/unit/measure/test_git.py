from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from benchgate.errors import ToolError, UsageError
from benchgate.measure import git
from benchgate.model import Commit
from tests.repositories import commit, run

pytestmark = pytest.mark.usefixtures("of_nobody")


def test_the_top_is_found_from_below(root: Path) -> None:
    (root / "deep" / "er").mkdir(parents=True)

    assert git.toplevel(root / "deep" / "er") == root


def test_no_repository_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is in no Git repository"):
        git.toplevel(tmp_path)


def test_a_bare_repository_is_an_error_in_gits_words(tmp_path: Path) -> None:
    run(tmp_path, "init", "--quiet", "--bare")

    with pytest.raises(ToolError, match="must be run in a work tree"):
        git.toplevel(tmp_path)


def test_without_git_there_is_a_hint(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(ToolError, match="git: not found") as caught:
        git.toplevel(root)

    assert caught.value.hint == "install git"


def test_the_head_is_a_branch_and_clean(root: Path) -> None:
    sha = run(root, "rev-parse", "HEAD")

    assert git.head_commit(root) == Commit(sha, "main")


def test_a_detached_head_has_no_branch(root: Path) -> None:
    run(root, "checkout", "--quiet", "--detach")

    assert git.head_commit(root).ref == ""


def test_a_changed_file_makes_the_head_dirty_and_a_new_one_does_not(root: Path) -> None:
    (root / "new").touch()
    assert not git.head_commit(root).dirty

    (root / "a").write_text("changed")
    assert git.head_commit(root).dirty


def test_the_base_is_where_the_branch_began(root: Path) -> None:
    began = run(root, "rev-parse", "HEAD")
    run(root, "switch", "--quiet", "--create", "change")
    commit(root, "b")
    run(root, "switch", "--quiet", "main")
    commit(root, "c")
    run(root, "switch", "--quiet", "change")

    assert git.base_commit(root, None) == Commit(began, "main")


def test_changes_on_main_are_compared_with_main(root: Path) -> None:
    (root / "a").write_text("changed")

    assert git.base_commit(root, None).sha == run(root, "rev-parse", "HEAD")


@pytest.mark.parametrize("name", ["master", "trunk", "develop"])
def test_other_default_branches_are_known(root: Path, name: str) -> None:
    run(root, "branch", "--move", name)
    began = run(root, "rev-parse", "HEAD")
    run(root, "switch", "--quiet", "--create", "change")
    commit(root, "b")

    assert git.base_commit(root, None) == Commit(began, name)


def test_an_unknown_default_branch_is_asked_for(root: Path) -> None:
    run(root, "branch", "--move", "mine")

    with pytest.raises(UsageError, match="which branch is the default one"):
        git.base_commit(root, None)


def test_the_default_branch_of_the_remote_comes_first(
    root: Path, tmp_path: Path
) -> None:
    run(root, "branch", "--move", "release")
    clone = tmp_path / "clone"
    run(tmp_path, "clone", "--quiet", str(root), str(clone))
    run(clone, "switch", "--quiet", "--create", "main")
    commit(clone, "b")

    assert git.base_commit(clone, None).ref == "origin/release"


def test_unrelated_histories_have_no_base(root: Path) -> None:
    run(root, "switch", "--quiet", "--orphan", "other")
    commit(root, "b")

    with pytest.raises(UsageError, match="have no common commit") as caught:
        git.base_commit(root, None)

    assert caught.value.hint == "name the base with --base REF"


@pytest.mark.parametrize("ref", ["nowhere", "-x", "--all", "a b"])
def test_a_ref_that_is_none_is_a_usage_error(root: Path, ref: str) -> None:
    with pytest.raises(UsageError, match="no such commit"):
        git.base_commit(root, ref)


def test_a_shallow_clone_says_so(root: Path, tmp_path: Path) -> None:
    commit(root, "b")
    clone = tmp_path / "clone"
    run(tmp_path, "clone", "--quiet", "--depth=1", root.as_uri(), str(clone))

    with pytest.raises(UsageError) as caught:
        git.base_commit(clone, "HEAD~1")

    assert caught.value.hint.startswith(
        "this clone is shallow: `git fetch --unshallow`"
    )


def test_changed_files_are_those_on_disk(root: Path) -> None:
    base = commit(root, "moved from", "text\n" * 20)
    (root / "a").write_text("changed")
    (root / "new ü").touch()
    (root / ".gitignore").write_text("ignored")
    (root / "ignored").touch()
    run(root, "mv", "moved from", "moved to")

    assert git.changed_files(root, base) == (
        ".gitignore",
        "a",
        "moved from",
        "moved to",
        "new ü",
    )


def test_a_work_tree_is_used_again_and_keeps_what_git_ignores(
    root: Path, tmp_path: Path
) -> None:
    first = commit(root, ".gitignore", "target")
    second = commit(root, "b")
    at = git.worktree(root, second, tmp_path / "base")
    (at / "target").mkdir()
    (at / "a").write_text("changed")
    (at / "left over").touch()

    git.worktree(root, first, at)

    assert sorted(p.name for p in at.iterdir()) == [".git", ".gitignore", "a", "target"]
    assert (at / "a").read_text() == ""


def test_whatever_lies_in_the_place_of_a_work_tree_goes(
    root: Path, tmp_path: Path
) -> None:
    at = tmp_path / "base"
    at.mkdir()
    (at / "other").touch()

    git.worktree(root, run(root, "rev-parse", "HEAD"), at)

    assert sorted(p.name for p in at.iterdir()) == [".git", "a"]


def test_a_work_tree_of_another_repository_is_replaced(
    root: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    run(tmp_path, "clone", "--quiet", str(root), str(other))
    at = git.worktree(other, run(other, "rev-parse", "HEAD"), tmp_path / "base")

    git.worktree(root, run(root, "rev-parse", "HEAD"), at)

    assert str(at) in run(root, "worktree", "list")


def test_tracked_files_are_known(root: Path) -> None:
    (root / "new").touch()

    assert git.is_tracked(root, "a")
    assert not git.is_tracked(root, "new")
    assert not git.is_tracked(root, "nowhere")


def test_an_error_is_gits_first_sentence(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolError) as caught:
        git.worktree(root, "0" * 40, tmp_path / "base")

    assert caught.value.problem.startswith("git worktree: ")
    assert "\n" not in caught.value.problem


@pytest.mark.parametrize(
    ("said", "cure"),
    [
        ("fatal: could not fetch 7898 from promisor remote", "git fetch --refetch"),
        ("fatal: unable to read sha1 file of a.png (d9ed)", "git fetch --refetch"),
        (
            "git-lfs: not found\nfatal: f.bin: smudge filter lfs failed",
            "git lfs install",
        ),
    ],
)
def test_partial_and_lfs_checkouts_name_the_command_that_helps(
    said: str, cure: str
) -> None:
    ended = subprocess.CompletedProcess((), 128, "", said)

    with pytest.raises(ToolError) as caught:
        git._checked(ended, "worktree")

    assert caught.value.problem.startswith("git worktree: ")
    assert cure in caught.value.hint
