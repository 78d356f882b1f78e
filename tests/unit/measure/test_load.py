from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchgate.errors import ToolError
from benchgate.measure import load
from benchgate.measure.host import ProcessCost
from benchgate.measure.load import Window
from benchgate.model import (
    ONE_VALUE,
    Doubt,
    Failure,
    Sample,
    SeriesKey,
    Side,
    Statistic,
)

# It does what k6 does as seen from outside: it reads the generated script, writes
# points and summary, prints, and exits. The test says which of it in a file.
FAKE_K6 = """#!{python}
import json, os, pathlib, re, sys, time
plan = json.loads(pathlib.Path(__file__).with_name("plan.json").read_text())
arguments = sys.argv[1:]
script = pathlib.Path(arguments[-1]).read_text()
seen = {{"arguments": arguments, "script": script, "env": dict(os.environ)}}
pathlib.Path(__file__).with_name("seen.json").write_text(json.dumps(seen))
points = arguments[arguments.index("--out") + 1].removeprefix("json=")
pathlib.Path(points).write_text("points")
if "summary" in plan:
    place = json.loads(re.search(r'return {{ ("[^"]+"):', script)[1])
    pathlib.Path(place).write_text(json.dumps(plan["summary"]))
print(plan.get("prints", ""), end="", file=sys.stderr, flush=True)
time.sleep(plan.get("sleeps", 0))
sys.exit(plan.get("status", 0))
"""
WELL = {"iterations": 10, "requests": 30, "by_iterations": []}
THROWN = 'level=error msg="Error: boom" executor=constant-vus source=stacktrace\n'


def play(folder: Path, *, within: float = 30.0, **plan: object) -> Window:
    """One window with a k6 that behaves as in *plan*."""
    k6 = folder / "k6"
    k6.write_text(FAKE_K6.format(python=sys.executable))
    k6.chmod(0o755)
    (folder / "plan.json").write_text(json.dumps(plan))
    return load.window(
        folder / "shop.js",
        suite="load",
        k6=str(k6),
        port=4321,
        side=Side.HEAD,
        seconds=4.0,
        warmup=2.0,
        env={"API_TOKEN": "s3cret-token", "SHORT": "a"},
        out=folder / "out" / "points.json",
        work=folder / "work",
        within=within,
    )


def seen(folder: Path) -> dict[str, dict[str, str]]:
    described: dict[str, dict[str, str]] = json.loads(
        (folder / "seen.json").read_text()
    )
    return described


def failure(window: Window) -> Failure:
    assert len(window.failures) == 1
    return window.failures[0]


def test_a_window_that_goes_well_has_points_and_requests(tmp_path: Path) -> None:
    window = play(tmp_path, summary=WELL)

    assert window == Window(
        points=tmp_path / "out" / "points.json",
        seconds=window.seconds,
        requests=30,
        failures=(),
        doubts=(),
    )
    assert window.points.read_text() == "points"


def test_the_generated_script_imports_the_users_and_names_the_length(
    tmp_path: Path,
) -> None:
    play(tmp_path, summary=WELL)

    script = seen(tmp_path)["script"]
    assert f'import * as user from "{tmp_path.as_uri()}/shop.js";' in script
    assert "inWindowOptions(user.options, 6.0)" in script


def test_secrets_reach_k6_by_the_environment_alone(tmp_path: Path) -> None:
    play(tmp_path, summary=WELL)

    saw = seen(tmp_path)
    reached = [saw["env"][name] for name in ("API_TOKEN", "PORT")]
    assert reached == ["s3cret-token", "4321"]
    assert "s3cret-token" not in str(saw["arguments"])
    assert "s3cret-token" not in saw["script"]


def test_k6_variables_of_the_user_do_not_override_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("K6_DURATION", "1h")
    monkeypatch.setenv("K6_OUT", "cloud")

    play(tmp_path, summary=WELL)

    env = seen(tmp_path)["env"]
    assert {name: env[name] for name in env if name.startswith("K6_")} == {
        "K6_NO_USAGE_REPORT": "true",
        "K6_AUTO_EXTENSION_RESOLUTION": "false",
    }


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (99, "k6 ended with status 99: a threshold failed"),
        (104, "k6 ended with status 104: its configuration is invalid"),
        (107, "k6 ended with status 107: the script throws outside of its iterations"),
        (108, "k6 ended with status 108: the script aborted the test"),
        (110, "k6 ended with status 110: the script marked the test as failed"),
        (255, "k6 ended with status 255"),
    ],
)
def test_an_exit_status_is_said_in_words(
    tmp_path: Path, status: int, reason: str
) -> None:
    window = play(tmp_path, status=status, summary=WELL, prints="one\ntwo\n")

    assert window.failures == (Failure("load", "", reason, "one\ntwo"),)


def test_k6_exit_zero_with_throwing_iterations_is_a_failure(tmp_path: Path) -> None:
    window = play(
        tmp_path, summary={**WELL, "iterations": 3, "requests": 3}, prints=THROWN * 3
    )

    assert failure(window).reason == "every iteration throws"
    assert failure(window).detail.splitlines()[-1] + "\n" == THROWN


def test_some_throwing_iterations_are_a_doubt(tmp_path: Path) -> None:
    window = play(tmp_path, summary=WELL, prints=THROWN * 3)

    assert window.failures == ()
    assert window.doubts == (Doubt("load: some iterations throw: mend the script"),)


def test_what_a_script_logs_is_no_throw(tmp_path: Path) -> None:
    line = 'level=error msg="not so well" source=console\n'

    assert play(tmp_path, summary=WELL, prints=line * 50).doubts == ()


@pytest.mark.parametrize(
    ("summary", "reason"),
    [
        ({"iterations": 0, "requests": 5}, "no iteration was finished"),
        ({"iterations": 5, "requests": 0}, "no HTTP request was made"),
    ],
)
def test_a_window_with_nothing_in_it_is_a_failure(
    tmp_path: Path, summary: dict[str, int], reason: str
) -> None:
    window = play(tmp_path, summary={**WELL, **summary})

    assert failure(window).reason == f"{reason} within the window"


def test_the_summary_of_an_earlier_window_is_not_read_again(tmp_path: Path) -> None:
    play(tmp_path, summary=WELL)

    window = play(tmp_path)

    assert failure(window).reason == "k6 ended well but wrote no summary"
    assert window.requests == 0


def test_a_number_of_iterations_played_for_a_time_is_a_doubt(tmp_path: Path) -> None:
    window = play(tmp_path, summary={**WELL, "by_iterations": ["checkout"]})

    assert window.doubts == (
        Doubt(
            "load: scenario checkout was played for a time instead of for a number of"
            " iterations: use an executor with a duration"
        ),
    )


def test_a_printed_secret_is_hidden_in_the_report(tmp_path: Path) -> None:
    window = play(tmp_path, status=107, prints="token is s3cret-token, a\n")

    assert failure(window).detail == "token is ***, a"


def test_a_deadline_is_a_failure_with_the_last_lines_and_no_secret(
    tmp_path: Path,
) -> None:
    window = play(tmp_path, within=1.0, sleeps=600, prints="with s3cret-token\n")

    assert failure(window) == Failure(
        "load", "", "k6 run: not finished after 1 s", "with ***"
    )


def test_a_missing_k6_is_an_error_that_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="not found") as caught:
        load.window(
            tmp_path / "shop.js",
            suite="load",
            k6=str(tmp_path / "k6"),
            port=1,
            side=Side.BASE,
            seconds=1.0,
            warmup=0.0,
            env={},
            out=tmp_path / "points.json",
            work=tmp_path,
            within=9.0,
        )

    assert caught.value.hint.startswith("install it")


def key(metric: str) -> SeriesKey:
    return SeriesKey("load", "service", metric)


def test_the_cost_of_a_request_is_the_difference_over_the_requests() -> None:
    before = ProcessCost(cpu_seconds=1.0, peak_memory=500, context_switches=100)
    after = ProcessCost(cpu_seconds=3.0, peak_memory=800, context_switches=700)

    cost = load.cost_of_window(before, after, 100, suite="load")

    assert cost == {
        key(metric.name): Sample(metric, ONE_VALUE, (value,), Statistic.VALUE, 100)
        for metric, value in [
            (load.CPU, 0.02),
            (load.MEMORY, 800.0),
            (load.SWITCHES, 6.0),
        ]
    }


def test_a_thread_that_took_its_switches_along_leaves_no_negative_cost() -> None:
    before = ProcessCost(cpu_seconds=1.0, peak_memory=500, context_switches=100)
    after = ProcessCost(cpu_seconds=3.0, peak_memory=800, context_switches=90)

    cost = load.cost_of_window(before, after, 100, suite="load")

    assert set(cost) == {key("cpu/request"), key("peak memory")}


SOME = ProcessCost(cpu_seconds=1.0, peak_memory=500, context_switches=100)


@pytest.mark.parametrize(
    ("before", "after", "requests"),
    [(None, SOME, 9), (SOME, None, 9), (SOME, SOME, 0)],
    ids=["no /proc before", "no /proc after", "no requests"],
)
def test_a_cost_that_can_not_be_told_is_left_out(
    before: ProcessCost | None, after: ProcessCost | None, requests: int
) -> None:
    assert load.cost_of_window(before, after, requests, suite="load") == {}
