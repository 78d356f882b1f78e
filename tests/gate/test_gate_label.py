"""The label that lets a slower head pass: who says it is set, and for which head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from benchgate.commands.gate import preparing
from benchgate.github import prepared as document
from benchgate.github import sticky
from benchgate.github.api import connect
from benchgate.model import Outcome
from tests.gate.projects import Project
from tests.gate.runner import Job
from tests.gate.test_gate_measure import job as job  # noqa: PLC0414 - a fixture
from tests.gate.test_gate_measure import origin as origin  # noqa: PLC0414 - a fixture
from tests.gate.test_gate_measure import pull_request
from tests.gate.test_gate_report import AT_ONCE
from tests.github_server import Fake, Fault, Pull, State, serving

LABEL = "perf-ok"
SET = {"action": "labeled", "label": {"name": LABEL}}
PUSHED = {"action": "synchronize"}
OLDER = "c" * 40
TOKEN = State().token


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    monkeypatch.setattr(preparing, "connect", partial(connect, patience=AT_ONCE))
    with serving(State(repository="o/r")) as fake:
        yield fake


@pytest.fixture
def head(project: Project, origin: Path) -> str:
    """Return the head of a pull request, of which a job is about to be prepared."""
    return project.commit("a change")


def remembered(github: Fake, *accepted: str, author: str | None = None) -> None:
    """Write a comment that says for which heads the label was."""
    state = sticky.State(5, 2, 1, OLDER, Outcome.REGRESSED, accepted)
    lines = (sticky.marker_of("default"), sticky.encode_state(state), "Slower.")
    github.add_comment(7, "\n".join(lines), author=author)


def allowed(
    project: Project,
    job: Job,
    origin: Path,
    event: Mapping[str, object],
    *,
    attempt: str = "1",
    **inputs: str,
) -> str:
    """Return the label with which the job is prepared on *event*."""
    payload = pull_request(project, labels=[{"name": LABEL}]) | dict(event)
    job.happens("pull_request", payload, accept_label=LABEL, **inputs)
    project.patch.setenv("GITHUB_RUN_ATTEMPT", attempt)
    job.checkout("refs/pull/7/merge", origin=origin)
    ended = job.gate("prepare")
    assert ended.code == 0, ended.out + ended.err
    job.said.append(ended.err)
    place = job.folder / "benchgate" / "default" / "prepared.json"
    return document.decode(place.read_bytes(), name=str(place)).allowed


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (SET, LABEL),
        (PUSHED, ""),
        ({"action": "opened"}, ""),
        ({"action": "labeled", "label": {"name": "bug"}}, ""),
        ({"action": "unlabeled", "label": {"name": LABEL}}, ""),
    ],
)
def test_without_a_token_only_setting_it_counts(
    project: Project,
    origin: Path,
    job: Job,
    head: str,
    *,
    event: Mapping[str, object],
    says: str,
) -> None:
    assert allowed(project, job, origin, event) == says


@dataclass(frozen=True)
class Now:
    """What is so when a job is prepared."""

    labels: tuple[str, ...] = (LABEL,)
    remembered: tuple[str, ...] = ()
    attempt: str = "1"


@pytest.mark.parametrize(
    ("event", "now", "says"),
    [
        (SET, Now(), LABEL),
        (SET, Now(labels=()), ""),
        (SET, Now(remembered=(OLDER,)), LABEL),
        ({"action": "opened"}, Now(), LABEL),
        (PUSHED, Now(), ""),
        (PUSHED, Now(attempt="2"), LABEL),
        (PUSHED, Now(remembered=(OLDER,)), ""),
        (PUSHED, Now(remembered=(OLDER,), attempt="2"), ""),
        (PUSHED, Now(labels=("bug",), attempt="2"), ""),
    ],
)
def test_with_a_token_it_is_what_is_set_now_and_for_this_head(
    project: Project,
    origin: Path,
    job: Job,
    github: Fake,
    head: str,
    *,
    event: Mapping[str, object],
    now: Now,
    says: str,
) -> None:
    github.state.pulls = [Pull(7, head, labels=list(now.labels))]
    remembered(github, *now.remembered)
    job.api = github.api

    found = allowed(
        project, job, origin, event, attempt=now.attempt, github_token=TOKEN
    )

    assert found == says
    assert github.writes == []


def test_the_head_for_which_it_is_remembered_passes_at_once(
    project: Project, origin: Path, job: Job, github: Fake, head: str
) -> None:
    github.state.pulls = [Pull(7, head, labels=[LABEL])]
    remembered(github, head)
    job.api = github.api

    assert allowed(project, job, origin, PUSHED, github_token=TOKEN) == LABEL


def test_a_head_that_has_moved_on_is_not_accepted(
    project: Project, origin: Path, job: Job, github: Fake, head: str
) -> None:
    github.state.pulls = [Pull(7, "d" * 40, labels=[LABEL])]
    job.api = github.api

    assert not allowed(project, job, origin, SET, github_token=TOKEN)


def test_what_a_stranger_writes_into_a_comment_is_not_remembered(
    project: Project, origin: Path, job: Job, github: Fake, head: str
) -> None:
    github.state.pulls = [Pull(7, head, labels=[LABEL])]
    remembered(github, head, author="mallory")
    job.api = github.api

    assert not allowed(project, job, origin, PUSHED, github_token=TOKEN)


@pytest.mark.parametrize(("event", "says"), [(SET, LABEL), ({"action": "opened"}, "")])
def test_a_token_that_may_not_read_labels_is_as_good_as_none(
    project: Project,
    origin: Path,
    job: Job,
    github: Fake,
    head: str,
    *,
    event: Mapping[str, object],
    says: str,
) -> None:
    refused = "Resource not accessible by integration"
    github.faults.append(Fault("GET", status=403, message=refused))
    job.api = github.api

    found = allowed(project, job, origin, event, github_token=TOKEN)

    assert found == says
    assert refused in job.said[0]
