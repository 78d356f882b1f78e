from __future__ import annotations

import pytest

from benchgate.errors import PublishError
from benchgate.github.api import CheckRun, Client
from benchgate.github.checks import MOST_SUMMARY, publish_check
from benchgate.model import Outcome
from tests.github_server import Fake
from tests.unit.github.conftest import HEAD


def publish(
    client: Client, outcome: Outcome = Outcome.PASSED, summary: str = "Fine."
) -> CheckRun:
    return publish_check(
        client,
        name="performance",
        head_sha=HEAD,
        outcome=outcome,
        title="No regression",
        summary=summary,
    )


@pytest.mark.parametrize(
    ("outcome", "conclusion"),
    [
        (Outcome.PASSED, "success"),
        (Outcome.REGRESSED, "failure"),
        (Outcome.UNDECIDED, "neutral"),
    ],
)
def test_an_outcome_becomes_a_conclusion(
    client: Client, github: Fake, outcome: Outcome, conclusion: str
) -> None:
    publish(client, outcome)

    assert github.state.checks[0]["conclusion"] == conclusion
    assert github.state.checks[0]["head_sha"] == HEAD


def test_a_second_outcome_updates_the_check_run(client: Client, github: Fake) -> None:
    publish(client)

    publish(client, Outcome.REGRESSED)

    assert [check["conclusion"] for check in github.state.checks] == ["failure"]


def test_a_check_run_of_others_with_that_name_is_left_alone(
    client: Client, github: Fake
) -> None:
    fields = {"name": "performance", "head_sha": HEAD, "status": "completed"}
    client.create_check({**fields, "conclusion": "success"})

    publish(client, Outcome.REGRESSED)

    conclusions = [check["conclusion"] for check in github.state.checks]
    assert conclusions == ["success", "failure"]


def test_a_summary_that_is_too_long_is_not_sent(client: Client, github: Fake) -> None:
    with pytest.raises(PublishError, match="too long"):
        publish(client, summary="x" * (MOST_SUMMARY + 1))

    assert github.calls == []
