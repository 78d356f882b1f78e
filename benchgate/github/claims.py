"""What a run document claims → whether GitHub agrees.

Whoever opens a pull request controls the numbers in it, and that can't be changed.
But they can't be those of another commit, or be compared with a base of their own.
"""

from __future__ import annotations

import re
from http import HTTPStatus

from benchgate.errors import FormatError
from benchgate.github.api import Artifact, Client, Pull
from benchgate.github.failures import RefusedError
from benchgate.github.pulls import Trigger
from benchgate.model import Design, Measurement

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HINT = "measure with the workflow that docs/github.md shows, then re-run it"


def check_claims(
    client: Client,
    measurement: Measurement,
    *,
    artifact: Artifact | None,
    trigger: Trigger,
    pull: Pull,
) -> None:
    """Refuse a *measurement* of anything but the head of *pull*.

    It has to come from the run of *trigger*, and to have measured the head of *pull*
    or a merge of it; a measured base has to be a commit of the base branch, and only
    what is compared with stored runs may have none. *artifact* is what it came in,
    None for a file that is here.
    Raises FormatError for a claim that is not true, PublishError where GitHub can't
    be asked.
    """
    if artifact is not None:
        _check_origin(artifact, trigger)
    if trigger.head_sha != pull.head.sha:
        raise _claim("its workflow run is not of the pull request's head")
    head = measurement.head.commit.sha
    if head != pull.head.sha:
        _check_merge(client, head, pull=pull)
    base = measurement.base
    if base is not None:
        _check_base(client, base.commit.sha, pull=pull)
    elif measurement.design is not Design.STORED:
        raise _claim("it was compared with nothing")


def _check_origin(artifact: Artifact, trigger: Trigger) -> None:
    if artifact.run not in (None, trigger.run):
        raise _claim("it is of another workflow run")
    if artifact.head_sha not in (None, trigger.head_sha):
        raise _claim("its workflow run is of another commit")


def _check_merge(client: Client, sha: str, *, pull: Pull) -> None:
    parents = client.parents(sha) if _SHA.fullmatch(sha) else None
    if parents is None:
        raise _claim("the commit that it measured is unknown")
    if len(parents) != 2 or parents[1] != pull.head.sha:  # noqa: PLR2004 - a merge
        raise _claim("it measured neither the head nor a merge of it")


def _check_base(client: Client, sha: str, *, pull: Pull) -> None:
    if not _SHA.fullmatch(sha):
        raise _claim("its base names no commit")
    # The commit, not the branch: a name could be one of the fork's.
    try:
        ancestry = client.compare(sha, pull.base.ref)
    except RefusedError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            raise _claim("its base is unknown") from error
        raise
    if ancestry.status not in ("ahead", "identical"):
        raise _claim("its base is not on the base branch")


def _claim(problem: str) -> FormatError:
    return FormatError(f"run.json: {problem}", hint=_HINT)
