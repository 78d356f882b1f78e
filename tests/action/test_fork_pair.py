"""The two workflows for repositories with forks, each event in its turn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.action.stage import ROOT, Stage, benchmarks, stage_with_fakes
from tests.repositories import run as git

EXAMPLES = ROOT / "examples" / "workflows" / "forks"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    names = ("bench.yml", "benchgate.yml")
    folder = tmp_path_factory.mktemp("stage")
    with stage_with_fakes(folder, {name: EXAMPLES / name for name in names}) as stage:
        yield stage


def test_each_event_in_its_turn(stage: Stage) -> None:
    # The first pull request, by a stranger: it is slower.
    stage.commit("topic", benchmarks(sort=700.0))
    opened = stage.pull_request()
    merge = "refs/pull/7/merge"
    bench = {"workflow": "bench.yml", "job": "measure", "ref": merge}
    report = {"workflow": "benchgate.yml", "job": "report", "ref": "main"}

    measured = stage.play("pull_request", opened, **bench)

    assert measured.failed, measured.log
    assert measured.output("outcome") == "regressed", measured.log
    assert "### ❌ regressed: 1 of 2 benchmarks is slower" in measured.summary
    assert stage.github.state.token not in measured.log

    told = stage.play("workflow_run", stage.ended(opened, measured), **report)

    assert not told.failed, told.log
    (comment,) = stage.github.state.comments
    assert "### ❌ regressed: 1 of 2 benchmarks is slower" in comment.body
    assert told.output("comment-url")

    # Two more pushes: slower still, then mended.
    stage.commit("topic", benchmarks(sort=800.0))
    again = stage.pull_request()
    second = stage.play("pull_request", again, **bench)
    stage.play("workflow_run", stage.ended(again, second), **report)
    assert second.failed
    (comment,) = stage.github.state.comments
    assert "**+60" in comment.body

    stage.commit("topic", benchmarks(words="mended"))
    third = stage.pull_request()
    clean = stage.play("pull_request", third, **bench)
    stage.play("workflow_run", stage.ended(third, clean), **report)

    assert not clean.failed, clean.log
    (comment,) = stage.github.state.comments
    assert "### ✅ passed" in comment.body

    # It is merged: the default branch moves on and is recorded.
    before = git(stage.origin, "rev-parse", "main")
    git(stage.origin, "checkout", "--quiet", "main")
    git(stage.origin, "merge", "--quiet", "topic")
    after = git(stage.origin, "rev-parse", "main")
    pushed = stage.push(before)
    stage.github.state.runs[17] = after
    merged = stage.play("push", pushed, workflow="bench.yml", job="measure", ref="main")
    assert not merged.failed, merged.log
    stage.uploaded(head=after)
    record = {"workflow": "bench.yml", "job": "record", "ref": "main"}
    kept = stage.play("push", pushed, **record)

    assert not kept.failed, kept.log
    stored = git(stage.origin, "ls-tree", "-r", "--name-only", "benchgate-data")
    assert f"-{after[:12]}-17.1.json" in stored
