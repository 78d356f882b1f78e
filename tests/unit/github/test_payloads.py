"""GitHub's own examples of events, and what each would be compared with."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchgate.github import event
from benchgate.github.event import Event, Exactly, LastRelease, MergeBase
from tests.unit.github.test_contract import brought

NAMES = ["pull_request", "push", "merge_group", "workflow_dispatch", "release"]


@pytest.fixture(scope="session")
def examples() -> dict[str, list[dict[str, Any]]]:
    """Return the examples of each event by its name."""
    return {one["name"]: one["examples"] for one in brought("events.json")}


def decoded(name: str, payload: dict[str, Any]) -> Event:
    return event.decode(name, json.dumps(payload).encode(), place="event.json")


@pytest.mark.parametrize("name", [*NAMES, "workflow_run"])
def test_every_example_is_understood(
    examples: dict[str, list[dict[str, Any]]], name: str
) -> None:
    found = [decoded(name, payload) for payload in examples[name]]

    assert found
    assert all(one.repository.count("/") == 1 for one in found)
    assert all(one.default_branch for one in found)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("pull_request", {MergeBase}),
        ("push", {Exactly, MergeBase}),
        ("merge_group", {Exactly}),
        ("workflow_dispatch", {Exactly}),
        ("release", {LastRelease}),
    ],
)
def test_every_example_is_compared_with_something(
    examples: dict[str, list[dict[str, Any]]], name: str, kinds: set[type]
) -> None:
    events = [decoded(name, payload) for payload in examples[name]]

    found = {
        type(
            event.base_of(
                one,
                head=one.pull.head if one.pull else "a" * 40,
                parents=("b" * 40,),
                asked="",
            )
        )
        for one in events
    }

    assert found == kinds


def test_a_pull_request_from_a_fork_is_known_as_one(
    examples: dict[str, list[dict[str, Any]]],
) -> None:
    payload = examples["pull_request"][0]
    own = payload["repository"]["id"]
    fork = {
        **payload,
        "pull_request": {
            **payload["pull_request"],
            "head": {**payload["pull_request"]["head"], "repo": {"id": own + 1}},
        },
    }

    before, after = decoded("pull_request", payload), decoded("pull_request", fork)

    assert before.pull is not None
    assert after.pull is not None
    assert (before.pull.from_fork, after.pull.from_fork) == (False, True)
