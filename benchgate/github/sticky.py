"""A body → the one comment of a gate below a pull request, kept up to date.

The first line of the comment says that it is ours, the second what it tells of, both
out of sight::

    <!-- benchgate:v1:KEY -->
    <!-- benchgate-state:BASE64 -->

Anybody can write the first line, so the author decides as well. The state keeps an
older run from writing over a newer one, and what can't be decoded is no state.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus

import msgspec

from benchgate.errors import PublishError, UsageError
from benchgate.github.api import Client, Comment
from benchgate.github.failures import RefusedError, UnsureError
from benchgate.model import Outcome

# GitHub refuses a comment of more characters.
MOST_CHARACTERS = 65_536
# Both lines take less: a key of 64 letters, and a state with every field filled.
MOST_HEADER = 2_000
# The latest count: nobody asks of which commit an older one was.
_MOST_ACCEPTED = 10

# Without two hyphens in a row, which could end the HTML comment.
_KEY = re.compile(r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*")
_LONGEST_KEY = 64
_STATE = re.compile(r"<!-- benchgate-state:([A-Za-z0-9+/=]+) -->")
_RETIRED = "<!-- benchgate-outdated:v1:{key} -->"


class Mode(StrEnum):
    """When a pull request gets a comment."""

    ALWAYS = "always"
    PROBLEMS = "problems"
    NEVER = "never"


class Done(StrEnum):
    """What became of a comment."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    KEPT_QUIET = "kept quiet"
    STOOD_DOWN = "stood down"


@dataclass(frozen=True, slots=True)
class State:
    """What a comment tells of.

    ``workflow`` is an id; of the same ``run_number`` the higher ``attempt`` is newer.
    ``accepted`` are the commits whose regressions a label has accepted, the latest
    last; a comment keeps ten of them.
    """

    workflow: int
    run_number: int
    attempt: int
    head: str
    outcome: Outcome
    accepted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """The comments of one gate that are there: ``own`` ones, the oldest first.

    ``seen`` is when the latest comment of anybody was changed, None without any.
    ``state`` is that of the oldest own comment, None where there is none.
    """

    own: tuple[Comment, ...]
    state: State | None
    seen: datetime | None


@dataclass(frozen=True, slots=True)
class Published:
    """Where the comment is, empty without one, and what became of it."""

    url: str
    done: Done


def marker_of(key: str) -> str:
    """Return the first line of the comment of the gate *key*.

    Raises UsageError for a key that could end the line.
    """
    if not _KEY.fullmatch(key) or len(key) > _LONGEST_KEY:
        raise UsageError(
            f"comment-key: `{key}` is not a short name",
            hint="use letters and digits, with single `.`, `_` or `-` in between",
        )
    return f"<!-- benchgate:v1:{key} -->"


def encode_state(state: State) -> str:
    """Return the second line of a comment."""
    kept = replace(state, accepted=state.accepted[-_MOST_ACCEPTED:])
    raw = msgspec.json.encode(kept)
    return f"<!-- benchgate-state:{base64.b64encode(raw).decode()} -->"


def state_of(body: str) -> State | None:
    """Return the state in the second line of *body*, None for anything else."""
    lines = body.splitlines()[1:2]
    found = _STATE.fullmatch(lines[0]) if lines else None
    if found is None:
        return None
    try:
        wire = _DECODER.decode(base64.b64decode(found[1]))
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return msgspec.convert(wire, State, from_attributes=True)


def accepting(
    labels: Collection[str], label: str, *, head: str, before: tuple[str, ...]
) -> tuple[str, ...]:
    """Return which head the *label* accepts, none where it isn't among *labels*.

    A label holds for the head at which it was first seen, which is what *before*
    tells. After another push it has to be taken off and set again.
    """
    if not label or label not in labels:
        return ()
    return before or (head,)


def look(client: Client, number: int, *, key: str, author: str) -> Standing:
    """Return what *author* has written for the gate *key* below pull *number*."""
    return _standing(client.comments(number), key=key, author=author)


def publish(
    client: Client,
    number: int,
    body: str,
    *,
    key: str,
    author: str,
    state: State,
    mode: Mode,
    standing: Standing | None = None,
) -> Published:
    """Show *body* in the one comment of the gate *key* below pull *number*.

    *author* is who the token writes as; *standing* what ``look`` returned, if it
    did. Nothing is written when the head has moved, or when the comment tells of a
    newer run of this head already. An edit notifies nobody, so a pull request that
    gets slower is told in a new comment.
    Raises PublishError.
    """
    if mode is Mode.NEVER:
        return Published("", Done.KEPT_QUIET)
    marker = marker_of(key)
    whole = f"{marker}\n{encode_state(state)}\n{body}"
    if len(whole) > MOST_CHARACTERS:
        problem = f"the comment has {len(whole)} characters, more than GitHub takes"
        raise PublishError(problem, hint="report this as a bug of benchgate")
    found = standing or look(client, number, key=key, author=author)
    if standing and standing.own:
        found = _again(client, standing)
    old = found.own[0] if found.own else None
    # The last look before a write: what was true a minute ago isn't of use.
    live = client.pull(number)
    if live.head.sha != state.head or live.state != "open" or _is_newer(found, state):
        return Published(old.url if old else "", Done.STOOD_DOWN)
    _delete(client, found.own[1:])
    if old is None:
        if mode is Mode.PROBLEMS and state.outcome is Outcome.PASSED:
            return Published("", Done.KEPT_QUIET)
    elif not _turns_bad(found, state) or not _retired(client, old, key=key):
        return _update(client, old, whole)
    return _create(
        client, number, whole, found=found, key=key, author=author, state=state
    )


def _again(client: Client, standing: Standing) -> Standing:
    """Return *standing* with the comment as it is now: judging took its time."""
    live = client.comment(standing.own[0])
    if live is None:
        return replace(standing, own=(), state=None)
    own = (live, *standing.own[1:])
    return replace(standing, own=own, state=state_of(live.body))


def _standing(comments: Sequence[Comment], *, key: str, author: str) -> Standing:
    marker = marker_of(key)
    own = tuple(
        comment
        for comment in comments
        if comment.author.casefold() == author.casefold()
        and comment.body.splitlines()[:1] == [marker]
    )
    return Standing(
        own=own,
        state=state_of(own[0].body) if own else None,
        seen=max((comment.updated_at for comment in comments), default=None),
    )


def _is_newer(found: Standing, state: State) -> bool:
    """Say whether what is there tells of this head by a later run of the workflow."""
    return found.state is not None and _is_older(state, found.state)


def _is_older(one: State, other: State) -> bool:
    """Say whether *one* is of an earlier run on the same head than *other*."""
    return (one.workflow, one.head) == (other.workflow, other.head) and (
        (one.run_number, one.attempt) < (other.run_number, other.attempt)
    )


def _turns_bad(found: Standing, state: State) -> bool:
    before = None if found.state is None else found.state.outcome
    return before is Outcome.PASSED and state.outcome is Outcome.REGRESSED


def _retired(client: Client, old: Comment, *, key: str) -> bool:
    """Fold *old* away without its marker; say whether that was possible."""
    rest = old.body.partition("\n")[2]
    try:
        client.retire_comment(old, f"{_RETIRED.format(key=key)}\n{rest}")
    except PublishError:
        # What is true now, told silently, is better than what was.
        return False
    return True


def _update(client: Client, old: Comment, whole: str) -> Published:
    # Whoever edits a comment on the page gets other ends of lines.
    if old.body.splitlines() == whole.splitlines():
        return Published(old.url, Done.UNCHANGED)
    return Published(client.edit_comment(old, whole).url, Done.UPDATED)


def _create(
    client: Client,
    number: int,
    whole: str,
    *,
    found: Standing,
    key: str,
    author: str,
    state: State,
) -> Published:
    """Write a new comment, and leave one where two jobs did so at once.

    The oldest one stays, with what the newest run has to say.
    """
    created = []
    # A 502 tells not whether the comment is there: that is looked up.
    with suppress(UnsureError):
        created.append(client.create_comment(number, whole))
    # Times have no fractions, so another one of the same second may be new.
    since = found.seen and found.seen - timedelta(seconds=1)
    there = client.comments(number, since=since)
    if not created and not _standing(there, key=key, author=author).own:
        created.append(client.create_comment(number, whole))
    # A listing may lag behind what was just written.
    comments = {comment.id: comment for comment in (*there, *created)}
    left = _standing(
        [comments[id_] for id_ in sorted(comments)], key=key, author=author
    )
    own = left.own
    if not own:
        problem = f"pull request {number}: the comment is not `{author}`'s"
        raise PublishError(problem, hint="set `comment-author` to who the token is")
    _delete(client, own[1:])
    if left.state is not None and _is_older(left.state, state):
        return _update(client, own[0], whole)
    return Published(own[0].url, Done.CREATED)


def _delete(client: Client, comments: Sequence[Comment]) -> None:
    for comment in comments:
        try:
            client.delete_comment(comment)
        except RefusedError as error:
            # Another job may have seen the same duplicate.
            if error.status != HTTPStatus.NOT_FOUND:
                raise


class _Wire(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The state as it is written."""

    workflow: int
    run_number: int
    attempt: int
    head: str
    outcome: Outcome
    accepted: tuple[str, ...]


_DECODER = msgspec.json.Decoder(_Wire)
