"""A finished workflow run → the pull request that it belongs to.

The job that publishes runs by ``workflow_run``, whose payload names no pull request
where the head is a fork. What the measuring job says about itself is never asked:
owner, branch and commit come from GitHub.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from benchgate.documents.wire import in_one_line
from benchgate.errors import UsageError
from benchgate.github.api import Client, Pull


@dataclass(frozen=True, slots=True)
class Trigger:
    """The run of a workflow on a pull request whose end started this job.

    ``run`` and ``workflow`` are ids, ``number`` stays in a re-run, ``attempt`` rises.
    ``owner``, ``branch`` and ``repository`` (an id) say where the head is; owner and
    repository are None where that repository is gone.
    """

    run: int
    workflow: int
    number: int
    attempt: int
    conclusion: str
    head_sha: str
    owner: str | None
    branch: str
    repository: int | None
    url: str


def trigger_of(payload: Mapping[str, Any], *, repository: str) -> Trigger:
    """Return what the *payload* of a ``workflow_run`` event of *repository* tells.

    Raises UsageError unless it is the end of a run of this very repository on a pull
    request.
    """
    try:
        event = msgspec.convert(payload, _Event)
    except msgspec.ValidationError as error:
        problem = f"event: not a workflow_run: {in_one_line(str(error))}"
        raise UsageError(problem, hint=_HINT) from error
    run = event.workflow_run
    if event.action != "completed" or run.conclusion is None:
        raise UsageError("event: the workflow run has not ended", hint=_HINT)
    here = event.repository
    if run.repository.id != here.id or here.full_name.lower() != repository.lower():
        raise UsageError("event: the workflow run is of another repository", hint=_HINT)
    if run.event != "pull_request":
        said = in_one_line(run.event)
        raise UsageError(f"event: the run is of `{said}`, not of a pull request")
    head = run.head_repository
    return Trigger(
        run=run.id,
        workflow=run.workflow_id,
        number=run.run_number,
        attempt=run.run_attempt,
        conclusion=run.conclusion,
        head_sha=run.head_sha,
        owner=None if head is None or head.owner is None else head.owner.login,
        branch=run.head_branch or "",
        repository=None if head is None else head.id,
        url=run.html_url,
    )


def pull_of(client: Client, trigger: Trigger, *, bases: Sequence[str]) -> Pull | None:
    """Return the open pull request whose head the run of *trigger* measured.

    Where the same commit is proposed for several branches, the first of *bases*
    decides, then the default branch. None where there is none any more: the head has
    moved, the pull request is closed, or its fork is gone.
    Raises PublishError.
    """
    if trigger.owner is None or not trigger.branch:
        return None
    pulls = {
        pull.base.ref: pull
        for pull in client.open_pulls(trigger.owner, trigger.branch)
        if pull.head.sha == trigger.head_sha
        and pull.head.repository == trigger.repository
    }
    if len(pulls) == 1:
        return next(iter(pulls.values()))
    wanted = [*bases, *(pull.default_branch for pull in pulls.values())]
    return next((pulls[base] for base in wanted if base in pulls), None)


_HINT = "start this job by `workflow_run`, as docs/github.md shows"


class _Owner(msgspec.Struct):
    login: str


class _Here(msgspec.Struct):
    id: int
    full_name: str


class _Head(msgspec.Struct):
    id: int
    owner: _Owner | None


class _Run(msgspec.Struct):
    id: int
    workflow_id: int
    run_number: int
    run_attempt: int
    event: str
    conclusion: str | None
    head_sha: str
    head_branch: str | None
    head_repository: _Head | None
    repository: _Here
    html_url: str


class _Event(msgspec.Struct):
    action: str
    workflow_run: _Run
    repository: _Here
