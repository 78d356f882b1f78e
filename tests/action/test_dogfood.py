"""Pull requests against ourselves: the job that measures the example, for real.

It takes as long as it takes on GitHub, a quarter of an hour each: see ``make act``.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.demo import planted_by, tool_of
from tests.action.stage import Played, Stage, stage_with_tools
from tests.repositories import run as git

pytestmark = [
    pytest.mark.skipif(
        os.environ.get("BENCHGATE_ACT") != "1",
        reason="it measures for half an hour: run `make act`",
    ),
    pytest.mark.tools("cargo", "k6"),
]

SHOP = Path("examples/shop")
PLANTED = SHOP / "regressions" / "quadratic-search.patch"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage_with_tools(tmp_path_factory.mktemp("stage")) as stage:
        shutil.copytree(stage.action, stage.origin, dirs_exist_ok=True)
        stage.commit("main", {})
        yield stage


def judged(stage: Stage) -> Played:
    return stage.play(
        "pull_request",
        stage.pull_request(fork=False),
        workflow="dogfood.yml",
        job="example",
        ref="refs/pull/7/merge",
    )


def test_the_planted_regression_fails_and_is_named(stage: Stage) -> None:
    patch = stage.origin / PLANTED
    planted = planted_by(patch)
    git(stage.origin, "checkout", "--quiet", "main")
    git(stage.origin, "apply", f"--directory={SHOP}", str(patch))
    stage.commit("topic", {})

    played = judged(stage)

    assert played.failed, played.log
    assert played.output("outcome") == "regressed", played.log
    # A long name may be broken for a phone.
    whole = played.summary.replace("`<wbr>`", "")
    blamed = re.findall(r"^\| 🔴&nbsp;`([^`]+)`", whole, re.MULTILINE)
    named = {tool_of(name) for name in planted.series if name in blamed}
    assert named == set(planted.tools), played.summary


def test_words_pass(stage: Stage) -> None:
    stage.commit("topic", {"examples/shop/README.md": "Words.\n"})

    played = judged(stage)

    assert not played.failed, played.log
    assert played.output("outcome") == "passed", played.log
