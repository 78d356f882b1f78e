"""k6 suites: two services up, windows in turns, and what goes wrong with them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.gate.projects import FAKES, Project

TWO = ("compare", "--rounds", "2", "--base", "HEAD")
# The times are real, and other tests run beside: so only what is much slower counts.
SETTINGS = """
policy:
  margins: {{latency: 30%, tail: 900%, rate: 90%, cost: 900%}}
suites:
  load:
    tool: k6
    script: load/shop.js
    window: 1s
    service:
      build: {build}
      start: "{python} service.py"
      ready: "http://127.0.0.1:{{port}}/health"
      ready_within: 10s
"""


@pytest.fixture
def shop(bare: Project) -> Project:
    """Return a repository with a service of two milliseconds and a k6 script."""
    bare.write("service.py", (FAKES / "service.py").read_text())
    bare.write("milliseconds", "2.0")
    bare.write("load/shop.js", "// {}")
    settle(bare)
    bare.commit("shop")
    return bare


def settle(project: Project, build: str = "git --version") -> None:
    text = SETTINGS.format(python=sys.executable, build=build)
    project.write("benchgate.yml", text)


def verdicts(project: Project) -> dict[tuple[str, str], str]:
    judged = project.report()["judgements"]
    return {(j["benchmark"], j["metric"]): j["verdict"] for j in judged}


def test_a_slower_service_is_found(shop: Project) -> None:
    shop.write("milliseconds", "6.0")

    ended = shop.benchgate("compare", "--rounds", "4", "--base", "HEAD")

    assert ended.code == 1, ended.err
    assert verdicts(shop)["GET /cart", "p50"] == "regressed"


def test_a_service_without_changes_passes(shop: Project) -> None:
    ended = shop.benchgate("compare", "--rounds", "4", "--base", "HEAD")

    assert ended.code == 0, ended.err
    assert verdicts(shop)["GET /cart", "p50"] == "unchanged"


def test_without_k6_nothing_is_built_and_there_is_a_hint(
    shop: Project, tools: Path
) -> None:
    (tools / "k6").unlink()

    ended = shop.benchgate(*TWO)

    assert ended.code == 3
    assert "error: k6: not found" in ended.err
    assert "hint: install it: https://grafana.com/docs/k6" in ended.err
    assert "building" not in ended.err


def test_a_script_that_is_not_there_is_named(shop: Project) -> None:
    (shop.root / "load" / "shop.js").unlink()

    ended = shop.benchgate(*TWO)

    assert ended.code == 3
    assert f"load: {shop.root}/load/shop.js: no such script" in ended.err


def test_a_service_that_does_not_build_names_side_and_command(shop: Project) -> None:
    settle(shop, build="git nope")

    ended = shop.benchgate(*TWO)

    assert ended.code == 3
    said = "load: the head's service: git nope: ended with status 1"
    assert said in ended.err
    assert "git: 'nope' is not a git command" in ended.err


def test_a_service_that_never_starts_shows_its_last_lines(shop: Project) -> None:
    shop.write("milliseconds", "broken")

    ended = shop.benchgate(*TWO)

    assert ended.code == 3
    assert "load: the head's service" in ended.err
    assert "thread 'main' panicked: no configuration" in ended.err


def test_a_script_that_throws_fails_the_suite_and_micro_goes_on(shop: Project) -> None:
    shop.package(".", "core")
    shop.bench({"sort": 500.0})
    text = (shop.root / "benchgate.yml").read_text() + "  micro: {tool: criterion}\n"
    shop.write("benchgate.yml", text)
    shop.write("load/shop.js", '// {"status": 107}')
    shop.commit("throws")

    ended = shop.benchgate(*TWO)

    assert ended.code == 3, ended.err
    reasons = {(f["suite"], f["reason"]) for f in shop.report()["failed"]}
    thrown = "k6 ended with status 107: the script throws outside of its iterations"
    assert reasons == {("load", f"head: {thrown}"), ("load", f"base: {thrown}")}
    assert verdicts(shop)["sort", "time"] == "unchanged"
    assert len(shop.run()["head"]["rounds"]) == 2


def test_points_that_are_cut_fail_the_window_and_not_the_comparison(
    shop: Project,
) -> None:
    shop.write("load/shop.js", '// {"cut": 30}')

    ended = shop.benchgate(*TWO)

    assert ended.code == 3, ended.err
    reasons = {f["reason"] for f in shop.report()["failed"]}
    assert any("cut in the middle of line" in reason for reason in reasons)


def test_a_budget_for_one_window_is_undecided(shop: Project) -> None:
    shop.write("load/shop.js", '// {"takes": 1}')

    ended = shop.benchgate("compare", "--base", "HEAD", "--budget", "1s")

    assert ended.code == 3, ended.err
    assert len(shop.run()["head"]["rounds"]) == 1
    (failed,) = shop.report()["failed"]
    assert "it was measured once" in failed["reason"]
    assert "the budget of 1.00 s was used up" in failed["reason"]


def test_a_service_is_built_into_the_folder_of_its_side(
    shop: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARGO_TARGET_DIR", str(tmp_path / "target"))
    shop.package(".")
    shop.commit("a crate")
    settle(shop, build='echo {side} > "$CARGO_TARGET_DIR-{side}"')

    ended = shop.benchgate(*TWO)

    assert ended.code == 0, ended.err
    assert (tmp_path / "target-head").read_text() == "head\n"
    assert not (tmp_path / "target-base").exists()


def test_a_load_test_alone_makes_one_long_window(shop: Project) -> None:
    ended = shop.benchgate("run")

    assert ended.code == 0, ended.err
    series = [
        (s["benchmark"], s["metric"]["name"]) for s in shop.run()["head"]["series"]
    ]
    assert ("GET /cart", "p50") in series
    assert ("service", "cpu/request") in series


def test_values_of_variables_reach_no_document(shop: Project) -> None:
    text = (shop.root / "benchgate.yml").read_text()
    shop.write("benchgate.yml", f"{text}    env: {{TOKEN: s3cr3t-token}}\n")

    shop.benchgate(*TWO)

    kept = shop.root / ".benchgate"
    assert "s3cr3t-token" not in (kept / "run.json").read_text()
    assert "s3cr3t-token" not in json.dumps(shop.report())
