"""What the inputs of the action change, and what they can't be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gate.projects import Project
from tests.gate.runner import Job
from tests.gate.test_gate_measure import TIMES, pull_request
from tests.gate.test_gate_measure import job as job  # noqa: PLC0414 - a fixture
from tests.gate.test_gate_measure import origin as origin  # noqa: PLC0414 - a fixture


@pytest.fixture
def opened(project: Project, origin: Path, job: Job) -> Job:
    """Return the job on a pull request that changes nothing but words."""
    project.write("README.md", "words")
    project.commit("words")
    job.happens("pull_request", pull_request(project))
    job.checkout("refs/pull/7/merge", origin=origin)
    return job


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("BASELINE", "s3://bucket", "baseline: 's3://bucket' is no address"),
        ("BASELINE", "git:", "baseline: 'git:' is no address"),
        ("DESIGN", "quick", "design: there is no 'quick'"),
        ("CONFIG", "nowhere.yml", "nowhere.yml: can't be read"),
    ],
)
def test_an_input_that_can_not_be_is_named(
    opened: Job, name: str, value: str, said: str
) -> None:
    opened.project.patch.setenv(f"BENCHGATE_{name}", value)

    ended = opened.gate("prepare")

    assert ended.code == 2
    assert said in ended.err
    assert opened.outputs["outcome"] == "error"


def test_stored_runs_of_a_first_time_are_none_and_pass(opened: Job) -> None:
    opened.project.patch.setenv("BENCHGATE_DESIGN", "stored")
    opened.project.patch.setenv("BENCHGATE_BASELINE", "dir:runs")

    ended = opened.gate("prepare", "measure")

    assert ended.code == 0, ended.err
    assert "there was nothing to compare with" in ended.out


def test_what_stored_runs_clear_is_not_measured_in_pairs(
    project: Project, origin: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    job = Job(project, tmp_path / "job")
    job.happens("schedule", {})  # the runs are of such a runner, too
    project.git("switch", "--quiet", "main")
    for number in range(8):
        moved = 1 + number % 3 / 1000
        project.bench({name: time * moved for name, time in TIMES.items()})
        project.write("benchgate.yml", f"baseline: {{store: directory, path: {runs}}}")
        project.commit(f"run {number}")
        for words in (["run"], ["baseline", "record"]):
            assert project.benchgate(*words).code == 0
    project.write("benchgate.yml", "measure: {looks: [8], slice: 0.01s}\n")
    project.bench(TIMES)
    project.commit("as it was")
    project.git("switch", "--quiet", "--force-create", "topic")
    project.bench({**TIMES, "sort": 700.0})
    project.commit("slower")
    job.happens("pull_request", pull_request(project), baseline=f"dir:{runs}")
    job.checkout("refs/pull/7/merge", origin=origin)

    ended = job.gate("prepare", "measure")

    assert ended.code == 1, ended.out + ended.err
    assert "looking at the head alone first, against 8 stored runs" in ended.err
    settled = {j["benchmark"]: j["design"] for j in project.report()["judgements"]}
    assert settled["parse/1"] == "stored"
    assert settled["sort"] == "paired"


def test_measuring_without_preparing_says_what_to_do_first(opened: Job) -> None:
    ended = opened.gate("measure")

    assert ended.code == 3
    assert "prepared.json" in ended.err


def test_what_was_prepared_and_then_damaged_is_refused(opened: Job) -> None:
    assert opened.gate("prepare").code == 0
    place = opened.folder / "benchgate" / "default" / "prepared.json"
    place.write_text("{}")

    ended = opened.gate("measure")

    assert ended.code == 3
    assert "it is not what `benchgate gate prepare` wrote" in ended.err
    assert "run `benchgate gate prepare` first" in ended.err


def test_outside_of_a_workflow_there_is_no_event(project: Project) -> None:
    ended = project.benchgate("gate", "prepare")

    assert ended.code == 2
    assert "at a desk use `benchgate compare`" in ended.err
