"""``benchgate calibrate``, end to end."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from benchgate.documents import run as document
from benchgate.model import Commit, Design, Measurement
from benchgate.store.directory import DirectoryStore
from tests.builders import run
from tests.gate.projects import Project
from tests.unit.history.made import noise, spiked

HISTORIES = Path(__file__).parents[3] / "shared" / "data" / "histories"
STORE = "baseline: {store: directory}\n"
NOON = 1_767_268_800.0
QUIET = {name: noise(60, seed=seed) for seed, name in enumerate("abc")}
# Seldom enough that no window knows it, the second benchmark is a quarter slower.
LOUD = {
    "calm": noise(200, seed=1),
    "loud": spiked(noise(200, seed=9), every=31, by=0.25),
}


def table(columns: dict[str, list[float]], suite: str = "micro") -> str:
    rows = [
        f"{suite},{name},{index},{value * 1e9},ns"
        for name, values in columns.items()
        for index, value in enumerate(values)
    ]
    return "\n".join(["suite,benchmark,time_ms,value,unit", *rows]) + "\n"


def keep(project: Project, columns: dict[str, list[float]]) -> None:
    """Put a run into the store for each value."""
    store = DirectoryStore(project.root / ".benchgate" / "baseline")
    for index, values in enumerate(zip(*columns.values(), strict=True)):
        head = run({name: [v] for name, v in zip(columns, values, strict=True)})
        head = replace(head, commit=Commit(f"{index:040x}"))
        store.append(
            Measurement(None, head, Design.STORED),
            recorded_at=NOON + 3600 * index,
            run_id="ci",
        )


def drafts(project: Project) -> list[Path]:
    return list(project.root.glob(".benchgate.yml.*"))


def settings(project: Project) -> str:
    return (project.root / "benchgate.yml").read_text()


def test_a_table_is_replayed_and_said_in_words(project: Project) -> None:
    project.write("runs.csv", table(QUIET))

    ended = project.benchgate("calibrate", "runs.csv")

    assert ended.code == 0, ended.err
    assert ended.out.startswith("runs: micro\n60 runs, 3 series, replayed as 21 pull")
    assert "allowed              1 %, by policy.false_alarms" in ended.out
    assert "Nothing to change about false alarms." in ended.out


def test_the_stored_runs_are_taken_where_nothing_is_named(project: Project) -> None:
    project.write("benchgate.yml", STORE)
    keep(project, QUIET)

    ended = project.benchgate("calibrate", "--format", "json")

    assert ended.code == 0, ended.err
    printed = json.loads(ended.out)
    assert printed["schema"] == "benchgate-calibration/1"
    (found,) = printed["calibrations"]
    assert (found["name"], found["runs"], found["series"]) == ("stored runs", 60, 3)
    assert found["pull_requests"] == 21
    assert [effect for effect, _ in found["power"]] == [0.02, 0.05, 0.1, 0.25]
    assert printed["left_out"] == []


def test_too_little_history_says_what_is_missing(project: Project) -> None:
    project.write("benchgate.yml", STORE)
    keep(project, {name: values[:12] for name, values in QUIET.items()})

    ended = project.benchgate("calibrate")

    assert ended.code == 3
    assert ended.out == ""
    assert "error: stored runs: 12 of 40 runs, 28 are missing" in ended.err
    assert "hint: record more runs of the default branch" in ended.err


def test_an_empty_store_is_too_little_history(project: Project) -> None:
    project.write("benchgate.yml", STORE)

    ended = project.benchgate("calibrate")

    assert ended.code == 3
    assert "stored runs: 0 of 40 runs, 40 are missing" in ended.err


def test_a_history_that_is_too_short_is_left_out_beside_another(
    project: Project,
) -> None:
    short = {name: values[:5] for name, values in QUIET.items()}
    project.write("histories/long.csv", table(QUIET))
    project.write("histories/short.csv", table(short))

    ended = project.benchgate("calibrate", "histories")

    assert ended.code == 0, ended.err
    assert ended.out.endswith(
        "\nleft out: short: micro: 5 of 40 runs, 35 are missing\n"
    )


def test_sizes_only_are_nothing_to_calibrate(project: Project) -> None:
    project.write("runs.csv", table(QUIET).replace(",ns\n", ",bytes\n"))

    ended = project.benchgate("calibrate", "runs.csv")

    assert ended.code == 3
    assert "runs: micro: none of its series is judged by stored runs" in ended.err


def test_a_history_that_never_stays_the_same_can_not_be_replayed(
    project: Project,
) -> None:
    rising = {"a": [1e-6 * 1.1**run for run in range(45)]}
    project.write("runs.csv", table(rising))

    ended = project.benchgate("calibrate", "runs.csv")

    assert ended.code == 3
    assert "no benchmark stays the same for long enough in its 45" in ended.err


def test_too_many_false_alarms_say_what_to_change(project: Project) -> None:
    project.write("runs.csv", table(LOUD))

    ended = project.benchgate("calibrate", "runs.csv", "--verbose")

    assert "* Too many. Standard errors 2 times as wide are the most " in ended.out
    assert "* Without the loudest " in ended.out
    assert '"micro:loud": {blocking: false}' in ended.out
    assert "\n  what failed\n" in ended.out
    assert not (project.root / "benchgate.yml").exists()


def test_apply_writes_the_factor_and_keeps_all_else(project: Project) -> None:
    text = "# ours\npolicy:\n  # strict\n  on_weak: warn  # yes\n"
    project.write("benchgate.yml", text)
    project.write("runs.csv", table(LOUD))

    ended = project.benchgate("calibrate", "runs.csv", "--apply")

    assert ended.code == 0, ended.err
    first, policy, widen, *rest = settings(project).splitlines(keepends=True)
    assert "".join([first, policy, *rest]) == text
    factor = float(widen.split()[1])
    assert 1 < factor <= 2
    assert f"policy.widen is now {factor:.3g}" in ended.out
    assert widen.endswith(" runs\n")
    assert "  # calibrated 20" in widen


def test_apply_writes_a_file_where_there_was_none(project: Project) -> None:
    project.write("runs.csv", table(LOUD))

    ended = project.benchgate("calibrate", "runs.csv", "--apply")

    assert ended.code == 0, ended.err
    assert settings(project).startswith("policy:\n  widen: ")


def test_applying_twice_writes_once(project: Project) -> None:
    project.write("runs.csv", table(LOUD))
    project.benchgate("calibrate", "runs.csv", "--apply")
    once = settings(project)

    ended = project.benchgate("calibrate", "runs.csv", "--apply")

    assert "already" in ended.out
    assert settings(project) == once


def test_apply_takes_back_what_is_not_needed_any_more(project: Project) -> None:
    project.write("benchgate.yml", "policy: {widen: 1.4}\n")
    project.write("runs.csv", table(QUIET))

    ended = project.benchgate("calibrate", "runs.csv", "--apply")

    assert ended.code == 0, ended.err
    assert settings(project) == "policy: {widen: 1}\n"


def test_apply_follows_a_link_and_keeps_the_rights(project: Project) -> None:
    project.write("shared.yml", "policy:\n  on_weak: warn\n")
    (project.root / "shared.yml").chmod(0o640)
    (project.root / "benchgate.yml").symlink_to("shared.yml")
    project.write("runs.csv", table(LOUD))

    project.benchgate("calibrate", "runs.csv", "--apply")

    assert (project.root / "benchgate.yml").is_symlink()
    assert "widen" in (project.root / "shared.yml").read_text()
    assert (project.root / "shared.yml").stat().st_mode & 0o777 == 0o640


def test_a_file_that_can_not_be_edited_safely_stays_as_it_is(project: Project) -> None:
    project.write("benchgate.yml", "{measure: {budget: 5m}}\n")
    project.write("runs.csv", table(LOUD))

    ended = project.benchgate("calibrate", "runs.csv", "--apply")

    assert ended.code == 2
    assert "is laid out so that it can't be edited safely" in ended.err
    assert "under `policy` yourself" in ended.err
    assert settings(project) == "{measure: {budget: 5m}}\n"


def test_a_document_stays_one_where_the_factor_is_applied(project: Project) -> None:
    project.write("runs.csv", table(LOUD))

    ended = project.benchgate("calibrate", "runs.csv", "--apply", "--format", "json")

    assert json.loads(ended.out)["schema"] == "benchgate-calibration/1"
    assert "benchgate.yml: policy.widen is now " in ended.err


def test_a_link_to_itself_is_not_replaced(project: Project) -> None:
    (project.root / "benchgate.yml").symlink_to("benchgate.yml")
    project.write("runs.csv", table(LOUD))

    ended = project.benchgate("calibrate", "runs.csv", "--apply")

    assert ended.code == 3
    assert "benchgate.yml: can't be written: is no file" in ended.err
    assert (project.root / "benchgate.yml").is_symlink()


def test_a_pipe_or_a_device_is_never_replaced_by_a_file(project: Project) -> None:
    project.write("runs.csv", table(LOUD))
    # Not /dev/null: a failing test that root runs would leave the machine without.
    pipe, end = os.pipe()
    os.close(end)

    words = ["--apply", "--config", f"/dev/fd/{pipe}"]
    ended = project.benchgate("calibrate", "runs.csv", *words)
    os.close(pipe)

    assert ended.code == 3
    assert f"/dev/fd/{pipe}: can't be written: is no file" in ended.err


def test_outside_of_a_repository_a_table_is_asked_for(
    bare: Project, tmp_path: Path
) -> None:
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()

    ended = Project(nowhere, bare.state, bare.capsys, bare.patch).benchgate("calibrate")

    assert ended.code == 2
    assert "is in no Git repository, so no runs are stored here" in ended.err
    assert "benchgate calibrate HISTORY" in ended.err


def test_a_table_that_is_too_short_asks_for_a_longer_one(project: Project) -> None:
    short = {name: values[:39] for name, values in QUIET.items()}
    project.write("runs.csv", table(short))

    ended = project.benchgate("calibrate", "runs.csv")

    assert "runs: micro: 39 of 40 runs, 1 is missing" in ended.err
    assert "hint: name a longer history; pairs, as " in ended.err


def test_a_disk_that_refuses_loses_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("benchgate.yml", "policy:\n  on_weak: warn\n")
    project.write("runs.csv", table(LOUD))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    ended = project.benchgate("calibrate", "runs.csv", "--apply")

    assert ended.code == 3
    assert "can't be written: No space left on device" in ended.err
    assert settings(project) == "policy:\n  on_weak: warn\n"
    assert drafts(project) == []


@pytest.mark.parametrize(("widen", "code"), [(1.0, 1), (2.0, 0)])
def test_the_factor_is_honoured_when_a_head_is_judged(
    project: Project, widen: float, code: int
) -> None:
    project.write("benchgate.yml", f"{STORE}policy: {{widen: {widen}}}\n")
    keep(project, {"a": noise(30, seed=1), "b": noise(30, seed=2)})
    head = Measurement(None, run({"a": [1.045e-6], "b": [1e-6]}), Design.STORED)
    project.write("head.json", document.encode(head).decode())

    ended = project.benchgate("compare", "--run", "head.json", "--against", "baseline")

    assert ended.code == code, ended.out + ended.err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--heads", "0"], "--heads: 0 is not from 1 to 10"),
        (["--heads", "11"], "--heads: 11 is not from 1 to 10"),
        (["--seed=-1"], "--seed: -1 is not from 0 to 4294967295"),
    ],
)
def test_a_number_out_of_range_is_a_usage_error(
    words: list[str], problem: str, project: Project
) -> None:
    project.write("runs.csv", table(QUIET))

    ended = project.benchgate("calibrate", "runs.csv", *words)

    assert ended.code == 2
    assert problem in ended.err


def test_a_table_that_is_damaged_is_an_error_and_no_calibration(
    project: Project,
) -> None:
    project.write("runs.parquet", "PAR1 and no more")

    ended = project.benchgate("calibrate", "runs.parquet")

    assert ended.code == 3
    assert "runs.parquet: is damaged: no magic bytes" in ended.err
    assert ended.out == ""


@pytest.mark.skipif(not HISTORIES.is_dir(), reason="no ../shared beside the checkout")
def test_a_public_history_keeps_its_level(project: Project) -> None:
    words = ["calibrate", str(HISTORIES / "rune.parquet"), "--format", "json"]

    once, again = project.benchgate(*words), project.benchgate(*words)

    (found,) = json.loads(once.out)["calibrations"]
    assert found["interval"][0] <= 0.01
    assert found["widen"] == 1
    assert once == again


@pytest.mark.skipif(not HISTORIES.is_dir(), reason="no ../shared beside the checkout")
def test_what_the_page_shows_is_what_is_printed_today(project: Project) -> None:
    page = Path(__file__).parents[2] / "docs" / "trust.md"

    ended = project.benchgate("calibrate", str(HISTORIES / "rune.parquet"))

    assert (
        f"<!-- rune -->\n```\n{ended.out}```\n<!-- end of rune -->" in page.read_text()
    )
