"""``benchgate gate``: each event, measured in a clone of depth one, without a token."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.gate.projects import Project
from tests.gate.runner import Job

CONFIG = """\
measure: {looks: [8], slice: 0.01s, design: paired}
"""
TIMES = {"parse/1": 100.0, "parse/2": 2000.0, "sort": 500.0}


@pytest.fixture
def origin(project: Project) -> Path:
    """Return the repository that the jobs clone: main, and a branch off it."""
    project.git("switch", "--quiet", "main")
    project.write("benchgate.yml", CONFIG)
    project.commit("configured")
    project.git("config", "uploadpack.allowAnySHA1InWant", "true")
    project.git("config", "uploadpack.allowFilter", "true")
    project.git("config", "receive.denyCurrentBranch", "ignore")
    project.git("switch", "--quiet", "--force-create", "topic")
    return project.root


@pytest.fixture
def job(project: Project, tmp_path: Path) -> Job:
    return Job(project, tmp_path / "job")


def pull_request(project: Project, **more: Any) -> dict[str, Any]:
    """Merge the topic as GitHub does and return the payload of its pull request."""
    head = project.git("rev-parse", "topic").strip()
    project.git("checkout", "--quiet", "--detach", "main")
    project.git("merge", "--quiet", "--no-ff", "--message", "merge", "topic")
    project.git("update-ref", "refs/pull/7/merge", "HEAD")
    return {
        "pull_request": {
            "number": 7,
            "head": {"sha": head, "ref": "topic", "repo": {"id": 1}},
            "base": {"sha": "0" * 40, "ref": "main", "repo": {"id": 1}},
            **more,
        }
    }


def test_a_slower_pull_request_fails_and_says_why(
    project: Project, origin: Path, job: Job
) -> None:
    project.bench({**TIMES, "sort": 700.0})
    project.commit("slower")
    job.happens("pull_request", pull_request(project))
    main = project.git("rev-parse", "main").strip()
    job.checkout("refs/pull/7/merge", origin=origin)

    ended = job.gate("prepare", "measure")

    assert ended.code == 1, ended.err
    assert "regressed: 1 of 3 benchmarks is slower" in ended.out
    assert "::error title=sort is +40 %" in ended.out
    assert "### ❌ regressed: 1 of 3 benchmarks" in job.summary
    outputs = job.outputs
    assert outputs["outcome"] == "regressed"
    assert outputs["exit-code"] == "1"
    assert outputs["regressions"] == "1"
    assert outputs["complete"] == "true"
    assert outputs["baseline-sha"] == main
    assert Path(outputs["run-path"]).name == "run.json"


def test_a_clean_pull_request_passes_in_silence(
    project: Project, origin: Path, job: Job
) -> None:
    project.write("README.md", "words")
    project.commit("words")
    job.happens("pull_request", pull_request(project))
    job.checkout("refs/pull/7/merge", origin=origin)

    ended = job.gate("prepare", "measure")

    assert ended.code == 0, ended.err
    assert "::error" not in ended.out
    assert job.outputs["outcome"] == "passed"


def test_what_others_have_merged_is_not_blamed_on_it(
    project: Project, origin: Path, job: Job
) -> None:
    project.write("README.md", "words")
    project.commit("words")
    project.git("switch", "--quiet", "main")
    project.bench({**TIMES, "sort": 700.0})
    project.commit("slower, and merged")
    job.happens("pull_request", pull_request(project))
    job.checkout("refs/pull/7/merge", origin=origin)

    ended = job.gate("prepare", "measure")

    assert ended.code == 0, ended.out + ended.err


def test_the_projects_code_sees_no_token_and_commands_nobody(
    project: Project, origin: Path, job: Job
) -> None:
    project.commit("nothing")
    job.happens("pull_request", pull_request(project), github_token="x" * 9)
    job.checkout("refs/pull/7/merge", origin=origin)
    assert job.gate("prepare").code == 0
    project.patch.delenv("BENCHGATE_GITHUB_TOKEN")
    for name in [n for n in os.environ if n.startswith("GIT_CONFIG_VALUE")]:
        assert "x" * 9 not in os.environ[name]

    ended = job.gate("measure")

    assert ended.code == 0, ended.err
    first, *_ = ended.out.splitlines()
    token = first.removeprefix("::stop-commands::")
    assert token != first
    assert f"::{token}::" in ended.out.splitlines()


def test_a_pull_request_can_not_change_the_policy_that_judges_it(
    project: Project, origin: Path, job: Job
) -> None:
    project.bench({**TIMES, "sort": 700.0})
    project.write("benchgate.yml", CONFIG + "policy: {margins: {time: 90%}}\n")
    project.commit("slower, and allowed by itself")
    job.happens("pull_request", pull_request(project))
    job.checkout("refs/pull/7/merge", origin=origin)

    ended = job.gate("prepare", "measure")

    assert ended.code == 1, ended.out + ended.err
    assert "is changed here: that of the base counts" in job.summary


def test_a_label_lets_a_slower_pull_request_pass(
    project: Project, origin: Path, job: Job
) -> None:
    project.bench({**TIMES, "sort": 700.0})
    project.commit("slower")
    label = {"name": "perf-ok"}
    payload = pull_request(project) | {"action": "labeled", "label": label}
    job.happens("pull_request", payload, accept_label="perf-ok")
    job.checkout("refs/pull/7/merge", origin=origin)

    ended = job.gate("prepare", "measure")

    assert ended.code == 0, ended.out + ended.err
    assert job.outputs["outcome"] == "regressed"
    assert "the label `perf-ok` is set" in job.summary


def test_a_commit_against_itself_fails_nothing(
    project: Project, origin: Path, job: Job
) -> None:
    job.happens("schedule", {})
    job.checkout("main", origin=origin)

    ended = job.gate("prepare", "measure")

    assert ended.code == 0, ended.out + ended.err
    assert "the commit was compared with itself" in job.summary
    assert Path(job.outputs["run-path"]).parent.name == "record"


def test_a_push_is_judged_and_leaves_a_run_to_record(
    project: Project, origin: Path, job: Job
) -> None:
    before = project.git("rev-parse", "main").strip()
    project.git("switch", "--quiet", "main")
    project.bench({**TIMES, "sort": 700.0})
    after = project.commit("slower")
    payload = {"ref": "refs/heads/main", "before": before, "after": after}
    job.happens("push", payload)
    job.checkout("main", origin=origin)

    ended = job.gate("prepare", "measure")

    assert ended.code == 1, ended.out + ended.err
    kept = Path(job.outputs["run-path"])
    assert kept.parent.name == "record"
    recorded = project.benchgate("baseline", "record", str(kept))
    assert recorded.code == 0, recorded.err


def test_the_first_commit_has_nothing_before_it(
    project: Project, origin: Path, job: Job
) -> None:
    project.git("checkout", "--quiet", "--orphan", "first")
    after = project.commit("all there is")
    payload = {"ref": "refs/heads/main", "before": "0" * 40, "after": after}
    job.happens("push", payload)
    job.checkout("first", origin=origin)

    ended = job.gate("prepare", "measure")

    assert ended.code == 0, ended.out + ended.err
    assert "there is no commit to compare with" in job.summary


def test_what_can_not_be_prepared_is_said_in_the_summary(
    project: Project, origin: Path, job: Job
) -> None:
    job.happens("pull_request_target", pull_request(project))
    job.checkout("main", origin=origin)

    ended = job.gate("prepare")

    assert ended.code == 2
    assert "undecided: this pull request was not judged" in job.summary
    assert job.outputs["outcome"] == "error"


def test_an_undecided_job_may_pass(project: Project, origin: Path, job: Job) -> None:
    project.bench({}, fails="no such file")
    project.commit("broken")
    job.happens("pull_request", pull_request(project), fail_on="regressed")
    job.checkout("refs/pull/7/merge", origin=origin)

    ended = job.gate("prepare", "measure")

    assert ended.code == 0, ended.out + ended.err
    assert job.outputs["outcome"] == "undecided"
    assert job.outputs["exit-code"] == "3"


def test_what_several_jobs_have_measured_gets_one_verdict(
    project: Project, origin: Path, job: Job, tmp_path: Path
) -> None:
    project.bench({**TIMES, "sort": 700.0})
    for shard, benches in (("a", "parse/*"), ("b", "sort")):
        suite = f"{{tool: criterion, benches: ['{benches}']}}"
        text = f"{CONFIG}suites: {{micro: {suite}}}\n"
        project.write(f"benchgate.{shard}.yml", text)
    project.commit("slower")
    payload = pull_request(project)
    shards = tmp_path / "shards"
    job.happens("pull_request", payload, fail_on="never", config="benchgate.a.yml")
    job.checkout("refs/pull/7/merge", origin=origin)
    assert job.gate("prepare", "measure").code == 0
    lay(job, shards / "benchgate-shard-a")
    project.patch.setenv("BENCHGATE_CONFIG", "benchgate.b.yml")
    assert job.gate("measure").code == 0
    lay(job, shards / "benchgate-shard-b")
    for name, value in {"CONFIG": "", "FAIL_ON": "", "RUN_FILE": str(shards)}.items():
        project.patch.setenv(f"BENCHGATE_{name}", value)

    ended = job.gate("prepare", "measure")

    assert ended.code == 1, ended.out + ended.err
    assert "regressed: 1 of 3 benchmarks is slower" in ended.out


def lay(job: Job, place: Path) -> None:
    """Lay what a job has measured where an artifact of it would be."""
    place.mkdir(parents=True)
    (place / "run.json").write_bytes(Path(job.outputs["run-path"]).read_bytes())


def test_shards_that_are_not_there_are_named(
    project: Project, origin: Path, job: Job, tmp_path: Path
) -> None:
    job.happens("pull_request", pull_request(project), run_file=str(tmp_path / "job"))
    job.checkout("refs/pull/7/merge", origin=origin)

    ended = job.gate("prepare", "measure")

    assert ended.code == 3
    assert "there is no run.json in it" in ended.err
