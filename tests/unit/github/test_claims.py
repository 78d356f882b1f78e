from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchgate.errors import FormatError, PublishError
from benchgate.github.api import Artifact, Client
from benchgate.github.claims import check_claims
from benchgate.model import Commit, Design, Environment, Measurement, Run
from tests.github_server import Fake, Fault
from tests.unit.github.conftest import HEAD, PULL
from tests.unit.github.test_pulls import TRIGGER

BASE, MERGE, OTHER = "a" * 40, "d" * 40, "e" * 40
ARTIFACT = Artifact(
    id=1,
    name="benchgate-run",
    size=1,
    expired=False,
    created_at="",
    run=31,
    head_sha=HEAD,
)


def measured(head: str = HEAD, base: str | None = BASE) -> Measurement:
    return Measurement(
        base=None if base is None else Run(Commit(base), Environment(), ()),
        head=Run(Commit(head), Environment(), ()),
        design=Design.PAIRED,
    )


def check(client: Client, measurement: Measurement, **changes: Any) -> None:
    claims: dict[str, Any] = {"artifact": ARTIFACT, "trigger": TRIGGER} | changes
    check_claims(client, measurement, pull=client.pull(PULL), **claims)


@pytest.fixture(autouse=True)
def history(github: Fake) -> None:
    github.state.ancestries = {
        f"{BASE}...main": "ahead",
        f"{HEAD}...main": "identical",
        f"{MERGE}...main": "behind",
        f"{OTHER}...main": "diverged",
    }
    github.state.parents = {
        MERGE: [BASE, HEAD],
        OTHER: [HEAD, BASE],
        BASE: [HEAD],
        "f" * 40: [BASE, OTHER, HEAD],
    }


@pytest.mark.parametrize("head", [HEAD, MERGE])
@pytest.mark.parametrize("base", [BASE, HEAD])
def test_a_true_claim_is_let_through(
    client: Client, head: str, base: str | None
) -> None:
    check(client, measured(head, base))


def test_what_is_compared_with_stored_runs_needs_no_base(client: Client) -> None:
    check(client, replace(measured(base=None), design=Design.STORED))


@pytest.mark.parametrize("design", [Design.PAIRED, Design.INDEPENDENT])
def test_a_comparison_with_nothing_is_no_first_run(
    client: Client, design: Design
) -> None:
    with pytest.raises(FormatError, match="it was compared with nothing"):
        check(client, replace(measured(base=None), design=design))


def test_a_base_that_github_does_not_know_is_a_false_claim(client: Client) -> None:
    with pytest.raises(FormatError, match="its base is unknown"):
        check(client, measured(base="9" * 40))


def test_a_file_that_is_here_is_held_to_its_claims(client: Client) -> None:
    with pytest.raises(FormatError, match="neither the head nor a merge of it"):
        check(client, measured(OTHER), artifact=None)


@pytest.mark.parametrize("head", [OTHER, BASE, "f" * 40])
def test_the_commit_of_another_pull_request_is_refused(
    client: Client, head: str
) -> None:
    with pytest.raises(FormatError, match="neither the head nor a merge of it"):
        check(client, measured(head))


@pytest.mark.parametrize("head", ["", "c" * 40, HEAD[:7], "HEAD", "../../x"])
def test_an_unknown_commit_is_refused(client: Client, head: str) -> None:
    with pytest.raises(FormatError, match="measured is unknown"):
        check(client, measured(head))


@pytest.mark.parametrize("base", [MERGE, OTHER])
def test_a_base_of_their_own_is_refused(client: Client, base: str) -> None:
    with pytest.raises(FormatError, match="not on the base branch"):
        check(client, measured(base=base))


@pytest.mark.parametrize("base", ["", "main", "mallory:main", BASE[:7]])
def test_a_base_that_is_no_commit_is_refused(
    client: Client, github: Fake, base: str
) -> None:
    github.state.ancestries[f"{base}...main"] = "ahead"

    with pytest.raises(FormatError, match="names no commit"):
        check(client, measured(base=base))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"artifact": replace(ARTIFACT, run=32)}, "another workflow run"),
        ({"artifact": replace(ARTIFACT, head_sha=OTHER)}, "of another commit"),
        ({"trigger": replace(TRIGGER, head_sha=OTHER)}, "is of another commit"),
    ],
)
def test_an_artifact_of_another_run_is_refused(
    client: Client, changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(FormatError, match=problem):
        check(client, measured(), **changes)


def test_a_run_of_an_earlier_head_is_refused(client: Client, github: Fake) -> None:
    github.state.pulls[0].head_sha = OTHER

    with pytest.raises(FormatError, match="not of the pull request's head"):
        check(client, measured())


def test_that_github_can_t_be_asked_is_no_false_claim(
    client: Client, github: Fake
) -> None:
    github.faults.append(Fault("compare", status=500))

    with pytest.raises(PublishError):
        check(client, measured())
