"""The two workflows for repositories with forks, each event in its turn."""

from __future__ import annotations

import json
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.action.stage import ROOT, Stage, path_with
from tests.gate.projects import MANIFEST, install
from tests.github_server import State, serving
from tests.repositories import run as git

TIMES = {"parse/1": 100.0, "parse/2": 2000.0, "sort": 500.0}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Return a crate with three benchmarks on ``main``, and a server that has it."""
    folder = tmp_path_factory.mktemp("stage")
    tools = folder / "tools"
    install(tools, "cargo", "k6")
    (tools / "uv").symlink_to(Path(sysconfig.get_path("scripts")) / "uv")
    (folder / "state").mkdir()
    with serving(State(repository="o/r")) as github:
        stage = Stage(
            folder,
            github,
            path_with(tools),
            {"FAKE_STATE": str(folder / "state")},
        )
        origin = stage.origin
        origin.mkdir()
        git(origin, "init", "--quiet", "--initial-branch", "main")
        git(origin, "config", "user.name", "a")
        git(origin, "config", "user.email", "a@example.org")
        benches = '[[bench]]\nname = "core"\n'
        manifest = MANIFEST.format(name="shop", needs="", benches=benches)
        (origin / "Cargo.toml").write_text(manifest)
        (origin / ".gitignore").write_text("target\nCargo.lock\n")
        settings = "measure: {looks: [8], slice: 0.01s, design: paired}\n"
        (origin / "benchgate.yml").write_text(settings)
        workflows = origin / ".github" / "workflows"
        workflows.mkdir(parents=True)
        for name in ("bench.yml", "benchgate.yml"):
            example = ROOT / "examples" / "workflows" / "forks" / name
            (workflows / name).write_text(example.read_text())
        commit(stage, "main", TIMES)
        stage.open()
        yield stage


def commit(stage: Stage, branch: str, times: dict[str, float], words: str = "") -> str:
    """Commit benchmarks that take so many nanoseconds to *branch*."""
    origin = stage.origin
    if branch != "main":
        git(origin, "checkout", "--quiet", "-B", branch, "main")
    (origin / "benches").mkdir(exist_ok=True)
    (origin / "benches" / "core.rs").write_text(json.dumps({"times": times}))
    (origin / "README.md").write_text(words)
    git(origin, "add", "--all")
    git(origin, "commit", "--quiet", "--allow-empty", "--message", "change")
    return git(origin, "rev-parse", "HEAD")


def test_each_event_in_its_turn(stage: Stage) -> None:
    # The first pull request, by a stranger: it is slower.
    commit(stage, "topic", {**TIMES, "sort": 700.0})
    opened = stage.pull_request()
    merge = "refs/pull/7/merge"
    bench = {"workflow": "bench.yml", "job": "measure", "ref": merge}
    report = {"workflow": "benchgate.yml", "job": "report", "ref": "main"}

    measured = stage.play("pull_request", opened, **bench)

    assert measured.failed, measured.log
    assert measured.output("outcome") == "regressed", measured.log
    assert "### ❌ regressed: 1 of 3 benchmarks is slower" in measured.summary
    assert stage.github.state.token not in measured.log

    told = stage.play("workflow_run", stage.ended(opened, measured), **report)

    assert not told.failed, told.log
    (comment,) = stage.github.state.comments
    assert "### ❌ regressed: 1 of 3 benchmarks is slower" in comment.body
    assert told.output("comment-url")

    # Two more pushes: slower still, then mended.
    commit(stage, "topic", {**TIMES, "sort": 800.0})
    again = stage.pull_request()
    second = stage.play("pull_request", again, **bench)
    stage.play("workflow_run", stage.ended(again, second), **report)
    assert second.failed
    (comment,) = stage.github.state.comments
    assert "+60 %" in comment.body

    commit(stage, "topic", TIMES, words="mended")
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
