"""``benchgate compare`` without sources: both sides are built and measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.gate.projects import Project

FOUR = ("compare", "--rounds", "4")
TWO = ("compare", "--rounds", "2")
BASE = {"parse/1": 100.0, "parse/2": 2000.0, "sort": 500.0}
SLOWER = {**BASE, "parse/2": 2400.0}
# Just below the margin of 2 %, with noise that reaches beyond it.
OPEN, NOISE = 1.018, 0.006


def verdicts(project: Project, at: str = ".") -> dict[str, str]:
    judged = project.report(at)["judgements"]
    return {j["benchmark"]: j["verdict"] for j in judged}


def names(project: Project, what: str) -> list[str]:
    return [entry["benchmark"] for entry in project.report()[what]]


def texts(project: Project, what: str) -> str:
    return "\n".join(entry["text"] for entry in project.report()[what])


def slices(project: Project) -> list[str]:
    """Return the benchmark of every slice, in the order in which they ran."""
    return [call[-1] for call in project.calls("bench")]


def test_an_unchanged_change_passes(project: Project) -> None:
    project.write("src/lib.rs", "// a comment")
    project.commit()

    ended = project.benchgate(*FOUR)

    assert ended.code == 0, ended.err
    assert ended.out.startswith("passed: none of 3 benchmarks is slower\n")
    assert project.report()["outcome"] == "passed"


def test_a_slower_benchmark_is_named_and_fails(project: Project) -> None:
    project.bench(SLOWER)
    project.commit()

    ended = project.benchgate(*FOUR)

    assert ended.code == 1, ended.err
    assert verdicts(project) == {
        "parse/1": "unchanged",
        "parse/2": "regressed",
        "sort": "unchanged",
    }


def test_uncommitted_changes_are_measured(project: Project) -> None:
    project.bench(SLOWER)

    ended = project.benchgate(*FOUR)

    assert ended.code == 1, ended.err
    assert project.report()["head"]["dirty"] is True


def test_a_named_base_is_measured(project: Project) -> None:
    project.bench(SLOWER)
    slow = project.commit()
    project.write("README.md", "said again")

    ended = project.benchgate(*FOUR, "--base", slow)

    assert ended.code == 0, ended.err
    assert project.report()["base"]["commit"] == slow


def test_what_is_kept_can_be_judged_again(project: Project) -> None:
    project.bench(SLOWER)
    project.commit()
    project.benchgate(*FOUR)

    ended = project.benchgate("compare", "--run", ".benchgate/run.json")

    assert ended.code == 1, ended.err
    assert ended.out.startswith("regressed: 1 of 3 benchmarks is slower")


def test_criterions_own_samples_are_kept_and_can_be_read(project: Project) -> None:
    project.benchgate("compare", "--rounds", "2", "--base", "HEAD")
    raw = project.root / ".benchgate" / "raw"

    ended = project.benchgate(
        "compare",
        str(raw / "criterion-000-base.ndjson"),
        str(raw / "criterion-001-head.ndjson"),
    )

    assert ended.code == 0, ended.err


def test_the_order_of_slices_comes_from_the_commits(project: Project) -> None:
    project.benchgate(*TWO, "--base", "HEAD")
    first = slices(project)
    (project.state / "log").unlink()

    project.benchgate(*TWO, "--base", "HEAD")

    assert slices(project) == first
    assert sorted(first) == sorted(["parse/1", "parse/2", "sort"] * 4)


def test_each_slice_has_its_pair_next_to_it(project: Project) -> None:
    project.benchgate(*TWO, "--base", "HEAD")

    ran = slices(project)

    assert ran[0::2] == ran[1::2]


def test_slices_are_short_and_of_many_samples(project: Project) -> None:
    project.benchgate(*TWO, "--base", "HEAD")

    asked = " ".join(project.calls("bench")[0][1:-1])
    assert asked.startswith(
        "--bench --noplot --warm-up-time 0.05 --measurement-time 0.1 "
        "--sample-size 100 --nresamples 1000"
    )


def test_slices_run_in_the_folder_of_their_package(project: Project) -> None:
    project.benchgate(*TWO, "--base", "HEAD")

    folders = {call[0] for call in project.calls("bench")}

    assert str(project.root) in folders
    assert len(folders) == 2


def test_criterion_0_3_gets_whole_seconds_and_expressions(project: Project) -> None:
    project.bench({"a b (c)": 100.0, "a b (c) d": 100.0}, criterion="0.3")
    project.commit("old criterion")

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 0, ended.err
    asked = " ".join(project.calls("bench")[0][1:-1])
    assert asked.startswith(
        "--bench --noplot --warm-up-time 1 --measurement-time 1 "
        "--sample-size 100 --nresamples 1000"
    )
    # A space must not be escaped: old versions of Rust's regex crate refuse that.
    assert set(slices(project)) == {r"^a b \(c\)$", r"^a b \(c\) d$"}


def test_settings_of_the_first_look_end_what_is_settled(project: Project) -> None:
    project.write("benchgate.yml", "measure: {looks: [4, 8]}")
    project.bench(SLOWER)
    project.commit()

    ended = project.benchgate("compare")

    assert ended.code == 1, ended.err
    assert len(project.run()["head"]["rounds"]) == 4
    assert project.run()["share_of_error"] == pytest.approx(0.4)


def test_what_is_open_goes_on_alone(project: Project) -> None:
    project.write("benchgate.yml", "measure: {looks: [4, 6]}")
    project.bench({**BASE, "parse/2": 2000.0 * OPEN}, noise={"parse/2": NOISE})
    project.commit()

    project.benchgate("compare")

    counted = {name: slices(project).count(name) for name in set(slices(project))}
    assert counted == {"parse/1": 8, "parse/2": 12, "sort": 8}


def test_a_long_name_goes_on_being_measured_while_it_is_open(project: Project) -> None:
    long = "n" * 120
    project.write("benchgate.yml", "measure: {looks: [4, 6]}")
    project.bench({long: 2000.0, f"{long}/2": 2000.0, "sort": 500.0})
    project.commit("long names")
    slower = {long: 2000.0 * OPEN, f"{long}/2": 2000.0, "sort": 500.0}
    project.bench(slower, noise={long: NOISE})

    ended = project.benchgate("compare", "--base", "HEAD")

    assert ended.code == 0, ended.err
    title = "n" * 100 + "..."
    rounds = {
        j["benchmark"]: j["head"]["rounds"] for j in project.report()["judgements"]
    }
    assert rounds == {title: 6, f"{title} #2": 4, "sort": 4}


def test_a_new_benchmark_is_added_and_never_fails(project: Project) -> None:
    project.bench({"parse/1": 100.0, "parse/2": 2000.0, "sort": 500.0, "new": 9.0})
    project.commit()

    ended = project.benchgate(*TWO)

    assert ended.code == 0, ended.err
    assert names(project, "added") == ["new"]


def test_first_benchmarks_are_all_added(project: Project) -> None:
    project.git("rm", "--quiet", "-r", "benches")
    project.package(".")
    project.commit("none yet")
    project.package(".", "core")
    project.bench({"parse/1": 100.0})
    project.commit("the first")

    ended = project.benchgate(*TWO, "--base", "HEAD~1")

    assert ended.code == 0, ended.err
    assert names(project, "added") == ["parse/1"]


def test_a_missing_benchmark_is_removed_and_undecided(project: Project) -> None:
    project.bench({"parse/1": 100.0, "parse/2": 2000.0})
    project.commit()

    ended = project.benchgate(*TWO)

    assert ended.code == 3, ended.err
    assert names(project, "removed") == ["sort"]


def test_on_missing_warn_only_lists_it(project: Project) -> None:
    project.write("benchgate.yml", "policy: {on_missing: warn}")
    project.bench({"parse/1": 100.0, "parse/2": 2000.0})
    project.commit()

    ended = project.benchgate(*TWO)

    assert ended.code == 0, ended.err
    assert names(project, "removed") == ["sort"]


def test_sides_that_share_nothing_are_both_listed(project: Project) -> None:
    project.bench({"other": 100.0})
    project.commit()

    ended = project.benchgate(*TWO)

    assert ended.code == 3
    assert "base: criterion:parse/1, criterion:parse/2, criterion:sort" in ended.err
    assert "head: criterion:other" in ended.err


def test_a_rename_keeps_the_series(project: Project) -> None:
    project.write("benchgate.yml", "renames: {sort: order}")
    project.bench({"parse/1": 100.0, "parse/2": 2000.0, "order": 700.0})
    project.commit()

    ended = project.benchgate(*FOUR)

    assert ended.code == 1, ended.err
    assert verdicts(project)["order"] == "regressed"
    assert names(project, "removed") == []


def test_an_old_rename_says_nothing_of_a_base_that_has_the_new_name(
    project: Project,
) -> None:
    project.write("benchgate.yml", "renames: {sort: parse/1}")
    project.commit()

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 0, ended.err
    assert set(verdicts(project)) == {"parse/1", "parse/2", "sort"}


def test_globs_choose_what_is_measured(project: Project) -> None:
    project.write(
        "benchgate.yml", 'suites: {micro: {tool: criterion, benches: ["parse/*"]}}'
    )
    project.commit()

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 0, ended.err
    assert set(verdicts(project)) == {"parse/1", "parse/2"}
    recorded = [call for call in project.calls("cargo") if call[1] == "criterion"]
    assert [call[-1] for call in recorded] == ["^parse/1$|^parse/2$"] * 2


def test_globs_that_choose_nothing_are_no_pass(project: Project) -> None:
    project.write(
        "benchgate.yml", 'suites: {micro: {tool: criterion, benches: ["nope*"]}}'
    )

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 3
    assert "micro: no benchmark is listed that `benches` asks for" in ended.err


def test_more_benchmarks_than_a_log_shows_are_all_found(project: Project) -> None:
    many = {f"group/{number}": 100.0 for number in range(250)}
    project.bench(many)
    project.commit("many")

    ended = project.benchgate("run")

    assert ended.code == 0, ended.err
    assert ended.out.startswith("250 series in 1 rounds")


def test_a_changed_file_that_a_bench_reads_is_said(project: Project) -> None:
    project.bench({"parse": 100.0}, reads="../data/words.txt")
    project.write("data/words.txt", "one")
    project.commit()
    project.write("data/words.txt", "one two")

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 0, ended.err
    text = "criterion: data/words.txt changed, which benches seem to read"
    assert text in " ".join(each["text"] for each in project.report()["doubts"])


def test_a_suite_of_another_tool_is_left_out_with_a_sentence(project: Project) -> None:
    project.write(
        "benchgate.yml",
        "suites: {micro: {tool: criterion}, ours: {tool: pytest-benchmark}}",
    )
    project.commit()

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 0, ended.err
    assert texts(project, "left_out") == (
        "ours: pytest-benchmark results are read from files, not measured here"
    )


def test_progress_in_a_log_is_a_few_plain_lines(project: Project) -> None:
    project.write("README.md", "said again")
    project.commit()

    ended = project.benchgate(*FOUR)

    sha = project.git("rev-parse", "main")[:12]
    *said, last = ended.err.splitlines()
    assert said == [
        f"benchgate: checking out the base, {sha}",
        "benchgate: criterion: building the head's benches",
        "benchgate: criterion: building the base's benches",
        "benchgate: criterion: running the head's 3 benchmarks once",
        "benchgate: criterion: running the base's 3 benchmarks once",
    ]
    assert last.startswith("benchgate: round 1 of at most 4, 0:0")


def test_the_comment_and_the_report_lie_beside_what_was_measured(
    project: Project,
) -> None:
    project.benchgate(*TWO, "--base", "HEAD")

    kept = project.root / ".benchgate"
    assert "passed: none of 3 benchmarks" in (kept / "comment.md").read_text()
    assert json.loads((kept / "report.json").read_text())["outcome"] == "passed"


def test_places_are_asked_for_before_anything_is_measured(
    project: Project, tmp_path: Path
) -> None:
    place = tmp_path / "nowhere" / "report.json"

    ended = project.benchgate(*TWO, "--json", str(place))

    assert ended.code == 2
    assert f"{place}: its directory does not exist" in ended.err
    assert project.calls("cargo") == []


@pytest.mark.parametrize("rounds", ["0", "1"])
def test_too_few_rounds_are_refused(project: Project, rounds: str) -> None:
    ended = project.benchgate("compare", "--rounds", rounds)

    assert ended.code == 2
    assert f"--rounds: {rounds} is too few" in ended.err


def test_an_unknown_key_is_a_usage_error_with_the_nearest(project: Project) -> None:
    project.write("benchgate.yml", "measure: {bugdet: 10m}")

    ended = project.benchgate(*TWO)

    assert ended.code == 2
    assert "measure.bugdet: unknown key; nearest known: budget" in ended.err


def test_stale_results_do_not_outlive_a_comparison_that_fails(project: Project) -> None:
    project.benchgate(*TWO, "--base", "HEAD")
    project.bench({"parse/1": 1.0}, error="error: expected expression")

    ended = project.benchgate(*TWO)

    assert ended.code == 3
    assert not (project.root / ".benchgate" / "run.json").exists()
    assert not (project.root / ".benchgate" / "report.json").exists()
