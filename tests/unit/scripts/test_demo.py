from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from scripts import demo
from scripts.demo import Control, DemoError, Planted

SEARCH = Planted("slow search", ("search/words/1", "GET /search"))
ORDERS = Planted("slow orders", ("GET /users/:id/orders",))
PATCHES = sorted(path.stem for path in demo.PATCHES.glob("*.patch"))
CONTROLS = sorted(path.stem for path in demo.CONTROLS.glob("*.patch"))
TWIN = Control("code", ("stock/pieces",))


def report(*regressed: str, outcome: str = "regressed") -> dict[str, Any]:
    judgements = [{"benchmark": name, "verdict": "regressed"} for name in regressed]
    unchanged = {"benchmark": "cart/total", "verdict": "unchanged"}
    return {"outcome": outcome, "judgements": [*judgements, unchanged]}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(demo, "PLACE", tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", PATCHES)
def test_a_patch_says_what_gets_slower(name: str) -> None:
    patch = demo.patch_of(name)
    assert patch is not None

    planted = demo.planted_by(patch)

    assert planted.what
    assert "k6" in planted.tools


def test_the_default_patch_is_seen_by_both_tools() -> None:
    patch = demo.patch_of(demo.DEFAULT_PATCH)
    assert patch is not None

    assert demo.planted_by(patch).tools == ("criterion", "k6")


def test_an_unknown_patch_names_the_known_ones() -> None:
    with pytest.raises(DemoError, match=r"no patch 'slow'; there are: none, .*search"):
        demo.patch_of("slow")


@pytest.mark.parametrize("name", [*PATCHES, *CONTROLS])
def test_a_patch_that_git_would_skip_is_really_applied(
    name: str, tmp_path: Path
) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)

    shop = demo.prepare(tmp_path / "shop", demo.patch_of(name))

    assert demo.git(shop, "diff", "--stat").strip().endswith("(-)")


def test_without_a_patch_a_comment_is_the_change(tmp_path: Path) -> None:
    shop = demo.prepare(tmp_path / "shop", None)

    assert demo.git(shop, "diff", "--name-only") == "shop-core/src/lib.rs\n"


def test_a_second_demo_keeps_the_base_and_what_was_built(tmp_path: Path) -> None:
    shop = demo.prepare(tmp_path / "shop", demo.patch_of("quadratic-search"))
    first = demo.git(shop, "rev-parse", "HEAD")
    (shop / "target").mkdir()
    (shop / "left-over.txt").touch()

    demo.prepare(shop, None)

    assert demo.git(shop, "rev-parse", "HEAD") == first
    assert (shop / "target").is_dir()
    assert not (shop / "left-over.txt").exists()
    assert demo.git(shop, "diff", "--name-only") == "shop-core/src/lib.rs\n"


def test_cargo_is_not_fooled_by_an_older_file(tmp_path: Path) -> None:
    shop = demo.prepare(tmp_path / "shop", demo.patch_of("quadratic-search"))
    search = shop / "shop-core" / "src" / "search.rs"
    os.utime(search, (2e9, 2e9))

    demo.prepare(shop, None)

    original = demo.EXAMPLE / "shop-core" / "src" / "search.rs"
    assert search.stat().st_mtime > original.stat().st_mtime


def test_a_regression_that_all_tools_found_is_right() -> None:
    said = report("search/words/1", "GET /search")

    assert demo.problem_of(1, said, SEARCH) == ""


def test_a_regression_that_one_tool_missed_is_wrong() -> None:
    said = report("search/words/1")

    assert demo.problem_of(1, said, SEARCH).endswith("was not found by k6")


def test_another_series_that_regressed_is_not_what_was_planted() -> None:
    said = report("GET /feed")

    assert demo.problem_of(1, said, ORDERS).endswith("was not found by k6")


@pytest.mark.parametrize(
    ("status", "outcome"), [(0, "passed"), (3, "undecided"), (70, "regressed")]
)
def test_another_outcome_is_wrong(status: int, outcome: str) -> None:
    problem = demo.problem_of(status, report(outcome=outcome), SEARCH)

    assert problem.startswith("expected regressed and exit code 1, got ")


def test_a_harmless_change_that_passed_is_right() -> None:
    assert demo.problem_of(0, report(outcome="passed"), None) == ""


def test_a_harmless_change_that_failed_is_wrong() -> None:
    problem = demo.problem_of(1, report("GET /feed"), None)

    assert problem == "expected passed and exit code 0, got regressed and exit code 1"


def test_no_report_is_a_failure(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.conclude(3, SEARCH) == 1
    assert "FAILED: benchgate ended with 3 and no report" in capsys.readouterr().out


def test_an_interrupted_demo_ends_as_one(place: Path) -> None:
    assert demo.conclude(130, SEARCH) == 130


def test_a_replay_judges_a_real_recording_and_nobody_misses_that(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    status = demo.main(["--replay"])

    said = capfd.readouterr().out
    assert status == 0
    assert said.count("THIS IS A RECORDING") == 2
    assert "as expected: found by criterion and k6" in said


def test_nothing_is_replayed_that_was_not_recorded(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.main(["--replay", "--patch", "none"]) == 1
    assert "there is no recording of 'none'" in capsys.readouterr().err


def test_missing_tools_end_in_a_replay(
    place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "has_tools", lambda: False)

    status = demo.main([])

    assert status == 0
    assert "THIS IS A RECORDING, because a tool is missing" in capfd.readouterr().out


def judged(name: str, *bounds: float) -> dict[str, Any]:
    lo, point, hi = bounds
    slowdown = {"lo": lo, "point": point, "hi": hi}
    return {"benchmark": name, "verdict": "regressed", "slowdown": slowdown}


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_says_what_it_moves_and_what_seems_slower(name: str) -> None:
    patch = demo.patch_of(name)
    assert patch is not None

    control = demo.controlled_by(patch)

    assert control.what
    assert {demo.tool_of(series) for series in control.series} == {"criterion"}


def test_a_control_shows_what_both_settings_read() -> None:
    one = {"judgements": [judged("stock/pieces", 0.14, 0.15, 0.16)]}
    fresh = {"judgements": [judged("stock/pieces", -0.03, 0.01, 0.05)]}

    lines = demo.readings(TWIN, one=one, fresh=fresh)

    assert [line.split("  ")[0] for line in lines] == ["", "stock/pieces"]
    assert lines[1].split()[1:4] == ["+15.0", "%", "(+14.0"]
    assert lines[1].endswith("+1.0 % (-3.0 to +5.0)")


def test_a_control_that_was_not_measured_says_so() -> None:
    lost = {"benchmark": "stock/pieces", "verdict": "failed", "slowdown": None}

    lines = demo.readings(
        TWIN, one={"judgements": [lost]}, fresh={"judgements": [lost]}
    )

    assert lines[1].split() == ["stock/pieces", "failed", "failed"]


@pytest.fixture
def compared(place: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the statuses that two comparisons end with, one layout first."""
    statuses = [1, 0]

    def compare(*flags: str, cwd: Path) -> int:
        said = {"judgements": [judged("stock/pieces", 0.14, 0.15, 0.16)]}
        (place / "report.json").write_text(json.dumps(said))
        return statuses.pop(0)

    monkeypatch.setattr(demo, "has_tools", lambda: True)
    monkeypatch.setattr(demo, "benchgate", compare)
    return statuses


def test_a_control_may_fail_in_one_layout(
    compared: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.main(["--patch", "layout-twin"]) == 0
    assert "as expected: in fresh layouts nothing is slower" in capsys.readouterr().out


def test_a_control_that_fails_in_fresh_layouts_is_wrong(
    compared: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    compared[:] = [0, 1]

    assert demo.main(["--patch", "layout-twin"]) == 1
    assert "FAILED: in fresh layouts expected exit code 0" in capsys.readouterr().out


def test_a_control_is_measured_or_not_at_all(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "has_tools", lambda: False)

    assert demo.main(["--patch", "layout-twin"]) == 1
    assert "a control has to be measured" in capsys.readouterr().err
