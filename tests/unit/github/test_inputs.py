"""The inputs of the action, as it hands them over."""

from __future__ import annotations

import pytest

from benchgate.errors import UsageError
from benchgate.github import inputs
from benchgate.github.inputs import FailOn, Mode
from benchgate.github.sticky import Mode as Comment


def test_nothing_given_means_the_documented_defaults() -> None:
    found = inputs.read({})

    assert found.mode is Mode.MEASURE
    assert found.fail_on == {FailOn.REGRESSED, FailOn.UNDECIDED}
    assert found.comment is Comment.ALWAYS
    assert found.artifact_name == "benchgate-run"
    assert found.comment_author == "github-actions[bot]"


def test_an_empty_artifact_name_switches_the_upload_off() -> None:
    assert inputs.read({"BENCHGATE_ARTIFACT_NAME": ""}).artifact_name == ""


@pytest.mark.parametrize(
    ("text", "outcomes"),
    [
        ("never", set()),
        ("regressed", {FailOn.REGRESSED}),
        ("regressed\nundecided\n", {FailOn.REGRESSED, FailOn.UNDECIDED}),
        ("undecided, regressed", {FailOn.REGRESSED, FailOn.UNDECIDED}),
    ],
)
def test_what_fails_the_job(text: str, outcomes: set[FailOn]) -> None:
    assert inputs.read({"BENCHGATE_FAIL_ON": text}).fail_on == outcomes


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MODE", "meassure", "mode: there is no 'meassure'"),
        ("MODE", "report", "github-token: mode `report` needs one"),
        ("FAIL_ON", "sometimes", "fail-on: there is no 'sometimes'"),
        ("FAIL_ON", "never, regressed", "fail-on: `never` stands alone"),
        ("COMMENT", "yes", "comment: there is no 'yes'"),
        ("COMMENT_KEY", "a --> b", "comment-key: 'a --> b' can't be a key"),
        ("ARTIFACT_NAME", "../x", "artifact-name: '../x' can't be"),
    ],
)
def test_what_can_not_be_is_named(name: str, value: str, said: str) -> None:
    with pytest.raises(UsageError) as got:
        inputs.read({f"BENCHGATE_{name}": value})

    assert got.value.problem.startswith(said)
