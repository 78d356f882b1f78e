"""Payloads → what the head is compared with, one test for each row of the table."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchgate.errors import FormatError, UsageError
from benchgate.github import event
from benchgate.github.event import (
    Exactly,
    Itself,
    LastRelease,
    MergeBase,
    Nothing,
    Trigger,
)

HEAD, BASE, MERGE, OLD = ("a" * 40, "b" * 40, "c" * 40, "d" * 40)
REPOSITORY = {"id": 1, "full_name": "o/r", "default_branch": "main", "fork": False}


def pull_request(repo: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "repository": REPOSITORY,
        "pull_request": {
            "number": 7,
            "head": {"sha": HEAD, "ref": "topic", "repo": repo},
            "base": {"sha": OLD, "ref": "main", "repo": {"id": 1}},
            "labels": [{"name": "perf-ok", "id": 5}],
        },
    }


def push(**more: str) -> dict[str, Any]:
    whole = {"ref": "refs/heads/main", "before": OLD, "after": HEAD}
    return {"repository": REPOSITORY, **whole, **more}


def decoded(name: str, payload: object) -> event.Event:
    return event.decode(name, json.dumps(payload).encode(), place="event.json")


def wanted(
    name: str, payload: object, *, head: str = HEAD, parents: tuple[str, ...] = (BASE,)
) -> event.Wanted:
    return event.base_of(decoded(name, payload), head=head, parents=parents, asked="")


def test_a_merge_is_compared_with_its_first_parent_and_not_the_stale_base() -> None:
    payload = pull_request({"id": 1})

    found = wanted("pull_request", payload, head=MERGE, parents=(BASE, HEAD))

    assert found == Exactly(BASE)


def test_a_head_that_is_checked_out_is_compared_with_the_merge_base() -> None:
    assert wanted("pull_request", pull_request({"id": 1})) == MergeBase("main")


def test_a_merge_commit_as_head_is_no_merge_of_the_pull_request() -> None:
    payload = pull_request({"id": 1})

    found = wanted("pull_request", payload, head=HEAD, parents=(BASE, OLD))

    assert found == MergeBase("main")


def test_another_commit_than_the_pull_requests_is_refused() -> None:
    with pytest.raises(UsageError, match="neither the head of pull request 7"):
        wanted("pull_request", pull_request({"id": 1}), head=OLD)


def test_a_merge_group_names_its_base() -> None:
    payload = {
        "repository": REPOSITORY,
        "merge_group": {"base_sha": BASE, "head_sha": HEAD},
    }

    assert wanted("merge_group", payload) == Exactly(BASE)


def test_a_push_is_compared_with_what_was_before() -> None:
    found = wanted("push", push())

    assert found == MergeBase("main", before=OLD)
    assert decoded("push", push()).is_recorded


def test_the_first_push_has_nothing_before_it() -> None:
    payload = push(before="0" * 40)

    assert wanted("push", payload, parents=()) == Nothing("this is the first commit")


def test_a_push_to_another_branch_is_compared_with_the_default_one() -> None:
    payload = push(ref="refs/heads/topic")

    assert wanted("push", payload) == MergeBase("main")
    assert not decoded("push", payload).is_recorded


def test_a_dispatch_on_the_default_branch_is_compared_with_its_parent() -> None:
    payload = {"repository": REPOSITORY, "ref": "refs/heads/main"}

    assert wanted("workflow_dispatch", payload) == Exactly(BASE)


def test_a_dispatch_elsewhere_is_compared_with_the_merge_base() -> None:
    payload = {"repository": REPOSITORY, "ref": "refs/heads/topic"}

    assert wanted("workflow_dispatch", payload) == MergeBase("main")


def test_what_the_workflow_asks_for_comes_first() -> None:
    payload = {"repository": REPOSITORY, "ref": "refs/heads/topic"}
    happened = decoded("workflow_dispatch", payload)

    found = event.base_of(happened, head=HEAD, parents=(BASE,), asked="v1.2")

    assert found == Exactly("v1.2")


def test_a_schedule_compares_a_commit_with_itself() -> None:
    assert wanted("schedule", {"repository": REPOSITORY}) == Itself()


@pytest.mark.parametrize(
    ("name", "payload", "recorded"),
    [
        ("schedule", {}, True),
        ("workflow_dispatch", {"ref": "refs/heads/main"}, True),
        ("workflow_dispatch", {"ref": "refs/heads/topic"}, False),
        ("release", {"release": {"tag_name": "v2"}}, False),
        ("merge_group", {"merge_group": {"base_sha": BASE, "head_sha": HEAD}}, False),
        ("workflow_run", {}, False),
    ],
)
def test_only_the_default_branch_is_recorded(
    name: str, payload: dict[str, Any], *, recorded: bool
) -> None:
    whole = {"repository": REPOSITORY, **payload}

    assert decoded(name, whole).is_recorded is recorded


def test_a_pull_request_is_never_recorded() -> None:
    assert not decoded("pull_request", pull_request({"id": 1})).is_recorded


def test_a_release_is_compared_with_the_one_before() -> None:
    payload = {"repository": REPOSITORY, "release": {"tag_name": "v2"}}

    assert wanted("release", payload) == LastRelease("v2")


def test_nothing_is_measured_on_a_workflow_run() -> None:
    payload = {"repository": REPOSITORY}

    assert decoded("workflow_run", payload).trigger is Trigger.WORKFLOW_RUN
    with pytest.raises(UsageError, match="nothing is measured on this event"):
        wanted("workflow_run", payload)


@pytest.mark.parametrize(
    ("repo", "from_fork"), [({"id": 1}, False), ({"id": 2}, True), (None, True)]
)
def test_a_fork_is_another_repository_or_one_that_is_gone(
    repo: dict[str, Any] | None, *, from_fork: bool
) -> None:
    pull = decoded("pull_request", pull_request(repo)).pull

    assert pull is not None
    assert pull.from_fork is from_fork


@pytest.mark.parametrize(
    ("action", "labelled", "pushed"),
    [
        ("labeled", "perf-ok", False),
        ("unlabeled", "", False),
        ("synchronize", "", True),
        ("opened", "", False),
    ],
)
def test_only_setting_a_label_sets_it(
    action: str, labelled: str, *, pushed: bool
) -> None:
    payload = pull_request({"id": 1}) | {"action": action, "label": {"name": "perf-ok"}}

    pull = decoded("pull_request", payload).pull

    assert pull is not None
    assert (pull.labelled, pull.pushed) == (labelled, pushed)


@pytest.mark.parametrize("name", ["pull_request_target", "issue_comment"])
def test_events_with_foreign_code_and_rights_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="nothing is measured on this event, because"):
        decoded(name, {"repository": REPOSITORY})


def test_an_unknown_event_is_named() -> None:
    with pytest.raises(UsageError, match=r"^watch: benchgate does not know"):
        decoded("watch", {"repository": REPOSITORY})


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("push", b"{"),
        ("push", b"\xff"),
        ("push", b"[" * 100_000),
        ("push", b'{"repository": 1}'),
        ("push", json.dumps({"repository": REPOSITORY}).encode()),
        ("pull_request", json.dumps({"repository": REPOSITORY}).encode()),
        ("merge_group", json.dumps({"repository": REPOSITORY}).encode()),
        ("release", json.dumps({"repository": REPOSITORY}).encode()),
    ],
)
def test_a_payload_that_is_none_is_refused(name: str, raw: bytes) -> None:
    with pytest.raises(FormatError, match=r"^event\.json: "):
        event.decode(name, raw, place="event.json")
