"""What seems to be slower is counted by valgrind, where there is one."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.gate.projects import Project, install, wait_for

FOUR = ("compare", "--rounds", "4")
BASE = {"parse/1": 100.0, "parse/2": 2000.0, "sort": 500.0}
SLOWER = {**BASE, "parse/2": 2400.0, "sort": 600.0}
MORE = {"parse/2": (1200, 3, 0)}
SAME = "it executes the same instructions (within 0.1 %) and no more allocations"


@pytest.fixture
def slower(project: Project, tools: Path) -> Project:
    """Return a project of which two benchmarks are slower, one by doing more."""
    install(tools, "valgrind")
    project.bench(SLOWER, work=MORE)
    project.commit()
    return project


def counted(project: Project) -> set[str]:
    return {call[-1] for call in project.calls("valgrind")}


def test_a_slowdown_is_told_from_more_work(slower: Project) -> None:
    ended = slower.benchgate(*FOUR)

    judged = {j["benchmark"]: j for j in slower.report()["judgements"]}
    assert ended.code == 1
    assert counted(slower) == {"parse/2", "sort"}
    assert judged["parse/1"]["statement"] is None
    assert judged["sort"]["statement"]["account"] == "same work"
    assert judged["parse/2"]["statement"] == {
        "account": "more work",
        "base": {"instructions": 1000.0, "allocations": 2.0, "system_calls": 0.0},
        "head": {"instructions": 1200.0, "allocations": 3.0, "system_calls": 0.0},
        "instructions": pytest.approx(0.2),
        "precision": pytest.approx(0.001, abs=1e-6),
        "allocations": 1.0,
        "system_calls": 0.0,
        "reason": "",
    }
    more = "20 % more instructions and 1 more allocation an iteration account for it"
    comment = (slower.root / ".benchgate" / "comment.md").read_text()
    comment = comment.replace("\N{NO-BREAK SPACE}", " ")
    assert more in ended.out
    assert more in comment
    assert SAME in ended.out
    assert SAME in comment.replace("`", "")


def test_what_was_counted_is_kept_and_said_again(slower: Project) -> None:
    first = slower.benchgate(*FOUR)

    again = slower.benchgate("compare", "--run", ".benchgate/run.json")

    assert len(slower.run()["witnesses"]) == 2
    assert SAME in again.out
    assert again.out.partition("\n")[0] == first.out.partition("\n")[0]


def test_nothing_is_counted_where_nothing_is_slower(
    project: Project, tools: Path
) -> None:
    install(tools, "valgrind")
    project.commit()

    ended = project.benchgate(*FOUR)

    assert ended.code == 0
    assert project.calls("valgrind") == []


def test_without_valgrind_nothing_is_said(project: Project) -> None:
    project.bench(SLOWER)
    project.commit()

    ended = project.benchgate(*FOUR)

    assert ended.code == 1
    assert project.run()["witnesses"] == []
    assert "instructions" not in ended.out


def test_a_count_that_fails_changes_no_verdict(
    slower: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_VALGRIND", "crash")

    ended = slower.benchgate(*FOUR)

    assert ended.code == 1
    assert (
        "its instructions were not counted: base: under valgrind it was killed by "
        "SIGILL" in ended.out
    )


def test_nothing_is_counted_once_the_budget_is_used_up(slower: Project) -> None:
    slower.bench(SLOWER, work=MORE, takes=0.1)
    slower.commit()

    slower.benchgate("compare", "--rounds", "100", "--budget", "3s")

    assert slower.calls("valgrind") == []
    assert slower.run()["head"]["rounds"]


def test_an_interrupted_count_loses_nothing_that_was_measured(
    slower: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_VALGRIND", "hang")
    process = slower.started(*FOUR)
    wait_for(slower.state / "hanging", process)

    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "stopped after 4 rounds" in said
    assert len(slower.run()["head"]["rounds"]) == 4
    again = slower.benchgate("compare", "--run", ".benchgate/run.json")
    assert again.code == 1
    assert "measuring was stopped" not in again.out
