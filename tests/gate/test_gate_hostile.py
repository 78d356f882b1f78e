"""What a stranger's pull request may try, and what becomes of it in the two jobs.

The job that publishes has a token: it neither runs, obeys nor repeats what the head
says, and it is never kept from saying something.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchgate.commands.gate import reporting
from benchgate.github import sticky
from benchgate.github.api import connect
from benchgate.model import Outcome
from tests.gate.projects import Project
from tests.gate.runner import Job
from tests.gate.test_gate_measure import CONFIG, pull_request
from tests.gate.test_gate_measure import job as job  # noqa: PLC0414 - a fixture
from tests.gate.test_gate_measure import origin as origin  # noqa: PLC0414 - a fixture
from tests.gate.test_gate_report import (
    AT_ONCE,
    archived,
    measured,
    pushed,
    reported,
    slower,
)
from tests.gate.test_gate_report import github as github  # noqa: PLC0414 - a fixture
from tests.github_server import Fake, Fault

Document = dict[str, Any]
LAX = "policy: {margins: {time: 90%}}\n"
FORGED = "##[error]forged"


def uploaded(github: Fake) -> Document:
    """Return the document in the artifact."""
    with zipfile.ZipFile(io.BytesIO(github.state.artifacts[0].archive)) as archive:
        document: Document = json.loads(archive.read("run.json"))
    return document


def upload(github: Fake, document: object) -> None:
    github.state.artifacts[0].archive = archived(json.dumps(document).encode())


def alike(project: Project) -> None:
    project.write("README.md", "words")
    project.commit("words")


def with_base_unknown(document: Document) -> None:
    document["base"]["commit"]["sha"] = "9" * 40


def with_base_nowhere(document: Document) -> None:
    document["base"] = None


def with_zero_cleared(document: Document) -> None:
    side = {"value": 0, "rounds": 1}
    effect = dict.fromkeys(
        ("theta", "se", "p_slower", "p_faster", "bound", "critical", "power", "spread"),
        0.5,
    )
    document["cleared"] = [
        {
            "key": {"suite": "s", "benchmark": "b", "metric": "time"},
            "metric": {"name": "time", "unit": "s", "better": "lower", "kind": "time"},
            "base": side,
            "head": side,
            "effect": {**effect, "units": 1, "rounds": 1},
            "reason": "",
            "weak": False,
            "design": "stored",
            "tested": True,
            "doubts": [],
        }
    ]


def with_unshared_names(document: Document) -> None:
    for number, series in enumerate(document["head"]["series"]):
        series["benchmark"] = "|@team" * 49 + str(number)


def with_forged_schema(document: Document) -> None:
    document["schema"] = f"x {FORGED}"


def with_uneven_pairs(document: Document) -> None:
    document["head"]["rounds"].pop()
    for series in document["head"]["series"]:
        series["rounds"].pop()


@pytest.mark.parametrize(
    "change",
    [
        with_base_unknown,
        with_base_nowhere,
        with_zero_cleared,
        with_unshared_names,
        with_forged_schema,
        with_uneven_pairs,
    ],
)
def test_a_document_that_is_not_true_replaces_what_was_said_before(
    project: Project,
    origin: Path,
    job: Job,
    github: Fake,
    tmp_path: Path,
    *,
    change: Callable[[Document], None],
) -> None:
    alike(project)
    payload = measured(project, job, origin, github)
    reported(tmp_path, project, github, payload)
    assert "### ✅ passed" in github.state.comments[0].body
    document = uploaded(github)
    change(document)
    upload(github, document)

    report = reported(tmp_path, project, github, payload)

    (comment,) = github.state.comments
    assert "### ⚠️ undecided: this pull request was not judged" in comment.body
    assert len(comment.body) < 2_000
    assert "##[" not in "".join(report.said)


@pytest.mark.parametrize(
    "files",
    [
        {"benchgate.accepted.yml/folder": b""},
        {"benchgate.accepted.yml": b"\xff"},
        {"benchgate.accepted.yml": b"#" * 600_000},
        {"benchgate.accepted.yml": b"- {? '" + b"k " * 50_000 + b"' : 1}\n"},
        {"benchgate.accepted.yml": f"- {{'{FORGED}': 1}}\n".encode()},
        {"benchgate.accepted.yml": f"- !{FORGED.replace('[', '%5B')} x\n".encode()},
        {"benchgate.accepted.yml": b"[" * 100_000},
        {".github/benchgate.accepted.yml": b"- {suite: a}\n"},
    ],
)
def test_what_the_head_wants_accepted_can_not_silence_the_comment(
    project: Project,
    origin: Path,
    job: Job,
    github: Fake,
    tmp_path: Path,
    *,
    files: dict[str, bytes],
) -> None:
    slower(project)
    payload = measured(project, job, origin, github)
    head = payload["workflow_run"]["head_sha"]
    github.state.files |= {f"{head}:{name}": raw for name, raw in files.items()}

    report = reported(tmp_path, project, github, payload)

    (comment,) = github.state.comments
    assert "### ⚠️ undecided: this pull request was not judged" in comment.body
    assert len(comment.body) < 2_000
    assert "##[" not in "".join(report.said)


def test_aliases_that_multiply_are_refused_at_once(
    project: Project, origin: Path, job: Job, github: Fake, tmp_path: Path
) -> None:
    payload = measured(project, job, origin, github)
    head = payload["workflow_run"]["head_sha"]
    del github.state.files["main:benchgate.yml"]
    github.state.files["main:README.md"] = b""
    many = ",".join(["a"] * 60_000)
    bomb = f"suites:\n  s: &s {{tool: criterion, benches: [{many}]}}\n"
    bomb += "".join(f"  s{number}: *s\n" for number in range(9_000))
    github.state.files[f"{head}:benchgate.yml"] = bomb.encode()

    reported(tmp_path, project, github, payload)

    (comment,) = github.state.comments
    assert "its aliases make too much of it" in comment.body


def test_fourteen_calls_are_enough_in_the_worst_case(
    project: Project, origin: Path, job: Job, github: Fake, tmp_path: Path
) -> None:
    slower(project)
    payload = measured(project, job, origin, github)
    head = payload["workflow_run"]["head_sha"]
    del github.state.files["main:benchgate.yml"]
    github.state.files["main:README.md"] = b""
    github.state.files[f"{head}:.github/benchgate.accepted.yml"] = b""
    for number in range(299):
        github.add_comment(7, f"comment {number}", author="somebody")
    before = sticky.State(5, 2, 1, "c" * 40, Outcome.PASSED, ())
    marker, state = sticky.marker_of("default"), sticky.encode_state(before)
    github.add_comment(7, f"{marker}\n{state}\nAll is well.")

    reported(tmp_path, project, github, payload)

    assert github.state.comments[-2].minimised == "OUTDATED"
    assert "### ❌ regressed" in github.state.comments[-1].body
    assert len(github.calls) <= 14, github.calls


def test_the_folder_of_the_project_may_be_written_in_many_ways(
    project: Project, origin: Path, job: Job, github: Fake, tmp_path: Path
) -> None:
    slower(project)
    payload = measured(project, job, origin, github)
    github.state.files["main:core/benchgate.yml"] = LAX.encode()

    reported(tmp_path, project, github, payload, working_directory="./core/")

    assert "❌ regressed" not in github.state.comments[0].body


def test_a_file_of_a_job_that_measured_is_held_to_its_claims(
    project: Project, origin: Path, job: Job, github: Fake, tmp_path: Path
) -> None:
    alike(project)
    payload = measured(project, job, origin, github)
    document = uploaded(github)
    document["head"]["commit"]["sha"] = "9" * 40
    place = tmp_path / "given.json"
    place.write_text(json.dumps(document))

    reported(tmp_path, project, github, payload, run_file=str(place))

    assert "the commit that it measured is unknown" in github.state.comments[0].body


def test_what_stored_runs_have_cleared_is_told_as_it_was_measured(
    project: Project, origin: Path, job: Job, github: Fake, tmp_path: Path
) -> None:
    alike(project)
    payload = measured(project, job, origin, github)
    document = uploaded(github)
    with_zero_cleared(document)
    document["cleared"][0]["base"]["value"] = 0.5
    document["design"] = "stored"
    for side in ("base", "head"):
        document[side]["series"] = []
    upload(github, document)

    reported(tmp_path, project, github, payload)

    (comment,) = github.state.comments
    assert "1 benchmark" in comment.body
    assert "0 benchmarks" not in comment.body


@pytest.mark.parametrize(
    "fault",
    [
        Fault("GET .*/issues/7/comments", status=502),
        Fault("GET .*/pulls", status=403, message="API rate limit exceeded"),
        Fault("POST .*/comments", status=200, text="<html>"),
    ],
)
def test_a_github_that_does_not_answer_is_one_warning(
    project: Project,
    origin: Path,
    job: Job,
    github: Fake,
    tmp_path: Path,
    *,
    fault: Fault,
) -> None:
    slower(project)
    payload = measured(project, job, origin, github)
    github.faults.append(fault)

    report = reported(tmp_path, project, github, payload)

    assert report.said[0].count("::warning") == 1


def test_a_github_that_is_silent_is_one_warning(
    project: Project, origin: Path, job: Job, github: Fake, tmp_path: Path
) -> None:
    slower(project)
    payload = measured(project, job, origin, github)
    hasty = partial(connect, patience=replace(AT_ONCE, answer=1.0))
    project.patch.setattr(reporting, "connect", hasty)
    github.faults.append(Fault("POST .*/comments", silence=60.0))

    report = reported(tmp_path, project, github, payload)

    assert report.said[0].count("::warning") == 1
    assert "the comment is not written" in report.said[0]


@pytest.mark.parametrize(
    "request_", ["artifacts", "zip", "git/commits", "compare", "graphql"]
)
def test_what_can_not_be_asked_is_undecided_and_not_silence(
    project: Project,
    origin: Path,
    job: Job,
    github: Fake,
    tmp_path: Path,
    *,
    request_: str,
) -> None:
    slower(project)
    payload = measured(project, job, origin, github)
    github.faults.append(Fault(request_, status=503))

    reported(tmp_path, project, github, payload)

    (comment,) = github.state.comments
    assert "### ⚠️ undecided: this pull request was not judged" in comment.body


def test_without_a_token_the_job_that_does_both_still_has_its_verdict(
    project: Project, origin: Path, job: Job, github: Fake
) -> None:
    slower(project)
    job.happens("pull_request", pull_request(project), mode="gate")
    job.checkout("refs/pull/7/merge", origin=origin)

    verdict = job.gate("prepare", "measure")
    ended = job.gate("report")

    assert (verdict.code, ended.code) == (1, 0)
    assert ended.out.count("::warning") == 1
    assert "### ❌ regressed" in job.summary


def test_a_repository_that_lies_here_is_not_the_one_that_is_written_to(
    project: Project, origin: Path, job: Job, github: Fake, tmp_path: Path
) -> None:
    record, _ = pushed(tmp_path, project, job, origin, github)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    project.root = theirs
    project.git("init", "--quiet", "--bare")
    project.root = record.folder
    project.git("init", "--quiet")
    project.git("remote", "add", "origin", str(theirs))
    project.git("config", "core.fsmonitor", f"touch {tmp_path / 'ran'}; false")

    ended = record.gate("record")

    assert ended.code == 0, ended.out + ended.err
    assert not (tmp_path / "ran").exists()
    project.root = theirs
    assert project.git("for-each-ref") == ""
    project.root = origin
    assert project.git("rev-parse", "benchgate-data")


def moved(project: Project) -> None:
    project.git("rm", "--quiet", "benchgate.yml")
    project.write(".github/benchgate.yml", CONFIG + LAX)


def linked(project: Project) -> None:
    project.write("lax.yml", CONFIG + LAX)
    project.git("rm", "--quiet", "benchgate.yml")
    (project.root / "benchgate.yml").symlink_to("lax.yml")


def linked_away(project: Project) -> None:
    place = project.root.parent / "lax.yml"
    place.write_text(CONFIG + LAX)
    project.git("rm", "--quiet", "benchgate.yml")
    (project.root / "benchgate.yml").symlink_to(place)


@pytest.mark.parametrize("hide", [moved, linked, linked_away])
def test_a_policy_can_not_be_hidden_from_that_of_the_base(
    project: Project, origin: Path, job: Job, *, hide: Callable[[Project], None]
) -> None:
    hide(project)
    slower(project)
    job.happens("pull_request", pull_request(project))
    job.checkout("refs/pull/7/merge", origin=origin)

    ended = job.gate("prepare", "measure")

    assert ended.code == 1, ended.out + ended.err
    assert "is changed here: that of the base counts" in job.summary


def test_a_policy_that_the_work_tree_lacks_is_that_of_the_base(
    project: Project, origin: Path, job: Job
) -> None:
    project.git("switch", "--quiet", "main")
    project.write("benchgate.yml", CONFIG + "policy: {margins: {time: 50%}}\n")
    project.commit("configured")
    project.git("switch", "--quiet", "--force-create", "topic")
    project.git("rm", "--quiet", "benchgate.yml")
    slower(project)
    job.happens("pull_request", pull_request(project))
    job.checkout("refs/pull/7/merge", origin=origin)
    project.write("benchgate.yml", CONFIG)

    ended = job.gate("prepare", "measure")

    assert ended.code == 0, ended.out + ended.err
