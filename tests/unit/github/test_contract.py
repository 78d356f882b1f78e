"""What we ask, and what our own GitHub answers, as GitHub describes both."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse
from openapi_schema_validator import OAS30Validator

from benchgate.errors import PublishError
from benchgate.github import artifact
from benchgate.github.api import Client
from benchgate.github.checks import publish_check
from benchgate.github.pulls import trigger_of
from benchgate.model import Outcome
from tests import github_answers as answers
from tests.conftest import REQUIRED
from tests.github_server import Artifact, Exchange, Fake
from tests.unit.github.conftest import HEAD, PULL
from tests.unit.github.test_artifact import GOOD

NPM = Path(__file__).parents[3] / ".tools" / "npm"
REPOSITORY = "/repos/{owner}/{repo}"
PATHS = [
    f"{REPOSITORY}/{path}"
    for path in (
        "actions/artifacts/{artifact_id}/{archive_format}",
        "actions/runs/{run_id}",
        "actions/runs/{run_id}/artifacts",
        "check-runs",
        "check-runs/{check_run_id}",
        "commits/{ref}/check-runs",
        "compare/{basehead}",
        "git/commits/{commit_sha}",
        "issues/comments/{comment_id}",
        "issues/{issue_number}/comments",
        "pulls",
        "pulls/{pull_number}",
    )
]
EVENT = "webhook-workflow-run-completed"


def brought(name: str) -> Any:
    """Return what ``make tools`` has brought; skip, or fail where it must be there."""
    file = NPM / name
    if not file.exists():
        what = f"{file.name} of GitHub not found: run `make tools`"
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(f"{what} ({REQUIRED} is set)", pytrace=False)
        pytest.skip(what)
    return json.loads(file.read_bytes())


@pytest.fixture(scope="session")
def described() -> Any:
    return brought("api.json")


@pytest.fixture(scope="session")
def contract(described: Any) -> OpenAPI:
    """Return the description of the paths that we use; the whole takes minutes."""
    used = {path: described["paths"][path] for path in PATHS}
    parts = {key: described[key] for key in ("openapi", "info", "servers")}
    components = components_of(described, used)
    return OpenAPI.from_dict({**parts, "paths": used, "components": components})


@pytest.fixture
def everything(client: Client, github: Fake) -> Fake:
    """Return a GitHub that has been asked everything once, and has refused some."""
    state = github.state
    state.pulls[0].labels = ["bug"]
    state.artifacts.append(Artifact(1, 31, GOOD, head_sha=HEAD))
    state.ancestries[f"{HEAD}...main"] = "ahead"
    state.parents[HEAD] = ["a" * 40]
    state.runs[31] = HEAD
    client.open_pulls("mallory", "faster")
    client.pull(PULL)
    github.add_comment(PULL, "Of somebody who left.")
    state.comments[0].author = None
    comment = client.create_comment(PULL, "Hello.")
    client.edit_comment(comment, "Bye.")
    client.comment(comment)
    client.comments(PULL, since=comment.updated_at)
    client.comments(PULL)
    client.delete_comment(comment)
    client.compare(HEAD, "main")
    client.parents(HEAD)
    client.parents("c" * 40)
    client.workflow_run(31)
    found = artifact.find(client, 31, "benchgate-run")
    assert found is not None
    artifact.fetch(client, found)
    for outcome in (Outcome.PASSED, Outcome.UNDECIDED):
        publish_check(
            client,
            name="performance",
            head_sha=HEAD,
            outcome=outcome,
            title="All is well",
            summary="Yes.",
        )
    with pytest.raises(PublishError):
        client.create_comment(PULL, "x" * 65_537)
    state.may_write = False
    with pytest.raises(PublishError):
        client.create_comment(PULL, "No.")
    return github


def components_of(described: Any, part: Any) -> dict[str, dict[str, Any]]:
    """Return the components that *part* leads to, at any depth."""
    components: dict[str, dict[str, Any]] = {}
    open_ones = list(references(part))
    while open_ones:
        _, _, kind, name = open_ones.pop().split("/")
        if name not in components.setdefault(kind, {}):
            components[kind][name] = described["components"][kind][name]
            open_ones += references(components[kind][name])
    return components


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from references(each)


def request_of(exchange: Exchange) -> MockRequest:
    return MockRequest(
        "https://api.github.com",
        exchange.method.lower(),
        exchange.path,
        args=dict(exchange.query),
        data=exchange.sent or None,
        content_type="application/json",
    )


def objections(contract: OpenAPI, exchanges: Iterable[Exchange]) -> list[str]:
    """Return what is wrong with *exchanges*, one line each."""
    return [said for exchange in exchanges for said in _objections(contract, exchange)]


def _objections(contract: OpenAPI, exchange: Exchange) -> list[str]:
    request = request_of(exchange)
    response = MockResponse(
        exchange.answered, exchange.status, headers=dict(exchange.headers)
    )
    found = []
    try:
        contract.validate_request(request)
        contract.validate_response(request, response)
    except OpenAPIError as error:
        cause = error.__cause__ or error
        wrong = getattr(cause, "schema_errors", ())
        details = [f"{list(each.path)}: {each.message[:200]}" for each in wrong]
        place = f"{exchange.method} {exchange.path} {exchange.status}"
        found = [f"{place}: {error!r:.200} {details}"]
    return found


def test_requests_and_answers_are_as_described(
    contract: OpenAPI, everything: Fake
) -> None:
    assert objections(contract, everything.exchanges) == []


def test_everything_we_ask_is_asked_in_this_test(everything: Fake) -> None:
    asked = {
        path
        for path in PATHS
        if any(re.fullmatch(_pattern(path), one.path) for one in everything.exchanges)
    }

    assert asked == set(PATHS)


def _pattern(path: str) -> str:
    return re.sub(r"\{\w+\}", "[^/]+", path)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"sent": b'{"text": "x"}'}, "body"),
        ({"answered": b'{"id": 1}'}, "is a required property"),
        ({"path": "/repos/octo/shop/issue/7/comments"}, "NotFound"),
    ],
)
def test_what_is_not_as_described_is_noticed(
    contract: OpenAPI, everything: Fake, changes: dict[str, Any], problem: str
) -> None:
    posted = [e for e in everything.exchanges if (e.method, e.status) == ("POST", 201)]

    found = objections(contract, [replace(posted[0], **changes)])

    assert len(found) == 1
    assert problem in found[0]


@pytest.fixture(scope="session")
def payload() -> dict[str, Any]:
    """Return GitHub's own example of the end of a workflow run."""
    events = {event["name"]: event for event in brought("events.json")}
    examples = events["workflow_run"]["examples"]
    ended = [one for one in examples if one["workflow_run"]["conclusion"]]
    found: dict[str, Any] = ended[0]
    return found


def of_a_pull_request(payload: dict[str, Any]) -> dict[str, Any]:
    """Return *payload* as it comes after a run on a pull request from a fork."""
    derived = deepcopy(payload)
    fork = {**derived["workflow_run"]["head_repository"], "id": 2, "fork": True}
    fork["owner"] = answers.user("mallory")
    derived["workflow_run"] |= {
        "event": "pull_request",
        "head_sha": HEAD,
        "head_branch": "faster",
        "head_repository": fork,
        "pull_requests": [],
    }
    return derived


def event_objections(described: Any, payload: dict[str, Any]) -> list[str]:
    part = {"$ref": f"#/components/schemas/{EVENT}"}
    schema = {**part, "components": components_of(described, part)}
    return [
        error.message[:300] for error in OAS30Validator(schema).iter_errors(payload)
    ]


def test_the_end_of_a_run_on_a_fork_is_read(
    described: Any, payload: dict[str, Any]
) -> None:
    derived = of_a_pull_request(payload)
    repository = derived["repository"]["full_name"]

    trigger = trigger_of(derived, repository=repository)

    assert event_objections(described, derived) == []
    assert (trigger.owner, trigger.branch, trigger.repository) == (
        "mallory",
        "faster",
        2,
    )


def test_an_event_that_is_not_as_described_is_noticed(
    described: Any, payload: dict[str, Any]
) -> None:
    derived = of_a_pull_request(payload)
    del derived["workflow_run"]["head_sha"]

    assert event_objections(described, derived) != []
