"""The time that measuring may take is kept, and what it leaves open is said."""

from __future__ import annotations

import time

from tests.gate.projects import Project

TIMES = {"parse/1": 100.0, "parse/2": 2000.0, "sort": 500.0}


def test_a_used_up_budget_is_a_doubt_and_no_silent_pass(project: Project) -> None:
    project.write("benchgate.yml", "measure: {layouts: one}")
    project.bench(TIMES, takes=0.1)
    project.commit()

    ended = project.benchgate("compare", "--base", "HEAD", "--budget", "1500ms")

    assert ended.code == 0, ended.err
    (text,) = [d["text"] for d in project.report()["doubts"]]
    assert text.startswith("the budget of 1.50 s was used up after ")
    assert text.endswith("with 3 still open: raise `measure.budget`, or pass --budget")
    assert len(project.run()["head"]["rounds"]) < 20
    assert project.report()["cost"]["measuring"] < 5.0


def test_no_round_within_the_budget_is_undecided(project: Project) -> None:
    ended = project.benchgate("compare", "--base", "HEAD", "--budget", "1ms")

    assert ended.code == 3
    assert "the budget of 1.00 ms was used up before the first round" in ended.err
    assert "hint: raise `measure.budget`, or pass --budget" in ended.err


def test_what_was_never_measured_is_a_failure(project: Project) -> None:
    project.bench(TIMES, takes=0.5)
    project.commit()

    ended = project.benchgate("compare", "--base", "HEAD", "--budget", "1500ms")

    assert ended.code == 3, ended.err
    reasons = {f["reason"] for f in project.report()["failed"]}
    assert "it was not measured: the budget of 1.50 s was used up" in reasons


def test_what_was_measured_once_is_not_compared_and_that_is_no_pass(
    project: Project,
) -> None:
    project.write("benchgate.yml", "measure: {layouts: one}")
    project.bench({"sort": 500.0}, takes=2.5)
    project.commit()

    ended = project.benchgate("compare", "--base", "HEAD", "--budget", "4s")

    assert ended.code == 3, ended.err
    (failure,) = project.report()["failed"]
    assert failure["reason"] == (
        "it was measured once, and any spread needs 2 rounds: "
        "the budget of 4.00 s was used up"
    )


def test_what_only_the_head_has_is_bounded_by_the_budget(
    project: Project,
) -> None:
    many = {f"new/{number}": 100.0 for number in range(40)}
    project.bench({**TIMES, **many}, takes=0.5, ill=dict.fromkeys(many, "decimal"))
    project.commit()
    began = time.monotonic()

    ended = project.benchgate("compare", "--budget", "2s")

    assert ended.code == 3
    assert time.monotonic() - began < 12.0


def test_an_old_criterion_that_needs_more_than_the_budget_is_told(
    project: Project,
) -> None:
    project.bench(TIMES, criterion="0.3")
    project.commit()
    slow = "criterion before 0.4 measures for whole seconds, so that a round of 3 "
    slow += "benchmarks takes 12.0 s and the budget holds 1: update criterion, raise "
    slow += "`measure.budget`, or name fewer `benches`"

    told = []
    for words in (("--rounds", "2", "--budget", "20s"), ("--rounds", "2")):
        assert project.benchgate("compare", "--base", "HEAD", *words).code == 0
        texts = [doubt["text"] for doubt in project.report()["doubts"]]
        told.append(f"criterion: {slow}" in texts)

    assert told == [True, False]
