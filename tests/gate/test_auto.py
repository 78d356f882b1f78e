"""``design: auto``: the stored runs first, pairs for what they don't clear."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.gate.projects import Project

CONFIG = """\
baseline: {store: directory, path: runs}
measure: {looks: [8], slice: 0.01s, budget: 10m}
"""
TIMES = {"json/1": 100.0, "json/2": 200.0, "json/3": 300.0, "json/4": 400.0}


@pytest.fixture
def known(project: Project) -> Project:
    """Return a project of which nine runs of its default branch are stored."""
    project.git("switch", "--quiet", "main")
    project.write("benchgate.yml", CONFIG)
    project.write(".gitignore", "runs\n")
    for number in range(8):
        moved = 1 + number % 3 / 1000
        project.bench({name: time * moved for name, time in TIMES.items()})
        project.commit(f"run {number}")
        for words in (["run"], ["baseline", "record"]):
            ended = project.benchgate(*words)
            assert ended.code == 0, ended.err
    project.git("switch", "--quiet", "--force-create", "change")
    return project


def settled_by(project: Project) -> dict[str, str]:
    """Return how each benchmark was settled."""
    judgements = project.report()["judgements"]
    return {j["benchmark"]: j["design"] for j in judgements}


def test_what_the_stored_runs_clear_is_not_paired(known: Project) -> None:
    known.bench({**TIMES, "json/3": 330.0})
    known.commit("slower")

    ended = known.benchgate("compare", "--verbose")

    assert ended.code == 1, ended.out + ended.err
    assert "looking at the head alone first, against 8 stored runs" in ended.err
    assert settled_by(known) == {
        "json/1": "stored",
        "json/2": "stored",
        "json/3": "paired",
        "json/4": "stored",
    }
    assert "3 with 1 round against 8 stored, 1 with 8 pairs." in ended.out
    paired = {s["benchmark"] for s in known.run()["head"]["series"]}
    assert paired == {"json/3"}


def test_the_run_document_says_the_same_again(known: Project) -> None:
    known.bench({**TIMES, "json/3": 330.0})
    known.commit("slower")
    known.benchgate("compare")
    report = known.report()

    ended = known.benchgate(
        "compare", "--run", ".benchgate/run.json", "--format", "json"
    )

    assert ended.code == 1, ended.err
    again = json.loads(ended.out)
    assert again["judgements"] == report["judgements"]


def test_where_all_is_cleared_the_base_is_not_even_built(known: Project) -> None:
    known.bench({name: time * 1.001 for name, time in TIMES.items()})
    known.commit("the same")
    before = len(known.calls("cargo"))

    ended = known.benchgate("compare", "--verbose")

    assert ended.code == 0, ended.out + ended.err
    assert ended.out.startswith("passed: none of 4 benchmarks is slower")
    assert set(settled_by(known).values()) == {"stored"}
    builds = [call for call in known.calls("cargo")[before:] if "--no-run" in call]
    assert len(builds) == 1


def test_a_benchmark_that_is_gone_is_still_missed(known: Project) -> None:
    kept = dict(list(TIMES.items())[1:])
    known.bench(kept)
    known.commit("without json/1")

    ended = known.benchgate("compare")

    assert ended.code == 3, ended.out + ended.err
    assert [m["benchmark"] for m in known.report()["removed"]] == ["json/1"]
    assert set(settled_by(known).values()) == {"stored"}


def test_a_new_benchmark_is_added(known: Project) -> None:
    known.bench({**TIMES, "json/5": 500.0})
    known.commit("with json/5")

    ended = known.benchgate("compare")

    assert ended.code == 0, ended.out + ended.err
    assert [m["benchmark"] for m in known.report()["added"]] == ["json/5"]


@pytest.mark.parametrize(
    "words", [["compare", "--base", "HEAD~1"], ["run", "--base", "HEAD~1"]]
)
def test_a_base_that_was_asked_for_is_paired_at_once(
    known: Project, words: list[str]
) -> None:
    known.commit("nothing")

    ended = known.benchgate(*words)

    assert ended.code == 0, ended.out + ended.err
    assert "first" not in ended.err
    assert len(known.run()["head"]["series"]) == len(TIMES)


def test_too_few_stored_runs_are_not_looked_at(known: Project) -> None:
    for kept in sorted(Path(known.root, "runs").rglob("*.json*"))[1:]:
        kept.unlink()
    known.commit("nothing")

    ended = known.benchgate("compare")

    assert ended.code == 0, ended.out + ended.err
    assert "first" not in ended.err
    assert set(settled_by(known).values()) == {"paired"}


def test_a_store_that_cannot_be_read_is_no_reason_not_to_measure(
    known: Project,
) -> None:
    damaged = max(Path(known.root, "runs").rglob("*.json*"))
    damaged.write_bytes(b"{")
    known.commit("nothing")

    ended = known.benchgate("compare")

    assert ended.code == 0, ended.out + ended.err
    assert "the stored runs can't be read, so all is paired: " in ended.err
    assert set(settled_by(known).values()) == {"paired"}
