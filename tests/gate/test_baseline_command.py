"""``benchgate baseline`` and ``compare --against baseline``, end to end."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.gate.projects import Project

STORES = {
    "directory": "baseline: {store: directory}",
    "git-branch": "baseline: {store: git-branch}",
}
TIMES = {f"json/{n}": 100.0 * n for n in range(1, 6)}


@pytest.fixture(params=STORES)
def stored(project: Project, request: pytest.FixtureRequest) -> Project:
    """Return a clean project that keeps its runs, once in each kind of store."""
    project.write("benchgate.yml", STORES[request.param])
    project.bench(TIMES)
    project.commit("settings")
    return project


def record(project: Project, moved: float) -> str:
    """Keep a run in which everything took *moved* times as long; return its id."""
    project.bench({name: time * moved for name, time in TIMES.items()})
    project.commit(f"as {moved}")
    assert project.benchgate("run").code == 0
    ended = project.benchgate("baseline", "record")
    assert ended.code == 0, ended.err
    return ended.out.removeprefix("kept ").strip()


def test_a_run_is_recorded_listed_shown_and_exported(
    stored: Project,
) -> None:
    kept = record(stored, 1.0)

    listed = stored.benchgate("baseline", "list")
    shown = stored.benchgate("baseline", "show", kept)
    exported = stored.benchgate("baseline", "export")

    sha = stored.git("rev-parse", "HEAD").strip()
    assert listed.out.split()[-2:] == [sha[:12], kept]
    assert json.loads(shown.out)["head"]["commit"]["sha"] == sha
    rows = list(csv.DictReader(io.StringIO(exported.out)))
    medians = {r["benchmark"]: r["value"] for r in rows if r["statistic"] == "median"}
    assert float(medians["json/3"]) == pytest.approx(300e-9)
    assert {row["id"] for row in rows} == {kept}


def test_an_empty_store_says_what_to_do(stored: Project) -> None:
    ended = stored.benchgate("baseline", "list")

    assert ended.code == 0, ended.err
    assert ended.out.startswith("no run is stored yet: `benchgate run`")


def test_the_first_run_passes_and_says_that_there_was_nothing(stored: Project) -> None:
    ended = stored.benchgate("compare", "--against", "baseline")

    assert ended.code == 0, ended.err
    assert ended.out.startswith("passed: there was nothing to compare with")
    assert stored.run()["design"] == "stored"


@pytest.mark.parametrize(("moved", "code"), [(1.001, 0), (1.6, 1)])
def test_the_head_is_judged_against_eight_stored_runs(
    project: Project, moved: float, code: int
) -> None:
    project.write("benchgate.yml", STORES["directory"])
    project.bench(TIMES)
    for number in range(9):
        record(project, 1 + number % 3 / 1000)
    project.bench({**TIMES, "json/3": 300.0 * moved})

    ended = project.benchgate("compare", "--against", "baseline")

    assert ended.code == code, ended.out + ended.err
    assert project.report()["design"] == "stored"


def reruns(project: Project, *moved: float) -> list[str]:
    """Return the flags for runs in which json/3 took *moved* times as long."""
    names = [f"rerun{n}.json" for n in range(len(moved))]
    for name, factor in zip(names, moved, strict=True):
        project.bench({**TIMES, "json/3": 300.0 * factor})
        ended = project.benchgate("run", "--output", name)
        assert ended.code == 0, ended.err
    return [word for name in names for word in ("--run", name)]


def test_several_runs_of_the_head_are_judged_together(project: Project) -> None:
    project.write("benchgate.yml", STORES["directory"])
    project.write(".gitignore", "rerun*\n")
    for number in range(8):
        record(project, 1 + number % 3 / 1000)

    ended = project.benchgate(
        *("compare", "--against", "baseline", "--verbose"),
        *reruns(project, 1.05, 1.06, 1.04),
    )

    assert ended.code == 1, ended.out + ended.err
    assert "3 rounds against 8 stored" in ended.out


def test_runs_of_the_head_that_share_some_benchmarks_are_refused(
    project: Project,
) -> None:
    project.write("benchgate.yml", STORES["directory"])
    project.write(".gitignore", "rerun*\n")
    record(project, 1.0)
    flags = reruns(project, 1.0)
    project.bench({"json/1": 100.0, "json/9": 900.0})
    project.benchgate("run", "--output", "rerun9.json")

    ended = project.benchgate(
        "compare", "--against", "baseline", *flags, "--run", "rerun9.json"
    )

    assert ended.code == 3
    assert "the run documents share some benchmarks and not all" in ended.err


def test_uncommitted_changes_are_not_recorded(stored: Project) -> None:
    stored.write("benchgate.yml", "# changed")
    stored.benchgate("run")

    ended = stored.benchgate("baseline", "record")

    assert ended.code == 2
    assert "run.json: it was measured with uncommitted changes" in ended.err
    assert "hint: commit them, then `benchgate run` again" in ended.err


def test_a_partial_run_is_not_recorded(stored: Project) -> None:
    stored.bench(TIMES, ill={"json/2": "panic"})
    stored.commit("ill")
    stored.benchgate("run")

    ended = stored.benchgate("baseline", "record")

    assert ended.code == 3
    assert "a partial run is not kept: json/2 did not run" in ended.err


def test_the_slices_of_a_comparison_are_not_recorded(stored: Project) -> None:
    stored.benchgate("compare", "--rounds", "2", "--base", "HEAD")

    ended = stored.benchgate("baseline", "record")

    assert ended.code == 2
    assert "it holds the slices of a comparison" in ended.err
    assert "hint: measure the commit alone: `benchgate run`" in ended.err


@pytest.mark.parametrize("words", [["list", "--limit", "0"], ["export", "--limit=-1"]])
def test_a_limit_is_at_least_one(stored: Project, words: list[str]) -> None:
    ended = stored.benchgate("baseline", *words)

    assert ended.code == 2
    assert "is not at least 1" in ended.err


def test_a_run_that_regressed_is_recorded_for_it_is_a_fact(stored: Project) -> None:
    first = record(stored, 1.0)
    second = record(stored, 2.0)

    listed = stored.benchgate("baseline", "list").out.split()

    assert {first, second} <= {*listed}


def test_all_but_the_newest_runs_are_pruned(stored: Project) -> None:
    settings = (stored.root / "benchgate.yml").read_text()
    stored.write(
        "benchgate.yml", settings.replace("{store", "{window: 8, keep: 8, store")
    )
    stored.commit("keep eight")
    kept = {record(stored, 1 + number / 1000) for number in range(9)}
    listed = stored.benchgate("baseline", "list").out.split()
    # Of runs that were recorded in one second, the list says which is the oldest.
    oldest = listed[-1]

    planned = stored.benchgate("baseline", "prune", "--dry-run")
    done = stored.benchgate("baseline", "prune")
    again = stored.benchgate("baseline", "prune", "--keep", "9")

    stays = "the newest 8 of each environment stay"
    assert planned.out == f"{oldest}\n1 run would be removed, {stays}\n"
    assert done.out == f"{oldest}\n1 run removed, {stays}\n"
    assert again.out.startswith("0 runs removed")
    assert oldest in kept
    assert stored.benchgate("baseline", "verify").out == "8 runs fine\n"


def test_fewer_runs_than_the_window_are_not_kept(project: Project) -> None:
    ended = project.benchgate("baseline", "prune", "--keep", "29")

    assert ended.code == 2
    assert "--keep: 29 is less than the 30 runs that a head is compared" in ended.err


def test_verifying_names_the_damaged_run_and_ends_undecided(project: Project) -> None:
    project.write("benchgate.yml", STORES["directory"])
    record(project, 1.0)
    kept = record(project, 1.1)
    place = project.root / ".benchgate" / "baseline" / kept
    place.write_text(place.read_text()[:100])

    ended = project.benchgate("baseline", "verify")

    assert ended.code == 3
    assert ended.out.splitlines()[0].startswith(f"{place}: ")
    assert ended.out.splitlines()[1] == "1 run fine, 1 run damaged"


def test_a_damaged_run_is_an_error_that_names_it(
    project: Project,
) -> None:
    project.write("benchgate.yml", STORES["directory"])
    kept = record(project, 1.0)
    place = project.root / ".benchgate" / "baseline" / kept
    place.write_text(place.read_text()[:100])

    ended = project.benchgate("compare", "--against", "baseline")

    assert ended.code == 3
    assert kept in ended.err
    assert place.exists()
