"""What happened on GitHub → which commit the head is compared with.

The payload is what GitHub wrote when the event happened; what is checked out may be
something else, and counts. A merge of a pull request holds the tip of its base branch,
so it is compared with its first parent: the merge base would blame the pull request
for what others have merged since. The payload's own ``base.sha`` is stale when a job
runs again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from benchgate.errors import FormatError, UsageError

_NOWHERE = "0" * 40
_BOTH = 2  # parents of a merge


class Trigger(StrEnum):
    """The events that can be measured, and the one that reports on another run."""

    PULL_REQUEST = "pull_request"
    MERGE_GROUP = "merge_group"
    PUSH = "push"
    DISPATCH = "workflow_dispatch"
    SCHEDULE = "schedule"
    RELEASE = "release"
    WORKFLOW_RUN = "workflow_run"


_REFUSED = {
    "pull_request_target": "it gives foreign code the rights of the repository",
    "issue_comment": "anybody may write a comment",
}


class _Wire(msgspec.Struct, frozen=True):
    """A part of a payload; what we don't read is left alone."""


class _Repository(_Wire, frozen=True):
    id: int
    full_name: str
    default_branch: str = "main"
    fork: bool = False


class _Place(_Wire, frozen=True):
    id: int


class _Branch(_Wire, frozen=True):
    sha: str
    ref: str
    repo: _Place | None = None


class _Label(_Wire, frozen=True):
    name: str


class _PullRequest(_Wire, frozen=True):
    number: int
    head: _Branch
    base: _Branch


class _MergeGroup(_Wire, frozen=True):
    base_sha: str
    head_sha: str


class _Release(_Wire, frozen=True):
    tag_name: str


class _Payload(_Wire, frozen=True):
    repository: _Repository
    pull_request: _PullRequest | None = None
    merge_group: _MergeGroup | None = None
    release: _Release | None = None
    ref: str = ""
    before: str = ""
    after: str = ""
    action: str = ""
    label: _Label | None = None


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request, as it was when the event happened.

    ``labelled`` is the label that the event is about, empty for any other event;
    ``pushed`` says that the event was a push to it.
    """

    number: int
    head: str
    base_branch: str
    from_fork: bool
    labelled: str = ""
    pushed: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, as far as it decides what is compared.

    ``before`` and ``after`` are the commits that the event itself names as the older
    and the newer one, ``branch`` the one that was pushed to; empty where there is none.
    """

    trigger: Trigger
    repository: str
    repository_id: int
    default_branch: str
    pull: PullRequest | None = None
    before: str = ""
    after: str = ""
    branch: str = ""
    tag: str = ""

    @property
    def is_recorded(self) -> bool:
        """Say whether it is the default branch that is measured, so worth recording."""
        if self.trigger is Trigger.SCHEDULE:
            return True  # GitHub starts schedules on the default branch alone
        here = self.trigger in {Trigger.PUSH, Trigger.DISPATCH}
        return here and self.branch == self.default_branch


@dataclass(frozen=True, slots=True)
class Exactly:
    """Compare with this commit."""

    commit: str


@dataclass(frozen=True, slots=True)
class MergeBase:
    """Compare with where the head and ``branch`` of the remote parted.

    With ``before``, a commit, where it and the head parted: on a branch that moved
    forward that is the commit itself.
    """

    branch: str
    before: str = ""


@dataclass(frozen=True, slots=True)
class LastRelease:
    """Compare with the release before ``tag``."""

    tag: str


@dataclass(frozen=True, slots=True)
class Itself:
    """Compare the head with itself, to see how often that fails."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is nothing to compare with; ``reason`` says why."""

    reason: str


Wanted = Exactly | MergeBase | LastRelease | Itself | Nothing


def decode(name: str, raw: bytes, *, place: str) -> Event:
    """Return the event *name* with the payload *raw*, which was read from *place*.

    Raises UsageError for an event on which nothing may be measured, FormatError for
    a payload that can't be read.
    """
    if name in _REFUSED:
        raise UsageError(
            f"{name}: nothing is measured on this event, because {_REFUSED[name]}",
            hint="use `pull_request`, and `workflow_run` for the comment",
        )
    try:
        trigger = Trigger(name)
    except ValueError:
        known = ", ".join(Trigger)
        raise UsageError(
            f"{name or 'no event'}: benchgate does not know this event",
            hint=f"run it on one of: {known}",
        ) from None
    try:
        payload = msgspec.json.decode(raw, type=_Payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        problem = f"{place}: not a payload of GitHub: {error}"
        raise FormatError(problem, hint="run this inside of a workflow") from error
    repository, pull = payload.repository, payload.pull_request
    missing = {
        Trigger.PULL_REQUEST: pull is None,
        Trigger.MERGE_GROUP: payload.merge_group is None,
        Trigger.RELEASE: payload.release is None,
        Trigger.PUSH: not payload.after,
    }
    if missing.get(trigger):
        problem = f"{place}: it is no payload of the event `{name}`"
        raise FormatError(problem, hint="run this inside of a workflow")
    group, release = payload.merge_group, payload.release
    return Event(
        trigger=trigger,
        repository=repository.full_name,
        repository_id=repository.id,
        default_branch=repository.default_branch,
        pull=_pull_from(pull, payload) if pull else None,
        before=group.base_sha if group else payload.before,
        after=group.head_sha if group else payload.after,
        branch=payload.ref.removeprefix("refs/heads/"),
        tag=release.tag_name if release else "",
    )


def _pull_from(pull: _PullRequest, payload: _Payload) -> PullRequest:
    # Whose fork was deleted has none, and is one all the same.
    theirs = pull.head.repo.id if pull.head.repo else None
    label = payload.label if payload.action == "labeled" else None
    return PullRequest(
        number=pull.number,
        head=pull.head.sha,
        base_branch=pull.base.ref,
        from_fork=theirs != payload.repository.id,
        labelled=label.name if label else "",
        pushed=payload.action == "synchronize",
    )


def base_of(event: Event, *, head: str, parents: Sequence[str], asked: str) -> Wanted:
    """Return what the commit *head*, which is checked out, is compared with.

    *parents* are its own, the first one first; *asked* is what the workflow names,
    or empty. Raises UsageError where another commit is checked out than the event is
    about.
    """
    if asked:
        return Exactly(asked)
    match event.trigger:
        case Trigger.PULL_REQUEST:
            wanted = _of_pull(event.pull, head, parents) if event.pull else None
        case Trigger.MERGE_GROUP:
            wanted = Exactly(event.before)
        case Trigger.SCHEDULE:
            wanted = Itself()
        case Trigger.RELEASE:
            wanted = LastRelease(event.tag)
        case Trigger.PUSH | Trigger.DISPATCH:
            wanted = _of_branch(event, parents)
        case Trigger.WORKFLOW_RUN:
            wanted = None
    if wanted is None:
        raise UsageError(
            f"{event.trigger}: nothing is measured on this event",
            hint="use `mode: report` or `mode: record` there",
        )
    return wanted


def _of_pull(pull: PullRequest, head: str, parents: Sequence[str]) -> Wanted:
    if len(parents) == _BOTH and parents[1] == pull.head:
        return Exactly(parents[0])
    if head == pull.head:
        return MergeBase(pull.base_branch)
    raise UsageError(
        f"{head[:12]} is checked out, which is neither the head of pull request "
        f"{pull.number} nor its merge",
        hint="leave `ref:` of actions/checkout as it is",
    )


def _of_branch(event: Event, parents: Sequence[str]) -> Wanted:
    if event.branch != event.default_branch:
        return MergeBase(event.default_branch)
    if event.trigger is Trigger.PUSH and event.before not in {"", _NOWHERE}:
        return MergeBase(event.default_branch, before=event.before)
    # On the default branch itself, the merge base would be the head.
    return Exactly(parents[0]) if parents else Nothing("this is the first commit")
