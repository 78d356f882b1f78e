"""The commits that a workflow's clone of depth one lacks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from benchgate.errors import UsageError
from benchgate.measure import commits
from tests.repositories import commit, repository, run


@dataclass(frozen=True)
class Remote:
    """main: a - b - c; topic: a - t; merge: of c and t; orphan: without history."""

    root: Path
    a: str
    b: str
    c: str
    t: str
    merge: str


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    root = repository(tmp_path / "remote")
    a = run(root, "rev-parse", "HEAD")
    run(root, "tag", "v1")
    b, c = commit(root, "b"), commit(root, "c")
    run(root, "tag", "v2")
    run(root, "checkout", "--quiet", "-b", "topic", a)
    t = commit(root, "t")
    run(root, "checkout", "--quiet", "--detach", c)
    run(root, "merge", "--quiet", "--no-ff", "-m", "merge", "topic")
    merge = run(root, "rev-parse", "HEAD")
    run(root, "update-ref", "refs/pull/7/merge", merge)
    run(root, "checkout", "--quiet", "main")
    run(root, "config", "uploadpack.allowAnySHA1InWant", "true")
    run(root, "config", "uploadpack.allowFilter", "true")
    return Remote(root, a, b, c, t, merge)


def checked_out(remote: Remote, ref: str, at: Path) -> Path:
    """Clone one commit alone, as actions/checkout does."""
    at.mkdir()
    run(at, "init", "--quiet")
    run(at, "remote", "add", "origin", remote.root.as_uri())
    run(at, "fetch", "--quiet", "--no-tags", "--depth=1", "origin", ref)
    run(at, "checkout", "--quiet", "--detach", "FETCH_HEAD")
    return at


def test_a_shallow_merge_names_its_parents(remote: Remote, tmp_path: Path) -> None:
    clone = checked_out(remote, "refs/pull/7/merge", tmp_path / "clone")

    assert commits.parents(clone, "HEAD") == (remote.c, remote.t)


def test_a_parent_is_fetched_alone(remote: Remote, tmp_path: Path) -> None:
    clone = checked_out(remote, "refs/pull/7/merge", tmp_path / "clone")

    assert commits.bring(clone, remote.c) == remote.c
    assert run(clone, "rev-parse", f"{remote.c}^{{tree}}")
    assert run(clone, "rev-list", "--count", remote.c) == "1"


def test_what_is_there_is_not_fetched(remote: Remote) -> None:
    run(remote.root, "remote", "add", "origin", "/nowhere")

    assert commits.bring(remote.root, remote.b) == remote.b


def test_a_branch_of_the_remote_is_brought(remote: Remote, tmp_path: Path) -> None:
    clone = checked_out(remote, "refs/pull/7/merge", tmp_path / "clone")

    assert commits.bring(clone, "topic") == remote.t


def test_a_commit_that_is_nowhere_is_named(remote: Remote, tmp_path: Path) -> None:
    clone = checked_out(remote, "main", tmp_path / "clone")

    with pytest.raises(UsageError, match=r"^nothing: the commit") as got:
        commits.bring(clone, "nothing")

    assert "fetch-depth: 0" in got.value.hint


def test_the_merge_base_of_a_shallow_clone(remote: Remote, tmp_path: Path) -> None:
    clone = checked_out(remote, "topic", tmp_path / "clone")

    assert commits.merge_base(clone, remote.t, "main") == remote.a
    assert run(clone, "rev-list", "--count", "HEAD") == "1", "it isn't deepened"


def test_the_merge_base_of_a_whole_clone_needs_no_network(
    remote: Remote, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    run(tmp_path, "clone", "--quiet", remote.root.as_uri(), str(clone))
    run(clone, "remote", "set-url", "origin", "/nowhere")

    assert commits.merge_base(clone, remote.c, "topic") == remote.a


def test_a_push_that_went_forward_parted_at_what_was_before(
    remote: Remote, tmp_path: Path
) -> None:
    clone = checked_out(remote, "main", tmp_path / "clone")

    assert commits.merge_base(clone, remote.c, remote.a) == remote.a


def test_a_push_that_went_back_parted_where_both_were(
    remote: Remote, tmp_path: Path
) -> None:
    clone = checked_out(remote, "topic", tmp_path / "clone")

    assert commits.merge_base(clone, remote.t, remote.c) == remote.a


def test_commits_without_anything_in_common(remote: Remote, tmp_path: Path) -> None:
    run(remote.root, "checkout", "--quiet", "--orphan", "alone")
    other = commit(remote.root, "o")
    clone = checked_out(remote, "main", tmp_path / "clone")

    with pytest.raises(UsageError, match="no commit in common"):
        commits.merge_base(clone, remote.c, other)


@pytest.mark.parametrize(("tag", "before"), [("v2", "v1"), ("v1", None)])
def test_the_release_before(
    remote: Remote, tmp_path: Path, tag: str, before: str | None
) -> None:
    clone = checked_out(remote, tag, tmp_path / "clone")

    assert commits.tag_before(clone, tag) == before


def test_the_token_goes_to_the_remotes_host_alone(remote: Remote) -> None:
    run(remote.root, "remote", "add", "origin", "https://ghe.example/o/r")

    settings = commits.credentials(remote.root, "secret")

    assert settings["GIT_CONFIG_KEY_0"] == "http.https://ghe.example/.extraHeader"
    assert "secret" not in settings["GIT_CONFIG_VALUE_0"]


def test_a_token_is_for_no_folder(remote: Remote) -> None:
    run(remote.root, "remote", "add", "origin", "/somewhere")

    assert commits.credentials(remote.root, "secret") == {}


def test_a_name_is_never_an_option_of_git(remote: Remote, tmp_path: Path) -> None:
    clone = checked_out(remote, "refs/pull/7/merge", tmp_path / "clone")

    with pytest.raises(UsageError, match="can't be fetched"):
        commits.bring(clone, f"--upload-pack=touch {tmp_path / 'ran'}")

    assert not (tmp_path / "ran").exists()


def test_what_the_head_calls_a_submodule_is_not_fetched(
    remote: Remote, tmp_path: Path
) -> None:
    clone = checked_out(remote, "refs/pull/7/merge", tmp_path / "clone")
    run(clone, "config", "fetch.recurseSubmodules", "true")
    missing = tmp_path / "missing"
    (clone / ".gitmodules").write_text(f'[submodule "s"]\npath = s\nurl = {missing}\n')
    run(clone, "update-index", "--add", "--cacheinfo", f"160000,{remote.a},s")
    (clone / "s").mkdir()
    run(clone / "s", "init", "--quiet")
    run(clone / "s", "remote", "add", "origin", str(missing))

    assert commits.bring(clone, remote.c) == remote.c
