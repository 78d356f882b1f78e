"""How often GitHub is asked for one report: a repository has 1,000 an hour."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchgate.github import artifact, sticky
from benchgate.github.api import Client
from benchgate.github.claims import check_claims
from benchgate.github.pulls import pull_of
from benchgate.github.sticky import Done, Mode, State
from benchgate.model import Outcome
from tests.github_server import Artifact, Fake
from tests.unit.github.conftest import HEAD, PULL
from tests.unit.github.test_artifact import GOOD
from tests.unit.github.test_claims import BASE, MERGE, measured
from tests.unit.github.test_pulls import TRIGGER

MOST = 14
BOT = "github-actions[bot]"


def report(client: Client, number: int, outcome: Outcome) -> Done:
    """Do what is asked of GitHub for one report, as the job that publishes does."""
    pull = pull_of(client, TRIGGER, bases=())
    assert pull is not None
    standing = sticky.look(client, pull.number, key="default", author=BOT)
    found = artifact.find(client, TRIGGER.run, "benchgate-run")
    assert found is not None
    artifact.fetch(client, found)
    client.texts([("refs/heads/main", "benchgate.yml"), (HEAD, "benchgate.yml")])
    check_claims(
        client, measured(MERGE, BASE), artifact=found, trigger=TRIGGER, pull=pull
    )
    state = State(
        workflow=5,
        run_number=number,
        attempt=1,
        head=HEAD,
        outcome=outcome,
        accepted=(),
    )
    return sticky.publish(
        client,
        PULL,
        "A report.",
        key="default",
        author=BOT,
        state=state,
        mode=Mode.ALWAYS,
        standing=standing,
    ).done


@pytest.fixture(autouse=True)
def busy(github: Fake) -> None:
    for number in range(299):
        github.add_comment(PULL, f"chatter {number}", author="ada")
    github.state.ancestries = {f"{BASE}...main": "ahead"}
    github.state.files = {"main:README.md": b"", f"{HEAD}:README.md": b""}
    github.state.parents = {MERGE: [BASE, HEAD]}
    stored = Artifact(1, TRIGGER.run, GOOD, head_sha=HEAD)
    github.state.artifacts = [stored, replace(stored, id=2, expired=True)]


@pytest.mark.parametrize(
    ("outcomes", "done", "most"),
    [
        ((Outcome.REGRESSED,), Done.CREATED, 12),
        ((Outcome.REGRESSED, Outcome.PASSED), Done.UPDATED, 12),
        ((Outcome.PASSED, Outcome.REGRESSED), Done.CREATED, 14),
    ],
)
def test_a_report_among_300_comments_takes_few_requests(
    client: Client,
    github: Fake,
    outcomes: tuple[Outcome, ...],
    done: Done,
    most: int,
) -> None:
    *before, last = enumerate(outcomes)
    published = [report(client, *one) for one in before]
    github.exchanges.clear()
    published.append(report(client, *last))

    assert published[-1] is done
    assert len(github.calls) == most
    assert most <= MOST
