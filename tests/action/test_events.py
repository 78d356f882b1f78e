"""Each other event: what is compared with what, how it ends, and what is recorded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.action.stage import (
    REPOSITORY,
    ROOT,
    RUN,
    Played,
    Stage,
    benchmarks,
    stage_with_fakes,
)
from tests.repositories import run as git

EXAMPLES = ROOT / "examples" / "workflows"
BY_HAND = """
name: by hand
on:
  release:
    types: [published]
  workflow_dispatch:
    inputs:
      base: {type: string, default: ""}
permissions: {}
jobs:
  measure:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      - uses: benchgate/benchgate@v1
        with:
          mode: measure
          base: ${{ inputs.base }}
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    by_hand = folder / "by-hand.yml"
    by_hand.write_text(BY_HAND)
    workflows = {
        "bench.yml": EXAMPLES / "forks" / "bench.yml",
        "by-hand.yml": by_hand,
        "nightly.yml": EXAMPLES / "nightly.yml",
        "no-forks.yml": EXAMPLES / "no-forks.yml",
    }
    with stage_with_fakes(folder, workflows) as stage:
        yield stage


def head_of(stage: Stage, branch: str) -> str:
    return git(stage.origin, "rev-parse", branch)


def dispatched(stage: Stage, branch: str, *, base: str) -> Played:
    payload = {
        "repository": REPOSITORY,
        "ref": f"refs/heads/{branch}",
        "inputs": {"base": base},
    }
    return stage.play(
        "workflow_dispatch",
        payload,
        workflow="by-hand.yml",
        job="measure",
        ref=branch,
    )


def released(stage: Stage, tag: str) -> Played:
    payload = {"repository": REPOSITORY, "release": {"tag_name": tag}}
    return stage.play(
        "release", payload, workflow="by-hand.yml", job="measure", ref=tag
    )


def test_a_merge_group_is_compared_with_its_base_and_not_recorded(stage: Stage) -> None:
    base = head_of(stage, "main")
    queue = "gh-readonly-queue/main/pr-7"
    head = stage.commit(queue, benchmarks(sort=700.0))
    group = {"base_sha": base, "head_sha": head, "head_ref": f"refs/heads/{queue}"}
    payload = {"repository": REPOSITORY, "merge_group": group}

    # The job that records comes after the one that measures.
    played = stage.play(
        "merge_group", payload, workflow="bench.yml", job="record", ref=queue
    )

    assert played.failed, played.log
    assert played.output("outcome") == "regressed"
    assert played.output("baseline-sha") == base
    assert "Main Record" not in played.log
    assert stage.github.state.comments == []


def test_a_dispatched_branch_is_compared_with_where_it_left_main(stage: Stage) -> None:
    left = head_of(stage, "main")
    stage.commit("by-hand", benchmarks(words="Words."))
    git(stage.origin, "checkout", "--quiet", "main")
    stage.commit("main", {"NEWS.md": "News."})

    played = dispatched(stage, "by-hand", base="")

    assert not played.failed, played.log
    assert played.output("outcome") == "passed"
    assert played.output("baseline-sha") == left


def test_a_dispatch_may_name_the_base(stage: Stage) -> None:
    slow = stage.commit("slow", benchmarks(sort=900.0))
    stage.commit("fast", benchmarks(words="Words."))

    played = dispatched(stage, "fast", base=slow)

    assert not played.failed, played.log
    assert played.output("baseline-sha") == slow
    assert played.output("improvements") == "1"


def test_a_release_is_compared_with_the_one_before(stage: Stage) -> None:
    before = head_of(stage, "main")
    git(stage.origin, "tag", "v1.9.0", before)
    git(stage.origin, "tag", "v1.10.0", stage.commit("slow", benchmarks(sort=900.0)))

    played = released(stage, "v1.10.0")

    assert played.failed, played.log
    assert played.output("outcome") == "regressed"
    assert played.output("baseline-sha") == before


def test_a_release_without_one_before_is_measured_alone(stage: Stage) -> None:
    git(stage.origin, "checkout", "--quiet", "--orphan", "elsewhere", "main")
    git(stage.origin, "commit", "--quiet", "--message", "another history")
    git(stage.origin, "tag", "other-1.0.0")

    played = released(stage, "other-1.0.0")

    assert not played.failed, played.log
    assert played.output("outcome") == "passed"
    assert "no other tag is in the history of other-1.0.0" in played.log


def test_a_night_compares_main_with_itself_and_records_it(stage: Stage) -> None:
    git(stage.origin, "checkout", "--quiet", "main")
    main = head_of(stage, "main")
    payload = {"repository": REPOSITORY, "schedule": "17 3 * * *"}
    stage.github.state.runs[RUN] = main
    night = {"workflow": "nightly.yml", "ref": "main"}

    measured = stage.play("schedule", payload, job="measure", **night)
    stage.uploaded(head=main)
    recorded = stage.play("schedule", payload, job="record", **night)

    assert not measured.failed, measured.log
    assert measured.output("outcome") == "passed"
    assert measured.output("baseline-sha") == main
    assert "Unchanged code: passed" in measured.log
    assert not recorded.failed, recorded.log
    stored = git(stage.origin, "ls-tree", "-r", "--name-only", "benchgate-data")
    assert f"-{main[:12]}-{RUN}.1.json" in stored


def test_without_forks_one_job_measures_and_comments(stage: Stage) -> None:
    stage.commit("topic", benchmarks(sort=700.0))
    opened = stage.pull_request(fork=False)

    played = stage.play(
        "pull_request",
        opened,
        workflow="no-forks.yml",
        job="measure",
        ref="refs/pull/7/merge",
    )

    assert played.failed, played.log
    assert played.output("outcome") == "regressed"
    (comment,) = stage.github.state.comments
    assert "### ❌ regressed: 1 of 2 benchmarks is slower" in comment.body
    assert played.output("comment-url")
    # What the step that comments knows is in the summary of the one that measures.
    assert played.summary.count("### ") == 1
