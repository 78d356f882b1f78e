"""What a comment says to type does measure the same again: git itself has to agree."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from benchgate.model import Commit, Design, Report
from benchgate.render.text import PullRequest, view_of
from tests import reports
from tests.repositories import commit, repository, run

_COMPARE = "benchgate compare "


@dataclass(frozen=True)
class Hosted:
    """A repository as GitHub keeps it, with pull request 7 on it."""

    root: Path
    base: str
    head: str
    merge: str


@pytest.fixture
def hosted(tmp_path: Path) -> Hosted:
    """Return a repository whose base has moved on since the branch was started."""
    root = repository(tmp_path / "hosted")
    run(root, "checkout", "--quiet", "-b", "faster")
    head = commit(root, "theirs")
    run(root, "checkout", "--quiet", "main")
    base = commit(root, "others")
    run(root, "merge", "--quiet", "--no-edit", "faster")
    merge = run(root, "rev-parse", "HEAD")
    run(root, "update-ref", "refs/pull/7/head", head)
    run(root, "update-ref", "refs/pull/7/merge", merge)
    # The branch was a fork's, and the base has more by now.
    run(root, "reset", "--quiet", "--hard", base)
    run(root, "branch", "--quiet", "-D", "faster")
    commit(root, "later")
    return Hosted(root, base, head, merge)


def measured(base: str, head: str, *, design: Design = Design.PAIRED) -> Report:
    """Return a report on these two commits."""
    return replace(
        reports.passed(), base=Commit(base, "main"), head=Commit(head), design=design
    )


def typed(hosted: Hosted, place: Path, report: Report) -> tuple[str, str]:
    """Type in a clone what the comment says: the tree it gives, and what then runs."""
    run(hosted.root.parent, "clone", "--quiet", f"file://{hosted.root}", str(place))
    *commands, last = view_of(report, pull=PullRequest(7, hosted.head)).commands
    done = [run(place, *shlex.split(command)[1:]) for command in commands]
    assert len(done) == len(commands)
    return run(place, "rev-parse", "HEAD^{tree}"), last


def test_the_merge_of_a_pull_request_is_made_again(
    hosted: Hosted, tmp_path: Path
) -> None:
    report = measured(hosted.base, hosted.merge)

    tree, last = typed(hosted, tmp_path / "clone", report)

    assert tree == run(hosted.root, "rev-parse", f"{hosted.merge}^{{tree}}")
    assert last == f"{_COMPARE}--base {hosted.base[:12]}"


def test_a_head_that_was_checked_out_is_not_merged(
    hosted: Hosted, tmp_path: Path
) -> None:
    report = measured(hosted.base, hosted.head)

    tree, last = typed(hosted, tmp_path / "clone", report)

    assert tree == run(hosted.root, "rev-parse", f"{hosted.head}^{{tree}}")
    assert last == f"{_COMPARE}--base {hosted.base[:12]}"


@pytest.mark.parametrize("side", ["head", "merge"])
def test_against_the_baseline_the_same_commit_is_checked_out(
    hosted: Hosted, tmp_path: Path, side: str
) -> None:
    sha = {"head": hosted.head, "merge": hosted.merge}[side]
    report = measured(hosted.base, sha, design=Design.STORED)

    tree, last = typed(hosted, tmp_path / "clone", report)

    assert tree == run(hosted.root, "rev-parse", f"{sha}^{{tree}}")
    assert last == f"{_COMPARE}--against baseline"


def test_the_commit_is_named_that_people_know(hosted: Hosted) -> None:
    view = view_of(
        measured(hosted.base, hosted.merge), pull=PullRequest(7, hosted.head)
    )

    assert "".join(view.subject) == (
        f"main {hosted.base[:9]} → {hosted.head[:9]} as merged, measured in pairs."
    )
    assert view.reproduce == ()


@pytest.mark.parametrize(
    ("base", "head", "dirty"),
    [
        ("1f3c9a7be02d", "c07dd1e5a9b8", True),
        ("; rm -rf /", "c07dd1e5a9b8", False),
        ("1f3c9a7be02d", "$(id)", False),
        ("", "c07dd1e5a9b8", False),
    ],
)
def test_nothing_is_to_be_typed_that_is_not_known_to_be_a_commit(
    base: str, head: str, *, dirty: bool
) -> None:
    report = replace(measured(base, head), head=Commit(head, dirty=dirty))

    assert view_of(report, pull=PullRequest(7, "5d0e" * 10)).commands == ()


def test_a_project_below_the_root_is_entered(hosted: Hosted) -> None:
    report = measured(hosted.base, hosted.merge)
    pull = PullRequest(7, hosted.head, "examples/my shop")

    *_, enter, compare = view_of(report, pull=pull).commands

    assert enter == "cd 'examples/my shop'"
    assert compare.startswith("benchgate compare --base ")
