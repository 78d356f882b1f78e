from __future__ import annotations

from typing import Any

import pytest

from benchgate.errors import PublishError, UsageError
from benchgate.github.api import Client
from benchgate.github.pulls import Trigger, pull_of, trigger_of
from tests import github_answers as answers
from tests.github_server import Fake, Fault, Pull
from tests.unit.github.conftest import HEAD, PULL

TRIGGER = Trigger(
    run=31,
    workflow=5,
    number=12,
    attempt=1,
    conclusion="success",
    head_sha=HEAD,
    owner="mallory",
    branch="faster",
    repository=2,
    url="https://github.com/octo/shop/actions/runs/31",
)


def payload(**of_the_run: Any) -> dict[str, Any]:
    here = answers.repository("octo/shop", 1)
    fork = answers.repository("mallory/shop", 2, fork=True)
    run = answers.workflow_run(31, head_sha=HEAD, head=fork, here=here)
    return {
        "action": "completed",
        "workflow_run": {**run, **of_the_run},
        "repository": here,
    }


def test_the_end_of_a_run_is_read() -> None:
    assert trigger_of(payload(), repository="octo/shop") == TRIGGER


def test_a_fork_that_is_gone_belongs_to_nobody(client: Client) -> None:
    trigger = trigger_of(payload(head_repository=None), repository="octo/shop")

    assert pull_of(client, trigger, bases=()) is None


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"workflow_run": None}, "not a workflow_run"),
        ({"action": "requested"}, "has not ended"),
        (payload(conclusion=None), "has not ended"),
        (payload(event="push"), "of `push`, not of a pull request"),
        (payload(event="pull_request_target"), "not of a pull request"),
        (payload(repository={"id": 9, "full_name": "octo/shop"}), "another repository"),
        ({"repository": {"id": 1, "full_name": "octo/other"}}, "another repository"),
        (payload(head_sha=7), "not a workflow_run"),
    ],
)
def test_any_other_event_is_refused(changed: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        trigger_of({**payload(), **changed}, repository="octo/shop")


def test_the_pull_request_is_found(client: Client, github: Fake) -> None:
    github.state.pulls.append(Pull(8, HEAD, head_owner="ada", head_repository=3))

    pull = pull_of(client, TRIGGER, bases=())

    assert pull is not None
    assert pull.number == PULL


@pytest.mark.parametrize(
    "other",
    [
        Pull(PULL, "c" * 40),
        Pull(PULL, HEAD, head_repository=3),
        Pull(PULL, HEAD, head_repository=None),
        Pull(PULL, HEAD, head_ref="other"),
        Pull(PULL, HEAD, head_owner="ada"),
        Pull(PULL, HEAD, state="closed"),
    ],
)
def test_a_pull_request_of_another_head_is_not_ours(
    client: Client, github: Fake, other: Pull
) -> None:
    github.state.pulls = [other]

    assert pull_of(client, TRIGGER, bases=()) is None


def test_a_branch_of_a_fork_called_main_is_not_the_repository_s(
    client: Client, github: Fake
) -> None:
    github.state.pulls = [Pull(PULL, HEAD, head_ref="main", head_owner="octo")]
    trigger = trigger_of(payload(head_branch="main"), repository="octo/shop")

    assert pull_of(client, trigger, bases=()) is None


@pytest.mark.parametrize(
    ("bases", "number"),
    [((), 7), (("release",), 8), (("gone", "release"), 8), (("gone",), 7)],
)
def test_of_several_pull_requests_the_base_decides(
    client: Client, github: Fake, bases: tuple[str, ...], number: int
) -> None:
    github.state.pulls.insert(0, Pull(8, HEAD, base_ref="release"))

    pull = pull_of(client, TRIGGER, bases=bases)

    assert pull is not None
    assert pull.number == number


def test_several_pull_requests_for_unknown_bases_are_nobody_s(
    client: Client, github: Fake
) -> None:
    github.state.pulls = [Pull(8, HEAD, base_ref="a"), Pull(9, HEAD, base_ref="b")]

    assert pull_of(client, TRIGGER, bases=()) is None


def test_that_github_can_t_be_asked_is_not_that_there_is_none(
    client: Client, github: Fake
) -> None:
    github.faults.append(Fault("pulls", status=404, message="Not Found"))

    with pytest.raises(PublishError):
        pull_of(client, TRIGGER, bases=())
