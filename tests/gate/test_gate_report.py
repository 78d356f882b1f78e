"""``benchgate gate report`` and ``record``: what the job with the token makes of it.

What was measured is made by the job without one, in the same test.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchgate.commands import project as project_command
from benchgate.commands.gate import reporting
from benchgate.github import sticky
from benchgate.github.api import connect
from benchgate.github.patience import Patience
from tests.gate.projects import Project
from tests.gate.runner import Job
from tests.gate.test_gate_measure import TIMES, pull_request
from tests.gate.test_gate_measure import job as job  # noqa: PLC0414 - a fixture
from tests.gate.test_gate_measure import origin as origin  # noqa: PLC0414 - a fixture
from tests.github_server import Artifact, Fake, Fault, Pull, State, serving

AT_ONCE = Patience(
    answer=5.0, download=5.0, limit=1.0, between_writes=0.0, tries=2, between_tries=0.0
)
RUN = 17


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    monkeypatch.setattr(reporting, "connect", partial(connect, patience=AT_ONCE))
    state = State(repository="o/r")
    with serving(state) as fake:
        yield fake


def archived(raw: bytes, name: str = "run.json") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, raw)
    return made.getvalue()


# Commits of these tests are the same each time, and so is what was measured of them.
_MEASURED: dict[str, tuple[bytes, int]] = {}


def run_of(job: Job, payload: dict[str, Any], origin: Path) -> tuple[bytes, int]:
    """Return what the job without a token measures, and how it ends."""
    job.happens("pull_request", payload)
    job.checkout("refs/pull/7/merge", origin=origin)
    ended = job.gate("prepare", "measure")
    assert ended.code in {0, 1, 3}, ended.err
    return Path(job.outputs["run-path"]).read_bytes(), ended.code


def measured(
    project: Project, job: Job, origin: Path, github: Fake, *, attempt: int = 1
) -> dict[str, Any]:
    """Measure the topic without a token, upload it, and return what is triggered."""
    payload = pull_request(project)
    merge = project.git("rev-parse", "HEAD").strip()
    main = project.git("rev-parse", "main").strip()
    head = payload["pull_request"]["head"]["sha"]
    raw, code = _MEASURED.get(head) or run_of(job, payload, origin)
    _MEASURED[head] = raw, code
    github.state.pulls[:] = [Pull(7, head, head_repository=2, base_sha=main)]
    github.state.artifacts.append(
        Artifact(len(github.state.artifacts) + 1, RUN, archived(raw), head_sha=head)
    )
    github.state.runs[RUN] = head
    github.state.files[f"{head}:README.md"] = b"so that the commit is known"
    github.state.parents[merge] = [main, head]
    github.state.ancestries[f"{main}...main"] = "identical"
    github.state.files["main:benchgate.yml"] = (origin / "benchgate.yml").read_bytes()
    return {
        "action": "completed",
        "workflow_run": {
            "id": RUN,
            "workflow_id": 5,
            "run_number": 3,
            "run_attempt": attempt,
            "event": "pull_request",
            "conclusion": "failure" if code else "success",
            "head_sha": head,
            "head_branch": "faster",
            "head_repository": {"id": 2, "owner": {"login": "mallory"}},
            "repository": {"id": 1, "full_name": "o/r"},
            "html_url": f"https://github.example/o/r/actions/runs/{RUN}",
        },
    }


def reported(
    tmp_path: Path,
    project: Project,
    github: Fake,
    payload: dict[str, Any],
    **inputs: str,
) -> Job:
    """Run the job with the token, in a folder of its own without any checkout."""
    number = len(list(tmp_path.glob("report-*")))
    job = Job(project, tmp_path / f"report-{number}", api=github.api)
    job.happens("workflow_run", payload, mode="report", **inputs)
    project.patch.setenv("BENCHGATE_GITHUB_TOKEN", github.state.token)
    project.root = job.folder
    ended = job.gate("report")
    assert ended.code == 0, ended.out + ended.err
    job.said += [ended.out, ended.err]
    return job


def slower(project: Project) -> None:
    project.bench({**TIMES, "sort": 700.0})
    project.commit("slower")


def test_a_slower_pull_request_gets_one_comment(
    project: Project, origin: Path, job: Job, github: Fake, tmp_path: Path
) -> None:
    slower(project)
    payload = measured(project, job, origin, github)

    report = reported(tmp_path, project, github, payload)

    (comment,) = github.state.comments
    assert comment.body.startswith(
        "<!-- benchgate:v1:default -->\n<!-- benchgate-state:"
    )
    assert "### ❌ regressed: 1 of 3 benchmarks is slower" in comment.body
    assert f"https://github.example/o/r/actions/runs/{RUN}" in comment.body
    head = payload["workflow_run"]["head_sha"]
    assert f"→ `{head[:9]}` as merged, measured in pairs." in comment.body
    assert f"pull/7/head\ngit checkout --detach {head[:12]}\ngit merge" in comment.body
    assert report.outputs["outcome"] == "regressed"
    assert report.outputs["comment-url"]


def test_the_comment_of_a_re_run_replaces_the_first(
    project: Project, origin: Path, job: Job, github: Fake, tmp_path: Path
) -> None:
    slower(project)
    payload = measured(project, job, origin, github)
    reported(tmp_path, project, github, payload)
    payload["workflow_run"]["run_attempt"] = 2

    reported(tmp_path, project, github, payload)

    assert len(github.state.comments) == 1


def test_the_base_branch_decides_what_is_slower(
    project: Project, origin: Path, job: Job, github: Fake, tmp_path: Path
) -> None:
    slower(project)
    payload = measured(project, job, origin, github)
    lax = b"policy: {margins: {time: 90%}}\n"
    github.state.files["main:benchgate.yml"] = lax

    reported(tmp_path, project, github, payload)

    (comment,) = github.state.comments
    assert "❌" not in comment.body


def test_what_the_head_accepts_is_read_as_data(
    project: Project, origin: Path, job: Job, github: Fake, tmp_path: Path
) -> None:
    slower(project)
    payload = measured(project, job, origin, github)
    head = payload["workflow_run"]["head_sha"]
    entry = (
        "- {suite: criterion, benchmark: sort, metric: time, max_slowdown: 60%, "
        f"reason: wanted, owner: '@dana', expires: {project_command.today()}}}\n"
    )
    github.state.files[f"{head}:benchgate.accepted.yml"] = entry.encode()

    reported(tmp_path, project, github, payload)

    (comment,) = github.state.comments
    assert "### ✅ passed" in comment.body
    assert "accepted" in comment.body


@pytest.mark.parametrize(
    ("archive", "said"),
    [
        (b"no zip", "benchgate-run"),
        (archived(b"{}"), "run.json"),
        (archived(b"[" * 100_000), "run.json"),
        (archived(b"{}", name="../run.json"), "benchgate-run"),
        (archived(b'{"schema": "benchgate-run/1", "head": 1e400}'), "run.json"),
    ],
)
def test_an_artifact_that_is_none_is_undecided_in_our_own_words(
    project: Project,
    origin: Path,
    job: Job,
    github: Fake,
    tmp_path: Path,
    *,
    archive: bytes,
    said: str,
) -> None:
    payload = measured(project, job, origin, github)
    github.state.artifacts[0].archive = archive

    reported(tmp_path, project, github, payload)

    (comment,) = github.state.comments
    assert "### ⚠️ undecided: this pull request was not judged" in comment.body
    assert said in comment.body


def test_without_an_artifact_the_comment_says_so(
    project: Project, origin: Path, job: Job, github: Fake, tmp_path: Path
) -> None:
    payload = measured(project, job, origin, github)
    github.state.artifacts.clear()

    reported(tmp_path, project, github, payload)

    (comment,) = github.state.comments
    assert "nothing was measured" in comment.body


def test_numbers_of_another_commit_are_not_believed(
    project: Project, origin: Path, job: Job, github: Fake, tmp_path: Path
) -> None:
    slower(project)
    payload = measured(project, job, origin, github)
    github.state.parents.clear()

    reported(tmp_path, project, github, payload)

    (comment,) = github.state.comments
    assert "the commit that it measured is unknown" in comment.body


def test_a_head_that_moved_on_is_told_nothing(
    project: Project, origin: Path, job: Job, github: Fake, tmp_path: Path
) -> None:
    payload = measured(project, job, origin, github)
    github.state.pulls[0].head_sha = "f" * 40

    report = reported(tmp_path, project, github, payload)

    assert github.state.comments == []
    assert "there is no pull request to report to" in report.said[0]


@pytest.mark.parametrize("status", [403, 404, 422, 429, 500])
def test_a_comment_that_can_not_be_written_is_a_warning(
    project: Project,
    origin: Path,
    job: Job,
    github: Fake,
    tmp_path: Path,
    *,
    status: int,
) -> None:
    slower(project)
    payload = measured(project, job, origin, github)
    github.faults.append(Fault("POST .*", status=status))

    report = reported(tmp_path, project, github, payload)

    assert report.said[0].count("::warning") == 1
    assert "the comment is not written" in report.said[0]


def test_a_label_accepts_the_head_at_which_it_was_set_and_no_later_one(
    project: Project, origin: Path, job: Job, github: Fake, tmp_path: Path
) -> None:
    slower(project)
    payload = measured(project, job, origin, github)
    github.state.pulls[0].labels.append("perf-ok")
    reported(tmp_path, project, github, payload, accept_label="perf-ok")
    (comment,) = github.state.comments
    assert "the label `perf-ok` accepts this head" in comment.body
    state = sticky.state_of(comment.body)
    assert state is not None
    github.state.pulls[0].head_sha = "f" * 40
    moved = sticky.State(5, 4, 1, "f" * 40, state.outcome, state.accepted)

    again = sticky.accepting(
        frozenset({"perf-ok"}), "perf-ok", head=moved.head, before=moved.accepted
    )

    assert state.accepted == (payload["workflow_run"]["head_sha"],)
    assert again == state.accepted


def test_a_check_is_published_where_it_is_asked_for(
    project: Project, origin: Path, job: Job, github: Fake, tmp_path: Path
) -> None:
    slower(project)
    payload = measured(project, job, origin, github)

    reported(tmp_path, project, github, payload, check_name="speed")

    (check,) = github.state.checks
    assert check["conclusion"] == "failure"


def test_fourteen_calls_are_enough_below_three_hundred_comments(
    project: Project, origin: Path, job: Job, github: Fake, tmp_path: Path
) -> None:
    slower(project)
    payload = measured(project, job, origin, github)
    for number in range(300):
        github.add_comment(7, f"comment {number}", author="somebody")

    reported(tmp_path, project, github, payload)

    assert len(github.calls) <= 14, github.calls


def test_the_job_that_measures_may_report_itself(
    project: Project, origin: Path, job: Job, github: Fake
) -> None:
    slower(project)
    _MEASURED.clear()
    measured(project, job, origin, github)
    place = Path(job.outputs["run-path"])
    project.patch.setenv("BENCHGATE_GITHUB_TOKEN", github.state.token)
    project.patch.setenv("BENCHGATE_MODE", "gate")
    project.patch.setenv("BENCHGATE_RUN_FILE", str(place))
    project.patch.setenv("GITHUB_API_URL", github.api)

    ended = job.gate("report")

    assert ended.code == 0, ended.err
    (comment,) = github.state.comments
    assert "### ❌ regressed" in comment.body


def pushed(
    tmp_path: Path, project: Project, job: Job, origin: Path, github: Fake
) -> tuple[Job, str]:
    """Push to main and measure; return the job that records, and the new commit."""
    before = project.git("rev-parse", "main").strip()
    project.git("switch", "--quiet", "main")
    after = project.commit("more")
    payload = {"ref": "refs/heads/main", "before": before, "after": after}
    job.happens("push", payload)
    job.checkout("main", origin=origin)
    assert job.gate("prepare", "measure").code == 0
    raw = Path(job.outputs["run-path"]).read_bytes()
    github.state.artifacts.append(Artifact(1, RUN, archived(raw), head_sha=after))
    server = tmp_path / "server"
    (server / "o").mkdir(parents=True)
    (server / "o" / "r").symlink_to(origin)
    record = Job(project, tmp_path / "record", api=github.api)
    record.happens("push", payload, mode="record")
    project.patch.setenv("BENCHGATE_GITHUB_TOKEN", github.state.token)
    project.patch.setenv("GITHUB_SHA", after)
    project.patch.setenv("GIT_CONFIG_COUNT", "2")
    project.patch.setenv("GIT_CONFIG_KEY_1", f"url.{server.as_uri()}/.insteadOf")
    project.patch.setenv("GIT_CONFIG_VALUE_1", "https://github.example/")
    return record, after


def test_a_push_is_recorded_without_a_checkout(
    project: Project, origin: Path, job: Job, github: Fake, tmp_path: Path
) -> None:
    record, after = pushed(tmp_path, project, job, origin, github)
    project.root = record.folder

    ended = record.gate("record")

    assert ended.code == 0, ended.out + ended.err
    project.root = origin
    kept = project.git("ls-tree", "-r", "--name-only", "benchgate-data")
    assert f"-{after[:12]}-{RUN}.1.json" in kept


def test_a_pull_request_is_never_recorded(
    project: Project, origin: Path, job: Job, github: Fake
) -> None:
    job.happens("pull_request", pull_request(project), mode="record")
    project.patch.setenv("BENCHGATE_GITHUB_TOKEN", github.state.token)

    ended = job.gate("record")

    assert ended.code == 2
    assert "only the default branch is recorded" in ended.err


def test_an_event_that_is_no_workflow_run_is_refused(
    project: Project, job: Job, github: Fake
) -> None:
    job.happens("workflow_run", {"action": "requested"}, mode="report")
    project.patch.setenv("BENCHGATE_GITHUB_TOKEN", github.state.token)
    project.patch.setenv("GITHUB_API_URL", github.api)
    project.root = job.folder

    ended = job.gate("report")

    assert ended.code == 2
    assert github.writes == []
