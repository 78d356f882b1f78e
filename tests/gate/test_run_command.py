"""``benchgate run``: what is measured is written down, and nothing is judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gate.projects import Project

TIMES = {"parse/1": 100.0, "parse/2": 2000.0, "sort": 500.0}


def test_a_run_alone_holds_the_head_as_its_authors_set_it_up(project: Project) -> None:
    ended = project.benchgate("run")

    assert ended.code == 0, ended.err
    assert ended.out.startswith("3 series in 1 rounds: ")
    run = project.run()
    assert (run["base"], run["design"]) == (None, "stored")
    asked = [call for call in project.calls("cargo") if call[1] == "criterion"]
    assert ["--warm-up-time" in call for call in asked] == [False]


def test_a_run_with_a_base_holds_both_sides(project: Project, tmp_path: Path) -> None:
    out = tmp_path / "shard.json"

    ended = project.benchgate("run", "--base", "HEAD", "--rounds", "2", "-o", str(out))

    assert ended.code == 0, ended.err
    assert ended.out == f"3 series in 2 rounds: {out}\n"
    assert project.benchgate("compare", "--run", str(out)).code == 0


def test_what_cargo_criterion_leaves_out_runs_as_its_authors_set_it_up(
    project: Project,
) -> None:
    project.bench(TIMES, ill={"parse/2": "decimal"})

    ended = project.benchgate("run")

    assert ended.code == 0, ended.err
    assert ended.out.startswith("3 series in 1 rounds: ")
    ran = [" ".join(call[1:]) for call in project.calls("bench")]
    assert ran == [
        "--bench --noplot --exact parse/2",
        "--bench --noplot --exact sort",
    ]


def test_a_failure_is_named_and_no_success(project: Project) -> None:
    project.bench(TIMES, ill={"parse/2": "panic"})

    ended = project.benchgate("run")

    assert ended.code == 3
    said = "failed: criterion:parse/2: the benchmark ended with status 1\n"
    assert ended.out.startswith(said)
    assert "\n2 series in 1 rounds: " in ended.out


def test_a_suite_that_is_not_measured_here_is_said(project: Project) -> None:
    project.write(
        "benchgate.yml",
        "suites: {micro: {tool: criterion}, ours: {tool: pytest-benchmark}}",
    )

    ended = project.benchgate("run")

    assert ended.code == 0, ended.err
    assert ended.out.startswith("not measured: ours: pytest-benchmark results are read")


def test_a_document_of_one_side_is_not_compared_in_silence(project: Project) -> None:
    project.benchgate("run")

    ended = project.benchgate("compare", "--run", ".benchgate/run.json")

    assert ended.code == 2
    assert ".benchgate/run.json: it holds one side only" in ended.err


def test_shards_are_judged_together(bare: Project, tmp_path: Path) -> None:
    bare.package(".", "a", "b")
    bare.bench({"of a": 100.0}, at="a")
    bare.bench({"of b": 100.0}, at="b")
    bare.commit()
    bare.bench({"of b": 150.0}, at="b")
    words = []
    for name in ("a", "b"):
        settings, out = tmp_path / f"{name}.yml", tmp_path / f"{name}.json"
        settings.write_text(f"suites: {{s: {{tool: criterion, targets: [{name}]}}}}")
        bare.benchgate(
            *("run", "--base", "HEAD", "--rounds", "4"),
            *("--config", str(settings), "-o", str(out)),
        )
        words += ["--run", str(out)]

    ended = bare.benchgate("compare", *words, "--json", str(tmp_path / "report.json"))

    assert ended.code == 1, ended.err
    assert "of b" in ended.out
    assert ended.out.startswith("regressed: 1 of 2 benchmarks is slower")


def test_the_same_shard_twice_is_refused(project: Project, tmp_path: Path) -> None:
    out = str(tmp_path / "shard.json")
    project.benchgate("run", "--base", "HEAD", "--rounds", "2", "-o", out)

    ended = project.benchgate("compare", "--run", out, "--run", out)

    assert ended.code == 3
    assert 'shard 2: "parse/1" of criterion is in shard 1 too' in ended.err


def test_shards_of_different_commits_are_refused(
    project: Project, tmp_path: Path
) -> None:
    one, other = str(tmp_path / "one"), str(tmp_path / "other")
    project.benchgate("run", "--base", "HEAD", "--rounds", "2", "-o", one)
    project.write("README.md", "said")
    project.commit()
    project.benchgate("run", "--base", "HEAD", "--rounds", "2", "-o", other)

    ended = project.benchgate("compare", "--run", one, "--run", other)

    assert ended.code == 3
    assert "the run documents are of different commits" in ended.err


@pytest.mark.parametrize("place", ["nowhere/run.json", "."])
def test_a_place_that_cannot_be_is_refused_before_measuring(
    project: Project, place: str
) -> None:
    ended = project.benchgate("run", "-o", place)

    assert ended.code == 2
    assert project.calls("cargo") == []
