"""A k6 script → its scenarios, from k6 itself or from the text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchgate.config import Suite
from benchgate.doctor import Model, Scenario
from benchgate.measure import scripts

SUITE = Suite(name="load", tool="k6", script="load.js")
CLOSED = Scenario("default", "constant-vus", Model.CLOSED, None)


def a_k6(folder: Path, *, prints: object, status: int = 0) -> Path:
    """Write a k6 that prints what it inspects, and a script to be inspected."""
    (folder / "load.js").write_text("export const options = { vus: 5 };")
    (folder / "options.json").write_text(json.dumps(prints))
    tool = folder / "k6"
    tool.write_text(f"#!/bin/sh\necho why >&2\ncat options.json\nexit {status}\n")
    tool.chmod(0o755)
    return tool


def scenarios_by_k6(folder: Path, scenarios: object) -> tuple[Scenario, ...]:
    tool = a_k6(folder, prints={"scenarios": scenarios, "vus": None})
    suite = Suite(name="load", tool="k6", script="load.js", command=str(tool))
    return scripts.load(suite, folder, requests=()).scenarios


def test_k6_says_what_it_plays(tmp_path: Path) -> None:
    found = scenarios_by_k6(
        tmp_path,
        {
            "users": {"executor": "ramping-vus", "stages": []},
            "open": {"executor": "constant-arrival-rate", "rate": 30, "timeUnit": "1m"},
        },
    )

    assert found == (
        Scenario("open", "constant-arrival-rate", Model.OPEN, 0.5),
        Scenario("users", "ramping-vus", Model.CLOSED, None),
    )


def test_the_rate_of_a_ramp_is_its_mean(tmp_path: Path) -> None:
    stages = [
        {"target": 100, "duration": "10s"},
        {"target": 100, "duration": "30s"},
        {"target": 500, "duration": None},
    ]
    ramp = {"executor": "ramping-arrival-rate", "startRate": 20, "timeUnit": "1s"}

    (found,) = scenarios_by_k6(tmp_path, {"ramp": {**ramp, "stages": stages}})

    assert found.rate == 90.0


def test_a_ramp_that_takes_no_time_has_no_rate(tmp_path: Path) -> None:
    ramp = {"executor": "ramping-arrival-rate", "stages": [{"target": 5}]}

    (found,) = scenarios_by_k6(tmp_path, {"ramp": ramp})

    assert found == Scenario("ramp", "ramping-arrival-rate", Model.OPEN, None)


def test_a_script_that_k6_refuses_is_a_problem_with_its_words(tmp_path: Path) -> None:
    tool = a_k6(tmp_path, prints={}, status=107)
    suite = Suite(name="load", tool="k6", script="load.js", command=str(tool))

    found = scripts.load(suite, tmp_path, requests=())

    assert found.problem == "k6 inspect: ended with status 107: why"
    assert found.scenarios == (CLOSED,)


def test_what_k6_says_of_a_problem_holds_no_secrets(tmp_path: Path) -> None:
    tool = a_k6(tmp_path, prints={}, status=107)
    tool.write_text('#!/bin/sh\necho "no user for $TOKEN" >&2\nexit 107\n')
    env = {"TOKEN": "s3cr3t-token"}
    suite = Suite(name="a", tool="k6", script="load.js", command=str(tool), env=env)

    found = scripts.load(suite, tmp_path, requests=())

    assert found.problem.endswith("no user for ***")


def test_what_is_not_understood_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    tool = a_k6(tmp_path, prints={"scenarios": [1]})
    suite = Suite(name="load", tool="k6", script="load.js", command=str(tool))

    assert "not understood" in scripts.load(suite, tmp_path, requests=()).problem


def test_without_k6_the_text_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_k6(tmp_path, prints={})
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))

    found = scripts.load(SUITE, tmp_path, requests=(("GET /", 5.0),))

    assert (found.problem, found.scenarios) == ("", (CLOSED,))
    assert found.requests == (("GET /", 5.0),)


def test_a_script_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    assert scripts.load(SUITE, tmp_path, requests=()).problem == "no such script"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "scenarios: { a: { executor: 'constant-arrival-rate' } }",
            [("constant-arrival-rate", Model.OPEN)],
        ),
        (
            """{"executor": "ramping-vus"}, {"executor": "ramping-arrival-rate"}""",
            [
                ("ramping-vus", Model.CLOSED),
                ("ramping-arrival-rate", Model.OPEN),
            ],
        ),
        ("options = { vus: 10, duration: '30s' }", [("constant-vus", Model.CLOSED)]),
        ("options = { stages: [] }", [("constant-vus", Model.CLOSED)]),
        ("// executor: 'ramping-vus'\n/* vus: 5\n */", []),
        ("const vus = 5;", []),
        ("", []),
    ],
)
def test_the_text_of_a_script_names_its_executors(
    text: str, found: list[tuple[str, Model]]
) -> None:
    assert [(s.executor, s.model) for s in scripts.scenarios_in(text)] == found
